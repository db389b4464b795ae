"""Labelled texts and sequences from random processes whose best classifier is known.

Words are random syllables; nothing is taken from real texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from known_truth import FRESH_EXAMPLES, Draw, Family, Floats, Labelled

TOKENS: tuple[dict[str, Any], ...] = ({}, {"tokens": "characters"})
Example = tuple[Any, Any]


def sample(draw: Draw, sizes: Sequence[int], one: Callable[[], Example]) -> Labelled:
    """Draw examples, as many as one of the sizes, and fresh ones."""
    known = int(draw.choice(sizes))
    examples = [one() for _ in range(known + FRESH_EXAMPLES)]
    items, labels = map(list, zip(*examples, strict=True))
    return Labelled(items[:known], labels[:known], items[known:], labels[known:], None)


def lexicon(draw: Draw, size: int, syllables: int = 3) -> list[str]:
    """Return distinct words."""
    parts = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(draw.choice(parts, syllables))] = None
    return list(found)


def frequencies(draw: Draw, size: int) -> Floats:
    """Return frequencies of words: some are frequent, most are rare."""
    ranks = draw.permutation(size) + 3.0
    return np.asarray((1 / ranks) / np.sum(1 / ranks))


# Group 1: the labels are independent of the items.


def _chance(draw: Draw) -> Callable[[], str]:
    """Return a function that draws one of two or three labels, with equal frequencies or not."""
    shares = ((0.5, 0.5), (0.8, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.6, 0.3, 0.1))[int(draw.integers(4))]
    names = [f"class {number}" for number in range(len(shares))]
    return lambda: str(draw.choice(names, p=shares))


def texts_by_chance(draw: Draw) -> Labelled:
    words, label = np.array(lexicon(draw, 300)), _chance(draw)
    weights = frequencies(draw, len(words))
    return sample(
        draw,
        (300, 600, 1000),
        lambda: (" ".join(draw.choice(words, int(draw.integers(5, 20)), p=weights)), label()),
    )


def sequences_by_chance(draw: Draw) -> Labelled:
    """Waves with noise, which are independent of the labels."""
    steps, channels, label = int(draw.integers(12, 60)), int(draw.integers(1, 4)), _chance(draw)
    time = np.arange(steps)[:, None]

    def wave() -> Floats:
        phase, speed = draw.uniform(0, 2 * np.pi, channels), draw.uniform(0.1, 0.6, channels)
        return np.asarray(np.sin(phase + speed * time) + draw.normal(0, 0.5, (steps, channels)))

    return sample(draw, (150, 300, 600, 1000), lambda: (wave(), label()))


# Group 2: a bag of words or endings, or a linear rule on summary statistics, is the best.


def naive_bayes(known: Sequence[Sequence[str]], labels: Sequence[str]) -> Callable[..., str]:
    """Return the most probable label by the frequencies of features, assuming independence."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for features, label in zip(known, labels, strict=True):
        counts[label].update(features)
    vocabulary = {feature for found in counts.values() for feature in found}
    log = {
        label: {
            feature: np.log((found[feature] + 0.5) / (found.total() + len(vocabulary) / 2))
            for feature in vocabulary
        }
        for label, found in counts.items()
    }
    prior = {label: np.log(number) for label, number in Counter(labels).items()}

    def guess(features: Sequence[str]) -> str:
        return max(
            prior, key=lambda each: prior[each] + sum(log[each].get(f, 0.0) for f in features)
        )

    return guess


def with_bag(data: Labelled, features: Callable[[str], list[str]]) -> Labelled:
    """Add the accuracy of naive Bayes as the rule."""
    guess = naive_bayes([features(text) for text in data.items], data.labels)
    right = [
        guess(features(text)) == label
        for text, label in zip(data.fresh_items, data.fresh_labels, strict=True)
    ]
    return Labelled(
        data.items, data.labels, data.fresh_items, data.fresh_labels, float(np.mean(right))
    )


def bag_of_words(draw: Draw) -> Labelled:
    """Each class has its own word frequencies; the order is random."""
    words, classes = np.array(lexicon(draw, 300)), int(draw.integers(2, 4))
    tilted = frequencies(draw, 300) * np.exp(draw.normal(0, 0.8, (classes, 300)))
    weights = tilted / tilted.sum(1, keepdims=True)

    def text() -> Example:
        label = int(draw.integers(classes))
        length = int(draw.integers(6, 16))
        return " ".join(draw.choice(words, length, p=weights[label])), f"class {label}"

    return with_bag(sample(draw, (600, 1000, 1500), text), str.split)


def endings(draw: Draw) -> Labelled:
    """All words are new; each class prefers certain endings."""
    ends = np.array(lexicon(draw, 6, 1))
    weights = draw.dirichlet(np.full(len(ends), 0.8), 2)

    def text() -> Example:
        label, many = int(draw.integers(2)), int(draw.integers(3, 7))
        stems = ["".join(draw.choice(list("bdfgklmnprstvzaeiou"), 5)) for _ in range(many)]
        chosen = draw.choice(ends, many, p=weights[label])
        return " ".join(s + e for s, e in zip(stems, chosen, strict=True)), f"class {label}"

    return with_bag(
        sample(draw, (600, 1000), text), lambda text: [word[-2:] for word in text.split()]
    )


def simple_statistics(draw: Draw) -> Labelled:
    """Level and slope of the channels determine the label by a logistic law; the rest is noise."""
    steps, channels = int(draw.integers(15, 50)), int(draw.integers(1, 4))
    weights = draw.normal(size=2 * channels)
    weights *= 4 / np.linalg.norm(weights)
    time = np.linspace(-1, 1, steps)[:, None]
    likelier: list[str] = []

    def one() -> Example:
        causes = draw.normal(size=2 * channels)
        score = float(weights @ causes)
        likelier.append("high" if score > 0 else "low")
        label = "high" if draw.random() < 1 / (1 + np.exp(-score)) else "low"
        wave = causes[:channels] + time * causes[channels:]
        return wave + draw.normal(0, 0.5, (steps, channels)), label

    data = sample(draw, (500, 800, 1200), one)
    pairs = zip(likelier[-FRESH_EXAMPLES:], data.fresh_labels, strict=True)
    right = float(np.mean([guess == label for guess, label in pairs]))
    return Labelled(data.items, data.labels, data.fresh_items, data.fresh_labels, right)


# Group 3: order over a distance determines the label.


def _fillers(draw: Draw, words: Sequence[str], least: int, most: int) -> list[str]:
    return [str(word) for word in draw.choice(words, int(draw.integers(least, most + 1)))]


def word_order(draw: Draw) -> Labelled:
    """Which of two kinds of words comes first, with meaningless words between and around them."""
    words = lexicon(draw, 46)
    kinds, rest = (words[:3], words[3:6]), words[6:]

    def text() -> Example:
        first = int(draw.integers(2))
        key = [str(draw.choice(kinds[kind])) for kind in (first, 1 - first)]
        tokens = [
            *_fillers(draw, rest, 1, 6), key[0], *_fillers(draw, rest, 3, 8), key[1],
            *_fillers(draw, rest, 1, 6),
        ]  # fmt: skip
        return " ".join(tokens), f"{'ab'[first]} first"

    return sample(draw, (1000, 1500), text)


def brackets(draw: Draw) -> Labelled:
    """Whether five opening and five closing brackets nest; counts are equal in both classes."""
    words = lexicon(draw, 22)
    (opens, closes), rest = words[:2], words[2:]

    def nests(signs: Sequence[int]) -> bool:
        return bool(np.cumsum(signs).min() >= 0)

    def text() -> Example:
        wanted, signs = bool(draw.integers(2)), draw.permutation([1] * 5 + [-1] * 5)
        while nests(signs) != wanted:
            signs = draw.permutation(signs)
        tokens = _fillers(draw, rest, 1, 3)
        for sign in signs:
            tokens += [opens if sign > 0 else closes, *_fillers(draw, rest, 0, 1)]
        return " ".join([*tokens, *_fillers(draw, rest, 1, 3)]), "nested" if wanted else "broken"

    return sample(draw, (1500, 2000), text)


def switch(draw: Draw) -> Labelled:
    """Whether what was switched last was switched on; both are equally frequent."""
    words = lexicon(draw, 32)
    pair, rest = words[:2], words[2:]

    def text() -> Example:
        many = int(draw.integers(2, 5))
        states = draw.permutation([0, 1] * many)
        tokens = _fillers(draw, rest, 1, 3)
        for state in states:
            tokens += [pair[state], *_fillers(draw, rest, 1, 3)]
        return " ".join([*tokens, *_fillers(draw, rest, 3, 5)]), "on" if states[-1] else "off"

    return sample(draw, (1000, 1500), text)


def gestures(draw: Draw) -> Labelled:
    """Whether the second of four bursts is slow or fast, after pauses of random length.

    The counts of both kinds predict it in 69 % of the cases; its position predicts nothing.
    """
    width, pause = 12, int(draw.integers(8, 14))
    window, time = np.hanning(width), np.arange(width) - (width - 1) / 2
    bursts = [window * np.cos(2 * np.pi * time / period) for period in (8, 4)]
    bursts = [burst - window * burst.sum() / window.sum() for burst in bursts]
    bursts = [burst / np.linalg.norm(burst) * np.sqrt(width) for burst in bursts]

    def one() -> Example:
        kinds = draw.integers(0, 2, 4)
        parts = [np.zeros(int(draw.integers(1, 4 * pause)))]
        for kind in kinds:
            parts += [bursts[kind], np.zeros(int(draw.integers(2, pause)))]
        values = np.concatenate(parts)
        return (values + draw.normal(0, 0.3, len(values)))[:, None], ("slow", "fast")[kinds[1]]

    return sample(draw, (800, 1200), one)


def temporal_order(draw: Draw) -> Labelled:
    """Three signs at random positions among distractors: which one is in the middle?

    After the temporal order problem (Hochreiter & Schmidhuber, 1997); the counts of the signs
    predict it in three cases of four.
    """
    steps, others = int(draw.integers(25, 45)), 4

    def one() -> Example:
        signs = draw.integers(0, 2, 3)
        places = np.sort(draw.choice(steps, 3, replace=False))
        tokens = draw.integers(2, 2 + others, steps)
        tokens[places] = signs
        return np.eye(2 + others)[tokens], "xy"[signs[1]]

    return sample(draw, (1000, 1500), one)


LABELLED = (
    Family("texts-by-chance", 1, 20, texts_by_chance, ({}, {}, {"tokens": "characters"})),
    Family("sequences-by-chance", 1, 20, sequences_by_chance),
    Family("bag-of-words", 2, 8, bag_of_words),
    Family("endings", 2, 6, endings, TOKENS),
    Family("statistics", 2, 6, simple_statistics),
    Family("word-order", 3, 8, word_order),
    Family("brackets", 3, 5, brackets),
    Family("switch", 3, 4, switch),
    Family("gestures", 3, 7, gestures),
    Family("temporal-order", 3, 6, temporal_order),
)
