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

import polars as pl
import torch
from torch import Tensor

from longshort.config import BaseConfig, build, read_toml
from longshort.errors import ConfigError, LongshortError, RunError
from longshort.runfolder import CONFIG, DATA, RunFolder
from longshort.runs.seal import refuse_broken_seal
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


def refuse_other_content(name: str, content: str, stored: dict[str, Any]) -> None:
    """Raise where a run would go on with other data than it began with."""
    if content != stored.get("content"):
        raise RunError(
            f"{name}: is not the data that the run began with (its content differs); restore it, "
            "or start a new run"
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


def open_finished(path: Path, say: Say) -> tuple[RunFolder, BaseConfig, dict[str, Any]]:
    """As `open_run`, to use what the run trained: files that were changed since are refused."""
    opened = open_run(path)
    refuse_broken_seal(opened[0], opened[2], say)
    return opened


def open_run(path: Path) -> tuple[RunFolder, BaseConfig, dict[str, Any]]:
    """A run's folder, settings and data record."""
    folder = RunFolder.open(path)
    config = build(read_toml(folder.file(CONFIG)), str(folder.file(CONFIG)))
    check_device(config)
    return folder, config, folder.read_json(DATA)
