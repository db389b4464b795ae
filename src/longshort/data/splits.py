"""Training, validation and test splits of independent samples."""

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
"""Number of groups of a label from which the label can be divided."""


class Samples(Protocol):
    """Samples of a source, whatever they are."""

    @property
    def name(self) -> str:
        """Name of the source in messages."""

    @property
    def path(self) -> str | None:
        """Path of the file; None for data in memory."""

    @property
    def sha256(self) -> str | None:
        """Digest of the file; None for data in memory."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of reading."""

    def __len__(self) -> int: ...

    def digest(self) -> str:
        """Return a digest of the content."""


class Divisible(Samples, Protocol):
    """Samples that can be split at random: independent, with places in a source."""

    @property
    def places(self) -> list[str]:
        """Place of each sample for people."""

    @property
    def strata(self) -> list[str] | None:
        """Stratum of each sample, such as its label, for stratified splits; None for none."""

    def take(self, indices: NDArray[np.int64], /) -> Self:
        """Return the samples with these numbers."""

    def keys(self) -> list[bytes]:
        """Return a key for each sample, equal for equal content."""


S = TypeVar("S", bound=Samples)
D = TypeVar("D", bound=Divisible)


def holdout(
    groups: Sequence[Hashable], labels: Sequence[str] | None, *, val: float, test: float, seed: int
) -> dict[str, NDArray[np.int64]]:
    """Draw the numbers of the samples of each split; samples of equal groups stay together.

    groups [n]: equal for samples with equal content. labels [n]: each label has the same share in
    all splits, as far as possible; None: no stratification. val, test: shares.

    A label with three or more groups has at least one in every split with a share. A group too
    large for its split is put into training.
    """
    draw = np.random.default_rng(seed)
    first: dict[Hashable, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        first[group].append(index)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for members in first.values():
        strata["" if labels is None else labels[members[0]]].append(members)
    chosen: dict[str, list[int]] = {split: [] for split in SPLITS}
    for label in sorted(strata):
        stratum = [strata[label][i] for i in draw.permutation(len(strata[label]))]
        whole = len(stratum), sum(map(len, stratum))
        if len(stratum) >= _FEWEST:
            chosen["test"] += _taken(stratum, whole, test, 2) if test else []
            chosen["val"] += _taken(stratum, whole, val, 1) if val else []
        chosen["train"] += [index for members in stratum for index in members]
    return {split: np.array(sorted(found), dtype=np.int64) for split, found in chosen.items()}


def _taken(stratum: list[list[int]], whole: tuple[int, int], share: float, left: int) -> list[int]:
    """Take samples of groups from the end, at least one group, up to a share of groups and samples.

    whole: total number of groups and of samples; left: number of groups that remain.
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
    """Training, validation and test samples, and findings about them."""

    train: S
    val: S
    test: S
    findings: tuple[Finding, ...]
    how: str
    """Origin of the splits, for people."""

    def by_name(self) -> dict[str, S]:
        """Return the samples by split name, in order; "val" is left out if it is empty."""
        val = {"val": self.val} if len(self.val) else {}
        return {"train": self.train, **val, "test": self.test}

    def with_findings(self, findings: Iterable[Finding]) -> Splits[S]:
        """Return a copy with these findings."""
        return replace(self, findings=tuple(findings))


def split_whole_groups(given: dict[str, Any], how: Any) -> Splits[Any]:
    """Make splits of samples with a method `together`, whose groups stay in one split each.

    how: shares, seed and stratification as settings. Labels are not balanced where samples have
    groups, since a group is taken as it is.
    """
    groups = given["train"].groups
    found = make_splits(
        given,
        val=how.val,
        test=how.test,
        stratify=how.stratify and groups is None,
        seed=how.seed,
        groups=lambda samples: samples.together(),
    )
    if groups is None:
        return found
    return replace(found, how=f"{found.how}; {len(set(groups)):,} groups stay together")


def with_part(splits: Splits[D], share: float, seed: int) -> Splits[D]:
    """Return the splits with a share of the training samples, drawn by the seed; at least one.

    A smaller share is part of a larger one of the same seed.
    """
    order = np.random.default_rng(seed).permutation(len(splits.train))
    kept = np.sort(order[: max(1, round(share * len(splits.train)))])
    return replace(splits, train=splits.train.take(kept))


@dataclass(frozen=True)
class Given:
    """Sources of the splits, as far as they are given: files, frames, or samples."""

    train: object
    val: object = None
    test: object = None

    def by_name(self, files: Mapping[str, str | None]) -> dict[str, object]:
        """Return the given sources by split name; `files` are used where nothing else is given."""
        found = {"train": self.train, "val": self.val, "test": self.test}
        every = {split: files.get(split) if data is None else data for split, data in found.items()}
        return {split: data for split, data in every.items() if data is not None}


def given_of(data: object) -> Given:
    """Return data as given sources; a single source is for training."""
    return data if isinstance(data, Given) else Given(data)


def make_splits(
    given: dict[str, D],
    *,
    val: float,
    test: float,
    stratify: bool,
    seed: int,
    groups: Callable[[D], Sequence[Hashable]] | None = None,
) -> Splits[D]:
    """Make splits of the given samples; those that are missing are drawn from "train".

    val, test: shares of "train"; val = 0 for no validation split. groups: returns a group for each
    sample, and samples of equal groups stay together; by default those of equal content. Raises
    `DataError` if a split is empty.
    """
    whole = given["train"]
    shares = {"val": 0.0 if "val" in given else val, "test": 0.0 if "test" in given else test}
    if sum(shares.values()) >= 1.0:
        raise DataError(f"split: val {val:g} and test {test:g} leave nothing for training")
    found = dict(given)
    texts = []
    if any(shares.values()):
        keys = whole.keys() if groups is None else groups(whole)
        strata = whole.strata if stratify else None
        drawn = holdout(keys, strata, val=shares["val"], test=shares["test"], seed=seed)
        for split in SPLITS:
            if not len(drawn[split]) and (shares[split] or split == "train"):
                raise DataError(_too_few(whole, split, len(set(keys))))
        found["train"] = whole.take(drawn["train"])
        for split in ("val", "test"):
            if shares[split]:
                found[split] = whole.take(drawn[split])
                texts.append(f"{len(drawn[split]) / len(whole):.0%} for {split}")
    how = f"drawn by seed {seed}: {', '.join(texts)}" if texts else "files for all three splits"
    if "val" not in found:
        found["val"] = whole.take(np.zeros(0, dtype=np.int64))
        how = f"{how if texts else 'files for training and test'}; no validation split"
    return Splits(found["train"], found["val"], found["test"], tuple(_shared(found)), how)


def _too_few(whole: Divisible, split: str, contents: int) -> str:
    """Return why no sample is left for a split, and what to do."""
    if contents < _FEWEST:
        why = f"{contents} of {len(whole):,} examples are different; give three or more that are"
    else:
        why = (
            "no label has three examples of different content, one for each split; give more, or "
            "set split.stratify=false"
        )
    return f"{whole.name}: no example is left for the {split} split: {why}"


def _shared(splits: dict[str, D]) -> list[Finding]:
    """Find content that is in two splits."""
    titles = {"train": "training", "val": "validation"}
    keys = {split: splits[split].keys() for split in SPLITS}
    findings = []
    for earlier, split in combinations(SPLITS, 2):
        seen = set(keys[earlier])
        doubled = [i for i, key in enumerate(keys[split]) if key in seen]
        if doubled:
            findings.append(
                Finding(
                    "duplicate",
                    "warning",
                    f"{len(doubled):,} of {len(splits[split]):,} {split} examples stand in the "
                    f"{titles[earlier]} split too, so scores on them flatter",
                    tuple(splits[split].places[i] for i in doubled[:5]),
                    "remove them from one of the files",
                )
            )
    return findings


def unlearned(samples: Any, own: Any, what: str, say: Callable[[str], None]) -> Any:
    """Return the samples whose content is in neither the training nor the validation split.

    what: name of the samples for people. Raises `DataError` if none is left.
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
