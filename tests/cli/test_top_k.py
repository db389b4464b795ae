"""The most probable labels of a sample: from the command line and from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.data.labelled import examples_of
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.targets import Prediction
from tests.commands import longshort, refused

P = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])


def targets() -> Exclusive:
    return Exclusive(("1", "5", "10"), (2, 2, 2), 6, "number")


def test_labels_are_ranked_by_their_probability_and_equal_ones_in_order() -> None:
    found = targets().ranked_table(examples_of(["x", "y"]), Prediction(P), 2)
    assert found.to_dict(as_series=False) == {
        "place": ["item 0", "item 1"],
        "label_1": [5, 1],
        "probability_1": [0.5, 0.4],
        "label_2": [10, 5],
        "probability_2": [0.3, 0.4],
    }


@pytest.mark.parametrize("count", [0, -1, 4, True, 1.0, "two"])
def test_a_count_that_is_not_possible_is_refused(count: Any) -> None:
    with pytest.raises(ls.ConfigError, match="top_k: a whole number from 1 to 3 is expected"):
        targets().ranked(Prediction(P), count)


def test_pairs_from_python(small_run: Callable[[str], Path]) -> None:
    run = ls.load(small_run("classify"))
    assert isinstance(run, ls.ClassifierRun)
    texts = ["a fine day", "a bad day"]
    found, p = run.predict(texts, top_k=2), run.predict_proba(texts)
    assert [dict(each) for each in found] == [dict(zip(run.labels, row, strict=True)) for row in p]
    assert all(first[1] >= second[1] for first, second in found)


def test_columns_of_a_file(small_run: Callable[[str], Path], tmp_path: Path) -> None:
    data, out = tmp_path / "new.csv", tmp_path / "out.csv"
    pl.DataFrame({"text": ["a fine day", "a bad day"]}).write_csv(data)
    done = longshort("predict", small_run("classify"), "--data", data, "--top-k", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(out).columns == ["place", "label_1", "probability_1"]


def test_lines_on_stdin(small_run: Callable[[str], Path]) -> None:
    done = longshort("predict", small_run("classify"), "--top-k", 2, given="a fine day\na bad day")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header == "place,label_1,probability_1,label_2,probability_2" and len(rows) == 2


def test_json_has_a_row_for_each_sample(small_run: Callable[[str], Path]) -> None:
    asked = ["predict", small_run("classify"), "--top-k", 2, "--json"]
    found = json.loads(longshort(*asked, given="a fine day").stdout)
    (row,) = found["predictions"]
    assert {row["label_1"], row["label_2"]} == {"good", "bad"}


@pytest.mark.parametrize(
    ("task", "count", "message"),
    [
        ("classify", "3", "top_k: a whole number from 1 to 2 is expected, as the run has 2 labels"),
        ("classify", "two", "--top-k"),
        ("tag", "2", "top_k: the task 'tag' does not rank .* (tasks that do: classify, "),
        ("forecast", "2", "top_k: the task 'forecast' does not rank"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    task: str, count: str, message: str, small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    data = tmp_path / "new.txt"
    data.write_text("a fine day\n")
    said = refused("predict", small_run(task), "--data", data, "--top-k", count)
    for part in message.split(" .* "):
        assert part in said
