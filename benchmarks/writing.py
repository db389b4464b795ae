"""How texts are written: the lengths of summaries, and the price of own words in training.

    LONGSHORT_DATA=FOLDER python benchmarks/writing.py [--parts lengths price] [--messages 2000]

lengths: a small network on so many messages of AESLC; ROUGE-1 and words written per word wanted, by
length penalty and least length, on the validation and on the test split, beside those of the first
sentence. Only the validation split may choose among them.
price: seconds of a training step of the network of multi30k with its targets in one scan, and with
scheduled sampling step by step, interleaved, on one thread.

Results and the environment go to benchmarks/results/writing.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from seq2seq import subjects

from longshort.data.coding import BEGIN, END
from longshort.data.parallel import Pairs
from longshort.data.splits import Given
from longshort.metrics.leads import first_sentence
from longshort.runs import story
from longshort.runs.job import Job, environment
from longshort.runs.task import quiet, untracked
from longshort.runs.writing import Writing, Written, written_by
from longshort.tasks.seq2seq.config import PairModel
from longshort.tasks.seq2seq.encoder import Batch
from longshort.tasks.seq2seq.habits import habits
from longshort.tasks.seq2seq.network import EncoderDecoder
from longshort.tasks.seq2seq.written import write
from longshort.train.events import silent

RESULTS = Path(__file__).parent / "results" / "writing.json"
PENALTIES, LEAST = (0.5, 1.0, 2.0, 4.0), (0, 4, 6)
HELD = 400
ROUNDS, BATCH, STEPS = 9, 64, 15


def some(pairs: Pairs, count: int) -> Pairs:
    """Evenly drawn pairs."""
    return pairs.take(np.random.default_rng(0).permutation(len(pairs))[:count])


def lengths(data: Path, messages: int) -> dict[str, Any]:
    """Scores of a small network's summaries by length penalty and least length."""
    splits = subjects(data)
    given = Given(*(some(splits[name], count) for name, count in
                    (("train", messages), ("val", HELD), ("test", HELD))))  # fmt: skip
    model = {"hidden": 128}
    settings = {"task": "summarise", "model": model, "train": {"max_epochs": 8, "threads": 1}}
    job: Any = Job(story.prepare(settings, given), quiet)
    job.train(None, silent, resume=False)
    said: list[str] = []
    job.fit_rest(said.append, untracked)
    found: dict[str, Any] = {"messages": messages, "chosen": said}
    for name in ("val", "test"):
        encoded = job.encoded.get(name) or job._validation()
        lead = written_by([first_sentence(text) for text in encoded.samples.sources])
        found[name] = {"first_sentence": measured(job, encoded.samples, lead)}
        for least in LEAST:
            how = job.config.write.model_copy(update={"min_length": least})
            model = replace(job.model, config=job.config.model_copy(update={"write": how}))
            for alpha in PENALTIES:
                texts = write(model, encoded.arrays, how=Writing(length_penalty=alpha))
                key = f"penalty {alpha:g}, least {least}"
                found[name][key] = measured(job, encoded.samples, texts)
    return found


def measured(job: Any, samples: Pairs, found: Written) -> dict[str, float]:
    """ROUGE-1, and words written per word wanted."""
    values = job.task.values(job.config, samples, found.texts) | habits(samples, found)
    return {name: round(values[name], 3) for name in ("rouge1", "length")}


def price(threads: int) -> dict[str, Any]:
    """Seconds of a training step, in one scan and step by step."""
    torch.set_num_threads(threads)
    network = EncoderDecoder(PairModel(embedding=256, hidden=512, tied=True), 5000, 5000)
    draw = np.random.default_rng(0)
    numbers = torch.from_numpy(draw.integers(4, 5000, (STEPS, BATCH)))
    begin, end = torch.full((1, BATCH), BEGIN), torch.full((1, BATCH), END)
    full = torch.full((BATCH,), STEPS)
    batch = Batch(numbers, full, torch.cat([begin, numbers]), torch.cat([numbers, end]))
    times: dict[float, list[float]] = {0.0: [], 0.5: []}
    for _ in range(ROUNDS):
        for own, each in times.items():
            begun = time.perf_counter()
            network.zero_grad()
            network.losses(batch, own).nats.backward()
            each.append(time.perf_counter() - begun)
    whole, stepwise = (statistics.median(each[2:]) for each in times.values())
    return {"threads": threads, "scan": whole, "steps": stepwise, "ratio": stepwise / whole}


def main() -> None:
    """Run the parts that are asked for, and keep the results of the others."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", default=["lengths", "price"])
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    for part in chosen.parts:
        if part == "lengths":
            results[part] = lengths(Path(os.environ["LONGSHORT_DATA"]), chosen.messages)
        else:
            results[part] = price(1)
        results["environment"] = environment()
        chosen.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
