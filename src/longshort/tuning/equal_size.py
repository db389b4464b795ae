"""The size at which a network has as many parameters as another one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from longshort.errors import ConfigError

_LARGEST = 2**16
_GRAINS = (1, 2, 3, 4, 5, 6, 8, 16, 32, 64)


def nearest_size(count: Callable[[int], int], target: int, start: int) -> int:
    """Return the size of at least 1 whose count is nearest to the target; of two the smaller.

    count: returns the number of parameters of a size, which grows with the size, and raises
    `ConfigError` for sizes that cannot be. start: a size from which the search begins. Raises
    `ConfigError` if the count does not depend on the size, or cannot come near the target.
    """
    known = cache(count)
    grain = _grain(known, start)
    found = _nearest(lambda number: known(grain * number), target, max(1, start // grain))
    return grain * found


def _nearest(count: Callable[[int], int], target: int, start: int) -> int:
    low, high = 0, start
    if count(start) == count(start + 1):
        raise ConfigError("the number of parameters does not depend on the size")
    while count(high) < target:
        low, high = high, 2 * high
        if high > _LARGEST:
            raise ConfigError(f"no size up to {_LARGEST:,} gives {target:,} parameters")
    while high - low > 1:
        middle = _between(count, target, low, high)
        low, high = (middle, high) if count(middle) < target else (low, middle)
    near = (each for each in (low, high) if each)
    return min(near, key=lambda each: abs(count(each) - target))


def _between(count: Callable[[int], int], target: int, low: int, high: int) -> int:
    """Return the size between two others where a straight line reaches the target."""
    if low == 0:
        return high // 2
    share = (target - count(low)) / (count(high) - count(low))
    return min(max(round(low + share * (high - low)), low + 1), high - 1)


def _grain(count: Callable[[int], int], start: int) -> int:
    """Return the number of which a size must be a multiple, such as that of a cell's modules."""
    for grain in _GRAINS:
        few = max(2, start // grain)
        try:
            count(grain * few), count(grain * (few + 1))
        except ConfigError:
            if grain == _GRAINS[-1]:
                raise
        else:
            return grain
    raise AssertionError("the last grain returns or raises")
