"""Roles of columns: the user's names are checked, and the others detected."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.config import DataConfig
from longshort.data.columns import CODED, is_numeric, why_identifier
from longshort.data.numbered_times import spells_time
from longshort.data.roles import seems_text
from longshort.data.sources import Source
from longshort.data.stamps import find_clock, looks_like_time, resembles_time
from longshort.errors import DataError, nearest

_SURE_NAMES = ("ds", "date", "datetime", "timestamp", "time", "year")
"""Columns of these names hold the time even as plain integers; a lone 'day' may be 1 to 31."""
_TIME_NAMES = ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "year")


@dataclass(frozen=True)
class Schema:
    """Names of the columns by role."""

    time: str | None
    group: tuple[str, ...]
    target: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    static: tuple[str, ...]
    clock: str | None = None
    """Column of the time of day, where the time column holds only dates."""

    @property
    def times(self) -> tuple[str, ...]:
        """The time column, and that of the time of day where there is one."""
        return tuple(name for name in (self.time, self.clock) if name is not None)

    @property
    def time_setting(self) -> str | None:
        """Value of `--time` that names these columns."""
        return ",".join(self.times) or None

    @property
    def numbers(self) -> list[str]:
        """All columns that must hold numbers, each once."""
        return list(dict.fromkeys((*self.target, *self.past, *self.future, *self.static)))


def find_schema(source: Source, config: DataConfig) -> Schema:
    """Check the columns that are named, and detect time and target where they are not."""
    for role in ("target", "group", "past", "future", "static"):
        for name in getattr(config, role):
            if name != "all" or role != "target":
                _require(source, name, role)
    time, clock = _find_times(source, config)
    taken = {time, clock, *config.group, *config.past, *config.future, *config.static}
    target = _find_target(source, config, taken)
    _refuse_two_roles(source, config, time, clock, target)
    return Schema(time, config.group, target, config.past, config.future, config.static, clock)


def _require(source: Source, name: str, role: str) -> None:
    if name not in source.columns:
        raise DataError(
            f"{source.name}: no column {name!r} for --{role}; {nearest(name, source.columns)}"
            + _delimiter_hint(source)
        )


def _delimiter_hint(source: Source) -> str:
    if len(source.columns) > 1 or source.delimiter is None:
        return ""
    return (
        "; the file reads as a single column: if the delimiter was not recognised, name it with "
        "--set data.delimiter=';'"
    )


def _find_times(source: Source, config: DataConfig) -> tuple[str | None, str | None]:
    """Return the time column, and that of the time of day if the first holds only dates."""
    if config.time is None:
        time = _find_time(source, config)
        if time is None:
            return None, None
        taken = {*config.target, *config.group, *config.past, *config.future, *config.static}
        free = [name for name in source.columns if name not in taken]
        return time, find_clock(source, time, free, config)
    names = [config.time]
    if config.time not in source.columns and "," in config.time:
        names = [name.strip() for name in config.time.split(",")]
    if len(names) > 2:
        raise DataError(
            f"{source.name}: --time names {len(names)} columns; name one, or a column of dates and "
            "one of clock times"
        )
    for name in names:
        _require(source, name, "time")
    return names[0], names[1] if len(names) > 1 else None


def _find_time(source: Source, config: DataConfig) -> str | None:
    taken = {*config.target, *config.group, *config.past, *config.future, *config.static}
    free = [name for name in source.columns if name not in taken]
    named = [name for name in free if name.strip().casefold() in _TIME_NAMES]
    named.sort(key=lambda name: _TIME_NAMES.index(name.strip().casefold()))
    for name in named:
        if looks_like_time(source, name, config) or name.strip().casefold() in _SURE_NAMES:
            return name
    written = (name for name in free[:50] if looks_like_time(source, name, config))
    counted = (name for name in free[:50] if spells_time(source, name))
    return next(written, None) or next(counted, None)


def _find_target(source: Source, config: DataConfig, taken: set[str | None]) -> tuple[str, ...]:
    if config.target and config.target != ("all",):
        return config.target
    free = [name for name in source.columns if name not in taken]
    is_all = config.target == ("all",)
    numeric = [
        name
        for name in free
        if is_numeric(source, name, config, or_empty=is_all)
        and not looks_like_time(source, name, config)
    ]
    codes = {name: why_identifier(source, name) for name in numeric}
    if is_all and numeric:
        return tuple(name for name in numeric if codes[name] != CODED) or tuple(numeric)
    numeric = [name for name in numeric if not codes[name]] or numeric
    if len(numeric) == 1 and codes[numeric[0]]:
        raise DataError(
            f"{source.name}: the only column of numbers is {numeric[0]!r}, and {codes[numeric[0]]} "
            "it seems to hold identifiers; forecast it with --target, or name series by it with "
            "--group"
        )
    if len(numeric) == 1:
        _refuse_texts(source, numeric[0], taken)
        return (numeric[0],)
    if not numeric:
        raise DataError(
            f"{source.name}: no numeric column is left to forecast among "
            f"{', '.join(map(repr, source.columns[:10]))}; name one with --target, "
            "or say with --task what else the file holds: classify (labelled texts or sequences), "
            "tag (tokens with tags), lm (running text)" + _delimiter_hint(source)
        )
    shown = ", ".join(numeric[:10]) + (", …" if len(numeric) > 10 else "")
    raise DataError(
        f"{source.name}: which column is to be forecast? Name it with --target (there are {shown}),"
        " or take them all with --target all"
    )


def _refuse_texts(source: Source, numbers: str, taken: set[str | None]) -> None:
    """Raise `DataError` for rows of a text and a number without a time: those are labelled texts.

    Dates in an unknown format are no texts; they are reported elsewhere.
    """
    text = seems_text(source)
    if text is None or text in taken or taken - {None} or resembles_time(source, text):
        return
    raise DataError(
        f"{source.name}: column {text!r} holds texts, {numbers!r} numbers, and there is no column "
        "of times: say --task classify if the numbers are labels of the texts, or forecast them "
        f"with --target {numbers}"
    )


def _refuse_two_roles(
    source: Source, config: DataConfig, time: str | None, clock: str | None, target: tuple[str, ...]
) -> None:
    roles = {
        "time": tuple(name for name in (time, clock) if name is not None),
        "target": target,
        "group": config.group,
        "past": config.past,
        "future": config.future,
        "static": config.static,
    }
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name in seen:
                raise DataError(
                    f"{source.name}: column {name!r} is named for --{seen[name]} and --{role}; "
                    "a column has one role"
                )
            seen[name] = role
