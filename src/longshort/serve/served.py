"""The model of a server: what it is, what it takes, and its answers as plain values."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, DataError, LongshortError
from longshort.runs.abilities import Ranks, ReadsLines, Steps
from longshort.runs.session import Session
from longshort.runs.trained import AnyTrained
from longshort.serve.refusal import Refusal, public, unfit

_COLUMN = re.compile(r"column '([^']*)'")
_INPUTS = ("rows", "texts", "samples")


class Served:
    """A loaded model under a name.

    takes: which of "rows", "texts" and "samples" can be predicted at once. schema: what a step of a
    session takes and answers (`Trained.session_schema`); None where there are no sessions.
    """

    def __init__(self, trained: AnyTrained, name: str) -> None:
        self.trained, self.name = trained, name
        self.digest: str = trained.digest
        self.schema: dict[str, Any] | None = None
        if isinstance(trained.task, Steps):
            self.schema = trained.session_schema()

    @property
    def reads_texts(self) -> bool:
        """Whether lines of text can be predicted."""
        if not isinstance(self.trained.task, ReadsLines):
            return False
        try:
            self.trained.refuse_lines()
        except LongshortError:
            return False
        return True

    @property
    def number_columns(self) -> tuple[str, ...] | None:
        """Names of the columns that a row has to have; None if one is no number."""
        if self.schema is None or self.schema["kind"] != "row":
            return None
        needed = [each for each in self.schema["columns"] if not each["optional"]]
        if any(each["type"] != "number" for each in needed):
            return None
        return tuple(each["name"] for each in needed)

    def about(self) -> dict[str, Any]:
        """Return what the model is and does, as plain values."""
        task, schema = self.trained.task, self.schema
        is_row = schema is not None and schema["kind"] == "row"
        return {
            "name": self.name,
            "digest": self.digest,
            "task": task.name,
            "title": task.words.title,
            "abilities": {
                "sessions": schema is not None,
                "predicts": is_row or self.reads_texts,
                "texts": self.reads_texts,
                "ranks": self.reads_texts and isinstance(task, Ranks),
                "completes": self.trained.generates,
                "looks_ahead": self.trained.looks_ahead,
            },
            "session": schema,
        }

    def open(self) -> Session:
        """Return a new session; raises 422 where the model has none."""
        if self.schema is None:
            raise Refusal(422, "no_sessions", "this model takes whole samples; use /v1/predict")
        return self.trained.session()

    def restore(self, snapshot: bytes) -> Session:
        """Return the session of a snapshot that was signed by a server of this model."""
        try:
            return self.trained.restore(snapshot)
        except LongshortError as error:
            raise Refusal(422, "no_snapshot", public(str(error))) from None

    def steps(self, session: Session, xs: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """Yield the answers to samples, one after the other; raises 422 with the column."""
        for x in xs:
            yield self.step(session, x)

    def step(self, session: Session, x: Any) -> dict[str, Any]:
        """Return the answer to a sample; raises 422 with the column."""
        refuse_not_finite(x)
        try:
            return session.step(x)
        except LongshortError as error:
            raise refused(error) from None

    def predict(self, given: Any) -> dict[str, Any]:
        """Return predictions of samples that stand alone, as `longshort predict --json` does.

        given: an object with `rows`, `texts` or `samples`, and with `top_k` or `horizon`.
        """
        kind = _kind_of(given)
        refuse_not_finite(given[kind])
        said: list[str] = []
        try:
            found = self._predicted(given, kind, said)
        except LongshortError as error:
            raise refused(error) from None
        return {**plain(found), "messages": [public(line) for line in said]}

    def _predicted(self, given: Mapping[str, Any], kind: str, said: list[str]) -> dict[str, Any]:
        trained, values = self.trained, given[kind]
        top_k, horizon = _whole(given, "top_k"), _whole(given, "horizon")
        if kind == "texts":
            if not all(isinstance(each, str) for each in values):
                raise DataError("texts: a list of texts is expected")
            trained.refuse_lines()
            samples = trained.read_lines(values, 1, said.append)
        elif kind == "samples":
            samples = trained.read(_arrays(values), said.append)
        elif trained.looks_ahead:
            found = trained.ahead(_frame(values), horizon, said.append)
            said += found.notes
            return {"rows": found.table.height, "skipped": found.skipped, **found.json()}
        else:
            samples = trained.read(_frame(values), said.append)
        if horizon is not None:
            raise ConfigError("horizon: is for forecasts")
        if top_k is not None:
            ranked = trained.ranked(samples, top_k)
            return {"rows": ranked.height, "predictions": ranked.to_dicts()}
        prediction = trained.predict(samples)
        table = trained.task.table(trained.model, samples, prediction)
        events = trained.events(samples, prediction)
        more = {} if events is None else {"events": events.to_dicts()}
        return {"rows": table.height, **trained.task.json(table), **more}


def refused(error: LongshortError) -> Refusal:
    """Return an error of the model as the refusal of its input, with the column if it has one."""
    column = _COLUMN.search(str(error))
    return unfit(str(error), **({"column": column[1]} if column else {}))


def refuse_not_finite(value: Any, column: str | None = None) -> None:
    """Raise 422 for NaN and infinity anywhere in a value, with the column they are in."""
    if isinstance(value, float):
        if not math.isfinite(value):
            more = {} if column is None else {"column": column}
            raise unfit("a number is NaN or infinite; null stands for a missing one", **more)
    elif isinstance(value, dict):
        for name, each in value.items():
            refuse_not_finite(each, str(name))
    elif isinstance(value, list):
        for each in value:
            refuse_not_finite(each, column)


def plain(value: Any) -> Any:
    """Return a value without NaN, infinity and times, which JSON has not: null, and text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


def name_of(path: Path) -> str:
    """Return the name of a run or bundle, as models are named in paths of the server."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().name.removesuffix(".longshort"))


def _kind_of(given: Any) -> str:
    wanted = "an object with one of rows, texts and samples, a list, is expected"
    if not isinstance(given, dict):
        raise unfit(wanted)
    strange = [name for name in given if name not in (*_INPUTS, "top_k", "horizon")]
    if strange:
        name = str(strange[0])[:100]
        raise unfit(f"{name!r} is unknown; {wanted}", column=name)
    kinds = [name for name in _INPUTS if name in given]
    if len(kinds) != 1 or not isinstance(given[kinds[0]], list) or not given[kinds[0]]:
        raise unfit(wanted)
    return kinds[0]


def _whole(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= 10_000:
        raise DataError(f"{name}: a whole number from 1 to 10,000 is expected")
    return value


def _frame(rows: list[Any]) -> Any:
    """Return rows by column as a frame."""
    import polars as pl

    if not all(isinstance(row, dict) and row for row in rows):
        raise DataError("rows: a list of objects with a value by column is expected")
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        columns = {name: pl.Series(name, [row.get(name) for row in rows]) for name in names}
        return pl.DataFrame(columns)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        raise DataError(
            "rows: the values of a column have to be all numbers, or all texts, or null"
        ) from None


def _arrays(samples: list[Any]) -> list[Any]:
    """Return samples as arrays of numbers [steps, columns]."""
    import numpy as np

    found = []
    for number, each in enumerate(samples):
        try:
            array = np.array(each, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.empty(0)
        if array.ndim != 2 or not array.size:
            raise DataError(f"samples, item {number}: rows of numbers of one length are expected")
        found.append(array)
    return found
