"""What in captions and features would harm a captioner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.caption.samples import Captioned
from longshort.tasks.caption.scoring import plain

_SHOWN = 5
_MANY, _LARGE = 0.05, 0.2
"""Shares of images from which one caption, or features that others have too, are a warning."""


def examine(splits: Splits[Captioned], config: CaptionConfig) -> list[Finding]:
    """Return the findings of reading and splitting, then those about captions and features."""
    train = splits.train
    found = [_one_for_many(train), _equal_features(train), _long(train, config.text.max_length)]
    found += [_single(name, samples) for name, samples in splits.by_name().items()
              if name != "train"]  # fmt: skip
    return [*splits.findings, *(each for each in found if each is not None)]


def _one_for_many(train: Captioned) -> Finding | None:
    counts: Counter[str] = Counter()
    for texts in train.references or []:
        counts.update({plain(text) for text in texts})
    caption, count = counts.most_common(1)[0]
    if count < 2 or count <= _MANY * len(train):
        return None
    where = _places(train, (i for i, texts in enumerate(train.references or [])
                            if caption in map(plain, texts)))  # fmt: skip
    return Finding(
        "one-for-many",
        "warning",
        f"{count:,} of {len(train):,} training images have the caption {caption!r}",
        where,
        "if it says nothing of the image, remove it",
    )


def _equal_features(train: Captioned) -> Finding | None:
    keys = train.keys()
    counts = Counter(keys)
    equal = [i for i, key in enumerate(keys) if counts[key] > 1]
    if len(equal) <= _LARGE * len(train):
        return None
    return Finding(
        "equal-features",
        "warning",
        f"{len(equal):,} of {len(train):,} training images have the features of another one",
        _places(train, iter(equal)),
        "make the features anew, of each image its own",
    )


def _long(train: Captioned, most: int) -> Finding | None:
    long = [i for i, texts in enumerate(train.references or [])
            if any(len(plain(text).split()) > most for text in texts)]  # fmt: skip
    if not long:
        return None
    return Finding(
        "long",
        "note",
        f"{len(long):,} training images have a caption of more than {most} words; it is cut",
        _places(train, iter(long)),
        "text.max_length says where",
    )


def _single(split: str, samples: Captioned) -> Finding | None:
    counts = Counter(len(texts) for texts in samples.references or [])
    if set(counts) != {1}:
        return None
    return Finding(
        "single-captions",
        "note",
        f"the {split} images have a caption each; published scores are of five, and higher",
    )


def _places(samples: Captioned, rows: Iterator[int]) -> tuple[str, ...]:
    first = [row for row, _ in zip(rows, range(_SHOWN), strict=False)]
    return tuple(f"{samples.places[row]}: {samples.images[row]}" for row in first)
