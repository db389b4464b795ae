"""Every setting of a regression, its unit, its default and its range."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.cell import TruncatedSettings
from longshort.config.sequences import GroupedHoldout, PatchSettings, SequenceData, TextConfig
from longshort.config.training import BaseConfig, TrainConfig


class RegressModel(TruncatedSettings, PatchSettings):
    """The network: embedding or numbers, recurrent layers, pooling, a linear head."""

    hidden: int = Field(64, ge=1, le=8192, description="units per layer and direction")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    bidirectional: bool = Field(False, description="read every sequence in both directions")
    embedding: int = Field(64, ge=1, le=4096, description="size of a token's vector")
    pooling: Literal["last", "mean", "max", "attention"] = Field(
        "last", description="how the states of all steps become one vector"
    )
    summary: bool | None = Field(
        None,
        description="mean, deviation, least and largest value of each channel go to the head too; "
        "so for numbers, when absent",
    )
    dropout: float = Field(0.2, ge=0.0, lt=1.0, description="on the embedding, before the head")


class RegressTrain(TrainConfig):
    """The training loop, with the loss of numbers."""

    loss: Literal["mse", "mae", "huber"] = Field("mse", description="on values in deviations")
    learning_rate: float = Field(0.003, gt=0.0, description="of the optimizer, at its highest")
    batch_size: int = Field(32, ge=1, description="samples that are learned together")
    max_epochs: int | None = Field(
        None, ge=1, description="some 2,000 batches, but 10 to 60 epochs, when absent"
    )
    patience: int = Field(10, ge=1, description="epochs without gain before stopping")


class RegressSplit(GroupedHoldout):
    """Settings of the validation and test splits that have no files of their own."""

    stratify: Literal[False] = Field(False, description="numbers have no shares to keep equal")


class RegressConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["regress"] = "regress"
    data: SequenceData = SequenceData()
    split: RegressSplit = RegressSplit()
    text: TextConfig = TextConfig()
    model: RegressModel = RegressModel()
    train: RegressTrain = RegressTrain()
