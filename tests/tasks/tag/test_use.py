"""A tagger in use: pretrained vectors, spelling, Python, the data doctor, scores on new data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.data.findings import Finding
from longshort.errors import DataError
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.story import prepare
from longshort.runs.trained import load
from longshort.tasks.tag.conll import read_tagged, tagged_of
from tests.commands import longshort

SMALL = {
    "model.hidden": 12,
    "model.characters": 8,
    "model.dropout": 0.1,
    "train.max_epochs": 6,
    "train.learning_rate": 0.02,
    "train.threads": 1,
    "evaluate.softmax": False,
}
QUICK = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]

Lists = tuple[list[list[str]], list[list[str]]]


def visits(count: int, first: int = 0) -> Lists:
    """People after "mr", places after "in"; every sentence has a number of its own."""
    names = ["anna", "otto", "ida", "max"]
    draw = np.random.default_rng(first)
    tokens, tags = [], []
    for i in range(first, first + count):
        one, two = draw.choice(names, 2)
        tokens.append(["mr", str(one), "was", "in", str(two), f"n{i}"])
        tags.append(["O", "B-per", "O", "O", "B-loc", "O"])
    return tokens, tags


def write(path: Path, lists: Lists) -> Path:
    blocks = (
        "".join(f"{token} {tag}\n" for token, tag in zip(*sentence, strict=True))
        for sentence in zip(*lists, strict=True)
    )
    path.write_text("\n".join(blocks))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    data = write(folder / "visits.conll", visits(100))
    ls.Tagger(settings=SMALL).fit(data, out=folder / "run")
    return folder


# Pretrained vectors


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "words.vec"
    path.write_text("mr 1 0 0\nin -1 0 0\nOtto 0 0.5 0\nelsewhere 9 9 9\n")
    return path


def settings(**model: Any) -> dict[str, Any]:
    return {
        "task": "tag",
        "model": {"hidden": 8, "characters": 4, **model},
        "train": {"max_epochs": 1, "threads": 1},
        "text": {"min_count": 2},
    }


def test_words_start_from_vectors(vectors: Path) -> None:
    said: list[str] = []
    job = Job(prepare(settings(vectors=str(vectors)), tagged_of(*visits(60))), said.append)
    words, known = job.model.network.words, job.model.encoder.vocabulary
    assert job.config.model.embedding == 3
    numbers = known.encode(["mr", "in", "otto"])
    assert words.weight[numbers].tolist() == [[1, 0, 0], [-1, 0, 0], [0, 0.5, 0]]
    assert f"vectors: 3 of {len(known) - 2} known tokens have one" in said


def test_frozen_vectors_stay_and_come_back_without_their_file(
    vectors: Path, tmp_path: Path
) -> None:
    chosen = settings(vectors=str(vectors), freeze=True)
    story.run(chosen, tmp_path / "run", data=tagged_of(*visits(60)))
    vectors.unlink()
    trained = load(tmp_path / "run")
    (number,) = trained.encoder.vocabulary.encode(["otto"])
    for model in (trained.model, trained.networks["softmax"]):
        assert model.network.words.weight[number].tolist() == [0, 0.5, 0]
    assert trained.predict(tagged_of([["mr", "otto"]])).tags[0]


def test_vectors_that_do_not_fit_are_refused(vectors: Path) -> None:
    data = tagged_of(*visits(60))
    for change, message in (
        ({"vectors": str(vectors), "embedding": 12}, r"embedding: is 12, and the vectors"),
        ({"freeze": True}, r"freeze keeps pretrained vectors.*model\.vectors"),
        ({"vectors": str(vectors.parent / "none")}, "no such file of vectors"),
    ):
        with pytest.raises(ls.LongshortError, match=message):
            story.prepare(settings(**change), data, lambda _: None)


# Spelling


def test_a_token_without_end_is_read_at_both_ends() -> None:
    tokens, tags = visits(60)
    fitted = prepare({"task": "tag"}, tagged_of(tokens, tags)).encoder
    endless = fitted.encode(tagged_of([["anna" + "x" * 10**6 + "otto"]])).forms[0]
    assert len(endless) == 128
    assert endless[:5] == fitted.characters.encode("annax")
    assert endless[-5:] == fitted.characters.encode("xotto")


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_what_only_the_spelling_tells_is_learned(kind: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    stems = ["".join(draw.choice(list("abcdefgh"), 3)) + str(i) for i in range(400)]
    places = [bool(draw.integers(2)) for _ in stems]
    words = [
        stem + ("x" if is_place else "y") for stem, is_place in zip(stems, places, strict=True)
    ]
    tokens = [words[i : i + 4] for i in range(0, 400, 4)]
    tags = [["B-loc" if word[-1] == "x" else "O" for word in row] for row in tokens]
    chosen = {
        **SMALL,
        "model.character_model": kind,
        "model.shapes": 0,
        "train.learning_rate": 0.05,
        "train.max_epochs": 10,
    }
    run = ls.Tagger(settings=chosen).fit(tokens, tags, out=tmp_path / "run")
    assert run.scores["test"]["model"]["f1"] > 0.9
    assert run.scores["test"]["baselines"]["majority_tag"]["f1"] == 0.0


def test_halves_of_an_odd_number_are_refused() -> None:
    with pytest.raises(ls.ConfigError, match=r"characters = 25 is odd.*take 26"):
        ls.Tagger(settings={"model.characters": 25, "model.character_model": "lstm"})


# Python


def test_lists_of_tokens_are_data(tmp_path: Path) -> None:
    run = ls.Tagger(settings=SMALL).fit(*visits(100), out=tmp_path / "run")
    assert isinstance(run, ls.TaggerRun) and run.report.is_file()
    assert run.verdict == run.scores["verdict"]
    found = [("mr", "O"), ("ida", "B-per"), ("in", "O"), ("max", "B-loc")]
    assert run.tag("mr ida in max") == found
    assert run.entities("mr ida in max") == [("ida", "per"), ("max", "loc")]
    assert run.predict([["mr", "ida", "in", "max"]]) == [[tag for _, tag in found]]
    assert run.evaluate(*visits(30, first=100))["examples"] == 30
    again = ls.load(tmp_path / "run")
    assert isinstance(again, ls.TaggerRun) and again.tag("mr ida in max") == found
    with pytest.raises(ls.RunError, match="data in memory that is gone"):
        again.evaluate(*visits(30, first=100))


@pytest.mark.parametrize(
    ("data", "tags", "message"),
    [
        ([["a"], ["b"]], [["O"]], "tags: 1 lists for 2 sentences"),
        ([["a", "b"]], [["O"]], "sentence 0: 1 tags for 2 tokens"),
        (["a b"], [["O", "O"]], "sentence 0: a list of texts is expected, got 'a b'"),
        ([["a"], ["b"]], None, "has no tags"),
        ([["a"], ["b"]], [["O"], [""]], "sentence 1: token 1 has an empty tag"),
        ([["a"], ["b"]], [["O"], ["B-"]], "sentence 1: token 1 has the tag 'B-' without a type"),
        ("t.conll", [["O"]], "tags: stand in the file"),
    ],
)
def test_data_that_are_no_sentences(data: Any, tags: Any, message: str) -> None:
    with pytest.raises(ls.DataError, match=message):
        ls.Tagger().fit(data, tags)


# Scores on new data


def test_sentences_of_the_training_are_left_out(finished: Path, tmp_path: Path) -> None:
    run = ls.load(finished / "run")
    path = write(tmp_path / "new.conll", visits(20, first=200))
    both = tmp_path / "both.conll"
    both.write_text((finished / "visits.conll").read_text() + "\n" + path.read_text())
    assert run.evaluate(path)["examples"] == 20
    scores = run.evaluate(both)
    assert scores["examples"] == 20 + run.scores["examples"]
    assert set(scores["test"]["baselines"]) == {"majority_tag", "dictionary"}
    assert run.evaluate(both, include_training=True)["examples"] == 120
    write(path, ([["mr", "x"]], [["O", "B-org"]]))
    assert run.evaluate(path)["test"]["model"]["recall"] == 0.0


def test_evaluate_from_the_command_line(finished: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "new.conll", visits(20, first=200))
    flags = ["evaluate", str(finished / "run"), "--data", str(path), "--json"]
    done = longshort(*flags)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["model"]["f1"] == 1.0


def test_baselines_need_the_run_s_own_data(tmp_path: Path) -> None:
    path = write(tmp_path / "v.conll", visits(40))
    run = ls.Tagger(settings={**SMALL, "train.max_epochs": 1}).fit(path, out=tmp_path / "run")
    write(path, visits(41))
    with pytest.raises(ls.RunError, match="its content differs"):
        run.evaluate(*visits(10, first=300))


# The data doctor


def findings(*parts: Lists, folder: Path, **chosen: Any) -> dict[str, Finding]:
    """By code, of training sentences and, where they are given, test sentences."""
    paths = [str(write(folder / f"{i}.conll", lists)) for i, lists in enumerate(parts)]
    data = {"test_path": paths[1]} if len(paths) > 1 else {}
    found = ls.check(paths[0], {"task": "tag", "data": data, **chosen})
    return {finding.code: finding for finding in found}


def with_more(lists: Lists, *rows: tuple[str, str]) -> Lists:
    """With sentences and their tags, both as texts."""
    tokens, tags = lists
    more: Sequence[tuple[list[str], list[str]]] = [(a.split(), b.split()) for a, b in rows]
    return [*tokens, *(a for a, _ in more)], [*tags, *(b for _, b in more)]


def test_sound_sentences_have_no_findings(tmp_path: Path) -> None:
    assert findings(visits(100), folder=tmp_path) == {}


def test_the_doctor_finds_what_harms_a_tagger(tmp_path: Path) -> None:
    again = " ".join(visits(1)[0][0])
    lists = with_more(
        visits(100),
        (again, "O B-per O O B-per O"),
        (" ".join(["so"] * 90), " ".join(["O"] * 90)),
        ("the acme shop", "O B-org O"),
        ("mr I", "O I-per"),
    )
    found = findings(
        lists, visits(20, first=100), folder=tmp_path, text={"max_length": 80}, split={"seed": 1}
    )
    assert found.keys() == {
        "tags", "repeated", "contradiction", "long", "few-examples", "untested-type"
    }  # fmt: skip
    (torn,) = found["contradiction"].where
    assert torn.startswith("token 5") and "B-loc in line 1, B-per in line 701" in torn
    assert found["long"].where == ("line 708: 90 tokens",)
    assert found["few-examples"].where == ("org: 1",)
    assert found["untested-type"].where == ("org",)


def test_types_that_training_lacks_are_told(tmp_path: Path) -> None:
    other = with_more(visits(1), ("the acme shop", "O B-org O"))
    found = findings(visits(60), other, folder=tmp_path)
    assert found["unseen-type"].severity == "warning"
    assert found["unseen-type"].where == ("line 8: token 2 'acme': org",)
    assert "1 of 2 test examples" in found["duplicate"].message


def test_entities_that_are_rare_are_told(tmp_path: Path) -> None:
    rows = [(f"nothing here {i}", "O O O") for i in range(950)]
    found = findings(with_more(visits(50), *rows), folder=tmp_path)
    assert found.keys() == {"few-entities"} and "760 of 800" in found["few-entities"].message


def test_one_tag_teaches_nothing(tmp_path: Path) -> None:
    rows = [(f"a b{i}", "NOUN NOUN") for i in range(20)]
    found = findings(with_more(([], []), *rows), folder=tmp_path)
    assert found["one-tag"].severity == "error"
    with pytest.raises(ls.DataError, match="all tags of the training split are NOUN"):
        ls.Tagger(settings=SMALL).fit(tmp_path / "0.conll", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_check_and_init_from_the_command_line(tmp_path: Path) -> None:
    data, chosen = write(tmp_path / "v.conll", visits(100)), tmp_path / "s.toml"
    checked = longshort("check", str(data), "--task", "tag")
    assert checked.returncode == 0 and "nothing found" in checked.stdout
    written = longshort("init", str(data), "--task", "tag", *QUICK, "--out", str(chosen))
    assert written.returncode == 0, written.stderr
    done = longshort("train", "--config", str(chosen), "--out", str(tmp_path / "run"), "-q")
    assert done.returncode == 0, done.stderr
    assert 'tokens = "spaces"' in chosen.read_text() and "entity F1" in done.stdout


def test_the_recipes_are_sound_and_all_different() -> None:
    assert ls.check(ls.example("recipes"), {"task": "tag"}) == []
    lines = read_tagged(ls.example("recipes"))
    words = [
        frozenset(
            token.lower()
            for token, tag in zip(*sentence, strict=True)
            if not tag.endswith("QUANTITY") and token not in ",()"
        )
        for sentence in zip(lines.tokens, lines.tags or [], strict=True)
    ]
    shared = max(len(a & b) / len(a | b) for a, b in combinations(words, 2))
    assert len(words) > 500 and shared < 0.7


# What a stranger runs into


def test_new_sentences_with_types_that_training_lacks_are_told(finished: Path) -> None:
    tokens, tags = visits(30, first=500)
    tags[0][1] = "B-zzz"
    said: list[str] = []
    load(finished / "run").evaluate(tagged_of(tokens, tags), say=said.append)
    assert any("1 new entities have a type that the training split lacks" in line for line in said)


@pytest.mark.parametrize("mark", [".", "end"])
def test_how_texts_will_be_cut_is_told_where_marks_are_tokens(mark: str, tmp_path: Path) -> None:
    sentences = [["mr", "anna", mark, f"n{i}"] for i in range(30)]
    data = write(tmp_path / "x.conll", (sentences, [["O", "B-per", "O", "O"]] * 30))
    said: list[str] = []
    prepare(settings(), str(data), said.append)
    assert any("set text.tokens = words" in line for line in said) == (mark == ".")


def test_a_file_without_ends_of_sentences_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "long.conll"
    path.write_text("mr O\nanna B-per\n" * 50)
    with pytest.raises(DataError, match=r"single sentence of 100 tokens.*by empty lines"):
        story.run(settings() | {"data": {"path": str(path)}}, tmp_path / "run")


def test_what_is_no_sentence_is_refused(finished: Path) -> None:
    run = ls.load(finished / "run")
    for use in (run.tag, run.entities):
        with pytest.raises(DataError, match="sentence: a text or a list of tokens is expected"):
            use(None)


def test_json_tells_where_tags_were_written(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.csv"
    asked = ["predict", str(finished / "run"), "--out", str(out), "--json"]
    found = longshort(*asked, given="mr otto in rome\n")
    told = json.loads(found.stdout)
    assert (told["rows"], told["out"]) == (4, str(out)) and out.is_file()
