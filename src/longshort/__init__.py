"""longshort: sequence modelling with LSTM, from the principle to production.

The names below are loaded on first use, so that `import longshort` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longshort import nn
    from longshort.api import Forecaster, Run, check, example, load, read, resume
    from longshort.errors import BackendError, ConfigError, DataError, LongshortError, RunError

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "ConfigError",
    "DataError",
    "Forecaster",
    "LongshortError",
    "Run",
    "RunError",
    "check",
    "example",
    "load",
    "nn",
    "read",
    "resume",
]

_ERRORS = {"BackendError", "ConfigError", "DataError", "LongshortError", "RunError"}


def __getattr__(name: str) -> Any:
    if name == "nn":
        return import_module("longshort.nn")
    if name in _ERRORS:
        return getattr(import_module("longshort.errors"), name)
    if name in __all__:
        return getattr(import_module("longshort.api"), name)
    raise AttributeError(f"module 'longshort' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
