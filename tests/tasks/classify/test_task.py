"""Classification from file to report: what is learned, told, refused and kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import longshort as ls
from longshort.data.labelled import Examples, examples_of
from longshort.errors import ConfigError, DataError, RunError
from longshort.metrics import classification as metrics
from longshort.nn.blocks.summary import Summary
from longshort.runfolder import RunFolder
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.seal import seal
from longshort.runs.story import prepare
from longshort.runs.task import Baseline, Model
from longshort.runs.tensors import TorchCalls, on_device
from longshort.runs.trained import load
from longshort.runs.verdict import scored, scores_of
from longshort.tasks.classify.config import ClassifyConfig, ClassifyModel
from longshort.tasks.classify.encoder import ClassifyEncoder, Sequences
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.inference import probabilities
from longshort.tasks.classify.learning import ClassifyLearning
from longshort.tasks.classify.logits import logits_of
from longshort.tasks.classify.network import Classifier
from longshort.tasks.classify.targets import Prediction
from longshort.tasks.classify.task import ClassifyTask
from longshort.train.events import Event, Stepped
from longshort.train.optimise import clip
from tests.commands import longshort, started
from tests.jobs import job_of, trained_job
from tests.settings import with_changes

QUICK: dict[str, Any] = {
    "task": "classify",
    "model": {"members": 1, "hidden": 12, "embedding": 12, "dropout": 0.1},
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
    return with_changes(QUICK, path, **changes)


def of_numbers(path: Path | None = None, **changes: Any) -> dict[str, Any]:
    """The same without what is of texts."""
    found = settings(path, **changes)
    del found["model"]["embedding"]
    return found


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that tells the order of two words."""
    texts, labels = sentences(300)
    folder = tmp_path_factory.mktemp("ordered")
    pl.DataFrame({"text": texts, "label": labels}).write_csv(folder / "order.csv")
    story.run(settings(folder / "order.csv"), folder / "run")
    return folder / "run"


def test_from_a_table_to_a_report(ordered: Path) -> None:
    scores = json.loads((ordered / "scores.json").read_text())
    assert scores["examples"] == 30 and scores["labels"] == ["no", "yes"]
    assert set(scores["test"]["baselines"]) == {"majority", "bag_of_words", "ngrams"}
    assert scores["test"]["model"]["accuracy"] >= 0.9
    assert scores["test"]["baselines"]["majority"]["accuracy"] == pytest.approx(2 / 3)
    page = (ordered / "report.html").read_text()
    assert scores["verdict"].split(":")[0] in page
    table_of = pl.read_csv(ordered / "predictions.csv")
    assert table_of.height == 30 and table_of["loss"].is_sorted(descending=True)


def test_a_run_comes_back_with_its_answers(ordered: Path) -> None:
    trained = load(ordered)
    stored = pl.read_csv(ordered / "predictions.csv")
    found = trained.table(trained.read(stored["text"].to_list()))
    assert found["label"].to_list() == stored["predicted"].to_list()
    highest = found.select(pl.max_horizontal("p_no", "p_yes")).to_series().to_numpy()
    np.testing.assert_allclose(highest, stored["probability"].to_numpy(), atol=1e-6)


def test_numbers_over_time(tmp_path: Path) -> None:
    items, labels = waves(200)
    data = Examples("waves", items, labels, [f"series {i}" for i in range(200)])
    scores = story.run(of_numbers(model__dropout=0.0), tmp_path / "run", data=data)
    assert scores["test"]["model"]["accuracy"] >= 0.9
    assert "statistics" in scores["test"]["baselines"]
    with pytest.raises(DataError, match=r"item 0: an array \[T, 2\] is expected, got \(5, 3\)"):
        ls.load(tmp_path / "run").predict([np.zeros((5, 3), np.float32)])
    with pytest.raises(DataError, match="item 0: the run reads arrays"):
        ls.load(tmp_path / "run").predict(["text"])


class _Stop(Exception):
    pass


def test_other_data_are_refused_on_resume(table: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            raise _Stop

    with pytest.raises(_Stop):
        story.run(settings(table), tmp_path / "run", listen=stop)
    table.write_text(table.read_text().replace("lorem", "other"))
    with pytest.raises(RunError, match="not the data that the run began with"):
        story.resume(tmp_path / "run")


def test_the_vocabulary_is_the_training_split_s(table: Path) -> None:
    prepared = prepare(settings(table))
    known = prepared.encoder.vocabulary
    assert known is not None
    numbers = [text.split()[-1] for text in map(str, prepared.splits.test.items)]
    assert not any(number in known for number in numbers)


def test_validation_and_test_files(table: Path, tmp_path: Path) -> None:
    texts, labels = sentences(40, seed=9)
    other = tmp_path / "test.csv"
    pl.DataFrame({"text": texts, "label": labels}).write_csv(other)
    prepared = prepare(settings(table, data__test_path=str(other)))
    assert len(prepared.splits.test) == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,x\nb,x\nc,x\nd,x\n", "the label 'x'; give examples of at least two"),
        ("text,label\na,x\nb,y\n", "no example is left for the test split: 2 of 2"),
    ],
)
def test_data_that_teach_nothing_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        story.run(settings(path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_label_that_training_lacks_is_named(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "test.csv"
    other.write_text("text,label\nhello,maybe\n")
    message = r"have a label that the training split lacks \(test.csv, line 2: 'maybe'\)"
    with pytest.raises(DataError, match=message):
        story.run(settings(table, data__test_path=str(other)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def steps(count: int, first: int = 0) -> pl.DataFrame:
    """A long table: channel a tells the label, channel b is noise, large."""
    draw = np.random.default_rng(first)
    rows = [
        {"id": i, "time": t, "a": (-1.0) ** i, "b": 100 * draw.normal(), "label": f"{i % 2}"}
        for i in range(first, first + count)
        for t in range(4)
    ]
    return pl.DataFrame(rows)


def test_channels_of_other_files_are_found_by_name(tmp_path: Path) -> None:
    steps(60).write_csv(tmp_path / "train.csv")
    for part, first in (("val", 60), ("test", 80)):
        swapped = steps(20, first).select("b", "a", "label", "time", "id")
        swapped.write_csv(tmp_path / f"{part}.csv")
    chosen = of_numbers(
        tmp_path / "train.csv",
        data__val_path=str(tmp_path / "val.csv"),
        data__test_path=str(tmp_path / "test.csv"),
    )

    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            raise _Stop

    with pytest.raises(_Stop):
        story.run(chosen, tmp_path / "run", listen=stop)
    scores = story.resume(tmp_path / "run")
    assert scores["test"]["model"]["accuracy"] == 1.0
    again = load(tmp_path / "run").evaluate(tmp_path / "test.csv")
    assert again["test"] == scores["test"]


def test_what_was_read_is_said_and_kept_for_other_files(tmp_path: Path) -> None:
    frame = steps(60).rename({"id": "who", "time": "t"})
    frame.write_csv(tmp_path / "data.txt")
    said: list[str] = []
    chosen = of_numbers(tmp_path / "data.txt", data__format="long", data__id="who")
    story.run(chosen, tmp_path / "run", say=said.append)
    decided = next(line for line in said if line.startswith("decided: "))
    assert "data.label = label" in decided and "data.time = t" in decided
    assert "data.features = a, b" in decided and "train.choose = last" in decided
    assert "data.format" not in decided and "data.id" not in decided  # they were given
    trained = load(tmp_path / "run")
    assert (trained.config.data.format, trained.config.data.id) == ("long", "who")
    for name in ("new.txt", "new.csv", "new"):
        frame.drop("label").write_csv(tmp_path / name)
        assert trained.read(tmp_path / name).width == 2
    np.savez(tmp_path / "new.npz", x=np.zeros((3, 4, 2)))
    assert len(trained.read(tmp_path / "new.npz")) == 3


def test_a_setting_of_another_task_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'model.horizon'"):
        story.run(settings(table, model__horizon=3), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"task: 'clasify' is not known.*classify"):
        story.run({"task": "clasify"}, tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        {"model__members": 2},
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
        {"model__hidden": 10},
        {"model__grams": False},
        {"model__embedding": 10},
        {"model__dropout": 0.3},
        {"model__convolution": 8, "model__kernel": 5},
        {"model__cell_options": {"peephole": True}},
        {"text__max_vocab": 6},
        {"text__lowercase": False},
        {"train__learning_rate": 0.02},
        {"train__batch_size": 8},
        {"train__optimizer": "adam", "train__l2": 0.01},
        {"split__seed": 1},
        {"split__val": 0.3},
        {"split__stratify": False},
    ],
    ids=lambda change: " ".join(change),
)
def test_every_option_changes_the_answers(
    mixed: Path, plain: float, change: dict[str, Any]
) -> None:
    assert log_loss(settings(mixed, **change)) != plain


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences in which some words are written in capitals."""
    texts, labels = sentences(100)
    path = tmp_path_factory.mktemp("mixed") / "order.csv"
    texts = [text.replace("before", "BEFORE") if i % 2 else text for i, text in enumerate(texts)]
    pl.DataFrame({"text": texts, "label": labels}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def plain(mixed: Path) -> float:
    """The test's log loss without any option."""
    return log_loss(settings(mixed))


def log_loss(chosen: dict[str, Any], data: object = None) -> float:
    """Of the test split after two epochs, without baselines and report."""
    chosen["train"] |= {"max_epochs": 2}
    job = trained_job(chosen, data)
    test = job.encoded["test"]
    answers = job.task.predict(job.model, test.arrays)
    return float(job.task.score(job.model, test.samples, answers).values["log_loss"])


@pytest.mark.parametrize(
    "change",
    [
        {"data__scaling": "all"},
        {"model__convolution": 4},
        {"model__convolutions": 1},
        {"model__stride": 2},
        {"model__stretches": 2},
        {"model__summary": True},
    ],
    ids=lambda change: " ".join(change),
)
def test_every_option_of_numbers_changes_the_answers(change: dict[str, Any]) -> None:
    items, labels = waves(60)
    data = Examples("waves", items, labels, [f"series {i}" for i in range(60)])
    assert log_loss(of_numbers(**change), data) != log_loss(of_numbers(), data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text__min_count": 2}, r"text\.min_count: is of texts, and waves holds numbers"),
        ({"model__word_dropout": 0.3}, r"model\.word_dropout: is of texts"),
        (
            {"model__convolution": 0, "model__kernel": 5},
            r"model\.kernel: is of the convolution; set model\.convolution too",
        ),
        ({"data__pixels": "pixels"}, r"data\.pixels: is of images in IDX files"),
        ({"data__time": "ds"}, r"data\.time: names a column that is not looked at in waves"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_setting_that_could_not_act_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    items, labels = waves(30)
    data = Examples("waves", items, labels, [""] * 30)
    with pytest.raises(ConfigError, match=message):
        story.run(of_numbers(**change), tmp_path / "run", data=data)


def test_a_share_beside_a_file_of_the_part_is_refused(table: Path, tmp_path: Path) -> None:
    chosen = settings(table, data__test_path=str(table), split__test=0.3)
    with pytest.raises(ConfigError, match=r"split\.test: is the share of a split that has a file"):
        story.run(chosen, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"data\.scaling: is of numbers, and .* holds texts"):
        story.run(settings(table, data__scaling="all"), tmp_path / "run")


def test_case_is_not_of_bytes(table: Path, tmp_path: Path) -> None:
    chosen = settings(table, text__tokens="bytes", text__lowercase=False)
    with pytest.raises(ConfigError, match=r"text\.lowercase: is not of bytes tokens"):
        story.run(chosen, tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data__features": "a"}, r"data\.features: is of long tables"),
        ({"data__delimiter": ";"}, r"data\.delimiter: is of CSV files"),
    ],
)
def test_columns_of_what_has_none_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    items, labels = waves(30)
    np.savez(tmp_path / "w.npz", x=np.stack([item[:4] for item in items]), y=np.array(labels))
    with pytest.raises(ConfigError, match=message):
        story.run(of_numbers(tmp_path / "w.npz", **change), tmp_path / "run")


def test_the_draw_of_parts_that_are_given_is_refused(table: Path, tmp_path: Path) -> None:
    chosen = settings(table, data__test_path=str(table), data__val_path=str(table), split__seed=1)
    with pytest.raises(ConfigError, match=r"split\.seed: is of splits that are drawn"):
        story.run(chosen, tmp_path / "run")


def test_weights_of_labels_choose_the_epoch_too(table: Path) -> None:
    job = job_of(settings(table, train__class_weights=True, split__val=0.1))
    with torch.no_grad():
        for member in job.model.network.members:
            member.head.weight.zero_()
            member.head.bias.copy_(torch.tensor([-1.0, 1.0]))  # always the frequent label
    assert job.model.encoder.labels == ("no", "yes")
    assert job.task.validate(job.model, job.encoded["val"]) == pytest.approx(0.5, abs=0.05)
    assert job.training.learning.measure == "error (1 - accuracy, labels weighed)"


@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_networks_together_learn_as_each_would_alone(table: Path, clip_norm: float | None) -> None:
    def learning(members: int) -> ClassifyLearning:
        still = {"model__dropout": 0.0, "model__word_dropout": 0.0, "model__grams": False}
        chosen = settings(table, model__members=members, train__clip_norm=clip_norm, **still)
        found = job_of(chosen).training.learning
        assert isinstance(found, ClassifyLearning)
        return found

    def gradients(each: ClassifyLearning) -> list[Tensor]:
        told, minimised = each.objective(torch.arange(8))
        torch.autograd.backward(minimised)
        for weights in each.clipped():
            clip(weights, each.model.config.train)
        found = [weight.grad for weight in each.model.network.members[-1].parameters()]
        return [told.detach(), *(grad for grad in found if grad is not None)]

    both, alone = learning(2), learning(1)
    network = both.model.network
    alone.model.network.members[0].load_state_dict(network.members[1].state_dict())
    _, *expected = gradients(alone)
    told, *found = gradients(both)
    assert len(found) == len(expected) > 5
    torch.testing.assert_close(found, expected)
    batch = on_device(both.train.arrays.batch(np.arange(8)), "cpu")
    losses = [functional.cross_entropy(one, batch.targets) for one in logits_of(network, batch)]
    torch.testing.assert_close(told, sum(losses) / 2)


def test_an_epoch_ends_after_the_steps_that_were_asked_for(table: Path) -> None:
    steps: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Stepped):
            steps.append(event.step)

    chosen = settings(table, train__steps_per_epoch=2, train__max_epochs=3)
    job_of(chosen).train(None, listen, resume=False)
    assert steps == [1, 2, 3, 4, 5, 6]


# Honesty


def test_nothing_fitted_sees_validation_and_test_examples(table: Path, tmp_path: Path) -> None:
    texts, labels = sentences(60, seed=5)
    found = []
    for name, changed in (("a", texts), ("b", [f"{text} UNSEEN 77" for text in texts])):
        pl.DataFrame({"text": changed, "label": labels}).write_csv(tmp_path / f"{name}.csv")
        other = str(tmp_path / f"{name}.csv")
        chosen = settings(table, data__val_path=other, data__test_path=other)
        job = job_of(chosen)
        found.append((job.model.encoder, job.model.network.state_dict()))
    assert found[0][0].to_dict() == found[1][0].to_dict()
    assert found[0][0].vocabulary.tokens == found[1][0].vocabulary.tokens
    assert all(torch.equal(w, found[1][1][name]) for name, w in found[0][1].items())


def test_scales_are_the_training_split_s() -> None:
    items, labels = waves(40)
    train = Examples("t", items, labels, [""] * 40)
    channel = ClassifyEncoder.fit(train, ClassifyConfig())
    together = np.concatenate(items).astype(float)
    np.testing.assert_allclose(channel.reader.mean, together.mean(0))
    np.testing.assert_allclose(channel.reader.deviation, together.std(0))
    every = ClassifyEncoder.fit(train, ClassifyConfig.model_validate({"data": {"scaling": "all"}}))
    np.testing.assert_allclose(every.reader.deviation, [together.std()] * 2)


def test_images_are_scaled_by_one_for_all_channels(tmp_path: Path) -> None:
    def idx(values: np.ndarray) -> bytes:
        sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
        return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()

    images = np.random.default_rng(0).integers(0, 255, (40, 3, 2))
    (tmp_path / "x-images-idx3").write_bytes(idx(images))
    (tmp_path / "x-labels-idx1").write_bytes(idx(np.arange(40) % 2))
    prepared = prepare(of_numbers(tmp_path / "x-images-idx3"))
    assert prepared.config.data.scaling == "all" and len(set(prepared.encoder.reader.mean)) == 1


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("convolution", [0, 4])
def test_a_classifier_never_sees_padding(pooling: str, convolution: int) -> None:
    torch.manual_seed(0)
    model = ClassifyModel.model_validate(
        {"hidden": 6, "embedding": 5, "num_layers": 2, "pooling": pooling,
         "convolution": convolution, "kernel": 3}
    )  # fmt: skip
    network = Classifier(model, 3, tokens=20, features=None).eval()
    numbers = torch.randint(1, 20, (9, 2))
    whole = network(numbers, torch.tensor([9, 3]))
    torch.testing.assert_close(whole[:, 1], network(numbers[:3, 1:], torch.tensor([3]))[:, 0])


def test_networks_from_different_beginnings_give_the_mean_of_their_probabilities() -> None:
    torch.manual_seed(0)
    model = ClassifyModel(members=3, hidden=6, embedding=5)
    network = Classifier(model, 4, tokens=20, features=None).eval()
    numbers, lengths = torch.randint(1, 20, (9, 2)), torch.tensor([9, 3])
    each = torch.stack([member(numbers, lengths).softmax(-1) for member in network.members])
    items = [numbers[:n, b].tolist() for b, n in enumerate(lengths)]
    samples = Sequences(items, np.zeros(0, dtype=np.int64))
    targets = Exclusive(tuple("abcd"), (1,) * 4, 4, "text")
    together = probabilities(TorchCalls(network, "cpu").call, targets, samples)
    torch.testing.assert_close(torch.from_numpy(together).float(), each.mean(0))
    assert each.std(0).min() > 0


def test_a_summary_is_of_a_sequence_s_own_steps() -> None:
    x = torch.tensor([[[1.0, -2.0]], [[3.0, -2.0]], [[99.0, 99.0]]])
    found = Summary()(x, torch.tensor([2]))
    expected = torch.tensor([[2.0, -2.0, 1.0, 0.001, 1.0, -2.0, 3.0, -2.0]])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_table_of_confusions_has_the_truth_in_rows() -> None:
    p = np.eye(2)[[1, 1, 1, 0]] * 0.8 + 0.1
    examples = Examples("t", ["w"] * 4, ["a", "a", "b", "a"], [""] * 4)
    encoder = ClassifyEncoder.fit(Examples("t", waves(4)[0], list("abab"), []), ClassifyConfig())
    task, model = ClassifyTask(), Model(ClassifyConfig(), encoder, None)
    own = Prediction(p)
    found = scored(task, model, examples, own, {"majority": Baseline(own, "the most frequent")})
    assert scores_of(task, model, "LSTM", found)["confusion"] == [[1, 2], [0, 1]]


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
    chosen = settings(table, model__members=2, model__vectors=str(vectors), text__min_count=2)
    del chosen["model"]["embedding"]
    job = Job(prepare(chosen), said.append)
    known, embeddings = job.model.encoder.vocabulary, job.model.network.embeddings
    assert known is not None and len(embeddings) == 2 and job.config.model.embedding == 3
    for embedding in embeddings:
        weight = embedding.weight[torch.tensor(known.encode(["before", "after", "lorem"]))]
        assert weight.tolist() == [[1, 0, 0], [-1, 0, 0], [0, 0.5, 0]]
        assert not embedding.weight[0].any() and embedding.weight.requires_grad
    assert f"vectors: 3 of {len(known) - 2} known tokens have one" in said


def test_frozen_vectors_stay_and_come_back_without_their_file(
    table: Path, vectors: Path, tmp_path: Path
) -> None:
    chosen = settings(table, model__vectors=str(vectors), model__freeze=True)
    del chosen["model"]["embedding"]
    story.run(chosen, tmp_path / "run")
    vectors.unlink()
    trained = load(tmp_path / "run")
    known, embedding = trained.encoder.vocabulary, trained.model.network.embeddings[0]
    assert known is not None
    assert embedding.weight[known.encode(["after"])[0]].tolist() == [-1, 0, 0]
    assert trained.predict(trained.read(["lorem before after"])).p.shape == (1, 2)


def test_vectors_that_do_not_fit_are_refused(table: Path, vectors: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"embedding: is 12, and the vectors of .* have 3 values"):
        story.run(settings(table, model__vectors=str(vectors)), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"freeze keeps pretrained vectors.*model\.vectors"):
        story.run(settings(table, model__freeze=True), tmp_path / "run")
    items, labels = waves(20)
    data = Examples("waves", items, labels, [""] * 20)
    with pytest.raises(ConfigError, match=r"model\.vectors: is of texts, and waves holds numbers"):
        story.run(of_numbers(model__vectors=str(vectors)), tmp_path / "run", data=data)
    vectors.write_text("foreign 1 2 3\n")
    chosen = settings(table, model__vectors=str(vectors))
    del chosen["model"]["embedding"]
    with pytest.raises(DataError, match="has a vector for none of the"):
        story.run(chosen, tmp_path / "run")


# A tokenizer's file


def test_a_run_keeps_its_tokenizer(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"?": 0, "before": 1, "after": 2}, unk_token="?")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tok.json"))
    monkeypatch.chdir(tmp_path)
    chosen = settings(table, text__tokens="tokenizer:tok.json")
    story.run(chosen, tmp_path / "run")
    (tmp_path / "tok.json").unlink()
    monkeypatch.chdir("/")
    found = ls.load(tmp_path / "run").predict(["lorem before ipsum after", "after sit before"])
    assert found.tolist() == ["yes", "no"]


# The command line


def test_the_command_line(table: Path, tmp_path: Path) -> None:
    flags = ["--task", "classify", "--set", "model.hidden=4", "--set", "train.max_epochs=1"]
    out = tmp_path / "run"
    done = longshort("run", table, *flags, "--out", out, "--json")
    assert json.loads(done.stdout)["task"] == "classify"
    lines = "lorem before ipsum after\namet after sit before\n\n"
    done = started("predict", out, given=lines)
    assert len(done.stdout.splitlines()) == 3 and set(done.stdout.split()) <= {"yes", "no"}
    done = longshort("predict", out, "--horizon", "3")
    assert done.returncode == 2 and "--horizon: is for forecasts" in done.stderr


def test_numbers_are_refused_from_stdin_before_it_is_read(tmp_path: Path) -> None:
    items, labels = waves(30)
    data = Examples("waves", items, labels, [""] * 30)
    story.run(of_numbers(train__max_epochs=1), tmp_path / "run", data=data)
    done = longshort("predict", str(tmp_path / "run"), given="")
    assert done.returncode == 2
    assert "--data: the run classifies numbers over time; give a file of them" in done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on labels that have $, Chinese characters and a comma in their names."""
    folder = tmp_path_factory.mktemp("odd")
    labels = ["$under $10$_^", "好的", "other"] * 20
    texts = [f"{'abc'[i % 3]} {i}" for i in range(60)]
    pl.DataFrame({"text": texts, "label": labels}).write_csv(folder / "t.csv")
    story.run(settings(folder / "t.csv", train__max_epochs=1), folder / "run")
    return folder / "run"


def test_labels_stand_in_the_report_as_they_are(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert page.count("$under $10$_^</text>") >= 1 and "好的</text>" in page


def test_stdin_is_utf_8_with_any_line_ends(finished: Path, tmp_path: Path) -> None:
    plain = longshort("predict", str(finished), given=b"a b c\nc\n")
    other = longshort("predict", str(finished), given=b"a b c\r\nc\r\n")
    assert (other.stdout, other.stderr) == (plain.stdout, plain.stderr)
    broken = longshort("predict", str(finished), given=b"a b c\ncaf\xe9\n")
    assert broken.returncode == 2
    assert "stdin: line 2: byte 4 of the line (0xe9) is not UTF-8" in broken.stderr


def test_a_closed_stdin_and_a_narrow_encoding_are_no_traceback(finished: Path) -> None:
    command = f"{sys.executable} -m longshort predict {finished} <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: stdin: is closed")
    done = subprocess.run(
        [sys.executable, "-m", "longshort", "cell", "LSTM"],
        capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert b"\\u03c3" in done.stdout


def test_predictions_as_json_say_where_and_how_likely(finished: Path) -> None:
    done = longshort("predict", str(finished), "--json", given=b"a\nb\n")
    first, second = json.loads(done.stdout)["predictions"]
    assert (first["place"], second["place"]) == ("line 1", "line 2")
    assert sum(value for key, value in first.items() if key.startswith("p_")) == pytest.approx(1)


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
    story.run(of_numbers(tmp_path / "long.csv", model__dropout=0.0, train__max_epochs=3), out)
    # The features are named by the run: another order of columns changes nothing.
    table.select("b", "a", "time", "id").write_parquet(tmp_path / "new.parquet")
    trained = load(out)
    found = trained.predict(trained.read(tmp_path / "new.parquet")).p
    assert np.array_equal(found, trained.predict(trained.read(items)).p)
    with pytest.raises(DataError, match="has no column 'b'"):
        table.drop("b").write_csv(tmp_path / "less.csv")
        trained.read(tmp_path / "less.csv")
    where = ("--data", tmp_path / "new.parquet", "--out", tmp_path / "found.csv")
    done = longshort("predict", out, *where)
    assert done.returncode == 0, done.stderr
    assert "wrote 60 rows" in done.stdout
    assert pl.read_csv(tmp_path / "found.csv")["place"][1] == f"id '1' (row {len(items[0])})"


def test_labels_in_front_of_lines_are_not_taken_for_text(ordered: Path, tmp_path: Path) -> None:
    trained = load(ordered)
    path, said = tmp_path / "new.txt", list[str]()
    path.write_text("yes lorem before after\nno amet after sit\n")
    assert trained.read(path, said.append).items == ["lorem before after", "amet after sit"]
    assert "begins with a label" in said[0]
    path.write_text("yes lorem before after\namet after sit\n")
    assert trained.read(path).items == ["yes lorem before after", "amet after sit"]
    path.write_text("yes lorem before after\nno amet after sit\nmaybe sit\n")
    assert trained.read(path, said.append).items[0] == "yes lorem before after"
    assert "2 of 3 lines begin with a label of the run, line 3 does not" in said[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", 3]}, r"encoder\.labels\.1: Input should be a valid string"),
        ({"tokens": None}, "encoder.vocabulary goes with encoder.tokens"),
        ({"mean": ["x"]}, r"encoder\.mean\.0: Input should be a valid number"),
        ({"vocabulary": {"tokens": [1]}}, "a vocabulary is expected, a list of texts"),
        ({"vocabulary": ["a"]}, r"encoder\.vocabulary: Input should be a valid dictionary"),
        ([], "encoder: an object is expected, got a list"),
        ("text", "encoder: an object is expected, got a str"),
        (None, "encoder: an object is expected, got a NoneType"),
    ],
    ids=str,
)
def test_a_damaged_record_is_named(
    finished: Path, tmp_path: Path, change: Any, message: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    stored = json.loads((run / "data.json").read_text())
    stored["encoder"] = stored["encoder"] | change if isinstance(change, dict) else change
    (run / "data.json").write_text(json.dumps(stored))
    seal(RunFolder(run))
    with pytest.raises(RunError, match=rf"data\.json: damaged: {message}"):
        load(run)


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


@pytest.mark.parametrize(
    ("predicted", "expected"), [([0, 1, 1], 1.0), ([0, 2, 1], (1 + 2 / 3 + 0) / 3)]
)
def test_macro_f1_is_over_the_labels_of_truth_or_prediction(
    predicted: list[int], expected: float
) -> None:
    p = np.eye(4)[predicted] * 0.96 + 0.01
    assert metrics.scores(np.array([0, 1, 1]), p)["macro_f1"] == pytest.approx(expected)


def test_long_sequences_of_numbers_have_filters_in_front() -> None:
    draw = np.random.default_rng(0)
    found = {}
    for steps in (39, 40):
        x, y = draw.normal(size=(1_300, steps, 2)), ["a", "b"] * 650
        model = prepare({"task": "classify"}, examples_of(list(x), y)).config.model
        found[steps] = model.convolution, model.kernel
    assert found == {39: (0, None), 40: (128, 9)}
