"""Comparisons of cells and settings from Python."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshort.api.fitting import is_file
from longshort.api.showing import shown
from longshort.config import assign
from longshort.lazy import polars as pl
from longshort.runs.task import Say, quiet
from longshort.train.events import Listener, silent
from longshort.tuning import compare as engine
from longshort.tuning.compare_plan import How, arms_of


@dataclass(frozen=True)
class Compared:
    """A finished comparison; `result` is the content of its `compare.json`."""

    path: Path
    result: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The answer in words: what is better, or that nothing is, and what to take."""
        return str(self.result["verdict"])

    @property
    def choice(self) -> str:
        """Name of the alternative to take: the best, or the cheapest of equal ones."""
        return str(self.result["choice"])

    @property
    def page(self) -> Path:
        """Path of the HTML page."""
        return self.path / engine.PAGE

    @property
    def alternatives(self) -> pl.DataFrame:
        """A row for each alternative: mean scores, time of a step, memory, parameters."""
        keys = ("name", "test", "val", "longer", "step_seconds", "memory", "parameters")
        rows = [{key: row[key] for key in keys} for row in self.result["alternatives"]]
        return pl.DataFrame(rows)

    @property
    def comparisons(self) -> pl.DataFrame:
        """A row for each two alternatives: difference, interval, P(first better), p, claim."""
        return pl.DataFrame(self.result["comparisons"])

    @property
    def scores(self) -> pl.DataFrame:
        """A row for each training: its pair, alternative, learning rate and scores."""
        keys = ("rate", "val", "test")
        rows = [
            {"pair": pair["number"], "name": name, **{key: each[key] for key in keys}}
            for pair in self.result["pairs"]
            for name, each in pair["trainings"].items()
        ]
        return pl.DataFrame(rows)


def compare(
    data: object,
    cells: Sequence[str] | None = None,
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    pairs: int | None = None,
    rates: Sequence[float] | None = None,
    tune_share: float = 0.25,
    tune_once: bool = False,
    size: str | None = None,
    longer: str | Path | None = None,
    out: str | Path | None = None,
    verbose: bool | None = None,
    say: Say = quiet,
    listen: Listener = silent,
) -> Compared:
    """Compare cells, or the values of one setting, so that the answer can be trusted.

    data: a file, a frame or samples. cells: names, or "module:Class" of own ones. vary: instead a
    setting with its values, such as {"train.optimizer": ["adamw", "sgd"]}. settings: those of a
    run, nested as in `config.toml`, {"task": "regress", …}. pairs: draws of seed, order and split;
    by default the fewest that allow a claim. rates: learning rates that are tried for each
    alternative; one is not tuned; by default five over two decades. tune_share: share of the epochs
    for each of them. tune_once: choose them in the first pair alone. size: setting that is solved
    for equal parameters, "none" for none; by default model.hidden for cells. longer: a file of
    longer samples, scored too. out: folder, in which the same comparison goes on; temporary when
    absent. verbose, say, listen: as in `fit`.

    Raises `ConfigError`, `DataError`, and `RunError` for a folder of another comparison.
    """
    nested = copy.deepcopy(dict(settings or {}))
    if is_file(data):
        assign(nested, "data.path", str(data))
    how = How(
        pairs=pairs,
        rates=None if rates is None else tuple(rates),
        tune_share=tune_share,
        tune_once=tune_once,
        size=size,
        longer=None if longer is None else str(longer),
    )
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="longshort-"))
    with shown(verbose, say, listen) as (say_both, listen_both):
        found = engine.compare(
            nested,
            arms_of(cells, vary),
            folder,
            how=how,
            data=None if is_file(data) else data,
            say=say_both,
            listen=listen_both,
        )
    return Compared(folder, found)
