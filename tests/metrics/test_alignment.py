"""Word by word translation by IBM model 1."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from longshort.errors import ArgumentError
from longshort.metrics.alignment import best_translations, join_words, split_words, word_for_word
from longshort.metrics.bleu import bleu
from longshort.metrics.chrf import chrf

from .test_bleu import lines

Sentences = list[list[str]]


def test_words_are_told_apart_by_their_company() -> None:
    sources = ["das haus", "das buch", "ein buch", "ein haus hier"]
    targets = ["the house", "the book", "a book", "a house here"]
    found = best_translations([s.split() for s in sources], [t.split() for t in targets])
    assert found == {"das": "the", "haus": "house", "buch": "book", "ein": "a", "hier": "here"}


def random_pairs() -> tuple[Sentences, Sentences]:
    draw = random.Random(0)

    def sentence(letters: str) -> list[str]:
        return draw.choices(letters, k=draw.randint(0, 7))

    return [sentence("abcdef") for _ in range(60)], [sentence("uvwxyz") for _ in range(60)]


def by_hand(sources: Sentences, targets: Sentences, iterations: int) -> dict[str, dict[str, float]]:
    """Model 1 in plain loops: the probability of a target word given a source word, "" for none."""
    chances: dict[str, dict[str, float]] = {}
    for _ in range(iterations):
        counts: dict[str, Counter[str]] = {}
        for source, target in zip(sources, targets, strict=True):
            for word in target:
                weights = [chances[s][word] if chances else 1.0 for s in ["", *source]]
                for other, weight in zip(["", *source], weights, strict=True):
                    counts.setdefault(other, Counter())[word] += weight / sum(weights)
        chances = {s: {w: n / c.total() for w, n in c.items()} for s, c in counts.items()}
    return chances


def test_the_best_word_is_that_of_plain_loops() -> None:
    sources, targets = random_pairs()
    chances = by_hand(sources, targets, 4)
    found = best_translations(sources, targets, 4)
    assert found.keys() == chances.keys() - {""}
    for word, best in found.items():
        assert chances[word][best] == pytest.approx(max(chances[word].values()))


def test_of_equal_words_the_first_seen_wins() -> None:
    assert best_translations([["a"]], [["y", "x"]]) == {"a": "y"}


def test_a_word_that_meets_no_other_has_no_translation() -> None:
    assert best_translations([["a"], ["b"]], [[], ["x"]]) == {"b": "x"}


@pytest.mark.parametrize(
    ("targets", "iterations", "message"),
    [
        ([], 4, "of the same sentences, at least one; there are 1 and 0"),
        ([["x"]], 0, "iterations must be at least 1; it is 0"),
    ],
)
def test_what_it_refuses(targets: Sentences, iterations: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        best_translations([["a"]], targets, iterations)


def test_equal_neighbours_are_merged_and_unknown_words_stay() -> None:
    lexicon = {"auf": "on", "dem": "the", "den": "the"}
    assert word_for_word(lexicon, ["auf", "dem", "den", "Kilimandscharo"]) == [
        "on", "the", "Kilimandscharo",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["A man's hat, (red) and big!", "Zwei Hunde: einer ist braun.", "Is it 5 [five]?"]
)
def test_spacing_is_restored(text: str) -> None:
    assert join_words(split_words(text)) == text


def test_multi30k_word_by_word_is_the_known_number(real_data: Path) -> None:
    sources, targets = (
        [split_words(line) for line in lines(real_data, f"train.{side}.gz")]
        for side in ("de", "en")
    )
    lexicon = best_translations(sources, targets)
    given = [split_words(line) for line in lines(real_data, "test_2016_flickr.de.gz")]
    found = [join_words(word_for_word(lexicon, words)) for words in given]
    references = lines(real_data, "test_2016_flickr.en.gz")
    assert bleu(found, references).score == pytest.approx(27.90, abs=0.1)
    assert chrf(found, references) == pytest.approx(54.2, abs=0.1)
