"""Checks of running text: what would harm a language model, where, and how to fix it."""

from __future__ import annotations

import re

from longshort.data.finders import unknown
from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.data.vocabulary import UNKNOWN
from longshort.tasks.language.encoder import Ints, LanguageEncoder
from longshort.tasks.language.running import Running

_LONG = 30
"""Characters of a passage from which its repetition is hardly chance."""
_GIANT = 100_000
"""Characters above which a line is taken for text that lost its line ends."""
_SHOWN = 3
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_LOST = re.compile("\ufffd")


def examine(
    splits: Splits[Running], encoder: LanguageEncoder, train: Ints, streams: int
) -> list[Finding]:
    """Return all findings on a text.

    train: the training tokens, which are read in `streams` side by side.
    """
    found = [*too_short(len(train), streams), *_single(encoder), *_giant(splits)]
    for name, split in splits.by_name().items():
        found += (
            _mixed_ends(name, split) if name == "train" or split.path != splits.train.path else []
        )
        found += _odd(name, split)
    is_learned = bool((train == UNKNOWN).any())
    for name, split in (("val", splits.val), ("test", splits.test)):
        tokens = encoder.cut(split.text)
        found += unknown(name, tokens, encoder.vocabulary, is_learned=is_learned)
    found += _repeated("val", splits.val, "training", [splits.train])
    found += _repeated("test", splits.test, "training or validation", [splits.train, splits.val])
    return found


def too_short(count: int, streams: int) -> list[Finding]:
    """Return a finding if a stream has fewer than the two tokens that it needs."""
    if count >= 2 * streams:
        return []
    return [
        Finding(
            "short",
            "error",
            f"{count:,} training tokens are too few for {streams} streams",
            (),
            "give more text or a smaller train.batch_size",
        )
    ]


def _single(encoder: LanguageEncoder) -> list[Finding]:
    known = encoder.contents()
    if len(known) > 1:
        return []
    return [
        Finding(
            "one-token",
            "error",
            f"the training split knows one token only, {known[0]!r}"
            if known
            else "the training split knows no token but the end of a line",
            (),
            "give a text with several, lower text.min_count, or raise text.max_vocab",
        )
    ]


def _mixed_ends(name: str, split: Running) -> list[Finding]:
    plain, windows = split.ends
    if not plain or not windows:
        return []
    return [
        Finding(
            "line-ends",
            "note",
            f"the {name} file's lines end differently, {windows:,} with CR LF and {plain:,} with "
            "LF alone; all are read as ends of lines",
        )
    ]


def _giant(splits: Splits[Running]) -> list[Finding]:
    where = [
        f"{name} split, line {number:,}: {len(line):,} characters"
        for name, split in splits.by_name().items()
        for number, line in enumerate(split.text.split("\n"), split.first_line)
        if len(line) >= _GIANT
    ]
    if not where:
        return []
    return [
        Finding(
            "giant-line",
            "note",
            "there are lines as long as a book",
            tuple(where[:_SHOWN]),
            "break them where paragraphs end, if the model should know ends of lines",
        )
    ]


def _odd(name: str, split: Running) -> list[Finding]:
    """Find characters that no writer typed."""
    kinds = (
        ("control", _CONTROL, "control character", "remove them"),
        (
            "replaced",
            _LOST,
            "replacement character",
            "letters were lost when the text was converted; convert the source again",
        ),
    )
    found = []
    for code, pattern, what, fix in kinds:
        hits = list(pattern.finditer(split.text))
        if hits:
            message = f"the {name} split has {_counted(len(hits), what)}"
            where = tuple(_place(split, hit) for hit in hits[:_SHOWN])
            found.append(Finding(code, "warning", message, where, fix))
    return found


def _place(split: Running, hit: re.Match[str]) -> str:
    line = split.first_line + split.text.count("\n", 0, hit.start())
    return f"line {line:,}: U+{ord(hit[0]):04X}"


Passages = list[tuple[int, str]]
"""Passages, each with the number of its first line in the file."""


def known_passages(text: Running, earlier: list[Running]) -> tuple[Passages, Passages]:
    """Return the passages of a text that an earlier text has too, and all its passages.

    A passage begins with every line that is not blank. It includes the lines after it until it is
    long, as short lines can be equal by chance.
    """
    known = {passage for each in earlier for _, passage in _passages(each)}
    all_of_it = _passages(text)
    return [each for each in all_of_it if each[1] in known], all_of_it


def _passages(text: Running) -> Passages:
    lines = text.text.split("\n")
    found = []
    for number, line in enumerate(lines):
        end, passage = number + 1, line
        while len(passage) < _LONG and end < len(lines):
            passage, end = f"{passage}\n{lines[end]}", end + 1
        if line.strip() and len(passage) >= _LONG:
            found.append((text.first_line + number, passage))
    return found


def _repeated(name: str, split: Running, where: str, earlier: list[Running]) -> list[Finding]:
    twice, passages = known_passages(split, earlier)
    if not twice:
        return []
    return [
        Finding(
            "duplicate",
            "warning",
            f"{len(twice):,} of {_counted(len(passages), f'{name} passage')} stand in the {where} "
            "text too, so scores on them flatter",
            tuple(f"line {number:,}: {passage[:60]!r}" for number, passage in twice[:_SHOWN]),
            "remove them from one of the splits",
        )
    ]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
