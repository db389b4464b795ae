"""Classification: the job of a run, and what a finished one can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch import Tensor

from longshort.config.classify import ClassifyConfig
from longshort.config.sequences import SequenceData
from longshort.data.finders import SHOWN
from longshort.data.findings import Finding, refuse_errors
from longshort.data.formats.lines import known_labels
from longshort.data.formats.rows import refuse_other_labels
from longshort.data.grams import Grams
from longshort.data.labelled import Examples, Item, examples_of
from longshort.data.labelled_doctor import Reading, examine_splits
from longshort.data.labelled_source import like, of_another, read_examples
from longshort.data.labels import as_given
from longshort.data.splits import Splits, given_of, make_splits
from longshort.data.tokens import content_of, find_tokeniser, in_full
from longshort.data.vocabulary import UNKNOWN, Vocabulary
from longshort.errors import DataError, RunError
from longshort.report.classify import ClassifyReport, build_page, model_card
from longshort.runfolder import MODEL
from longshort.runs.vectors import sized_by_vectors
from longshort.tables import readable
from longshort.tasks.classify.baselines import Known
from longshort.tasks.classify.defaults import (
    Size,
    decided_model,
    decided_text,
    decided_training,
    suited_tokens,
    validation_share,
)
from longshort.tasks.classify.fitted import Encoded, Fitted, vocabulary_of
from longshort.tasks.classify.gram_network import GramNetwork, GramTask
from longshort.tasks.classify.idle import refuse_idle
from longshort.tasks.classify.network import Classifier
from longshort.tasks.classify.scoring import predictions, score, score_on, scores_of
from longshort.tasks.classify.task import ClassifyTask, build_network, probabilities_of
from longshort.train import TrainResult, fit
from longshort.train.checkpoint import load_model, load_weights
from longshort.train.events import Listener
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
    unlearned,
)

_GRAMS = "baseline.ngrams."
"""Before the names of that baseline's weights."""


class ClassifyJob(Job[ClassifyConfig, ClassifyTask]):
    """From labelled sequences to a classifier beside its rivals."""

    def __init__(self, config: ClassifyConfig, parts: Splits[Examples]) -> None:
        with threads(config.train.threads):
            super().__init__(config, ClassifyTask(config, parts))
        self.parts = parts
        self.grams: GramNetwork | None = None

    @staticmethod
    def prepare(config: ClassifyConfig, data: object, say: Say) -> ClassifyJob:
        """Read the data, draw the parts, and decide what is open."""
        parts = read_splits(config, data)
        config = _decided(config, parts)
        parts = _examined(config, parts)
        refuse_errors(parts.findings, parts.train.name)
        _describe(parts, say)
        for finding in parts.findings:
            say(f"{finding.severity}: {finding.sentence()}")
        say(f"decided: {', '.join(_told(config, parts.train.is_text))}")
        job = ClassifyJob(config, parts)
        if job.task.coverage is not None:
            say(job.task.coverage)
        return job

    @staticmethod
    def again(config: ClassifyConfig, data: object, stored: dict[str, Any]) -> ClassifyJob:
        """As it was prepared, from what was decided then; other data are refused."""
        parts = _examined(config, read_splits(config, data))
        refuse_other_content(parts.train.name, _digest(parts), stored)
        job = ClassifyJob(config, parts)
        name = config.text.tokens or parts.train.name
        refuse_other_fit(job.task.fitted.to_dict(), name, stored)
        return job

    @property
    def name(self) -> str:
        """Of the data."""
        return self.parts.train.name

    def digest(self) -> str:
        """Of all parts."""
        return _digest(self.parts)

    def plan(self) -> TrainPlan:
        """Every training example once an epoch, or what fits into `train.steps_per_epoch`."""
        steps = self.config.train
        assert steps.batch_size and steps.max_epochs
        batches = self.task.count_batches(steps.batch_size)
        capped = min(batches, steps.steps_per_epoch or batches)
        return TrainPlan(steps.batch_size, capped, steps.max_epochs)

    def record(self) -> dict[str, Any]:
        """Files, parts, findings, and what was fitted."""
        fitted, parts = self.task.fitted, self.parts
        vocabulary = fitted.vocabulary
        return {
            "name": parts.train.name,
            "files": {
                part: {"path": examples.path, "sha256": examples.sha256, "examples": len(examples)}
                for part, examples in parts.by_name().items()
            },
            "split": parts.how,
            "findings": [finding.to_dict() for finding in parts.findings],
            "fitted": fitted.to_dict(),
            "vocabulary": None if vocabulary is None else vocabulary.to_dict(),
            "grams": None if fitted.grams is None else fitted.grams.to_dict(),
        }

    def fit_rivals(self, say: Say, listen: Listener) -> None:
        """The n-grams without the recurrent layers, where the network reads n-grams.

        It takes seconds, and its steps are none of the model's, so nobody is told of them.
        """
        del listen
        task, train = self.task, self.config.train
        if task.train.grams is None:
            return
        say("baseline: the same n-grams without the recurrent layers")
        with threads(train.threads):
            alone = GramTask(task.train, task.network.classes, train.seed, train.device)
            fit(alone, alone.settings, alone.plan)
        self.grams = alone.network

    def tensors(self) -> dict[str, Tensor]:
        """The network, and the baseline that was trained."""
        own = dict(self.task.module.state_dict())
        kept = {} if self.grams is None else self.grams.state_dict()
        return own | {f"{_GRAMS}{name}": weight for name, weight in kept.items()}

    def finish(self, result: TrainResult, folder: Path, tell: Tell) -> Outcome:
        """Score the test part beside the rivals, and report."""
        task, config = self.task, self.config
        with threads(config.train.threads):
            scored = score(task, self.grams, tell)
        scores = _noted(scores_of(scored, task.fitted, config), config)
        scores["training"] = training_record(result, task)
        table = predictions(scored, task.fitted)
        report = ClassifyReport(
            config, self.parts, task.fitted, scored, scores, table, result, environment()
        )
        return Outcome(scores, readable(table), build_page(report, folder), model_card(report))


def _noted(scores: dict[str, Any], config: ClassifyConfig) -> dict[str, Any]:
    """With what a reader has to know about the model."""
    notes, members = [], config.model.members or 1
    if members > 1:
        notes.append(f"is {members} networks, whose probabilities are averaged")
    if config.train.class_weights:
        notes.append("weighs labels by the inverse of their share: accuracy pays for macro F1")
    if notes:
        scores["notes"]["model"] = "; it ".join(notes)
    return scores


def check(config: ClassifyConfig, data: object, say: Say = quiet) -> list[Finding]:
    """Everything in the data that would harm a classifier, with where and the fix."""
    parts = read_splits(config, data)
    _describe(parts, say)
    return list(_examined(_decided(config, parts), parts).findings)


def _describe(parts: Splits[Examples], say: Say) -> None:
    """What was understood, for people."""
    for part, examples in parts.by_name().items():
        assert examples.labels is not None
        kinds = len(set(examples.labels))
        say(f"{part}: {len(examples):,} examples with {kinds} labels")
    say(f"parts: {parts.how}")


def _examined(config: ClassifyConfig, parts: Splits[Examples]) -> Splits[Examples]:
    """The parts with all that is found about them."""
    text, reading = config.text, None
    if parts.train.is_text:
        assert text.tokens is not None
        cut = find_tokeniser(text.tokens, text.lowercase).cut
        known = vocabulary_of(parts.train, text, content_of(text.tokens))
        reading = Reading(cut, known, text.max_length)
    return replace(parts, findings=tuple(examine_splits(parts, reading)))


def read_splits(config: ClassifyConfig, data: object) -> Splits[Examples]:
    """Training, validation and test examples, from files or shares."""
    settings = config.data
    files = {"train": settings.path, "val": settings.val_path, "test": settings.test_path}
    first, *others = given_of(data).by_name(files).items()
    train = read_examples(first[1], settings)
    given, settings = {"train": train}, like(train, settings)
    for part, found in others:
        is_file = isinstance(found, (str, Path))
        own = of_another(Path(str(found)), settings) if is_file else settings
        given[part] = read_examples(found, own)
    for examples in given.values():
        if examples.labels is None:
            raise DataError(f"{examples.name}: has no labels; classification learns from them")
        _refuse_other_items(train, examples)
    split = config.split
    val = validation_share(config, len(train))
    parts = make_splits(given, val=val, test=split.test, stratify=split.stratify, seed=split.seed)
    read = (finding for examples in given.values() for finding in examples.findings)
    return replace(parts, findings=(*read, *parts.findings))


def _refuse_other_items(train: Examples, other: Examples) -> None:
    if other.is_text != train.is_text:
        raise DataError(f"{other.name}: texts and numbers are mixed between the files")
    if not train.is_text and other.width != train.width:
        raise DataError(
            f"{other.name}: has {other.width} values a step, and {train.name} has {train.width}"
        )


def _decided(config: ClassifyConfig, parts: Splits[Examples]) -> ClassifyConfig:
    """What the settings leave open; those that could not act are refused."""
    refuse_idle(config, parts.train)
    read = like(parts.train, config.data)
    data: dict[str, Any] = {
        name: path and str(Path(path).absolute())
        for name in ("path", "val_path", "test_path")
        if (path := getattr(read, name)) is not None
    }
    changes: dict[str, Any] = {}
    if not len(parts.val):
        changes["split"] = config.split.model_copy(update={"val": 0.0})
    if not parts.train.is_text:
        data["scaling"] = read.scaling or ("all" if read.format == "idx" else "channel")
    else:
        tokens = config.text.tokens or suited_tokens([str(item) for item in parts.train.items])
        changes["text"] = decided_text(config.text, in_full(tokens), len(parts.train))
    changes["data"] = read.model_copy(update=data)
    size = Size.of(parts, changes.get("text"))
    changes["model"] = model = decided_model(sized_by_vectors(config.model), size)
    changes["train"] = decided_training(config.train, model, size)
    return config.model_copy(update=changes)


def _told(config: ClassifyConfig, is_text: bool) -> list[str]:
    """What the data decided, or could have, as `key = value`."""
    data = ("format", "text", "label", "id", "time", "features", "axes", "scaling")
    keys = [f"data.{name}" for name in data]
    keys += ["text.tokens", "text.min_count", "model.embedding", "model.grams"] if is_text else []
    model = ("hidden", "members", "convolution", "convolutions", "kernel", "stride", "stretches")
    keys += [f"model.{name}" for name in (*model, "summary", "dropout")]
    train = ("learning_rate", "weight_decay", "label_smoothing", "ema", "batch_size", "max_epochs")
    keys += [f"train.{name}" for name in (*train, "choose")]
    keys += ["train.patience"] if config.train.choose == "best" else []
    told = [] if config.split.val or config.data.val_path else ["split.val = 0"]
    for key in keys:
        section, _, name = key.partition(".")
        value = getattr(getattr(config, section), name)
        shown = ", ".join(value) if isinstance(value, tuple) else value
        told += [f"{key} = {shown}"] if value else []
    return told


def _digest(parts: Splits[Examples]) -> str:
    return " ".join(examples.digest() for examples in parts.by_name().values())


@dataclass(frozen=True)
class Trained:
    """A classifier ready for use."""

    config: ClassifyConfig
    fitted: Fitted
    network: Classifier
    grams: GramNetwork | None
    """The n-grams without the recurrent layers, where the network reads n-grams."""
    content: str
    """Digest of the data that it was trained on."""
    memory: object = None
    """That data, where it is no file."""

    def predict(self, items: Sequence[Item]) -> pl.DataFrame:
        """Label and probability of every label for texts, or arrays [T, F]: one row each."""
        return self.predict_examples(examples_of(items, axes=self.config.data.axes))

    def predict_lines(self, texts: Sequence[str], first: int, say: Say) -> pl.DataFrame:
        """The same for lines of which the first has this number; `place` names them."""
        places = [f"line {number}" for number in range(first, first + len(texts))]
        table = self.predict_examples(replace(examples_of(texts), places=places), say)
        return pl.DataFrame({"place": places}).hstack(table)

    def predict_examples(self, examples: Examples, say: Say = quiet) -> pl.DataFrame:
        """The same for examples from a file; their labels are not looked at.

        Texts of which nothing is known are told: their labels are mere habit.
        """
        self.refuse_other_kind(examples)
        encoded = self.fitted.encode(replace(examples, labels=None))
        if examples.is_text:
            _tell_unknown(examples.places, encoded, say)
        p = probabilities_of(self.network, encoded, self.config.train.device)
        labels = self.fitted.labels
        found = [labels[i] for i in p.argmax(1)]
        table: dict[str, Any] = {"label": as_given(found, self.fitted.label_kind)}
        table |= {f"p_{label}": p[:, i] for i, label in enumerate(labels)}
        return pl.DataFrame(table)

    def own_splits(self) -> Splits[Examples]:
        """The run's training, validation and test part, read again; other content is refused."""
        parts = read_splits(self.config, own_data(self.config, self.memory))
        if _digest(parts) != self.content:
            raise RunError(
                f"{parts.train.name}: is not the data that the run was trained on (its content "
                "differs), so the rivals cannot be fitted; restore it"
            )
        return parts

    def read(self, data: object, say: Say = quiet, *, with_labels: bool = False) -> Examples:
        """New examples from a file or frame, read as the run's own were.

        A file of lines may have the labels in front or not: they are taken for labels where every
        line begins with a label of the run.
        """
        settings = self.config.data
        if isinstance(data, (str, Path)):
            settings = of_another(Path(data), settings)
        found = read_examples(data, settings, with_labels=with_labels)
        for finding in found.findings:
            say(f"{finding.severity}: {finding.sentence()}")
        format = found.read_as.get("format")
        if format == "rows" and not with_labels:
            refuse_other_labels(found, self.fitted.labels)
        is_lines = format == "lines" and not with_labels
        return self._without_labels(found, settings, say) if is_lines else found

    def _without_labels(self, texts: Examples, settings: SequenceData, say: Say) -> Examples:
        found = known_labels(map(str, texts.items), self.fitted.labels, settings)
        labelled = [each for each in found if each]
        where = "begins" if settings.label_side != "last" else "ends"
        if len(labelled) == len(found):
            say(
                f"{texts.name}: every line {where} with a label of the run; it is not taken for "
                "text"
            )
            return replace(texts, items=[text for _, text in labelled])
        if 2 * len(labelled) > len(found):
            say(
                f"warning: {texts.name}: {len(labelled):,} of {len(found):,} lines "
                f"{where.removesuffix('s')} with a label of the run, "
                f"{texts.places[found.index(None)]} does not; all of every line is taken for text"
            )
        return texts

    def refuse_other_kind(self, examples: Examples) -> None:
        """Raise for texts where the run has numbers, and the other way round."""
        features = len(self.fitted.mean)
        for place, item in zip(examples.places, examples.items, strict=True):
            owner = f"{examples.name}: {place}"
            if isinstance(item, str) != (self.fitted.vocabulary is not None):
                kind = "texts" if self.fitted.vocabulary is not None else "arrays [T, F]"
                got = "a text" if isinstance(item, str) else "numbers"
                raise DataError(f"{owner}: the run classifies {kind}, got {got}")
            if not isinstance(item, str) and (np.ndim(item) != 2 or item.shape[1] != features):
                raise DataError(
                    f"{owner}: an array [T, {features}] is expected, got {np.shape(item)}"
                )
            if not isinstance(item, str) and not len(item):
                raise DataError(f"{owner}: has no steps; leave it out")

    def evaluate(
        self, data: object, *, include_training: bool = False, say: Say = quiet
    ) -> dict[str, Any]:
        """Scores of the model and its rivals on labelled examples, as in `scores.json`.

        The rivals are fitted to the run's own data again. Examples that the run was trained or
        validated on are left out, unless they are asked for.
        """
        parts = self.own_splits()
        examples = self.read(data, say, with_labels=True)
        if examples.labels is None:
            raise DataError(f"{examples.name}: has no labels to compare with")
        self.refuse_other_kind(examples)
        if not include_training:
            examples = unlearned(examples, parts, "examples", say)
        train, val, test = (
            Known(each, self.fitted.encode(each)) for each in (parts.train, parts.val, examples)
        )
        device = self.config.train.device
        scored = score_on(self.network, self.grams, train, val, test, device)
        return _noted(scores_of(scored, self.fitted, self.config), self.config)


def _tell_unknown(places: Sequence[str], encoded: Encoded, say: Say) -> None:
    known = [any(n != UNKNOWN for n in sequence) for sequence in encoded.sequences]
    unknown = [place for place, has_any in zip(places, known, strict=True) if not has_any]
    if unknown:
        more = ", …" if len(unknown) > SHOWN else ""
        say(
            f"note: {', '.join(unknown[:SHOWN])}{more}: empty, or without a token that the run "
            f"knows ({len(unknown):,} of {len(places):,} texts), so the label is a guess"
        )


def load(path: Path, say: Say = quiet) -> Trained:
    """A finished run. Nothing in its files is executed."""
    folder, config, stored = open_finished(path, say)
    if not isinstance(config, ClassifyConfig):
        raise RunError(f"{path}: is a run of the task {config.task!r}, and no classifier")
    known, grams = stored.get("vocabulary"), stored.get("grams")
    fitted = Fitted.from_dict(
        stored.get("fitted", {}),
        None if known is None else Vocabulary.from_dict(known),
        None if grams is None else Grams.from_dict(grams),
    )
    tensors = load_model(folder)
    network = build_network(config, fitted)
    kept = {n.removeprefix(_GRAMS): w for n, w in tensors.items() if n.startswith(_GRAMS)}
    own = {name: weight for name, weight in tensors.items() if not name.startswith(_GRAMS)}
    load_weights(network, own, folder.file(MODEL))
    device, alone = config.train.device, None
    if kept and fitted.grams is not None:
        alone = GramNetwork(fitted.grams.width, len(fitted.labels))
        load_weights(alone, kept, folder.file(MODEL))
        alone.to(device)
    return Trained(config, fitted, network.to(device), alone, str(stored.get("content")))
