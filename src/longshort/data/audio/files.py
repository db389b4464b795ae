"""Files of sound: WAV without a library, others through libsndfile; needs the extra `audio`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.audio.clip import Clip, mixed
from longshort.data.audio.resample import resampled
from longshort.data.audio.wav import encoding_of, is_wav, read_wav
from longshort.errors import DataError

KINDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au")
"""Endings of files of sound."""
_LAST_PAGE, _HEAD = 4, 27
"""Flag of the last page of an Ogg stream, and bytes of a page before its table (RFC 3533)."""


def is_sound(path: Path) -> bool:
    """Whether a file is sound, by its ending."""
    return path.suffix.lower() in KINDS


def read_clip(path: Path, rate: int | None = None) -> Clip:
    """Read a file of sound; the mean of its channels, resampled to `rate` if it has another one.

    Raises `DataError`, which names the file, if it is missing, empty, truncated or damaged, or of
    an unknown codec.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from None
    if not raw:
        raise DataError(f"{path}: the file is empty")
    samples, found = _decoded(raw, str(path))
    if not len(samples):
        raise DataError(f"{path}: holds no sample of sound; leave it out")
    if not np.isfinite(samples).all():
        raise DataError(f"{path}: holds samples that are not finite numbers; write the file anew")
    clip = Clip(mixed(samples), found, str(path), samples.shape[1], found)
    return clip if rate in (None, found) else at_rate(clip, rate)


def at_rate(clip: Clip, rate: int | None) -> Clip:
    """Return the recording with this rate; None leaves it as it is."""
    if rate is None or rate == clip.rate:
        return clip
    return clip.with_samples(resampled(clip.samples, clip.rate, rate), rate)


def _decoded(raw: bytes, place: str) -> tuple[NDArray[np.float32], int]:
    """Return samples [n, channels], and the rate."""
    if is_wav(raw):
        how = encoding_of(raw, place)
        if how.is_plain:
            return read_wav(raw, how, place), how.rate
        return _by_library(raw, place, how.said)
    if raw[:4] == b"OggS" and not _ends(raw):
        raise DataError(
            f"{place}: is truncated: the end of its Ogg stream is missing; copy it anew"
        )
    return _by_library(raw, place, Path(place).suffix.lstrip(".") or "unknown")


def _by_library(raw: bytes, place: str, kind: str) -> tuple[NDArray[np.float32], int]:
    try:
        import soundfile  # type: ignore[import-untyped,unused-ignore]
    except (ImportError, OSError):
        raise DataError(
            f"{place}: reading {kind} needs soundfile, which WAV of plain numbers does not; "
            "install it with: pip install 'longshort[audio]'"
        ) from None
    try:
        with soundfile.SoundFile(io.BytesIO(raw)) as file:
            told = file.frames
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).split(": ")[-1].rstrip(".")
        raise DataError(
            f"{place}: cannot be read as sound ({kind}: {reason}); give WAV, FLAC, Ogg or MP3"
        ) from None
    if 0 < told < 2**62 and len(samples) < told:
        raise DataError(
            f"{place}: is truncated: its header says {told:,} samples, and {len(samples):,} are "
            "there; copy the file again"
        )
    return samples, rate


def _ends(raw: bytes) -> bool:
    """Whether the last page of an Ogg stream is there, and whole."""
    page = raw[raw.rfind(b"OggS") :]
    if len(page) < _HEAD or not page[5] & _LAST_PAGE:
        return False
    segments = page[_HEAD : _HEAD + page[_HEAD - 1]]
    return len(page) >= _HEAD + page[_HEAD - 1] + sum(segments)
