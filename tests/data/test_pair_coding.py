"""Coders of both sides, and how their settings are decided."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshort.config.parallel import TextCoding
from longshort.data.pair_coding import PairCoder, decided_coding
from longshort.data.parallel import pairs_of
from longshort.errors import ConfigError, RunError

LATIN = pairs_of([f"ein Hund Nummer {n}" for n in range(20)], [f"a dogs {n}" for n in range(20)])
CHINESE = pairs_of(["I like books"] * 3, ["我喜欢看书我喜欢看书。"] * 3)


def coder(pairs: Any = LATIN, **settings: Any) -> PairCoder:
    return PairCoder.fit(pairs, decided_coding(pairs, TextCoding.model_validate(settings)))


def test_sides_of_one_script_share_their_tokens() -> None:
    found = coder(tokens="words")
    assert found.is_joint and found.target.unknown("Hund dogs") == []


def test_sides_can_have_tokens_of_their_own() -> None:
    found = coder(tokens="words", joint=False)
    assert not found.is_joint and found.target.unknown("Hund dogs") == ["Hund"]


def test_scripts_decide() -> None:
    found = decided_coding(CHINESE, TextCoding())
    assert (found.tokens, found.target_tokens, found.joint) == ("subwords", "characters", False)


@pytest.mark.parametrize(("count", "least"), [(499, 1), (500, 2)])
def test_words_of_many_pairs_must_be_seen_twice(count: int, least: int) -> None:
    pairs = pairs_of(["one text"] * count, ["another text"] * count)
    assert decided_coding(pairs, TextCoding(tokens="words")).min_count == least


def test_settings_that_are_given_stay() -> None:
    given = TextCoding(tokens="words", target_tokens="characters", min_count=3, joint=False)
    assert decided_coding(CHINESE, given) == given


def test_one_set_of_two_kinds_is_refused() -> None:
    given = TextCoding(tokens="words", target_tokens="characters", joint=True)
    with pytest.raises(ConfigError, match="read as words and targets as characters"):
        decided_coding(LATIN, given)


def test_every_target_is_learned() -> None:
    assert coder(pairs_of(["a"], [["b", "c"]]), tokens="words").target.unknown("b c") == []


def test_long_texts_are_cut() -> None:
    found = coder(tokens="words", max_length=2)
    assert found.source.decode(found.sources(LATIN)[0]) == "ein Hund"
    assert found.target.decode(found.targets(LATIN)[0]) == "a dogs"


def test_pairs_with_a_long_text_can_be_left_out() -> None:
    pairs = pairs_of(["a b c", "a", "b"], ["a", "a b c", "b"])
    assert coder(pairs, tokens="words", max_length=2).without_long(pairs).sources == ["b"]


@pytest.mark.parametrize("joint", [True, False])
def test_coders_are_kept_as_json(joint: bool) -> None:
    found = coder(tokens="words", joint=joint)
    again = PairCoder.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.is_joint == joint and again.to_dict() == found.to_dict()


@pytest.mark.parametrize("stored", [None, {}, {"max_length": 0}, {"max_length": 3, "source": 3}])
def test_damaged_coders_are_refused(stored: object) -> None:
    with pytest.raises(RunError, match="damaged"):
        PairCoder.from_dict(stored)
