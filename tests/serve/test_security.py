"""What a server must not do, whoever asks: a test for each line of the checklist."""

from __future__ import annotations

import ast
import gzip
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longshort.errors import ConfigError
from longshort.serve.access import Access, refuse_open_door
from longshort.serve.refusal import Refusal
from longshort.serve.server import Server
from longshort.serve.signing import Kept, Signer, key_of
from tests.paths import ROOT
from tests.serving import TOKEN, Client, client_of, running

Runs = Callable[[str], Path]
SOURCE = ROOT / "src" / "longshort" / "serve"
MUST_NOT = {
    *("pickle", "marshal", "shelve", "subprocess", "yaml", "jinja2"),
    *("urllib.request", "http.client", "requests", "httpx"),
}


@pytest.fixture(scope="module")
def place(small_run: Runs) -> Iterator[tuple[str, Server]]:
    limits = {"header": 2000, "request": 0.5, "connections": 8, "body": 20_000}
    with running(small_run("anomaly"), **limits) as found:
        yield found


@pytest.fixture
def client(small_run: Runs) -> Client:
    return client_of(small_run("anomaly"), token=TOKEN)


def talk(address: str, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are; returns all that comes back until the server closes or is silent."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        found = b""
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while more := connection.recv(65536):
                found += more
        except (ConnectionError, TimeoutError):
            pass
        return found


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    told = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    return "\r\n".join(told).encode() + body


JSON = "Content-Type: application/json"


def test_nothing_is_unpickled_evaluated_or_fetched() -> None:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"eval", "exec", "__import__", "compile"}, path
        for node in ast.walk(tree):
            modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            assert not set(modules) & MUST_NOT, path


def test_no_path_takes_a_model(client: Client) -> None:
    for method, path in (
        ("POST", "/v2/repository/models/x/load"),
        ("POST", "/v2/repository/index"),
        ("PUT", "/v1/model"),
        ("DELETE", "/v1/model"),
        ("POST", "/v2/systemsharedmemory/region/x/register"),
    ):
        assert client.ask(method, path, {}).status in (404, 405)


def test_others_need_a_token() -> None:
    refuse_open_door("127.0.0.1", ())
    refuse_open_door("0.0.0.0", (TOKEN,))
    for host in ("0.0.0.0", "::", "192.168.0.7", "example.com"):
        with pytest.raises(ConfigError, match="LONGSHORT_TOKEN"):
            refuse_open_door(host, ())
    with pytest.raises(ConfigError, match="16 characters"):
        refuse_open_door("0.0.0.0", ("short",))


def test_every_path_but_the_open_ones_needs_the_token(client: Client) -> None:
    stranger = Client(client.app)
    is_open = set()
    for route in client.app.routes.all:
        path = route.path.replace("{m}", "anomaly").replace("{v}", "1").replace("{id}", "0" * 32)
        answer = stranger.ask(route.method, path, {} if route.method == "POST" else None)
        if answer.status != 401:
            is_open.add(route.path)
    pages = {p for p in is_open if p == "/" or p.endswith((".js", ".css"))}
    health = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"}
    models = {"/v2/models/{m}/ready", "/v2/models/{m}/versions/{v}/ready"}
    assert is_open == pages | health | models


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_a_wrong_token_is_refused(given: str, client: Client) -> None:
    answer = Client(client.app).ask("GET", "/v1/model", headers={"authorization": given})
    assert answer.status == 401 and answer.headers[b"www-authenticate"] == b"Bearer"
    assert TOKEN.encode() not in answer.body


def test_pages_of_other_origins_and_other_hosts_are_refused(client: Client) -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
    ):
        assert client.ask("GET", "/v1/model", headers=headers).status == 403, headers
    for headers in (
        {"host": "localhost:8080", "origin": "http://localhost:8080"},
        {"host": "[::1]:8080"},
        {"host": "127.0.0.1:99"},
    ):
        assert client.ask("GET", "/v1/model", headers=headers).status == 200, headers


def test_a_form_of_another_page_is_no_request(client: Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert client.ask("POST", "/v1/sessions", {}, kind=kind).status == 415


def test_too_many_requests_are_told_when_to_come_again() -> None:
    access = Access(rate=2.0)
    access.check_rate("a")
    access.check_rate("a")
    with pytest.raises(Refusal) as caught:
        access.check_rate("a")
    assert caught.value.status == 429 and caught.value.retry
    access.check_rate("b")


def test_an_error_tells_no_path(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/home/anna/secret.longshort at 0x7f0011223344")

    monkeypatch.setattr(client.server.served, "predict", broken)
    answer = client.ask("POST", "/v1/predict", {"rows": [{"y": 1.0}]})
    assert answer.status == 500 and b"anna" not in answer.body and b"0x7f" not in answer.body


def test_snapshots_are_bound_to_model_owner_and_key(small_run: Runs, client: Client) -> None:
    kept = Kept(b"state", 1, 1, b"{}")
    signer = Signer(b"k" * 32, "model")
    packed = signer.pack(kept, "anna")
    assert signer.unpack(packed, "anna") == kept
    others = [(Signer(b"x" * 32, "model"), "anna"), (Signer(b"k" * 32, "other"), "anna")]
    for other, owner in [*others, (signer, "bert")]:
        with pytest.raises(Refusal):
            other.unpack(packed, owner)
    name = client.open()
    whole = client.ask("GET", f"/v1/sessions/{name}/state").body
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        answer = client.ask("PUT", f"/v1/sessions/{name}/state", bytes(changed))
        assert answer.status in (409, 422)
    for size in (0, 4, 20, len(whole) - 1):
        assert client.ask("PUT", f"/v1/sessions/{name}/state", whole[:size]).status in (409, 422)


def test_the_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "states"
    assert key_of(folder) == key_of(folder)
    assert (folder / "key").stat().st_mode & 0o077 == 0
    assert key_of(None) != key_of(None)


def test_compressed_bodies_are_not_read(client: Client) -> None:
    bomb = gzip.compress(b" " * 100_000)
    answer = client.ask("POST", "/v1/predict", bomb, headers={"content-encoding": "gzip"})
    assert answer.status == 415


def test_a_large_body_is_refused(place: tuple[str, Server]) -> None:
    told = talk(place[0], post("/v1/predict", JSON, "Content-Length: 999999999"))
    assert told.startswith(b"HTTP/1.1 413")
    chunk = b"4000\r\n" + b"[" * 0x4000 + b"\r\n"
    told = talk(place[0], post("/v1/predict", JSON, "Transfer-Encoding: chunked"), chunk * 3)
    assert told.startswith(b"HTTP/1.1 413")


def test_a_body_of_tiny_chunks_is_cut_off(place: tuple[str, Server]) -> None:
    head = post("/v1/sessions", "Content-Type: application/octet-stream",
                "Transfer-Encoding: chunked")  # fmt: skip
    told = talk(place[0], head, *[b"1\r\na\r\n" * 1000] * 30)
    assert b" 200 " not in told and b" 201 " not in told


def test_a_large_head_is_refused(place: tuple[str, Server]) -> None:
    told = talk(place[0], post("/v1/predict", *(f"X-{n}: {n}" for n in range(1000))))
    assert b"431" in told.split(b"\r\n", 1)[0]
    unending = talk(place[0], b"GET / HTTP/1.1\r\n", *[b"X: " + b"a" * 500 + b"\r\n"] * 4)
    assert b"431" in unending.split(b"\r\n", 1)[0]


def test_a_slow_request_is_cut_off(place: tuple[str, Server]) -> None:
    slow = talk(place[0], *[b"GET /healthz HT"[n : n + 1] for n in range(12)], pause=0.1)
    assert slow == b""
    body = post("/v1/sessions", JSON, "Content-Length: 10")
    assert b" 201 " not in talk(place[0], body, *[b"{"] * 8, pause=0.1)


def test_connections_are_limited(place: tuple[str, Server]) -> None:
    host, port = place[0].rsplit(":", 1)
    held = [socket.create_connection((host, int(port))) for _ in range(8)]
    try:
        time.sleep(0.1)
        assert b" 503 " in talk(place[0], b"")
    finally:
        for each in held:
            each.close()
    time.sleep(0.2)
    assert b" 200 " in talk(place[0], b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
                            b"Connection: close\r\n\r\n")  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        post("/v1/sessions", JSON, "Content-Length: 2", "Content-Length: 9", body=b"{}"),
        post("/v1/sessions", JSON, "Content-Length: -1", body=b"{}"),
        post("/v1/sessions", JSON, "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes, place: tuple[str, Server]) -> None:
    told = talk(place[0], raw)
    assert b" 200 " not in told and b" 201 " not in told
    assert len(place[1].sessions) == 0


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    stranger = Client(client.app)
    answer = stranger.ask("GET", "/")
    assert b"default-src 'self'" in answer.headers[b"content-security-policy"]
    assert answer.headers[b"x-content-type-options"] == b"nosniff"
    for path in (SOURCE / "page").iterdir():
        text = path.read_text()
        assert "http://" not in text and "https://" not in text, path
        assert "innerHTML" not in text and "eval(" not in text, path
        assert " style=" not in text and " onclick=" not in text.replace("{ onclick", ""), path


def test_headers_that_come_back_carry_no_others(client: Client) -> None:
    good = client.ask("GET", "/healthz", headers={"x-request-id": "abc-1"})
    assert good.headers[b"x-request-id"] == b"abc-1"
    for bad in ("a b", "a\tb", "a" * 200):
        answer = client.ask("GET", "/healthz", headers={"x-request-id": bad})
        assert b"x-request-id" not in answer.headers


def test_metrics_name_no_session(client: Client) -> None:
    name = client.open()
    client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": 1.0}})
    text = client.ask("GET", "/metrics").body.decode()
    assert name not in text and 'route="/v1/sessions/{id}/step",code="200"} 1' in text
