"""What tests share: small series with known properties, written as a user would have them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

torch.set_num_threads(1)

QUICK = {
    "train.max_epochs": 2,
    "train.steps_per_epoch": 5,
    "train.batch_size": 16,
    "train.threads": 1,
    "model.hidden": 8,
    "model.season": 24,
    "data.calendar": [],
}
"""Settings of a run that is about the plumbing and not about quality."""


def sets(settings: dict[str, object]) -> list[str]:
    """Settings as `--set key=value` flags."""
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def hourly(rows: int = 480, seed: int = 0) -> pl.DataFrame:
    """A daily wave with noise, hourly: columns ds, y."""
    t = np.arange(rows)
    noise = np.random.default_rng(seed).normal(size=rows)
    stamps = np.datetime64("2024-01-01T00:00:00", "us") + t * np.timedelta64(1, "h")
    return pl.DataFrame({"ds": stamps, "y": 10 + 3 * np.sin(2 * np.pi * t / 24) + 0.3 * noise})


@pytest.fixture
def series() -> pl.DataFrame:
    """480 hours of a noisy daily wave."""
    return hourly()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file under the test's folder and return its path."""

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


@pytest.fixture
def csv(series: pl.DataFrame, tmp_path: Path) -> Path:
    """The series as a CSV file."""
    path = tmp_path / "series.csv"
    series.write_csv(path)
    return path


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The finished tiny run of a task, trained once; who changes it takes a copy."""
    from longshort.runs import story

    from .tiny_runs import small

    @cache
    def run_of(task: str) -> Path:
        settings, data = small(task)
        folder = tmp_path_factory.mktemp(task) / "run"
        story.run(settings, folder, data=data)
        return folder

    return run_of


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, where there is one."""
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LONGSHORT_DATA is unset or no folder: real data is not at hand")
    return Path(folder)
