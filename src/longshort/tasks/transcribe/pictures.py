"""Pictures of utterances."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from longshort.report.svg import STYLE, Drawing
from longshort.runs.transcribing import Timed
from longshort.tasks.transcribe.samples import Floats

_RANGE = (2.0, 98.0)
"""Percentiles of the values that are the lightest and the darkest."""


def heard_over_time(features: Floats, hop: float, words: Sequence[Timed], title: str) -> Figure:
    """Plot features [T, F] over time with the words that were heard; hop: seconds of a frame.

    Each feature is shown by its difference from its mean.
    """
    shown = features - features.mean(0)
    low, high = np.percentile(shown / np.maximum(shown.std(0), 1e-6), _RANGE)
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(9.0, 2.2), layout="constrained")
        axis = figure.subplots()
        axis.imshow(
            (shown / np.maximum(shown.std(0), 1e-6)).T, origin="lower", aspect="auto",
            cmap="Greys", vmin=low, vmax=high,
            extent=(0.0, hop * len(features), 0.0, features.shape[1]),
        )  # fmt: skip
        top = features.shape[1]
        for word in words:
            axis.axvspan(word.begin, word.end, color="#2457c5", alpha=0.15)
            axis.text(
                (word.begin + word.end) / 2, 1.02 * top, word.word, ha="center", va="bottom",
                fontsize=8, clip_on=False,
            )  # fmt: skip
        axis.set_title(title, fontsize="small", pad=16)
        axis.set_xlabel("seconds")
        axis.set_ylabel("features")
        axis.set_yticks([])
        axis.grid(visible=False)
    return figure
