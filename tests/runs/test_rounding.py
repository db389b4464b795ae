"""Export with weights in few bits: what it costs is measured, written down, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import ConfigError, RunError
from longshort.runs import rounding, trained
from longshort.runs.bundle import read_bundle
from longshort.runs.exporting import export_run
from longshort.runs.proof import prove
from tests.tiny_runs import small


@pytest.mark.parametrize(("name", "kind"), [("bf16", "bfloat16"), ("int8", "int8")])
def test_the_bundle_says_what_rounding_cost(
    small_run: Callable[[str], Path], tmp_path: Path, name: str, kind: str
) -> None:
    plain, few = tmp_path / "plain.longshort", tmp_path / "few.longshort"
    memory: Any = small("regress")[1]
    export_run(small_run("regress"), plain, memory=memory)
    proof = export_run(small_run("regress"), few, memory=memory, weights=name)
    found = read_bundle(few)
    assert found.rounding == proof.rounding and found.rounding is not None
    assert found.rounding["weights"] == kind and found.rounding["metric"] == "rmse"
    assert found.rounding["before"] == pytest.approx(found.rounding["after"], rel=0.01)
    assert prove(found.model.network, found.golden).is_equal
    assert trained.load(few).digest != trained.load(plain).digest
    answers = [trained.load(path).session().step([0.5, -1.0]) for path in (plain, few)]
    assert answers[0] == pytest.approx(answers[1], rel=0.05) and answers[0] != answers[1]


def test_int8_that_costs_too_much_is_refused_with_the_numbers(
    small_run: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "ALLOWED", -1.0)
    memory: Any = small("regress")[1]
    path = tmp_path / "x.longshort"
    with pytest.raises(RunError, match=r"rmse of the validation split .* before and .* after"):
        export_run(small_run("regress"), path, memory=memory, weights="int8")
    assert not path.exists()


def test_an_unknown_kind_is_refused(small_run: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--weights: 'int4' is not known; did you mean 'int8'"):
        export_run(small_run("regress"), tmp_path / "x", weights="int4")
