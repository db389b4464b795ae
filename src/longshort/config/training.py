"""Settings that all tasks share: training, and the source of the data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from longshort.config.flags import flag
from longshort.config.section import FORMAT_VERSION, Section


class TrainConfig(Section):
    """Settings of the training loop."""

    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        "adamw", description="optimizer of the weights"
    )
    learning_rate: float = Field(0.002, gt=0.0, description="highest learning rate of the schedule")
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="momentum of SGD")
    weight_decay: float = Field(
        0.0, ge=0.0, description="for adamw, and for sgd, where it is added to the clipped gradient"
    )
    schedule: Literal["none", "plateau", "cosine", "onecycle", "decay"] = Field(
        "onecycle", description="course of the learning rate over training"
    )
    decay: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="factor of the learning rate per epoch, for schedule = decay",
    )
    decay_after: int | None = Field(
        None, ge=0, description="epochs at the full rate before the decay, for schedule = decay"
    )
    ema: float = Field(
        0.995, ge=0.0, lt=1.0, description="decay of the weights' moving average; 0 for none"
    )
    asgd: int | None = Field(
        None,
        ge=1,
        description="epochs without gain after which the weights' plain mean is taken (NT-ASGD)",
    )
    max_epochs: int | None = Field(
        None,
        ge=1,
        description="largest number of passes over the training split; decided when absent",
    )
    steps_per_epoch: int | None = Field(None, ge=1, description="cap on batches per epoch")
    batch_size: int | None = Field(
        None, ge=1, description="samples per training step; decided when absent"
    )
    choose: Literal["best", "last"] = Field(
        "best", description="weights to keep: those of the epoch with the best score, or the last"
    )
    patience: int = Field(4, ge=1, description="epochs without gain before stopping")
    clip_norm: float | None = Field(1.0, gt=0.0, description="largest global norm of the gradient")
    clip_value: float | None = Field(
        None, gt=0.0, description="largest absolute value of a gradient element"
    )
    l1: float = Field(0.0, ge=0.0, description="penalty on absolute weights")
    l2: float = Field(0.0, ge=0.0, description="penalty on squared weights")
    seed: int = Field(
        0,
        ge=0,
        lt=2**32,
        description="seed of all random numbers in training",
        json_schema_extra=flag("--seed"),
    )
    device: str = Field("cpu", description="torch device, such as cpu or cuda")
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
    def _one_average(self) -> TrainConfig:
        if self.asgd is not None and self.ema:
            raise ValueError("asgd takes the weights' plain mean; set ema = 0 with it")
        return self

    @model_validator(mode="after")
    def _last_needs_no_score(self) -> TrainConfig:
        if self.choose == "last" and (self.asgd is not None or self.schedule == "plateau"):
            what = "asgd" if self.asgd is not None else "schedule = plateau"
            raise ValueError(
                f"{what} follows the validation score, and choose = last does not look at it; set "
                "choose = best"
            )
        return self

    @model_validator(mode="after")
    def _mean_has_time(self) -> TrainConfig:
        if self.asgd is not None and self.patience < self.asgd + 2:
            raise ValueError(
                f"asgd = {self.asgd} takes the mean after so many epochs without gain, and with "
                f"patience = {self.patience} training has ended by then; set patience to "
                f"{self.asgd + 2} or more"
            )
        return self

    @model_validator(mode="after")
    def _momentum_has_effect(self) -> TrainConfig:
        usual = type(self).model_fields["momentum"].default
        if self.optimizer != "sgd" and self.momentum != usual:
            raise ValueError(
                f"momentum is SGD's, and the optimizer is {self.optimizer!r}; set optimizer = sgd, "
                "or leave momentum out"
            )
        return self

    @model_validator(mode="after")
    def _decay_is_whole(self) -> TrainConfig:
        given = [name for name in ("decay", "decay_after") if getattr(self, name) is not None]
        if self.schedule != "decay" and given:
            raise ValueError(
                f"{given[0]} is of schedule = decay, and the schedule is {self.schedule!r}; set "
                f"schedule = decay, or remove {given[0]}"
            )
        if self.schedule == "decay" and len(given) < 2:
            raise ValueError(
                "schedule = decay needs decay, the factor per epoch, such as 0.5, and decay_after, "
                f"the epochs at the full rate, such as 4; given: {', '.join(given) or 'none'}"
            )
        return self

    @model_validator(mode="after")
    def _weight_decay_has_effect(self) -> TrainConfig:
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError(
                "weight_decay is of AdamW and SGD, and the optimizer is 'adam'; set optimizer = "
                "adamw, or use l2"
            )
        return self


class SourceConfig(Section):
    """Source of the data."""

    path: str | None = Field(None, description="file to read; empty for data given in Python")
    encoding: str | None = Field(
        None,
        description="encoding of text files, such as 'cp1252' or 'utf-16'; detected when absent",
        json_schema_extra=flag("--encoding"),
    )


class BaseConfig(Section):
    """Settings of every task."""

    format_version: int = FORMAT_VERSION
    task: str
    data: SourceConfig = SourceConfig()
    train: TrainConfig = TrainConfig()

    @property
    def path(self) -> str | None:
        """File that a run reads; None for data given in Python."""
        return self.data.path
