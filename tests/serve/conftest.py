"""Exported tiny runs, which are what is served."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from longshort.runs.exporting import export_run
from tests.tiny_runs import small


@pytest.fixture(scope="session")
def bundle(
    small_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The bundle of a task's tiny run."""

    @cache
    def of(task: str) -> Path:
        out = tmp_path_factory.mktemp(task) / f"{task}.longshort"
        export_run(small_run(task), out, memory=small(task)[1])
        return out

    return of
