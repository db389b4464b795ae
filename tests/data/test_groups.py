"""Groups of examples: read from every format that can have them, and kept in one split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.errors import ConfigError, DataError
from longshort.runs import story

PEOPLE = [f"p{n % 9}" for n in range(90)]
LABELS = ["ab"[n % 2] for n in range(90)]


def long_table(people: list[str]) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    rows = [
        {"id": n, "t": t, "x": draw.normal(), "label": LABELS[n], "who": people[n]}
        for n in range(90) for t in range(4)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def source(kind: str, folder: Path) -> Path:
    draw = np.random.default_rng(0)
    if kind == "arrays":
        path = folder / "a.npz"
        np.savez(path, x=draw.normal(size=(90, 5, 2)), y=np.array(LABELS), who=np.array(PEOPLE))
    elif kind == "long":
        path = folder / "a.csv"
        long_table(PEOPLE).write_csv(path)
    else:
        path = folder / "b.csv"
        texts = [f"some text {n}" for n in range(90)]
        pl.DataFrame({"text": texts, "label": LABELS, "who": PEOPLE}).write_csv(path)
    return path


def settings(path: Path, **data: Any) -> dict[str, Any]:
    return {
        "task": "classify",
        "data": {"path": str(path), **data},
        "split": {"val": 0.2, "test": 0.2},
        "model": {"hidden": 2},
    }


@pytest.mark.parametrize("kind", ["arrays", "long", "table"])
def test_no_group_is_in_two_splits(kind: str, tmp_path: Path) -> None:
    splits = story.prepare(settings(source(kind, tmp_path), group="who")).splits
    found = [set(each.groups) for each in (splits.train, splits.val, splits.test)]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert all(found) and set.union(*found) == set(PEOPLE)
    assert splits.train.width == {"arrays": 2, "long": 1, "table": 0}[kind]
    assert "9 groups stay together" in splits.how


def test_regression_keeps_groups_together_too(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    draw = np.random.default_rng(0)
    np.savez(path, x=draw.normal(size=(90, 5, 2)), y=draw.normal(size=90), who=np.array(PEOPLE))
    given = {"task": "regress", "data": {"path": str(path), "group": "who"}}
    splits = story.prepare(given).splits
    assert not set(splits.train.groups) & set(splits.test.groups)


def test_a_sequence_of_two_groups_is_named(tmp_path: Path) -> None:
    table = long_table(PEOPLE).with_row_index()
    wrong = pl.when(pl.col("index") == 5).then(pl.lit("p8")).otherwise(pl.col("who"))
    table.with_columns(wrong.alias("who")).drop("index").write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"column 'who': id '1' has the groups 'p1' and 'p8'"):
        story.prepare(settings(tmp_path / "a.csv", group="who"))


def test_groups_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column 'person'"):
        story.prepare(settings(source("long", tmp_path), group="person"))
    with pytest.raises(DataError, match=r"array named 'person' is expected"):
        story.prepare(settings(source("arrays", tmp_path), group="person"))
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"{label} text {n}\n" for n, label in enumerate(LABELS)))
    with pytest.raises(ConfigError, match=r"data.group: names what belongs together"):
        story.prepare(settings(lines, group="who"))


def test_labels_are_not_balanced_over_groups(tmp_path: Path) -> None:
    given = settings(source("arrays", tmp_path), group="who")
    given["split"]["stratify"] = False
    with pytest.raises(ConfigError, match=r"split.stratify: .* groups stay together"):
        story.prepare(given)


def table(folder: Path) -> Path:
    rows = ["text,label,author"]
    rows += [f"a {('fine', 'bad')[n % 2]} day {n},{('good', 'bad')[n % 2]},a{n // 2 % 10}"
             for n in range(200)]  # fmt: skip
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    return folder / "t.csv"


def prepared(path: Path, **more: Any) -> Any:
    return story.prepare({"task": "classify", "data": {"group": "author"}, **more}, path)


def test_groups_can_be_the_test_split(tmp_path: Path) -> None:
    splits = prepared(table(tmp_path), split={"test_groups": "a3,a4"}).splits
    assert set(splits.test.groups or []) == {"a3", "a4"}
    assert not {"a3", "a4"} & set(splits.train.groups or [])


def test_groups_and_a_test_file_contradict(tmp_path: Path) -> None:
    path = table(tmp_path)
    settings = {"data": {"group": "author", "test_path": str(path)}}
    with pytest.raises(ConfigError, match="there is a test file"):
        prepared(path, **settings, split={"test_groups": "a1"})
