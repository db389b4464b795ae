"""The whole jobs: run, resume, load, evaluate; each a short story in other modules' words."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from longshort.config import RunConfig, build, read_toml, to_toml
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.doctor import examine
from longshort.data.findings import refuse_errors
from longshort.data.panel import Panel
from longshort.data.split import Split, make_split
from longshort.data.timeline import Freq
from longshort.errors import LongshortError, RunError
from longshort.evaluate.baselines import LinearLags
from longshort.report.card import model_card
from longshort.report.content import ReportInput
from longshort.report.html import build_report
from longshort.runfolder import (
    CARD,
    CONFIG,
    DATA,
    ENV,
    MODEL,
    PREDICTIONS,
    REPORT,
    SCORES,
    RunFolder,
)
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.leakage import leakage_proof
from longshort.tasks.forecast.predict import Prediction, predict, test_table
from longshort.tasks.forecast.scoring import (
    Scored,
    Verdict,
    give_verdict,
    score_table,
    score_windows,
)
from longshort.tasks.forecast.task import Forecaster, ForecastTask, build_network
from longshort.train import TrainPlan, TrainResult, fit
from longshort.train.checkpoint import load_tensors, load_weights, save_tensors
from longshort.train.events import Listener, silent

Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Trained:
    """A forecaster ready for use, with its linear rival and the grid it was trained on."""

    config: RunConfig
    forecaster: Forecaster
    linear: LinearLags
    freq: Freq
    path: Path | None = None


def run(
    settings: Mapping[str, Any],
    out: Path,
    *,
    data: object = None,
    overwrite: bool = False,
    say: Say = quiet,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Check, split, train, evaluate and report into the folder `out`; returns the scores."""
    config, dataset = prepare(settings, data, say)
    folder = RunFolder.create(out, overwrite)
    _begin(folder, config, dataset)
    return _finish(folder, config, dataset, listen, resume=False)


def resume(path: Path, *, say: Say = quiet, listen: Listener = silent) -> dict[str, Any]:
    """Go on with an interrupted run; ends with the same bits as if it had not been interrupted."""
    folder, config, stored = open_run(path)
    if config.data.path is None:
        raise RunError(f"{path}: was trained on a frame in memory, so it cannot be resumed alone")
    if folder.file(SCORES).is_file() and folder.file(REPORT).is_file():
        say(f"{path}: is finished; its report is {folder.file(REPORT)}")
        return folder.read_json(SCORES)
    dataset = read_dataset(config.data.path, config.data)
    if dataset.source.sha256 != stored.get("sha256"):
        raise RunError(
            f"{config.data.path}: has changed since the run {path} began (its sha256 differs); "
            "restore the file, or start a new run"
        )
    dataset = _examined(dataset, config)
    return _finish(folder, config, dataset, listen, resume=folder.last.is_file())


def prepare(settings: Mapping[str, Any], data: object, say: Say) -> tuple[RunConfig, Dataset]:
    """Read the data and decide every open setting."""
    config = build(settings)
    if data is None and config.data.path is None:
        raise LongshortError("no data: give a file, or --example NAME")
    dataset = read_dataset(config.data.path if data is None else data, config.data)
    for line in dataset.describe():
        say(line)
    refuse_errors(dataset.findings, dataset.source.name)
    schema = dataset.schema
    named = config.data.model_copy(
        update={"time": schema.time, "target": schema.target, "freq": str(dataset.panel.freq)}
    )
    config, decisions = resolve(config.model_copy(update={"data": named}), dataset.panel)
    dataset = _examined(dataset, config)
    for finding in dataset.findings:
        say(f"{finding.severity}: {finding.sentence()}")
    for line in decisions:
        say(f"decided: {line}")
    return config, dataset


def _examined(dataset: Dataset, config: RunConfig) -> Dataset:
    return replace(dataset, findings=tuple(examine(dataset, config)))


def open_run(path: Path) -> tuple[RunFolder, RunConfig, dict[str, Any]]:
    """A run's folder, settings and data record."""
    folder = RunFolder.open(path)
    config = build(read_toml(folder.file(CONFIG)), str(folder.file(CONFIG)))
    return folder, config, folder.read_json(DATA)


def load(path: Path) -> Trained:
    """Load a finished run. Nothing in its files is executed."""
    folder, config, stored = open_run(path)
    fitted = Fitted.from_dict(stored.get("fitted", {}), config)
    tensors, _ = load_tensors(folder.file(MODEL))
    network = build_network(config, fitted)
    weights = {k.removeprefix("network."): v for k, v in tensors.items() if k[:8] == "network."}
    load_weights(network, weights, folder.file(MODEL))
    rival = tensors.get("rival.linear")
    shape = (config.model.context_length, config.model.horizon)
    if rival is None or tuple(rival.shape) != shape:
        raise RunError(f"{folder.file(MODEL)}: damaged: the linear rival's weights are missing")
    try:
        freq = Freq(**stored["freq"])
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.file(DATA)}: damaged: {error!r} in the frequency") from None
    forecaster = Forecaster(config, fitted, network)
    return Trained(config, forecaster, LinearLags(rival.numpy(), 0.0), freq, path)


def train(
    config: RunConfig,
    panel: Panel,
    split: Split,
    *,
    folder: RunFolder | None = None,
    resume: bool = False,
    listen: Listener = silent,
) -> tuple[ForecastTask, TrainResult]:
    """Train on a panel; the task holds the best weights afterwards."""
    steps = config.train
    assert steps.batch_size and steps.steps_per_epoch and steps.max_epochs
    plan = TrainPlan(steps.batch_size, steps.steps_per_epoch, steps.max_epochs)
    with _threads(steps.threads):
        task = ForecastTask(config, panel, split)
        return task, fit(task, steps, plan, folder=folder, resume=resume, listen=listen)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Use this many CPU threads inside, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def evaluate(trained: Trained, data: object, say: Say = quiet) -> dict[str, Any]:
    """Score a trained run and its rivals on all windows of other data."""
    dataset = _continue(trained, data, say)
    panel = dataset.panel
    fitted, new = trained.forecaster.fitted.fit_to(panel, trained.config)
    _refuse_unknown(trained.config, panel, new, say)
    reader = fitted.reader(panel, trained.config)
    lengths = panel.lengths
    nothing = np.zeros_like(lengths)
    split = Split(
        {"train": nothing, "val": nothing, "test": nothing},
        {"train": nothing, "val": nothing, "test": lengths},
        0,
        False,
    )
    origins = reader.origins("test", split, trained.config.split.stride or 1)
    if not len(origins):
        model = trained.config.model
        raise LongshortError(
            f"{dataset.source.name}: no series has the {model.context_length} + {model.horizon} "
            "steps of one window (context_length + horizon), so nothing can be scored"
        )
    forecaster = Forecaster(trained.config, fitted, trained.forecaster.network)
    scored = score_windows(forecaster, reader, origins, trained.linear)
    return scores_of(scored, fitted, trained.config)[0]


def predict_ahead(
    trained: Trained, data: object = None, horizon: int | None = None, say: Say = quiet
) -> Prediction:
    """Forecast every series past its end; `data` is the training file when absent."""
    config = trained.config
    if data is None and config.data.path is None:
        raise LongshortError("predict: the run was trained on a frame; pass the data to continue")
    dataset = _continue(trained, config.data.path if data is None else data, say)
    ahead = horizon if horizon is not None else config.model.horizon or 1
    return predict(trained.forecaster, dataset.panel, ahead)


def _continue(trained: Trained, data: object, say: Say) -> Dataset:
    """Read data that continues a run, on the run's grid."""
    dataset = read_dataset(data, trained.config.data, trained.freq)
    for finding in dataset.findings:
        say(f"{finding.severity}: {finding.sentence()}")
    refuse_errors(dataset.findings, dataset.source.name)
    return dataset


def _refuse_unknown(config: RunConfig, panel: Panel, new: list[int], say: Say) -> None:
    if not new:
        return
    names = ", ".join("/".join(panel.groups[g]) for g in new[:5])
    if config.model.embedding:
        raise LongshortError(
            f"series {names} were not seen in training, and model.embedding needs a learned "
            "vector for each; train with model.embedding=0 to score new series"
        )
    say(f"note: {len(new)} series were not seen in training ({names}); scaled by their own values")


def _begin(folder: RunFolder, config: RunConfig, dataset: Dataset) -> None:
    """Write what a resumed run needs before the first step."""
    split = make_split(dataset.panel, config.split)
    fitted = Fitted.fit(dataset.panel, split, config)
    source, panel = dataset.source, dataset.panel
    folder.write_json(ENV, environment())
    folder.write_json(
        DATA,
        {
            "format_version": config.format_version,
            "name": source.name,
            "path": source.path,
            "sha256": source.sha256,
            "bytes": source.size,
            "rows": panel.num_rows,
            "freq": vars(panel.freq),
            "kind": panel.kind,
            "schema": vars(dataset.schema),
            "split": split.describe(panel),
            "findings": [finding.to_dict() for finding in dataset.findings],
            "fitted": fitted.to_dict(),
        },
    )
    folder.write(CONFIG, to_toml(config))


def _finish(
    folder: RunFolder, config: RunConfig, dataset: Dataset, listen: Listener, *, resume: bool
) -> dict[str, Any]:
    """Train, then score and report; every file is written whole or not at all."""
    split = make_split(dataset.panel, config.split)
    task, result = train(config, dataset.panel, split, folder=folder, resume=resume, listen=listen)
    _save_model(folder, task, result)
    origins = task.reader.origins("test", split, config.split.stride or 1)
    if not len(origins):
        raise LongshortError("split: the test part has no complete window; make split.test larger")
    scored = score_windows(task.forecaster, task.reader, origins, task.linear)
    scores, verdict = scores_of(scored, task.fitted, config)
    scores["leakage"] = leakage_proof(task, origins)
    scores["training"] = {
        "best_epoch": result.best_epoch,
        "best_val_score": result.best_score,
        "reason": result.reason,
        "parameters": sum(w.numel() for w in task.module.parameters()),
    }
    folder.write(PREDICTIONS, test_table(dataset.panel, scored, config).write_csv())
    report = ReportInput(config, dataset, split, scored, scores, verdict, result, environment())
    folder.write(REPORT, build_report(report, folder.path))
    folder.write(CARD, model_card(report))
    folder.write_json(SCORES, scores)
    return scores


def _save_model(folder: RunFolder, task: ForecastTask, result: TrainResult) -> None:
    tensors = {f"network.{name}": w for name, w in task.module.state_dict().items()}
    tensors["rival.linear"] = torch.from_numpy(task.linear.weights)
    save_tensors(folder.file(MODEL), tensors, {"best_epoch": result.best_epoch})


def scores_of(scored: Scored, fitted: Fitted, config: RunConfig) -> tuple[dict[str, Any], Verdict]:
    """The content of `scores.json`, and its verdict."""
    table = score_table(scored, fitted, config)
    verdict = give_verdict(scored, fitted, config)
    model = table.pop("model")
    scores = {
        "task": config.task,
        "windows": len(scored.truth),
        "horizon": config.model.horizon,
        "test": {"model": model, "baselines": table},
        "not_run": scored.not_run,
        **verdict.to_dict(),
    }
    return scores, verdict


def environment() -> dict[str, Any]:
    """Versions and machine, for repeating a run."""
    packages = ("longshort", "torch", "numpy", "polars")
    return {
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in packages},
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }
