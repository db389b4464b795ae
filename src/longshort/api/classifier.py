"""Classification from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_file, with_data, with_labels, with_splits
from longshort.api.runs import Finished
from longshort.config.sequences import Axes
from longshort.data.audio.listing import names_sound
from longshort.data.label_sets import LabelSet, as_sets
from longshort.data.labelled import Examples, examples_of
from longshort.data.labels import Label
from longshort.data.sources import is_frame
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.targets import Prediction
from longshort.train.events import Listener, silent

Floats = NDArray[np.float64]


class Classifier(Estimator):
    """A classifier of texts or of numbers: settings first, then `fit`, whose run predicts.

    tokens: words, spaces, characters, bytes, jieba or tokenizer:FILE, decided from the texts when
    absent; vectors: a word2vec or GloVe text file; class_weight: factor of each label's loss,
    "balanced" for the inverse of the labels' shares or a mapping {label: weight}, 1 for labels not
    in it. Absent settings are decided from the data.
    `settings` takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "classify"
    _estimator_type = "classifier"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "pooling": "model.pooling",
        "tokens": "text.tokens",
        "vectors": "model.vectors",
        "class_weight": "train.class_weights",
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
        vectors: str | Path | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.pooling, self.tokens, self.vectors = pooling, tokens, vectors
        self.class_weight, self.seed, self.settings = class_weight, seed, settings
        self._check()

    def fit(
        self,
        data: object,
        labels: Iterable[object] | None = None,
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
    ) -> ClassifierRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        data: a list of texts, or of arrays [T, F] or [T], or an array [N, T, F] or [N, T], with
        `labels` [N], or a list of labels for each item, which may be empty, or a matrix [N, K] of 0
        and 1; or a file or frame that holds the labels, in its columns `text` and `label`;
        axes: "NCT" where an array's channels come before its steps; val, test: files, frames or
        pairs (items, labels) of these splits, which are drawn
        when absent. Without `out` the run lies in a temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
        """
        roles = {"text": text, "label": label, "axes": axes}
        settings = with_data(self._nested(), data, roles)

        def read(data: Any, labels: Any) -> object:
            return with_labels(data, as_sets(labels), settings["data"].get("axes"))

        items, files = with_splits(read(data, labels), {"val": val, "test": test}, read)
        settings["data"].update(given(files))
        made = self._run(
            settings, items, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = ClassifierRun(*made)
        return run

    def predict(self, data: object, *, top_k: int | None = None) -> Any:
        """Return the most probable labels, by the run of the last `fit`; see `ClassifierRun`."""
        return self._fitted().predict(data, top_k=top_k)

    def predict_proba(self, data: object) -> Floats:
        """Return probabilities [n, K], by the run of the last `fit`."""
        found: Floats = self._fitted().predict_proba(data)
        return found

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels [K] in the order of the probabilities, in their own dtype."""
        found: NDArray[Any] = self._fitted().classes
        return found

    def score(self, data: object, labels: Iterable[object]) -> float:
        """Return the accuracy of the run of the last `fit`; all labels of an item have to agree."""
        truth, found = list(as_sets(labels)), self.predict(data)
        if truth and isinstance(truth[0], LabelSet):
            truth, found = [set(each) for each in truth], [set(each) for each in found]
        return float(np.mean([each == true for each, true in zip(found, truth, strict=True)]))


class ClassifierRun(Finished[Trained[ClassifyConfig, Examples, ClassifyEncoder, Prediction]]):
    """A finished run: its scores, its report, and the classifier in it."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels in the order of the columns of `predict_proba`, in their own type."""
        return tuple(self._trained.encoder.targets.as_given())

    @property
    def classes(self) -> NDArray[Any]:
        """The `labels` as an array [K] in the dtype in which they were given."""
        return self._trained.encoder.targets.as_array()

    def predict(self, data: object, *, top_k: int | None = None) -> Any:
        """Return the labels of a list of texts or arrays [T, F], or of the items of a file.

        They are an array [n] of the most probable ones, in the type and dtype in which labels were
        given. If an item may have several labels, each has the list of those above the run's
        threshold. With `top_k` each has a list of its most probable labels with probabilities,
        (label, probability), the most probable first.
        """
        targets, found = self._trained.encoder.targets, self._predicted(data)
        if top_k is None:
            return targets.written(found)
        ranked = zip(targets.ranked(found, top_k).tolist(), found.p.tolist(), strict=True)
        return [[(self.labels[i], p[i]) for i in each] for each, p in ranked]

    def predict_proba(self, data: Any) -> Floats:
        """Return probabilities [n, K] of `labels`; they sum to 1 if an item has one label."""
        return self._predicted(data).p

    def _predicted(self, data: Any) -> Prediction:
        if isinstance(data, str) and not _exists(data):
            raise DataError(f"{data[:60]!r}: no such file; texts are given as a list")
        settings = self.config.data
        is_read = is_file(data) or (is_frame(data) and settings.names_columns())
        is_read = is_read or (settings.format == "audio" and names_sound(data))
        given = data if is_read else examples_of(data, axes=settings.axes)
        return self._trained.predict(self._trained.read(given))

    def evaluate(
        self,
        data: object,
        labels: Iterable[object] | None = None,
        *,
        include_training: bool = False,
    ) -> dict[str, Any]:
        """Return scores on a file or frame, or on texts or arrays with `labels`, one for each."""
        axes = self.config.data.axes
        given = with_labels(data, as_sets(labels), axes)
        return super().evaluate(given, include_training=include_training)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False
