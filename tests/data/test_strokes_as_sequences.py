"""Pen strokes as labelled sequences, and random variants of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from longshort.config.sequences import SequenceData, TextConfig
from longshort.data.examples.letters import letters, main
from longshort.data.formats.strokes import examples
from longshort.data.labelled_source import format_of, read_examples
from longshort.data.sequences import SequenceReader, Sequences
from longshort.data.strokes.augment import Augment
from longshort.data.strokes.features import FEATURES
from longshort.data.strokes.ink import Inks
from longshort.data.strokes.variants import Variants
from longshort.errors import DataError


def test_strokes_are_found_among_other_formats(tmp_path: Path) -> None:
    main(tmp_path / "words.jsonl")
    assert format_of(tmp_path / "words.jsonl") == "strokes"
    found = read_examples(tmp_path / "words.jsonl", SequenceData())
    assert found.features == FEATURES and found.read_as["format"] == "strokes"
    assert found.width == 8 and len(found) == 800 and found.labels is not None


def test_size_and_spacing_are_settings() -> None:
    inks = letters(5)
    usual, finer = (examples(inks, SequenceData(spacing=s)) for s in (0.1, 0.05))
    assert sum(map(len, finer.items)) > 1.6 * sum(map(len, usual.items))
    tall = np.asarray(examples(inks, SequenceData(size="height")).items[0])
    assert np.ptp(tall[:, FEATURES.index("y")]) == pytest.approx(1.0, abs=0.1)


def test_labels_are_needed_to_learn_alone() -> None:
    inks = letters(2)
    bare = Inks("bare", inks.items, None, inks.places)
    with pytest.raises(DataError, match="bare: has no labels; give each sample a 'label'"):
        read_examples(bare, SequenceData())
    assert read_examples(bare, SequenceData(), with_labels=False).labels is None


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_variants_are_strokes_of_the_same_kind(strength: float) -> None:
    settings = SequenceData()
    found = examples(letters(6), settings)
    reader = SequenceReader.fit(found, TextConfig(), by_channel=True)
    arrays = Sequences(reader.read(found), np.arange(6))
    variants = Variants(arrays, reader, settings, Augment().times(strength))
    numbers = np.array([4, 1])
    first, second = (variants.batch(numbers, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(first.x, second.x) and first.targets.tolist() == [4, 1]
    directions = [batch.x[1:4, :, 5:7] for batch in (first, arrays.batch(numbers))]
    assert np.allclose(*directions, atol=0.25) == (strength == 0.0)
