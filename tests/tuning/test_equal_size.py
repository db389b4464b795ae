"""The size with the nearest number of parameters."""

from __future__ import annotations

import pytest

from longshort.errors import ConfigError
from longshort.tuning.equal_size import nearest_size


def lstm(size: int) -> int:
    return 4 * size * (size + 11) + 7


@pytest.mark.parametrize("target", [1, 60, 5_000, 123_456, 3_000_000])
@pytest.mark.parametrize("start", [1, 32, 512])
def test_no_size_is_nearer(target: int, start: int) -> None:
    found = nearest_size(lstm, target, start)
    near = range(max(1, found - 2), found + 3)
    assert abs(lstm(found) - target) == min(abs(lstm(each) - target) for each in near)


def test_sizes_that_cannot_be_are_left_out() -> None:
    def modules(size: int) -> int:
        if size % 4:
            raise ConfigError(f"hidden must be divisible by 4, got {size}")
        return size**2

    assert nearest_size(modules, 900, 16) in (28, 32)


def test_few_counts_are_needed() -> None:
    asked = []

    def counted(size: int) -> int:
        asked.append(size)
        return lstm(size)

    nearest_size(counted, 1_000_000, 128)
    assert len(asked) <= 15


def test_a_count_without_the_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not depend on the size"):
        nearest_size(lambda _size: 100, 100, 8)
