"""The table of sessions: each has an owner, an end, and one writer at a time."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from longshort.serve.limits import Limits
from longshort.serve.refusal import Refusal, busy
from longshort.serve.share import ALL, Share

_LONGEST_ID = 128


class Entry:
    """A session of one owner.

    session: the model's. steps: number of steps so far. first, answer: number of the first step of
    the last request, and form and body of its answer, for a repeat. generation: grows when the
    state is replaced. is_busy: whether a request is at work on it. size: of the state, in bytes.
    """

    __slots__ = ("answer", "first", "generation", "id", "is_busy", "owner", "session", "size",
                 "steps", "used")  # fmt: skip

    def __init__(self, name: str, owner: str, session: Any, used: float) -> None:
        self.id, self.owner, self.session, self.used = name, owner, session, used
        self.generation, self.steps, self.first, self.size = 1, 0, 0, 0
        self.answer = b""
        self.is_busy = False

    def __enter__(self) -> Entry:
        """Begin to write; raises 409 if another request does."""
        if self.is_busy:
            raise Refusal(409, "in_use", "another request is at work on this session", retry=1)
        self.is_busy = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_busy = False

    def replace(self, session: Any, steps: int, first: int = 0, answer: bytes = b"") -> None:
        """Put another state in place of the present one."""
        self.session, self.steps, self.first, self.answer = session, steps, first, answer
        self.generation += 1

    def repeated(self, seq: int | None, form: bytes) -> bytes | None:
        """Return the stored answer if `seq` names the last request; None if it names the next.

        Raises 409 for any other number, and for a repeat in another form than the request had.
        """
        if seq is None or seq == self.steps + 1:
            return None
        if seq == self.first and self.first:
            before, _, body = self.answer.partition(b"\0")
            if before == form:
                return body
            message = "the step was asked in another form or protocol; repeat it in that one"
            raise Refusal(409, "other_form", message)
        raise Refusal(
            409,
            "out_of_order",
            f"step {seq} cannot follow step {self.steps}",
            more={"expected": self.steps + 1},
        )

    def done(self, count: int, answer: bytes, form: bytes = b"") -> None:
        """Note that `count` steps were done, and what was answered in which form."""
        self.first, self.answer = self.steps + 1, form + b"\0" + answer
        self.steps += count


class Table:
    """Live sessions by id, and for a while the ids of those that ended.

    clock: seconds that never go backwards. ended: where ends are counted, by reason. share: which
    sessions are held here, and which by other processes.
    """

    def __init__(
        self,
        limits: Limits,
        ended: Counter[str],
        clock: Callable[[], float] = time.monotonic,
        share: Share = ALL,
    ) -> None:
        self._limits, self._ended, self.clock, self.share = limits, ended, clock, share
        self._live: OrderedDict[str, Entry] = OrderedDict()
        self._tombs: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._live.values()))

    @property
    def state_bytes(self) -> int:
        """Size of all states together, as far as it was measured."""
        return sum(each.size for each in self._live.values())

    def open(self, owner: str, session: Any, name: str | None = None) -> Entry:
        """Add a session; raises 503 if the table is full. No session makes room for another.

        name: its id; one that cannot be guessed when None. Raises 409 where it is taken, and
        `Elsewhere` where another process holds sessions of this id.
        """
        if name is not None:
            self.share.check(name)
        self.sweep()
        if len(self._live) >= self._limits.sessions:
            here = "" if self.share.of == 1 else " in this process"
            raise busy(f"there are {self._limits.sessions:,} sessions{here}, which is the most")
        return self.admit(owner, session, name)

    def admit(self, owner: str, session: Any, name: str | None = None) -> Entry:
        """Add a session, however many there are; raises 409 where its id is taken."""
        if name is None:
            name = self.share.draw()
        if not 0 < len(name) <= _LONGEST_ID:
            raise Refusal(422, "bad_id", f"an id has 1 to {_LONGEST_ID} characters")
        if name in self._live:
            raise Refusal(409, "id_taken", "there is a session of this id; delete it first")
        self._tombs.pop(name, None)
        entry = Entry(name, owner, session, self.clock())
        self._live[name] = entry
        return entry

    def find(self, name: str, owner: str) -> Entry:
        """Return a live session of this owner, whose idle time begins anew.

        Raises 410 for one that ended, and 404 for one that is unknown or of another owner, and
        `Elsewhere` for one that another process holds.
        """
        self.share.check(name)
        entry = self._live.get(name)
        if entry is None or entry.owner != owner:
            raise self._absent(name, owner)
        now = self.clock()
        if not entry.is_busy and now - entry.used >= self._limits.ttl:
            self._end(entry, "expired")
            raise self._absent(name, owner)
        entry.used = now
        self._live.move_to_end(name)
        return entry

    def has(self, name: str, owner: str) -> bool:
        """Whether there is a live session of this id and owner; raises as `find` does."""
        self.share.check(name)
        entry = self._live.get(name)
        return entry is not None and entry.owner == owner

    def close(self, entry: Entry, reason: str = "deleted") -> None:
        """End a session."""
        if self._live.get(entry.id) is entry:
            self._end(entry, reason)

    def sweep(self) -> None:
        """End the sessions that were idle for too long."""
        latest = self.clock() - self._limits.ttl
        over = []
        for entry in self._live.values():
            if entry.used > latest:
                break
            if not entry.is_busy:
                over.append(entry)
        for entry in over:
            self._end(entry, "expired")

    def _end(self, entry: Entry, reason: str) -> None:
        del self._live[entry.id]
        self._ended[reason] += 1
        self._tombs[entry.id] = (entry.owner, reason)
        entry.session, entry.answer = None, b""
        while len(self._tombs) > self._limits.sessions:
            self._tombs.popitem(last=False)

    def _absent(self, name: str, owner: str) -> Refusal:
        former, reason = self._tombs.get(name, (None, ""))
        if former == owner and reason:
            return Refusal(410, f"session_{reason}", f"this session is over: {reason}")
        return Refusal(404, "no_such_session", "there is no such session")
