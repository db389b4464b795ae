"""Where the model works: within the event loop if it is brief, or on one thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from longshort.runs.session import Session, step_many
from longshort.serve.metrics import Metrics
from longshort.serve.refusal import busy

T = TypeVar("T")

BRIEF = 200e-6
"""Seconds of work up to which a change of threads costs more than it saves."""
_SLICE = 2e-3
"""Seconds after which long work lets others go first."""
_NEW = 0.1
"""Weight of a new measurement in the mean."""
_STEP = "step"

Answer = dict[str, Any]


class _Waiting(NamedTuple):
    session: Session
    x: Any
    answer: asyncio.Future[Answer]
    asked: float


class Worker:
    """Runs the model's work, one piece at a time. most: pieces that may wait."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._most, self._metrics = most, metrics
        self._running = 0
        self._ready: list[_Waiting] = []
        self._mean: dict[str, float] = {}

    @property
    def waiting(self) -> int:
        """Pieces of work that wait or run."""
        return self._running + len(self._ready)

    async def step(self, session: Session, x: Any) -> Answer:
        """Take a sample into a session, together with those that are ready for others.

        Which others changes no bit of the answer. Raises the model's error for a sample that it
        does not take, and 503 if too many wait.
        """
        if self._is_free_for(_STEP):
            return self._measured(_STEP, lambda: session.step(x), time.monotonic())
        self._refuse_overload()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._ready.append(_Waiting(session, x, answer, time.monotonic()))
        if len(self._ready) == 1:
            self._pool.submit(self._step_all, loop)
        return await answer

    async def run(self, kind: str, work: Callable[[], T]) -> T:
        """Do a piece of work; raises 503 if too many wait.

        kind: of the work, for which a mean time is known after the first time.
        """
        if self._is_free_for(kind):
            return self._measured(kind, work, time.monotonic())
        self._refuse_overload()
        self._running += 1
        asked = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._pool, self._measured, kind, work, asked)
            try:
                return await asyncio.shield(done)
            except asyncio.CancelledError:
                await asyncio.wait([done])  # what it works on is let go after it
                raise
        finally:
            self._running -= 1

    async def some(self, kind: str, parts: Iterator[T], found: list[T]) -> bool:
        """Do parts of long work for 2 ms, into a list; returns whether there may be more."""

        def work() -> bool:
            end = time.monotonic() + _SLICE
            for part in parts:
                found.append(part)
                if time.monotonic() >= end:
                    return True
            return False

        return await self.run(kind, work)

    async def run_all(self, kind: str, parts: Iterator[T]) -> list[T]:
        """Do work of many parts, which lets other work go first every 2 ms."""
        found: list[T] = []
        while await self.some(kind, parts, found):
            pass
        return found

    def close(self) -> None:
        """Wait for the work that runs."""
        self._pool.shutdown(wait=True)

    def _is_free_for(self, kind: str) -> bool:
        return not self.waiting and self._mean.get(kind, 1.0) < BRIEF

    def _refuse_overload(self) -> None:
        if self.waiting >= self._most:
            raise busy("too many requests wait for the model")

    def _step_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do the steps of all sessions that are ready; runs on the thread."""
        ready, self._ready = self._ready, []
        begin = time.monotonic()
        for each in ready:
            self._metrics.queue_seconds.add(begin - each.asked)
        self._metrics.batch_size.add(len(ready))
        found: list[Answer | Exception]
        try:
            found = self._measured(
                _STEP, lambda: step_many([w.session for w in ready], [w.x for w in ready]), begin,
                len(ready),
            )  # fmt: skip
        except Exception as error:
            found = [error] * len(ready)
        loop.call_soon_threadsafe(_give, ready, found)

    def _measured(self, kind: str, work: Callable[[], T], asked: float, count: int = 1) -> T:
        """Do work, and note the time that it took for each of `count`."""
        begin = time.monotonic()
        if begin > asked:
            self._metrics.queue_seconds.add(begin - asked)
        cpu = time.thread_time()
        try:
            with np.errstate(all="ignore"):  # what overflows is null in its answer
                return work()
        finally:
            spent = (time.thread_time() - cpu) / count
            before = self._mean.get(kind, spent)
            self._mean[kind] = before + _NEW * (spent - before)
            self._metrics.step_seconds.add((time.monotonic() - begin) / count)


def _give(ready: list[_Waiting], found: list[Answer | Exception]) -> None:
    """Hand the answers out; runs in the event loop."""
    for waiting, result in zip(ready, found, strict=True):
        if waiting.answer.done():
            continue
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)
