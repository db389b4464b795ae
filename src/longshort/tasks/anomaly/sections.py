"""The report of an anomaly run."""
from __future__ import annotations
from typing import Any
def sections(result: Any) -> list[Any]:
    """None yet."""
    return []
