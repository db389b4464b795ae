"""What in utterances and their texts would harm a recogniser."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.data.findings import Finding
from longshort.data.repeated_texts import repeated_texts
from longshort.data.splits import Splits
from longshort.decoding.ctc import frames_needed
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.samples import Utterances

_SHOWN = 5


def examine(splits: Splits[Utterances], config: TranscribeConfig) -> list[Finding]:
    """Return the findings of reading and splitting, then those about sound and texts."""
    found = [_still(splits.train), _empty(splits.train), *_strange(splits, config)]
    if config.model.head == "ctc":
        parts = [("training", splits.train), ("validation", splits.val)]
        found += [_short(name, part, config) for name, part in parts]
    texts = {name: [*filter(None, each.texts or [])] for name, each in splits.by_name().items()}
    fix = "give --val and --test, or a column named split, with texts of their own"
    repeated = repeated_texts(texts, "utterances", fix)
    return [*splits.findings, *(each for each in found if each is not None), *repeated]


def _short(part: str, samples: Utterances, config: TranscribeConfig) -> Finding | None:
    """Find utterances with fewer steps than their text needs, at the fastest speed."""
    fastest = max((1.0, *config.vary.speeds)) if part == "training" else 1.0
    patch, where = config.model.patch, []
    for item, file, text in zip(samples.items, samples.files, samples.texts or [], strict=True):
        frames = max(2, round(len(item) / fastest)) if len(item) > 1 else len(item)
        steps, needed = -(-frames // patch), frames_needed([ord(c) for c in text])
        if steps < needed:
            where.append(f"{file}: {steps} steps for {needed} ({text[:40]!r})")
    if not where:
        return None
    message = (
        f"{len(where):,} {part} utterances have fewer steps of {patch} frames than "
        "their text needs: one for each character, and one more between two equal ones"
    )
    fix = "lower model.patch, correct the text, or leave them out"
    return Finding("short", "error", message, _first(where), fix)


def _strange(splits: Splits[Utterances], config: TranscribeConfig) -> list[Finding]:
    """Find characters that the alphabet lacks."""
    known = set(config.text.alphabet or "".join(splits.train.texts or []))
    found = []
    for part, samples in splits.by_name().items():
        texts = samples.texts or []
        lacking = sorted({c for text in texts for c in text} - known)
        if not lacking:
            continue
        listed = ", ".join(map(repr, lacking[:30]))
        rows = [i for i, text in enumerate(texts) if set(text) - known]
        where = [f"{samples.files[i]}: {texts[i][:60]!r}" for i in rows]
        if part == "train":
            text = f"the alphabet lacks characters of the training texts: {listed}"
            fix = "add them to text.alphabet, set text.lowercase, or correct the texts"
            found.append(Finding("alphabet", "error", text, _first(where), fix))
        else:
            text = (
                f"{len(rows):,} {part} texts have characters that no training text "
                f"has, which cannot be written: {listed}"
            )
            found.append(Finding("alphabet", "warning", text, _first(where), "correct the texts"))
    return found


def _empty(train: Utterances) -> Finding | None:
    rows = [i for i, text in enumerate(train.texts or []) if not text]
    if not rows:
        return None
    text = f"{len(rows):,} training utterances have an empty text"
    where = _first([train.files[i] for i in rows])
    return Finding("empty", "warning", text, where, "leave them out, unless nothing is said there")


def _still(train: Utterances) -> Finding | None:
    """Find features that never change."""
    rows = [i for i, item in enumerate(train.items) if not item.std(0).any()]
    if not rows:
        return None
    text = f"{len(rows):,} training utterances are silent: no feature ever changes"
    where = _first([train.files[i] for i in rows])
    return Finding("silent", "warning", text, where, "leave them out")


def _first(where: Sequence[str]) -> tuple[str, ...]:
    more = (f"and {len(where) - _SHOWN:,} more",) if len(where) > _SHOWN else ()
    return (*where[:_SHOWN], *more)
