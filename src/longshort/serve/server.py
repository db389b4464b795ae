"""All that the handlers of a server share."""

from __future__ import annotations

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
    shown under the names of Triton, too. is_draining: whether it is about
    to end, so that nothing new begins.
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
    is_draining: bool = False
    is_ready: bool = False
    peers: Peers | None = None
    """All processes of the server, where it has several."""
    streams: set[object] = field(default_factory=set)
    """Open WebSocket connections."""
