"""The recipe for Ray, with two replicas of which one is killed in the middle."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.runs.exporting import export_run
from tests.paths import ROOT
from tests.tiny_runs import small

pytestmark = pytest.mark.slow
SESSIONS, STEPS = 12, 12
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
SLOW = {
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "90",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "90",
}
"""Read when Ray is imported: a busy machine starts a proxy in more than five seconds."""
os.environ |= SLOW
pytest.importorskip("ray.serve", reason="needs ray[serve], redis and mmh3")
httpx = pytest.importorskip("httpx")


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    process = subprocess.Popen(
        [server, "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def bundle(small_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ray") / "model.longshort"
    export_run(small_run("regress"), out, memory=small("regress")[1])
    return out


@pytest.fixture(scope="module")
def address(store: str, bundle: Path) -> Iterator[str]:
    import ray
    from ray import serve

    recipe = str(ROOT / "deploy")
    sys.path.insert(0, recipe)
    import ray_sessions

    paths = [recipe, os.environ.get("PYTHONPATH", "")]
    os.environ |= {**QUIET, "PYTHONPATH": os.pathsep.join(paths)}
    port = free_port()
    ray.init(num_cpus=4, include_dashboard=False, runtime_env={"env_vars": dict(os.environ)})
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(ray_sessions.Sessions.bind(str(bundle), store), route_prefix="/")
    yield f"http://127.0.0.1:{port}/"
    serve.shutdown()
    ray.shutdown()


def replicas() -> list[Any]:
    """Handles of the replicas' actors."""
    import ray

    named = ray.util.list_named_actors(all_namespaces=True)
    return [
        ray.get_actor(each["name"], namespace=each["namespace"])
        for each in named
        if "REPLICA" in each["name"] and "Sessions" in each["name"]
    ]


def ask(client: Any, address: str, name: str, x: Any, seq: int) -> Any:
    """Take a step; where nobody answers, ask again, as a client does."""
    for _ in range(120):
        try:
            found = client.post(
                address, json={"x": x, "seq": seq}, headers={"x-session-id": name}, timeout=30
            )
        except httpx.TransportError:
            time.sleep(0.25)
            continue
        if found.status_code < 500:
            return found
        time.sleep(0.25)
    raise AssertionError(f"no answer to step {seq} of {name}")


def test_sessions_outlive_the_replica_that_holds_them(address: str, bundle: Path) -> None:
    import ray

    rows = np.random.default_rng(0).normal(size=(SESSIONS, STEPS, 2)).round(3).tolist()
    model = ls.load(bundle)
    own = [model.session() for _ in range(SESSIONS)]
    with httpx.Client() as client:
        for step in range(STEPS):
            if step == STEPS // 2:
                before = replicas()
                assert len(before) == 2
                ray.kill(before[0], no_restart=True)
            for number in range(SESSIONS):
                x = rows[number][step]
                found = ask(client, address, f"session-{number}", x, step + 1)
                assert found.status_code == 200, found.text
                assert found.json() == own[number].step(x)
        repeated = ask(client, address, "session-0", rows[0][-1], STEPS)
        assert repeated.status_code == 200
        assert ask(client, address, "session-0", rows[0][0], STEPS + 5).status_code == 409
        assert ask(client, address, "stranger", rows[0][0], 7).status_code == 410
        assert ask(client, address, "session-1", [1.0], STEPS + 1).status_code == 422
