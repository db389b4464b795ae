"""What in lines and texts would harm a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from longshort.data.findings import Finding
from longshort.data.repeated_texts import repeated_texts
from longshort.data.splits import Splits
from longshort.data.strokes.ink import Ink
from longshort.data.strokes.shape import normalise, resample
from longshort.decoding.ctc import frames_needed
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import STEP, Tokens, signs_of, steps_of
from longshort.tasks.read.ink import Pixels, scaled_width
from longshort.tasks.read.samples import Lines

_SHOWN = 5
_MOST_SIGNS = 30
_MANY = 0.2
"""Share of training lines from which one text is a warning."""


def examine(splits: Splits[Lines], config: ReadConfig) -> list[Finding]:
    """Return the findings of reading and splitting, then those about lines and texts."""
    found, known = list(splits.findings), signs(splits.train, config)
    for name, lines in splits.by_name().items():
        found += narrow(lines, config, is_learned=name == "train")
        found += [*no_lines(lines), *blank(lines, is_learned=name == "train")]
    found += [each for each in (_one_for_many(splits.train), _rare(splits, config)) if each]
    for name, lines in splits.by_name().items():
        if name != "train":
            found += unknown(known, lines, config, name)
    return found + _repeated(splits, config)


def narrow(lines: Lines, config: ReadConfig, *, is_learned: bool) -> list[Finding]:
    """Return a finding for each line that has fewer steps than CTC needs for its text.

    It is an error where the line is to be learned.
    """
    if config.model.head != "ctc" or lines.texts is None:
        return []
    found = []
    for i, needed, steps in too_narrow(lines, config):
        text = lines.texts[i]
        found.append(
            Finding(
                "narrow",
                "error" if is_learned else "warning",
                f"{len(signs_of(text, config.text.tokens or 'characters'))} signs need {needed} "
                f"steps, and the line has {steps}: {text[:40]!r}",
                (lines.places[i],),
                "is it the text of this line? Otherwise leave such lines out with --set "
                "data.drop_bad=true"
                + ("" if lines.kind == "strokes" else ", or raise image.height"),
            )
        )
    return found


def too_narrow(lines: Lines, config: ReadConfig) -> list[tuple[int, int, int]]:
    """Return the number of each line without enough steps, how many it needs, and how many it has.

    A network sees a step for every 4 columns of a picture, and for every 2 points of a pen.
    """
    tokens: Tokens = config.text.tokens or "characters"
    inputs: Sequence[Pixels | Ink] = lines.inputs
    found = []
    for i, (ink, text) in enumerate(zip(inputs, lines.texts or [], strict=False)):
        needed = frames_needed(signs_of(text, tokens))
        steps = steps_of(lines.kind, _length(ink, config))
        if steps < needed:
            found.append((i, needed, steps))
    return found


def no_lines(lines: Lines) -> list[Finding]:
    """Return a warning if pictures are higher than wide, as no line of text is."""
    if lines.kind != "pictures":
        return []
    shapes = [each.shape for each in lines.inputs if not isinstance(each, Ink)]
    texts = lines.texts or ["several"] * len(lines)
    high = [i for i, (h, w) in enumerate(shapes) if h >= w and len(texts[i]) > 3]
    if not high:
        return []
    first = shapes[high[0]]
    return [
        Finding(
            "no-line",
            "warning",
            f"{lines.name}: {len(high):,} pictures are higher than wide, the first {first[1]} × "
            f"{first[0]} pixels; a line of text is wider",
            tuple(lines.places[i] for i in high[:_SHOWN]),
            "cut pages into lines before, and turn pictures that lie on their side",
        )
    ]


def blank(lines: Lines, *, is_learned: bool = False) -> list[Finding]:
    """Return a finding on pictures without ink; an error where they are to be learned."""
    pixels = [each for each in lines.inputs if not isinstance(each, Ink)]
    empty = [place for place, each in zip(lines.places, pixels, strict=False) if not each.any()]
    if not empty:
        return []
    return [
        Finding(
            "one-colour",
            "error" if is_learned else "warning",
            f"{lines.name}: {len(empty):,} pictures are of one colour, so nothing stands there",
            tuple(empty[:_SHOWN]),
            "restore them, or remove them with their texts" if is_learned else "",
        )
    ]


def signs(train: Lines, config: ReadConfig) -> set[str]:
    """Return the signs of the training texts."""
    tokens = config.text.tokens or "characters"
    return {sign for text in train.texts or [] for sign in signs_of(text, tokens)}


def unknown(known: Iterable[str], lines: Lines, config: ReadConfig, split: str) -> list[Finding]:
    """Return a note on the signs of these lines that training has not, so that none is read."""
    have = set(known)
    counts: Counter[str] = Counter()
    places = []
    for text, place in zip(lines.texts or [], lines.places, strict=False):
        strange = [s for s in signs_of(text, config.text.tokens or "characters") if s not in have]
        counts.update(strange)
        places += [place] if strange else []
    if not counts:
        return []
    listed = ", ".join(f"{s!r} ({n:,})" for s, n in counts.most_common(_MOST_SIGNS))
    more = "" if len(counts) <= _MOST_SIGNS else f" and {len(counts) - _MOST_SIGNS:,} more"
    return [
        Finding(
            "alphabet",
            "warning",
            f"the {split} lines have {len(counts):,} signs that no training line has, which are "
            f"never read: {listed}{more}",
            tuple(places[:_SHOWN]),
            "add training lines with them, or write them in another way",
        )
    ]


def _length(ink: Pixels | Ink, config: ReadConfig) -> int:
    if isinstance(ink, Ink):
        return len(resample(normalise(ink, "stroke"), STEP))
    image = config.image
    return scaled_width(ink, image.height, straighten=image.straighten)


def _one_for_many(train: Lines) -> Finding | None:
    text, count = Counter(train.texts or []).most_common(1)[0]
    if count < 2 or count <= _MANY * len(train):
        return None
    where = [place for place, each in zip(train.places, train.texts or [], strict=True)
             if each == text]  # fmt: skip
    return Finding(
        "one-for-many",
        "warning",
        f"{count:,} of {len(train):,} training lines have the text {text[:40]!r}",
        tuple(where[:_SHOWN]),
        "if it does not stand there, correct it",
    )


def _repeated(splits: Splits[Lines], config: ReadConfig) -> list[Finding]:
    """Return what share of texts stands in training, of lines with more than one sign."""
    tokens = config.text.tokens or "characters"
    texts = {
        name: [text for text in lines.texts or [] if len(signs_of(text, tokens)) > 1]
        for name, lines in splits.by_name().items()
    }
    fix = "give --val and --test with texts of their own; of a table, --group text draws them so"
    return repeated_texts(texts, "lines of several signs", fix)


def _rare(splits: Splits[Lines], config: ReadConfig) -> Finding | None:
    """Return a note on signs that stand in one training line alone."""
    tokens = config.text.tokens or "characters"
    counts = Counter(s for text in splits.train.texts or [] for s in set(signs_of(text, tokens)))
    rare = sorted(sign for sign, count in counts.items() if count == 1)
    if not rare:
        return None
    listed = ", ".join(map(repr, rare[:_MOST_SIGNS])) + (" …" if len(rare) > _MOST_SIGNS else "")
    return Finding(
        "rare",
        "note",
        f"{len(rare):,} of {len(counts):,} signs stand in one training line only, too few to be "
        f"learned: {listed}",
    )
