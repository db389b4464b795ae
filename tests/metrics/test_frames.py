"""Errors of frames: known values, and SSIM beside its definition."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from longshort.metrics.frames import absolute, csi, hits, psnr, squared, ssim


def frames(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def plain_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. (2004), eq. 13, of a frame [Y, X], by one convolution with the whole window."""
    away = np.arange(11) - 5
    line = np.exp(-(away**2) / 4.5) / np.exp(-(away**2) / 4.5).sum()
    window = torch.tensor(np.outer(line, line))[None, None]
    x, y = (torch.tensor(each).double()[None, None] for each in (a, b))

    def mean(values: torch.Tensor) -> torch.Tensor:
        return F.conv2d(values, window)

    mx, my = mean(x), mean(y)
    vx, vy, shared = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    top = (2 * mx * my + 1e-4) * (2 * shared + 9e-4)
    return float((top / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))).mean())


def test_sums_over_the_pixels_of_a_frame() -> None:
    truth, found = np.zeros((1, 2, 2, 3, 1), np.float32), np.full((1, 2, 2, 3, 1), 0.5, np.float32)
    found[:, 1] = 1
    assert squared(truth, found).tolist() == [[1.5, 6.0]]
    assert absolute(truth, found).tolist() == [[3.0, 6.0]]


def test_psnr_in_decibels() -> None:
    np.testing.assert_allclose(psnr(np.array([0.06, 6.0, 0.0]), 6), [20, 0, 100])


def test_ssim_is_that_of_its_definition() -> None:
    a, b = frames(2, 3, 20, 30, 2), frames(2, 3, 20, 30, 2, seed=1)
    wanted = np.mean([plain_ssim(a[1, 2, ..., c], b[1, 2, ..., c]) for c in range(2)])
    np.testing.assert_allclose(ssim(a, b)[1, 2], wanted, atol=1e-6)
    np.testing.assert_allclose(ssim(a, a), 1, atol=1e-6)


def test_ssim_of_frames_smaller_than_its_window() -> None:
    a = frames(1, 1, 6, 4, 1)
    assert ssim(a, a).item() == 1 and ssim(a, 1 - a).item() < 0.5


def test_hits_are_counted_by_frame() -> None:
    truth = np.array([0.2, 0.8, 0.8, 0.2], np.float32).reshape(1, 1, 2, 2, 1)
    found = np.array([0.2, 0.8, 0.2, 0.8], np.float32).reshape(1, 1, 2, 2, 1)
    counts = hits(truth, found, 0.5)
    assert counts.tolist() == [[1, 1, 1]]
    assert csi(counts) == [1 / 3] and csi(hits(truth, found, 0.9)) == [None]
