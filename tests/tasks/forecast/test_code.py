"""A forecast as code: of any of its series, with calendar and covariates, as predict has it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.data.calendar import calendar_features
from longshort.errors import ConfigError
from longshort.runs import story
from longshort.runs.bundle import Bundle, read_bundle
from longshort.runs.coding import portable_of
from longshort.runs.exporting import export_run
from longshort.runs.forms import export_as
from longshort.runs.portable import replayed
from longshort.runs.trained import load
from longshort.tasks.forecast.inference import forecast
from tests.settings import nested
from tests.written import FORMS, built, opened, scripted

ROWS = 24 * 7 * 4
QUICK = {
    "model.hidden": 4, "model.context_length": 12, "model.horizon": 5, "model.season": 24,
    "train.max_epochs": 1, "train.steps_per_epoch": 3, "train.batch_size": 8, "train.threads": 1,
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "groups": {
        "data.group": ["shop"], "data.target": ["y"], "data.past": ["wind"],
        "data.future": ["promotion"], "data.calendar": ["day", "week"],
        "model.effects": "series", "model.quantiles": [0.1, 0.5, 0.9], "model.embedding": 2,
    },
    "columns": {
        "data.target": ["y", "z"], "data.calendar": ["day"], "model.effects": "shared",
        "transform.log1p": True,
    },
}  # fmt: skip


def table(columns: list[str]) -> pl.DataFrame:
    """Hourly sales of shops, which follow day, week and promotions; one of them is closed."""
    draw, t = np.random.default_rng(0), np.arange(ROWS)
    parts = []
    for number, shop in enumerate(("north", "south", "west", "closed")):
        promotion = draw.integers(0, 2, ROWS).astype(float)
        wave = 5 + np.sin(2 * np.pi * t / 24) + (t // 24 % 7 > 4) + 0.5 * promotion
        values = {
            "ds": np.datetime64("2024-01-01T00", "us") + t * np.timedelta64(1, "h"),
            "shop": [shop] * ROWS,
            "y": np.full(ROWS, 2.5)
            if shop == "closed"
            else (number + 1) * wave + 0.1 * draw.normal(size=ROWS),
            "z": 3 - np.cos(2 * np.pi * t / 24) + 0.1 * draw.normal(size=ROWS),
            "wind": draw.normal(size=ROWS),
            "promotion": promotion,
        }
        parts.append(pl.DataFrame(values))
    whole = pl.concat(parts if "shop" in columns else parts[:1])
    return whole.select(columns)


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, pl.DataFrame]:
    folder, changes = tmp_path_factory.mktemp(request.param), SETTINGS[request.param]
    roles = ("group", "target", "past", "future")
    used = [name for role in roles for name in changes.get(f"data.{role}", [])]
    data = table(["ds", *used])
    settings = {"task": "forecast", **nested({"data.time": "ds", **QUICK, **changes})}
    story.run(settings, folder / "run", data=data)
    export_run(folder / "run", folder / "bundle.longshort", memory=data)
    return folder / "bundle.longshort", data


@pytest.fixture
def bundle(made: tuple[Path, pl.DataFrame]) -> Bundle:
    return read_bundle(made[0])


def test_every_series_gets_the_answer_of_predict(made: tuple[Path, pl.DataFrame]) -> None:
    path, data = made
    run = load(path).remember(data)
    samples = run.own_splits().test
    windows = run.task.encode(run.encoder, samples)
    some = np.linspace(0, len(windows) - 1, 12).astype(int)
    windows = windows.chosen(windows.origins[some])
    wanted = forecast(run.model, windows)
    trials, panel, flat = [], windows.panel, windows.flat
    config, (context, horizon) = run.config, (12, 5)
    for row in range(len(windows)):
        begin = int(panel.offsets[flat.group[row]] + flat.row[row]) - context
        index = panel.first[flat.group[row]] + flat.row[row] + np.arange(-context, horizon)
        calendar = calendar_features(panel.freq, index, config.data.calendar)
        given = {
            "x": windows.before(np.arange(context, 0, -1))[row].reshape(1, -1, 1),
            "series": np.array([flat.group[row] * panel.target.shape[1] + flat.column[row]]),
            "past": panel.past[begin : begin + context][None],
            "ahead": panel.future[begin : begin + context + horizon][None],
            "calendar": calendar[None],
        }
        trials.append(given)
    assert len({int(each["series"][0]) for each in trials}) == len(run.encoder.floors.reshape(-1))
    _, (part,) = portable_of(read_bundle(path), None)
    asked = replace(part, part=replace(part.part, trials=trials))
    for (own,), theirs in zip(replayed([asked], asked), wanted, strict=True):
        np.testing.assert_allclose(own[0, :, 0], theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("weights", "flags"), FORMS)
def test_c_files_replay_recorded_windows(
    made: tuple[Path, pl.DataFrame], weights: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    export_as("c", made[0], tmp_path / "m", weights=weights)
    done = built(tmp_path / "m", *flags)
    assert done.returncode == 0, done.stdout + done.stderr


def test_onnx_runtime_answers_as_the_bundle(
    made: tuple[Path, pl.DataFrame], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    found = export_as("onnx", made[0], tmp_path / "m.onnx")
    assert {"x", "series", "calendar"} <= set(found.facts["inputs"])


def test_a_series_is_chosen_by_its_name(made: tuple[Path, pl.DataFrame], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    export_as("web", made[0], page)
    script = """
        const choice = document.querySelector("select");
        const first = document.querySelector(".answer").innerText;
        choice.value = (Number(choice.value) + 1) % choice.options.length;
        choice.dispatchEvent(new Event("change"));
        document.body.dataset.names = [...choice.options].map((o) => o.textContent).join(",");
        document.body.dataset.moved = first !== document.querySelector(".answer").innerText;"""
    body = opened(scripted(page, script), tmp_path)
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body))
    encoder = read_bundle(made[0]).model.encoder
    names = {2: "y,z", 4: "north,south,west,closed"}[encoder.floors.size]
    assert said["ready"] == "yes" and float(said["difference"]) < 1e-5
    assert said["names"] == names and said["moved"] == "true"


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("model", {"channels": "mixed"}, "model.channels = mixed forecasts all columns together"),
        ("transform", {"difference": 1}, "no differences of values"),
    ],
)
def test_what_code_has_not_is_refused(
    bundle: Bundle, section: str, changes: dict[str, Any], message: str
) -> None:
    config = bundle.model.config.updated(section, changes)
    with pytest.raises(ConfigError, match=message):
        portable_of(replace(bundle, model=replace(bundle.model, config=config)), None)


def test_steps_have_no_effect(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="looks at its context"):
        portable_of(bundle, 5)
