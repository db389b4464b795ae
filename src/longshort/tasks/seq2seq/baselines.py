"""Baselines that repeat a target of the training split."""

from __future__ import annotations

from collections import Counter

from longshort.data.parallel import Pairs
from longshort.metrics.memory import Memory
from longshort.runs.task import Baseline, Track
from longshort.runs.writing import Written, written_by


def repeated_targets(
    train: Pairs, test: Pairs, track: Track, *, memory: bool
) -> dict[str, Baseline[Written]]:
    """Return the most frequent training target, and that of the most similar training source.

    memory: whether the most similar source is searched, which takes a while on large data.
    """
    known = train.targets or []
    (frequent, _), *_ = Counter(known).most_common(1)
    texts = [frequent] * len(test)
    found = {"frequent": Baseline(written_by(texts), "the most frequent training target")}
    if memory:
        track("searching known sources", 0, 0)
        nearest, _ = Memory(train.sources).nearest(test.sources)
        texts = [known[place] for place in nearest.tolist()]
        found["memory"] = Baseline(written_by(texts), "the most similar known source's target")
    return found
