"""Images whose features say what their captions are."""

from __future__ import annotations

import numpy as np

from longshort.tasks.caption.samples import Captioned, captioned_of

COLOURS = ("red", "green", "blue")
THINGS = ("ball", "dog", "car", "tree")


def shapes(count: int, seed: int = 0) -> Captioned:
    """Images of a thing with a colour: features of 4 places and of the whole, two captions each.

    The colour is a feature of the whole image, the thing that of one place.
    """
    draw = np.random.default_rng(seed)
    colours, things = draw.integers(3, size=count), draw.integers(4, size=count)
    places = 0.1 * draw.normal(size=(count, 4, 6))
    places[np.arange(count), draw.integers(4, size=count), things] += 2.0
    whole = 0.1 * draw.normal(size=(count, 5))
    whole[np.arange(count), colours] += 2.0
    texts = [(f"A {COLOURS[c]} {THINGS[t]} is here .", f"There is a {COLOURS[c]} {THINGS[t]}")
             for c, t in zip(colours, things, strict=True)]  # fmt: skip
    names = [f"{i}.jpg" for i in range(count)]
    bank = dict(zip(names, places, strict=True))
    vectors = dict(zip(names, whole, strict=True))
    return captioned_of(bank, texts, vectors)
