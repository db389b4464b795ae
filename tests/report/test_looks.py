"""Figures of rows that are no lines over time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from longshort.report.attributions import by_feature, over_time
from longshort.report.looks import Look, Mark, along_path, film

VALUES = {"one": np.random.default_rng(0).normal(size=(6, 40))}
STEPS = [str(n) for n in range(6)]
FEATURES = [f"x{n}" for n in range(40)]


@pytest.mark.parametrize(("image", "first"), [("spectrum", "lower"), ("ink", "upper")])
def test_an_image_has_its_marks_above_and_its_features_upwards_or_downwards(
    image: Literal["ink", "spectrum"], first: str
) -> None:
    look = Look(image, [Mark("a", 0, 2), Mark("b", 3, 6)])
    shown = np.abs(VALUES["one"])
    figure = over_time(VALUES, STEPS, FEATURES, "nats", shown=shown, look=look)
    top, below = figure.axes[0], figure.axes[1]
    assert [text.get_text() for text in top.texts] == ["a", "b"]
    assert top.images[0].origin == below.images[0].origin == first
    assert len(below.get_yticks()) <= 20


def test_of_many_features_the_largest_have_bars() -> None:
    values = {"one": np.zeros((6, 40))}
    values["one"][:, 7] = 1.0
    figure = by_feature(values, FEATURES, "nats")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 32 and "x7" in labels


def test_what_the_pen_did_not_draw_is_thin() -> None:
    lifts = np.array([False, False, True, False, False, True])
    look = Look(path=np.random.default_rng(1).normal(size=(6, 2)), lifts=lifts)
    figure = along_path(VALUES, look, "nats")
    _, drawn, air = figure.axes[0].collections
    assert len(drawn.get_array()) == 4 and len(air.get_array()) == 1
    assert air.get_linewidth() < drawn.get_linewidth()
    assert figure.axes[0].yaxis_inverted()


def test_steps_that_are_pictures_are_shown_as_pictures() -> None:
    look, many = Look(frame=(4, 5, 2)), {"one": np.ones((30, 40))}
    figure = film(many, many["one"], [str(n) for n in range(30)], look, "nats")
    pictures = [axis.images[0].get_array() for axis in figure.axes[:20]]
    assert all(each is not None and each.shape == (4, 5) for each in pictures)
    assert pictures[10] is not None and pictures[10].max() == 2.0  # summed over the channels
