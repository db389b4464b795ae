"""Workers of a study on a Ray cluster: each joins the study's folder, which all machines share.

Ray spreads the processes; candidates, rungs and results are those of a study on one machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError


@contextmanager
def ray_crew(path: Path, workers: int) -> Iterator[None]:
    """Let workers of the cluster work at the study while the block runs.

    workers: their number, this process counted; 1: as many as the cluster has processors. The
    cluster is the one of RAY_ADDRESS, or this machine alone.
    """
    ray = load_ray()
    variables = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    is_mine = not ray.is_initialized()
    if is_mine:
        ray.init(log_to_driver=False, runtime_env={"env_vars": variables})
    count = workers if workers > 1 else int(ray.cluster_resources().get("CPU", 1))
    helper = ray.remote(num_cpus=1)(help_out)
    others = [helper.remote(str(path.absolute())) for _ in range(max(1, count - 1))]
    try:
        yield
        ray.get(others)
    finally:
        if is_mine:
            ray.shutdown()


def load_ray() -> Any:
    """Import Ray; raises `ConfigError` naming the extra that brings it."""
    try:
        return import_module("ray")
    except ImportError:
        raise ConfigError(
            "engine: ray is not installed; pip install 'longshort[ray]', or use the engine halving "
            "with --workers, which needs nothing"
        ) from None


def help_out(path: str) -> None:
    """Work at a study until it is over; runs on a machine of the cluster."""
    from longshort.tuning.story import join

    join(Path(path))
