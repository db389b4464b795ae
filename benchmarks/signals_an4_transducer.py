"""AN4 by a transducer (RNN-T), as `signals_an4` measures CTC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from signals_an4 import of_head, show

__all__ = ["measure", "show"]


def measure(data: Path) -> dict[str, Any]:
    """Train and score the network with the transducer's head."""
    return of_head(data, "transducer")
