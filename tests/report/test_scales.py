"""Logarithmic axes: ticks are numbers, and there are some."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from longshort.report.scales import log_scale
from longshort.report.svg import STYLE, Drawing, svg_of


@pytest.mark.parametrize(
    ("values", "expected"), [((0.004, 40.0), ("0.01", "0.1", "1", "10")), ((0.2, 0.6), ("0.5",))]
)
def test_ticks_are_plain_numbers(values: tuple[float, ...], expected: tuple[str, ...]) -> None:
    with mpl.rc_context(STYLE):
        figure = Drawing()
        axes = figure.subplots()
        axes.plot(values)
        log_scale(axes, "y")
    text = svg_of(figure)
    assert "mathdefault" not in text
    assert all(f">{each}</text>" in text for each in expected)
