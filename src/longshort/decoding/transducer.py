"""Labels of a transducer (Graves, 2012), which sees what was written before: greedy and by a beam.

In each frame a hypothesis writes labels, at most some, until the blank leads to the next frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.decoding.checks import finite, whole
from longshort.decoding.ctc import Spelling
from longshort.decoding.label_scorer import LabelScorer

Floats = NDArray[np.floating[Any]]
Row = Any
"""What a predictor knows of one text; it is never changed."""
_NEVER = float("-inf")


class Predictor(Protocol):
    """A network over the texts so far, and what joins it with the sound."""

    def first(self) -> Row:
        """Return the row of the empty text."""
        ...

    def after(self, rows: Sequence[Row], labels: Sequence[int]) -> list[Row]:
        """Return the rows of texts with one more label each."""
        ...

    def logs(self, sound: Floats, rows: Sequence[Row]) -> Floats:
        """Return the log probabilities [n, C] of the next label or the blank in a frame."""
        ...


class Written(NamedTuple):
    """A spelling, and the frame in which each of its labels was written."""

    spelling: Spelling
    frames: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class TransducerBeam:
    """Options of the search.

    width: hypotheses kept from frame to frame. n_best: number of texts returned, at most `width`.
    symbols: most labels in one frame. least: labels of a smaller probability are not tried.
    """

    width: int = 4
    n_best: int = 1
    symbols: int = 3
    least: float = 1e-4

    def __post_init__(self) -> None:
        whole("width", self.width, 1)
        whole("n_best", self.n_best, 1, self.width)
        whole("symbols", self.symbols, 1)
        finite("least", self.least, 0.0)


def transducer_greedy(
    sounds: Floats, predictor: Predictor, *, symbols: int = 3, blank: int = 0
) -> Written:
    """Return what the most probable label or blank at each step writes; sounds: a row a frame."""
    row, labels, frames, total = predictor.first(), [], [], 0.0
    for frame, sound in enumerate(sounds):
        for count in range(symbols + 1):
            logs = predictor.logs(sound, [row])[0]
            label = blank if count == symbols else int(logs.argmax())
            total += float(logs[label])
            if label == blank:
                break
            row = predictor.after([row], [label])[0]
            labels.append(label)
            frames.append(frame)
    return Written(Spelling(tuple(labels), total, total), tuple(frames))


@dataclass(frozen=True)
class _Hypothesis:
    """A text on its way, with its probability so far, and what a scorer adds."""

    labels: tuple[int, ...]
    frames: tuple[int, ...]
    log_prob: float
    gain: float
    row: Row
    state: Any

    @property
    def score(self) -> float:
        return self.log_prob + self.gain


def transducer_beam(
    sounds: Floats,
    predictor: Predictor,
    options: TransducerBeam | None = None,
    scorer: LabelScorer | None = None,
    *,
    blank: int = 0,
) -> list[Written]:
    """Return the best texts, best first; sounds: a row a frame, as the predictor joins them.

    Hypotheses of the same text are one, whose probability is the sum. scorer: what is added to the
    log probability of the labels, such as that of a language model.
    """
    options = options or TransducerBeam()
    state = None if scorer is None else scorer.start()
    beam = [_Hypothesis((), (), 0.0, 0.0, predictor.first(), state)]
    for frame, sound in enumerate(sounds):
        beam = _after_frame(beam, frame, sound, predictor, options, scorer, blank)
    ends = [0.0 if scorer is None else scorer.finish(each.state) for each in beam]
    if max(ends) == _NEVER:
        ends = [0.0] * len(ends)
    found = [
        Written(Spelling(each.labels, each.log_prob, each.score + end), each.frames)
        for each, end in zip(beam, ends, strict=True)
        if end > _NEVER
    ]
    return sorted(found, key=lambda each: -each.spelling.score)[: options.n_best]


def _after_frame(
    beam: list[_Hypothesis],
    frame: int,
    sound: Floats,
    predictor: Predictor,
    options: TransducerBeam,
    scorer: LabelScorer | None,
    blank: int,
) -> list[_Hypothesis]:
    """Return the best hypotheses that have left a frame by the blank."""
    left: dict[tuple[int, ...], _Hypothesis] = {}
    active = beam
    for count in range(options.symbols + 1):
        logs = predictor.logs(sound, [each.row for each in active])
        for each, row in zip(active, logs, strict=True):
            _merge(left, replace(each, log_prob=each.log_prob + float(row[blank])))
        if count == options.symbols:
            break
        active = _longer(active, logs, frame, options, scorer, blank)
        worst = _worst(left, options.width)
        active = [each for each in active if each.score > worst]
        if not active:
            break
        rows = predictor.after([e.row for e in active], [e.labels[-1] for e in active])
        active = [replace(each, row=row) for each, row in zip(active, rows, strict=True)]
    return sorted(left.values(), key=lambda each: -each.score)[: options.width]


def _merge(left: dict[tuple[int, ...], _Hypothesis], found: _Hypothesis) -> None:
    """Add a hypothesis to those of the same text."""
    other = left.get(found.labels)
    if other is None:
        left[found.labels] = found
        return
    better = found if found.log_prob > other.log_prob else other
    total = float(np.logaddexp(found.log_prob, other.log_prob))
    left[found.labels] = replace(better, log_prob=total)


def _worst(left: dict[tuple[int, ...], _Hypothesis], width: int) -> float:
    """Return the score to beat; but for a scorer's bonus a longer text can only lose."""
    if len(left) < width:
        return _NEVER
    return sorted((each.score for each in left.values()), reverse=True)[width - 1]


def _longer(
    active: list[_Hypothesis],
    logs: Floats,
    frame: int,
    options: TransducerBeam,
    scorer: LabelScorer | None,
    blank: int,
) -> list[_Hypothesis]:
    """Return the best continuations of hypotheses by a label, whose rows are those before it."""
    found = []
    for each, row in zip(active, logs, strict=True):
        tried = (row > _NEVER) & (row >= math.log(options.least or 1e-300))
        tried[blank] = False
        for label in np.flatnonzero(tried).tolist():
            gain, state = (0.0, None) if scorer is None else scorer.advance(each.state, label)
            if gain == _NEVER:
                continue
            found.append(
                _Hypothesis(
                    (*each.labels, label),
                    (*each.frames, frame),
                    each.log_prob + float(row[label]),
                    each.gain + gain,
                    each.row,
                    state,
                )
            )
    return sorted(found, key=lambda each: -each.score)[: options.width]
