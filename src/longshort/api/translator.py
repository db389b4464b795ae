"""Translation and summarisation from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, overload

from longshort.api.estimator import Estimator
from longshort.api.fitting import is_file, is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.data.parallel import Pairs, pairs_of
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.runs.writing import Attended, Drawing, Likelihood, Writing, Written
from longshort.tasks.seq2seq.encoder import PairEncoder
from longshort.train.events import Listener, silent


class PairEstimator(Estimator):
    """Base of estimators that learn to write a text for a text."""

    keys: ClassVar[Mapping[str, str]] = {
        "tokens": "text.tokens",
        "subwords": "text.size",
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "attention": "model.attention",
        "placement": "model.placement",
        "copying": "model.copying",
        "beam": "write.beam",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        tokens: str | None = None,
        subwords: int | None = None,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        attention: str | None = None,
        placement: str | None = None,
        copying: bool | None = None,
        beam: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.tokens, self.subwords, self.cell = tokens, subwords, cell
        self.hidden, self.num_layers, self.attention = hidden, num_layers, attention
        self.placement, self.copying, self.beam = placement, copying, beam
        self.seed, self.settings = seed, settings
        self._check()

    def fit(
        self,
        sources: object,
        targets: object = None,
        *,
        source: str | None = None,
        target: str | None = None,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> WriterRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        sources, targets: lists of texts, where a target may be a list of right ones, or two files
        of lines; or one file or frame that holds both, in its columns `source` and `target`; val,
        test: such a file or frame, or a pair (sources, targets), else shares are drawn. Without
        `out` the run lies in a temporary folder that the system clears some day.
        verbose: show remarks and progress; when absent on a terminal and in a notebook.
        """
        beside: dict[str, object] = {"source": source, "target": target}
        parts = {part: _apart(data, part, beside) for part, data in (("val", val), ("test", test))}
        whole = _apart((sources, targets), "", beside)
        train = whole if not isinstance(whole, tuple) else _pairs(*whole)
        items, files = with_splits(train, parts, _pairs)
        made = self._run(
            with_data(self._nested(), items, {**beside, **files}),
            items,
            out,
            overwrite=overwrite,
            verbose=verbose,
            say=say,
            listen=listen,
        )
        self.run_ = run = WriterRun(*made)
        return run

    def predict(self, data: object) -> list[str]:
        """Return the best text for each source, by the run of the last `fit`."""
        found: list[str] = self._fitted().predict(data)
        return found

    def score(self, sources: object, targets: object = None) -> float:
        """Return the deciding metric of the run of the last `fit`: BLEU or ROUGE-1, 0 to 100."""
        run = self._fitted()
        return float(run.quality(sources, targets)[run.scores["metric"]])


class Translator(PairEstimator):
    """A translator of texts: settings first, then `fit`, whose run translates.

    tokens: subwords, words or characters, and subwords: their number; attention: general, dot,
    additive or none; placement: after, feeding or before; copying: tokens of the source may be
    copied; beam: width of the search. Absent settings are decided from the data. `settings` takes
    any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "translate"


class Summariser(PairEstimator):
    """A summariser of texts: settings first, then `fit`, whose run summarises.

    The settings are those of `Translator`; words of the text are copied unless `copying` is False.
    """

    task = "summarise"


class WriterRun(Finished[Trained[Any, Pairs, PairEncoder, Written]]):
    """A finished run: its scores, its report, and the translator or summariser in it."""

    @overload
    def predict(
        self, data: object, *, n_best: None = None, beam: int | None = None,
        length_penalty: float | None = None,
    ) -> list[str]: ...  # fmt: skip

    @overload
    def predict(
        self, data: object, *, n_best: int, beam: int | None = None,
        length_penalty: float | None = None,
    ) -> list[list[tuple[str, float]]]: ...  # fmt: skip

    def predict(
        self,
        data: object,
        *,
        n_best: int | None = None,
        beam: int | None = None,
        length_penalty: float | None = None,
    ) -> list[str] | list[list[tuple[str, float]]]:
        """Return the best text for each of a list of sources, or of a file's or frame's.

        n_best: for each source a list of so many texts with their log probabilities, the best
        first; beam, length_penalty: those of the run when absent, but a beam as wide as n_best.
        """
        how = Writing(beam=beam, n_best=n_best or 1, length_penalty=length_penalty)
        found = self._trained.write(self._read(data), how)
        if n_best is None:
            return found.texts
        return [[(each.text, each.log_prob) for each in best] for best in found.targets]

    def sample(
        self,
        data: object,
        count: int = 1,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[list[tuple[str, float]]]:
        """Draw `count` texts for each source by the model's probabilities, with their logarithms.

        temperature: below 1 favours likely tokens, 0 takes the likeliest; top_k: only so many
        likeliest tokens, 0 for all; top_p: only the likeliest with this probability in all. The
        same seed gives the same texts of a source, whatever is drawn with it.
        """
        how = Drawing(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        found = self._trained.write(self._read(data), Writing(n_best=count, drawing=how))
        return [[(each.text, each.log_prob) for each in drawn] for drawn in found.targets]

    def attention(self, data: object) -> list[Attended]:
        """Return where the network looked: tokens of the source and of the best text, and weights.

        `weights` [T, S] has a row for each token of `target`, which sums to 1 over `source`. Raises
        `ConfigError` for a run without attention.
        """
        self._trained.attender()
        samples = self._read(data)
        return self._trained.attended(samples, self._trained.write(samples, Writing()))

    def score(self, sources: object, targets: Sequence[str]) -> list[Likelihood]:
        """Return how probable these targets are: log probabilities of their tokens and ends."""
        return self._trained.likelihoods(self._read(sources), targets)

    def quality(self, sources: object, targets: object = None) -> dict[str, Any]:
        """Return the metrics of the run on these pairs, without the baselines."""
        trained = self._trained
        pairs = trained.task.read_labelled(_pairs(sources, targets), trained.model, None)
        return trained.task.score(trained.model, pairs, trained.predict(pairs)).values

    def evaluate(
        self, data: object, targets: object = None, *, include_training: bool = False
    ) -> dict[str, Any]:
        """Return scores of model and baselines on pairs that the run was not trained on."""
        return super().evaluate(_pairs(data, targets), include_training=include_training)

    def _read(self, data: object) -> Pairs:
        if isinstance(data, str) and not Path(data).exists():
            raise DataError(f"{data[:60]!r}: no such file; texts are given as a list")
        return self._trained.read(_listed(data))


def _apart(data: object, part: str, beside: dict[str, object]) -> object:
    """Return the data of a split; of two files the first one, and the other among the settings."""
    if isinstance(data, tuple) and len(data) == 2:
        if all(map(is_file, data)):
            beside[f"{part}_target_path".lstrip("_")] = data[1]
            return data[0]
        if data[1] is None:
            return data[0] if is_table(data[0]) else data
    return data


def _pairs(sources: Any, targets: Any) -> object:
    """Return a file or frame as it is, two files as a pair; texts with their targets."""
    if targets is None:
        if sources is None or is_table(sources) or isinstance(sources, (Pairs, tuple)):
            return sources
        raise DataError("targets: one for each source is needed")
    if is_file(sources) and is_file(targets):
        return sources, targets
    if is_table(sources):
        raise DataError("targets: stand in the file or frame; name their column with target=")
    return pairs_of(_listed(sources), _listed(targets))


def _listed(data: Any) -> Any:
    """Return data as they are, texts of an iterator, an array or a column as a list."""
    if isinstance(data, Iterator) or (hasattr(data, "tolist") and not is_table(data)):
        return list(data)
    return data
