"""Anomaly detection: what is its own beyond what all tasks promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import longshort as ls
from longshort.cli.main import app
from longshort.data.timeline import Freq
from longshort.errors import ConfigError, DataError
from longshort.metrics.detection import events_of
from longshort.runs import story, trained
from longshort.runs.job import Job
from longshort.runs.task import quiet, untracked
from longshort.tasks.anomaly.autoregression import autoregressed, fit_autoregression
from longshort.tasks.anomaly.rate import alarm_rate, usual_rate
from longshort.tasks.anomaly.scoring import Part, compare_by_labels
from longshort.train.events import silent

BEGIN = np.datetime64("2024-01-01T00:00", "us")
TRAIN = {"max_epochs": 2, "steps_per_epoch": 10, "threads": 1}


def watched(rows: int = 900, *, seed: int = 0, events: tuple[tuple[int, int], ...] = ()) -> Any:
    """An hourly wave with noise; in the events noise is all there is. They are labelled."""
    draw = np.random.default_rng(seed)
    t = np.arange(rows)
    values = np.sin(2 * np.pi * t / 24) + 0.1 * draw.normal(size=rows)
    labels = np.zeros(rows, int)
    for start, stop in events:
        values[start:stop] = draw.normal(size=stop - start)
        labels[start:stop] = 1
    stamps = BEGIN + t * np.timedelta64(1, "h")
    return pl.DataFrame({"ds": stamps, "y": values.round(4), "bad": labels})


EVENTS = ((560, 580), (650, 675), (740, 760), (820, 845))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal run with labels."""
    folder = tmp_path_factory.mktemp("anomaly")
    watched(events=EVENTS).write_csv(folder / "a.csv")
    settings = {
        "task": "anomaly",
        "data": {"path": str(folder / "a.csv"), "target": "y", "labels": "bad"},
        "alarm": {"causal": True, "false_alarms": "1/200", "smoothing": 6},
        "model": {"hidden": 8},
        "train": TRAIN,
    }
    story.run(settings, folder / "run")
    return folder / "run"


def settings_of(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"task": "anomaly", "data": {"target": "y"}, "model": {"hidden": 4}}
    found["train"] = TRAIN
    for table, values in more.items():
        found[table] = {**found.get(table, {}), **values}
    return found


def test_what_is_not_normal_is_found(finished: Path) -> None:
    scores = json.loads((finished / "scores.json").read_text())
    own = scores["test"]["model"]
    assert own["event_recall"] == 1.0 and own["vus_pr"] > 0.8 and own["flagged"] < 0.5
    assert scores["labelled_events"] == 4
    assert scores["test"]["baselines"]["level"]["vus_pr"] < own["vus_pr"]


def test_the_verdict_speaks_of_the_autoregression(finished: Path) -> None:
    verdict = json.loads((finished / "scores.json").read_text())["verdict"]
    assert "autoregression" in verdict and "4 labelled anomalies" in verdict


def test_events_say_when_and_what(finished: Path) -> None:
    run: Any = ls.load(finished)
    events = run.events(run.config.data.path)
    assert set(events.columns) >= {"start", "end", "peak", "p", "channels", "seen", "expected"}
    starts = [start for start, _ in EVENTS]
    found = [int((np.datetime64(e) - BEGIN) / np.timedelta64(1, "h")) for e in events["start"]]
    assert all(any(0 <= f - start < 30 for f in found) for start in starts)


def test_predict_writes_steps_and_events(finished: Path, tmp_path: Path) -> None:
    data = ls.load(finished).config.data.path
    out = tmp_path / "steps.csv"
    done = CliRunner().invoke(app, ["predict", str(finished), "--data", data, "--out", str(out)])
    assert done.exit_code == 0, done.output
    steps, events = pl.read_csv(out), pl.read_csv(tmp_path / "steps.events.csv")
    assert steps.height == 900 and steps["alarm"].sum() > 0
    assert events["steps"].sum() == steps["alarm"].sum()
    done = CliRunner().invoke(app, ["predict", str(finished), "--data", data, "--json"])
    assert len(json.loads(done.stdout)["events"]) == events.height


def test_a_stream_scores_as_the_whole_series_does(finished: Path, tmp_path: Path) -> None:
    """Read in two pieces, with the state in a file between them."""
    from longshort.tasks.anomaly.follow import SeriesFollower
    from longshort.tasks.anomaly.task import calibration_of

    run = trained.load(finished)
    text = Path(run.config.data.path).read_bytes().splitlines(keepends=True)
    path, state = tmp_path / "grows.csv", tmp_path / "state.json"
    found = []
    for until in (400, 901):
        path.write_bytes(b"".join(text[:until]))
        follower = SeriesFollower(run.model, calibration_of(run.model), path, state)
        found += [step.score for _, _, _, step in follower.news()]
        follower.save()
    whole = run.table(run.read(run.config.data.path))["score"].to_numpy()
    np.testing.assert_allclose(np.array(found), whole, rtol=2e-4, atol=1e-6)


def test_a_stream_begins_the_alarms_that_the_events_list(finished: Path) -> None:
    run: Any = ls.load(finished)
    data = run.config.data.path
    args = ["predict", str(finished), "--data", data, "--follow", "--idle", "0", "--state"]
    done = CliRunner().invoke(app, [*args, str(finished / "state.json")])
    assert done.exit_code == 0, done.output
    lines = pl.read_csv(done.stdout.split("\nthe state")[0].encode())
    begun = lines.filter(pl.col("what") == "begin")["time"].to_list()
    assert [b.replace("T", " ")[:16] for b in begun] == [
        str(e).replace("T", " ")[:16] for e in run.events(data)["start"]
    ]


@pytest.mark.parametrize("causal", [False, True])
def test_clean_series_raise_the_wished_alarms(causal: bool) -> None:
    """40 alarms are wished in the calibration and 50 in what is searched."""
    data = watched(50_000, seed=3)
    settings = settings_of(alarm={"false_alarms": "1/500", "causal": causal})
    settings["split"] = {"normal": 0.5, "val": 0.8}
    prepared = story.prepare(settings, data)
    job = Job(prepared, quiet)
    job.train(None, silent, resume=False)
    job.fit_rest(quiet, untracked)
    found = job.task.predict(job.model, job.encoded["test"].arrays)
    assert 25 <= len(events_of(found.flagged[25_000:])) <= 100


def test_scores_are_smoothed_for_a_tenth_of_the_wished_time_at_most() -> None:
    told = settings_of(alarm={"false_alarms": "1/200"})
    (known,) = story.prepare(told, watched(400)).encoder.series.values()
    assert (known.period, known.span) == (24, 20)
    told = settings_of(alarm={"false_alarms": "1/2000"})
    (known,) = story.prepare(told, watched(400)).encoder.series.values()
    assert (known.period, known.span) == (24, 48)


def test_a_wish_that_smoothing_makes_impossible_is_said() -> None:
    said: list[str] = []
    told = settings_of(alarm={"false_alarms": "1/100", "smoothing": 60})
    job = Job(story.prepare(told, watched(2000)), said.append)
    job.train(None, silent, resume=False)
    job.fit_rest(said.append, untracked)
    assert any("smoothed over 60 steps cannot raise 1/100 alarms" in line for line in said)


def test_a_clock_that_goes_backwards_is_refused(finished: Path, tmp_path: Path) -> None:
    run = trained.load(finished)
    lines = Path(run.config.data.path).read_bytes().splitlines(keepends=True)
    path = tmp_path / "grows.csv"
    path.write_bytes(b"".join(lines[:50]))
    args = ["predict", str(finished), "--data", str(path), "--follow", "--idle", "0"]
    assert CliRunner().invoke(app, args).exit_code == 0
    path.write_bytes(b"".join([*lines[:50], lines[20]]))
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 2 and "the clock goes backwards" in done.stderr


def test_a_run_that_looks_at_both_sides_does_not_stream(tmp_path: Path) -> None:
    data = watched(400)
    data.write_csv(tmp_path / "a.csv")
    story.run(settings_of(), tmp_path / "run", data=tmp_path / "a.csv")
    args = ["predict", str(tmp_path / "run"), "--data", str(tmp_path / "a.csv"), "--follow"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 2 and "train it with --causal" in done.stderr


@pytest.mark.parametrize("score", ["nll", "reconstruction", "aer", "error,reconstruction"])
def test_every_score_gives_a_run(score: str, tmp_path: Path) -> None:
    settings = settings_of(model={"score": score}, data={"labels": "bad"})
    scores = story.run(settings, tmp_path / "run", data=watched(500, events=((300, 320),)))
    assert 0 < scores["test"]["model"]["vus_pr"] <= 1
    assert trained.load(tmp_path / "run").config.model.score == tuple(score.split(","))


def test_a_network_that_sees_its_forecasts_does_not_follow_an_anomaly(tmp_path: Path) -> None:
    """In a step up that lasts it expects the normal course; seeing the values throws it off."""
    data = watched(800)
    data = data.with_columns(y=pl.col("y") + 3.0 * pl.int_range(800).is_between(600, 700))
    settings = settings_of(alarm={"smoothing": 1, "causal": True})
    expected = {}
    for name, replace in (("usual", False), ("own", True)):
        model = {"hidden": 4, "replace": replace}
        story.run({**settings, "model": model}, tmp_path / name, data=data)
        run: Any = ls.load(tmp_path / name)
        expected[name] = run.predict(data)["expected_y"][624:696].mean()
    assert abs(expected["own"]) < 0.3 and abs(expected["usual"]) > 0.6


def test_without_labels_the_forecast_is_judged(tmp_path: Path) -> None:
    scores = story.run(settings_of(), tmp_path / "run", data=watched(500))
    assert scores["metric"] == "error" and scores["test"]["model"]["vus_pr"] is None
    assert "Without labels nobody can tell" in scores["verdict"]


def test_channels_are_named(tmp_path: Path) -> None:
    data = watched(600)
    other = watched(600, seed=1, events=((400, 430),))
    frame = data.with_columns(calm="y", odd=other["y"]).drop("y", "bad")
    settings = settings_of(data={"target": ["calm", "odd"]})
    story.run(settings, tmp_path / "run", data=frame)
    run: Any = ls.load(tmp_path / "run")
    events = run.events(frame)
    strongest = events.sort("score").row(-1, named=True)
    assert strongest["channels"].startswith("odd")
    shares = run.predict(frame).select("share_calm", "share_odd").drop_nulls()
    np.testing.assert_allclose(shares.sum_horizontal().to_numpy(), 1.0, atol=1e-9)


def test_several_series_have_thresholds_of_their_own(tmp_path: Path) -> None:
    both = pl.concat(
        [
            watched(400).with_columns(name=pl.lit("a")),
            watched(400, seed=2).with_columns(name=pl.lit("b"), y=pl.col("y") * 100),
        ]
    )
    story.run(settings_of(data={"group": "name"}), tmp_path / "run", data=both.drop("bad"))
    run: Any = ls.load(tmp_path / "run")
    table = run.predict(both.drop("bad"))
    assert table.group_by("name").agg(pl.col("threshold").n_unique())["threshold"].to_list() == [
        1,
        1,
    ]
    with pytest.raises(DataError, match="'c' is not among those that the run learned"):
        run.predict(both.drop("bad").with_columns(name=pl.lit("c")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bad": 2}, r"labels are 0 \(normal\) and 1 \(anomaly\), got 2 at 2024-01-01"),
        ({"bad": "strange"}, "labels are 0"),
    ],
)
def test_other_labels_are_refused(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    data = watched(400).with_columns(**{k: pl.lit(v) for k, v in change.items()})
    with pytest.raises(DataError, match=says):
        story.run(settings_of(data={"labels": "bad"}), tmp_path / "run", data=data)


def test_a_normal_part_full_of_anomalies_is_refused(tmp_path: Path) -> None:
    data = watched(400, events=((0, 180),))
    with pytest.raises(DataError, match=r"labelled as anomalies; nothing is left to learn from"):
        story.run(settings_of(data={"labels": "bad"}), tmp_path / "run", data=data)


def test_the_doctor_names_what_is_odd() -> None:
    data = watched(400, events=((0, 10), (300, 310)))
    y = data["y"].to_numpy().copy()
    y[50] = 40.0
    gap = pl.when(pl.int_range(400).is_between(250, 290)).then(None)
    data = data.with_columns(y=pl.Series(y)).with_columns(y=gap.otherwise(pl.col("y")))
    codes = {f.code for f in ls.check(data, settings_of(data={"labels": "bad"}))}
    assert {"first-labelled", "labelled-normal", "strange", "long-gap"} <= codes


@pytest.mark.parametrize("text", ["often", "1/fortnight", "3/1", "0/week"])
def test_rates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"alarm\.false_alarms"):
        alarm_rate(text, Freq.parse("1h"))


def test_a_rate_is_counted_in_steps() -> None:
    assert alarm_rate("1/week", Freq.parse("1h")) == pytest.approx(1 / 168)
    assert alarm_rate("2/days", Freq.parse("30min")) == pytest.approx(2 / 48)
    assert alarm_rate("1/1000", Freq.parse("rows")) == pytest.approx(1 / 1000)
    assert (usual_rate(Freq.parse("5min")), usual_rate(Freq.parse("1h"))) == ("1/week", "1/1000")


def test_a_rate_in_time_needs_a_clock() -> None:
    with pytest.raises(ConfigError, match="has no time column"):
        alarm_rate("1/week", Freq.parse("rows"))


def test_the_autoregression_finds_known_weights() -> None:
    draw = np.random.default_rng(0)
    values = np.zeros((4000, 1))
    for t in range(2, 4000):
        values[t] = 0.6 * values[t - 1] - 0.3 * values[t - 2] + draw.normal()
    weights = fit_autoregression(values, np.ones_like(values, bool), 2, 1)
    np.testing.assert_allclose(weights[0, 0, :2], [0.6, -0.3], atol=0.05)
    constant = np.full((50, 1), 3.0)
    still = fit_autoregression(constant, np.ones_like(constant, bool), 5, 2)
    moved = np.concatenate([constant, constant + 1])
    np.testing.assert_allclose(autoregressed(moved, still)[60:, :, 0], 4.0, atol=1e-3)


def test_equal_detectors_are_not_told_apart() -> None:
    draw = np.random.default_rng(0)
    labels = np.zeros(3000, bool)
    for start in range(200, 3000, 500):
        labels[start : start + 20] = True
    noise = [labels * 1.0 + draw.normal(size=3000) for _ in range(2)]
    first, second = (Part(labels, each, each > 2, 10) for each in noise)
    assert compare_by_labels([first], [second]).outcome == "equal"
    perfect = Part(labels, labels + 0.01 * noise[0], labels, 10)
    assert compare_by_labels([perfect], [second]).outcome == "better"
    few = Part(labels & (np.arange(3000) < 1300), noise[0], labels, 10)
    assert compare_by_labels([few], [few]).outcome == "too few"


def test_a_missing_column_of_labels_is_named_with_its_flag() -> None:
    with pytest.raises(DataError, match="no column 'nope' for --labels"):
        story.prepare(settings_of(data={"labels": "nope"}), watched(400))
