"""Motion of a whole frame: known shifts come back."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.tasks.frames.flow import motion, moved


def cloud(size: int = 32) -> np.ndarray:
    """A smooth random frame, [size, size, 1]."""
    draw = np.random.default_rng(0).normal(size=(size, size))
    waves = np.fft.rfft2(draw)
    slow = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)) < 0.3
    found = np.fft.irfft2(waves * slow)
    return ((found - found.min()) / np.ptp(found)).astype(np.float32)[..., None]


@pytest.mark.parametrize("step", [(1, 2), (-2, 0), (0, -3)])
def test_a_shift_is_found(step: tuple[int, int]) -> None:
    frames = np.stack([np.roll(cloud(), (t * step[0], t * step[1]), (0, 1)) for t in range(4)])
    np.testing.assert_allclose(motion(frames), step, atol=0.35)


def test_frames_that_do_not_move_stay() -> None:
    np.testing.assert_allclose(motion(np.stack([cloud()] * 3)), (0, 0), atol=1e-6)
    assert motion(np.zeros((3, 8, 8, 1), np.float32)) == (0.0, 0.0)
    assert motion(cloud()[None]) == (0.0, 0.0)


def test_a_frame_is_moved_with_black_from_outside() -> None:
    frame = np.arange(1, 10, dtype=np.float32).reshape(3, 3, 1)
    assert moved(frame, 1, 0)[..., 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert moved(frame, 0, -2)[..., 0].tolist() == [[3, 0, 0], [6, 0, 0], [9, 0, 0]]
    assert moved(frame, 0, 0.5)[0, :, 0].tolist() == [0.5, 1.5, 2.5]
    assert not moved(frame, 5, 0).any()
