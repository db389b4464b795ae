"""Preparing a run: read, split and check the data, decide the settings, fit the encoder.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from longshort.config import build_as
from longshort.data.findings import Finding, refuse_errors
from longshort.data.splits import S, Splits, given_of
from longshort.errors import ConfigError, DataError, LongshortError, RunError
from longshort.runs.cell import with_longest_lag
from longshort.runs.decisions import FILES
from longshort.runs.task import DAMAGED, C, E, P, Say, Task
from longshort.runs.unused import refuse_unused


@dataclass(frozen=True)
class Prepared(Generic[C, S, E, P]):
    """A run before its network: settings decided, data split and checked, encoder fitted."""

    task: Task[C, S, E, P]
    config: C
    splits: Splits[S]
    findings: tuple[Finding, ...]
    encoder: E

    def digest(self) -> str:
        """Return a digest of the data's content; a run is resumed only with the same content."""
        return self.task.digest(self.splits)

    def record(self) -> dict[str, Any]:
        """Return the content of `data.json`: sources, splits, findings, and the encoder."""
        return {
            "name": self.splits.train.name,
            **self.task.record(self.splits),
            "findings": [finding.to_dict() for finding in self.findings],
            "encoder": self.task.store_encoder(self.encoder),
        }


def prepare(
    task: Task[C, S, E, P], settings: Mapping[str, Any], data: object, say: Say
) -> Prepared[C, S, E, P]:
    """Read the data, decide the open settings, and fit the encoder.

    data: a file, a frame, samples, or None for the file that the settings name. say: takes remarks
    for people. All checks that do not need the network are made here: raises `ConfigError` for
    settings and `DataError` for data.
    """
    given = config_of(task, settings)
    return prepare_on(task, given, read_splits(task, given, data), say)


def prepare_on(
    task: Task[C, S, E, P], given: C, splits: Splits[S], say: Say
) -> Prepared[C, S, E, P]:
    """Decide the open settings for splits that were read, and fit the encoder; see `prepare`."""
    _describe(task, splits, given, say)
    config = resolved(task, given, splits)
    findings = tuple(task.check(splits, config))
    refuse_errors(findings, splits.train.name)
    for finding in findings:
        say(f"{finding.severity}: {finding.sentence()}")
    for line in task.decisions(given, config, splits):
        say(f"decided: {line}")
    return Prepared(task, config, splits, findings, task.fit_encoder(splits.train, config))


def check(
    task: Task[C, S, E, P], settings: Mapping[str, Any], data: object, say: Say
) -> list[Finding]:
    """Return the findings about the data that a run of these settings would report.

    Raises `ConfigError` for settings that a run would refuse.
    """
    given = config_of(task, settings)
    splits = read_splits(task, given, data)
    _describe(task, splits, given, say)
    decided = resolved(task, given, splits) if task.checks_decisions else given
    return task.check(splits, decided)


def restore_prepared(
    task: Task[C, S, E, P], config: C, data: object, stored: Mapping[str, Any]
) -> Prepared[C, S, E, P]:
    """Prepare a run that was interrupted, with the settings that were decided when it began.

    stored: the content of `data.json`. Raises `RunError` if the data or the fitted encoder differ
    from those of the beginning.
    """
    splits = read_splits(task, config, data)
    name = splits.train.name
    refuse_other_content(task, splits, stored)
    findings = tuple(task.check(splits, config))
    found = Prepared(task, config, splits, findings, task.fit_encoder(splits.train, config))
    before, now = stored.get("encoder", {}), task.store_encoder(found.encoder)
    other = [key for key in now if now[key] != before.get(key)]
    if other:
        raise RunError(
            f"{name}: something else was fitted than when the run began: {', '.join(other)}; "
            "restore the data's types and the tokenizer's file, or start a new run"
        )
    return found


def config_of(task: Task[C, S, E, P], settings: Mapping[str, Any]) -> Any:
    """Return the checked settings as the task's config."""
    return build_as(task.Config, settings)


def read_splits(task: Task[C, S, E, P], config: C, data: object) -> Splits[S]:
    """Read every source that is given, and draw the splits that are not given."""
    files = {name: getattr(config.data, key, None) for name, key in FILES.items()}
    if data is None and config.path is None:
        raise LongshortError("no data: give a file, or --example NAME")
    given = task.read_splits(given_of(data).by_name(files), config)
    splits = task.split(given, config)
    read = (finding for samples in given.values() for finding in samples.findings)
    return splits.with_findings((*read, *splits.findings))


def resolved(task: Task[C, S, E, P], config: C, splits: Splits[S]) -> C:
    """Decide every open setting; raises `ConfigError` for settings without effect."""
    found = task.resolve(_with_whole_paths(config), splits)
    refuse_unused(found, task.unused(found, splits))
    return with_longest_lag(found, lambda: task.longest(found, splits))


def _with_whole_paths(config: C) -> C:
    paths = {key: getattr(config.data, key, None) for key in FILES.values()}
    whole = {key: str(Path(path).absolute()) for key, path in paths.items() if path is not None}
    return config.model_copy(update={"data": config.data.model_copy(update=whole)})


def _describe(task: Task[C, S, E, P], splits: Splits[S], config: C, say: Say) -> None:
    for line in task.describe(splits, config):
        say(line)
    if splits.how:
        say(f"splits: {splits.how}")


def refuse_other_content(
    task: Task[C, S, E, P], splits: Splits[S], stored: Mapping[str, Any]
) -> None:
    """Raise `RunError` if the data differ from those that the run began with."""
    if task.digest(splits) != stored.get("content"):
        raise RunError(
            f"{splits.train.name}: is not the data that the run began with (its content differs); "
            "restore it, or start a new run"
        )


def restored_encoder(task: Task[C, S, E, P], config: C, stored: Mapping[str, Any]) -> E:
    """Return the encoder of a run; raises `RunError` if its record is damaged."""
    encoder = stored.get("encoder")
    if not isinstance(encoder, dict):
        got = type(encoder).__name__
        raise RunError(f"data.json: damaged: encoder: an object is expected, got a {got}")
    try:
        return task.restore_encoder(encoder, config)
    except (*DAMAGED, ConfigError, DataError) as error:
        raise RunError(f"data.json: damaged: {error!r} in what was fitted") from None
