"""Search spaces: what is understood, drawn and refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from longshort.errors import ConfigError
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tuning.space import Choice, Range, draw, parse_search, parse_space, parse_values

SETTINGS = {"task": "classify"}


def space_of(**search: object) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in search.items()}
    return parse_space(named, SETTINGS, ClassifyConfig)


def test_ranges_are_logarithmic_from_ten_times_on() -> None:
    space = space_of(
        model__hidden="16..256", train__learning_rate="1e-4..1e-2", model__num_layers="1..3"
    )
    assert space["model.hidden"] == Range(16, 256, is_whole=True)
    assert [space[key].is_log for key in sorted(space)] == [True, False, True]


def test_a_range_from_zero_is_linear_and_has_fractions_where_the_setting_has() -> None:
    found = space_of(train__ema="0..0.9")["train.ema"]
    assert not found.is_log
    assert not found.is_whole
    assert space_of(train__learning_rate="1..2")["train.learning_rate"].is_whole is False


def test_lists_are_read_as_their_values() -> None:
    space = space_of(
        model__cell="lstm,gru", train__batch_size="16, 32", train__clip_norm=(1.0, 5.0)
    )
    assert [each.values for each in space.values()] == [("lstm", "gru"), (16, 32), (1.0, 5.0)]


def test_a_draw_is_repeated_by_its_seed_and_a_longer_one_begins_with_it() -> None:
    space = space_of(model__hidden="4..64", train__learning_rate="1e-4..1e-2")
    assert draw(space, 5, seed=3) == draw(space, 12, seed=3)[:5]
    assert draw(space, 5, seed=3) != draw(space, 5, seed=4)


def test_a_draw_covers_a_space_evenly() -> None:
    """Of 60 draws of a logarithmic range, each third has a third."""
    drawn = draw(space_of(train__learning_rate="1e-4..1e-1"), 60, seed=0)
    decades = [math.floor(math.log10(each["train.learning_rate"])) for each in drawn]
    assert all(19 <= decades.count(decade) <= 21 for decade in (-4, -3, -2))


def test_values_stay_within_the_ends() -> None:
    drawn = draw(space_of(model__hidden="3..5"), 3, seed=0)
    assert sorted(each["model.hidden"] for each in drawn) == [3, 4, 5]


def test_a_small_space_is_drawn_once() -> None:
    assert len(draw({"model.cell": Choice(("lstm", "gru"))}, 10, seed=0)) == 2


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"hidden": "4..8"}, "unknown key 'hidden'; did you mean 'model.hidden'"),
        ({"model.hiden": "4..8"}, "did you mean 'model.hidden'"),
        ({"model.hidden": "8..4"}, r"model.hidden: the range 8..4 is empty; write LOW..HIGH"),
        ({"model.hidden": "8..8"}, "is empty"),
        ({"model.hidden": "a..8"}, "'a' is no number"),
        ({"model.hidden": "0..8"}, "model.hidden: Input should be greater than or equal to 1"),
        ({"train.optimizer": "adam,foo"}, "train.optimizer: Input should be 'adam'"),
        ({"split.val": "0.1,0.2"}, "compared on the same samples"),
        ({"data.path": "a,b"}, "compared on the same samples"),
        ({"train.seed": "1,2"}, "trials have seeds of their own"),
        ({}, "nothing to search; name settings"),
        ({"model.hidden": ()}, "no value"),
    ],
)
def test_what_cannot_be_searched_is_refused(search: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_space(search, SETTINGS, ClassifyConfig)


def test_pairs_of_the_command_line() -> None:
    assert parse_search(["model.hidden=4..8"]) == {"model.hidden": "4..8"}
    with pytest.raises(ConfigError, match=r"write key=LOW..HIGH or key=A,B,C"):
        parse_search(["model.hidden"])


def test_values_of_the_command_line() -> None:
    assert parse_values("8, 16,0.5") == [8.0, 16.0, 0.5]
    assert parse_values(None) == []
    with pytest.raises(ConfigError, match="numbers like 16,32,64 are expected, got 'a,b'"):
        parse_values("a,b")
