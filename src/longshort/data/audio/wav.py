"""WAV files: integers of 8, 16, 24 and 32 bits, and floats, without a library.

Source: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), and
Microsoft's WAVEFORMATEXTENSIBLE.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODECS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM", 85: "MP3"}
_UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)
"""Sizes of the data in the header of a file that was written to a pipe: until the end."""


class Encoding(NamedTuple):
    """How samples are written: kind of number, bits of each, channels, and rate."""

    tag: int
    bits: int
    channels: int
    rate: int

    @property
    def is_plain(self) -> bool:
        """Whether samples are plain numbers, which need no codec."""
        integer = self.tag == _PCM and self.bits in (8, 16, 24, 32)
        return integer or (self.tag == _FLOAT and self.bits in (32, 64))

    @property
    def said(self) -> str:
        """The codec, for people."""
        if self.tag in (_PCM, _FLOAT):
            return f"{self.bits}-bit {'integers' if self.tag == _PCM else 'floats'}"
        return _CODECS.get(self.tag, f"codec {self.tag:#06x}")


def is_wav(head: bytes) -> bool:
    """Whether a file begins like a WAV file."""
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def encoding_of(raw: bytes, place: str) -> Encoding:
    """Return how the samples of a WAV file are written; raises `DataError` if it does not say."""
    chunk = _chunks(raw).get(b"fmt ")
    if chunk is None or min(chunk[1], len(raw)) - chunk[0] < 16:
        raise DataError(f"{place}: is a damaged WAV file: its header (chunk 'fmt ') is missing")
    begin, end = chunk
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", raw[begin : begin + 16])
    if tag == _EXTENSIBLE and end - begin >= 26:
        tag = struct.unpack("<H", raw[begin + 24 : begin + 26])[0]
    if not channels or not rate:
        raise DataError(
            f"{place}: is a damaged WAV file: its header says {channels} channels, {rate} Hz"
        )
    return Encoding(tag, bits, channels, rate)


def read_wav(raw: bytes, how: Encoding, place: str) -> NDArray[np.float32]:
    """Return the samples of a WAV file of plain numbers, [n, channels], from -1 to 1.

    Raises `DataError` if there are fewer than the header says.
    """
    chunks = _chunks(raw)
    if b"data" not in chunks:
        raise DataError(f"{place}: is a damaged WAV file: it has no samples (chunk 'data')")
    begin, end = chunks[b"data"]
    frame = how.channels * how.bits // 8
    if end > len(raw):
        raise DataError(
            f"{place}: is truncated: its header says {(end - begin) // frame:,} samples, and "
            f"{(len(raw) - begin) // frame:,} are there; copy the file again, or record it anew"
        )
    content = raw[begin : begin + (end - begin) // frame * frame]
    return _numbers(content, how).reshape(-1, how.channels)


def _numbers(content: bytes, how: Encoding) -> NDArray[np.float32]:
    if how.tag == _FLOAT:
        return np.frombuffer(content, f"<f{how.bits // 8}").astype(np.float32)
    if how.bits == 8:  # the only size without a sign
        unsigned = np.frombuffer(content, np.uint8)
        return np.asarray((unsigned.astype(np.float32) - 128) / 128, np.float32)
    if how.bits == 24:
        wide = np.zeros((len(content) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        return (wide.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
    whole = np.frombuffer(content, f"<i{how.bits // 8}")
    return (whole / 2.0 ** (how.bits - 1)).astype(np.float32)


def _chunks(raw: bytes) -> dict[bytes, tuple[int, int]]:
    """Return begin and end of the content of each chunk, as the headers say."""
    found: dict[bytes, tuple[int, int]] = {}
    at = 12
    while at + 8 <= len(raw):
        name, size = raw[at : at + 4], struct.unpack("<I", raw[at + 4 : at + 8])[0]
        if name == b"data" and size in _UNKNOWN_SIZES:
            size = len(raw) - at - 8
        found.setdefault(name, (at + 8, at + 8 + size))
        at += 8 + size + size % 2
    return found


def write_wav(samples: NDArray[np.float32], rate: int) -> bytes:
    """Return a WAV file of 16-bit integers with these samples [n], which are from -1 to 1."""
    whole = np.clip(np.round(np.asarray(samples) * 32768), -32768, 32767).astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(whole), b"WAVE", b"fmt ", 16, _PCM, 1,
                       rate, 2 * rate, 2, 16)  # fmt: skip
    return head + struct.pack("<4sI", b"data", len(whole)) + whole
