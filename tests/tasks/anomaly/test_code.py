"""A detector as code: row by row it answers as a session does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.errors import ConfigError
from longshort.runs import story
from longshort.runs.bundle import Bundle, read_bundle
from longshort.runs.coding import portable_of
from longshort.runs.exporting import export_run
from longshort.runs.forms import export_as
from longshort.runs.portable import replayed
from longshort.runs.trained import load
from tests.settings import nested
from tests.written import FORMS, built, opened, scripted

START = np.datetime64("2024-01-01T00", "us")
HOUR = np.timedelta64(1, "h")
SETTINGS: dict[str, dict[str, Any]] = {
    "error": {"model.lags": 5},
    "replace": {"model.lags": 1, "model.replace": True, "alarm.smoothing": 1},
    "nll": {"model.score": ["nll"], "model.lags": 3, "data.target": ["y", "z"],
            "data.past": ["w"], "model.num_layers": 2},
}  # fmt: skip
"""Settings that change what is computed of a row."""


def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    waves = {name: np.sin(np.arange(400) / n) + 0.1 * draw.normal(size=400)
             for name, n in (("y", 4), ("z", 5), ("w", 6))}  # fmt: skip
    for start in range(220, 400, 40):
        waves["y"][start : start + 8] += 2.0
    return pl.DataFrame({"ds": START + np.arange(400) * HOUR, **waves})


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    changes = {
        "data.target": ["y"], "data.past": [], "alarm.causal": True, "model.hidden": 4,
        "train.max_epochs": 2, "train.steps_per_epoch": 3, "train.threads": 1,
    } | SETTINGS[request.param]  # fmt: skip
    used = ["ds", *changes["data.target"], *changes["data.past"]]
    data = table().select(used)
    story.run({"task": "anomaly", **nested(changes)}, folder / "run", data=data)
    export_run(folder / "run", folder / "bundle.longshort", memory=data)
    return folder / "bundle.longshort"


@pytest.fixture
def bundle(path: Path) -> Bundle:
    return read_bundle(path)


def test_a_row_gets_the_answer_of_a_session(path: Path, bundle: Bundle) -> None:
    _, (ready,) = portable_of(bundle, None)
    session, rows = load(path).session(), table()[200:300]
    config = bundle.model.config.data
    columns = [*config.target, *config.past]
    gaps = {3: "y", 60: "y", 61: columns[-1]}
    trials, wanted = [], []
    for number, row in enumerate(rows.iter_rows(named=True)):
        given = {name: None if gaps.get(number) == name else row[name] for name in columns}
        wanted.append(session.step(given | {"ds": row["ds"]}))
        trials.append({"x": np.array([np.nan if v is None else v for v in given.values()])})
    asked = replace(ready, part=replace(ready.part, trials=trials))
    alarms = 0
    for own, theirs in zip(replayed([asked], asked), wanted, strict=True):
        score, alarm, judged, expected = (each.reshape(-1) for each in own)
        assert bool(judged[0]) == (theirs["score"] is not None)
        assert alarm[0] == theirs["alarm"]
        alarms += int(alarm[0])
        assert np.isclose(score[0], theirs["score"] or 0.0, rtol=1e-3, atol=1e-4)
        for name, value in zip(config.target, expected, strict=True):
            told = theirs[f"expected_{name}"]
            assert told is None or np.isclose(value, told, rtol=1e-4, atol=1e-4)
    assert alarms > 0


@pytest.mark.parametrize(("weights", "flags"), FORMS)
def test_c_files_replay_recorded_rows(
    path: Path, weights: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    export_as("c", path, tmp_path / "m", weights=weights)
    done = built(tmp_path / "m", *flags)
    assert done.returncode == 0, done.stdout + done.stderr


def test_onnx_runtime_answers_as_the_bundle(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = export_as("onnx", path, tmp_path / "m.onnx")
    assert found.facts["outputs"][:4] == ["score", "alarm", "judged", "expected"]
    assert found.facts["calls"] > 100


def test_the_page_marks_unusual_values(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    export_as("web", path, page)
    width = len(read_bundle(path).model.config.data.target) + len(
        read_bundle(path).model.config.data.past
    )
    script = f"""
        const field = document.querySelector("textarea");
        field.value = Array({width}).fill("50").join(", ");
        [...document.querySelectorAll("button")].find((b) => b.textContent === "Add these").click();
        document.body.dataset.said = document.body.innerText;"""
    body = opened(scripted(page, script), tmp_path)
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body))
    assert said["ready"] == "yes" and float(said["difference"]) < 1e-5
    assert "Unusual" in said["said"] and "241 values" in said["said"]
    assert 'circle class="alarm"' in body


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alarm.causal": False}, "--to: the run smooths scores over both sides.*--causal"),
        ({"model.ahead": 2}, "--to: needs a run that forecasts one step"),
        ({"alarm.threshold": "telemanom"}, "--to: telemanom's threshold"),
    ],
)
def test_what_a_stream_cannot_judge_is_refused(
    bundle: Bundle, settings: dict[str, Any], message: str
) -> None:
    config = bundle.model.config
    for key, value in settings.items():
        section, name = key.split(".")
        part = getattr(config, section).model_copy(update={name: value})
        config = config.model_copy(update={section: part})
    with pytest.raises(ConfigError, match=message):
        portable_of(replace(bundle, model=replace(bundle.model, config=config)), None)


def test_several_series_are_refused(bundle: Bundle) -> None:
    encoder = bundle.model.encoder
    (known,) = encoder.series.values()
    two = replace(encoder, series={("a",): known, ("b",): known})
    with pytest.raises(ConfigError, match="watches one series, and the run has 2"):
        portable_of(replace(bundle, model=replace(bundle.model, encoder=two)), None)


def test_a_run_without_a_threshold_is_refused(bundle: Bundle) -> None:
    model = bundle.model
    kept = {name: np.full_like(each, np.inf) if name == "threshold" else each
            for name, each in model.kept.items()}  # fmt: skip
    with pytest.raises(ConfigError, match="the run has no threshold"):
        portable_of(replace(bundle, model=replace(model, kept=kept)), None)


def test_steps_have_no_effect(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="row by row; leave it out"):
        portable_of(bundle, 5)
