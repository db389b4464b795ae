"""An n-gram as a run stores it."""

from __future__ import annotations

import math

import pytest

from longshort.metrics.stored_ngram import StoredNGram


def test_grams_come_back_from_their_record() -> None:
    grams = StoredNGram.fit([[1, 2], [2]], 3, 2)
    assert StoredNGram.from_dict(grams.to_dict()) == grams
    assert grams.stream == (0, 1, 2, 0, 2, 0)
    logs = grams.model.logs((1,))
    assert math.fsum(map(math.exp, logs)) == pytest.approx(1.0)
