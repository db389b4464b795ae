"""What a run's model is called."""

from __future__ import annotations

from longshort.cells.named import find_cell
from longshort.config.cell import CellSettings
from longshort.config.training import BaseConfig


def model_title(config: BaseConfig) -> str:
    """The name of the cell that the settings choose, else "network"."""
    model = getattr(config, "model", None)
    return find_cell(model.cell).__name__ if isinstance(model, CellSettings) else "network"
