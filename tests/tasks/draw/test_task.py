"""Drawing: what is learned, how likely points are, and new drawings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from longshort.config import build
from longshort.data.examples.letters import letters
from longshort.data.strokes.ink import Ink, Inks, ink_of_strokes
from longshort.errors import ConfigError, DataError
from longshort.runs import story
from longshort.runs.pen import Pen
from longshort.runs.task import Model
from longshort.tasks.draw.baselines import autoregression, memoryless
from longshort.tasks.draw.config import DrawConfig
from longshort.tasks.draw.encoder import DOWN, END, UP, DrawArrays, DrawEncoder
from longshort.tasks.draw.inference import Likelihoods, likelihoods
from longshort.tasks.draw.network import nats_of
from longshort.tasks.draw.task import DrawTask
from tests.jobs import AnyJob, job_of, trained_job

TASK = DrawTask()


def inks_of(walks: list[NDArray[np.float64]], labels: list[str] | None = None) -> Inks:
    items = [ink_of_strokes([walk], "x") for walk in walks]
    return Inks("walks", items, labels, [f"item {i}" for i in range(len(items))])


def stairs(count: int, seed: int = 0, noise: float = 0.1) -> Inks:
    """Walks right, right, down and so on: what comes is told by more than the last step."""
    draw = np.random.default_rng(seed)
    walks = []
    for begin in draw.integers(3, size=count):
        steps = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]] * 8)[begin : begin + 15]
        walks.append((steps + draw.normal(0, noise, steps.shape)).cumsum(0))
    return inks_of(walks)


def job(inks: Inks, *, is_trained: bool = False, **settings: Any) -> AnyJob:
    tables: dict[str, dict[str, Any]] = {
        "data": {},
        "model": {"hidden": 12, "mixtures": 3},
        "train": {"max_epochs": 1, "threads": 1},
    }
    for key, value in settings.items():
        table, _, name = key.partition("_")
        tables[table][name] = value
    make = trained_job if is_trained else job_of
    return make({"task": "draw", **tables}, inks)


def symbols(count: int = 80) -> Inks:
    return letters(count, longest=1)


def of_text(**settings: Any) -> AnyJob:
    torch.manual_seed(0)
    return job(letters(40), data_condition="text", **settings)


def test_what_comes_is_learned_from_more_than_the_last_step() -> None:
    """The noise of the steps alone has 2 log(0.1 / scale) + log(2πe) nats a point."""
    found = job(stairs(300), is_trained=True, train_max_epochs=30, train_batch_size=16)
    model = found.model
    test = TASK.encode(model.encoder, stairs(40, seed=1))
    train = TASK.encode(model.encoder, stairs(300))
    own = likelihoods(model, test)
    best = 2 * np.log(0.1 / model.encoder.scale) + np.log(2 * np.pi * np.e)
    moves = own.moves.sum() / (own.points.sum() - 40)
    assert best - 0.1 < moves < best + 0.6
    for other in (autoregression(train, test), memoryless(train, test, 5)):
        assert own.each.mean() < other.each.mean() - 0.2


@pytest.mark.parametrize("condition", ["nothing", "label", "text"])
def test_inference_says_what_training_says(condition: str) -> None:
    """Whole drawings in torch, and NumPy's likelihoods; of texts, point by point."""
    inks = symbols()
    torch.manual_seed(0)
    model = job(inks, data_condition=condition).model
    arrays = TASK.encode(model.encoder, inks)
    batch = arrays.batch(np.arange(len(inks)))
    tensors = type(batch)(*(torch.from_numpy(np.asarray(each)) for each in vars(batch).values()))
    expected = nats_of(model.network, tensors)
    found = likelihoods(model, arrays)
    np.testing.assert_allclose(found.moves, expected.points.sum(0).detach(), rtol=1e-4)
    np.testing.assert_allclose(found.pens, expected.classes.sum(0).detach(), rtol=1e-4)


@pytest.mark.parametrize("condition", ["label", "text"])
def test_point_by_point_is_the_whole(condition: str) -> None:
    inks = symbols()
    torch.manual_seed(0)
    model = job(inks, data_condition=condition).model
    batch = TASK.encode(model.encoder, inks).batch(np.arange(3))
    whole = model.call("forward", batch.x, batch.lengths, batch.condition)
    state = model.call("begin", batch.condition)
    for place, x in enumerate(batch.x):
        found, state = model.call("advance", x, state)
        real = batch.real[place]
        np.testing.assert_allclose(found[real], whole[place][real], atol=1e-5)


def test_later_points_change_nothing_before_them() -> None:
    model = of_text().model
    inks = letters(1, seed=3)
    batch = TASK.encode(model.encoder, inks).batch(np.arange(1))
    whole = model.call("forward", batch.x, batch.lengths, batch.condition)
    other = batch.x.copy()
    other[6:] += 1.0
    found = model.call("forward", other, batch.lengths, batch.condition)
    assert np.array_equal(found[:6], whole[:6]) and not np.allclose(found[6:], whole[6:])


def test_the_window_never_moves_back() -> None:
    model = of_text().model
    batch = TASK.encode(model.encoder, letters(2)).batch(np.arange(2))
    state, before = model.call("begin", batch.condition), 0.0
    for x in batch.x:
        _, state = model.call("advance", x, state)
        assert (state.place > before).all()
        before = state.place


def test_the_autoregression_finds_the_entropy_of_one() -> None:
    draw = np.random.default_rng(0)
    moves = [np.zeros((200, 2)) for _ in range(60)]
    for each in moves:
        for t in range(1, 200):
            before = each[t - 2] if t > 1 else 0.0
            each[t] = 0.5 * each[t - 1] - 0.3 * before + draw.normal(0, [0.5, 0.2])
    pens = [np.append(np.full(199, DOWN), END) for _ in moves]
    arrays = DrawArrays(moves, pens, [0] * 60)
    found = autoregression(arrays, arrays)
    expected = np.log(2 * np.pi * np.e) + np.log(0.5 * 0.2)
    assert found.moves.sum() / (60 * 199) == pytest.approx(expected, abs=0.02)


def test_errors_of_the_autoregression_may_come_from_two_clouds() -> None:
    draw = np.random.default_rng(0)
    moves = [np.zeros((200, 2)) for _ in range(30)]
    for each in moves:
        for t in range(1, 200):
            jump = 10.0 * draw.integers(2) - 5.0
            each[t] = 0.5 * each[t - 1] + [jump, 0.0] + draw.normal(size=2)
    pens = [np.append(np.full(199, DOWN), END) for _ in moves]
    arrays = DrawArrays(moves, pens, [0] * 30)
    found = autoregression(arrays, arrays, 2)
    expected = np.log(2 * np.pi * np.e) + np.log(2)
    assert found.moves.sum() / (30 * 199) == pytest.approx(expected, abs=0.05)


def test_the_mixture_finds_two_far_clouds() -> None:
    draw = np.random.default_rng(0)
    sides = draw.integers(2, size=(40, 100))
    moves = [np.column_stack([10.0 * s, 0 * s]) + draw.normal(size=(100, 2)) for s in sides]
    pens = [np.append(np.full(99, DOWN), END) for _ in moves]
    arrays = DrawArrays(moves, pens, [0] * 40)
    found = memoryless(arrays, arrays, 2)
    expected = np.log(2 * np.pi * np.e) + np.log(2)
    assert found.moves.sum() / (40 * 99) == pytest.approx(expected, abs=0.05)


def test_the_end_and_lifts_are_states_of_the_pen() -> None:
    inks = inks_of([np.array([[0.0, 0], [1, 0]])])
    two = Inks("x", [ink_of_strokes([[[0, 0], [1, 0]], [[5, 5]]], "x")], None, ["a"])
    encoder = DrawEncoder.fit(inks, DrawConfig())
    assert TASK.encode(encoder, two).pens[0].tolist() == [DOWN, UP, END]


def test_long_drawings_are_cut_and_have_no_end() -> None:
    inks = inks_of([np.arange(20.0).reshape(10, 2)] * 2)
    config = build({"task": "draw", "data": {"max_points": 4}})
    assert isinstance(config, DrawConfig)
    arrays = TASK.encode(DrawEncoder.fit(inks, config), inks)
    assert arrays.pens[0].tolist() == [DOWN] * 4


def test_a_drawing_of_one_point_has_likelihoods() -> None:
    model = job(stairs(30)).model
    dot = inks_of([np.array([[3.0, 4.0]])])
    found = TASK.predict(model, TASK.encode(model.encoder, dot))
    assert found.moves[0] == 0 and np.isfinite(found.pens[0]) and found.points[0] == 1


def test_a_grid_bounds_densities() -> None:
    """Steps that are all exactly one to the right are no more likely than one in their cell."""
    inks = inks_of([np.column_stack([np.arange(9.0), np.zeros(9)]) for _ in range(60)])
    inks = Inks(
        "x", [Ink(i.points + n, i.lifts) for n, i in enumerate(inks.items)], None, inks.places
    )
    found = job(inks, is_trained=True, train_max_epochs=30, train_batch_size=8)
    own = likelihoods(found.model, TASK.encode(found.model.encoder, inks))
    assert found.model.encoder.grid == 1.0
    assert own.moves.sum() / own.points.sum() > 2 * np.log(0.25 / found.model.encoder.scale)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "nothing"),
        (["a", "b"] * 15, "label"),
        ([f"word {i}" for i in range(30)], "text"),
        (["a"] * 30, "nothing"),
    ],
)
def test_what_is_told_is_decided_by_the_labels(labels: list[str] | None, told: str) -> None:
    inks = Inks("x", stairs(30).items, labels, [f"item {i}" for i in range(30)])
    assert story.prepare({"task": "draw"}, inks).config.data.condition == told


def test_the_same_seed_draws_the_same() -> None:
    model = job(stairs(30)).model
    drawn = [TASK.draw(model, Pen(8, seed=n)) for n in (1, 1, 2)]
    first, second, other = ([ink.digest() for ink in each] for each in drawn)
    assert first == second != other and len({*first}) > 1
    assert all((ink.points[0] == 0).all() and ink.lifts[-1] for ink in drawn[0])


def test_a_prime_is_gone_on_with() -> None:
    model = job(stairs(30)).model
    prime = stairs(1, seed=5).items[0]
    for drawn in TASK.draw(model, Pen(3, prime=prime, most=4)):
        assert 15 < len(drawn) <= 19
        np.testing.assert_allclose(drawn.points[:15], prime.points - prime.points[0], atol=1e-9)


def test_the_prime_of_a_text_is_left_out() -> None:
    inks = letters(1, seed=3)
    assert inks.labels is not None
    how = Pen(told="ad", prime=inks.items[0], primed=inks.labels[0], most=6)
    assert len(TASK.draw(of_text().model, how)[0]) <= 6


def test_bias_makes_drawings_alike() -> None:
    model = job(stairs(60), is_trained=True, train_max_epochs=3).model

    def spread(bias: float) -> float:
        drawn = TASK.draw(model, Pen(40, bias, most=5))
        return float(np.std([ink.points[min(2, len(ink) - 1)] for ink in drawn], axis=0).mean())

    assert spread(2.0) < 0.5 * spread(0.0)


@pytest.mark.parametrize(
    ("condition", "pen", "said"),
    [
        ("nothing", Pen(told="a"), "is told nothing"),
        ("text", Pen(), "--prompt: is needed: the text to write"),
        ("text", Pen(told="a%"), "--prompt: the letter '%' is not known; 'a' 'c'"),
        ("text", Pen(told=""), "an empty text"),
        ("label", Pen(), "--prompt: is needed: the label, one of"),
        ("label", Pen(told="zzz"), "--prompt: 'zzz' is no label"),
    ],
)
def test_what_cannot_be_drawn_is_refused(condition: str, pen: Pen, said: str) -> None:
    model = job(symbols(), data_condition=condition).model
    with pytest.raises(ConfigError, match=said):
        TASK.draw(model, pen)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 0}, "count: a whole number from 1"),
        ({"bias": -1.0}, "bias: a number from 0"),
        ({"bias": float("nan")}, "bias: a number from 0"),
        ({"most": 0}, "length: a whole number from 1"),
        ({"seed": 0.5}, "seed: a whole number from 0"),
    ],
)
def test_settings_of_the_pen_have_ranges(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Pen(**change)


def test_labels_that_are_needed_are_asked_for() -> None:
    model = job(symbols(), data_condition="label").model
    with pytest.raises(DataError, match="walks: has no labels, of which the run is told"):
        TASK.encode(model.encoder, stairs(2))
    strange = Inks("x", stairs(1).items, ["?"], ["line 7"])
    with pytest.raises(DataError, match=r"x: line 7: '\?' is no label"):
        TASK.encode(model.encoder, strange)


def test_mixed_scales_and_long_drawings_are_found() -> None:
    inks = stairs(40)
    mixed = [Ink(i.points * (1000 if n % 2 else 1), i.lifts) for n, i in enumerate(inks.items)]
    settings = {"task": "draw", "data": {"max_points": 5}}
    found = story.check(settings, Inks("x", mixed, None, inks.places))
    assert [each.code for each in found] == ["mixed-scales", "long"]
    assert "data.max_points" in found[1].fix


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model.windows", 3, "is of texts that are written"),
        ("model.embedding", 3, "is of labels and letters"),
    ],
)
def test_settings_without_effect_are_refused(key: str, value: int, said: str) -> None:
    table, _, name = key.partition(".")
    with pytest.raises(ConfigError, match=rf"{key}: {said}"):
        story.prepare({"task": "draw", table: {name: value}}, stairs(30))


def test_scores_of_parts_sum_up_to_the_whole() -> None:
    found = Likelihoods(np.array([2.0, 4.0]), np.array([1.0, 1.0]), np.array([2.0, 6.0]))
    scores = TASK.score(Model(DrawConfig(), None, None), stairs(2), found)  # type: ignore[arg-type]
    assert scores.values == {"nats_per_point": 1.0, "nats_of_offsets": 0.75, "nats_of_pen": 0.25}


def test_a_session_of_a_text_says_it_first() -> None:
    session = TASK.stepper(of_text().model)
    point = {"dx": 1.0, "dy": 2.0, "pen": 0}
    with pytest.raises(DataError, match="column 'told' is missing; the first step says the text"):
        session.advance(session.begin(), point)
    with pytest.raises(DataError, match="column 'told': the letter '%' is not known"):
        session.advance(session.begin(), {**point, "told": "%"})
    answer, context = session.advance(session.begin(), {**point, "told": "on"})
    assert answer["nats"] == pytest.approx(answer["nats_per_point"])
    with pytest.raises(DataError, match=r"column 'pen': 0 \(down\), 1 \(lifted\) or 2"):
        session.advance(context, {**point, "pen": 3})
    answer, _ = session.advance(context, point)
    assert sum(answer[f"p_{pen}"] for pen in ("down", "up", "end")) == pytest.approx(1.0)
