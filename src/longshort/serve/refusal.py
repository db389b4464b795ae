"""Error answers: status, code and message for clients, without paths or internals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][\w.+@~-]+){2,}[/\\]?|~?/[\w.+@~-]+/[^\s:;,]*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Refusal(Exception):
    """A request that is answered with an error.

    status: of HTTP. code: a word for programs. message: for people, without paths or other
    sessions. more: fields beside the message, such as the column that is wrong. retry: seconds
    after which to ask again. allowed: methods that the path takes.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        more: dict[str, Any] | None = None,
        retry: int | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.more = more or {}
        self.retry, self.allowed = retry, allowed

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": {"code": self.code, "message": self.message, **self.more}}


def public(text: str) -> str:
    """Return an error's text without paths and addresses."""
    return _ADDRESS.sub("…", _PATH.sub("…", text))


def unfit(message: str, **more: Any) -> Refusal:
    """Return the refusal of input that does not fit the model; `more` names the column."""
    return Refusal(422, "unfit_input", public(message), more=more)


def malformed(message: str) -> Refusal:
    """Return the refusal of a request that is not of the right form."""
    return Refusal(400, "malformed", public(message))


def busy(message: str) -> Refusal:
    """Return the refusal of a server that has too much to do."""
    return Refusal(503, "overloaded", message, retry=1)
