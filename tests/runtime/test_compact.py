"""Matrices in few bits: nearest numbers, and files that give them back to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort.errors import RunError
from longshort.runtime.compact import KINDS, compacted, restored, rounded

MATRIX = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)


def test_bfloat16_is_that_of_torch() -> None:
    expected = torch.from_numpy(MATRIX).bfloat16().float().numpy()
    np.testing.assert_array_equal(rounded(MATRIX, "bfloat16"), expected)


def test_int8_is_within_half_a_step_of_its_row() -> None:
    off = np.abs(rounded(MATRIX, "int8") - MATRIX).max(1)
    assert (off <= np.abs(MATRIX).max(1) / 127 * 0.51).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gives_rounded_weights_back(kind: str) -> None:
    weights = {"w": rounded(MATRIX, kind), "b": MATRIX[0]}
    stored = compacted(weights, ["w"], kind)
    found = restored(stored)
    assert found.keys() == weights.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, weights[name])
    assert sum(each.nbytes for each in stored.values()) <= sum(w.nbytes for w in weights.values())


def test_damaged_weights_are_refused() -> None:
    stored = compacted({"w": rounded(MATRIX, "int8")}, ["w"], "int8")
    del stored["w::scales"]
    with pytest.raises(RunError, match="'w' has no scales"):
        restored(stored)
    with pytest.raises(RunError, match="of the kind 'int4', which is not known"):
        restored({"w::int4": MATRIX})
