"""The picture of misses against false alarms."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from longshort.report.det import det, similarities


def test_normal_scores_make_a_straight_line() -> None:
    z = np.linspace(-2.5, 0.2, 50)
    shares = np.array([NormalDist().cdf(each) for each in z])
    figure = det({"model": (shares, shares[::-1]), "other": (shares, shares)})
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(np.diff(line.get_ydata()) / np.diff(line.get_xdata()), -1, atol=1e-6)


def test_the_threshold_stands_among_the_similarities() -> None:
    draw = np.random.default_rng(0)
    figure = similarities(draw.normal(size=200), draw.random(200) > 0.5, 0.25)
    assert figure.axes[0].lines[0].get_xdata()[0] == pytest.approx(0.25)
