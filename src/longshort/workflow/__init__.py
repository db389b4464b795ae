"""The whole jobs: run, resume, load; each a short story in other modules' words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longshort.config import build, to_toml
from longshort.data.findings import Finding
from longshort.errors import Interrupted, RunError
from longshort.runfolder import (
    CARD,
    CONFIG,
    DATA,
    ENV,
    MODEL,
    PREDICTIONS,
    REPORT,
    RUN_VERSION,
    SCORES,
    RunFolder,
    refuse_taken,
)
from longshort.runs import story, trained
from longshort.runs.seal import seal
from longshort.train import fit
from longshort.train.checkpoint import save_tensors
from longshort.train.events import Listener, Working, silent, teller
from longshort.workflow import forecast, language
from longshort.workflow.forecast import ForecastJob
from longshort.workflow.job import (
    Job,
    Say,
    check_device,
    environment,
    given,
    open_run,
    quiet,
    threads,
)
from longshort.workflow.language import LanguageJob

__all__ = ["JOBS", "Say", "check", "load", "open_run", "prepare", "quiet", "resume", "run"]

JOBS: dict[str, type[Job[Any, Any]]] = {"forecast": ForecastJob, "lm": LanguageJob}

_MODULES = {"forecast": forecast, "lm": language}
"""Each with `check` and `load`."""


def run(
    settings: Mapping[str, Any],
    out: Path,
    *,
    data: object = None,
    overwrite: bool = False,
    say: Say = quiet,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Check, split, train, evaluate and report into the folder `out`; returns the scores.

    Whatever can be refused is refused before `out` is touched.
    """
    if build(settings).task not in JOBS:
        return story.run(settings, out, data=data, overwrite=overwrite, say=say, listen=listen)
    refuse_taken(out, overwrite)
    listen(Working("reading the data and deciding settings"))
    job = prepare(settings, data, say)
    folder = RunFolder.create(out, overwrite, say)
    with folder.locked(say):
        _begin(folder, job)
        return _finish(folder, job, say, listen, resume=False)


def check(settings: Mapping[str, Any], data: object = None, say: Say = quiet) -> list[Finding]:
    """Everything in the data that would harm a model of the settings' task."""
    config = build(settings)
    if config.task not in JOBS:
        return story.check(settings, data, say)
    found: list[Finding] = _MODULES[config.task].check(config, given(config, data), say)
    return found


def load(path: Path) -> Any:
    """What a finished run trained, as its task's module loads it."""
    task = open_run(path)[1].task
    if task not in JOBS:
        return trained.load(path)
    return _MODULES[task].load(path)


def prepare(settings: Mapping[str, Any], data: object, say: Say) -> Any:
    """Read the data, decide every open setting, and make the untrained task."""
    config = build(settings)
    if config.task not in JOBS:
        return story.prepare(settings, data, say)
    check_device(config)
    return JOBS[config.task].prepare(config, given(config, data), say)


def resume(
    path: Path, data: object = None, *, say: Say = quiet, listen: Listener = silent
) -> dict[str, Any]:
    """Go on with an interrupted run; ends with the same bits as if it had not been interrupted.

    `data` is needed where the run was started on a frame in memory.
    """
    folder, config, stored = open_run(path)
    if config.task not in JOBS:
        return story.resume(path, data, say=say, listen=listen)
    if folder.file(SCORES).is_file():
        say(f"{path}: is finished; its report is {folder.file(REPORT)}")
        return folder.read_json(SCORES)
    if data is None and config.path is None:
        raise RunError(
            f"{path}: was started on a frame in memory; go on in Python with "
            f"longshort.resume({str(path)!r}, frame)"
        )
    with folder.locked(say):
        listen(Working("reading the data and deciding settings"))
        job = JOBS[config.task].again(config, given(config, data), stored)
        return _finish(folder, job, say, listen, resume=folder.last.is_file())


def _begin(folder: RunFolder, job: Job[Any, Any]) -> None:
    """Write what a resumed run needs before the first step; the settings come last."""
    folder.write_json(ENV, environment())
    known = {"format_version": RUN_VERSION, "content": job.digest()}
    folder.write_json(DATA, known | job.record())
    folder.write(CONFIG, to_toml(job.config))


def _finish(
    folder: RunFolder, job: Job[Any, Any], say: Say, listen: Listener, *, resume: bool
) -> dict[str, Any]:
    """Train, then score and report; every file is written whole or not at all, the scores last."""
    settings = job.config.train
    with threads(settings.threads):
        result = fit(job.task, settings, job.plan(), folder=folder, resume=resume, listen=listen)
        try:
            job.fit_rivals(say, listen)
        except Interrupted:
            raise Interrupted(
                "stopped while a rival was in training; the model itself is done and saved; "
                f"go on with: longshort train --resume {folder.path}"
            ) from None
    save_tensors(folder.file(MODEL), job.tensors(), {"best_epoch": result.best_epoch})
    seal(folder)
    outcome = job.finish(result, folder.path, teller(listen))
    folder.write(PREDICTIONS, outcome.predictions.write_csv())
    folder.write(REPORT, outcome.report)
    folder.write(CARD, outcome.card)
    folder.write_json(SCORES, outcome.scores)
    return outcome.scores
