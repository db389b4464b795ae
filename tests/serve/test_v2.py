"""The Open Inference Protocol, with Triton's own client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.runs.trained import load
from tests.serving import Client, client_of, running
from tests.session_steps import steps_of

http = pytest.importorskip("tritonclient.http")

Runs = Callable[[str], Path]


@pytest.fixture(scope="module")
def triton(small_run: Runs) -> Iterator[Any]:
    with running(small_run("anomaly")) as (address, _):
        client = http.InferenceServerClient(address)
        yield client
        client.close()


@pytest.fixture
def client(small_run: Runs) -> Client:
    return client_of(small_run("anomaly"))


def rows(values: Any, *, binary: bool = True) -> list[Any]:
    array = np.array(values, np.float64).reshape(-1, 1)
    tensor = http.InferInput("x", list(array.shape), "FP64")
    tensor.set_data_from_numpy(array, binary_data=binary)
    return [tensor]


def answers(result: Any) -> list[Any]:
    return [json.loads(each) for each in result.as_numpy("answer")]


def test_the_server_and_the_model_are_described(triton: Any) -> None:
    assert triton.is_server_live() and triton.is_server_ready()
    assert triton.is_model_ready("anomaly") and not triton.is_model_ready("other")
    assert "sequence" in triton.get_server_metadata()["extensions"]
    about = triton.get_model_metadata("anomaly")
    assert about["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 1]}]
    assert "sequence_batching" in triton.get_model_config("anomaly")


@pytest.mark.parametrize("binary", [True, False])
def test_a_sequence_is_a_session(binary: bool, triton: Any, small_run: Runs) -> None:
    session = load(small_run("anomaly")).session()
    values = [x["y"] for x in steps_of("anomaly")[:6]]
    number = 7 + binary
    for place, value in enumerate(values):
        result = triton.infer(
            "anomaly", rows(value, binary=binary), sequence_id=number,
            sequence_start=place == 0, sequence_end=place == 5,
        )  # fmt: skip
        wanted = session.step({"y": value})
        assert answers(result) == [wanted]
        assert result.as_numpy("threshold")[0] == wanted["threshold"]
    with pytest.raises(Exception, match="must specify START"):
        triton.infer("anomaly", rows(0.0), sequence_id=number)


def test_a_sequence_of_a_text_id_starts_anew_at_its_start(triton: Any) -> None:
    first = triton.infer("anomaly", rows(1.0), sequence_id="a", sequence_start=True)
    triton.infer("anomaly", rows(2.0), sequence_id="a")
    again = triton.infer("anomaly", rows(1.0), sequence_id="a", sequence_start=True)
    assert answers(first) == answers(again)


def test_without_a_sequence_the_rows_are_one(triton: Any, small_run: Runs) -> None:
    values = [x["y"] for x in steps_of("anomaly")[:5]]
    session = load(small_run("anomaly")).session()
    wanted = [session.step({"y": value}) for value in values]
    assert answers(triton.infer("anomaly", rows(values))) == wanted


def test_only_what_is_asked_for_is_given(triton: Any) -> None:
    wanted = [http.InferRequestedOutput("score", binary_data=False)]
    result = triton.infer("anomaly", rows([1.0, 2.0]), outputs=wanted)
    assert [each["name"] for each in result.get_response()["outputs"]] == ["score"]
    assert result.as_numpy("answer") is None


def test_a_forecast_is_a_tensor(small_run: Runs) -> None:
    xs = steps_of("forecast")
    tensors = [
        {"name": "ds", "datatype": "BYTES", "shape": [40], "data": [x["ds"] for x in xs]},
        {"name": "y", "datatype": "FP64", "shape": [40], "data": [x["y"] for x in xs]},
    ]
    path = "/v2/models/forecast/infer"
    session = {"sequence_id": 1, "sequence_start": True}
    client = client_of(small_run("forecast"))
    body = {"inputs": [{**each, "shape": [39], "data": each["data"][:39]} for each in tensors]}
    client.ask("POST", path, {**body, "parameters": session})
    last = {"inputs": [{**each, "shape": [1], "data": each["data"][39:]} for each in tensors]}
    found = client.ask("POST", path, {**last, "parameters": {"sequence_id": 1}}).json
    shapes = {each["name"]: each["shape"] for each in found["outputs"]}
    assert shapes["yhat"] == [1, 6]


def test_texts_are_tensors_of_bytes(small_run: Runs) -> None:
    texts = ["a fine day", "bad"]
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": texts}]}
    found = client_of(small_run("classify")).ask("POST", "/v2/models/classify/infer", body).json
    session = load(small_run("classify")).session()
    wanted = [session.step(text) for text in texts]
    assert [json.loads(each) for each in found["outputs"][0]["data"]] == wanted


X = {"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [1.0]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": [{**X, "shape": [2, 1]}]},
        {"inputs": [{**X, "shape": [-1, 1]}]},
        {"inputs": [{**X, "shape": [1 << 40, 1 << 40]}]},
        {"inputs": [{**X, "datatype": "FP128"}]},
        {"inputs": [{**X, "data": ["a"]}]},
        {"inputs": [{**X, "datatype": "UINT8", "data": [300]}]},
        {"inputs": [{**X, "name": "z"}]},
        {"inputs": [{**X, "parameters": {"binary_data_size": 8}}]},
        {"inputs": [{**X, "parameters": {"binary_data_size": -1}}]},
        {"inputs": [{**X, "shape": [1, 3], "data": [1, 2, 3]}]},
        {"inputs": [X], "parameters": {"sequence_id": 1.5, "sequence_start": True}},
        {"inputs": [X], "parameters": {"sequence_id": 99}},
        {"inputs": [X], "outputs": "all"},
    ],
)
def test_what_contradicts_itself_is_refused(body: Any, client: Client) -> None:
    answer = client.ask("POST", "/v2/models/anomaly/infer", body)
    assert answer.status in (400, 422)
    assert isinstance(answer.json["error"], str)


@pytest.mark.parametrize("length", ["5", "99999", "-1", "x"])
def test_a_wrong_length_of_the_json_is_refused(length: str, client: Client) -> None:
    headers = {"inference-header-content-length": length}
    body = json.dumps({"inputs": [X]}).encode() + b"1234"
    answer = client.ask("POST", "/v2/models/anomaly/infer", body, headers=headers)
    assert answer.status == 400


def test_another_model_is_not_there(client: Client) -> None:
    assert client.ask("GET", "/v2/models/other").status == 404
    assert client.ask("GET", "/v2/models/anomaly/versions/2").status == 404
    assert client.ask("GET", "/v2/models/anomaly/versions/1").status == 200
