"""A server of several processes: they share a port, and each holds its share of the sessions."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import uvicorn

from longshort.errors import ConfigError, LongshortError, RunError
from longshort.serve import states
from longshort.serve.run import (
    Options,
    Place,
    Say,
    address_of,
    application,
    bound_to,
    ended_by_signals,
    process_of,
    server_of,
)
from longshort.serve.served import name_of
from longshort.serve.share import Share
from longshort.serve.signing import key_of

_LONGEST_END = 30.0
"""Seconds after which a process that is asked to end is killed."""

_PAUSE = 1.0
"""Seconds until a process that did not start is started again."""


class _Worker(NamedTuple):
    """A process, and what it says."""

    process: BaseProcess
    said: Connection


def serve_many(path: Path, options: Options, count: int, say: Say) -> None:
    """Serve a run or bundle in several processes until SIGTERM or Ctrl-C.

    Any of them takes any request, and passes it on to the process that holds its session. One that
    dies is started again; the sessions that it held are lost. Raises `ConfigError` or `RunError` as
    `serve` does.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigError("--workers: this system has no Unix sockets; leave it at 1")
    folder = options.state_dir
    with contextlib.ExitStack() as stack:
        if folder is not None:
            stack.enter_context(states.locked(folder))
            states.share_out(folder, count)
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="longshort-")))
        paths = tuple(sockets / str(number) for number in range(count))
        key = key_of(folder)
        places = [Place(Share(number, count), paths, key) for number in range(count)]
        bound = [stack.enter_context(each) for each in _bound(options, count)]
        _Server(path, options, places, bound, say).run()


def _bound(options: Options, count: int) -> list[socket.socket]:
    """Return a socket for each process, all at one address.

    Linux spreads connections over sockets that share a port; elsewhere the processes share a
    socket. Both stay open here, so that connections wait while a process starts again.
    """
    alone = bound_to(options.host, options.port)  # raises where another program has the port
    if not sys.platform.startswith("linux"):
        return [alone] * count
    host, port = alone.getsockname()[:2]
    alone.close()
    return [bound_to(host, port, is_one_of_many=True) for _ in range(count)]


class _Server:
    """Starts the processes, and starts one again that dies."""

    def __init__(
        self,
        path: Path,
        options: Options,
        places: list[Place],
        bound: list[socket.socket],
        say: Say,
    ) -> None:
        self._path, self._options, self._places = path, options, places
        self._bound, self._say = bound, say
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, _Worker] = {}
        self._is_ending = False

    def run(self) -> None:
        """Serve until a signal."""
        with self._signals():
            try:
                for number in range(len(self._places)):
                    self._start(number)
                for worker in self._workers.values():
                    self._wait_for(worker)
                if not self._is_ending:
                    name = self._options.name or name_of(self._path)
                    address = address_of(self._options, self._bound[0])
                    self._say(f"{name}: {address} in {len(self._places)} processes (Ctrl-C ends)")
                self._watch()
            finally:
                self._end()

    def _start(self, number: int) -> None:
        mine, other = self._context.Pipe(duplex=False)
        arguments = (self._path, self._options, self._places[number], self._bound[number], other)
        process = self._context.Process(target=_work, args=arguments, name=f"serve {number}")
        process.start()
        other.close()
        self._workers[number] = _Worker(process, mine)

    def _wait_for(self, worker: _Worker) -> None:
        """Repeat what a process says until it is ready; raises the error that it ends with."""
        while not self._is_ending:
            try:
                kind, text = worker.said.recv()
            except EOFError:
                if self._is_ending:
                    return
                raise RunError(f"{worker.process.name} ended while it started") from None
            if kind == "ready":
                return
            if kind == "error":
                raise RunError(text)
            self._say(text)

    def _watch(self) -> None:
        while not self._is_ending:
            wait([each.process.sentinel for each in self._workers.values()], timeout=0.5)
            for number, worker in list(self._workers.items()):
                if not self._is_ending and not worker.process.is_alive():
                    self._say(
                        f"process {number} died (exit code {worker.process.exitcode}); the "
                        "sessions that it held are lost; it starts again"
                    )
                    worker.said.close()
                    self._start_again(number)

    def _start_again(self, number: int) -> None:
        self._start(number)
        try:
            self._wait_for(self._workers[number])
        except RunError as error:  # the others go on, and it is tried again
            self._say(f"process {number}: {error}")
            time.sleep(_PAUSE)

    def _end(self) -> None:
        """Ask all processes to end, repeat what they say, and kill those that do not."""
        self._is_ending = True
        workers = list(self._workers.values())
        for each in workers:
            each.process.terminate()
        end = time.monotonic() + _LONGEST_END
        for each in workers:
            with contextlib.suppress(EOFError, OSError):
                while each.said.poll(max(0.0, end - time.monotonic())):
                    self._say(each.said.recv()[1])
            each.process.join(max(0.0, end - time.monotonic()))
            if each.process.is_alive():
                each.process.kill()
                each.process.join()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End in order at a signal, also one that comes while processes start."""

        def stop(*_: object) -> None:
            self._is_ending = True
            for each in self._workers.values():
                each.process.terminate()

        former = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)


def _work(
    path: Path, options: Options, place: Place, bound: socket.socket, told: Connection
) -> None:
    """Be one of the processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the first process decides

    def say(text: str) -> None:
        with contextlib.suppress(OSError):
            told.send(("said", text))

    try:
        server = server_of(path, options, say, place)
    except LongshortError as error:
        told.send(("error", str(error)))
        return
    app = application(server, options.state_dir, say, place)
    process = process_of(app, options, lambda: told.send(("ready", "")))
    threading.Thread(target=_end_with_parent, args=(process,), daemon=True).start()
    with ended_by_signals(process):
        process.run(sockets=[bound])


def _end_with_parent(process: uvicorn.Server) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    process.should_exit = True
