"""The report's pictures as figures: `plot` of every finished run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.figure import Figure

import longshort as ls
from longshort.report.plots import training_curves
from longshort.report.svg import Drawing, svg_of
from longshort.runs.pictures import Pictures
from tests.tiny_runs import TASKS, small

NAMES = {
    "forecast": {"ahead", "windows", "error_by_step", "residuals"},
    "classify": {"confusion", "calibration"},
    "regress": {"scatter"},
    "anomaly": {"alarms"},
    "tag": {"confusion"},
    "lm": set(),
    "translate": {"attention0", "attention1", "attention2"},
    "summarise": {"attention0", "attention1", "attention2"},
    "caption": set(),
    "draw": {"drawings", "least expected"},
    "read": {"worst"},
    "frames": {"error_by_frame", "ssim_by_frame", "strip0", "strip1", "strip2"},
    "transcribe": {"heard0", "heard1", "heard2"},
    "speaker": {"det", "similarities"},
}


@pytest.mark.parametrize("task", TASKS)
def test_a_run_of_any_task_gives_its_pictures(task: str, small_run: Callable[[str], Path]) -> None:
    found = ls.load(small_run(task)).plot(small(task)[1])
    assert found.keys() == NAMES[task] | {"training"}
    assert all(isinstance(figure, Figure) for figure in found.values())


def test_figures_are_those_of_the_report(small_run: Callable[[str], Path]) -> None:
    folder = small_run("regress")
    found = ls.load(folder).plot(small("regress")[1])
    page = (folder / "report.html").read_text()
    assert all(svg_of(figure) in page for figure in found.values())


def test_pyplot_does_not_know_of_them(small_run: Callable[[str], Path]) -> None:
    ls.load(small_run("regress")).plot(small("regress")[1])
    assert not _pylab_helpers.Gcf.figs


def test_what_fit_returned_needs_no_data_again() -> None:
    values = np.random.default_rng(0).normal(size=(40, 5))
    once = {"train.max_epochs": 1, "train.threads": 1}
    run = ls.Regressor(hidden=2, settings=once).fit(values, values.sum(1))
    assert run.plot().keys() == {"scatter", "training"}
    assert run.predictions.columns == ["place", "value", "predicted"]


def test_data_that_is_gone_is_named(small_run: Callable[[str], Path]) -> None:
    with pytest.raises(ls.RunError, match="was trained on data in memory that is gone"):
        ls.load(small_run("regress")).plot()


def test_a_notebook_shows_one_without_pyplot() -> None:
    figure = training_curves([], 0, "error")
    assert isinstance(figure, Drawing) and figure._repr_svg_() == svg_of(figure)


def test_a_notebook_shows_them_all() -> None:
    shown = Pictures({"one": Figure(), "two": Figure()})._repr_html_()
    assert shown.count("<svg") == 2 and "<h4>one</h4>" in shown


def test_matplotlib_is_loaded_by_plotting_alone() -> None:
    code = "import sys, longshort; longshort.load; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
