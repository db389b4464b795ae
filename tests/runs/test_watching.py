"""Lines that keep coming."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import DataError, RunError
from longshort.runs.trained import load
from longshort.runs.watching import Watcher
from tests.commands import longshort
from tests.session_steps import steps_of

Runs = Callable[[str], Path]


def lines_of(rows: list[Any]) -> list[bytes]:
    return [json.dumps(row).encode() + b"\n" for row in rows]


def answers(watcher: Watcher, lines: list[bytes]) -> list[Any]:
    return [each["answer"] for each in watcher.answers(lines)]


def test_json_and_csv_are_answered_as_a_session_does(small_run: Runs) -> None:
    run, rows = load(small_run("anomaly")), steps_of("anomaly")[:6]
    session = run.session()
    wanted = [session.step(row) for row in rows]
    text = [b"ds,place,y\r\n", *(f"{row['ds']},x,{row['y']!r}\r\n".encode() for row in rows)]
    assert answers(Watcher(run), lines_of(rows)) == wanted
    assert answers(Watcher(run), text) == wanted


def test_every_key_has_a_session_of_its_own(small_run: Runs) -> None:
    run, rows = load(small_run("anomaly")), steps_of("anomaly")[:4]
    both = [{**row, "pump": pump} for row in rows for pump in ("a", "b")]
    found = list(Watcher(run, ["pump"]).answers(lines_of(both)))
    one = answers(Watcher(run), lines_of(rows))
    assert [each["answer"] for each in found] == [each for each in one for _ in range(2)]
    assert found[1]["key"] == {"pump": "b"}


def test_texts_are_lines(small_run: Runs) -> None:
    run = load(small_run("lm"))
    session = run.session()
    wanted = [session.step("the cat"), session.step("sat")]
    assert answers(Watcher(run), [b"the cat\n", b'{"text": "sat"}\n']) == wanted


@pytest.mark.parametrize(
    "bad", [b'{"y": "much"}\n', b'{"y": \n', b'{"ds": "2000-01-01T00:00:00", "y": 1}\n', b"1,2,3\n"]
)
def test_a_line_that_is_refused_ends_it_or_is_told(bad: bytes, small_run: Runs) -> None:
    run, good = load(small_run("anomaly")), lines_of(steps_of("anomaly")[:3])
    lines = [good[0], bad, *good[1:]]
    if bad.startswith(b"1"):
        lines = [b"y\n", b"1.0\n", bad]
    with pytest.raises(DataError, match=r"line [23]: "):
        list(Watcher(run).answers(lines))
    found = list(Watcher(run, skips=True).answers(lines))
    told = [each for each in found if "skipped" in each]
    assert len(told) == 1
    if not bad.startswith(b"1"):
        kept = [each["answer"] for each in found if "answer" in each]
        assert kept == answers(Watcher(run), good)


def test_it_goes_on_from_its_state(small_run: Runs, tmp_path: Path) -> None:
    run, lines = load(small_run("anomaly")), lines_of(steps_of("anomaly")[:8])
    state = tmp_path / "state.json"
    first = Watcher(run, state=state)
    begun = answers(first, lines[:5])
    first.save()
    second = Watcher(run, state=state)
    assert (second.lines, second.offset) == (5, sum(map(len, lines[:5])))
    assert begun + answers(second, lines[5:]) == answers(Watcher(run), lines)
    with pytest.raises(RunError, match="--key"):
        Watcher(run, ["pump"], state=state)
    with pytest.raises(RunError, match="another model"):
        Watcher(load(small_run("lm")), state=state)
    state.write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        Watcher(run, state=state)


def test_the_command(small_run: Runs, tmp_path: Path) -> None:
    lines, state = lines_of(steps_of("anomaly")[:4]), tmp_path / "state.json"
    done = longshort(
        "watch", small_run("anomaly"), "--state", state, given=b"".join(lines[:3])
    )  # fmt: skip
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3
    again = longshort("watch", small_run("anomaly"), "--state", state, given=b"".join(lines))
    assert [json.loads(line)["line"] for line in again.stdout.splitlines()] == [4]
    late = longshort("watch", small_run("anomaly"), "--state", state, given=b"".join(lines * 2))
    assert late.returncode == 2 and "line 5: " in late.stderr
