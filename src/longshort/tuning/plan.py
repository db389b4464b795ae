"""The plan of a study: which settings are tried, and in which rungs.

It is made before anything is trained, from the seed alone, and written into the study's folder. So
it does not depend on which process does what, or on the order in which trials end.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

PLAN_VERSION = 1
"""Format version of `study.toml`."""


@dataclass(frozen=True)
class Rung:
    """A stage of a study: candidates train up to a share of their epochs, with this many seeds."""

    share: float
    seeds: int

    def epochs(self, max_epochs: int) -> int:
        """Return the epoch at which a training pauses, of so many in all; at least one."""
        return max(1, math.ceil(self.share * max_epochs - 1e-9))


RATE = "train.learning_rate"
THIRDS = (1 / 9, 1 / 3, 1.0)
"""Shares of the budget at which a third of the candidates goes on."""


@dataclass(frozen=True)
class Candidate:
    """Settings that are tried.

    changes: values by dotted key. level: the value that the question is about, such as a size;
    None in a free search, where every candidate stands for itself. share: that of the training
    split on which it learns.
    """

    number: int
    changes: Mapping[str, Any]
    level: float | None = None
    share: float = 1.0

    @property
    def group(self) -> float:
        """What competes for the next rung: a level with all its candidates, or the candidate."""
        return self.number if self.level is None else self.level

    def said(self) -> str:
        """Return the settings in a line for people."""
        parts = [f"{key} = {written(value)}" for key, value in self.changes.items()]
        return ", ".join([f"{self.share:.3g} of the training data"] * (self.share < 1) + parts)


@dataclass(frozen=True)
class Attempt:
    """A trial: a candidate with one of its seeds. Its number names its folder."""

    number: int
    candidate: Candidate
    repeat: int
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.number:03d}"


@dataclass(frozen=True)
class Plan:
    """A study before it begins.

    question: "search", or one of the questions. settings: nested, what trials share. content:
    digest of the data. seed: that of the study. keep: share of the groups that goes on to the next
    rung; 1 keeps all.
    """

    question: str
    settings: Mapping[str, Any]
    content: str
    seed: int
    rungs: tuple[Rung, ...]
    candidates: tuple[Candidate, ...]
    keep: float = 1 / 3
    axis: str = ""
    """Dotted key of the levels; empty where there are none."""
    is_scored: bool = False
    """Whether trials are scored by the task's metric too, where scales of losses differ."""
    trials: int = 0
    """Number of candidates that are proposed while the study runs; 0: all stand in the plan."""
    search: Mapping[str, Any] = field(default_factory=dict)
    """Ranges and lists from which they are proposed."""

    @property
    def repeats(self) -> int:
        """The most seeds of a candidate."""
        return max(rung.seeds for rung in self.rungs)

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All trials, of which some may never begin."""
        found = []
        for candidate in self.candidates:
            for repeat in range(self.repeats):
                number = candidate.number * self.repeats + repeat
                # Levels share their seeds, so that they are compared in pairs.
                source = number if candidate.level is None else repeat
                found.append(Attempt(number, candidate, repeat, seed_of(self.seed, source)))
        return tuple(found)

    def attempts_of(self, rung: int, candidates: Sequence[int]) -> list[Attempt]:
        """Return the trials of a rung in which these candidates are."""
        seeds = self.rungs[rung].seeds
        return [a for a in self.attempts if a.candidate.number in candidates and a.repeat < seeds]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values for TOML."""
        return {
            "format_version": PLAN_VERSION,
            "question": self.question,
            "axis": self.axis,
            "is_scored": self.is_scored,
            "content": self.content,
            "seed": self.seed,
            "trials": self.trials,
            "search": dict(self.search),
            "keep": self.keep,
            "rungs": [{"share": rung.share, "seeds": rung.seeds} for rung in self.rungs],
            "settings": dict(self.settings),
            "candidates": [_plain(candidate) for candidate in self.candidates],
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` wrote; damaged values raise `KeyError` or `TypeError`."""
        candidates = (
            Candidate(n, each["changes"], each.get("level"), each.get("share", 1.0))
            for n, each in enumerate(stored["candidates"])
        )
        return Plan(
            question=stored["question"],
            settings=stored["settings"],
            content=stored["content"],
            seed=stored["seed"],
            rungs=tuple(Rung(**each) for each in stored["rungs"]),
            candidates=tuple(candidates),
            keep=stored["keep"],
            axis=stored["axis"],
            is_scored=stored["is_scored"],
            trials=stored["trials"],
            search=stored["search"],
        )


def _plain(candidate: Candidate) -> dict[str, Any]:
    level = {} if candidate.level is None else {"level": candidate.level}
    share = {} if candidate.share == 1.0 else {"share": candidate.share}
    return {**level, **share, "changes": dict(candidate.changes)}


def written(value: object) -> str:
    """Return a value for people: fractions with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def seed_of(study: int, number: int) -> int:
    """Return the seed of a trial, a hash of the study's seed and its number."""
    digest = hashlib.sha256(f"{study} {number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
