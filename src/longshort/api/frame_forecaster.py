"""Forecasting frames from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, with_data, with_splits
from longshort.api.runs import Finished
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.encoder import Floats, FrameEncoder
from longshort.train.events import Listener, silent


class FrameForecaster(Estimator):
    """Forecasts of the next frames of moving pictures: settings first, then `fit`.

    inputs, outputs: frames that are read and forecast. Absent settings are decided from the data.
    `settings` takes any key of `config.toml`.
    """

    task = "frames"
    keys: ClassVar[Mapping[str, str]] = {
        "inputs": "model.inputs",
        "outputs": "model.outputs",
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        inputs: int | None = None,
        outputs: int | None = None,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.inputs, self.outputs, self.cell = inputs, outputs, cell
        self.hidden, self.num_layers, self.seed, self.settings = hidden, num_layers, seed, settings
        self._check()

    def fit(
        self,
        clips: object,
        *,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> FrameForecasterRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        clips: an array [N, T, Y, X] or [N, T, Y, X, C], a list of clips [T, Y, X], one long clip
        [T, Y, X], or a path to arrays, GIFs, videos or folders of images. val, test: clips of those
        splits, else other clips, or later parts of one or two clips. Without `out` the run lies in
        a temporary folder that the system clears some day. verbose: show remarks and progress; when
        absent on a terminal and in a notebook.
        """
        settings = with_data(self._nested(), clips, {})
        held, files = with_splits(clips, {"val": val, "test": test}, _as_it_is)
        settings["data"].update(given(files))
        made = self._run(
            settings, held, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = FrameForecasterRun(*made)
        return run

    def predict(self, clips: object) -> NDArray[np.float64]:
        """Frames that follow each clip, by the run of the last `fit`."""
        found: NDArray[np.float64] = self._fitted().predict(clips)
        return found


class FrameForecasterRun(Finished[Trained[FramesConfig, Windows, FrameEncoder, Floats]]):
    """A finished run: its scores, its report, and the forecaster in it."""

    def predict(self, clips: object) -> NDArray[np.float64]:
        """Frames that follow the last ones of each clip, [N, M, Y, X, C] in the data's units."""
        samples = self._trained.read(clips)
        frames = self._trained.predict(samples).astype(np.float64)
        return np.asarray(self._trained.encoder.units(frames))


def _as_it_is(clips: Any, _labels: Any = None) -> object:
    return clips
