"""Clips, and windows of them: so many frames that are read, and those that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.errors import DataError, counted

Frames = NDArray[Any]
"""Frames of a clip, [T, Y, X, C]."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A moving picture: its name in messages, and its frames [T, Y, X, C]."""

    name: str
    frames: Frames


@dataclass(frozen=True)
class Windows:
    """Windows of clips; each is a sample.

    starts [n, 2]: number of the clip, and of the first frame. inputs: frames that are read.
    outputs: frames that are forecast; 0 where they are not known.
    """

    name: str
    clips: tuple[Clip, ...]
    starts: NDArray[np.int64]
    inputs: int
    outputs: int
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def strata(self) -> None:
        """Windows have no labels by which splits could be stratified."""
        return None

    @property
    def length(self) -> int:
        """Frames of a window."""
        return self.inputs + self.outputs

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of all frames."""
        rows, columns, channels = self.clips[0].frames.shape[1:]
        return rows, columns, channels

    @property
    def apart(self) -> int:
        """Frames from one window of a clip to the next; 1 where no clip has two."""
        pairs = pairwise(self.starts.tolist())
        return min((b - a for (clip, a), (other, b) in pairs if clip == other), default=1)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Number of the clip of each window, [n]."""
        return self.starts[:, 0]

    @property
    def places(self) -> list[str]:
        """Clip and first frame of each window, for people."""
        return [f"{self.clips[c].name}, frame {t}" for c, t in self.starts.tolist()]

    def frames(self, number: int) -> Frames:
        """Return the frames of a window, [inputs + outputs, Y, X, C]."""
        clip, start = self.starts[number].tolist()
        frames: Frames = self.clips[clip].frames[start : start + self.length]
        return frames

    def stacked(self, numbers: Sequence[int] | NDArray[np.int64]) -> Frames:
        """Return the frames of these windows, [n, inputs + outputs, Y, X, C]."""
        return np.stack([self.frames(int(number)) for number in numbers])

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Windows:
        """Return the windows with these numbers, in this order, with their clips alone."""
        starts = self.starts[np.asarray(indices, dtype=np.int64)]
        used, owners = np.unique(starts[:, 0], return_inverse=True)
        clips = tuple(self.clips[number] for number in used.tolist())
        return replace(self, clips=clips, starts=np.stack([owners, starts[:, 1]], 1))

    def keys(self) -> list[bytes]:
        """Return a key for each window, equal for equal frames."""
        return self._keys

    @cached_property
    def _keys(self) -> list[bytes]:
        marks = [[hashlib.sha256(f.tobytes()).digest() for f in c.frames] for c in self.clips]
        length = self.length
        return [
            hashlib.sha256(b"".join(marks[c][t : t + length])).digest()
            for c, t in self.starts.tolist()
        ]

    def digest(self) -> str:
        """Return a digest of frames, windows and their order."""
        found = hashlib.sha256(f"{self.inputs} {self.outputs} {self.shape}".encode())
        for key in self.keys():
            found.update(key)
        return found.hexdigest()


def windows_of(
    name: str, clips: Sequence[Clip], inputs: int, outputs: int, step: int, **source: Any
) -> Windows:
    """Return all windows of clips, `step` frames apart.

    Raises `DataError` if a clip is shorter than a window.
    """
    length, starts = inputs + outputs, []
    for number, clip in enumerate(clips):
        count = len(clip.frames)
        if count < length:
            raise DataError(too_short(clip.name, count, inputs, outputs))
        starts += [(number, start) for start in range(0, count - length + 1, step)]
    return Windows(
        name, tuple(clips), np.array(starts, np.int64).reshape(-1, 2), inputs, outputs, **source
    )


def too_short(name: str, count: int, inputs: int, outputs: int) -> str:
    """Return what is said of a clip that is shorter than a window."""
    needs = f"{inputs} to read and {outputs} to forecast" if outputs else f"{inputs} to read"
    return (
        f"{name}: has {counted(count, 'frame')}, and {needs} are needed; give "
        "longer clips, or train with lower model.inputs or model.outputs"
    )
