"""Settings of speaker recognition, with their units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from longshort.config.audio import AudioSettings, VariedSettings
from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig


class SpeakerData(SourceConfig):
    """The table of recordings, or folders of them by speaker."""

    path: str | None = Field(
        None,
        description="table of recordings with the speaker of each, or a folder with a folder for "
        "each speaker",
    )
    val_path: str | None = Field(
        None,
        description="validation recordings, of other speakers; a share of the speakers when absent",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test recordings, of other speakers; a share of the speakers when absent",
        json_schema_extra=flag("--test"),
    )
    file: str | None = Field(None, description="column of the files; by its name when absent")
    speaker: str | None = Field(
        None,
        description="column of the speakers; by its name when absent",
        json_schema_extra=flag("--speaker"),
    )


class SpeakerSplit(Section):
    """How validation and test speakers are drawn; no speaker is in two splits."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation, as a share of the speakers")
    test: float = Field(0.2, gt=0.0, lt=1.0, description="test, as a share of the speakers")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class SpeakerAudio(AudioSettings):
    """Features of recordings; their mean over time, which tells of the voice, is kept."""

    normalise: Literal["none", "mean", "both"] = Field(
        "none",
        description="per recording: subtract each feature's mean, which removes the channel and "
        "part of the voice, and with both divide by its deviation",
    )


class SpeakerVaried(VariedSettings):
    """How voices are varied while the network learns."""

    speeds: tuple[float, ...] = Field(
        (0.9, 1.0, 1.1),
        description="speeds at which training recordings are played; at another speed a speaker "
        "counts as another one",
    )
    time_masks: int = Field(1, ge=0, le=20, description="stretches of time that are masked")
    band_masks: int = Field(1, ge=0, le=20, description="ranges of features that are masked")


class SpeakerModel(CellSettings):
    """The network: recurrent layers, mean and deviation of their states, a linear embedding."""

    hidden: int = Field(128, ge=1, le=8192, description="units per layer and direction")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    bidirectional: bool = Field(False, description="read recordings in both directions")
    size: int = Field(128, ge=2, le=4096, description="numbers of an embedding")
    patch: int = Field(2, ge=1, le=64, description="frames that are read as one step")
    dropout: float = Field(0.2, ge=0.0, lt=1.0, description="before the embedding")


class SpeakerTrain(TrainConfig):
    """The training loop, and its batches of speakers."""

    learning_rate: float = Field(0.005, gt=0.0, description="highest one of the schedule")
    weight_decay: float = Field(0.01, ge=0.0, description="of AdamW, and of SGD")
    clip_norm: float | None = Field(3.0, gt=0.0, description="largest global gradient norm")
    batch_size: int = Field(64, ge=2, description="speakers of a batch; fewer where there are few")
    crops: int = Field(4, ge=2, le=64, description="crops of each speaker in a batch")
    shortest: float = Field(0.8, gt=0.0, description="shortest crop, in seconds")
    longest: float = Field(1.6, gt=0.0, description="longest crop, in seconds")
    steps_per_epoch: int = Field(100, ge=1, description="batches of an epoch")
    max_epochs: int = Field(12, ge=1, description="passes of so many batches")
    choose: Literal["best", "last"] = Field(
        "last", description="weights that are kept: the last, or the best by the validation EER"
    )

    @model_validator(mode="after")
    def _crops_are_ordered(self) -> SpeakerTrain:
        if self.longest < self.shortest:
            raise ValueError(
                f"longest = {self.longest:g} s is shorter than shortest = {self.shortest:g} s"
            )
        return self


class SpeakerScore(Section):
    """How runs are scored, and how speakers are enrolled."""

    short: float = Field(
        1.6, gt=0.0, description="seconds of the harder condition, the beginning of each recording"
    )
    enrolled: int = Field(
        3, ge=1, description="recordings with which test speakers are enrolled for identification"
    )
    trials: int = Field(
        200_000, ge=100, description="most pairs that are compared; of more a part is drawn"
    )
    least: float = Field(
        2.0, ge=0.0, description="seconds of sound that an enrolled speaker needs at least"
    )


class SpeakerConfig(BaseConfig):
    """Settings of a run; `config.toml` in the run folder is this, resolved."""

    task: Literal["speaker"] = "speaker"
    data: SpeakerData = SpeakerData()
    split: SpeakerSplit = SpeakerSplit()
    audio: SpeakerAudio = SpeakerAudio()
    vary: SpeakerVaried = SpeakerVaried()
    model: SpeakerModel = SpeakerModel()
    train: SpeakerTrain = SpeakerTrain()
    evaluate: SpeakerScore = SpeakerScore()
