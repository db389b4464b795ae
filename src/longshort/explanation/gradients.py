"""Attributions by gradients: integrated gradients, and gradient times input."""

from __future__ import annotations

import numpy as np

from longshort.explanation.asking import answers, gradients
from longshort.explanation.attribution import Attribution
from longshort.explanation.baselines import baseline_inputs
from longshort.runs.explaining import Floats, Question

_FEWEST, _MOST = 64, 4096
_TOLERANCE = 0.01


def integrated_gradients(question: Question, baseline: str, seed: int) -> Attribution:
    """Integrate the gradient on the straight way from the baseline (Sundararajan et al., 2017).

    The midpoint rule has 64 points, doubled up to 4096 until the error of the sum is at most 1 %.
    With several baseline rows the result is the mean over them (expected gradients, Erion et al.,
    2021).
    """
    starts = baseline_inputs(question, baseline, seed)
    score = float(answers(question, question.inputs[None])[0])
    reference = float(answers(question, starts).mean())
    points = _FEWEST
    while True:
        values = np.mean([_integral(question, start, points) for start in starts], axis=0)
        note = f"{points} points" + (f" for each of {len(starts)} rows" * (len(starts) > 1))
        drawn = seed if len(starts) > 1 else None
        found = Attribution("ig", baseline, values, score, reference, 0.0, drawn, note)
        if found.completeness <= _TOLERANCE or points >= _MOST:
            return found
        points *= 2


def _integral(question: Question, start: Floats, points: int) -> Floats:
    way = question.inputs - start
    places = (np.arange(points) + 0.5) / points
    found = gradients(question, start + places[:, None, None] * way)
    product: Floats = way * found.mean(0)
    return product


def gradient_times_input(question: Question, baseline: str, seed: int) -> Attribution:
    """Multiply the gradient by the distance from the baseline: a tangent, not the whole way."""
    start = baseline_inputs(question, baseline, seed).mean(0)
    slope = gradients(question, question.inputs[None])[0]
    score, reference = answers(question, np.stack([question.inputs, start]))
    values = np.where(question.exists, (question.inputs - start) * slope, 0.0)
    return Attribution("gradient", baseline, values, float(score), float(reference))
