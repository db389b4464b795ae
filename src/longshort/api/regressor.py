"""Regression from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_file, with_data, with_labels, with_splits
from longshort.api.runs import Finished
from longshort.config.sequences import Axes
from longshort.data.labelled import Examples, examples_of
from longshort.data.sources import is_frame
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.regress.config import RegressConfig
from longshort.tasks.regress.task import RegressEncoder
from longshort.train.events import Listener, silent

Floats = NDArray[np.float64]


class Regressor(Estimator):
    """A regressor of texts or of sequences: settings first, then `fit`, whose run predicts.

    tokens: words, spaces, characters, bytes, jieba or tokenizer:FILE, decided from the texts when
    absent. `settings` takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "regress"
    _estimator_type = "regressor"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "pooling": "model.pooling",
        "tokens": "text.tokens",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        pooling: str | None = None,
        tokens: str | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.pooling, self.tokens, self.seed, self.settings = pooling, tokens, seed, settings
        self._check()

    def fit(
        self,
        data: object,
        values: Iterable[object] | None = None,
        *,
        text: str | None = None,
        label: str | None = None,
        axes: Axes | None = None,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> RegressorRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        data: a list of texts, or of arrays [T, F] or [T], or an array [N, T, F] or [N, T], with
        `values` [N] or [N, K]; or a file or frame that holds the values in its column `label`;
        axes: "NCT" where an array's channels come before its steps; val, test: files, frames or
        pairs (items, values) of these splits, which are drawn
        when absent. Without `out` the run lies in a temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
        """
        roles = {"text": text, "label": label, "axes": axes}
        settings = with_data(self._nested(), data, roles)
        read = partial(with_labels, axes=settings["data"].get("axes"))
        items, files = with_splits(read(data, values), {"val": val, "test": test}, read)
        settings["data"].update(given(files))
        made = self._run(
            settings, items, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = RegressorRun(*made)
        return run

    def predict(self, data: object) -> Floats:
        """Return values [n] or [n, K], by the run of the last `fit`."""
        found: Floats = self._fitted().predict(data)
        return found

    def score(self, data: object, values: Any) -> float:
        """Return R² of the run of the last `fit`, the mean over several values."""
        truth, found = np.asarray(values, dtype=float), self.predict(data)
        spread = np.square(truth - truth.mean(0)).sum(0)
        return float(np.mean(1 - np.square(truth - found).sum(0) / spread))


class RegressorRun(Finished[Trained[RegressConfig, Examples, RegressEncoder, Floats]]):
    """A finished run: its scores, its report, and the regressor in it."""

    def predict(self, data: Any) -> Floats:
        """Return values [n] or [n, K] of a list of texts or arrays [T, F], or of a file."""
        settings = self.config.data
        is_read = is_file(data) or (is_frame(data) and settings.names_columns())
        given = data if is_read else examples_of(data, axes=settings.axes)
        found = self._trained.predict(self._trained.read(given))
        return found[:, 0] if found.shape[1] == 1 else found

    def evaluate(
        self,
        data: object,
        values: Iterable[object] | None = None,
        *,
        include_training: bool = False,
    ) -> dict[str, Any]:
        """Return scores on a file or frame, or on texts or arrays with `values`, one for each."""
        axes = self.config.data.axes
        return super().evaluate(with_labels(data, values, axes), include_training=include_training)
