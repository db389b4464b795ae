"""Language modelling from text to report: what is learned, counted, written, refused and kept."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.config import assign, build, parse_assignments
from longshort.errors import ConfigError, DataError, RunError
from longshort.metrics.ngram import NGram
from longshort.runs import story
from longshort.runs.tensors import TorchCalls
from longshort.runs.trained import load
from longshort.tasks.language.adapt import cached, dynamic, remember
from longshort.tasks.language.baselines import kneser_ney, unigram
from longshort.tasks.language.config import (
    LanguageConfig,
    LanguageModelConfig,
    LanguageSplit,
    LanguageText,
    LanguageTrain,
)
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.inference import nats_of, side_by_side
from longshort.tasks.language.learning import LanguageLearning
from longshort.tasks.language.network import LanguageModel, detached
from longshort.tasks.language.perplexity import scores as scores_from
from longshort.tasks.language.running import read_running, split_running
from longshort.train.checkpoint import load_tensors
from longshort.train.events import Event, Stepped
from longshort.train.loop import fit
from longshort.train.optimise import decay_factor
from tests.commands import longshort
from tests.jobs import AnyJob, history_of, job_of
from tests.paths import ROOT
from tests.settings import with_changes

QUICK: dict[str, Any] = {
    "task": "lm",
    "model": {"embedding": 16, "num_layers": 1},
    "train": {"max_epochs": 3, "learning_rate": 0.03, "batch_size": 8, "bptt": 16, "threads": 1},
}

WORDS = ["the", "cat", "sees", "a", "dog", "and", "bird", "while", "it", "rains"]


def prose(lines: int, seed: int = 0) -> str:
    """Lines in which every word is followed by one of two."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(lines):
        places = draw.integers(10) + np.cumsum(draw.integers(1, 3, draw.integers(4, 9)))
        found.append(" ".join(WORDS[place % len(WORDS)] for place in places))
    return "\n".join(found) + "\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(prose(250))
    return path


def settings(path: Path | None = None, **changes: Any) -> dict[str, Any]:
    return with_changes(QUICK, path, **changes)


def small_job(text: str, **changes: Any) -> AnyJob:
    return job_of(settings(split__val=0.1, split__test=0.1, **changes), text.splitlines())


def small_learning(text: str, **changes: Any) -> LanguageLearning:
    learning = small_job(text, **changes).training.learning
    assert isinstance(learning, LanguageLearning)
    return learning


def model_of(**changes: Any) -> LanguageModel:
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"hidden": 7, "embedding": 5, "num_layers": 2}
    return LanguageModel(LanguageModelConfig(**(sizes | changes)), 12).eval()


def calls(network: LanguageModel) -> Callable[..., Any]:
    return TorchCalls(network, "cpu").call


def some_numbers(count: int, high: int = 12, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(1, high, count)


def test_from_a_text_to_a_report(book: Path, tmp_path: Path) -> None:
    chosen = settings(book, text__tokens="words", evaluate__cache=50, evaluate__dynamic=True)
    scores = story.run(chosen, tmp_path / "run")
    test = scores["test"]
    assert set(test["baselines"]) == {"unigram", "kneser_ney"}
    assert set(test["variants"]) == {"model + cache", "model + dynamic"}
    assert test["model"]["perplexity"] < test["baselines"]["unigram"]["perplexity"]
    table = pl.read_csv(tmp_path / "run" / "predictions.csv")
    assert table.height == scores["tokens"] > 80
    assert table["nats_model"].mean() == pytest.approx(test["model"]["nats_per_token"])
    text = "".join(line + "\n" for line in book.read_text().splitlines())
    assert text.endswith(" ".join(table["token"].to_list()[-5:-1]) + "\n")
    page = (tmp_path / "run" / "report.html").read_text()
    assert scores["verdict"].split(":")[0] in page and "Which tokens surprise it" in page


def test_every_token_of_the_test_part_is_counted_once(book: Path) -> None:
    job = small_job(book.read_text(), text__tokens="words")
    begin = job.model.encoder.begin
    text, numbers = job.encoded["test"].samples.text, job.encoded["test"].arrays
    expected = sum(len(line.split()) + 1 for line in text.splitlines())
    assert len(numbers) == expected
    for streams in (1, 3, 10):
        assert nats_of(job.model.call, numbers, begin, streams).shape == (expected,)


def test_perplexity_of_a_uniform_model() -> None:
    network = model_of()
    for weight in network.parameters():
        torch.nn.init.zeros_(weight)
    nats = nats_of(calls(network), some_numbers(300), 1)
    found = scores_from(nats, "é" * 600)
    assert found["perplexity"] == pytest.approx(11, rel=1e-6)
    assert found["nats_per_token"] == pytest.approx(math.log(11), rel=1e-6)
    assert found["bits_per_character"] == pytest.approx(math.log2(11) / 2, rel=1e-6)
    assert found["bits_per_byte"] == pytest.approx(math.log2(11) / 4, rel=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("tie", [True, False])
def test_chunks_with_carried_states_are_the_whole(cell: str, tie: bool) -> None:
    network = model_of(cell=cell, tie=tie)
    numbers = torch.from_numpy(some_numbers(60).reshape(20, 3))
    whole = network(numbers)
    states, outputs = None, []
    for chunk in numbers.split([7, 1, 12]):
        read = network(chunk, states)
        states = detached(read.states)
        outputs.append(read.output)
    torch.testing.assert_close(torch.cat(outputs), whole.output)
    with torch.no_grad():
        states = None
        for row in range(20):
            logs, states = network.step(numbers[row], states)
            torch.testing.assert_close(logs, network.log_probabilities(whole.output[row]))
            torch.testing.assert_close(logs.exp().sum(-1), torch.ones(3))


def test_a_long_text_is_scored_as_in_one_go() -> None:
    network, numbers = model_of(), some_numbers(700)
    table = torch.from_numpy(side_by_side(numbers, 1, 1))
    read = network(table[:-1])
    whole = network.losses(read.output, table[1:])[:, 0].detach().numpy()
    np.testing.assert_allclose(nats_of(calls(network), numbers, 1), whole, rtol=1e-5)


def test_an_adaptive_softmax_is_a_distribution() -> None:
    network = model_of(tie=False, adaptive=(3, 6), hidden=16)
    output = torch.randn(4, 16)
    logs = network.log_probabilities(output)
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(4))
    for token in range(1, 12):
        nats = network.losses(output[:, None], torch.full((4, 1), token))[:, 0]
        torch.testing.assert_close(nats, -logs[:, token - 1])
    with pytest.raises(ValueError, match="set tie = false"):
        LanguageModelConfig(adaptive=(3, 6))
    with pytest.raises(ConfigError, match="needs 16 units or more in the last layer, it has 7"):
        model_of(tie=False, adaptive=(3, 6))
    with pytest.raises(ConfigError, match="has to be below 11, the number of tokens, got 11"):
        model_of(tie=False, adaptive=(11,))


def test_streams_lie_side_by_side() -> None:
    table = side_by_side(np.arange(1, 12), 3, 99)
    assert table.T.tolist() == [[99, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


def test_an_epoch_reads_every_step_once(book: Path) -> None:
    for changes in ({}, {"train__random_bptt": True}):
        learning, _, plan, _ = small_job(book.read_text(), **changes).training
        draw = torch.Generator().manual_seed(3)
        chunks = [chunk.tolist() for chunk in learning.batches(plan, draw)]
        assert chunks[0][0] == 0 and sum(chunks[-1]) == learning.num_samples
        assert all(sum(a) == b[0] for a, b in itertools.pairwise(chunks))
        lengths = {length for _, length in chunks[:-1]}
        assert len(lengths) > 3 if changes else lengths == {16}
        rates = [learning.rate(torch.tensor(chunk)) for chunk in chunks]
        expected = [length / 16 if changes else 1.0 for _, length in chunks]
        assert rates == expected


def test_a_capped_epoch_begins_somewhere_without_a_past(book: Path) -> None:
    learning = small_learning(book.read_text(), train__steps_per_epoch=4)
    plan = learning.plan()
    assert plan.steps_per_epoch == 4
    begins = set()
    for seed in range(5):
        chunks = list(learning.batches(plan, torch.Generator().manual_seed(seed)))
        assert len(chunks) == 4
        begins.add(int(chunks[0][0]))
    assert len(begins) > 1
    learning.loss(torch.tensor([0, 16]))
    torch.testing.assert_close(learning.loss(torch.tensor([32, 16])), _fresh(learning, 32, 16))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(learning.loss(torch.tensor([48, 16])), _fresh(learning, 48, 16))


def _fresh(learning: LanguageLearning, place: int, length: int) -> torch.Tensor:
    chunk, network = learning.streams[place : place + length + 1], learning.network
    return network.losses(network(chunk[:-1]).output, chunk[1:]).mean()


def test_penalties_on_activations(book: Path) -> None:
    plain = small_learning(book.read_text())
    ar = small_learning(book.read_text(), train__activation_penalty=2.0)
    tar = small_learning(book.read_text(), train__slowness_penalty=1.0)
    chunk = torch.tensor([0, 16])
    read = plain.network(plain.streams[:16])
    base = plain.loss(chunk)
    told, minimised = ar.objective(chunk)
    torch.testing.assert_close(told, base)
    torch.testing.assert_close(minimised, base + 2 * read.output.square().mean())
    change = (read.raw[1:] - read.raw[:-1]).square().mean()
    torch.testing.assert_close(tar.objective(chunk)[1], base + change)


def test_penalties_see_the_output_after_dropout_and_changes_before_it(book: Path) -> None:
    changes = {"model__output_dropout": 0.5}
    penal = {"train__activation_penalty": 2.0, "train__slowness_penalty": 1.0}
    learning = small_learning(book.read_text(), **changes, **penal)
    network = learning.network.train()
    torch.manual_seed(3)
    loss = learning.objective(torch.tensor([0, 16]))[1]
    torch.manual_seed(3)
    read = network(learning.streams[:16])
    base = network.losses(read.output, learning.streams[1:17]).mean()
    change = (read.raw[1:] - read.raw[:-1]).square().mean()
    torch.testing.assert_close(loss, base + 2 * read.output.square().mean() + change)
    assert (read.output == 0).any() and not (read.raw == 0).any()


def test_the_loss_that_is_told_has_no_penalties(book: Path) -> None:
    job = small_job(book.read_text(), train__activation_penalty=1e4)
    found = fit(*job.training[:3])
    assert found.history[1]["train_loss"] < math.log(len(job.model.encoder.vocabulary))


WORDY: dict[str, Any] = {
    "text__tokens": "words",
    "model__num_layers": 2,
    "model__hidden": 12,
    "train__max_epochs": 2,
    "train__batch_size": 4,
}
OPTIONS: list[tuple[str, Any, dict[str, Any]]] = [
    ("split.val", 0.2, {}),
    ("split.test", 0.2, {}),
    ("text.tokens", "spaces", {}),
    ("text.lowercase", True, {}),
    ("text.eos", False, {}),
    ("text.min_count", 1, {}),
    ("text.max_vocab", 8, {}),
    ("model.cell", "gru", {}),
    ("model.cell_options", {"peephole": True}, {}),
    ("model.init", "torch", {}),
    ("model.hidden", 13, {}),
    ("model.num_layers", 1, {"model__tie": False}),
    ("model.embedding", 17, {}),
    ("model.tie", False, {}),
    ("model.adaptive", [6], {"model__tie": False}),
    ("model.init_range", 0.1, {}),
    ("model.dropout", 0.2, {}),
    ("model.input_dropout", 0.2, {}),
    ("model.hidden_dropout", 0.2, {}),
    ("model.output_dropout", 0.2, {}),
    ("model.variational", False, {"model__dropout": 0.2}),
    ("model.embedding_dropout", 0.2, {}),
    ("model.weight_dropout", 0.2, {}),
    ("train.learning_rate", 0.01, {}),
    ("train.momentum", 0.5, {"train__optimizer": "sgd"}),
    ("train.max_epochs", 1, {}),
    ("train.batch_size", 3, {}),
    ("train.bptt", 9, {}),
    ("train.random_bptt", True, {}),
    ("train.activation_penalty", 1.0, {}),
    ("train.slowness_penalty", 1.0, {}),
]


def history(chosen: dict[str, Any]) -> list[dict[str, Any]]:
    lines = [f"{line.capitalize()}, Name{i}" for i, line in enumerate(prose(60).splitlines())]
    return history_of(settings(**chosen), lines)


@pytest.mark.parametrize(("name", "value", "beside"), OPTIONS, ids=lambda v: str(v)[:30])
def test_every_option_changes_the_training(name: str, value: Any, beside: dict[str, Any]) -> None:
    chosen = WORDY | beside
    assert history(chosen | {name.replace(".", "__"): value}) != history(chosen)


def test_every_option_is_tried() -> None:
    own = {
        "split": LanguageSplit.model_fields,
        "text": LanguageText.model_fields,
        "model": LanguageModelConfig.model_fields,
        "train": LanguageTrain.__annotations__,
    }
    names = {f"{section}.{name}" for section, fields in own.items() for name in fields}
    names.remove("model.checkpoint")  # changes no bit
    assert {name for name, _, _ in OPTIONS} == names


def test_random_lengths_are_those_of_merity(book: Path) -> None:
    changes = {"train__random_bptt": True, "train__bptt": 40, "train__batch_size": 2}
    learning, _, plan, _ = small_job(book.read_text() * 8, **changes).training
    chunks = learning.batches(plan, torch.Generator().manual_seed(0))
    lengths = np.array([int(chunk[1]) for chunk in chunks[:-1]])
    halved = lengths < 30
    assert len(lengths) > 500 and halved.mean() == pytest.approx(0.05, abs=0.025)
    assert lengths[halved].mean() == pytest.approx(20, abs=3)
    assert lengths[~halved].mean() == pytest.approx(40, abs=1)
    assert lengths[~halved].std() == pytest.approx(5, abs=1)


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.5},
        {"input_dropout": 0.5},
        {"hidden_dropout": 0.5},
        {"output_dropout": 0.5},
        {"embedding_dropout": 0.5},
        {"weight_dropout": 0.5},
        {"dropout": 0.5, "variational": False},
    ],
)
def test_every_dropout_acts_in_training_only(change: dict[str, Any]) -> None:
    network, numbers = model_of(**change), torch.from_numpy(some_numbers(40).reshape(20, 2))
    still = network(numbers).output
    torch.testing.assert_close(still, network(numbers).output)
    network.train()
    torch.manual_seed(0)
    first = network(numbers).output
    assert not torch.allclose(first, network(numbers).output)
    if "output_dropout" in change:
        zero = first == 0.0
        assert zero.any() and (zero == zero[0]).all()  # one mask for all steps


def test_tied_weights_are_one_tensor() -> None:
    tied, free = (model_of(tie=tie) for tie in (True, False))
    assert tied.layers[-1].hidden_size == 5 and free.layers[-1].hidden_size == 7
    assert tied.head is None and free.head is not None
    assert sum(tuple(w.shape) == (12, 5) for w in tied.parameters()) == 1


@pytest.mark.parametrize(
    "changes", [{}, {"tie": False}, {"tie": False, "hidden": 16, "adaptive": (5,)}]
)
def test_all_weights_start_in_the_given_range(changes: dict[str, Any]) -> None:
    network = model_of(init_range=0.01, **changes)
    for name, weight in network.state_dict().items():
        assert 0.005 < float(weight.abs().max()) <= 0.01, name
        assert float(weight.min()) < 0 < float(weight.max()), name
    assert not network.embedding.weight[0].any()


def test_an_adaptive_softmax_from_text_to_writing(book: Path, tmp_path: Path) -> None:
    chosen = settings(book, model__tie=False, model__adaptive=[5], train__max_epochs=1)
    scores = story.run(chosen, tmp_path / "run")
    text = ls.load(tmp_path / "run").score("the cat\n")
    assert text["perplexity"] > 1 and scores["test"]["model"]["perplexity"] < 20
    assert len(ls.load(tmp_path / "run").generate(length=10)) == 10


def test_the_documented_settings_are_settings() -> None:
    page = (ROOT / "docs" / "language.md").read_text()
    block = page.split("```toml\n")[1].split("```")[0]
    config = build(tomllib.loads(block))
    assert isinstance(config, LanguageConfig) and config.train.asgd == 5
    table = page.split("| meaning |\n|---|---|\n")[1].split("\n\n")[0]
    known = {
        *(f"model.{name}" for name in LanguageModelConfig.model_fields),
        *(f"train.{name}" for name in type(config.train).model_fields),
        *(f"evaluate.{name}" for name in type(config.evaluate).model_fields),
    }
    for line in table.splitlines():
        names = re.findall("`([a-z_.]+)`", line.split("|")[1])
        section = names[0].split(".")[0]
        assert all(f"{section}.{name.split('.')[-1]}" in known for name in names), line


def test_the_documented_command_is_zaremba_s_small_model() -> None:
    page = (ROOT / "docs" / "language.md").read_text()
    command = next(block for block in re.findall("```sh\n(.*?)```", page, re.S) if "decay" in block)
    pairs = parse_assignments(re.findall(r"--set (\S+)", command))
    chosen: dict[str, Any] = {"task": "lm"}
    for key, value in pairs.items():
        assign(chosen, key, value)
    config = build(chosen)
    assert isinstance(config, LanguageConfig)
    train, model = config.train, config.model
    rates = [train.learning_rate * decay_factor(train, epoch) for epoch in range(13)]
    # In the paper losses are summed over the 20 steps: rate 1, norm 5.
    assert rates[:6] == [20, 20, 20, 20, 10, 5] and rates[12] == 20 / 2**9
    assert (train.clip_norm, train.bptt, train.batch_size, train.max_epochs) == (0.25, 20, 20, 13)
    assert (train.momentum, train.ema) == (0, 0) and train.patience >= 13
    assert (model.num_layers, model.hidden, model.embedding, model.tie) == (2, 200, 200, False)
    assert (model.init_range, model.dropout, model.cell) == (0.1, 0, "lstm")


class _Stop(Exception):
    pass


AWD = {
    "model__dropout": 0.2,
    "model__weight_dropout": 0.2,
    "model__embedding_dropout": 0.1,
    "train__activation_penalty": 2.0,
    "train__slowness_penalty": 1.0,
    "train__random_bptt": True,
    "train__optimizer": "sgd",
    "train__learning_rate": 60.0,  # so much that scores get worse and the mean begins
    "train__ema": 0.0,
    "train__asgd": 1,
    "train__schedule": "none",
    "evaluate__cache": 50,
    "evaluate__dynamic": True,
    "model__tie": False,
    "model__adaptive": [4],
}
DECAYING = {
    "model__init_range": 0.1,
    "train__optimizer": "sgd",
    "train__learning_rate": 4.0,
    "train__schedule": "decay",
    "train__decay": 0.5,
    "train__decay_after": 1,
}


@pytest.mark.parametrize(
    ("changes", "at"), [(AWD, 58), (DECAYING, 42)], ids=["AWD, adaptive", "decay"]
)
def test_an_interrupted_run_goes_on_to_the_same_bits(
    changes: dict[str, Any], at: int, book: Path, tmp_path: Path
) -> None:
    book.write_text(prose(120))
    chosen = settings(book, train__save_every=0.0, **changes)
    story.run(chosen, tmp_path / "whole")

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == at:
            raise _Stop

    with pytest.raises(_Stop):
        story.run(chosen, tmp_path / "torn", listen=stop)
    _, state = load_tensors(tmp_path / "torn" / "ckpt" / "last.safetensors")
    assert (state["averaged"] is not None) == ("train__asgd" in changes)
    story.resume(tmp_path / "torn")
    for name in ("model.safetensors", "metrics.jsonl", "predictions.csv", "scores.json"):
        assert (tmp_path / "torn" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_goes_on_in_an_epoch_that_is_longer_than_planned(book: Path, tmp_path: Path) -> None:
    """Random lengths make more chunks than there are steps in the plan."""
    chosen = settings(book, train__random_bptt=True, train__save_every=0.0, train__max_epochs=2)
    told: list[Stepped] = []
    story.run(
        chosen,
        tmp_path / "whole",
        listen=lambda event: told.append(event) if isinstance(event, Stepped) else None,
    )
    assert [event.step for event in told] == list(range(1, len(told) + 1))
    planned = told[0].total_steps // 2
    first = json.loads((tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()[1])
    assert first["step"] > planned
    assert all(event.seconds_left >= 0 for event in told)

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == planned + 1:
            raise _Stop

    with pytest.raises(_Stop):
        story.run(chosen, tmp_path / "torn", listen=stop)
    story.resume(tmp_path / "torn")
    same = [(tmp_path / run / "metrics.jsonl").read_bytes() for run in ("whole", "torn")]
    assert same[0] == same[1]


def test_other_text_is_refused_on_resume(book: Path, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            raise _Stop

    with pytest.raises(_Stop):
        story.run(settings(book), tmp_path / "run", listen=stop)
    book.write_text(book.read_text().replace("cat", "cow"))
    with pytest.raises(RunError, match="not the data that the run began with"):
        story.resume(tmp_path / "run")


def test_kneser_ney_is_a_distribution_and_beats_the_unigram() -> None:
    draw = np.random.default_rng(0)
    stream = np.cumsum(draw.integers(0, 3, 3000)) % 9  # what follows depends on what was before
    train, val, test = stream[:2400], stream[2400:2700], stream[2700:]
    for order in (1, 2, 3, 5):
        model = NGram(train, 10, order)
        assert model.order == order
        for history in (
            [],
            [4],
            [1, 2],
            [9, 9],
            [9, 1, 2],
            train[:6].tolist(),
            train[-4:].tolist(),
        ):
            p = model.distribution(np.array(history, dtype=np.int64))
            assert p.sum() == pytest.approx(1.0, abs=1e-12) and (p > 0).all()
    nats, order = kneser_ney(train, val, test, 10, 5, 0)
    assert order >= 2
    assert nats.mean() < 1.25 < unigram(train, test, 10).mean()
    assert nats.mean() == pytest.approx(math.log(3), abs=0.1)


def test_the_order_is_the_best_of_all() -> None:
    draw = np.random.default_rng(0)
    alone = draw.integers(0, 40, 4000)
    assert kneser_ney(alone[:2000], alone[2000:3000], alone[3000:], 41, 3, 0)[1] == 1
    bits = draw.integers(0, 2, 6000)
    for place in range(3, len(bits)):  # the third before and the last together tell the next
        bits[place] = bits[place - 3] ^ bits[place - 1] ^ (draw.random() < 0.05)
    assert kneser_ney(bits[:5000], bits[5000:5500], bits[5500:], 3, 6, 2)[1] >= 4


def test_the_cache_by_hand() -> None:
    outputs = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    found = remember(outputs, np.array([5, 6, 5, 6]), size=2, theta=0.5)
    weights = np.exp(0.5 * np.array([1.0, 2.0]))  # of places 1 and 2; place 0 is forgotten
    np.testing.assert_allclose(found, [0, 0, 0.5, weights[0] / weights.sum()])


def test_adapting_helps_on_a_text_of_its_own(book: Path) -> None:
    model = small_job(prose(60)).model
    network, begin = model.network, model.encoder.begin
    strange = np.tile(model.encoder.encode("dog dog bird rains\n"), 25)
    plain = nats_of(model.call, strange, begin).mean()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    assert cached(network, strange, strange, begin, 100).nats.mean() < plain - 0.1
    assert dynamic(network, strange, strange, begin).nats.mean() < plain - 0.1
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name])


def test_dynamic_evaluation_goes_past_clusters_without_a_token() -> None:
    network = model_of(tie=False, adaptive=(3, 6), hidden=16)
    often = some_numbers(60, high=4)
    assert np.isfinite(dynamic(network, often, often, 1).nats).all()


def test_adapting_sees_a_token_after_it_was_scored(book: Path) -> None:
    model = small_job(prose(60)).model
    network, begin = model.network, model.encoder.begin
    numbers = model.encoder.encode(prose(8, seed=5))
    other = numbers.copy()
    other[150:] = numbers[150:][::-1]
    for adapted in (
        lambda text: cached(network, numbers, text, begin, 100).nats,
        lambda text: dynamic(network, numbers, text, begin).nats,
    ):
        np.testing.assert_array_equal(adapted(numbers)[:150], adapted(other)[:150])


def test_adapting_stays_off_where_it_does_not_help() -> None:
    network, test = model_of(), some_numbers(30)
    plain = nats_of(calls(network), test, 1)
    alone = np.arange(1, 12)  # nothing comes again, and all is scored before anything is learned
    for found in (cached(network, alone, test, 1, 50), dynamic(network, alone, test, 1)):
        assert "stays off" in found.note
        np.testing.assert_allclose(found.nats, plain, rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -1.0}, "temperature: a number from 0"),
        ({"temperature": math.nan}, "temperature: a number from 0"),
        ({"temperature": math.inf}, "temperature: a number from 0"),
        ({"seed": 2**64}, "seed: a whole number from 0"),
        ({"top_k": -2}, "top_k: a whole number"),
        ({"top_p": 0.0}, "top_p: a probability"),
        ({"length": -1}, "length: a whole number"),
        ({"length": 3.5}, "length: a whole number .*, got 3.5"),
        ({"temperature": "hot"}, "temperature: a number from 0 is expected, got 'hot'"),
        ({"top_k": 1.5}, "top_k: a whole number"),
        ({"top_p": None}, "top_p: a probability"),
        ({"seed": 0.5}, "seed: a whole number"),
    ],
)
def test_settings_of_writing_are_checked(
    trained: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        ls.load(trained).generate("the", **wrong)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    (folder / "book.txt").write_text(prose(250))
    story.run(settings(folder / "book.txt"), folder / "run")
    return folder / "run"


def test_a_seed_repeats_what_is_written(trained: Path) -> None:
    model = ls.load(trained)
    text = model.generate("the cat", length=60, seed=4)
    assert text == ls.load(trained).generate("the cat", length=60, seed=4)
    assert text != model.generate("the cat", length=60, seed=5)
    assert len(text) == 60 and set(text) <= set(prose(250))
    assert model.generate("", length=0) == ""
    assert "".join(model.stream("the cat", length=60, seed=4)) == text


def test_the_likeliest_token_is_what_the_whole_sequence_says(trained: Path) -> None:
    written = "".join(ls.load(trained).stream("a dog", length=12, temperature=0.0))
    model = load(trained).model
    network, encoder = model.network, model.encoder
    numbers = torch.tensor([encoder.begin, *encoder.encode("a dog" + written).tolist()])[:, None]
    with torch.no_grad():
        logs = network.log_probabilities(network(numbers).output[:, 0])
    logs[:, 0] = -torch.inf
    likeliest = (logs.argmax(1) + 1).tolist()
    assert "".join(encoder.stream(likeliest[-13:-1])) == written


def test_from_python(trained: Path, tmp_path: Path) -> None:
    run = ls.load(trained)
    assert isinstance(run, ls.LanguageRun) and "perplexity" in run.verdict
    assert run.generate("the cat", length=20, seed=3) == ls.load(trained).generate(
        "the cat", length=20, seed=3
    )
    assert "".join(run.stream(length=5)) == run.generate(length=5)
    assert run.score("the cat sees\n")["tokens"] == 13


def test_another_text_beside_the_baselines(trained: Path, tmp_path: Path) -> None:
    run = ls.load(trained)
    book = trained.parent / "book.txt"
    tail = book.read_text()[-run.scores["characters"] :]
    again = run.evaluate(tail.splitlines())
    assert again["test"]["baselines"] == run.scores["test"]["baselines"]
    with pytest.raises(DataError, match="the run was trained on this text"):
        run.evaluate(book)
    more = [*book.read_text().splitlines(), "and a line of its own that is long enough"]
    with pytest.raises(DataError, match=r"trained on most of this text \(\d+ of \d+ passages"):
        run.evaluate(more)
    told: list[str] = []
    load(trained).evaluate(more, include_training=True, say=told.append)
    assert any("passages stand in its training or validation text" in line for line in told)
    assert run.evaluate(book, include_training=True)["characters"] == len(book.read_text())
    done = longshort("evaluate", str(trained), "--data", str(book))
    assert done.returncode == 2 and "--include-training" in done.stderr


def test_a_run_comes_back_with_its_scores(trained: Path) -> None:
    scores = json.loads((trained / "scores.json").read_text())
    text = "".join(prose(250))
    tail = text[-scores["characters"] :]
    found = ls.load(trained).score(tail)
    assert found["tokens"] == scores["tokens"]
    assert found["perplexity"] == pytest.approx(scores["test"]["model"]["perplexity"])


@pytest.mark.parametrize("tokens", ["words", "spaces", "characters", "bytes"])
def test_text_comes_back_from_numbers(tokens: str) -> None:
    text = "über dem Fluß\nliegt 北京\n" if tokens != "words" else "a b c\nd e\n"
    encoder = LanguageEncoder.fit(text, LanguageText(tokens=tokens, min_count=1))
    assert "".join(encoder.stream(encoder.encode(text).tolist())) == text
    end = encoder.vocabulary.tokens[encoder.begin]
    assert end == {"characters": "\n", "bytes": "0a"}.get(tokens, "<eos>")


@pytest.mark.parametrize("tokens", ["spaces", "words"])
def test_an_unknown_mark_of_the_data_is_the_unknown_token(tokens: str) -> None:
    encoder = LanguageEncoder.fit("a <unk> b\n", LanguageText(tokens=tokens))
    assert encoder.encode("<unk> a c\n").tolist()[0] == encoder.encode("c").tolist()[0] == 1
    assert sorted(encoder.vocabulary.tokens) == ["<eos>", "<pad>", "<unk>", "a", "b"]


@pytest.mark.parametrize(
    ("chosen", "text", "is_learned"),
    [
        ({"tokens": "words"}, "a a b\n", True),
        ({"tokens": "words"}, "a a <unk> b\n", False),
        ({"tokens": "words", "min_count": 1}, "a a b\n", False),
        ({"tokens": "characters"}, "aab\n", False),
        ({"tokens": "bytes"}, "aab\n", False),
    ],
)
def test_words_that_occur_once_teach_what_is_unknown(
    chosen: dict[str, Any], text: str, is_learned: bool
) -> None:
    encoder = LanguageEncoder.fit(text, LanguageText(**chosen))
    assert (encoder.cut("b")[0] not in encoder.vocabulary) == is_learned


def test_unknown_tokens_of_the_test_are_told_in_the_verdict(tmp_path: Path) -> None:
    text = prose(250).splitlines()
    text[-1] = "zebra zebra gnu"
    scores = story.run(settings(text__tokens="words"), tmp_path / "run", data=text)
    assert scores["unknown"] == 3 and "3 of them unknown" in scores["verdict"]


@pytest.mark.parametrize(
    ("chosen", "text", "is_whole"),
    [
        ({"tokens": "characters"}, "A b.\nc", True),
        ({"tokens": "bytes"}, "é b\n", True),
        ({"tokens": "characters", "lowercase": True}, "A b\n", False),
        ({"tokens": "characters", "lowercase": True}, "a b\n", True),
        ({"tokens": "words", "min_count": 1}, "A cat, a dog\n", False),
        ({"tokens": "spaces", "min_count": 1}, "A cat , a dog\n", True),
        ({"tokens": "spaces", "min_count": 1}, " A  cat\n", False),
        ({"tokens": "spaces", "min_count": 1, "eos": False}, "a b\nc\n", False),
        ({"tokens": "spaces", "min_count": 2}, "a a b\n", False),
    ],
)
def test_bits_are_told_where_tokens_restore_the_text(
    chosen: dict[str, Any], text: str, is_whole: bool
) -> None:
    assert LanguageEncoder.fit(text, LanguageText(**chosen)).restores(text) == is_whole


def test_a_cell_with_other_outputs_than_units_is_named() -> None:
    with pytest.raises(ConfigError, match=r"model\.cell: hmlstm has \d+ outputs for \d+ units"):
        small_job(prose(50), model__cell="hmlstm")


@pytest.mark.parametrize(("tokens", "each"), [("characters", math.log2(0x110000)), ("bytes", 8.0)])
def test_unknown_characters_are_not_free(tokens: str, each: float) -> None:
    encoder = LanguageEncoder.fit("aab\n", LanguageText(tokens=tokens))
    assert encoder.bits_of_unknown(encoder.encode("ab")) == 0.0
    assert encoder.bits_of_unknown(encoder.encode("axxb")) == 2 * each
    nats = np.full(4, math.log(2.0))
    found = scores_from(nats, "axxb", 2 * each)
    assert found["bits_per_character"] == 1.0 + each / 2 and found["nats_per_token"] == nats[0]


def test_bits_that_are_left_out_are_explained(tmp_path: Path) -> None:
    text = [f"{line}." for line in prose(200).splitlines()]
    chosen = settings(text__tokens="words", train__max_epochs=1)
    scores = story.run(chosen, tmp_path / "run", data=text)
    assert scores["test"]["model"]["bits_per_character"] is None
    assert "do not restore the text" in scores["notes"]["bits"]
    assert ls.load(tmp_path / "run").score("the cat.\n")["bits_per_byte"] is None


def test_the_end_of_a_file_is_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    for content, text in ((b"a\r\nb", "a\nb"), (b"a\nb\n", "a\nb\n"), (b"a\n\n", "a\n\n")):
        path.write_bytes(content)
        assert read_running(path).text == text


def test_the_vocabulary_is_the_training_split_s() -> None:
    lines = [*["a b c"] * 60, *["d"] * 10]
    job = small_job("\n".join(lines))
    assert "d" not in job.model.encoder.vocabulary
    assert 1 in job.encoded["test"].arrays.tolist()


def test_parts_are_the_last_shares() -> None:
    lines = [f"line {i}" for i in range(100)]
    splits = split_running(read_running(lines), None, None, shares=(0.1, 0.2))
    joined = splits.train.text + splits.val.text + splits.test.text
    assert joined.splitlines() == lines
    assert all(split.text.endswith("\n") for split in splits.by_name().values())
    assert abs(len(splits.test.text) / len(joined) - 0.2) < 0.02
    assert abs(len(splits.val.text) / len(joined) - 0.1) < 0.02
    given = split_running(splits.train, splits.val, splits.test, shares=(0.1, 0.1))
    assert given.how == "files for all three splits"


def test_lines_without_ends_stay_so_in_the_run_s_settings(book: Path, tmp_path: Path) -> None:
    chosen = settings(book, text__tokens="words", text__eos=False, train__max_epochs=1)
    scores = story.run(chosen, tmp_path / "run")
    assert scores["tokens"] == len(book.read_text()[-scores["characters"] :].split())
    assert "eos = false" in (tmp_path / "run" / "config.toml").read_text()
    assert "\n" not in ls.load(tmp_path / "run").generate(length=30)


def test_settings_that_contradict_are_refused(book: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ends of lines are characters already"):
        story.run(settings(book, text__tokens="characters", text__eos=True), tmp_path / "run")
    with pytest.raises(ConfigError, match="asgd takes the weights' plain mean; set ema = 0"):
        story.run(settings(book, train__asgd=3), tmp_path / "run")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"model__hidden": 24}, "hidden = 24 has no effect.*set embedding"),
        ({"model__hidden_dropout": 0.2}, "hidden_dropout = 0.2 has no effect"),
        ({"train__momentum": 0.5}, "momentum is SGD's, and the optimizer is 'adamw'"),
        ({"train__weight_decay": 0.1, "train__optimizer": "adam"}, "weight_decay is of AdamW and"),
        ({"train__asgd": 5, "train__ema": 0.0, "train__patience": 6}, "set patience to 7 or more"),
        ({"train__max_epochs": "none"}, "train.max_epochs: Input should be a valid integer"),
        ({"train__batch_size": "none"}, "train.batch_size: Input should be a valid integer"),
    ],
)
def test_settings_without_effect_are_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(settings(**chosen))


def test_the_command_line(book: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    done = longshort(
        *("run", str(book), "--task", "lm", "--out", run, "--json", "--tokens", "words"),
        *("--set", "train.max_epochs=1", "--set", "train.batch_size=4"),
        *("--set", "model.hidden=8", "--set", "model.embedding=8"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "lm"
    options = ("--prompt", "the zebra", "--length", "5", "--seed", "1", "--top-k", "3")
    written = longshort("generate", run, *options)
    assert written.returncode == 0, written.stderr
    assert written.stdout.startswith("the zebra ")
    assert "unknown in the prompt: 'zebra'" in written.stderr
    whole = longshort("generate", run, *options, "--json")
    assert "the zebra" + json.loads(whole.stdout)["text"] + "\n" == written.stdout
    other = longshort("predict", run)
    assert other.returncode == 2 and "longshort generate" in other.stderr


def test_penn_treebank_is_counted_as_published(real_data: Path) -> None:
    texts = [read_running(real_data / "ptb" / f"ptb.{part}.txt").text for part in ("train", "test")]
    encoder = LanguageEncoder.fit(texts[0], LanguageText(tokens="spaces"))
    train, test = (encoder.encode(text) - 1 for text in texts)
    assert (len(train), len(test), len(encoder.vocabulary) - 1) == (929_589, 82_430, 10_000)
    model = NGram(train, 10_000, 5)
    perplexity = math.exp(model.losses(test, np.array([encoder.begin - 1])).mean())
    assert perplexity == pytest.approx(141, abs=0.5)
