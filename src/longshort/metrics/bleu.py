"""BLEU: the share of n-grams of translations or captions that are also in their references.

Papineni et al. (2002), "BLEU: a method for automatic evaluation of machine translation". The score
of a corpus follows from sums over its sentences, so that `bleu_statistics`, computed once, give the
score of any selection of sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError, nearest
from longshort.metrics.texts import References, caption_words, ngram_counts, reference_sets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Splitter = Callable[[str], list[str]]
Tokenizer = Literal["13a", "zh", "none"]
"""Rules that split texts: those of mteval-v13a, these with Chinese by character, or white space."""

ORDER = 4
"""Length of the longest n-grams that count."""

_RULES = (
    (re.compile(r"([!-&(-+/:-@\[-`{-~])"), r" \1 "),  # all but apostrophe, comma, hyphen, full stop
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])-"), r"\1 - "),
)
_CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u4db5\u4e00-\u9fbb"
    "\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])"
)
"""Characters that sacrebleu takes for Chinese ones or their punctuation; some are symbols."""
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


@dataclass(frozen=True)
class Bleu:
    """BLEU of a corpus.

    score: 0 to 100. precisions: those of 1-grams to 4-grams, 0 to 100. brevity_penalty: 0 to 1,
    below 1 if the hypotheses are shorter than the references. length, reference_length: in tokens.
    signature: the settings in the notation of sacrebleu, whose scores are the same.
    """

    score: float
    precisions: tuple[float, ...]
    brevity_penalty: float
    length: int
    reference_length: int
    signature: str


def bleu(hypotheses: Sequence[str], references: References, tokenizer: Tokenizer = "13a") -> Bleu:
    """Return the cased BLEU of a corpus as sacrebleu computes it by default (Post, 2018).

    The brevity penalty takes the reference whose length is closest, if there are several. An order
    without a match is smoothed: the first counts as half a match, the next as a quarter.
    """
    sums = bleu_statistics(hypotheses, references, tokenizer).sum(0)
    counts = sorted({len(each) for each in reference_sets(hypotheses, references)})
    number = str(counts[0]) if len(counts) == 1 else "var"
    return Bleu(
        score=float(bleu_scores(sums)),
        precisions=tuple((100 * _precisions(sums, ORDER, smooth=True)).tolist()),
        brevity_penalty=float(np.exp(_log_penalty(sums))),
        length=int(sums[-2]),
        reference_length=int(sums[-1]),
        signature=f"nrefs:{number}|case:mixed|eff:no|tok:{tokenizer}|smooth:exp",
    )


def caption_bleu(hypotheses: Sequence[str], references: References) -> tuple[float, ...]:
    """Return BLEU-1 to BLEU-4 of captions, 0 to 100, as coco-caption computes them.

    They are not smoothed, and ignore case and punctuation (see `caption_words`).
    """
    sets = reference_sets(hypotheses, references)
    sums = np.sum([_row(caption_words, *pair) for pair in zip(hypotheses, sets, strict=True)], 0)
    return tuple(float(bleu_scores(sums, order, smooth=False)) for order in range(1, ORDER + 1))


def bleu_statistics(
    hypotheses: Sequence[str], references: References, tokenizer: Tokenizer = "13a"
) -> Ints:
    """Return the counts of each sentence, [n, 10], whose sums give BLEU by `bleu_scores`.

    The columns are the number of matching n-grams of 1 to 4 tokens, the number of all such n-grams
    of the hypothesis, its length, and the length of the closest reference.
    """
    split = _splitter(tokenizer)
    sets = reference_sets(hypotheses, references)
    return np.array([_row(split, *pair) for pair in zip(hypotheses, sets, strict=True)])


def bleu_scores(sums: NDArray[Any], order: int = ORDER, smooth: bool = True) -> Floats:
    """Return BLEU, 0 to 100, from sums of `bleu_statistics` in the last axis: [..., 10] -> [...].

    order: length of the longest n-grams that count, up to 4. smooth: smooth orders without a match
    as `bleu` does; otherwise they make the score 0.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(_precisions(sums, order, smooth))
    scores: Floats = 100 * np.exp(logs.mean(-1) + _log_penalty(sums))
    return scores


def _precisions(sums: NDArray[Any], order: int, smooth: bool) -> Floats:
    matches, totals = sums[..., :order], sums[..., ORDER : ORDER + order]
    missed = matches == 0
    found = np.where(missed, 0.5 ** missed.cumsum(-1), matches) if smooth else matches
    shares: Floats = np.where(totals > 0, found / np.maximum(totals, 1), 0.0)
    shares *= matches.any(-1, keepdims=True)
    return shares


def _log_penalty(sums: NDArray[Any]) -> Floats:
    """Return the logarithm of the brevity penalty; -inf for hypotheses without a token."""
    length, wanted = sums[..., -2], sums[..., -1]
    penalty: Floats = np.minimum(1 - wanted / np.maximum(length, 1), 0.0)
    return np.where((length > 0) | (wanted == 0), penalty, -np.inf)


def _row(split: Splitter, hypothesis: str, references: list[str]) -> list[int]:
    words = split(hypothesis)
    wanted = [split(each) for each in references]
    orders = range(1, ORDER + 1)
    matches = [_matches(words, wanted, order) for order in orders]
    totals = [max(len(words) - order + 1, 0) for order in orders]
    lengths = [len(each) for each in wanted]
    closest = min(lengths, key=lambda length: (abs(length - len(words)), length))
    return [*matches, *totals, len(words), closest]


def _matches(words: list[str], wanted: list[list[str]], order: int) -> int:
    """Count the n-grams that are also in a reference.

    Each counts at most as often as in the reference that has it most often.
    """
    allowed: Counter[tuple[str, ...]] = Counter()
    for each in wanted:
        allowed |= ngram_counts(each, order)
    return (ngram_counts(words, order) & allowed).total()


def _splitter(tokenizer: str) -> Splitter:
    splitters: dict[str, Splitter] = {"13a": _split_13a, "zh": _split_zh, "none": str.split}
    if tokenizer not in splitters:
        raise ArgumentError(f"tokenizer {tokenizer!r} is unknown; {nearest(tokenizer, splitters)}")
    return splitters[tokenizer]


def _split_13a(text: str) -> list[str]:
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return _split_punctuation(f" {text} ")


def _split_zh(text: str) -> list[str]:
    return _split_punctuation(_CHINESE.sub(r" \1 ", text.strip()))


def _split_punctuation(text: str) -> list[str]:
    for pattern, spaced in _RULES:
        text = pattern.sub(spaced, text)
    return text.split()
