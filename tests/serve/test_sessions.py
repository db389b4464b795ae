"""The table of sessions: ends, owners, order, one writer."""

from __future__ import annotations

from collections import Counter

import pytest

from longshort.serve.limits import Limits
from longshort.serve.refusal import Refusal
from longshort.serve.sessions import Entry, Table

JSON = b"application/json step"


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def table_of(**limits: int) -> tuple[Table, Clock, Counter[str]]:
    clock, ended = Clock(), Counter[str]()
    return Table(Limits(**limits), ended, clock), clock, ended  # type: ignore[arg-type]


def status(table: Table, name: str, owner: str = "anna") -> int:
    try:
        table.find(name, owner)
    except Refusal as refusal:
        return refusal.status
    return 200


def test_an_idle_session_expires_and_says_so() -> None:
    table, clock, ended = table_of(ttl=10)
    name = table.open("anna", object()).id
    clock.now = 9
    assert status(table, name) == 200  # and its time begins anew
    clock.now = 18
    assert status(table, name) == 200
    clock.now = 28
    assert status(table, name) == 410
    assert status(table, "0" * 32) == 404
    assert ended == {"expired": 1} and len(table) == 0


def test_the_sweep_ends_what_is_idle_and_nothing_else() -> None:
    table, clock, _ = table_of(ttl=10)
    idle, busy, fresh = (table.open("anna", object()) for _ in range(3))
    clock.now = 5
    table.find(fresh.id, "anna")
    with busy:
        clock.now = 11
        table.sweep()
        assert [each.id for each in table] == [busy.id, fresh.id]
    assert idle.session is None


def test_another_owner_finds_nothing() -> None:
    table, clock, _ = table_of(ttl=10)
    name = table.open("anna", object()).id
    assert status(table, name, "bert") == 404
    clock.now = 99
    assert status(table, name) == 410
    assert status(table, name, "bert") == 404


def test_a_full_table_refuses_and_evicts_nobody() -> None:
    table, _, _ = table_of(sessions=2)
    names = [table.open("anna", object()).id for _ in range(2)]
    with pytest.raises(Refusal) as caught:
        table.open("bert", object())
    assert caught.value.status == 503 and caught.value.retry
    assert [status(table, name) for name in names] == [200, 200]


def test_ids_are_long_and_never_the_same() -> None:
    table, _, _ = table_of()
    names = {table.open("anna", object()).id for _ in range(100)}
    assert len(names) == 100 and all(len(name) == 32 for name in names)


def test_a_name_that_is_taken_is_refused_until_it_is_free() -> None:
    table, _, _ = table_of()
    entry = table.open("anna", object(), "mine")
    with pytest.raises(Refusal) as caught:
        table.open("bert", object(), "mine")
    assert caught.value.status == 409
    table.close(entry)
    assert table.open("bert", object(), "mine").owner == "bert"
    assert status(table, "mine") == 404  # the former owner does not see the new one


def test_tombstones_are_as_many_as_sessions_may_be() -> None:
    table, _, _ = table_of(sessions=3)
    names = []
    for _ in range(5):
        entry = table.open("anna", object())
        names.append(entry.id)
        table.close(entry)
    assert [status(table, name) for name in names] == [404, 404, 410, 410, 410]


def test_two_writers_never_interleave() -> None:
    entry = Entry("a", "anna", object(), 0.0)
    with entry, pytest.raises(Refusal) as caught, entry:
        pass
    assert caught.value.status == 409


def test_steps_are_in_order_and_a_repeat_gets_its_answer() -> None:
    entry = Entry("a", "anna", object(), 0.0)
    assert entry.repeated(1, JSON) is None and entry.repeated(None, JSON) is None
    entry.done(1, b"one", JSON)
    assert entry.repeated(1, JSON) == b"one"
    entry.done(3, b"two to four", JSON)
    with pytest.raises(Refusal, match="another form or protocol"):
        entry.repeated(2, b"websocket")
    assert entry.repeated(2, JSON) == b"two to four" and entry.repeated(5, JSON) is None
    for seq in (0, 1, 3, 4, 6, -1):
        with pytest.raises(Refusal) as caught:
            entry.repeated(seq, JSON)
        assert caught.value.status == 409 and caught.value.more == {"expected": 5}


def test_another_state_is_another_generation() -> None:
    entry = Entry("a", "anna", object(), 0.0)
    entry.done(1, b"one", JSON)
    entry.replace(object(), 0)
    assert (entry.generation, entry.steps) == (2, 0)
    with pytest.raises(Refusal):
        entry.repeated(0, JSON)
