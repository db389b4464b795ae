"""Translation and summaries: our defaults beside their baselines, and beside torch's LSTM.

    LONGSHORT_DATA=FOLDER python benchmarks/seq2seq.py [--parts de-en speed …] [--show]

de-en, en-de: multi30k with its official splits, test 2016, cased and detokenised. zh-en: sentences
of Tatoeba in splits without a common sentence. subjects: AESLC, with copying and without. captions:
Flickr8k with features of MobileNetV2.
attention: the first 10,000 pairs of de-en with and without attention, 30 epochs, three seeds.
speed: training steps of the same network with our layers and with nn.LSTM, interleaved; time of
the test split by a beam of 5.

Scores are of free-running decoding. Settings are the defaults but for what a part is about. Results
and the environment go to benchmarks/results/seq2seq.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from seq2seq_torch import WithTorch

import longshort as ls
from longshort.data.coding import BEGIN, END
from longshort.data.parallel import Pairs, pairs_of
from longshort.data.splits import Given
from longshort.runs import story, trained
from longshort.runs.job import environment
from longshort.runs.task import quiet
from longshort.tasks.seq2seq.config import PairModel
from longshort.tasks.seq2seq.encoder import Batch
from longshort.tasks.seq2seq.network import EncoderDecoder
from longshort.tasks.seq2seq.written import write
from longshort.train.events import silent

RESULTS = Path(__file__).parent / "results" / "seq2seq.json"
PARTS = ("de-en", "en-de", "zh-en", "subjects", "captions", "speed")
ROUNDS, BATCH, STEPS = 15, 64, 15
Settings = dict[str, Any]


def multi30k(data: Path, source: str, target: str) -> dict[str, Pairs]:
    """The official splits, by split name."""
    names = {"train": "train", "val": "val", "test": "test_2016_flickr"}

    def lines(name: str, language: str) -> list[str]:
        path = data / "multi30k" / f"{name}.{language}.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.read().splitlines()

    return {
        split: pairs_of(lines(name, source), lines(name, target)) for split, name in names.items()
    }


def tatoeba(data: Path) -> dict[str, Pairs]:
    """Chinese and English sentences; the splits are drawn by the run."""
    with gzip.open(data / "cmn_en" / "cmn.tsv.gz", "rt", encoding="utf-8-sig") as file:
        rows = [line.split("\t") for line in file if "\t" in line]
    return {"train": pairs_of([row[1] for row in rows], [row[0] for row in rows])}


def subjects(data: Path) -> dict[str, Pairs]:
    """Messages and their subject lines; of the later splits also the other annotators' ones."""
    found: dict[str, dict[str, list[str]]] = {"train": {}, "dev": {}, "test": {}}
    with tarfile.open(data / "aeslc" / "aeslc.tar.gz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".subject"):
                file = archive.extractfile(member)
                assert file is not None
                split = member.name.split("/")[-2]
                found[split][member.name] = (
                    file.read().decode("utf-8", "replace").split("\n@subject\n")
                )
    splits = {}
    for name, split in (("train", "train"), ("dev", "val"), ("test", "test")):
        texts = [each for _, each in sorted(found[name].items())]
        bodies = [each[0].strip() for each in texts]
        titles = [each[1].split("\n@ann")[0].strip() for each in texts]
        splits[split] = pairs_of(bodies, titles)
    return splits


def one_run(splits: dict[str, Pairs], settings: Settings) -> dict[str, Any]:
    """Train, score and time a run; the folder is thrown away."""
    data = (
        Given(splits["train"], splits.get("val"), splits.get("test"))
        if len(splits) > 1
        else splits["train"]
    )
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        scores = story.run(settings, Path(folder) / "run", data=data, say=quiet, listen=silent)
        seconds = time.perf_counter() - begun
        loaded = trained.load(Path(folder) / "run")
        size = sum(each.numel() for each in loaded.model.network.parameters())
        arrays = (
            loaded.task.encode(loaded.model.encoder, splits["test"]) if "test" in splits else None
        )
        written = 0.0
        if arrays is not None:
            begun = time.perf_counter()
            write(loaded.model, arrays, with_scores=False)
            written = time.perf_counter() - begun
        return {
            "test": scores["test"], "verdict": scores["verdict"], "seconds": round(seconds),
            "training": scores["training"], "parameters": size,
            "beam_seconds": round(written, 1),
        }  # fmt: skip


def captions(data: Path) -> dict[str, Any]:
    """Flickr8k's official splits, with features of MobileNetV2."""
    folder = data / "flickr8k"
    begun = time.perf_counter()
    run = ls.Captioner().fit(
        folder / "captions.tsv.gz",
        places=folder / "mobilenetv2_grid64.npz",
        whole=folder / "mobilenetv2_global.npz",
    )
    seconds = round(time.perf_counter() - begun)
    return {"test": run.scores["test"], "verdict": run.verdict, "seconds": seconds}


def attention(data: Path) -> dict[str, Any]:
    """BLEU of the same decoder with attention and without, from the same pairs and seeds."""
    splits = multi30k(data, "de", "en")
    splits["train"] = splits["train"].take(np.arange(10_000))
    kinds = ("general", "none")
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for seed in range(3):
        for kind in kinds:
            model = {"attention": kind}
            train = {"seed": seed, "max_epochs": 30}
            settings = {"task": "translate", "train": train, "model": model}
            runs[kind].append(one_run(splits, settings))
    of = {kind: [run["test"]["model"]["bleu"] for run in runs[kind]] for kind in kinds}
    gains = np.subtract(of["general"], of["none"])
    half = 4.303 * gains.std(ddof=1) / 3**0.5  # Student's t, 2 degrees of freedom, 95 %
    mean = float(gains.mean())
    return runs | {"gain": {"bleu": of, "mean": mean, "interval": [mean - half, mean + half]}}


def speed(threads: int) -> dict[str, Any]:
    """Target tokens a second in training, of the same network with our layers and with torch's."""
    torch.set_num_threads(threads)
    settings = PairModel(embedding=256, hidden=512, tied=True)
    draw = np.random.default_rng(0)
    numbers = torch.from_numpy(draw.integers(4, 8000, (STEPS, BATCH)))
    lengths = torch.from_numpy(np.sort(draw.integers(STEPS - 4, STEPS + 1, BATCH))[::-1].copy())
    lengths[0] = STEPS
    begin, end = torch.full((1, BATCH), BEGIN), torch.full((1, BATCH), END)
    batch = Batch(numbers, lengths, torch.cat([begin, numbers]), torch.cat([numbers, end]))
    found: dict[str, Any] = {"threads": threads}
    shared = seconds_of_output(batch)
    for placement in ("after", "feeding"):
        model = settings.model_copy(update={"placement": placement})
        networks = {"ours": EncoderDecoder(model, 8000, 8000), "torch": WithTorch(model, 8000)}
        optimizers = {name: torch.optim.Adam(each.parameters()) for name, each in networks.items()}
        times: dict[str, list[float]] = {name: [] for name in networks}
        times["output"] = []
        for _ in range(ROUNDS):
            times["output"].append(shared())
            for name, network in networks.items():
                begun = time.perf_counter()
                optimizers[name].zero_grad()
                network.losses(batch).nats.backward()
                optimizers[name].step()
                times[name].append(time.perf_counter() - begun)
        tokens = BATCH * (STEPS + 1)
        seconds = {name: statistics.median(each[2:]) for name, each in times.items()}
        rest = {name: each - seconds["output"] for name, each in seconds.items()}
        found[placement] = {
            **{name: tokens / seconds[name] for name in networks},
            "ratio": seconds["torch"] / seconds["ours"],
            "output_share": seconds["output"] / seconds["ours"],
            "ratio_of_the_rest": rest["torch"] / rest["ours"],
        }
    return found


def seconds_of_output(batch: Batch) -> Callable[[], float]:
    """Timer of what both networks share: scores of all tokens, the loss and its gradients."""
    wanted = batch.wanted[batch.wanted > 0]
    outputs = torch.randn(len(wanted), 256, requires_grad=True)
    vectors = torch.randn(8000, 256, requires_grad=True)

    def once() -> float:
        begun = time.perf_counter()
        logs = torch.nn.functional.linear(outputs, vectors).log_softmax(-1)
        torch.autograd.backward(-logs.gather(1, wanted[:, None]).mean())
        return time.perf_counter() - begun

    return once


def makers(data: Path, seeds: int) -> dict[str, Callable[[], Any]]:
    """What each part does."""

    def translate(source: str, target: str, **more: Any) -> list[dict[str, Any]]:
        splits = multi30k(data, source, target)
        return [
            one_run(splits, {"task": "translate", "train": {"seed": s}, **more})
            for s in range(seeds)
        ]

    return {
        "de-en": lambda: translate("de", "en"),
        "en-de": lambda: translate("en", "de"),
        "zh-en": lambda: [one_run(tatoeba(data), {"task": "translate"})],
        "subjects": lambda: {
            name: one_run(subjects(data), {"task": "summarise", "model": {"copying": copying}})
            for name, copying in (("copying", True), ("plain", False))
        },
        "attention": lambda: attention(data),
        "captions": lambda: [captions(data)],
        "speed": lambda: [speed(threads) for threads in (1, 2)],
    }


def show(results: dict[str, Any]) -> None:
    """Print what was found."""
    for part, found in results.items():
        if part not in ("environment", "speed"):
            runs = found.items() if isinstance(found, dict) else enumerate(found)
            for name, each in runs:
                if name == "gain":
                    print(f"{part}: {json.dumps(each)}")
                    continue
                for run in each if isinstance(each, list) else [each]:
                    print(f"{part} {name}: {run['seconds']} s, {run['verdict']}")
        elif part == "speed":
            print(json.dumps(found, indent=1))


def main() -> None:
    """Run the parts that are asked for, and keep the results of the others."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--parts", nargs="+", default=["de-en", "en-de", "zh-en", "subjects", "speed"]
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    if not chosen.show:
        made = makers(Path(os.environ["LONGSHORT_DATA"]), chosen.seeds)
        for part in chosen.parts:
            results[part] = made[part]()
            results["environment"] = environment()
            chosen.out.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
