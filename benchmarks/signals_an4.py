"""AN4: speech recognition from 13 MFCC by CTC, beside published results.

The official splits; a tenth of the training utterances, of speakers of their own, is for
validation. Weight and bonus of language models are chosen there, and the test utterances are heard
once. The language models are n-grams of the training transcripts alone. Times are of the processor.
"""

from __future__ import annotations

import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from longshort.runs import story, trained
from longshort.runs.task import Encoded, quiet, untracked
from longshort.runs.transcribing import Listening
from longshort.tasks.transcribe import scoring
from longshort.tasks.transcribe.inference import ModelOf, hear
from longshort.tasks.transcribe.language import Language
from longshort.tasks.transcribe.samples import Utterances
from longshort.tasks.transcribe.weighing import chosen_weights
from longshort.train.events import EpochEnded, Event

PUBLISHED = {
    "espnet, transformer with sub-words (its recipe an4/asr1)": {"wer": 7.6, "cer": 3.6},
    "DeepSpeech2-style CTC (a public repository)": {"wer": 5.09, "cer": 2.99},
}
"""Test error rates that others state; they read waveforms or spectrograms of the recordings."""
Ways = Callable[[ModelOf, Utterances, Encoded[Utterances]], dict[str, tuple[ModelOf, Listening]]]
"""From a model, training and validation utterances to ways of hearing, by name."""
SETTINGS: dict[str, Any] = {
    "task": "transcribe",
    "audio": {"normalise": "both"},
    "model": {"hidden": 128, "num_layers": 2, "patch": 4, "dropout": 0.25},
    "vary": {"time_share": 0.07, "band_share": 0.16},
    "train": {"learning_rate": 0.006, "max_epochs": 45, "patience": 20, "threads": 1},
}
"""Two layers, which learn in three processor minutes; `signals_an4_larger` takes more."""
MINUTES = 60.0


def measure(data: Path) -> dict[str, Any]:
    """Train and score the network with the head for CTC."""
    return {"published": PUBLISHED, **of_settings(data, {"language": {"kind": "words"}}, by_models)}


def of_settings(data: Path, more: dict[str, Any], ways: Ways) -> dict[str, Any]:
    """Train and score a network with these further settings, on one thread."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(data / "an4" / "an4_mfcc.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        tables = {key: {**SETTINGS.get(key, {}), **table} for key, table in more.items()}
        return one_run(Path(folder), {**SETTINGS, **tables, "data": _files(Path(folder))}, ways)


def one_run(folder: Path, settings: dict[str, Any], ways: Ways) -> dict[str, Any]:
    """Train, and hear the test utterances in several ways."""
    out, begun = folder / "run", (time.process_time(), time.perf_counter())
    scores = story.run(settings, out, say=print, listen=listen)
    minutes = [(now - then) / MINUTES for now, then in
               zip((time.process_time(), time.perf_counter()), begun, strict=True)]  # fmt: skip
    run = trained.load(out)
    splits = run.own_splits()
    encoded = {
        name: Encoded(each, run.task.encode(run.encoder, each))
        for name, each in splits.by_name().items()
    }
    found = {
        name: heard(model, encoded["test"], how)
        for name, (model, how) in ways(run.model, splits.train, encoded["val"]).items()
    }
    kept = {name: float(value) for name, value in run.model.kept.items()}
    return {
        "test": found, "baselines": scores["test"]["baselines"], "verdict": scores["verdict"],
        "training": scores["training"], "weights": kept,
        "processor_minutes": minutes[0], "minutes": minutes[1],
    }  # fmt: skip


def by_models(
    model: ModelOf, train: Utterances, val: Encoded[Utterances]
) -> dict[str, tuple[ModelOf, Listening]]:
    """Hear greedily, and by a beam search with language models of words and of characters."""
    return {
        "greedy": (model, Listening(beam=1)),
        "words": (model, Listening()),
        "characters": (with_characters(model, train, val), Listening()),
    }


def _files(folder: Path) -> dict[str, str]:
    named = {"path": "train", "test_path": "test"}
    files = {key: folder / "etc" / f"an4_{part}.transcription" for key, part in named.items()}
    return {**{key: str(path) for key, path in files.items()}, "root": str(folder / "feat")}


def with_characters(model: ModelOf, train: Utterances, val: Encoded[Utterances]) -> ModelOf:
    """Return the model with a language model of characters instead of words, weighed anew."""
    alphabet, texts = model.encoder.alphabet, train.texts or []
    language = Language.fit("characters", 6, texts, alphabet)
    other = replace(model, encoder=replace(model.encoder, language=language), kept={})
    return replace(
        other, kept=chosen_weights(other, val.arrays, val.samples.texts or [], quiet, untracked)
    )


def heard(model: ModelOf, test: Encoded[Utterances], how: Listening) -> dict[str, Any]:
    """Return error rates, and the processor time for a second of speech."""
    taken, found = timed(lambda: hear(model, test.arrays, how))
    seconds = float(test.arrays.lengths.sum()) * model.config.audio.hop / 1000
    values = scoring.values(test.samples.texts or [], found.texts)
    return {**values, "real_time_factor": taken / seconds}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor time of a call, and its result."""
    begun = time.process_time()
    found = call()
    return time.process_time() - begun, found


def listen(event: Event) -> None:
    """Print the epochs."""
    if isinstance(event, EpochEnded):
        print(event.record, flush=True)


def show(results: dict[str, Any]) -> list[str]:
    """Return a line for each way of hearing, and for what stands beside."""
    lines = [
        f"{how}: WER {v['wer']:.1f}, CER {v['cer']:.1f}, real-time factor "
        f"{v['real_time_factor']:.4f}"
        for how, v in results["test"].items()
    ]
    lines.append(f"{results['processor_minutes']:.1f} processor minutes in all")
    for name, v in results["baselines"].items():
        lines.append(f"baseline {name}: WER {v['wer']:.1f}, CER {v['cer']:.1f}")
    for name, v in results.get("published", {}).items():
        lines.append(f"published, {name}: WER {v['wer']}, CER {v['cer']}")
    return lines
