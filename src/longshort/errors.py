"""Errors for people: what is wrong, what is allowed, what was received, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LongshortError(Exception):
    """Base of all errors that longshort raises on purpose."""


class ConfigError(LongshortError):
    """A setting is unknown, out of range, or contradicts another one."""


class ArgumentError(ConfigError, ValueError):
    """A layer or cell received a value that is not allowed; also a ValueError, as in torch."""


class ArgumentTypeError(ArgumentError, TypeError):
    """A layer or cell received a value of the wrong type; also a TypeError, as in torch."""


class TensorError(ArgumentError, RuntimeError):
    """A tensor or weight does not fit its layer, in shape, dtype, device or memory layout.

    In torch some of these are RuntimeErrors and some ValueErrors; here all are both.
    """


class DataError(LongshortError):
    """The data cannot be read or used; the message names file, row and column."""


class RunError(LongshortError):
    """A run folder is missing, damaged, in use, or not a run of longshort."""


class BackendError(LongshortError, RuntimeError):
    """A backend that was asked for cannot run this layer here."""


class Interrupted(LongshortError):
    """Training was stopped on request after a checkpoint was saved."""


class Stopped(Interrupted):
    """Training was stopped and saved; whoever knows the run's data says how it goes on."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as "1 line" or "2,000 lines"; many: where no s does."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def are(count: int) -> str:
    """Return the verb of so many: "is" or "are"."""
    return "is" if count == 1 else "are"


def nearest(name: object, allowed: Iterable[str], limit: int = 20) -> str:
    """Return "did you mean …?" for the nearest allowed name, or else the list of allowed names."""
    name = str(name)
    options = [str(option) for option in allowed]
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    if not close:
        folded = [option for option in options if option.casefold() == name.casefold()]
        close = folded[:1]
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(option) for option in options[:limit])
    more = f" and {len(options) - limit} more" if len(options) > limit else ""
    return f"there are {shown}{more}"
