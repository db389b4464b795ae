"""Captioning from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.runs.writing import Written
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.caption.encoder import CaptionEncoder
from longshort.tasks.caption.images import image_files
from longshort.tasks.caption.samples import Captioned, captioned_of
from longshort.train.events import Listener, silent


class Captioner(Estimator):
    """Captions of images, given as features by a frozen network: settings first, then `fit`.

    attention: additive, general, dot or none; beam: width of the search. Absent settings are
    decided from the data. `settings` takes any key of `config.toml`.
    """

    task = "caption"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "attention": "model.attention",
        "beam": "write.beam",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        attention: str | None = None,
        beam: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.attention, self.beam, self.seed, self.settings = attention, beam, seed, settings
        self._check()

    def fit(
        self,
        features: object,
        captions: object = None,
        *,
        whole: object = None,
        places: str | Path | None = None,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> CaptionerRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        features: of places, [n, places, size], or of whole images, [n, size], as an array or by the
        images' names, with a caption or a list of them for each in `captions`; whole: [n, size]
        beside features of places. Or a file or frame of captions, with the .npz files of features
        named by `places` and `whole`; or, with the settings `data.encoder` and `data.images`, a
        table whose features are made of the images, or their folder with the table in it. val,
        test: files, frames or pairs (features, captions) of those splits, else shares of the images
        are drawn. Without `out` the run lies in a temporary folder that the system clears some day.
        verbose: show remarks and progress; when absent on a terminal and in a notebook.
        """
        roles: dict[str, Any] = {"features": places}
        if is_table(features):
            roles["global_features"] = whole
            whole = None
        elif places is not None:
            raise DataError("places: names the features' file of a table of captions; leave it out")
        settings = with_data(self._nested(), features, roles)
        items = _captioned(features, captions, whole)
        held, files = with_splits(items, {"val": val, "test": test}, _captioned)
        settings["data"].update(given(files))
        made = self._run(
            settings, held, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = CaptionerRun(*made)
        return run

    def predict(self, features: object, whole: object = None) -> list[str]:
        """Captions, by the run of the last `fit`."""
        found: list[str] = self._fitted().predict(features, whole)
        return found


class CaptionerRun(Finished[Trained[CaptionConfig, Captioned, CaptionEncoder, Written]]):
    """A finished run: its scores, its report, and the captioner in it."""

    def predict(self, features: object, whole: object = None) -> list[str]:
        """A caption for each image: of features, of files of images, or of names with features.

        Files are seen by the network that `data.encoder` names.
        """
        return self._trained.predict(self._read(features, whole)).texts

    def evaluate(
        self,
        data: object,
        captions: object = None,
        whole: object = None,
        *,
        include_training: bool = False,
    ) -> dict[str, Any]:
        """Scores on a table of captions, or on features with `captions` for each image."""
        given_data = _captioned(data, captions, whole)
        return super().evaluate(given_data, include_training=include_training)

    def _read(self, features: object, whole: object) -> Captioned:
        is_named = isinstance(features, list) and all(isinstance(e, str) for e in features)
        if is_table(features) or is_named or image_files(features):
            return self._trained.read(features)
        return captioned_of(features, None, whole)


def _captioned(features: Any, captions: Any = None, whole: Any = None) -> object:
    """A file or frame as it is; features together with their captions."""
    if captions is None and (features is None or is_table(features)):
        return features
    if isinstance(features, Captioned):
        return features
    if is_table(features):
        raise DataError("captions: stand in the file or frame; leave them out")
    if captions is None:
        raise DataError("captions: a text or a list of texts for each image is needed")
    return captioned_of(features, captions, whole)
