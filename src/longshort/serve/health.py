"""Whether the server lives and is ready, its counts, its page, and its description."""

from __future__ import annotations

from importlib.resources import files

from longshort.serve.metrics import summed
from longshort.serve.refusal import Refusal
from longshort.serve.server import Server
from longshort.serve.web import Reply, Request, Route, reply

_KINDS = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
}
_INDEX = "index.html"


class Health:
    """Handlers of what stands beside the protocols."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._page = {
            "/" if each.name == _INDEX else f"/{each.name}": each.read_bytes()
            for each in (files("longshort.serve") / "page").iterdir()
        }

    def routes(self) -> list[Route]:
        """Return the paths and their handlers."""
        pages = [Route("GET", path, self.page, is_open=True) for path in self._page]
        return [
            *pages,
            Route("GET", "/healthz", self.alive, is_open=True),
            Route("GET", "/readyz", self.ready, is_open=True),
            Route("GET", "/metrics", self.metrics),
        ]

    async def page(self, request: Request) -> Reply:
        """Return a file of the page."""
        kind = (
            _KINDS["." + request.path.rpartition(".")[2]]
            if "." in request.path
            else _KINDS[".html"]
        )
        return Reply(200, self._page[request.path], kind)

    async def alive(self, request: Request) -> Reply:
        """Say that the process answers."""
        return reply(request, {"alive": True})

    async def ready(self, request: Request) -> Reply:
        """Say whether the model is loaded, answers as it should, and takes work."""
        await check_ready(self.server, request)
        return reply(request, {"ready": True, "model": self.server.served.name})

    async def metrics(self, request: Request) -> Reply:
        """Return what was counted, by all processes together, for Prometheus."""
        server = self.server
        gauges = {
            "longshort_sessions": ("Live sessions.", float(len(server.sessions))),
            "longshort_state_bytes": ("Size of their states.", float(server.sessions.state_bytes)),
            "longshort_waiting": ("Pieces of work that wait.", float(server.worker.waiting)),
            "longshort_streams": ("Open WebSockets.", float(len(server.streams))),
            "longshort_ready": ("Processes that are ready.", float(server.is_ready)),
        }
        text = server.metrics.text(gauges, server.served.name if server.shows_triton else "")
        if server.peers is not None and not request.is_passed_on:
            found = await server.peers.get("/metrics", request.headers)
            text = summed([body.decode() for status, body in found if status == 200])
        return Reply(200, text.encode(), b"text/plain; version=0.0.4; charset=utf-8")


async def check_ready(server: Server, request: Request) -> None:
    """Raise 503 unless the server, and each of its processes, takes work."""
    is_ready = server.is_ready and not server.is_draining
    if is_ready and server.peers is not None and not request.is_passed_on:
        found = await server.peers.get("/readyz", request.headers)
        is_ready = all(status == 200 for status, _ in found)
    if not is_ready:
        raise Refusal(503, "not_ready", "the server begins, or is about to end", retry=1)
