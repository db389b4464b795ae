"""Training, validation and test parts of labelled sequences, and what two parts may not share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.errors import DataError

SPLITS = ("train", "val", "test")
_FEWEST = 3
"""Groups of a label that can be divided."""


class Samples(Protocol):
    """What a source holds, whatever it is."""

    @property
    def name(self) -> str:
        """What the source is called in messages."""

    @property
    def path(self) -> str | None:
        """Of the file; None for data in memory."""

    @property
    def sha256(self) -> str | None:
        """Of the file."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What its reading brought to light."""

    def __len__(self) -> int: ...

    def digest(self) -> str:
        """Of the content."""


class Divisible(Samples, Protocol):
    """What splits can be drawn from: independent samples with their places in a source."""

    @property
    def places(self) -> list[str]:
        """How a person finds each example."""

    @property
    def strata(self) -> list[str] | None:
        """For each example what the parts shall have the same shares of, such as its label."""

    def take(self, indices: NDArray[np.int64], /) -> Self:
        """The examples at these places."""

    def keys(self) -> list[bytes]:
        """One for each example; equal for equal content."""


S = TypeVar("S", bound=Samples)
D = TypeVar("D", bound=Divisible)


def holdout(
    groups: Sequence[Hashable], labels: Sequence[str] | None, *, val: float, test: float, seed: int
) -> dict[str, NDArray[np.int64]]:
    """Numbers of the samples of each part, drawn by `seed`; equal groups stay together.

    groups [n]: what samples with equal content have in common; labels [n]: every label has the
    same share in all parts, as far as it can be divided. Of three or more groups of a label every
    part with a share takes one at least; a group too large for a part is for training. None: labels
    are not looked at.
    """
    draw = np.random.default_rng(seed)
    first: dict[Hashable, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        first[group].append(index)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for members in first.values():
        strata["" if labels is None else labels[members[0]]].append(members)
    chosen: dict[str, list[int]] = {part: [] for part in SPLITS}
    for label in sorted(strata):
        stratum = [strata[label][i] for i in draw.permutation(len(strata[label]))]
        whole = len(stratum), sum(map(len, stratum))
        if len(stratum) >= _FEWEST:
            chosen["test"] += _taken(stratum, whole, test, 2) if test else []
            chosen["val"] += _taken(stratum, whole, val, 1) if val else []
        chosen["train"] += [index for members in stratum for index in members]
    return {part: np.array(sorted(found), dtype=np.int64) for part, found in chosen.items()}


def _taken(stratum: list[list[int]], whole: tuple[int, int], share: float, left: int) -> list[int]:
    """Samples of groups from the end, one at least: of all groups and samples no more than a share.

    whole: how many groups and samples there were; so many groups are left.
    """
    groups, samples = (max(1, round(share * count)) for count in whole)
    taken: list[int] = []
    for place in reversed(range(len(stratum))):
        fits = len(taken) + len(stratum[place]) <= samples
        if fits and groups and len(stratum) > left:
            taken += stratum.pop(place)
            groups -= 1
    return taken or stratum.pop(stratum.index(min(stratum, key=len)))


@dataclass(frozen=True)
class Splits(Generic[S]):
    """Training, validation and test samples, and what was found about them."""

    train: S
    val: S
    test: S
    findings: tuple[Finding, ...]
    how: str
    """Where the parts come from, for people."""

    def by_name(self) -> dict[str, S]:
        """By name, in order; without a validation split where there is none."""
        val = {"val": self.val} if len(self.val) else {}
        return {"train": self.train, **val, "test": self.test}

    def with_findings(self, findings: Iterable[Finding]) -> Splits[S]:
        """The same with these findings."""
        return replace(self, findings=tuple(findings))


@dataclass(frozen=True)
class Given:
    """Where the parts come from, as far as they are given: files, frames, or examples."""

    train: object
    val: object = None
    test: object = None

    def by_name(self, files: Mapping[str, str | None]) -> dict[str, object]:
        """Those that are there, a file where nothing else is given."""
        found = {"train": self.train, "val": self.val, "test": self.test}
        every = {part: files.get(part) if data is None else data for part, data in found.items()}
        return {part: data for part, data in every.items() if data is not None}


def given_of(data: object) -> Given:
    """The data as given parts; what is none of them is for training."""
    return data if isinstance(data, Given) else Given(data)


def make_splits(
    given: dict[str, D], *, val: float, test: float, stratify: bool, seed: int
) -> Splits[D]:
    """Splits from files where they are given, else from shares of the training file.

    val: 0 for no validation part.
    """
    whole = given["train"]
    shares = {"val": 0.0 if "val" in given else val, "test": 0.0 if "test" in given else test}
    if sum(shares.values()) >= 1.0:
        raise DataError(f"split: val {val:g} and test {test:g} leave nothing for training")
    found = dict(given)
    texts = []
    if any(shares.values()):
        keys = whole.keys()
        strata = whole.strata if stratify else None
        drawn = holdout(keys, strata, val=shares["val"], test=shares["test"], seed=seed)
        for part in SPLITS:
            if not len(drawn[part]) and (shares[part] or part == "train"):
                raise DataError(_too_few(whole, part, len(set(keys))))
        found["train"] = whole.take(drawn["train"])
        for part in ("val", "test"):
            if shares[part]:
                found[part] = whole.take(drawn[part])
                texts.append(f"{len(drawn[part]) / len(whole):.0%} for {part}")
    how = f"drawn by seed {seed}: {', '.join(texts)}" if texts else "files for all three parts"
    if "val" not in found:
        found["val"] = whole.take(np.zeros(0, dtype=np.int64))
        how = f"{how if texts else 'files for training and test'}; no validation part"
    return Splits(found["train"], found["val"], found["test"], tuple(_shared(found)), how)


def _too_few(whole: Divisible, part: str, contents: int) -> str:
    """Why nothing is left for a part, and what to do."""
    if contents < _FEWEST:
        why = f"{contents} of {len(whole):,} examples are different; give three or more that are"
    else:
        why = (
            "no label has three examples of different content, one for each part; give more, or "
            "set split.stratify=false"
        )
    return f"{whole.name}: no example is left for the {part} part: {why}"


def _shared(parts: dict[str, D]) -> list[Finding]:
    """Content that stands in two parts."""
    titles = {"train": "training", "val": "validation"}
    keys = {part: parts[part].keys() for part in SPLITS}
    findings = []
    for earlier, part in combinations(SPLITS, 2):
        seen = set(keys[earlier])
        doubled = [i for i, key in enumerate(keys[part]) if key in seen]
        if doubled:
            findings.append(
                Finding(
                    "duplicate",
                    "warning",
                    f"{len(doubled):,} of {len(parts[part]):,} {part} examples stand in the "
                    f"{titles[earlier]} part too, so scores on them flatter",
                    tuple(parts[part].places[i] for i in doubled[:5]),
                    "remove them from one of the files",
                )
            )
    return findings


def unlearned(samples: Any, own: Any, what: str, say: Callable[[str], None]) -> Any:
    """Samples that are neither in the training nor in the validation split, by their content.

    what: how people call them. Raises `DataError` where none is left.
    """
    seen = {*own.train.keys(), *own.val.keys()}
    new = np.array([i for i, key in enumerate(samples.keys()) if key not in seen], dtype=np.int64)
    if not len(new):
        raise DataError(
            f"{samples.name}: the run was trained or validated on all {len(samples):,} {what}; "
            "give others, or --include-training"
        )
    if len(new) < len(samples):
        say(
            f"{len(samples) - len(new):,} of {len(samples):,} {what} are left out: the run was "
            "trained or validated on them (--include-training scores them too)"
        )
    return samples.take(new)
