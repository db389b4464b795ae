"""Settings of tables and of series in them: how they are read, split in time and scaled.

`None` means "decide from the data".
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import SourceConfig


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
        description="columns to forecast; 'all' for all numbers",
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
    """Three splits in time: training, validation, test."""

    by: Literal["time", "series"] = Field(
        "time", description="one cut for all by time, or each series from its own end"
    )
    val: float | int | str | None = Field(
        None, description="validation split: share, number of steps, or first timestamp"
    )
    test: float | int | str | None = Field(
        None, description="test split: share, number of steps, or first timestamp"
    )
    gap: int = Field(0, ge=0, description="steps left out between the splits")
    stride: int | None = Field(
        None, ge=1, description="steps between the forecast origins that are scored"
    )
    isolate: bool = Field(
        False, description="forbid contexts to reach back over a border between splits"
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
