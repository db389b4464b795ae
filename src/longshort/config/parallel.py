"""Settings that tasks on pairs of texts share: data files, their columns, and tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import SourceConfig

TokenKind = Literal["subwords", "words", "characters"]
PairFormat = Literal["lines", "tsv", "csv", "jsonl", "parquet"]


class ParallelData(SourceConfig):
    """Files of pairs of texts, or two files of lines each, and the meaning of their columns."""

    target_path: str | None = Field(
        None,
        description="file of the targets, where they are lines of a file of their own",
        json_schema_extra=flag("--target-file"),
    )
    val_path: str | None = Field(
        None,
        description="validation file; a share of the training file when absent",
        json_schema_extra=flag("--val"),
    )
    val_target_path: str | None = Field(
        None,
        description="file of the validation targets",
        json_schema_extra=flag("--val-target-file"),
    )
    test_path: str | None = Field(
        None,
        description="test file; a share of the training file when absent",
        json_schema_extra=flag("--test"),
    )
    test_target_path: str | None = Field(
        None, description="file of the test targets", json_schema_extra=flag("--test-target-file")
    )
    source: str | None = Field(
        None,
        description="column of the source texts; detected when absent",
        json_schema_extra=flag("--source"),
    )
    target: str | None = Field(
        None,
        description="column of the target texts; detected when absent",
        json_schema_extra=flag("--target"),
    )
    format: PairFormat | None = Field(
        None, description="file format; detected by name and content when absent"
    )
    delimiter: str | None = Field(
        None, description="delimiter of a csv file, one character; detected when absent"
    )
    header: bool | None = Field(
        None, description="whether a table's first line names the columns; detected when absent"
    )
    drop_incomplete: bool | None = Field(
        None,
        description="leave out pairs with an empty side; when absent those of the training file "
        "alone",
    )


class PairSplit(Section):
    """How validation and test splits are drawn, where no files are given for them."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="test split, as a share of the data")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class TextCoding(Section):
    """Tokens of texts, and how many are known; fitted on the training split."""

    tokens: TokenKind | None = Field(
        None,
        description="subwords, words, or characters; when absent characters for scripts without "
        "spaces, for others subwords where sentencepiece is installed, else words",
        json_schema_extra=flag("--tokens"),
    )
    target_tokens: TokenKind | None = Field(
        None, description="those of the targets, where they differ; by their script when absent"
    )
    size: int | None = Field(
        None,
        ge=5,
        description="largest number of known tokens; when absent 8,000 subwords, fewer for little "
        "text, and any number of words or characters",
        json_schema_extra=flag("--subwords"),
    )
    min_count: int | None = Field(
        None,
        ge=1,
        description="least count of a known word or character; when absent 2 for words of 500 "
        "pairs or more, else 1",
    )
    joint: bool | None = Field(
        None,
        description="one set of tokens for both sides; when absent so where they share a script",
    )
    max_length: int = Field(
        200, ge=1, description="tokens of a text; longer ones are cut at their end"
    )
    drop_long: bool = Field(
        False, description="leave pairs with a longer text out of training instead of cutting it"
    )
