"""Settings that tasks on labelled sequences share: data files, splits and reading."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.strokes import StrokeSettings
from longshort.config.training import SourceConfig

Format = Literal[
    "csv", "parquet", "jsonl", "lines", "rows", "ts", "idx", "arrays", "long", "audio", "strokes"
]
Axes = Literal["NTC", "NCT"]
"""Order of an array's axes: N sequences, T steps, C channels."""


def names_of(value: object) -> object:
    """Return a text as the names in it, which commas divide; other values as they are."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class HoldoutConfig(Section):
    """How validation and test splits are drawn, where no files are given for them."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="test split, as a share of the data")
    stratify: bool = Field(True, description="keep the shares of the labels equal in all splits")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class GroupedHoldout(HoldoutConfig):
    """The same for examples that may belong to groups (`data.group`)."""

    test_groups: tuple[str, ...] = Field(
        (),
        description="groups that are the test split, such as one speaker, where no file is given",
    )

    @field_validator("test_groups", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        return names_of(value)


class PatchSettings(Section):
    """Part of a task's table `model` on numbers over time that are read several steps at once."""

    patch: int = Field(
        1,
        ge=1,
        le=4096,
        description="steps of numbers that enter the network side by side as one, so that it reads "
        "so many times fewer",
    )


class SequenceData(StrokeSettings, SourceConfig):
    """Files of the data, and the meaning of their columns."""

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
    format: Format | None = Field(
        None, description="file format; detected by name and content when absent"
    )
    delimiter: str | None = Field(
        None, description="delimiter, one character; detected when absent"
    )
    header: bool | None = Field(
        None, description="whether a table's first line names the columns; detected when absent"
    )
    text: str | None = Field(
        None,
        description="column of the text; detected when absent",
        json_schema_extra=flag("--text"),
    )
    label: str | None = Field(
        None,
        description="column of the label; detected when absent",
        json_schema_extra=flag("--label"),
    )
    file: str | None = Field(
        None, description="column of the files, in a table of recordings; by its name when absent"
    )
    id: str | None = Field(
        None, description="column with the name of the sequence, in a long table"
    )
    time: str | None = Field(
        None,
        description="column that orders the steps of a sequence, in a long table",
        json_schema_extra=flag("--time"),
    )
    group: str | None = Field(
        None,
        description="column, or array of an .npz file, that says what belongs together, such as "
        "the person; examples of a group stay in one split",
        json_schema_extra=flag("--group"),
    )
    features: tuple[str, ...] = Field((), description="numeric columns of a long table")
    label_side: Literal["first", "last"] | None = Field(
        None, description="position of the label in a line; detected when absent"
    )
    multi_label: bool = Field(
        False,
        description="an example may have several labels, or none; also so where lines have "
        "several of fastText's labels",
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="what divides the labels of an example, ' ' for white space; found when absent",
    )
    pixels: Literal["rows", "pixels"] = Field(
        "rows", description="images as sequences of their rows, or of single pixels"
    )
    axes: Axes | None = Field(
        None,
        description="order of an array's axes: NTC (sequences, steps, channels) or NCT; NTC when "
        "absent",
    )
    picture: str | None = Field(
        None,
        pattern=r"^[1-9]\d*x[1-9]\d*(x[1-9]\d*)?$",
        description="rows x columns, or rows x columns x channels, where the values of a step are "
        "the pixels of a picture; found for arrays [N, T, Y, X]",
    )
    scaling: Literal["channel", "all"] | None = Field(
        None,
        description="standardise values per channel, or all together, by mean and deviation of the "
        "training split; when absent, all for images and pictures, and channel for others",
    )

    def names_columns(self) -> bool:
        """Whether columns of a table are named, by the user or after reading."""
        return self.text is not None or self.id is not None

    @field_validator("features", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        return names_of(value)


class TextConfig(Section):
    """Tokens and vocabulary of texts; the vocabulary is fitted on the training split."""

    tokens: str | None = Field(
        None,
        description="words, spaces, characters, bytes, jieba, or tokenizer:FILE; words for scripts "
        "with spaces, characters for others when absent",
        json_schema_extra=flag("--tokens"),
    )
    lowercase: bool = Field(True, description="lower-case all tokens but bytes and tokenizer:FILE")
    min_count: int | None = Field(
        None,
        ge=1,
        description="least count of a known token; when absent 2 for words of 500 texts or more, "
        "else 1",
    )
    max_vocab: int | None = Field(
        None, ge=3, description="largest vocabulary; the most frequent tokens are known"
    )
    max_length: int = Field(
        512, ge=1, description="tokens of a text; longer texts lose their middle"
    )
