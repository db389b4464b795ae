"""What sessions of every task promise: the answers of `predict`, and states that lose no bit."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.errors import ConfigError, DataError, LongshortError, RunError
from longshort.registry import TASKS
from longshort.runs import trained
from longshort.runs.exporting import export_run
from longshort.runs.session import step_many
from longshort.runs.trained import AnyTrained
from tests.session_steps import predicted, steps_of
from tests.tiny_runs import small

ROWS = ("forecast", "anomaly", "regress")
CLOSE = {"rel": 1e-5, "abs": 1e-6}


@pytest.fixture(scope="module", params=TASKS.own)
def folder(request: pytest.FixtureRequest, small_run: Callable[[str], Path]) -> Path:
    return small_run(request.param)


@pytest.fixture(scope="module")
def bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "x.longshort"
    task = trained.load(folder).task.name
    export_run(folder, path, memory=small(task)[1])
    return path


@pytest.fixture(scope="module", params=["run", "bundle"])
def model(request: pytest.FixtureRequest, folder: Path, bundle: Path) -> AnyTrained:
    """A run of every task, and its bundle."""
    return trained.load(folder if request.param == "run" else bundle)


@pytest.fixture(scope="module")
def regressor(small_run: Callable[[str], Path]) -> AnyTrained:
    return trained.load(small_run("regress"))


def close(found: Any, expected: Any) -> bool:
    """Whether two nested values agree, numbers but for rounding."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(close(found[k], expected[k]) for k in found)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, float) and isinstance(found, float):
        return found == pytest.approx(expected, **CLOSE)
    return bool(found == expected)


def test_steps_answer_what_predict_says_of_the_same_rows(model: AnyTrained) -> None:
    session, steps = model.session(), steps_of(model.task.name)
    for number, x in enumerate(steps, 1):
        answer = session.step(x)
        if number in (1, 2, len(steps) - 1, len(steps)):
            expected = predicted(model, number)
            shared = [name for name in answer if name in expected]
            assert shared
            assert close({n: answer[n] for n in shared}, {n: expected[n] for n in shared}), number
    assert session.steps == len(steps)


def test_answers_are_plain_values(model: AnyTrained) -> None:
    answer = model.session().step(steps_of(model.task.name)[0])
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_snapshot_restore_and_fork_change_no_bit(model: AnyTrained) -> None:
    steps = steps_of(model.task.name)
    half = len(steps) - 2
    whole, session = model.session(), model.session()
    expected = [whole.step(x) for x in steps]
    for x in steps[:half]:
        session.step(x)
    forked, back = session.fork(), model.restore(session.snapshot())
    assert back.steps == forked.steps == half
    for other in (back, forked, session):
        assert [other.step(x) for x in steps[half:]] == expected[half:]
    session.reset()
    assert session.steps == 0 and session.step(steps[0]) == expected[0]


def test_sessions_do_not_touch_each_other(model: AnyTrained) -> None:
    steps = steps_of(model.task.name)
    alone = model.session()
    expected = [alone.step(x) for x in steps[:-1]]
    one, other = model.session(), model.session()
    found = []
    for x, y in pairwise(steps):
        found.append(one.step(x))
        other.step(y)
    assert found == expected


def test_steps_together_are_those_alone(model: AnyTrained) -> None:
    steps = steps_of(model.task.name)[:3]
    sessions = [model.session() for _ in range(5)]
    for number, session in enumerate(sessions):
        for x in steps[: number % 3]:
            session.step(x)
    expected = [session.fork().step(steps[-1]) for session in sessions]
    assert step_many(sessions, [steps[-1]] * len(sessions)) == expected


def test_the_schema_names_what_a_step_takes_and_answers(model: AnyTrained) -> None:
    schema = model.session_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["kind"] in ("row", "text", "features")
    first = steps_of(model.task.name)[0]
    if schema["kind"] != "text":
        names = {column["name"] for column in schema["columns"]}
        assert set(first) <= names
    assert set(model.session().step(first)) == set(schema["answer"])


def test_a_refused_step_leaves_the_session_as_it_was(model: AnyTrained) -> None:
    steps = steps_of(model.task.name)
    session = model.session()
    session.step(steps[0])
    before = session.snapshot()
    for wrong in (3, None, {"nonsense": 1}, ["a"], [1.0] * 99):
        with pytest.raises(DataError):
            session.step(wrong)
    assert session.snapshot() == before and session.steps == 1


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_row_names_its_column(name: str, small_run: Callable[[str], Path]) -> None:
    session = trained.load(small_run(name)).session()
    row = steps_of(name)[0]
    column = next(reversed(row))
    without = {key: value for key, value in row.items() if key != column}
    for wrong, message in (
        (without, f"column '{column}' is missing"),
        ({**row, "hight": 1.0}, "column 'hight' is not known"),
        ({**row, column: float("nan")}, f"column '{column}': a finite number is expected, got nan"),
        ({**row, column: float("inf")}, f"column '{column}': a finite number is expected, got inf"),
        ({**row, column: "3"}, f"column '{column}': a finite number is expected, got '3'"),
        ({**row, column: [1.0]}, f"column '{column}': a finite number is expected"),
    ):
        with pytest.raises(DataError, match=message.replace("[", r"\[")):
            session.step(wrong)


def test_a_snapshot_of_another_model_is_refused(
    model: AnyTrained, small_run: Callable[[str], Path]
) -> None:
    other = trained.load(small_run("regress" if model.task.name != "regress" else "classify"))
    with pytest.raises(RunError, match="snapshot: is of another model"):
        other.restore(model.session().snapshot())


def test_a_run_and_its_bundle_have_digests_of_their_own(folder: Path, bundle: Path) -> None:
    assert trained.load(folder).digest == trained.load(folder).digest
    assert trained.load(folder).digest != trained.load(bundle).digest


def test_damaged_snapshots_are_refused(regressor: AnyTrained) -> None:
    session = regressor.session()
    session.step([1.0, 2.0])
    whole = session.snapshot()
    draw = np.random.default_rng(0)
    for size in [0, 1, *draw.integers(2, len(whole), 20).tolist()]:
        with pytest.raises(RunError, match="snapshot: is"):
            regressor.restore(whole[:size])
    for place in draw.integers(0, len(whole), 40).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(draw.integers(8))
        with pytest.raises(RunError, match="snapshot: is"):
            regressor.restore(bytes(flipped))
    wrong: Any = "text"
    with pytest.raises(RunError, match="bytes are expected, got str"):
        regressor.restore(wrong)


def test_one_refused_step_of_many_does_not_stop_the_others(regressor: AnyTrained) -> None:
    sessions = [regressor.session() for _ in range(3)]
    first, error, last = step_many(sessions, [[1.0, 2.0], [1.0], [3.0, 4.0]])
    assert isinstance(error, LongshortError) and "2 numbers are expected" in str(error)
    assert isinstance(first, dict) and isinstance(last, dict)
    assert [each.steps for each in sessions] == [1, 0, 1]
    with pytest.raises(RunError, match="one comes twice"):
        step_many([sessions[0], sessions[0]], [[1.0, 2.0]] * 2)


def test_bundles_have_sessions_without_torch(bundle: Path) -> None:
    task = trained.load(bundle).task.name
    script = textwrap.dedent(
        """
        import json, sys
        sys.modules["torch"] = None
        import longshort as ls
        session = ls.load(sys.argv[1]).session()
        print(json.dumps([session.step(x) for x in json.loads(sys.stdin.read())]))
        """
    )
    steps = steps_of(task)[:2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(bundle)],
        input=json.dumps(steps), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    session = ls.load(bundle).session()
    assert json.loads(done.stdout) == [session.step(x) for x in steps]


def test_a_task_without_steps_says_which_have_them(regressor: AnyTrained) -> None:
    from dataclasses import replace

    class Other:
        name = "other"

    other: Any = replace(regressor, task=Other())
    with pytest.raises(ConfigError, match="'other' does not take samples step by step"):
        other.session()
