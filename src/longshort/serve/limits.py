"""What a server allows; each is an option of `longshort serve`."""

from __future__ import annotations

from dataclasses import dataclass, replace

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a server; sizes in bytes, times in seconds.

    ttl: idle time after which a session expires. sessions: live sessions at once. state: size of a
    session's state. body: of a request's body; depth: nesting of its JSON. message: of a WebSocket
    message. header: of a request's head. request: time to send a request. connections: open at
    once. queue: requests that wait for the model. work: time of the model for the parts of one
    request. rate: requests per second and client, 0 for any number.
    """

    ttl: float = 900.0
    sessions: int = 10_000
    state: int = 64 * MIB
    body: int = MIB
    depth: int = 8
    message: int = 64 * KIB
    header: int = 16 * KIB
    request: float = 10.0
    connections: int = 256
    queue: int = 128
    work: float = 60.0
    rate: float = 0.0

    def shared(self, processes: int) -> Limits:
        """Return the limits of one of several processes, which share sessions and connections."""
        sessions, connections = -(-self.sessions // processes), -(-self.connections // processes)
        return replace(self, sessions=sessions, connections=connections)
