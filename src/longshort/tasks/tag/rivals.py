"""What a tagger has to beat: lists of what words and names were in the training part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable

from longshort.data.conll import Tagged
from longshort.evaluate.entities import Entity, scores, tags_of
from longshort.tasks.tag.fitted import Fitted, entities_of


def majority_tag(train: Tagged, test: Tagged, fitted: Fitted) -> list[list[str]]:
    """Each word's most frequent tag, in the network's tags; O for unknown words."""
    seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for tokens, found in zip(train.tokens, entities_of(train, fitted.scheme), strict=True):
        for token, tag in zip(tokens, _tags(found, len(tokens), fitted), strict=True):
            seen[_folded(token, fitted)][tag] += 1
    best = _most(seen)
    return [[best.get(_folded(t, fitted), "O") for t in tokens] for tokens in test.tokens]


def dictionary(train: Tagged, val: Tagged, test: Tagged, fitted: Fitted) -> list[list[str]]:
    """The longest names from the left that training has, as what they mostly are there.

    Of all names, or of those alone that are names more often than not, whichever finds more in the
    validation part.
    """
    names = _names(train, fitted)
    lists = [_most(names), _most({n: c for n, c in names.items() if not _is_rather_none(c)})]
    truth = entities_of(val, fitted.scheme)
    gains = [
        scores(truth, [fitted.entities(tags) for tags in _look_up(val, each, fitted)])["f1"]
        for each in lists
    ]
    return _look_up(test, lists[gains.index(max(gains))], fitted)


_NONE = ""


def _names(train: Tagged, fitted: Fitted) -> dict[Hashable, Counter[str]]:
    """Of every name how often it has which type, and how often its tokens are no name."""
    folded = [[_folded(token, fitted) for token in tokens] for tokens in train.tokens]
    found = entities_of(train, fitted.scheme)
    names: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for words, here in zip(folded, found, strict=True):
        for begin, end, kind in here:
            names[tuple(words[begin:end])][kind] += 1
    lengths = sorted({len(name) for name in names if isinstance(name, tuple)})
    for words, here in zip(folded, found, strict=True):
        marked = {(begin, end) for begin, end, _ in here}
        for length in lengths:
            for begin in range(len(words) - length + 1):
                name = tuple(words[begin : begin + length])
                if name in names and (begin, begin + length) not in marked:
                    names[name][_NONE] += 1
    return names


def _is_rather_none(counts: Counter[str]) -> bool:
    return 2 * counts[_NONE] > counts.total()


def _look_up(source: Tagged, names: dict[Hashable, str], fitted: Fitted) -> list[list[str]]:
    longest = max((len(name) for name in names if isinstance(name, tuple)), default=1)
    return [_looked_up(tokens, names, longest, fitted) for tokens in source.tokens]


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
    return {
        key: min((tag for tag in each if tag != _NONE), key=lambda tag: (-each[tag], tag))
        for key, each in seen.items()
    }
