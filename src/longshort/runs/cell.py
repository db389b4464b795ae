"""The cell that a run's settings name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, TypeVar

from longshort.cells import Cell
from longshort.cells.named import build_cell, find_cell
from longshort.config.cell import CellSettings, TruncatedSettings
from longshort.config.training import BaseConfig
from longshort.errors import ConfigError

C = TypeVar("C", bound=BaseConfig)


class ReadingOptions(TypedDict):
    """Options of recurrent layers that settings of several tasks name."""

    init: str
    checkpoint: bool | int
    truncate: int | None


def chosen_cell(model: CellSettings) -> Cell:
    """Return the cell with its options; a `ConfigError` names the setting that is wrong."""
    try:
        return build_cell(model.cell, model.cell_options)
    except ConfigError as error:
        raise ConfigError(f"model.cell: {error}") from None


def layer_options(model: CellSettings) -> ReadingOptions:
    """Return the options of recurrent layers that the settings name."""
    truncate = model.truncate if isinstance(model, TruncatedSettings) else None
    return {"init": model.init, "checkpoint": model.checkpoint, "truncate": truncate}


def with_longest_lag(config: C, longest: Callable[[], int | None]) -> C:
    """Return the config with the longest lag for `model.init = chrono`, the number of steps.

    longest: counts the steps of the longest sequence; None where a task does not know it. Raises
    `ConfigError` then, and for fewer than 3.
    """
    model = getattr(config, "model", None)
    if not isinstance(model, CellSettings) or model.init != "chrono":
        return config
    steps = longest()
    if steps is None or steps < 3:
        why = "is not known" if steps is None else f"has {steps} steps"
        raise ConfigError(
            f"model.init: chrono needs the longest lag, and the longest sequence {why}; write "
            "chrono:T with T from 3 on, or leave it out"
        )
    chosen = model.model_copy(update={"init": f"chrono:{steps}"})
    return config.model_copy(update={"model": chosen})


def model_title(config: BaseConfig) -> str:
    """Return the model's name in a verdict: that of its cell, or "network" where it has none."""
    model = getattr(config, "model", None)
    return find_cell(model.cell).__name__ if isinstance(model, CellSettings) else "network"
