"""Every setting of a forecast, its unit, its default and its range; unknown keys are refused.

`None` means "decide from the data"; `longshort.tasks.forecast.defaults` replaces every `None` that
a forecast needs and the run folder's `config.toml` records the result.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig


class DataConfig(SourceConfig):
    """Where the data is and what its columns mean."""

    format: Literal["csv", "parquet", "jsonl"] | None = Field(
        None, description="file format; by its name when absent"
    )
    delimiter: str | None = Field(None, description="one character; guessed when absent")
    header: bool | None = Field(
        None, description="whether the first line holds column names; by what it holds when absent"
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="decimal mark of numbers in text; from the whole columns when absent"
    )
    thousands: Literal["", ".", ",", "'", " "] | None = Field(
        None, description="mark between thousands, ' ' for any space; found when absent"
    )
    missing: tuple[str, ...] = Field(
        (), description="values that stand for a missing one, such as -999"
    )
    layout: Literal["columns", "rows"] | None = Field(
        None,
        description="whether time runs down the columns, or along the rows, a series each; by the "
        "columns' names when absent",
    )
    time: str | None = Field(
        None,
        description="timestamp column, or 'date,time'; found by name when absent",
        json_schema_extra=flag("--time"),
    )
    time_format: str | None = Field(None, description="strftime format of the timestamps")
    timezone: str | None = Field(
        None, description="of timestamps without an offset, and of days: 'Europe/Berlin'"
    )
    target: tuple[str, ...] = Field(
        (),
        description="columns to forecast; ('all',) for all numbers",
        json_schema_extra=flag("--target"),
    )
    group: tuple[str, ...] = Field(
        (),
        description="columns that name a series in long format",
        json_schema_extra=flag("--group"),
    )
    past: tuple[str, ...] = Field(
        (),
        description="covariates known only up to the forecast origin",
        json_schema_extra=flag("--past"),
    )
    future: tuple[str, ...] = Field(
        (), description="covariates known over the horizon too", json_schema_extra=flag("--future")
    )
    static: tuple[str, ...] = Field(
        (), description="covariates constant within a series", json_schema_extra=flag("--static")
    )
    freq: str | None = Field(
        None,
        description="step: '15min', '1h', '1d', 'B', '1w', '1mo', '1q', '1y', 'rows'",
        json_schema_extra=flag("--freq"),
    )
    duplicates: Literal["error", "mean", "first", "last"] = Field(
        "error", description="what to do with different values at one timestamp of a series"
    )
    calendar: tuple[Literal["day", "week", "year"], ...] | None = Field(
        None, description="periods whose phase is a future covariate; empty for none"
    )

    @field_validator(
        "target", "group", "past", "future", "static", "calendar", "missing", mode="before"
    )
    @classmethod
    def _as_names(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            return None if info.field_name == "calendar" else ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if info.field_name == "missing":
            numbers = value if isinstance(value, (list, tuple)) else (value,)
            return tuple(str(number) for number in numbers)
        return tuple(value) if isinstance(value, (list, tuple)) else value


class SplitConfig(Section):
    """Three parts in time: train, validation, test."""

    by: Literal["time", "series"] = Field(
        "time", description="one cut for all by time, or each series from its own end"
    )
    val: float | int | str | None = Field(
        None, description="validation part: share, number of steps, or first timestamp"
    )
    test: float | int | str | None = Field(
        None, description="test part: share, number of steps, or first timestamp"
    )
    gap: int = Field(0, ge=0, description="steps left out between the parts")
    stride: int | None = Field(
        None, ge=1, description="steps between the forecast origins that are scored"
    )
    isolate: bool = Field(
        False, description="forbid contexts to reach back over a border between parts"
    )

    @field_validator("val", "test", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """TOML reads 2024-01-31 as a date."""
        return str(value) if isinstance(value, (date, datetime)) else value


class TransformConfig(Section):
    """What is done to the target before the model sees it, fitted on the training rows only."""

    scale: Literal["zscore", "robust", "none"] = Field(
        "zscore", description="what values are divided by, after their centre is taken off"
    )
    per: Literal["series", "global"] = Field(
        "series", description="scales of each series, or the same for all"
    )
    log1p: bool = Field(False, description="forecast log(1 + value)")
    difference: int = Field(0, ge=0, description="lag of the difference in steps; 0 for none")


class ModelConfig(CellSettings):
    """The network."""

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
        None, description="widen or narrow quantiles to cover the validation part as they should"
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
        """Place of the point forecast among the outputs."""
        return self.quantiles.index(0.5) if self.quantiles else 0

    @field_validator("quantiles", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 < q < 1.0 for q in value) or list(value) != sorted(set(value)):
            raise ValueError("quantiles must rise and lie between 0 and 1, like 0.1,0.5,0.9")
        if value and 0.5 not in value:
            raise ValueError("quantiles must contain 0.5, the point forecast")
        return value


class ForecastTrain(TrainConfig):
    """The training loop, with the loss of forecasts."""

    loss: Literal["mse", "mae", "huber", "mase", "poisson", "pinball"] | None = Field(
        None,
        description="poisson: the likelihood of counts; pinball where quantiles are asked for, "
        "else mse, when absent",
    )


class RunConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["forecast"] = "forecast"
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    transform: TransformConfig = TransformConfig()
    model: ModelConfig = ModelConfig()
    train: ForecastTrain = ForecastTrain()
