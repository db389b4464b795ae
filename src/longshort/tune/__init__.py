"""Choosing settings by trials: searches in rungs, and answers to common questions.

The package is the function `longshort.tune` too: a module of this name and a function of this name
cannot both be an attribute of `longshort`, so the module can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longshort.tune.python import Tuned


class _Callable(ModuleType):
    def __call__(self, data: object, **asked: Any) -> Tuned:
        """Search settings, or answer a question; see `longshort.tune.python.study`."""
        from longshort.tune.python import study

        return study(data, **asked)


sys.modules[__name__].__class__ = _Callable
