"""Remedies that can be made: the settings that a rule would change, to what.

Each returns values by the names of `Subject.settings`, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshort.diagnosis.rules import All
from longshort.diagnosis.subject import Subject


def _has(subject: Subject, name: str) -> Any:
    return subject.settings.get(name)


def _number(found: All, experiment: str, name: str, default: float = 0.0) -> float:
    return found[experiment].numbers.get(name, default) if experiment in found else default


def valley(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return the rate of the range test."""
    if _has(subject, "learning_rate") is None or "range test" not in found:
        return None
    return {"learning_rate": float(f"{_number(found, 'range test', 'valley'):.1g}")}


def clipping(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return a clip of the norm at 1."""
    del found
    return {"clip": 1.0} if "clip" in subject.settings else None


def less_dropout(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return dropout 0.2 in the place of a strong one."""
    del found
    rate = _has(subject, "dropout")
    return {"dropout": 0.2} if rate is not None and rate >= 0.6 else None


def less_decay(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return a weak decay in the place of a strong one."""
    del found
    decay = _has(subject, "weight_decay")
    return {"weight_decay": 0.01} if decay is not None and decay >= 0.1 else None


def wider(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return 32 units in the place of a few."""
    del found
    width = _has(subject, "width")
    return {"width": 32} if width and width <= 8 and subject.can("width") else None


def longer(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return five times as many epochs."""
    del found
    return {"epochs": 5 * int(subject.settings["epochs"])}


def narrower(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return a sixteenth of many units."""
    del found
    width = _has(subject, "width")
    return (
        {"width": max(8, width // 16)} if width and width >= 256 and subject.can("width") else None
    )


def gated(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return an LSTM in the place of a plain cell."""
    del found
    cell = str(_has(subject, "cell") or "").lower()
    return {"cell": "lstm"} if cell in ("rnn", "elman", "indrnn") else None


def further_back(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return 32 steps of backpropagation in the place of a few."""
    del found
    steps = _has(subject, "bptt")
    return {"bptt": 32} if steps and steps < 10 else None


def scaled(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return targets scaled by their deviation."""
    del found
    return {"scale": "zscore"} if _has(subject, "scale") == "none" else None


def larger_batch(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return batches of 32 in the place of single samples."""
    del found
    batch = _has(subject, "batch")
    return {"batch": 32} if batch and batch <= 2 and "learning_rate" in subject.settings else None


def begun(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return new initial weights."""
    del found
    return {"init": True} if subject.can("init") else None


def mixed(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return batches of mixed samples."""
    can = subject.can("shuffle") and _number(found, "order", "mixable") > 0
    return {"shuffle": True} if can else None


def moved(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return the shift that the alignment shows."""
    shift = int(_number(found, "alignment", "shift"))
    return {"shift": shift} if shift and subject.can("shift") else None


def own_step(subject: Subject, found: All) -> Mapping[str, Any] | None:
    """Return a training step of our own."""
    del found
    return {"own_step": True} if subject.can("own_step") else None
