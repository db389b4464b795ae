"""Searches of settings, and questions about them, from Python."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from longshort.config import assign
from longshort.lazy import polars as pl
from longshort.registry import TASKS
from longshort.tuning.study import PAGE
from longshort.tuning.text import named_settings


class Tuned:
    """A finished study: its answer, and the run that won.

    path: folder of the study. found: the content of its `answer.json`.
    """

    def __init__(self, path: Path, found: dict[str, Any]) -> None:
        self.path, self.found = path, found

    @property
    def answer(self) -> str:
        """The answer in a sentence."""
        return str(self.found["answer"])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that won, by dotted key."""
        return dict(self.found["settings"])

    @property
    def warnings(self) -> list[str]:
        """What makes the answer doubtful."""
        return list(self.found["warnings"])

    @property
    def run(self) -> Path:
        """Folder of the winner's whole run, for `longshort.load`."""
        return Path(self.found["run"])

    @property
    def page(self) -> Path:
        """Path of the HTML page."""
        return self.path / PAGE

    @property
    def table(self) -> pl.DataFrame:
        """A row for each candidate, with its settings and its validation loss."""
        columns = ("rung", "epochs", "validation", "train_loss", "parameters", "step_ms", "failed")
        rows = [
            {**named_settings(row), **{key: row[key] for key in columns}}
            for row in self.found["rows"]
        ]
        return pl.DataFrame(rows, infer_schema_length=None, strict=False)

    def __repr__(self) -> str:
        return f"Tuned({self.answer!r})"


def tune(
    data: object,
    *,
    task: str = TASKS.usual,
    question: str | None = None,
    search: Mapping[str, object] | None = None,
    values: Sequence[float] = (),
    trials: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    workers: int = 1,
    engine: str = "halving",
    settings: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    verbose: bool = False,
) -> Tuned:
    """Search settings, or answer a question about them, on the validation split.

    data: a file, a frame, or samples. task: such as "forecast" or "classify". question: "units"
    (how many are enough), "window" (how long a context helps) or "data" (what more of them would
    bring). search: instead of a question, ranges "LOW..HIGH" and lists by dotted key, such as
    {"model.hidden": "16..256", "model.cell": ["lstm", "gru"]}. values: ladder of the question.
    trials: candidates of a search, by default 27. seeds: of each candidate. seed: that of the
    study. workers: processes on this machine, for data in files. engine: "halving", "optuna" or
    "ray". settings: those that all trials share, by dotted key. out: folder of the study, by
    default a temporary one; the same study in it goes on. verbose: print how it goes.

    Raises `ConfigError`, `DataError` and `RunError`, which say what to do.
    """
    from longshort.tuning.board import Audience
    from longshort.tuning.story import tune as search_or_answer

    nested: dict[str, Any] = {"task": task}
    for key, value in (settings or {}).items():
        assign(nested, key, value)
    source = data
    if isinstance(data, str | Path):
        assign(nested, "data.path", str(data))
        source = None
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="longshort-"))
    found = search_or_answer(
        nested,
        folder,
        data=source,
        question=question,
        search=search,
        values=values,
        trials=trials,
        seeds=seeds,
        seed=seed,
        workers=workers,
        engine=engine,
        audience=Audience(say=print) if verbose else Audience(),
    )
    return Tuned(folder, found)
