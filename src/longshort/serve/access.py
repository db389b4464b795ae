"""Who may ask: tokens, the Host header, and the origin of pages."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from longshort.errors import ConfigError
from longshort.serve.refusal import Refusal
from longshort.serve.web import Headers

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in LOOPBACK or host.startswith("127.")


class Access:
    """Checks of a request before anything of it is done.

    tokens: those that are allowed; none: everyone is. hosts: names that a Host header may have;
    none: any. rate: requests per second and owner, 0 for any number.
    """

    def __init__(
        self, tokens: Sequence[str] = (), hosts: Sequence[str] = (), rate: float = 0.0
    ) -> None:
        self._tokens = [(each.encode(), owner_of(each)) for each in tokens]
        self._hosts = frozenset(each.lower() for each in hosts)
        self._rate = rate
        self._room: dict[str, tuple[float, float]] = {}

    def check_place(self, headers: Headers) -> None:
        """Raise 403 for a Host header of another name, or a page of another origin.

        The former is how a page of a stranger reaches a server on this machine by a name of its
        own; the latter how it uses the visitor's access.
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self._hosts and _name_of(host) not in self._hosts:
            raise Refusal(403, "wrong_host", "this server is not known by that name")
        origin = headers.get(b"origin")
        if origin is not None and _place_of(origin.decode("latin-1").lower()) != host:
            raise Refusal(403, "wrong_origin", "pages of other origins may not ask this server")

    def owner(self, headers: Headers) -> str:
        """Return the owner that a request's token stands for; raises 401 without one."""
        if not self._tokens:
            return ""
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        return self.owner_by(given.strip() if kind.lower() == b"bearer" else b"")

    def owner_by(self, given: bytes) -> str:
        """Return the owner that a token stands for; raises 401 for an unknown one."""
        if not self._tokens:
            return ""
        found = ""
        for token, owner in self._tokens:
            if hmac.compare_digest(token, given):
                found = owner
        if not found:
            raise Refusal(401, "no_token", "a token is needed: Authorization: Bearer TOKEN")
        return found

    def check_rate(self, owner: str) -> None:
        """Raise 429 if an owner asks more often than allowed, over about a second."""
        if not self._rate:
            return
        now, most = time.monotonic(), max(1.0, self._rate)
        room, last = self._room.get(owner, (most, now))
        room = min(most, room + (now - last) * self._rate)
        if room < 1.0:
            raise Refusal(429, "too_many", f"at most {self._rate:g} requests a second", retry=1)
        self._room[owner] = (room - 1.0, now)


def owner_of(token: str) -> str:
    """Return the name of a token's owner, from which the token cannot be found."""
    return hashlib.sha256(b"longshort owner " + token.encode()).hexdigest()[:32]


def refuse_open_door(host: str, tokens: Sequence[str]) -> None:
    """Raise `ConfigError` if others can reach the server, and no token is asked for."""
    if not is_loopback(host) and not tokens:
        raise ConfigError(
            f"--host {host}: others can reach this address, so a token is needed; set "
            "LONGSHORT_TOKEN or --token-file, or leave --host at 127.0.0.1"
        )
    short = [each for each in tokens if len(each) < 16]
    if short:
        raise ConfigError(
            "token: has fewer than 16 characters; make one with: python -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'"
        )


def _place_of(origin: str) -> str | None:
    """Return host and port of an Origin header; None where it is malformed."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _name_of(host: str) -> str:
    """Return the name of a Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
