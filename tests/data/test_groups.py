"""Examples of a group stay in one split, whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longshort.errors import ConfigError
from longshort.runs import story


def table(folder: Path) -> Path:
    rows = ["text,label,author"]
    rows += [f"a {('fine', 'bad')[n % 2]} day {n},{('good', 'bad')[n % 2]},a{n // 2 % 10}"
             for n in range(200)]  # fmt: skip
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    return folder / "t.csv"


def prepared(path: Path, **more: Any) -> Any:
    return story.prepare({"task": "classify", "data": {"group": "author"}, **more}, path)


def test_texts_are_split_by_group(tmp_path: Path) -> None:
    splits = prepared(table(tmp_path), split={"val": 0.1, "test": 0.2}).splits
    parts = [set(each.groups or []) for each in splits.by_name().values()]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 10
    assert splits.how.startswith("examples of equal 'author' are in one split; drawn by seed 0")


def test_groups_can_be_the_test_split(tmp_path: Path) -> None:
    splits = prepared(table(tmp_path), split={"test_groups": "a3,a4"}).splits
    assert set(splits.test.groups or []) == {"a3", "a4"}
    assert not {"a3", "a4"} & set(splits.train.groups or [])


def test_groups_and_a_test_file_contradict(tmp_path: Path) -> None:
    path = table(tmp_path)
    settings = {"data": {"group": "author", "test_path": str(path)}}
    with pytest.raises(ConfigError, match="there is a test file"):
        prepared(path, **settings, split={"test_groups": "a1"})


def test_numbers_to_predict_are_split_by_group(tmp_path: Path) -> None:
    rows = ["text,label,author"] + [f"text {n},{n}.5,a{n % 8}" for n in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    settings = {"task": "regress", "data": {"group": "author"}, "split": {"test_groups": ["a1"]}}
    splits = story.prepare(settings, tmp_path / "t.csv").splits
    assert set(splits.test.groups or []) == {"a1"}
