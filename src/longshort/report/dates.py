"""Short labels for axes of timestamps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

_TICKS = 5
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})((?::\d{2}(?:\.\d+)?)?)(.*)")


def short(stamps: Sequence[str]) -> list[str]:
    """Return tick labels without midnights, seconds and time zones that are the same for all.

    A time of day stands below its date. Stamps in another format stay as they are.
    """
    found = [_STAMP.fullmatch(stamp) for stamp in stamps]
    parts = [match.groups() for match in found if match is not None]
    if len(parts) < len(stamps):
        return [stamp.replace(" ", "\n", 1) for stamp in stamps]
    has_seconds = any(seconds.strip(":0.") for _, _, seconds, _ in parts)
    has_times = has_seconds or any(time != "00:00" for _, time, _, _ in parts)
    has_zones = len({zone for _, _, _, zone in parts}) > 1
    labels = []
    for date, time, seconds, zone in parts:
        below = f"{time}{seconds if has_seconds else ''}" if has_times else ""
        below += zone if has_zones else ""
        labels.append(f"{date}\n{below.strip()}" if below else date)
    return labels


def put_dates(axis: Axes, first: int, last: int, stamps: Callable[[list[int]], list[str]]) -> None:
    """Label a few whole positions between `first` and `last`; `stamps` returns their timestamps."""
    places = np.unique(np.linspace(first, last, _TICKS).round().astype(int)).tolist()
    axis.set_xticks(places, labels=short(stamps(places)))
