"""All that the handlers of a server share."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshort.serve.access import Access
from longshort.serve.limits import Limits
from longshort.serve.metrics import Metrics
from longshort.serve.served import Served
from longshort.serve.sessions import Table
from longshort.serve.signing import Signer
from longshort.serve.worker import Worker


@dataclass
class Server:
    """A model being served.

    allows_names: whether clients may choose the ids of sessions. is_draining: whether it is about
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
    is_draining: bool = False
    is_ready: bool = False
    streams: set[object] = field(default_factory=set)
    """Open WebSocket connections."""
