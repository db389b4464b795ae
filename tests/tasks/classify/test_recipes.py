"""How a classifier is trained where nothing is said, and the blocks that small data need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from longshort.config import read_toml
from longshort.data.buckets import shuffled
from longshort.data.labelled import Examples
from longshort.data.splits import Given
from longshort.errors import ConfigError
from longshort.nn.blocks.convolution import Convolutions
from longshort.nn.blocks.grams import Bag, GramVectors
from longshort.nn.blocks.norm import SequenceNorm
from longshort.nn.blocks.stretches import stretches
from longshort.runs import story
from longshort.runs.story import prepare
from longshort.runs.trained import load
from longshort.tasks.classify.config import ClassifyConfig, ClassifyModel, ClassifyTrain
from longshort.tasks.classify.defaults import (
    Size,
    decided_model,
    decided_training,
    suited_tokens,
    validation_share,
)
from longshort.tasks.classify.network import Classifier
from longshort.train.events import Event, Stepped


def texts(count: int, val: int = 0, length: float = 20.0) -> Size:
    return Size(count, val, True, length)


def numbers(count: int, val: int = 0, length: float = 50.0) -> Size:
    return Size(count, val, False, length)


# What is decided


@pytest.mark.parametrize(
    ("size", "batch", "epochs", "rate", "choose"),
    [
        (numbers(36), 16, 167, 0.003, "last"),
        (numbers(240), 16, 34, 0.003, "last"),
        (numbers(900, 99), 16, 32, 0.003, "last"),
        (numbers(54_000, 6_000), 128, 5, 0.005, "best"),
        (texts(900), 32, 28, 0.002, "last"),
        (texts(6_920, 872), 32, 5, 0.002, "best"),
        (texts(40), 32, 60, 0.002, "last"),
        (texts(16_000, 2_000, 7.0), 32, 20, 0.002, "best"),
        (texts(160_000, 20_000), 256, 5, 0.001 * 8**0.5, "best"),
    ],
    ids=str,
)
def test_training_is_decided_by_kind_and_amount(
    size: Size, batch: int, epochs: int, rate: float, choose: str
) -> None:
    found = decided_training(ClassifyTrain(), decided_model(ClassifyModel(), size), size)
    assert (found.batch_size, found.max_epochs, found.choose) == (batch, epochs, choose)
    assert found.learning_rate == pytest.approx(rate)
    small = not size.is_text and size.count < 1_000
    assert (found.ema, found.weight_decay, found.label_smoothing) == (
        (0.0, 0.01, 0.1) if small else (0.995, 0.0, 0.0)
    )


@pytest.mark.parametrize("size", [numbers(36), texts(40), texts(6_920, 872)], ids=str)
def test_what_was_said_stays(size: Size) -> None:
    train = ClassifyTrain(
        learning_rate=0.1,
        batch_size=7,
        max_epochs=3,
        patience=2,
        choose="best",
        ema=0.9,
        weight_decay=0.2,
        label_smoothing=0.0,
    )
    model = ClassifyModel(
        members=2,
        hidden=9,
        embedding=9,
        grams=False,
        summary=True,
        dropout=0.1,
        convolution=5,
        convolutions=2,
        kernel=4,
        stride=3,
        stretches=7,
    )
    assert decided_model(model, size) == model
    assert decided_training(train, model, size) == train


def test_what_was_decided_is_decided_again_from_its_own_settings() -> None:
    for size in (numbers(36), numbers(9_000, 900), texts(900), texts(200_000, 20_000)):
        model = decided_model(ClassifyModel(), size)
        train = decided_training(ClassifyTrain(), model, size)
        again = ClassifyModel.model_validate(model.model_dump())
        assert decided_model(again, size) == again == model
        written = ClassifyTrain.model_validate(train.model_dump())
        assert decided_training(written, again, size) == written == train


def test_the_network_is_decided_by_kind_and_amount() -> None:
    few = decided_model(ClassifyModel(), numbers(100, length=463))
    assert (few.members, few.hidden, few.convolution, few.convolutions) == (3, 64, 64, 3)
    assert (few.kernel, few.stride, few.stretches, few.summary) == (9, 3, 32, False)
    assert decided_model(ClassifyModel(), numbers(100, length=160)).stride == 1
    many = decided_model(ClassifyModel(), numbers(2_000))
    assert (many.members, many.hidden, many.convolution, many.convolutions) == (1, 128, 128, 1)
    assert many.summary and decided_model(ClassifyModel(), numbers(2_000, 0, 39)).convolution == 0
    small = decided_model(ClassifyModel(), texts(6_000))
    assert (small.grams, small.hidden, small.embedding, small.members) == (True, 32, 32, 3)
    short = decided_model(ClassifyModel(), texts(20_000, length=7))
    assert (short.grams, short.hidden, short.embedding, short.members) == (True, 64, 64, 1)
    large = decided_model(ClassifyModel(), texts(20_000))
    assert (large.grams, large.hidden, large.embedding, large.members) == (False, 128, 128, 1)
    plain = decided_model(ClassifyModel(convolution=0), numbers(100))
    assert (plain.convolution, plain.convolutions, plain.stretches) == (0, None, None)


def test_names_are_cut_into_characters() -> None:
    assert suited_tokens(["Novak", "Maria Lopez", "Chen"]) == "characters"
    assert suited_tokens(["a good film", "the room was clean"]) == "words"
    assert suited_tokens(["房间干净"]) == "characters"


@pytest.mark.parametrize(
    ("settings", "count", "share"),
    [
        ({}, 999, 0.0),
        ({}, 1_000, 0.1),
        ({"split": {"val": 0.2}}, 50, 0.2),
        ({"split": {"val": 0.0}}, 5_000, 0.0),
        ({"train": {"patience": 3}}, 50, 0.1),
        ({"train": {"choose": "best"}}, 50, 0.1),
        ({"train": {"choose": "last", "patience": 3}}, 50, 0.0),
        ({"train": {"schedule": "plateau"}}, 50, 0.1),
    ],
    ids=str,
)
def test_a_validation_part_is_drawn_where_it_could_choose_or_was_asked_for(
    settings: dict[str, Any], count: int, share: float
) -> None:
    assert validation_share(ClassifyConfig.model_validate(settings), count) == share


@pytest.mark.parametrize("name", ["kernel", "convolutions", "stride"])
def test_settings_of_filters_without_filters_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"model\.{name}: is of the convolution"):
        decided_model(ClassifyModel.model_validate({"convolution": 0, name: 3}), numbers(100))


# Runs


def gestures(count: int, seed: int = 0) -> Examples:
    """A short shape somewhere in noise: mean and deviation are the same for both labels."""
    draw = np.random.default_rng(seed)
    items: list[Any] = []
    for i in range(count):
        x = 0.2 * draw.normal(size=(40, 1))
        at = draw.integers(0, 34)
        x[at : at + 6, 0] += [2, 2, -2, -2, 2, -2] if i % 2 else [2, -2, 2, -2, -2, 2]
        items.append(x)
    return Examples(
        "g", items, ["ab"[i % 2] for i in range(count)], [f"row {i}" for i in range(count)]
    )


def test_few_sequences_are_all_learned_and_the_last_weights_kept(tmp_path: Path) -> None:
    said: list[str] = []
    chosen = {
        "task": "classify",
        "model": {"members": 1, "hidden": 8, "convolution": 16},
        "train": {"max_epochs": 40, "threads": 1},
        "split": {"test": 0.4},
    }
    scores = story.run(chosen, tmp_path / "run", data=gestures(60), say=said.append)
    assert "splits: drawn by seed 0: 40% for test; no validation split" in said
    assert any("split.val = 0.0" in line and "train.choose = last" in line for line in said)
    assert scores["training"]["best_epoch"] == 40
    assert scores["training"]["best_val_score"] is None
    assert scores["test"]["model"]["accuracy"] >= 0.9
    written = read_toml(tmp_path / "run" / "config.toml")
    again = ClassifyConfig.model_validate(written)
    assert prepare(written, gestures(60)).config.model_dump() == again.model_dump()


def test_a_small_validation_file_is_reported_on_but_does_not_choose(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [f"{w} {i}" for i in range(40) for w in ("fine", "poor")],
                          "label": ["a", "b"] * 40})  # fmt: skip
    for part, rows in (("train", frame[:40]), ("val", frame[40:60]), ("test", frame[60:])):
        rows.write_csv(tmp_path / f"{part}.csv")
    chosen = {
        "task": "classify",
        "data": {f"{part}path": str(tmp_path / f"{name}.csv")
                 for part, name in (("", "train"), ("val_", "val"), ("test_", "test"))},
        "model": {"members": 1, "hidden": 4, "embedding": 4},
        "train": {"max_epochs": 5, "threads": 1},
    }  # fmt: skip
    prepared = prepare(chosen)
    assert prepared.config.train.choose == "last" and len(prepared.splits.val) == 20
    scores = story.run(chosen, tmp_path / "run")
    assert scores["training"]["best_epoch"] == 5
    assert 0 <= scores["training"]["best_val_score"] <= 1.1


class _Stop(Exception):
    pass


@pytest.mark.parametrize("kind", ["texts", "numbers"])
def test_small_runs_are_resumed_to_the_same_bits_and_come_back(kind: str, tmp_path: Path) -> None:
    data = gestures(40)
    if kind == "texts":
        items: list[Any] = [f"{['fine', 'poor'][i % 2]} day {i}" for i in range(40)]
        data = Examples("t", items, ["ab"[i % 2] for i in range(40)], [""] * 40)
    chosen = {
        "task": "classify",
        "model": {"members": 2, "hidden": 4},
        "train": {"max_epochs": 3, "threads": 1, "save_every": 0.0},
    }

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 3:
            raise _Stop

    story.run(chosen, tmp_path / "whole", data=data)
    with pytest.raises(_Stop):
        story.run(chosen, tmp_path / "torn", data=data, listen=stop)
    story.resume(tmp_path / "torn", data)
    for name in ("model.safetensors", "scores.json", "predictions.csv"):
        assert (tmp_path / "torn" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    trained = load(tmp_path / "whole")
    assert (trained.encoder.grams is not None) == (kind == "texts")
    table = pl.read_csv(tmp_path / "whole" / "predictions.csv")
    found = trained.table(trained.read(data.items))
    assert set(found["label"]) <= {"a", "b"} and table.height == 4


# Blocks


def test_batches_by_chance_are_of_nearly_equal_size() -> None:
    batches = shuffled(torch.arange(1, 38), 16, torch.Generator().manual_seed(0))
    assert sorted(map(len, batches)) == [12, 12, 13]
    assert sorted(torch.cat(batches).tolist()) == list(range(37))
    long = shuffled(torch.full((4,), 10), 4, torch.Generator(), most=20)
    assert list(map(len, long)) == [2, 2]


def test_a_sequence_norm_is_torch_s_where_nothing_is_padding() -> None:
    torch.manual_seed(0)
    ours, theirs = SequenceNorm(3), nn.BatchNorm1d(3)
    x, over = 5 + 2 * torch.randn(7, 4, 3), torch.zeros(7, 4, dtype=torch.bool)
    for training in (True, False):
        ours.train(training), theirs.train(training)
        expected = theirs(x.permute(1, 2, 0)).permute(2, 0, 1)
        torch.testing.assert_close(ours(x, over), expected)


def test_a_sequence_norm_does_not_see_padding() -> None:
    norm, lengths = SequenceNorm(3), torch.tensor([5, 2])
    over = torch.arange(5)[:, None] >= lengths
    x = torch.randn(5, 2, 3)
    spoiled = x.masked_fill(over[..., None], 1e6)
    torch.testing.assert_close(norm(spoiled, over)[~over], norm(x, over)[~over])
    assert norm.mean.abs().max() < 1


@pytest.mark.parametrize("stride", [1, 3])
def test_convolutions_do_not_see_padding(stride: int) -> None:
    torch.manual_seed(0)
    front, lengths = Convolutions(3, 8, 5, 3, stride).eval(), torch.tensor([11, 4])
    x = torch.randn(11, 2, 3)
    spoiled = x.clone()
    spoiled[4:, 1] = 1e6
    found, sizes = front(spoiled, lengths)
    assert sizes.tolist() == [-(-11 // stride), -(-4 // stride)] and len(found) == sizes[0]
    alone, _ = front(x[:4, 1:], torch.tensor([4]))
    torch.testing.assert_close(found[: sizes[1], 1], alone[:, 0], atol=1e-5, rtol=1e-5)
    assert not found[sizes[1] :, 1].any()


def test_convolutions_grow_narrower_and_a_stride_widens_the_first() -> None:
    def kernels(kernel: int, stride: int) -> list[int]:
        layers = Convolutions(1, 4, kernel, 3, stride).layers
        return [layer.get_submodule("filters").kernel_size[0] for layer in layers]

    assert kernels(9, 1) == [9, 5, 3]
    assert kernels(9, 2) == [19, 5, 3]


def test_stretches_are_the_means_of_equal_parts() -> None:
    x = torch.arange(10.0).view(10, 1, 1).repeat(1, 2, 1)
    found, lengths = stretches(x, torch.tensor([10, 4]), 4)
    assert lengths.tolist() == [4, 4]
    assert found[:, 0, 0].tolist() == [1.0, 4.0, 7.0, 9.0] and found[:, 1, 0].tolist() == [
        0,
        1,
        2,
        3,
    ]
    same, lengths = stretches(x[:4], torch.tensor([4, 2]), 4)
    assert same[:, 0].equal(x[:4, 0]) and same[:2, 1].equal(x[:2, 1]) and lengths.tolist() == [4, 2]
    spoiled = x.clone()
    spoiled[5:, 1] = 1e6
    few, lengths = stretches(spoiled, torch.tensor([10, 5]), 2)
    assert lengths.tolist() == [2, 2] and few[:, 1, 0].tolist() == [1.0, 3.5]


def test_the_vector_of_n_grams_is_their_weighted_sum() -> None:
    torch.manual_seed(0)
    vectors = GramVectors(5)
    bag = Bag(torch.tensor([1, 4, 2]), torch.tensor([0.5, 2.0, 1.0]), torch.tensor([0, 2, 2]))
    w = vectors.weight.detach()
    found = vectors.eval()(bag).detach()
    torch.testing.assert_close(found, 3 * torch.stack([0.5 * w[1] + 2 * w[4], 0 * w[0], w[2]]))
    many = Bag(torch.zeros(9_000, dtype=torch.int64), torch.ones(9_000), torch.tensor([0]))
    kept = vectors.train()(many).detach() / (3 * w[:1])
    torch.testing.assert_close(kept, torch.full_like(kept, 9_000.0), rtol=0.03, atol=0.0)
    assert (kept != 9_000).all()


def test_n_grams_go_to_the_network_in_32_bits() -> None:
    """Devices without float64 take them too."""
    train = Examples("t", ["a b", "a c"] * 4, ["x", "y"] * 4, [""] * 8)
    encoder = prepare({"task": "classify"}, Given(train, train, train)).encoder
    bags = encoder.encode(train).batch(np.arange(2)).grams
    assert bags is not None and bags.weights.dtype == np.float32


def test_every_network_reads_the_n_grams() -> None:
    torch.manual_seed(0)
    model = ClassifyModel(members=2, hidden=4, embedding=4)
    network = Classifier(model, 3, tokens=9, features=None, grams=6).eval()
    x, lengths = torch.ones(2, 1, dtype=torch.int64), torch.tensor([2])
    one, other = (
        network(x, lengths, Bag(torch.tensor([n]), torch.ones(1), torch.tensor([0])))
        for n in (0, 1)
    )
    assert (one != other).any(-1).all() and one.shape == (2, 1, 3)


def test_texts_whose_words_never_return_are_read_by_characters() -> None:
    draw = np.random.default_rng(0)
    texts = [
        " ".join("".join(draw.choice(list("abcdefgh"), 9)) for _ in range(5)) for _ in range(99)
    ]
    assert suited_tokens(texts) == "characters"
    assert suited_tokens([f"{text} the same words again and again" for text in texts]) == "words"
