"""Ctrl-C outside of the training loop: how the run goes on is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshort.errors import Interrupted, Stopped
from longshort.runfolder import resumable
from longshort.runs import story
from longshort.train.events import Ended, Event
from tests.tiny_runs import small


def test_a_run_that_is_stopped_after_training_goes_on(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Ended):
            raise KeyboardInterrupt

    settings, data = small("classify")
    with pytest.raises(Interrupted, match=r"stopped; go on in Python with longshort\.resume\("):
        story.run(settings, tmp_path / "run", data=data, listen=stop)
    with pytest.raises(Interrupted, match=r"go on in Python with longshort\.resume\("):
        story.resume(tmp_path / "run", data, listen=stop)
    assert story.resume(tmp_path / "run", data)["verdict"]


def test_only_an_interrupt_is_reworded(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"^stopped; go on with: longshort"), resumable(tmp_path):
        raise KeyboardInterrupt
    with (
        pytest.raises(Interrupted, match=r"^saved; go on in Python with longshort"),
        resumable(tmp_path, in_memory=True),
    ):
        raise Stopped("saved")
    with pytest.raises(ValueError, match="other"), resumable(tmp_path):
        raise ValueError("other")
