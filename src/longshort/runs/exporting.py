"""Export of a finished run as a bundle that predicts without torch, with the proof that it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from longshort.errors import RunError
from longshort.export.network import Called, Recorder, exported
from longshort.runfolder import CARD, CONFIG, DATA, SCORES, RunFolder
from longshort.runs.bundle import Golden, write_bundle
from longshort.runs.proof import CLOSE, Proof, prove
from longshort.runs.task import Say, quiet
from longshort.runs.tensors import TorchCalls
from longshort.runs.trained import AnyTrained, load

_KEPT = 3
"""Number of calls of each function that a bundle keeps: the first ones, and the largest."""


def export_run(
    run: Path, out: Path, data: object = None, *, memory: object = None, say: Say = quiet
) -> Proof:
    """Write a finished run as a bundle; returns how near it is to the trained network.

    data: samples on which the network is recorded; None: the run's own test split. memory: what the
    run was trained on, where that is not in a file. Raises `RunError` where the network cannot be
    written so, or answers differently.
    """
    from longshort.config import read_toml

    trained = load(run).remember(memory)
    if data is None and memory is None and trained.config.path is None:
        raise RunError(
            f"{run}: was trained on data in memory; give samples that prove the export with --data"
        )
    samples = trained.own_splits().test if data is None else trained.read(data, say)
    calls = recorded(trained, samples)
    network = exported(trained.model.network, calls)
    golden = [Golden(each.function, each.inputs, each.answer) for each in _chosen(calls)]
    proof = prove(network, golden)
    if not proof.is_equal:
        worst = max(proof.differences, key=lambda name: proof.differences[name])
        raise RunError(
            f"{run}: the exported network answers differently from the trained one: {worst} by "
            f"{proof.worst:.2g} where {CLOSE:g} is allowed; nothing was written"
        )
    folder = RunFolder.open(run)
    model = replace(trained.model, network=network)
    settings = read_toml(folder.file(CONFIG))
    card = folder.file(CARD).read_text(encoding="utf-8")
    write_bundle(
        out, settings, folder.read_json(DATA), model, golden, card, folder.read_json(SCORES)
    )
    return proof


def recorded(trained: AnyTrained, samples: object) -> list[Called]:
    """Return the calls of the network by all that a task does with it in inference."""
    model, task = trained.model, trained.task
    recorder = Recorder(TorchCalls(model.network, model.device))
    task.rehearse(replace(model, network=recorder), task.encode(trained.encoder, samples))
    return recorder.calls


def _chosen(calls: Sequence[Called]) -> list[Called]:
    """Return a few calls of each function: the first ones, and the largest."""
    by_key: dict[tuple[str, str], list[Called]] = {}
    for call in calls:
        by_key.setdefault(call.key, []).append(call)
    found = []
    for same in by_key.values():
        largest = max(same, key=lambda call: call.size)
        first = [each for each in same[:_KEPT] if each is not largest]
        found += [*first, largest]
    return found
