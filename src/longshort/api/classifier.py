"""Classification from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from longshort.api.fitting import (
    given,
    is_file,
    nested,
    run_into,
    with_data,
    with_labels,
    with_parts,
)
from longshort.api.runs import ClassifierRun
from longshort.config import build_as
from longshort.config.classify import ClassifyConfig
from longshort.config.sequences import Axes
from longshort.train.events import Listener, silent
from longshort.workflow import classify
from longshort.workflow.job import Say, quiet


class Classifier:
    """A classifier of texts or of numbers: settings first, then `fit`, whose run predicts.

    tokens: words, spaces, characters, bytes, jieba or tokenizer:FILE, decided from the texts when
    absent; vectors: a word2vec or GloVe text file. Absent settings are decided from the data.
    `settings` takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        pooling: str | None = None,
        tokens: str | None = None,
        vectors: str | Path | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        named = {
            "model.cell": cell,
            "model.hidden": hidden,
            "model.num_layers": num_layers,
            "model.pooling": pooling,
            "text.tokens": tokens,
            "model.vectors": None if vectors is None else str(vectors),
            "train.seed": seed,
        }
        self._settings = nested(named, settings, task="classify")
        build_as(ClassifyConfig, self._settings)

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
        say: Say = quiet,
        listen: Listener = silent,
    ) -> ClassifierRun:
        """Draw parts, train and evaluate; the run is kept in the folder `out`.

        data: a list of texts, or of arrays [T, F] or [T], or an array [N, T, F] or [N, T], with
        `labels` [N]; or a file or frame that holds the labels, in its columns `text` and `label`;
        axes: "NCT" where an array's channels come before its steps; val, test: files, frames or
        pairs (items, labels) of those parts, else shares are drawn. Without `out` the run lies in
        a temporary folder that the system clears some day.
        """
        roles = {"text": text, "label": label, "axes": axes}
        settings = with_data(self._settings, data, roles)
        read = partial(with_labels, axes=settings["data"].get("axes"))
        items, files = with_parts(read(data, labels), {"val": val, "test": test}, read)
        settings["data"].update(given(files))
        folder, scores = run_into(settings, items, out, overwrite=overwrite, say=say, listen=listen)
        trained = replace(classify.load(folder), memory=None if is_file(items) else items)
        return ClassifierRun(folder, trained, scores)
