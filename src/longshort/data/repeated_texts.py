"""Texts of validation and test samples that stand in training too, and can be known by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longshort.data.findings import Finding

_SOME, _APART = 0.1, 0.2
"""Share of repeated texts that is told, and the difference between splits that is a warning."""


def repeated_texts(texts: Mapping[str, Sequence[str]], samples: str, fix: str) -> list[Finding]:
    """Return what share of the other splits' texts also stands in the training split.

    It is a note from a tenth on, and a warning where one split has a share that is higher by a
    fifth than another's: scores of the two then judge different things.

    Args:
        texts: texts of each split by its name, "train" among them.
        samples: what has a text, in the plural, such as "lines".
        fix: what keeps equal texts in one split.
    """
    known = set(texts["train"])
    shares = {
        name: sum(text in known for text in each) / len(each)
        for name, each in texts.items()
        if name != "train" and each
    }
    if not shares or max(shares.values()) < _SOME:
        return []
    listed = " and ".join(f"{share:.0%} of the {name} {samples}" for name, share in shares.items())
    message = f"{listed} have a text that also stands in training, and can be known by heart"
    if max(shares.values()) - min(shares.values()) < _APART:
        return [Finding("repeated-texts", "note", f"{message}: scores of new texts may be worse")]
    message += ": these scores do not judge the same thing"
    return [Finding("repeated-texts", "warning", message, (), fix)]
