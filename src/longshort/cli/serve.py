"""`longshort serve`: a run or bundle as a server, with a page to try it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.errors import ConfigError

NAME = "serve"
TOKEN_VARIABLE = "LONGSHORT_TOKEN"

Name = Annotated[
    str | None, typer.Option("--name", help="Name of the model; that of the file when absent.")
]
Host = Annotated[
    str, typer.Option("--host", help="Address; others than this machine's need a token.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any that is free.")]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", help=f"File with a token per line; ${TOKEN_VARIABLE} when absent."
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", help="Name by which the server may be asked; repeat for more."),
]
StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="Folder that keeps sessions across a restart.")
]
ClientIds = Annotated[
    bool, typer.Option("--allow-client-ids", help="Let clients choose the ids of sessions.")
]
Ttl = Annotated[float, typer.Option("--ttl", min=1, help="Idle seconds until a session expires.")]
Sessions = Annotated[int, typer.Option("--max-sessions", min=1, help="Sessions at once.")]
StateSize = Annotated[
    int, typer.Option("--max-state", min=1024, help="Bytes of a session's state.")
]
Body = Annotated[int, typer.Option("--max-body", min=1024, help="Bytes of a request's body.")]
Depth = Annotated[int, typer.Option("--max-depth", min=2, help="Nesting of JSON.")]
Message = Annotated[
    int, typer.Option("--max-message", min=1024, help="Bytes of a WebSocket message.")
]
Head = Annotated[int, typer.Option("--max-header", min=1024, help="Bytes of a request's head.")]
Seconds = Annotated[
    float, typer.Option("--request-time", min=0.1, help="Seconds to send a request.")
]
Connections = Annotated[int, typer.Option("--max-connections", min=1, help="Open connections.")]
Queue = Annotated[int, typer.Option("--max-queue", min=1, help="Requests that wait for the model.")]
Work = Annotated[
    float, typer.Option("--max-work", min=0.1, help="Seconds of the model for one request.")
]
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="Requests per second and token; 0: any number.")
]
RootPath = Annotated[
    str, typer.Option("--root-path", help="Path under which a proxy shows the server.")
]
Certificate = Annotated[Path | None, typer.Option("--certfile", help="Certificate for TLS.")]
Triton = Annotated[
    bool, typer.Option("--triton-metrics", help="Metrics under the names of Triton, too.")
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=256, help="Processes; each holds some sessions.")
]
Key = Annotated[Path | None, typer.Option("--keyfile", help="Key of the certificate.")]


def command(
    run: o.RunOrBundle,
    name: Name = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    token_file: TokenFile = None,
    allow_host: AllowHost = None,
    state_dir: StateDir = None,
    allow_client_ids: ClientIds = False,
    ttl: Ttl = 900.0,
    max_sessions: Sessions = 10_000,
    max_state: StateSize = 64 << 20,
    max_body: Body = 1 << 20,
    max_depth: Depth = 8,
    max_message: Message = 64 << 10,
    max_header: Head = 16 << 10,
    request_time: Seconds = 10.0,
    max_connections: Connections = 256,
    max_queue: Queue = 128,
    max_work: Work = 60.0,
    rate: Rate = 0.0,
    root_path: RootPath = "",
    certfile: Certificate = None,
    keyfile: Key = None,
    workers: Workers = 1,
    triton_metrics: Triton = False,
    quiet: o.Quiet = False,
) -> None:
    """Serve a finished run: sessions and predictions over HTTP and WebSocket, and a page."""
    with Screen(quiet=quiet) as screen:
        tokens = _tokens(token_file)
        try:
            from longshort.serve.limits import Limits
            from longshort.serve.processes import serve_many
            from longshort.serve.run import Options, serve
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"serve: needs {error.name}; install it with: pip install 'longshort[serve]'"
            ) from None
        limits = Limits(
            ttl=ttl,
            sessions=max_sessions,
            state=max_state,
            body=max_body,
            depth=max_depth,
            message=max_message,
            header=max_header,
            request=request_time,
            connections=max_connections,
            queue=max_queue,
            work=max_work,
            rate=rate,
        )
        options = Options(
            name=name,
            host=host,
            port=port,
            tokens=tokens,
            hosts=tuple(allow_host or ()),
            state_dir=state_dir,
            allows_names=allow_client_ids,
            shows_triton=triton_metrics,
            limits=limits,
            root_path=root_path,
            certificate=certfile,
            key=keyfile,
        )
        if workers == 1:
            serve(run, options, screen.say)
        else:
            serve_many(run, options, workers, screen.say)


def _tokens(file: Path | None) -> tuple[str, ...]:
    """Return the tokens of a file, or that of the environment."""
    if file is None:
        given = os.environ.get(TOKEN_VARIABLE, "")
        return (given,) if given else ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"--token-file {file}: is no text in UTF-8") from None
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise ConfigError(f"--token-file {file}: has no token")
    return found
