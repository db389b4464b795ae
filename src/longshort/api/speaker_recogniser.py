"""Speakers from Python: settings, then `fit`; enrolling, verifying and identifying."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.data.labelled import Examples, examples_of
from longshort.errors import DataError
from longshort.lazy import polars as pl
from longshort.runs.enrolling import Enrolled, enrol, identify, verify
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.voices import Voices
from longshort.train.events import Listener, silent

Floats = NDArray[np.float64]


class SpeakerRecogniser(Estimator):
    """Embeddings of voices, by which speakers are verified and identified: settings, then `fit`.

    size: numbers of an embedding. Absent settings are decided from the data. `settings` takes any
    key of `config.toml`.
    """

    task = "speaker"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "size": "model.size",
        "rate": "audio.rate",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        size: int | None = None,
        rate: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.size, self.rate, self.seed, self.settings = size, rate, seed, settings
        self._check()

    def fit(
        self,
        data: object,
        speakers: object = None,
        *,
        speaker: str | None = None,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> SpeakerRun:
        """Draw splits by speaker, train and evaluate; the run is kept in the folder `out`.

        data: a table of files with its column `speaker`, or a folder with a folder for each
        speaker; or a list of features [T, F] with `speakers` for each. val, test: the same of these
        splits, or pairs (features, speakers); a share of the speakers is drawn when absent.
        """
        settings = with_data(self._nested(), data, {"speaker": speaker})
        items, files = with_splits(_samples(data, speakers), {"val": val, "test": test}, _samples)
        settings["data"].update(given(files))
        made = self._run(
            settings, items, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = SpeakerRun(*made)
        return run

    def predict(self, data: object) -> Floats:
        """Return embeddings [n, E], by the run of the last `fit`."""
        found: Floats = self._fitted().predict(data)
        return found


class SpeakerRun(Finished[Trained[SpeakerConfig, Examples, SpeakerEncoder, Voices]]):
    """A finished run: its scores, its report, and who is enrolled with it."""

    def predict(self, data: object) -> Floats:
        """Return an embedding of length 1 for each recording, [n, E]; their product is the cosine.

        data: a recording, a list or a folder of them, a table, or a list of features [T, F].
        """
        return self._trained.predict(self._read(data)).whole.model

    def enrol(self, data: object, name: str | None = None, to: Enrolled | None = None) -> Enrolled:
        """Return the speakers of recordings, and those of `to`, as `verify` and `identify` want.

        name: who speaks in all of them; None: as the table or the folders say.
        """
        return enrol(self._trained, data, to or Enrolled.none(self.digest), name)

    def verify(
        self, data: object, enrolled: Enrolled, name: str, threshold: float | None = None
    ) -> pl.DataFrame:
        """Return for each recording whether it is of this speaker; threshold: None for the run's.

        For which recordings the run's threshold holds is said by `condition`.
        """
        return verify(self._trained, data, enrolled, name, threshold)

    def identify(self, data: object, enrolled: Enrolled) -> pl.DataFrame:
        """Return for each recording the enrolled speaker that it is most like."""
        return identify(self._trained, data, enrolled)

    @property
    def condition(self) -> str:
        """For which recordings the run's threshold holds."""
        return self._trained.enroller().condition(self._trained.model)

    def _read(self, data: Any) -> Examples:
        is_array = isinstance(data, (list, tuple)) and data and hasattr(data[0], "shape")
        return self._trained.read(examples_of(data) if is_array else data)


def _samples(data: Any, speakers: Any = None) -> object:
    """Return a file, folder or frame as it is, and features with their speakers as samples."""
    if speakers is None:
        return data
    if is_table(data):
        raise DataError("speakers: stand in the table; name their column with speaker=")
    return examples_of(data, speakers)
