"""The folder of a study: plain files that several processes read and write.

study.toml       the plan: settings, rungs and every candidate; never changed
trials/NNN/      an unfinished run for each trial, with its checkpoints
results.jsonl    a line for each trial and rung that is done
proposals.jsonl  candidates that were proposed on the way, where the plan has none
leases/NNN       who is at a trial now
answer.json      the answer, and study.html its page, at the end
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock

from longshort.errors import ConfigError, RunError
from longshort.registry import TASKS
from longshort.runfolder import METRICS, finite_or_none, to_json, write_atomic
from longshort.tuning import lease
from longshort.tuning.plan import PLAN_VERSION, Attempt, Candidate, Plan
from longshort.tuning.results import Result, Results

PLAN, RESULTS, ANSWER, PAGE = "study.toml", "results.jsonl", "answer.json", "study.html"
PROPOSALS = "proposals.jsonl"
TRIALS, LEASES, LOCK = "trials", "leases", ".lock"
ENDING = "end"
"""Name of the lease of who finishes the winner and writes the page."""


class Study:
    """A study in the folder `path`, whose plan is `plan`."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path, self.given = path, plan

    @property
    def plan(self) -> Plan:
        """The plan, with the candidates that were proposed so far where it has none itself."""
        if not self.given.trials:
            return self.given
        found = enumerate(_whole_lines(self.path / PROPOSALS))
        candidates = (Candidate(n, json.loads(line)) for n, line in found)
        return replace(self.given, candidates=tuple(candidates))

    @property
    def kind(self) -> type[Any]:
        """Class of the settings of the study's task."""
        return TASKS.config(str(self.given.settings["task"]))

    def keep_proposals(self, proposed: Sequence[Mapping[str, Any]]) -> None:
        """Keep all candidates that were proposed so far; the caller holds `locked`."""
        lines = [json.dumps(dict(changes), allow_nan=False) for changes in proposed]
        if lines != list(_whole_lines(self.path / PROPOSALS)):
            write_atomic(self.path / PROPOSALS, "".join(f"{line}\n" for line in lines))

    @staticmethod
    def begin(path: Path, plan: Plan) -> Study:
        """Begin a study, or go on with the one of the same plan.

        Raises `RunError` for a folder with another study, or with other files.
        """
        if path.exists() and not path.is_dir():
            raise RunError(f"{path}: is a file; give another folder to --out")
        if (path / PLAN).is_file():
            found = Study.open(path)
            found.refuse_other_data(plan.content)
            _refuse_other(path, found.given, plan)
            return found
        if path.is_dir() and any(each.name != LOCK for each in path.iterdir()):
            raise RunError(f"{path}: has files that are no study; give another folder to --out")
        try:
            (path / TRIALS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{path}: cannot write there: {error.strerror or error}") from None
        write_atomic(path / PLAN, tomli_w.dumps(plan.to_dict()))
        return Study(path, plan)

    @staticmethod
    def open(path: Path) -> Study:
        """Open a study that was begun; raises `RunError` for other folders."""
        file = path / PLAN
        try:
            stored = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{path}: is no study, as it has no {PLAN}; give the folder that --out named"
            ) from None
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: damaged: {error}") from None
        if stored.get("format_version") != PLAN_VERSION:
            raise RunError(
                f"{file}: format_version is {stored.get('format_version')!r}, this longshort reads "
                f"{PLAN_VERSION}; use the longshort version that wrote it"
            )
        try:
            return Study(path, Plan.from_dict(stored))
        except (KeyError, TypeError) as error:
            raise RunError(f"{file}: damaged: {error!r}") from None

    def refuse_other_data(self, content: str) -> None:
        """Raise `RunError` where the data of this digest are not the study's."""
        if content != self.given.content:
            raise RunError(
                f"{self.path}: is a study of other data (their content differs); give another "
                "folder to --out, or the data of that study"
            )

    def trial_folder(self, attempt: Attempt) -> Path:
        """Return the run folder of a trial."""
        return self.path / TRIALS / attempt.name

    def results(self) -> Results:
        """Return the results so far; a line that a killed process left half written is none."""
        found = {}
        for line in _whole_lines(self.path / RESULTS):
            each = Result(**json.loads(line))
            found[each.trial, each.rung] = each
        return found

    def add(self, result: Result) -> None:
        """Add a result; one that is there already stays."""
        with self.locked():
            if (result.trial, result.rung) in self.results():
                return
            kept = "".join(f"{line}\n" for line in _whole_lines(self.path / RESULTS))
            line = json.dumps(finite_or_none(result.to_dict()), allow_nan=False)
            write_atomic(self.path / RESULTS, f"{kept}{line}\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from claiming trials and adding results; for moments only."""
        with FileLock(self.path / LOCK):
            yield

    def claim(self, name: str) -> Path | None:
        """Take the lease of this name; None where a living process has it."""
        path = self.path / LEASES / name
        with self.locked():
            if lease.is_held(path):
                return None
            lease.take(path)
            return path

    def is_claimed(self, name: str) -> bool:
        """Whether a living process has the lease of this name."""
        return lease.is_held(self.path / LEASES / name)

    @property
    def answer(self) -> dict[str, Any] | None:
        """The answer; None before the end."""
        try:
            found: dict[str, Any] = json.loads((self.path / ANSWER).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise RunError(f"{self.path / ANSWER}: damaged: {error}; delete it") from None
        return found

    def history(self, attempt: Attempt) -> list[dict[str, Any]]:
        """Return a record for each epoch of a trial; empty for one that did not begin."""
        try:
            text = (self.trial_folder(attempt) / METRICS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines()]

    def end(self, answer: dict[str, Any], page: str) -> None:
        """Write page and answer, the answer last: with it the study is over."""
        write_atomic(self.path / PAGE, page)
        write_atomic(self.path / ANSWER, to_json(finite_or_none(answer)))


def _whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, without one that was cut off; none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    whole, _, _ = text.rpartition("\n")
    yield from whole.splitlines()


def go_on_line(path: Path) -> str:
    """Return how a study that was stopped goes on."""
    return f"longshort tune --join {path}"


def _refuse_other(path: Path, stored: Plan, given: Plan) -> None:
    before, now = stored.to_dict(), tomllib.loads(tomli_w.dumps(given.to_dict()))
    other = [key for key in now if now[key] != before.get(key)]
    if "settings" in other:
        other = [*other, *_other_settings(before["settings"], now["settings"])]
    if other:
        raise RunError(
            f"{path}: is another study, as these differ: {', '.join(other)}; give another folder "
            f"to --out, or go on with that one: {go_on_line(path)}"
        )


def _other_settings(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for table in sorted({*before, *now}):
        one, other = before.get(table), now.get(table)
        if isinstance(one, dict) and isinstance(other, dict):
            keys = sorted({*one, *other})
            yield from (f"{table}.{key}" for key in keys if one.get(key) != other.get(key))
        elif one != other:
            yield table


def refuse_join(path: Path, plan: Plan) -> None:
    """Raise `ConfigError` where another process cannot read the study's data."""
    table = plan.settings.get("data")
    if not (isinstance(table, dict) and table.get("path")):
        raise ConfigError(
            f"{path}: is a study of data in memory, which other processes cannot read; use one "
            "worker, or give a file"
        )
