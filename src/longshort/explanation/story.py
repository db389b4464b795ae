"""Explaining a finished run: which rows, by which methods, compared with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from longshort.errors import ConfigError, DataError
from longshort.explanation.attribution import Attribution
from longshort.explanation.baselines import check_baseline
from longshort.explanation.checks import further_checks
from longshort.explanation.faithfulness import deletion
from longshort.explanation.inside.traces import look_inside
from longshort.explanation.methods import DEFAULT, attribute, check_methods
from longshort.explanation.overall import Overall, overall
from longshort.explanation.row import Explained
from longshort.lazy import polars as pl
from longshort.runfolder import finite_or_none
from longshort.runs.explaining import Question, Subject
from longshort.runs.job import threads
from longshort.runs.task import Say, quiet
from longshort.runs.trained import AnyTrained

Working = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how.

    row: number from 1 on, None for the first; worst: that many rows with the largest loss instead;
    is_global: what all answers rest on, instead of a row. answer: such as a class, None for what
    the model said. methods, baseline: see `METHODS` and `BASELINES`; None: integrated gradients and
    layer-wise relevance, the latter where it has rules. check: also try random weights and other
    seeds. seed: of everything that is drawn.
    """

    row: int | None = None
    worst: int | None = None
    is_global: bool = False
    answer: str | None = None
    methods: Sequence[str] | None = None
    baseline: str = "mean"
    check: bool = False
    seed: int = 0

    def checked(self) -> Asked:
        """Return itself; raises `ConfigError` for what is unknown or contradicts itself."""
        if self.methods is not None:
            check_methods(self.methods)
        check_baseline(self.baseline)
        if sum((self.row is not None, self.worst is not None, self.is_global)) > 1:
            raise ConfigError("row, worst, global: give one of the three")
        if self.worst is not None and self.worst < 1:
            raise ConfigError(f"worst: a number of rows from 1 on is expected, got {self.worst}")
        if self.is_global and self.check:
            raise ConfigError("check: is of rows; leave it out beside global")
        return self


@dataclass(frozen=True)
class Explanation:
    """Explanations of rows, or of all answers together; about: lines on what was explained."""

    rows: list[Explained]
    overall: Overall | None
    about: list[str]

    def table(self) -> pl.DataFrame:
        """Return a row for every cell: row, step, feature, value, method, completeness and more.

        Of all answers together, a row for each feature and lag, whose step is the lag.
        """
        if self.overall is not None:
            return self.overall.table()
        cells = [cell for each in self.rows for cell in each.rows()]
        return pl.DataFrame(cells, schema_overrides={"seed": pl.Int64}, infer_schema_length=None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        whole: dict[str, Any] = {"rows": [each.to_dict() for each in self.rows]}
        if self.overall is not None:
            whole = {"global": self.overall.to_dict()}
        return dict(finite_or_none(whole))


def explain(
    trained: AnyTrained, data: object, asked: Asked, say: Say = quiet, working: Working = quiet
) -> Explanation:
    """Explain answers of a finished run. data: None for its own test split."""
    asked.checked()
    subject = trained.subject(data, say)
    where = "the run's own test split" if data is None else "new data"
    words = trained.task.words
    about = [f"{words.title}: {len(subject.places):,} rows, {where}", f"seed {asked.seed}"]
    with threads(trained.config.train.threads):
        if asked.is_global:
            working("explaining all answers")
            method = (asked.methods or ("ig",))[0]
            whole = overall(subject, method, asked.answer, asked.baseline, asked.seed)
            return Explanation([], whole, about)
        found = []
        for number in chosen_rows(subject, asked):
            working(f"explaining row {number + 1}")
            found.append(explained(subject, number, asked))
    return Explanation(found, None, about)


def chosen_rows(subject: Subject, asked: Asked) -> list[int]:
    """Return the places of the rows that are asked about."""
    count = len(subject.places)
    if asked.worst is not None:
        losses = subject.losses()
        if losses is None:
            raise DataError("worst: the data have no true values to tell which rows are worst")
        return [int(n) for n in np.argsort(-losses, kind="stable")[: asked.worst]]
    number = 1 if asked.row is None else asked.row
    if not 1 <= number <= count:
        raise DataError(f"row: a number from 1 to {count:,} is expected, got {number:,}")
    return [number - 1]


def explained(subject: Subject, row: int, asked: Asked) -> Explained:
    """Explain one row."""
    question = subject.question(row, asked.answer)
    found, notes = _attributions(subject, question, asked)
    deleted = {name: deletion(question, each, asked.seed) for name, each in found.items()}
    further = further_checks(subject, question, found, asked.seed) if asked.check else []
    try:
        inside = tuple(look_inside(subject, question))
    except ConfigError as error:
        inside = ()
        notes.append(f"nothing of the layers is shown: {error}")
    return Explained(
        row + 1, subject.places[row], question, found, deleted, inside, tuple(further), tuple(notes)
    )


def _attributions(
    subject: Subject, question: Question, asked: Asked
) -> tuple[dict[str, Attribution], list[str]]:
    """Return the attributions by method, and notes on default methods that had to be left out."""
    found, notes = {}, []
    for name in DEFAULT if asked.methods is None else check_methods(asked.methods):
        try:
            found[name] = attribute(name, subject, question, asked.baseline, asked.seed)
        except ConfigError as error:
            if asked.methods is not None or name == DEFAULT[0]:
                raise
            notes.append(f"{name} is left out: {error}")
    return found, notes


def page_of(found: Explanation, path: Path | None) -> str:
    """Return the page of an explanation; path: folder of the run."""
    from longshort.explanation.page import overall_sections, page, row_sections

    title = "Explanation" if path is None else f"Explanation of {path}"
    if found.overall is not None:
        return page(title, found.about, overall_sections(found.overall))
    return page(title, found.about, [part for each in found.rows for part in row_sections(each)])
