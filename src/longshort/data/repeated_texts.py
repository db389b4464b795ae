"""Texts of validation and test samples that stand in training too, and can be known by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longshort.data.findings import Finding

_SOME, _APART, _ENOUGH = 0.1, 0.2, 20
"""Share of repeated texts that is told, the difference between splits that is a warning, and the
texts that a split has to have, so that a share says something."""


def repeated_texts(texts: Mapping[str, Sequence[str]], samples: str, fix: str) -> list[Finding]:
    """Return what share of the other splits' texts also stands in the training split.

    It is told from a tenth on, as a warning where the shares of two splits are 20 percentage points
    apart: scores of the two then judge different things. Splits with fewer than 20 texts are left
    out.

    Args:
        texts: texts of each split by its name, "train" among them.
        samples: what has a text, in the plural, such as "lines".
        fix: what keeps equal texts in one split.
    """
    known = set(texts["train"])
    shares = {
        name: sum(text in known for text in each) / len(each)
        for name, each in texts.items()
        if name != "train" and len(each) >= _ENOUGH
    }
    if not shares or max(shares.values()) < _SOME:
        return []
    listed = " and ".join(f"{share:.0%} of the {name} {samples}" for name, share in shares.items())
    message = f"{listed} have a text that also stands in training, and can be known by heart"
    if round(max(shares.values()) - min(shares.values()), 6) < _APART:
        text = f"{message}: scores of new texts may be worse"
        return [Finding("repeated-texts", "note", text, (), fix)]
    text = f"{message}: these scores do not judge the same thing"
    return [Finding("repeated-texts", "warning", text, (), fix)]
