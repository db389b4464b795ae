"""Clips as arrays, in memory or in .npy and .npz files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from longshort.errors import DataError
from longshort.tasks.frames.clips import Clip, Frames
from longshort.tasks.frames.config import Axes, FramesData

KINDS = (".npy", ".npz")
_NAMED = "frames"
_COLOURS = (1, 3, 4)
"""Numbers of channels by which a last axis is known to be one."""
_DAMAGED = (ValueError, OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read(path: Path, axes: Axes | None, array: str | None) -> list[Clip]:
    """Read the clips of an array in a file; raises `DataError`."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            values = loaded
        else:
            with loaded:
                values = loaded[_chosen(path, loaded.files, array)]
    except MemoryError:
        raise DataError(f"{path}: its head tells of more values than memory holds") from None
    except _DAMAGED as error:
        reason = str(error).split("\n")[0]
        if "pickle" in reason.lower():
            reason = "it is no NumPy file, is damaged, or holds objects; save a plain array"
        raise DataError(f"{path}: cannot be read as an array: {reason}") from None
    return clips_of(values, axes, path.name)


def of_memory(data: object, axes: Axes | None) -> tuple[Clip, ...]:
    """Return the clips of an array, or of a list of arrays that are a clip each."""
    if isinstance(data, (list, tuple)) and data and all(hasattr(each, "shape") for each in data):
        single: dict[int, Axes] = {3: "TYX", 4: "TYXC"}
        found = []
        for number, each in enumerate(data):
            values = np.asarray(each)
            found += clips_of(values, single.get(values.ndim, axes), f"clip {number}")
        return tuple(found)
    if not hasattr(data, "__array__"):
        raise DataError(
            f"data: an array [N, T, Y, X], a list of arrays [T, Y, X], or a path is expected, got "
            f"{type(data).__name__}"
        )
    return tuple(clips_of(np.asarray(data), axes, "data"))


def clips_of(values: Any, axes: Axes | None, name: str) -> list[Clip]:
    """Return the clips of an array as [T, Y, X, C] each."""
    if values.dtype.kind not in "fiub":
        raise DataError(f"{name}: numbers are expected, got {values.dtype}")
    order = axes or _axes(values, name)
    if values.ndim != len(order) or not values.size:
        shape = " x ".join(map(str, values.shape))
        raise DataError(
            f"{name}: an array {', '.join(order)} is expected, got the shape "
            f"{shape or 'of a number'}"
        )
    if not order.endswith("C"):
        values = values[..., None]
    if not order.startswith("N"):
        return [Clip(name, values)]
    return [Clip(f"{name}, clip {number}", each) for number, each in enumerate(values)]


def _axes(values: Any, name: str) -> Axes:
    if values.ndim == 3:
        return "TYX"
    if values.ndim == 5:
        return "NTYXC"
    if values.ndim == 4:
        return "TYXC" if values.shape[-1] in _COLOURS else "NTYX"
    shape = " x ".join(map(str, values.shape))
    raise DataError(
        f"{name}: clips [N, T, Y, X] or [N, T, Y, X, C], or one clip [T, Y, X], are expected, got "
        f"the shape {shape or 'of a number'}"
    )


def _chosen(path: Path, names: list[str], asked: str | None) -> str:
    if asked is not None and asked not in names:
        raise DataError(
            f"{path}: data.array: there is no array {asked!r}; there are {', '.join(names)}"
        )
    usual = [_NAMED] if _NAMED in names else names
    if asked is None and len(usual) != 1:
        raise DataError(
            f"{path}: holds {len(names)} arrays ({', '.join(names)}); name one with --set "
            "data.array=NAME"
        )
    return asked or usual[0]


def refuse_values(clip: Clip, config: FramesData) -> None:
    """Raise `DataError` for values that are not finite, or outside of the given range."""
    frames = clip.frames
    if frames.dtype.kind == "f":
        _refuse(clip, ~np.isfinite(frames), "is not finite; fill it, or name it by data.missing")
    known = np.ones(frames.shape, bool)
    if config.missing is not None:
        known = frames != config.missing
    for name, limit in (("low", config.low), ("high", config.high)):
        if limit is not None:
            outside = frames < limit if name == "low" else frames > limit
            side = "below" if name == "low" else "above"
            _refuse(clip, outside & known, f"is {side} data.{name} = {limit:g}")


def _refuse(clip: Clip, wrong: Frames, reason: str) -> None:
    if not wrong.any():
        return
    t, y, x, c = (int(each[0]) for each in np.nonzero(wrong))
    value = clip.frames[t, y, x, c]
    more = int(wrong.sum()) - 1
    others = f" (and {more:,} more)" if more else ""
    raise DataError(f"{clip.name}: frame {t}, row {y}, column {x}: {value:g} {reason}{others}")
