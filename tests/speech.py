"""Utterances whose features tell their characters: for what is about the way and not the ear."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from longshort.tasks.transcribe.samples import Utterances, utterances_of

WORDS = ("ab", "ba", "cab", "abba", "c")
WIDTH = 5
FRAMES = 8
"""Frames of each character."""


def features(text: str, draw: np.random.Generator) -> np.ndarray:
    """A bump in the feature of each character, with noise: [T, WIDTH]."""
    bump = np.sin(np.linspace(0, np.pi, FRAMES))[:, None]
    parts = [3 * bump * np.eye(WIDTH)["abc ".index(c)] for c in text]
    clean = np.concatenate(parts) if parts else np.zeros((FRAMES, WIDTH))
    return (clean + 0.3 * draw.normal(size=clean.shape)).astype(np.float32)


def spelt(count: int, seed: int = 0) -> Utterances:
    """Utterances of one to three words."""
    draw = np.random.default_rng(seed)
    texts = [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in range(count)]
    return utterances_of([features(text, draw) for text in texts], texts)


def recordings(folder: Path, count: int, rate: int = 8000) -> list[tuple[str, str]]:
    """Write WAV files in which each character is a tone; returns names and texts."""
    draw = np.random.default_rng(0)
    rows = []
    for number in range(1, count + 1):
        text = " ".join(draw.choice(WORDS, draw.integers(1, 3)))
        t = np.arange(rate // 10) / rate
        tones = [np.sin(2 * np.pi * (400 + 500 * "abc ".index(c)) * t) for c in text]
        sound = 0.5 * np.concatenate(tones) + 0.01 * draw.normal(size=len(t) * len(text))
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((20_000 * sound).astype("<i2").tobytes())
        rows.append((f"{number}.wav", text))
    return rows
