"""The same training from other seeds: how much of a difference is chance."""

from __future__ import annotations

import statistics

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Course, Subject


def measure(subject: Subject, base: Course, count: int = 3) -> Measured:
    """Train from further seeds; spread: deviation of the best scores over their mean."""
    others = [subject.train({}, subject.seed + n).best for n in range(1, count)]
    scores = [base.best, *others]
    mean = statistics.fmean(scores)
    spread = statistics.stdev(scores) / max(abs(mean), 1e-12)
    shown = ", ".join(f"{each:.4g}" for each in scores)
    return Measured(f"{count} seeds give {shown}: {spread:.1%} apart", {"spread": spread})
