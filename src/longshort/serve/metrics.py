"""Counts and times of a server, as text for Prometheus.

They are whole numbers that are rendered when they are asked for, and never labelled by session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from longshort.serve.drift import Drift

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
    """All that a server counts.

    drift: of what it is asked. model_seconds: time that the model worked.
    """

    def __init__(self, drift: Drift | None = None) -> None:
        self.drift = Drift(None) if drift is None else drift
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route and status."""
        self.rejected: Counter[str] = Counter()
        """By the code of the refusal."""
        self.ended: Counter[str] = Counter()
        """Sessions by the reason of their end."""
        self.tokens = self.steps = 0
        """Tokens that were written, and steps of sessions, over all protocols."""
        self.model_seconds = 0.0
        self.request_seconds, self.step_seconds = Histogram(), Histogram()
        self.queue_seconds, self.batch_size = Histogram(), Histogram(_SIZES)

    def text(self, gauges: dict[str, tuple[str, float]], triton: str = "") -> str:
        """Return the text format.

        gauges: help and value of what is not counted, by name. triton: name of the model, to have
        the counts that dashboards of Triton show as well.
        """
        more = self._as_triton(triton, gauges) if triton else ()
        return "\n".join([*self._lines(gauges), *more, ""])

    def _as_triton(self, name: str, gauges: dict[str, tuple[str, float]]) -> Iterator[str]:
        """Yield counts under the names of Triton: of its protocol's requests, of steps, of time."""
        asked = {code: n for (route, code), n in self.requests.items() if route.endswith("/infer")}
        answered = asked.get(200, 0)
        queued, worked = int(self.queue_seconds.total * 1e6), int(self.model_seconds * 1e6)
        found = {
            "request_success": ("Requests that were answered.", answered),
            "request_failure": ("Requests that were refused.", sum(asked.values()) - answered),
            "count": ("Steps, over all protocols.", self.steps),
            "exec_count": ("Pieces of work of the model.", sum(self.queue_seconds.counts)),
            "queue_duration_us": ("Time that work waited.", queued),
            "compute_infer_duration_us": ("Time of the model.", worked),
        }
        for key, (told, value) in found.items():
            yield from _head(f"nv_inference_{key}", "counter", told)
            yield f'nv_inference_{key}{{model="{name}",version="1"}} {value}'
        pending = "nv_inference_pending_request_count"
        told, waiting = gauges["longshort_waiting"]
        yield from _head(pending, "gauge", told)
        yield f'{pending}{{model="{name}",version="1"}} {waiting:g}'

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
        yield from self.drift.lines()
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


def summed(texts: Sequence[str]) -> str:
    """Return the texts of several processes as one, in which every value is their sum."""
    families: dict[tuple[str, str], dict[str, float]] = {}
    for line in (line for text in texts for line in text.split("\n") if line):
        if line.startswith("# HELP"):
            told = line
        elif line.startswith("# TYPE"):
            values = families.setdefault((told, line), {})
        else:
            name, _, value = line.rpartition(" ")
            values[name] = values.get(name, 0.0) + float(value)
    return "\n".join([*_rendered(families), ""])


def _rendered(families: dict[tuple[str, str], dict[str, float]]) -> Iterator[str]:
    for heads, values in families.items():
        yield from heads
        for name, value in values.items():
            yield f"{name} {int(value) if value.is_integer() else f'{value:.9g}'}"
