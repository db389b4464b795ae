"""Nearest translations, and captions by consensus of the nearest images."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from longshort.errors import ArgumentError
from longshort.metrics.bleu import bleu, caption_bleu
from longshort.metrics.cider import cider
from longshort.metrics.consensus import agreement, consensus, consensus_captions, neighbours_of
from longshort.metrics.memory import Memory

from .test_bleu import lines

KNOWN = [
    "Ein Mann schläft.",
    "Zwei Hunde spielen im Schnee.",
    "Eine Frau liest ein Buch.",
    "你好。",
]
PARTS = ["Ein Mann", "zwei hunde", "liest ein", "eine frau"]
"""Texts with no word and no sequence of characters that is not known."""

# -- translation memory ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"), [("Der Mann schlief", 0), ("DIE HUNDE", 1), ("你好吗？", 3)]
)
def test_the_most_similar_text_is_found(text: str, place: int) -> None:
    assert Memory(KNOWN).nearest([text])[0].tolist() == [place]


def test_a_known_text_is_its_own_nearest() -> None:
    places, similar = Memory(KNOWN).nearest(KNOWN)
    assert places.tolist() == [0, 1, 2, 3]
    assert similar == pytest.approx(np.ones(4))


@pytest.mark.parametrize("text", ["", "xyz"])
def test_where_nothing_is_similar_the_first_counts(text: str) -> None:
    places, similar = Memory(KNOWN).nearest([text])
    assert (places.tolist(), similar.tolist()) == ([0], [0.0])


def test_similarities_are_those_of_scikit_learn() -> None:
    """Its tf-idf with log frequencies, over the same words and sequences of characters."""

    def features(text: str) -> list[str]:
        spaced = f" {text.lower()} "
        words = [f" {word} " for word in spaced.replace(".", " ").replace("。", " ").split()]
        parts = [spaced[at : at + n] for n in (2, 3, 4) for at in range(len(spaced) - n + 1)]
        return words + parts

    theirs = TfidfVectorizer(analyzer=features, sublinear_tf=True).fit(KNOWN)
    table = (theirs.transform(PARTS) @ theirs.transform(KNOWN).T).toarray()
    assert Memory(KNOWN).nearest(PARTS)[1] == pytest.approx(table.max(1))


@pytest.mark.parametrize("texts", [[], "one text"])
def test_what_a_memory_refuses(texts: list[str]) -> None:
    with pytest.raises(ArgumentError, match="texts must be a list of at least one text; it is"):
        Memory(texts)


@pytest.mark.slow
def test_multi30k_by_memory_is_the_known_number(real_data: Path) -> None:
    sources, targets = (lines(real_data, f"train.{side}.gz") for side in ("de", "en"))
    places, _ = Memory(sources).nearest(lines(real_data, "test_2016_flickr.de.gz"))
    found = [targets[place] for place in places.tolist()]
    score = bleu(found, lines(real_data, "test_2016_flickr.en.gz")).score
    assert score == pytest.approx(10.9, abs=0.1)


# -- consensus -------------------------------------------------------------------------------------


def test_consensus_is_the_caption_most_like_the_others() -> None:
    captions = ["a cat", "A dog runs on grass.", "a dog runs", "a dog on grass", "the sea"]
    assert consensus(captions) == "A dog runs on grass."


def test_of_equal_captions_the_first_is_the_consensus() -> None:
    """ "a b" and "b a b" share 3 of 3 and of 5; "x" is like itself only."""
    assert consensus(["x", "a b", "b a b"]) == "a b"


def test_a_repeated_word_matches_as_often_as_both_have_it() -> None:
    """F1 of "a a": 1/2 with "a" and with "a b a"; of these two 1/3. Counted once, "a" would win."""
    assert consensus(["a", "a a", "a b a"]) == "a a"


def test_neighbours_do_not_depend_on_the_scale_of_a_column() -> None:
    draw = np.random.default_rng(0)
    known, features = draw.normal(size=(30, 4)), draw.normal(size=(5, 4))
    scale = np.array([1, 100, 0.01, 7])
    found = neighbours_of(features, known, 6)
    assert np.array_equal(neighbours_of(features * scale + 3, known * scale + 3, 6), found)


def test_a_known_image_is_its_own_nearest() -> None:
    known = np.random.default_rng(0).normal(size=(30, 4))
    assert neighbours_of(known, known, 1)[:, 0].tolist() == list(range(30))


def test_a_column_that_never_varies_says_nothing() -> None:
    known = np.random.default_rng(0).normal(size=(30, 4))
    known[:, 2] = 5
    features = known.copy()
    features[:, 2] = 1000
    assert neighbours_of(features, known, 1)[:, 0].tolist() == list(range(30))


def test_captions_come_from_the_nearest_images() -> None:
    known = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    captions = [["a dog"], ["a dog", "the dog"], ["the sea"], ["sea", "the sea"]]
    assert consensus_captions(known[[2, 0]], known, captions, count=2) == ["the sea", "a dog"]


@pytest.mark.parametrize(
    ("columns", "captions", "count", "message"),
    [
        (3, 4, 2, r"of the same columns; their shapes are \(1, 3\) and \(4, 2\)"),
        (2, 3, 2, "of the same images; there are 3 and 4"),
        (2, 4, 5, "count must be 1 to 4, the known images; it is 5"),
        (2, 4, 0, "count must be 1 to 4, the known images; it is 0"),
    ],
)
def test_what_neighbours_refuse(columns: int, captions: int, count: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        consensus_captions(np.ones((1, columns)), np.ones((4, 2)), [["a"]] * captions, count)


def test_no_caption_has_no_consensus() -> None:
    with pytest.raises(ArgumentError, match=r"must be a list of at least one; it is \[\]"):
        consensus([])


@pytest.mark.slow
def test_consensus_on_flickr8k_is_the_known_number(real_data: Path) -> None:
    folder = real_data / "flickr8k"
    images: dict[str, dict[str, list[str]]] = {}
    for line in gzip.decompress((folder / "captions.tsv.gz").read_bytes()).decode().splitlines():
        split, image, caption = line.split("\t")
        images.setdefault(split, {}).setdefault(image, []).append(caption)
    with np.load(folder / "mobilenetv2_global.npz") as stored:
        rows = {name: row for row, name in enumerate(stored["names"].tolist())}
        features = stored["feat"].astype(np.float32)
    known, given = (features[[rows[each] for each in images[part]]] for part in ("train", "test"))
    found = consensus_captions(given, known, list(images["train"].values()))
    references = list(images["test"].values())
    scores = caption_bleu(found, references)
    assert (scores[0], scores[3]) == pytest.approx((59.4, 15.6), abs=0.2)
    assert cider(found, references).mean() == pytest.approx(0.39, abs=0.005)


def test_agreement_is_the_mean_f1_with_the_other_captions() -> None:
    found = agreement(["a dog", "a dog", "a cat"])  # 3 n-grams each; one in common with the last
    assert found.tolist() == pytest.approx([(1 + 1 / 3) / 2, (1 + 1 / 3) / 2, 1 / 3])
    assert agreement(["alone"]).tolist() == [1.0]
