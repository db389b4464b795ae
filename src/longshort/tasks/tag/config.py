"""The settings of a tagging run, with their units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from longshort.config.cell import TruncatedSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.sequences import HoldoutConfig, TextConfig
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig
from longshort.config.vectors import VectorSettings


class TagData(SourceConfig):
    """The source of the sentences, and the meaning of its columns."""

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
    format: Literal["conll", "jsonl", "table"] | None = Field(
        None, description="columns, JSON lines or a table; by the beginning when absent"
    )
    token_column: int = Field(0, description="from 0; negative from the end")
    tag_column: int = Field(-1, description="from 0; negative from the end")
    sentence: str | None = Field(None, description="a table's column of the sentence's number")
    token: str | None = Field(None, description="a table's column of the token")
    tag: str | None = Field(None, description="a table's column of the tag")
    strip_position: bool = Field(
        False, description="take the number off every token's end that tells its place in a word"
    )


class TagText(TextConfig):
    """Settings of how a sentence becomes numbers; vocabularies come from the training split."""

    tokens: str | None = Field(
        None,
        description="how a text without tokens is cut when it shall be tagged: at white space, or "
        "into characters where the training data's tokens are single ones, when absent",
        json_schema_extra=flag("--tokens"),
    )
    min_count: int = Field(1, ge=1, description="rarer tokens are unknown")
    max_length: int = Field(512, ge=1, description="tokens; longer sentences go in pieces")


class TagModel(TruncatedSettings, VectorSettings):
    """Settings of the network: word and character vectors, recurrent layers, a random field."""

    hidden: int = Field(128, ge=1, le=8192, description="units per layer and direction")
    num_layers: int = Field(1, ge=1, le=32, description="recurrent layers above each other")
    bidirectional: bool = Field(True, description="read every sequence in both directions")
    embedding: int = Field(100, ge=1, le=4096, description="size of a token's vector")
    characters: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="size of the vector of a token's spelling, 0 for none; 50 when absent, and "
        "none where tokens are single characters",
    )
    character_model: Literal["cnn", "lstm"] = Field(
        "cnn", description="what reads the spelling: filters, or an LSTM in both directions"
    )
    character_embedding: int = Field(30, ge=1, le=4096, description="size of a character's vector")
    kernel: int = Field(3, ge=1, le=99, description="width of the filters, in characters")
    shapes: int = Field(
        8, ge=0, le=256, description="size of the vector of how a token is written: case, digits"
    )
    pairs: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="size of the vector of a token with its right neighbour, 0 for none; 50 where "
        "tokens are single characters, and none elsewhere when absent",
    )
    dropout: float = Field(0.5, ge=0.0, lt=1.0, description="on the vectors and before the head")
    word_dropout: float = Field(
        0.25,
        ge=0.0,
        description="a token seen n times in training is read as unknown at rate a / (a + n)",
    )
    recurrent_dropout: float = Field(
        0.0, ge=0.0, lt=1.0, description="on the state between steps, one mask a sequence"
    )
    crf: bool = Field(True, description="score whole paths of tags; else each tag for itself")

    @model_validator(mode="after")
    def _halves_are_whole(self) -> TagModel:
        width = self.characters or 0
        if self.character_model == "lstm" and width % 2:
            raise ValueError(
                f"characters = {width} is odd, and each direction of character_model = 'lstm' "
                f"gives half of it; take {width + 1}"
            )
        return self


class TagEvaluate(Section):
    """Settings of the baselines."""

    softmax: bool = Field(
        True, description="train the same network without the random field as a baseline"
    )


class TagTrain(TrainConfig):
    """Settings of the training loop."""

    learning_rate: float = Field(0.003, gt=0.0, description="of the optimizer, at its highest")
    max_epochs: int | None = Field(
        None, ge=1, description="some 2,000 batches, but 10 to 40 epochs, when absent"
    )
    batch_size: int = Field(16, ge=1, description="samples that are learned together")
    patience: int = Field(8, ge=1, description="epochs without gain before stopping")


class TagConfig(BaseConfig):
    """All settings of a run; `config.toml` in the run folder holds them, all decided."""

    task: Literal["tag"] = "tag"
    data: TagData = TagData()
    split: HoldoutConfig = HoldoutConfig()
    text: TagText = TagText()
    model: TagModel = TagModel()
    train: TagTrain = TagTrain()
    evaluate: TagEvaluate = TagEvaluate()
