"""Tagging from file to report: what is learned, told, refused and kept."""

from __future__ import annotations

import html
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.config import build
from longshort.data.splits import Given, Splits
from longshort.data.vocabulary import UNKNOWN
from longshort.errors import ConfigError, DataError, Interrupted
from longshort.runs import story
from longshort.runs.story import prepare
from longshort.runs.tensors import on_device
from longshort.tasks.tag.baselines import dictionary, majority_tag
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged, read_tagged
from longshort.tasks.tag.encoder import TagEncoder, entities_of
from longshort.tasks.tag.entities import entities, scores
from longshort.tasks.tag.inference import tag
from longshort.tasks.tag.sections import spans
from longshort.tasks.tag.spelling import SHAPES, shape_of
from longshort.tasks.tag.task import TagTask
from longshort.train.events import Event, Started, Stepped, silent
from tests.commands import longshort
from tests.jobs import history_of, job_of
from tests.settings import with_changes

QUICK: dict[str, Any] = {
    "task": "tag",
    "model": {"hidden": 16, "embedding": 12, "characters": 8, "dropout": 0.1},
    "train": {"max_epochs": 8, "learning_rate": 0.02, "batch_size": 16, "threads": 1},
    "evaluate": {"softmax": False},
}
FIRST = ["anna", "otto", "ida", "max"]


def sentences(count: int, seed: int = 0) -> Tagged:
    """After "mr" two words are a person, after "in" one is a place; the words do not tell."""
    draw = np.random.default_rng(seed)
    tokens, tags = [], []
    for i in range(count):
        words, labels = [f"n{i}"], ["O"]
        for _ in range(draw.integers(1, 5)):
            kind = draw.choice(["mr", "in", "plain"])
            names = list(draw.choice(FIRST, 2))
            if kind == "mr":
                words += ["mr", *names]
                labels += ["O", "B-per", "I-per"]
            elif kind == "in":
                words += ["in", names[0]]
                labels += ["O", "B-loc"]
            else:
                words += ["the", names[0]]
                labels += ["O", "O"]
        tokens.append(words)
        tags.append(labels)
    return Tagged("names", tokens, tags, [f"sentence {i}" for i in range(count)])


def write_columns(source: Tagged, path: Path) -> Path:
    assert source.tags is not None
    blocks = (
        "".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True))
        for tokens, tags in zip(source.tokens, source.tags, strict=True)
    )
    path.write_text("\n".join(blocks))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_columns(sentences(400), tmp_path / "names.conll")


def settings(path: Path | None = None, **changes: Any) -> dict[str, Any]:
    return with_changes(QUICK, path, **changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run beside a softmax, and what was said of it in `told.json`."""
    folder, told = tmp_path_factory.mktemp("names"), list[str]()
    table = write_columns(sentences(400), folder / "names.conll")
    story.run(settings(table, evaluate__softmax=True), folder / "run", say=told.append)
    (folder / "told.json").write_text(json.dumps(told))
    return folder / "run"


def test_from_columns_to_a_report(finished: Path) -> None:
    told = json.loads((finished.parent / "told.json").read_text())
    scores = json.loads((finished / "scores.json").read_text())
    assert scores["labels"] == ["loc", "per"] and scores["scheme"] == "bio"
    baselines = {name: found["f1"] for name, found in scores["test"]["baselines"].items()}
    assert set(baselines) == {"majority_tag", "dictionary"}
    f1 = scores["test"]["model"]["f1"]
    assert f1 >= 0.9 and max(baselines.values()) < f1 - 0.2
    assert scores["outcome"] == "better" and "earned its place" in scores["verdict"]
    assert scores["test"]["variants"]["softmax"]["f1"] >= 0.8
    assert "the random field" in scores["notes"]["softmax"]
    page = html.unescape((finished / "report.html").read_text())
    assert scores["verdict"] in page and "<script" not in page and "<link" not in page
    stored = pl.read_csv(finished / "predictions.csv")
    assert stored.columns == [
        "place", "token", "tag", "predicted", "probability", "entity_probability"
    ]  # fmt: skip
    assert stored.height == scores["tokens"]
    assert any("BIO, 2 types: loc, per" in line for line in told)


def test_a_run_comes_back_with_its_answers(finished: Path) -> None:
    trained = ls.load(finished)
    stored = pl.read_csv(finished / "predictions.csv")
    rows = stored.group_by("place", maintain_order=True).agg("token", "predicted")
    assert trained.predict(rows["token"].to_list()) == rows["predicted"].to_list()
    found = trained.tag("hello mr otto ida")
    assert found == [("hello", "O"), ("mr", "O"), ("otto", "B-per"), ("ida", "I-per")]
    assert trained.tag(["mr", "otto", "ida"]) == found[1:]
    assert trained.tag("") == [] and trained.predict([]) == []


@pytest.mark.parametrize(
    ("scheme", "last", "lone", "told"),
    [
        ("bioes", "E", "S", "tags: BIOES, 2 types"),
        ("bmes", "E", "S", "tags: BMES (M is I of BIOES), 2 types"),
        ("bilou", "L", "U", "tags: BILOU (L is E and U is S of BIOES), 2 types"),
    ],
)
def test_tags_come_back_in_the_data_s_scheme(
    tmp_path: Path, scheme: str, last: str, lone: str, told: str
) -> None:
    source = sentences(300)
    assert source.tags is not None
    swap = {"B-per": "B-per", "I-per": f"{last}-per", "B-loc": f"{lone}-loc", "O": "O"}
    tags = [[swap[tag] for tag in row] for row in source.tags]
    if scheme == "bmes":  # one of three tokens, so that there is an M
        tags[0], source.tokens[0] = ["B-per", "M-per", "E-per"], ["anna", "ida", "max"]
    data = Tagged("names", source.tokens, tags, source.places)
    said = list[str]()
    scores = story.run(settings(), tmp_path / "run", data=data, say=said.append)
    assert scores["scheme"] == scheme and scores["test"]["model"]["f1"] >= 0.9
    assert any(line.startswith(told) for line in said)
    found = [tag for _, tag in ls.load(tmp_path / "run").tag("in max mr ida otto")]
    assert found == ["O", f"{lone}-loc", "O", "B-per", f"{last}-per"]


def test_tags_without_positions(tmp_path: Path) -> None:
    source = sentences(300)
    assert source.tags is not None
    tags = [[tag[2:] or "O" for tag in row] for row in source.tags]
    data = Tagged("names", source.tokens, tags, source.places)
    scores = story.run(settings(), tmp_path / "run", data=data)
    assert scores["scheme"] == "plain" and set(scores["test"]["baselines"]) == {"majority_tag"}
    assert scores["test"]["model"]["f1"] >= 0.9
    assert ls.load(tmp_path / "run").tag("in max") == [("in", "O"), ("max", "loc")]


def test_positions_without_a_type(tmp_path: Path) -> None:
    source = sentences(200)
    assert source.tags is not None
    tags = [[tag[:1] for tag in row] for row in source.tags]
    data = Tagged("names", source.tokens, tags, source.places)
    scores = story.run(settings(), tmp_path / "run", data=data)
    assert scores["scheme"] == "bio" and scores["labels"] == ["entity"]
    assert ls.load(tmp_path / "run").tag("in max") == [("in", "O"), ("max", "B-entity")]


def test_characters_of_texts_without_spaces(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    letters = list("科技大学北京人在")
    tokens = [list(draw.choice(letters, 8)) for _ in range(300)]
    tags = [["B-x" if token == "京" else "O" for token in row] for row in tokens]
    data = Tagged("letters", tokens, tags, [f"sentence {i}" for i in range(300)])
    story.run(settings(model__characters=None), tmp_path / "run", data=data)
    trained = ls.load(tmp_path / "run")
    assert trained.config.text.tokens == "characters" and trained.config.model.characters == 0
    assert trained.tag("北京 人") == [("北", "O"), ("京", "B-x"), ("人", "O")]


class _Stop(Exception):
    pass


def stopped_in(training: int, action: Callable[[], None]) -> Callable[[Event], None]:
    """A listener that acts amid the first training of a run, the model's, or the second."""
    begun: list[Event] = []

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            begun.append(event)
        if isinstance(event, Stepped) and event.step == 12 and len(begun) == training:
            action()

    return listen


def crash() -> None:
    raise _Stop


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_interrupted_runs_go_on_to_the_same_bits(table: Path, tmp_path: Path) -> None:
    source = read_tagged(table).take(range(160))
    chosen = settings(evaluate__softmax=True, train__save_every=0.0, train__max_epochs=2)
    told: list[str] = []
    story.run(chosen, tmp_path / "whole", data=source, say=told.append)
    assert "baseline: softmax is trained" in told
    with pytest.raises(_Stop):
        story.run(chosen, tmp_path / "a", data=source, listen=stopped_in(1, crash))
    with pytest.raises(Interrupted, match=r"softmax was in training.*longshort\.resume\(.*b"):
        story.run(chosen, tmp_path / "b", data=source, listen=stopped_in(2, press_ctrl_c))
    for torn in ("a", "b"):
        story.resume(tmp_path / torn, source)
        for name in ("model.safetensors", "metrics.jsonl", "predictions.csv", "scores.json"):
            whole = (tmp_path / "whole" / name).read_bytes()
            assert (tmp_path / torn / name).read_bytes() == whole, (torn, name)


def test_the_vocabulary_is_the_training_split_s(table: Path) -> None:
    prepared = prepare(settings(table))
    known, splits = prepared.encoder.vocabulary, prepared.splits
    assert not any(tokens[0] in known for tokens in splits.test.tokens)
    assert all(tokens[0] in known for tokens in splits.train.tokens)


def test_sentences_in_two_parts_are_told(table: Path, tmp_path: Path) -> None:
    told: list[str] = []
    chosen = settings(table, data__test_path=str(table), train__max_epochs=1)
    story.run(chosen, tmp_path / "run", say=told.append)
    assert any("stand in the training split too" in line for line in told)


def test_tags_that_break_the_scheme_are_told(tmp_path: Path) -> None:
    source = sentences(60)
    assert source.tags is not None
    source.tags[0][:] = ["I-per", *source.tags[0][1:]]
    told: list[str] = []
    story.run(settings(train__max_epochs=1), tmp_path / "run", data=source, say=told.append)
    assert any("1 tags break BIO" in line and "sentence 0: token 1" in line for line in told)


def test_data_that_teach_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.conll"
    path.write_text("a\tO\n\nb\tO\n\nc\tO\n\nd\tO\n")
    with pytest.raises(DataError, match="all tags of the training split are O"):
        story.run(settings(path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_entities_of_a_type_that_training_lacks_are_missed(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "test.conll"
    other.write_text("in\tO\nmax\tB-loc\nthere\tB-org\n")
    scores = story.run(settings(table, data__test_path=str(other)), tmp_path / "run")
    assert scores["entities"] == 2 and scores["labels"] == ["loc", "per", "org"]
    assert scores["test"]["model"]["per_type"]["org"]["recall"] == 0.0
    assert scores["test"]["model"]["recall"] <= 0.5
    page = (tmp_path / "run" / "report.html").read_text()
    assert re.search(r"<tr><td>test</td><td>1</td><td>3</td>(<td>[01]</td>){3}</tr>", page)


def test_a_test_file_without_entities_is_scored(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "test.conll"
    other.write_text("hello\tO\nthere\tO\n")
    chosen = settings(table, data__test_path=str(other), train__max_epochs=1)
    assert story.run(chosen, tmp_path / "run")["entities"] == 0


def test_runs_of_another_task_are_refused(finished: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'model.pooling'"):
        story.run(settings(table, model__pooling="max"), tmp_path / "other")
    with pytest.raises(DataError, match="sentence 0: a list of texts is expected, got 'a text'"):
        ls.load(finished).predict(["a text"])


@pytest.mark.parametrize(
    "change",
    [
        {"model__crf": False},
        {"model__cell": "gru", "model__num_layers": 2},
        {"model__bidirectional": False},
        {"model__characters": 0},
        {"model__character_model": "lstm"},
        {"model__character_embedding": 5},
        {"model__kernel": 5},
        {"model__shapes": 0},
        {"model__pairs": 6},
        {"model__word_dropout": 0.0},
        {"model__recurrent_dropout": 0.3},
        {"text__lowercase": False},
        {"text__min_count": 3},
        {"text__max_length": 3},
    ],
    ids=lambda change: " ".join(change),
)
def test_every_option_changes_the_training(table: Path, change: dict[str, Any]) -> None:
    source = read_tagged(table).take(range(80))
    for i, tokens in enumerate(source.tokens):
        tokens[0] = f"rare{i}" if i % 4 == 0 else "Upper" if i % 2 else "upper"
    plain, changed = (
        history_of(settings(train__max_epochs=2, **each), source) for each in ({}, change)
    )
    assert plain != changed


def test_a_cap_on_the_batches_of_an_epoch_is_kept(table: Path) -> None:
    learning, _, plan, _ = job_of(settings(table, train__steps_per_epoch=3)).training
    draw = torch.Generator().manual_seed(0)
    assert plan.steps_per_epoch == len(learning.batches(plan, draw)) == 3


def test_the_loss_only_breaks_ties(table: Path) -> None:
    job = job_of(settings(table, model__crf=False, train__max_epochs=1))
    model, val = job.model, job.encoded["val"]
    truth = entities_of(val.samples, model.encoder.scheme)
    found = tag(model, val.arrays)
    ahead = job.task.validate(model, val) - (1 - scores(truth, found.entities)["f1"])
    most = int(val.arrays.lengths.sum()) + sum(map(len, truth))
    assert 0 < ahead < 1 / most**2  # two different F1 are further apart
    with torch.no_grad():
        for weight in model.network.head.parameters():
            weight *= 1.5  # the same tags are best
    again = tag(model, val.arrays)
    worse = sum(again.losses) > sum(found.losses)
    other = job.task.validate(model, val) - (1 - scores(truth, again.entities)["f1"])
    assert again.tags == found.tags and (other > ahead) == worse


def test_settings_that_training_needs_cannot_be_cleared() -> None:
    with pytest.raises(ConfigError, match=r"train\.batch_size: Input should be a valid integer"):
        build(settings(train__batch_size="none"))


def test_a_baseline_that_diverges_is_left_out_and_named(table: Path, tmp_path: Path) -> None:
    told: list[str] = []
    wild = {"train__optimizer": "sgd", "train__learning_rate": 1e30, "train__schedule": "none"}
    job = job_of(settings(table, evaluate__softmax=True, **wild))
    job.train_baselines(told.append, silent)
    assert not job.networks and job.left_out["softmax"].startswith("is left out: training: the")
    assert told[-1] == f"note: the baseline softmax {job.left_out['softmax']}"


def test_few_sentences_get_more_epochs(tmp_path: Path) -> None:
    found = []
    for count in (60, 1600, 20_000):
        splits = Splits(*[sentences(count)] * 3, (), "")
        config = TagConfig.model_validate({"train": {"batch_size": 16}})
        found.append(TagTask().resolve(config, splits).train.max_epochs)
    assert found == [40, 20, 10]


def test_tokens_that_nothing_cuts_are_refused_before_training(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"text.tokens: 'wrods' is not known.*'words'"):
        story.run(settings(table, text__tokens="wrods"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_long_sentences_are_tagged_in_pieces(table: Path, tmp_path: Path) -> None:
    story.run(settings(table, text__max_length=20), tmp_path / "run")
    trained = ls.load(tmp_path / "run")
    tokens = ["in", "max"] * 500
    tags = trained.predict([tokens, ["in", "max"]])
    assert len(tags[0]) == 1000 and tags[0].count("B-loc") >= 490
    assert tags[1] == ["O", "B-loc"]


def test_rare_words_are_read_as_unknown_more_often(table: Path) -> None:
    chosen = settings(table, model__word_dropout=1.0)
    job = job_of(chosen)
    network, learning = job.model.network, job.training.learning
    seen: list[torch.Tensor] = []
    network.words.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    samples = torch.arange(100)
    network.train()
    for _ in range(20):
        learning.loss(samples)
    numbers = torch.from_numpy(job.encoded["train"].arrays.batch(samples.numpy()).words)
    lost = torch.stack([(words == UNKNOWN) & (numbers > 0) for words in seen]).double().mean(0)
    counts = torch.tensor(job.model.encoder.counts)[numbers]
    assert lost[counts == 1].mean() == pytest.approx(0.5, abs=0.05)
    assert lost[counts > 100].mean() < 0.02
    assert not lost[numbers == 0].any()


def test_pairs_of_a_word_read_as_unknown_are_unknown(table: Path) -> None:
    chosen = settings(table, model__word_dropout=1.0, model__pairs=4)
    job = job_of(chosen)
    network = job.model.network.train()
    words: list[torch.Tensor] = []
    pairs: list[torch.Tensor] = []
    network.words.register_forward_pre_hook(lambda _, given: words.append(given[0]))
    network.pairs.register_forward_pre_hook(lambda _, given: pairs.append(given[0]))
    samples = torch.arange(50)
    job.training.learning.loss(samples)
    read = on_device(job.encoded["train"].arrays.batch(samples.numpy()), "cpu")
    lost = (words[0] == UNKNOWN) & (read.words != UNKNOWN)
    beside = torch.cat([lost[1:], torch.zeros(1, 50, dtype=torch.bool)])
    assert lost.any()
    expected = torch.where((lost | beside) & (read.pairs > 0), UNKNOWN, read.pairs)
    assert torch.equal(pairs[0], expected)


def test_sentences_are_shown_with_their_entities_marked() -> None:
    tokens = ["Anna", "Berg", "saw", "Rome", "."]
    true, found = [(0, 2, "per"), (3, 4, "loc")], [(0, 1, "per"), (3, 4, "loc")]
    shown = spans(tokens, true, found, " ")
    assert "".join(span.text for span in shown) == " Anna Berg saw Rome ."
    marked = [(span.text, span.label) for span in shown if span.label]
    assert marked == [("Anna Berg", "per"), ("Rome", "loc")]
    wrong, right = (span.colour for span in shown if span.label)
    assert wrong != right
    unspaced = spans(list("科技大学"), [(2, 4, "x")], [], "")
    assert "".join(span.text for span in unspaced) == "科技大学"


def test_the_random_field_keeps_to_the_rules(table: Path, tmp_path: Path) -> None:
    story.run(settings(table, train__max_epochs=1), tmp_path / "run")
    trained = ls.load(tmp_path / "run")
    draw = np.random.default_rng(0)
    for row in trained.predict([list(draw.choice(FIRST, 9)) for _ in range(50)]):
        for before, after in zip(["O", *row], row, strict=False):
            assert after[0] != "I" or before[2:] == after[2:]


# Baselines


def lists() -> tuple[Tagged, Tagged, TagEncoder]:
    train = Tagged(
        "train",
        [["New", "York", "is", "new"], ["York", "is", "old"], ["York", "is"]],
        [["B-l", "I-l", "O", "O"], ["B-p", "O", "O"], ["B-p", "O"]],
        ["1", "2", "3"],
    )
    test = Tagged("test", [["york", "is", "new", "york"], ["Paris"]], None, ["1", "2"])
    return train, test, TagEncoder.fit(train, TagConfig())


def test_each_word_s_most_frequent_tag() -> None:
    train, test, fitted = lists()
    val = Tagged("val", [["york"]], [["B-p"]], ["1"])
    assert majority_tag(train, val, test, fitted) == [["S-p", "O", "B-l", "S-p"], ["O"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model__characters": 0, "model__kernel": 5}, r"model\.kernel: is of what reads the sp"),
        ({"model__character_model": "lstm", "model__kernel": 5}, r"model\.kernel: is of the filt"),
        ({"data__token_column": 1}, r"data\.token_column: is of files in columns"),
        ({"data__strip_position": True}, r"data\.strip_position: is of files"),
    ],
)
def test_a_setting_that_could_not_act_is_refused(
    table: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    source = read_tagged(table)
    source = Tagged("names", source.tokens, source.tags, source.places)
    with pytest.raises(ConfigError, match=message):
        story.run(settings(**change), tmp_path / "run", data=source)


def test_every_sentence_is_trained_where_batches_are_divided(table: Path) -> None:
    source = read_tagged(table).take([0] * 9)
    long = [row * (30_000 // len(row)) for row in source.tokens]
    assert source.tags is not None
    tags = [row * (30_000 // len(row)) for row in source.tags]
    data = Tagged("long", long, tags, source.places)
    chosen = settings(text__max_length=40_000, text__tokens="spaces", train__max_epochs=1)
    learning, _, plan, _ = job_of(chosen, Given(data, source, source)).training
    batches = learning.batches(plan, torch.Generator())
    assert sorted(torch.cat(list(batches)).tolist()) == list(range(9))
    assert plan.steps_per_epoch == len(batches) > 2


@pytest.mark.parametrize("lowercase", [True, False])
def test_lists_look_at_case_where_validation_says_so(lowercase: bool) -> None:
    words = [["Will", "will", "May"], ["may", "Will", "will"]]
    tags = [["B-p", "O", "B-p"], ["O", "B-p", "O"]]
    train = Tagged("lists", words, tags, ["0", "1"])
    folded = Tagged("folded", [["WILL", "sings"]], [["B-p", "O"]], ["0"])
    chosen = {"text": {"tokens": "spaces", "lowercase": lowercase}}
    fitted = TagEncoder.fit(train, TagConfig.model_validate(chosen))
    for find in (majority_tag, dictionary):
        assert [entities(row) for row in find(train, train, train, fitted)] == [
            [(0, 1, "p"), (2, 3, "p")],
            [(1, 2, "p")],
        ]
    assert [entities(row) for row in dictionary(train, folded, folded, fitted)] == [[(0, 1, "p")]]


def test_the_longest_known_name_is_found() -> None:
    train, test, fitted = lists()
    found = [entities(tags) for tags in dictionary(train, train, test, fitted)]
    assert found == [[(0, 1, "p"), (2, 4, "l")], []]


def test_names_that_are_mostly_none_are_left_out_where_that_is_better() -> None:
    words = [["may", "sings"], ["may", "i"], ["may", "he"], ["ida", "may"], ["ida", "sings"]]
    tags = [["B-p", "O"], ["O", "O"], ["O", "O"], ["B-p", "O"], ["B-p", "O"]]
    train = Tagged("lists", words, tags, [str(i) for i in range(5)])
    fitted = TagEncoder.fit(train, TagConfig.model_validate({"text": {"tokens": "spaces"}}))
    new = Tagged("new", [["may", "ida"]], None, ["0"])
    assert [entities(tags) for tags in dictionary(train, train, new, fitted)] == [[(1, 2, "p")]]
    all_names = train.take([0, 0, 0, 0])
    assert entities(dictionary(train, all_names, new, fitted)[0]) == [(0, 1, "p"), (1, 2, "p")]


@pytest.mark.parametrize(
    ("token", "name"),
    [("word", "lower"), ("Word", "title"), ("NASA", "upper"), ("I", "title"), ("iPhone", "mixed"),
     ("2024", "number"), ("3.5", "number"), ("mp3", "digits"), ("...", "mark"), ("科", "other")],
)  # fmt: skip
def test_shapes_of_tokens(token: str, name: str) -> None:
    assert SHAPES[shape_of(token)] == name


# The command line


def test_the_command_line(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    flags = ["--task", "tag", "--set", "model.hidden=16", "--set", "train.max_epochs=1"]
    done = longshort("run", str(table), *flags, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scheme"] == "bio"
    done = longshort("predict", str(out), given="mr otto ida\n\nin max\n")
    assert [len(line.split()) for line in done.stdout.split("\n")] == [3, 0, 2, 0]
    bare = tmp_path / "bare.conll"
    bare.write_text("mr\notto\n\nin\n")
    done = longshort("predict", str(out), "--data", str(bare))
    assert pl.read_csv(done.stdout.encode())["token"].to_list() == ["mr", "otto", "in"]
    done = longshort("predict", str(out), "--json", given="mr otto\n\nin max\n")
    found = json.loads(done.stdout)["sentences"]
    assert [each["place"] for each in found] == ["line 1", "line 3"]
    assert [each["tokens"] for each in found] == [["mr", "otto"], ["in", "max"]]
    assert [len(each["tags"]) for each in found] == [2, 2]
    written = tmp_path / "tags.csv"
    done = longshort("predict", str(out), "--out", str(written), given="in max\n")
    assert "wrote 2 rows" in done.stdout
    assert pl.read_csv(written)["place"].to_list() == ["line 1", "line 1"]


# Real data


def test_weibo_and_wnut_are_read_whole(real_data: Path) -> None:
    weibo = read_tagged(real_data / "weibo_ner" / "weiboNER_2nd_conll.train", strip_position=True)
    assert len(weibo) == 1350 and sum(len(t) > 1 for row in weibo.tokens for t in row) < 50
    wnut = read_tagged(real_data / "wnut17" / "wnut17train.conll")
    assert len(wnut) == 3394 and wnut.tags is not None
    assert sum(len(entities(row)) for row in wnut.tags) == 1975
