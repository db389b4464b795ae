"""Planted faults in pairs of texts are found where they are, and nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from longshort.config.parallel import PairSplit, ParallelData, TextCoding, TokenKind
from longshort.data.alignment import Stretch, misaligned, shifted_stretches
from longshort.data.coding import TextCoder
from longshort.data.findings import Finding
from longshort.data.pair_coding import PairCoder, decided_coding
from longshort.data.parallel import Pairs, pairs_of
from longshort.data.parallel_doctor import examine_pairs, unknown_sources
from longshort.data.parallel_source import read_pairs
from longshort.data.parallel_splits import split_pairs
from longshort.data.scripts import script_of, script_of_all
from longshort.data.splits import Splits


def sentences(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Sources of different lengths, and targets that are a little longer."""
    draw = random.Random(seed)
    lengths = [draw.randrange(20, 80) for _ in range(count)]
    return (
        [f"{n + 100 * seed} {'ab ' * (length // 3)}" for n, length in enumerate(lengths)],
        [f"{n + 100 * seed} {'cde ' * (length // 3)}" for n, length in enumerate(lengths)],
    )


SOURCES, TARGETS = sentences(40)


def examined(
    sources: list[str], targets: list[str], coder: PairCoder | None = None
) -> list[Finding]:
    rest = [pairs_of(*sentences(9, seed)) for seed in (1, 2)]
    train = pairs_of([*SOURCES, *sources], [*TARGETS, *targets])
    return examine_pairs(Splits(train, *rest, (), ""), coder)


def only(found: list[Finding], code: str) -> Finding:
    (told,) = found
    assert told.code == code
    return told


def test_sound_pairs_are_sound() -> None:
    assert examined([], []) == []


def test_findings_of_drawing_come_first() -> None:
    note, part = Finding("x", "note", "y"), pairs_of(SOURCES, TARGETS)
    assert examine_pairs(Splits(part, part, part, (note,), "")) == [note]


def test_lengths_that_are_far_off() -> None:
    told = only(examined(["s" * 50], ["short"]), "ratio")
    assert told.where == ("item 40: 50 and 5 characters",) and told.severity == "warning"


def test_few_faults_among_many_are_a_note() -> None:
    sources, targets = sentences(200, 5)
    assert only(examined([*sources, "s" * 50], [*targets, "short"]), "ratio").severity == "note"


def test_lengths_of_short_texts_say_little() -> None:
    assert examined(["a"], ["cde cde"]) == []


def test_copies() -> None:
    told = only(examined(["the same  text"], ["the same text"]), "copy")
    assert told.where == ("item 40",)


def test_numbers_may_be_copied() -> None:
    assert examined(["1984!"], ["1984!"]) == []


def test_pairs_that_repeat() -> None:
    told = only(examined([SOURCES[3]], [TARGETS[3]]), "repeated")
    assert told.where == ("item 40",) and told.severity == "note"


def test_sources_with_different_targets() -> None:
    told = only(examined([SOURCES[3]], [TARGETS[3] + "!"]), "several-targets")
    assert told.where == ("item 3 and item 40",) and told.severity == "note"


def test_a_target_in_another_script() -> None:
    told = only(examined(["abc abc abc"], ["Пример текста"]), "script")
    assert told.where == ("item 40: Cyrillic",) and "written in Latin letters" in told.message


def test_long_texts() -> None:
    coder = PairCoder.fit(pairs_of(SOURCES, TARGETS), TextCoding(tokens="words", max_length=27))
    told = only(examined(["ab " * 30], ["cde " * 25], coder), "long")
    assert (
        told.where == ("item 40: 30 tokens",) and "train sources have more than 27" in told.message
    )


# Shifted lines


@pytest.mark.parametrize("shift", [-2, -1, 1, 3])
def test_shifted_targets(shift: int) -> None:
    sources, targets = sentences(600)
    later = targets[300:]
    shifted = [*targets[:300], *later[-shift:], *later[:-shift]]
    assert shifted_stretches(sources, shifted) == [Stretch(300, 599, shift)]


@pytest.mark.parametrize("count", [0, 49, 600])
def test_lines_beside_each_other(count: int) -> None:
    assert shifted_stretches(*sentences(count)) == []


def test_sources_alone_are_not_shifted() -> None:
    assert misaligned(pairs_of(SOURCES * 5)) == []


def test_a_missing_line_is_told_before_the_splits_are_drawn() -> None:
    sources, targets = sentences(600)
    pairs = pairs_of(sources, [*targets[:300], *targets[301:], targets[0]])
    told = next(iter(split_pairs({"train": pairs}, PairSplit()).findings))
    assert told.code == "misaligned"
    assert told.where == ("item 300 to item 599: the target seems to stand a line above",)


def captions(folder: Path) -> Pairs:
    paths = (folder / "multi30k" / f"train.{language}.gz" for language in ("de", "en"))
    return read_pairs(tuple(paths), ParallelData())


def test_real_lines_beside_each_other(real_data: Path) -> None:
    assert misaligned(captions(real_data)) == []
    assert misaligned(read_pairs(real_data / "cmn_en" / "cmn.tsv.gz", ParallelData())) == []


def test_a_real_line_that_is_missing(real_data: Path) -> None:
    pairs = captions(real_data)
    targets = pairs.targets or []
    shifted = [*targets[:20000], *targets[20001:], targets[0]]
    assert shifted_stretches(pairs.sources, shifted) == [Stretch(20000, 28999, -1)]


def test_real_pairs_have_no_warnings(real_data: Path) -> None:
    pairs = captions(real_data).take(range(5000))
    splits = split_pairs({"train": pairs}, PairSplit())
    coder = PairCoder.fit(splits.train, decided_coding(splits.train, TextCoding()))
    assert {f.severity for f in examine_pairs(splits, coder)} <= {"note"}


# Texts to predict


@pytest.mark.parametrize("kind", ["subwords", "words", "characters"])
def test_sources_in_an_unknown_script(kind: TokenKind) -> None:
    coder = TextCoder.fit(["one known text", "another text"], kind)
    (told,) = unknown_sources(pairs_of(["known text", "Пример текста", ""]), coder)
    assert told.where == ("item 1",) and "(Cyrillic) that the model has not learned" in told.message


def test_known_sources_are_not_reported() -> None:
    coder = TextCoder.fit(["one known text"], "words")
    assert unknown_sources(pairs_of(["one text", "known words"]), coder) == []


# Scripts


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Guten Tag", "Latin"),
        ("Добрый день", "Cyrillic"),
        ("我喜欢看书", "East Asian"),
        ("これはペンです", "East Asian"),
        ("ＦＵＬＬＷＩＤＴＨ", "Latin"),
        ("שלום עולם", "Hebrew"),
        ("我喜欢 books", ""),
        ("OK 12345", ""),
        ("", ""),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script


def test_the_script_of_many() -> None:
    assert script_of_all(["Guten Tag", "1984", *["Добрый день"] * 4]) == "Cyrillic"
    assert script_of_all(["Guten Tag", "Добрый день"]) == ""
