"""Training without regularisers: what they cost, and what they save."""

from __future__ import annotations

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Course, Subject, regained


def measure(subject: Subject, base: Course) -> Measured | None:
    """Train without dropout and weight decay.

    cost: share of what could be learned that the regularisers miss; saved: the share that they win.
    None where there are none.
    """
    known = subject.settings
    present = [name for name in ("dropout", "weight_decay") if known.get(name)]
    if not present:
        return None
    changes = subject.changes(dict.fromkeys(present, 0.0))
    other = subject.train(changes, subject.seed)
    found = {"cost": regained(base, other), "saved": regained(other, base)}
    names = " and ".join(present)
    said = f"without {names} training wins {found['cost']:.0%} and loses {found['saved']:.0%}"
    return Measured(said, found)
