"""Tagging from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged, tagged_of
from longshort.tasks.tag.encoder import TagEncoder
from longshort.tasks.tag.found import Found
from longshort.tasks.tag.task import TagTask
from longshort.train.events import Listener, silent


class Tagger(Estimator):
    """A tagger of tokens, such as of names: settings first, then `fit`, whose run tags.

    crf: whether whole paths of tags are scored, or each tag by itself; vectors: a word2vec
    or GloVe text file. Absent settings are decided from the data. `settings` takes any key of
    `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "tag"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "crf": "model.crf",
        "vectors": "model.vectors",
        "seed": "train.seed",
    }

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
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.crf, self.vectors, self.seed, self.settings = crf, vectors, seed, settings
        self._check()

    def fit(
        self,
        data: object,
        tags: Sequence[Sequence[str]] | None = None,
        *,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> TaggerRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        data: a file of CoNLL columns, JSON lines or a table, a frame with a row for every token,
        or sentences as lists of tokens with `tags`, a list for each; val, test: files,
        frames or pairs (sentences, tags) of these splits, which are drawn
        when absent. Without `out` the run lies in a temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
        """
        held_out = {"val": val, "test": test}
        sentences, files = with_splits(_with_tags(data, tags), held_out, _with_tags)
        made = self._run(
            with_data(self._nested(), data, files),
            sentences,
            out,
            overwrite=overwrite,
            verbose=verbose,
            say=say,
            listen=listen,
        )
        self.run_ = run = TaggerRun(*made)
        return run

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the tags of the tokens of sentences, by the run of the last `fit`."""
        found: list[list[str]] = self._fitted().predict(sentences)
        return found

    def score(self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> float:
        """Return the entity F1 of the run of the last `fit`."""
        run = self._fitted()
        found = run.evaluate(sentences, tags, include_training=True)
        return float(found["test"]["model"]["f1"])


class TaggerRun(Finished[Trained[TagConfig, Tagged, TagEncoder, Found]]):
    """A finished run: its scores, its report, and the tagger in it."""

    def tag(self, sentence: str | Sequence[str]) -> list[tuple[str, str]]:
        """Return the tokens of a sentence with their tags, in the scheme of the training data.

        A text is cut as `text.tokens` says: when absent at white space, or into characters if the
        training data's tokens are single characters.
        """
        tokens = self._tokens(sentence)
        return list(zip(tokens, self.predict([tokens])[0], strict=True))

    def entities(self, sentence: str | Sequence[str]) -> list[tuple[str, str]]:
        """Return the entities of a sentence, each with its type, in their order."""
        return [(text, kind) for text, kind, _ in self.sure_entities(sentence)]

    def sure_entities(self, sentence: str | Sequence[str]) -> list[tuple[str, str, float]]:
        """Return the entities of a sentence, each with its type and its probability.

        It is the probability that all tags of the entity are right, by the random field.
        """
        tokens = self._tokens(sentence)
        found = self._trained.predict(tagged_of([tokens]))
        space = "" if self._trained.config.text.tokens == "characters" else " "
        each = zip(found.entities[0], found.entity_probabilities(0), strict=True)
        return [(space.join(tokens[begin:end]), kind, p) for (begin, end, kind), p in each]

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the tags of the tokens of sentences, in the scheme of the training data."""
        samples, trained = tagged_of(sentences), self._trained
        return _TASK.tags(samples, trained.predict(samples), trained.model)

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return for each token of sentences the probability of the tag that `predict` returns.

        It is that of the tag in BIOES, which also marks where an entity ends, given the whole
        sentence.
        """
        found = self._trained.predict(tagged_of(sentences))
        return [found.tag_probabilities(number) for number in range(len(found.tags))]

    def evaluate(
        self,
        data: object,
        tags: Sequence[Sequence[str]] | None = None,
        *,
        include_training: bool = False,
    ) -> dict[str, Any]:
        """Return scores on a file, or on lists of tokens with a list of `tags` each."""
        return super().evaluate(_with_tags(data, tags), include_training=include_training)

    def _tokens(self, sentence: object) -> list[str]:
        if isinstance(sentence, str):
            return _TASK.cut(sentence, self._trained.model)
        if not isinstance(sentence, Iterable):
            raise DataError(
                f"sentence: a text or a list of tokens is expected, got {type(sentence).__name__}"
            )
        return list(sentence)


_TASK = TagTask()


def _with_tags(data: Any, tags: Iterable[Sequence[str]] | None) -> object:
    """Return a file or frame as it is; sentences as lists of tokens together with their tags."""
    if tags is None and (data is None or is_table(data)):
        return data
    if is_table(data):
        raise DataError("tags: stand in the file or frame; leave them out")
    return tagged_of(data, tags)
