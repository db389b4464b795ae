"""Errors written for people: what is wrong, what is allowed, what came, what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LongshortError(Exception):
    """Base of every error that longshort raises on purpose."""


class ConfigError(LongshortError):
    """A setting is unknown, out of range, or contradicts another one."""


class ArgumentError(ConfigError, ValueError):
    """A layer or cell is given a value that is not allowed: a ValueError, as in torch."""


class ArgumentTypeError(ArgumentError, TypeError):
    """A layer or cell is given something of the wrong kind: a TypeError, as in torch."""


class TensorError(ArgumentError, RuntimeError):
    """A tensor or weight does not fit its layer, in shape, dtype, device or memory.

    In torch some of these are RuntimeErrors and some ValueErrors; here all are both.
    """


class DataError(LongshortError):
    """The data cannot be read or does not allow what was asked; names file, row and column."""


class RunError(LongshortError):
    """A run folder is missing, foreign, damaged, or already in use."""


class BackendError(LongshortError, RuntimeError):
    """A backend was asked for that cannot run this layer here."""


class Interrupted(LongshortError):
    """Training was stopped on request after a checkpoint was saved."""


def nearest(name: object, allowed: Iterable[str], limit: int = 20) -> str:
    """Say what was probably meant by `name`, or list what is allowed."""
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
