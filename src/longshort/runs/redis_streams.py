"""Entries of a Redis stream, answered into another one: the lines of `watch`, shared by machines.

Answers, and the state after them, are written in one transaction. So a reader that dies goes on
where the answers end, and no entry is answered twice. One reader at a time holds a stream.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from longshort.errors import ConfigError, DataError, RunError
from longshort.runs.watching import Watcher

TOGETHER, LEASE = 100, 30
"""Entries between two states, and seconds that a reader holds a stream without a sign of life."""
_FIRST = "0"
_RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end"


def connected(url: str) -> Any:
    """Return a client of a Redis server; raises `ConfigError` where it cannot be reached."""
    try:
        import redis
    except ImportError:
        raise ConfigError("--redis: needs redis; install it with: pip install redis") from None
    try:
        client = redis.Redis.from_url(url)
        client.ping()
    except (redis.RedisError, ValueError) as error:
        raise ConfigError(f"--redis {url}: cannot be reached ({error})") from None
    return client


class RedisReader:
    """Answers the entries of a stream into the stream `answers`.

    An entry is a row, its fields the columns, or has the field `text`. Its answer has the fields
    `id`, that of the entry, and `answer`, the line of JSON that `watch` prints.
    """

    def __init__(self, watcher: Watcher, client: Any, stream: str, answers: str) -> None:
        self.watcher, self.client, self.stream, self.answers = watcher, client, stream, answers
        self._state, self._held = f"{answers}:state", f"{answers}:reader"
        self._name = secrets.token_hex(16)
        self._last = _FIRST

    def __enter__(self) -> RedisReader:
        """Hold the stream, and go on from its state; raises `RunError` if another reader holds."""
        if not self.client.set(self._held, self._name, nx=True, ex=LEASE):
            raise RunError(
                f"{self.stream}: another reader answers it into {self.answers}; wait until it "
                f"ends, or {LEASE} seconds after it died"
            )
        stored = self.client.get(self._state)
        if stored is not None:
            head, _, state = stored.partition(b"\n")
            self.watcher.go_on(state, f"{self._state} in Redis")
            self._last = head.decode()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.eval(_RELEASE, 1, self._held, self._name)

    def read(self, wait: float) -> int:
        """Answer the entries that are there, or come within `wait` seconds; returns how many.

        Raises `DataError` for one that is refused, unless the watcher passes over those; what came
        before it is answered.
        """
        found = self.client.xread({self.stream: self._last}, TOGETHER, int(1000 * wait) or None)
        entries = found[0][1] if found else []
        pipe = self.client.pipeline(transaction=True)
        pipe.watch(self._held)
        if pipe.get(self._held) != self._name.encode():
            raise self._taken_over()
        pipe.multi()
        pipe.set(self._held, self._name, ex=LEASE)
        try:
            for name, fields in entries:
                for told in self.watcher.answers([_line(self.watcher, fields)]):
                    written = json.dumps(told, ensure_ascii=False, allow_nan=False)
                    pipe.xadd(self.answers, {"id": name, "answer": written})
                self._last = name.decode()
        except DataError as error:
            raise DataError(f"{self.stream}, entry {name.decode()}: {error}") from None
        finally:
            if entries:
                pipe.set(self._state, self._last.encode() + b"\n" + self.watcher.packed())
            self._commit(pipe)
        return len(entries)

    def _commit(self, pipe: Any) -> None:
        from redis import WatchError

        try:
            pipe.execute()
        except WatchError:
            raise self._taken_over() from None

    def _taken_over(self) -> RunError:
        return RunError(f"{self.stream}: another reader took over, since this one was too slow")


def _line(watcher: Watcher, fields: Mapping[bytes, bytes]) -> bytes:
    """Return an entry as a line of JSON, with numbers where the model takes numbers."""
    row = {}
    for name, value in fields.items():
        key = name.decode(errors="replace")
        row[key] = watcher.value(key, value.decode(errors="replace"))
    return json.dumps(row).encode() + b"\n"
