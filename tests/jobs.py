"""Runs without a folder, as far as a test needs them: untrained, trained, and scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.result import Result
from longshort.runs.task import quiet, untracked
from longshort.train.events import silent

AnyJob = Job[Any, Any, Any, Any]


def job_of(settings: Mapping[str, Any], data: object = None) -> AnyJob:
    """A job whose network is untrained."""
    return Job(story.prepare(settings, data), quiet)


def trained_job(settings: Mapping[str, Any], data: object = None) -> AnyJob:
    """A job whose network is trained, with what is fitted beside it."""
    job = job_of(settings, data)
    job.train(None, silent, resume=False)
    job.fit_rest(quiet, untracked)
    return job


def history_of(settings: Mapping[str, Any], data: object = None) -> list[dict[str, Any]]:
    """What every epoch measured, of a network that is trained alone."""
    return job_of(settings, data).train(None, silent, resume=False).history


def result_of(settings: Mapping[str, Any], data: object = None) -> Result[Any, Any, Any, Any]:
    """All that is known at the end of a run."""
    job = job_of(settings, data)
    training = job.train(None, silent, resume=False)
    job.fit_rest(quiet, untracked)
    return job.finish(training, untracked)
