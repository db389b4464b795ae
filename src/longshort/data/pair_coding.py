"""Coders of both sides of pairs of texts, and decisions on their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.parallel import TextCoding, TokenKind
from longshort.data.coding import TextCoder, suited_kind
from longshort.data.parallel import Pairs
from longshort.data.scripts import script_of_all
from longshort.errors import ConfigError, RunError

Ints = NDArray[np.int64]
_SAMPLE = 1000
"""Number of first texts by which the script of a side is decided."""
_MANY = 500
"""Number of pairs from which words must be seen twice to be known."""


@dataclass(frozen=True)
class PairCoder:
    """The coders of sources and of targets; they are the same object if fitted jointly."""

    source: TextCoder
    target: TextCoder
    max_length: int
    """Longer texts are cut to this number of tokens."""

    @staticmethod
    def fit(train: Pairs, config: TextCoding) -> PairCoder:
        """Fit on training pairs; `config` has no open settings (see `decided_coding`)."""
        single = train.expanded()
        sources, targets = train.sources, single.targets or []
        kind, other = _kinds(config)
        least = config.min_count or 1
        if config.joint:
            coder = TextCoder.fit([*sources, *targets], kind, config.size, least)
            return PairCoder(coder, coder, config.max_length)
        one = TextCoder.fit(sources, kind, config.size, least)
        return PairCoder(one, TextCoder.fit(targets, other, config.size, least), config.max_length)

    @property
    def is_joint(self) -> bool:
        """True if both sides have the same tokens, so that their vectors can be shared."""
        return self.source is self.target

    def sources(self, pairs: Pairs) -> list[Ints]:
        """Return the token numbers of each source, without begin and end."""
        return [self._cut(self.source, text) for text in pairs.sources]

    def targets(self, pairs: Pairs) -> list[Ints]:
        """Return the token numbers of each first target, without begin and end."""
        return [self._cut(self.target, text) for text in pairs.targets or []]

    def without_long(self, pairs: Pairs) -> Pairs:
        """Return the pairs without those that have a side longer than `max_length`."""
        targets = pairs.targets or [""] * len(pairs)
        sides = enumerate(zip(pairs.sources, targets, strict=True))
        return pairs.take([i for i, texts in sides if not self._is_long(*texts)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        target = None if self.is_joint else self.target.to_dict()
        kept = {"source": self.source.to_dict(), "target": target}
        return {**kept, "max_length": self.max_length}

    @staticmethod
    def from_dict(stored: object) -> PairCoder:
        """Return the coders that `to_dict` wrote; raises `RunError` for damaged values."""
        most = stored.get("max_length") if isinstance(stored, dict) else None
        if not isinstance(stored, dict) or not isinstance(most, int) or most < 1:
            raise RunError("data.json: damaged: tokens of sources and targets are expected")
        source, target = TextCoder.from_dict(stored.get("source")), stored.get("target")
        return PairCoder(source, source if target is None else TextCoder.from_dict(target), most)

    def _cut(self, coder: TextCoder, text: str) -> Ints:
        return np.array(coder.encode(text)[: self.max_length], dtype=np.int64)

    def _is_long(self, source: str, target: str) -> bool:
        lengths = len(self.source.encode(source)), len(self.target.encode(target))
        return max(lengths) > self.max_length


def decided_coding(train: Pairs, config: TextCoding) -> TextCoding:
    """Return the settings with open ones decided by the script and number of the training pairs.

    Raises `ConfigError` if the sides should share tokens but have different kinds of them.
    """
    sources, targets = train.sources[:_SAMPLE], (train.targets or [])[:_SAMPLE]
    kind = config.tokens or suited_kind(sources)
    other = config.target_tokens or config.tokens or suited_kind(targets)
    if config.joint and kind != other:
        raise ConfigError(
            f"text.joint: sources are read as {kind} and targets as {other}; leave it out, or set "
            "text.tokens and text.target_tokens to the same"
        )
    is_alike = kind == other and script_of_all(sources) == script_of_all(targets)
    least = 2 if "words" in (kind, other) and len(train) >= _MANY else 1
    return config.model_copy(
        update={
            "tokens": kind,
            "target_tokens": other,
            "min_count": config.min_count or (None if {kind, other} == {"subwords"} else least),
            "joint": is_alike if config.joint is None else config.joint,
        }
    )


def _kinds(config: TextCoding) -> tuple[TokenKind, TokenKind]:
    kind = config.tokens or "words"
    return kind, config.target_tokens or kind
