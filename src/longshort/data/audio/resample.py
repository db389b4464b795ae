"""Resampling by a windowed sinc, and change of speed."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longshort.data.audio.clip import Clip, Samples

_ZEROS, _BETA, _PASS = 24, 9.0, 0.95
"""Zero crossings of the filter on each side, its Kaiser window, and the cut-off as a share of the
lower Nyquist frequency."""
_FINEST = 1000
"""Largest denominator of a speed."""


def resampled(samples: Samples, before: int, after: int) -> Samples:
    """Return samples [n] of the rate `before` at the rate `after`, [ceil(n · after / before)].

    Frequencies above 95 % of the lower Nyquist frequency are damped. Source: Smith, Digital Audio
    Resampling (2002), as a polyphase filter.
    """
    if before == after:
        return samples
    ratio = Fraction(after, before)
    up, down = ratio.numerator, ratio.denominator
    filters = _filters(up, down)
    half = filters.shape[1] // 2
    count = -(-len(samples) * up // down)
    padded = np.pad(samples.astype(np.float32), (half, half + 1))
    windows = np.lib.stride_tricks.sliding_window_view(padded, filters.shape[1])
    found = np.empty(count, np.float32)
    for first in range(min(up, count)):
        base, phase = divmod(first * down, up)
        places = windows[base::down]
        wanted = -(-(count - first) // up)
        found[first::up] = places[:wanted] @ filters[phase]
    return found


@lru_cache(maxsize=32)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """Return the filter of each phase, [up, taps]; tap k weighs the sample k - taps // 2 away."""
    cut = _PASS * min(1.0, up / down)
    half = int(np.ceil(_ZEROS / cut))
    steps = np.arange(-half, half + 1)[None, :] - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (steps / (half + 1)) ** 2))) / np.i0(_BETA)
    found = cut * np.sinc(cut * steps) * window
    return np.asarray(found / found.sum(1, keepdims=True), np.float32)


def at_speed(clip: Clip, speed: float) -> Clip:
    """Return a recording played at another speed, which changes pitch and length too.

    speed: 1.1 is faster and higher. Source: Ko et al., Audio augmentation for speech recognition
    (2015).
    """
    ratio = Fraction(speed).limit_denominator(_FINEST)
    return clip.with_samples(resampled(clip.samples, ratio.numerator, ratio.denominator))
