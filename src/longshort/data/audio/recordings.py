"""Reading the recordings of a list: at one rate, with findings about what would harm a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longshort.data.audio.clip import Clip
from longshort.data.audio.files import at_rate, read_clip
from longshort.data.findings import Finding, Severity
from longshort.errors import DataError, are, counted

_SHOWN = 5
_CLIPPED = 0.001
"""Share of samples at full scale from which a recording is said to be clipped."""


@dataclass(frozen=True)
class Recordings:
    """Recordings of one rate, in order, with findings about them."""

    clips: list[Clip]
    rate: int
    findings: tuple[Finding, ...]


def read_recordings(
    files: Sequence[Path], rate: int | None, name: str, *, with_silent: bool = False
) -> Recordings:
    """Read files of sound; `rate` is what they are resampled to, None: theirs, which has to agree.

    name: of the source, in messages. Raises `DataError` with every file that cannot be read (the
    first five of them), for files of different rates, and for silence unless it is allowed.
    """
    clips: list[Clip] = []
    faults: list[str] = []
    for file in files:
        try:
            clips.append(read_clip(file))
        except DataError as error:
            faults.append(str(error))
    if faults:
        more = f"\nand {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
        raise DataError("\n".join(faults[:_SHOWN]) + more)
    one = rate or _common_rate(clips, name)
    findings = tuple(_findings(clips, one, name))
    silent = [clip.place for clip in clips if clip.is_silent]
    if silent and not with_silent:
        more = f" and {len(silent) - 1:,} more" if len(silent) > 1 else ""
        raise DataError(f"{silent[0]}: is silent{more}; record anew, or leave it out")
    return Recordings([at_rate(clip, one) for clip in clips], one, findings)


def _common_rate(clips: Sequence[Clip], name: str) -> int:
    rates = Counter(clip.rate for clip in clips)
    if len(rates) == 1:
        return next(iter(rates))
    shown = "; ".join(
        f"{count:,} of {rate:,} Hz, such as {next(c.place for c in clips if c.rate == rate)}"
        for rate, count in sorted(rates.items())
    )
    raise DataError(
        f"{name}: recordings have different rates: {shown}; say audio.rate={min(rates)}, so that "
        "all hold the same frequencies"
    )


def _findings(clips: Sequence[Clip], rate: int, name: str) -> list[Finding]:
    found = []
    several = [clip for clip in clips if clip.channels > 1]
    if several:
        found.append(
            _about(
                "stereo", "note", f"{name}: {len(several):,} of {len(clips):,} recordings have "
                "several channels; their mean is taken", several,
            )
        )  # fmt: skip
    higher = [clip for clip in clips if clip.rate > rate]
    if higher:
        found.append(
            _about(
                "resampled", "note", f"{name}: {len(higher):,} of "
                f"{counted(len(clips), 'recording')} {are(len(higher))} resampled to {rate:,} Hz",
                higher,
            )
        )  # fmt: skip
    lower = [clip for clip in clips if clip.rate < rate]
    if lower:
        found.append(
            _about(
                "bandwidth", "warning", f"{name}: {len(lower):,} of {len(clips):,} recordings have "
                f"less than {rate:,} Hz, and hold nothing above half of their own rate, which "
                "tells them from the others", lower,
                f"say audio.rate={min(clip.rate for clip in lower)}",
            )
        )  # fmt: skip
    clipped = [clip for clip in clips if clip.clipped >= _CLIPPED]
    if clipped:
        found.append(
            _about(
                "clipping", "warning", f"{name}: {len(clipped):,} of "
                f"{counted(len(clips), 'recording')} {are(len(clipped))} "
                "clipped: a thousandth of their samples or more are at full scale", clipped,
                "record them at a lower level",
            )
        )  # fmt: skip
    return found


def _about(
    code: str, severity: Severity, text: str, clips: Sequence[Clip], fix: str = ""
) -> Finding:
    more = (f"and {len(clips) - _SHOWN:,} more",) if len(clips) > _SHOWN else ()
    where = (*(clip.place for clip in clips[:_SHOWN]), *more)
    return Finding(code, severity, text, where, fix)
