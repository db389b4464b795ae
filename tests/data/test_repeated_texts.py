"""Texts that stand in training and in another split."""

from __future__ import annotations

from longshort.data.repeated_texts import repeated_texts

TRAIN = [f"line {i}" for i in range(10)]
NEW = [f"new {i}" for i in range(10)]


def test_shares_that_differ_are_a_warning_that_says_how_to_split() -> None:
    texts = {"train": TRAIN, "val": TRAIN[:4] + NEW[:6], "test": NEW}
    (found,) = repeated_texts(texts, "lines", "--group text")
    assert (found.code, found.severity, found.fix) == (
        "repeated-texts", "warning", "--group text",
    )  # fmt: skip
    assert found.message.startswith(
        "40% of the val lines and 0% of the test lines have a text that also stands in training"
    )


def test_like_shares_are_a_note() -> None:
    texts = {"train": TRAIN, "val": TRAIN[:3] + NEW[:7], "test": TRAIN[:2] + NEW[:8]}
    (found,) = repeated_texts(texts, "lines", "--group text")
    assert found.severity == "note" and not found.fix
    assert "30% of the val lines and 20% of the test lines" in found.message


def test_new_texts_and_empty_splits_are_not_told() -> None:
    assert repeated_texts({"train": TRAIN, "val": NEW, "test": []}, "lines", "") == []
    assert repeated_texts({"train": TRAIN, "val": [], "test": []}, "lines", "") == []
