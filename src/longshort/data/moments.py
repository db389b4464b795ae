"""Wall times as instants in a zone with clock changes, and detection of such a zone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.forms import Form
from longshort.data.sources import Source
from longshort.data.stamps import Reading, called
from longshort.data.timeline import DAY, infer_freq
from longshort.data.zones import (
    LIKELY,
    Ints,
    betrayed,
    distinct,
    is_absent,
    is_twofold,
    to_instants,
)
from longshort.errors import DataError

_SHOWN = 3
_HOUR = DAY // 24


def placed(
    source: Source,
    names: tuple[str, ...],
    reading: Reading,
    rows: tuple[Ints, Ints, Ints],
    findings: list[Finding],
) -> Ints:
    """Return the instants of wall times; rows = (series, row number, wall time) in file order.

    Of a wall time that occurs twice in a series, the first row is the earlier instant, or the later
    one in a file in descending order. A midnight that a clock change skips is the first instant of
    its day; any other skipped time is an error that names the row.
    """
    zone = reading.zone or "UTC"
    code, row, wall = rows
    lost = np.flatnonzero(is_absent(wall, zone) & (wall % DAY != 0))
    if lost.size:
        time = replace(reading.form, zone=None).texts(wall[lost[:1]])[0]
        raise DataError(
            f"{source.name}: {source.row(int(row[lost[0]]))}, {called(names)}: {time} does not "
            f"exist in {zone}, whose clocks are put forward over it; correct the row, or name the "
            "timestamps' own zone with --set data.timezone=…"
        )
    twofold = np.flatnonzero(is_twofold(wall, zone))
    if not twofold.size or reading.form.kind == "date":
        return to_instants(wall, zone)
    later = _is_repeat(code, wall, twofold)
    alone = twofold.size - 2 * int(later.sum())
    if alone > 0:
        findings.append(
            Finding(
                "clock-change",
                "note",
                f"{alone:,} times that the clocks of {zone} show twice stand once; each is taken "
                "as the first",
                tuple(source.row(int(row[at])) for at in twofold[:_SHOWN]),
            )
        )
    return to_instants(wall, zone, later)


def _is_repeat(code: Ints, wall: Ints, twofold: Ints) -> NDArray[np.bool_]:
    """Return which rows are the second of two with the same wall time."""
    same = code[1:] == code[:-1]
    backwards = np.sum((wall[1:] < wall[:-1]) & same) > np.sum((wall[1:] > wall[:-1]) & same)
    found = np.zeros(wall.shape, bool)
    seen: set[tuple[int, int]] = set()
    for at in twofold[::-1] if backwards else twofold:
        key = int(code[at]), int(wall[at])
        found[at] = key in seen
        seen.add(key)
    return found


def clock_changes(code: Ints, stamps: Ints, form: Form, zone: str | None) -> Finding | None:
    """Return a finding if wall times skip and repeat hours as the clocks of some zone do."""
    if zone is not None or form.kind != "datetime" or stamps.size < 2:
        return None
    wall = distinct(stamps)
    same = code[1:] == code[:-1]
    gaps = np.diff(stamps)[same]
    repeated = distinct(stamps[1:][same & (np.diff(stamps) == 0)])
    gaps = gaps[gaps > 0]
    step = int(np.median(gaps)) if gaps.size else DAY
    changes = betrayed(wall, repeated, step) if step <= _HOUR else None
    if changes is None:
        return None
    said = [
        f"{what} {', '.join(form.texts(times[:_SHOWN]))}" + (", …" if len(times) > _SHOWN else "")
        for what, times in (("missing", changes.absent), ("repeated", changes.twofold))
        if len(times)
    ]
    return Finding(
        "clock-change",
        "warning",
        f"the timestamps are local times without their zone: {'; '.join(said)}, as the clocks in "
        f"{changes.zone} change",
        (),
        f"--set data.timezone={changes.zone} (or your own zone) puts each hour where it belongs",
    )


def local_days(series: list[Ints], zone: str | None) -> str:
    """Return a hint at the time zone in which instants are regular days; empty if there is none."""
    if zone is None:
        return ""
    for name in LIKELY:
        freq, share = infer_freq(series, is_integer=False, zone=name)
        if freq.is_calendar and share == 1.0:
            return f"; in {name} they are days: --set data.timezone={name}"
    return ""
