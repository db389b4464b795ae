"""Clips and parts of clips as splits, and windows as independent observations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.errors import DataError
from longshort.tasks.frames.clips import Clip, Windows, windows_of
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.encoder import value_range

FEWEST = 3
"""Clips from which whole clips are drawn for the splits."""
_ENOUGH = 8
"""Clips from which the clips are what is compared."""

Losses = NDArray[np.float64]


def of_clips(windows: Windows) -> Sequence[Hashable]:
    """Return the clip of each window; equal clips are one."""
    first: dict[bytes, int] = {}
    for number, clip in enumerate(windows.clips):
        first.setdefault(clip.frames.tobytes(), number)
    same = [first[clip.frames.tobytes()] for clip in windows.clips]
    return [same[owner] for owner in windows.owners.tolist()]


def in_time(
    given: dict[str, Windows], val: float, test: float, step: int | None
) -> Splits[Windows]:
    """Cut each clip into training, validation and test parts, one after the other.

    Raises `DataError` for clips that are too short for that.
    """
    whole = given["train"]
    shares = {"val": 0.0 if "val" in given else val, "test": 0.0 if "test" in given else test}
    if sum(shares.values()) >= 1.0:
        raise DataError(f"split: val {val:g} and test {test:g} leave nothing for training")
    clips: dict[str, list[Clip]] = {"train": [], "val": [], "test": []}
    for clip in whole.clips:
        for name, frames in _cut(clip, whole.length, shares).items():
            clips[name].append(Clip(f"{clip.name} ({name})", frames))
    found = dict(given)
    apart = step or whole.apart
    for name, parts in clips.items():
        if parts:
            windows = windows_of(whole.name, parts, whole.inputs, whole.outputs, apart)
            found[name] = replace(windows, path=whole.path, sha256=whole.sha256)
    shown = ", ".join(f"{share:.0%} for {name}" for name, share in shares.items() if share)
    how = f"in time: {shown} from the end of each clip"
    return Splits(found["train"], found["val"], found["test"], (), how)


def _cut(clip: Clip, length: int, shares: dict[str, float]) -> dict[str, Any]:
    """Return the frames of each part; a part with a share has at least one window."""
    count = len(clip.frames)
    sizes = {n: max(length, round(share * count)) for n, share in shares.items() if share}
    rest = count - sum(sizes.values())
    if rest < length:
        raise DataError(
            f"{clip.name}: has {count} frames, and {length} are needed in each of "
            f"{len(sizes) + 1} parts; give longer or more clips, files for the splits (--val, "
            "--test), or lower model.inputs or model.outputs (--inputs, --outputs)"
        )
    found, begin = {"train": clip.frames[:rest]}, rest
    for name, size in sizes.items():
        found[name] = clip.frames[begin : begin + size]
        begin += size
    return found


def out_of_range(splits: Splits[Windows], config: FramesConfig) -> list[Finding]:
    """Find values of validation and test clips beyond those of the training clips."""
    low, high = value_range(splits.train, config)
    found = []
    for name, windows in splits.by_name().items():
        for clip in windows.clips:
            known = clip.frames[clip.frames != config.data.missing]
            if known.size and (known.min() < low or known.max() > high):
                found.append(
                    Finding(
                        "range",
                        "warning",
                        f"{clip.name} ({name}): values from {known.min():g} to {known.max():g} are "
                        f"outside of {low:g} to {high:g}, beyond which nothing is forecast",
                        (),
                        "set data.low and data.high",
                    )
                )
    return found


def independent(windows: Windows, first: Losses, second: Losses) -> tuple[Losses, Losses, int]:
    """Return losses to compare, and how many neighbours share frames.

    Of several clips their means; else windows in order of time.
    """
    owners = np.unique(windows.owners)
    if len(owners) >= _ENOUGH:
        masks = [windows.owners == owner for owner in owners]
        means = (np.array([each[mask].mean() for mask in masks]) for each in (first, second))
        return (*means, 0)  # type: ignore[return-value]
    order = np.lexsort((windows.starts[:, 1], windows.owners))
    return first[order], second[order], max(1, -(-windows.length // windows.apart))
