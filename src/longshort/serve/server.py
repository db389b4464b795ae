"""All that the handlers of a server share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from longshort.serve.access import Access
from longshort.serve.limits import Limits
from longshort.serve.metrics import Metrics
from longshort.serve.served import Served
from longshort.serve.sessions import Table
from longshort.serve.signing import Signer
from longshort.serve.worker import Worker

if TYPE_CHECKING:
    from longshort.serve.spread import Peers


@dataclass
class Server:
    """A model being served.

    allows_names: whether clients may choose the ids of sessions. shows_triton: whether metrics are
    shown under the names of Triton, too.
    """

    served: Served
    access: Access
    limits: Limits
    signer: Signer
    metrics: Metrics
    sessions: Table
    worker: Worker
    allows_names: bool = False
    shows_triton: bool = False
    is_ready: bool = False
    lost: int = 0
    """Kept sessions that cannot go on here."""
    peers: Peers | None = None
    """All processes of the server, where it has several."""
    streams: set[object] = field(default_factory=set)
    """Open WebSocket connections."""
    _drained: float | None = None

    @property
    def is_draining(self) -> bool:
        """Whether it is about to end, so that nothing new begins."""
        return self._drained is not None

    @property
    def draining_for(self) -> float:
        """Seconds since it began to end."""
        return 0.0 if self._drained is None else time.monotonic() - self._drained

    def drain(self) -> None:
        """Begin to end."""
        self._drained = time.monotonic()
