"""Write the embedded example `voices`: vowels by speakers who do not exist.

    python docs/write_voices.py

A source and a filter (Fant, 1960): pulses at the pitch of the voice, softened and with some breath,
go through four resonances, the formants of five vowels, shifted by the length of the speaker's
vocal tract. Pitch, tract, brightness and breath are a speaker's; the vowels, their order and the
melody are drawn anew for every recording. 16 speakers, 4 recordings of 0.8 s each: 51 s in all, at
8 kHz in 8 bits. Nothing in it is recorded, and nothing learned from it says anything of people.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parents[1] / "src" / "longshort" / "data" / "examples"
SPEAKERS, RECORDINGS, SECONDS, RATE, SEED = 16, 4, 0.8, 8000, 0
VOWELS = {
    "a": (730.0, 1090.0, 2440.0, 3400.0),
    "e": (530.0, 1840.0, 2480.0, 3500.0),
    "i": (270.0, 2290.0, 3010.0, 3600.0),
    "o": (570.0, 840.0, 2410.0, 3300.0),
    "u": (300.0, 870.0, 2240.0, 3300.0),
}
"""Formants in Hz (Peterson and Barney, 1952, rounded; the fourth is set by hand)."""
_WIDTHS = (80.0, 90.0, 120.0, 200.0)
_BLOCK = 40
"""Samples for which the filter stays as it is."""

Floats = NDArray[np.float64]


def voice(draw: np.random.Generator) -> dict[str, float]:
    """Return what is a speaker's own: pitch in Hz, tract, brightness and breath."""
    return {
        "pitch": float(np.exp(draw.uniform(np.log(85), np.log(260)))),
        "tract": float(draw.uniform(0.85, 1.2)),
        "soft": float(draw.uniform(0.80, 0.96)),
        "breath": float(draw.uniform(0.002, 0.02)),
    }


def recording(speaker: dict[str, float], draw: np.random.Generator) -> Floats:
    """Return samples [n] of four vowels by this speaker, from -1 to 1."""
    count = round(SECONDS * RATE)
    melody = speaker["pitch"] * np.exp(np.interp(
        np.arange(count), np.linspace(0, count, 4), draw.normal(scale=0.06, size=4)))  # fmt: skip
    phase = np.cumsum(melody / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    source = _softened(pulses, speaker["soft"]) + speaker["breath"] * draw.normal(size=count)
    names = draw.choice(list(VOWELS), 4)
    centres = np.linspace(0, count, 9)[1::2]
    targets = np.array([VOWELS[name] for name in names]) / speaker["tract"]
    formants = np.stack([np.interp(np.arange(count), centres, column) for column in targets.T])
    found = source
    for place, width in zip(formants, _WIDTHS, strict=True):
        found = _resonance(found, place, width)
    edges = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.03 * RATE))
    found = found * edges
    return np.asarray(0.7 * found / np.abs(found).max())


def _softened(x: Floats, share: float) -> Floats:
    """Return x through a filter of one pole, which makes high frequencies quieter."""
    found, last = np.empty_like(x), 0.0
    for i, value in enumerate(x):
        last = (1 - share) * value + share * last
        found[i] = last
    return found


def _resonance(x: Floats, places: Floats, width: float) -> Floats:
    """Return x through a resonance of two poles at these frequencies (Klatt, 1980)."""
    radius = np.exp(-np.pi * width / RATE)
    found, one, two = np.empty_like(x), 0.0, 0.0
    for begin in range(0, len(x), _BLOCK):
        b = 2 * radius * np.cos(2 * np.pi * places[begin] / RATE)
        gain = 1 - b + radius**2
        for i in range(begin, min(begin + _BLOCK, len(x))):
            one, two = gain * x[i] + b * one - radius**2 * two, one
            found[i] = one
    return found


def files() -> dict[str, bytes | str]:
    """Return the content of each file of the example by its name."""
    draw = np.random.default_rng(SEED)
    rows, found = ["path,speaker"], dict[str, bytes | str]()
    for number in range(SPEAKERS):
        speaker = voice(draw)
        for take in range(RECORDINGS):
            name = f"voices/{number:02}_{take}.wav"
            found[name] = np.round(127 * recording(speaker, draw) + 128).astype(np.uint8).tobytes()
            rows.append(f"{name},speaker{number:02}")
    return found | {"voices.csv": "\n".join(rows) + "\n"}


def main() -> None:
    """Write the files."""
    (FOLDER / "voices").mkdir(exist_ok=True)
    for name, content in files().items():
        if isinstance(content, str):
            (FOLDER / name).write_text(content)
            continue
        with wave.open(str(FOLDER / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(RATE)
            file.writeframes(content)


if __name__ == "__main__":
    main()
