"""Estimators in the ecosystem: scikit-learn's tools, and labels that come back as they came."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.config import build_as
from longshort.data.labels import as_array, as_given, dtype_of_labels, kind_of_labels, label_text
from longshort.tasks.classify.config import ClassifyConfig

base = pytest.importorskip("sklearn.base")
selection = pytest.importorskip("sklearn.model_selection")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")

ONCE = {"train.max_epochs": 1, "train.threads": 1}
TEXTS = [f"a {('fine', 'bad')[i % 2]} day {i}" for i in range(24)]
LABELS = np.arange(24) % 2
VALUES = np.random.default_rng(0).normal(size=(24, 5, 2)).astype(np.float32)


def classifier(**changes: Any) -> ls.Classifier:
    return ls.Classifier(hidden=4, settings={**ONCE, "model.members": 1}, **changes)


def regressor() -> ls.Regressor:
    return ls.Regressor(hidden=4, settings=ONCE)


# scikit-learn


@pytest.mark.parametrize(
    "estimator",
    [
        ls.Classifier(hidden=3, class_weight={0: 2.0}),
        ls.Regressor(hidden=3),
        ls.Tagger(crf=False),
        ls.LanguageModel(tokens="words"),
        ls.Translator(beam=3),
        ls.Summariser(copying=False),
        ls.Forecaster(horizon=3),
        ls.AnomalyDetector(false_alarms="1/week"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_clone_has_the_same_parameters(estimator: Any) -> None:
    copy = base.clone(estimator)
    assert copy is not estimator and copy.get_params() == estimator.get_params()


def test_scikit_learn_knows_classifiers_from_regressors() -> None:
    estimators = (ls.Classifier(), ls.Regressor(), ls.Tagger())
    assert [base.is_classifier(each) for each in estimators] == [True, False, False]
    assert [base.is_regressor(each) for each in estimators] == [False, True, False]


@pytest.mark.parametrize("items", [TEXTS, VALUES, VALUES[..., 0]], ids=["texts", "NTC", "NT"])
def test_classifiers_are_cross_validated(items: Any) -> None:
    found = selection.cross_val_score(classifier(), items, LABELS, cv=2, error_score="raise")
    assert found.shape == (2,) and ((found >= 0) & (found <= 1)).all()


def test_regressors_are_cross_validated() -> None:
    sums = VALUES.sum((1, 2))
    found = selection.cross_val_score(regressor(), VALUES, sums, cv=2, error_score="raise")
    assert found.shape == (2,) and np.isfinite(found).all()


def test_a_grid_is_searched() -> None:
    grid = selection.GridSearchCV(classifier(), {"hidden": [3]}, cv=2, error_score="raise")
    grid.fit(TEXTS, LABELS)
    assert grid.best_params_ == {"hidden": 3} and grid.predict(TEXTS[:2]).dtype == LABELS.dtype


def test_a_pipeline_ends_in_an_estimator() -> None:
    first = preprocessing.FunctionTransformer(np.abs)
    whole = pipeline.make_pipeline(first, classifier()).fit(VALUES, LABELS)
    own = whole[-1].predict_proba(np.abs(VALUES))
    assert whole.predict_proba(VALUES).tolist() == own.tolist()


def test_columns_of_probabilities_are_in_the_order_that_metrics_of_scikit_learn_take() -> None:
    model = classifier()
    model.fit(TEXTS, np.where(LABELS, 3, 12))
    assert model.classes_.tolist() == [3, 12]


def test_a_wrong_parameter_is_refused_by_set_params() -> None:
    with pytest.raises(ls.ConfigError, match=r"Classifier has no parameter 'hiden'.*hidden"):
        ls.Classifier().set_params(hiden=3)


def test_scikit_learn_is_not_loaded_by_an_estimator() -> None:
    code = "import sys, longshort; longshort.Classifier(); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Labels as they came

GIVEN: dict[str, Any] = {
    "truths": [False, True],
    "integers": [3, 12],
    "floats": [0.0, 10.0],
    "texts": ["a", "b"],
    "int8": np.array([3, 12], np.int8),
    "float32": np.array([0, 10], np.float32),
    "bool": np.array([False, True]),
    "array of texts": np.array(["a", "b"]),
    "objects": np.array(["a", "b"], object),
    "torch": torch.tensor([3, 12], dtype=torch.int32),
    "polars": pl.Series([3, 12], dtype=pl.UInt8),
    "pandas": pd.Series([3, 12], dtype="Int64"),
}
DTYPES = {
    "truths": "bool",
    "integers": "int64",
    "floats": "float64",
    "texts": "<U1",
    "array of texts": "<U1",
    "objects": "object",
    "torch": "int32",
    "polars": "uint8",
    "pandas": "int64",
}


@pytest.mark.parametrize("name", GIVEN)
def test_labels_are_written_and_read_in_their_own_dtype(name: str) -> None:
    given = GIVEN[name]
    names = [label_text(label) for label in given]
    found = as_array(names, kind_of_labels(given), dtype_of_labels(given))
    assert found.dtype == DTYPES.get(name, name) and found.tolist() == list(given)


def test_floats_among_integers_are_integers() -> None:
    assert as_given(["1", "2"], kind_of_labels([1, 2.0])) == [1, 2]


@pytest.mark.parametrize("name", ["truths", "floats", "int8", "objects"])
def test_a_run_keeps_what_labels_came_as(name: str, tmp_path: Path) -> None:
    given = GIVEN[name]
    labels = given[LABELS] if isinstance(given, np.ndarray) else [given[i] for i in LABELS]
    classifier().fit(TEXTS, labels, out=tmp_path / "run")
    found = ls.load(tmp_path / "run").predict(TEXTS)
    assert found.dtype == DTYPES.get(name, name) and set(found.tolist()) <= set(given)


def test_several_labels_come_back_as_lists_of_what_they_were(tmp_path: Path) -> None:
    sets = [[10], [2, 10]] * 12
    run = classifier().fit(TEXTS, sets, out=tmp_path / "run")
    assert run.labels == (2, 10)
    found = ls.load(tmp_path / "run").predict(TEXTS)
    assert {type(label) for each in found for label in each} <= {int}


def test_predictions_of_the_run_folder_are_texts(tmp_path: Path) -> None:
    classifier().fit(TEXTS, LABELS > 0, out=tmp_path / "run")
    table = pl.read_csv(tmp_path / "run" / "predictions.csv", infer_schema=False)
    assert set(table["label"]) == {"false", "true"}


@pytest.mark.parametrize(
    ("label", "name"),
    [(True, "true"), (np.True_, "true"), (2.0, "2"), (np.float32(2), "2"), (np.int8(3), "3")],
)
def test_weights_are_for_labels_as_they_came(label: object, name: str) -> None:
    config = build_as(ClassifyConfig, {"train": {"class_weights": {label: 2.0}}})
    assert config.train.class_weights == {name: 2.0}


# Data of the other splits, and of none


def fitted(estimator: Any, part: Any, *data: Any) -> dict[str, Any]:
    scores: dict[str, Any] = estimator.fit(*data, val=part, test=part).scores
    return scores


def test_splits_of_classifiers_are_pairs() -> None:
    assert fitted(classifier(), (TEXTS[:6], LABELS[:6]), TEXTS, LABELS)["examples"] == 6


def test_splits_of_regressors_are_pairs() -> None:
    sums = VALUES.sum((1, 2))
    assert fitted(regressor(), (VALUES[:6], sums[:6]), VALUES, sums)["examples"] == 6


def test_splits_of_taggers_are_pairs() -> None:
    tokens = [["mr", "otto", f"n{i}"] for i in range(24)]
    tags = [["O", "B-per", "O"]] * 24
    tagger = ls.Tagger(hidden=4, settings={**ONCE, "evaluate.softmax": False})
    assert fitted(tagger, (tokens[:6], tags[:6]), tokens, tags)["examples"] == 6


def test_splits_of_language_models_are_lines() -> None:
    lines = ["the cat sat on the mat"] * 40
    model = ls.LanguageModel(tokens="words", hidden=4, settings={**ONCE, "train.batch_size": 2})
    assert fitted(model, lines[:3], iter(lines))["tokens"] > 0


def test_a_detector_judges_what_it_was_fitted_on() -> None:
    wave = pl.DataFrame({"t": range(300), "y": np.sin(np.arange(300) / 4)})
    quick = {**ONCE, "train.steps_per_epoch": 2}
    detector = ls.AnomalyDetector(hidden=2, settings=quick)
    run = detector.fit(wave, time="t", target="y")
    assert run.predict().equals(detector.predict(wave))
