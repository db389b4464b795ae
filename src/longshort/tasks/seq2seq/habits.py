"""How texts are written: their length, and shares of unknown, repeated and copied words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longshort.data.coding import UNKNOWN
from longshort.data.parallel import Pairs
from longshort.runs.writing import Written
from longshort.tasks.seq2seq.encoder import PairEncoder

HABITS = (("length", "length", False), ("repeated", "repeated", False), ("copied", "copied", False))
"""Keys, titles, and whether more is better, of what `habits` returns."""
_RUN = 3


def habits(samples: Pairs, found: Written) -> dict[str, Any]:
    """Return words written per word of the first target, and the shares of repeated and copied.

    repeated: words in runs of 3 that occurred before in the same text. copied: words that stand in
    the source as they are.
    """
    texts = [text.split() for text in found.texts]
    written = sum(map(len, texts))
    sources = [set(source.split()) for source in samples.sources]
    copied = sum(w in known for words, known in zip(texts, sources, strict=True) for w in words)
    wanted = sum(len(target.split()) for target in samples.targets or [])
    return {
        "length": written / wanted if wanted else None,
        "repeated": sum(map(_repeated, texts)) / written if written else None,
        "copied": copied / written if written else None,
    }


def unknown_share(encoder: PairEncoder, samples: Pairs) -> float:
    """Return the share of the sources' tokens that are not known."""
    numbers = [each for text in encoder.coder.sources(samples) for each in text.tolist()]
    return numbers.count(UNKNOWN) / max(1, len(numbers))


def _repeated(words: Sequence[str]) -> int:
    """Number of words that begin a run which occurred before."""
    seen: set[tuple[str, ...]] = set()
    count = 0
    for at in range(len(words) - _RUN + 1):
        run = tuple(words[at : at + _RUN])
        count += run in seen
        seen.add(run)
    return count
