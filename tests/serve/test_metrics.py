"""What a server counts, beside what it was asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from longshort.serve.drift import Drift
from longshort.serve.metrics import Histogram, Metrics, summed
from tests.serving import Client, client_of

Runs = Callable[[str], Path]


def metrics_of(client: Client) -> str:
    return client.ask("GET", "/metrics").body.decode()


@pytest.mark.parametrize(("shift", "drift"), [(0.0, 0.0), (3.0, 3.0)])
def test_drift_is_how_far_values_lie_from_usual_ones(
    small_run: Runs, shift: float, drift: float
) -> None:
    client = client_of(small_run("anomaly"))
    assert client.server.served.schema is not None
    low, high = client.server.served.schema["columns"][1]["usual"]
    name = client.open()
    for part in (0.2, 0.8, 0.5):
        y = low + (high - low) * part + shift * (high - low) / 2
        client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": y}})
    client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": None}})
    client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": "much"}})
    found = re.findall(r'input_drift_(sum|count)\{column="y"\} (\S+)', metrics_of(client))
    total, count = (float(value) for _, value in found)
    assert count == 3 and total / count == pytest.approx(drift, abs=1e-6)


def test_names_of_columns_are_escaped() -> None:
    drift = Drift({"columns": [{"name": 'a "b"\\\n', "usual": [0.0, 1.0]}]})
    assert any('{column="a \\"b\\"\\\\\\n"}' in line for line in drift.lines())


def test_dashboards_of_triton_find_their_names(small_run: Runs) -> None:
    client = client_of(small_run("anomaly"), shows_triton=True)
    tensor = {"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1.0, 2.0]}
    assert client.ask("POST", "/v2/models/anomaly/infer", {"inputs": [tensor]}).status == 200
    assert client.ask("POST", "/v2/models/anomaly/infer", {"inputs": []}).status >= 400
    text = metrics_of(client)
    for name, value in {"request_success": 1, "request_failure": 1, "count": 2}.items():
        assert f'nv_inference_{name}{{model="anomaly",version="1"}} {value}\n' in text
    assert 'nv_inference_pending_request_count{model="anomaly",version="1"} 0\n' in text
    assert "nv_" not in metrics_of(client_of(small_run("anomaly")))


def test_counts_of_processes_are_summed_within_their_families() -> None:
    both = []
    for route, seconds in (("/a", 1e-4), ("/b", 5.0)):
        metrics = Metrics()
        metrics.requests[route, 200] += 2
        metrics.requests["/c", 404] += 1
        metrics.request_seconds.add(seconds)
        both.append(metrics.text({"longshort_ready": ("Processes.", 1.0)}))
    text = summed(both)
    for line in (
        'requests_total{route="/a",code="200"} 2',
        'requests_total{route="/b",code="200"} 2',
        'requests_total{route="/c",code="404"} 2',
        "longshort_request_seconds_count 2",
        "longshort_request_seconds_sum 5.0001",
        "longshort_ready 2",
    ):
        assert f"{line}\n" in text
    heads = re.findall(r"# HELP (\S+)", text)
    assert len(heads) == len(set(heads))
    families = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"]
    groups = [name for n, name in enumerate(families) if not n or families[n - 1] != name]
    assert len(groups) == len(set(groups))


def test_a_histogram_counts_up_to_its_bounds() -> None:
    found = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        found.add(value)
    assert list(found.lines("t"))[:3] == [
        't_bucket{le="1"} 2', 't_bucket{le="2"} 3', 't_bucket{le="+Inf"} 4']  # fmt: skip
