"""Classification from file to report: what is learned, told, refused and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort import workflow
from longshort.config.classify import ClassifyConfig
from longshort.data.labelled import Examples
from longshort.errors import ConfigError, DataError, Interrupted, RunError
from longshort.evaluate import classification as metrics
from longshort.train.events import Event, Stepped
from longshort.workflow.classify import ClassifyJob, load

QUICK: dict[str, Any] = {
    "task": "classify",
    "model": {"hidden": 12, "embedding": 12, "dropout": 0.1},
    "train": {"max_epochs": 6, "learning_rate": 0.01, "batch_size": 16, "threads": 1},
}


def sentences(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """The label is the order of two words: no bag of single words can tell."""
    draw = np.random.default_rng(seed)
    fill = ["lorem", "ipsum", "dolor", "sit", "amet"]
    texts, labels = [], []
    for i in range(count):
        pair = ["before", "after"] if i % 3 else ["after", "before"]
        words = list(draw.choice(fill, draw.integers(2, 9)))
        places = sorted(draw.choice(len(words) + 1, 2, replace=False))
        for place, word in zip(reversed(places), reversed(pair), strict=True):
            words.insert(place, word)
        texts.append(" ".join(words) + f" {i}")
        labels.append("yes" if i % 3 else "no")
    return texts, labels


def waves(count: int, seed: int = 0) -> tuple[list[Any], list[str]]:
    draw = np.random.default_rng(seed)
    items, labels = [], []
    for i in range(count):
        time = np.arange(draw.integers(8, 20))
        rising = 1 if i % 2 else -1
        angle = time + draw.normal()
        values = np.stack([np.sin(rising * angle), np.cos(angle)], 1)
        items.append((values * [1, 30]).astype(np.float32))
        labels.append("up" if i % 2 else "down")
    return items, labels


@pytest.fixture
def table(tmp_path: Path) -> Path:
    texts, labels = sentences(300)
    path = tmp_path / "order.csv"
    pl.DataFrame({"text": texts, "label": labels}).write_csv(path)
    return path


def settings(path: Path | None = None, **changes: Any) -> dict[str, Any]:
    found = {key: dict(value) if isinstance(value, dict) else value for key, value in QUICK.items()}
    for key, value in changes.items():
        section, _, name = key.partition("__")
        found.setdefault(section, {})[name] = value
    if path is not None:
        found.setdefault("data", {})["path"] = str(path)
    return found


def test_from_a_table_to_a_report(table: Path, tmp_path: Path) -> None:
    scores = workflow.run(settings(table), tmp_path / "run")
    assert scores["examples"] == 30 and scores["labels"] == ["no", "yes"]
    assert set(scores["test"]["baselines"]) == {"majority", "bag_of_words"}
    assert scores["test"]["model"]["accuracy"] >= 0.9
    assert scores["test"]["baselines"]["majority"]["accuracy"] == pytest.approx(2 / 3)
    page = (tmp_path / "run" / "report.html").read_text()
    assert scores["verdict"].split(":")[0] in page
    table_of = pl.read_csv(tmp_path / "run" / "predictions.csv")
    assert table_of.height == 30 and table_of["loss"].is_sorted(descending=True)


def test_a_run_comes_back_with_its_answers(table: Path, tmp_path: Path) -> None:
    workflow.run(settings(table), tmp_path / "run")
    trained = load(tmp_path / "run")
    stored = pl.read_csv(tmp_path / "run" / "predictions.csv")
    found = trained.predict(stored["text"].to_list())
    assert found["label"].to_list() == stored["predicted"].to_list()
    highest = found.select(pl.max_horizontal("p_no", "p_yes")).to_series().to_numpy()
    np.testing.assert_allclose(highest, stored["probability"].to_numpy(), atol=1e-6)


def test_numbers_over_time(tmp_path: Path) -> None:
    items, labels = waves(200)
    data = Examples("waves", items, labels, [f"series {i}" for i in range(200)])
    scores = workflow.run(settings(model__dropout=0.0), tmp_path / "run", data=data)
    assert scores["test"]["model"]["accuracy"] >= 0.9
    assert "statistics" in scores["test"]["baselines"]
    with pytest.raises(DataError, match=r"item 0: an array \[T, 2\] is expected, got \(5, 3\)"):
        load(tmp_path / "run").predict([np.zeros((5, 3), np.float32)])
    with pytest.raises(DataError, match="item 0: the run classifies arrays"):
        load(tmp_path / "run").predict(["text"])


class _Stop(Exception):
    pass


def test_an_interrupted_run_goes_on_to_the_same_bits(table: Path, tmp_path: Path) -> None:
    chosen = settings(table, train__save_every=0.0)
    workflow.run(chosen, tmp_path / "whole")

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 40:
            raise _Stop

    with pytest.raises(_Stop):
        workflow.run(chosen, tmp_path / "torn", listen=stop)
    workflow.resume(tmp_path / "torn")
    for name in ("model.safetensors", "metrics.jsonl", "predictions.csv", "scores.json"):
        assert (tmp_path / "torn" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_other_data_are_refused_on_resume(table: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            raise _Stop

    with pytest.raises(_Stop):
        workflow.run(settings(table), tmp_path / "run", listen=stop)
    table.write_text(table.read_text().replace("lorem", "other"))
    with pytest.raises(RunError, match="not the data that the run began with"):
        workflow.resume(tmp_path / "run")


def test_the_vocabulary_is_the_training_part_s(table: Path) -> None:
    job = ClassifyJob.prepare(
        ClassifyConfig.model_validate(settings(table)), str(table), lambda _: None
    )
    known = job.task.fitted.vocabulary
    assert known is not None
    numbers = [text.split()[-1] for text in map(str, job.parts.test.items)]
    assert not any(number in known for number in numbers)


def test_validation_and_test_files(table: Path, tmp_path: Path) -> None:
    texts, labels = sentences(40, seed=9)
    other = tmp_path / "test.csv"
    pl.DataFrame({"text": texts, "label": labels}).write_csv(other)
    scores = workflow.run(settings(table, data__test_path=str(other)), tmp_path / "run")
    assert scores["examples"] == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,x\nb,x\nc,x\nd,x\n", "have the label 'x'; there is nothing to tell apart"),
        ("text,label\na,x\nb,y\n", "no example is left for the val part: 2 of 2"),
    ],
)
def test_data_that_teach_nothing_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        workflow.run(settings(path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_label_that_training_lacks_is_named(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "test.csv"
    other.write_text("text,label\nhello,maybe\n")
    with pytest.raises(DataError, match="line 2: the label 'maybe' does not occur in the training"):
        workflow.run(settings(table, data__test_path=str(other)), tmp_path / "run")


def test_a_setting_of_another_task_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'model.horizon'"):
        workflow.run(settings(table, model__horizon=3), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"task: 'clasify' is not known.*classify"):
        workflow.run({"task": "clasify"}, tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        {"model__pooling": "attention"},
        {"model__pooling": "last", "model__bidirectional": False},
        {"model__convolution": 8},
        {"model__cell": "gru", "model__num_layers": 2},
        {"model__word_dropout": 0.3},
        {"model__recurrent_dropout": 0.2},
        {"text__tokens": "characters"},
        {"text__max_length": 4},
        {"text__min_count": 3},
        {"train__class_weights": True},
        {"train__label_smoothing": 0.2},
    ],
    ids=lambda change: " ".join(change),
)
def test_every_option_changes_the_answers(
    table: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    changed = settings(table, **change, train__max_epochs=2)
    plain = settings(table, train__max_epochs=2)
    found = [
        workflow.run(each, tmp_path / str(i))["test"]["model"]["log_loss"]
        for i, each in enumerate((plain, changed))
    ]
    assert found[0] != found[1]


# Pretrained vectors


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Vectors of three values, as word2vec writes them."""
    path = tmp_path / "words.vec"
    lines = ["4 3", "before 1 0 0", "after -1 0 0", "lorem 0 0.5 0", "elsewhere 9 9 9"]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_embedding_starts_from_vectors(table: Path, vectors: Path) -> None:
    said: list[str] = []
    chosen = settings(table, model__vectors=str(vectors), text__min_count=2)
    del chosen["model"]["embedding"]
    job = ClassifyJob.prepare(ClassifyConfig.model_validate(chosen), str(table), said.append)
    known, embedding = job.task.fitted.vocabulary, job.task.network.embedding
    assert known is not None and embedding is not None and job.config.model.embedding == 3
    weight = embedding.weight[torch.tensor(known.encode(["before", "after", "lorem"]))]
    assert weight.tolist() == [[1, 0, 0], [-1, 0, 0], [0, 0.5, 0]]
    assert not embedding.weight[0].any() and embedding.weight.requires_grad
    assert f"vectors: 3 of {len(known) - 2} known tokens have one" in said


def test_frozen_vectors_stay_and_come_back_without_their_file(
    table: Path, vectors: Path, tmp_path: Path
) -> None:
    chosen = settings(table, model__vectors=str(vectors), model__freeze=True)
    del chosen["model"]["embedding"]
    workflow.run(chosen, tmp_path / "run")
    vectors.unlink()
    trained = load(tmp_path / "run")
    known, embedding = trained.fitted.vocabulary, trained.network.embedding
    assert known is not None and embedding is not None
    assert embedding.weight[known.encode(["after"])[0]].tolist() == [-1, 0, 0]
    assert trained.predict(["lorem before after"]).height == 1


def test_vectors_that_do_not_fit_are_refused(table: Path, vectors: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"embedding: is 12, and the vectors of .* have 3 values"):
        workflow.run(settings(table, model__vectors=str(vectors)), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"freeze keeps pretrained vectors.*model\.vectors"):
        workflow.run(settings(table, model__freeze=True), tmp_path / "run")
    items, labels = waves(20)
    data = Examples("waves", items, labels, [""] * 20)
    with pytest.raises(ConfigError, match=r"model\.vectors: are of words, and waves holds numbers"):
        workflow.run(settings(model__vectors=str(vectors)), tmp_path / "run", data=data)
    vectors.write_text("foreign 1 2 3\n")
    chosen = settings(table, model__vectors=str(vectors))
    del chosen["model"]["embedding"]
    with pytest.raises(DataError, match="has a vector for none of the"):
        workflow.run(chosen, tmp_path / "run")


# The command line


def test_the_command_line(table: Path, tmp_path: Path) -> None:
    run = [sys.executable, "-m", "longshort"]
    flags = ["--task", "classify", "--set", "model.hidden=12", "--set", "train.max_epochs=2"]
    out = tmp_path / "run"
    done = subprocess.run(
        [*run, "run", str(table), *flags, "--out", str(out), "--json"],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    assert json.loads(done.stdout)["task"] == "classify"
    lines = "lorem before ipsum after\namet after sit before\n\n"
    done = subprocess.run(
        [*run, "predict", str(out)], input=lines, capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 3 and set(done.stdout.split()) <= {"yes", "no"}
    done = subprocess.run(
        [*run, "predict", str(out), "--horizon", "3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "--horizon: is for forecasts" in done.stderr


def test_files_are_predicted_as_they_were_read(tmp_path: Path) -> None:
    items, labels = waves(60)
    rows = [
        {"id": i, "time": t, "a": float(x[0]), "b": float(x[1]), "label": label}
        for i, (item, label) in enumerate(zip(items, labels, strict=True))
        for t, x in enumerate(item)
    ]
    table = pl.DataFrame(rows)
    table.write_csv(tmp_path / "long.csv")
    out = tmp_path / "run"
    workflow.run(settings(tmp_path / "long.csv", model__dropout=0.0, train__max_epochs=3), out)
    # The features are named by the run: another order of columns changes nothing.
    table.select("b", "a", "time", "id").write_parquet(tmp_path / "new.parquet")
    trained = load(out)
    found = trained.predict_examples(trained.read(tmp_path / "new.parquet"))
    assert found.equals(trained.predict(items))
    with pytest.raises(DataError, match="has no column 'b'"):
        table.drop("b").write_csv(tmp_path / "less.csv")
        trained.read(tmp_path / "less.csv")
    done = subprocess.run(
        [sys.executable, "-m", "longshort", "predict", str(out), "--data",
         str(tmp_path / "new.parquet"), "--out", str(tmp_path / "found.csv")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "wrote 60 rows" in done.stdout
    assert pl.read_csv(tmp_path / "found.csv")["place"][1] == f"id '1' (row {len(items[0])})"


def test_labels_in_front_of_lines_are_not_taken_for_text(table: Path, tmp_path: Path) -> None:
    workflow.run(settings(table, train__max_epochs=1), tmp_path / "run")
    trained = load(tmp_path / "run")
    path, said = tmp_path / "new.txt", list[str]()
    path.write_text("yes lorem before after\nno amet after sit\n")
    assert trained.read(path, said.append).items == ["lorem before after", "amet after sit"]
    assert "begins with a label" in said[0]
    path.write_text("yes lorem before after\namet after sit\n")
    assert trained.read(path).items == ["yes lorem before after", "amet after sit"]


# Scores


def test_scores_of_a_known_table() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1],
                  [0.1, 0.8, 0.1], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7]])  # fmt: skip
    table = metrics.confusion(truth, p.argmax(1), 3)
    assert table.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    each = metrics.per_class(table)
    np.testing.assert_allclose(each["precision"], [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(each["recall"], [2 / 3, 1 / 2, 1])
    found = metrics.scores(truth, p)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    exact = -np.log([0.8, 0.6, 0.2, 0.8, 0.5 * 0.8, 0.7])
    exact[4] = -np.log(0.4)
    assert found["log_loss"] == pytest.approx(exact.mean())


def test_calibration_error_of_a_model_that_is_too_sure() -> None:
    truth = np.array([0] * 60 + [1] * 40)
    p = np.tile([0.9, 0.1], (100, 1))
    assert metrics.calibration_error(truth, p) == pytest.approx(0.3)
    assert metrics.calibration_error(truth, np.tile([0.6, 0.4], (100, 1))) == pytest.approx(0.0)


def test_a_label_that_never_occurs_does_not_count_in_macro_f1() -> None:
    p = np.eye(3)[[0, 1, 1]] * 0.98 + 0.01 / 3
    assert metrics.scores(np.array([0, 1, 1]), p)["macro_f1"] == 1.0


def test_rivals_are_deterministic(table: Path, tmp_path: Path) -> None:
    scores = [
        workflow.run(settings(table, train__max_epochs=1), tmp_path / str(i)) for i in range(2)
    ]
    assert scores[0] == scores[1]
    assert torch.isfinite(torch.tensor(scores[0]["test"]["baselines"]["bag_of_words"]["log_loss"]))


def test_ctrl_c_saves(table: Path, tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 3:
            os.kill(os.getpid(), 2)

    with pytest.raises(Interrupted, match="train --resume"):
        workflow.run(settings(table), tmp_path / "run", listen=interrupt)
    assert workflow.resume(tmp_path / "run")["examples"] == 30
