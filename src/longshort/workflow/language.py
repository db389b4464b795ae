"""Language modelling: the job of a run, and what a finished one can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from longshort.config.language import LanguageConfig
from longshort.data.findings import Finding, refuse_errors
from longshort.data.running import RunningSplits, make_running_splits, read_running
from longshort.data.textfiles import well_formed
from longshort.errors import DataError, RunError
from longshort.metrics.language import scores as scores_from
from longshort.report.language import LanguageReport, build_page, model_card
from longshort.runfolder import MODEL
from longshort.tables import readable
from longshort.tasks.language.doctor import examine, known_passages
from longshort.tasks.language.fitted import Fitted, Ints, decided
from longshort.tasks.language.generate import Sampling, write_on
from longshort.tasks.language.idle import refuse_idle
from longshort.tasks.language.network import LanguageModel
from longshort.tasks.language.scoring import predictions, score, score_on, scores_of
from longshort.tasks.language.task import LanguageTask, build_network, losses_of
from longshort.train import TrainResult
from longshort.train.checkpoint import load_model, load_weights
from longshort.train.learning import Tell, TrainPlan
from longshort.workflow.job import (
    Job,
    Outcome,
    Say,
    environment,
    open_finished,
    own_data,
    quiet,
    refuse_other_content,
    refuse_other_fit,
    threads,
    training_record,
)


class LanguageJob(Job[LanguageConfig, LanguageTask]):
    """From running text to a language model beside its rivals."""

    def __init__(self, config: LanguageConfig, parts: RunningSplits) -> None:
        with threads(config.train.threads):
            super().__init__(config, LanguageTask(config, parts))
        self.parts = parts
        self.findings = _findings(config, parts, self.task.fitted, self.task.train)
        refuse_errors(self.findings, parts.train.name)

    @staticmethod
    def prepare(config: LanguageConfig, data: object, say: Say) -> LanguageJob:
        """Read the text, cut the parts, and decide what is open."""
        parts = read_splits(config, data)
        given = config.text
        config = _decided(config, parts)
        refuse_idle(config)
        job = LanguageJob(config, parts)
        fitted = job.task.fitted
        _describe(parts, say)
        for finding in job.findings:
            say(f"{finding.severity}: {finding.sentence()}")
        for name in ("tokens", "min_count", "eos"):
            if getattr(given, name) is None:
                say(f"decided: text.{name} = {getattr(job.config.text, name)}")
        say(
            f"train: {len(job.task.train):,} tokens ({fitted.tokens}), "
            f"{len(fitted.vocabulary) - 1:,} different ones"
        )
        return job

    @staticmethod
    def again(config: LanguageConfig, data: object, stored: dict[str, Any]) -> LanguageJob:
        """As it was prepared, from what was decided then; other data are refused."""
        parts = read_splits(config, data)
        refuse_other_content(parts.train.name, _digest(parts), stored)
        job = LanguageJob(config, parts)
        refuse_other_fit(job.task.fitted.to_dict(), str(config.text.tokens), stored)
        return job

    @property
    def name(self) -> str:
        """Of the data."""
        return self.parts.train.name

    def digest(self) -> str:
        """Of all parts."""
        return _digest(self.parts)

    def plan(self) -> TrainPlan:
        """Every training token once an epoch, if there is no cap."""
        train = self.config.train
        batches = -(-self.task.num_samples // train.bptt)
        return TrainPlan(
            train.batch_size, min(batches, train.steps_per_epoch or batches), train.max_epochs
        )

    def record(self) -> dict[str, Any]:
        """Files, parts, findings, and what was fitted."""
        parts = self.parts
        return {
            "name": parts.train.name,
            "files": {
                name: {"path": part.path, "sha256": part.sha256, "characters": len(part.text)}
                for name, part in parts.by_name().items()
            },
            "split": parts.how,
            "findings": [finding.to_dict() for finding in self.findings],
            "fitted": self.task.fitted.to_dict(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """The network."""
        return dict(self.task.module.state_dict())

    def finish(self, result: TrainResult, folder: Path, tell: Tell) -> Outcome:
        """Score the test part beside the rivals, and report."""
        task, config = self.task, self.config
        with threads(config.train.threads):
            scored = score(task, tell)
            scores = scores_of(scored, self.parts.test.text, task.fitted, config)
            scores["training"] = training_record(result, task)
            scores["training"]["tokens"] = len(task.train)
            report = LanguageReport(
                config, task, self.findings, scored, scores, result, environment()
            )
            page = build_page(report, folder)
        table = predictions(scored, task.fitted)
        return Outcome(scores, readable(table), page, model_card(report))


def check(config: LanguageConfig, data: object, say: Say = quiet) -> list[Finding]:
    """Everything in the text that would harm a language model, with where and the fix."""
    parts = read_splits(config, data)
    _describe(parts, say)
    refuse_idle(_decided(config, parts))
    fitted = Fitted.fit(parts.train.text, config.text)
    return _findings(config, parts, fitted, fitted.encode(parts.train.text))


def _describe(parts: RunningSplits, say: Say) -> None:
    """What was understood, for people."""
    for name, part in parts.by_name().items():
        say(f"{name}: {len(part.text):,} characters")
    read_as = [f"note: {p.name}: {p.encoding}" for p in parts.by_name().values() if p.encoding]
    for line in dict.fromkeys(read_as):
        say(line)
    say(f"parts: {parts.how}")


def _findings(
    config: LanguageConfig, parts: RunningSplits, fitted: Fitted, train: Ints
) -> list[Finding]:
    """`train`: token numbers of the training part."""
    return examine(parts, fitted, train, config.train.batch_size)


def read_splits(config: LanguageConfig, data: object) -> RunningSplits:
    """Training, validation and test text, from files or shares."""
    val, test = (
        None if path is None else read_running(path, config.data.encoding)
        for path in (config.data.val_path, config.data.test_path)
    )
    shares = (config.split.val, config.split.test)
    return make_running_splits(read_running(data, config.data.encoding), val, test, shares=shares)


def _decided(config: LanguageConfig, parts: RunningSplits) -> LanguageConfig:
    paths = {
        name: str(Path(path).absolute())
        for name in ("path", "val_path", "test_path")
        if (path := getattr(config.data, name)) is not None
    }
    data = config.data.model_copy(update=paths)
    text = decided(config.text, parts.train.text)
    return config.model_copy(update={"data": data, "text": text})


def _digest(parts: RunningSplits) -> str:
    return " ".join(part.digest() for part in parts.by_name().values())


@dataclass(frozen=True)
class Trained:
    """A language model ready for use."""

    config: LanguageConfig
    fitted: Fitted
    network: LanguageModel
    stored: dict[str, Any]
    """What the run recorded of its data."""
    memory: object = None
    """The lines that it was trained on, where they are no file."""

    def stream(self, prompt: str, length: int, how: Sampling) -> Iterator[str]:
        """The text after the prompt, of `length` tokens, piece by piece as it is written."""
        well_formed(prompt, "prompt")
        return write_on(self.network, self.fitted, prompt, length, how)

    def unknown(self, text: str) -> list[str]:
        """Tokens of a text that the vocabulary lacks, in order."""
        well_formed(text, "prompt")
        tokens = self.fitted.cut(text)
        return [token for token in tokens if token not in self.fitted.vocabulary]

    def score(self, text: str) -> dict[str, float | None]:
        """Perplexity, nats per token, bits per character and byte, and `tokens`, of a text.

        Bits are None where the tokens do not restore the text.
        """
        well_formed(text, "score")
        numbers = self.fitted.encode(text)
        if not len(numbers):
            raise DataError("score: the text has no token")
        nats = losses_of(self.network, numbers, self.fitted.begin)
        whole = text if self.fitted.restores(text) else None
        more = self.fitted.bits_of_unknown(numbers)
        return scores_from(nats, whole, more) | {"tokens": len(numbers)}

    def evaluate(
        self, data: object, *, include_training: bool = False, say: Say = quiet
    ) -> dict[str, Any]:
        """Scores of the model and its rivals on another text, as in `scores.json`.

        The rivals are fitted to the run's own text again. A text that is the run's own, or most of
        whose passages are, is refused, unless it is asked for.
        """
        config, fitted = self.config, self.fitted
        own = own_data(config, self.memory)
        parts, whole = read_splits(config, own), read_running(own, config.data.encoding)
        refuse_other_content(parts.train.name, _digest(parts), self.stored)
        text = read_running(data, config.data.encoding)
        known, passages = known_passages(text, [parts.train, parts.val])
        told = (
            f"{len(known):,} of {len(passages):,} passages stand in its training or validation text"
        )
        is_own = text.digest() in {each.digest() for each in (parts.train, parts.val, whole)}
        if not include_training and (is_own or 2 * len(known) > len(passages)):
            raise DataError(
                f"{text.name}: the run was trained on {'' if is_own else 'most of '}this text"
                f"{'' if is_own else f' ({told})'}; give another, or --include-training"
            )
        if known:
            say(f"warning: {told}, so scores flatter")
        numbers = [fitted.encode(each.text) for each in (parts.train, parts.val, text)]
        if not len(numbers[2]):
            raise DataError(f"{text.name}: has no token")
        say(f"{text.name}: {len(numbers[2]):,} tokens ({fitted.tokens})")
        with threads(config.train.threads):
            scored = score_on(self.network, fitted, config, numbers[0], numbers[1], numbers[2])
        return scores_of(scored, text.text, fitted, config)


def load(path: Path) -> Trained:
    """A finished run. Nothing in its files is executed."""
    folder, config, stored = open_finished(path)
    if not isinstance(config, LanguageConfig):
        raise RunError(f"{path}: is a run of the task {config.task!r}, and no language model")
    fitted = Fitted.from_dict(stored.get("fitted", {}))
    tensors = load_model(folder)
    network = build_network(config, fitted)
    load_weights(network, tensors, folder.file(MODEL))
    return Trained(config, fitted, network.to(config.train.device).eval(), stored)
