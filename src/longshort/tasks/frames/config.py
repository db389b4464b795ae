"""Settings of forecasting frames, with units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig

Axes = Literal["NTYX", "NTYXC", "TYX", "TYXC"]
"""Axes of an array: N clips, T frames, Y rows, X columns, C channels."""

Base = Literal["none", "last", "moved"]
"""What forecasts are changes of."""


class FramesData(SourceConfig):
    """Clips: arrays, folders of images, GIFs or videos, and how their values are meant."""

    path: str | None = Field(
        None,
        description="clips: an array (.npy, .npz), a folder of images, a GIF, a video, or a "
        "folder of these",
    )
    val_path: str | None = Field(
        None,
        description="validation clips; when absent other clips, or a later part of a single one",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test clips; when absent other clips, or the last part of a single one",
        json_schema_extra=flag("--test"),
    )
    axes: Axes | None = Field(
        None,
        description="axes of an array: NTYX (clips, frames, rows, columns), TYX (one long clip), "
        "NTYXC and TYXC with channels last; by the shape when absent",
    )
    array: str | None = Field(
        None, description="name of the array in an .npz file; the only one, or 'frames'"
    )
    size: str | None = Field(
        None,
        description="rows x columns, such as 64x64, to which images and videos are brought; as "
        "they are when absent",
        json_schema_extra=flag("--size"),
    )
    colour: bool = Field(False, description="keep the colours of images and videos; else grey")
    every: int = Field(1, ge=1, description="take every so many-th frame of a clip")
    low: float | None = Field(
        None, description="lowest value; 0 of whole numbers, the training split's of others"
    )
    high: float | None = Field(
        None, description="highest value; 255 of bytes, the training split's of others"
    )
    missing: float | None = Field(
        None, description="value that means no data, such as 255 of a radar; it becomes the lowest"
    )
    step: int | None = Field(
        None, ge=1, description="frames from one window of a clip to the next; decided when absent"
    )

    @field_validator("size")
    @classmethod
    def _is_size(cls, value: str | None) -> str | None:
        parts = [] if value is None else value.lower().split("x")
        if value is not None and (len(parts) != 2 or not all(p.isdecimal() for p in parts)):
            raise ValueError(f"rows x columns, such as 64x64, are expected, got {value!r}")
        return value

    @model_validator(mode="after")
    def _has_range(self) -> FramesData:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low = {self.low:g} has to be below high = {self.high:g}")
        return self


class FramesSplit(Section):
    """How validation and test clips are drawn, or cut from the end of a single clip."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.2, gt=0.0, lt=1.0, description="test split, as a share of the data")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class FramesModel(CellSettings):
    """The network: recurrent layers over maps that read frames and go on with their own."""

    inputs: int | None = Field(
        None,
        ge=1,
        description="frames that are read; 10, or half of a clip, when absent",
        json_schema_extra=flag("--inputs"),
    )
    outputs: int | None = Field(
        None,
        ge=1,
        description="frames that are forecast; as many as are read when absent",
        json_schema_extra=flag("--outputs"),
    )
    patch: int | None = Field(
        None,
        ge=1,
        le=64,
        description="side of the squares of pixels that become channels of one place; decided by "
        "the size of the frames when absent",
    )
    hidden: int | None = Field(
        None, ge=1, le=4096, description="channels of the states; decided when absent"
    )
    num_layers: int = Field(1, ge=1, le=16, description="recurrent layers of each scale")
    scales: int | None = Field(
        None,
        ge=1,
        le=5,
        description="scales, each with half the rows and columns and twice the channels of the "
        "next finer one; each reads the frame, and what the next coarser one makes of it; decided "
        "by the size of the frames when absent",
    )
    kernel: int = Field(3, ge=1, le=31, description="side of the convolutions, odd, in places")
    forecaster: Literal["own", "shared"] = Field(
        "shared",
        description="own: further layers, which begin with the states of those that read (Shi et "
        "al., 2015); shared: the layers that read go on, with half the weights",
    )
    base: Base = Field(
        "none",
        description="what forecasts are changes of: nothing, the last frame that was read, or that "
        "frame moved on as a whole (by phase correlation), as suits radar and skies",
        json_schema_extra=flag("--base"),
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "bfloat16", description="of the operands of convolutions in training; all else is float32"
    )

    @field_validator("kernel")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(
                f"an odd number is expected, so that maps keep their size, got {value}"
            )
        return value


class FramesTrain(TrainConfig):
    """The training loop."""

    loss: Literal["bce", "mse", "l1l2"] = Field(
        "bce",
        description="bce: cross entropy of pixels as probabilities; mse; l1l2: absolute and "
        "squared errors together, for sharper frames",
    )
    read_weight: float = Field(
        1.0,
        ge=0.0,
        description="weight of forecasting each frame that is read, beside those after them",
    )
    true_frames: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="share of the forecaster's inputs that are true frames at the beginning of "
        "training; it falls to 0 in the middle (scheduled sampling); 0: always its own frames",
    )
    crop: int | None = Field(
        None,
        ge=1,
        description="side of the random squares that are learned from; whole frames when absent",
    )
    flips: bool = Field(False, description="also learn mirrored frames, where a mirror means none")
    batch_size: int = Field(16, ge=1, description="windows per training step")
    ema: float = Field(
        0.99, ge=0.0, lt=1.0, description="decay of the weights' moving average; 0 for none"
    )


class FramesScore(Section):
    """How runs are scored."""

    thresholds: tuple[float, ...] = Field(
        (),
        description="values above which a pixel is an event, such as rain, in units of the data: "
        "the critical success index (CSI) of each is reported",
    )
    val_windows: int = Field(
        200, ge=1, description="validation windows that are forecast after each epoch"
    )

    @field_validator("thresholds", mode="before")
    @classmethod
    def _as_numbers(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(float(part) for part in value.split(",") if part.strip())
        return (value,) if isinstance(value, (int, float)) else value


class FramesConfig(BaseConfig):
    """Settings of a run; `config.toml` in the run folder is this, resolved."""

    task: Literal["frames"] = "frames"
    data: FramesData = FramesData()
    split: FramesSplit = FramesSplit()
    model: FramesModel = FramesModel()
    train: FramesTrain = FramesTrain()
    evaluate: FramesScore = FramesScore()
