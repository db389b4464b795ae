"""Trials: settings that are tried on data which are read and split once.

A trial trains in rungs: it pauses after an epoch and goes on later, to the bit as if it had never
paused. Its folder is that of an unfinished run, so `story.resume` makes a whole run of it.
Only the validation split is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Generic

from longshort.config import assign
from longshort.data.splits import S
from longshort.errors import RunError
from longshort.runfolder import CONFIG, RunFolder
from longshort.runs import prepare, story
from longshort.runs.job import Job, threads
from longshort.runs.task import C, E, P, Say, Scores, Task, quiet
from longshort.train.events import Listener, silent
from longshort.train.loop import TrainResult


class Ground(Generic[C, S, E, P]):
    """Data of one task, read and split once, on which settings are tried.

    settings: nested settings that all trials share. data: as in `story.run`. Raises as that does.
    """

    def __init__(
        self, task: Task[C, S, E, P], settings: Mapping[str, Any], data: object = None
    ) -> None:
        self.task, self.settings = task, settings
        given = prepare.config_of(task, settings)
        self.splits = prepare.read_splits(task, given, data)

    def prepared(
        self, changes: Mapping[str, Any], say: Say = quiet
    ) -> prepare.Prepared[C, S, E, P]:
        """Return the run with these changed settings before its network.

        changes: values by dotted key, such as {"model.hidden": 64, "train.seed": 1}.
        """
        nested = deepcopy(dict(self.settings))
        for key, value in changes.items():
            assign(nested, key, value)
        given = prepare.config_of(self.task, nested)
        splits = self.task.with_settings(self.splits, given)
        return prepare.prepare_on(self.task, given, splits, say)

    def trial(
        self, changes: Mapping[str, Any], folder: Path | None = None, say: Say = quiet
    ) -> Trial[C, S, E, P]:
        """Return an untrained trial of these changed settings, or the one that is in `folder`.

        Raises `RunError` where the folder has a run of other settings or data.
        """
        prepared = self.prepared(changes, say)
        return Trial(prepared, None if folder is None else _run_in(folder, prepared, say), say)


class Trial(Generic[C, S, E, P]):
    """A training of one choice of settings that goes on in rungs.

    folder: where its checkpoints are; None keeps nothing, and then it cannot go on after a pause.
    """

    def __init__(
        self, prepared: prepare.Prepared[C, S, E, P], folder: RunFolder | None, say: Say = quiet
    ) -> None:
        self.job = Job(prepared, say)
        self.folder, self.say = folder, say

    @property
    def max_epochs(self) -> int:
        """Epochs of the whole plan."""
        return self.job.training.plan.max_epochs

    def advance(self, until: int | None = None, listen: Listener = silent) -> TrainResult:
        """Train up to an epoch of the plan, or to its end; then the network has its best weights.

        Goes on from the folder's last checkpoint. Raises `TrainingDiverged`.
        """
        with self._locked():
            resume = self.folder is not None and self.folder.last.is_file()
            return self.job.train(self.folder, listen, resume=resume, until=until)

    def validate(self) -> Scores:
        """Score the network's predictions of the validation split by the task's metrics."""
        job = self.job
        val = job.encoded.get("val")
        if val is None:
            raise RunError(
                "a trial is scored on the validation split, and these settings leave none; give "
                "more data, or a validation split of your own"
            )
        with threads(job.config.train.threads):
            prediction = job.task.predict(job.model, val.arrays)
            return job.task.score(job.model, val.samples, prediction)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.folder is None:
            yield
            return
        with self.folder.locked(self.say):
            yield


def _run_in(folder: Path, prepared: prepare.Prepared[Any, Any, Any, Any], say: Say) -> RunFolder:
    """Open the folder's run of these settings, or begin it."""
    if not (folder / CONFIG).is_file():
        # What a process that was killed at its start has left is replaced, and nothing else.
        created = RunFolder.create(folder, overwrite=True, say=say)
        story.begin(created, prepared)
        return created
    opened, _, config, stored = story.open_run(folder)
    if config != prepared.config:
        raise RunError(f"{folder}: has a trial of other settings; give another folder")
    prepare.refuse_other_content(prepared.task, prepared.splits, stored)
    return opened
