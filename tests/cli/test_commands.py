"""The commands as a user types them: results, exit codes, messages, nothing overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort as ls
from tests.commands import longshort, refused, started
from tests.conftest import QUICK, hourly, sets

SMALL = sets({**QUICK, "model.context_length": 36, "model.horizon": 6})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "series.csv"
    hourly(480).write_csv(path)
    return path


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with quantiles."""
    run = tmp_path_factory.mktemp("runs") / "run"
    done = longshort("run", data, "--quantiles", "0.1,0.5,0.9", "--out", run, *SMALL)
    assert done.returncode == 0, done.stderr
    return run


def test_run_prints_table_verdict_and_report_and_writes_every_file(
    data: Path, tmp_path: Path
) -> None:
    done = started("run", data, "--out", "here", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("model", "linear", "seasonal_naive", "MASE", "The LSTM", "report.html"):
        assert word in done.stdout
    for word in ("480 steps of 1h in 1 series", "decided: split.val", "epoch 1: loss"):
        assert word in done.stderr
    files = {str(p.relative_to(tmp_path / "here")) for p in (tmp_path / "here").rglob("*")}
    assert files - {".lock"} == {
        "config.toml", "data.json", "model.safetensors", "metrics.jsonl", "scores.json",
        "predictions.csv", "report.html", "README.md", "env.json", "ckpt",
        "ckpt/last.safetensors", "ckpt/best.safetensors", "digests.json",
    }  # fmt: skip


def test_without_out_each_run_gets_a_folder_of_its_own(data: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        done = longshort("run", data, "--quiet", *SMALL, cwd=tmp_path)
        assert f"runs/series-{number}/report.html" in done.stdout


def test_json_is_one_object_and_nothing_else(data: Path, tmp_path: Path) -> None:
    done = longshort("run", data, "--json", "--out", tmp_path / "run", *SMALL)
    scores = json.loads(done.stdout)
    assert done.stderr == ""
    assert scores["test"]["baselines"].keys() >= {"last_value", "drift", "seasonal_naive", "linear"}
    assert (
        scores["verdict"] == json.loads((tmp_path / "run" / "scores.json").read_text())["verdict"]
    )
    checked = longshort("check", data, "--json")
    assert json.loads(checked.stdout)["findings"] == []


def test_init_then_train_is_run(data: Path, finished: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    made = longshort("init", data, "--quantiles", "0.1,0.5,0.9", "--out", config, *SMALL)
    assert made.returncode == 0, made.stderr
    assert "longshort train --config" in made.stdout
    longshort("train", "--config", config, "--out", tmp_path / "run")
    for name in ("scores.json", "predictions.csv", "metrics.jsonl", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes()
    assert "exists; give another --out" in refused("init", data, "--out", config, *SMALL)


def test_predict_continues_the_series(finished: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "ahead.csv"
    done = longshort("predict", finished, "--data", data, "--horizon", 10, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "wrote 10 rows" in done.stdout
    assert "beyond the trained 6: forecasts were fed back 1 times" in done.stderr
    table = pl.read_csv(out, try_parse_dates=True)
    assert table.columns == ["ds", "yhat", "q0.1", "q0.5", "q0.9"]
    assert str(table["ds"][0]) == "2024-01-21 00:00:00"
    assert (table["q0.1"] <= table["yhat"]).all() and (table["yhat"] <= table["q0.9"]).all()
    assert "exists; give another --out" in refused("predict", finished, "--data", data, "-o", out)


def test_predict_writes_csv_to_stdout_and_rows_to_json(finished: Path) -> None:
    plain = longshort("predict", finished)
    assert len(plain.stdout.strip().splitlines()) == 7
    rows = json.loads(longshort("predict", finished, "--json").stdout)["forecast"]
    assert len(rows) == 6
    assert rows[0]["ds"].startswith("2024-01-21")


def test_evaluate_scores_what_came_after_training(finished: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.csv"
    hourly(600).write_csv(later)
    scores = json.loads(longshort("evaluate", finished, "--data", later, "--json").stdout)
    assert scores["windows"] == 600 - 384 - 6 + 1
    assert scores["test"]["model"]["mae"] < 1.0
    early = tmp_path / "early.csv"
    hourly(300).write_csv(early)
    assert "has its horizon after the run's training" in refused(
        "evaluate", finished, "--data", early
    )
    everything = longshort("evaluate", finished, "--data", early, "--include-training", "--json")
    assert json.loads(everything.stdout)["windows"] == 300 - 36 - 6 + 1


def test_evaluating_the_runs_own_file_repeats_its_test_scores(finished: Path, data: Path) -> None:
    scores = json.loads(longshort("evaluate", finished, "--data", data, "--json").stdout)
    assert scores["test"] == json.loads((finished / "scores.json").read_text())["test"]


def test_data_of_another_step_or_kind_is_refused(finished: Path, tmp_path: Path) -> None:
    daily, rows = tmp_path / "daily.csv", tmp_path / "rows.csv"
    hourly(480).gather_every(24).write_csv(daily)
    hourly(480).with_columns(ds=pl.int_range(pl.len())).write_csv(rows)
    assert "the data's step is 1d, the run was trained on steps of 1h" in refused(
        "predict", finished, "--data", daily
    )
    assert "the data's step is rows, the run was trained on steps of 1h" in refused(
        "predict", finished, "--data", rows
    )


def test_check_names_what_is_wrong_and_exits_1(tmp_path: Path) -> None:
    frame = hourly(200).with_columns(
        y=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise(pl.col("y")),
        leak=pl.col("y").shift(-3).fill_null(0.0),
        still=pl.lit(4.0),
    )
    path = tmp_path / "x.csv"
    frame.filter(pl.int_range(pl.len()) != 50).write_csv(path)
    done = longshort("check", path, "--target", "y", "--past", "leak,still")
    assert done.returncode == 1
    for word in ("[gaps]", "between 2024-01-03T01:00:00 and", "[missing]", "2024-01-01T07:00:00",
                 "[constant] covariate 'still'", "[leak] past covariate 'leak' equals the target "
                 "'y' 3 steps later", "fix: drop 'leak'"):  # fmt: skip
        assert word in done.stdout, word
    assert longshort("check", tmp_path / "none.csv").returncode == 2


def test_check_is_content_with_clean_data(data: Path) -> None:
    done = longshort("check", data)
    assert (done.returncode, done.stdout.strip()) == (0, f"{data}: nothing found")


@pytest.mark.parametrize("refit", ["--reuse", "--refit"])
def test_backtest_is_one_long_table(refit: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    done = longshort("backtest", data, "--windows", 3, refit, "-o", out, *SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": training") == (3 if refit == "--refit" else 1)
    table = pl.read_csv(out, try_parse_dates=True)
    assert table.columns[:4] == ["cutoff", "ds", "y", "yhat"]
    assert table.height == 18
    assert (table["ds"] > table["cutoff"]).all()
    truth = hourly(480).with_columns(pl.col("ds").cast(pl.Datetime("us")))
    joined = table.with_columns(pl.col("ds").cast(pl.Datetime("us"))).join(truth, on="ds")
    assert np.allclose(joined["y"], joined["y_right"])
    assert str(table["cutoff"].unique().sort().to_list()[-1]) == "2024-01-20 17:00:00"


def test_resume_by_command(data: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from longshort.cli import screen\n"
        "listen = screen.Screen.listen\n"
        "def press(self, event):\n"
        "    listen(self, event)\n"
        "    if type(event).__name__ == 'Stepped' and event.step == 3:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "screen.Screen.listen = press\n"
        "from longshort.cli.main import main\n"
        "main()\n"
    )
    run = tmp_path / "run"
    stopped = subprocess.run(
        [sys.executable, "-c", code, "run", str(data), "--out", str(run), *SMALL],
        capture_output=True, text=True,
    )  # fmt: skip
    assert stopped.returncode == 130
    assert f"go on with: longshort train --resume {run}" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    unfinished = refused("predict", run)
    assert "not finished: model.safetensors is missing; go on with `longshort" in unfinished
    done = longshort("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout


def wrong(finished: Path, data: Path, tmp_path: Path) -> dict[str, tuple[list[object], str]]:
    used = tmp_path / "used"
    used.mkdir()
    (used / "note.txt").write_text("mine")
    bad_config = tmp_path / "bad.toml"
    bad_config.write_text("[model\n")
    missing = tmp_path / "missing.csv"
    pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [None, None]}).write_csv(missing)
    return {
        "no data": (["run"], "no data: give a file, or --example NAME"),
        "unknown example": (["run", "--example", "co3"], "did you mean 'co2'?"),
        "file and example": (["run", data, "--example", "co2"], "not both"),
        "example of another task": (
            ["run", "--example", "syllables", "--task", "classify"],
            "--example syllables: is of the task 'transcribe', and --task says 'classify'; leave "
            "--task out, or give one of classify (topics)",
        ),
        "horizon of 0": (["run", data, "--horizon", 0], "model.horizon: Input should be greater"),
        "unknown key": (["run", data, "--set", "model.hiden=3"], "did you mean 'hidden'?"),
        "unknown table": (["run", data, "--set", "modle.hidden=3"], "did you mean 'model'?"),
        "data as a word": (["run", "--set", "data=sales.csv"], "data: Input should be"),
        "no equals sign": (["run", data, "--set", "model.hidden"], "write key=value"),
        "bad choice": (["run", data, "--set", "model.cell=lsmt"],
                       "model.cell: cell 'lsmt' is not known; did you mean 'LSTM'?"),
        "quantiles": (["run", data, "--quantiles", "0.9,0.1"], "quantiles must rise"),
        "quantile words": (["run", data, "--quantiles", "low"], "numbers like 0.1,0.5,0.9"),
        "unknown target": (["run", data, "--target", "yy"], "no column 'yy' for --target"),
        "unknown task": (["run", data, "--task", "forcast"], "did you mean 'forecast'"),
        "used out": (["run", data, "--out", used], "already used; give another --out"),
        "used by others": (["run", data, "--out", used, "--overwrite"], "leaves it alone"),
        "out is a file": (["run", data, "--out", data], "is a file; give another folder"),
        "split": (["run", data, "--set", "split.test=2024-13-45"], "is no timestamp; write it"),
        "decay": (["run", data, "--set", "train.optimizer=adam", "--set", "train.weight_decay=0.1"],
                  "weight_decay is of AdamW and SGD"),
        "momentum": (["run", data, "--set", "train.momentum=0.5"], "momentum is SGD's"),
        "seed": (["run", data, "--seed", 2**40], "train.seed: Input should be less"),
        "patch": (["run", data, "--set", "model.patch=400", *SMALL], "longer than the context"),
        "unwritable out": (["run", data, "--out", "/proc/none/run"], "cannot write there"),
        "all missing": (["run", missing, "--target", "y"], "holds no value at all"),
        "bad config": (["train", "--config", bad_config], "not a readable TOML file"),
        "no config": (["train", "--config", tmp_path / "no.toml"], "no such settings file"),
        "train what": (["train"], "give --config FILE, DATA, or --resume RUN"),
        "resume and data": (["train", data, "--resume", finished], "takes no other option"),
        "foreign run": (["predict", used], "not a run folder: it has no config.toml"),
        "no run": (["predict", tmp_path / "none"], "no such run folder"),
        "predict horizon": (["predict", finished, "--horizon", 0], "at least 1 step is needed"),
        "predict format": (["predict", finished, "-o", tmp_path / "x.xls"], "must end in .csv"),
        "predict folder": (["predict", finished, "-o", tmp_path / "no" / "x.csv"],
                           "does not exist; make it first"),
        "evaluate file": (["evaluate", finished, "--data", "none.csv"], "no such file"),
        "backtest depth": (["backtest", data, "--windows", 200, *SMALL], "ask for fewer --windows"),
    }  # fmt: skip


WRONG = sorted(wrong(Path("a"), Path("b"), Path(__import__("tempfile").mkdtemp())))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_explained(name: str, finished: Path, data: Path, tmp_path: Path) -> None:
    arguments, message = wrong(finished, data, tmp_path)[name]
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert message in refused(*arguments, cwd=tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def damage(path: Path, how: str) -> None:
    raw = path.read_bytes()
    if how == "flip":
        path.write_bytes(raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:])
    elif how == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("model.safetensors", "flip", "damaged or changed: its content does not fit its digest"),
        ("model.safetensors", "cut", "model.safetensors: damaged"),
        ("model.safetensors", "gone", "model.safetensors: missing"),
        ("config.toml", "cut", "config.toml"),
        ("data.json", "cut", "data.json: damaged"),
        ("data.json", "gone", "data.json is missing"),
    ],
)
def test_damaged_runs_are_refused(
    name: str, how: str, message: str, finished: Path, tmp_path: Path
) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(finished, run)
    damage(run / name, how)
    assert message in refused("predict", run)


def test_the_python_way_gives_the_commands_numbers(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {**QUICK, "model.context_length": 36}
    run = ls.Forecaster(6, quantiles=(0.1, 0.5, 0.9), settings=settings).fit(
        data, out=tmp_path / "run"
    )
    assert run.scores == ls.load(finished).scores
    again = ls.load(run.path)
    assert again.predict().equals(run.predict())
    frame = ls.Forecaster(6, quantiles=(0.1, 0.5, 0.9), settings=settings).fit(hourly(480))
    assert frame.scores["test"] == run.scores["test"]
    assert frame.predict(hourly(480)).drop("ds").equals(run.predict().drop("ds"))
    assert frame.predict().equals(frame.predict(hourly(480)))
    with pytest.raises(ls.LongshortError, match="trained on a frame; pass the data"):
        ls.load(frame.path).predict()


def test_the_data_record_says_what_was_fitted_on_which_rows(finished: Path) -> None:
    record = json.loads((finished / "data.json").read_text())
    assert record["encoder"]["fitted_on_rows"] == [336]
    assert record["split"]["train"]["to"] == "2024-01-14T23:00:00"
    assert record["split"]["test"]["rows"] == 96
    assert len(record["sha256"]) == 64
    train = hourly(480)["y"].to_numpy()[:336]
    assert record["encoder"]["zscore"]["location"] == [[pytest.approx(train.mean())]]


def test_the_report_is_one_file_with_everything_in_it(finished: Path) -> None:
    text = (finished / "report.html").read_text()
    assert text.count("<svg") == 5
    for word in ("Forecast against truth", "Error by step", "Residuals", "reproduce", "80%",
                 "no bit of the fit", "seasonal_naive", "config.toml"):  # fmt: skip
        assert word in text
    for outside in ("http://", "https://", "src=", "<script", "@import"):
        found = text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
            "http://creativecommons.org", "").replace("https://matplotlib.org", "")  # fmt: skip
        assert outside not in found


def test_a_split_by_date_is_read_from_flag_and_file(data: Path, tmp_path: Path) -> None:
    flags = ["--set", "split.val=2024-01-14", "--set", "split.test=2024-01-17", *SMALL]
    longshort("init", data, "--out", "c.toml", *flags, cwd=tmp_path)
    done = longshort("train", "--config", "c.toml", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run" / "data.json").read_text())
    assert record["split"]["test"]["from"] == "2024-01-17T00:00:00"
    assert record["split"]["train"]["to"] == "2024-01-13T23:00:00"


def test_a_leaking_covariate_is_said_with_the_verdict(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "leak.csv"
    pl.read_csv(data).with_columns(z=pl.col("y").shift(-2).fill_null(10.0) * 3).write_csv(path)
    done = longshort("run", path, "--target", "y", "--past", "z", "--out", tmp_path / "r", *SMALL)
    assert "Beware: past covariate 'z' equals the target 'y' 2 steps later" in done.stdout


def test_backtest_leaves_out_series_that_had_ended_or_not_begun(tmp_path: Path) -> None:
    whole = hourly(480).with_columns(id=pl.lit("whole"))
    ended = hourly(400, seed=1).with_columns(id=pl.lit("ended"))
    begun = hourly(480, seed=2).with_columns(id=pl.lit("begun")).tail(70)
    path, out = tmp_path / "x.csv", tmp_path / "t.csv"
    pl.concat([whole, ended, begun]).write_csv(path)
    done = longshort("backtest", path, "--group", "id", "--windows", 3, "--stride", 15, "-o", out,
                     *SMALL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pl.read_csv(out, try_parse_dates=True)
    cutoffs = table.group_by("id").agg(pl.col("cutoff").n_unique()).sort("id")
    assert cutoffs.rows() == [("whole", 3)]


def test_a_constant_series_runs_and_says_there_is_nothing_to_gain(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    hourly(480).with_columns(y=pl.lit(5.0)).write_csv(path)
    done = longshort("run", path, "--out", tmp_path / "run", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "warning: target 'y' is 5 throughout" in done.stderr
    assert "earned its place" not in done.stdout.replace("did not earn", "")


def test_a_resampled_run_can_be_used_on_its_own_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "quarters.csv"
    stamps = np.datetime64("2024-01-01", "us") + np.arange(1200) * np.timedelta64(15, "m")
    hourly(1200).with_columns(ds=pl.Series(stamps)).write_csv(path)
    resample = ["--freq", "1h", "--set", "data.duplicates=mean"]
    done = longshort("run", path, *resample, "--out", tmp_path / "run", *SMALL)
    assert done.returncode == 0, done.stderr
    assert longshort("predict", tmp_path / "run", "--data", path).returncode == 0


def test_dates_and_midnights_are_the_same_kind(tmp_path: Path) -> None:
    days = hourly(480).with_columns(
        ds=pl.date_range(pl.date(2022, 1, 1), interval="1d", end=pl.date(2023, 4, 25))
    )
    run = ls.Forecaster(6, context_length=36, settings=QUICK).fit(days, out=tmp_path / "run")
    midnights = days.with_columns(pl.col("ds").cast(pl.Datetime("us")))
    assert run.predict(midnights)["yhat"].equals(run.predict(days)["yhat"])


def test_a_run_stopped_in_its_first_write_can_be_replaced(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "ckpt").mkdir(parents=True)
    (run / "env.json").write_text("{}")
    (run / "config.toml.partial").write_text("[mod")
    assert "--resume" not in refused("run", data, "--out", run, *SMALL)
    assert longshort("run", data, "--out", run, "--overwrite", *SMALL).returncode == 0
    assert not (run / "config.toml.partial").exists()


def test_help_shows_choices_brackets_and_the_data_of_the_task() -> None:
    text = " ".join(
        longshort("train", "--task", "transcribe", "--help").stdout.replace("│", "").split()
    )
    assert "<ctc|transducer>" in text and "[frames, size]" in text
    assert "Table of recordings, or of files of features" in text


@pytest.mark.parametrize("command", [("enrol",), ("verify",), ("identify",)])
def test_speaker_commands_are_told_how_files_are_read(command: tuple[str]) -> None:
    text = longshort("speaker", *command, "--help").stdout
    assert "--set" in text and "--encoding" in text


def test_the_version_is_shown() -> None:
    done = longshort("--version")
    assert (done.returncode, done.stdout) == (0, f"longshort {ls.__version__}\n")
