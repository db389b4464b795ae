"""A sentence lies in one split only, on whichever side it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshort.config.parallel import PairSplit, ParallelData
from longshort.data.parallel import Pairs, key_of, pairs_of
from longshort.data.parallel_source import read_pairs
from longshort.data.parallel_splits import linked, split_pairs
from longshort.data.splits import Splits


def split(pairs: Pairs, val: float = 0.2, test: float = 0.2) -> Splits[Pairs]:
    return split_pairs({"train": pairs}, PairSplit(val=val, test=test))


@pytest.mark.parametrize(
    ("sources", "targets", "groups"),
    [
        (["a", "b", "A "], ["x", "y", "z"], [0, 1, 0]),
        (["a", "b", "c"], ["x", "y", "X"], [0, 1, 0]),
        (["a", "b", "b", "c"], ["x", "x", "y", "y"], [0, 0, 0, 0]),
        (["a", "b", "c", "b"], ["x", "y", "x", "x"], [0, 0, 0, 0]),
        (["a", "b"], ["b", "c"], [0, 1]),
        (["a", "b"], ["", ""], [0, 1]),
    ],
    ids=["source", "target", "chain", "late link", "other side", "empty"],
)
def test_groups(sources: list[str], targets: list[str], groups: list[int]) -> None:
    assert linked(pairs_of(sources, targets)) == groups


def test_any_of_several_targets_links() -> None:
    assert linked(pairs_of(["a", "b"], [["x", "y"], ["z", "y"]])) == [0, 0]


def test_shares_are_drawn() -> None:
    pairs = pairs_of([f"s {n}" for n in range(50)], [f"t {n}" for n in range(50)])
    assert [len(part) for part in split(pairs).by_name().values()] == [30, 10, 10]


def test_shared_targets_of_given_splits_are_found() -> None:
    given = {"train": pairs_of(["a", "b"], ["x", "y"]), "val": pairs_of(["c"], ["z"]),
             "test": pairs_of(["d", "e"], ["w", "x"])}  # fmt: skip
    (told,) = split_pairs(given, PairSplit()).findings
    assert told.code == "shared-target" and told.where == ("item 1",)


def test_shared_sources_of_given_splits_are_found_once() -> None:
    given = {"train": pairs_of(["a", "b"], ["x", "y"]), "val": pairs_of(["c"], ["z"]),
             "test": pairs_of(["d", "a"], ["w", "x"])}  # fmt: skip
    (told,) = split_pairs(given, PairSplit()).findings
    assert told.code == "duplicate" and told.where == ("item 1",)


def test_sentences_that_repeat_do_not_lie_in_two_splits(real_data: Path) -> None:
    found = split(read_pairs(real_data / "cmn_en" / "cmn.tsv.gz", ParallelData()), 0.1, 0.1)
    assert found.findings == ()
    parts = found.by_name().values()
    assert 2800 < len(found.test) < 3000
    for side in ("sources", "targets"):
        keys = [{key_of(text) for text in getattr(part, side)} for part in parts]
        assert sum(map(len, keys)) == len(set.union(*keys))
