"""Tagging: the job of a run, and what a finished one can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor

from longshort.config.tag import TagConfig
from longshort.data.conll import Tagged, tagged_of
from longshort.data.findings import Finding, refuse_errors
from longshort.data.schemes import detect, examine, title, with_types
from longshort.data.splits import SPLITS, Splits, given_of, make_splits
from longshort.data.tagged_doctor import examine_splits, unseen_types
from longshort.data.tagged_source import read_sentences, read_to_tag
from longshort.data.tokens import find_tokeniser
from longshort.data.vocabulary import Vocabulary
from longshort.errors import DataError, RunError
from longshort.report.tag import TagReport, build_page, model_card
from longshort.runfolder import MODEL
from longshort.tables import readable
from longshort.tasks.tag.fitted import Fitted
from longshort.tasks.tag.idle import refuse_idle
from longshort.tasks.tag.network import Tagger
from longshort.tasks.tag.scoring import predictions, score, scores_of
from longshort.tasks.tag.task import Found, TagTask, tag
from longshort.tasks.vectors import sized_by_vectors
from longshort.train import TrainResult, fit
from longshort.train.checkpoint import load_model, load_weights
from longshort.train.events import Listener
from longshort.train.learning import Tell, TrainPlan
from longshort.train.loop import TrainingDiverged
from longshort.workflow.job import (
    Job,
    Outcome,
    Say,
    environment,
    open_finished,
    own_data,
    quiet,
    refuse_other_content,
    threads,
    training_record,
    unlearned,
)

_FILTERS = 50
_PAIRS = 50
_BATCHES = 2_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 10, 40
_MARKS = {".", ",", "?", "!"}
_SINGLE = 0.99
"""Share of tokens of one character from which a text counts as written in characters."""


class TagJob(Job[TagConfig, TagTask]):
    """From tagged sentences to a tagger beside its rivals."""

    def __init__(self, config: TagConfig, parts: Splits[Tagged]) -> None:
        with threads(config.train.threads):
            super().__init__(config, TagTask(config, parts))
        self.parts = parts
        self.softmax: Tagger | None = None
        self.left_out = ""
        """Why that rival is missing."""

    @staticmethod
    def prepare(config: TagConfig, data: object, say: Say) -> TagJob:
        """Read the data, draw the parts, and decide what is open."""
        parts = _examined(config, read_splits(config, data))
        refuse_errors(parts.findings, parts.train.name)
        config = decided(config, parts)
        refuse_idle(config, parts)
        job = TagJob(config, parts)
        _describe(parts, say)
        fitted = job.task.fitted
        say(f"tags: {title(fitted.scheme)}, {len(fitted.kinds)} types: {', '.join(fitted.kinds)}")
        for finding in parts.findings:
            say(f"{finding.severity}: {finding.sentence()}")
        say(
            f"decided: text.tokens = {config.text.tokens}, "
            f"train.max_epochs = {config.train.max_epochs}, "
            f"model.characters = {config.model.characters}, model.pairs = {config.model.pairs}"
        )
        if config.text.tokens == "spaces" and _has_marks(parts.train):
            say(
                "note: marks are tokens of their own here, and texts without tokens are cut at "
                "white space; set text.tokens = words if the tagger is for running text"
            )
        if job.task.coverage is not None:
            say(job.task.coverage)
        say("validation score: 1 - entity F1; of equal ones the more likely tags are better")
        return job

    @staticmethod
    def again(config: TagConfig, data: object, stored: dict[str, Any]) -> TagJob:
        """As it was prepared, from what was decided then; other data are refused."""
        parts = _examined(config, read_splits(config, data))
        refuse_other_content(parts.train.name, _digest(parts), stored)
        return TagJob(config, parts)

    @property
    def name(self) -> str:
        """Of the data."""
        return self.parts.train.name

    def digest(self) -> str:
        """Of all parts."""
        return _digest(self.parts)

    def plan(self) -> TrainPlan:
        """Every training sentence once an epoch, if there is no cap."""
        train = self.config.train
        assert train.max_epochs is not None
        batches = self.task.count_batches(train.batch_size)
        return TrainPlan(
            train.batch_size, min(batches, train.steps_per_epoch or batches), train.max_epochs
        )

    def record(self) -> dict[str, Any]:
        """Files, parts, findings, and what was fitted."""
        fitted, parts = self.task.fitted, self.parts
        return {
            "name": parts.train.name,
            "files": {
                part: {"path": source.path, "sha256": source.sha256, "sentences": len(source)}
                for part, source in parts.by_name().items()
            },
            "split": parts.how,
            "findings": [finding.to_dict() for finding in parts.findings],
            "fitted": fitted.to_dict(),
            "vocabulary": fitted.vocabulary.to_dict(),
        }

    def fit_rivals(self, say: Say, listen: Listener) -> None:
        """The same network without its random field, trained in the same way."""
        if not (self.config.model.crf and self.config.evaluate.softmax):
            return
        say("rival: the same network without the random field")
        with threads(self.config.train.threads):
            task = TagTask(_without_field(self.config), self.parts)
            try:
                fit(task, self.config.train, self.plan(), listen=listen)
            except TrainingDiverged as error:
                self.left_out = f"is left out: {error}"
                say(f"the rival {self.left_out}")
                return
        self.softmax = task.network

    def tensors(self) -> dict[str, Tensor]:
        """The network, and the rival that every later score stands beside."""
        found = _under("network.", self.task.network)
        return found if self.softmax is None else found | _under("rival.softmax.", self.softmax)

    def finish(self, result: TrainResult, folder: Path, tell: Tell) -> Outcome:
        """Score the test part beside the rivals, and report."""
        task, config, parts = self.task, self.config, self.parts
        tell("scoring the test sentences beside the baselines", 0, 0)
        with threads(config.train.threads):
            scored = score(task.network, self.softmax, task.fitted, parts, config.train.device)
        scores = scores_of(scored, task.fitted, config)
        if self.left_out:
            scores["notes"]["softmax"] = self.left_out
        scores["training"] = training_record(result, task)
        report = TagReport(config, self.parts, task.fitted, scored, scores, result, environment())
        table = predictions(scored, task.fitted)
        return Outcome(scores, readable(table), build_page(report, folder), model_card(report))


def _under(prefix: str, network: Tagger) -> dict[str, Tensor]:
    return {f"{prefix}{name}": values for name, values in network.state_dict().items()}


def _without_field(config: TagConfig) -> TagConfig:
    return config.model_copy(update={"model": config.model.model_copy(update={"crf": False})})


def check(config: TagConfig, data: object, say: Say = quiet) -> list[Finding]:
    """Everything in the data that would harm a tagger, with where and the fix."""
    parts = read_splits(config, data)
    _describe(parts, say)
    refuse_idle(decided(config, parts), parts)
    return list(_examined(config, parts).findings)


def _describe(parts: Splits[Tagged], say: Say) -> None:
    """What was understood, for people."""
    for part, source in parts.by_name().items():
        tokens = sum(len(each) for each in source.tokens)
        say(f"{part}: {len(source):,} sentences of {tokens:,} tokens")
    say(f"parts: {parts.how}")


def _examined(config: TagConfig, parts: Splits[Tagged]) -> Splits[Tagged]:
    """The parts with all that is found about them."""
    return replace(parts, findings=tuple(examine_splits(parts, config.text.max_length)))


def read_splits(config: TagConfig, data: object) -> Splits[Tagged]:
    """Training, validation and test sentences, from files or shares."""
    if config.text.tokens is not None:
        find_tokeniser(config.text.tokens)
    settings = config.data
    files = {"train": settings.path, "val": settings.val_path, "test": settings.test_path}
    found = given_of(data).by_name(files)
    given = {part: _read(source, config) for part, source in found.items()}
    _refuse_one_sentence(given)
    scheme = detect(given["train"])
    findings = [finding for source in given.values() for finding in source.findings]
    findings += [finding for source in given.values() for finding in examine(source, scheme)]
    for source in given.values():
        refuse_mixed_schemes(given["train"], source)
    split = config.split
    parts = make_splits(
        given, val=split.val, test=split.test, stratify=split.stratify, seed=split.seed
    )
    return replace(parts, findings=(*findings, *parts.findings))


def _refuse_one_sentence(given: dict[str, Tagged]) -> None:
    """Raise where a file that has to be divided has no end of a sentence in it."""
    train = given["train"]
    if len(train) == 1 and len(given) < len(SPLITS) and train.path is not None:
        raise DataError(
            f"{train.name}: is a single sentence of {len(train.tokens[0]):,} tokens, of which no "
            "parts can be made; end sentences by empty lines, or in JSON lines by the line"
        )


def refuse_mixed_schemes(train: Tagged, other: Tagged) -> None:
    """Raise where only one of them marks entities of several tokens."""
    own, scheme = detect(train), detect(other)
    if (scheme == "plain") != (own == "plain") and any(
        set(tags) - {"O"} for tags in other.tags or []
    ):
        raise DataError(
            f"{other.name}: its tags are {scheme.upper()}, those of {train.name} are {own.upper()}"
        )


def _read(data: object, config: TagConfig) -> Tagged:
    source = read_sentences(data, config.data)
    if source.tags is None:
        raise DataError(f"{source.name}: has no tags; tagging learns from them")
    return with_types(source)


def decided(config: TagConfig, parts: Splits[Tagged]) -> TagConfig:
    """What the settings leave open, by the training part."""
    paths = {
        name: path and str(Path(path).absolute())
        for name in ("path", "val_path", "test_path")
        if (path := getattr(config.data, name)) is not None
    }
    changes: dict[str, Any] = {"data": config.data.model_copy(update=paths)}
    lengths = [len(token) for tokens in parts.train.tokens for token in tokens]
    are_single = lengths.count(1) >= _SINGLE * len(lengths)
    if config.text.tokens is None:
        tokens = "characters" if are_single else "spaces"
        changes["text"] = config.text.model_copy(update={"tokens": tokens})
    sizes = {"characters": 0 if are_single else _FILTERS, "pairs": _PAIRS if are_single else 0}
    open_sizes = {name: n for name, n in sizes.items() if getattr(config.model, name) is None}
    changes["model"] = sized_by_vectors(config.model).model_copy(update=open_sizes)
    if config.train.max_epochs is None:
        most = config.text.max_length
        pieces = sum(-(-len(tokens) // most) for tokens in parts.train.tokens)
        batches = pieces / config.train.batch_size
        epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_BATCHES / batches)))
        changes["train"] = config.train.model_copy(update={"max_epochs": epochs})
    return config.model_copy(update=changes)


def _has_marks(train: Tagged) -> bool:
    return any(token in _MARKS for tokens in train.tokens for token in tokens)


def _digest(parts: Splits[Tagged]) -> str:
    return " ".join(source.digest() for source in parts.by_name().values())


@dataclass(frozen=True)
class Trained:
    """A tagger ready for use."""

    config: TagConfig
    fitted: Fitted
    network: Tagger
    softmax: Tagger | None
    """The rival without a random field, where the run trained one."""
    content: str
    """Digest of the data that it was trained on."""
    memory: object = None
    """That data, where it is no file."""

    def tag(self, sentence: str | Sequence[str]) -> list[tuple[str, str]]:
        """Tokens with their tags, of tokens or of a text, in the scheme of the training data.

        A text is cut by the setting `text.tokens`: at white space, or into single characters where
        the training data's tokens are single characters.
        """
        tokens = self._tokens(sentence)
        return list(zip(tokens, self.predict([tokens])[0], strict=True))

    def entities(self, sentence: str | Sequence[str]) -> list[tuple[str, str]]:
        """What the tags mark, each with its type, in the order of the sentence."""
        tokens = self._tokens(sentence)
        (found,) = self._found([tokens]).entities
        space = "" if self.config.text.tokens == "characters" else " "
        return [(space.join(tokens[begin:end]), kind) for begin, end, kind in found]

    def _tokens(self, sentence: object) -> list[str]:
        if isinstance(sentence, str):
            return self.cut(sentence)
        if not isinstance(sentence, Iterable):
            raise DataError(
                f"sentence: a text or a list of tokens is expected, got {type(sentence).__name__}"
            )
        return list(sentence)

    def cut(self, text: str) -> list[str]:
        """A text's tokens, without white space."""
        assert self.config.text.tokens is not None
        tokens = find_tokeniser(self.config.text.tokens).cut(text)
        return [token for token in tokens if token.strip()]

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Tags of the tokens of sentences, in the scheme of the training data."""
        found = self._found(sentences)
        return [
            self.fitted.tags_of(entities, len(tags))
            for entities, tags in zip(found.entities, found.tags, strict=True)
        ]

    def _found(self, sentences: Sequence[Sequence[str]]) -> Found:
        encoded = self.fitted.encode(tagged_of(sentences))
        return tag(self.network, self.fitted, encoded, self.config.train.device)

    def evaluate(
        self, data: object, *, include_training: bool = False, say: Say = quiet
    ) -> dict[str, Any]:
        """Scores of the model and its rivals on tagged sentences, as in `scores.json`.

        The rivals' lists are made of the run's own data again. Sentences that the run was trained
        or validated on are left out, unless they are asked for.
        """
        parts = self._own_splits()
        source = _read(data, self.config)
        refuse_mixed_schemes(parts.train, source)
        if not include_training:
            source = unlearned(source, parts, "sentences", say)
        findings = examine(source, self.fitted.scheme)
        for finding in [*findings, *unseen_types(parts.train, "new", source)]:
            say(f"{finding.severity}: {finding.sentence()}")
        with threads(self.config.train.threads):
            scored = score(
                self.network,
                self.softmax,
                self.fitted,
                replace(parts, test=source),
                self.config.train.device,
            )
        return scores_of(scored, self.fitted, self.config)

    def _own_splits(self) -> Splits[Tagged]:
        """The run's training, validation and test part, read again; other content is refused."""
        parts = read_splits(self.config, own_data(self.config, self.memory))
        refuse_other_content(parts.train.name, _digest(parts), {"content": self.content})
        return parts

    def predict_file(self, path: str, say: Say = quiet) -> pl.DataFrame:
        """One row per token of a file like the training file, or of plain text, a sentence a line.

        Tags are not needed.
        """
        source = read_to_tag(
            Path(path),
            self.config.data,
            self.cut,
            {"O", *self.fitted.written()},
            by_character=self.config.text.tokens == "characters",
        )
        for finding in source.findings:
            say(f"{finding.severity}: {finding.sentence()}")
        if source.read_as == "text":
            say(
                f"{source.name}: is plain text; every line is cut into tokens as a sentence "
                f"(text.tokens = {self.config.text.tokens})"
            )
        return self.table(source.places, source.tokens)

    def table(self, places: Sequence[str], sentences: Sequence[Sequence[str]]) -> pl.DataFrame:
        """One row per token: place of its sentence, token, tag."""
        rows = [
            (place, token, found)
            for place, tokens, tags in zip(places, sentences, self.predict(sentences), strict=True)
            for token, found in zip(tokens, tags, strict=True)
        ]
        return pl.DataFrame(rows, schema={"place": str, "token": str, "tag": str}, orient="row")


def load(path: Path, say: Say = quiet) -> Trained:
    """A finished run. Nothing in its files is executed."""
    folder, config, stored = open_finished(path, say)
    if not isinstance(config, TagConfig):
        raise RunError(f"{path}: is a run of the task {config.task!r}, and no tagger")
    vocabulary = Vocabulary.from_dict(stored.get("vocabulary") or {})
    fitted = Fitted.from_dict(stored.get("fitted", {}), vocabulary)
    tensors = load_model(folder)
    content = str(stored.get("content"))
    network = _loaded(config, fitted, tensors, "network.", folder.file(MODEL))
    softmax = None
    if any(name.startswith("rival.softmax.") for name in tensors):
        plain = _without_field(config)
        softmax = _loaded(plain, fitted, tensors, "rival.softmax.", folder.file(MODEL))
    return Trained(config, fitted, network, softmax, content)


def _loaded(
    config: TagConfig, fitted: Fitted, tensors: dict[str, Tensor], prefix: str, file: Path
) -> Tagger:
    network = Tagger(config.model, fitted)
    own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    load_weights(network, own, file)
    return network.to(config.train.device)
