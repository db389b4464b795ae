"""Speakers who are enrolled with a few recordings, verified and identified."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.errors import ConfigError, DataError
from longshort.lazy import polars as pl
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.voices import Voices

Floats = NDArray[np.float64]


def seconds_of(config: SpeakerConfig, samples: Examples) -> list[float]:
    """Return the length of each recording in seconds, by its frames."""
    over = config.audio.frame - config.audio.hop
    return [(len(item) * config.audio.hop + over) / 1000 for item in samples.items]


def individuals(
    config: SpeakerConfig, samples: Examples, found: Voices, name: str | None
) -> tuple[dict[str, Floats], dict[str, float]]:
    """Return the mean embedding of each speaker, of length 1, and the seconds of sound of each.

    Raises `DataError` for a speaker with less than `evaluate.least` seconds.
    """
    names: Sequence[str] = samples.labels or []
    if name is not None:
        names = [name] * len(samples)
    rows: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(names):
        rows[each].append(number)
    lengths = np.array(seconds_of(config, samples))
    seconds = {each: float(lengths[numbers].sum()) for each, numbers in rows.items()}
    for each, exact in seconds.items():
        total = round(exact, 6)
        if total < config.evaluate.least:
            shown = math.floor(100 * total) / 100  # never rounded up to what is needed
            raise DataError(
                f"{samples.name}: {each!r} is enrolled with {shown:g} s of sound, and "
                f"{config.evaluate.least:g} s are needed (evaluate.least); give longer or more "
                "recordings"
            )
    vectors = {}
    for each, numbers in rows.items():
        mean = found.whole.model[numbers].mean(0)
        vectors[each] = mean / np.linalg.norm(mean)
    return vectors, seconds


def verified(samples: Examples, found: Voices, vector: Floats, threshold: float) -> pl.DataFrame:
    """Return a row for each recording: its similarity to a speaker, and whether it is accepted.

    Raises `ConfigError` for a threshold that is no cosine.
    """
    if not -1.0 <= threshold <= 1.0:
        raise ConfigError(
            f"threshold: similarities are cosines, so a number from -1 to 1 is expected, got "
            f"{threshold:g}"
        )
    similarity = found.whole.heard @ vector
    return pl.DataFrame(
        {
            "place": samples.places,
            "similarity": similarity,
            "threshold": np.full(len(similarity), threshold),
            "accepted": similarity >= threshold,
        }
    )


def identified(
    samples: Examples, found: Voices, vectors: Mapping[str, Any], threshold: float
) -> pl.DataFrame:
    """Return a row for each recording: the most similar speaker, and the next one.

    accepted: whether the similarity reaches the threshold of verification; below it, it may be
    somebody who is not enrolled.
    """
    names = list(vectors)
    similarity = found.whole.heard @ np.stack([np.asarray(vectors[each]) for each in names]).T
    order = np.argsort(-similarity, axis=1, kind="stable")
    rows = np.arange(len(similarity))
    best = similarity[rows, order[:, 0]]
    table: dict[str, Any] = {
        "place": samples.places,
        "speaker": [names[i] for i in order[:, 0]],
        "similarity": best,
        "accepted": best >= threshold,
    }
    if len(names) > 1:
        table["next"] = [names[i] for i in order[:, 1]]
        table["next_similarity"] = similarity[rows, order[:, 1]]
    return pl.DataFrame(table)
