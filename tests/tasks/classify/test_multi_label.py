"""Several labels for each example: reading, learning, deciding, scoring, and weights of labels."""

from __future__ import annotations

import json
import os
import signal
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from typer.testing import CliRunner

import longshort as ls
from longshort.cli.main import app
from longshort.config.sequences import SequenceData
from longshort.data.label_sets import LabelSet, as_sets
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_source import read_examples
from longshort.data.splits import Given, make_splits
from longshort.errors import ConfigError, DataError, Interrupted
from longshort.metrics import multilabel as metrics
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.task import quiet
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.regression import Regression, dense
from longshort.tasks.classify.several import Several
from longshort.tasks.classify.targets import Prediction
from longshort.train.events import Event, Stepped

SMALL: dict[str, Any] = {"model": {"hidden": 4}, "train": {"max_epochs": 2, "threads": 1}}
WORDS = ("goal", "vote", "song")


def several(classes: int, total: int = 10) -> Several:
    return Several(tuple("abc"[:classes]), (2,) * classes, total, "text", ",")


def articles(count: int) -> tuple[list[str], list[list[str]]]:
    """Texts whose words say their labels: any of three, or none."""
    patterns = list(product((False, True), repeat=3))
    chosen = [
        [w for w, here in zip(WORDS, patterns[i % 8], strict=True) if here] for i in range(count)
    ]
    texts = [" ".join(["the", *words, "of", f"n{i}"]) for i, words in enumerate(chosen)]
    return texts, [
        [{"goal": "sport", "vote": "politics", "song": "music"}[w] for w in words]
        for words in chosen
    ]


def table_of(texts: list[str], sets: list[list[str]], mark: str = "|") -> pl.DataFrame:
    return pl.DataFrame({"text": texts, "label": [mark.join(each) for each in sets]})


def read(path: Path, **data: Any) -> Examples:
    return read_examples(path, SequenceData.model_validate(data))


# Reading


@pytest.mark.parametrize("line", ["{labels} {text}", "{text} {labels}"])
def test_several_labels_of_fasttext_turn_it_on_and_are_said(tmp_path: Path, line: str) -> None:
    rows = [("__label__b __label__a", "so so"), ("__label__a", "fine"), ("", "nothing here")]
    path = tmp_path / "t.txt"
    path.write_text(
        "\n".join(line.format(labels=label, text=text).strip() for label, text in rows) + "\n"
    )
    found = read(path)
    assert found.label_sets == [("__label__a", "__label__b"), ("__label__a",), ()]
    assert found.items == ["so so", "fine", "nothing here"] and found.read_as["multi_label"]
    (told,) = found.findings
    assert told.code == "multi-label" and "2 labels in 3 examples, 1.00 each" in told.message


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("__label__a fine __label__b", r"line 2: the label __label__b stands within the text"),
        ("__label__a __label__b", r"line 2: a text is expected beside the labels"),
    ],
)
def test_lines_without_a_text_or_with_strewn_labels_are_named(
    tmp_path: Path, line: str, problem: str
) -> None:
    path = tmp_path / "t.txt"
    path.write_text(f"__label__a __label__b so so\n{line}\n")
    with pytest.raises(DataError, match=problem):
        read(path)


@pytest.mark.parametrize(
    ("cells", "separator", "sets"),
    [
        (["a|b", "", "b"], "|", [("a", "b"), (), ("b",)]),
        (["b; a", "c", "a, b; c"], ";", [("a", "b"), ("c",), ("a, b", "c")]),
        (["b,a,a", "c"], ",", [("a", "b"), ("c",)]),
        (
            ["a b", "b", "a", "b a", "a c b"],
            " ",
            [("a", "b"), ("b",), ("a",), ("a", "b"), ("a", "b", "c")],
        ),
        (["New York", "Los Angeles"], "|", [("New York",), ("Los Angeles",)]),
    ],
    ids=["bar", "semicolon", "comma", "space", "none"],
)
def test_what_divides_the_labels_of_a_column_is_found_and_said(
    tmp_path: Path, cells: list[str], separator: str, sets: list[tuple[str, ...]]
) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame({"text": [f"text {i}" for i in range(len(cells))], "label": cells}).write_csv(path)
    found = read(path, multi_label=True)
    assert found.label_sets == sets and found.read_as["label_separator"] == separator
    assert ("white space" if separator == " " else repr(separator)) in found.findings[-1].message


def test_a_column_needs_the_flag_and_takes_the_separator_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame({"text": ["x", "y"], "label": ["a,b", "a|c"]}).write_csv(path)
    assert read(path).labels == ["a,b", "a|c"] and read(path).separator is None
    found = read(path, multi_label=True, label_separator=",")
    assert found.label_sets == [("a", "b"), ("a|c",)]


def test_lists_in_json_lines_need_the_flag(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    rows = [{"text": "x", "label": ["b", "a"]}, {"text": "y", "label": []}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert read(path, multi_label=True).label_sets == [("a", "b"), ()]
    with pytest.raises(DataError, match="say --multi-label where an example may have several"):
        read(path)


def test_a_list_written_as_a_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame({"text": ["x"], "label": ["['a', 'b']"]}).write_csv(path)
    with pytest.raises(DataError, match=r"line 2, column 'label': .* is a list written as a text"):
        read(path, multi_label=True)


def test_lists_of_a_program_keep_names_with_usual_separators() -> None:
    found = examples_of(["x", "y"], as_sets([["a|b", "c"], []]))
    assert found.label_sets == [("a|b", "c"), ()] and found.separator == ";"
    numbers = examples_of(["x", "y"], as_sets([[2, 1], [3]]))
    assert numbers.label_sets == [("1", "2"), ("3",)] and numbers.label_kind == "number"


def test_a_matrix_says_which_labels_an_example_has() -> None:
    matrix = np.array([[1, 0, 1], [0, 0, 0]])
    assert as_sets(matrix) == [LabelSet((0, 2)), LabelSet()]
    frame = pl.DataFrame(matrix, schema=["a", "b", "c"])
    assert as_sets(frame) == [LabelSet(("a", "c")), LabelSet()]


def test_lists_beside_single_labels_are_refused() -> None:
    with pytest.raises(DataError, match=r"labels: item 1: a list is expected.*write \['b'\]"):
        as_sets([["a"], "b"])


def test_parts_share_rare_labels() -> None:
    sets = [
        LabelSet(("often", f"kind {i % 7}") if i % 4 else ("often", "rare")) for i in range(400)
    ]
    whole = examples_of([f"text {i}" for i in range(400)], sets)
    parts = make_splits({"train": whole}, val=0.1, test=0.1, stratify=True, seed=0)
    shares = [
        np.mean(["rare" in each for each in part.label_sets]) for part in (parts.val, parts.test)
    ]
    assert shares == pytest.approx([0.25, 0.25], abs=0.02)


# Scores

TRUTH = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
SAID = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)


def test_scores_are_those_of_scikit_learn() -> None:
    """f1_score, accuracy_score and hamming_loss of these, worked out by hand."""
    found = metrics.scores(TRUTH, np.where(SAID, 0.9, 0.1), SAID)
    assert found["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    assert found["macro_f1"] == pytest.approx((1.0 + 0.5) / 2)  # the third label occurs nowhere
    assert found["subset_accuracy"] == 0.5
    assert found["hamming_loss"] == pytest.approx(2 / 12)
    assert found["log_loss"] == pytest.approx(-(10 * np.log(0.9) + 2 * np.log(0.1)) / 12)
    assert found["calibration_error"] == pytest.approx(
        (8 * abs(0.1 - 1 / 8) + 4 * abs(0.9 - 0.75)) / 12
    )


def test_the_threshold_has_the_highest_micro_f1_of_all() -> None:
    draw = np.random.default_rng(0)
    p = draw.random((50, 3)).round(2)
    truth = draw.random((50, 3)) < p / 2
    threshold, best = metrics.best_threshold(truth, p)
    every = [metrics.scores(truth, p, p > t)["micro_f1"] for t in np.linspace(0, 1, 401)]
    assert best == pytest.approx(max(every))
    assert metrics.scores(truth, p, p > threshold)["micro_f1"] == pytest.approx(best)
    assert metrics.best_threshold(np.zeros((4, 2), dtype=bool), p[:4, :2])[0] == 0.5


def test_a_constant_says_nothing_more_than_itself() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random((200, 2)) < 0.3
    constant = np.full((200, 2), 0.3)
    assert not metrics.says_more(truth, constant, constant)
    assert metrics.says_more(truth, np.where(truth, 0.6, 0.2), constant)


# Learning


def test_the_loss_is_the_mean_over_labels_and_weights_count_for_true_ones() -> None:
    logits, targets = torch.zeros(2, 1, 3), torch.tensor([[1.0, 0.0, 0.0]])
    plain = several(3).loss(logits, targets, None, 0.0)
    assert float(plain) == pytest.approx(np.log(2))
    weighed = several(3).loss(logits, targets, torch.tensor([4.0, 9.0, 9.0]), 0.0)
    assert float(weighed) == pytest.approx(np.log(2) * (4 + 1 + 1) / 3)


def test_weights_of_labels() -> None:
    assert several(3).weights("balanced") == pytest.approx([4.0, 4.0, 4.0])
    assert several(3).weights({"b": 2.5}) == pytest.approx([1.0, 2.5, 1.0])
    assert several(3).weights(None) is None


def test_each_label_has_a_regression_of_its_own() -> None:
    draw = np.random.default_rng(0)
    rows = dense(draw.normal(size=(40, 3)))
    known = torch.from_numpy((draw.random((40, 2)) < 0.4).astype(np.float64))
    both = Regression.zero(3, several(2)).fitted(rows, known, 3.0)
    for label in range(2):
        alone = Regression.zero(3, several(1)).fitted(rows, known[:, label : label + 1], 3.0)
        torch.testing.assert_close(both.matrix[:, label], alone.matrix[:, 0], atol=1e-4, rtol=1e-3)


def test_what_is_above_the_threshold_is_predicted() -> None:
    found = Prediction(np.array([[0.4, 0.2, 0.9], [0.1, 0.2, 0.3]]), 0.3)
    assert several(3).written(found) == [["a", "c"], []]
    assert several(3).sureness(found) == pytest.approx([0.4 * 0.8 * 0.9, 0.9 * 0.8 * 0.7])
    table = several(3).columns(examples_of(["x", "y"]), found)
    assert table["label"] == ["a,c", ""] and table["p_c"].tolist() == [0.9, 0.3]


# Whole runs


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("articles") / "articles.csv"
    table_of(*articles(240)).write_csv(path)
    return path


@pytest.fixture(scope="module")
def finished(file: Path) -> Path:
    """A run that was made from the command line."""
    flags = ["--task", "classify", "--multi-label", "--out", str(file.parent / "run")]
    sets = ["model.hidden=4", "model.members=1", "train.max_epochs=12", "train.threads=1"]
    sets += ["train.learning_rate=0.02"]
    done = CliRunner().invoke(
        app, ["run", str(file), *flags, *(p for s in sets for p in ("--set", s))]
    )
    assert done.exit_code == 0, done.output
    assert "may have several labels, divided by '|': 3 labels in 240 examples" in done.output
    assert "decided: a label is predicted where its probability is above" in done.output
    return file.parent / "run"


def test_what_words_say_is_learned(finished: Path) -> None:
    scores = json.loads((finished / "scores.json").read_text())
    assert scores["metric"] == "micro_f1" and scores["test"]["model"]["micro_f1"] > 0.9
    assert set(scores["test"]["baselines"]) == {"majority", "bag_of_words", "ngrams"}
    assert scores["test"]["baselines"]["bag_of_words"]["micro_f1"] > 0.9
    assert scores["test"]["model"]["per_class"].keys() == {"music", "politics", "sport"}
    assert "accuracy" not in scores["test"]["model"] and "micro F1" in scores["verdict"]
    page = (finished / "report.html").read_text()
    assert "Which labels are recognised" in page and "subset accuracy" in page


def test_a_constant_is_decided_by_its_best_threshold(finished: Path) -> None:
    """All labels stand in half of the examples: to say all of them has two thirds."""
    scores = json.loads((finished / "scores.json").read_text())
    assert scores["test"]["baselines"]["majority"]["micro_f1"] == pytest.approx(2 / 3, abs=0.05)


def test_a_loaded_run_predicts_sets(finished: Path, tmp_path: Path) -> None:
    run = ls.load(finished)
    texts = ["the goal and a song", "the goal", "the weather"]
    assert run.predict(texts) == [["music", "sport"], ["sport"], []]
    assert run.labels == ("music", "politics", "sport")
    path = tmp_path / "new.csv"
    pl.DataFrame({"text": texts}).write_csv(path)
    done = CliRunner().invoke(app, ["predict", str(finished), "--data", str(path), "--json"])
    assert json.loads(done.stdout)["labels"] == ["music|sport", "sport", ""]


def test_an_evaluation_reads_labels_as_the_run_does(finished: Path, tmp_path: Path) -> None:
    texts, sets = articles(64)
    new = [f"{text} again" for text in texts]
    path = tmp_path / "new.csv"
    table_of(new, sets).write_csv(path)
    of_file = ls.load(finished).evaluate(path)["test"]["model"]
    assert of_file["micro_f1"] > 0.9
    assert ls.load(finished).evaluate(new, sets)["test"]["model"] == of_file


def test_lines_are_answered_with_all_their_labels(finished: Path) -> None:
    done = CliRunner().invoke(app, ["predict", str(finished)], input="the goal of a song\n")
    assert done.output.splitlines()[-1] == "music|sport"


def test_a_run_on_lists_is_resumed_to_the_bit(tmp_path: Path) -> None:
    texts, sets = articles(80)
    data = examples_of(texts, as_sets(sets))
    settings = {"task": "classify", **SMALL}

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    story.run(settings, tmp_path / "whole", data=data)
    with pytest.raises(Interrupted):
        story.run(settings, tmp_path / "run", data=data, listen=stop)
    story.resume(tmp_path / "run", data)
    for name in ("model.safetensors", "scores.json", "predictions.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_threshold_is_chosen_on_the_validation_split(tmp_path: Path) -> None:
    """Where it is kept, a prediction uses it; without such a part it is 0.5, which is said."""
    texts, sets = articles(80)
    said: list[str] = []
    settings = {"train.max_epochs": 1, "model.hidden": 4, "split.val": 0.0}
    run = ls.Classifier(settings=settings).fit(texts, sets, out=tmp_path / "run", say=said.append)
    assert any("above 0.5, since there is no validation split" in line for line in said)
    assert run.scores["threshold"] == 0.5


def test_few_examples_have_a_validation_split_for_the_threshold() -> None:
    texts, sets = articles(80)
    assert len(story.prepare({"task": "classify"}, examples_of(texts, as_sets(sets))).splits.val)


def test_numbers_that_are_labels_come_back_as_numbers(tmp_path: Path) -> None:
    texts, sets = articles(80)
    numbers = [
        [WORDS.index({"sport": "goal", "politics": "vote", "music": "song"}[s]) for s in each]
        for each in sets
    ]
    settings = {"train.max_epochs": 1, "model.hidden": 4}
    model = ls.Classifier(settings=settings)
    run = model.fit(texts, numbers, out=tmp_path / "run")
    assert run.labels == (0, 1, 2)
    assert all(isinstance(label, int) for each in run.predict(texts) for label in each)
    assert model.score(texts, [each[::-1] for each in run.predict(texts)]) == 1.0


def test_sequences_of_numbers_have_the_statistics_beside_them(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    arrays = draw.normal(size=(90, 6, 2))
    sets = [
        [name for name, mean in zip("ab", each.mean(0), strict=True) if mean > 0] for each in arrays
    ]
    settings = {"train.max_epochs": 1, "model.hidden": 4, "model.members": 1}
    run = ls.Classifier(settings=settings).fit(arrays, sets, out=tmp_path / "run")
    assert set(run.scores["test"]["baselines"]) == {"majority", "statistics"}
    assert "predicts a label from" in run.scores["notes"]["statistics"]


def test_another_part_with_several_labels_is_refused() -> None:
    texts, sets = articles(40)
    many = examples_of(texts, as_sets(sets))
    single = examples_of([f"{text} x" for text in texts], ["a", "b"] * 20)
    with pytest.raises(DataError, match="have several labels, and those of training one each"):
        story.prepare({"task": "classify"}, Given(single, many))


# The data doctor


def test_the_doctor_knows_labels_that_say_nothing(tmp_path: Path) -> None:
    texts, sets = articles(100)
    train = tmp_path / "train.csv"
    table_of(texts, [["all", *each] for each in sets]).write_csv(train)
    test = tmp_path / "test.csv"
    table_of(["some text", "one more"], [["all"], ["music"]]).write_csv(test)
    data = {"multi_label": True, "test_path": str(test)}
    found = {each.code: each for each in ls.check(train, {"task": "classify", "data": data})}
    assert found["always"].where == ("all",)
    assert found["never"].message == "2 of 4 labels stand in no test example"
    assert "no-label" not in found and "imbalance" not in found


def test_the_doctor_counts_examples_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table_of(*articles(80)).write_csv(path)
    found = {e.code: e for e in ls.check(path, {"task": "classify", "data": {"multi_label": True}})}
    assert "training examples have no label" in found["no-label"].message
    table_of([f"text {i}" for i in range(9)], [[]] * 9).write_csv(path)
    with pytest.raises(DataError, match="none of the 7 training examples has a label"):
        story.prepare({"task": "classify", "data": {"multi_label": True}}, path)


# Weights of labels


def weights(value: object) -> Any:
    return ClassifyConfig.model_validate({"train": {"class_weights": value}}).train.class_weights


def test_weights_are_named_by_label_or_balanced() -> None:
    assert weights(True) == weights("balanced") == "balanced" and weights(False) is None
    assert weights({2: 2.0, True: 3}) == {"2": 2.0, "true": 3.0}


def test_weights_that_are_neither_balanced_nor_a_table_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'balanced' or a table such as .* got 'heavy'"):
        ls.Classifier(settings={"train.class_weights": "heavy"})


@pytest.mark.parametrize("weight", [0, -1, float("inf")])
def test_a_weight_that_is_not_above_0_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"the weight of 'good' has to be a number above 0"):
        ls.Classifier(class_weight={"good": weight})


def test_the_weight_of_an_unknown_label_is_refused() -> None:
    data = examples_of([f"text {i}" for i in range(40)], ["good", "bad"] * 20)
    settings = {"task": "classify", "train": {"class_weights": {"god": 2.0}}}
    with pytest.raises(ConfigError, match=r"'god' is no label of .*did you mean 'good'"):
        story.prepare(settings, data)


def test_a_weighed_label_is_learned_at_the_cost_of_others() -> None:
    """The loss of a network that says "bad" with 73 %, whatever it reads."""
    data = examples_of([f"text {i}" for i in range(40)], ["good", "bad"] * 20)
    losses = []
    for value in (None, {"good": 3.0}):
        settings = {"task": "classify", **SMALL, "train": {"class_weights": value, "threads": 1}}
        job = Job(story.prepare({**settings, "model": {"hidden": 4, "dropout": 0.0}}, data), quiet)
        for member in job.model.network.members:
            torch.nn.init.zeros_(member.head.weight)
            member.head.bias.data.copy_(torch.tensor([1.0, 0.0]))  # bad, good
        losses.append(float(job.training.learning.objective(torch.arange(8))[0].detach()))
    bad, good = np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    count = int(job.encoded["train"].arrays.targets[:8].sum())
    assert losses[0] == pytest.approx((count * good + (8 - count) * bad) / 8, abs=1e-4)
    weighed = (3 * count * good + (8 - count) * bad) / (3 * count + 8 - count)
    assert losses[1] == pytest.approx(weighed, abs=1e-4)
