"""The contract between a run and a task.

What every application does alike stands once in this package: reading, splitting, training, scoring
beside the baselines, the verdict, the report, saving, loading, resuming. A task says what is
particular about one application. It holds no state: what is learned lies in a `Model`. Only methods
that need a network import torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config.training import BaseConfig, TrainConfig
from longshort.data.findings import Finding
from longshort.data.splits import S, Splits, make_splits, unlearned
from longshort.metrics.significance import Comparison, compare
from longshort.runs.decisions import changed_settings
from longshort.tables import readable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from longshort.report.sections import Section
    from longshort.runs.result import Result
    from longshort.train.learning import Learning, TrainPlan

C = TypeVar("C", bound=BaseConfig)
E = TypeVar("E")
P = TypeVar("P")
"""A task's config, encoder and prediction; its samples are `S`."""

Say = Callable[[str], None]
"""Takes a remark for people."""
Track = Callable[[str, int, int], None]
"""Takes what is being done, and how much of how much of it is done; 0 of 0 where unknown."""

MODEL = "model"
"""The model's name in tables."""


def quiet(_line: str) -> None:
    """Say nothing."""


def untracked(_what: str, _done: int, _total: int) -> None:
    """Follow nothing."""


@dataclass(frozen=True)
class Metric:
    """A column of the score table.

    number: how the verdict writes a value, as a format; spoken: the sentence part around it.
    scale: what a value is multiplied by before.
    """

    key: str
    title: str
    higher_is_better: bool = True
    number: str = "{:.4g}"
    spoken: str = "{}"
    scale: float = 1.0

    def rank(self, value: float | None) -> float:
        """A key that sorts the best value first, and a missing one last."""
        if value is None:
            return float("inf")
        return -value if self.higher_is_better else value

    def write(self, value: float) -> str:
        """A value as the verdict has it, without words."""
        return self.number.format(self.scale * value)


@dataclass(frozen=True)
class Words:
    """How people call what a task is about.

    usage: how a finished run is used, a sentence of Markdown for the model card; scores: how the
    metrics are counted, below the score table; gain: what the verdict's interval is of.
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
    """Samples of a split, with the numbers that the encoder made of them.

    arrays: in NumPy; has `lengths` [n], the steps of each sample, and `batch`, which gives the
    samples of these numbers as a dataclass of padded arrays.
    """

    samples: S
    arrays: Any


@dataclass(frozen=True)
class Model(Generic[C, E]):
    """What a run trains and a finished run predicts with; `network` is a `torch.nn.Module`."""

    config: C
    encoder: E
    network: Any
    kept: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Arrays that were fitted beside the weights, such as a calibration."""

    @property
    def device(self) -> str:
        """Where the network computes."""
        return self.config.train.device


class Loss(NamedTuple):
    """A batch's mean loss as it is reported, and what is minimised: the same with penalties."""

    reported: Tensor
    minimised: Tensor


class Training(NamedTuple):
    """A network in training, how, and how much."""

    learning: Learning
    settings: TrainConfig
    plan: TrainPlan
    is_brief: bool = False
    """Whether it takes seconds, so that its steps are not reported."""


@dataclass(frozen=True)
class Baseline(Generic[P]):
    """A prediction that a sceptic puts beside the network's.

    title: what it is, in the words of the verdict; note: a remark below the score table, which goes
    on from the baseline's name. A variant of the model itself does not compete for the verdict.
    """

    prediction: P
    title: str
    note: str = ""
    is_variant: bool = False


@dataclass(frozen=True)
class Scores:
    """Metrics by key for the score table, and what the paired test looks at, a row a sample.

    order: what the best baseline is least in; by the deciding metric when absent.
    """

    values: dict[str, Any]
    per_sample: NDArray[np.float64]
    order: float | None = None


@dataclass(frozen=True)
class Scored(Generic[S, P]):
    """The test split with all predictions of it and their scores; the model's name is "model"."""

    samples: S
    predictions: dict[str, P]
    scores: dict[str, Scores]
    baselines: dict[str, Baseline[P]]
    best: str
    """Name of the best baseline."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Baselines that are missing, and why."""


class Task(ABC, Generic[C, S, E, P]):
    """One application."""

    name: ClassVar[str]
    """As `--task` names it."""
    Config: ClassVar[type[BaseConfig]]
    """Settings; every field has a help text."""
    metrics: ClassVar[tuple[Metric, ...]]
    """Columns of the score table; the first one decides which baseline is the best."""
    words: ClassVar[Words]
    run_class: ClassVar[str] = "longshort.api.runs:TaskRun"
    """What `longshort.load` gives of a run, as "module:Class"."""
    checks_decisions: ClassVar[bool] = True
    """Whether `check` looks at settings that are decided from the data."""
    needs_own_data: ClassVar[bool] = True
    """Whether baselines are fitted anew, to a run's own data, when the run is evaluated."""

    # Data

    @abstractmethod
    def read(self, data: object, config: C) -> S:
        """Labelled samples from a file, a frame, or samples as they are.

        Raises `DataError` with file, row and column.
        """

    def read_splits(self, given: Mapping[str, object], config: C) -> dict[str, S]:
        """The samples of each source: "train", and "val" and "test" where they are given."""
        return {name: self.read(source, config) for name, source in given.items()}

    def read_new(self, data: object, model: Model[C, E]) -> S:
        """Samples to predict, read as the run's own were; labels are not needed."""
        return self.read(data, model.config)

    def read_labelled(self, data: object, model: Model[C, E], own: Splits[S] | None) -> S:
        """Labelled samples to score a finished run on; `own` are the splits that it had, where the
        task needs its own data."""
        del own
        return self.read(data, model.config)

    @abstractmethod
    def split(self, given: Any, config: Any) -> Splits[S]:
        """Training, validation and test samples, from those that are given by these names."""

    @abstractmethod
    def unlearned(self, samples: S, model: Model[C, E], own: Splits[S] | None, say: Say) -> S:
        """Those that a run was neither trained nor validated on; raises where none is left.

        own: the run's splits, where the task needs its own data.
        """

    def describe(self, splits: Splits[S], config: C) -> list[str]:
        """What was understood of the data, in lines for people; `config` is as it was given."""
        del config
        counts = splits.by_name().items()
        return [f"{name}: {len(samples):,} {self.words.samples}" for name, samples in counts]

    @abstractmethod
    def check(self, splits: Splits[S], config: C) -> list[Finding]:
        """Everything in the data that would harm a model, with where and the fix.

        First what reading and splitting brought to light, which is in `splits.findings`.
        """

    def digest(self, splits: Splits[S]) -> str:
        """Of the content of all splits: a run is resumed with the same content only."""
        return " ".join(samples.digest() for samples in splits.by_name().values())

    def record(self, splits: Splits[S]) -> dict[str, Any]:
        """What `data.json` says of the sources and their splits."""
        files = {
            name: {"path": each.path, "sha256": each.sha256, "samples": len(each)}
            for name, each in splits.by_name().items()
        }
        return {"files": files, "split": splits.how}

    def decisions(self, before: C, after: C, splits: Splits[S]) -> list[str]:
        """What was decided, in lines for people: here every setting that changed, in one."""
        del splits
        found = list(changed_settings(before, after))
        return [", ".join(found)] if found else []

    def resolve(self, config: C, splits: Splits[S]) -> C:
        """The config with every open setting decided; what changed is reported."""
        del splits
        return config

    def unused(self, config: C, splits: Splits[S]) -> list[tuple[str, str]]:
        """Keys of settings without effect on these data, and why; chosen ones are refused."""
        del config, splits
        return []

    # Encoder

    @abstractmethod
    def fit_encoder(self, train: S, config: C) -> E:
        """Vocabularies, scales and the like, from the training split alone."""

    @abstractmethod
    def store_encoder(self, encoder: E) -> dict[str, Any]:
        """Plain values for JSON, from which `restore_encoder` makes the encoder again."""

    @abstractmethod
    def restore_encoder(self, stored: dict[str, Any], config: C) -> E:
        """What `store_encoder` gave; raises any of `DAMAGED` where it is damaged."""

    @abstractmethod
    def encode(self, encoder: E, samples: S) -> Any:
        """Samples as numbers, with targets where they have labels: `arrays` of `Encoded`."""

    def describe_encoded(self, encoder: E, encoded: Mapping[str, Encoded[S]]) -> list[str]:
        """What became of the samples of these names as numbers, in lines for people."""
        del encoder, encoded
        return []

    # Network

    @abstractmethod
    def build(self, config: C, encoder: E) -> nn.Module:
        """The untrained network."""

    def start(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> list[str]:
        """Give the untrained network what it starts from, such as pretrained vectors.

        Returns what is to be said of it.
        """
        del model, train, val
        return []

    @abstractmethod
    def training(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> Training:
        """How the network is trained."""

    @abstractmethod
    def predict(self, model: Model[C, E], arrays: Any) -> P:
        """The only way of inference, on encoded samples."""

    def fit_rest(
        self, model: Model[C, E], train: Encoded[S], val: Encoded[S], say: Say, track: Track
    ) -> dict[str, NDArray[np.float64]]:
        """What is fitted once the network is trained, and kept beside its weights."""
        del model, train, val, say, track
        return {}

    # Scores

    def metric(self, config: C) -> Metric:
        """The one that decides."""
        del config
        return self.metrics[0]

    def baseline_models(self, model: Model[C, E]) -> dict[str, Model[C, E]]:
        """Untrained networks that stand beside the model, by name.

        Each is trained as `training` says, and kept in the run.
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
        """Predictions of the test split by what a sceptic would use, fitted to the other splits.

        networks: those of `baseline_models`, trained.
        """

    @abstractmethod
    def score(self, model: Model[C, E], samples: S, prediction: P) -> Scores:
        """Metrics of a prediction of labelled samples."""

    def compare(self, scored: Scored[S, P], one: str, other: str) -> Comparison:
        """Paired test of two predictions: here of independent losses, one a sample."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare(first, second, 0)

    def facts(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, Any]:
        """What else `scores.json` says of the test split, such as its number of tokens."""
        del model
        return {"examples": len(scored.samples)}

    def details(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, Any]:
        """Further entries of the model's own scores, such as those of each label."""
        del model, scored
        return {}

    def notes(self, model: Model[C, E], scored: Scored[S, P]) -> dict[str, str]:
        """Remarks below the score table, by the name that each goes on from."""
        del model
        return {name: each.note for name, each in scored.baselines.items() if each.note}

    def basis(self, model: Model[C, E], scored: Scored[S, P]) -> str:
        """What the verdict rests on, such as "1,000 test sentences"."""
        del model
        return f"{len(scored.samples):,} test {self.words.samples}"

    def sentence(
        self, model: Model[C, E], cell: str, scored: Scored[S, P], result: Comparison
    ) -> str:
        """The verdict in words; cell: what the model is called."""
        from longshort.runs.verdict import sentence

        return sentence(self, model, cell, scored, result) + self.remark(model, scored, result)

    def proofs(self, result: Result[C, S, E, P]) -> tuple[dict[str, Any], str]:
        """What a run says of its own test only: entries of `scores.json`, and sentences behind the
        verdict."""
        del result
        return {}, ""

    def remark(self, model: Model[C, E], scored: Scored[S, P], result: Comparison) -> str:
        """A sentence behind the verdict, such as that nothing could be learned."""
        del model, scored, result
        return ""

    # Output

    @abstractmethod
    def table(self, model: Model[C, E], samples: S, prediction: P) -> pl.DataFrame:
        """What `predict` writes; with the truth where the samples have labels."""

    def test_table(self, model: Model[C, E], scored: Scored[S, P]) -> pl.DataFrame:
        """The test split's predictions, which the run keeps."""
        return self.table(model, scored.samples, scored.predictions[MODEL])

    def readable(self, table: pl.DataFrame) -> pl.DataFrame:
        """A table of predictions with as many digits as people need."""
        return readable(table)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """The same for `predict --json`."""
        return {"predictions": table.to_dicts()}

    def about(self, model: Model[C, E], splits: Splits[S]) -> list[str]:
        """Lines about data and encoder, for the head of the report and the model card."""
        del model
        total = sum(len(samples) for samples in splits.by_name().values())
        return [f"{splits.train.name}: {total:,} {self.words.samples}"]

    def sections(self, result: Result[C, S, E, P]) -> Sequence[Section]:
        """Of the report, behind the score table."""
        del result
        return ()

    def split_table(self, result: Result[C, S, E, P]) -> list[list[str]]:
        """The report's table of the splits, its header first."""
        counts = result.splits.by_name().items()
        return [["split", self.words.samples], *([n, f"{len(s):,}"] for n, s in counts)]


class SampleTask(Task[C, S, E, P]):
    """A task whose samples are independent of each other.

    They are drawn for the splits, learned in batches of similar length, and known by their content.
    """

    measure: ClassVar[str]
    """What `validate` returns, as people call it."""

    def split(self, given: Any, config: Any) -> Splits[S]:
        """Those that are not given are drawn, seeded."""
        split = config.split
        return make_splits(
            given, val=split.val, test=split.test, stratify=split.stratify, seed=split.seed
        )

    def unlearned(self, samples: S, model: Model[C, E], own: Splits[S] | None, say: Say) -> S:
        """Those whose content is neither in the run's training nor in its validation split."""
        del model
        found: S = unlearned(samples, own, self.words.samples, say)
        return found

    @abstractmethod
    def loss(self, model: Model[C, E], batch: Any) -> Loss:
        """Mean loss of a training batch, whose arrays are tensors on the network's device."""

    @abstractmethod
    def validate(self, model: Model[C, E], val: Encoded[S]) -> float:
        """Score on the validation split, which has samples; lower is better."""

    def training(self, model: Model[C, E], train: Encoded[S], val: Encoded[S]) -> Training:
        """How the network is trained: here in batches of samples of similar length."""
        from longshort.runs.batches import BatchLearning

        learning = BatchLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())


DAMAGED = (AttributeError, KeyError, TypeError, ValueError, IndexError)
"""What restoring from damaged values may raise."""
