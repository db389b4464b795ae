"""Explaining finished runs: every task that can, from Python and from the command line."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.explanation.methods import METHODS
from longshort.explanation.story import Asked, explain
from longshort.runs import story, trained
from longshort.runs.abilities import Explains
from longshort.runs.lookup import tasks_with
from longshort.runs.trained import AnyTrained
from tests.commands import longshort, refused
from tests.paths import ROOT
from tests.tiny_runs import small

ABLE = tasks_with(Explains)
WRITERS = ("translate", "summarise", "caption")
"""Tasks that are asked about a token that they wrote; of a whole text LRP has no rule."""
UNPARTED = ("read",)
"""Tasks whose convolutions before the layers leave nothing that contextual decomposition parts."""
COPIES = ("summarise",)
"""Tasks whose tokens may be copies, for which LRP has no rule either."""


def asked_of(task: str, **more: Any) -> Asked:
    """A question for which there are as many methods as the task can have."""
    return Asked(answer="1" if task in WRITERS else None, **more)


def loaded(folder: Path) -> AnyTrained:
    """A run with the data that it was trained on."""
    found = trained.load(folder)
    return found.remember(small(found.task.name)[1])


@pytest.fixture(scope="module")
def series_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run on a file of series, so that commands find its data."""
    settings, data = small("forecast")
    folder = tmp_path_factory.mktemp("explain")
    assert isinstance(data, pl.DataFrame)
    data.write_csv(folder / "series.csv")
    path = str(folder / "series.csv")
    story.run(settings | {"data": {"path": path}}, folder / "run")
    return folder / "run"


@pytest.mark.parametrize("task", ABLE)
def test_every_answer_comes_with_its_sum_its_deletion_and_its_baseline(
    task: str, small_run: Callable[[str], Path]
) -> None:
    found = explain(loaded(small_run(task)), None, asked_of(task, row=2))
    (row,) = found.rows
    methods = ["ig"] if task in COPIES else ["ig", "lrp"]
    assert list(row.attributions) == methods and row.number == 2
    for name, each in row.attributions.items():
        assert each.completeness <= (0.01 if name == "ig" else 1e-6)
        assert each.values.shape == row.question.inputs.shape
        assert not each.values[~row.question.exists].any()
        assert np.isfinite(row.deletions[name].gain) and each.baseline
    table = found.table()
    assert {"row", "step", "feature", "value", "method", "completeness"} <= set(table.columns)
    assert table.height == len(methods) * int(row.question.exists.sum())
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("task", ABLE)
def test_the_answer_is_that_of_the_model_and_lrp_starts_from_it(
    task: str, small_run: Callable[[str], Path]
) -> None:
    """Every method explains one number: their scores are the same."""
    methods = ["ig", "occlusion", "shap"]
    methods += [] if task in COPIES else ["lrp"] if task in UNPARTED else ["lrp", "cd"]
    (row,) = explain(loaded(small_run(task)), None, asked_of(task, methods=methods)).rows
    scores = [each.score for each in row.attributions.values()]
    np.testing.assert_allclose(scores, scores[0], rtol=1e-9)


def test_a_forecast_is_explained_in_the_units_of_the_data(small_run: Callable[[str], Path]) -> None:
    run = loaded(small_run("forecast"))
    (row,) = explain(run, None, Asked(row=4, answer="3", methods=["ig"])).rows
    window = row.question.window
    assert window is not None
    assert row.attributions["ig"].score == pytest.approx(window.model[2], rel=1e-5)


@pytest.mark.parametrize("task", ABLE)
def test_the_rows_with_the_largest_loss_come_first(
    task: str, small_run: Callable[[str], Path]
) -> None:
    run = loaded(small_run(task))
    losses = run.subject().losses()
    assert losses is not None
    found = explain(run, None, Asked(worst=2, methods=["gradient"])).rows
    order = np.argsort(-losses, kind="stable")[:2] + 1
    assert [each.number for each in found] == order.tolist()


@pytest.mark.parametrize("task", ABLE)
def test_all_answers_together(task: str, small_run: Callable[[str], Path]) -> None:
    found = explain(loaded(small_run(task)), None, Asked(is_global=True, methods=["gradient"]))
    whole = found.overall
    assert whole is not None and whole.rows > 1 and (whole.size >= 0).all()
    assert found.table().height == len(whole.by_lag) * len(whole.features)
    json.dumps(found.to_dict(), allow_nan=False)


def test_pages_show_attributions_checks_and_the_inside(
    small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    for task in ("forecast", "tag"):
        ls.explain(loaded(small_run(task)), row=1, out=tmp_path, methods=["ig", "lrp", "cd"])
        page = (tmp_path / "explain.html").read_text()
        for text in ("error of the sum", "deletion gain", "cd: sum", "Inside, row 1", "<svg"):
            assert text in page, (task, text)
        assert "<script" not in page and "<link" not in page
        ls.explain(loaded(small_run(task)), is_global=True, out=tmp_path, methods="gradient")
        assert "What the answers rest on" in (tmp_path / "explain.html").read_text()


def test_the_command_writes_a_page_and_a_table_and_says_where(series_run: Path) -> None:
    done = longshort("explain", series_run, "--row", "2", "--method", "ig,occlusion")
    assert done.returncode == 0 and "occlusion: deletion" in done.stdout
    assert f"wrote {series_run / 'explain.html'}" in done.stdout
    table = pl.read_parquet(series_run / "attributions.parquet")
    assert set(table["method"]) == {"ig", "occlusion"} and set(table["row"]) == {2}
    again = longshort("explain", series_run, "--json")
    assert json.loads(again.stdout)["rows"][0]["methods"]["lrp"]["completeness"] <= 1e-6


def test_checks_with_random_weights_are_made_where_they_are_asked_for(series_run: Path) -> None:
    found = json.loads(longshort("explain", series_run, "--check", "--json").stdout)
    names = {each["name"] for each in found["rows"][0]["checks"]}
    assert {"ig: random weights", "lrp: random weights"} <= names


def test_new_data_are_explained_as_the_runs_own(series_run: Path, tmp_path: Path) -> None:
    data = series_run.parent / "series.csv"
    flags = ["--data", data, "--out", tmp_path, "--method", "gradient", "--json"]
    done = longshort("explain", series_run, *flags)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "explain.html").is_file()


def test_files_of_the_user_are_not_replaced(series_run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "explain.html"
    mine.write_text("mine")
    assert "is not an earlier explanation" in refused("explain", series_run, "--out", tmp_path)
    assert mine.read_text() == "mine"
    ls.explain(series_run, out=tmp_path, overwrite=True, methods="gradient")
    ls.explain(series_run, out=tmp_path, methods="gradient")
    assert mine.read_text() != "mine"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--row", "0"], "row: a number from 1 to"),
        (["--row", "9999"], "row: a number from 1 to"),
        (["--worst", "0"], "worst: a number of rows from 1 on is expected, got 0"),
        (["--row", "1", "--global"], "row, worst, global: give one of the three"),
        (["--global", "--check"], "check: is of rows"),
        (["--method", "igg"], "method: 'igg' is not known; did you mean 'ig'"),
        (["--method", ""], "method: '' is not known"),
        (["--baseline", "median"], "baseline: 'median' is not known"),
        (["--answer", "7"], "answer: '7' is not a step of the horizon"),
        (["--data", "none.csv"], "none.csv"),
        (["--out", "none"], "none: no such folder"),
    ],
)
def test_wrong_use_is_explained(series_run: Path, flags: list[str], message: str) -> None:
    assert message in refused("explain", series_run, *flags)


def test_data_of_another_shape_are_refused(series_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "short.csv"
    other.write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    message = refused("explain", series_run, "--data", other)
    assert "error:" in message and "Traceback" not in message


def test_a_run_that_never_trained_is_refused(series_run: Path, tmp_path: Path) -> None:
    for name in ("config.toml", "data.json"):
        shutil.copy(series_run / name, tmp_path / name)
    assert re.search(r"model\.safetensors.*missing|not finished|train --resume",
                     refused("explain", tmp_path))  # fmt: skip


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("frames", "frames' are not explained: a forecast is whole frames.*--task forecast"),
        ("draw", "draw' are not explained: a drawing is drawn by chance.*--task classify"),
    ],
)
def test_a_task_that_no_attribution_suits_says_why(
    task: str, message: str, small_run: Callable[[str], Path]
) -> None:
    with pytest.raises(ls.ConfigError, match=message):
        explain(loaded(small_run(task)), None, Asked())


def test_a_method_that_does_not_suit_a_network_is_refused_by_its_name(
    small_run: Callable[[str], Path],
) -> None:
    with pytest.raises(ls.ConfigError, match="cd: what comes before a recurrent layer is not lin"):
        explain(loaded(small_run("read")), None, Asked(methods=["cd"]))


class Silent:
    """A task of another package that cannot be explained."""

    name = "mine"


def test_a_task_that_cannot_be_explained_is_refused_with_those_that_can(
    small_run: Callable[[str], Path],
) -> None:
    run: Any = loaded(small_run("regress"))
    message = "the task 'mine' cannot be explained .*" + ", ".join(ABLE)
    with pytest.raises(ls.ConfigError, match=message):
        replace(run, task=Silent()).explainer()


@pytest.mark.parametrize("task", WRITERS)
def test_a_written_text_is_explained_by_its_own_probability(
    task: str, small_run: Callable[[str], Path]
) -> None:
    run: Any = loaded(small_run(task))
    samples = run.own_splits().test
    best = run.predict(samples).targets[0][0]
    (row,) = explain(run, None, Asked(methods=["ig"])).rows
    assert best.text in row.question.name
    assert row.attributions["ig"].score == pytest.approx(best.log_prob, rel=1e-4)
    with pytest.raises(ls.ConfigError, match="answer: 'whole text', or the number of a written"):
        explain(run, None, Asked(answer="cat"))


def test_texts_have_one_baseline(small_run: Callable[[str], Path]) -> None:
    with pytest.raises(ls.ConfigError, match="tokens are compared with the mean vector"):
        explain(loaded(small_run("tag")), None, Asked(baseline="permute"))


def test_an_explanation_repeats_to_the_bit(small_run: Callable[[str], Path]) -> None:
    asked = Asked(methods=["shap", "ig"], baseline="permute", seed=3)
    first, again = (explain(loaded(small_run("regress")), None, asked).table() for _ in range(2))
    assert first.equals(again)


def test_the_network_of_the_run_is_left_as_it_was(small_run: Callable[[str], Path]) -> None:
    run = loaded(small_run("classify"))
    before = {name: value.clone() for name, value in run.model.network.state_dict().items()}
    explain(run, None, Asked(check=True))
    after = run.model.network.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())
    assert all(value.dtype == after[name].dtype for name, value in before.items())


def test_the_page_on_explanations_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "explain.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})
    told = capsys.readouterr().out.splitlines()
    assert " against " in told[0] and "('ig', 'lrp')" in told[0]
    assert told[1] == "['row', 'place', 'position', 'step', 'feature', 'value']"
    commands = [line for line in text.splitlines() if line.startswith("longshort explain ")]
    for line in commands:
        known = longshort(*shlex.split(line.split("#")[0])[1:3])
        assert "no such run folder" in known.stderr


def test_every_method_of_the_docs_is_one() -> None:
    text = (ROOT / "docs" / "explain.md").read_text()
    table = text.split("## Methods")[1].split("`--baseline`")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(METHODS)


def test_a_run_that_is_replaced_keeps_no_explanation_of_the_old_one(tmp_path: Path) -> None:
    settings, data = small("regress")
    for _ in range(2):
        story.run(settings, tmp_path / "run", data=data, overwrite=True)
        assert not (tmp_path / "run" / "explain.html").exists()
        run = trained.load(tmp_path / "run").remember(data)
        ls.explain(run, out=tmp_path / "run", methods="gradient")
        assert (tmp_path / "run" / "attributions.parquet").is_file()
    (tmp_path / "run" / "explain.html").write_text("mine")
    story.run(settings, tmp_path / "run", data=data, overwrite=True)
    assert (tmp_path / "run" / "explain.html").read_text() == "mine"
