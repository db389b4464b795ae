"""Shapes of strokes: distances, sizes, slant, directions, variants and pictures."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from longshort.data.strokes.augment import Augment, augmented
from longshort.data.strokes.features import FEATURES, features
from longshort.data.strokes.grid import grid_of, spread
from longshort.data.strokes.ink import Ink, ink_of_strokes
from longshort.data.strokes.shape import normalise, resample, simplify, slant_of
from longshort.data.strokes.svg import drawn
from longshort.errors import DataError

CORNER = ink_of_strokes([[[0, 0], [3, 0], [3, 4]], [[9, 9]]], "x")
DOT = ink_of_strokes([[[5, 5]]], "x")


def wavy(seed: int = 0) -> Ink:
    draw = np.random.default_rng(seed)
    return ink_of_strokes([draw.normal(size=(n, 2)).cumsum(0) for n in (30, 4, 12)], "x")


def test_points_come_at_a_constant_distance_along_the_stroke() -> None:
    found = resample(CORNER, 1.0)
    line = [[x, 0] for x in range(4)] + [[3, y] for y in range(1, 5)]
    assert found.points.tolist() == [*line, [9, 9]]
    assert np.flatnonzero(found.lifts).tolist() == [7, 8]


def test_resampling_keeps_ends_and_twice_is_once() -> None:
    ink = resample(ink_of_strokes([[[0, 0], [10.3, 0]]], "x"), 1.0)
    assert ink.points[0].tolist() == [0, 0] and ink.points[-1].tolist() == [10.3, 0]
    assert np.allclose(resample(ink, 1.0).points, ink.points)


def test_far_too_many_points_are_refused() -> None:
    with pytest.raises(DataError, match="points a sample are too many"):
        resample(ink_of_strokes([[[0, 0], [1e9, 0]]], "x"), 0.1)


@pytest.mark.parametrize("change", [(1.0, 0.0), (1000.0, -77.0)])
def test_normalised_ink_is_free_of_size_and_place(change: tuple[float, float]) -> None:
    ink = wavy()
    scale, shift = change
    found = normalise(Ink(ink.points * scale + shift, ink.lifts))
    assert max(found.size) == pytest.approx(1.0)
    assert np.allclose(found.points, normalise(ink).points)
    assert np.allclose(found.points.max(0), -found.points.min(0))


def test_sizes_by_height_and_by_strokes() -> None:
    ink = ink_of_strokes([[[0, 0], [8, 0]], [[0, 0], [0, 2]]], "x")
    assert normalise(ink, "height").size == (4.0, 1.0)
    assert normalise(ink, "stroke").size == (8 / 5, 2 / 5)


def test_a_dot_is_only_moved() -> None:
    assert normalise(DOT, slant=True).points.tolist() == [[0, 0]]
    assert len(features(resample(normalise(DOT), 0.1))) == 1


@pytest.mark.parametrize("shear", [-0.5, 0.0, 0.4])
def test_slant_is_found_and_taken_out(shear: float) -> None:
    upright: NDArray[np.float64] = np.array([[0, 0], [0, 5], [2, 5], [2, 0.0]])
    slanted = Ink(upright @ [[1, 0], [shear, 1]], np.array([False, False, False, True]))
    assert slant_of(slanted) == pytest.approx(shear)
    expected = normalise(Ink(upright, slanted.lifts)).points
    assert np.allclose(normalise(slanted, slant=True).points, expected)


def test_features_of_a_corner() -> None:
    found = dict(zip(FEATURES, features(CORNER).T.tolist(), strict=True))
    assert found["dx"] == [0, 3, 0, 6] and found["dy"] == [0, 0, 4, 5]
    assert found["lift"] == [0, 0, 1, 1]
    assert found["cos"][1:3] == [1, 0] and found["sin"][1:3] == [0, 1]
    assert found["turn"][:3] == [0, 0, 0.5]  # y grows downwards: a turn to the right


def test_directions_do_not_change_with_size() -> None:
    ink = wavy()
    small, large = features(ink), features(Ink(ink.points * 50, ink.lifts))
    for name in ("cos", "sin", "turn", "lift"):
        column = FEATURES.index(name)
        assert np.allclose(small[:, column], large[:, column], atol=1e-6)


def test_variants_are_drawn_by_the_generator_alone() -> None:
    ink, how = wavy(), Augment(drop=0.5)
    first, second, other = (augmented(ink, how, np.random.default_rng(n)) for n in (1, 1, 2))
    assert first.digest() == second.digest() != other.digest()
    assert len(first.strokes) == len(ink.strokes) and len(first) < len(ink)


def test_nothing_changes_without_augmentation() -> None:
    ink = wavy()
    found = augmented(ink, Augment(0, 0, 0, 0, 0), np.random.default_rng(0))
    assert np.allclose(found.points, ink.points)


def test_a_turn_is_a_turn() -> None:
    ink = wavy()
    found = augmented(ink, Augment(1.0, 0, 0, 0, 0), np.random.default_rng(0))
    lengths = [np.hypot(*np.diff(each.points, axis=0).T) for each in (ink, found)]
    assert np.allclose(*lengths)


def test_a_picture_has_a_path_and_a_title_for_each() -> None:
    picture = drawn([CORNER, DOT], ["a < b", "dot"], columns=1, width=100, height=100)
    root = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    paths = [each.get("d") or "" for each in root.iter(f"{space}path")]
    assert [each.text for each in root.iter(f"{space}text")] == ["a < b", "dot"]
    assert paths[0].count("M") == 2 and paths[1] == "M50.0 168.0L50.0 168.0"


def test_simplified_strokes_keep_corners_and_stay_near() -> None:
    line = [[x, 0.0] for x in range(10)] + [[9.0, y] for y in range(1, 10)]
    found = simplify(ink_of_strokes([line, [[3, 3]]], "x"), 0.1)
    assert found.points.tolist() == [[0, 0], [9, 0], [9, 9], [3, 3]]
    assert np.flatnonzero(found.lifts).tolist() == [2, 3]


def test_a_closed_stroke_is_not_simplified_away() -> None:
    angle = np.linspace(0, 2 * np.pi, 50)
    circle = ink_of_strokes([np.column_stack([np.cos(angle), np.sin(angle)])], "x")
    found = simplify(circle, 0.01)
    assert 10 < len(found) < 50 and found.size == pytest.approx((2.0, 2.0), abs=0.01)


@pytest.mark.parametrize(("cell", "shift"), [(1.0, 0.0), (6.0, 5.0), (0.25, 0.5), (0.002, 0.0)])
def test_the_grid_of_a_device_is_found(cell: float, shift: float) -> None:
    draw = np.random.default_rng(0)
    inks = [ink_of_strokes([cell * draw.integers(0, 99, (9, 2)) + shift], "x") for _ in range(9)]
    assert grid_of(inks) == pytest.approx(cell)
    spread_out = spread(inks[0], cell)
    assert np.abs(spread_out.points - inks[0].points).max() <= cell / 2
    assert spread_out.digest() == spread(inks[0], cell).digest() != inks[0].digest()


def test_real_numbers_lie_on_no_grid() -> None:
    assert grid_of([wavy(), wavy(1)]) == 0.0
    assert spread(wavy(), 0.0).digest() == wavy().digest()
