"""Settings of translation and summarisation, with units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.flags import flag
from longshort.config.parallel import PairSplit, ParallelData, TextCoding
from longshort.config.section import Section
from longshort.config.training import BaseConfig
from longshort.config.writing import WriterModel, WriterTrain, WriteSettings


class PairModel(WriterModel):
    """The network: an encoder in both directions, attention, and a decoder."""

    num_layers: int = Field(1, ge=1, le=16, description="recurrent layers on each side")
    coverage: bool = Field(
        False, description="the attention sees where it was before; needs attention = additive"
    )
    copying: bool = Field(
        False,
        description="a gate decides between writing a token and copying one of the source "
        "(pointer-generator); needs text.joint",
        json_schema_extra=flag("--copying"),
    )
    tied: bool | None = Field(
        None, description="both sides share their vectors; when absent so with one set of tokens"
    )


class WriteConfig(WriteSettings):
    """How targets are written."""

    coverage_penalty: float = Field(
        0.0, ge=0.0, description="beta of Wu et al. (2016); favours texts that attend to all"
    )
    max_ratio: float = Field(2.0, gt=0.0, description="largest length, in lengths of the source")
    max_more: int = Field(10, ge=1, description="tokens beyond that ratio")


class PairTrain(WriterTrain):
    """The training loop."""

    learning_rate: float = Field(0.003, gt=0.0, description="of the optimizer, at its highest")
    batch_size: int | None = Field(
        None, ge=1, description="pairs per step; decided by their number when absent"
    )
    coverage_weight: float = Field(
        1.0, ge=0.0, description="weight of the coverage loss, where there is a coverage"
    )
    coverage_from: float = Field(
        0.8, ge=0.0, le=1.0, description="share of training after which it is added"
    )
    patience: int = Field(8, ge=1, description="epochs without gain before stopping")


class ScoreConfig(Section):
    """How runs are scored."""

    bleu: Literal["13a", "zh"] | None = Field(
        None, description="tokens of BLEU; by the script of the targets when absent"
    )
    val_samples: int = Field(
        500, ge=1, description="validation pairs that are written after each epoch"
    )
    memory: bool = Field(True, description="nearest known source as a baseline")


class PairConfig(BaseConfig):
    """Settings of a run on pairs of texts; `config.toml` in the run folder is this, resolved."""

    data: ParallelData = ParallelData()
    split: PairSplit = PairSplit()
    text: TextCoding = TextCoding()
    model: PairModel = PairModel()
    write: WriteConfig = WriteConfig()
    train: PairTrain = PairTrain()
    evaluate: ScoreConfig = ScoreConfig()


class TranslateConfig(PairConfig):
    """Settings of a translation."""

    task: Literal["translate"] = "translate"


class SummaryCoding(TextCoding):
    """Tokens of long texts and of their summaries."""

    joint: bool | None = Field(
        True, description="one set of tokens for both sides, as copying needs"
    )


class SummaryModel(PairModel):
    """The network; it copies words of the text by default."""

    copying: bool = Field(
        True,
        description="a gate decides between writing a token and copying one of the text "
        "(pointer-generator); needs text.joint",
        json_schema_extra=flag("--copying"),
    )


class SummaryWrite(WriteConfig):
    """How summaries are written."""

    no_repeat: int = Field(
        3, ge=0, description="no run of so many tokens occurs twice; 0 allows all"
    )
    max_ratio: float = Field(1.0, gt=0.0, description="largest length, in lengths of the text")


class SummariseConfig(PairConfig):
    """Settings of a summarisation."""

    task: Literal["summarise"] = "summarise"
    text: SummaryCoding = SummaryCoding()
    model: SummaryModel = SummaryModel()
    write: SummaryWrite = SummaryWrite()
