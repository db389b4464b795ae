"""Settings that tasks share whose decoder writes texts: network, training, and decoding."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import TrainConfig

_ODDS = 100.0
"""Odds of the true token against the network's own at the beginning of training, and against it at
the end, with schedule inverse_sigmoid."""


class WriterModel(CellSettings):
    """The network's decoder, and its attention."""

    embedding: int | None = Field(
        None, ge=1, le=4096, description="size of a token's vector; decided by the data when absent"
    )
    hidden: int | None = Field(
        None, ge=2, le=8192, description="units of the decoder; decided by the data when absent"
    )
    num_layers: int = Field(1, ge=1, le=16, description="recurrent layers")
    attention: Literal["dot", "general", "additive", "none"] = Field(
        "general",
        description="score of the attention: dot and general (Luong et al., 2015), additive "
        "(Bahdanau et al., 2015; concat is the same), or none",
        json_schema_extra=flag("--attention"),
    )
    placement: Literal["after", "feeding", "before"] = Field(
        "after",
        description="after a step of the decoder, which is fastest; with its result fed to the "
        "next step (input feeding); or before a step (Bahdanau et al., 2015)",
        json_schema_extra=flag("--placement"),
    )
    dropout: float = Field(0.3, ge=0.0, lt=1.0, description="on vectors, states and outputs")


class WriteSettings(Section):
    """How texts are written."""

    beam: int = Field(
        5, ge=1, le=100, description="width of the beam search; 1 is greedy",
        json_schema_extra=flag("--beam"),
    )  # fmt: skip
    length_penalty: float | None = Field(
        None,
        description="alpha of Wu et al. (2016), which favours longer texts; when absent chosen on "
        "the validation split after training",
    )
    no_repeat: int = Field(
        0, ge=0, description="no run of so many tokens occurs twice; 0 allows all"
    )
    min_length: int = Field(0, ge=0, description="least number of tokens")


class WriterTrain(TrainConfig):
    """The training loop of a decoder that reads what it is to write."""

    label_smoothing: float = Field(
        0.1,
        ge=0.0,
        lt=1.0,
        description="share of the loss that is spread over all tokens; the reported loss has none",
    )
    scheduled_sampling: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="share of the decoder's inputs that are its own words at the end of training "
        "(Bengio et al., 2015); it is then trained step by step, which is slower than in one scan",
    )
    sampling_schedule: Literal["linear", "inverse_sigmoid"] = Field(
        "linear", description="course by which that share grows over the steps of training"
    )

    def own_share(self, done: float) -> float:
        """Return the share of own words when the share `done` of all steps is done.

        inverse_sigmoid: own words are likelier than true ones by k^(2 · done - 1), k = 100, which
        is Bengio's k / (k + exp(i / k)) with its middle in the middle of training.
        """
        if self.sampling_schedule == "linear":
            return self.scheduled_sampling * done
        return self.scheduled_sampling / (1.0 + float(_ODDS ** (1.0 - 2.0 * done)))
