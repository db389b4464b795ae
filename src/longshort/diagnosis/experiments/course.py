"""The course of the training: whether it was still improving, turned, or never learned."""

from __future__ import annotations

import math

from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.subject import Course


def measure(course: Course) -> Measured:
    """Measure the curve of the validation score.

    learned: share of the first score that was taken off. late: share of all gain that the last
    quarter brought, 0 where the best came before it. rise: worsening after the best over the whole
    gain. best_at: place of the best, as a share of the course. diverged: 1 where it became NaN or
    infinite.
    """
    scores = [each for each in course.scores if math.isfinite(each)]
    diverged = len(scores) < len(course.scores) or not all(map(math.isfinite, course.losses))
    gain = course.start - course.best
    last = len(course.scores) - 1
    place = course.best_at / last if last else 0.0
    quarter = course.scores[max(0, last - max(1, last // 4))]
    late = (quarter - course.best) / gain if gain > 0 and place > 0.75 else 0.0
    rise = (scores[-1] - course.best) / gain if gain > 0 and scores else 0.0
    numbers = {
        "learned": gain / abs(course.start) if course.start else 0.0,
        "late": late if math.isfinite(late) else 0.0,
        "rise": rise,
        "best_at": place,
        "diverged": float(diverged),
    }
    curves = [
        Curve("validation score", range(len(course.scores)), course.scores),
        Curve("training loss", range(1, len(course.losses) + 1), course.losses),
    ]
    said = (
        f"the validation score goes from {course.start:.4g} to {course.best:.4g}, its best at "
        f"{place:.0%} of the way"
    )
    if diverged:
        said = "training became NaN or infinite"
    return Measured(said, numbers, Plot("stretch of training", "score and loss", curves))
