"""Every setting of a run, its unit, its default and its range; unknown keys are refused.

`None` means "decide from the data"; `longshort.tasks.forecast.defaults` replaces every `None` that
a forecast needs and the run folder's `config.toml` records the result.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from longshort.errors import ConfigError, nearest

FORMAT_VERSION = 1


class Section(BaseModel):
    """A table of settings that refuses unknown keys and cannot be changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, values: object) -> object:
        """TOML has no null: 'none' clears a setting, unless it is one of its named choices."""
        if not isinstance(values, dict):
            return values
        return {
            key: None if value == "none" and not cls._names_none(key) else value
            for key, value in values.items()
        }

    @classmethod
    def _names_none(cls, key: str) -> bool:
        field = cls.model_fields.get(key)
        return field is not None and "none" in get_args(field.annotation)


class DataConfig(Section):
    """Where the data is and what its columns mean."""

    path: str | None = Field(None, description="file to read; empty for a frame given in Python")
    format: Literal["csv", "parquet", "jsonl"] | None = Field(
        None, description="file format; by its name when absent"
    )
    delimiter: str | None = Field(None, description="one character; guessed when absent")
    decimal: Literal[".", ","] = Field(".", description="decimal mark of numbers in text files")
    time: str | None = Field(None, description="timestamp column; found by name when absent")
    time_format: str | None = Field(None, description="strftime format of the timestamps")
    target: tuple[str, ...] = Field((), description="columns to forecast; ('all',) for all numbers")
    group: tuple[str, ...] = Field((), description="columns that name a series in long format")
    past: tuple[str, ...] = Field((), description="covariates known only up to the forecast origin")
    future: tuple[str, ...] = Field((), description="covariates known over the horizon too")
    static: tuple[str, ...] = Field((), description="covariates constant within a series")
    freq: str | None = Field(
        None, description="step: '15min', '1h', '1d', 'B', '1w', '1mo', '1q', '1y', 'rows'"
    )
    duplicates: Literal["error", "mean", "first", "last"] = Field(
        "error", description="what to do with different values at one timestamp of a series"
    )
    calendar: tuple[Literal["day", "week", "year"], ...] | None = Field(
        None, description="periods whose phase is a future covariate; empty for none"
    )

    @field_validator("target", "group", "past", "future", "static", "calendar", mode="before")
    @classmethod
    def _as_names(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            return None if info.field_name == "calendar" else ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
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

    scale: Literal["zscore", "robust", "none"] = "zscore"
    per: Literal["series", "global"] = "series"
    log1p: bool = False
    difference: int = Field(0, ge=0, description="lag of the difference in steps; 0 for none")


class ModelConfig(Section):
    """The network."""

    cell: Literal["lstm", "gru"] = "lstm"
    hidden: int | None = Field(None, ge=1, le=8192, description="units per layer")
    num_layers: int = Field(1, ge=1, le=32)
    dropout: float = Field(0.3, ge=0.0, lt=1.0)
    residual: bool = Field(False, description="add each layer's input to its output")
    context_length: int | None = Field(None, ge=1, description="steps seen before the forecast")
    horizon: int | None = Field(None, ge=1, description="steps forecast")
    season: int | None = Field(None, ge=1, description="steps per season; 1 for none")
    decoder: Literal["direct", "recursive"] = "direct"
    instance_norm: Literal["none", "last", "centre", "standard", "last_std"] = Field(
        "last",
        description="per window: nothing, minus its last value, minus its mean, z-score, or minus "
        "the last value over the deviation",
    )
    patch: int | None = Field(None, ge=1, description="steps that enter the cell together")
    linear: bool = Field(True, description="add a linear map of the context to the forecast")
    channels: Literal["independent", "linked", "mixed"] = Field(
        "independent",
        description="one shared model per column; the same, seeing a learned mix of all columns; "
        "or one model of all columns at once",
    )
    rank: int = Field(16, ge=1, le=1024, description="of the mix when channels are linked")
    embedding: int = Field(0, ge=0, le=512, description="size of a learned vector per series")
    quantiles: tuple[float, ...] = Field((), description="empty for a point forecast")

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


class TrainConfig(Section):
    """The training loop."""

    loss: Literal["mse", "mae", "huber", "mase", "pinball"] | None = None
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: float = Field(0.002, gt=0.0)
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="of SGD")
    weight_decay: float = Field(0.0, ge=0.0, description="of AdamW")
    schedule: Literal["none", "plateau", "cosine", "onecycle"] = "onecycle"
    ema: float = Field(
        0.995, ge=0.0, lt=1.0, description="decay of the weights' moving average; 0 for none"
    )
    max_epochs: int | None = Field(None, ge=1)
    steps_per_epoch: int | None = Field(None, ge=1, description="cap on batches per epoch")
    batch_size: int | None = Field(None, ge=1)
    patience: int = Field(4, ge=1, description="epochs without gain before stopping")
    clip_norm: float | None = Field(1.0, gt=0.0, description="global norm of the gradient")
    clip_value: float | None = Field(None, gt=0.0, description="per gradient element")
    l1: float = Field(0.0, ge=0.0, description="penalty on absolute weights")
    l2: float = Field(0.0, ge=0.0, description="penalty on squared weights")
    seed: int = Field(0, ge=0, lt=2**32)
    device: str = "cpu"
    threads: int | None = Field(None, ge=1, description="CPU threads; torch's choice when absent")
    save_every: float = Field(30.0, ge=0.0, description="seconds between checkpoints; 0: each step")

    @model_validator(mode="after")
    def _one_clip(self) -> TrainConfig:
        if self.clip_norm is not None and self.clip_value is not None:
            raise ValueError(
                "set clip_norm or clip_value, not both (clip_norm = 0 is not allowed;"
                " remove it with clip_norm = 'none')"
            )
        return self

    @model_validator(mode="after")
    def _decay_has_effect(self) -> TrainConfig:
        if self.weight_decay and self.optimizer != "adamw":
            raise ValueError(
                f"weight_decay is AdamW's, and the optimizer is {self.optimizer!r}; use l2 instead"
            )
        return self


class RunConfig(Section):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    format_version: int = FORMAT_VERSION
    task: Literal["forecast"] = "forecast"
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    transform: TransformConfig = TransformConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()


Settings = Mapping[str, Any]


def build(settings: Settings, owner: str = "settings") -> RunConfig:
    """Check nested settings and return the config, or raise `ConfigError` naming key and remedy."""
    version = settings.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise ConfigError(
            f"{owner}: format_version is {version!r}, this longshort reads {FORMAT_VERSION}; "
            "use the longshort version that wrote it"
        )
    try:
        return RunConfig.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(_explain(error, owner)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a settings file; errors name the file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such settings file; `longshort init` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: not a readable TOML file: {error}") from None


def to_toml(config: RunConfig) -> str:
    """Write the settings as TOML; what is undecided is left out, what was cleared is 'none'."""
    plain = config.model_dump(mode="json")
    for name, table in plain.items():
        if isinstance(table, dict):
            fields = type(getattr(config, name)).model_fields
            plain[name] = {
                key: "none" if value is None else value
                for key, value in table.items()
                if value is not None or fields[key].default is not None
            }
    return tomli_w.dumps(plain)


def assign(settings: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key like `model.hidden` in nested settings."""
    *parents, last = key.split(".")
    table = settings
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{key}: {parent!r} is a value, not a table of settings")
    table[last] = value


def parse_assignments(pairs: Iterable[str]) -> dict[str, object]:
    """Parse `key=value` flags; the value is TOML where it can be, else text."""
    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair!r}: write key=value, for example model.hidden=128")
        found[key.strip()] = _parse_value(text.strip())
    return found


def _parse_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, owner: str) -> str:
    lines = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        key = ".".join(path)
        if problem["type"] == "extra_forbidden":
            allowed = _keys_at(path[:-1])
            lines.append(f"{owner}: unknown key {key!r}; {nearest(path[-1], allowed)}")
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            given = "" if problem["type"] == "value_error" else f", got {problem['input']!r}"
            lines.append(f"{owner}: {key}: {reason}{given}")
    return "\n".join(dict.fromkeys(lines))


def _keys_at(path: list[str]) -> list[str]:
    section: type[BaseModel] = RunConfig
    for part in path:
        field = section.model_fields.get(part)
        inner = field.annotation if field else None
        candidates = [inner, *get_args(inner)]
        found = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not found:
            return []
        section = found[0]
    return list(section.model_fields)
