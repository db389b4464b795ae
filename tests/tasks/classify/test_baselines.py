"""What a classifier has to beat: every baseline by its known answers, and how it is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.data.grams import KINDS, Bags, Grams, kinds_for, occurrences
from longshort.data.labelled import Examples
from longshort.errors import RunError
from longshort.metrics.statistics import statistics_of
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.story import prepare
from longshort.runs.task import Baseline, quiet
from longshort.runs.trained import load
from longshort.tasks.classify import baselines, convolutions
from longshort.tasks.classify.baselines import (
    Known,
    bag_of_grams,
    nearest_neighbour,
    random_convolutions,
    statistics,
)
from longshort.tasks.classify.encoder import Sequences
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.regression import Regression, dense, sparse
from longshort.train.events import silent

WORDS, PAIRS, LETTERS, RICH, CHARACTERS, THREE = KINDS.values()


def known(items: list[Any], targets: list[int]) -> Known:
    labels = [str(target) for target in targets]
    examples = Examples("t", items, labels, [""] * len(items))
    sequences = [[1] if isinstance(item, str) else np.asarray(item, np.float32) for item in items]
    return Known(examples, Sequences(sequences, np.array(targets, dtype=np.int64)))


def exclusive(classes: int) -> Exclusive:
    return Exclusive(tuple("abc"[:classes]), (1,) * classes, classes, "text")


def only(found: dict[str, Baseline[Any]]) -> Baseline[Any]:
    """The single baseline."""
    (baseline,) = found.values()
    return baseline


# N-grams


def test_grams_of_words_and_of_letters_within_them() -> None:
    texts = ["Ab ab c", "ab c"]
    assert set(Grams.fit(texts, PAIRS, 99).blocks[0]) == {"ab", "c", "ab c"}
    (letters,) = Grams.fit(texts, LETTERS, 99).blocks
    inside = {" ", "a", "b", " a", "ab", "b ", " ab", "ab ", " ab ", "c", " c", "c ", " c "}
    assert set(letters) == inside
    assert list(occurrences(texts, RICH)) == [5 + 2 * 10 + 6, 3 + 10 + 6]


def test_grams_of_one_text_are_not_known_and_the_frequent_come_first() -> None:
    texts = ["a b", "a b", "a c", "d"]
    assert Grams.fit(texts, WORDS, 99).blocks == (("a", "b"),)
    assert Grams.fit(texts, WORDS, 1).blocks == (("a",),)


def test_a_bag_weighs_by_rarity_and_every_block_alike() -> None:
    grams = Grams.fit(["a b", "a b", "a"], WORDS, 99)
    idf = np.array([1.0, np.log(4 / 3) + 1])
    bags = grams.bags(["a a b", "z", "b"])
    first = np.array([1 + np.log(2), 1.0]) * idf
    assert bags.begins.tolist() == [0, 2, 2, 3] and bags.columns.tolist() == [0, 1, 1]
    np.testing.assert_allclose(bags.weights, [*(first / np.linalg.norm(first)), 1.0])
    both = Grams.fit(["ab", "ab"], RICH, 99).bags(["ab"])
    assert np.square(both.weights[both.columns < 1]).sum() == pytest.approx(0.5)
    assert np.square(both.weights).sum() == pytest.approx(1.0)


def test_bags_are_taken_and_transposed() -> None:
    bags = Bags(np.array([0, 2, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 2, 2, 4]), 3)
    taken = bags.take(np.array([2, 1]))
    assert taken.columns.tolist() == [1, 2] and taken.begins.tolist() == [0, 2, 2]
    turned = bags.transposed()
    assert turned.columns.tolist() == [0, 2, 0, 2] and turned.begins.tolist() == [0, 1, 2, 4]
    assert turned.weights.tolist() == [1, 3, 2, 4]


def test_grams_come_back_from_their_dictionary() -> None:
    grams = Grams.fit(["ab c", "ab c"], RICH, 99)
    assert Grams.from_dict(grams.to_dict()) == grams
    for damage in ({"kind": "none"}, {"idf": [[1.0]]}, {"blocks": [["a"]]}):
        with pytest.raises(RunError, match="damaged: grams"):
            Grams.from_dict(grams.to_dict() | damage)


def test_scripts_without_spaces_are_counted_by_character() -> None:
    assert kinds_for(["房间干净"]) == (CHARACTERS, THREE)
    assert kinds_for(["clean"]) == (WORDS, PAIRS, LETTERS, RICH)


# Regression


def test_a_regression_converges_to_what_scikit_learn_found() -> None:
    """LogisticRegression(C=10, tol=1e-10) of scikit-learn on these points, computed once."""
    three = exclusive(3)
    labels = three.known(torch.tensor([0, 0, 1, 2, 2, 1]))
    x = np.array([[0.0, 1.0], [1.0, 0.5], [2.0, -1.0], [3.0, 2.0], [1.5, 1.5], [0.5, -2.0]])
    state = Regression.zero(2, three).fitted(dense(x), labels, 10.0)
    expected = np.array([[-1.4807, 0.2132], [0.2662, -2.1420], [1.2145, 1.9288]])
    np.testing.assert_allclose(state.matrix.numpy().T, expected, atol=1e-3)


def test_sparse_rows_teach_the_same_as_dense_ones() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(30, 5)) * (draw.random((30, 5)) < 0.5)
    rows, columns = np.nonzero(x)
    begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=30))])
    targets, two = torch.from_numpy(draw.integers(0, 2, 30)), exclusive(2)
    one, other = (
        Regression.zero(5, two).fitted(each, two.known(targets), 3.0)
        for each in (dense(x), sparse(Bags(columns, x[rows, columns], begins, 5)))
    )
    torch.testing.assert_close(one.matrix, other.matrix, atol=1e-4, rtol=1e-4)


# Choice


def test_short_strings_are_told_apart_by_their_characters_whatever_the_network_reads() -> None:
    draw = np.random.default_rng(0)
    ends = ["ov", "ez", "en"]

    def names(count: int) -> Known:
        stems = ["".join(draw.choice(list("abcdefghijklm"), 6)) for _ in range(count)]
        return known(
            [stem + ends[i % 3] for i, stem in enumerate(stems)], [i % 3 for i in range(count)]
        )

    found = only(bag_of_grams(names(240), names(120), names(60), exclusive(3)))
    assert (found.prediction.p.argmax(1) == np.arange(60) % 3).mean() > 0.95
    assert "1 to 5 characters" in found.title and "on the validation split" in found.note


def test_the_bag_reads_whole_words_whatever_the_network_reads(tmp_path: Path) -> None:
    filler = "x " * 300
    texts = [f"{filler} {('fine', 'poor')[i % 2]} {i} {filler}" for i in range(80)]
    data = Examples("t", list(texts), ["ab"[i % 2] for i in range(80)], [""] * 80)
    chosen = {
        "task": "classify",
        "model": {"hidden": 4, "embedding": 4, "members": 1},
        "text": {"tokens": "bytes", "max_length": 8},
        "train": {"max_epochs": 1, "threads": 1},
    }
    scores = story.run(chosen, tmp_path / "run", data=data)
    assert scores["test"]["baselines"]["bag_of_words"]["accuracy"] == 1.0
    assert "of logistic regression on " in scores["verdict"]


def test_the_bag_of_scripts_without_spaces_counts_characters() -> None:
    parts = [known(["房间干净", "房间很脏"] * 3, [0, 1] * 3) for _ in range(3)]
    found = bag_of_grams(*parts, exclusive(2))
    assert found.keys() == {"bag_of_characters"}
    assert only(found).prediction.p.argmax(1).tolist() == [0, 1] * 3


def test_what_is_too_much_is_learned_from_a_part_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{['good', 'bad'][i % 2]} day" for i in range(100)]
    parts = [known(texts, [i % 2 for i in range(100)])] * 3
    assert "fitted to" not in only(bag_of_grams(*parts, exclusive(2))).note
    monkeypatch.setattr(baselines, "_FINAL", 150)
    monkeypatch.setattr(baselines, "_CHOICE", 100)
    found = only(bag_of_grams(*parts, exclusive(2)))
    assert " of 100 training texts" in found.note
    assert found.prediction.p.argmax(1).tolist() == [0, 1] * 50


def noisy(count: int, seed: int, share: float) -> Known:
    draw = np.random.default_rng(seed)
    targets = draw.integers(0, 2, count)
    wrong = draw.random(count) < share
    items = [np.full((3, 1), float(t ^ w)) + draw.normal(0, 0.1, (3, 1))
             for t, w in zip(targets, wrong, strict=True)]  # fmt: skip
    return known(items, targets.tolist())


def test_a_penalty_is_chosen_on_the_validation_split_alone() -> None:
    train, test = noisy(60, 0, 0.0), noisy(40, 1, 0.0)
    sure = only(statistics(train, noisy(120, 2, 0.0), test, exclusive(2)))
    doubtful = only(statistics(train, noisy(120, 3, 0.4), test, exclusive(2)))
    assert sure.note != doubtful.note and "on the validation split" in sure.note
    other = only(statistics(train, noisy(120, 2, 0.0), noisy(40, 4, 0.5), exclusive(2)))
    assert other.note == sure.note


def test_without_a_large_validation_split_folds_of_the_training_split_choose() -> None:
    train, test = noisy(60, 0, 0.1), noisy(40, 1, 0.0)
    one, other, none = (
        only(statistics(train, val, test, exclusive(2)))
        for val in (noisy(9, 2, 0), noisy(9, 3, 0.4), noisy(0, 0, 0))
    )
    assert one.note == other.note == none.note
    assert "by 3-fold cross-validation of the training split" in one.note


@pytest.mark.parametrize("baseline", [nearest_neighbour, random_convolutions])
def test_an_answer_does_not_depend_on_the_other_test_examples(baseline: Any) -> None:
    draw = np.random.default_rng(0)
    items = [draw.normal(i % 2, 1, (5 + i % 3, 2)) for i in range(60)]
    train = known(items, [i % 2 for i in range(60)])
    alone = known(items[:2], [0, 1])
    beside = known([*items[:2], np.full((25, 2), 1e3)], [0, 1, 0])
    one, many = only(baseline(train, alone, 2)), only(baseline(train, beside, 2))
    np.testing.assert_allclose(one.prediction.p, many.prediction.p[:2], rtol=1e-4)


def test_a_series_of_one_step_has_no_slope() -> None:
    assert statistics_of([np.array([[5.0]])])[0, -1] == 0


# Sequences


def test_the_nearest_sequence_is_found_by_hand() -> None:
    train = known([[[0.0], [0.0]], [[4.0], [4.0]], [[5.0], [5.0]]], [0, 1, 1])
    test = known([[[1.0], [0.0]], [[3.0], [3.0]], [[9.0], [9.0]]], [0, 0, 0])
    found = only(nearest_neighbour(train, test, 2))
    assert found.prediction.p.argmax(1).tolist() == [0, 1, 1]
    # Left out in turn, the first is wrong and two are right: (2 + 1) / (3 + 2).
    assert found.prediction.p.max() == pytest.approx(0.6)
    assert found.note == "takes Euclid's distance"


def test_sequences_of_several_lengths_are_stretched_and_it_is_said() -> None:
    ramps = [np.linspace(0, 1, n)[:, None] for n in (5, 7, 9)]
    still = [np.full((n, 1), 0.5) for n in (5, 7, 9)]
    train = known([*ramps, *still], [0] * 3 + [1] * 3)
    test = known([np.linspace(0, 1, 30)[:, None], np.full((3, 1), 0.5)], [0, 1])
    found = only(nearest_neighbour(train, test, 2))
    assert found.prediction.p.argmax(1).tolist() == [0, 1]
    assert "stretched to 7 steps" in found.note


def test_a_neighbour_that_is_mostly_wrong_is_still_the_answer() -> None:
    train = known([[[float(i)]] for i in range(6)], [0, 1] * 3)
    found = only(nearest_neighbour(train, known([[[0.1]], [[5.1]]], [0, 1]), 2))
    assert found.prediction.p.argmax(1).tolist() == [0, 1]


def shapes(count: int, seed: int, steps: tuple[int, int]) -> Known:
    """A short shape, somewhere in noise, of equal values in two orders; channel 0 is noise."""
    draw = np.random.default_rng(seed)
    items = []
    for i in range(count):
        x = 0.2 * draw.normal(size=(draw.integers(*steps), 2))
        at = draw.integers(2, len(x) - 8)
        x[at : at + 5, 1] += [2, 2, 2, -2, -2] if i % 2 else [2, -2, 2, -2, 2]
        items.append(x)
    return known(items, [i % 2 for i in range(count)])


@pytest.mark.parametrize("steps", [(40, 41), (20, 60)])
def test_fixed_convolutions_find_shapes_wherever_they_are(steps: tuple[int, int]) -> None:
    train, test = shapes(60, 0, steps), shapes(60, 1, steps)
    found = only(random_convolutions(train, test, 2))
    assert (found.prediction.p.argmax(1) == test.targets.numpy()).mean() >= 0.95
    plain = only(statistics(train, known([], []), test, exclusive(2)))
    assert (plain.prediction.p.argmax(1) == test.targets.numpy()).mean() < 0.95


def test_fixed_convolutions_learn_from_many_sequences_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolutions, "_MANY", 50)
    monkeypatch.setattr(convolutions, "_MOST", 250)
    monkeypatch.setattr(convolutions, "_FEWER", 84)
    train, test = shapes(300, 0, (12, 13)), shapes(60, 1, (12, 13))
    found = only(random_convolutions(train, test, 2))
    assert (found.prediction.p.argmax(1) == test.targets.numpy()).mean() >= 0.95
    assert "has 84 features" in found.note
    assert found.note.endswith("it is fitted to 250 of 300 of them")


def test_labels_without_a_cause_are_not_learned_by_leaving_out() -> None:
    """The penalty and the sharpness see what was left out: chance stays chance."""
    draw = np.random.default_rng(0)
    train = known(list(draw.normal(size=(40, 20, 1))), draw.integers(0, 2, 40).tolist())
    test = known(list(draw.normal(size=(200, 20, 1))), draw.integers(0, 2, 200).tolist())
    p = only(random_convolutions(train, test, 2)).prediction.p
    assert np.log(p[np.arange(200), test.targets]).mean() > -0.8


def test_sequences_shorter_than_a_kernel_are_read(tmp_path: Path) -> None:
    items = [np.full((1 + i % 2, 1), float(i % 3)) for i in range(30)]
    train = known(items, [i % 3 for i in range(30)])
    found = only(random_convolutions(train, known(items, [0] * 30), 3))
    assert found.prediction.p.argmax(1).tolist() == [0, 1, 2] * 10


def test_ngrams_without_the_recurrent_layers_stand_beside_them_and_are_kept(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    words = np.array([f"w{i}" for i in range(40)])
    labels = draw.integers(0, 2, 300)
    texts = [" ".join(draw.choice(words[20 * c : 20 * c + 25], 6)) for c in labels.tolist()]
    data = (texts, [f"class {c}" for c in labels])
    out = tmp_path / "run"
    scores = ls.Classifier(seed=1, settings={"train.max_epochs": 1}).fit(*data, out=out).scores
    alone = scores["test"]["baselines"]["ngrams"]
    assert alone["accuracy"] > 0.9
    frame = pl.DataFrame({"text": texts, "label": data[1]})
    again = load(out)
    found = again.networks["ngrams"].network.state_dict()["vectors.0.weight"]
    job = Job(prepare(again.config.model_dump(), frame), quiet)
    job.train_baselines(quiet, silent)
    trained = job.networks["ngrams"].network.state_dict()["vectors.0.weight"]
    assert torch.equal(found, trained)  # seeded
    plain = Job(prepare({"task": "classify", "model": {"grams": False}}, frame), quiet)
    plain.train_baselines(quiet, silent)
    assert not plain.networks
