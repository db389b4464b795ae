"""Search spaces: settings by dotted key, each with a range or a list of values to draw from."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from longshort.config import assign, build_as, parse_assignments
from longshort.errors import ConfigError, nearest

_LOG_FROM = 10.0
"""Ratio of a range's ends from which it is searched on a logarithmic scale."""
_FIXED = ("data", "split", "task", "format_version")
"""Tables of settings that trials share, so that they are compared on the same samples."""
_SEED = "train.seed"
_TRIES = 100
"""Draws for each choice that is asked for, as some come twice."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones where `is_whole`."""

    low: float
    high: float
    is_whole: bool

    @property
    def is_log(self) -> bool:
        """Whether it is drawn on a logarithmic scale: both ends are positive and 10 times apart."""
        return self.low > 0 and self.high >= _LOG_FROM * self.low

    def at(self, place: float) -> int | float:
        """Return the number at a place from 0 to 1; floats have four digits, as people write."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.is_whole else (self.low, self.high)
        found = low * (high / low) ** place if self.is_log else low + (high - low) * place
        if self.is_whole:
            return int(min(max(round(found), self.low), self.high))
        return float(min(max(float(f"{found:.4g}"), self.low), self.high))

    @property
    def ends(self) -> tuple[int | float, ...]:
        """Both ends."""
        kind = int if self.is_whole else float
        return kind(self.low), kind(self.high)

    def __str__(self) -> str:
        ends = "..".join(f"{end:g}" for end in self.ends)
        return f"{ends} ({'logarithmic' if self.is_log else 'linear'})"


@dataclass(frozen=True)
class Choice:
    """Values of a list."""

    values: tuple[Any, ...]

    def at(self, place: float) -> Any:
        """Return the value at a place from 0 up to 1."""
        return self.values[int(place * len(self.values))]

    @property
    def ends(self) -> tuple[Any, ...]:
        """All values."""
        return self.values

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Floats = NDArray[np.float64]
Dimension = Range | Choice
Space = dict[str, Dimension]


def parse_space(
    search: Mapping[str, object], settings: Mapping[str, Any], kind: type[Any]
) -> Space:
    """Return the space that is asked for, checked against the settings class of the task.

    search: by dotted key "LOW..HIGH", "A,B,C", or a sequence of values. settings: what all trials
    share. Raises `ConfigError` for unknown keys, empty ranges and values that are not allowed.
    """
    if not search:
        raise ConfigError(
            "search: nothing to search; name settings, such as --search model.hidden=16..256 "
            "train.learning_rate=1e-4..1e-2, or ask a --question"
        )
    known = list(dotted_keys(kind))
    space = {}
    for key, given in search.items():
        refuse_key(key, known)
        dimension = _dimension(key, given, _is_fraction(kind, key))
        for value in dimension.ends:
            refuse_value(key, value, settings, kind)
        space[key] = dimension
    return space


def parse_search(pairs: Sequence[str]) -> dict[str, object]:
    """Parse `key=LOW..HIGH` and `key=A,B,C` of the command line."""
    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip() or not text.strip():
            raise ConfigError(
                f"--search {pair!r}: write key=LOW..HIGH or key=A,B,C, such as model.hidden=16..256"
            )
        found[key.strip()] = text.strip()
    return found


def parse_values(text: str | None) -> list[float]:
    """Parse the numbers of `--values`; empty for None."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise ConfigError(f"--values: numbers like 16,32,64 are expected, got {text!r}") from None


def refuse_key(key: str, known: Sequence[str]) -> None:
    """Raise `ConfigError` for a key that no trial may change."""
    if key == _SEED:
        raise ConfigError(f"search: {key}: trials have seeds of their own; leave it out")
    if key.partition(".")[0] in _FIXED:
        raise ConfigError(
            f"search: {key}: trials are compared on the same samples, so it is the same for all; "
            f"give --set {key}=… instead"
        )
    if key not in known:
        raise ConfigError(f"search: unknown key {key!r}; {nearest(key, known)}")


def refuse_value(key: str, value: object, settings: Mapping[str, Any], kind: type[Any]) -> None:
    """Raise `ConfigError` for a value that the setting does not allow, whatever the others are."""
    nested = deepcopy(dict(settings))
    assign(nested, key, value)
    try:
        build_as(kind, nested, "search")
    except ConfigError as error:
        own = [line for line in str(error).splitlines() if line.startswith(f"search: {key}:")]
        if own:
            raise ConfigError("\n".join(own)) from None


def dotted_keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of all settings of a class."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from dotted_keys(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _is_fraction(kind: type[BaseModel], key: str) -> bool:
    """Whether a setting takes fractions, and not whole numbers alone."""
    *tables, name = key.split(".")
    section: Any = kind
    for table in tables:
        section = section.model_fields[table].annotation
    annotation = section.model_fields[name].annotation
    return float in (annotation, *get_args(annotation))


def _dimension(key: str, given: object, is_fraction: bool) -> Dimension:
    if isinstance(given, str) and ".." in given:
        return _range(key, given, is_fraction)
    if isinstance(given, str):
        parts = [part.strip() for part in given.split(",")]
        values = tuple(_value(key, part) for part in parts if part)
    elif isinstance(given, Sequence):
        values = tuple(given)
    else:
        values = (given,)
    if not values:
        raise ConfigError(f"search: {key}: no value in {given!r}; write a range or a list")
    return Choice(tuple(dict.fromkeys(values)))


def _value(key: str, text: str) -> object:
    return parse_assignments([f"{key}={text}"])[key]


def _range(key: str, text: str, is_fraction: bool) -> Range:
    low, high = (_number(key, end.strip(), text) for end in text.split("..", 1))
    if not low < high:
        raise ConfigError(f"search: {key}: the range {text} is empty; write LOW..HIGH, LOW first")
    is_whole = isinstance(low, int) and isinstance(high, int) and not is_fraction
    return Range(low, high, is_whole)


def _number(key: str, end: str, text: str) -> int | float:
    try:
        value = tomllib.loads(f"value = {end}")["value"]
    except tomllib.TOMLDecodeError:
        value = end
    try:
        value = value if isinstance(value, int | float) else float(end)
    except ValueError:
        value = math.nan
    if isinstance(value, bool) or not math.isfinite(value):
        raise ConfigError(f"search: {key}: {end!r} is no number; write LOW..HIGH, got {text!r}")
    found: int | float = value
    return found


def draw(space: Space, count: int, seed: int) -> list[dict[str, Any]]:
    """Draw this many different choices of settings, by dotted key; fewer if there are no more.

    They are spread evenly by an additive recurrence with a random start (Roberts, 2018, R
    sequence). The list depends on space and seed alone, and a longer one begins with a shorter one.
    """
    steps = _steps(len(space))
    start = np.random.default_rng(seed).random(len(space))
    found: list[dict[str, Any]] = []
    for number in range(_TRIES * count):
        if len(found) == count:
            break
        places = (start + number * steps) % 1.0
        drawn = {key: space[key].at(p) for key, p in zip(sorted(space), places, strict=True)}
        if drawn not in found:
            found.append(drawn)
    return found


def _steps(dimensions: int) -> Floats:
    """Return the powers of 1/g, where g > 1 solves g^(d + 1) = g + 1."""
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    found: Floats = root ** -np.arange(1.0, dimensions + 1)
    return found
