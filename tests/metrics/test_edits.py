"""Edits of words and characters, by hand and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.metrics.edits import (
    Edits,
    aligned,
    character_edits,
    confusions,
    edits,
    total,
    word_edits,
)


def test_the_kinds_of_edits_by_hand() -> None:
    pairs = aligned(["the", "cat", "sat"], ["the", "bat", "sat", "down"])
    assert pairs == [("the", "the"), ("cat", "bat"), ("sat", "sat"), (None, "down")]
    assert edits(pairs) == Edits(1, 0, 1, 3)
    assert edits(aligned("abc", "ac")) == Edits(0, 1, 0, 3)
    assert edits(aligned("", "ab")) == Edits(0, 0, 2, 0)


def test_the_rate_is_in_percent_of_the_reference() -> None:
    assert Edits(1, 1, 0, 8).rate == 25.0
    assert Edits(0, 0, 2, 1).rate == 200.0
    assert Edits(0, 0, 0, 0).rate == 0.0
    assert Edits(0, 0, 1, 0).rate == 100.0


def test_errors_are_those_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    draw = np.random.default_rng(0)

    def text() -> str:
        return " ".join(draw.choice(["a", "bb", "cab", "d"], draw.integers(1, 9)))

    references, texts = [text() for _ in range(50)], [text() for _ in range(50)]
    words = jiwer.process_words(references, texts)
    found = total(word_edits(references, texts))
    assert found.rate == pytest.approx(100 * words.wer)
    assert found.errors == words.substitutions + words.deletions + words.insertions
    spelt = total(character_edits(references, texts))
    assert spelt.rate == pytest.approx(100 * jiwer.process_characters(references, texts).cer)


def test_confusions_are_counted() -> None:
    found = confusions(["abc", "abd", "x"], ["abd", "ab", "xy"])
    assert found == [(("c", "d"), 1), (("d", None), 1), ((None, "y"), 1)]
    assert confusions(["a b", "a c"], ["a d", "a d"], words=True) == [
        (("b", "d"), 1),
        (("c", "d"), 1),
    ]


def test_as_many_texts_as_references_are_needed() -> None:
    with pytest.raises(ArgumentError, match="they are 1 and 2"):
        word_edits(["a"], ["a", "b"])
