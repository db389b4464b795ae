"""What a tagger has to beat: lists of what words and names were in the training part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

from longshort.data.conll import Tagged
from longshort.evaluate.entities import Entity, tags_of
from longshort.tasks.tag.fitted import Fitted, entities_of


def majority_tag(train: Tagged, test: Tagged, fitted: Fitted) -> list[list[str]]:
    """Each word's most frequent tag, in the network's tags; O for unknown words."""
    seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for tokens, found in zip(train.tokens, entities_of(train, fitted.scheme), strict=True):
        for token, tag in zip(tokens, _tags(found, len(tokens), fitted), strict=True):
            seen[_folded(token, fitted)][tag] += 1
    best = _most(seen)
    return [[best.get(_folded(t, fitted), "O") for t in tokens] for tokens in test.tokens]


def dictionary(train: Tagged, test: Tagged, fitted: Fitted) -> list[list[str]]:
    """The longest names from the left that training has, as what they mostly are there."""
    names: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for tokens, found in zip(train.tokens, entities_of(train, fitted.scheme), strict=True):
        words = [_folded(token, fitted) for token in tokens]
        for begin, end, kind in found:
            names[tuple(words[begin:end])][kind] += 1
    best = _most(names)
    longest = max(len(name) for name in names if isinstance(name, tuple))
    return [_looked_up(tokens, best, longest, fitted) for tokens in test.tokens]


def _looked_up(
    tokens: list[str], names: dict[Hashable, str], longest: int, fitted: Fitted
) -> list[str]:
    words = [_folded(token, fitted) for token in tokens]
    found: list[Entity] = []
    begin = 0
    while begin < len(words):
        ends = range(min(len(words), begin + longest), begin, -1)
        end = next((end for end in ends if tuple(words[begin:end]) in names), None)
        if end is None:
            begin += 1
        else:
            found.append((begin, end, names[tuple(words[begin:end])]))
            begin = end
    return _tags(found, len(words), fitted)


def _tags(found: Iterable[Entity], length: int, fitted: Fitted) -> list[str]:
    return tags_of(list(found), length, "plain" if fitted.scheme == "plain" else "bioes")


def _folded(token: str, fitted: Fitted) -> str:
    return token.lower() if fitted.lowercase else token


def _most(seen: dict[Hashable, Counter[str]]) -> dict[Hashable, str]:
    """The most frequent of each; of equally frequent ones the first in order of their text."""
    return {key: min(each, key=lambda tag: (-each[tag], tag)) for key, each in seen.items()}
