"""Forecasts from Python: an estimator like the others, and a run that needs no data again."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import longshort as ls
from longshort.api.forecaster import Forecaster, Run
from longshort.cli.main import app
from longshort.errors import ConfigError
from tests.conftest import QUICK, hourly

SETTINGS = {**QUICK, "model.context_length": 36}


def forecaster() -> Forecaster:
    return Forecaster(6, quantiles=[0.1, 0.5, 0.9], settings=SETTINGS)


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    model = forecaster()
    model.fit(hourly(480))
    return model


@pytest.fixture(scope="module")
def run(fitted: Forecaster) -> Run:
    found: Run = fitted.run_
    return found


def test_it_is_cloned_by_scikit_learn() -> None:
    base = pytest.importorskip("sklearn.base")
    model = forecaster()
    again = base.clone(model)
    assert again is not model
    assert again.get_params() == model.get_params()
    assert repr(again) == repr(model)


def test_parameters_are_kept_as_they_were_given() -> None:
    levels = [0.1, 0.5, 0.9]
    assert Forecaster(quantiles=levels).get_params()["quantiles"] is levels


def test_a_changed_parameter_is_checked() -> None:
    model = forecaster()
    assert model.set_params(horizon=12).horizon == 12
    with pytest.raises(ConfigError, match=r"model\.horizon"):
        model.set_params(horizon=0)
    with pytest.raises(ConfigError, match="no parameter 'horizn'; did you mean 'horizon'"):
        model.set_params(horizn=3)


def test_settings_are_refused_before_there_are_data() -> None:
    with pytest.raises(ConfigError, match=r"quantiles must contain 0\.5"):
        Forecaster(quantiles=(0.1, 0.9))


def test_a_forecaster_that_is_not_fitted_says_so() -> None:
    with pytest.raises(ls.LongshortError, match="Forecaster: is not fitted yet; call fit first"):
        forecaster().predict()


def test_a_run_predicts_what_comes_after_the_frame_that_it_was_fitted_to(run: Run) -> None:
    found = run.predict()
    assert found["ds"].to_list() == hourly(486)["ds"].to_list()[480:]
    assert found.columns == ["ds", "yhat", "q0.1", "q0.5", "q0.9"]


def test_the_forecaster_predicts_by_its_last_run(fitted: Forecaster, run: Run) -> None:
    assert fitted.predict(horizon=3).equals(run.predict(horizon=3))


def test_its_score_is_r2_on_data_that_go_on(fitted: Forecaster, run: Run) -> None:
    later = hourly(600)
    assert fitted.score(later) == run.evaluate(later)["test"]["model"]["r2"]


def test_a_backtest_is_that_of_the_command(run: Run, tmp_path: Path) -> None:
    data, out = tmp_path / "data.parquet", tmp_path / "table.parquet"
    hourly(480).write_parquet(data)
    command = ["backtest", str(data), "--config", str(run.path / "config.toml"), "--windows", "3",
               "--stride", "4", "--out", str(out), "--json"]  # fmt: skip
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    found = run.backtest(windows=3, stride=4)
    assert found.table.equals(pl.read_parquet(out))
    assert found.scores["test"] == told["test"]
    assert found.scores["verdict"] == told["verdict"]


def test_a_backtest_of_a_loaded_run_needs_its_frame_again(run: Run) -> None:
    loaded = ls.load(run.path)
    assert isinstance(loaded, Run)
    with pytest.raises(ls.LongshortError, match="backtest: the run was trained on a frame"):
        loaded.backtest()


@pytest.mark.parametrize("name", ["windows", "stride"])
def test_a_backtest_without_origins_is_refused(run: Run, name: str) -> None:
    with pytest.raises(ConfigError, match=f"backtest: {name}: at least 1 is needed, got 0"):
        run.backtest(**{name: 0})
