"""Counts and times of a server, as text for Prometheus.

They are whole numbers that are rendered when they are asked for, and never labelled by session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

_SECONDS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Histogram:
    """Counts of values up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = _SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of the text format."""
        below = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            below += count
            yield f'{name}_bucket{{le="{bound:g}"}} {below}'
        below += self.counts[-1]
        yield f'{name}_bucket{{le="+Inf"}} {below}'
        yield f"{name}_sum {self.total:.9g}"
        yield f"{name}_count {below}"


class Metrics:
    """All that a server counts."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route and status."""
        self.rejected: Counter[str] = Counter()
        """By the code of the refusal."""
        self.ended: Counter[str] = Counter()
        """Sessions by the reason of their end."""
        self.tokens = 0
        self.request_seconds, self.step_seconds = Histogram(), Histogram()
        self.queue_seconds, self.batch_size = Histogram(), Histogram(_SIZES)

    def text(self, gauges: dict[str, tuple[str, float]]) -> str:
        """Return the text format; gauges: help and value of what is not counted, by name."""
        return "\n".join([*self._lines(gauges), ""])

    def _lines(self, gauges: dict[str, tuple[str, float]]) -> Iterator[str]:
        yield from _head("longshort_requests_total", "counter", "Requests by route and status.")
        for (route, status), count in sorted(self.requests.items()):
            yield f'longshort_requests_total{{route="{route}",code="{status}"}} {count}'
        yield from _head("longshort_rejected_total", "counter", "Refusals by reason.")
        for reason, count in sorted(self.rejected.items()):
            yield f'longshort_rejected_total{{reason="{reason}"}} {count}'
        name = "longshort_session_evictions_total"
        yield from _head(name, "counter", "Sessions that ended, by reason.")
        for reason, count in sorted(self.ended.items()):
            yield f'{name}{{reason="{reason}"}} {count}'
        yield from _head("longshort_tokens_total", "counter", "Tokens that were written.")
        yield f"longshort_tokens_total {self.tokens}"
        for name, told, each in self._histograms():
            yield from _head(name, "histogram", told)
            yield from each.lines(name)
        for name, (told, value) in gauges.items():
            yield from _head(name, "gauge", told)
            yield f"{name} {value:g}"

    def _histograms(self) -> list[tuple[str, str, Histogram]]:
        return [
            ("longshort_request_seconds", "Time of a whole request.", self.request_seconds),
            ("longshort_step_seconds", "Time of the model for a step.", self.step_seconds),
            ("longshort_queue_seconds", "Time that work waited.", self.queue_seconds),
            ("longshort_batch_size", "Steps that were done together.", self.batch_size),
        ]


def _head(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"
