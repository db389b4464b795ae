"""The language model beside its rivals on the test part, and whether it earned its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config.language import LanguageConfig
from longshort.data.vocabulary import UNKNOWN
from longshort.metrics.language import scores as scores_from
from longshort.metrics.significance import Comparison, compare, place_sentence
from longshort.tasks.cell import cell_title
from longshort.tasks.language.adapt import cached, dynamic
from longshort.tasks.language.fitted import Fitted, Ints
from longshort.tasks.language.network import LanguageModel
from longshort.tasks.language.rivals import kneser_ney, unigram
from longshort.tasks.language.task import LanguageTask, losses_of
from longshort.train.learning import Tell, untold

Floats = NDArray[np.float64]
MODEL = "model"
TITLES = {"unigram": "the frequency of tokens", "kneser_ney": "the Kneser-Ney n-gram model"}
_BLOCK = 100
"""Tokens of a stretch in the comparison: losses of neighbours go together."""
_ORDERS = {"characters": 8, "bytes": 8}
_USUAL_ORDER = 5
_UNITS = {"characters": "characters", "bytes": "bytes"}


@dataclass(frozen=True)
class Scored:
    """Nats [n] of every test token by the model, its rivals, and the model with options."""

    numbers: Ints
    nats: dict[str, Floats]
    variants: dict[str, Floats]
    notes: dict[str, str]


def score(task: LanguageTask, tell: Tell = untold) -> Scored:
    """The test part, seen for the first time."""
    test = task.fitted.encode(task.parts.test.text)
    return score_on(task.network, task.fitted, task.config, task.train, task.val, test, tell)


def score_on(
    network: LanguageModel,
    fitted: Fitted,
    config: LanguageConfig,
    train: Ints,
    val: Ints,
    test: Ints,
    tell: Tell = untold,
) -> Scored:
    """Token numbers `test`, every one after all before it; rivals are fitted to `train`."""
    size, begin, wanted = len(fitted.vocabulary) - 1, fitted.begin, config.evaluate
    tell("scoring the test tokens", 0, 0)
    nats = {MODEL: losses_of(network, test, begin)}
    nats["unigram"] = unigram(train - 1, test - 1, size)
    highest = wanted.ngram or _ORDERS.get(fitted.tokens, _USUAL_ORDER)
    nats["kneser_ney"], order = kneser_ney(
        train - 1, val - 1, test - 1, size, highest, begin - 1, tell
    )
    seen = f"{order - 1} token{'' if order == 2 else 's'}"
    notes = {"kneser_ney": f"looks at {seen} before, chosen on the validation part"}
    variants = {}
    if wanted.cache:
        tell("trying the cache", 0, 0)
        found = cached(network, val, test, begin, wanted.cache)
        variants["model + cache"], notes["model + cache"] = found.nats, found.note
    if wanted.dynamic:
        tell("trying dynamic evaluation", 0, 0)
        found = dynamic(network, val, test, begin)
        variants["model + dynamic"], notes["model + dynamic"] = found.nats, found.note
    return Scored(test, nats, variants, notes)


def scores_of(scored: Scored, text: str, fitted: Fitted, config: LanguageConfig) -> dict[str, Any]:
    """The content of `scores.json`; `text` is the test part's."""
    whole = text if fitted.restores(text) else None
    notes = dict(scored.notes)
    if whole is None:
        notes["bits"] = (
            f"per character and byte are left out: the tokens ({fitted.tokens}) do not restore the "
            "text, so not all of it is predicted"
        )
    more = fitted.bits_of_unknown(scored.numbers)
    entries = {n: scores_from(nats, whole, more) for n, nats in scored.nats.items()}
    variants = {n: scores_from(nats, whole, more) for n, nats in scored.variants.items()}
    model = entries.pop(MODEL)
    rival = min(entries, key=lambda name: float(scored.nats[name].mean()))
    count = len(scored.numbers)
    unknown = int((scored.numbers == UNKNOWN).sum())
    block = max(_BLOCK, count // 1000)
    result = compare(scored.nats[MODEL], scored.nats[rival], block)
    return {
        "task": config.task,
        "tokens": count,
        "characters": len(text),
        "bytes": len(text.encode()),
        "unknown": unknown,
        "test": {"model": model, "variants": variants, "baselines": entries},
        "notes": notes,
        "metric": "perplexity",
        "best_rival": rival,
        "outcome": result.outcome,
        "gain": result.gain,
        "gain_95": [result.low, result.high],
        "verdict": _verdict(result, rival, model, entries[rival], config, count, unknown),
    }


def _verdict(
    result: Comparison,
    rival: str,
    model: dict[str, float | None],
    other: dict[str, float | None],
    config: LanguageConfig,
    count: int,
    unknown: int,
) -> str:
    among = f", {unknown:,} of them unknown" if unknown else ""
    return place_sentence(
        cell_title(config.model),
        result,
        f"perplexity {model['perplexity']:.4g} against {other['perplexity']:.4g} of "
        f"{TITLES[rival]}",
        f"{count:,} test {_UNITS.get(str(config.text.tokens), 'tokens')}{among}",
        f"share of nats saved {result.span('+.1%')}",
    )


def predictions(scored: Scored, fitted: Fitted) -> pl.DataFrame:
    """One row per test token, in order: token and its nats by the model and its rivals."""
    tokens = fitted.vocabulary.decode(scored.numbers.tolist())
    nats = {f"nats_{name}": values for name, values in (scored.nats | scored.variants).items()}
    return pl.DataFrame({"token": tokens, **nats})
