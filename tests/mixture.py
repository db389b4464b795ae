"""Clients of a server: many sessions at once, over all protocols."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
from websockets.asyncio.client import connect


class Keeper:
    """A connection of HTTP that is kept open."""

    def __init__(self, address: str) -> None:
        self.host, self.port = address.rsplit(":", 1)

    async def __aenter__(self) -> Keeper:
        self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def post(self, path: str, value: Any) -> Any:
        body = json.dumps(value).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        told = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in told.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        return json.loads(await self.reader.readexactly(length))


async def over_rest(address: str, number: int, values: list[float]) -> list[Any]:
    del number
    async with Keeper(address) as http:
        name = (await http.post("/v1/sessions", {}))["session"]
        found = []
        for seq, value in enumerate(values, 1):
            body = {"x": {"y": value}, "seq": seq}
            found.append((await http.post(f"/v1/sessions/{name}/step", body))["answer"])
        return found


async def over_v2(address: str, number: int, values: list[float]) -> list[Any]:
    async with Keeper(address) as http:
        found = []
        for place, value in enumerate(values):
            tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [value]}
            how = {"sequence_id": number, "sequence_start": place == 0}
            body = {"inputs": [tensor], "outputs": [{"name": "answer"}], "parameters": how}
            told = await http.post("/v2/models/anomaly/infer", body)
            found.append(json.loads(told["outputs"][0]["data"][0]))
        return found


async def over_socket(address: str, number: int, values: list[float]) -> list[Any]:
    async with connect(f"ws://{address}/v1/stream") as socket:
        await socket.send("{}")
        await socket.recv()
        found = []
        for value in values:
            is_binary = number % 2
            await socket.send(
                np.float32(value).tobytes() if is_binary else json.dumps({"x": {"y": value}})
            )
            found.append(json.loads(await socket.recv())["answer"])
        return found


async def all_of(address: str, values: list[list[float]]) -> list[list[Any]]:
    ways = [over_rest, over_socket, over_v2]
    return list(
        await asyncio.gather(*(ways[n % 3](address, n + 1, each) for n, each in enumerate(values)))
    )
