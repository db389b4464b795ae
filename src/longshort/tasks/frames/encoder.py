"""Frames as arrays of values from 0 to 1, folded into patches, in batches; without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError
from longshort.tasks.frames.clips import Frames, Windows
from longshort.tasks.frames.config import Base, FramesConfig
from longshort.tasks.frames.flow import carried, motion

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FrameEncoder:
    """The range of the values, and how frames [Y, X, C] become maps of patches.

    low, high: values that become 0 and 1. missing: value that means no data, and counts as the
    lowest. mean: of the training frames, from 0 to 1. scales: of the maps, each with half the rows
    and columns.
    """

    low: float
    high: float
    shape: tuple[int, int, int]
    patch: int
    mean: float
    missing: float | None = None
    scales: int = 1
    outputs: int = 1
    """Frames that are forecast."""
    base: Base = "none"
    """What forecasts are changes of; see `FramesModel.base`."""

    @property
    def map_size(self) -> tuple[int, int]:
        """Rows and columns of the maps: frames are padded to whole patches of the last scale."""
        rows, columns, _ = self.shape
        whole = 2 ** (self.scales - 1)
        size = self.patch * whole
        return -(-rows // size) * whole, -(-columns // size) * whole

    @property
    def channels(self) -> int:
        """Channels of the maps: the pixels of a patch."""
        return self.shape[2] * self.patch**2

    def scaled(self, frames: Frames) -> Floats:
        """Return frames with values from 0 to 1."""
        values = frames.astype(np.float32)
        if self.missing is not None:
            values = np.where(frames == self.missing, np.float32(self.low), values)
        found: Floats = (values - np.float32(self.low)) / np.float32(self.high - self.low)
        return found

    def units(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return scaled values in the data's own units."""
        return self.low + values * (self.high - self.low)

    def folded(self, frames: Floats) -> Floats:
        """Return maps [..., C · P · P, Y / P, X / P] of scaled frames [..., Y, X, C]."""
        size, (rows, columns) = self.patch, self.map_size
        edges = [(0, 0)] * (frames.ndim - 3)
        below, right = rows * size - self.shape[0], columns * size - self.shape[1]
        if below or right:
            frames = np.pad(frames, [*edges, (0, below), (0, right), (0, 0)], mode="edge")
        parts = frames.reshape(*frames.shape[:-3], rows, size, columns, size, self.shape[2])
        lead = list(range(frames.ndim - 3))
        y, py, x, px, c = range(len(lead), len(lead) + 5)
        turned = parts.transpose(*lead, c, py, px, y, x)
        return np.ascontiguousarray(turned).reshape(*frames.shape[:-3], -1, rows, columns)

    def unfolded(self, maps: Floats) -> Floats:
        """Return frames [..., Y, X, C] of maps; the inverse of `folded`."""
        size, (rows, columns) = self.patch, self.map_size
        parts = maps.reshape(*maps.shape[:-3], self.shape[2], size, size, rows, columns)
        lead = list(range(maps.ndim - 3))
        c, py, px, y, x = range(len(lead), len(lead) + 5)
        turned = parts.transpose(*lead, y, py, x, px, c)
        whole = turned.reshape(*maps.shape[:-3], rows * size, columns * size, self.shape[2])
        return whole[..., : self.shape[0], : self.shape[1], :]


@dataclass(frozen=True)
class Batch:
    """Maps [T, B, C · P · P, Y / P, X / P] of a batch of windows, in arrays or tensors.

    read: frames that are read; wanted: those that follow, none where they are not known; base: what
    the forecasts are changes of, [M, B, ...], None where that is nothing.
    """

    read: Any
    wanted: Any
    base: Any = None


@dataclass(frozen=True)
class FrameArrays:
    """Windows that are scaled and folded batch by batch, so that frames are kept once."""

    encoder: FrameEncoder
    windows: Windows

    @property
    def outputs(self) -> int:
        """Frames that are forecast of each window."""
        return self.encoder.outputs

    @property
    def lengths(self) -> Ints:
        """Steps of each window, [n]."""
        return np.full(len(self.windows), self.windows.length, np.int64)

    def batch(self, numbers: Ints) -> Batch:
        """Return the windows with these numbers."""
        encoder, inputs = self.encoder, self.windows.inputs
        maps = encoder.folded(encoder.scaled(self.windows.stacked(numbers)))
        steps = np.ascontiguousarray(maps.swapaxes(0, 1))
        return Batch(steps[:inputs], steps[inputs:], self._base(numbers))

    def _base(self, numbers: Ints) -> Floats | None:
        """Return what the forecasts of these windows are changes of, as maps [M, B, ...]."""
        if self.encoder.base == "none":
            return None
        if self.encoder.base == "moved":
            frames = np.stack([self.moved_on(int(number)) for number in numbers], 1)
            return self.encoder.folded(frames)
        last = np.stack([self._read(int(number))[-1] for number in numbers])
        maps = self.encoder.folded(last)
        return np.ascontiguousarray(np.broadcast_to(maps, (self.outputs, *maps.shape)))

    def _read(self, number: int) -> Floats:
        windows = self.windows
        return self.encoder.scaled(windows.frames(number)[: windows.inputs])

    def moved_on(self, number: int) -> Floats:
        """Return the last frame of a window moved on by the motion before, [M, Y, X, C]."""
        return carried(self._read(number)[-1], self._motions[number], self.outputs)

    def moved(self) -> Floats:
        """Return the last frame of each window moved on, [n, M, Y, X, C]."""
        return np.stack([self.moved_on(number) for number in range(len(self.windows))])

    @cached_property
    def _motions(self) -> list[tuple[float, float]]:
        return [motion(self._read(number)) for number in range(len(self.windows))]

    def truth(self) -> Floats:
        """Return the frames that follow in each window, scaled, [n, M, Y, X, C]."""
        windows = self.windows
        return np.stack(
            [self.encoder.scaled(windows.frames(n)[windows.inputs :]) for n in range(len(windows))]
        )

    def given(self) -> Floats:
        """Return the frames that are read of each window, scaled, [n, K, Y, X, C]."""
        windows = self.windows
        return np.stack([self._read(number) for number in range(len(windows))])


def fit_encoder(train: Windows, config: FramesConfig) -> FrameEncoder:
    """Fit the range of values and their mean on the training clips."""
    data, patch, scales = config.data, config.model.patch, config.model.scales
    assert patch is not None and scales is not None
    low, high = value_range(train, config)
    blank = FrameEncoder(low, high, train.shape, patch, 0.0, data.missing)
    sums = [
        (float(blank.scaled(c.frames).sum(dtype=np.float64)), c.frames.size) for c in train.clips
    ]
    mean = sum(total for total, _ in sums) / sum(size for _, size in sums)
    return replace(blank, mean=mean, scales=scales, outputs=train.outputs, base=config.model.base)


def value_range(train: Windows, config: FramesConfig) -> tuple[float, float]:
    """Return the values that become 0 and 1: as the settings say, else by the kind of the data."""
    data, kind = config.data, train.clips[0].frames.dtype
    if kind.kind == "b":
        low, high = 0.0, 1.0
    elif kind == np.uint8:
        low, high = 0.0, 255.0
    else:
        low, high = _extremes(train, data.missing)
        low = 0.0 if kind.kind in "iu" and low >= 0 else low
    low = low if data.low is None else data.low
    high = high if data.high is None else data.high
    return low, high if high > low else low + 1.0


def _extremes(train: Windows, missing: float | None) -> tuple[float, float]:
    found = []
    for clip in train.clips:
        values = clip.frames if missing is None else clip.frames[clip.frames != missing]
        if values.size:
            found.append((float(values.min()), float(values.max())))
    if not found:
        return 0.0, 1.0
    return min(low for low, _ in found), max(high for _, high in found)


def encode(encoder: FrameEncoder, windows: Windows) -> FrameArrays:
    """Return windows as arrays; raises `DataError` for frames of another shape."""
    if windows.shape != encoder.shape:
        wanted, got = (" x ".join(map(str, shape)) for shape in (encoder.shape, windows.shape))
        raise DataError(
            f"{windows.name}: the run's frames have {wanted} values (rows, columns, channels), got "
            f"{got}; bring them to that size"
        )
    return FrameArrays(encoder, windows)
