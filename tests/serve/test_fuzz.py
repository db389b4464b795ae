"""Random bodies: whatever comes, the answer is a refusal or a result, and the server goes on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Client, client_of

Runs = Callable[[str], Path]
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    2**70,
    "",
    "a",
    "\u0000",
    "ds",
    [],
    {},
    [[]],
    {"y": {}},
    [1, "a"],
]
KEYS = [
    *("x", "xs", "seq", "id", "rows", "texts", "samples", "top_k", "horizon", "prompt", "n"),
    *("inputs", "name", "datatype", "shape", "data", "parameters", "sequence_id", "stop", "y"),
]
GOOD: list[tuple[str, Any]] = [
    ("/v1/sessions", {}),
    ("/v1/predict", {"rows": [{"ds": "2024-01-01T00:00:00", "y": 1.0}]}),
    ("/v1/sessions/ID/step", {"x": {"y": 1.0}, "seq": 1}),
    ("/v1/sessions/ID/steps", {"xs": [{"y": 1.0}]}),
    ("/v1/completions", {"prompt": "a", "max_tokens": 1}),
    (
        "/v2/models/anomaly/infer",
        {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [1.0]}]},
    ),
]


def mutant(value: Any, chance: random.Random) -> Any:
    """A value with something replaced, dropped or added somewhere."""
    if chance.random() < 0.25:
        return chance.choice(ODD)
    if isinstance(value, dict):
        found = {k: mutant(v, chance) for k, v in value.items() if chance.random() < 0.9}
        if chance.random() < 0.2:
            found[chance.choice(KEYS)] = chance.choice(ODD)
        return found
    if isinstance(value, list):
        return [mutant(each, chance) for each in value] * chance.choice([1, 1, 0, 2])
    return value


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Bytes with some of them changed, cut off or doubled."""
    found = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        if found:
            found[chance.randrange(len(found))] = chance.randrange(256)
    cut = chance.randrange(len(found) + 1)
    return bytes(found[:cut] + found[cut : cut + chance.choice([0, 1000])] * chance.choice([1, 2]))


def check(client: Client, path: str, body: bytes, kind: str) -> None:
    answer = client.ask("POST", path.replace("ID", client.open()), body, kind=kind)
    assert (answer.status < 500 and answer.status != 404) or "completions" in path, (path, body)
    if answer.status >= 400:
        assert "error" in answer.json


@pytest.mark.parametrize("seed", range(6))
def test_random_bodies_are_refused_or_answered(seed: int, small_run: Runs) -> None:
    client, chance = client_of(small_run("anomaly")), random.Random(seed)
    for _ in range(40):
        path, good = chance.choice(GOOD)
        raw = json.dumps(mutant(good, chance)).encode()
        if chance.random() < 0.5:
            raw = damaged(raw, chance)
        kind = chance.choice(["application/json"] * 4 + ["application/msgpack"])
        check(client, path, raw, kind)
    name = client.open()
    assert client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": 1.0}}).status == 200
