"""A finished run whose files were changed is refused, in every task and for every use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import longshort as ls
from longshort.errors import Interrupted, RunError
from longshort.runfolder import DIGESTS, RunFolder
from longshort.runs import story
from longshort.runs.seal import FREE, seal
from longshort.runs.trained import load
from longshort.train.events import Event, Stepped
from tests.commands import longshort
from tests.tiny_runs import TASKS, small


@pytest.fixture(scope="module", params=TASKS)
def whole(request: pytest.FixtureRequest, small_run: Callable[[str], Path]) -> Path:
    """A finished run of each task."""
    return small_run(request.param)


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def edit_data(run: Path) -> None:
    """A change that leaves the record well formed: two labels, tags, scales or tokens swapped."""
    stored = json.loads((run / "data.json").read_text())
    fitted = stored["encoder"]
    if "labels" in fitted:
        fitted["labels"].reverse()
    else:
        fitted["a thing that nobody knows"] = 1
    (run / "data.json").write_text(json.dumps(stored))


def edit_model(run: Path) -> None:
    """Weights of another training, in a file that is sound in itself."""
    from longshort.train.checkpoint import load_tensors, save_tensors

    tensors, meta = load_tensors(run / "model.safetensors")
    name = next(iter(tensors))
    tensors[name] = tensors[name] + 0.01
    save_tensors(run / "model.safetensors", tensors, meta)


def set_in_config(run: Path, line: str, other: str) -> None:
    text = (run / "config.toml").read_text()
    assert text.count(line) == 1, line
    (run / "config.toml").write_text(text.replace(line, other))


def edit_config(run: Path) -> None:
    set_in_config(run, "save_every = 30.0", "save_every = 31.0")


EDITS = {"data.json": edit_data, "model.safetensors": edit_model, "config.toml": edit_config}


def test_an_untouched_run_loads(run: Path) -> None:
    assert ls.load(run).scores == json.loads((run / "scores.json").read_text())


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_file_is_refused_by_name(name: str, run: Path) -> None:
    EDITS[name](run)
    with pytest.raises(RunError, match=rf"run/{name}: .*changed.*start a new run|train a new run"):
        ls.load(run)


def test_a_changed_setting_is_named_with_both_values(run: Path) -> None:
    edit_config(run)
    with pytest.raises(RunError, match=r"train\.save_every is 31\.0 and was 30\.0 when"):
        ls.load(run)


@pytest.mark.parametrize(
    ("line", "other"),
    [("\nthreads = 1\n", "\nthreads = 2\n"), ('device = "cpu"', 'device = "cpu:0" # here')],
    ids=["threads", "device"],
)
def test_where_a_run_computes_may_be_changed(line: str, other: str, run: Path) -> None:
    set_in_config(run, line, other)
    ls.load(run)


def test_the_settings_that_may_be_changed_are_settings() -> None:
    from longshort.registry import TASKS as KINDS

    known = {
        f"{table}.{key}"
        for config in map(KINDS.config, KINDS.names())
        for table in ("train", "data")
        for key in config.model_fields[table].annotation.model_fields  # type: ignore[union-attr]
    }
    assert set(FREE) <= known


def test_a_run_without_its_digests_is_refused(run: Path) -> None:
    (run / DIGESTS).unlink()
    with pytest.raises(RunError, match=r"digests\.json is missing.*restore it"):
        ls.load(run)


def test_damaged_digests_are_refused(run: Path) -> None:
    (run / DIGESTS).write_text('{"sha256": {}}')
    with pytest.raises(RunError, match=r"digests\.json: damaged: KeyError\('settings'\)"):
        ls.load(run)


def of_version(run: Path, version: object) -> None:
    stored = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps(stored | {"format_version": version}))


EARLIER = (
    r"run: was made by an earlier longshort; train it again with `longshort train "
    r"--config .*run/config\.toml --out NEW`"
)


@pytest.mark.parametrize("version", [1, 2])
def test_a_run_of_an_earlier_format_is_to_be_trained_again(version: int, run: Path) -> None:
    of_version(run, version)
    with pytest.raises(RunError, match=EARLIER):
        ls.load(run)


def test_a_run_from_before_there_were_versions_is_to_be_trained_again(run: Path) -> None:
    stored = json.loads((run / "data.json").read_text())
    del stored["format_version"]
    (run / "data.json").write_text(json.dumps(stored))
    (run / DIGESTS).unlink()
    with pytest.raises(RunError, match=EARLIER):
        load(run)


def test_an_interrupted_run_of_an_earlier_format_is_not_gone_on_with(run: Path) -> None:
    (run / "scores.json").unlink()
    of_version(run, 2)
    with pytest.raises(RunError, match=EARLIER):
        story.resume(run, small("lm")[1])


@pytest.mark.parametrize("version", [4, 0, "x", None])
def test_a_run_of_a_later_format_is_refused(version: object, run: Path) -> None:
    of_version(run, version)
    with pytest.raises(RunError, match=r"data\.json: format_version is .* reads 3;"):
        ls.load(run)


def test_an_interrupted_run_has_no_digests_until_it_is_finished(tmp_path: Path) -> None:
    import os
    import signal

    settings, data = small("classify")
    settings["train"] = {**settings["train"], "max_epochs": 3}
    run = tmp_path / "run"

    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        story.run(settings, run, data=data, listen=press)
    assert not (run / DIGESTS).exists()
    with pytest.raises(RunError, match=r"not finished: model\.safetensors is missing; go on with"):
        load(run)
    story.resume(run, data)
    assert json.loads((run / DIGESTS).read_text())["sha256"].keys() == {
        "data.json",
        "model.safetensors",
    }
    load(run)


def test_a_run_whose_report_was_not_written_can_be_gone_on_with(run: Path) -> None:
    for name in ("scores.json", "report.html", DIGESTS):
        (run / name).unlink()
    with pytest.raises(RunError, match=r"is not finished: digests\.json is missing; go on with"):
        load(run)


COMMANDS = {"lm": ["generate", "evaluate"]}
"""Where a run is not used by `predict`."""


def test_every_command_refuses_it(run: Path, tmp_path: Path) -> None:
    edit_data(run)
    (tmp_path / "x.csv").write_text("text,label\na,b\n")
    task = json.loads((run / "scores.json").read_text())["task"]
    for command in COMMANDS.get(task, ["predict", "evaluate"]):
        more = ["--data", str(tmp_path / "x.csv")] if command != "generate" else []
        done = longshort(command, str(run), *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert "data.json: damaged or changed" in done.stderr


def test_a_sealed_run_stays_loadable(run: Path) -> None:
    """Sealing is idempotent: the digests are of the files as they are."""
    before = (run / DIGESTS).read_bytes()
    seal(RunFolder(run))
    assert (run / DIGESTS).read_bytes() == before
