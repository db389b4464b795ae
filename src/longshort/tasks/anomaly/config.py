"""Every setting of anomaly detection, its unit, its default and its range."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, field_validator

from longshort.config import DataConfig, Section
from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.training import BaseConfig, TrainConfig

ScoreKind = Literal["error", "nll", "reconstruction", "aer"]


class AnomalyData(DataConfig):
    """The data's place, and the meaning of its columns."""

    target: tuple[str, ...] = Field(
        (),
        description="columns to watch; 'all' for all numbers",
        json_schema_extra=flag("--target"),
    )
    labels: str | None = Field(
        None,
        description="column of 0 and 1 that marks known anomalies; only scores and, where it is "
        "asked for, the threshold look at it",
        json_schema_extra=flag("--labels"),
    )


class AnomalySplit(Section):
    """The normal rows at the beginning of each series, and the others, which are searched."""

    normal: float | int | str = Field(
        0.5,
        description="where the part that is taken for normal ends: a share or a number of the "
        "first rows, or the first timestamp behind it",
        json_schema_extra=flag("--normal-until"),
    )
    val: float = Field(
        0.4,
        gt=0.0,
        lt=1.0,
        description="share of the normal rows, its last ones, that the network is not trained on: "
        "they end training and set the threshold",
    )

    @field_validator("normal", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Return a date as text and a text of a number as number.

        TOML reads 2024-01-31 as a date, and a flag gives a number as text.
        """
        if isinstance(value, (date, datetime)):
            return str(value)
        if isinstance(value, str):
            try:
                return float(value) if "." in value else int(value)
            except ValueError:
                return value
        return value

    @field_validator("normal", mode="after")
    @classmethod
    def _in_range(cls, value: float | int | str) -> float | int | str:
        if isinstance(value, float) and not 0.0 < value < 1.0:
            raise ValueError("a share lies between 0 and 1; rows are whole, a date is 2024-01-31")
        if isinstance(value, int) and value < 1:
            raise ValueError("at least one row has to be normal")
        return value


class AlarmConfig(Section):
    """The way from errors to alarms."""

    false_alarms: str | None = Field(
        None,
        description="how many false alarms a series may give: 1/week, 2/day, 1/1000 (steps); "
        "decided when absent",
        json_schema_extra=flag("--false-alarms"),
    )
    threshold: Literal["rate", "telemanom", "labels"] = Field(
        "rate",
        description="rate: by the wished false alarms; telemanom: the dynamic threshold of Hundman "
        "et al. (2018); labels: the best event F1 on the validation rows",
    )
    smoothing: int | None = Field(
        None,
        ge=1,
        description="span in steps of the exponential mean that smooths scores, 1 for none; when "
        "absent twice each series' period, but at most a tenth of the wished time between alarms",
    )
    judged_by: Literal["labels", "error"] | None = Field(
        None,
        description="what the verdict rests on: labels, where some lie behind the normal part, or "
        "the error of the forecast; decided when absent",
    )
    causal: bool = Field(
        False,
        description="smooth with the past alone, as a stream must; else with both sides, as an "
        "archive can",
        json_schema_extra=flag("--causal"),
    )


class AnomalyModel(CellSettings):
    """The network: recurrent layers that forecast, or rebuild windows, beside an autoregression."""

    score: tuple[ScoreKind, ...] = Field(
        ("error",),
        description="error of the forecast, nll under a Student head, reconstruction by an "
        "autoencoder, or aer: one step back, the window and one step ahead; several are averaged",
        json_schema_extra=flag("--score"),
    )
    hidden: int = Field(32, ge=1, le=8192, description="units per layer")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="on the states, before the head")
    ahead: int = Field(1, ge=1, le=512, description="steps that are forecast from each row")
    lags: int = Field(
        20, ge=1, le=512, description="of the autoregression that the network corrects"
    )
    window: int | None = Field(
        None, ge=4, le=4096, description="steps that are rebuilt together; the period when absent"
    )
    latent: int = Field(8, ge=1, le=1024, description="numbers that a window is squeezed into")
    replace: bool = Field(
        False,
        description="let the network see its own forecast in place of a value far off it, so that "
        "an anomaly is not learned as the new normal",
    )

    @property
    def forecasts(self) -> bool:
        """Whether a score needs forecasts."""
        return bool({"error", "nll"} & set(self.score))

    @property
    def rebuilds(self) -> bool:
        """Whether a score needs an autoencoder."""
        return bool({"reconstruction", "aer"} & set(self.score))

    @property
    def outputs(self) -> int:
        """Numbers of each forecast: the value, and its spread where that is learned."""
        return 2 if "nll" in self.score else 1

    @property
    def margin(self) -> int:
        """Steps that are rebuilt on either side of a window."""
        return 1 if "aer" in self.score else 0

    @field_validator("score", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("score", mode="after")
    @classmethod
    def _once(cls, value: tuple[ScoreKind, ...]) -> tuple[ScoreKind, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("one score at least, each once: error, nll, reconstruction, aer")
        if {"error", "nll"} <= set(value):
            raise ValueError("error and nll are two readings of one forecast; choose one of them")
        if {"reconstruction", "aer"} <= set(value):
            raise ValueError("aer holds the reconstruction already; choose one of them")
        return value


class AnomalyTrain(TrainConfig):
    """The training loop."""

    learning_rate: float = Field(0.005, gt=0.0, description="of the optimizer, at its highest")
    ema: float = Field(
        0.98, ge=0.0, lt=1.0, description="decay of the weights' moving average; 0 for none"
    )
    batch_size: int = Field(32, ge=1, description="windows that are learned together")
    bptt: int = Field(100, ge=8, description="steps of a training window")
    max_epochs: int = Field(12, ge=1, description="rounds of steps_per_epoch batches")
    steps_per_epoch: int = Field(25, ge=1, description="batches between two looks at validation")


class AnomalyConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["anomaly"] = "anomaly"
    data: AnomalyData = AnomalyData()
    split: AnomalySplit = AnomalySplit()
    alarm: AlarmConfig = AlarmConfig()
    model: AnomalyModel = AnomalyModel()
    train: AnomalyTrain = AnomalyTrain()
