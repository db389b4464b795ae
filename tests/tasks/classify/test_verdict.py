"""What the verdict on a classifier says, in every case that a sceptic would try."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from longshort.data.labelled import Examples
from longshort.metrics.classification import says_more
from longshort.runs.cell import model_title
from longshort.runs.task import Baseline, Model
from longshort.runs.verdict import scored, scores_of
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.targets import Prediction
from longshort.tasks.classify.task import ClassifyTask

NOTHING = "Nothing could be learned here"


def judged(truth: Any, **predicted: Any) -> dict[str, Any]:
    """Scores of the model and of baselines that are rather sure of these labels."""
    truth = np.asarray(truth)
    probabilities = {}
    for name, labels in predicted.items():
        p = np.full((len(truth), 2), 0.3)
        p[np.arange(len(truth)), np.asarray(labels)] = 0.7
        probabilities[name] = p
    probabilities["majority"] = np.tile([0.6, 0.4], (len(truth), 1))
    labels = ["ab"[i] for i in truth.tolist()]
    examples = Examples("t", ["w"] * len(truth), list(labels), [""] * len(truth))
    numbers = Examples("t", [np.zeros((2, 1))] * 2, ["a", "b"], ["", ""])
    task, config = ClassifyTask(), ClassifyConfig()
    model = Model(config, ClassifyEncoder.fit(numbers, config), None)
    own = Prediction(probabilities.pop("model"))
    others = {name: Baseline(Prediction(p), f"the {name}") for name, p in probabilities.items()}
    return scores_of(task, model, model_title(config), scored(task, model, examples, own, others))


def wrong(truth: Any, count: int, first: int = 0) -> Any:
    """The truth with so many errors from a place on."""
    found = np.array(truth)
    found[first : first + count] ^= 1
    return found


TRUTH = np.arange(200) % 2


def test_a_model_that_is_surely_better_earned_its_place() -> None:
    scores = judged(TRUTH, model=wrong(TRUTH, 10), bag=wrong(TRUTH, 60))
    assert scores["outcome"] == "better"
    assert scores["verdict"].startswith(
        "The LSTM earned its place: 95.0% right against 70.0% of the"
    )
    assert NOTHING not in scores["verdict"]


def test_a_model_without_a_sure_difference_is_not_preferred() -> None:
    verdict = judged(TRUTH, model=wrong(TRUTH, 20), bag=wrong(TRUTH, 21, 10))["verdict"]
    assert "cannot be told apart" in verdict and "Prefer the baseline: it is simpler." in verdict


def test_equal_answers_are_no_gain() -> None:
    scores = judged(TRUTH, model=wrong(TRUTH, 20), bag=wrong(TRUTH, 20))
    assert scores["outcome"] == "equal" and scores["gain"] == 0.0
    assert "90.0% right against 90.0% of the bag" in scores["verdict"]


def test_a_model_that_is_surely_worse_did_not_earn_its_place() -> None:
    verdict = judged(TRUTH, model=wrong(TRUTH, 60), bag=wrong(TRUTH, 10))["verdict"]
    assert verdict.startswith("The LSTM did not earn its place: 70.0% right against 95.0%")
    assert verdict.endswith("Use the baseline.")


@pytest.mark.parametrize(
    ("errors", "told"), [(0, "makes none either"), (4, r"makes some (98.0% right)")]
)
def test_a_baseline_without_an_error_is_enough(errors: int, told: str) -> None:
    scores = judged(TRUTH, model=wrong(TRUTH, errors), bag=TRUTH)
    found = f"the bag makes no mistake on 200 test examples, and the LSTM {told}"
    assert found in scores["verdict"]
    assert scores["verdict"].startswith("The LSTM did not earn its place")


def test_where_nothing_beats_the_frequency_of_labels_it_is_said() -> None:
    draw = np.random.default_rng(0)
    scores = judged(TRUTH, model=draw.integers(0, 2, 200), bag=draw.integers(0, 2, 200))
    assert scores["verdict"].endswith(
        "Nothing could be learned here: no classifier says more of the labels than how frequent "
        "they are."
    )


def test_where_a_baseline_learned_something_that_is_not_said() -> None:
    draw = np.random.default_rng(0)
    verdict = judged(TRUTH, model=draw.integers(0, 2, 200), bag=wrong(TRUTH, 40))["verdict"]
    assert NOTHING not in verdict


def test_probabilities_that_know_more_count_though_the_labels_are_the_same() -> None:
    """One label is frequent: nobody says the other, but some know where it is likelier."""
    draw = np.random.default_rng(0)
    chance = np.where(np.arange(2_000) % 2, 0.02, 0.3)
    truth = (draw.random(2_000) < chance).astype(int)
    constant = np.tile([0.84, 0.16], (2_000, 1))
    knowing = np.stack([1 - chance, chance], 1)
    assert says_more(truth, knowing, constant) and not says_more(truth, constant, constant)


def test_few_test_examples_tell_nothing() -> None:
    scores = judged(TRUTH[:10], model=TRUTH[:10], bag=wrong(TRUTH[:10], 5))
    assert scores["outcome"] == "too few" and NOTHING not in scores["verdict"]
    assert scores["verdict"].startswith("Too little test data to tell: 100.0% right against 50.0%")


def test_a_constant_that_is_better_is_the_baseline() -> None:
    truth = np.zeros(100, dtype=np.int64)
    truth[:5] = 1
    scores = judged(truth, model=wrong(truth, 30), bag=wrong(truth, 40))
    assert scores["best_baseline"] == "majority" and scores["outcome"] == "worse"
