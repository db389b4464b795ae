"""Settings of the network that need others."""

from __future__ import annotations

from longshort.config.parallel import TextCoding
from longshort.errors import ConfigError
from longshort.tasks.seq2seq.config import PairModel


def refuse_misfits(model: PairModel, text: TextCoding) -> None:
    """Raise `ConfigError` for copying or coverage without what they need; `text` is decided."""
    if model.copying and model.attention == "none":
        raise ConfigError(
            "model.copying: copies where the attention looks, and model.attention is none; set "
            "model.copying = false, or an attention"
        )
    if model.copying and not text.joint:
        raise ConfigError(
            "model.copying: copies tokens of the source, and text.joint is off, so that the "
            "sides have different tokens; set text.joint = true, or model.copying = false"
        )
    if model.coverage and model.attention != "additive":
        raise ConfigError(
            f"model.coverage: is of additive attention, and model.attention is {model.attention}; "
            "set model.attention = additive, or leave model.coverage out"
        )
