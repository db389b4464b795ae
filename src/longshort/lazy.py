"""Libraries that are imported when they are first used, so that what does not use them needs none.

A model without PyTorch that is asked row by row neither reads files nor returns frames, and polars
is larger than all else that it needs together.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from longshort.errors import RunError

if TYPE_CHECKING:
    import polars as polars
else:

    class _Lazy:
        """Stands for a module until one of its names is asked for."""

        def __init__(self, name: str, why: str) -> None:
            self._name, self._why = name, why

        def __getattr__(self, name: str) -> Any:
            try:
                module = import_module(self._name)
            except ModuleNotFoundError:
                raise RunError(
                    f"{self._name} is not installed, and {self._why}; install it with: pip install "
                    f"{self._name}"
                ) from None
            found = self.__dict__[name] = getattr(module, name)
            return found

    polars = _Lazy("polars", "tables are read and written with it")
