"""Many sessions at once over all protocols: each answers as it would alone, bit by bit."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from longshort.runs.trained import load
from tests.mixture import all_of
from tests.serving import running

Runs = Callable[[str], Path]
SESSIONS, STEPS = 12, 1000


def test_interleaved_steps_are_those_of_sessions_alone(small_run: Runs) -> None:
    chance, noise = random.Random(0), np.random.default_rng(0)
    owners = [chance.randrange(SESSIONS) for _ in range(STEPS)]
    values = [
        noise.normal(size=owners.count(n)).astype(np.float32).tolist() for n in range(SESSIONS)
    ]
    with running(small_run("anomaly")) as (address, server):
        found = asyncio.run(all_of(address, values))
        assert server.metrics.batch_size.total  # steps of several sessions were done together
    model = load(small_run("anomaly"))
    for answers, given in zip(found, values, strict=True):
        session = model.session()
        assert answers == [json.loads(json.dumps(session.step({"y": y}))) for y in given]
