"""Steps and samples exchanged before the recurrent layers: what order and input are worth."""

from __future__ import annotations

from functools import partial

from longshort.diagnosis.capture import layers_shuffled, recurrent_layers
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Course, Subject, regained


def measure(subject: Subject, base: Course) -> Measured | None:
    """Train on exchanged steps, and on exchanged samples, which is as good as exchanged labels.

    time: share of what the base learned that is lost with exchanged steps; about 0 where order does
    not matter. labels: the same for exchanged samples; below 1 where the network learns past its
    recurrent layers, or the score leaks.
    """
    if not recurrent_layers(subject.module):
        return None
    found = {
        name: regained(
            subject.train({}, subject.seed, partial(layers_shuffled, over_time=over_time)), base
        )
        for name, over_time in (("time", True), ("labels", False))
    }
    said = (
        f"with exchanged steps training misses {found['time']:.0%} of what it learns, with "
        f"exchanged samples {found['labels']:.0%}"
    )
    return Measured(said, found)
