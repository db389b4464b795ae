"""Every setting of a language model, its unit, its default and its range."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig


class LanguageData(SourceConfig):
    """The place of the text."""

    val_path: str | None = Field(
        None,
        description="validation text; else a share of the training",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test text; else a share of the training file",
        json_schema_extra=flag("--test"),
    )


class LanguageSplit(Section):
    """Splits of a single text, in its order: training, then validation, then test."""

    val: float = Field(0.05, gt=0.0, lt=1.0, description="share of the text for validation")
    test: float = Field(0.05, gt=0.0, lt=1.0, description="share of the text for the test")


class LanguageText(Section):
    """The way from a text to a stream of tokens; the vocabulary is the training split's."""

    tokens: str | None = Field(
        None,
        description="words, spaces, characters, bytes, jieba, or tokenizer:FILE; characters when "
        "absent",
        json_schema_extra=flag("--tokens"),
    )
    lowercase: bool = Field(False, description="of all tokens but bytes and tokenizer:FILE")
    eos: bool | None = Field(
        None, description="a token <eos> ends each line; so for words, when absent"
    )
    min_count: int | None = Field(
        None,
        ge=1,
        description="rarer tokens are unknown; 1 for characters, bytes, and texts with <unk>, else "
        "2, when absent",
    )
    max_vocab: int | None = Field(None, ge=3, description="the most frequent so many are known")


class LanguageModelConfig(CellSettings):
    """The network: embedding, recurrent layers, softmax over the vocabulary."""

    hidden: int = Field(
        256, ge=1, le=8192, description="units per layer; with tie, of all but the last"
    )
    num_layers: int = Field(2, ge=1, le=32, description="recurrent layers above each other")
    embedding: int = Field(256, ge=1, le=4096, description="size of a token's vector")
    tie: bool = Field(
        True, description="softmax weights are the embedding's; the last layer has its size"
    )
    adaptive: tuple[int, ...] = Field(
        (), description="ranks at which an adaptive softmax begins a new cluster; needs tie = false"
    )
    init_range: float | None = Field(
        None, gt=0.0, description="all weights start uniform in ± this; else each as its part says"
    )
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="for the next three where absent")
    input_dropout: float | None = Field(None, ge=0.0, lt=1.0, description="on token vectors")
    hidden_dropout: float | None = Field(None, ge=0.0, lt=1.0, description="between layers")
    output_dropout: float | None = Field(None, ge=0.0, lt=1.0, description="before the softmax")
    variational: bool = Field(True, description="one dropout mask a sequence, not one a step")
    embedding_dropout: float = Field(
        0.0, ge=0.0, lt=1.0, description="rate at which whole types are left out of a batch"
    )
    weight_dropout: float = Field(0.0, ge=0.0, lt=1.0, description="on recurrent matrices")

    @field_validator("adaptive", mode="before")
    @classmethod
    def _as_numbers(cls, value: object) -> object:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_layer_uses_all(self) -> LanguageModelConfig:
        if self.num_layers > 1:
            return self
        usual = type(self).model_fields["hidden"].default
        if self.tie and self.hidden != usual:
            raise ValueError(
                f"hidden = {self.hidden} has no effect: with tie the only layer has the size of "
                "embedding; set embedding, tie = false, or num_layers above 1"
            )
        if self.hidden_dropout:
            raise ValueError(
                f"hidden_dropout = {self.hidden_dropout:g} has no effect: it is between layers, "
                "and there is one; leave it out, or set num_layers above 1"
            )
        return self

    @model_validator(mode="after")
    def _adaptive_has_its_own_weights(self) -> LanguageModelConfig:
        if self.adaptive and self.tie:
            raise ValueError("adaptive: the adaptive softmax has its own weights; set tie = false")
        if any(high <= low for low, high in zip((0, *self.adaptive), self.adaptive, strict=False)):
            raise ValueError(f"adaptive: ranks have to rise from 1, got {self.adaptive}")
        return self


class LanguageTrain(TrainConfig):
    """The training loop, with truncated backpropagation and penalties on activations."""

    learning_rate: float = Field(0.003, gt=0.0, description="of the optimizer, at its highest")
    momentum: float = Field(0.0, ge=0.0, lt=1.0, description="of SGD")
    max_epochs: int = Field(10, ge=1, description="passes over the training split")
    batch_size: int = Field(32, ge=1, description="streams side by side")
    bptt: int = Field(64, ge=1, description="steps that gradients go back")
    random_bptt: bool = Field(
        False, description="lengths vary around bptt, and the learning rate with them"
    )
    activation_penalty: float = Field(0.0, ge=0.0, description="AR: on squared outputs")
    slowness_penalty: float = Field(0.0, ge=0.0, description="TAR: on squared changes of outputs")


class LanguageEvaluate(Section):
    """Scores of the test split beside those of the plain model."""

    ngram: int | None = Field(
        None,
        ge=1,
        le=12,
        description="highest order of the Kneser-Ney baseline; 5, of characters 8",
    )
    cache: int = Field(0, ge=0, description="tokens that a neural cache remembers; 0 for none")
    dynamic: bool = Field(False, description="learn on along the test split (dynamic evaluation)")


class LanguageConfig(BaseConfig):
    """A whole run; `config.toml` in the run folder is this, fully resolved."""

    task: Literal["lm"] = "lm"
    data: LanguageData = LanguageData()
    split: LanguageSplit = LanguageSplit()
    text: LanguageText = LanguageText()
    model: LanguageModelConfig = LanguageModelConfig()
    train: LanguageTrain = LanguageTrain()
    evaluate: LanguageEvaluate = LanguageEvaluate()
