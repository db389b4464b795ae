"""Helpers of estimators: settings from arguments, and a run from settings."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from longshort.config import assign
from longshort.config.sequences import Axes
from longshort.data.labelled import examples_of
from longshort.data.sources import is_frame
from longshort.data.splits import Given
from longshort.errors import DataError
from longshort.runs import story
from longshort.runs.task import Say
from longshort.train.events import Listener


def nested(
    named: Mapping[str, object], more: Mapping[str, object] | None, **fixed: object
) -> dict[str, Any]:
    """Return settings by dotted key as nested tables; None in `named` leaves a setting out."""
    found: dict[str, Any] = dict(fixed)
    given = {key: value for key, value in named.items() if value is not None}
    for key, value in {**given, **(more or {})}.items():
        assign(found, key, value)
    return found


def with_data(
    settings: Mapping[str, Any], data: object, roles: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings with the path of the data, if it is a file, and the given roles."""
    found = copy.deepcopy(dict(settings))
    table = {**found.get("data", {}), **given(roles)}
    if is_file(data):
        table["path"] = str(data)
    found["data"] = table
    return found


def is_file(data: object) -> bool:
    """Whether the data is the name of a file."""
    return isinstance(data, (str, Path))


def is_table(data: object) -> bool:
    """Whether the data is a file or a frame, which have both items and labels."""
    return is_file(data) or is_frame(data)


def with_labels(data: Any, labels: Iterable[object] | None, axes: Axes | None = None) -> object:
    """Return a file or frame as it is; texts or arrays (axes as named) as labelled examples.

    Raises `DataError` if labels are missing, or given beside a file that has them.
    """
    if labels is None and (data is None or is_table(data)):
        return data
    if is_file(data):
        raise DataError("labels: stand in the file; name their column with label=")
    if labels is None:
        raise DataError("labels: one for each item is needed")
    return examples_of(data, labels, axes)


def with_splits(
    train: object, held_out: Mapping[str, object], read: Callable[[Any, Any], object]
) -> tuple[object, dict[str, object]]:
    """Return the data with the splits that are no files, and the settings that name the files.

    held_out: "val" and "test", each a file, a frame, or a pair of items and labels; read: returns
    the samples of items and labels.
    """
    files = {f"{name}_path": data for name, data in held_out.items() if is_file(data)}
    held = {
        name: read(*data) if isinstance(data, tuple) else read(data, None)
        for name, data in held_out.items()
        if data is not None and not is_file(data)
    }
    return (Given(train, held.get("val"), held.get("test")) if held else train), files


def given(roles: Mapping[str, Any]) -> dict[str, Any]:
    """Return the roles that are given, paths as texts."""
    return {
        role: str(value) if isinstance(value, Path) else value
        for role, value in roles.items()
        if value
    }


def run_into(
    settings: Mapping[str, Any],
    data: object,
    out: str | Path | None,
    *,
    overwrite: bool,
    say: Say,
    listen: Listener,
) -> tuple[Path, dict[str, Any]]:
    """Run; return the run's folder, a temporary one without `out`, and its scores."""
    folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="longshort-"))
    scores = story.run(settings, folder, data=data, overwrite=overwrite, say=say, listen=listen)
    return folder, scores
