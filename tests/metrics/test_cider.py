"""CIDEr-D against coco-caption and numbers worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from longshort.metrics.cider import cider
from longshort.metrics.rouge import caption_rouge

from .test_bleu import CAPTIONS, SEVERAL, flickr


def test_the_reference_itself_scores_10() -> None:
    captions = ["A man rides a horse.", "Two dogs play outside.", "The sun sets over hills"]
    assert cider(captions, captions) == pytest.approx([10, 10, 10])


def test_fewer_than_four_words_reach_a_quarter_a_word() -> None:
    assert cider(["red", "two dogs"], ["red", "two dogs"]) == pytest.approx([2.5, 5])


def test_cider_by_hand() -> None:
    """Images a b, a c: "a" is everywhere and weighs 0, any other n-gram weighs log 2.

    "b b": of its words, weight 2, one counts; its 2-gram has no match. Cosine 1 * 1 / (2 * 1).
    """
    assert cider(["b b", "a c"], ["a b", "a c"]) == pytest.approx([10 * 0.5 / 4, 10 * 2 / 4])


def test_a_difference_in_length_is_punished() -> None:
    """ "b a a a" has "b" as the only word of weight, and "b a" misses; three words too many."""
    longer, _ = cider(["b a a a a", "c"], [["a b"], ["a c"]])
    assert longer == pytest.approx(10 / 4 * math.exp(-(3**2) / 72))


def test_a_single_image_tells_nothing_apart() -> None:
    assert cider(["a b"], ["a b"]).tolist() == [0]


def test_cider_is_that_of_coco_caption() -> None:
    """The answers are those of pycocoevalcap 1.2 for the words in lower case."""
    known = [3.0801631222318444, 5.539145571387493, 2.580325245024801]
    assert cider(CAPTIONS, SEVERAL) == pytest.approx(known)


def test_caption_rouge_is_that_of_coco_caption() -> None:
    """The answers are those of pycocoevalcap 1.2 for the words in lower case."""
    known = [83.33333333333333, 92.42424242424241, 80.90185676392573]
    assert caption_rouge(CAPTIONS, SEVERAL) == pytest.approx(known)


def test_one_human_against_the_others_on_flickr8k(real_data: Path) -> None:
    """The answers are those of pycocoevalcap 1.2 for the words in lower case."""
    images = flickr(real_data)
    given, references = [each[0] for each in images], [each[1:] for each in images]
    assert cider(given, references).mean() == pytest.approx(0.7925164454099743)
    assert caption_rouge(given, references).mean() == pytest.approx(48.79216258927483)
