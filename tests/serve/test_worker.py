"""Where the model works, and in which order."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import DataError
from longshort.runs.trained import load
from longshort.serve.metrics import Metrics
from longshort.serve.refusal import Refusal
from longshort.serve.worker import Budget, Worker

Runs = Callable[[str], Path]


def test_steps_of_several_sessions_are_done_together(small_run: Runs) -> None:
    model, metrics = load(small_run("anomaly")), Metrics()
    worker, held = Worker(100, metrics), threading.Event()
    sessions = [model.session() for _ in range(5)]
    alone = [model.session().step({"y": float(n)}) for n in range(5)]

    async def all_of() -> list[Any]:
        first = asyncio.ensure_future(worker.run(held.wait))
        steps = [worker.step(each, {"y": float(n)}) for n, each in enumerate(sessions)]
        bad = worker.step(model.session(), {"y": "much"})
        waiting = asyncio.gather(*steps, bad, return_exceptions=True)
        await asyncio.sleep(0)
        held.set()
        await first
        return await waiting

    *found, error = asyncio.run(all_of())
    assert found == alone and isinstance(error, DataError)
    assert (metrics.batch_size.total, sum(metrics.batch_size.counts)) == (6, 1)
    worker.close()


def test_what_waits_is_limited() -> None:
    worker, held = Worker(2, Metrics()), threading.Event()

    async def all_of() -> None:
        waiting = [asyncio.ensure_future(worker.run(held.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await worker.run(held.wait)
        assert caught.value.status == 503 and caught.value.retry
        held.set()
        await asyncio.gather(*waiting)
        assert worker.waiting == 0

    asyncio.run(all_of())
    worker.close()


def test_long_work_lets_others_go_first() -> None:
    worker, done = Worker(10, Metrics()), []
    clock = threading.Event()

    def parts() -> Iterator[int]:
        for number in range(5):
            clock.wait(0.003)  # longer than a slice
            done.append(f"part {number}")
            yield number

    async def all_of() -> list[int]:
        long = asyncio.ensure_future(worker.run_all(parts()))
        await asyncio.sleep(0)
        await worker.run(lambda: done.append("other"))
        return await long

    assert asyncio.run(all_of()) == [0, 1, 2, 3, 4]
    assert done.index("other") == 1
    worker.close()


def test_no_step_is_lost_between_the_loop_and_the_thread(small_run: Runs) -> None:
    """Threads change places in the middle of everything here."""
    model, worker = load(small_run("anomaly")), Worker(1000, Metrics())

    async def one() -> int:
        session = model.session()
        return len([await worker.step(session, {"y": float(n)}) for n in range(8)])

    async def all_of() -> list[int]:
        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(24))), 60)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        assert asyncio.run(all_of()) == [8] * 24
    finally:
        sys.setswitchinterval(before)
    assert worker.waiting == 0
    worker.close()


def test_a_request_of_many_parts_ends_when_its_time_is_spent() -> None:
    worker, done = Worker(4, Metrics(), longest=0.02), []

    def parts() -> Iterator[int]:
        number = 0
        while True:
            sum(range(20_000))
            done.append(number)
            yield number

    async def ask() -> None:
        with pytest.raises(Refusal, match=r"longer than 0\.02 seconds") as caught:
            await worker.run_all(parts())
        assert caught.value.status == 422

    asyncio.run(ask())
    assert done and worker.waiting == 0
    worker.close()


def test_parts_that_fail_are_metered_too() -> None:
    budget = Budget(1.0)

    def parts() -> Iterator[int]:
        yield 1
        raise DataError("no")

    metered = budget.metered(parts())
    assert next(metered) == 1 and not budget.is_spent
    with pytest.raises(DataError):
        next(metered)


def test_an_error_that_no_future_takes_is_an_answer_too(small_run: Runs) -> None:
    worker, held = Worker(4, Metrics()), threading.Event()
    session = load(small_run("anomaly")).session()

    class Broken:
        def advance_many(self, contexts: Any, xs: Any) -> Any:
            raise StopIteration

    session._stepper = Broken()  # type: ignore[assignment]

    async def ask() -> None:
        first = asyncio.ensure_future(worker.run(held.wait))
        await asyncio.sleep(0)
        step = asyncio.ensure_future(worker.step(session, {"y": 1.0}))
        await asyncio.sleep(0)
        held.set()
        await first
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(step, 10)

    asyncio.run(ask())
    worker.close()
