"""Tagged sentences: files, schemes, and entities as the standard scorer counts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import seqeval.metrics as seqeval

from longshort.errors import DataError
from longshort.metrics.f1 import compare_f1
from longshort.tasks.tag import entities as metrics
from longshort.tasks.tag.conll import Tagged, read_tagged
from longshort.tasks.tag.entities import entities, tags_of
from longshort.tasks.tag.schemes import detect, examine, with_types

Write = Callable[[str, str | bytes], Path]


def tagged(*rows: str) -> Tagged:
    tags = [row.split() for row in rows]
    tokens = [[f"w{i}" for i in range(len(row))] for row in tags]
    return Tagged("t", tokens, tags, [f"line {i + 1}" for i in range(len(rows))])


# Files


def test_columns(write: Write) -> None:
    path = write("t.conll", "-DOCSTART- -X- O\n\nEU NNP B-ORG\nsays VBZ O\n\n\nHi UH O\n")
    found = read_tagged(path)
    assert found.tokens == [["EU", "says"], ["Hi"]]
    assert found.tags == [["B-ORG", "O"], ["O"]]
    assert found.places == ["line 3", "line 7"]
    assert read_tagged(path, tag_column=1).tags == [["NNP", "VBZ"], ["UH"]]


def test_tabs_and_lines_of_white_space(write: Write) -> None:
    found = read_tagged(write("t.txt", "New York\tB-loc\r\n\t\r\nbye\tO\r\n"))
    assert found.tokens == [["New York"], ["bye"]] and found.tags == [["B-loc"], ["O"]]


def test_empty_columns_comments_and_spaces_in_tokens(write: Write) -> None:
    content = "# id = 1\nNew York\t\tB-loc \n#\tx\tO\n\n# id = 2\na\u00a0b\tx\tO\n"
    found = read_tagged(write("t", content))
    assert found.tokens == [["New York", "#"], ["a\u00a0b"]]
    assert found.tags == [["B-loc", "O"], ["O"]]


def test_rare_combinations_of_types_share_a_stratum() -> None:
    rows = ["B-a"] * 30 + ["B-b"] * 25 + ["B-a B-b", "B-c", "O"]
    assert tagged(*rows).strata == ["a"] * 30 + ["b"] * 25 + [""] * 3


def test_json_lines(write: Write) -> None:
    row = '{"tokens": ["科", "技"], "tags": ["B-x", "I-x"]}\n'
    found = read_tagged(write("t.jsonl", row + "\n" + row))
    assert found.tokens == [["科", "技"]] * 2 and found.places == ["line 1", "line 3"]


def test_position_digits_are_taken_off(write: Write) -> None:
    path = write("t.conll", "科0\tO\n技1\tO\n20\tO\ne12\tO\n")
    assert read_tagged(path, strip_position=True).tokens == [["科", "技", "2", "e"]]
    path = write("u.conll", "科0\tO\n\n技\tO\n")
    with pytest.raises(DataError, match="line 3: token 1 '技' carries no position digit"):
        read_tagged(path, strip_position=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tO\nb\n", r"line 2: 2 columns are needed, got 1: 'b'"),
        ("a O\nb \n", r"line 2: 2 columns are needed, got 1"),
        ("a O\nNew York B-loc\n", r"line 2: 3 columns, and 2 before: 'New York B-loc'"),
        ("a\t\tO\nb\t\t\n", r"line 2: column 3 of 3, the tag's, is empty: 'b"),
        ("a\tO\n\tO\n", r"line 2: column 1 of 2, the token's, is empty"),
        ("\n\n", "no sentence in the file"),
        ('{"tokens": ["a"]}', "line 1: a list of texts is expected under 'tags'"),
        ('{"tokens": ["a", "b"], "tags": ["O"]}', "line 1: 2 tokens have 1 tags"),
        ('{"tokens": ["a"', "line 1: is not JSON"),
        ('{"tokens": ["a"], "tags": [3]}', "under 'tags'; numbers are none: write the names"),
        ('[{"tokens": ["a"], "tags": ["O"]}]', "line 1: .* without brackets around all"),
        (
            '[\n{"tokens": ["a"], "tags": ["O"]}\n]',
            "line 1: is not JSON: .*write one object a line",
        ),
        (
            '{"tokens": ["a", "b\\ud800"], "tags": ["O", "O"]}',
            r"line 1: tokens: text 2: character 1 \(U\+D800\) is half of a surrogate pair",
        ),
        ("", "the file is empty"),
    ],
)
def test_bad_files_are_told_by_line(write: Write, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_tagged(write("t", content))


@pytest.mark.parametrize("tag_column", [0, -2])
def test_tokens_and_tags_are_two_columns(write: Write, tag_column: int) -> None:
    with pytest.raises(DataError, match=rf"line 2: of 2 columns, .*tag_column = {tag_column} are"):
        read_tagged(write("t", "\na O\n"), tag_column=tag_column)


def test_a_broken_encoding_is_told_by_byte(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 2: byte 2 of the line \(0x81\) is not UTF-8"):
        read_tagged(write("t", b"a\tO\nb\x81\tO\n"))


def test_brackets_may_be_tokens(write: Write) -> None:
    assert read_tagged(write("t", "[\n{\na\n"), with_tags=False).tokens == [["[", "{", "a"]]


def test_files_without_tags_where_none_are_needed(write: Write) -> None:
    found = read_tagged(write("t", "Anna\nwent\n\nhome\n"), with_tags=False)
    assert found.tokens == [["Anna", "went"], ["home"]] and found.tags is None


# Schemes


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        (("O B-x I-x O", "B-y B-y"), "bio"),
        (("O I-x I-x O", "I-y B-y I-y"), "iob1"),
        (("B-x E-x S-y O",), "bioes"),
        (("B-x M-x E-x O S-y",), "bmes"),
        (("B-x I-x L-x O U-y",), "bilou"),
        (("O U-x",), "bilou"),
        (("M-x L-y NOUN",), "plain"),
        (("DET NOUN VERB",), "plain"),
        (("O I-x O", "B-y O"), "bio"),
    ],
)
def test_schemes_are_found_out(rows: tuple[str, ...], scheme: str) -> None:
    assert detect(tagged(*rows)) == scheme


def test_foreign_tags_are_refused_with_their_place() -> None:
    with pytest.raises(DataError, match="line 2: token 2 has the tag 'Q-x'"):
        detect(tagged("B-x I-x", "O Q-x"))
    with pytest.raises(DataError, match="positions B, L, M, which are of different schemes"):
        detect(tagged("B-x M-x L-x"))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("B I O B", "B-entity I-entity O B-entity"),
        ("S O B E", "S-entity O B-entity E-entity"),
        ("B M E S", "B-entity M-entity E-entity S-entity"),
        ("U O B L", "U-entity O B-entity L-entity"),
        ("L U M", "L U M"),
        ("L U", "L U"),
        ("B-x I-x O", "B-x I-x O"),
        ("I NOUN O", "I NOUN O"),
        ("O O", "O O"),
    ],
)
def test_positions_alone_mark_entities_of_one_type(row: str, named: str) -> None:
    assert with_types(tagged(row)).tags == [named.split()]


@pytest.mark.parametrize("tag", ["b-per", "B_PER", "per-B", "B:per", "b"])
def test_tags_that_look_like_positions_are_told(tag: str) -> None:
    (finding,) = examine(tagged("O O", f"O {tag} NOUN"), "plain")
    assert finding.severity == "warning" and finding.where == (f"line 2: token 2: {tag!r}",)


def test_parts_of_speech_look_like_no_positions() -> None:
    assert examine(tagged("NOUN VB PRP-S S-adj I ADJ_b2"), "plain") == []


@pytest.mark.parametrize(
    ("row", "scheme", "faults"),
    [
        ("O B-x I-x I-x O B-y", "bio", 0),
        ("O I-x O", "bio", 1),
        ("B-x I-y", "bio", 1),
        ("B-x E-x S-y O", "bioes", 0),
        ("B-x O", "bioes", 1),
        ("S-x I-x", "bioes", 1),
        ("B-x M-x E-x S-x O", "bmes", 0),
        ("B-x M-x O", "bmes", 1),
        ("B-x I-x L-x U-x O", "bilou", 0),
        ("U-x L-x", "bilou", 1),
    ],
)
def test_tags_that_break_their_scheme_are_told(row: str, scheme: str, faults: int) -> None:
    findings = examine(tagged(row), scheme)
    assert len(findings) == (1 if faults else 0)
    if faults:
        assert f"{faults} tags break" in findings[0].message and findings[0].where


# Entities


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("B-x I-x O B-y", [(0, 2, "x"), (3, 4, "y")]),
        ("I-x I-x O I-y", [(0, 2, "x"), (3, 4, "y")]),
        ("O I-x I-y I-y", [(1, 2, "x"), (2, 4, "y")]),
        ("B-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
        ("B-x I-x E-x S-x O", [(0, 3, "x"), (3, 4, "x")]),
        ("B-x M-x E-x S-x O", [(0, 3, "x"), (3, 4, "x")]),
        ("B-x I-x L-x U-x U-x", [(0, 3, "x"), (3, 4, "x"), (4, 5, "x")]),
        ("E-x I-x O", [(0, 1, "x"), (1, 2, "x")]),
        ("S-x E-x", [(0, 1, "x"), (1, 2, "x")]),
        ("B-creative-work I-creative-work", [(0, 2, "creative-work")]),
        ("O O", []),
    ],
)
def test_entities_are_those_of_the_standard_scorer(
    row: str, found: list[tuple[int, int, str]]
) -> None:
    assert entities(row.split()) == found


@pytest.mark.parametrize("scheme", ["bio", "iob1", "bioes", "bmes", "bilou"])
def test_entities_survive_their_tags(scheme: str) -> None:
    draw = np.random.default_rng(0)
    for _ in range(200):
        row = list(draw.choice(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "S-y"], 12))
        found = entities(row)
        again = tags_of(found, len(row), scheme)
        assert entities(again) == found
        if scheme != "iob1":
            assert not examine(tagged(" ".join(again)), scheme)


def test_rates_of_a_known_table() -> None:
    truth = [entities(row.split()) for row in ("B-x I-x O B-y", "O B-x", "O O")]
    guess = [entities(row.split()) for row in ("B-x I-x O B-x", "B-x I-x", "O B-y")]
    assert metrics.counts(truth, guess).tolist() == [[1, 2, 2], [0, 1, 1], [0, 1, 0]]
    found = metrics.scores(truth, guess)
    assert found["precision"] == pytest.approx(1 / 4) and found["recall"] == pytest.approx(1 / 3)
    assert found["f1"] == pytest.approx(2 / 7)
    each = metrics.per_type(truth, guess)
    assert each["x"] == {
        "precision": pytest.approx(1 / 3), "recall": pytest.approx(1 / 2),
        "f1": pytest.approx(2 / 5), "support": 2, "predicted": 3,
    }  # fmt: skip
    assert each["y"]["f1"] == 0
    table = metrics.confusion(truth, guess, ["x", "y"])
    assert table.tolist() == [[1, 0, 1], [1, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize("alphabet", ["O B-x I-x B-y I-y", "O B-x I-x E-x S-x B-y E-y"])
def test_scores_are_seqeval_s(alphabet: str) -> None:
    draw = np.random.default_rng(1)
    for _ in range(20):
        truth = [list(draw.choice(alphabet.split(), draw.integers(1, 15))) for _ in range(30)]
        guess = [
            [tag if draw.random() < 0.7 else str(draw.choice(alphabet.split())) for tag in row]
            for row in truth
        ]
        found = metrics.scores([entities(row) for row in truth], [entities(row) for row in guess])
        assert found["f1"] == pytest.approx(seqeval.f1_score(truth, guess))
        assert found["precision"] == pytest.approx(seqeval.precision_score(truth, guess))
        assert found["recall"] == pytest.approx(seqeval.recall_score(truth, guess))


def test_the_interval_of_a_difference_holds_it() -> None:
    draw = np.random.default_rng(0)
    right = draw.integers(0, 3, 200)
    ours = np.stack([right, right + 1, right + 1], 1)
    theirs = np.stack([np.maximum(right - 1, 0), right + 1, right + 1], 1)
    found = compare_f1(ours, theirs)
    assert found.outcome == "better" and found.low is not None and found.high is not None
    assert found.low < found.gain < found.high
    assert compare_f1(ours, ours).outcome == "equal"
    assert compare_f1(theirs, ours).outcome == "worse"
    assert compare_f1(ours[:20], theirs[:20]).outcome == "too few"


def test_a_handful_of_entities_tells_nothing() -> None:
    ours = np.zeros((200, 3), dtype=np.int64)
    ours[:10] = 1
    assert compare_f1(ours, ours * [0, 0, 1]).outcome == "too few"
    ours[:20] = 1
    assert compare_f1(ours, ours * [0, 0, 1]).outcome == "better"
