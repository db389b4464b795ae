"""A classifier in use: from Python, the data doctor, settings files, scores on new data."""

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
from longshort.data.findings import Finding
from longshort.data.labelled import examples_of
from longshort.report import plots
from longshort.tasks.classify.sections import _most_frequent
from tests.commands import longshort

SMALL = {
    "model.hidden": 8,
    "model.embedding": 8,
    "train.max_epochs": 15,
    "train.batch_size": 8,
    "train.learning_rate": 0.02,
    "train.threads": 1,
}
ONCE = {**SMALL, "model.members": 1, "train.max_epochs": 1}
"""Of runs of which it does not matter what they learn."""
OF_NUMBERS = {key: value for key, value in SMALL.items() if key != "model.embedding"}
QUICK = [part for key, value in ONCE.items() for part in ("--set", f"{key}={value}")]


def reviews(count: int, first: int = 0) -> pl.DataFrame:
    words = {"good": "fine sunny lovely", "bad": "awful broken dull"}
    rows = []
    for i in range(first, first + count):
        label = ("good", "bad")[i % 2]
        rows.append({"text": f"a {words[label].split()[i % 3]} day {i}", "label": label})
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    reviews(80).write_csv(folder / "reviews.csv")
    ls.Classifier(settings=SMALL).fit(folder / "reviews.csv", out=folder / "run")
    return folder


# Python


def test_fit_and_predict(finished: Path) -> None:
    run = ls.load(finished / "run")
    assert isinstance(run, ls.ClassifierRun) and run.labels == ("bad", "good")
    assert run.report.is_file() and run.verdict == run.scores["verdict"]
    texts = ["a lovely day", "an awful day"]
    assert run.predict(texts).tolist() == ["good", "bad"]
    p = run.predict_proba(texts)
    assert p.shape == (2, 2)
    np.testing.assert_allclose(p.sum(1), 1.0)
    found = run.predict(reviews(5).select("text"))
    assert found.tolist() == run.predict(reviews(5)["text"].to_list()).tolist()


def test_lists_and_arrays_are_data_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(size=(60, 9, 2)).astype(np.float32)
    labels = np.arange(60) % 2
    values[labels == 1] += 2
    run = ls.Classifier(pooling="mean", settings=OF_NUMBERS).fit(
        values, iter(labels), out=tmp_path / "run"
    )
    assert run.labels == (0, 1)
    found = run.predict(values)
    assert np.mean(np.equal(found, labels)) > 0.9
    assert run.predict(list(values[:3])).tolist() == found[:3].tolist()
    assert ls.load(tmp_path / "run").predict(values[:3]).tolist() == found[:3].tolist()


def test_columns_tensors_and_iterators_are_lists_too(tmp_path: Path) -> None:
    texts, labels = reviews(60)["text"].to_list(), [3, 12] * 30
    fit = ls.Classifier(settings=ONCE).fit
    runs = [
        fit(pd.Series(texts), pd.Series(labels), out=tmp_path / "pandas"),
        fit(pl.Series(texts), pl.Series(labels), out=tmp_path / "polars"),
        fit(iter(texts), torch.tensor(labels), out=tmp_path / "torch"),
        fit(pl.DataFrame({"text": texts, "label": labels}), out=tmp_path / "frame"),
    ]
    for run in runs:
        assert run.labels == (3, 12)
        assert run.predict(pd.Series(texts)).tolist() == runs[0].predict(texts).tolist()
        assert run.evaluate(pl.Series(texts), labels, include_training=True)["examples"] == 60


@pytest.mark.parametrize(
    ("labels", "found"),
    [(["7", "NaT"], ("7", "NaT")), (["True", "False"], ("False", "True")), ([7, "8"], ("7", "8"))],
)
def test_labels_that_are_no_numbers_stay_texts(
    labels: list[object], found: tuple[str, ...], tmp_path: Path
) -> None:
    texts = reviews(60)["text"].to_list()
    run = ls.Classifier(settings=ONCE).fit(texts, labels * 30, out=tmp_path / "run")
    assert ls.load(tmp_path / "run").labels == run.labels == found


@pytest.mark.parametrize("kind", ["polars", "pandas", "category", "object", "parquet"])
def test_numbers_as_labels_of_tables_stay_numbers(kind: str, tmp_path: Path) -> None:
    steps = pl.DataFrame({"id": np.repeat(np.arange(60), 4), "time": list(range(4)) * 60})
    steps = steps.with_columns(
        x=pl.col("id") % 2 * 3.0 + pl.col("time") / 10 + pl.col("id") / 99,
        label=pl.col("id") % 2 * 4,
    )
    made: dict[str, Any] = {
        "polars": steps,
        "pandas": pd.DataFrame(steps.to_dict(as_series=False)),
        "parquet": tmp_path / "steps.parquet",
    }
    for each in ("category", "object"):
        made[each] = made["pandas"].astype({"label": each})
    steps.write_parquet(made["parquet"])
    once = {**OF_NUMBERS, "model.members": 1, "train.max_epochs": 1}
    run = ls.Classifier(settings=once).fit(made[kind], out=tmp_path / "run")
    assert run.labels == (0, 4)


def test_a_lazy_frame_is_read_without_a_warning(finished: Path) -> None:
    run = ls.load(finished / "run")
    assert len(run.predict(reviews(5).lazy())) == 5


def test_data_named_in_the_settings_are_fitted(finished: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "data.path": str(finished / "reviews.csv")}
    run = ls.Classifier(settings=settings).fit(None, out=tmp_path / "run")
    assert run.scores == ls.load(finished / "run").scores


def test_new_texts_and_labels_are_scored(finished: Path) -> None:
    run = ls.load(finished / "run")
    new = reviews(20, first=80)
    scores = run.evaluate(new["text"].to_list(), new["label"].to_list())
    assert scores["examples"] == 20 and scores == run.evaluate(new)
    with pytest.raises(ls.DataError, match="labels: one for each item is needed"):
        run.evaluate(["a lovely day"])
    with pytest.raises(ls.DataError, match=r"data: a frame of 2 columns .* without labels="):
        run.evaluate(new, new["label"])


def test_files_of_the_other_parts_are_named_in_fit(tmp_path: Path) -> None:
    for part, first in (("val", 60), ("test", 90)):
        reviews(30, first).write_csv(tmp_path / f"{part}.csv")
    run = ls.Classifier(settings=ONCE).fit(
        reviews(60), val=tmp_path / "val.csv", test=tmp_path / "test.csv", out=tmp_path / "run"
    )
    assert run.scores["examples"] == 30
    tested = pl.read_csv(tmp_path / "run" / "predictions.csv")["text"]
    assert sorted(tested) == sorted(reviews(30, 90)["text"])


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (["a", "b"], ["x"], "2 items and 1 labels are not as many"),
        (["a", "b"], None, "labels: one for each item is needed"),
        (["a", np.zeros((2, 1))], ["x", "y"], "item 1: texts and arrays are mixed"),
        ([np.zeros((2, 1)), np.zeros((2, 3))], ["x", "y"], "item 1: has 3 values a step, item 0"),
        ([np.zeros((4, 1, 1, 1, 1))], ["x"], r"item 0: an array \[T, F\] or \[T\], .*\(4, 1"),
        ([np.array([[1.0], [np.inf]])], ["x"], "item 0, step 1, channel 0: inf is not a finite"),
        ([np.array([[np.nan], [np.nan]])], ["x"], "item 0, channel 0: no value of the channel is"),
        ([None], ["x"], "item 0: a text or an array .* is expected, got NoneType"),
        (np.array("a"), ["x"], "data: a list of texts or arrays .* is expected, got ndarray"),
        (["a"], 3, "labels: a list of labels is expected, got int"),
        (["a", "b"], ["x", None], "labels: item 1: the label is missing"),
        (["a", "b"], ["x", float("nan")], "labels: item 1: the label is missing"),
        (["a", "b"], ["x", pd.NaT], "labels: item 1: the label is missing"),
        (
            ["a", "b"],
            np.eye(2),
            "labels: a matrix with a single 1 in every row says one label each",
        ),
        (["a", "\ud800b"], ["x", "y"], "data: item 1: character 0 .* is half of a surrogate pair"),
        (["a", "b"], np.ma.array([3, 4], mask=[0, 1]), "labels: item 1: the label is missing"),
        (["a", "b"], pd.Series([3, None], dtype="Int64"), "labels: item 1: the label is missing"),
        (["a", "b"], pl.DataFrame({"y": [3], "z": [4]}), "labels: one column is expected, got 2"),
        (pl.DataFrame({"a": ["x"], "b": [1]}), ["x"], "data: a frame of 2 columns .* text= and la"),
        ([torch.zeros(2, 1, requires_grad=True)], ["x"], "item 0: a text or an array .* is expect"),
        (["a", "b"], ["x", "\ud800"], "labels: item 1: character 0 .* is half of a surrogate"),
    ],
)
def test_data_that_are_no_examples(data: Any, labels: Any, message: str) -> None:
    with pytest.raises(ls.DataError, match=message):
        ls.Classifier().fit(data, labels)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("r.csv", '"a day,good', "line 32: a quote is opened and never closed"),
        ("r.jsonl", '{"text": "x", label: "bad"}', "line 31: Expecting property name"),
        ("r.jsonl", '["x", "bad"]', "line 31 is a list; leave out what surrounds"),
    ],
)
def test_a_line_that_breaks_a_table_is_named(
    name: str, line: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    write = {"r.csv": reviews(60).write_csv, "r.jsonl": reviews(60).write_ndjson}[name]
    write(path)
    lines = path.read_text().splitlines()
    at = 31 if name == "r.csv" else 30
    path.write_text("\n".join([*lines[:at], line, *lines[at:]]))
    with pytest.raises(ls.DataError, match=f"{name}: .*{message}"):
        ls.Classifier().fit(path)


def test_wrong_settings_are_refused_at_once(finished: Path) -> None:
    with pytest.raises(ls.ConfigError, match=r"model\.pooling"):
        ls.Classifier(pooling="median")
    with pytest.raises(ls.DataError, match="texts are given as a list"):
        ls.load(finished / "run").predict("a lovely day")
    with pytest.raises(ls.DataError, match="texts are given as a list"):
        ls.load(finished / "run").predict("a lovely day " * 500)


# Scores on new data


def test_examples_of_the_training_are_left_out(finished: Path, tmp_path: Path) -> None:
    run = ls.load(finished / "run")
    new = reviews(30, first=70)
    scores = run.evaluate(new)
    known = pl.read_csv(finished / "run" / "predictions.csv")["text"].to_list()
    unlearned = sum(text in known for text in new["text"][:10].to_list())
    assert scores["examples"] == 20 + unlearned
    assert set(scores["test"]["baselines"]) == {"majority", "bag_of_words", "ngrams"}
    assert run.evaluate(new, include_training=True)["examples"] == 30
    with pytest.raises(ls.DataError, match="does not occur in the training split"):
        run.evaluate(pl.DataFrame({"text": ["hello"], "label": ["meh"]}))


def test_that_labels_were_weighed_is_said_of_every_score(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    reviews(60).write_csv(path)
    settings = {**ONCE, "train.class_weights": True}
    run = ls.Classifier(settings=settings).fit(path, out=tmp_path / "run")
    for scores in (run.scores, run.evaluate(reviews(10, first=100))):
        assert "weighs labels by the inverse of their share" in scores["notes"]["model"]


def test_evaluate_from_the_command_line(finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    reviews(20, first=200).write_csv(path)
    done = longshort("evaluate", str(finished / "run"), "--data", str(path), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examples"] == 20 and found["test"]["model"]["accuracy"] == 1.0


def test_baselines_need_the_run_s_own_data(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    reviews(60).write_csv(path)
    run = ls.Classifier(settings=ONCE).fit(path, out=tmp_path / "run")
    reviews(62).write_csv(path)
    with pytest.raises(ls.RunError, match="is not the data that the run was trained on"):
        run.evaluate(reviews(10, first=300))


# The data doctor


def findings(path: Path, **settings: Any) -> dict[str, Finding]:
    found = ls.check(path, {"task": "classify", **settings})
    return {finding.code: finding for finding in found}


def test_a_training_file_that_was_moved_is_named(tmp_path: Path) -> None:
    reviews(60).write_csv(tmp_path / "r.csv")
    run = ls.Classifier(settings=ONCE).fit(tmp_path / "r.csv", out=tmp_path / "run")
    (tmp_path / "r.csv").rename(tmp_path / "s.csv")
    with pytest.raises(ls.RunError, match=r"r\.csv: the run's training file is gone.*put it back"):
        run.evaluate(reviews(30, first=60))


def test_a_file_of_another_kind_is_named(finished: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((2, 3, 1)))
    with pytest.raises(ls.DataError, match=r"x\.npz: sequence 0: the run reads texts, got n"):
        ls.load(finished / "run").predict(tmp_path / "x.npz")
    (tmp_path / "y.npz").write_text("no archive")
    with pytest.raises(ls.DataError, match=r"y\.npz: not a readable NumPy file: it does not begin"):
        ls.load(finished / "run").predict(tmp_path / "y.npz")


def test_sound_data_have_no_findings(tmp_path: Path) -> None:
    reviews(60).write_csv(tmp_path / "r.csv")
    assert findings(tmp_path / "r.csv") == {}


def test_the_doctor_finds_what_harms_a_classifier(tmp_path: Path) -> None:
    rows = reviews(200).rows()
    rows += [("", "good"), (" a lovely  day 2", "bad"), ("word " * 600, "good"), ("rare", "odd")]
    rows += [(f"rare {i}", "odd") for i in range(5)]
    path = tmp_path / "r.csv"
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(path)
    found = findings(path)
    assert {"empty", "contradiction", "few-examples", "imbalance", "long"} <= found.keys()
    assert found["empty"].where == ("line 202",)
    assert "600 tokens" in found["long"].where[0] and "512 tokens" in found["long"].message
    assert "train.class_weights" in found["imbalance"].fix
    assert found["few-examples"].where[0].startswith("odd: ")
    assert found["contradiction"].where == ("line 4: good, line 203: bad",)


def test_contradicting_labels_are_shown_beside_many_that_agree(tmp_path: Path) -> None:
    rows = [*reviews(60).rows(), *[("the same", "good")] * 9, ("The same", "bad")]
    path = tmp_path / "r.csv"
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(path)
    told = findings(path)["contradiction"]
    assert told.where == ("line 62: good, line 71: bad",)


def test_contradicting_labels_of_two_parts_are_shown(tmp_path: Path) -> None:
    reviews(60).write_csv(tmp_path / "r.csv")
    reviews(2).with_columns(label=pl.lit("good")).write_csv(tmp_path / "t.csv")
    data = {"test_path": str(tmp_path / "t.csv")}
    told = findings(tmp_path / "r.csv", data=data)["contradiction"]
    assert "1 of 2 test examples" in told.message and "with another label" in told.message
    (place,) = told.where
    assert place.startswith("t.csv, line 3: good, r.csv, line ") and place.endswith(": bad")


def test_texts_that_differ_in_case_alone_are_repeated(tmp_path: Path) -> None:
    both = pl.concat([reviews(60), reviews(2).with_columns(pl.col("text").str.to_uppercase())])
    both.write_csv(tmp_path / "r.csv")
    assert findings(tmp_path / "r.csv")["repeated"].message.startswith("2 of ")


def test_labels_written_in_two_ways_are_told(tmp_path: Path) -> None:
    labels = ["Good", *reviews(79)["label"], "bad"]
    reviews(81).with_columns(label=pl.Series(labels)).write_csv(tmp_path / "r.csv")
    told = findings(tmp_path / "r.csv", split={"stratify": False, "seed": 1})["alike-labels"]
    assert told.message == "'Good', 'good' count as 2 labels" and len(told.where) == 2


def test_content_in_two_files_and_labels_that_training_lacks(tmp_path: Path) -> None:
    reviews(60).write_csv(tmp_path / "r.csv")
    other = pl.concat([reviews(2), pl.DataFrame({"text": ["new"], "label": ["odd"]})])
    other.write_csv(tmp_path / "t.csv")
    found = findings(tmp_path / "r.csv", data={"test_path": str(tmp_path / "t.csv")})
    assert "2 of 3 test examples" in found["duplicate"].message
    assert found["unseen-label"].severity == "error"
    assert found["unseen-label"].where == ("t.csv, line 4: 'odd'",)


def test_a_sequence_of_a_million_steps_is_named(tmp_path: Path) -> None:
    items = [np.ones((1_000_000, 1), np.float32), *(np.full((3, 1), i, "f4") for i in range(30))]
    labels = ["a", *("ab"[i % 2] for i in range(30))]

    found = ls.check(examples_of(items, labels), {"task": "classify"})
    (long,) = [finding for finding in found if finding.code == "too-long"]
    assert long.where == ("item 0: 1,000,000 steps",)
    with pytest.raises(ls.DataError, match=r"more than 131,072 steps.*take every k-th step"):
        ls.Classifier(settings=OF_NUMBERS).fit(items, labels, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_text_of_200_000_words_is_shortened(finished: Path) -> None:
    run = ls.load(finished / "run")
    long = "day " * 200_000
    short, twice = (run.predict([f"a lovely {each}"]) for each in (long, long + long))
    assert short == twice


def test_check_and_init_from_the_command_line(tmp_path: Path) -> None:
    data, settings = tmp_path / "r.csv", tmp_path / "s.toml"
    reviews(60).with_columns(pl.lit("x").alias("other")).write_csv(data)
    flags = ["--task", "classify", "--label", "label", "--tokens", "words"]
    checked = longshort("check", str(data), *flags)
    assert checked.returncode == 0 and "nothing found" in checked.stdout
    empty = pl.DataFrame({"text": [""], "label": ["good"]})
    pl.concat([reviews(60), reviews(60), empty]).write_csv(data)
    checked = longshort("check", str(data), *flags)
    assert checked.returncode == 1 and "[repeated]" in checked.stdout
    written = longshort("init", str(data), *flags, *QUICK, "--out", str(settings))
    assert written.returncode == 0, written.stderr
    done = longshort("train", "--config", str(settings), "--out", str(tmp_path / "run"), "-q")
    assert done.returncode == 0 and 'tokens = "words"' in settings.read_text()
    assert "examples are empty" in done.stderr and "epoch" not in done.stderr


def test_the_example_of_topics_is_a_classification(tmp_path: Path) -> None:
    out = tmp_path / "s.toml"
    done = longshort("init", "--example", "topics", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert 'task = "classify"' in out.read_text()
    table = pl.read_csv(ls.example("topics"))
    assert table["topic"].value_counts()["count"].to_list() == [100] * 4
    assert table["text"].is_unique().all()


# What is decided


def test_the_table_of_confusions_shows_the_most_frequent_labels_in_shares_of_all() -> None:
    counts = np.array([1] * 35 + [9])
    assert _most_frequent(counts) == [*range(29), 35]
    shares = plots.confusion(np.array([[3]]), ["a"], np.array([6])).axes[0].images[0]
    whole = plots.confusion(np.array([[3]]), ["a"]).axes[0].images[0]
    assert (shares.get_array(), whole.get_array()) == (0.5, 1.0)


# What a stranger runs into


def test_texts_of_which_nothing_is_known_are_told(finished: Path, tmp_path: Path) -> None:
    asked, texts = ["predict", str(finished / "run")], "a lovely day\n\nzzz qqq\n"
    found = longshort(*asked, given=texts)
    assert len(found.stdout.split()) == 3
    notes = [line for line in found.stderr.splitlines() if line.startswith("note:")]
    assert len(notes) == 2 and "line 2: empty, or without a token that the run knows" in notes[0]
    found = longshort(*asked, "--out", str(tmp_path / "labels.csv"), given=texts)
    assert "line 2, line 3: empty, or without" in found.stderr and "(2 of 3 texts)" in found.stderr


def test_networks_that_are_averaged_are_told(finished: Path) -> None:
    scores = ls.load(finished / "run").scores
    told = "is 3 networks, whose probabilities are averaged"
    assert scores["notes"]["model"] == told
    assert f"- Note: model {told}\n" in (finished / "run" / "README.md").read_text()


def test_a_folder_that_is_taken_is_refused_before_the_data_is_read(finished: Path) -> None:
    asked = ["run", str(finished / "missing.csv"), "--task", "classify"]
    found = longshort(*asked, "--out", str(finished / "run"))
    assert "already used; give another --out" in found.stderr
