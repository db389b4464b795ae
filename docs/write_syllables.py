"""Write the example `syllables`: synthesised syllables, as MFCC, with what they say.

    python docs/write_syllables.py

A vowel is a sum of harmonics under two formants, a consonant is noise, a hum or a burst after
silence. Twelve voices differ in pitch, formants and pace. Recordings are made in memory; only their
features are kept, 13 MFCC every 20 ms, by longshort's own front end.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.config.audio import AudioSettings
from longshort.data.audio.clip import Clip
from longshort.data.audio.features import features_of

Floats = NDArray[np.float64]
FOLDER = Path(__file__).parents[1] / "src" / "longshort" / "data" / "examples"
RATE = 8000
AUDIO = AudioSettings(features="mfcc", hop=20.0, normalise="none")
VOWELS = {"a": (800, 1200), "i": (300, 2300), "o": (450, 800), "e": (500, 1800)}
"""Frequencies of the first two formants in Hz."""
CONSONANTS = "smtk"
VOICES, UTTERANCES = 12, 240
NOISE = 0.02
_STEP = 0.5
"""To which features are rounded, so that the file is small."""


class Voice:
    """A speaker: pitch in Hz, factors of formants and of durations."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.pitch = draw.uniform(90, 220)
        self.size = draw.uniform(0.88, 1.14)
        self.pace = draw.uniform(0.8, 1.25)

    def syllable(self, text: str) -> Floats:
        """Return the sound of a consonant and a vowel."""
        return np.concatenate([self.consonant(text[0]), self.vowel(text[1])])

    def vowel(self, letter: str) -> Floats:
        """Return harmonics under the vowel's formants, which swell and fade."""
        first, second = (self.size * each for each in VOWELS[letter])
        found = self.hum(0.13, ((first, 90.0, 1.0), (second, 130.0, 0.6)))
        return found * np.hanning(len(found))

    def consonant(self, letter: str) -> Floats:
        """Return noise, a hum, or a burst after silence."""
        if letter == "m":
            return 0.4 * self.hum(0.07, ((self.size * 250, 80.0, 1.0),))
        noise = self.draw.normal(size=self.samples(0.08 if letter == "s" else 0.02))
        if letter == "s":
            return 0.25 * np.diff(noise, prepend=0.0)
        tone = (
            np.convolve(noise, np.ones(6) / 6, "same") if letter == "k" else np.diff(noise, 1, 0, 0)
        )
        return np.concatenate([np.zeros(self.samples(0.05)), 0.6 * tone])

    def hum(self, seconds: float, formants: tuple[tuple[float, float, float], ...]) -> Floats:
        """Return harmonics; a formant has a frequency, a width and a strength."""
        t = np.arange(self.samples(seconds)) / RATE
        pitch = self.pitch * self.draw.uniform(0.95, 1.05)
        harmonics = pitch * np.arange(1, int(RATE / 2 / pitch))
        strength = sum(
            weight / (1 + ((harmonics - place) / width) ** 2) for place, width, weight in formants
        )
        return np.asarray((strength[:, None] * np.sin(2 * np.pi * harmonics[:, None] * t)).sum(0))

    def samples(self, seconds: float) -> int:
        """Return a number of samples, which varies a little."""
        return round(RATE * seconds * self.pace * self.draw.uniform(0.85, 1.15))


def said(voice: Voice, syllables: list[str]) -> NDArray[np.float16]:
    """Return the features of an utterance with pauses and noise around it."""
    pause = np.zeros(round(RATE * 0.04))
    parts = [part for each in syllables for part in (pause, voice.syllable(each))]
    sound = np.concatenate([*parts, pause])
    sound = sound / np.abs(sound).max() + NOISE * voice.draw.normal(size=len(sound))
    clip = Clip(np.asarray(0.5 * sound, np.float32), RATE, "made")
    return (np.round(features_of(clip, AUDIO) / _STEP) * _STEP).astype(np.float16)


def main() -> None:
    """Write the features, and the table of what is said by whom."""
    draw = np.random.default_rng(0)
    voices = [Voice(draw) for _ in range(VOICES)]
    known = [c + v for c in CONSONANTS for v in VOWELS]
    features, lines = {}, ["file,speaker,text"]
    for number in range(UTTERANCES):
        speaker = number % VOICES
        syllables = draw.choice(known, draw.integers(2, 6)).tolist()
        name = f"u{number:03}"
        features[name] = said(voices[speaker], syllables)
        lines.append(f"{name},voice {speaker + 1},{' '.join(syllables)}")
    np.savez_compressed(FOLDER / "syllables.npz", **features)
    (FOLDER / "syllables.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
