"""Every setting of a forecast, its unit, its default and its range; unknown keys are refused.

`None` means "decide from the data"; `longshort.tasks.forecast.defaults` decides what a forecast
needs, and the run folder's `config.toml` records the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.series import DataConfig, SplitConfig, TransformConfig
from longshort.config.training import BaseConfig, TrainConfig


class ForecastModel(CellSettings):
    """The network's settings."""

    hidden: int | None = Field(None, ge=1, le=8192, description="units per layer")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    dropout: float = Field(0.3, ge=0.0, lt=1.0, description="between layers, and before the head")
    residual: bool = Field(False, description="add each layer's input to its output")
    context_length: int | None = Field(
        None,
        ge=1,
        description="steps seen before the forecast",
        json_schema_extra=flag("--context"),
    )
    horizon: int | None = Field(
        None, ge=1, description="steps forecast", json_schema_extra=flag("--horizon")
    )
    season: int | None = Field(None, ge=1, description="steps per season; 1 for none")
    decoder: Literal["direct", "recursive"] = Field(
        "direct", description="the whole horizon at once, or step by step"
    )
    instance_norm: Literal["none", "last", "centre", "standard", "last_std"] = Field(
        "last",
        description="per window: nothing, minus its last value, minus its mean, z-score, or minus "
        "the last value over the deviation",
    )
    patch: int | None = Field(None, ge=1, description="steps that enter the cell together")
    linear: bool = Field(True, description="add a linear map of the context to the forecast")
    linear_past: bool | None = Field(
        None, description="whether the linear map sees the past covariates too"
    )
    level: bool | None = Field(
        None, description="whether the network sees the series' level beside the window's shape"
    )
    effects: Literal["off", "shared", "series"] | None = Field(
        None,
        description="linear effects of the calendar and of future covariates, taken off before the "
        "network and added back: off, the same for all series, or each series' own",
    )
    floor: float | Literal["auto"] | None = Field(
        "auto",
        description="least forecast in the data's units; auto: 0 for series that were never below "
        "it; none for no floor",
    )
    calibrate: bool | None = Field(
        None, description="widen or narrow quantiles to cover the validation split as they should"
    )
    channels: Literal["independent", "linked", "mixed"] = Field(
        "independent",
        description="one shared model per column; the same, seeing a learned mix of all columns; "
        "or one model of all columns at once",
    )
    rank: int = Field(16, ge=1, le=1024, description="of the mix when channels are linked")
    embedding: int = Field(0, ge=0, le=512, description="size of a learned vector per series")
    quantiles: tuple[float, ...] = Field(
        (), description="empty for a point forecast", json_schema_extra=flag("--quantiles")
    )

    @property
    def middle(self) -> int:
        """Index of the point forecast among the outputs."""
        return self.quantiles.index(0.5) if self.quantiles else 0

    @property
    def is_joint(self) -> bool:
        """Whether one window holds all columns, instead of one column each."""
        return self.channels != "independent"

    @field_validator("quantiles", mode="before")
    @classmethod
    def _as_levels(cls, value: object) -> object:
        """Read levels from any sequence, or from a text such as "0.1,0.5,0.9"."""
        if isinstance(value, str):
            return tuple(level.strip() for level in value.split(",") if level.strip())
        return tuple(value) if isinstance(value, Iterable) else value

    @field_validator("quantiles", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 < q < 1.0 for q in value) or list(value) != sorted(set(value)):
            raise ValueError("quantiles must rise and lie between 0 and 1, like 0.1,0.5,0.9")
        if value and 0.5 not in value:
            raise ValueError("quantiles must contain 0.5, the point forecast")
        return value


class ForecastTrain(TrainConfig):
    """Settings of the training loop, with the loss of forecasts."""

    loss: Literal["mse", "mae", "huber", "mase", "poisson", "pinball"] | None = Field(
        None,
        description="poisson: the likelihood of counts; pinball where quantiles are asked for, "
        "else mse, when absent",
    )


class ForecastConfig(BaseConfig):
    """All settings of a forecast; a run's `config.toml` has them, all decided."""

    task: Literal["forecast"] = "forecast"
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    transform: TransformConfig = TransformConfig()
    model: ForecastModel = ForecastModel()
    train: ForecastTrain = ForecastTrain()

    def updated(self, section: str, changes: Mapping[str, Any]) -> ForecastConfig:
        """Return a copy with some settings of a section changed."""
        changed = getattr(self, section).model_copy(update=changes)
        return self.model_copy(update={section: changed})
