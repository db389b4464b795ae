"""Regression: what is learned of numbers, from files and from Python, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import longshort as ls
from longshort.config import build
from longshort.data.labelled import examples_of
from longshort.errors import ConfigError, DataError
from longshort.metrics.ridge import ridge_forecast
from longshort.runs import story
from longshort.tasks.regress.config import RegressConfig
from tests.commands import longshort

QUICK = {"train.max_epochs": 12, "train.threads": 1}


def marked(count: int, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Numbers with marks beside some of them, and the mean of those that are marked: a product of
    two channels, which no statistic of either says."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(8, 14, count)
    samples = [
        np.stack([draw.normal(size=n), draw.integers(0, 2, n)], axis=1).astype(float)
        for n in lengths
    ]
    return samples, np.array([(each[:, 0] * each[:, 1]).mean() for each in samples])


@pytest.fixture(scope="module")
def run() -> ls.RegressorRun:
    return ls.Regressor(hidden=32, settings=QUICK).fit(*marked(500))


def test_what_only_memory_tells_is_learned(run: ls.RegressorRun) -> None:
    scores = run.scores
    assert set(scores["test"]["baselines"]) == {"mean", "statistics"}
    assert scores["outcome"] == "better" and scores["test"]["model"]["r2"] > 0.85
    assert "of the share of the squared error saved" in run.verdict


def test_predictions_are_in_the_data_s_units(run: ls.RegressorRun) -> None:
    samples, values = marked(100, seed=1)
    found = run.predict(samples)
    assert found.shape == (100,) and np.corrcoef(found, values)[0, 1] > 0.9
    assert abs(float(found.mean() - values.mean())) < 0.1
    np.testing.assert_array_equal(ls.load(run.path).predict(samples), found)


def test_several_values_are_learned_together() -> None:
    samples, values = marked(200)
    both = np.stack([values, 100 - 20 * values], axis=1)
    run = ls.Regressor(settings=QUICK).fit(samples, both)
    found = run.predict(samples[:5])
    assert found.shape == (5, 2) and run.scores["values"] == 2
    assert (
        (run.path / "predictions.csv")
        .read_text()
        .startswith("place,value_0,value_1,predicted_0,predicted_1")
    )


def test_values_of_texts_stand_in_a_table(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = ["text,stars"]
    for _ in range(200):
        words = draw.choice(["good", "bad", "film", "the"], 8)
        rows.append(f"{' '.join(words)},{(words == 'good').sum() - (words == 'bad').sum() + 0.5}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(rows))
    out = tmp_path / "run"
    flags = ["--task", "regress", "--label", "stars", "--out", str(out), "--json", "-q"]
    done = longshort("run", str(path), *flags, "--set", "train.max_epochs=10")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["test"]["baselines"]) == {"mean", "bag_of_words"}
    done = longshort("predict", str(out), given="good good film\nbad bad the\n")
    high, low = map(float, done.stdout.split())
    assert high > low + 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "1"], r"labels: item 0: 'a' is not 1 number; regression learns numbers"),
        ([[1.0, 2.0], [1.0]], r"item 1: '1.0' is not 2 numbers; regression learns numbers, one"),
        ([None, 1], r"labels: item 0: the label is missing"),
    ],
)
def test_what_is_no_number_is_named(labels: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message.replace("labels: ", "")):
        ls.Regressor().fit(["a text", "another"], labels)


def test_values_that_never_change_are_refused() -> None:
    with pytest.raises(DataError, match="are all the same; there is nothing to learn"):
        ls.Regressor().fit([f"text {i}" for i in range(40)], [1.5] * 40)


def test_another_share_does_not_ask_for_equal_values_in_all_splits() -> None:
    sequences, values = marked(40)
    data = examples_of(sequences, list(values))
    settings = {"task": "regress", "split": {"val": 0.25}}
    assert len(story.prepare(settings, data).splits.val) == 10


def test_fractions_are_no_labels_of_a_class(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the label 0\.5 is a fraction; .* --task regress"):
        story.run({"task": "classify"}, tmp_path / "run", data=ls_examples([0.5, 1.0] * 20))


def ls_examples(labels: list[float]) -> object:
    from longshort.data.labelled import examples_of

    return examples_of([f"text {i}" for i in range(len(labels))], labels)


def test_the_ridge_is_the_least_squares_where_nothing_is_penalised() -> None:
    draw = np.random.default_rng(0)
    x, weights = draw.normal(size=(50, 3)), np.array([[1.0], [-2.0], [0.5]])
    y = x @ weights + 4
    found, penalty = ridge_forecast(x, y, x, y, x)
    assert penalty == 1e-4
    np.testing.assert_allclose(found, y, atol=1e-2)


def test_an_estimator_is_one_of_scikit_learn_s() -> None:
    model = ls.Regressor(hidden=8, seed=3, settings=QUICK)
    assert model.get_params()["hidden"] == 8
    again = type(model)(**model.get_params())
    assert again.get_params() == model.get_params()
    assert model.set_params(hidden=4).hidden == 4
    with pytest.raises(ConfigError, match="has no parameter 'hiden'; did you mean 'hidden'"):
        model.set_params(hiden=4)
    with pytest.raises(ConfigError, match="is not fitted yet; call fit first"):
        model.predict(["a"])


def test_a_seed_of_the_split_leaves_the_rest_of_it_alone() -> None:
    found = build({"task": "regress", "split": {"seed": 1}})
    assert isinstance(found, RegressConfig)
    assert not found.split.stratify and found.split.seed == 1
