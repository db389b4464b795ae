"""Findings about captions and features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from longshort.runs import story
from longshort.tasks.caption.samples import captioned_of
from tests.captions import shapes


def codes(data: object) -> set[str]:
    settings: dict[str, Any] = {"task": "caption"}
    return {finding.code for finding in story.check(settings, data=data)}


def test_sound_data_have_no_finding() -> None:
    samples = shapes(60)
    texts = [(f"{a} {i}", b) for i, (a, b) in enumerate(samples.references or [])]
    assert codes(replace(samples, references=[(a, f"{b} {a}") for a, b in texts])) == set()


def test_what_is_found() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(30, 3, 2)).repeat(2, axis=0)
    captions = ["a dog"] * 59 + [" ".join(["dog"] * 40)]
    found = codes(captioned_of(features, captions))
    assert {"one-for-many", "equal-features", "single-captions"} <= found


def test_long_captions_are_cut_with_a_note() -> None:
    samples = shapes(60)
    long = [(f"{text} " * 20,) for text, _ in samples.references or []]
    assert "long" in codes(replace(samples, references=long))
