"""Peak memory: that of a piece of work of known size."""

from __future__ import annotations

import pytest
import torch

from longshort.tuning.compare_memory import peak_memory


def test_what_is_held_at_a_time_counts() -> None:
    def work() -> None:
        for _ in range(3):
            torch.ones(10_000_000)

    found = peak_memory(work, "cpu")
    if found is None:
        pytest.skip("this system counts no memory")
    assert 35_000_000 < found < 60_000_000
