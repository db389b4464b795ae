"""How likely drawings are, and new ones, by a trained network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.data.in_order import in_order_of_length
from longshort.data.strokes.ink import Ink
from longshort.decoding.mixture import class_nats, draw, mixture_of, point_nats
from longshort.errors import ConfigError
from longshort.runs.pen import Pen
from longshort.runs.task import Model
from longshort.tasks.draw.config import DrawConfig
from longshort.tasks.draw.encoder import END, INPUTS, Batch, DrawArrays, DrawEncoder, steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DrawModelOf = Model[DrawConfig, DrawEncoder]
_TOGETHER = 64
"""Drawings that are read together."""


@dataclass(frozen=True)
class Likelihoods:
    """Negative log-likelihoods of drawings in nats [n]: of offsets and of the pen; and points."""

    moves: Floats
    pens: Floats
    points: Floats

    @property
    def each(self) -> Floats:
        """Nats per point of each drawing [n]."""
        return (self.moves + self.pens) / self.points


def likelihoods(model: DrawModelOf, arrays: DrawArrays) -> Likelihoods:
    """Return how likely encoded drawings are; their first offset, 0, is known."""
    lengths = arrays.lengths
    found = np.zeros((2, len(lengths)))
    for numbers in in_order_of_length(lengths, _TOGETHER):
        batch = arrays.batch(numbers)
        mixture = mixture_of(_outputs(model, batch), model.config.model.mixtures)
        moves = point_nats(mixture, batch.moves.astype(np.float64))
        moves[0] = 0.0
        for kind, values in enumerate((moves, class_nats(mixture, batch.pens))):
            found[kind, numbers] = np.where(batch.real, values, 0.0).sum(0)
    return Likelihoods(found[0], found[1], lengths.astype(np.float64))


def _outputs(model: DrawModelOf, batch: Batch) -> NDArray[np.float32]:
    """Return the network's outputs [T, B, P]; where it is told a text, step by step."""
    if model.encoder.condition != "text":
        outputs: NDArray[np.float32] = model.call(
            "forward", batch.x, batch.lengths, batch.condition
        )
        return outputs
    state, found = model.call("begin", batch.condition), []
    for x in batch.x:
        output, state = model.call("advance", x, state)
        found.append(output)
    return np.stack(found)


def drawings(model: DrawModelOf, how: Pen) -> list[Ink]:
    """Return new drawings in the data's unit, point by point from the network's carried state.

    A prime is the beginning of each drawing; where a text is told, it is left out. Raises
    `ConfigError` for settings that do not fit the run.
    """
    encoder, chance = model.encoder, np.random.default_rng(how.seed)
    begun = _prime(encoder, how)
    x, state = np.zeros((how.count, INPUTS), np.float32), model.call("begin", _told(encoder, how))
    for point in begun:
        _, state = model.call("advance", x, state)
        x = steps(*point)
    made = [] if encoder.condition == "text" else [*begun]
    is_done = np.zeros(how.count, dtype=np.bool_)
    for place in range(how.most or encoder.longest):
        outputs, state = model.call("advance", x, state)
        moves, pens = draw(mixture_of(outputs, model.config.model.mixtures), chance, how.bias)
        if not begun and place == 0:
            moves[:] = 0.0  # where a drawing begins says nothing
        made.append((moves, pens))
        is_done |= pens == END
        if is_done.all():
            break
        x = steps(moves, pens)
    every = [np.stack(part) for part in zip(*made, strict=True)]
    return [_cut(encoder, every[0][:, b], every[1][:, b]) for b in range(how.count)]


def _prime(encoder: DrawEncoder, how: Pen) -> list[tuple[Floats, Ints]]:
    """Return the points of the prime, for every drawing: offsets [count, 2] and the pen [count]."""
    if how.prime is None:
        return []
    offsets, pens = encoder.points(encoder.shaped(how.prime), is_whole=False)
    pairs = zip(offsets, pens, strict=True)
    return [(np.tile(offset, (how.count, 1)), np.full(how.count, pen)) for offset, pen in pairs]


def _cut(encoder: DrawEncoder, moves: Floats, pens: Ints) -> Ink:
    """Return a drawing up to its end."""
    ends = np.flatnonzero(pens == END)
    last = len(pens) if not len(ends) else int(ends[0]) + 1
    return encoder.ink(moves[:last], pens[:last])


def _told(encoder: DrawEncoder, how: Pen) -> Ints:
    """Return what the network is told, [count] or [count, U]."""
    if encoder.condition == "nothing":
        if how.told is not None:
            raise ConfigError("--prompt: the run is told nothing of a drawing; leave it out")
        return np.zeros(how.count, dtype=np.int64)
    if how.told is None:
        known = ", ".join(encoder.known[:20])
        what = "the text to write" if encoder.condition == "text" else f"the label, one of {known}"
        raise ConfigError(f"--prompt: is needed: {what}")
    text = how.told
    if encoder.condition == "text" and how.prime is not None:
        text = f"{how.primed or ''}{text}"
    told = np.array(encoder.told(text, "--prompt"), dtype=np.int64)
    return np.tile(told, (how.count, *[1] * told.ndim))
