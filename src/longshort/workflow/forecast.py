"""Forecasting: the job of a run, and what a finished one can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.config import RunConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.doctor import examine
from longshort.data.findings import Finding, refuse_errors
from longshort.data.forms import Form
from longshort.data.lookalikes import resembling
from longshort.data.panel import Panel
from longshort.data.split import Split, make_split
from longshort.data.timeline import Freq, TimeAxis
from longshort.data.windows import Origins
from longshort.data.zones import Ints
from longshort.errors import ConfigError, DataError, LongshortError, RunError
from longshort.report.card import model_card
from longshort.report.content import ReportInput
from longshort.report.html import build_report
from longshort.runfolder import CONFIG, DATA, MODEL
from longshort.tasks.forecast.baselines.table import Baselines, fit_baselines, restore_baselines
from longshort.tasks.forecast.calibration import FEWEST
from longshort.tasks.forecast.defaults import refuse_reserved, resolve
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.leakage import leakage_proof
from longshort.tasks.forecast.predict import Prediction, holdout_table, predict
from longshort.tasks.forecast.scoring import (
    Scored,
    Verdict,
    coverage_notes,
    give_verdict,
    score_table,
    score_windows,
)
from longshort.tasks.forecast.task import Forecaster, ForecastTask, build_network
from longshort.train import TrainPlan, TrainResult, fit
from longshort.train.checkpoint import load_model, load_weights
from longshort.train.events import Listener, Working, silent, teller
from longshort.train.learning import Tell, untold
from longshort.workflow.job import (
    Job,
    Outcome,
    Say,
    environment,
    open_finished,
    quiet,
    refuse_other_content,
    threads,
    training_record,
)


@dataclass(frozen=True)
class Trained:
    """A forecaster ready for use, with its baselines and the grid it was trained on."""

    config: RunConfig
    forecaster: Forecaster
    baselines: Baselines
    axis: TimeAxis

    def evaluate(
        self, data: object, *, include_training: bool = False, say: Say = quiet
    ) -> dict[str, Any]:
        """Score a trained run and its rivals on the windows of other data.

        Of a series that the run knows, only what came after its training and validation parts
        counts, unless `include_training`.
        """
        config = self.config
        dataset = _continue(self, data, say)
        panel, name = dataset.panel, dataset.source.name
        context = np.minimum(panel.lengths, config.model.context_length or 1)
        fitted, new = self.forecaster.fitted.fit_to(panel, config, context)
        _refuse_unknown(self, panel, new, say)
        for line in self.forecaster.fitted.unseen(panel):
            say(f"note: {line}")
        reader = fitted.reader(panel, config)
        unseen = np.maximum(fitted.known_until, panel.first) - panel.first
        if include_training:
            say("note: windows of the training part are scored too; they say little of new data")
            unseen = np.zeros_like(unseen)
        elif dataset.schema.time is None:
            say("note: without a time column nobody can tell whether these rows were trained on")
            unseen = np.zeros_like(unseen)
        origins = reader.origins("test", one_part(unseen, panel.lengths), config.split.stride or 1)
        if not len(origins):
            model = config.model
            raise DataError(
                f"{name}: no window of {model.context_length} + {model.horizon} steps "
                "(context_length + horizon) has its horizon after the run's training and "
                "validation parts; give later data, or score those parts too with "
                "--include-training"
            )
        forecaster = self.forecaster.for_data(fitted)
        scored = score_windows(forecaster, reader, origins, self.baselines)
        return scores_of(scored, fitted, config)[0]

    def predict_ahead(
        self, data: object = None, horizon: int | None = None, say: Say = quiet
    ) -> Prediction:
        """Forecast every series past its end; `data` is the training file when absent."""
        config = self.config
        if data is None and config.data.path is None:
            raise LongshortError(
                "predict: the run was trained on a frame; pass the data to continue"
            )
        dataset = _continue(self, config.data.path if data is None else data, say)
        ahead = horizon if horizon is not None else config.model.horizon or 1
        return predict(self.forecaster, dataset.panel, ahead)


class ForecastJob(Job[RunConfig, ForecastTask]):
    """From windows of series to a forecaster beside its rivals."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        super().__init__(config, make_task(config, dataset.panel))
        self.dataset = dataset
        self.baselines: Baselines | None = None

    @staticmethod
    def prepare(config: RunConfig, data: object, say: Say) -> ForecastJob:
        """Read the data and decide what is open."""
        return ForecastJob(*prepare(config, data, say))

    @staticmethod
    def again(config: RunConfig, data: object, stored: dict[str, Any]) -> ForecastJob:
        """As it was prepared, from what was decided then; other data are refused."""
        dataset = read_dataset(data, config.data)
        dataset = dataset.until_last_value()
        refuse_other_content(dataset.source.name, dataset.panel.digest(), stored)
        return ForecastJob(config, examined(dataset, config))

    @property
    def name(self) -> str:
        """Of the data."""
        return self.dataset.source.name

    def digest(self) -> str:
        """Of the panel's content."""
        return self.dataset.panel.digest()

    def plan(self) -> TrainPlan:
        """As decided."""
        return _plan(self.config)

    def record(self) -> dict[str, Any]:
        """Schema, grid, split and what was fitted."""
        source, panel = self.dataset.source, self.dataset.panel
        return {
            "name": source.name,
            "path": source.path,
            "sha256": source.sha256,
            "bytes": source.size,
            "rows": panel.num_rows,
            "freq": vars(panel.freq),
            "form": vars(panel.form),
            "schema": vars(self.dataset.schema),
            "split": self.task.split.describe(panel),
            "findings": [finding.to_dict() for finding in self.dataset.findings],
            "fitted": self.task.fitted.to_dict(),
        }

    def fit_rivals(self, say: Say, listen: Listener) -> None:
        """On the training rows; quantiles are calibrated on the validation part."""
        model = self.config.model
        if model.quantiles:
            listen(Working("calibrating the intervals"))
        self.task.calibrate()
        if model.quantiles and model.calibrate and self.task.forecaster.shifts is None:
            say(
                "warning: the quantiles are not calibrated: the validation part has fewer than "
                f"{FEWEST} windows of series that move; give more data or a larger split.val"
            )
        self.baselines = baselines_of(self.task, teller(listen))

    def tensors(self) -> dict[str, Tensor]:
        """The network, and the baselines that every later score stands beside."""
        assert self.baselines is not None
        tensors = {f"network.{name}": w for name, w in self.task.module.state_dict().items()}
        kept = self.baselines.arrays()
        if self.task.forecaster.shifts is not None:
            kept["calibration"] = self.task.forecaster.shifts
        return tensors | {name: torch.from_numpy(values) for name, values in kept.items()}

    def finish(self, result: TrainResult, folder: Path, tell: Tell) -> Outcome:
        """Score the test windows beside the rivals, prove that nothing leaks, and report."""
        task, config, dataset = self.task, self.config, self.dataset
        origins = _test_origins(task)
        assert self.baselines is not None
        scored = score_windows(task.forecaster, task.reader, origins, self.baselines, tell)
        scores, verdict = scores_of(scored, task.fitted, config)
        scores["leakage"] = leakage_proof(task, origins)
        scores["verdict"] += warnings(dataset, is_leaking=scores["leakage"]["is_leaking"])
        scores["training"] = training_record(result, task)
        tell("forecasting past the end of the data", 0, 0)
        ahead = predict(task.forecaster, dataset.ahead or dataset.panel, config.model.horizon or 1)
        tell("drawing the report", 0, 0)
        report = ReportInput(
            config, dataset, task.split, scored, scores, verdict, result, ahead, environment()
        )
        return Outcome(
            scores,
            holdout_table(dataset.panel, scored, config),
            build_report(report, folder),
            model_card(report),
        )


def prepare(config: RunConfig, data: object, say: Say) -> tuple[RunConfig, Dataset]:
    """Read the data and decide every open setting."""
    dataset = read_dataset(data, config.data)
    for line in dataset.describe():
        say(line)
    if dataset.unused and dataset.schema.time is None:
        say("note: rows are taken for steps in time; labels are for --task classify")
    refuse_errors(dataset.findings, dataset.source.name)
    dataset = dataset.until_last_value()
    schema = dataset.schema
    path = config.data.path and str(Path(config.data.path).absolute())
    named = dataset.config.model_copy(
        update={"path": path, "time": schema.time_setting, "target": schema.target}
    )
    config, decisions = resolve(config.model_copy(update={"data": named}), dataset.panel)
    dataset = examined(dataset, config)
    for finding in dataset.findings:
        say(f"{finding.severity}: {finding.sentence()}")
    for line in (*dataset.decided, *decisions):
        say(f"decided: {line}")
    return config, dataset


def examined(dataset: Dataset, config: RunConfig) -> Dataset:
    """With the doctor's findings beside those of the reading."""
    return replace(dataset, findings=tuple(examine(dataset, config)))


def check(config: RunConfig, data: object, say: Say = quiet) -> list[Finding]:
    """Everything in the data that would harm a forecaster, with where and the fix.

    Raises `DataError` where a run could not tell which column is what.
    """
    dataset = read_dataset(data, config.data)
    for line in dataset.describe():
        say(line)
    for line in dataset.decided:
        say(f"decided: {line}")
    refuse_reserved(dataset.schema)
    return examine(dataset, config)


def train(task: ForecastTask, *, listen: Listener = silent) -> TrainResult:
    """Train a task without a run folder; it holds the best weights afterwards."""
    with threads(task.config.train.threads):
        result = fit(task, task.config.train, _plan(task.config), listen=listen)
        task.calibrate()
    return result


def _plan(config: RunConfig) -> TrainPlan:
    steps = config.train
    assert steps.batch_size and steps.steps_per_epoch and steps.max_epochs
    return TrainPlan(steps.batch_size, steps.steps_per_epoch, steps.max_epochs)


def load(path: Path) -> Trained:
    """A finished run. Nothing in its files is executed."""
    folder, config, stored = open_finished(path)
    if not isinstance(config, RunConfig):
        raise RunError(f"{path}: is a run of the task {config.task!r}, and no forecaster")
    if "effects" not in stored.get("fitted", {}):
        raise RunError(
            f"{path}: was made before forecasters kept their baselines and known effects; train it "
            f"again, for example with: longshort run --config {folder.file(CONFIG)} --out NEW"
        )
    fitted = Fitted.from_dict(stored.get("fitted", {}), config)
    tensors = load_model(folder)
    network = build_network(config, fitted).to(config.train.device)
    weights = {k.removeprefix("network."): v for k, v in tensors.items() if k[:8] == "network."}
    load_weights(network, weights, folder.file(MODEL))
    try:
        form = Form(**stored["form"]) if "form" in stored else Form(stored["kind"])
        axis = TimeAxis(Freq(**stored["freq"]), form)
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.file(DATA)}: damaged: {error!r} in the frequency") from None
    kept = {name: values.numpy() for name, values in tensors.items()}
    forecaster = Forecaster(config, fitted, network, kept.get("calibration"))
    baselines = restore_baselines(config, axis.freq, fitted, kept)
    return Trained(config, forecaster, baselines, axis)


def baselines_of(task: ForecastTask, tell: Tell = untold) -> Baselines:
    """Fitted to the task's training windows."""
    with threads(task.config.train.threads):
        return fit_baselines(task.config, task.panel, task.fitted, task.windows, tell)


def make_task(config: RunConfig, panel: Panel) -> ForecastTask:
    """The untrained task; raises whatever forbids to train and test it."""
    with threads(config.train.threads):
        task = ForecastTask(config, panel, make_split(panel, config.split))
    if not len(_test_origins(task)):
        raise ConfigError(
            "split: the test part has no window with a known value; make split.test larger"
        )
    return task


def _test_origins(task: ForecastTask) -> Origins:
    return task.reader.origins("test", task.split, task.config.split.stride or 1)


def one_part(start: Ints, end: Ints) -> Split:
    """Rows from start to end of each group as a test part, and nothing else."""
    none = np.zeros_like(end)
    return Split(
        {"train": none, "val": none, "test": start},
        {"train": none, "val": none, "test": end},
        gap=0,
        isolate=False,
    )


def _continue(trained: Trained, data: object, say: Say) -> Dataset:
    """Read data that continues a run, on the run's grid."""
    dataset = read_dataset(data, trained.config.data, trained.axis)
    for finding in dataset.findings:
        if finding.severity != "error":
            say(f"{finding.severity}: {finding.sentence()}")
    refuse_errors(dataset.findings, dataset.source.name)
    kind = trained.axis.form.kind
    if (dataset.panel.kind == "integer") != (kind == "integer"):
        raise DataError(
            f"{dataset.source.name}: its time column holds {dataset.panel.kind} values, the run "
            f"was trained on {kind} values"
        )
    return dataset


def _refuse_unknown(trained: Trained, panel: Panel, new: list[int], say: Say) -> None:
    config, known = trained.config, trained.forecaster.fitted.groups
    if not new:
        return
    names = ", ".join("/".join(panel.groups[g]) for g in new[:5])
    if config.model.embedding:
        raise LongshortError(
            f"series {names} were not seen in training, and model.embedding needs a learned "
            "vector for each; train with model.embedding=0 to score new series"
        )
    keys = [panel.groups[g] for g in new]
    say(
        f"note: {len(new)} series were not seen in training ({names}); scaled by their own values"
        + resembling(keys, known)
    )


def warnings(dataset: Dataset, *, is_leaking: bool = False) -> str:
    """What must be said in one breath with the verdict."""
    leaks = [finding.message for finding in dataset.findings if finding.code == "leak"]
    text = "".join(f" Beware: {message}." for message in leaks)
    if is_leaking:
        text += " Beware: the future leaks into the forecast."
    return text


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
        "notes": {**scored.notes, **coverage_notes(model)},
        "series": list(scored.names),
        **verdict.to_dict(),
    }
    return scores, verdict
