"""The learning curve: the same number of steps on fewer samples."""

from __future__ import annotations

from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.subject import Course, Subject

SHARES = (0.25, 0.5)


def measure(subject: Subject, base: Course) -> Measured | None:
    """Train on a quarter and on half of the samples.

    doubled: share of the score that going from half of the samples to all of them takes off; where
    it is large, more data would help. None where the samples cannot be parted.
    """
    scores: dict[float, float] = {}
    for share in SHARES:
        part = subject.train_on(share, subject.seed)
        if part is None:
            return None
        scores[share] = part.best
    scores[1.0] = base.best
    doubled = (scores[0.5] - scores[1.0]) / max(abs(scores[0.5]), 1e-12)
    shown = ", ".join(f"{share:.0%} {score:.4g}" for share, score in scores.items())
    curve = Curve("best validation score", list(scores), list(scores.values()))
    plot = Plot("share of the samples", "score", [curve], is_log_x=True)
    said = f"share of the samples and score: {shown}; the last doubling takes off {doubled:.0%}"
    return Measured(said, {"doubled": doubled}, plot)
