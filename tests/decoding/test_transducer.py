"""Texts of transducers against all paths of a small table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from longshort.decoding.label_scorer import Characters
from longshort.decoding.transducer import TransducerBeam, transducer_beam, transducer_greedy
from longshort.errors import ArgumentError
from tests.decoding.test_ctc import Bigrams

SYMBOLS, CLASSES = 2, 3
WHOLE = TransducerBeam(width=5000, n_best=5000, symbols=SYMBOLS, least=0.0)


class Table:
    """Rows are texts; what comes next depends on the sound, and on the last two labels."""

    def first(self) -> tuple[int, ...]:
        return ()

    def after(
        self, rows: Sequence[tuple[int, ...]], labels: Sequence[int]
    ) -> list[tuple[int, ...]]:
        return [(*row, label) for row, label in zip(rows, labels, strict=True)]

    def logs(self, sound: np.ndarray, rows: Sequence[tuple[int, ...]]) -> np.ndarray:
        scores = np.stack([sound + np.sin(3 * sum((*row[-2:], 1)) + sound) for row in rows])
        return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def sounds(frames: int) -> np.ndarray:
    return 2 * np.random.default_rng(4).normal(size=(frames, CLASSES))


def all_texts(frames: np.ndarray) -> dict[tuple[int, ...], float]:
    """Log probability of every text, by following all paths."""
    found: defaultdict[tuple[int, ...], float] = defaultdict(float)

    def follow(frame: int, count: int, text: tuple[int, ...], total: float) -> None:
        if frame == len(frames):
            found[text] += float(np.exp(total))
            return
        logs = Table().logs(frames[frame], [text])[0]
        follow(frame + 1, 0, text, total + logs[0])
        if count < SYMBOLS:
            for label in range(1, CLASSES):
                follow(frame, count + 1, (*text, label), total + logs[label])

    follow(0, 0, (), 0.0)
    return {text: float(np.log(p)) for text, p in found.items()}


def test_a_beam_without_limits_finds_every_text() -> None:
    frames = sounds(3)
    expected = all_texts(frames)
    found = transducer_beam(frames, Table(), WHOLE)
    assert {e.spelling.labels: e.spelling.log_prob for e in found} == pytest.approx(expected)
    assert found[0].spelling.labels == max(expected, key=expected.__getitem__)


def test_a_language_model_is_added() -> None:
    frames, model = sounds(2), Bigrams(CLASSES)
    found = transducer_beam(frames, Table(), WHOLE, Characters(model, weight=0.6, bonus=0.1))
    plain = all_texts(frames)
    assert len(found) == len(plain)
    for each in found:
        marked = (0, *each.spelling.labels, 0)
        said = sum(model.logs((marked[n - 1],))[marked[n]] for n in range(1, len(marked)))
        expected = plain[each.spelling.labels] + 0.6 * said + 0.1 * (len(marked) - 2)
        assert each.spelling.score == pytest.approx(expected)


def test_greedy_takes_the_best_step_and_says_in_which_frame() -> None:
    frames = sounds(6)
    found = transducer_greedy(frames, Table(), symbols=SYMBOLS)
    text: list[int] = []
    where: list[int] = []
    for n, sound in enumerate(frames):
        for count in range(SYMBOLS + 1):
            label = int(Table().logs(sound, [tuple(text)])[0].argmax())
            if label == 0 or count == SYMBOLS:
                break
            text.append(label)
            where.append(n)
    assert found.spelling.labels == tuple(text)
    assert found.frames == tuple(where)


def test_wider_beams_find_no_less_probable_texts() -> None:
    frames = sounds(4)
    best = -np.inf
    for width in (1, 3, 9, 500):
        options = TransducerBeam(width=width, symbols=SYMBOLS, least=0.0)
        found = transducer_beam(frames, Table(), options)[0].spelling.log_prob
        assert found >= best - 1e-9
        best = found
    assert best == pytest.approx(max(all_texts(frames).values()))


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ArgumentError, match="symbols: a number from 1 is expected, got 0"):
        TransducerBeam(symbols=0)
