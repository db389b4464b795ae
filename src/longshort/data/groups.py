"""Splits by group: samples of a group, such as a speaker, stay in one split."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from longshort.config.sequences import GroupedHoldout
from longshort.data.labelled import Examples
from longshort.data.splits import Splits, make_splits
from longshort.errors import ConfigError, nearest


def split_examples(
    given: dict[str, Examples], settings: GroupedHoldout, val: float
) -> Splits[Examples]:
    """Return the splits; those that are missing are drawn from "train", by group if there are any.

    val: share of the validation split. Raises `ConfigError` for a group that is not there.
    """
    given, how = _with_test_groups(given, settings.test_groups)
    train = given["train"]
    splits = make_splits(
        given,
        val=val,
        test=settings.test,
        stratify=settings.stratify and train.groups is None,
        seed=settings.seed,
        groups=kept_together,
    )
    drawn = splits.how.removeprefix("files for training and test; ") if how else splits.how
    together = "" if train.groups is None else f"; {len(set(train.groups)):,} groups stay together"
    return replace(splits, how=how + drawn + together)


def kept_together(examples: Examples) -> Sequence[Hashable]:
    """Return for each sample what it shares with those that stay in its split."""
    return examples.keys() if examples.groups is None else examples.groups


def _with_test_groups(
    given: dict[str, Examples], names: Sequence[str]
) -> tuple[dict[str, Examples], str]:
    """Return the sources with these groups of "train" as the test split, and that said."""
    if not names:
        return given, ""
    train = given["train"]
    if train.groups is None or "test" in given:
        why = (
            "there is a test file" if "test" in given else "no column of groups is named (--group)"
        )
        raise ConfigError(f"split.test_groups: {', '.join(names)} are asked for, and {why}")
    for name in names:
        if name not in train.groups:
            raise ConfigError(
                f"split.test_groups: there is no group {name!r}; "
                f"{nearest(name, sorted(set(train.groups)))}"
            )
    held = np.array([group in names for group in train.groups])
    if held.all():
        raise ConfigError("split.test_groups: these are all groups; leave some for training")
    found = {"train": train.take(np.flatnonzero(~held)), "test": train.take(np.flatnonzero(held))}
    return given | found, f"the test split is the groups {', '.join(names)}; "
