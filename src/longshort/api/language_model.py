"""Language models from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from longshort.api.fitting import is_file, nested, run_into, with_data
from longshort.api.runs import LanguageRun
from longshort.config import build_as
from longshort.config.language import LanguageConfig
from longshort.train.events import Listener, silent
from longshort.workflow import language
from longshort.workflow.job import Say, quiet


class LanguageModel:
    """A model of characters, words or bytes: settings first, then `fit`, whose run writes on.

    tokens: words, spaces, characters (when absent), bytes, jieba or tokenizer:FILE. `settings`
    takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    def __init__(
        self,
        *,
        tokens: str | None = None,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        embedding: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        named = {
            "text.tokens": tokens,
            "model.cell": cell,
            "model.hidden": hidden,
            "model.num_layers": num_layers,
            "model.embedding": embedding,
            "train.seed": seed,
        }
        self._settings = nested(named, settings, task="lm")
        build_as(LanguageConfig, self._settings)

    def fit(
        self,
        data: str | Path | Iterable[str],
        *,
        val: str | Path | None = None,
        test: str | Path | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> LanguageRun:
        """Cut parts, train and evaluate; the run is kept in the folder `out`.

        data: a text file or a list of lines; val, test: files of those parts, else the text's last
        shares. Without `out` the run lies in a temporary folder that the system clears some day.
        """
        text = list(data) if isinstance(data, Iterator) else data
        folder, scores = run_into(
            with_data(self._settings, text, {"val_path": val, "test_path": test}),
            text,
            out,
            overwrite=overwrite,
            say=say,
            listen=listen,
        )
        trained = replace(language.load(folder), memory=None if is_file(text) else text)
        return LanguageRun(folder, trained, scores)
