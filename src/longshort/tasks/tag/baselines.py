"""Baselines of a tagger: lists of the words and of the names in the training split.

Whether case matters is chosen on the validation split, whatever the network does with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import TagEncoder, entities_of
from longshort.tasks.tag.entities import Entity, scores

Folded = Callable[[str], str]
"""Turns a token into the form that is looked up."""

Way = Callable[[Tagged], list[list[str]]]
"""Tags every sentence, in the network's scheme."""

_FOLDS: tuple[Folded, ...] = (str.lower, str)
_NONE = ""


def majority_tag(train: Tagged, val: Tagged, test: Tagged, encoder: TagEncoder) -> list[list[str]]:
    """Tag `test` with each word's most frequent tag in training, in the network's scheme.

    Unknown words get O.
    """
    return _best([_by_word(train, fold, encoder) for fold in _FOLDS], val, encoder)(test)


def dictionary(train: Tagged, val: Tagged, test: Tagged, encoder: TagEncoder) -> list[list[str]]:
    """Tag `test` with the names of the training split, the longest from the left first.

    A name gets its most frequent type. All names are looked up, or only those that are names more
    often than not, whichever has the higher F1 on the validation split.
    """
    ways = []
    for fold in _FOLDS:
        names = _names(train, fold, encoder)
        surely = {name: each for name, each in names.items() if not _is_rather_none(each)}
        ways += [_by_name(_most(each), fold, encoder) for each in (names, surely)]
    return _best(ways, val, encoder)(test)


def _best(ways: Sequence[Way], val: Tagged, encoder: TagEncoder) -> Way:
    """Return the way with the highest F1 on the validation split; of equal ones the first."""
    truth = entities_of(val, encoder.scheme)

    def gain(way: Way) -> float:
        return scores(truth, [encoder.entities(tags) for tags in way(val)])["f1"]

    return max(ways, key=gain)


def _by_word(train: Tagged, fold: Folded, encoder: TagEncoder) -> Way:
    seen: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for tokens, found in zip(train.tokens, entities_of(train, encoder.scheme), strict=True):
        for token, tag in zip(tokens, encoder.network_tags_of(found, len(tokens)), strict=True):
            seen[fold(token)][tag] += 1
    best = _most(seen)
    return lambda source: [[best.get(fold(t), "O") for t in tokens] for tokens in source.tokens]


def _names(train: Tagged, fold: Folded, encoder: TagEncoder) -> dict[Hashable, Counter[str]]:
    """Return for every name how often it has each type, and how often (`_NONE`) it is no name."""
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
        return encoder.network_tags_of(found, len(tokens))

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


def _most(seen: dict[Hashable, Counter[str]]) -> dict[Hashable, str]:
    """Return the most frequent type of each; of equally frequent ones the first alphabetically."""
    return {
        key: min((tag for tag in each if tag != _NONE), key=lambda tag: (-each[tag], tag))
        for key, each in seen.items()
    }
