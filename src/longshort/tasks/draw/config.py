"""The settings of a drawing run, with their units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.sequences import HoldoutConfig
from longshort.config.strokes import Size
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig

Condition = Literal["nothing", "label", "text"]


class DrawData(SourceConfig):
    """Files of the strokes, and what is made of them."""

    path: str | None = Field(
        None, description="file of pen strokes (JSON, .npz, InkML, UNIPEN), or a folder of InkML"
    )
    val_path: str | None = Field(
        None,
        description="validation file; a share of the training file when absent",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test file; a share of the training file when absent",
        json_schema_extra=flag("--test"),
    )
    condition: Condition | None = Field(
        None,
        description="what the network is told of a drawing: nothing, its label as one of several, "
        "or its label as a text, letter by letter; decided by the labels when absent",
        json_schema_extra=flag("--condition"),
    )
    size: Size | None = Field(
        None,
        description="what of each drawing becomes 1: the longer side of its box, its height, or "
        "the mean longer side of its strokes; sizes stay as they are when absent",
    )
    simplify: float | None = Field(
        None,
        gt=0.0,
        description="points nearer than this to the line through others are left out, in the unit "
        "of the data, or of the size; all stay when absent",
    )
    grid: float | None = Field(
        None,
        ge=0.0,
        description="distance of the places that the pen's device can tell apart, over which "
        "points are spread, so that likelihoods mean something; 0 for none, found when absent",
    )
    max_points: int = Field(
        1_000, ge=2, description="points of a drawing; of longer ones the first count"
    )


class DrawSplit(HoldoutConfig):
    """Settings of the validation and test splits that have no files of their own."""

    stratify: Literal[False] = Field(False, description="drawings need not have labels")


class DrawModel(CellSettings):
    """The network: recurrent layers below a mixture of normal distributions."""

    hidden: int = Field(128, ge=1, le=8192, description="units per layer")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    mixtures: int = Field(20, ge=1, le=500, description="normal distributions of the next point")
    embedding: int = Field(16, ge=1, le=4096, description="size of a label's or letter's vector")
    windows: int = Field(
        5, ge=1, le=100, description="places of a text that are looked at side by side"
    )
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="between layers, before the mixture")


class DrawTrain(TrainConfig):
    """Settings of the training loop."""

    learning_rate: float = Field(0.005, gt=0.0, description="of the optimizer, at its highest")
    batch_size: int = Field(64, ge=1, description="drawings that are learned together")
    max_epochs: int | None = Field(
        None, ge=1, description="some 2,000 batches, but 3 to 60 epochs, when absent"
    )


class DrawConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["draw"] = "draw"
    data: DrawData = DrawData()
    split: DrawSplit = DrawSplit()
    model: DrawModel = DrawModel()
    train: DrawTrain = DrawTrain()
