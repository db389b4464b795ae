"""The network: recurrent layers over maps that read frames, and go on with their own.

Letters: T frames, B batch, C channels of a map, Y rows, X columns. A scale has maps of half as many
rows and columns as the next finer one, and twice as many units.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from longshort.nn.convolutional import ConvRecurrent
from longshort.runs.cell import chosen_cell
from longshort.tasks.frames.config import FramesModel
from longshort.tasks.frames.encoder import FrameEncoder

_EDGE = 0.01
"""Distance from 0 and 1 that values of a base keep, so that their logits are finite."""

State = tuple[Any, ...]
"""The state of each scale's layers."""


class Step(NamedTuple):
    """Forecast of the next frame, [B, C, Y, X], from 0 to 1, and the state after a frame."""

    frame: Tensor
    state: State


class Scales(nn.Module):
    """Recurrent layers over maps at several scales, from the coarsest to the finest.

    The input of a scale is the frame, for a coarser one in larger squares, and beside it the output
    of the next coarser scale, upsampled. So the coarse maps, which see far, guide the fine ones.
    """

    def __init__(self, model: FramesModel, encoder: FrameEncoder) -> None:
        super().__init__()
        assert model.hidden is not None
        self.layers, self.upsamplers = nn.ModuleList(), nn.ModuleList()
        cell, (rows, columns) = chosen_cell(model), encoder.map_size
        scales = model.scales or 1
        for scale in range(scales):
            hidden = model.hidden * 2**scale
            size = (rows >> scale, columns >> scale)
            layers = ConvRecurrent(
                cell,
                encoder.channels * 4**scale + (hidden if scale < scales - 1 else 0),
                hidden,
                model.kernel,
                model.num_layers,
                size=size if getattr(cell, "peephole", False) else None,
                precision=model.precision,
                init=model.init,
            )
            if scale:
                self.upsamplers.append(nn.Conv2d(layers.output_size, 2 * hidden, 1))
            self.layers.append(layers)

    @property
    def widths(self) -> list[int]:
        """Channels of each scale's output, the finest first."""
        return [layers.output_size for layers in self._layers]

    @property
    def _layers(self) -> list[ConvRecurrent]:
        return [cast(ConvRecurrent, each) for each in self.layers]

    def forward(self, x: Tensor, state: State | None) -> tuple[list[Tensor], State]:
        """Read maps [T, B, C, Y, X]; returns each scale's outputs, and the state."""
        found: list[Tensor] = []
        after: list[Any] = []
        for scale in reversed(range(len(self.layers))):
            inputs = _coarser(x, 2**scale)
            if found:
                upsampled = _finer(_each(self.upsamplers[scale], found[0]), 2)
                inputs = torch.cat([inputs, upsampled], 2)
            output, new = self._layers[scale](inputs, None if state is None else state[scale])
            found.insert(0, output)
            after.insert(0, new)
        return found, tuple(after)

    def flops(self, rows: int, columns: int) -> int:
        """Return the floating point operations of a frame of so many places."""
        total = 0
        for scale, layers in enumerate(self._layers):
            y, x = rows >> scale, columns >> scale
            total += layers.flops(y, x)
            if scale:
                upsampler = cast(nn.Conv2d, self.upsamplers[scale - 1])
                total += 2 * upsampler.weight.numel() * y * x
        return total


class Head(nn.Module):
    """The logits of a frame: a sum over scales, each brought to the finest one."""

    def __init__(self, widths: list[int], channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Conv2d(width, channels * 4**scale, 1) for scale, width in enumerate(widths)
        )

    def forward(self, outputs: list[Tensor]) -> Tensor:
        """Return logits [T, B, C, Y, X] of the outputs of all scales."""
        found = [
            _finer(_each(part, each), 2**scale)
            for scale, (part, each) in enumerate(zip(self.parts, outputs, strict=True))
        ]
        return torch.stack(found).sum(0) if len(found) > 1 else found[0]

    def flops(self, rows: int, columns: int) -> int:
        """Return the floating point operations of a frame of so many places."""
        weights = [cast(nn.Conv2d, part).weight.numel() for part in self.parts]
        return sum(2 * count * rows * columns // 4**n for n, count in enumerate(weights))

    def start_at(self, logit: float) -> None:
        """Let the untrained head say nearly this for all pixels."""
        with torch.no_grad():
            for scale, part in enumerate(self.parts):
                layer = cast(nn.Conv2d, part)
                layer.weight.mul_(0.1)
                cast(Tensor, layer.bias).fill_(0.0 if scale else logit)


class FrameForecaster(nn.Module):
    """Layers that read frames, and layers that go on from their state (Shi et al., 2015).

    What goes on reads its own last frame. Each layer's last state is where its fellow begins. Where
    forecasts are changes of a base, its logits are added, times a learned factor of each channel.
    """

    steps = True

    def __init__(self, model: FramesModel, encoder: FrameEncoder) -> None:
        super().__init__()
        self.reader = Scales(model, encoder)
        self.own_writer = Scales(model, encoder) if model.forecaster == "own" else None
        self.head = Head(self.reader.widths, encoder.channels)
        has_base = encoder.base != "none"
        self.trust = nn.Parameter(torch.ones(encoder.channels, 1, 1)) if has_base else None

    @property
    def writer(self) -> Scales:
        """The layers that go on."""
        return self.reader if self.own_writer is None else self.own_writer

    def forward(
        self, read: Tensor, wanted: Tensor, base: Tensor | None, outputs: int, true_share: float
    ) -> Tensor:
        """Return logits of all frames but the first, [T - 1, B, C, Y, X].

        read: frames that are read. wanted: those after them, of which a share takes the place of
        the network's own. base: what the forecasts are changes of. outputs: frames to forecast.
        """
        hidden, state = self.reader(read, None)
        known = None if base is None else torch.cat([read[:-1], base[:1]])
        logits = [self._logits(hidden, known)]
        frame = logits[0][-1:].sigmoid()
        for step in range(outputs - 1):
            if true_share > 0:
                is_true = torch.rand(frame.size(1), 1, 1, 1, device=frame.device) < true_share
                frame = torch.where(is_true, wanted[step : step + 1], frame)
            hidden, state = self.writer(frame, state)
            logits.append(self._logits(hidden, None if base is None else base[step + 1][None]))
            frame = logits[-1].sigmoid()
        return torch.cat(logits)

    def _logits(self, hidden: list[Tensor], base: Tensor | None) -> Tensor:
        found: Tensor = self.head(hidden)
        if base is None or self.trust is None:
            return found
        share = base.clamp(_EDGE, 1 - _EDGE)
        return found + self.trust * (share.log() - (1 - share).log())

    def begin(self, frame: Tensor, base: Tensor | None) -> Step:
        """Read the first frame [B, C, Y, X]; base: what the forecast is a change of."""
        return self._step(self.reader, frame, base, None)

    def advance(self, frame: Tensor, base: Tensor | None, state: State) -> Step:
        """Read a further frame."""
        return self._step(self.reader, frame, base, state)

    def follow(self, frame: Tensor, base: Tensor | None, state: State) -> Step:
        """Go on from the last forecast, once all frames are read."""
        return self._step(self.writer, frame, base, state)

    def _step(
        self, layers: Scales, frame: Tensor, base: Tensor | None, state: State | None
    ) -> Step:
        hidden, after = layers(frame[None], state)
        logits = self._logits(hidden, None if base is None else base[None])
        return Step(logits.sigmoid().squeeze(0), after)

    def flops(self, rows: int, columns: int, inputs: int, outputs: int) -> int:
        """Return the floating point operations of a window's forward pass."""
        frames = inputs + outputs - 1
        found = self.reader.flops(rows, columns) * inputs + self.head.flops(rows, columns) * frames
        return found + self.writer.flops(rows, columns) * (outputs - 1)


def _each(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer to each frame of x [T, B, C, Y, X]."""
    found: Tensor = layer(x.flatten(0, 1))
    return found.view(*x.shape[:2], *found.shape[1:])


def _coarser(x: Tensor, factor: int) -> Tensor:
    """Return maps [T, B, C · F · F, Y / F, X / F] of x [T, B, C, Y, X]: squares become channels."""
    if factor == 1:
        return x
    rows, columns = x.size(3) // factor, x.size(4) // factor
    parts = x.reshape(*x.shape[:3], rows, factor, columns, factor)
    return parts.permute(0, 1, 2, 4, 6, 3, 5).flatten(2, 4)


def _finer(x: Tensor, factor: int) -> Tensor:
    """Return maps [T, B, C, Y · F, X · F] of x [T, B, C · F · F, Y, X]."""
    if factor == 1:
        return x
    parts = x.reshape(*x.shape[:2], -1, factor, factor, *x.shape[-2:])
    return parts.permute(0, 1, 2, 5, 3, 6, 4).flatten(5, 6).flatten(3, 4)
