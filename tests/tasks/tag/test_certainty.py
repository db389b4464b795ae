"""Probabilities of tags and entities: beside every path of a small field, and of finished runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.nn.blocks.crf import CRF, bioes_rules
from longshort.tasks.tag.certainty import Certainty, Field, certainties
from tests.commands import longshort

STEPS, TAGS = 4, 3
DRAW = np.random.default_rng(0)
SCORES = DRAW.normal(size=(STEPS, 2, TAGS)) * 2
FIELD = Field(DRAW.normal(size=(TAGS, TAGS)), DRAW.normal(size=TAGS), DRAW.normal(size=TAGS))
CHOSEN = [[0, 2, 1, 0], [1, 1]]
"""The second sequence is shorter."""


def every_path(row: int) -> dict[tuple[int, ...], float]:
    """The probability of every path of a sequence, one by one."""
    length = len(CHOSEN[row])
    found = {}
    for path in product(range(TAGS), repeat=length):
        score = FIELD.start[path[0]] + FIELD.end[path[-1]]
        score += sum(SCORES[t, row, tag] for t, tag in enumerate(path))
        score += sum(FIELD.transitions[a, b] for a, b in pairwise(path))
        found[path] = float(np.exp(score))
    total = sum(found.values())
    return {path: p / total for path, p in found.items()}


@pytest.mark.parametrize("row", [0, 1])
def test_the_probability_of_a_tag_is_that_of_all_paths_through_it(row: int) -> None:
    paths, chosen = every_path(row), CHOSEN[row]
    known = [sum(p for path, p in paths.items() if path[t] == tag) for t, tag in enumerate(chosen)]
    found = certainties(SCORES, CHOSEN, FIELD)[row].tag
    np.testing.assert_allclose(found, known, rtol=1e-12)


@pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 2), (1, 3), (1, 4), (0, 4)])
def test_the_probability_of_a_stretch_is_that_of_all_paths_with_it(begin: int, end: int) -> None:
    chosen = tuple(CHOSEN[0])
    known = sum(p for path, p in every_path(0).items() if path[begin:end] == chosen[begin:end])
    assert certainties(SCORES, CHOSEN, FIELD)[0].stretch(begin, end) == pytest.approx(known)


def test_without_a_field_probabilities_are_those_of_a_softmax() -> None:
    zeros = Field(np.zeros((TAGS, TAGS)), np.zeros(TAGS), np.zeros(TAGS))
    found = certainties(SCORES, CHOSEN, zeros)[0]
    softmax = np.exp(SCORES[:, 0]) / np.exp(SCORES[:, 0]).sum(1, keepdims=True)
    np.testing.assert_allclose(found.tag, softmax[range(STEPS), CHOSEN[0]], rtol=1e-12)
    np.testing.assert_allclose(found.step, found.tag, rtol=1e-12)


def test_the_probability_of_a_whole_path_is_its_likelihood() -> None:
    tags = ["O", "B-x", "I-x", "E-x", "S-x"]
    crf = CRF(len(tags), **bioes_rules(tags))
    scores, path = torch.randn(6, 1, len(tags)) * 3, [0, 1, 2, 3, 4, 0]
    lengths = torch.tensor([6])
    loss = crf(scores, torch.tensor(path)[:, None], lengths).item()
    field = Field(*(each.detach().numpy() for each in crf.weights()))
    (found,) = certainties(scores.double().numpy(), [path], field)
    assert found.stretch(0, 6) == pytest.approx(np.exp(-loss))


def test_scores_far_apart_lose_nothing() -> None:
    scores = np.zeros((3, 1, 2))
    scores[1, 0, 0] = 2_000.0
    field = Field(np.array([[0.0, -1e4], [0.0, 0.0]]), np.zeros(2), np.array([-3_000.0, 0.0]))
    (found,) = certainties(scores, [[1, 1, 1]], field)
    np.testing.assert_allclose(found.tag, 1.0)


def test_sequences_one_after_the_other_are_independent() -> None:
    one = Certainty(np.array([0.5]), np.array([0.5]))
    assert (one + one).stretch(0, 2) == 0.25


def test_python_gives_probabilities_of_tags_and_entities(small_run: Callable[[str], Path]) -> None:
    run = ls.load(small_run("tag"))
    assert isinstance(run, ls.TaggerRun)
    tokens = ["mr", "otto", "in", "rome"]
    (p,) = run.probabilities([tokens])
    assert len(p) == 4 and all(0 < each <= 1 for each in p)
    sure = run.sure_entities(tokens)
    assert [each[:2] for each in sure] == run.entities(tokens)


def test_an_entity_is_at_most_as_sure_as_its_tags(small_run: Callable[[str], Path]) -> None:
    stored = pl.read_csv(small_run("tag") / "predictions.csv")
    found = stored.filter(pl.col("entity_probability").is_not_null())
    assert (found["entity_probability"] <= found["probability"] + 1e-6).all()


def test_no_sentences_have_no_probabilities(small_run: Callable[[str], Path]) -> None:
    run = ls.load(small_run("tag"))
    assert isinstance(run, ls.TaggerRun)
    assert run.probabilities([]) == [] and run.probabilities([[]]) == [[]]


def test_the_command_line_gives_them_in_columns_and_in_json(
    small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    new = tmp_path / "new.txt"
    new.write_text("mr otto in rome\nmr otto\n")
    asked = ["predict", small_run("tag"), "--data", new]
    rows = pl.read_csv(longshort(*asked).stdout.encode())
    (first, _) = json.loads(longshort(*asked, "--json").stdout)["sentences"]
    assert rows.columns == ["place", "token", "tag", "probability", "entity_probability"]
    assert first["probabilities"] == pytest.approx(rows["probability"].to_list()[:4], rel=1e-3)
