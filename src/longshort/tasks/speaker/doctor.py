"""What in recordings of speakers would harm a model, or what is said of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from longshort.data.finders import SHOWN, repeated
from longshort.data.findings import Finding
from longshort.data.labelled import Examples
from longshort.data.splits import Splits
from longshort.errors import DataError, are, counted
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.voices import has_pairs

_FEWEST = 2
_FEW_TESTED = 10


def findings(splits: Splits[Examples], config: SpeakerConfig) -> list[Finding]:
    """Return every finding about the recordings."""
    given = {"val": config.data.val_path, "test": config.data.test_path}
    drawn = {"train", *(name for name, path in given.items() if path is None)}
    found = list(splits.findings)
    for name, samples in splits.by_name().items():
        found += repeated(name, samples, "recordings")
        found += _too_few(name, samples, splits, drawn)
    return [*found, *_shared(splits), *_one_each(splits)]


def refuse_too_few(given: Mapping[str, Examples]) -> None:
    """Raise `DataError` where there are too few speakers for the splits that are to be drawn."""
    drawn = [name for name in ("val", "test") if name not in given]
    needed = _FEWEST * (1 + len(drawn))
    train = given["train"]
    count = len(set(train.labels or []))
    if count < needed:
        raise DataError(
            f"{train.name}: has {counted(count, 'speaker')}, and {needed} are "
            f"needed, two in each split ({', '.join(['train', *drawn])}); give more speakers, or "
            "recordings of others for validation and test with --val and --test"
        )


def _too_few(
    name: str, samples: Examples, splits: Splits[Examples], drawn: set[str]
) -> list[Finding]:
    """Find a split with a single speaker; drawn: the splits that are shares of one source."""
    speakers = len(set(samples.labels or []))
    if speakers < _FEWEST:
        fix = "give more speakers"
        if name != "train" and name in drawn:
            parts = [each for part, each in splits.by_name().items() if part in drawn]
            whole = len({who for each in parts for who in each.labels or []})
            share = math.ceil(100 * _FEWEST / whole) / 100
            fix += f", or set split.{name}={share:g}: then two of the {whole} are drawn"
        return [
            Finding(
                "speakers", "error", f"the {name} split has one speaker, and two or more are "
                "compared", (), fix,
            )
        ]  # fmt: skip
    if name == "test" and speakers < _FEW_TESTED:
        text = f"the test split has {speakers} speakers; with so few an error rate is uncertain"
        return [Finding("speakers", "note", text, (), "test on more speakers")]
    return []


def _shared(splits: Splits[Examples]) -> list[Finding]:
    """Find speakers that are in two splits, whose recognition would flatter."""
    parts = {name: set(each.labels or []) for name, each in splits.by_name().items()}
    found = []
    for name in ("val", "test"):
        both = sorted(parts.get(name, set()) & parts["train"])
        if both:
            found.append(
                Finding(
                    "speakers", "warning", f"{counted(len(both), 'speaker')} of the {name} split "
                    f"{are(len(both))} in training too, so scores on them say little of new "
                    "speakers",
                    tuple(both[:SHOWN]), "put every speaker into one split",
                )
            )  # fmt: skip
    return found


def _one_each(splits: Splits[Examples]) -> list[Finding]:
    """Find splits in which no speaker, or some, have a single recording."""
    found = []
    if not has_pairs(splits.test):
        found.append(
            Finding(
                "one-each", "error", "every test speaker has one recording, so that no two of one "
                "speaker can be compared", (), "give two or more of each test speaker",
            )
        )  # fmt: skip
    counts = Counter(splits.train.labels or [])
    single = sorted(name for name, count in counts.items() if count == 1)
    if single:
        found.append(
            Finding(
                "one-each", "warning", f"{len(single):,} of {len(counts):,} training speakers have "
                "one recording: crops of it share room and microphone, which are learned with the "
                "voice", tuple(single[:SHOWN]), "give recordings from several sessions",
            )
        )  # fmt: skip
    if len(splits.val) and not has_pairs(splits.val):
        found.append(
            Finding(
                "one-each", "warning", "every validation speaker has one recording; the threshold "
                "is found on halves of it, and will be too strict across rooms and microphones",
                (), "name validation recordings (--val) as they will be compared",
            )
        )  # fmt: skip
    return found
