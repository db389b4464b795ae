"""What a request for completions asks for, in the fields of OpenAI."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshort.errors import LongshortError
from longshort.runs.writing import Drawing
from longshort.serve.refusal import Refusal, public

_MOST_TOKENS, _MOST_CHOICES, _MOST_LIKELY, _MOST_STOPS = 10_000, 16, 20, 4
_SEEDS = 1 << 63


@dataclass(frozen=True)
class Wish:
    """Fields of a request. session: id of the session that is gone on from."""

    prompts: list[str]
    max_tokens: int
    n: int
    logprobs: int | None
    echo: bool
    stop: tuple[str, ...]
    stream: bool
    with_usage: bool
    drawing: Drawing
    session: str | None

    def drawing_of(self, index: int) -> Drawing:
        """Return how the choice of this number is drawn: each has a seed of its own."""
        how = self.drawing
        seed = (how.seed + index) % _SEEDS
        return Drawing(temperature=how.temperature, top_p=how.top_p, seed=seed)


def wish_of(given: Mapping[str, Any]) -> Wish:
    """Return what is asked for; raises 400, which names the field, for what is not allowed.

    Fields that are unknown have no effect, as with OpenAI.
    """
    if given.get("suffix"):
        raise _wrong("suffix", "the model writes on, and cannot fill a gap")
    prompts = _prompts(given.get("prompt", ""))
    n = _whole(given, "n", 1, 1, _MOST_CHOICES)
    if _whole(given, "best_of", n, 1, _MOST_CHOICES) != n:
        raise _wrong("best_of", "all texts that are written are returned: it has to be n")
    if len(prompts) * n > _MOST_CHOICES:
        raise _wrong("n", f"at most {_MOST_CHOICES} texts are written at once")
    session = given.get("session")
    if session is not None and (not isinstance(session, str) or len(prompts) * n > 1):
        raise _wrong("session", "the id of one session is expected, with one prompt and n = 1")
    options = given.get("stream_options")
    logprobs = given.get("logprobs")
    return Wish(
        prompts,
        _whole(given, "max_tokens", 16, 0, _MOST_TOKENS),
        n,
        None if logprobs is None else _whole(given, "logprobs", 0, 0, _MOST_LIKELY),
        bool(given.get("echo")),
        _stops(given.get("stop")),
        bool(given.get("stream")),
        isinstance(options, dict) and bool(options.get("include_usage")),
        _drawing(given),
        session,
    )


def _prompts(prompt: Any) -> list[str]:
    found = prompt if isinstance(prompt, list) else [prompt]
    if not found or not all(isinstance(each, str) for each in found):
        raise _wrong("prompt", "a text, or a list of texts, is expected")
    return found


def _stops(stop: Any) -> tuple[str, ...]:
    found = [] if stop is None else [stop] if isinstance(stop, str) else stop
    is_list = isinstance(found, list) and len(found) <= _MOST_STOPS
    if not is_list or not all(isinstance(each, str) and each for each in found):
        raise _wrong("stop", f"a text, or up to {_MOST_STOPS} of them, is expected")
    return tuple(found)


def _drawing(given: Mapping[str, Any]) -> Drawing:
    seed = given.get("seed")
    if seed is None:
        seed = secrets.randbelow(1 << 31)
    if type(seed) is not int:
        raise _wrong("seed", "a whole number is expected")
    try:
        return Drawing(
            temperature=_number(given, "temperature"),
            top_p=_number(given, "top_p"),
            seed=seed % _SEEDS,
        )
    except LongshortError as error:
        name, _, message = str(error).partition(": ")
        raise _wrong(name, public(message)) from None


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given.get(name)
    if value is None:
        return 1.0
    if type(value) not in (int, float):
        raise _wrong(name, "a number is expected")
    return float(value)


def _whole(given: Mapping[str, Any], name: str, usual: int, least: int, most: int) -> int:
    value = given.get(name)
    if value is None:
        return usual
    if type(value) is not int or not least <= value <= most:
        raise _wrong(name, f"a whole number from {least} to {most:,} is expected")
    return value


def _wrong(name: str, message: str) -> Refusal:
    return Refusal(400, "invalid_value", f"{name}: {message}", more={"column": name})
