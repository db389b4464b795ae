"""Pen strokes as labelled sequences: the features of their points."""

from __future__ import annotations

from pathlib import Path

from longshort.config.strokes import StrokeSettings
from longshort.data.labelled import Examples
from longshort.data.strokes.features import FEATURES, features
from longshort.data.strokes.ink import Ink, Inks, dots
from longshort.data.strokes.reading import read_inks
from longshort.data.strokes.shape import normalise, resample
from longshort.errors import DataError


def read(path: Path, settings: StrokeSettings, *, with_labels: bool = True) -> Examples:
    """Read samples of pen strokes; of InkML each labelled group is one, if there are any.

    Without `with_labels` labels may be absent. Raises `DataError`.
    """
    return examples(read_inks(path, "symbols"), settings, with_labels=with_labels)


def examples(inks: Inks, settings: StrokeSettings, *, with_labels: bool = True) -> Examples:
    """Return the features of pen strokes (`FEATURES`), normalised and resampled."""
    if with_labels and inks.labels is None:
        raise DataError(f"{inks.name}: has no labels; give each sample a 'label'")
    found = []
    for place, ink in zip(inks.places, inks.items, strict=True):
        try:
            found.append(features(shaped(ink, settings)))
        except DataError as error:
            raise DataError(f"{inks.name}: {place}: {error}") from None
    together = inks.kept_together()
    is_by_writer = together is inks.writers
    return Examples(
        inks.name,
        [*found],
        inks.labels,
        inks.places,
        inks.path,
        inks.sha256,
        features=FEATURES,
        read_as={"format": "strokes"} | ({"group": "writer"} if is_by_writer else {}),
        groups=inks.writers if is_by_writer else None,
        findings=(*inks.findings, *dots(inks)),
    )


def shaped(ink: Ink, settings: StrokeSettings) -> Ink:
    """Return ink in the size, slant and spacing of the settings."""
    return resample(normalise(ink, settings.size, slant=settings.upright), settings.spacing)
