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
from longshort.runs.rounding import kind_of, rounded_run
from longshort.runs.task import Say, quiet
from longshort.runs.tensors import TorchCalls
from longshort.runs.trained import AnyTrained, load
from longshort.runtime.network import Network
from longshort.runtime.recurrent import Layers

_KEPT = 3
"""Number of calls of each function that a bundle keeps: the first ones, and the largest."""


def export_run(
    run: Path,
    out: Path,
    data: object = None,
    *,
    memory: object = None,
    weights: str = "float32",
    say: Say = quiet,
) -> Proof:
    """Write a finished run as a bundle; returns how near it is to the trained network.

    data: samples on which the network is recorded; None: the run's own test split. memory: what the
    run was trained on, where that is not in a file. weights: of recurrent layers, "float32",
    "bfloat16" or "int8". Raises `RunError` where the network cannot be
    written so, or answers differently.
    """
    from longshort.config import read_toml

    weights = kind_of(weights)
    trained = load(run).remember(memory)
    scores = RunFolder.open(run).read_json(SCORES)
    if data is None and memory is None and trained.config.path is None:
        raise RunError(
            f"{run}: was trained on data in memory; give samples that prove the export with --data"
        )
    samples = trained.own_splits().test if data is None else trained.read(data, say)
    rounding = None
    if weights != "float32":
        trained, rounding = rounded_run(trained, weights, scores)
        say(f"note: {rounding.sentence()}")
    calls = recorded(trained, samples)
    plain = exported(trained.model.network, calls)
    network = Network(plain.functions.values(), plain.weights, Layers(weights))
    golden = [Golden(each.function, each.inputs, each.answer) for each in _chosen(calls)]
    proof = replace(
        prove(network, golden), rounding=None if rounding is None else rounding.to_dict()
    )
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
    content = settings, folder.read_json(DATA), scores
    write_bundle(out, content, model, golden, card, proof.rounding)
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
