"""Sessions that go on from a network's state: equal to whole sequences, and to the bit alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.data.labelled import examples_of
from longshort.errors import DataError
from longshort.runs import story, trained
from longshort.runs.exporting import export_run
from longshort.runs.session import step_many
from longshort.runs.state_steps import RowStates
from longshort.runs.trained import AnyTrained

SETTINGS = {
    "mean": ("regress", {"pooling": "mean"}),
    "max, two layers": ("regress", {"pooling": "max", "num_layers": 2, "summary": False}),
    "last, GRU": ("regress", {"pooling": "last", "cell": "gru"}),
    "ensemble": ("classify", {"bidirectional": False, "members": 2, "convolution": 0}),
}
DRAW = np.random.default_rng(0)
ARRAYS = [DRAW.normal(size=(DRAW.integers(4, 9), 3)) for _ in range(40)]
ROWS = DRAW.normal(size=(9, 30, 3)).tolist()


@pytest.fixture(scope="module", params=list(SETTINGS))
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task, model = SETTINGS[request.param]
    sums = [each.sum() for each in ARRAYS]
    labels: list[Any] = sums if task == "regress" else ["up" if s > 0 else "down" for s in sums]
    data = examples_of(ARRAYS, labels)
    folder = tmp_path_factory.mktemp("run")
    train = {"max_epochs": 1, "threads": 1}
    settings = {"task": task, "model": {"hidden": 8, **model}, "train": train}
    story.run(settings, folder / "run", data=data)
    export_run(folder / "run", folder / "x.longshort", memory=data)
    return folder / "x.longshort"


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_the_state_is_enough(bundle: Path, kind: str) -> None:
    model = trained.load(bundle if kind == "bundle" else bundle.parent / "run")
    assert isinstance(model._stepper, RowStates)
    session = model.session()
    rows = [step[0] for step in ROWS]
    for number, row in enumerate(rows, 1):
        answer = session.step(row)
        whole = model.read(examples_of([np.array(rows[:number])]))
        expected = model.table(whole).row(0, named=True)
        assert {n: answer[n] for n in answer if n != "label"} == pytest.approx(
            {n: expected[n] for n in answer if n != "label"}, rel=1e-5, abs=1e-6
        )
    assert model.session_schema()["remembers"] is None


@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_a_session_has_the_same_bits_beside_any_others(bundle: Path, count: int) -> None:
    model = trained.load(bundle)
    together = [model.session() for _ in range(count)]
    alone = [model.session() for _ in range(count)]
    for rows in ROWS:
        found = step_many(together, rows[:count])
        assert found == [each.step(row) for each, row in zip(alone, rows, strict=False)]
    pairs = zip(together, alone, strict=True)
    assert all(one.snapshot() == other.snapshot() for one, other in pairs)


def test_a_snapshot_is_small_and_does_not_grow(bundle: Path) -> None:
    session = trained.load(bundle).session()
    sizes = []
    for row in ROWS:
        session.step(row[0])
        sizes.append(len(session.snapshot()))
    assert len(set(sizes)) == 1 and sizes[0] < 5_000


@pytest.fixture(scope="module")
def regressor(small_run: Callable[[str], Path]) -> AnyTrained:
    return trained.load(small_run("regress"))


def test_a_value_far_off_names_its_column_also_beside_others(regressor: AnyTrained) -> None:
    with pytest.raises(DataError, match=r"column 'channel 2': the value is too far off"):
        regressor.session().step([1.0, 1e300])
    sessions = [regressor.session() for _ in range(2)]
    first, error = step_many(sessions, [[1.0, 2.0], [1.0, 1e300]])
    assert isinstance(first, dict) and isinstance(error, DataError)


def test_attention_and_both_directions_look_at_all_rows_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = examples_of(ARRAYS, [each.sum() for each in ARRAYS])
    for model in ({"pooling": "attention"}, {"bidirectional": True}, {"patch": 2}):
        folder = tmp_path_factory.mktemp("run") / "run"
        settings = {"task": "regress", "model": {"hidden": 4, **model}}
        story.run({**settings, "train": {"max_epochs": 1, "threads": 1}}, folder, data=data)
        assert trained.load(folder).session_schema()["remembers"] == 10_000
