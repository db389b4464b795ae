"""Pairs of texts in memory."""

from __future__ import annotations

from typing import Any

import pytest

from longshort.data.parallel import Pairs, complete, pairs_of, with_incomplete
from longshort.errors import DataError


def test_lists_of_texts() -> None:
    found = pairs_of(["a", "b"], ["x", "y"])
    assert (found.sources, found.targets) == (["a", "b"], ["x", "y"])
    assert found.places == ["item 0", "item 1"] and len(found) == 2


def test_sources_alone() -> None:
    assert pairs_of(["a"]).references is None


def test_several_targets() -> None:
    found = pairs_of(["a", "b"], [["x", "y"], "z"])
    assert found.references == [("x", "y"), ("z",)] and found.targets == ["x", "z"]


def test_an_empty_one_of_several_targets_is_none() -> None:
    assert pairs_of(["a"], [["", "x"]]).references == [("x",)]


def test_a_pair_for_each_target() -> None:
    found = pairs_of(["a", "b"], [["x", "y"], "z"]).expanded()
    assert found.sources == ["a", "a", "b"] and found.references == [("x",), ("y",), ("z",)]
    assert found.places == ["item 0", "item 0", "item 1"]


def test_each_source_once() -> None:
    found = pairs_of(["a", "b", "a", "a"], ["x", "z", "y", "x"]).merged()
    assert found.sources == ["a", "b"] and found.references == [("x", "y"), ("z",)]


def test_taking_keeps_the_order_asked_for() -> None:
    found = pairs_of(["a", "b", "c"], ["x", "y", "z"]).take([2, 0])
    assert (found.sources, found.targets) == (["c", "a"], ["z", "x"])
    assert found.places == ["item 2", "item 0"]


def test_keys_ignore_case_and_white_space() -> None:
    one, other, third = pairs_of(["A  b", "a b ", "ab"]).keys()
    assert one == other != third


@pytest.mark.parametrize("other", [["x", "z"], ["y", "x"], [["x", "y"], ""]])
def test_digests_tell_targets_apart(other: list[Any]) -> None:
    assert pairs_of(["a", "b"], ["x", "y"]).digest() != pairs_of(["a", "b"], other).digest()


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (["a", "b"], ["x"], "2 sources and 1 targets are not as many; give a target"),
        ("ab", None, "sources: a list of texts is expected, got str"),
        (["a"], 3, "targets: a list of texts is expected, got int"),
        (["a", 5], None, "sources, item 1: a text is expected, got int"),
        (["a"], [5], "targets, item 0: a text or a list of texts is expected, got int"),
        (["a"], [[]], "targets, item 0: a text or a list of texts is expected, got an empty one"),
        (["a"], [["x", None]], "targets, item 0: a text is expected, got NoneType"),
        ([], [], "data: holds no pair"),
        (["a"], ["\ud800"], "data: item 0: character 0 .* surrogate pair"),
    ],
)
def test_other_data_are_refused(sources: Any, targets: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pairs_of(sources, targets)


TORN = pairs_of(["a", " ", "c", "d"], ["x", "y", "", "z"])


def test_pairs_with_an_empty_side_are_left_out_and_named() -> None:
    found = complete(TORN)
    assert (found.sources, found.targets) == (["a", "d"], ["x", "z"])
    (told,) = found.findings
    assert told.severity == "warning" and told.where == ("item 1", "item 2")
    assert "2 of 4 pairs have an empty side; they are left out" in told.message


def test_pairs_with_an_empty_side_are_kept_and_named() -> None:
    found = with_incomplete(TORN)
    assert len(found) == 4 and "they are kept" in found.findings[0].message


def test_empty_sources_are_named() -> None:
    (told,) = with_incomplete(pairs_of(["a", ""])).findings
    assert "1 of 2 sources are empty" in told.message


@pytest.mark.parametrize("keep", [complete, with_incomplete])
def test_whole_pairs_are_as_they_were(keep: Any) -> None:
    whole = pairs_of(["a"], ["x"])
    assert keep(whole) is whole


def test_no_whole_pair_is_refused() -> None:
    with pytest.raises(DataError, match="no pair has both a source and a target"):
        complete(Pairs("p.tsv", ["a"], [("",)], ["line 1"]))
