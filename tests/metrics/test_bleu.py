"""BLEU and chrF against sacrebleu and against numbers worked out by hand."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from longshort.errors import ArgumentError
from longshort.metrics.bleu import bleu, bleu_scores, bleu_statistics, caption_bleu
from longshort.metrics.chrf import chrf, chrf_scores, chrf_statistics

WORDS = [
    "a", "The", "man", "man's", "3.5", "10-12", "runs,", "(sits)", "well-known", "&quot;No&quot;",
]  # fmt: skip


def texts(count: int, seed: int, most: int = 12) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, most))) + "." for _ in range(count)]


def streams(references: list[list[str]]) -> list[list[str]]:
    """References as sacrebleu takes them: the first ones of all sentences, the second ones, …"""
    return [list(each) for each in zip(*references, strict=True)]


def several(count: int) -> list[list[str]]:
    return [list(each) for each in zip(*(texts(count, seed) for seed in (1, 2, 3)), strict=True)]


# -- BLEU ------------------------------------------------------------------------------------------


def test_bleu_by_hand() -> None:
    """5 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 fours; shorter by one word."""
    found = bleu(["the cat sat on a mat"], ["the cat sat on the red mat"])
    assert found.precisions == pytest.approx((500 / 6, 60, 50, 100 / 3))
    assert found.brevity_penalty == pytest.approx(math.exp(1 - 7 / 6))
    assert (found.length, found.reference_length) == (6, 7)
    product = 5 / 6 * 3 / 5 * 2 / 4 * 1 / 3
    assert found.score == pytest.approx(100 * math.exp(-1 / 6) * product**0.25)


def test_orders_without_a_match_are_halved_again_and_again() -> None:
    found = bleu(["a b c d e"], ["a x b y c"])
    assert found.precisions == pytest.approx((60, 100 / 2 / 4, 100 / 4 / 3, 100 / 8 / 2))


def test_the_closest_length_counts_and_the_shorter_of_two() -> None:
    assert bleu_statistics(["a b c d"], [["a b c d e f", "a b c", "a b c d e"]])[0, -1] == 3


def test_matches_are_clipped_by_the_reference_with_most_of_them() -> None:
    assert bleu_statistics(["a a a a"], [["a b", "a a b"]])[0, 0] == 2


@pytest.mark.parametrize(("hypothesis", "reference"), [("", "a b"), ("c", "a b"), ("", "")])
def test_nothing_in_common_is_0(hypothesis: str, reference: str) -> None:
    assert bleu([hypothesis], [reference]).score == 0


def test_a_text_shorter_than_four_words_is_0() -> None:
    assert bleu(["a b c"], ["a b c"]).score == 0


@pytest.mark.parametrize("tokenizer", ["13a", "none"])
def test_bleu_is_that_of_sacrebleu(tokenizer: str) -> None:
    given, references = texts(200, 0), several(200)
    theirs = sacrebleu.corpus_bleu(given, streams(references), tokenize=tokenizer, force=True)
    ours = bleu(given, references, tokenizer)
    assert ours.score == pytest.approx(theirs.score, abs=1e-9)
    assert ours.precisions == pytest.approx(theirs.precisions, abs=1e-9)
    assert ours.brevity_penalty == pytest.approx(theirs.bp)
    assert (ours.length, ours.reference_length) == (theirs.sys_len, theirs.ref_len)


def test_few_short_sentences_are_smoothed_as_in_sacrebleu() -> None:
    for seed in range(50):
        given, references = texts(2, seed, 5), texts(2, seed + 50, 5)
        theirs = sacrebleu.corpus_bleu(given, [references]).score
        assert bleu(given, references).score == pytest.approx(theirs, abs=1e-9)


def test_13a_splits_as_sacrebleu_does() -> None:
    draw = random.Random(0)
    given = ["".join(draw.choices(" ab12.,-'&;qutl(\n%。你", k=30)) for _ in range(1000)]
    references = ["".join(draw.choices(" ab12.,-'&;qutl(\n%。你", k=30)) for _ in range(1000)]
    theirs = sacrebleu.corpus_bleu(given, [references], force=True)
    assert bleu(given, references).score == pytest.approx(theirs.score, abs=1e-9)


def test_every_character_is_chinese_where_sacrebleu_says_so() -> None:
    theirs = TokenizerZh()
    letters = [chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code < 0xE000]
    given = ["a" + "a".join(letters[start : start + 8]) for start in range(0, len(letters), 8)]
    ours = bleu_statistics(given, given, "zh")[:, -2]
    assert ours.tolist() == [len(theirs(each).split()) for each in given]


def test_signature_is_that_of_sacrebleu() -> None:
    scorer = BLEU(tokenize="zh")
    given, references = ["你好。", "再见！"], [["你好！", "您好。"], ["再见。", "回见！"]]
    scorer.corpus_score(given, streams(references))
    theirs = str(scorer.get_signature()).rsplit("|version", 1)[0]
    assert bleu(given, references, "zh").signature == theirs


def test_signature_tells_that_numbers_of_references_vary() -> None:
    assert bleu(["a", "b"], ["a", ["a", "b"]]).signature.startswith("nrefs:var|")


@pytest.mark.parametrize(
    ("hypotheses", "references", "tokenizer", "message"),
    [
        (["a"], ["a", "b"], "13a", "of the same texts, at least one; there are 1 and 2"),
        ([], [], "13a", "there are 0 and 0"),
        ("a b", ["a b"], "13a", "must be a list of texts; it is the text 'a b'"),
        (["a", "b"], ["a", []], "13a", r"references\[1\] must hold a text; it is empty"),
        (["a"], ["a"], "ja", "tokenizer 'ja' is unknown; there are '13a', 'zh', 'none'"),
    ],
)
def test_what_bleu_refuses(
    hypotheses: list[str], references: list[str], tokenizer: str, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        bleu(hypotheses, references, tokenizer)


def test_any_part_of_a_corpus_is_scored_from_its_rows() -> None:
    given, references = texts(60, 0), several(60)
    rows = bleu_statistics(given, references)
    parts = np.random.default_rng(0).random((5, 60)) < 0.5
    scores = bleu_scores(parts.astype(int) @ rows)
    for part, score in zip(parts, scores, strict=True):
        places = np.flatnonzero(part)
        own = bleu([given[place] for place in places], [references[place] for place in places])
        assert score == pytest.approx(own.score)


def test_multi30k_copied_is_the_known_number(real_data: Path) -> None:
    source, target = (lines(real_data, f"test_2016_flickr.{side}.gz") for side in ("de", "en"))
    assert bleu(source, target).score == pytest.approx(0.4819765851)
    assert chrf(source, target) == pytest.approx(17.9556562861)


def lines(real_data: Path, name: str) -> list[str]:
    return gzip.decompress((real_data / "multi30k" / name).read_bytes()).decode().splitlines()


# -- BLEU of captions ------------------------------------------------------------------------------

CAPTIONS = ["A man in a red shirt .", "Two dogs play in the snow", "a child's toy , on grass"]
SEVERAL = [
    ["A man wears a red shirt .", "The man in red is walking ."],
    ["Two dogs run in the deep snow .", "Dogs play in the snow ."],
    ["A child's toy lies on the grass .", "Grass and a toy"],
]


def test_caption_bleu_is_that_of_coco_caption() -> None:
    """The answers are those of pycocoevalcap 1.2 for the words in lower case."""
    known = (100, 88.640526, 70.949171, 54.663256)
    assert caption_bleu(CAPTIONS, SEVERAL) == pytest.approx(known, abs=1e-5)


def test_caption_bleu_is_not_smoothed() -> None:
    assert caption_bleu(["a b c d"], ["a b x d"]) == pytest.approx((75, 50, 0, 0))


def test_one_human_against_the_others_on_flickr8k(real_data: Path) -> None:
    """The answers are those of pycocoevalcap 1.2 for the words in lower case."""
    images = flickr(real_data)
    found = caption_bleu([each[0] for each in images], [each[1:] for each in images])
    assert found == pytest.approx((63.686148, 44.650712, 30.627718, 21.029098), abs=1e-5)


def flickr(real_data: Path) -> list[list[str]]:
    """The captions of each test image."""
    images: dict[str, list[str]] = {}
    text = gzip.decompress((real_data / "flickr8k" / "captions.tsv.gz").read_bytes()).decode()
    for line in text.splitlines():
        split, image, caption = line.split("\t")
        if split == "test":
            images.setdefault(image, []).append(caption)
    return list(images.values())


# -- chrF ------------------------------------------------------------------------------------------


def test_chrf_by_hand() -> None:
    """Of "abc" and "abd" match 2 of 3, 1 of 2 and 0 of 1; no order is longer than both."""
    assert chrf(["a b c"], ["abd"]) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)


def test_recall_weighs_four_times_as_much() -> None:
    """Precision 1, recall 1/2 of single characters; longer ones do not exist."""
    assert chrf(["a"], ["ab"]) == pytest.approx(100 * 5 * 0.5 / (4 + 0.5))


def test_chrf_is_that_of_sacrebleu() -> None:
    given, references = texts(200, 0), several(200)
    theirs = sacrebleu.corpus_chrf(given, streams(references)).score
    assert chrf(given, references) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("hypothesis", "reference"), [("", "a b"), ("c", "a b"), ("", "")])
def test_chrf_of_nothing_in_common_is_0(hypothesis: str, reference: str) -> None:
    assert chrf([hypothesis], [reference]) == 0


def test_chrf_of_any_part_is_scored_from_its_rows() -> None:
    given, references = texts(40, 0), several(40)
    rows = chrf_statistics(given, references)
    sums = np.stack([rows[:10].sum(0), rows[10:].sum(0)])
    own = [chrf(given[:10], references[:10]), chrf(given[10:], references[10:])]
    assert chrf_scores(sums) == pytest.approx(own)
