"""The server process: from the model to the end of the last request."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn

from longshort.errors import RunError
from longshort.runs.bundle import is_bundle, read_bundle
from longshort.runs.proof import prove
from longshort.runs.trained import load
from longshort.serve import states
from longshort.serve.access import LOOPBACK, Access, is_loopback, refuse_open_door
from longshort.serve.app import App
from longshort.serve.completions import Completions
from longshort.serve.drift import Drift
from longshort.serve.guard import GuardedProtocol
from longshort.serve.health import Health
from longshort.serve.limits import Limits
from longshort.serve.metrics import Metrics
from longshort.serve.openapi import Description
from longshort.serve.rest import Rest
from longshort.serve.served import Served, name_of
from longshort.serve.server import Server
from longshort.serve.sessions import Table
from longshort.serve.share import ALL, Share
from longshort.serve.signing import Signer, key_of
from longshort.serve.spread import Peers, Spread
from longshort.serve.streaming import Streaming
from longshort.serve.tunnel import Tunnel
from longshort.serve.v2 import OpenInference
from longshort.serve.web import Routes
from longshort.serve.worker import Worker

_GRACE = 8
"""Seconds that requests get to end in, once the server is asked to."""
_LEAST = 0.5
"""Seconds of them that are left at least to what other processes passed on."""
_SWEEP = 1.0
"""Seconds between two looks for sessions that are over."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """What a process has to know of the others of its server.

    sockets: at which they take requests from each other, by number; none for a single process. key:
    of snapshots, if they share one.
    """

    share: Share = ALL
    sockets: tuple[Path, ...] = ()
    key: bytes = b""


ALONE = Place()


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a model is served.

    name: the model's in paths and answers; that of the file when None. port: 0 for any that is
    free. tokens: those of clients. hosts: names by which the server may be
    asked; of a loopback address its own when empty, otherwise any. state_dir: folder that sessions
    are kept in across a restart. allows_names: whether clients name sessions. shows_triton: whether
    metrics have the names of Triton, too.
    """

    name: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    tokens: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    state_dir: Path | None = None
    allows_names: bool = False
    shows_triton: bool = False
    limits: Limits = field(default_factory=Limits)
    root_path: str = ""
    certificate: Path | None = None
    key: Path | None = None


def server_of(path: Path, options: Options, say: Say, place: Place = ALONE) -> Server:
    """Load a run or bundle, and the sessions that were kept.

    Raises `ConfigError` or `RunError` where it cannot be served.
    """
    refuse_open_door(options.host, options.tokens)
    test_itself(path)
    served = Served(load(path), options.name or name_of(path))
    metrics, limits = Metrics(Drift(served.schema)), options.limits.shared(place.share.of)
    hosts = options.hosts or (LOOPBACK if is_loopback(options.host) else ())
    server = Server(
        served,
        Access(options.tokens, hosts, limits.rate),
        limits,
        Signer(place.key or key_of(options.state_dir), served.digest),
        metrics,
        Table(limits, metrics.ended, share=place.share),
        Worker(limits.queue, metrics, limits.work),
        options.allows_names,
        options.shows_triton,
        peers=Peers(place.sockets) if place.sockets else None,
    )
    if options.state_dir is not None:
        kept, server.lost = states.load(server, options.state_dir)
        if kept or server.lost:
            lost = f", {server.lost:,} cannot" if server.lost else ""
            say(f"{kept:,} sessions go on{lost}")
    return server


def test_itself(path: Path) -> None:
    """Raise `RunError` if a bundle does not answer here as it did where it was written."""
    if not is_bundle(path):
        return
    bundle = read_bundle(path)
    proof = prove(bundle.model.network, bundle.golden)
    if not proof.is_equal:
        raise RunError(
            f"{path}: its answers differ by {proof.worst:.2g} from those recorded; it is not served"
        )


def application(server: Server, state_dir: Path | None, say: Say, place: Place = ALONE) -> App:
    """Return the application of a server, with all its protocols.

    state_dir: folder into which sessions are written at the end.
    """
    streaming = Streaming(server)
    running: list[asyncio.Task[None]] = []
    tunnels: list[Tunnel] = []

    async def started() -> None:
        running.append(asyncio.create_task(_sweep(server)))
        if place.sockets:
            tunnels.append(Tunnel(app))
            await tunnels[0].listen(place.sockets[place.share.number])
        if state_dir is not None:
            states.taken(server, state_dir, server.lost)
        server.is_ready = True

    async def ended() -> None:
        server.is_ready = False
        for task in running:
            task.cancel()
        if server.peers is not None:
            server.peers.close()
        for tunnel in tunnels:
            await tunnel.close(max(_LEAST, _GRACE - server.draining_for))
        server.worker.close()
        if state_dir is not None:
            say(f"{states.save(server, state_dir):,} sessions are kept")

    routes = [
        *Health(server).routes(),
        *Rest(server).routes(),
        *OpenInference(server).routes(),
        *Completions(server).routes(),
    ]
    routes += Description(server, routes).routes()
    app = App(server, Routes(routes), streaming, started, ended)
    return app


async def _sweep(server: Server) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        server.sessions.sweep()


class _Process(uvicorn.Server):
    """Says when it answers, and tells the application before connections are closed."""

    def __init__(self, config: uvicorn.Config, app: App, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._ready = app, ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order, also at a second signal: sessions are kept."""
        del sig, frame
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse what is new, tell streams, and wait for what runs."""
        self._app.server.drain()
        await self._app.stream.drain()
        await super().shutdown(sockets)


def process_of(
    app: App, options: Options, ready: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """Return what runs an application on sockets. ready: called once it answers."""
    limits, peers = app.server.limits, app.server.peers
    config = uvicorn.Config(
        app if peers is None else Spread(app, peers),
        http=GuardedProtocol,
        ws="websockets-sansio",
        ws_max_size=limits.message,
        ws_per_message_deflate=False,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE,
        root_path=options.root_path,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        proxy_headers=False,
    )
    return _Process(config, app, ready)


def serve(path: Path, options: Options, say: Say) -> None:
    """Serve a run or bundle until SIGTERM or Ctrl-C; then end within ten seconds."""
    folder = options.state_dir
    with contextlib.nullcontext() if folder is None else states.locked(folder):
        if folder is not None:
            states.share_out(folder, 1)
        _serve(path, options, say)


def _serve(path: Path, options: Options, say: Say) -> None:
    with contextlib.closing(bound_to(options.host, options.port)) as bound:
        server = server_of(path, options, say)
        app = application(server, options.state_dir, say)
        told = f"{server.served.name}: {address_of(options, bound)} (Ctrl-C ends)"
        process = process_of(app, options, lambda: say(told))
        with ended_by_signals(process):
            process.run(sockets=[bound])


def address_of(options: Options, bound: socket.socket) -> str:
    """Return the address at which a server is asked."""
    secure = "s" if options.certificate else ""
    shown = f"[{options.host}]" if ":" in options.host else options.host
    return f"http{secure}://{shown}:{bound.getsockname()[1]}"


def bound_to(host: str, port: int, *, is_one_of_many: bool = False) -> socket.socket:
    """Return a socket that is bound to an address; raises `RunError` where it is taken.

    is_one_of_many: whether other sockets of this user may be bound to it too.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_one_of_many:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise RunError(
            f"--port {port}: {error.strerror or error}; give another --port, or 0 for a free one"
        ) from None
    bound.set_inheritable(True)
    return bound


@contextlib.contextmanager
def ended_by_signals(process: uvicorn.Server) -> Iterator[None]:
    """End the process in order at a signal, also one that comes while it starts.

    uvicorn raises its signals again in the end, which then change nothing.
    """

    def stop(*_: object) -> None:
        process.should_exit = True

    former = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
