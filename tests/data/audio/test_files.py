"""Files of sound: encodings, and what is said of broken ones."""

from __future__ import annotations

import io
import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from longshort.data.audio.files import read_clip
from longshort.data.audio.wav import write_wav
from longshort.errors import DataError
from tests.data.audio.sounds import noise, save, tone


@pytest.mark.parametrize(("subtype", "step"), [
    ("PCM_U8", 1 / 128), ("PCM_16", 1 / 32768), ("PCM_24", 1e-6), ("PCM_32", 1e-6),
    ("FLOAT", 1e-7), ("DOUBLE", 1e-7),
])  # fmt: skip
@pytest.mark.parametrize("format", ["WAV", "WAVEX"])
def test_plain_wav_needs_no_library(
    subtype: str, step: float, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = noise(0.1)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype=subtype, format=format)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    found = read_clip(tmp_path / "a.wav")
    assert found.rate == 16_000 and found.channels == 1
    np.testing.assert_allclose(found.samples, samples, atol=step)


def test_what_is_written_is_what_pythons_wave_reads() -> None:
    samples = np.array([0.0, 0.5, -1.0, 1.0], np.float32)
    with wave.open(io.BytesIO(write_wav(samples, 8000))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        whole = np.frombuffer(file.readframes(9), "<i2")
    assert whole.tolist() == [0, 16384, -32768, 32767]


@pytest.mark.parametrize(("ending", "tolerance"), [("flac", 1e-4), ("ogg", 0.2), ("mp3", 0.2)])
def test_packed_files_are_read(ending: str, tolerance: float, tmp_path: Path) -> None:
    samples = tone(300, 0.5, 16_000)
    soundfile.write(tmp_path / f"a.{ending}", samples, 16_000)
    found = read_clip(tmp_path / f"a.{ending}")
    middle = slice(2000, 6000)
    np.testing.assert_allclose(found.samples[middle], samples[middle], atol=tolerance)


def test_channels_are_averaged_and_rates_changed(tmp_path: Path) -> None:
    both = np.stack([tone(300, 0.5, 16_000), np.zeros(8000, np.float32)], 1)
    soundfile.write(tmp_path / "a.wav", both, 16_000)
    found = read_clip(tmp_path / "a.wav", 8000)
    assert (found.channels, found.rate, found.own_rate, len(found.samples)) == (
        2,
        8000,
        16_000,
        4000,
    )
    np.testing.assert_allclose(
        found.samples[200:-200], tone(300, 0.5, 8000)[200:-200] / 2, atol=1e-3
    )


def test_a_stream_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    raw = bytearray(write_wav(noise(0.1), 16_000))
    raw[40:44] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(raw)
    assert len(read_clip(tmp_path / "a.wav").samples) == 1600


def packed(path: Path, ending: str) -> Path:
    path = path / f"a.{ending}"
    soundfile.write(path, noise(1.0), 16_000)
    return path


@pytest.mark.parametrize(("ending", "share"), [("wav", 0.5), ("flac", 0.5), ("ogg", 0.5),
                                               ("ogg", 0.98)])  # fmt: skip
def test_a_truncated_file_is_refused_with_its_path(
    ending: str, share: float, tmp_path: Path
) -> None:
    path = packed(tmp_path, ending)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(DataError, match=rf"a\.{ending}: (is truncated|cannot be read as sound)"):
        read_clip(path)


def test_a_truncated_wav_says_what_is_missing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:2044])
    with pytest.raises(DataError, match="its header says 8,000 samples, and 1,000 are there"):
        read_clip(path)


@pytest.mark.parametrize(("name", "content", "said"), [
    ("none.wav", None, "no such file"),
    ("empty.wav", b"", "the file is empty"),
    ("text.wav", b"these are words and no sound at all", "cannot be read as sound"),
    ("bad.flac", b"fLaC" + bytes(60), "cannot be read as sound"),
    ("head.wav", b"RIFF\x24\0\0\0WAVE", "is a damaged WAV file: its header"),
    ("silent.wav", write_wav(np.zeros(0, np.float32), 8000), "holds no sample"),
])  # fmt: skip
def test_broken_files_are_refused_with_their_path(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: {said}"):
        read_clip(tmp_path / name)


def test_a_codec_is_named_where_the_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(0.1), 8000, subtype="ULAW")
    assert len(read_clip(tmp_path / "a.wav").samples) == 1600
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(DataError, match=r"reading mu-law needs soundfile.*longshort\[audio\]"):
        read_clip(tmp_path / "a.wav")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan]), 8000, subtype="FLOAT")
    with pytest.raises(DataError, match=r"a\.wav: holds samples that are not finite"):
        read_clip(tmp_path / "a.wav")
