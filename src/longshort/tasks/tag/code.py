"""A tagger as code: from the tokens of a sentence to the best path of tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_values import Computed, Given, Result, Value, computed
from longshort.tasks.tag.encoder import Batch
from longshort.tasks.tag.spelling import SHAPES

Array = NDArray[Any]

_STEPS, _LETTERS = 40, 24
"""Tokens of a sentence and characters of a token that code takes at least."""
_TRIALS = 8
_SENTENCE, _SPELLING = ("time", "batch"), ("letters", "spellings")


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    batches = [each.inputs[0] for each in golden if each.function == "forward"]
    steps = _steps(batches, steps)
    letters = max(_LETTERS, *(each.spellings.shape[0] for each in batches))
    settings = model.config.model
    sentence = np.zeros((steps, 1), np.int64)
    spellings = np.zeros((letters, steps), np.int64)
    count = Given("count", np.array([steps]), axes=_SENTENCE[1:])
    one = Batch(
        _read("words", sentence, _SENTENCE),
        _read("shapes", sentence, _SENTENCE, settings.shapes),
        _read("pairs", sentence, _SENTENCE, settings.pairs),
        _read("which", sentence, _SENTENCE, settings.characters),
        _read("spellings", spellings, _SPELLING, settings.characters),
        _read("spelled", np.ones(steps, np.int64), _SPELLING[1:], settings.characters),
        count,
        None,
    )
    answers: dict[str, Value] = {"tags": _path(model, count), "scores": Result()}
    rows = [row for each in batches for row in _rows(each, steps, letters)]
    part = Part("run", "forward", (one,), answers, rows[:_TRIALS])
    what = "Give it a text, and see what it finds in it."
    return Portable((part,), _page(model, steps, letters), what, _says(model, steps, letters))


def _steps(batches: Sequence[Any], steps: int | None) -> int:
    if steps is None:
        return max([_STEPS, *(len(each.words) for each in batches)])
    if steps < 1:
        raise ConfigError(f"--steps: a whole number from 1 is expected, got {steps}")
    return steps


def _read(name: str, example: Array, axes: tuple[str, ...], width: int | None = 1) -> Given | Array:
    """Return an argument, or what stands for one that the network does not read."""
    return Given(name, example, axes=axes) if width else example


def _path(model: Any, count: Given) -> Computed:
    """Return the best tags [T, B] by scores [T, B, K]."""
    field = (np.asarray(each, np.float32) for each in model.call("field"))
    return computed("longshort.best_path", Result(), count, *field)


def _rows(batch: Any, steps: int, letters: int) -> Iterator[dict[str, Array]]:
    """Yield the sentences of a recorded batch, each token with a spelling of its own."""
    for row, length in enumerate(np.minimum(batch.lengths, steps).tolist()):
        found = {
            name: _padded(getattr(batch, name)[:length, row], steps)[:, None]
            for name in ("words", "shapes", "pairs")
        }
        columns = batch.which[:length, row]
        spellings = np.zeros((letters, steps), np.int64)
        spellings[: len(batch.spellings), :length] = batch.spellings[:, columns]
        spelled = _padded(batch.spelled[columns], steps, 1)
        own = np.arange(steps)[:, None]
        found |= {"which": own, "spellings": spellings, "spelled": spelled}
        yield found | {"count": np.array([length])}


def _padded(values: Array, steps: int, fill: int = 0) -> Array:
    found = np.full(steps, fill, np.int64)
    found[: len(values)] = values
    return found


def _page(model: Any, steps: int, letters: int) -> dict[str, Any]:
    encoder, field = model.encoder, model.call("field")
    return {
        "kind": "spans",
        "reads": "text",
        "steps": steps,
        "letters": letters,
        "labels": encoder.tags,
        "plain": encoder.scheme == "plain",
        "field": [np.round(each, 5).tolist() for each in field],
        "tokens": model.config.text.tokens,
        "lowercase": encoder.lowercase,
        "vocabulary": encoder.vocabulary.tokens,
        "shapes": SHAPES,
        "characters": encoder.characters.tokens,
        "pairs": encoder.pairs.tokens,
    }


def _says(model: Any, steps: int, letters: int) -> tuple[str, ...]:
    encoder, settings = model.encoder, model.config.model
    shapes, tags = (
        ", ".join(f"{number} {name}" for number, name in enumerate(names))
        for names in (SHAPES, encoder.tags[:40])
    )
    spellings = (
        f"spellings: numbers of characters, {letters} rows, a column for each different token; of "
        "longer tokens both ends",
        "spelled: number of characters of each column, from 1",
        "which: column of each token; 0, 1, 2 and so on where each has its own",
    )
    return (
        f"words: numbers of a sentence's tokens, {steps} at most; what lies past its end is not "
        "read",
        "count: the number of its tokens, from 1",
        *([f"shapes: how each is written: {shapes}"] if settings.shapes else []),
        *(["pairs: numbers of tokens with their right neighbours"] if settings.pairs else []),
        *(spellings if settings.characters else ()),
        f"tags: of each token, -1 past the end: {tags}",
        "scores: of each tag at each token, before those of the transitions are added",
    )
