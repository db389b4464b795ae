"""Settings that tasks on labelled sequences share: where the data is, how it is split and read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import SourceConfig

Format = Literal["csv", "parquet", "jsonl", "lines", "rows", "ts", "idx", "arrays", "long"]
Axes = Literal["NTC", "NCT"]
"""Sequences, steps, channels; or channels before steps."""


class HoldoutConfig(Section):
    """Validation and test parts, where no files are named for them."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="share of the data for validation")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="share of the data for the test")
    stratify: bool = Field(True, description="the same shares of every label in all parts")
    seed: int = Field(0, ge=0, lt=2**32, description="of the split alone")


class SequenceData(SourceConfig):
    """Where the data is, and what its columns mean."""

    val_path: str | None = Field(
        None,
        description="validation file; else a share of the training",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test file; else a share of the training file",
        json_schema_extra=flag("--test"),
    )
    format: Format | None = Field(None, description="file format; by name and content when absent")
    delimiter: str | None = Field(None, description="one character; guessed when absent")
    header: bool | None = Field(
        None, description="whether a table's first line names the columns; found when absent"
    )
    text: str | None = Field(
        None, description="column of the text; found when absent", json_schema_extra=flag("--text")
    )
    label: str | None = Field(
        None,
        description="column of the label; found when absent",
        json_schema_extra=flag("--label"),
    )
    id: str | None = Field(None, description="column that names a sequence in a long table")
    time: str | None = Field(
        None,
        description="column that orders a sequence in a long table",
        json_schema_extra=flag("--time"),
    )
    features: tuple[str, ...] = Field((), description="numeric columns of a long table")
    label_side: Literal["first", "last"] | None = Field(
        None, description="where the label of a line stands; found when absent"
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
    scaling: Literal["channel", "all"] | None = Field(
        None,
        description="values are scaled by their channel's mean and deviation in the training part, "
        "or all by the same; all for images, channel for others when absent",
    )

    def names_columns(self) -> bool:
        """Whether columns of a table are named: by a person, or by what was read."""
        return self.text is not None or self.id is not None

    @field_validator("features", mode="before")
    @classmethod
    def _as_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


class TextConfig(Section):
    """How a text becomes a sequence, fitted on the training part only."""

    tokens: str | None = Field(
        None,
        description="words, spaces, characters, bytes, jieba, or tokenizer:FILE; words for scripts "
        "with spaces, characters for others when absent",
        json_schema_extra=flag("--tokens"),
    )
    lowercase: bool = Field(True, description="of all tokens but bytes and tokenizer:FILE")
    min_count: int | None = Field(
        None,
        ge=1,
        description="rarer tokens are unknown; when absent 2 for words of 500 texts and more, else "
        "1",
    )
    max_vocab: int | None = Field(None, ge=3, description="the most frequent so many are known")
    max_length: int = Field(512, ge=1, description="tokens; longer texts lose their middle")
