"""The description of the server holds: requests drawn from it are answered as it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402

from tests.serving import running  # noqa: E402

Runs = Callable[[str], Path]
DRAWN = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["anomaly", "lm", "classify"])
def test_no_request_that_is_described_fails(small_run: Runs, task: str) -> None:
    with running(small_run(task)) as (address, server):
        schema = schemathesis.openapi.from_url(f"http://{address}/openapi.json")
        asked = 0
        for result in schema.get_all_operations():
            operation = result.ok()

            @DRAWN
            @given(case=operation.as_strategy())
            def ask(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate(checks=[not_a_server_error])

            ask()
        assert asked > 100
        assert not any(status >= 500 for _, status in server.metrics.requests)
