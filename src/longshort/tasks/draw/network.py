"""Networks from the points so far to a mixture of the next one.

Letters: T points, B batch, H units, P outputs of the mixture, U letters, E a letter's vector.
Both networks have the same three functions: `begin`, `advance` by one point, and `forward` over
whole drawings. After Graves (2013), with a state of the pen for the end of a drawing as in
sketch-rnn (Ha & Eck, 2017).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from longshort.nn.blocks.mixture import MixtureHead, Nats
from longshort.nn.blocks.window import TextWindow
from longshort.nn.recurrent import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.draw.config import DrawModel
from longshort.tasks.draw.encoder import INPUTS, STATES, Batch


class Drawing(NamedTuple):
    """A drawing of the plain network in progress: its states, and the label's vector [B, E]."""

    layers: Any
    label: Tensor


class Written(NamedTuple):
    """A text in writing: states of both parts, the window's place and view, and the letters.

    place [B, K]; view [B, E]; letters [B, U, E]; real [B, U].
    """

    first: Any
    layers: Any
    place: Tensor
    view: Tensor
    letters: Tensor
    real: Tensor


class Drawer(nn.Module):
    """A network that is told nothing, or a label: recurrent layers below a mixture."""

    def __init__(self, model: DrawModel, labels: int) -> None:
        super().__init__()
        self.labels = nn.Embedding(labels + 1, model.embedding) if labels else None
        self.layers = Recurrent(
            chosen_cell(model),
            INPUTS + (model.embedding if labels else 0),
            model.hidden,
            model.num_layers,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            **layer_options(model),
        )
        self.dropout = nn.Dropout(model.dropout)
        self.head = MixtureHead(self.layers.output_size, model.mixtures, STATES)

    def forward(self, x: Tensor, lengths: Tensor, condition: Tensor) -> Tensor:
        """Return the outputs [T, B, P] of points x [T, B, 5]; condition: labels [B]."""
        states, _ = self.layers(self._beside(x, self._label(condition)), lengths=lengths)
        outputs: Tensor = self.head(self.dropout(states))
        return outputs

    def begin(self, condition: Tensor) -> Drawing:
        """Return the state before the first point."""
        return Drawing(first_states(self.layers, condition.shape[0]), self._label(condition))

    def advance(self, x: Tensor, state: Drawing) -> tuple[Tensor, Drawing]:
        """Return the outputs [B, P] after one more point x [B, 5], and the state."""
        hidden, layers = self.layers.step(self._beside(x, state.label), state.layers)
        return self.head(hidden), Drawing(layers, state.label)

    def _label(self, condition: Tensor) -> Tensor:
        if self.labels is None:
            return self.head.linear.weight.new_zeros(condition.shape[0], 0)
        vectors: Tensor = self.labels(condition)
        return vectors

    def _beside(self, x: Tensor, label: Tensor) -> Tensor:
        """Return points [..., B, 5] with the label's vector beside each."""
        return torch.cat([x, label.expand(*x.shape[:-1], label.shape[-1])], -1)


class Writer(nn.Module):
    """A network that is told a text: a layer moves a window over it, and others see what is there.

    The first layer reads the point and the window's last view; those above read the point, the
    first layer and the new view.
    """

    def __init__(self, model: DrawModel, letters: int, pace: float) -> None:
        super().__init__()
        cell, options, size = chosen_cell(model), layer_options(model), model.embedding
        self.size, self.windows = size, model.windows
        self.letters = nn.Embedding(letters + 2, size, padding_idx=0)  # with the end's mark
        self.first = Recurrent(cell, INPUTS + size, model.hidden, **options)
        self.window = TextWindow(self.first.output_size, model.windows, pace)
        above = max(1, model.num_layers - 1)
        self.layers = Recurrent(
            cell,
            INPUTS + self.first.output_size + size,
            model.hidden,
            above,
            dropout=model.dropout if above > 1 else 0.0,
            **options,
        )
        self.dropout = nn.Dropout(model.dropout)
        self.head = MixtureHead(self.layers.output_size, model.mixtures, STATES)

    def forward(self, x: Tensor, lengths: Tensor, condition: Tensor) -> Tensor:
        """Return the outputs [T, B, P] of points x [T, B, 5]; condition: letters [B, U].

        The window depends on what it saw, so the points are read one by one.
        """
        del lengths
        state, seen = self.begin(condition), []
        for point in x:
            hidden, state = self._read(point, state)
            seen.append(hidden)
        outputs: Tensor = self.head(self.dropout(torch.stack(seen)))
        return outputs

    def begin(self, condition: Tensor) -> Written:
        """Return the state before the first point."""
        letters = self.letters(condition)
        count = condition.shape[0]
        return Written(
            first_states(self.first, count),
            first_states(self.layers, count),
            letters.new_zeros(count, self.windows),
            letters.new_zeros(count, self.size),
            letters,
            condition > 0,
        )

    def advance(self, x: Tensor, state: Written) -> tuple[Tensor, Written]:
        """Return the outputs [B, P] after one more point x [B, 5], and the state."""
        hidden, after = self._read(x, state)
        return self.head(hidden), after

    def _read(self, x: Tensor, state: Written) -> tuple[Tensor, Written]:
        below, first = self.first.step(torch.cat([x, state.view], -1), state.first)
        view, place, _ = self.window(below, state.place, state.letters, state.real)
        hidden, layers = self.layers.step(torch.cat([x, below, view], -1), state.layers)
        return hidden, Written(first, layers, place, view, state.letters, state.real)


def first_states(layers: Recurrent, count: int) -> Any:
    """Return the states of `count` sequences before their first step."""
    state = layers.initial_state()
    if isinstance(state, tuple):
        return tuple(each.expand(-1, count, -1).contiguous() for each in state)
    return state.expand(-1, count, -1).contiguous()


def nats_of(network: Any, batch: Batch) -> Nats:
    """Return the nats of offsets and of the pen of each point, [T, B]; 0 past the end.

    The first offset is known, and does not count.
    """
    outputs = network(batch.x, batch.lengths, batch.condition)
    found: Nats = network.head.nats(outputs, batch.moves, batch.pens)
    real = batch.real.to(found.points.dtype)
    counts = real.clone()
    counts[0] = 0.0
    return Nats(found.points * counts, found.classes * real)
