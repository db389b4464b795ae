"""Language models from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import with_data, with_splits
from longshort.api.runs import Finished
from longshort.data.textfiles import well_formed
from longshort.errors import ConfigError, DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.language.config import LanguageConfig
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.generate import Sampling
from longshort.tasks.language.running import Running
from longshort.tasks.language.task import LanguageTask, Nats
from longshort.train.events import Listener, silent


class LanguageModel(Estimator):
    """A model of characters, words or bytes: settings first, then `fit`, whose run generates.

    tokens: words, spaces, characters (when absent), bytes, jieba or tokenizer:FILE. `settings`
    takes any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "lm"
    keys: ClassVar[Mapping[str, str]] = {
        "tokens": "text.tokens",
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "embedding": "model.embedding",
        "seed": "train.seed",
    }

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
        self.tokens, self.cell, self.hidden = tokens, cell, hidden
        self.num_layers, self.embedding = num_layers, embedding
        self.seed, self.settings = seed, settings
        self._check()

    def fit(
        self,
        data: str | Path | Iterable[str],
        *,
        val: str | Path | Iterable[str] | None = None,
        test: str | Path | Iterable[str] | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> LanguageRun:
        """Cut splits, train and evaluate; the run is kept in the folder `out`.

        data: a text file or a list of lines; val, test: files or lists of lines of these splits,
        which are the last shares of the text when absent. Without `out` the run lies in a
        temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
        """
        held_out = {"val": _lines(val), "test": _lines(test)}
        text, files = with_splits(_lines(data), held_out, lambda lines, _: lines)
        made = self._run(
            with_data(self._nested(), data, files),
            text,
            out,
            overwrite=overwrite,
            verbose=verbose,
            say=say,
            listen=listen,
        )
        self.run_ = run = LanguageRun(*made)
        return run


_TASK = LanguageTask()


def _lines(data: object) -> object:
    """Return the data as they are, the lines of an iterator as a list."""
    return list(data) if isinstance(data, Iterator) else data


class LanguageRun(Finished[Trained[LanguageConfig, Running, LanguageEncoder, Nats]]):
    """A finished run: its scores, its report, and the language model in it."""

    def stream(
        self,
        prompt: str = "",
        *,
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """Yield the text after the prompt, piece by piece as it is generated.

        length: number of tokens; temperature: below 1 likelier tokens are drawn more often, 0 takes
        the likeliest; top_k: number of likeliest tokens to draw from (0: all); top_p: draw from the
        likeliest that together reach this probability (1: all). Raises `ConfigError` for values
        out of range.
        """
        if not isinstance(prompt, str):
            raise ConfigError(f"prompt: a text is expected, got {type(prompt).__name__}")
        how = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return _TASK.stream(self._trained.model, prompt, length, how)

    def generate(
        self,
        prompt: str = "",
        *,
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """Return the whole text after the prompt; the arguments are those of `stream`."""
        pieces = self.stream(
            prompt, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )
        return "".join(pieces)

    def score(self, text: str) -> dict[str, float | None]:
        """Return perplexity, nats per token, bits per character and byte, and `tokens` of a text.

        Bits are None if the text cannot be restored from its tokens. Raises `DataError` for a text
        without a token.
        """
        well_formed(text, "score")
        samples = Running("score", text)
        found = self._trained.predict(samples)
        if not len(found.numbers):
            raise DataError("score: the text has no token")
        values = _TASK.score(self._trained.model, samples, found).values
        return values | {"tokens": len(found.numbers)}
