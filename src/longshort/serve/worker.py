"""Where the model works: within the event loop if it is brief, or on one thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from longshort.runs.session import Session, step_many
from longshort.serve.metrics import Metrics
from longshort.serve.refusal import busy, unfit

T = TypeVar("T")

BRIEF = 200e-6
"""Seconds of work up to which a change of threads costs more than it saves."""
_SLICE = 2e-3
"""Seconds after which long work lets others go first."""
_NEW = 0.1
"""Weight of a new measurement in the mean."""
_SHORT = 64
"""Characters of a text that is as brief as others."""

Answer = dict[str, Any]


class _Waiting(NamedTuple):
    session: Session
    x: Any
    answer: asyncio.Future[Answer]
    asked: float


class Budget:
    """Time of the model that the parts of a request may take, in seconds."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @property
    def is_spent(self) -> bool:
        """Whether the parts so far took that time."""
        return self._left <= 0.0

    def metered(self, parts: Iterator[T]) -> Iterator[T]:
        """Yield the parts, and take off the time that each takes."""
        while True:
            begin = time.thread_time()
            try:
                part = next(parts)
            except StopIteration:
                return
            finally:
                self._left -= time.thread_time() - begin
            yield part


class Worker:
    """Runs the model's work, one piece at a time.

    most: pieces that may wait. longest: seconds of the model for one request of many parts.
    """

    def __init__(self, most: int, metrics: Metrics, longest: float = 60.0) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._most, self._metrics, self.longest = most, metrics, longest
        self._running = 0
        self._lock = threading.Lock()
        self._ready: list[_Waiting] = []
        self._together = 0
        self._mean = 1.0

    @property
    def waiting(self) -> int:
        """Pieces of work that wait or run."""
        return self._running + len(self._ready) + self._together

    async def step(self, session: Session, x: Any) -> Answer:
        """Take a sample into a session, together with those that are ready for others.

        Which others changes no bit of the answer. Raises the model's error for a sample that it
        does not take, and 503 if too many wait.
        """
        if not self.waiting and self._mean < BRIEF and not _may_be_long(x):
            return self._measured(lambda: session.step(x), time.monotonic(), 1)
        self._refuse_overload()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        with self._lock:
            self._ready.append(_Waiting(session, x, answer, time.monotonic()))
            is_first = len(self._ready) == 1
        if is_first:
            self._pool.submit(self._step_all, loop)
        return await answer

    async def run(self, work: Callable[[], T]) -> T:
        """Do a piece of work on the thread; raises 503 if too many wait."""
        self._refuse_overload()
        self._running += 1
        asked = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._pool, self._measured, work, asked)
            try:
                return await asyncio.shield(done)
            except asyncio.CancelledError:
                await asyncio.wait([done])  # what it works on is let go after it
                raise
        finally:
            self._running -= 1

    async def some(self, parts: Iterator[T], found: list[T]) -> bool:
        """Do parts of long work for 2 ms, into a list; returns whether there may be more."""

        def work() -> bool:
            end = time.monotonic() + _SLICE
            for part in parts:
                found.append(part)
                if time.monotonic() >= end:
                    return True
            return False

        return await self.run(work)

    async def run_all(self, parts: Iterator[T], budget: Budget | None = None) -> list[T]:
        """Do work of many parts, which lets other work go first every 2 ms.

        budget: of the request, one of its own when None. Raises 422 once it is spent.
        """
        found: list[T] = []
        budget = budget or Budget(self.longest)
        metered = budget.metered(parts)
        while await self.some(metered, found):
            if budget.is_spent:
                raise unfit(
                    f"the request takes the model longer than {self.longest:g} seconds, which is "
                    "the most; ask for it in several requests"
                )
        return found

    def close(self) -> None:
        """Wait for the work that runs."""
        self._pool.shutdown(wait=True)

    def _refuse_overload(self) -> None:
        if self.waiting >= self._most:
            raise busy("too many requests wait for the model")

    def _step_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do the steps of all sessions that are ready; runs on the thread."""
        with self._lock:
            ready, self._ready = self._ready, []
            self._together = len(ready)
        self._metrics.batch_size.add(len(ready))
        found: list[Answer | Exception]
        sessions, xs = [each.session for each in ready], [each.x for each in ready]
        try:
            found = self._measured(lambda: step_many(sessions, xs), ready[0].asked, len(ready))
        except Exception as error:
            found = [error] * len(ready)
        with self._lock:
            self._together = 0
        loop.call_soon_threadsafe(_give, ready, found)

    def _measured(self, work: Callable[[], T], asked: float, steps: int = 0) -> T:
        """Do work, and note the time that it waited, and that of each of its steps."""
        begin = time.monotonic()
        self._metrics.queue_seconds.add(begin - asked)
        cpu = time.thread_time()
        try:
            with np.errstate(all="ignore"):  # what overflows is null in its answer
                return work()
        finally:
            took = time.monotonic() - begin
            self._metrics.model_seconds += took
            if steps:
                spent = (time.thread_time() - cpu) / steps
                self._mean += _NEW * (spent - self._mean) if self._mean < 1.0 else spent - 1.0
                self._metrics.step_seconds.add(took / steps)


def _may_be_long(x: Any) -> bool:
    """Whether a sample may take longer than others did: a text has any length."""
    return isinstance(x, str) and len(x) > _SHORT


def _give(ready: list[_Waiting], found: list[Answer | Exception]) -> None:
    """Hand the answers out; runs in the event loop."""
    for waiting, result in zip(ready, found, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(result, StopIteration):  # which no future takes
            waiting.answer.set_exception(RuntimeError(repr(result)))
        elif isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)
