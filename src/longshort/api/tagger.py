"""Tagging from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from longshort.api.fitting import is_file, nested, run_into, with_data, with_parts, with_tags
from longshort.api.runs import TaggerRun
from longshort.config import build_as
from longshort.config.tag import TagConfig
from longshort.train.events import Listener, silent
from longshort.workflow import tag
from longshort.workflow.job import Say, quiet


class Tagger:
    """A tagger of tokens, such as of names: settings first, then `fit`, whose run tags.

    crf: score whole paths of tags, else each tag for itself; vectors: a word2vec or GloVe text
    file. Absent settings are decided from the data. `settings` takes any key of `config.toml`,
    such as {"train.max_epochs": 10}.
    """

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        crf: bool | None = None,
        vectors: str | Path | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        named = {
            "model.cell": cell,
            "model.hidden": hidden,
            "model.num_layers": num_layers,
            "model.crf": crf,
            "model.vectors": None if vectors is None else str(vectors),
            "train.seed": seed,
        }
        self._settings = nested(named, settings, task="tag")
        build_as(TagConfig, self._settings)

    def fit(
        self,
        data: object,
        tags: Sequence[Sequence[str]] | None = None,
        *,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> TaggerRun:
        """Draw parts, train and evaluate; the run is kept in the folder `out`.

        data: a file of CoNLL columns, JSON lines or a table, a frame with a row for every token,
        or sentences as lists of tokens with `tags`, a list for each; val, test: files,
        frames or pairs (sentences, tags) of those parts, else shares are drawn. Without `out` the
        run lies in a temporary folder that the system clears some day.
        """
        parts = {"val": val, "test": test}
        sentences, files = with_parts(with_tags(data, tags), parts, with_tags)
        folder, scores = run_into(
            with_data(self._settings, data, files),
            sentences,
            out,
            overwrite=overwrite,
            say=say,
            listen=listen,
        )
        trained = replace(tag.load(folder), memory=None if is_file(sentences) else sentences)
        return TaggerRun(folder, trained, scores)
