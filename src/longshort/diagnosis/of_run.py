"""A run as the subject: its data and settings, and its trained network where there is one."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from longshort.config import read_back
from longshort.data.findings import Finding
from longshort.diagnosis.subject import Changes, Course, Seen, Subject
from longshort.errors import ConfigError, DataError, RunError
from longshort.runfolder import METRICS, MODEL
from longshort.runs import trained
from longshort.runs.job import threads
from longshort.runs.lookup import find_task
from longshort.runs.story import open_run, task_of
from longshort.runs.thinning import can_thin, thinned
from longshort.runs.trial import Ground, Trial
from longshort.train.events import silent
from longshort.train.learning import TrainPlan
from longshort.train.loop import TrainingDiverged, TrainResult, fit

_NAMES = {
    "learning_rate": "train.learning_rate",
    "weight_decay": "train.weight_decay",
    "optimizer": "train.optimizer",
    "clip": "train.clip_norm",
    "epochs": "train.max_epochs",
    "batch": "train.batch_size",
    "patience": "train.patience",
    "bptt": "train.bptt",
    "width": "model.hidden",
    "cell": "model.cell",
    "scale": "transform.scale",
}
"""Settings by the names that rules use; a task has those of them that mean something to it."""


class RunSubject(Subject):
    """A run of any task: `Ground` gives its data, each training is a trial on it.

    most_steps: a training is cut to so many steps; None: none is.
    """

    def __init__(
        self,
        ground: Ground[Any, Any, Any, Any],
        folder: Path | None,
        seed: int,
        most_steps: int | None = None,
    ) -> None:
        self.ground, self.folder, self.seed, self.most_steps = ground, folder, seed, most_steps
        prepared = ground.prepared({})
        ground.settings = read_back(prepared.config)
        self.findings: tuple[Finding, ...] = prepared.findings
        self.name = prepared.splits.train.name
        self.config = prepared.config
        self._trial = Trial(prepared, None)
        self._learning = self._trial.job.training.learning
        self._carried = self._learning.carried()
        self.history = [] if folder is None else _history(folder)
        state = self.module.state_dict().items()
        self._initial = {name: value.clone() for name, value in state}
        if folder is not None:
            self._load(folder)
        draw = torch.Generator().manual_seed(seed)
        self._batches = list(self._learning.batches(self._trial.job.training.plan, draw))
        self.carries_state = self._learning.hands_on

    def _load(self, folder: Path) -> None:
        found = trained.load(folder).model.network
        self.module.load_state_dict(found.state_dict())

    @property
    def module(self) -> nn.Module:
        """The network: trained where the run is, else as it starts."""
        return self._learning.module

    @property
    def is_trained(self) -> bool:
        """Whether the network has its trained weights."""
        return self.folder is not None

    @property
    def planned_steps(self) -> int:
        """Steps of the whole training."""
        return self._trial.job.training.plan.total_steps

    @property
    def batches(self) -> Sequence[Tensor]:
        """The batches of the first epoch, as numbers of samples."""
        return self._batches

    def loss(self, batch: Tensor) -> Tensor:
        """Return the mean loss of training samples."""
        return self._learning.loss(batch)

    def begin(self) -> None:
        """Load the initial weights; called within `untouched`."""
        self.module.load_state_dict(self._initial)

    def forget(self) -> None:
        """Drop the state that streams carry."""
        self._learning.carry(dict(self._carried))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that the task has of `_NAMES`, and the highest rate of any dropout."""
        found = {name: self._value(key) for name, key in _NAMES.items() if self._has(key)}
        found["epochs"] = self._trial.job.training.plan.max_epochs
        rates = [self._value(key) for key in self._dropouts()]
        return found | ({"dropout": max(rates)} if rates else {})

    def _dropouts(self) -> list[str]:
        model = self.config.model if hasattr(self.config, "model") else None
        names = () if model is None else type(model).model_fields
        rates = {name: getattr(model, name) for name in names if name.endswith("dropout")}
        return [f"model.{name}" for name, rate in rates.items() if isinstance(rate, float) and rate]

    def _has(self, key: str) -> bool:
        table, name = key.split(".")
        return hasattr(self.config, table) and hasattr(getattr(self.config, table), name)

    def _value(self, key: str) -> Any:
        table, name = key.split(".")
        return getattr(getattr(self.config, table), name)

    def can(self, change: str) -> bool:
        """Whether it is a setting of the task."""
        return change in self.settings

    def changes(self, wanted: Mapping[str, Any]) -> Changes:
        """Return settings by dotted key that set these values."""
        found: dict[str, Any] = {}
        for name, value in wanted.items():
            if name == "dropout":
                found |= {key: min(value, self._value(key)) for key in self._dropouts()}
            else:
                found[_NAMES[name]] = "none" if value is None else value
        return found

    def train(self, changes: Changes, seed: int, seen: Seen | None = None) -> Course:
        """Train a trial of the changed settings, cut to `most_steps`."""
        trial = self.ground.trial({**changes, **self._cut(), "train.seed": seed})
        return self._fitted(trial, self._shortened(trial.job.training.plan), seen)

    def train_on(self, share: float, seed: int) -> Course | None:
        """Train on a share of the training samples, for as many steps as on all of them."""
        if not can_thin(type(self.ground.task)):
            return None
        patience = self.settings.get("patience")
        slower = {} if patience is None else {"train.patience": round(patience / share)}
        try:
            part = thinned(self.ground, share, self.seed)
            trial = part.trial({**self._cut(), **slower, "train.seed": seed})
        except (ConfigError, DataError):
            return None
        whole, plan = self._shortened(self._trial.job.training.plan), trial.job.training.plan
        epochs = max(1, round(whole.total_steps / plan.steps_per_epoch))
        return self._fitted(trial, replace(plan, max_epochs=epochs))

    def _shortened(self, plan: TrainPlan) -> TrainPlan:
        """Return a plan cut to `most_steps`; one with more epochs may have more steps."""
        if self.most_steps is None:
            return plan
        grown = plan.max_epochs / self._trial.job.training.plan.max_epochs
        most = self.most_steps * max(1.0, grown)
        epochs = max(1, round(most / plan.steps_per_epoch))
        return replace(plan, max_epochs=min(epochs, plan.max_epochs))

    def _fitted(
        self, trial: Trial[Any, Any, Any, Any], plan: TrainPlan, seen: Seen | None = None
    ) -> Course:
        training = trial.job.training
        view = nullcontext() if seen is None else seen(training.learning.module)
        try:
            with threads(self.config.train.threads), view:
                return course_of(fit(training.learning, training.settings, plan, listen=silent))
        except TrainingDiverged as error:
            return Course([math.inf], [self.started(trial), math.inf], [math.inf], str(error))

    def _cut(self) -> dict[str, Any]:
        """Return a cap on the steps of an epoch, where one is longer than a whole training."""
        plan = self._trial.job.training.plan
        if self.most_steps is None or plan.steps_per_epoch <= self.most_steps:
            return {}
        return {"train.steps_per_epoch": self.most_steps}

    def started(self, trial: Trial[Any, Any, Any, Any]) -> float:
        """Return the score of an untrained network of these settings."""
        job = self.ground.trial({"train.seed": trial.job.config.train.seed}).job
        job.model.network.eval()
        with torch.no_grad():
            score = job.training.learning.validate()
        return math.inf if score is None else score

    def remedy(self, changes: Changes) -> str:
        """Return the command that runs with these settings."""
        sets = " ".join(f"--set {key}={_written(value)}" for key, value in changes.items())
        path = shlex.quote(str(self.config.path or "DATA"))
        how = f"--task {self.config.task}"
        if self.folder is not None:
            how = f"--config {shlex.quote(str(self.folder / 'config.toml'))}"
        return f"longshort run {path} {how} {sets}".rstrip()


def course_of(result: TrainResult) -> Course:
    """Return a finished training as a course; without a validation split its losses are scores."""
    return _course(result.history, result.reason)


def _course(history: Sequence[Mapping[str, float]], reason: str) -> Course:
    trained_on = [each for each in history if "train_loss" in each]
    losses = [float(each["train_loss"]) for each in trained_on]
    norms = [float(each["grad_norm"]) for each in trained_on]
    scores = [float(each["val_score"]) for each in history if "val_score" in each]
    return Course(losses, scores or [*losses[:1], *losses], norms, reason)


def run_subject(path: Path, seed: int) -> RunSubject:
    """Open a finished run; raises `RunError` for an untrained one, or one whose data is gone."""
    folder, task, config, _ = open_run(path)
    if not folder.file(MODEL).is_file():
        raise RunError(
            f"{path}: has not been trained to its end; go on with `longshort train --resume {path}`"
            ", or examine its data: longshort doctor DATA --config RUN/config.toml"
        )
    if config.path is None:
        raise RunError(
            f"{path}: was trained on data in memory; give the data and the settings in Python: "
            "longshort.doctor(data, settings)"
        )
    if not Path(config.path).exists():
        raise RunError(f"{config.path}: the run's training file is gone; put it back")
    return RunSubject(Ground(task, read_back(config)), path, seed)


def data_subject(settings: Mapping[str, Any], data: object, seed: int) -> RunSubject:
    """Open data with the settings of a run that has not been made."""
    return RunSubject(Ground(find_task(task_of(settings).name), settings, data), None, seed)


def recorded(subject: RunSubject) -> Course | None:
    """Return the course of the run's own training; None for data alone."""
    return _course(subject.history, "") if subject.history else None


def _history(folder: Path) -> list[dict[str, float]]:
    lines = (folder / METRICS).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _written(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
