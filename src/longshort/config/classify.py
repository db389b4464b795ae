"""Every setting of a classification, its unit, its default and its range."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.cell import CellSettings
from longshort.config.sequences import HoldoutConfig, SequenceData, TextConfig
from longshort.config.training import BaseConfig, TrainConfig
from longshort.config.vectors import VectorSettings


class ClassifyModel(CellSettings, VectorSettings):
    """The network: embedding, convolution, recurrent layers, pooling, a linear head."""

    members: int | None = Field(
        None,
        ge=1,
        le=64,
        description="networks from different beginnings whose probabilities are averaged; when "
        "absent 5 for fewer than 500 training examples, else 1",
    )
    hidden: int = Field(128, ge=1, le=8192, description="units per layer and direction")
    num_layers: int = Field(1, ge=1, le=32)
    bidirectional: bool = True
    embedding: int = Field(128, ge=1, le=4096, description="size of a token's vector")
    pooling: Literal["last", "mean", "max", "attention"] = "max"
    convolution: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="filters in front, 0 for none; when absent 128 for numbers over 40 steps and "
        "more, and none elsewhere",
    )
    kernel: int | None = Field(
        None,
        ge=1,
        le=99,
        description="width of the filters, in steps; when absent 9 for numbers, 3 for texts",
    )
    summary: bool | None = Field(
        None,
        description="mean, deviation, least and largest value of each channel go to the head too; "
        "so for numbers, when absent",
    )
    dropout: float = Field(0.5, ge=0.0, lt=1.0, description="on the embedding and before the head")
    word_dropout: float = Field(
        0.1, ge=0.0, lt=1.0, description="rate at which whole word types are left out of a batch"
    )
    recurrent_dropout: float = Field(0.0, ge=0.0, lt=1.0)


class ClassifyTrain(TrainConfig):
    """The training loop, with the cross entropy's options."""

    learning_rate: float = Field(0.001, gt=0.0, description="0.005 for numbers when absent")
    max_epochs: int | None = Field(
        None, ge=1, description="some 2,000 batches, but 5 to 60 epochs, when absent"
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        description="32 when absent; 8 for fewer than 500 and 128 for 5,000 sequences of numbers",
    )
    patience: int = Field(
        4, ge=1, description="epochs without gain; a third of the epochs if more, when absent"
    )
    label_smoothing: float = Field(0.0, ge=0.0, lt=1.0)
    class_weights: bool = Field(False, description="weigh labels by the inverse of their share")


class ClassifyConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["classify"] = "classify"
    data: SequenceData = SequenceData()
    split: HoldoutConfig = HoldoutConfig()
    text: TextConfig = TextConfig()
    model: ClassifyModel = ClassifyModel()
    train: ClassifyTrain = ClassifyTrain()
