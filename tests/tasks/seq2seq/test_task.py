"""Translation and summarisation: what is learned, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import longshort as ls
from longshort.data.coding import BEGIN, END, UNKNOWN
from longshort.errors import ConfigError, DataError, Interrupted, RunError
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.writing import Writing
from longshort.tasks.seq2seq.encoder import PairArrays
from longshort.tasks.seq2seq.written import begun, likelihoods, write
from longshort.train.events import Event, Stepped
from tests.tasks.seq2seq.toys import QUICK, Lists, nested, reversed_words

ONCE = QUICK | {"train.max_epochs": 1, "model.hidden": 8, "model.embedding": 8}


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> ls.WriterRun:
    out = tmp_path_factory.mktemp("reversed") / "run"
    return ls.Translator(settings=QUICK).fit(*reversed_words(400), out=out)


# What is learned


def test_another_order_of_words_is_learned(translator: ls.WriterRun) -> None:
    assert translator.scores["test"]["model"]["bleu"] > 85
    assert translator.scores["outcome"] == "better"


def test_the_attention_goes_from_the_last_word_to_the_first(translator: ls.WriterRun) -> None:
    (found,) = translator.attention(["red dog sees cat now"])
    assert found.target == ["▁jetzt", "▁katze", "▁sieht", "▁hund", "▁rot"]
    np.testing.assert_allclose(found.weights.sum(1), 1.0, atol=1e-5)
    assert found.weights.shape == (5, 5)
    assert abs(np.corrcoef(found.weights.argmax(1), np.arange(5))[0, 1]) > 0.6


def names(count: int, who: list[str], about: list[str]) -> Lists:
    draw = np.random.default_rng(0)
    pairs = [(draw.choice(who), draw.choice(about)) for _ in range(count)]
    return [f"tell {one} about {other}" for one, other in pairs], [f"for {one}" for one, _ in pairs]


@pytest.mark.parametrize("copying", [True, False])
def test_copying_writes_words_that_no_target_of_training_has(copying: bool) -> None:
    known, others = [f"k{i}" for i in range(30)], [f"o{i}" for i in range(30)]
    settings = QUICK | {"train.max_epochs": 10}
    model = ls.Summariser(copying=copying, settings=settings)
    model.fit(*names(500, known, known + others))
    found = model.score(*names(60, others, known))
    assert found > 95 if copying else found < 70  # "for" alone has two thirds


def test_quality_is_that_of_texts_written_freely(translator: ls.WriterRun) -> None:
    sources, targets = reversed_words(60, seed=1)
    found = translator.quality(sources, targets)
    assert found["bleu"] > 80 and found["perplexity"] < 2
    assert found["bleu"] == translator.quality(sources, targets)["bleu"]


# Decoding


def encoded(run: ls.WriterRun, count: int = 20) -> tuple[Any, PairArrays]:
    model, task = run._trained.model, run._trained.task
    pairs = task.read(reversed_words(count, seed=2), model.config)
    return model, task.encode(model.encoder, pairs)


def test_a_beam_of_1_takes_the_most_probable_token_each_time(translator: ls.WriterRun) -> None:
    model, arrays = encoded(translator)
    found = write(model, arrays, how=Writing(beam=1)).targets
    for row, (target,) in enumerate(found):
        state, _ = begun(model, arrays.take(np.array([row])))
        token, tokens = BEGIN, []
        while len(tokens) < 30:
            logs, _, state = state.step(np.array([token]))
            logs[0, [0, UNKNOWN, BEGIN]] = -np.inf
            token = int(logs[0].argmax())
            if token == END:
                break
            tokens.append(token)
        assert model.encoder.coder.target.decode(tokens) == target.text


def test_a_wider_beam_is_at_least_as_probable(translator: ls.WriterRun) -> None:
    model, arrays = encoded(translator)
    how = {"length_penalty": 0.0}
    narrow = write(model, arrays, how=Writing(beam=1)).targets
    wide = write(model, arrays, how=Writing(beam=8, n_best=3, **how)).targets
    gain = [b[0].log_prob - a[0].log_prob for a, b in zip(narrow, wide, strict=True)]
    assert min(gain) > -1e-4
    assert all(len({each.text for each in best}) == 3 for best in wide)


def test_given_targets_are_scored_as_the_network_reads_them(translator: ls.WriterRun) -> None:
    model, arrays = encoded(translator)
    found = likelihoods(model, arrays)
    batch = arrays.batch(np.arange(len(arrays.sources)))
    tensors = {name: torch.from_numpy(values) for name, values in vars(batch).items()}
    network = model.network.eval()
    with torch.no_grad():
        state = network.begin(tensors["source"], tensors["lengths"])
        logs = network.decoder.log_probs(network.decoder(tensors["read"], state), tensors["source"])
    picked = logs.gather(-1, tensors["wanted"][..., None])[..., 0].numpy()
    for row, each in enumerate(found):
        np.testing.assert_allclose(each.log_probs, picked[: len(each.tokens), row], atol=1e-4)
        assert each.tokens[-1] == "</s>"


def test_an_empty_source_has_an_empty_text_in_its_place(translator: ls.WriterRun) -> None:
    found = translator.predict(["red dog sees", "", "old cat hears"])
    assert found == ["sieht hund rot", "", "hört katze alt"]


# Own words in training


def test_own_words_are_learned_from_and_their_price_is_said() -> None:
    said: list[str] = []
    for own in (0.0, 1.0):
        settings = nested(ONCE | {"train.scheduled_sampling": own, "train.seed": 3})
        job: Any = Job(story.prepare(settings, reversed_words(60)), said.append)
        torch.manual_seed(5)
        batch = job.training.learning.batches(job.training.plan, torch.Generator())[0]
        arrays = job.encoded["train"].arrays.batch(batch.numpy())
        tensors = replace(arrays, **{k: torch.from_numpy(v) for k, v in vars(arrays).items()})
        whole, end = (job.task.loss_at(job.model, tensors, done).reported for done in (0.0, 1.0))
        assert torch.equal(whole, end) is (own == 0.0)
    (note,) = [line for line in said if "scheduled_sampling" in line]
    assert "is trained step by step; a batch takes" in note


# Resuming


def test_what_changes_on_the_way_is_resumed_to_the_bit(tmp_path: Path) -> None:
    changing = {
        "train.scheduled_sampling": 0.5,
        "model.coverage": True,
        "train.coverage_from": 0.3,
        "train.max_epochs": 3,
        "model.dropout": 0.2,
    }
    settings, data = nested(ONCE | changing), reversed_words(100)
    story.run(settings, tmp_path / "whole", data=data)

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        story.run(settings, tmp_path / "run", data=data, listen=stop)
    story.resume(tmp_path / "run", data)
    for name in ("model.safetensors", "metrics.jsonl", "predictions.csv"):
        one, other = ((tmp_path / each / name).read_bytes() for each in ("whole", "run"))
        assert one == other, name


def files(folder: Path, data: Lists, name: str = "train") -> tuple[Path, Path]:
    paths = folder / f"{name}.en", folder / f"{name}.de"
    for path, lines in zip(paths, data, strict=True):
        path.write_text("".join(f"{line}\n" for line in lines))
    return paths


def test_both_files_are_recorded_and_a_changed_one_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, targets = files(tmp_path, reversed_words(60))
    monkeypatch.chdir(tmp_path)
    settings = nested(ONCE | {"data.path": sources.name, "data.target_path": targets.name})

    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        story.run(settings, tmp_path / "run", listen=stop)
    stored = json.loads((tmp_path / "run" / "data.json").read_text())["files"]["train"]
    assert (stored["path"], stored["target_path"]) == (str(sources), str(targets))
    assert len(stored["target_sha256"]) == 64 != stored["sha256"]
    monkeypatch.chdir("/")
    targets.write_text(targets.read_text().replace("katze", "maus"))
    with pytest.raises(RunError, match="is not the data that the run began with"):
        story.resume(tmp_path / "run")


# Long texts


LONG = [("red " * 30 + str(i), f"rot {i}") for i in range(4)]


def with_long() -> Lists:
    sources, targets = reversed_words(60)
    more = [list(side) for side in zip(*LONG, strict=True)]
    return sources + more[0], targets + more[1]


def test_long_texts_are_found_by_the_check() -> None:
    settings = nested({"text.tokens": "words", "text.max_length": 20})
    found = [each for each in story.check(settings, with_long()) if each.code == "long"]
    assert found and "more than 20 tokens and are cut" in found[0].message
    settings["text"]["drop_long"] = True
    found = [each for each in story.check(settings, with_long()) if each.code == "long"]
    assert any("so that their pairs are left out" in each.message for each in found)


def test_long_pairs_are_left_out_of_training_and_it_is_said(tmp_path: Path) -> None:
    settings = nested(ONCE | {"text.max_length": 20, "text.drop_long": True})
    said: list[str] = []
    data = three_splits()
    job: Any = Job(story.prepare(settings, data, said.append), said.append)
    assert "4 of 64 training pairs have a text of more than 20 tokens and are left out" in said[-1]
    learned = job.training.learning.train
    assert len(learned.samples) == 60 and max(map(len, learned.arrays.sources)) <= 5


def three_splits() -> Any:
    from longshort.data.splits import Given

    return Given(with_long(), reversed_words(20, seed=3), reversed_words(20, seed=4))


def test_a_training_split_of_long_texts_alone_is_refused() -> None:
    settings = nested(ONCE | {"text.max_length": 1, "text.drop_long": True})
    with pytest.raises(ConfigError, match=r"text\.drop_long: all .* raise text\.max_length"):
        Job(story.prepare(settings, reversed_words(60)), print)


# What is refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model.copying": True, "text.joint": False}, r"model\.copying: .* set text\.joint"),
        ({"model.copying": True, "model.attention": "none"}, r"model\.copying: copies where"),
        ({"model.coverage": True, "model.attention": "dot"}, r"model\.coverage: .* additive"),
        ({"model.tied": True, "text.joint": False}, r"model\.tied: .* text\.joint = true"),
        ({"write.beam": 1, "write.length_penalty": 0.5}, r"write\.length_penalty"),
        ({"model.attention": "none"}, r"model\.placement"),
        ({"train.sampling_schedule": "inverse_sigmoid"}, r"needs train\.scheduled_sampling"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Job(story.prepare(nested(ONCE | settings), reversed_words(60)), print)


def test_files_of_different_length_are_refused_with_both_counts(tmp_path: Path) -> None:
    sources, targets = files(tmp_path, reversed_words(60))
    targets.write_text("\n".join(targets.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match=r"train\.en: has 60 lines, and .*train\.de has 59"):
        ls.Translator(settings=ONCE).fit(sources, targets)


def test_empty_lines_are_named(tmp_path: Path) -> None:
    lines, others = reversed_words(60)
    lines[3] = others[7] = ""
    said: list[str] = []
    ls.Translator(settings=ONCE).fit(*files(tmp_path, (lines, others)), say=said.append)
    (found,) = [line for line in said if "empty side" in line]
    assert "2 of 60" in found and "line 4" in found and "line 8" in found


def test_sources_of_another_language_are_named(translator: ls.WriterRun) -> None:
    trained, said = translator._trained, list[str]()
    trained.read(["le chat dort", "red cat sees"], said.append)
    assert len(said) == 1 and "1 of 2 sources consist mostly of words" in said[0]
