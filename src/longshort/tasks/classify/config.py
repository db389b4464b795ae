"""The settings of a classification run, with their units, defaults and ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from longshort.config.audio import AudioSettings, VariedSettings
from longshort.config.cell import TruncatedSettings
from longshort.config.flags import flag
from longshort.config.sequences import GroupedHoldout, PatchSettings, SequenceData, TextConfig
from longshort.config.training import BaseConfig, TrainConfig
from longshort.config.vectors import VectorSettings

ClassWeights = Literal["balanced"] | dict[str, float] | None
"""Weights of labels by name, the inverse of their share, or none."""


class ClassifyData(SequenceData):
    """The source of the data, and the meaning of its columns."""

    path: str | None = Field(
        None,
        description="CSV, TSV, Parquet, JSON lines or text, also gzip, of texts or of sequences; "
        "arrays (.npz, .npy, .ts, IDX); pen strokes (JSON, .npz, InkML, UNIPEN); or "
        "recordings: a table of files, or a folder with a folder for each label",
    )

    multi_label: bool = Field(
        False,
        description="an example may have several labels, or none; also so where lines have "
        "several of fastText's labels",
        json_schema_extra=flag("--multi-label"),
    )


class ClassifyAudio(AudioSettings):
    """Features of recordings: cepstra, which tell little of pitch, channel and level."""

    features: Literal["mel", "mfcc"] = Field(
        "mfcc",
        description="logarithms of the power in mel bands, or their cosine transform (MFCC)",
        json_schema_extra=flag("--sound-features"),
    )
    bands: int = Field(24, ge=2, le=256, description="mel bands")
    deltas: int = Field(
        1, ge=0, le=2, description="1: slopes over 5 frames go beside the features; 2: theirs too"
    )
    trim: float | None = Field(
        30.0,
        gt=0.0,
        le=200.0,
        description="cut off frames at both ends that are so many dB quieter than the loudest",
    )
    normalise: Literal["none", "mean", "both"] = Field(
        "both",
        description="per recording: subtract each feature's mean, and with both divide by its "
        "deviation",
    )


class ClassifyVaried(VariedSettings):
    """How recordings are varied while a network learns from them."""

    speeds: tuple[float, ...] = Field(
        (0.8, 0.9, 1.0, 1.1, 1.25),
        description="speeds at which training recordings are played (Ko et al., 2015)",
    )


class ClassifyModel(TruncatedSettings, PatchSettings, VectorSettings):
    """Settings of the network: embedding, convolution, recurrent layers, pooling, a linear head."""

    members: int | None = Field(
        None,
        ge=1,
        le=64,
        description="networks from different beginnings whose probabilities are averaged; when "
        "absent 3 for small data, else 1",
    )
    hidden: int = Field(
        128,
        ge=1,
        le=8192,
        description="units per layer and direction; fewer for small data when absent",
    )
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    bidirectional: bool = Field(True, description="read every sequence in both directions")
    embedding: int = Field(
        128, ge=1, le=4096, description="size of a token's vector; less for small data when absent"
    )
    grams: bool | None = Field(
        None,
        description="n-grams of words and characters go to the head too, each with a vector of "
        "its own; so for few texts, when absent",
    )
    pooling: Literal["last", "mean", "max", "attention"] = Field(
        "max", description="how the states of all steps become one vector"
    )
    picture_filters: int | None = Field(
        None,
        ge=0,
        le=1024,
        description="filters of the first of several convolutions over the picture of each step, 0 "
        "for none; when absent 16 where the data are pictures",
    )
    convolution: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="filters in front, 0 for none; when absent 64 for few sequences of numbers, "
        "128 for others over 40 steps and more, and none elsewhere",
    )
    convolutions: int | None = Field(
        None,
        ge=1,
        le=8,
        description="so many in a row; several have batch normalisation, and their mean over time "
        "goes to the head too; when absent 3 for few sequences of numbers, else 1",
    )
    kernel: int | None = Field(
        None,
        ge=1,
        le=99,
        description="width of the filters, in steps; when absent 9 for numbers, 3 for texts; a "
        "stride makes those of several convolutions as many times as wide",
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=99,
        description="steps from one place of the first filter to the next; when absent what leaves "
        "160 places of sequences of small data, else 1",
    )
    stretches: int | None = Field(
        None,
        ge=1,
        description="the recurrent layers read the means of so many stretches at most; when absent "
        "32 behind several convolutions, else every step",
    )
    summary: bool | None = Field(
        None,
        description="mean, deviation, least and largest value of each channel go to the head too; "
        "so for numbers, when absent",
    )
    dropout: float = Field(
        0.5,
        ge=0.0,
        lt=1.0,
        description="on the embedding and before the head; 0.3 for few sequences when absent",
    )
    word_dropout: float = Field(
        0.1, ge=0.0, lt=1.0, description="rate at which whole word types are left out of a batch"
    )
    recurrent_dropout: float = Field(
        0.0, ge=0.0, lt=1.0, description="on the state between steps, one mask a sequence"
    )


class ClassifySplit(GroupedHoldout):
    """Settings of the validation and test splits that have no files of their own."""

    val: float = Field(
        0.1,
        ge=0.0,
        lt=1.0,
        description="share of the data for validation, 0 for none; 0 where it would be fewer than "
        "100 examples, when absent",
    )


class ClassifyTrain(TrainConfig):
    """Settings of the training loop and of the cross entropy."""

    learning_rate: float = Field(
        0.001, gt=0.0, description="by kind and size of the data when absent"
    )
    weight_decay: float = Field(
        0.0, ge=0.0, description="of AdamW, and of SGD; 0.01 for few sequences when absent"
    )
    ema: float = Field(
        0.995,
        ge=0.0,
        lt=1.0,
        description="decay of the weights' moving average; 0 for none, and for few sequences of "
        "numbers when absent",
    )
    max_epochs: int | None = Field(
        None, ge=1, description="a number of batches by kind and size of the data, when absent"
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        description="when absent 32 and more for many texts, 16 for few sequences of numbers, else "
        "32, and 128 from 5,000 sequences of numbers on",
    )
    choose: Literal["best", "last"] = Field(
        "best",
        description="weights that are kept: of the epoch with the best score, or the last ones; "
        "these where fewer than 100 examples are for validation, when absent",
    )
    patience: int = Field(
        4, ge=1, description="epochs without gain; a third of the epochs if more, when absent"
    )
    label_smoothing: float = Field(
        0.0, ge=0.0, lt=1.0, description="0.1 for few sequences of numbers when absent"
    )
    augment: float = Field(
        0.0,
        ge=0.0,
        le=5.0,
        description="how much pen strokes are turned, slanted, stretched and thinned at random in "
        "training; 1 about as much as hands differ, 0 not at all",
    )
    class_weights: ClassWeights = Field(
        None,
        description="by what the loss of a label is multiplied: 'balanced', so that rare labels "
        "count as much as frequent ones, or a table of label = weight, 1 for labels not in it",
    )

    @field_validator("class_weights", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """Return labels that are numbers or booleans as texts; true and false are of older runs."""
        if isinstance(value, bool):
            return "balanced" if value else None
        if not isinstance(value, Mapping):
            if value not in ("balanced", None):
                raise ValueError(
                    f"'balanced' or a table such as {{ spam = 5 }} is expected, got {value!r}"
                )
            return value
        from longshort.data.labels import label_text  # the command's help does without NumPy

        return {label_text(label): weight for label, weight in value.items()}

    @field_validator("class_weights")
    @classmethod
    def _are_positive(cls, value: ClassWeights) -> ClassWeights:
        for label, weight in value.items() if isinstance(value, dict) else ():
            if not 0 < weight < math.inf:
                raise ValueError(
                    f"the weight of {label!r} has to be a number above 0, got {weight:g}; 1 leaves "
                    "a label as it is"
                )
        return value


class ClassifyConfig(BaseConfig):
    """All settings of a run; `config.toml` in the run folder holds them, all decided."""

    task: Literal["classify"] = "classify"
    data: ClassifyData = ClassifyData()
    audio: ClassifyAudio = ClassifyAudio()
    vary: ClassifyVaried = ClassifyVaried()
    split: ClassifySplit = ClassifySplit()
    text: TextConfig = TextConfig()
    model: ClassifyModel = ClassifyModel()
    train: ClassifyTrain = ClassifyTrain()
