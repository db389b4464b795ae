"""Entities in tagged sentences, and their precision, recall and F1 as conlleval counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Entity = tuple[int, int, str]
"""First token, the token behind the last, type."""


def entities(tags: Sequence[str], *, plain: bool = False) -> list[Entity]:
    """Return the entities of a sentence by the rules of conlleval.

    BIO, IOB1, BIOES, BMES and BILOU are read alike, and mistakes leniently: an I- or E- after O,
    or after another type, begins an entity. plain: every tag but O is an entity of one token.
    After Tjong Kim Sang & Buchholz (2000).
    """
    if plain:
        return [(at, at + 1, tag) for at, tag in enumerate(tags) if tag != "O"]
    found: list[Entity] = []
    begin, before, kind_before = -1, "O", ""
    for at, tag in enumerate((*tags, "O")):
        position, kind = tag[0], tag[2:]
        if begin >= 0 and _ends(before, position, kind_before != kind):
            found.append((begin, at, kind_before))
            begin = -1
        if begin < 0 and position != "O":
            begin = at
        before, kind_before = position, kind
    return found


def _ends(before: str, position: str, is_other: bool) -> bool:
    """Whether an entity that is open at one token is over at the next."""
    return before in "ESLU" or position in "OBSU" or is_other


_INSIDE_LAST_LONE = {
    "bio": ("I", "I", "B"),
    "bioes": ("I", "E", "S"),
    "bmes": ("M", "E", "S"),
    "bilou": ("I", "L", "U"),
}
"""By scheme the letters of an inner, the last and the only token of an entity; B is the first."""


def tags_of(found: Sequence[Entity], length: int, scheme: str = "bioes") -> list[str]:
    """Return the tags of a sentence of `length` tokens with these entities, which do not overlap.

    scheme: bioes, bmes, bilou, bio, iob1 or plain.
    """
    tags = ["O"] * length
    for begin, end, kind in sorted(found):
        if scheme == "plain":
            tags[begin] = kind
        elif scheme == "iob1":
            touches = begin > 0 and tags[begin - 1][2:] == kind
            tags[begin:end] = [f"I-{kind}"] * (end - begin)
            tags[begin] = f"{'B' if touches else 'I'}-{kind}"
        else:
            inside, last, lone = _INSIDE_LAST_LONE[scheme]
            tags[begin:end] = [f"{inside}-{kind}"] * (end - begin)
            tags[begin] = f"B-{kind}"
            tags[end - 1] = f"{lone if end - begin == 1 else last}-{kind}"
    return tags


def counts(
    truth: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> NDArray[np.int64]:
    """Return the numbers of right, predicted and true entities of each sentence, [n, 3].

    An entity is right if both ends and the type agree.
    """
    rows = [
        (len(set(true) & set(guess)), len(guess), len(true))
        for true, guess in zip(truth, predicted, strict=True)
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def rates(right: float, predicted: float, true: float) -> dict[str, float]:
    """Return precision, recall and f1 from numbers of entities; 0 where undefined."""
    precision = right / predicted if predicted else 0.0
    recall = right / true if true else 0.0
    total = precision + recall
    f1 = 2 * precision * recall / total if total else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def scores(
    truth: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> dict[str, float]:
    """Return precision, recall and f1 over the entities of all types together."""
    return rates(*(float(n) for n in counts(truth, predicted).sum(0)))


def per_type(
    truth: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> dict[str, dict[str, float]]:
    """Return precision, recall, f1, support (true entities) and predicted of each type, sorted."""
    right: Counter[str] = Counter()
    true, guessed = kind_counts(truth), kind_counts(predicted)
    for these, those in zip(truth, predicted, strict=True):
        right.update(kind for _, _, kind in set(these) & set(those))
    return {
        kind: {
            **rates(right[kind], guessed[kind], true[kind]),
            "support": float(true[kind]),
            "predicted": float(guessed[kind]),
        }
        for kind in sorted(true.keys() | guessed.keys())
    }


def kind_counts(sentences: Sequence[Sequence[Entity]]) -> Counter[str]:
    """Return the number of entities of each type."""
    return Counter(kind for sentence in sentences for _, _, kind in sentence)


def confusion(
    truth: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], kinds: Sequence[str]
) -> NDArray[np.int64]:
    """Return counts [K + 1, K + 1] of entities with the same ends: true types in rows.

    The last column counts true entities for whose ends nothing was predicted, the last row
    predicted entities whose ends no true one has.
    """
    numbers = {kind: i for i, kind in enumerate(kinds)}
    table = np.zeros((len(kinds) + 1, len(kinds) + 1), dtype=np.int64)
    for these, those in zip(truth, predicted, strict=True):
        true = {(begin, end): kind for begin, end, kind in these}
        guess = {(begin, end): kind for begin, end, kind in those}
        for ends in true.keys() | guess.keys():
            row = numbers[true[ends]] if ends in true else len(kinds)
            column = numbers[guess[ends]] if ends in guess else len(kinds)
            table[row, column] += 1
    return table
