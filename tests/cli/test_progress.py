"""What is told while a run goes on: the measure's name, speed, time left, and never silence."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from longshort.train.events import Ended, EpochEnded, Started, Stepped, Working
from longshort.train.progress import SILENCE, Progress, duration


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A progress that writes to a list, and its clock."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.clock = Clock()
        self.progress = Progress(
            self.lines.append, is_terminal=False, is_watched=False, clock=self.clock
        )

    def tell(self, *events: Any) -> None:
        for event in events:
            self.progress.listen(event)

    def after(self, seconds: float) -> list[str]:
        """What is written when so much time has gone by."""
        self.clock.now += seconds
        before = len(self.lines)
        self.progress.look()
        return self.lines[before:]


@pytest.fixture
def log() -> Log:
    return Log()


START = Started(0, 400, 1234, "windows", "MSE (scaled)")
STEP = Stepped(120, 400, 2, 20, 100, 0.25, 1500.0, 40.0, 140.0)


def test_the_measure_has_its_name_from_beginning_to_end(log: Log) -> None:
    log.tell(
        START,
        EpochEnded({"epoch": 0, "step": 0, "val_score": 0.5}, True),
        EpochEnded({"epoch": 1, "step": 100, "train_loss": 0.3, "val_score": 0.231}, False),
        Ended("all 4 epochs were done", 0, 0.5, 9.87),
    )
    assert log.lines == [
        "training 1,234 parameters, at most 400 steps; the validation score is MSE (scaled), less "
        "is better",
        "epoch 0: validation MSE (scaled) 0.5 *",
        "epoch 1: loss 0.3, validation MSE (scaled) 0.231",
        "trained in 9.9 s: all 4 epochs were done; kept the weights of epoch 0 (validation MSE "
        "(scaled) 0.5)",
    ]


def test_steps_alone_write_nothing(log: Log) -> None:
    log.tell(START, STEP, STEP)
    assert len(log.lines) == 1
    assert log.after(SILENCE - 1) == []


def test_a_long_epoch_tells_steps_speed_and_time_left(log: Log) -> None:
    log.tell(START, STEP)
    assert log.after(SILENCE) == [
        "epoch 2: 20 of 100, 0:40 left, in all at most 2:20, loss 0.25, 1,500 windows/s"
    ]


def test_the_newest_score_is_told_within_the_next_epoch(log: Log) -> None:
    log.tell(START, EpochEnded({"epoch": 1, "train_loss": 0.3, "val_score": 0.231}, True), STEP)
    assert "loss 0.25, validation MSE (scaled) 0.231, 1,500 windows/s" in log.after(SILENCE)[0]


def test_lines_are_at_least_so_far_apart(log: Log) -> None:
    log.tell(START, STEP)
    assert len(log.after(SILENCE)) == 1
    assert log.after(SILENCE - 1) == []
    assert len(log.after(1)) == 1


def test_other_lines_break_the_silence_too(log: Log) -> None:
    log.tell(START, STEP)
    log.clock.now += SILENCE - 1
    log.progress.spoke()
    assert log.after(SILENCE - 1) == []


def test_what_is_not_training_is_told_with_the_time_that_it_took(log: Log) -> None:
    log.tell(Working("reading the data"))
    assert log.after(SILENCE) == ["reading the data: 0:30 so far"]
    assert log.after(SILENCE) == ["reading the data: 1:00 so far"]


def test_time_left_of_parts_comes_from_those_that_are_done(log: Log) -> None:
    log.tell(Working("fitting n-gram models", 0, 5))
    log.clock.now = 40.0
    log.progress.spoke()
    log.tell(Working("fitting n-gram models", 2, 5))
    assert log.after(SILENCE) == ["fitting n-gram models: 2 of 5, 1:10 so far, 1:45 left"]


def test_nothing_is_told_once_training_or_the_command_has_ended(log: Log) -> None:
    log.tell(START, STEP, Ended("no gain for 4 epochs", 1, 0.2, 3.0))
    assert log.after(10 * SILENCE) == []
    log.tell(Working("forecasting the test windows"))
    log.progress.close()
    assert log.after(10 * SILENCE) == []


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_terminal_sees_the_time_left_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 80 columns the end of the line is cut, and that is not the time."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress(lambda line: None, is_terminal=True)
    for event in (START, STEP):
        progress.listen(event)
    progress.close()
    assert "epoch 2 20 of 100" in terminal.getvalue()
    assert "0:40 left, in all at most 2:20" in terminal.getvalue()
