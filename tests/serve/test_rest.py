"""The native protocol, asked within the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from longshort.runs.abilities import Steps
from longshort.runs.lookup import find_task
from longshort.runs.trained import load
from tests.serving import OTHER, TOKEN, Client, client_of
from tests.session_steps import steps_of
from tests.tiny_runs import TASKS

Runs = Callable[[str], Path]


@pytest.fixture
def anomaly(small_run: Runs) -> Client:
    return client_of(small_run("anomaly"))


@pytest.mark.parametrize("task", [name for name in TASKS if isinstance(find_task(name), Steps)])
def test_sessions_of_every_task_answer_as_from_python(task: str, small_run: Runs) -> None:
    client, session = client_of(small_run(task)), load(small_run(task)).session()
    name = client.open()
    for number, x in enumerate(steps_of(task)[:3], 1):
        answer = client.ask("POST", f"/v1/sessions/{name}/step", {"x": x, "seq": number})
        assert answer.status == 200, answer.body
        assert answer.json == {"session": name, "seq": number, "answer": session.step(x)}


def test_the_model_is_described(small_run: Runs) -> None:
    about = client_of(small_run("classify")).ask("GET", "/v1/model").json
    assert about["task"] == "classify" and about["abilities"]["ranks"]
    assert about["session"]["kind"] == "text"
    assert about["digest"] == load(small_run("classify")).digest


def test_texts_are_predicted_as_the_command_does(small_run: Runs) -> None:
    client, trained = client_of(small_run("classify")), load(small_run("classify"))
    found = client.ask("POST", "/v1/predict", {"texts": ["a fine day", "bad"]}).json
    wanted = trained.task.json(trained.table(trained.read_lines(["a fine day", "bad"])))
    assert found["predictions"] == wanted["predictions"] and found["rows"] == 2
    ranked = client.ask("POST", "/v1/predict", {"texts": ["a fine day"], "top_k": 1}).json
    assert set(ranked["predictions"][0]) == {"place", "label_1", "probability_1"}


def test_rows_are_predicted_as_the_command_does(small_run: Runs) -> None:
    rows = steps_of("forecast")
    client, trained = client_of(small_run("forecast")), load(small_run("forecast"))
    found = client.ask("POST", "/v1/predict", {"rows": rows, "horizon": 2}).json
    assert found["forecast"] == trained.ahead(pl.DataFrame(rows), 2).json()["forecast"]
    watched = client_of(small_run("anomaly")).ask("POST", "/v1/predict", {"rows": rows}).json
    assert watched["rows"] == len(rows) and "events" in watched


def test_samples_are_predicted_as_from_python(small_run: Runs) -> None:
    samples = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    found = client_of(small_run("regress")).ask("POST", "/v1/predict", {"samples": samples}).json
    trained = load(small_run("regress"))
    assert found["predictions"] == trained.table(trained.read(samples)).to_dicts()


@pytest.mark.parametrize(
    ("body", "column"),
    [
        ({"rows": [{"y": 1.0}], "texts": ["a"]}, None),
        ({"rows": []}, None),
        ({"rows": [1]}, None),
        ({"rows": [{"ds": "2024-01-01", "y": "much"}]}, None),
        ({"lines": ["a"]}, "lines"),
        ({"texts": [1]}, None),
        ({"samples": [[["a"]]]}, None),
        ({"rows": [{"ds": "2024-01-01", "z": 1.0}]}, "y"),
        ([], None),
    ],
)
def test_what_cannot_be_predicted_is_refused(
    body: Any, column: str | None, small_run: Runs
) -> None:
    answer = client_of(small_run("anomaly")).ask("POST", "/v1/predict", body)
    assert answer.status == 422, answer.body
    if column:
        assert column in answer.json["error"]["message"]


def test_several_steps_are_the_same_as_one_by_one(anomaly: Client) -> None:
    xs = steps_of("anomaly")[:8]
    one, several = anomaly.open(), anomaly.open()
    single = [anomaly.ask("POST", f"/v1/sessions/{one}/step", {"x": x}).json["answer"] for x in xs]
    found = anomaly.ask("POST", f"/v1/sessions/{several}/steps", {"xs": xs, "seq": 1}).json
    assert found["answers"] == single and found["seq"] == 1


def test_a_refused_sample_leaves_the_session_as_it_was(anomaly: Client) -> None:
    xs = steps_of("anomaly")[:6]
    name, whole = anomaly.open(), anomaly.open()
    anomaly.ask("POST", f"/v1/sessions/{name}/steps", {"xs": xs[:2]})
    bad = anomaly.ask("POST", f"/v1/sessions/{name}/steps", {"xs": [*xs[2:4], {"y": "much"}]})
    assert (bad.status, bad.json["error"]["column"]) == (422, "y")
    found = anomaly.ask("POST", f"/v1/sessions/{name}/steps", {"xs": xs[2:]}).json
    wanted = anomaly.ask("POST", f"/v1/sessions/{whole}/steps", {"xs": xs}).json
    assert found["answers"] == wanted["answers"][2:] and found["seq"] == 3


@pytest.mark.parametrize(
    ("x", "column"),
    [
        ({"z": 1.0}, "y"),
        ({"y": 1.0, "z": 1.0}, "z"),
        ({"y": [1.0]}, "y"),
        (1.0, None),
        (None, None),
    ],
)
def test_the_column_that_is_wrong_is_named(x: Any, column: str | None, anomaly: Client) -> None:
    answer = anomaly.ask("POST", f"/v1/sessions/{anomaly.open()}/step", {"x": x})
    assert answer.status == 422
    assert answer.json["error"].get("column") == column


def test_nan_is_refused_and_null_is_a_missing_value(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}/step"
    raw = msgspec.msgpack.encode({"x": {"y": float("nan")}})
    answer = anomaly.ask("POST", path, raw, kind="application/msgpack")
    assert (answer.status, answer.json["error"]["column"]) == (422, "y")
    assert anomaly.ask("POST", path, {"x": {"y": None}}).status == 200


def test_msgpack_is_answered_in_msgpack(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}/step"
    raw = msgspec.msgpack.encode({"x": {"y": 1.0}, "seq": 1})
    answer = anomaly.ask("POST", path, raw, kind="application/msgpack")
    assert answer.headers[b"content-type"] == b"application/msgpack"
    assert msgspec.msgpack.decode(answer.body)["seq"] == 1


def test_a_repeat_gets_its_answer_and_a_gap_is_refused(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}/step"
    first = anomaly.ask("POST", path, {"x": {"y": 1.0}, "seq": 1})
    again = anomaly.ask("POST", path, {"x": {"y": 1.0}, "seq": 1})
    assert first.body == again.body
    gap = anomaly.ask("POST", path, {"x": {"y": 1.0}, "seq": 3})
    assert (gap.status, gap.json["error"]["expected"]) == (409, 2)


def test_two_requests_at_once_do_not_interleave(anomaly: Client) -> None:
    name = anomaly.open()
    path, xs = f"/v1/sessions/{name}/steps", steps_of("anomaly")

    async def both() -> list[int]:
        asked = [anomaly.asked("POST", path, {"xs": xs}) for _ in range(2)]
        return sorted(each.status for each in await asyncio.gather(*asked))

    assert asyncio.run(both()) == [200, 409]
    assert anomaly.ask("GET", f"/v1/sessions/{name}").json["seq"] == len(xs)


def test_a_snapshot_goes_on_bit_by_bit(anomaly: Client) -> None:
    xs = steps_of("anomaly")[:12]
    name = anomaly.open()
    anomaly.ask("POST", f"/v1/sessions/{name}/steps", {"xs": xs[:6]})
    snapshot = anomaly.ask("GET", f"/v1/sessions/{name}/state")
    assert snapshot.headers[b"content-type"] == b"application/octet-stream"
    opened = anomaly.ask("POST", "/v1/sessions", snapshot.body, kind="application/octet-stream")
    assert (opened.status, opened.json["seq"]) == (201, 6)
    other = anomaly.open()
    put = anomaly.ask("PUT", f"/v1/sessions/{other}/state", snapshot.body, kind="x/y")
    assert (put.status, put.json["generation"]) == (200, 2)
    fork = anomaly.ask("POST", f"/v1/sessions/{name}/fork").json["session"]
    found = [
        anomaly.ask("POST", f"/v1/sessions/{each}/steps", {"xs": xs[6:]}).json["answers"]
        for each in (name, opened.json["session"], other, fork)
    ]
    assert all(each == found[0] for each in found)


def test_a_reset_session_begins_anew(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}"
    first = anomaly.ask("POST", f"{path}/step", {"x": {"y": 1.0}, "seq": 1}).body
    anomaly.ask("POST", f"{path}/step", {"x": {"y": 5.0}, "seq": 2})
    assert anomaly.ask("POST", f"{path}/reset").json["seq"] == 0
    assert anomaly.ask("POST", f"{path}/step", {"x": {"y": 1.0}, "seq": 1}).body == first


def test_a_deleted_session_is_over(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}"
    assert anomaly.ask("DELETE", path).status == 204
    assert anomaly.ask("GET", path).status == 410
    assert anomaly.ask("POST", f"{path}/step", {"x": {"y": 1.0}}).status == 410
    assert anomaly.ask("GET", f"/v1/sessions/{'0' * 32}").status == 404


def test_a_state_that_grows_too_large_ends_its_session(small_run: Runs) -> None:
    client = client_of(small_run("forecast"), state=1200)
    path, rows = f"/v1/sessions/{client.open()}", steps_of("forecast")
    assert client.ask("POST", f"{path}/step", {"x": rows[0]}).status == 200
    for _ in range(2):
        client.ask("POST", f"{path}/steps", {"xs": [{"y": 1.0}] * 70})
    assert client.ask("GET", path).code == "session_too_large"


def test_unknown_fields_and_methods_are_refused(anomaly: Client) -> None:
    path = f"/v1/sessions/{anomaly.open()}"
    assert anomaly.ask("POST", f"{path}/step", {"x": {"y": 1}, "sequence": 1}).status == 400
    assert anomaly.ask("POST", f"{path}/step", {"seq": 1}).status == 400
    assert anomaly.ask("POST", f"{path}/step", {"x": {"y": 1}, "seq": "1"}).status == 400
    refused = anomaly.ask("PATCH", path)
    assert refused.status == 405 and refused.headers[b"allow"] == b"DELETE, GET"
    assert anomaly.ask("GET", "/v1/sessions").status == 405
    assert anomaly.ask("GET", "/etc/passwd").status == 404


def test_clients_name_sessions_only_where_they_may(small_run: Runs) -> None:
    strict, free = (
        client_of(small_run("anomaly")),
        client_of(small_run("anomaly"), allows_names=True),
    )
    assert strict.ask("POST", "/v1/sessions", {"id": "mine"}).status == 403
    assert free.ask("POST", "/v1/sessions", {"id": "mine"}).json["session"] == "mine"
    assert free.ask("POST", "/v1/sessions", {"id": "mine"}).status == 409


def test_a_full_table_says_when_to_come_again(small_run: Runs) -> None:
    client = client_of(small_run("anomaly"), sessions=1)
    client.open()
    answer = client.ask("POST", "/v1/sessions", {})
    assert answer.status == 503 and answer.headers[b"retry-after"] == b"1"


def test_owners_do_not_see_each_other(small_run: Runs) -> None:
    client = client_of(small_run("anomaly"), token=TOKEN)
    other = Client(client.app, OTHER)
    name = client.open()
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/step", {"x": {"y": 1.0}}),
        ("GET", "/state", None),
        ("POST", "/fork", None),
        ("POST", "/reset", None),
    ):
        assert other.ask(method, f"/v1/sessions/{name}{path}", body).status == 404
    snapshot = client.ask("GET", f"/v1/sessions/{name}/state").body
    taken = other.ask("POST", "/v1/sessions", snapshot, kind="application/octet-stream")
    assert taken.status == 409
    assert client.ask("GET", f"/v1/sessions/{name}").status == 200
