"""Data check for pairs of texts: findings on what would harm a model, with place and remedy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from longshort.data.alignment import deviations
from longshort.data.coding import TextCoder, collapsed
from longshort.data.findings import Finding, Severity
from longshort.data.pair_coding import PairCoder
from longshort.data.parallel import SHOWN, Pairs
from longshort.data.scripts import script_of, script_of_all
from longshort.data.splits import Splits

_FAR = np.log(4)
"""Logarithm of the factor by which a target's length may differ from the usual one."""
_SHORT = 10
"""Number of characters up to which the lengths of texts are not compared."""
_MANY = 0.01
"""Share of faulty pairs from which a finding is a warning."""
_BYTES_A_LETTER = 4
_MOSTLY = 0.5
"""Share of unknown words or characters from which a source is reported."""


def examine_pairs(
    splits: Splits[Pairs], coder: PairCoder | None = None, *, drop_long: bool = False
) -> list[Finding]:
    """Return all findings on the splits; those of drawing them come first.

    coder: the coder fitted on the training split, by which texts that are too long are found; None
    to leave them out. drop_long: training pairs with such texts are left out.
    """
    found = list(splits.findings)
    for name, pairs in splits.by_name().items():
        found += _ratios(name, pairs) + _copies(name, pairs)
        found += _repeated(name, pairs) + _several(name, pairs)
        if coder is not None:
            found += _long(name, pairs, coder, drops=drop_long and name == "train")
    return found + _foreign(splits)


def unknown_sources(pairs: Pairs, coder: TextCoder) -> list[Finding]:
    """Find sources for prediction that consist mostly of words or characters new to the model."""
    where = [i for i, text in enumerate(pairs.sources) if _unknown_share(text, coder) > _MOSTLY]
    if not where:
        return []
    what = "words" if coder.kind == "words" else "characters"
    scripts = sorted({script_of(pairs.sources[i]) for i in where} - {""})
    shown = f" ({', '.join(scripts)})" if scripts else ""
    message = (
        f"{pairs.name}: {len(where):,} of {len(pairs):,} sources consist mostly of {what}{shown} "
        "that the model has not learned"
    )
    fix = "what it makes of them is chance; give texts in the language it was trained on"
    return [Finding("unknown", "warning", message, _places(pairs, where), fix)]


def _unknown_share(text: str, coder: TextCoder) -> float:
    plain = collapsed(text)
    total = len(plain.replace(" ", "")) if coder.kind != "words" else len(coder.encode(plain))
    return len(coder.unknown(plain)) / max(1, total)


def _ratios(split: str, pairs: Pairs) -> list[Finding]:
    """Find targets that are far longer or shorter than usual for their source."""
    targets = pairs.targets or []
    if not targets:
        return []
    far = deviations(pairs.sources, targets)
    is_long = [
        max(len(source), len(target)) > _SHORT and min(len(source), len(target)) > 0
        for source, target in zip(pairs.sources, targets, strict=True)
    ]
    where = [int(i) for i in np.flatnonzero(np.abs(far) > _FAR) if is_long[i]]
    if not where:
        return []
    worst = sorted(where, key=lambda i: -abs(far[i]))
    shown = [
        f"{pairs.places[i]}: {len(pairs.sources[i]):,} and {len(targets[i]):,} characters"
        for i in worst[:SHOWN]
    ]
    message = (
        f"{len(where):,} of {len(pairs):,} {split} targets are over 4 times longer or shorter "
        "than usual for their source"
    )
    fix = "remove those that are no counterparts"
    return [Finding("ratio", _grade(where, pairs), message, tuple(shown), fix)]


def _copies(split: str, pairs: Pairs) -> list[Finding]:
    """Find targets that repeat their source."""
    sides = enumerate(zip(pairs.sources, pairs.targets or [], strict=False))
    where = [i for i, (source, target) in sides if _is_copy(source, target)]
    if not where:
        return []
    message = f"{len(where):,} of {len(pairs):,} {split} targets are copies of their source"
    fix = "remove them, unless the model should learn to copy"
    return [Finding("copy", _grade(where, pairs), message, _places(pairs, where), fix)]


def _is_copy(source: str, target: str) -> bool:
    return collapsed(source) == collapsed(target) and any(map(str.isalpha, source))


def _repeated(split: str, pairs: Pairs) -> list[Finding]:
    """Find pairs that repeat both the source and the target of an earlier pair of the split."""
    seen: set[tuple[str, str]] = set()
    where = []
    for i, both in enumerate(zip(pairs.sources, pairs.targets or [], strict=False)):
        where += [i] if both in seen else []
        seen.add(both)
    if not where:
        return []
    message = f"{len(where):,} of {len(pairs):,} {split} pairs repeat another one of the split"
    fix = "remove them if they should count once"
    return [Finding("repeated", "note", message, _places(pairs, where), fix)]


def _several(split: str, pairs: Pairs) -> list[Finding]:
    """Find sources that stand in a split with different targets."""
    answers: dict[str, dict[str, int]] = defaultdict(dict)
    for i, (source, target) in enumerate(zip(pairs.sources, pairs.targets or [], strict=False)):
        answers[collapsed(source)].setdefault(collapsed(target), i)
    torn = [list(found.values()) for found in answers.values() if len(found) > 1]
    if not torn:
        return []
    shown = [" and ".join(pairs.places[i] for i in group[:SHOWN]) for group in torn[:SHOWN]]
    message = f"{len(torn):,} sources of the {split} split stand there with different targets"
    fix = "correct those that are wrong; right ones are references of one another"
    return [Finding("several-targets", "note", message, tuple(shown), fix)]


def _long(split: str, pairs: Pairs, coder: PairCoder, *, drops: bool) -> list[Finding]:
    """Find texts with more tokens than the coder's `max_length`.

    drops: pairs with such texts are left out, instead of cutting the texts.
    """
    done = "so that their pairs are left out" if drops else "and are cut"
    fix = "raise text.max_length"
    fix += "" if drops else ", or leave them out of training with text.drop_long"
    most, found = coder.max_length, []
    sides = (("sources", pairs.sources, coder.source), ("targets", pairs.targets, coder.target))
    for side, texts, own in sides:
        found += _beyond(f"{split} {side}", pairs, texts or [], own, most, done, fix)
    return found


def long_sources(pairs: Pairs, coder: PairCoder) -> list[Finding]:
    """Find sources to predict that are cut."""
    fix = "divide them, for instance into sentences, or train with a larger text.max_length"
    own, most = coder.source, coder.max_length
    found = _beyond("sources", pairs, pairs.sources, own, most, "and are cut", fix)
    return [replace(each, message=f"{pairs.name}: {each.message}") for each in found]


def _beyond(
    what: str, pairs: Pairs, texts: Sequence[str], coder: TextCoder, most: int, done: str, fix: str
) -> list[Finding]:
    lengths = [_length(text, coder, most) for text in texts]
    where = [i for i, length in enumerate(lengths) if length > most]
    if not where:
        return []
    longest = sorted(where, key=lambda i: -lengths[i])
    shown = tuple(f"{pairs.places[i]}: {lengths[i]:,} tokens" for i in longest[:SHOWN])
    message = f"{len(where):,} of {len(pairs):,} {what} have more than {most:,} tokens {done}"
    return [Finding("long", _grade(where, pairs), message, shown, fix)]


def _length(text: str, coder: TextCoder, most: int) -> int:
    """Return the number of tokens, or 0 for a text that is too short to have so many."""
    return len(coder.encode(text)) if _BYTES_A_LETTER * len(text) >= most else 0


def _foreign(splits: Splits[Pairs]) -> list[Finding]:
    """Find texts in a script other than the usual one of their side in the training split."""
    found = []
    for side in ("sources", "targets"):
        usual = script_of_all(getattr(splits.train, side) or [])
        for name, pairs in splits.by_name().items():
            texts = (getattr(pairs, side) or []) if usual else []
            where = [i for i, text in enumerate(texts) if script_of(text) not in ("", usual)]
            if where:
                message = (
                    f"{len(where):,} of {len(pairs):,} {name} {side} are not written in {usual} "
                    "letters, as the others are"
                )
                shown = tuple(f"{pairs.places[i]}: {script_of(texts[i])}" for i in where[:SHOWN])
                fix = "remove them, or turn source and target round if they are exchanged"
                found.append(Finding("script", _grade(where, pairs), message, shown, fix))
    return found


def _grade(where: Sequence[int], pairs: Pairs) -> Severity:
    return "warning" if len(where) >= _MANY * len(pairs) else "note"


def _places(pairs: Pairs, where: Sequence[int]) -> tuple[str, ...]:
    return tuple(pairs.places[i] for i in where[:SHOWN])
