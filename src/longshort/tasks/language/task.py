"""Language modelling: how likely each token of a text is after those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.data.textfiles import well_formed
from longshort.data.vocabulary import UNKNOWN
from longshort.errors import ConfigError, DataError
from longshort.metrics.significance import Comparison, compare
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Task,
    Track,
    Training,
    Words,
)
from longshort.runs.unused import unused_lowercase, unused_shares
from longshort.tasks.language.baselines import kneser_ney, unigram
from longshort.tasks.language.config import LanguageConfig
from longshort.tasks.language.doctor import examine, known_passages
from longshort.tasks.language.encoder import Ints, LanguageEncoder, decided
from longshort.tasks.language.perplexity import scores as scores_from
from longshort.tasks.language.running import Running, read_running, split_running
from longshort.tasks.language.steps import LanguageSteps

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.tasks.language.generate import Sampling
    from longshort.tasks.language.sections import LanguageResult
    from longshort.tasks.language.subject import LanguageSubject

Lm = Model[LanguageConfig, LanguageEncoder]

_BLOCK = 100
"""Tokens of a stretch in the paired test: the losses of neighbours are not independent."""
_ORDERS = {"characters": 8, "bytes": 8}
_USUAL_ORDER = 5
_UNITS = {"characters": "characters", "bytes": "bytes"}


@dataclass(frozen=True)
class Nats:
    """Token numbers [n] of a text, and the negative log-likelihood of each [n], in nats."""

    numbers: Ints
    nats: NDArray[np.float64]


class LanguageTask(Task[LanguageConfig, Running, LanguageEncoder, Nats]):
    """Language modelling with recurrent layers below a softmax, by truncated backpropagation."""

    name: ClassVar[str] = "lm"
    run_class = "longshort.api.language_model:LanguageRun"
    Config = LanguageConfig
    window_key: ClassVar[str] = "train.bptt"
    metrics = (
        Metric("perplexity", "perplexity", False, spoken="perplexity {}"),
        Metric("nats_per_token", "nats per token", False),
        Metric("bits_per_character", "bits per character", False),
        Metric("bits_per_byte", "bits per byte", False),
    )
    words = Words(
        model="language model",
        title="Language model",
        samples="characters",
        unit="tokens",
        usage="Use it with `longshort generate RUN --prompt TEXT`. What it writes is likely, not "
        "true.",
        scores="Perplexity is the exponential of the mean nats per token. It depends on what the "
        "tokens are and on which are known; bits stand where the tokens restore the text. "
        "Every test token is predicted, the first one after the end of a line.",
        gain="share of nats saved",
    )

    # Data

    def read(self, data: object, config: LanguageConfig) -> Running:
        """Read a text file, or a list of lines."""
        return read_running(data, config.data.encoding)

    def read_new(self, data: object, model: Lm) -> Running:
        """Raise `ConfigError`: a text is continued, and nothing is predicted for it."""
        del data, model
        raise ConfigError("predict: a language model writes text on; use `longshort generate RUN`")

    def read_labelled(self, data: object, model: Lm, own: Splits[Running] | None) -> Running:
        """Read a text to score, with findings on passages that the run has seen."""
        text = self.read(data, model.config)
        if not len(model.encoder.encode(text.text)):
            raise DataError(f"{text.name}: has no token")
        assert own is not None
        known, seen = _known(text, own)
        if not known:
            return text
        warning = Finding("seen", "warning", f"{text.name}: {seen}, so scores flatter")
        return replace(text, findings=(*text.findings, warning))

    def unlearned(
        self, samples: Running, model: Lm, own: Splits[Running] | None, say: Say
    ) -> Running:
        """Return the text; raises if it is the run's own, or if most of its passages are."""
        del say, model
        assert own is not None
        known, seen = _known(samples, own)
        whole = replace(own.train, text="".join(each.text for each in _cut_from_one(own)))
        is_own = samples.digest() in {each.digest() for each in (own.train, own.val, whole)}
        if is_own or known > 0.5:
            raise DataError(
                f"{samples.name}: the run was trained on {'' if is_own else 'most of '}this text"
                f"{'' if is_own else f' ({seen})'}; give another, or --include-training"
            )
        return samples

    def split(self, given: Any, config: LanguageConfig) -> Splits[Running]:
        """Return the splits: files of their own, or the last shares of the text."""
        shares = (config.split.val, config.split.test)
        return split_running(given["train"], given.get("val"), given.get("test"), shares=shares)

    def check(self, splits: Splits[Running], config: LanguageConfig) -> list[Finding]:
        """Return findings on what would harm a language model."""
        encoder = self.fit_encoder(splits.train, config)
        train = encoder.encode(splits.train.text)
        return [*splits.findings, *examine(splits, encoder, train, config.train.batch_size)]

    def resolve(self, config: LanguageConfig, splits: Splits[Running]) -> LanguageConfig:
        """Decide how the text is split into tokens."""
        return config.model_copy(update={"text": decided(config.text, splits.train.text)})

    def longest(self, config: LanguageConfig, splits: Splits[Running]) -> int:
        """Return the steps that gradients go back."""
        del splits
        return config.train.bptt

    def unused(self, config: LanguageConfig, splits: Splits[Running]) -> list[tuple[str, str]]:
        """Return what files, tokens or a start of all weights leave without effect."""
        del splits
        shares = unused_shares(config.data.val_path, config.data.test_path)
        start = []
        if config.model.init_range is not None:
            start = [("model.init", "is of layers that start by themselves, not by init_range")]
        return [*shares, *unused_lowercase(str(config.text.tokens)), *start]

    # Encoder and network

    def fit_encoder(self, train: Running, config: LanguageConfig) -> LanguageEncoder:
        """Fit the vocabulary."""
        return LanguageEncoder.fit(train.text, config.text)

    def store_encoder(self, encoder: LanguageEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: LanguageConfig) -> LanguageEncoder:
        """Restore the encoder from plain values."""
        del config
        return LanguageEncoder.from_dict(stored)

    def encode(self, encoder: LanguageEncoder, samples: Running) -> Ints:
        """Encode a text as token numbers, [n]."""
        return encoder.encode(samples.text)

    def describe_encoded(
        self, encoder: LanguageEncoder, encoded: Mapping[str, Encoded[Running]]
    ) -> list[str]:
        """Describe the number of tokens, and the number of different ones in training."""
        known = {"train": f", {len(encoder.vocabulary) - 1:,} different ones"}
        return [
            f"{name}: {len(each.arrays):,} tokens ({encoder.tokens}){known.get(name, '')}"
            for name, each in encoded.items()
        ]

    def build(self, config: LanguageConfig, encoder: LanguageEncoder) -> nn.Module:
        """Build the embedding, the recurrent layers and the softmax."""
        from longshort.tasks.language.network import LanguageModel

        return LanguageModel(config.model, len(encoder.vocabulary))

    def training(self, model: Lm, train: Encoded[Running], val: Encoded[Running]) -> Training:
        """Return training on streams side by side, whose states are carried on."""
        from longshort.tasks.language.learning import LanguageLearning

        learning = LanguageLearning(model, train.arrays, val.arrays)
        return Training(learning, model.config.train, learning.plan())

    def predict(self, model: Lm, arrays: Ints) -> Nats:
        """Return the nats of every token given all tokens before it."""
        from longshort.tasks.language.inference import nats_of

        return Nats(arrays, nats_of(model.call, arrays, model.encoder.begin))

    def rehearse(self, model: Lm, arrays: Ints) -> None:
        """Score a text, and write a few tokens."""
        from longshort.tasks.language.generate import Sampling

        self.predict(model, arrays)
        list(self.stream(model, "", 2, Sampling()))

    def stepper(self, model: Lm) -> LanguageSteps:
        """Return what reads a text piece by piece."""
        return LanguageSteps(model)

    def stream(self, model: Lm, prompt: str, length: int, how: Sampling) -> Iterator[str]:
        """Yield the `length` tokens after the prompt, piece by piece as they are written."""
        from longshort.tasks.language.generate import write_on

        well_formed(prompt, "prompt")
        return write_on(model, prompt, length, how)

    def unknown(self, model: Lm, text: str) -> list[str]:
        """Return the tokens of a text that the vocabulary lacks, in order."""
        well_formed(text, "prompt")
        encoder = model.encoder
        return [token for token in encoder.cut(text) if token not in encoder.vocabulary]

    # Scores

    def baselines(
        self,
        model: Lm,
        splits: Mapping[str, Encoded[Running]],
        networks: Mapping[str, Lm],
        track: Track,
    ) -> dict[str, Baseline[Nats]]:
        """Score token frequencies, n-grams, and adapted models where the settings ask for them."""
        del networks
        train, val, test = (splits[name].arrays for name in ("train", "val", "test"))
        encoder, wanted = model.encoder, model.config.evaluate
        size = len(encoder.vocabulary) - 1
        alone = unigram(train - 1, test - 1, size)
        highest = wanted.ngram or _ORDERS.get(encoder.tokens, _USUAL_ORDER)
        smoothed, order = kneser_ney(
            train - 1, val - 1, test - 1, size, highest, encoder.begin - 1, track
        )
        seen = f"{order - 1} token{'' if order == 2 else 's'}"
        note = f"looks at {seen} before, chosen on the validation split"
        return {
            "unigram": Baseline(Nats(test, alone), "the frequency of tokens"),
            "kneser_ney": Baseline(Nats(test, smoothed), "the Kneser-Ney n-gram model", note),
            **self._adapted(model, val, test, track),
        }

    def _adapted(self, model: Lm, val: Ints, test: Ints, track: Track) -> dict[str, Baseline[Nats]]:
        """Score the model as it adapts to the text on which it is scored."""
        from longshort.tasks.language.adapt import cached, dynamic

        begin, wanted, found = model.encoder.begin, model.config.evaluate, {}
        if wanted.cache:
            track("trying the cache", 0, 0)
            found["cache"] = cached(model.network, val, test, begin, wanted.cache)
        if wanted.dynamic:
            track("trying dynamic evaluation", 0, 0)
            found["dynamic"] = dynamic(model.network, val, test, begin)
        return {
            f"{MODEL} + {name}": Baseline(
                Nats(test, each.nats), f"the model with {name} evaluation", each.note, True
            )
            for name, each in found.items()
        }

    def score(self, model: Lm, samples: Running, prediction: Nats) -> Scores:
        """Return the perplexity, and bits where the tokens restore the text."""
        whole = samples.text if model.encoder.restores(samples.text) else None
        more = model.encoder.bits_of_unknown(prediction.numbers)
        return Scores(dict(scores_from(prediction.nats, whole, more)), prediction.nats)

    def compare(self, scored: Scored[Running, Nats], one: str, other: str) -> Comparison:
        """Compare the losses of stretches of tokens in a paired test."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare(first, second, max(_BLOCK, len(first) // 1000))

    def facts(self, model: Lm, scored: Scored[Running, Nats]) -> dict[str, Any]:
        """Return the sizes of the test split."""
        del model
        numbers, text = scored.predictions[MODEL].numbers, scored.samples.text
        return {
            "tokens": len(numbers),
            "characters": len(text),
            "bytes": len(text.encode()),
            "unknown": int((numbers == UNKNOWN).sum()),
        }

    def notes(self, model: Lm, scored: Scored[Running, Nats]) -> dict[str, str]:
        """Return notes on the baselines, and why bits are missing."""
        notes = super().notes(model, scored)
        if scored.scores[MODEL].values["bits_per_character"] is None:
            notes["bits"] = (
                f"per character and byte are left out: the tokens ({model.encoder.tokens}) do not "
                "restore the text, so not all of it is predicted"
            )
        return notes

    def basis(self, model: Lm, scored: Scored[Running, Nats]) -> str:
        """Return the number of tokens, and of unknown ones among them."""
        facts, unit = self.facts(model, scored), _UNITS.get(model.encoder.tokens, "tokens")
        among = f", {facts['unknown']:,} of them unknown" if facts["unknown"] else ""
        return f"{facts['tokens']:,} test {unit}{among}"

    def subject(self, model: Lm, samples: Running, train: Running | None) -> LanguageSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.language.subject import LanguageSubject

        return LanguageSubject(model, samples, train)

    # Output

    def table(self, model: Lm, samples: Running, prediction: Nats) -> pl.DataFrame:
        """Return a row per token."""
        del samples
        tokens = model.encoder.vocabulary.decode(prediction.numbers.tolist())
        return pl.DataFrame({"token": tokens, "nats": prediction.nats})

    def test_table(self, model: Lm, scored: Scored[Running, Nats]) -> pl.DataFrame:
        """Return a row per test token, in order: the token, and its nats by model and baselines."""
        numbers = scored.predictions[MODEL].numbers
        nats = {f"nats_{name}": each.nats for name, each in scored.predictions.items()}
        tokens = model.encoder.vocabulary.decode(numbers.tolist())
        return pl.DataFrame({"token": tokens, **nats})

    def about(self, model: Lm, splits: Splits[Running]) -> list[str]:
        """Return what the tokens are."""
        known = len(model.encoder.vocabulary) - 1
        return [
            f"{splits.train.name}: {len(splits.train):,} training characters (text.tokens = "
            f"{model.encoder.tokens})",
            f"{known:,} tokens can come, the unknown one among them",
        ]

    def sections(self, result: LanguageResult) -> Sequence[Section]:
        """Return the sections: surprises of the model, its gains, and text that it wrote."""
        from longshort.tasks.language.sections import sections

        return sections(result)

    def split_table(self, result: LanguageResult) -> list[list[str]]:
        """Return the number of tokens, characters and bytes of each split."""
        rows = [["split", "tokens", "characters", "bytes"]]
        for name, text in result.splits.by_name().items():
            sizes = len(result.encoded[name].arrays), len(text), len(text.text.encode())
            rows.append([name, *(f"{size:,}" for size in sizes)])
        return rows


def _cut_from_one(own: Splits[Running]) -> list[Running]:
    """Return the splits that were one text, in its order."""
    source = own.train.name, own.train.path
    return [each for each in own.by_name().values() if (each.name, each.path) == source]


def _known(text: Running, own: Splits[Running]) -> tuple[float, str]:
    """Return the share of a text's passages that a run has learned from, and a phrase about it."""
    known, passages = known_passages(text, [own.train, own.val])
    phrase = (
        f"{len(known):,} of {len(passages):,} passages stand in its training or validation text"
    )
    return len(known) / max(1, len(passages)), phrase
