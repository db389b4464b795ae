"""A finished run's folder as networks with their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from longshort.runfolder import MODEL
from longshort.runs.job import BASELINES, KEPT, NETWORK, check_device
from longshort.runs.lookup import AnyTask
from longshort.runs.prepare import restored_encoder
from longshort.runs.seal import digest_of, refuse_broken_seal
from longshort.runs.story import open_run
from longshort.runs.task import Model
from longshort.train.checkpoint import load_model, load_weights

AnyModel = Model[Any, Any]


def load_run(path: Path) -> tuple[AnyTask, AnyModel, dict[str, AnyModel], str, str]:
    """Return the task, the model, its baseline networks, and digests of data and model.

    Raises `RunError` if a file is damaged, or was changed since training ended.
    """
    folder, task, config, stored = open_run(path)
    refuse_broken_seal(folder)
    check_device(config)
    encoder = restored_encoder(task, config, stored)
    tensors = load_model(folder)
    file = folder.file(MODEL)
    kept = {name: values.numpy() for name, values in _named(tensors, KEPT).items()}
    model = Model(config, encoder, task.build(config, encoder), kept)
    _fill(model, _named(tensors, NETWORK), file)
    networks = {}
    for name, each in task.baseline_models(model).items():
        weights = _named(tensors, f"{BASELINES}{name}.")
        if weights:
            _fill(each, weights, file)
            networks[name] = each
    return task, model, networks, str(stored.get("content")), digest_of(folder)


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _fill(model: AnyModel, weights: dict[str, Tensor], file: Path) -> None:
    load_weights(model.network, weights, file)
    model.network.to(model.device).eval()
