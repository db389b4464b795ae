"""The report's pictures of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longshort.data.audio.features import log_mel
from longshort.report.sections import Note, Picture, Section
from longshort.report.sound import Spectrogram, spectrograms

if TYPE_CHECKING:
    from longshort.tasks.classify.sections import ClassifyResult

_SHOWN = 6


def heard(result: ClassifyResult) -> list[Section]:
    """Return the section of test recordings as spectrograms; none for other data.

    The recordings are those with the highest loss; the title says what was heard instead.
    """
    test, settings = result.splits.test, result.config.audio
    if test.sounds is None:
        return []
    numbers = {place: i for i, place in enumerate(test.places)}
    rows = result.table.head(_SHOWN).iter_rows(named=True)
    chosen = [(numbers[row["place"]], str(row["label"]), str(row["predicted"])) for row in rows]
    clips = test.sounds.take([i for i, _, _ in chosen]).clips()
    shown = [
        Spectrogram(
            label if label == said else f"{label}, heard as {said}",
            log_mel(clip, settings),
            settings.hop / 1000,
        )
        for clip, (_, label, said) in zip(clips, chosen, strict=True)
    ]
    note = Note(
        f"The test recordings with the highest loss, in {settings.bands} mel bands, low ones "
        "at the bottom; dark is loud."
    )
    return [Section("How they sound", [Picture("spectrograms", spectrograms(shown)), note])]
