"""The contract between a run and a task.

What all applications have in common is written once in this package: reading, splitting, training,
scoring beside the baselines, the verdict, the report, saving, loading and resuming. A task adds
what is particular about one application. It has no state: what is learned is in a `Model`. Only
methods that need a network import torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from longshort.config.training import BaseConfig, TrainConfig
from longshort.data.findings import Finding
from longshort.data.splits import S, Splits
from longshort.lazy import polars as pl
from longshort.metrics.significance import Comparison, compare
from longshort.runs.decisions import changed_settings
from longshort.runtime.network import Callee
from longshort.tables import readable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from longshort.report.sections import Section
    from longshort.runs.result import Result
    from longshort.train.learning import Learning, TrainPlan

C = TypeVar("C", bound=BaseConfig)
E = TypeVar("E")
P = TypeVar("P")
"""Types of a task's config, encoder and prediction; that of its samples is `S`."""

Say = Callable[[str], None]
"""Takes a remark for people."""
Track = Callable[[str, int, int], None]
"""Takes progress: what is being done, how much of it is done, and of how much; 0 of 0: unknown."""

MODEL = "model"
"""Name of the model in tables."""


def quiet(_line: str) -> None:
    """Discard a remark."""


def untracked(_what: str, _done: int, _total: int) -> None:
    """Discard progress."""


@dataclass(frozen=True)
class Metric:
    """A metric: one column of the score table.

    key: name in `scores.json`; title: name for people. number: format of a value in the verdict,
    after multiplication by `scale`. spoken: words of the verdict around the value, such as
    "accuracy {}". is_share: tables have it in per cent, with % in the heading.
    """

    key: str
    title: str
    higher_is_better: bool = True
    number: str = "{:.4g}"
    spoken: str = "{}"
    scale: float = 1.0
    is_share: bool = False

    @property
    def heading(self) -> str:
        """Heading of its column in tables."""
        return f"{self.title} %" if self.is_share else self.title

    def in_table(self, value: float | None) -> float | None:
        """Return a value as tables have it."""
        return 100 * value if self.is_share and value is not None else value

    def rank(self, value: float | None) -> float:
        """Return a sort key: the best value comes first, a missing one last."""
        if value is None:
            return float("inf")
        return -value if self.higher_is_better else value

    def write(self, value: float) -> str:
        """Return a value as the verdict writes it, without words around it."""
        return self.number.format(self.scale * value)


@dataclass(frozen=True)
class Words:
    """Words for a task's model and samples in messages and reports.

    model, title: the model in a sentence, and as a heading. usage: how a finished run is used, in
    Markdown. scores: how the metrics are counted. gain: what the verdict's interval is about.
    """

    model: str
    title: str
    samples: str
    unit: str
    usage: str
    scores: str = ""
    gain: str = "share of the loss saved"
    gain_form: str = "+.1%"
    start: str = "the untrained network"


@dataclass(frozen=True)
class Encoded(Generic[S]):
    """Samples of a split, and the arrays that the encoder made of them.

    arrays: NumPy arrays with the attribute `lengths` [n] (steps of each sample) and the method
    `batch(numbers)`, which returns these samples as a dataclass of padded arrays.
    """

    samples: S
    arrays: Any


@dataclass(frozen=True)
class Model(Generic[C, E]):
    """A network with the config and encoder that it needs.

    network: a `torch.nn.Module`, or an exported one (`longshort.runtime`) for inference alone.
    """

    config: C
    encoder: E
    network: Any
    kept: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Arrays that were fitted beside the weights, such as a calibration."""

    @property
    def device(self) -> str:
        """The device of the network."""
        return self.config.train.device

    def call(self, function: str, *inputs: Any) -> Any:
        """Call a function of the network in inference, with nested NumPy arrays; see `Callee`."""
        return self.callee.call(function, *inputs)

    @property
    def callee(self) -> Callee:
        """The network as what is called in inference."""
        if isinstance(self.network, Callee):
            return self.network
        from longshort.runs.tensors import TorchCalls

        return TorchCalls(self.network, self.device)


class Loss(NamedTuple):
    """Mean loss of a batch as it is reported, and as it is minimised (with penalties added)."""

    reported: Tensor
    minimised: Tensor


class Training(NamedTuple):
    """How a network is trained: its samples and loss, the settings, and the number of steps."""

    learning: Learning
    settings: TrainConfig
    plan: TrainPlan
    is_brief: bool = False
    """Whether training takes only seconds, so that its progress is not reported."""


@dataclass(frozen=True)
class Baseline(Generic[P]):
    """A baseline's prediction of the test split.

    title: the baseline in the words of the verdict. note: a remark below the score table that
    continues a sentence beginning with the baseline's name. is_variant: it is a variant of the
    model itself, which is listed but does not compete for the verdict.
    """

    prediction: P
    title: str
    note: str = ""
    is_variant: bool = False


@dataclass(frozen=True)
class Scores:
    """Scores of one prediction.

    values: metrics by key. per_sample: what the paired test compares, a row per sample. order: the
    best baseline has the lowest one; None: the deciding metric decides.
    """

    values: dict[str, Any]
    per_sample: NDArray[np.float64]
    order: float | None = None


@dataclass(frozen=True)
class Scored(Generic[S, P]):
    """The test split with all predictions of it and their scores; the model is named "model"."""

    samples: S
    predictions: dict[str, P]
    scores: dict[str, Scores]
    baselines: dict[str, Baseline[P]]
    best: str
    """Name of the best baseline."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Baselines that are missing, each with the reason."""


class Task(ABC, Generic[C, S, E, P]):
    """Base class of tasks: one application, such as classification or forecasting."""

    name: ClassVar[str]
    """Name of the task in `--task` and in the registry."""
    Config: ClassVar[type[BaseConfig]]
    """Class of the settings; every field has a description."""
    metrics: ClassVar[tuple[Metric, ...]]
    """Columns of the score table; the first one decides which baseline is the best."""
    words: ClassVar[Words]
    run_class: ClassVar[str] = "longshort.api.runs:TaskRun"
    """Class of the object that `longshort.load` returns for a run, as "module:Class"."""
    checks_decisions: ClassVar[bool] = True
    """Whether `check` needs the settings that are decided from the data."""
    needs_own_data: ClassVar[bool] = True
    """Whether evaluating a run on new data fits its baselines anew, on the run's own data."""

    # Data

    @abstractmethod
    def read(self, data: object, config: C) -> S:
        """Read labelled samples from a file, a frame, or samples in memory.

        Raises `DataError` with file, row and column.
        """

    def read_splits(self, given: Mapping[str, object], config: C) -> dict[str, S]:
        """Read each source; keys are "train", and "val" and "test" where these are given."""
        return {name: self.read(source, config) for name, source in given.items()}

    def read_new(self, data: object, model: Model[C, E]) -> S:
        """Read samples to predict, in the way of the run's own data; labels are optional."""
        return self.read(data, model.config)

    def read_labelled(self, data: object, model: Model[C, E], own: Splits[S] | None) -> S:
        """Read labelled samples on which a finished run is scored.

        own: the splits of the run, where the task needs its own data.
        """
        del own
        return self.read(data, model.config)

    @abstractmethod
    def split(self, given: Any, config: Any) -> Splits[S]:
        """Return training, validation and test samples; `given` has samples by split name."""

    def with_settings(self, splits: Splits[S], config: C) -> Splits[S]:
        """Return splits that were read once as a run has them that was given this config."""
        del config
        return splits

    @abstractmethod
    def unlearned(self, samples: S, model: Model[C, E], own: Splits[S] | None, say: Say) -> S:
        """Return the samples that the run was neither trained nor validated on.

        own: the run's splits, where the task needs its own data. Raises `DataError` if none is
        left.
        """

    def describe(self, splits: Splits[S], config: C) -> list[str]:
        """Describe the data in lines for people; `config` is as it was given, before `resolve`."""
        del config
        counts = splits.by_name().items()
        return [f"{name}: {len(samples):,} {self.words.samples}" for name, samples in counts]

    @abstractmethod
    def check(self, splits: Splits[S], config: C) -> list[Finding]:
        """Return every finding about the data that would harm a model, each with its place and fix.

        The findings of reading and splitting, `splits.findings`, come first.
        """

    def digest(self, splits: Splits[S]) -> str:
        """Return a digest of all splits' content; a run is resumed only with the same content."""
        return " ".join(samples.digest() for samples in splits.by_name().values())

    def record(self, splits: Splits[S]) -> dict[str, Any]:
        """Return the entries of `data.json` about the sources and their splits."""
        files = {
            name: {"path": each.path, "sha256": each.sha256, "samples": len(each)}
            for name, each in splits.by_name().items()
        }
        return {"files": files, "split": splits.how}

    def decisions(self, before: C, after: C, splits: Splits[S]) -> list[str]:
        """Describe the settings that `resolve` decided, in lines for people."""
        del splits
        found = list(changed_settings(before, after))
        return [", ".join(found)] if found else []

    def resolve(self, config: C, splits: Splits[S]) -> C:
        """Return the config with every open setting decided from the data; changes are reported."""
        del splits
        return config

    def longest(self, config: C, splits: Splits[S]) -> int | None:
        """Return the steps of the longest sequence that recurrent layers read in training.

        config: decided but for this. None: the task does not know it.
        """
        del config, splits
        return None

    def unused(self, config: C, splits: Splits[S]) -> list[tuple[str, str]]:
        """Return the keys of settings without effect on these data, each with the reason.

        A setting that a user chose and that has no effect is refused.
        """
        del config, splits
        return []

    # Encoder

    @abstractmethod
    def fit_encoder(self, train: S, config: C) -> E:
        """Fit vocabularies, scales and the like on the training split alone."""

    @abstractmethod
    def store_encoder(self, encoder: E) -> dict[str, Any]:
        """Return the encoder as plain values for JSON, which `restore_encoder` reads."""

    @abstractmethod
    def restore_encoder(self, stored: dict[str, Any], config: C) -> E:
        """Return the encoder that `store_encoder` wrote; damaged values raise one of `DAMAGED`."""

    @abstractmethod
    def encode(self, encoder: E, samples: S) -> Any:
        """Encode samples as arrays (`Encoded.arrays`), with targets where they have labels."""

    def describe_encoded(self, encoder: E, encoded: Mapping[str, Encoded[S]]) -> list[str]:
        """Describe the encoded samples of each split, in lines for people."""
        del encoder, encoded
        return []

    # Network

    @abstractmethod
    def build(self, config: C, encoder: E) -> nn.Module:
        """Build the untrained network."""

    def start(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> list[str]:
        """Initialise the network before training, for example with pretrained vectors.

        Returns lines for people about what was done.
        """
        del model, train, val
        return []

    @abstractmethod
    def training(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> Training:
        """Return how the network is trained."""

    @abstractmethod
    def predict(self, model: Model[C, E], arrays: Any) -> P:
        """Predict encoded samples; all inference goes through this method."""

    def rehearse(self, model: Model[C, E], arrays: Any) -> None:
        """Do all that inference does with the network, so that an export knows what it needs."""
        self.predict(model, arrays)

    def fit_rest(
        self, model: Model[C, E], train: Encoded[S], val: Encoded[S], say: Say, track: Track
    ) -> dict[str, NDArray[np.float64]]:
        """Fit what is kept beside the weights, once the network is trained."""
        del model, train, val, say, track
        return {}

    # Scores

    def metric(self, config: C) -> Metric:
        """Return the metric that decides."""
        del config
        return self.metrics[0]

    def baseline_models(self, model: Model[C, E]) -> dict[str, Model[C, E]]:
        """Return untrained baseline networks by name.

        Each is trained as `training` says, and saved with the run.
        """
        del model
        return {}

    @abstractmethod
    def baselines(
        self,
        model: Model[C, E],
        splits: Mapping[str, Encoded[S]],
        networks: Mapping[str, Model[C, E]],
        track: Track,
    ) -> dict[str, Baseline[P]]:
        """Return the baselines' predictions of the test split, fitted on the other splits.

        splits: encoded samples by split name. networks: those of `baseline_models`, trained.
        """

    @abstractmethod
    def score(self, model: Model[C, E], samples: S, prediction: P) -> Scores:
        """Score a prediction of labelled samples."""

    def compare(self, scored: Scored[S, P], one: str, other: str) -> Comparison:
        """Compare two named predictions; by default a paired test of independent losses."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare(first, second, 0)

    def facts(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, Any]:
        """Return facts about the test split for `scores.json`, such as its number of tokens."""
        del model
        return {"examples": len(scored.samples)}

    def details(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, Any]:
        """Return further entries of the model's own scores, such as those of each label."""
        del model, scored
        return {}

    def notes(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, str]:
        """Return remarks below the score table, by name of the model or baseline.

        Each continues a sentence that begins with the name.
        """
        del model
        return {name: each.note for name, each in scored.baselines.items() if each.note}

    def basis(self, model: Model[C, E], scored: Scored[S, P]) -> str:
        """Return what the verdict is based on, such as "1,000 test sentences"."""
        del model
        return f"{len(scored.samples):,} test {self.words.samples}"

    def sentence(
        self, model: Model[C, E], cell: str, scored: Scored[S, P], result: Comparison
    ) -> str:
        """Return the verdict in words; `cell` is the model's name in it."""
        from longshort.runs.verdict import sentence

        return sentence(self, model, cell, scored, result) + self.remark(model, scored, result)

    def proofs(self, result: Result[C, S, E, P]) -> tuple[dict[str, Any], str]:
        """Return evidence about a run's own test split.

        First entries of `scores.json`, then sentences that follow the verdict.
        """
        del result
        return {}, ""

    def remark(self, model: Model[C, E], scored: Scored[S, P], result: Comparison) -> str:
        """Return a sentence that follows the verdict, such as that nothing could be learned."""
        del model, scored, result
        return ""

    # Output

    @abstractmethod
    def table(self, model: Model[C, E], samples: S, prediction: P) -> pl.DataFrame:
        """Return the predictions as `predict` writes them, with the labels where there are any."""

    def test_table(self, model: Model[C, E], scored: Scored[S, P]) -> pl.DataFrame:
        """Return the predictions of the test split, which the run keeps."""
        return self.table(model, scored.samples, scored.predictions[MODEL])

    def readable(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table of predictions rounded to the digits that people need."""
        return readable(table)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """Return a table of predictions for `predict --json`."""
        return {"predictions": table.to_dicts()}

    def about(self, model: Model[C, E], splits: Splits[S]) -> list[str]:
        """Return lines about data and encoder, for the head of the report and of the model card."""
        del model
        total = sum(len(samples) for samples in splits.by_name().values())
        return [f"{splits.train.name}: {total:,} {self.words.samples}"]

    def sections(self, result: Result[C, S, E, P]) -> Sequence[Section]:
        """Return the sections of the report that follow the score table."""
        del result
        return ()

    def split_table(self, result: Result[C, S, E, P]) -> list[list[str]]:
        """Return the report's table of the splits, its header first."""
        counts = result.splits.by_name().items()
        return [["split", self.words.samples], *([n, f"{len(s):,}"] for n, s in counts)]


DAMAGED = (AttributeError, KeyError, TypeError, ValueError, IndexError)
"""Errors that restoring an encoder from damaged values may raise."""
