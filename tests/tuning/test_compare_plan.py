"""What is compared: names, refusals, pairs, learning rates."""

from __future__ import annotations

import re

import pytest

from longshort.errors import ConfigError
from longshort.tuning.compare_plan import (
    How,
    arms_of,
    doubt,
    pairs_of,
    parse_numbers,
    parse_vary,
    rates_of,
    size_key,
)


def test_cells_are_alternatives() -> None:
    found = arms_of(["lstm", "GRU"], None)
    assert [(arm.number, arm.name, arm.changes) for arm in found] == [
        (1, "lstm", {"model.cell": "lstm"}),
        (2, "GRU", {"model.cell": "GRU"}),
    ]


def test_a_class_is_named_by_its_last_part() -> None:
    found = arms_of(["lstm", "longshort.cells.gru:GRU"], None)
    assert [arm.name for arm in found] == ["lstm", "GRU"]


@pytest.mark.parametrize(
    ("cells", "vary", "said"),
    [
        (["lstm", "gruu"], None, "cell 'gruu' is not known; did you mean 'GRU'?"),
        (["lstm"], None, "two alternatives or more are needed; given: lstm"),
        (["lstm", "lstm"], None, "lstm is given twice"),
        (None, None, "give either cells"),
        (["lstm", "gru"], {"model.hidden": [1, 2]}, "give either cells"),
        (None, {"a.b": [1, 2], "c.d": [1, 2]}, "one setting at a time"),
        (["lstm", "no.module:Cell"], None, "cannot be imported"),
    ],
)
def test_what_cannot_be_compared_is_refused(cells: object, vary: object, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        arms_of(cells, vary)  # type: ignore[arg-type]


def test_values_are_read_as_toml() -> None:
    assert parse_vary(["train.l2=0,0.1"]) == {"train.l2": [0, 0.1]}
    assert parse_vary(["model.residual=true,false"]) == {"model.residual": [True, False]}
    tables = parse_vary(["model.cell_options=[{}, {peephole = true}]"])
    assert tables == {"model.cell_options": [{}, {"peephole": True}]}


@pytest.mark.parametrize("text", ["model.hidden", "=1,2", "model.hidden=", "model.hidden=[1,"])
def test_a_variation_without_values_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--vary"):
        parse_vary([text])


def test_pairs_are_the_fewest_that_allow_a_claim() -> None:
    assert len(pairs_of(How(), 2, 0, 0)) == 6
    pairs = pairs_of(How(), 3, 4, 9)
    assert [(each.number, each.seed, each.split_seed) for each in pairs[:2]] == [
        (1, 4, 9),
        (2, 5, 10),
    ]
    assert len(pairs) == 7


def test_too_few_pairs_are_said() -> None:
    assert doubt(6, 2) == ""
    assert "with 5 pairs no difference can be significant" in doubt(5, 2)
    assert "with 6 pairs and 3 comparisons" in doubt(6, 3)


def test_rates_are_five_over_two_decades() -> None:
    arms = arms_of(["lstm", "gru"], None)
    found = rates_of(How(), arms, 0.002)
    assert found == (0.0002, 0.000632, 0.002, 0.00632, 0.02)
    assert rates_of(How(rates=(0.1, 0.01)), arms, 0.002) == (0.01, 0.1)


def test_rates_that_are_compared_are_not_tuned() -> None:
    arms = arms_of(None, {"train.learning_rate": [0.1, 0.01]})
    assert rates_of(How(), arms, 0.002) == ()
    with pytest.raises(ConfigError, match="is what is compared"):
        rates_of(How(rates=(0.1,)), arms, 0.002)


def test_sizes_are_equal_where_cells_are_compared() -> None:
    cells, others = arms_of(["lstm", "gru"], None), arms_of(None, {"train.l2": [0, 1]})
    assert size_key(How(), cells) == "model.hidden"
    assert size_key(How(), others) is None
    assert size_key(How(size="model.embedding"), others) == "model.embedding"
    assert size_key(How(size="none"), cells) is None


@pytest.mark.parametrize("how", [{"pairs": 0}, {"tune_share": 0.0}, {"rates": (-1.0, 1.0)}])
def test_impossible_ways_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        How(**how)  # type: ignore[arg-type]


def test_numbers_are_parsed_or_refused() -> None:
    assert parse_numbers("0.1, 1e-3") == (0.1, 0.001)
    with pytest.raises(ConfigError, match="--rates: numbers like"):
        parse_numbers("fast")
