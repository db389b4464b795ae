"""The task of tagging: names and other stretches of text, found token by token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from longshort.data.findings import Finding
from longshort.data.splits import SPLITS, Splits
from longshort.data.tokens import find_tokeniser
from longshort.errors import DataError
from longshort.lazy import polars as pl
from longshort.metrics.significance import Comparison
from longshort.runs.abilities import Stepper
from longshort.runs.example_steps import TextHistory, between_tokens
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import Baseline, Encoded, Loss, Metric, Model, Scored, Scores, Track, Words
from longshort.runs.vectors import sized_by_vectors
from longshort.tasks.tag import scoring
from longshort.tasks.tag.baselines import dictionary, majority_tag
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged, tagged_of
from longshort.tasks.tag.doctor import examine_splits, unseen_types
from longshort.tasks.tag.encoder import Sentences, TagEncoder, entities_of
from longshort.tasks.tag.entities import kind_counts
from longshort.tasks.tag.entities import scores as f1_of
from longshort.tasks.tag.found import Found, found_in
from longshort.tasks.tag.inference import tag
from longshort.tasks.tag.schemes import detect, examine, title, with_types
from longshort.tasks.tag.source import read_sentences, read_to_tag
from longshort.tasks.tag.unused import unused_settings

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.portable import Portable
    from longshort.runs.result import Result
    from longshort.tasks.tag.subject import TagSubject

TagModel = Model[TagConfig, TagEncoder]

_FILTERS, _PAIRS = 50, 50
_BATCHES, _FEWEST_EPOCHS, _MOST_EPOCHS = 2_000, 10, 40
_MARKS = {".", ",", "?", "!"}
_SINGLE = 0.99
"""Share of tokens of one character from which tokens count as characters."""


_SAID = {
    "tokens": "token",
    "tags": "tag",
    "probabilities": "probability",
    "entity_probabilities": "entity_probability",
}
"""Columns of the table of tokens, by their names in what is said of a sentence."""


class TagTask(SampleTask[TagConfig, Tagged, TagEncoder, Found]):
    """The task of tagging every token, by recurrent layers below a conditional random field.

    After Lample et al. (2016) and Ma & Hovy (2016).
    """

    name: ClassVar[str] = "tag"
    run_class = "longshort.api.tagger:TaggerRun"
    Config = TagConfig
    metrics = (
        Metric("f1", "entity F1", number="{:.2f}", spoken="entity F1 {}", scale=100.0),
        Metric("precision", "precision"),
        Metric("recall", "recall"),
        Metric("token_accuracy", "token accuracy"),
    )
    words = Words(
        model="tagger",
        title="Tagging",
        samples="sentences",
        unit="tokens",
        usage="Use it with `longshort predict RUN --data FILE`, or with sentences on stdin, tokens "
        "apart by spaces.",
        scores="Counted as conlleval does: an entity is right where both ends and the type agree. "
        "Token accuracy counts the tokens that belong to none too.",
        gain_form="+.2%",
        gain="difference",
    )
    measure = "error (1 - entity F1)"

    # Data

    def read(self, data: object, config: TagConfig) -> Tagged:
        """Read tagged sentences from columns, JSON lines, a table or a frame.

        Raises `DataError` with file and line, and if there are no tags.
        """
        source = read_sentences(data, config.data)
        if source.tags is None:
            raise DataError(f"{source.name}: has no tags; tagging learns from them")
        return with_types(source)

    def read_splits(self, given: Mapping[str, object], config: TagConfig) -> dict[str, Tagged]:
        """Read each source; raise `DataError` if some mark whole entities, and others do not."""
        if config.text.tokens is not None:
            find_tokeniser(config.text.tokens)
        found = super().read_splits(given, config)
        train = found["train"]
        if len(train) == 1 and len(found) < len(SPLITS) and train.path is not None:
            raise DataError(
                f"{train.name}: is a single sentence of {len(train.tokens[0]):,} tokens, of which "
                "no splits can be made; end sentences by empty lines, or in JSON lines by the line"
            )
        return {name: self._examined(source, train) for name, source in found.items()}

    def _examined(self, source: Tagged, train: Tagged) -> Tagged:
        """Return the source with the findings on its tags.

        Raises `DataError` if its tags are plain and those of training are not, or the reverse.
        """
        scheme, own = detect(train), detect(source)
        has_any = any(set(tags) - {"O"} for tags in source.tags or [])
        if has_any and (own == "plain") != (scheme == "plain"):
            raise DataError(
                f"{source.name}: its tags are {own.upper()}, those of {train.name} are "
                f"{scheme.upper()}"
            )
        return replace(source, findings=(*source.findings, *examine(source, scheme)))

    def read_labelled(self, data: object, model: TagModel, own: Splits[Tagged] | None) -> Tagged:
        """Read tagged sentences, with a finding on types that training lacks."""
        assert own is not None
        found = self._examined(self.read(data, model.config), own.train)
        unseen = unseen_types(own.train, "new", found)
        return replace(found, findings=(*found.findings, *unseen))

    def read_new(self, data: object, model: TagModel) -> Tagged:
        """Read sentences to be tagged; tags are not needed.

        data: a file like the training file, plain text with a sentence per line, a frame, or
        sentences as lists of tokens.
        """
        config, encoder = model.config, model.encoder
        if not isinstance(data, (str, Path)):
            if isinstance(data, Sequence):
                return tagged_of(data)
            return read_sentences(data, config.data, with_tags=False)
        found = read_to_tag(
            Path(data),
            config.data,
            lambda line: self.cut(line, model),
            {"O", *encoder.written()},
            by_character=config.text.tokens == "characters",
        )
        if found.read_as != "text":
            return replace(found, tags=None)
        note = Finding(
            "plain-text",
            "note",
            f"{found.name}: is plain text; every line is cut into tokens as a sentence "
            f"(text.tokens = {config.text.tokens})",
        )
        return replace(found, findings=(*found.findings, note))

    def refuse_lines(self, model: TagModel) -> None:
        """Accept every model, since all sentences are texts."""
        del model

    def read_lines(self, lines: Sequence[str], first: int, model: TagModel) -> Tagged:
        """Return the sentences of lines of text; first: number of the first line, for messages."""
        found = tagged_of([self.cut(line, model) for line in lines])
        return replace(found, places=[f"line {n}" for n in range(first, first + len(lines))])

    def line(self, samples: Tagged, prediction: Found, model: TagModel) -> str:
        """Return the tags of a single sentence as one line for a terminal."""
        return " ".join(self.tags(samples, prediction, model)[0])

    def tags(self, samples: Tagged, prediction: Found, model: TagModel) -> list[list[str]]:
        """Return the tags of every token, in the scheme of the training data."""
        pairs = zip(prediction.entities, samples.tokens, strict=True)
        return [model.encoder.tags_of(found, len(tokens)) for found, tokens in pairs]

    def cut(self, text: str, model: TagModel) -> list[str]:
        """Return the tokens of a text, without white space."""
        tokens = find_tokeniser(str(model.config.text.tokens)).cut(text)
        return [token for token in tokens if token.strip()]

    def describe(self, splits: Splits[Tagged], config: TagConfig) -> list[str]:
        """Describe the splits, the tags, and how plain text will be cut, in lines for people."""
        lines = [
            f"{name}: {len(source):,} sentences of {sum(map(len, source.tokens)):,} tokens"
            for name, source in splits.by_name().items()
        ]
        scheme = detect(splits.train)
        kinds = sorted(kind_counts(entities_of(splits.train, scheme)))
        lines.append(f"tags: {title(scheme)}, {len(kinds)} types: {', '.join(kinds)}")
        tokens = config.text.tokens or _suited_tokens(splits.train)
        if tokens == "spaces" and any(t in _MARKS for each in splits.train.tokens for t in each):
            lines.append(
                "note: marks are tokens of their own here, and texts without tokens are cut at "
                "white space; set text.tokens = words if the tagger is for running text"
            )
        return lines

    def check(self, splits: Splits[Tagged], config: TagConfig) -> list[Finding]:
        """Return every finding about the data that would harm a tagger."""
        return examine_splits(splits, config.text.max_length)

    def longest(self, config: TagConfig, splits: Splits[Tagged]) -> int:
        """Return the tokens of the longest training sentence."""
        most = max((len(tokens) for tokens in splits.train.tokens), default=0)
        return min(config.text.max_length, most)

    def resolve(self, config: TagConfig, splits: Splits[Tagged]) -> TagConfig:
        """Decide sizes, epochs, and how text is cut, from the training split."""
        sentences = splits.train.tokens
        changes: dict[str, Any] = {}
        suited = _suited_tokens(splits.train)
        are_single = suited == "characters"
        if config.text.tokens is None:
            changes["text"] = config.text.model_copy(update={"tokens": suited})
        sizes = {"characters": 0 if are_single else _FILTERS, "pairs": _PAIRS if are_single else 0}
        open_sizes = {name: n for name, n in sizes.items() if getattr(config.model, name) is None}
        changes["model"] = sized_by_vectors(config.model).model_copy(update=open_sizes)
        if config.train.max_epochs is None:
            most = config.text.max_length
            batches = sum(-(-len(each) // most) for each in sentences) / config.train.batch_size
            epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_BATCHES / batches)))
            changes["train"] = config.train.model_copy(update={"max_epochs": epochs})
        return config.model_copy(update=changes)

    def unused(self, config: TagConfig, splits: Splits[Tagged]) -> list[tuple[str, str]]:
        """Return settings of other formats, and of spelling that is not read, with the reasons."""
        return unused_settings(config, splits)

    # Encoder and network

    def fit_encoder(self, train: Tagged, config: TagConfig) -> TagEncoder:
        """Fit tags and vocabularies on the training split."""
        return TagEncoder.fit(train, config)

    def store_encoder(self, encoder: TagEncoder) -> dict[str, Any]:
        """Return the encoder as plain values for JSON."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: TagConfig) -> TagEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return TagEncoder.from_dict(stored)

    def encode(self, encoder: TagEncoder, samples: Tagged) -> Sentences:
        """Encode sentences in pieces of at most `text.max_length` tokens."""
        return encoder.encode(samples)

    def build(self, config: TagConfig, encoder: TagEncoder) -> nn.Module:
        """Build the untrained network: word and character vectors, recurrent layers, a CRF."""
        from longshort.tasks.tag.network import Tagger

        return Tagger(config.model, encoder)

    def start(self, model: TagModel, train: Encoded[Tagged], val: Encoded[Tagged]) -> list[str]:
        """Fill the embedding with pretrained vectors, if a file of them is named."""
        del train, val
        from longshort.runs.vectors import start_from_vectors

        file = model.config.model.vectors
        if file is None:
            return []
        return [start_from_vectors([model.network.words.weight], file, model.encoder.vocabulary)]

    def loss(self, model: TagModel, batch: Any) -> Loss:
        """Return the mean negative log-likelihood of a sentence's tags."""
        scores = model.network(batch)
        loss = model.network.losses(scores, batch.tags, batch.lengths).mean()
        return Loss(loss, loss)

    def validate(self, model: TagModel, val: Encoded[Tagged]) -> float:
        """Return 1 - entity F1, with the loss added so weakly that it only decides between ties.

        F1 is 2 * right / (predicted + true), so two different values differ by more than the loss
        can add.
        """
        found = self._tagged(model, val.arrays, with_certainty=False)
        truth = entities_of(val.samples, model.encoder.scheme)
        loss = sum(found.losses) / len(found.losses)
        most = sum(map(len, truth)) + int(val.arrays.lengths.sum())
        return 1.0 - f1_of(truth, found.entities)["f1"] + loss / (1.0 + loss) / most**2

    def predict(self, model: TagModel, arrays: Sentences) -> Found:
        """Return the best tags of every sentence, with their probabilities."""
        return self._tagged(model, arrays, with_certainty=True)

    def _tagged(self, model: TagModel, arrays: Sentences, *, with_certainty: bool) -> Found:
        return tag(model, arrays, with_certainty=with_certainty)

    def stepper(self, model: TagModel) -> Stepper:
        """Return what tags the sentence so far."""
        says = {
            "tokens": "the tokens of the sentence so far",
            "tags": "their tags, of which later tokens may change earlier ones",
            "probabilities": "probability of each tag",
            "entity_probabilities": "of the entity that a token is in; null outside",
        }

        def answer(text: str) -> dict[str, Any]:
            samples = self.read_lines([text], 1, model)
            if not samples.tokens[0]:
                return {name: [] for name in says}
            found = self.predict(model, self.encode(model.encoder, samples))
            names, rows = scoring.rows_of(model.encoder, samples, found)
            columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            return {name: columns[column] for name, column in _SAID.items()}

        return TextHistory(between_tokens(model.config.text.tokens), answer, says)

    # Scores

    def baseline_models(self, model: TagModel) -> dict[str, TagModel]:
        """Return the same network without its random field, unless the settings leave it out."""
        config = model.config
        if not (config.model.crf and config.evaluate.softmax):
            return {}
        plain = config.model_copy(update={"model": config.model.model_copy(update={"crf": False})})
        network = self.build(plain, model.encoder)
        return {scoring.SOFTMAX: Model(plain, model.encoder, network)}

    def baselines(
        self,
        model: TagModel,
        splits: Mapping[str, Encoded[Tagged]],
        networks: Mapping[str, TagModel],
        track: Track,
    ) -> dict[str, Baseline[Found]]:
        """Return lists of the training split's words and names, and the network without a CRF."""
        del track
        encoder = model.encoder
        train, val, test = (splits[name].samples for name in SPLITS)
        tags = majority_tag(train, val, test, encoder)
        title = "each word's most frequent tag"
        found = {"majority_tag": Baseline(found_in(encoder, tags), title)}
        if encoder.scheme != "plain":
            names = found_in(encoder, dictionary(train, val, test, encoder))
            found["dictionary"] = Baseline(names, "a list of the training split's names")
        for name, each in networks.items():
            prediction = self.predict(each, splits["test"].arrays)
            found[name] = Baseline(prediction, "the network without its random field", "", True)
        return found

    def score(self, model: TagModel, samples: Tagged, prediction: Found) -> Scores:
        """Return the scores over entities, and over tokens."""
        return scoring.scores(model.encoder, samples, prediction)

    def compare(self, scored: Scored[Tagged, Found], one: str, other: str) -> Comparison:
        """Return the difference of F1, by a paired test."""
        return scoring.compare(scored, one, other)

    def facts(self, model: TagModel, scored: Scored[Tagged, Found]) -> dict[str, Any]:
        """Return sizes, types and confusions."""
        return scoring.facts(model.encoder, scored)

    def details(self, model: TagModel, scored: Scored[Tagged, Found]) -> dict[str, Any]:
        """Return the scores of each type."""
        from longshort.tasks.tag.entities import per_type

        truth = entities_of(scored.samples, model.encoder.scheme)
        return {"per_type": per_type(truth, scored.predictions["model"].entities)}

    def notes(self, model: TagModel, scored: Scored[Tagged, Found]) -> dict[str, str]:
        """Return remarks on the baselines, with what the random field adds."""
        has_softmax = scoring.SOFTMAX in scored.baselines
        own = {scoring.SOFTMAX: scoring.field_sentence(scored)} if has_softmax else {}
        return super().notes(model, scored) | own

    def subject(self, model: TagModel, samples: Tagged, train: Tagged | None) -> TagSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.tag.subject import TagSubject

        return TagSubject(model, samples, train)

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network from a sentence's tokens to the best path of tags."""
        from longshort.tasks.tag.code import portable

        return portable(model, golden, steps)

    # Output

    def table(self, model: TagModel, samples: Tagged, prediction: Found) -> pl.DataFrame:
        """Return a table with a row per token."""
        names, rows = scoring.rows_of(model.encoder, samples, prediction)
        kinds = {name: pl.Float64 if name in scoring.SURENESS else pl.String for name in names}
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """Return the table sentence by sentence."""
        found = table.group_by("place", maintain_order=True).agg(**_SAID)
        return {"sentences": found.to_dicts()}

    def about(self, model: TagModel, splits: Splits[Tagged]) -> list[str]:
        """Describe the tags and the vocabulary, in lines for people."""
        encoder = model.encoder
        kind = "labels of tokens" if encoder.scheme == "plain" else f"{encoder.scheme.upper()} tags"
        return [
            *super().about(model, splits),
            f"{kind} of {len(encoder.kinds)} types: {', '.join(encoder.kinds[:20])}",
            f"{len(encoder.vocabulary):,} known tokens",
        ]

    def sections(self, result: Result[TagConfig, Tagged, TagEncoder, Found]) -> Sequence[Section]:
        """Return the report's sections: scores by type, and the worst sentences."""
        from longshort.tasks.tag.sections import sections

        return sections(result)

    def split_table(self, result: Result[TagConfig, Tagged, TagEncoder, Found]) -> list[list[str]]:
        """Return the report's table of splits: their sentences, tokens and entities by type."""
        from longshort.tasks.tag.sections import split_rows

        return split_rows(result)


def _suited_tokens(train: Tagged) -> str:
    """Return the tokeniser whose tokens are like those of the training split."""
    lengths = [len(token) for tokens in train.tokens for token in tokens]
    return "characters" if lengths.count(1) >= _SINGLE * len(lengths) else "spaces"
