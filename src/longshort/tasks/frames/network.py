"""The network: recurrent layers over maps that read frames, and go on with their own.

Letters: T frames, B batch, C channels of a map, Y rows, X columns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from longshort.nn.convolutional import ConvRecurrent
from longshort.runs.cell import chosen_cell
from longshort.tasks.frames.config import FramesModel
from longshort.tasks.frames.encoder import FrameEncoder

State = Any


class Step(NamedTuple):
    """Forecast of the next frame, [B, C, Y, X], from 0 to 1, and the state after a frame."""

    frame: Tensor
    state: State


class FrameForecaster(nn.Module):
    """Layers that read frames, and layers that go on from their state (Shi et al., 2015).

    What goes on reads its own last frame. Each layer's last state is where its fellow begins.
    """

    steps = True

    def __init__(self, model: FramesModel, encoder: FrameEncoder) -> None:
        super().__init__()
        assert model.hidden is not None
        cell, channels = chosen_cell(model), encoder.channels

        def layers() -> ConvRecurrent:
            return ConvRecurrent(
                cell,
                channels,
                model.hidden,
                model.kernel,
                model.num_layers,
                size=encoder.map_size if getattr(cell, "peephole", False) else None,
                precision=model.precision,
                init=model.init,
            )

        self.reader = layers()
        self.own_writer = layers() if model.forecaster == "own" else None
        self.head = nn.Conv2d(self.reader.output_size, channels, 1)

    @property
    def writer(self) -> ConvRecurrent:
        """The layers that go on."""
        return self.reader if self.own_writer is None else self.own_writer

    def forward(self, read: Tensor, wanted: Tensor, outputs: int, true_share: float) -> Tensor:
        """Return logits of all frames but the first, [T - 1, B, C, Y, X].

        read: frames that are read. wanted: those after them, of which a share takes the place of
        the network's own. outputs: number of frames to forecast.
        """
        hidden, state = self.reader(read)
        logits = [self._logits(hidden)]
        frame = logits[0][-1].sigmoid()
        for step in range(outputs - 1):
            if true_share > 0:
                is_true = torch.rand(len(frame), 1, 1, 1, device=frame.device) < true_share
                frame = torch.where(is_true, wanted[step], frame)
            after, state = self.writer.step(frame, state)
            logits.append(self.head(after)[None])
            frame = logits[-1][0].sigmoid()
        return torch.cat(logits)

    def _logits(self, hidden: Tensor) -> Tensor:
        return self.head(hidden.flatten(0, 1)).unflatten(0, hidden.shape[:2])

    def begin(self, frame: Tensor) -> Step:
        """Read the first frame [B, C, Y, X]."""
        return self._step(self.reader, frame, None)

    def advance(self, frame: Tensor, state: State) -> Step:
        """Read a further frame."""
        return self._step(self.reader, frame, state)

    def follow(self, frame: Tensor, state: State) -> Step:
        """Go on from the last forecast, once all frames are read."""
        return self._step(self.writer, frame, state)

    def _step(self, layers: ConvRecurrent, frame: Tensor, state: State) -> Step:
        hidden, after = layers.step(frame, state)
        return Step(self.head(hidden).sigmoid(), after)
