"""Texts of validation and test samples that stand in training too, and can be memorised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longshort.data.findings import Finding

_LEAST_SHARE = 0.1
"""Share of repeated texts from which there is a finding."""
_LEAST_DIFFERENCE = 0.2
"""Difference between the shares of two splits from which the finding is a warning."""
_LEAST_TEXTS = 20
"""A split with fewer texts is not looked at: its share would be chance."""


def repeated_texts(texts: Mapping[str, Sequence[str]], samples: str, fix: str) -> list[Finding]:
    """Find texts of the validation and test splits that also stand in the training split.

    Returns no finding where at most a tenth of each split's texts do. Otherwise it returns one with
    the share of each split: a note, or a warning where the shares of two splits differ by 20
    percentage points or more, since the scores of the two then judge different things. Splits
    with fewer than 20 texts are left out.

    Args:
        texts: texts of each split by its name, "train" among them.
        samples: what has a text, in the plural, such as "lines".
        fix: what keeps equal texts in one split.
    """
    known = set(texts["train"])
    shares = {
        name: sum(text in known for text in each) / len(each)
        for name, each in texts.items()
        if name != "train" and len(each) >= _LEAST_TEXTS
    }
    if not shares or max(shares.values()) < _LEAST_SHARE:
        return []
    listed = " and ".join(f"{share:.0%} of the {name} {samples}" for name, share in shares.items())
    message = f"{listed} have a text that also stands in training, which a network can memorise"
    if round(max(shares.values()) - min(shares.values()), 6) < _LEAST_DIFFERENCE:
        text = f"{message}: scores of new texts may be worse"
        return [Finding("repeated-texts", "note", text, (), fix)]
    text = f"{message}: these scores do not judge the same thing"
    return [Finding("repeated-texts", "warning", text, (), fix)]
