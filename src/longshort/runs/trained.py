"""A finished run in use: prediction, and evaluation beside its baselines on new data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

from longshort.config import assign, build_as, read_back
from longshort.data.splits import S, Splits
from longshort.data.strokes.ink import Ink
from longshort.errors import ConfigError, DataError, LongshortError, RunError
from longshort.lazy import polars as pl
from longshort.runs.abilities import (
    Attends,
    Draws,
    Enrols,
    Explains,
    FindsEvents,
    Follower,
    Follows,
    Generates,
    LooksAhead,
    Ranks,
    ReadsLines,
    Stepper,
    Steps,
    Transcribes,
    Unexplained,
    Writes,
    WritesFiles,
)
from longshort.runs.bundle import is_bundle, read_bundle
from longshort.runs.cell import model_title
from longshort.runs.explaining import Subject
from longshort.runs.lookup import find_task, tasks_with
from longshort.runs.pen import Pen
from longshort.runs.prepare import read_splits
from longshort.runs.session import Session, restored
from longshort.runs.task import C, E, Encoded, Model, P, Say, Scored, Task, quiet, untracked
from longshort.runs.transcribing import Heard, Listening
from longshort.runs.verdict import scored, scores_of
from longshort.runs.writing import Attended, Likelihood, Writing, Written
from longshort.runtime.network import Callee, Network


@dataclass(frozen=True)
class Trained(Generic[C, S, E, P]):
    """A trained model ready for use.

    networks: its baseline networks, by name. content: digest of the data that it was trained on.
    digest: of settings, encoder and weights, to which snapshots of sessions are bound. memory: the
    data, where it is not in a file.
    """

    task: Task[C, S, E, P]
    model: Model[C, E]
    networks: dict[str, Model[C, E]]
    content: str
    digest: str
    memory: object = None
    read_by: C | None = None
    """Settings for reading new files, where they differ from the run's."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """Scores of the test split, where they came with the model."""

    @property
    def config(self) -> C:
        """All settings of the run."""
        return self.model.config

    @property
    def encoder(self) -> E:
        """The encoder, fitted on the training split."""
        return self.model.encoder

    def remember(self, data: object) -> Trained[C, S, E, P]:
        """Return a copy that holds the data in memory that it was trained on."""
        return replace(self, memory=data)

    def reading(self, settings: Mapping[str, object]) -> Trained[C, S, E, P]:
        """Return a copy that reads new files by other settings of the table `data`.

        settings: values by dotted key, such as "data.separator".
        """
        if not settings:
            return self
        nested: dict[str, Any] = read_back(without_other_files(self.config))
        for key, value in settings.items():
            assign(nested, key, value)
        return replace(self, read_by=build_as(type(self.config), nested))

    def given_or_own(self, data: object) -> object:
        """Return the data; where that is None, what the run was trained on.

        Raises `RunError` where that was in memory and is gone.
        """
        own = self.config.path if self.memory is None else self.memory
        if data is None and own is None:
            raise RunError(
                "the run was trained on data in memory that is gone; give the data to predict"
            )
        return own if data is None else data

    @property
    def _reader_model(self) -> Model[C, E]:
        """The model with the settings by which new files are read.

        Files that belong to the run's own, such as that of its targets, are not those of others.
        """
        if self.read_by is not None:
            return replace(self.model, config=self.read_by)
        return replace(self.model, config=without_other_files(self.config))

    def read(self, data: object, say: Say = quiet) -> S:
        """Read samples to predict, from a file or frame."""
        samples = self.task.read_new(data, self._reader_model)
        _report(samples, say)
        return samples

    def read_named(self, data: object, say: Say = quiet) -> S:
        """Read samples that say whose they are, from a file or frame."""
        samples = self.task.read_labelled(data, self._reader_model, None)
        _report(samples, say)
        return samples

    def read_lines(self, lines: Sequence[str], first: int = 1, say: Say = quiet) -> S:
        """Make samples to predict from lines of text; `first` is the number of the first line."""
        found: S = self._reader().read_lines(lines, first, self.model)
        _report(found, say)
        return found

    def line(self, text: str, number: int, say: Say = quiet) -> str:
        """Predict a line of text; returns a line for a terminal."""
        samples = self.read_lines([text], number, say)
        return self._reader().line(samples, self.predict(samples), self.model)

    def refuse_lines(self) -> None:
        """Raise `ConfigError` if the run does not read lines of text."""
        self._reader().refuse_lines(self.model)

    def _reader(self) -> ReadsLines:
        if isinstance(self.task, ReadsLines):
            return self.task
        instead = "`longshort generate` writes text" if self.generates else "give a file"
        raise ConfigError(
            f"--data: the task {self.task.name!r} does not read lines of text; {instead}"
        )

    @property
    def generates(self) -> bool:
        """Whether the task writes text."""
        return isinstance(self.task, Generates)

    @property
    def looks_ahead(self) -> bool:
        """Whether the task forecasts past the end of the data."""
        return isinstance(self.task, LooksAhead)

    def ahead(self, data: object = None, horizon: int | None = None, say: Say = quiet) -> Any:
        """Forecast past the end of the data; None: the run's own. See `LooksAhead.ahead`."""
        if not isinstance(self.task, LooksAhead):
            raise ConfigError(f"the task {self.task.name!r} does not forecast past an end")
        own = self.config.path if self.memory is None else self.memory
        with self._threads():
            return self.task.ahead(self._reader_model, own if data is None else data, horizon, say)

    def _refuse_bundle(self, command: str) -> None:
        """Raise `RunError` if the network was exported, without gradients and baselines."""
        if isinstance(self.model.network, Callee):
            raise RunError(
                f"{command}: a bundle predicts and writes, and has neither gradients nor "
                "baselines; give the folder of the run that it was exported from"
            )

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """Use as many CPU threads as the settings say; an exported network has none of its own."""
        if isinstance(self.model.network, Callee):
            yield
            return
        from longshort.runs.job import threads

        with threads(self.config.train.threads):
            yield

    def predict(self, samples: S) -> P:
        """Predict samples that were read by `read`."""
        arrays = self.task.encode(self.encoder, samples)
        with self._threads():
            return self.task.predict(self.model, arrays)

    def table(self, samples: S) -> pl.DataFrame:
        """Predict samples; returns the table that `predict` writes."""
        return self.task.table(self.model, samples, self.predict(samples))

    def draw(self, how: Pen) -> list[Ink]:
        """Return new drawings; raises `ConfigError` for a task that makes none."""
        if not isinstance(self.task, Draws):
            raise ConfigError(
                f"draw: the task {self.task.name!r} makes no drawings (tasks that do: "
                f"{', '.join(tasks_with(Draws))})"
            )
        with self._threads():
            return self.task.draw(self.model, how)

    def events(self, samples: S, prediction: P) -> pl.DataFrame | None:
        """Stretches that stand out; None for a task that finds none."""
        if not isinstance(self.task, FindsEvents):
            return None
        return self.task.events(self.model, samples, prediction)

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of files that predictions can be written as, beside tables."""
        return self.task.endings if isinstance(self.task, WritesFiles) else ()

    def file(self, samples: S, prediction: P, ending: str) -> bytes:
        """Return predictions as the content of a file with one of `endings`."""
        assert isinstance(self.task, WritesFiles)
        return self.task.file(self.model, samples, prediction, ending)

    def ranker(self) -> Ranks:
        """The task, where it ranks answers; raises `ConfigError` where it does not."""
        if isinstance(self.task, Ranks):
            return self.task
        raise ConfigError(
            f"top_k: the task {self.task.name!r} does not rank answers by their probability; leave "
            f"it out (tasks that do: {', '.join(tasks_with(Ranks))})"
        )

    def ranked(self, samples: S, count: int) -> pl.DataFrame:
        """Predict samples; a row for each with its `count` most probable answers."""
        return self.ranker().ranked(self.model, samples, self.predict(samples), count)

    def writer(self) -> Writes:
        """Return the task if it writes a text for a text; raises `ConfigError` if not."""
        if isinstance(self.task, Writes):
            return self.task
        raise ConfigError(
            f"write: the task {self.task.name!r} does not write a text for a text; use `longshort "
            f"predict` (tasks that write: {', '.join(tasks_with(Writes))})"
        )

    def write(self, samples: S, how: Writing) -> Written:
        """Write texts for samples that were read by `read`."""
        with self._threads():
            return self.writer().write(self.model, samples, how)

    def transcriber(self) -> Transcribes:
        """Return the task if it writes down what is said; raises `ConfigError` if not."""
        if isinstance(self.task, Transcribes):
            return self.task
        raise ConfigError(
            f"transcribe: the task {self.task.name!r} does not write down what is said; use "
            f"`longshort predict` (tasks that do: {', '.join(tasks_with(Transcribes))})"
        )

    def transcribe(self, samples: S, how: Listening) -> Heard:
        """Write down what is said in samples that were read by `read`."""
        with self._threads():
            return self.transcriber().transcribe(self.model, samples, how)

    def likelihoods(
        self, samples: S, targets: Sequence[str], name: str = "targets"
    ) -> list[Likelihood]:
        """Return how probable these targets of samples are; `name` is the targets' in messages."""
        pairs = self.writer().with_targets(samples, targets, name)
        with self._threads():
            return self.writer().likelihoods(self.model, pairs)

    def attended(self, samples: S, prediction: object) -> list[Attended]:
        """Return where the model looked, by the names of tokens."""
        return self.attender().attended(self.model, samples, prediction)

    def attender(self) -> Attends:
        """Return the task if it says where the model looked; raises `ConfigError` if not."""
        if isinstance(self.task, Attends):
            return self.task
        raise ConfigError(
            f"attention: the task {self.task.name!r} does not give it; leave it out (tasks that "
            f"do: {', '.join(tasks_with(Attends))})"
        )

    def enroller(self) -> Enrols:
        """Return the task if it enrols individuals; raises `ConfigError` if not."""
        if isinstance(self.task, Enrols):
            return self.task
        raise ConfigError(
            f"the run: the task {self.task.name!r} knows no individuals (tasks that do: "
            f"{', '.join(tasks_with(Enrols))}); give a run of such a task"
        )

    def explainer(self) -> Explains:
        """Return the task if its answers can be explained; raises `ConfigError` if not."""
        self._refuse_bundle("explain")
        if isinstance(self.task, Explains):
            return self.task
        if isinstance(self.task, Unexplained):
            raise ConfigError(
                f"explain: runs of the task {self.task.name!r} are not explained: "
                f"{self.task.unexplained}"
            )
        raise ConfigError(
            f"explain: the answers of the task {self.task.name!r} cannot be explained (tasks whose "
            f"answers can: {', '.join(tasks_with(Explains))})"
        )

    def subject(self, data: object = None, say: Say = quiet) -> Subject:
        """Return rows that can be explained: those of `data`, or of the run's own test split.

        The network is a private copy in double precision, in evaluation mode. Without the run's
        training data, which are then not compared with, `data` is needed.
        """
        task = self.explainer()
        try:
            own: Splits[S] | None = self.own_splits()
        except RunError as error:
            if data is None:
                raise
            own = None
            say(f"note: no training rows to compare with: {error}")
        samples = own.test if data is None and own is not None else self._labelled_or_new(data, own)
        network = deepcopy(self.model.network).double().eval().requires_grad_(False)
        model = replace(self.model, network=network)
        with self._threads():
            return task.subject(model, samples, None if own is None else own.train)

    def _labelled_or_new(self, data: object, own: Splits[S] | None) -> S:
        """Read data with their truth where they have it, otherwise without."""
        try:
            return self.task.read_labelled(data, self._reader_model, own)
        except DataError as error:
            try:
                return self.task.read_new(data, self._reader_model)
            except LongshortError:
                raise error from None

    def follower(self, path: Path, state: Path) -> Follower:
        """What follows a growing file; raises `ConfigError` where the task cannot."""
        if isinstance(self.task, Follows):
            return self.task.follower(self.model, path, state)
        raise ConfigError(f"--follow: the task {self.task.name!r} does not follow a growing file")

    @cached_property
    def _stepper(self) -> Stepper:
        if isinstance(self.task, Steps):
            return self.task.stepper(self.model)
        raise ConfigError(
            f"session: the task {self.task.name!r} does not take samples step by step (tasks that "
            f"do: {', '.join(tasks_with(Steps))})"
        )

    def session(self) -> Session:
        """Return a stream of samples through the model, before its first."""
        return Session(self._stepper, self.digest)

    def restore(self, snapshot: bytes) -> Session:
        """Return the session of a snapshot.

        Raises `RunError` if it is damaged, or of another model or version.
        """
        return restored(snapshot, self._stepper, self.digest)

    @property
    def executor(self) -> str:
        """What runs the recurrent layers, for people."""
        network = self.model.network
        return network.said if isinstance(network, Network) else "torch"

    def session_schema(self) -> dict[str, Any]:
        """Return what a session's step takes and answers, as plain values; see `Stepper.schema`."""
        return self._stepper.schema

    def evaluate(
        self, data: object, *, include_training: bool = False, say: Say = quiet
    ) -> dict[str, Any]:
        """Score the model and its baselines on labelled data; returns the content of `scores.json`.

        The baselines are fitted anew on the run's own data. Samples that the run was trained or
        validated on are left out, unless `include_training` is set.
        """
        self._refuse_bundle("evaluate")
        own = self.own_splits() if self.task.needs_own_data else None
        samples = self.task.read_labelled(data, self._reader_model, own)
        if include_training:
            say("note: what the run was trained on is scored too; it says little of new data")
        else:
            samples = self.task.unlearned(samples, self.model, own, say)
        _report(samples, say)
        splits = {"test": samples}
        if own is not None:
            splits |= {"train": own.train, "val": own.val}
        with self._threads():
            encoded = {name: self._encoded(each) for name, each in splits.items()}
            for line in self.task.describe_encoded(self.encoder, {samples.name: encoded["test"]}):
                say(line)
            prediction = self.task.predict(self.model, encoded["test"].arrays)
            others = self.task.baselines(self.model, encoded, self.networks, untracked)
            found = scored(self.task, self.model, samples, prediction, others)
            return scores_of(self.task, self.model, model_title(self.config), found)

    def score_again(self) -> tuple[Splits[S], dict[str, Encoded[S]], Scored[S, P]]:
        """Predict and score the run's own test split again, beside its baselines.

        Returns the run's splits, encoded too, and the scores. Raises `RunError` if its data is gone
        or has changed.
        """
        splits = self.own_splits()
        with self._threads():
            encoded = {name: self._encoded(each) for name, each in splits.by_name().items()}
            own = self.task.predict(self.model, encoded["test"].arrays)
            whole = encoded if "val" in encoded else encoded | {"val": self._encoded(splits.val)}
            others = self.task.baselines(self.model, whole, self.networks, untracked)
            return splits, encoded, scored(self.task, self.model, splits.test, own, others)

    def _encoded(self, samples: S) -> Encoded[S]:
        return Encoded(samples, self.task.encode(self.encoder, samples))

    def own_splits(self) -> Splits[S]:
        """Read the run's own data again; raises `RunError` if it is gone or has changed."""
        path = self.config.path
        if self.memory is None and path is None:
            raise RunError(
                "the run was trained on data in memory that is gone, so its baselines cannot be "
                "fitted; evaluate what `fit` returned, or train from a file"
            )
        if self.memory is None and not Path(str(path)).exists():
            raise RunError(
                f"{path}: the run's training file is gone, so its baselines cannot be fitted; put "
                "it back"
            )
        splits = read_splits(self.task, self.config, self.memory)
        if self.task.digest(splits) != self.content:
            raise RunError(
                f"{splits.train.name}: is not the data that the run was trained on (its content "
                "differs), so its baselines cannot be fitted; restore it"
            )
        return splits


def without_other_files(config: C) -> C:
    """Return the settings without files beside the data's own, which are not those of new data."""
    others = [name for name in type(config.data).model_fields if name.endswith("_path")]
    data = config.data.model_copy(update=dict.fromkeys(others))
    return config.model_copy(update={"data": data})


def _report(samples: Any, say: Say) -> None:
    for finding in samples.findings:
        say(f"{finding.severity}: {finding.sentence()}")


AnyTrained = Trained[Any, Any, Any, Any]


def load(path: Path) -> AnyTrained:
    """Load a finished run of any task, or a bundle. Nothing in its files is executed.

    Raises `RunError` if a file is damaged, or was changed since training ended.
    """
    if is_bundle(path):
        bundle = read_bundle(path)
        task = find_task(bundle.model.config.task)
        read = bundle.content, bundle.digest
        return Trained(task, bundle.model, {}, *read, scores=bundle.scores)
    from longshort.runs.loading import load_run

    return Trained(*load_run(path))
