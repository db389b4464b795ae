"""Texts that stand in training and in another split."""

from __future__ import annotations

import pytest

from longshort.data.repeated_texts import repeated_texts

TRAIN = [f"line {i}" for i in range(20)]
NEW = [f"new {i}" for i in range(20)]


def repeating(count: int) -> list[str]:
    """Twenty texts, of which so many stand in training."""
    return TRAIN[:count] + NEW[count:]


def test_shares_that_differ_are_a_warning_that_says_how_to_split() -> None:
    texts = {"train": TRAIN, "val": repeating(8), "test": NEW}
    (found,) = repeated_texts(texts, "lines", "--group text")
    assert (found.code, found.severity, found.fix) == ("repeated-texts", "warning", "--group text")
    assert found.message.startswith(
        "40% of the val lines and 0% of the test lines have a text that also stands in training"
    )


@pytest.mark.parametrize(("val", "severity"), [(5, "note"), (6, "warning")])
def test_shares_from_20_points_apart_on_are_a_warning(val: int, severity: str) -> None:
    texts = {"train": TRAIN, "val": repeating(val), "test": repeating(2)}
    (found,) = repeated_texts(texts, "lines", "")
    assert found.severity == severity


def test_new_texts_and_few_texts_are_not_told() -> None:
    assert repeated_texts({"train": TRAIN, "val": repeating(1), "test": []}, "lines", "") == []
    assert repeated_texts({"train": TRAIN, "val": TRAIN[:19], "test": NEW}, "lines", "") == []
