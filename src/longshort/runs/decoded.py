"""Decoding by the settings of a run: beam search, greedy or sampling, and the length penalty."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.config.writing import WriteSettings
from longshort.data.coding import BEGIN, END, PADDING, UNKNOWN
from longshort.decoding.beam import beam_search
from longshort.decoding.greedy import greedy
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.options import Beam, Limits
from longshort.decoding.sampling import sample
from longshort.decoding.stepping import Stepper
from longshort.errors import ConfigError
from longshort.runs.task import Model, Say, Track
from longshort.runs.writing import Drawing, Writing

PENALTIES = (0.5, 1.0, 2.0)
"""Length penalties among which the validation split chooses."""
_PENALTY, _USUAL = "length_penalty", 1.0
"""Its name among the arrays that a run keeps, and the penalty while none is chosen."""

Ints = NDArray[np.int64]
Hypotheses = list[list[Hypothesis]]


def decoded(
    model: Model[Any, Any],
    stepper: Stepper,
    how: Writing,
    *,
    keys: Sequence[bytes],
    longest: Ints,
    source_lengths: Ints | None = None,
    coverage_penalty: float = 0.0,
) -> Hypotheses:
    """Return hypotheses of each source, the best first, or as they were drawn.

    keys: of each source its content, by which it is drawn; longest: the greatest length of each.
    """
    write: WriteSettings = model.config.write
    limits: dict[str, Any] = {
        "min_length": write.min_length,
        "max_length": np.maximum(longest, max(1, write.min_length)),
        "no_repeat": write.no_repeat,
        "banned": (PADDING, UNKNOWN, BEGIN),
    }
    marks: dict[str, Any] = {"begin": BEGIN, "end": END, "source_lengths": source_lengths}
    if how.drawing is not None:
        return _drawn(stepper, how.drawing, keys, how.n_best, limits, marks)
    width = max(write.beam if how.beam is None else how.beam, how.n_best)
    if width == 1:
        _refuse_penalty(how)
        options = Limits(**limits)
        return [[each] for each in greedy(stepper, batch=len(keys), options=options, **marks)]
    alpha = length_penalty(model) if how.length_penalty is None else how.length_penalty
    beam = Beam(
        **limits, width=width, n_best=how.n_best,
        length_penalty=alpha, coverage_penalty=coverage_penalty,
    )  # fmt: skip
    return beam_search(stepper, batch=len(keys), options=beam, **marks)


def length_penalty(model: Model[Any, Any]) -> float:
    """Return the run's length penalty: that of the settings, else the chosen one."""
    given: float | None = model.config.write.length_penalty
    return float(model.kept.get(_PENALTY, _USUAL)) if given is None else given


def chosen_penalty(
    model: Model[Any, Any],
    quality: Callable[[Writing], float],
    title: str,
    samples: str,
    say: Say,
    track: Track,
) -> dict[str, NDArray[np.float64]]:
    """Choose the length penalty on the validation split; returns what the run keeps of it.

    quality: the deciding metric, called `title`, of validation texts written in this way; higher is
    better. samples: these texts in words. Nothing is chosen where the settings give a penalty, or
    are greedy.
    """
    write: WriteSettings = model.config.write
    if write.length_penalty is not None or write.beam == 1:
        return {}
    found: dict[float, float] = {}
    for number, alpha in enumerate(PENALTIES):
        track("choosing the length penalty", number, len(PENALTIES))
        found[alpha] = quality(Writing(length_penalty=alpha))
    best = max(found, key=lambda alpha: (found[alpha], alpha == _USUAL))
    listed = ", ".join(f"{value:.1f} with {alpha:g}" for alpha, value in found.items())
    say(f"length penalty: {best:g}, by the {title} of {samples} ({listed})")
    return {_PENALTY: np.array(best)}


def _drawn(
    stepper: Stepper, drawing: Drawing, keys: Sequence[bytes], count: int,
    limits: dict[str, Any], marks: dict[str, Any],
) -> Hypotheses:  # fmt: skip
    """Draw `count` hypotheses for each source; seeds differ by its content and their number."""
    rows = np.repeat(np.arange(len(keys)), count)
    seeds = [_seed(drawing.seed, number, key) for key in keys for number in range(count)]
    lengths = marks["source_lengths"]
    options = drawing.options(**limits | {"max_length": limits["max_length"][rows]})
    found = sample(
        stepper.take(rows),
        batch=len(rows),
        begin=marks["begin"],
        end=marks["end"],
        seeds=seeds,
        options=options,
        source_lengths=None if lengths is None else lengths[rows],
    )
    return [found[first : first + count] for first in range(0, len(found), count)]


def _seed(seed: int, number: int, key: bytes) -> int:
    digest = hashlib.sha256(f"{seed} {number} ".encode() + key).digest()
    return int.from_bytes(digest[:7], "big")


def _refuse_penalty(how: Writing) -> None:
    if how.length_penalty is not None:
        raise ConfigError(
            "length_penalty: has no effect on a beam of 1, which is greedy; leave it out, or widen "
            "the beam"
        )
