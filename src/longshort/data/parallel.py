"""Pairs of texts in memory, each a source with one target or several."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.textfiles import well_formed
from longshort.errors import DataError

SHOWN = 5
"""Largest number of places that a finding names."""


@dataclass(frozen=True)
class Pairs:
    """Sources and their targets in parallel lists."""

    name: str
    """Name of the data in messages."""
    sources: list[str]
    references: list[tuple[str, ...]] | None
    """All right targets of each source, one or more; None if the targets are not known."""
    places: list[str]
    """Place of each pair in the data for messages, such as "line 17"."""
    path: str | None = None
    sha256: str | None = None
    target_path: str | None = None
    """File of the targets, if they have their own."""
    target_sha256: str | None = None
    read_as: Mapping[str, object] = field(default_factory=dict)
    """Settings of `data` that reading detected, such as format, source and target."""
    findings: tuple[Finding, ...] = ()
    """Findings of reading."""

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def targets(self) -> list[str] | None:
        """The first target of each source."""
        return None if self.references is None else [each[0] for each in self.references]

    @property
    def strata(self) -> None:
        """None, as pairs have no labels by which splits could be stratified."""
        return None

    @property
    def incomplete(self) -> list[int]:
        """Numbers of the pairs with an empty side, or of the sources that are empty."""
        firsts = self.targets or self.sources
        sides = enumerate(zip(self.sources, firsts, strict=True))
        return [i for i, (source, first) in sides if not (source.strip() and first.strip())]

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Pairs:
        """Return the pairs with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        references = self.references
        return replace(
            self,
            sources=[self.sources[i] for i in chosen],
            references=None if references is None else [references[i] for i in chosen],
            places=[self.places[i] for i in chosen],
        )

    def without_targets(self) -> Pairs:
        """Return the sources alone."""
        return replace(self, references=None)

    def expanded(self) -> Pairs:
        """Return a pair for each target of each source, for training."""
        if self.references is None:
            return self
        chosen = [i for i, answers in enumerate(self.references) for _ in answers]
        single: list[tuple[str, ...]] = [
            (answer,) for answers in self.references for answer in answers
        ]
        return replace(self.take(chosen), references=single)

    def merged(self) -> Pairs:
        """Return each source once, with all of its targets, for scoring."""
        if self.references is None:
            return self
        first: dict[str, int] = {}
        answers: dict[str, dict[str, None]] = defaultdict(dict)
        for index, (source, targets) in enumerate(zip(self.sources, self.references, strict=True)):
            first.setdefault(source, index)
            answers[source].update(dict.fromkeys(targets))
        found = self.take(list(first.values()))
        return replace(found, references=[tuple(answers[source]) for source in found.sources])

    def keys(self) -> list[bytes]:
        """Return a key for each source, equal for equal texts, ignoring white space and case."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        return [key_of(source) for source in self.sources]

    def digest(self) -> str:
        """Return a digest of all sources and targets in their order."""
        found = hashlib.sha256()
        references: list[tuple[str, ...]] = self.references or [()] * len(self)
        for source, targets in zip(self.sources, references, strict=True):
            found.update("\0".join([source, *targets]).encode() + b"\0\0")
        return found.hexdigest()


def key_of(text: str) -> bytes:
    """Return a key that is equal for equal texts, ignoring white space and case."""
    return hashlib.sha256(" ".join(text.lower().split()).encode()).digest()


def answers_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the targets of a source without empty ones, or a single empty one if all are empty."""
    return tuple(text for text in texts if text.strip()) or ("",)


def pairs_of(sources: Iterable[str], targets: Iterable[str | Sequence[str]] | None = None) -> Pairs:
    """Return pairs made from lists in memory.

    targets: for each source a target or a list of right targets; None if they are not known. Raises
    `DataError` for other types, and if the numbers of sources and targets differ.
    """
    texts = [_text(each, f"sources, item {i}") for i, each in _listed(sources, "sources")]
    places = [f"item {i}" for i in range(len(texts))]
    if targets is None:
        return checked(Pairs("data", texts, None, places))
    answers = [_answers(each, f"targets, item {i}") for i, each in _listed(targets, "targets")]
    if len(answers) != len(texts):
        raise DataError(
            f"data: {len(texts):,} sources and {len(answers):,} targets are not as many; give a "
            "target, or a list of targets, for every source"
        )
    return checked(Pairs("data", texts, answers, places))


def checked(pairs: Pairs) -> Pairs:
    """Return the pairs; raises `DataError` if there are none or UTF-8 cannot encode a text.

    Empty sides are allowed; `complete` and `with_incomplete` report them.
    """
    if not len(pairs):
        raise DataError(f"{pairs.name}: holds no pair of texts")
    targets: list[tuple[str, ...]] = pairs.references or [()] * len(pairs)
    for place, source, answers in zip(pairs.places, pairs.sources, targets, strict=True):
        for text in (source, *answers):
            well_formed(text, f"{pairs.name}: {place}")
    return pairs


def complete(pairs: Pairs) -> Pairs:
    """Leave out pairs with an empty side, with a finding on them.

    Raises `DataError` if none is left.
    """
    empty = set(pairs.incomplete)
    if not empty:
        return pairs
    if len(empty) == len(pairs):
        raise DataError(f"{pairs.name}: no pair has both a source and a target")
    kept = pairs.take([i for i in range(len(pairs)) if i not in empty])
    note = _incomplete(pairs, "they are left out")
    return replace(kept, findings=(*pairs.findings, note))


def with_incomplete(pairs: Pairs) -> Pairs:
    """Keep pairs with an empty side, with a finding on them."""
    if not pairs.incomplete:
        return pairs
    note = _incomplete(pairs, "they are kept")
    return replace(pairs, findings=(*pairs.findings, note))


def _incomplete(pairs: Pairs, done: str) -> Finding:
    where = [pairs.places[i] for i in pairs.incomplete]
    what = "pairs have an empty side" if pairs.references is not None else "sources are empty"
    return Finding(
        "empty",
        "warning",
        f"{pairs.name}: {len(where):,} of {len(pairs):,} {what}; {done}",
        tuple(where[:SHOWN]),
        "fill them in, or remove them (data.drop_incomplete says what is done with them)",
    )


def _listed(values: object, name: str) -> Iterable[tuple[int, object]]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise DataError(f"{name}: a list of texts is expected, got {type(values).__name__}")
    return enumerate(values)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{where}: a text is expected, got {type(value).__name__}")
    return value


def _answers(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not value:
        raise DataError(
            f"{where}: a text or a list of texts is expected, got "
            f"{'an empty one' if isinstance(value, (list, tuple)) else type(value).__name__}"
        )
    return answers_of([_text(each, where) for each in value])
