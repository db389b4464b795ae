"""The capacity ladder: fewer and more units at equal steps."""

from __future__ import annotations

from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.subject import Course, Subject
from longshort.errors import ConfigError

_RUNGS = (0.25, 0.5, 2.0, 4.0)


def measure(subject: Subject, base: Course) -> Measured | None:
    """Train with a quarter, half, twice and four times the units.

    more, fewer: best score with the most and the fewest units over the present one. None where the
    units cannot be changed.
    """
    width = subject.settings.get("width")
    if not width or not subject.can("width"):
        return None
    scores = {int(width): base.best}
    for rung in _RUNGS:
        units = max(1, int(width * rung))
        try:
            scores[units] = subject.train(subject.changes({"width": units}), subject.seed).best
        except ConfigError:
            return None
    rungs = sorted(scores)
    fewer, more = (scores[rungs[n]] / max(abs(base.best), 1e-12) for n in (0, -1))
    curve = Curve("best validation score", rungs, [scores[each] for each in rungs])
    said = ", ".join(f"{each} units {scores[each]:.4g}" for each in rungs)
    plot = Plot("units", "score", [curve], True, False, {"present": float(width)})
    return Measured(said, {"fewer": fewer, "more": more}, plot)
