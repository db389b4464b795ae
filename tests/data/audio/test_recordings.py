"""What is said of recordings that would harm a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from longshort.data.audio.recordings import read_recordings
from longshort.errors import DataError
from tests.data.audio.sounds import noise, save, tone


def codes(files: list[Path], rate: int | None = None) -> dict[str, str]:
    return {each.code: each.sentence() for each in read_recordings(files, rate, "words").findings}


def test_sound_recordings_have_no_findings(tmp_path: Path) -> None:
    files = [save(tmp_path / name) for name in ("a.wav", "b.wav")]
    found = read_recordings(files, None, "words")
    assert not found.findings and found.rate == 16_000 and len(found.clips) == 2


def test_different_rates_are_refused_and_named(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.wav"), save(tmp_path / "b.wav", rate=8000)]
    with pytest.raises(DataError, match=r"1 of 8,000 Hz, such as .*b\.wav; 1 of 16,000 Hz.*a\.wav"):
        read_recordings(files, None, "words")
    assert read_recordings(files, 8000, "words").rate == 8000
    assert "1 of 2 recordings is resampled to 8,000 Hz" in codes(files, 8000)["resampled"]
    assert "hold nothing above half of their own rate" in codes(files, 16_000)["bandwidth"]


def test_stereo_is_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([noise(), noise()], 1), 16_000)
    assert "1 of 1 recordings have several channels; their mean" in codes([tmp_path / "a.wav"])[
        "stereo"]  # fmt: skip


def test_clipping_is_said(tmp_path: Path) -> None:
    loud = np.clip(5 * tone(200, 0.5, 16_000), -1, 1)
    assert "at full scale" in codes([save(tmp_path / "a.wav", loud)])["clipping"]


def test_silence_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.wav"), save(tmp_path / "b.wav", np.zeros(8000, np.float32))]
    with pytest.raises(DataError, match=r"b\.wav: is silent; record anew"):
        read_recordings(files, None, "words")
    assert len(read_recordings(files, None, "words", with_silent=True).clips) == 2


def test_all_broken_files_are_named(tmp_path: Path) -> None:
    files = [save(tmp_path / "a.wav"), tmp_path / "b.wav", tmp_path / "c.wav"]
    files[1].write_bytes(b"")
    with pytest.raises(DataError) as error:
        read_recordings(files, None, "words")
    assert "b.wav: the file is empty\n" in str(error.value) and "c.wav: no such" in str(error.value)
