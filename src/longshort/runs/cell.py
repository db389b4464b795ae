"""The cell that a network's settings name."""

from __future__ import annotations

from longshort.cells import Cell
from longshort.cells.named import build_cell, find_cell
from longshort.config.cell import CellSettings
from longshort.config.training import BaseConfig
from longshort.errors import ConfigError


def chosen_cell(model: CellSettings) -> Cell:
    """With its options; raises ConfigError that names the setting."""
    try:
        return build_cell(model.cell, model.cell_options)
    except ConfigError as error:
        raise ConfigError(f"model.cell: {error}") from None


def model_title(config: BaseConfig) -> str:
    """What a verdict calls the model: the name of its cell, else "network"."""
    model = getattr(config, "model", None)
    return find_cell(model.cell).__name__ if isinstance(model, CellSettings) else "network"
