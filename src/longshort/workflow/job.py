"""What every kind of run is, whatever its task: data in, a task to train, and what came of it."""

from __future__ import annotations

import platform
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
import torch
from torch import Tensor

from longshort.config import BaseConfig, build, read_toml
from longshort.data.splits import D, Splits
from longshort.errors import ConfigError, DataError, LongshortError, RunError
from longshort.runfolder import CONFIG, DATA, RunFolder
from longshort.runs.seal import refuse_broken_seal, refuse_other_version
from longshort.train import TrainResult
from longshort.train.events import Listener
from longshort.train.learning import Learning, Tell, TrainPlan

Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves beside the weights."""

    scores: dict[str, Any]
    predictions: pl.DataFrame
    report: str
    card: str


C = TypeVar("C", bound=BaseConfig, covariant=True)
T = TypeVar("T", bound=Learning, covariant=True)


class Job(ABC, Generic[C, T]):
    """One run between the reading of its data and its report."""

    def __init__(self, config: C, task: T) -> None:
        self.config = config
        """Every setting, decided."""
        self.task = task
        """What is trained."""

    @staticmethod
    @abstractmethod
    def prepare(config: Any, data: object, say: Say) -> Job[Any, Any]:
        """Read the data, decide what the task's config leaves open, and make the task."""

    @staticmethod
    @abstractmethod
    def again(config: Any, data: object, stored: dict[str, Any]) -> Job[Any, Any]:
        """As it was prepared, from what was decided and recorded then; other data are refused."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the data is called in messages."""

    @abstractmethod
    def digest(self) -> str:
        """Of the data's content: a run goes on with the same content only."""

    @abstractmethod
    def plan(self) -> TrainPlan:
        """How much is trained."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What is written down of the data before training: where from, split, what was fitted."""

    def fit_rivals(self, say: Say, listen: Listener) -> None:
        """Train the rivals that are networks too; most tasks have none."""
        del say, listen

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What is kept of the trained task."""

    @abstractmethod
    def finish(self, result: TrainResult, folder: Path, tell: Tell) -> Outcome:
        """Score the trained task beside its baselines, and report."""


def given(config: BaseConfig, data: object) -> object:
    """The data passed, else the file in the settings."""
    if data is None and config.path is None:
        raise LongshortError("no data: give a file, or --example NAME")
    return config.path if data is None else data


def own_data(config: BaseConfig, memory: object) -> object:
    """What a run was trained on, to fit its rivals to: `memory`, else its file; raises if gone."""
    if memory is not None:
        return memory
    if config.path is None:
        raise RunError(
            "the run was trained on data in memory that is gone, so its rivals cannot be fitted; "
            "evaluate what `fit` returned, or train from a file"
        )
    if not Path(config.path).exists():
        raise RunError(
            f"{config.path}: the run's training file is gone, so its rivals cannot be fitted; put "
            "it back"
        )
    return config.path


def refuse_other_content(name: str, content: str, stored: dict[str, Any]) -> None:
    """Raise where a run would go on with other data than it began with."""
    if content != stored.get("content"):
        raise RunError(
            f"{name}: is not the data that the run began with (its content differs); restore it, "
            "or start a new run"
        )


def unlearned(source: D, parts: Splits[D], what: str, say: Say) -> D:
    """Those that the run was neither trained nor validated on; raises where none is left."""
    seen = {*parts.train.keys(), *parts.val.keys()}
    new = np.array([i for i, key in enumerate(source.keys()) if key not in seen], dtype=np.int64)
    if not len(new):
        raise DataError(
            f"{source.name}: the run was trained or validated on all {len(source):,} {what}; "
            "give others, or --include-training"
        )
    if len(new) < len(source):
        say(
            f"{len(source) - len(new):,} of {len(source):,} {what} are left out: the run was "
            "trained or validated on them (--include-training scores them too)"
        )
    return source.take(new)


def refuse_other_fit(fitted: dict[str, Any], name: str, stored: dict[str, Any]) -> None:
    """Raise where something else was fitted to the same data than when the run began."""
    before = stored.get("fitted", {})
    other = [key for key in fitted if fitted[key] != before.get(key)]
    if other:
        raise RunError(
            f"{name}: something else was fitted than when the run began: {', '.join(other)}; "
            "restore the data's types and the tokenizer's file, or start a new run"
        )


def training_record(result: TrainResult, task: Learning) -> dict[str, Any]:
    """What the scores say about the training."""
    return {
        "best_epoch": result.best_epoch,
        "best_val_score": result.best_score,
        "measure": task.measure,
        "reason": result.reason,
        "parameters": sum(w.numel() for w in task.module.parameters()),
    }


def check_device(config: BaseConfig) -> None:
    """Raise ConfigError where this machine lacks the device."""
    try:
        torch.zeros((), device=config.train.device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"train.device: {config.train.device!r} cannot be used here ({reason}); cpu always can"
        ) from None


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Use this many CPU threads inside, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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


def open_finished(path: Path) -> tuple[RunFolder, BaseConfig, dict[str, Any]]:
    """As `open_run`, to use what the run trained: files that were changed since are refused."""
    opened = open_run(path)
    refuse_broken_seal(opened[0])
    return opened


def open_run(path: Path) -> tuple[RunFolder, BaseConfig, dict[str, Any]]:
    """A run's folder, settings and data record; runs of another layout are refused."""
    folder = RunFolder.open(path)
    stored = folder.read_json(DATA)
    refuse_other_version(folder, stored)
    config = build(read_toml(folder.file(CONFIG)), str(folder.file(CONFIG)))
    check_device(config)
    return folder, config, stored
