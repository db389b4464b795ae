"""The cell that a run's settings name."""

from __future__ import annotations

from longshort.cells import Cell
from longshort.cells.named import build_cell, find_cell
from longshort.config.cell import CellSettings
from longshort.config.training import BaseConfig
from longshort.errors import ConfigError


def chosen_cell(model: CellSettings) -> Cell:
    """Return the cell with its options; a `ConfigError` names the setting that is wrong."""
    try:
        return build_cell(model.cell, model.cell_options)
    except ConfigError as error:
        raise ConfigError(f"model.cell: {error}") from None


def model_title(config: BaseConfig) -> str:
    """Return the model's name in a verdict: that of its cell, or "network" where it has none."""
    model = getattr(config, "model", None)
    return find_cell(model.cell).__name__ if isinstance(model, CellSettings) else "network"
