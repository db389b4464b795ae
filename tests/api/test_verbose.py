"""What `fit` shows: on a terminal and in a notebook, where it is wanted, and elsewhere nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import SimpleNamespace
from typing import Any

import pytest

from longshort.api.showing import shown
from longshort.runs.task import quiet
from longshort.train import progress
from longshort.train.events import Event, Listener, Started, silent

START = Started(0, 400, 1234, "windows", "error")
ZMQInteractiveShell = type("ZMQInteractiveShell", (), {})
TerminalInteractiveShell = type("TerminalInteractiveShell", (), {})


def within(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    """As if this ran in this shell of IPython."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def work(verbose: bool | None, say: Any = quiet, listen: Listener = silent) -> None:
    """Say and do what a run says and does."""
    with shown(verbose, say, listen) as (tell, hear):
        tell("decided: so and so")
        hear(START)


def test_nothing_is_shown_where_nobody_looks_on(capsys: pytest.CaptureFixture[str]) -> None:
    work(None)
    assert capsys.readouterr() == ("", "")


def test_verbose_shows_remarks_and_progress(capsys: pytest.CaptureFixture[str]) -> None:
    work(True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "decided: so and so" and lines[1].startswith("training 1,234 parameters")


def test_a_notebook_is_told_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    within(monkeypatch, ZMQInteractiveShell())
    work(None)
    told = capsys.readouterr()
    assert told.err == "" and "decided: so and so" in told.out


def test_a_notebook_can_be_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    within(monkeypatch, ZMQInteractiveShell())
    work(False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [None, True])
def test_own_listeners_are_told_and_replace_the_usual_display(
    verbose: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    within(monkeypatch, ZMQInteractiveShell())
    said: list[str] = []
    heard: list[Event] = []
    work(verbose, said.append, heard.append)
    assert (said, heard) == (["decided: so and so"], [START])
    assert bool(capsys.readouterr().out) == bool(verbose)


@pytest.mark.parametrize(
    ("shell", "known"),
    [(ZMQInteractiveShell(), True), (TerminalInteractiveShell(), False), (None, False)],
)
def test_notebooks_are_known(shell: object, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    within(monkeypatch, shell)
    assert progress.is_notebook() == known


@pytest.mark.parametrize("spec", [ModuleSpec("ipywidgets", None), None])
def test_a_notebook_has_a_bar_where_it_has_widgets(
    spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    within(monkeypatch, ZMQInteractiveShell())
    monkeypatch.setattr(progress, "find_spec", lambda _name: spec)
    assert progress.has_bar() == (spec is not None)


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever stderr is."""
    monkeypatch.setattr("longshort.api.showing.is_terminal", lambda: False)
    monkeypatch.setattr(progress, "is_terminal", lambda: False)
    yield
