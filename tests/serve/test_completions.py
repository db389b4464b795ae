"""OpenAI's protocol, with OpenAI's own client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshort.runs.trained import load
from longshort.serve.stops import Stops
from tests.serving import Client, client_of, running

openai = pytest.importorskip("openai")

Runs = Callable[[str], Path]


def asking(address: str) -> Any:
    return openai.OpenAI(base_url=f"http://{address}/v1", api_key="none")


@pytest.fixture(scope="module")
def client(small_run: Runs) -> Iterator[Any]:
    with running(small_run("lm")) as (address, _), asking(address) as found:
        yield found


@pytest.fixture
def inside(small_run: Runs) -> Client:
    return client_of(small_run("lm"))


def write(client: Any, **how: Any) -> Any:
    return client.completions.create(**({"model": "lm", "prompt": "the cat", "seed": 3} | how))


def test_the_model_is_listed(client: Any) -> None:
    assert [each.id for each in client.models.list()] == ["lm"]
    assert client.models.retrieve("lm").owned_by == "longshort"


def test_text_is_that_of_generate(client: Any, small_run: Runs) -> None:
    from longshort.tasks.language.generate import Sampling

    trained = load(small_run("lm"))
    how = Sampling(temperature=0.5, seed=3)
    wanted = "".join(trained.task.stream(trained.model, "the cat", 20, how))
    found = write(client, max_tokens=20, temperature=0.5)
    assert found.choices[0].text == wanted
    assert found.choices[0].finish_reason == "length"
    assert found.usage.prompt_tokens == 7 and found.usage.completion_tokens == 20


def test_a_stream_is_the_same_text(client: Any) -> None:
    whole = write(client, max_tokens=30).choices[0].text
    events = list(write(client, max_tokens=30, stream=True, stream_options={"include_usage": True}))
    assert "".join(each.choices[0].text for each in events if each.choices) == whole
    assert events[-1].usage.total_tokens == 37


def test_probabilities_are_those_of_the_model(client: Any, small_run: Runs) -> None:
    found = write(client, max_tokens=5, echo=True, logprobs=4).choices[0]
    logs = found.logprobs
    assert "".join(logs.tokens) == found.text and found.text.startswith("the cat")
    assert logs.text_offset == list(range(12))
    session = load(small_run("lm")).session()
    assert math.isclose(
        sum(logs.token_logprobs), session.step(found.text)["log_probability"], rel_tol=1e-9
    )
    assert all(len(each) == 4 for each in logs.top_logprobs)
    best = max(logs.top_logprobs[7].values())
    assert logs.token_logprobs[7] <= best


def test_the_likeliest_token_is_taken_at_temperature_0(client: Any) -> None:
    found = write(client, max_tokens=6, temperature=0, logprobs=1).choices[0].logprobs
    for token, best in zip(found.tokens, found.top_logprobs, strict=True):
        assert [token] == list(best)


def test_several_texts_have_seeds_of_their_own(client: Any) -> None:
    two = write(client, n=2, max_tokens=20).choices
    assert two[0].text != two[1].text
    assert write(client, seed=4, max_tokens=20).choices[0].text == two[1].text
    both = write(client, prompt=["the cat", "the mats"], max_tokens=3).choices
    assert [each.index for each in both] == [0, 1]


def test_writing_ends_at_a_stop(client: Any) -> None:
    whole = write(client, max_tokens=60).choices[0].text
    stop = whole[10:13]
    found = write(client, max_tokens=60, stop=[stop, "never"]).choices[0]
    assert found.finish_reason == "stop" and found.text == whole[: whole.index(stop)]
    events = write(client, max_tokens=60, stop=stop, stream=True)
    assert "".join(each.choices[0].text for each in events) == found.text


def test_a_session_goes_on_from_its_state(client: Any, small_run: Runs) -> None:
    with running(small_run("lm")) as (address, server):
        with asking(address) as there:
            entry = server.sessions.open("", server.served.open())
            more = {"extra_body": {"session": entry.id}, "temperature": 0, "max_tokens": 4}
            first = write(there, **more).choices[0].text
            second = write(there, prompt="", **more).choices[0].text
        assert entry.steps == 2
    whole = write(client, temperature=0, max_tokens=8).choices[0].text
    assert first + second == whole


def test_chat_is_refused_with_the_reason(client: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="no turns"):
        client.chat.completions.create(model="lm", messages=[{"role": "user", "content": "a"}])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", 3),
        ("prompt", [1, 2]),
        ("max_tokens", -1),
        ("max_tokens", 10**9),
        ("temperature", -1),
        ("temperature", "hot"),
        ("top_p", 0),
        ("n", 0),
        ("n", 99),
        ("best_of", 3),
        ("logprobs", 99),
        ("stop", [1]),
        ("stop", ["a"] * 5),
        ("seed", 1.5),
        ("suffix", "end"),
        ("session", 7),
    ],
)
def test_values_that_are_not_allowed_are_named(field: str, value: Any, inside: Client) -> None:
    answer = inside.ask("POST", "/v1/completions", {"prompt": "a", field: value})
    assert answer.status == 400
    assert answer.json["error"]["param"] == field


def test_unknown_fields_have_no_effect(inside: Client) -> None:
    body = {"prompt": "a", "max_tokens": 1, "user": "anna", "logit_bias": {}}
    assert inside.ask("POST", "/v1/completions", body).status == 200


def test_other_models_are_told_apart(inside: Client, small_run: Runs) -> None:
    answer = inside.ask("POST", "/v1/completions", {"model": "gpt", "prompt": "a"})
    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
    other = client_of(small_run("tag")).ask("POST", "/v1/completions", {"prompt": "a"})
    assert other.json["error"]["code"] == "no_completions"


def test_stops_are_found_across_pieces() -> None:
    stops = Stops(["END", "\n\n"])
    assert not stops.add("one E")
    assert stops.ready() == "one "
    assert not stops.add("N") and stops.ready() == ""
    assert not stops.add("x") and stops.ready() == "ENx"
    assert stops.add("yE ND END more") and stops.ready() == "yE ND "
    assert stops.add("after") and stops.ready() == ""


def test_what_was_held_back_is_told_in_the_end() -> None:
    stops = Stops(["END"])
    stops.add("the EN")
    stops.end()
    assert stops.ready() == "the EN"
