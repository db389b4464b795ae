"""Settings that need others."""

from __future__ import annotations

from longshort.config.parallel import TextCoding
from longshort.errors import ConfigError
from longshort.tasks.seq2seq.config import PairConfig, PairModel


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


def unused(config: PairConfig) -> list[tuple[str, str]]:
    """Return keys of settings of what is not there, with reasons; `config` is decided."""
    model, found = config.model, []
    if model.attention == "none":
        found += [(f"model.{name}", "is of an attention") for name in ("placement", "coverage")]
        found += [("write.coverage_penalty", "is of an attention")]
    if not model.coverage:
        names = ("coverage_weight", "coverage_from")
        found += [(f"train.{name}", "needs model.coverage = true") for name in names]
    if not config.train.scheduled_sampling:
        found += [("train.sampling_schedule", "needs train.scheduled_sampling")]
    if config.write.beam == 1:
        names = ("length_penalty", "coverage_penalty")
        found += [(f"write.{name}", "is of a beam, and write.beam is 1") for name in names]
    if config.text.tokens == "subwords":
        found += [("text.min_count", "is of words and characters")]
    return found
