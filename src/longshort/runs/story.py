"""The jobs that commands and estimators call: run, resume, prepare and check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshort.config import build, read_toml, to_toml
from longshort.config.training import BaseConfig
from longshort.data.findings import Finding
from longshort.errors import RunError
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
    resumable,
)
from longshort.runs import prepare as before
from longshort.runs.lookup import AnyTask, find_task
from longshort.runs.prepare import Prepared
from longshort.runs.seal import refuse_other_version, seal
from longshort.runs.task import Say, quiet
from longshort.train.events import Listener, Working, silent, tracker

if TYPE_CHECKING:
    from longshort.runs.job import Job


def run(
    settings: Mapping[str, Any],
    out: Path,
    *,
    data: object = None,
    overwrite: bool = False,
    say: Say = quiet,
    listen: Listener = silent,
) -> dict[str, Any]:
    """Run a task from its data to its report, into the folder `out`; returns the scores.

    settings: nested settings of the task. data: a file, a frame, samples, or None for the file that
    the settings name. overwrite: replace an existing run. say, listen: take remarks for people and
    events of the training. Settings and data that are refused raise before `out` is touched.
    """
    from longshort.runs.job import Job

    refuse_taken(out, overwrite)
    listen(Working("reading the data and deciding settings"))
    prepared = prepare(settings, data, say)
    job = Job(prepared, say)
    folder = RunFolder.create(out, overwrite, say)
    with folder.locked(say):
        begin(folder, prepared)
        with resumable(out, in_memory=prepared.config.path is None):
            return _finish(folder, job, say, listen, resume=False)


def begin(folder: RunFolder, prepared: Prepared[Any, Any, Any, Any]) -> None:
    """Write what makes an empty folder a run that can be trained and resumed."""
    from longshort.runs.job import environment

    folder.write_json(ENV, environment())
    known = {"format_version": RUN_VERSION, "content": prepared.digest()}
    folder.write_json(DATA, known | prepared.record())
    folder.write(CONFIG, to_toml(prepared.config))  # last: with it the folder is a run


def prepare(
    settings: Mapping[str, Any], data: object = None, say: Say = quiet
) -> Prepared[Any, Any, Any, Any]:
    """Read the data, decide every setting and fit the encoder, without building the network."""
    return before.prepare(task_of(settings), settings, data, say)


def check(settings: Mapping[str, Any], data: object = None, say: Say = quiet) -> list[Finding]:
    """Return the findings about the data that a run of these settings would report."""
    return before.check(task_of(settings), settings, data, say)


def resume(
    path: Path, data: object = None, *, say: Say = quiet, listen: Listener = silent
) -> dict[str, Any]:
    """Continue an interrupted run; the result is bit-identical to that of an uninterrupted run.

    `data` is needed where the run was started on data in memory.
    """
    from longshort.runs.job import Job

    folder, task, config, stored = open_run(path)
    if folder.file(SCORES).is_file():
        say(f"{path}: is finished; its report is {folder.file(REPORT)}")
        return folder.read_json(SCORES)
    if data is None and config.path is None:
        raise RunError(
            f"{path}: was started on data in memory; go on in Python with "
            f"longshort.resume({str(path)!r}, data)"
        )
    with folder.locked(say), resumable(path, in_memory=config.path is None):
        listen(Working("reading the data and deciding settings"))
        job = Job(before.restore_prepared(task, config, data, stored), quiet)
        return _finish(folder, job, say, listen, resume=folder.last.is_file())


def open_run(path: Path) -> tuple[RunFolder, AnyTask, BaseConfig, dict[str, Any]]:
    """Open a run's folder; returns it with its task, settings and the content of `data.json`.

    Raises `RunError` for a run of another format version.
    """
    folder = RunFolder.open(path)
    stored = folder.read_json(DATA)
    refuse_other_version(folder, stored)
    settings = read_toml(folder.file(CONFIG))
    config = build(settings, str(folder.file(CONFIG)))
    return folder, find_task(config.task), config, stored


def task_of(settings: Mapping[str, Any]) -> AnyTask:
    """Return the task that the settings name."""
    return find_task(build(settings).task)


def _finish(
    folder: RunFolder, job: Job[Any, Any, Any, Any], say: Say, listen: Listener, *, resume: bool
) -> dict[str, Any]:
    """Train, score and report. Each file is written whole or not at all, the scores last."""
    from longshort.runs.pages import model_card, report_page
    from longshort.train.checkpoint import save_tensors

    trained = job.train(folder, listen, resume=resume)
    job.fit_rest(say, tracker(listen))
    job.train_baselines(say, listen)
    save_tensors(folder.file(MODEL), job.tensors(), {"best_epoch": trained.best_epoch})
    seal(folder)
    result = job.finish(trained, tracker(listen))
    folder.write(PREDICTIONS, job.task.readable(result.table).write_csv())
    folder.write(REPORT, report_page(job.task, result, folder.path))
    folder.write(CARD, model_card(job.task, result))
    folder.write_json(SCORES, result.scores)
    return result.scores
