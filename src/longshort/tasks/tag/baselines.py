"""What a tagger has to beat: lists of what words and names were in the training part.

Whether case is looked at is chosen on the validation part, whatever the network does with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import TagEncoder, entities_of
from longshort.tasks.tag.entities import Entity, scores, tags_of

Folded = Callable[[str], str]
"""A token as it is looked up."""

Way = Callable[[Tagged], list[list[str]]]
"""Tags of every sentence, in the network's scheme."""

_FOLDS: tuple[Folded, ...] = (str.lower, str)
_NONE = ""


def majority_tag(train: Tagged, val: Tagged, test: Tagged, encoder: TagEncoder) -> list[list[str]]:
    """Each word's most frequent tag, in the network's tags; O for unknown words."""
    return _best([_by_word(train, fold, encoder) for fold in _FOLDS], val, encoder)(test)


def dictionary(train: Tagged, val: Tagged, test: Tagged, encoder: TagEncoder) -> list[list[str]]:
    """The longest names from the left that training has, as what they mostly are there.

    Of all names, or of those alone that are names more often than not, whichever finds more in the
    validation part.
    """
    ways = []
    for fold in _FOLDS:
        names = _names(train, fold, encoder)
        surely = {name: each for name, each in names.items() if not _is_rather_none(each)}
        ways += [_by_name(_most(each), fold, encoder) for each in (names, surely)]
    return _best(ways, val, encoder)(test)


def _best(ways: Sequence[Way], val: Tagged, encoder: TagEncoder) -> Way:
    """The first of those that find most in the validation part."""
    truth = entities_of(val, encoder.scheme)

    def gain(way: Way) -> float:
        return scores(truth, [encoder.entities(tags) for tags in way(val)])["f1"]

    return max(ways, key=gain)


def _by_word(train: Tagged, fold: Folded, encoder: TagEncoder) -> Way:
    seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for tokens, found in zip(train.tokens, entities_of(train, encoder.scheme), strict=True):
        for token, tag in zip(tokens, _tags(found, len(tokens), encoder), strict=True):
            seen[fold(token)][tag] += 1
    best = _most(seen)
    return lambda source: [[best.get(fold(t), "O") for t in tokens] for tokens in source.tokens]


def _names(train: Tagged, fold: Folded, encoder: TagEncoder) -> dict[Hashable, Counter[str]]:
    """Of every name how often it has which type, and how often its tokens are no name."""
    folded = [[fold(token) for token in tokens] for tokens in train.tokens]
    found = entities_of(train, encoder.scheme)
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


def _by_name(names: dict[Hashable, str], fold: Folded, encoder: TagEncoder) -> Way:
    longest = max((len(name) for name in names if isinstance(name, tuple)), default=1)

    def look_up(tokens: list[str]) -> list[str]:
        found = _found([fold(token) for token in tokens], names, longest)
        return _tags(found, len(tokens), encoder)

    return lambda source: [look_up(tokens) for tokens in source.tokens]


def _found(words: list[str], names: dict[Hashable, str], longest: int) -> list[Entity]:
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
    return found


def _tags(found: Iterable[Entity], length: int, encoder: TagEncoder) -> list[str]:
    return tags_of(list(found), length, "plain" if encoder.scheme == "plain" else "bioes")


def _most(seen: dict[Hashable, Counter[str]]) -> dict[Hashable, str]:
    """The most frequent of each; of equally frequent ones the first in order of their text."""
    return {
        key: min((tag for tag in each if tag != _NONE), key=lambda tag: (-each[tag], tag))
        for key, each in seen.items()
    }
