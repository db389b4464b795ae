"""Numbers as people have them: [N, T], frames, channels first, gaps, and labels of any kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.config.sequences import SequenceData
from longshort.data.gaps import fill_gaps
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_source import read_examples
from tests.commands import longshort

SMALL = {"model.hidden": 4, "model.members": 1, "train.max_epochs": 1, "train.threads": 1}
NAN = float("nan")


def waves(count: int = 40, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = np.arange(count) % 2
    time = np.arange(steps) * (1 + labels[:, None])
    return np.sin(time / 3) + draw.normal(0, 0.1, (count, steps)), labels


def values(examples: Examples) -> list[Any]:
    return [np.asarray(item).tolist() for item in examples.items]


# [N, T]


@pytest.mark.parametrize(
    "kind", ["array", "tensor", "rows", "lists", "polars", "pandas", "integers"]
)
def test_rows_of_numbers_are_sequences_of_one_value_a_step(kind: str) -> None:
    table = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    made: dict[str, Any] = {
        "array": table,
        "tensor": torch.tensor(table),
        "rows": list(table),
        "lists": table.tolist(),
        "polars": pl.DataFrame(table),
        "pandas": pd.DataFrame(table),
        "integers": table.astype(int),
    }
    found = examples_of(made[kind], ["a", "b"])
    assert values(found) == [[[1], [2], [3]], [[4], [5], [6]]] and found.width == 1


def test_rows_may_differ_in_length() -> None:
    assert values(examples_of([[1.0], [2.0, 3.0]])) == [[[1]], [[2], [3]]]


def test_arrays_of_two_axes_are_fitted_and_predicted_like_those_of_three(tmp_path: Path) -> None:
    x, y = waves()
    fit = ls.Classifier(settings=SMALL).fit
    flat, deep = fit(x, y, out=tmp_path / "flat"), fit(x[..., None], y, out=tmp_path / "deep")
    expected = deep.predict_proba(x[..., None])
    assert np.array_equal(flat.predict_proba(x), expected)
    assert np.array_equal(flat.predict_proba(pd.DataFrame(x)), expected)
    assert flat.evaluate(x, pd.DataFrame({"y": y}), include_training=True)["examples"] == 40


def test_labels_may_be_a_column(tmp_path: Path) -> None:
    assert examples_of(np.zeros((4, 5)), np.arange(4)[:, None]).labels == ["0", "1", "2", "3"]
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 5)), y=np.arange(4)[:, None])
    assert read_examples(tmp_path / "x.npz", SequenceData()).labels == ["0", "1", "2", "3"]


# Axes


def test_channels_first_are_turned(tmp_path: Path) -> None:
    x, y = waves()
    both = np.stack([x, -x], 2)
    fit = ls.Classifier(settings=SMALL).fit
    last = fit(both, y, axes="NTC", out=tmp_path / "last")
    first = fit(both.swapaxes(1, 2), y, axes="NCT", out=tmp_path / "first")
    assert np.array_equal(first.predict_proba(both.swapaxes(1, 2)), last.predict_proba(both))
    assert first.evaluate(both.swapaxes(1, 2), y, include_training=True)["examples"] == 40
    found = ls.load(tmp_path / "first").predict(both.swapaxes(1, 2))
    assert found.tolist() == last.predict(both).tolist()


def test_axes_are_a_setting_of_files_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.arange(12.0).reshape(2, 2, 3), y=np.arange(2))
    found = read_examples(tmp_path / "x.npz", SequenceData(axes="NCT"))
    assert values(found)[0] == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("shape", "axes", "is_told"),
    [
        ((9, 2, 50), None, True),
        ((9, 6, 100), None, True),
        ((9, 2, 50), "NTC", False),
        ((9, 2, 50), "NCT", False),
        ((9, 50, 2), None, False),
        ((9, 20, 300), None, False),
        ((9, 1, 5), None, False),
        ((9, 50), None, False),
    ],
)
def test_a_shape_that_suggests_the_other_order_is_told(
    shape: tuple[int, ...], axes: Any, is_told: bool, tmp_path: Path
) -> None:
    found = examples_of(np.zeros(shape), axes=axes)
    assert [finding.code for finding in found.findings] == ["axes"] * is_told
    np.savez(tmp_path / "x.npz", x=np.zeros(shape), y=np.arange(9))
    read = read_examples(tmp_path / "x.npz", SequenceData(axes=axes))
    assert [finding.code for finding in read.findings] == ["axes"] * is_told


def test_the_doubt_stands_among_the_findings_with_its_remedy() -> None:
    data = examples_of(np.random.default_rng(0).normal(size=(40, 2, 50)), ["a", "b"] * 20)
    (told,) = [each for each in ls.check(data, {"task": "classify"}) if each.code == "axes"]
    assert "2 steps of 50 channels; it looks like 2 channels of 50 steps" in told.message
    assert told.severity == "warning" and "data.axes=NCT" in told.fix


def test_sequences_with_channels_first_and_of_different_lengths_are_explained() -> None:
    with pytest.raises(ls.DataError, match=r"item 1: has 4 values .*item 0 has 5; .*axes='NCT'"):
        examples_of([np.zeros((2, 5)), np.zeros((2, 4))])


def test_axes_of_texts_are_refused() -> None:
    with pytest.raises(ls.ConfigError, match=r"data\.axes.* is of arrays"):
        ls.Classifier().fit([f"text {i}" for i in range(20)], ["a", "b"] * 10, axes="NCT")


# Gaps


def test_the_last_known_value_stands_for_a_missing_one() -> None:
    filled, count = fill_gaps(np.array([[NAN, 1.0], [2.0, NAN], [NAN, NAN], [4.0, 5.0]]))
    assert filled.tolist() == [[3, 1], [2, 1], [2, 1], [4, 5]] and count == 4


def test_values_without_gaps_are_as_they_were() -> None:
    given = np.array([[1.0], [2.0]], np.float32)
    assert fill_gaps(given)[0] is given
    assert fill_gaps(np.array([[np.nan], [2.0]], np.float32))[0].dtype == np.float32


TS = "@dimensions 2\n@classLabel true up down\n@data\n1,?,3:?,5,NaN:up\n7,8,9:1,,3:down\n"
LONG = (
    "id,time,a,b,label\nu,1,1,,up\nu,2,,5,up\nu,3,3,,up\nv,1,7,1,down\nv,2,8,,down\nv,3,9,3,down\n"
)
FILLED = [[[1, 5], [1, 5], [3, 5]], [[7, 1], [8, 1], [9, 3]]]


@pytest.mark.parametrize("kind", ["ts", "csv", "npz", "parquet"])
def test_gaps_are_filled_in_every_format_and_told(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind}"
    gaps = np.array([[[1, NAN], [NAN, 5], [3, NAN]], [[7, 1], [8, NAN], [9, 3]]])
    if kind == "npz":
        np.savez(path, x=gaps, y=np.array(["up", "down"]))
    elif kind == "parquet":
        pl.read_csv(LONG.encode()).write_parquet(path)
    else:
        path.write_text(TS if kind == "ts" else LONG)
    found = read_examples(path, SequenceData())
    assert values(found) == FILLED and found.labels == ["up", "down"]
    (told,) = found.findings
    assert told.code == "missing" and "4 of 12 values are missing, in 2 of 2" in told.message
    assert "the last known value stands for each" in told.message


def test_gaps_are_told_of_the_run(tmp_path: Path) -> None:
    x, y = waves()
    x[3, 5] = NAN
    (told,) = [each for each in ls.check(examples_of(x, y), {"task": "classify"})
               if each.code == "missing"]  # fmt: skip
    assert told.where == ("item 3: 1",)
    run = ls.Classifier(settings=SMALL).fit(x, y, out=tmp_path / "run")
    assert np.isfinite(run.predict_proba(x)).all()


# Kinds of labels


def truths(kind: str, folder: Path) -> Any:
    texts = [f"{'fine' if i % 2 else 'awful'} {i}" for i in range(40)]
    frame = pl.DataFrame({"text": texts, "label": [bool(i % 2) for i in range(40)]})
    if kind == "jsonl":
        frame.write_ndjson(folder / "t.jsonl")
    elif kind == "parquet":
        frame.write_parquet(folder / "t.parquet")
    made = {"polars": frame, "pandas": pd.DataFrame(frame.to_dict(as_series=False))}
    made["object"] = made["pandas"].astype({"label": object})
    return made.get(kind, folder / f"t.{kind}")


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "polars", "pandas", "object"])
def test_truths_come_back_as_truths(kind: str, tmp_path: Path) -> None:
    run = ls.Classifier(settings=SMALL).fit(truths(kind, tmp_path), out=tmp_path / "run")
    assert run.labels == (False, True)
    assert run.predict(["fine 1", "awful 2"]).dtype == bool


@pytest.mark.parametrize(
    ("labels", "found", "texts"),
    [
        ([True, False], (False, True), {"false", "true"}),
        ([np.bool_(True), np.bool_(False)], (False, True), {"false", "true"}),
        ([1, 0], (0, 1), {"0", "1"}),
        ([True, 0], ("0", "true"), {"0", "true"}),
    ],
)
def test_labels_come_back_as_they_came_from_every_way_of_use(
    labels: list[Any], found: tuple[Any, ...], texts: set[str], tmp_path: Path
) -> None:
    items = [f"{'awful' if i % 2 else 'fine'} {i}" for i in range(40)]
    run = ls.Classifier(settings=SMALL).fit(items, labels * 20, out=tmp_path / "run")
    assert run.labels == ls.load(tmp_path / "run").labels == found
    command = ["predict", str(tmp_path / "run")]
    lines = longshort(*command, given="fine 1\nawful 2\n").stdout.splitlines()
    assert set(lines) <= texts
    done = json.loads(longshort(*command, "--json", given="fine 1\n").stdout)
    assert done["labels"][0] in found and type(done["labels"][0]) is type(found[-1])
