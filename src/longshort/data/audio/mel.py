"""Mel scales and their filters.

"htk": 1127 ln(1 + f / 700), triangles over mel, as in HTK and Kaldi. "slaney": linear up to 1,000
Hz and logarithmic above, triangles over Hz of equal area, as in Slaney's Auditory Toolbox (1998).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scale = Literal["htk", "slaney"]
Floats = NDArray[np.float64]

_KNEE, _LINEAR, _STEP = 1000.0, 3 / 200, np.log(6.4) / 27
"""Frequency in Hz where Slaney's scale turns logarithmic, mel per Hz below it, and ln Hz per mel
above it."""


def mel_of(hertz: Floats, scale: Scale) -> Floats:
    """Return frequencies in Hz as mel."""
    if scale == "htk":
        return np.asarray(1127.0 * np.log1p(hertz / 700.0))
    above = _KNEE * _LINEAR + np.log(np.maximum(hertz, _KNEE) / _KNEE) / _STEP
    return np.asarray(np.where(hertz < _KNEE, hertz * _LINEAR, above))


def hertz_of(mel: Floats, scale: Scale) -> Floats:
    """Return mel as frequencies in Hz."""
    if scale == "htk":
        return np.asarray(700.0 * np.expm1(mel / 1127.0))
    above = _KNEE * np.exp(_STEP * (np.maximum(mel, _KNEE * _LINEAR) - _KNEE * _LINEAR))
    return np.asarray(np.where(mel < _KNEE * _LINEAR, mel / _LINEAR, above))


@lru_cache(maxsize=16)
def mel_filters(
    bands: int, size: int, rate: int, low: float, high: float, scale: Scale
) -> NDArray[np.float32]:
    """Return triangular filters of power spectra, [bands, size // 2 + 1].

    size: of the Fourier transform. low, high: range of the filters in Hz.
    """
    first, last = mel_of(np.array([low, high]), scale).tolist()
    edges = np.linspace(first, last, bands + 2)
    bins = np.arange(size // 2 + 1) * rate / size
    if scale == "htk":
        places = mel_of(bins, scale)
    else:
        edges, places = hertz_of(edges, scale), bins
    left, centre, right = (edges[i : bands + i, None] for i in range(3))
    rise = (places - left) / (centre - left)
    fall = (right - places) / (right - centre)
    found = np.maximum(0.0, np.minimum(rise, fall))
    if scale == "slaney":
        found *= 2.0 / (right - left)
    return np.asarray(found, np.float32)
