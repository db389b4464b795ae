"""Other engines, where their libraries are installed: they end in the same kind of study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import ConfigError
from longshort.tuning.story import tune
from longshort.tuning.study import PROPOSALS, Study

from .studies import settings_of, texts
from .test_story import FILE_SETTINGS, SPACE, scores_of


def proposed(out: Path, **more: Any) -> dict[str, Any]:
    settings, data = settings_of("regress")
    return tune(settings, out, data=data, search=SPACE, trials=5, engine="optuna", **more)


def test_optuna_proposes_and_prunes(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra longshort[tune] is not installed")
    found = proposed(tmp_path)
    assert len(found["rows"]) == 5
    assert found["cost"]["full_runs"] < 5
    lines = (tmp_path / PROPOSALS).read_text().splitlines()
    assert len(lines) == 5
    assert found["settings"] in [json.loads(line) for line in lines]


def test_one_worker_of_optuna_is_repeated_by_its_seed(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra longshort[tune] is not installed")
    one, two = (proposed(tmp_path / name) for name in ("one", "two"))
    assert one["settings"] == two["settings"]
    assert scores_of(tmp_path / "one") == scores_of(tmp_path / "two")


def test_a_trial_whose_worker_is_gone_is_gone_on_with(tmp_path: Path) -> None:
    """A worker that was killed between proposing and training leaves a trial behind."""
    optuna = pytest.importorskip("optuna", reason="the extra longshort[tune] is not installed")
    from longshort.tuning.planning import plan_search
    from longshort.tuning.space import parse_space
    from longshort.tuning.tpe import _distribution, _records

    from .studies import ground_of

    ground = ground_of("regress")
    study = Study.begin(tmp_path, plan_search(ground, SPACE, 5, 1, 0, is_proposed=True))
    space = parse_space(SPACE, ground.settings, ground.task.Config)
    _records(optuna, study).ask({key: _distribution(optuna, space[key]) for key in space})
    found = proposed(tmp_path)
    assert {row["candidate"] for row in found["rows"]} == set(range(5))


def test_optuna_takes_no_seeds(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra longshort[tune] is not installed")
    with pytest.raises(ConfigError, match="one seed each"):
        proposed(tmp_path, seeds=2)


@pytest.mark.slow
def test_ray_finds_what_one_machine_does(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra longshort[ray] is not installed")
    settings = {**FILE_SETTINGS, "data": {"path": str(texts(tmp_path / "texts.csv"))}}
    for name, more in (("one", {}), ("ray", {"engine": "ray", "workers": 2})):
        tune(settings, tmp_path / name, search=SPACE, trials=4, **more)
    assert scores_of(tmp_path / "one") == scores_of(tmp_path / "ray")
