"""The public Python functions; the command line calls the same ones."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort import workflow
from longshort.config import DataConfig, RunConfig, assign, build_as
from longshort.config.classify import ClassifyConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.doctor import examine
from longshort.data.examples import example as find_example
from longshort.data.findings import Finding
from longshort.data.labelled import Examples, examples_of
from longshort.errors import ConfigError, DataError, LongshortError
from longshort.runfolder import REPORT, SCORES
from longshort.tasks.forecast.predict import Prediction
from longshort.train.events import Listener, silent
from longshort.workflow import classify, forecast, language, open_run
from longshort.workflow.forecast import Trained
from longshort.workflow.job import Say, quiet


def read(
    data: object,
    *,
    time: str | None = None,
    target: str | Sequence[str] = (),
    group: str | Sequence[str] = (),
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    freq: str | None = None,
) -> Dataset:
    """Read a file (CSV, TSV, Parquet, JSON lines, gzip too) or a polars or pandas frame.

    Columns that are not named are found and can be seen in `describe()`. Raises `DataError` with
    file, row, column and remedy.
    """
    roles = {
        "time": time,
        "target": target,
        "group": group,
        "past": past,
        "future": future,
        "static": static,
        "freq": freq,
    }
    return read_dataset(data, _data_config(roles))


def check(data: object, settings: Mapping[str, Any] | None = None) -> list[Finding]:
    """The data doctor: everything in the data that would harm a model, with where and the fix.

    `settings` are those of a run, nested as in `config.toml`; for a forecast without a target all
    numeric columns are looked at.
    """
    if (settings or {}).get("task") == "classify":
        return classify.check(build_as(ClassifyConfig, settings or {}), data)
    config = build_as(RunConfig, settings or {})
    if not config.data.target:
        everything = config.data.model_copy(update={"target": ("all",)})
        config = config.model_copy(update={"data": everything})
    return examine(read_dataset(data, config.data), config)


def example(name: str) -> Path:
    """Path of embedded data: "co2", "elnino", "weather", or the sentences "topics"."""
    return find_example(name)[0]


class Run:
    """A finished run: its scores, its report, and the forecaster in it."""

    def __init__(self, path: Path, trained: Trained, scores: dict[str, Any]) -> None:
        self.path = path
        self.scores = scores
        self._trained = trained

    @property
    def verdict(self) -> str:
        """Whether the model earned its place, in a sentence."""
        return str(self.scores["verdict"])

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    def predict(self, data: object = None, horizon: int | None = None) -> pl.DataFrame:
        """Forecast every series past its end: one row per series and step, in the data's units.

        `data` is the training file when absent. Raises when no series can be forecast; use
        `forecast` to see which were left out and why.
        """
        found = self.forecast(data, horizon)
        if found.table.is_empty():
            reasons = "; ".join(f"{name}: {why}" for name, why in found.skipped.items())
            raise LongshortError(f"no series could be forecast: {reasons}")
        return found.table

    def forecast(self, data: object = None, horizon: int | None = None) -> Prediction:
        """As `predict`, with the series that could not be forecast and remarks."""
        return forecast.predict_ahead(self._trained, data, horizon)

    def evaluate(self, data: object, *, include_training: bool = False) -> dict[str, Any]:
        """Scores of the model and its rivals on what came after the run's training."""
        return forecast.evaluate(self._trained, data, include_training=include_training)


class ClassifierRun:
    """A finished run: its scores, its report, and the classifier in it."""

    def __init__(self, path: Path, trained: classify.Trained, scores: dict[str, Any]) -> None:
        self.path = path
        self.scores = scores
        self._trained = trained

    @property
    def verdict(self) -> str:
        """Whether the model earned its place, in a sentence."""
        return str(self.scores["verdict"])

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns of `predict_proba`."""
        return self._trained.fitted.labels

    def predict(self, data: object) -> list[str]:
        """The most probable label for each of a list of texts or arrays [T, F], or of a file's."""
        return [self.labels[i] for i in self.predict_proba(data).argmax(1)]

    def predict_proba(self, data: object) -> NDArray[np.float64]:
        """Probabilities [n, K] of the `labels`."""
        if isinstance(data, str) and not Path(data).exists():
            raise DataError(f"{data[:60]!r}: no such file; texts are given as a list")
        if isinstance(data, (list, tuple, np.ndarray)):
            examples = examples_of(data)
        else:
            examples = self._trained.read(data)
        table = self._trained.predict_examples(examples)
        return table.drop("label").to_numpy()

    def evaluate(self, data: object, *, include_training: bool = False) -> dict[str, Any]:
        """Scores of the model and its rivals on labelled examples that it was not trained on."""
        return classify.evaluate(self._trained, data, include_training=include_training)


class LanguageRun:
    """A finished run: its scores, its report, and the language model in it."""

    def __init__(self, path: Path, trained: language.Trained, scores: dict[str, Any]) -> None:
        self.path = path
        self.scores = scores
        self._trained = trained

    @property
    def verdict(self) -> str:
        """Whether the model earned its place, in a sentence."""
        return str(self.scores["verdict"])

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    def stream(
        self,
        prompt: str = "",
        *,
        length: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """The text after the prompt, piece by piece as it is written.

        length: tokens; temperature: below 1 likelier tokens are drawn more often, 0 takes the
        likeliest; top_k: only the so many likeliest (0: all); top_p: only the likeliest that
        together reach this probability (1: all). Raises `ConfigError`.
        """
        return self._trained.stream(
            prompt, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )

    def generate(
        self,
        prompt: str = "",
        *,
        length: int = 200,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """As `stream`, the whole text after the prompt."""
        return self._trained.generate(
            prompt, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )

    def score(self, text: str) -> dict[str, float]:
        """Perplexity, nats per token, bits per character and byte, and `tokens`, of a text."""
        return self._trained.score(text)

    def evaluate(self, data: object, *, include_training: bool = False) -> dict[str, Any]:
        """Scores of the model and its rivals on a text file or list of lines."""
        return language.evaluate(self._trained, data, include_training=include_training)


def load(path: str | Path) -> Run | ClassifierRun | LanguageRun:
    """Load a finished run of any task; nothing in its files is executed. Raises `RunError`."""
    folder = Path(path)
    opened, config, _ = open_run(folder)
    scores = opened.read_json(SCORES)
    if config.task == "classify":
        return ClassifierRun(folder, classify.load(folder), scores)
    if config.task == "lm":
        return LanguageRun(folder, language.load(folder), scores)
    return Run(folder, forecast.load(folder), scores)


def resume(path: str | Path, data: object = None) -> Run | ClassifierRun | LanguageRun:
    """Go on with an interrupted run and return it finished.

    `data` is needed where the run was started on a frame.
    """
    workflow.resume(Path(path), data)
    return load(path)


class Forecaster:
    """An LSTM forecaster in the manner of scikit-learn: settings first, then `fit`.

    horizon: steps to forecast; context_length: steps seen before; quantiles: for intervals, such
    as (0.1, 0.5, 0.9). Absent ones are decided from the data. `settings` takes any key of
    `config.toml`, such as {"train.max_epochs": 10}.
    """

    def __init__(
        self,
        horizon: int | None = None,
        *,
        context_length: int | None = None,
        cell: str = "lstm",
        hidden: int | None = None,
        num_layers: int = 1,
        quantiles: Sequence[float] = (),
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        named = {
            "model.horizon": horizon,
            "model.context_length": context_length,
            "model.cell": cell,
            "model.hidden": hidden,
            "model.num_layers": num_layers,
            "model.quantiles": tuple(quantiles),
            "train.seed": seed,
        }
        self._settings: dict[str, Any] = {}
        for key, value in {**named, **(settings or {})}.items():
            assign(self._settings, key, value)
        build_as(RunConfig, self._settings)

    def fit(
        self,
        data: object,
        *,
        time: str | None = None,
        target: str | Sequence[str] = (),
        group: str | Sequence[str] = (),
        past: str | Sequence[str] = (),
        future: str | Sequence[str] = (),
        static: str | Sequence[str] = (),
        freq: str | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> Run:
        """Check, split, train and evaluate; the run is kept in the folder `out`.

        Without `out` the run lies in a temporary folder that the system clears some day.
        """
        roles = {
            "time": time,
            "target": target,
            "group": group,
            "past": past,
            "future": future,
            "static": static,
            "freq": freq,
        }
        settings = copy.deepcopy(self._settings)
        settings["data"] = {**settings.get("data", {}), **_given(roles)}
        if isinstance(data, (str, Path)):
            settings["data"]["path"] = str(data)
        folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="longshort-"))
        scores = workflow.run(
            settings, folder, data=data, overwrite=overwrite, say=say, listen=listen
        )
        return Run(folder, forecast.load(folder), scores)


class Classifier:
    """A classifier of texts or of numbers over time, in the manner of scikit-learn.

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
        chosen = {key: value for key, value in named.items() if value is not None}
        self._settings: dict[str, Any] = {"task": "classify"}
        for key, value in {**chosen, **(settings or {})}.items():
            assign(self._settings, key, value)
        build_as(ClassifyConfig, self._settings)

    def fit(
        self,
        data: object,
        labels: Sequence[object] | None = None,
        *,
        text: str | None = None,
        label: str | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> ClassifierRun:
        """Draw parts, train and evaluate; the run is kept in the folder `out`.

        data: a list of texts or of arrays [T, F], or an array [N, T, F], with `labels` [N]; or a
        file or frame that holds the labels, in its columns `text` and `label`. Without `out` the
        run lies in a temporary folder that the system clears some day.
        """
        settings = copy.deepcopy(self._settings)
        settings["data"] = {**settings.get("data", {}), **_given({"text": text, "label": label})}
        given = data
        if isinstance(data, (str, Path)):
            settings["data"]["path"] = str(data)
        elif isinstance(data, (list, tuple, np.ndarray)):
            if labels is None:
                raise DataError("labels: one for each item is needed")
            given = examples_of(data, labels)
        if labels is not None and not isinstance(given, Examples):
            raise DataError("labels: stand in the file or frame; name their column with label=")
        folder = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="longshort-"))
        scores = workflow.run(
            settings, folder, data=given, overwrite=overwrite, say=say, listen=listen
        )
        return ClassifierRun(folder, classify.load(folder), scores)


def _given(roles: Mapping[str, Any]) -> dict[str, Any]:
    return {role: value for role, value in roles.items() if value}


def _data_config(roles: Mapping[str, Any]) -> DataConfig:
    for role, value in roles.items():
        if not isinstance(value, (str, list, tuple, type(None))):
            raise ConfigError(f"{role}: a column name or a list of them, got {value!r}")
    return build_as(RunConfig, {"data": _given(roles)}).data
