"""Training is repeatable, stoppable and resumable to the bit, whatever kills it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longshort.config import TrainConfig
from longshort.errors import Interrupted, RunError
from longshort.runfolder import RunFolder
from longshort.runs import story
from longshort.train.checkpoint import load_tensors, load_weights, save_tensors
from longshort.train.events import EpochEnded, Event, Saved, Stepped
from longshort.train.learning import Learning, TrainPlan
from longshort.train.loop import TrainingDiverged, fit
from longshort.train.optimise import rate_factor
from tests.conftest import QUICK
from tests.settings import nested

FILES = ("model.safetensors", "metrics.jsonl", "scores.json", "predictions.csv",
         "ckpt/last.safetensors", "ckpt/best.safetensors")  # fmt: skip
"""All that a resumed run must share with an uninterrupted one, to the bit."""


def settings_for(path: Path) -> dict[str, Any]:
    dotted = {**QUICK, "train.max_epochs": 4, "train.steps_per_epoch": 12, "train.save_every": 0.0,
              "model.context_length": 24, "model.horizon": 4, "data.path": str(path)}  # fmt: skip
    return nested(dotted)


def digests(run: Path) -> dict[str, str]:
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in FILES}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import hourly

    path = tmp_path_factory.mktemp("data") / "series.csv"
    hourly(300).write_csv(path)
    return path


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run, which stays as it is."""
    run = tmp_path_factory.mktemp("whole") / "run"
    story.run(settings_for(data), run)
    return run


@pytest.fixture(scope="module")
def whole(finished: Path) -> dict[str, str]:
    """Digests of an uninterrupted run."""
    return digests(finished)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_the_same_seed_gives_the_same_bits(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    story.run(settings_for(data), tmp_path / "again")
    assert digests(tmp_path / "again") == whole


def test_saving_often_or_seldom_changes_no_result(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    settings = settings_for(data)
    settings["train"]["save_every"] = 1e9
    story.run(settings, tmp_path / "seldom")
    found = digests(tmp_path / "seldom")
    assert found == whole


def test_ctrl_c_saves_and_says_how_to_go_on(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step in (7, 30):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=f"stopped after 7 of 48 steps and saved; .*{run}"):
        story.run(settings_for(data), run, listen=press)
    with pytest.raises(Interrupted, match="stopped after 30 of 48"):
        story.resume(run, listen=press)
    story.resume(run)
    assert digests(run) == whole


def test_ctrl_c_after_the_last_step_stops_too(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 48:
            pressed.append(event.step)
        elif pressed and isinstance(event, EpochEnded):
            os.kill(os.getpid(), signal.SIGINT)

    pressed: list[int] = []
    with pytest.raises(Interrupted, match="stopped after 48 of 48"):
        story.run(settings_for(data), run, listen=press)
    story.resume(run)
    assert digests(run) == whole


KILL_AT_STEP = """
    import os, signal, sys
    from longshort.runs import story
    from longshort.train.events import Stepped, Saved
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    run, data, delay = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    import json, threading
    settings = json.loads(sys.argv[4])
    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    timer = threading.Timer(delay, die)
    def listen(event):
        if isinstance(event, Stepped) and not timer.is_alive():
            timer.start()
    if (run / "config.toml").is_file():
        story.resume(run, listen=listen)
    else:
        story.run(settings, run, overwrite=True, listen=listen)
    timer.cancel()
"""

KILL_IN_SAVE = """
    import os, signal, sys, json
    from pathlib import Path
    calls = {"left": int(sys.argv[3])}
    def dying(call):
        def wrapped(*args):
            calls["left"] -= 1
            if calls["left"] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args)
        return wrapped
    from longshort.runs import story
    import torch
    torch.set_num_threads(1)
    os.fsync, os.replace, Path.replace = map(dying, (os.fsync, os.replace, Path.replace))
    run, settings = Path(sys.argv[1]), json.loads(sys.argv[4])
    if (run / "config.toml").is_file():
        story.resume(run)
    else:
        story.run(settings, run, overwrite=True)
"""


def kill_until_done(
    script: str, run: Path, data: Path, marks: Iterator[str], settings: dict[str, Any] | None = None
) -> int:
    """Start and kill until a process ends by itself; returns the number of kills."""
    settings = settings or settings_for(data)
    kills = 0
    while True:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(run), str(data), next(marks),
             json.dumps(settings)],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            return kills
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
        assert kills < 200
        if run.joinpath("ckpt", "last.safetensors").exists():
            load_tensors(run / "ckpt" / "last.safetensors")


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bits(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    draw = random.Random(0)

    def delays() -> Iterator[str]:
        for _ in range(7):
            yield str(draw.uniform(0.0, 0.012))
        yield "1e9"

    run = tmp_path / "run"
    kills = kill_until_done(KILL_AT_STEP, run, data, delays())
    assert kills >= 5
    assert digests(run) == whole


@pytest.mark.slow
def test_killed_inside_saves_it_ends_with_the_same_bits(
    data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    draw = random.Random(1)

    def counts() -> Iterator[str]:
        for _ in range(7):
            yield str(draw.randint(20, 60))
        yield str(10**9)

    run = tmp_path / "run"
    kills = kill_until_done(KILL_IN_SAVE, run, data, counts())
    assert kills >= 5
    assert digests(run) == whole


OTHER = {"model": {"cell": "gru", "num_layers": 2, "dropout": 0.4},
         "train": {"optimizer": "sgd", "schedule": "plateau", "save_every": 0.05, "patience": 1,
                   "max_epochs": 8}}  # fmt: skip
"""A run whose optimiser, schedule, layers and pace of saving are all others."""

KILL_ANY_TIME = """
    import os, signal, sys, json, threading
    from pathlib import Path
    from longshort.runs import story
    import torch
    torch.set_num_threads(1)
    run, settings = Path(sys.argv[1]), json.loads(sys.argv[4])
    timer = threading.Timer(float(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL))
    timer.start()
    if (run / "config.toml").is_file():
        story.resume(run)
    else:
        story.run(settings, run, overwrite=True)
    timer.cancel()
"""


@pytest.mark.slow
def test_killed_at_any_time_from_reading_to_report(data: Path, tmp_path: Path) -> None:
    settings = settings_for(data)
    for table, changes in OTHER.items():
        settings[table] |= changes
    story.run(settings, tmp_path / "whole")
    draw = random.Random(2)

    def delays() -> Iterator[str]:
        for _ in range(8):
            yield str(draw.uniform(0.05, 0.9))
        yield "1e9"

    run = tmp_path / "run"
    kill_until_done(KILL_ANY_TIME, run, data, delays(), settings)
    assert digests(run) == digests(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("last", [True, False])
def test_killed_in_the_last_saves_the_log_is_whole(
    last: bool, data: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    """Between the last metric log and the last checkpoint, and after both."""
    code = """
        import os, signal, sys, json
        from pathlib import Path
        from longshort import runfolder
        from longshort.runs import story
        from longshort.train import checkpoint, loop
        import torch
        torch.set_num_threads(1)
        save = loop.save_tensors
        def dying(path, tensors, meta):
            if meta.get("ended") and sys.argv[3] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            save(path, tensors, meta)
            if meta.get("ended"):
                os.kill(os.getpid(), signal.SIGKILL)
        run, settings = Path(sys.argv[1]), json.loads(sys.argv[4])
        settings["train"]["save_every"] = 1e9
        if (run / "config.toml").is_file():
            story.resume(run)
        else:
            loop.save_tensors = dying
            story.run(settings, run)
    """
    run = tmp_path / "run"
    marks = iter(["before" if last else "after", "never"])
    assert kill_until_done(code, run, data, marks) == 1
    found = digests(run)
    assert found["metrics.jsonl"] == whole["metrics.jsonl"]
    assert found["model.safetensors"] == whole["model.safetensors"]
    assert found["scores.json"] == whole["scores.json"]


def test_a_run_on_a_frame_resumes_in_python(whole: dict[str, str], tmp_path: Path) -> None:
    from tests.conftest import hourly

    run, settings = tmp_path / "run", settings_for(tmp_path)
    del settings["data"]["path"]

    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 20:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        story.run(settings, run, data=hourly(300), listen=press)
    with pytest.raises(RunError, match=r"go on in Python with longshort\.resume"):
        story.resume(run)
    with pytest.raises(RunError, match="its content differs"):
        story.resume(run, hourly(299))
    story.resume(run, hourly(300))
    assert digests(run) == whole


class Toy(Learning):
    """Fit a line."""

    def __init__(self, blow_up: bool = False, score: float | None = None) -> None:
        torch.manual_seed(0)
        self.line = nn.Linear(1, 1)
        self.blow_up, self.score = blow_up, score

    @property
    def module(self) -> nn.Module:
        return self.line

    @property
    def num_samples(self) -> int:
        return 50

    def loss(self, samples: Tensor) -> Tensor:
        x = samples[:, None].float() / 50
        error = (self.line(x) - 3 * x).square().mean()
        return error / 0.0 if self.blow_up else error

    @property
    def measure(self) -> str:
        return "MSE"

    def validate(self) -> float:
        return float(self.loss(torch.arange(50))) if self.score is None else self.score


PLAN = TrainPlan(batch_size=10, steps_per_epoch=5, max_epochs=12)


def test_a_line_is_learnt() -> None:
    config = TrainConfig(learning_rate=0.1, schedule="none", patience=50)
    result = fit(Toy(), config, TrainPlan(10, 5, 60))
    assert result.best_score < 1e-4


def test_patience_ends_and_the_best_weights_are_kept() -> None:
    task = Toy(score=1.0)
    before = task.line.weight.detach().clone()
    result = fit(task, TrainConfig(patience=3), PLAN)
    assert result.reason == "no gain for 3 epochs"
    assert (result.best_epoch, len(result.history)) == (0, 4)
    assert torch.equal(task.line.weight, before)


def test_divergence_is_an_error_that_says_what_to_lower() -> None:
    with pytest.raises(TrainingDiverged, match=r"lower train\.learning_rate \(now 0\.002\)"):
        fit(Toy(blow_up=True), TrainConfig(), PLAN)


def test_each_epoch_sees_every_sample_once_in_a_new_order() -> None:
    seen: list[list[int]] = []

    class Watched(Toy):
        def loss(self, samples: Tensor) -> Tensor:
            if len(samples) == 10:
                seen.append(samples.tolist())
            return super().loss(samples)

    fit(Watched(), TrainConfig(patience=50), TrainPlan(10, 5, 3))
    epochs = [[n for batch in seen[i : i + 5] for n in batch] for i in (0, 5, 10)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_schedules() -> None:
    assert rate_factor("none", 50, 100) == 1.0
    assert rate_factor("cosine", 0, 100) == 1.0
    assert rate_factor("cosine", 100, 100) == pytest.approx(0.01)
    assert rate_factor("onecycle", 0, 100) == pytest.approx(0.04)
    assert rate_factor("onecycle", 10, 100) == pytest.approx(1.0)
    assert rate_factor("onecycle", 100, 100) == pytest.approx(0.01)


def test_plateau_halves_the_rate_when_the_score_stands_still() -> None:
    config = TrainConfig(schedule="plateau", patience=50, learning_rate=0.1)
    rates = [r["learning_rate"] for r in fit(Toy(score=1.0), config, PLAN).history[1:]]
    assert rates[:6] == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_decay_begins_after_the_epochs_at_the_full_rate() -> None:
    config = TrainConfig(
        schedule="decay", decay=0.5, decay_after=4, patience=50, learning_rate=0.08
    )
    rates = [r["learning_rate"] for r in fit(Toy(), config, PLAN).history[1:]]
    assert rates[:7] == pytest.approx([0.08, 0.08, 0.08, 0.08, 0.04, 0.02, 0.01])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"decay": 0.5}, "decay is of schedule = decay, and the schedule is 'onecycle'"),
        ({"schedule": "cosine", "decay_after": 4}, "decay_after is of schedule = decay"),
        ({"schedule": "decay"}, "needs decay, .*; given: none"),
        ({"schedule": "decay", "decay": 0.5}, "decay_after, .*; given: decay"),
        ({"schedule": "decay", "decay": 2.0, "decay_after": 4}, "less than 1"),
    ],
)
def test_a_decay_without_effect_or_end_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(**wrong)


def test_a_batch_is_learned_at_its_share_of_the_rate() -> None:
    class Slow(Toy):
        def rate(self, samples: Tensor) -> float:
            return 0.25

    config = TrainConfig(optimizer="sgd", momentum=0.0, schedule="none", ema=0.0, clip_norm=None,
                         learning_rate=0.1)  # fmt: skip
    quarter = config.model_copy(update={"learning_rate": 0.025})
    slow, plain = Slow(), Toy()
    fit(slow, config, TrainPlan(10, 5, 2))
    fit(plain, quarter, TrainPlan(10, 5, 2))
    torch.testing.assert_close(slow.line.weight, plain.line.weight)


def test_decay_of_sgd_is_added_to_the_clipped_gradient() -> None:
    config = TrainConfig(optimizer="sgd", momentum=0.0, schedule="none", ema=0.0, learning_rate=0.5,
                         clip_norm=1e-9, weight_decay=0.1)  # fmt: skip
    toy = Toy()
    nn.init.constant_(toy.line.weight, 4.0)
    nn.init.zeros_(toy.line.bias)
    fit(toy, config, TrainPlan(10, 1, 1))
    assert toy.line.weight.item() == pytest.approx(4.0 * (1 - 0.5 * 0.1))


def test_events_tell_the_story_in_order() -> None:
    events: list[Event] = []
    fit(Toy(), TrainConfig(patience=50), TrainPlan(10, 5, 2), listen=events.append)
    names = [type(event).__name__ for event in events]
    assert names == ["Started", "EpochEnded", *["Stepped"] * 5, "EpochEnded", *["Stepped"] * 5,
                     "EpochEnded", "Ended"]  # fmt: skip
    assert [e.record["epoch"] for e in events if isinstance(e, EpochEnded)] == [0, 1, 2]
    assert not [e for e in events if isinstance(e, Saved)]


def checkpoint(folder: Path) -> Path:
    path = folder / "x.safetensors"
    save_tensors(path, {"w": torch.arange(6.0).view(2, 3), "n": torch.tensor(3)}, {"epoch": 2})
    return path


def test_checkpoints_come_back_as_they_were(tmp_path: Path) -> None:
    tensors, meta = load_tensors(checkpoint(tmp_path))
    assert meta == {"epoch": 2}
    assert torch.equal(tensors["w"], torch.arange(6.0).view(2, 3))
    assert tensors["n"] == 3


def test_no_truncation_loads(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    raw = path.read_bytes()
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        with pytest.raises(RunError, match="damaged"):
            load_tensors(path)


def test_no_changed_byte_goes_unnoticed(tmp_path: Path) -> None:
    path = checkpoint(tmp_path)
    raw = path.read_bytes()
    tensors, meta = load_tensors(path)
    draw = np.random.default_rng(0)
    for place in draw.permutation(len(raw))[:300].tolist() + list(range(len(raw) - 32, len(raw))):
        changed = bytearray(raw)
        changed[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(bytes(changed))
        try:
            found, told = load_tensors(path)
        except RunError:
            continue
        assert told == meta
        assert all(torch.equal(found[k], v) for k, v in tensors.items())


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    torch.save(nn.Linear(1, 1).state_dict(), path)
    with pytest.raises(RunError, match="damaged"):
        load_tensors(path)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    line = nn.Linear(2, 1)
    with pytest.raises(RunError, match=r"weight 'bias'"):
        load_weights(line, {"weight": torch.zeros(1, 2)}, tmp_path)
    with pytest.raises(RunError, match=r"'weight' is \(1, 3\), the settings .* say \(1, 2\)"):
        load_weights(line, {"weight": torch.zeros(1, 3), "bias": torch.zeros(1)}, tmp_path)
    with pytest.raises(RunError, match="holds NaN"):
        load_weights(line, {"weight": torch.full((1, 2), torch.nan), "bias": torch.zeros(1)},
                     tmp_path)  # fmt: skip


def test_a_full_disk_leaves_the_last_good_checkpoint(data: Path, tmp_path: Path) -> None:
    """The disk is a small file system limit: writes beyond it fail with EFBIG."""
    run = tmp_path / "run"
    code = f"""
        import resource, json, sys, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        from pathlib import Path
        from longshort.runs import story
        from longshort.errors import RunError
        from longshort.train.events import Stepped
        def listen(event):
            if isinstance(event, Stepped) and event.step == 20:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        try:
            story.run({settings_for(data)!r}, Path({str(run)!r}), listen=listen)
        except RunError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert "cannot write: File too large; what was there before is unchanged" in done.stdout
    _, meta = load_tensors(run / "ckpt" / "last.safetensors")
    assert meta["step_in_epoch"] + 12 * meta["epoch"] == 19
    assert not list(run.rglob("*.partial"))


def test_resume_refuses_what_it_cannot_go_on_with(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    copy = tmp_path / "copy.csv"
    shutil.copy(data, copy)

    def press(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        story.run(settings_for(copy), run, listen=press)
    last = run / "ckpt" / "last.safetensors"
    good = last.read_bytes()
    last.write_bytes(good[:-1])
    with pytest.raises(RunError, match="damaged"):
        story.resume(run)
    last.write_bytes(good)
    copy.write_text(copy.read_text() + "2024-02-01T00:00:00,1\n")
    with pytest.raises(RunError, match="is not the data that the run"):
        story.resume(run)
    with pytest.raises(RunError, match="no such run folder"):
        story.resume(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"not a run folder: it has no config\.toml"):
        story.resume(tmp_path)


def test_resuming_a_finished_run_changes_nothing(run: Path) -> None:
    first = json.loads((run / "scores.json").read_text())
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    assert story.resume(run) == first
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def test_overwriting_keeps_the_old_run_when_the_new_one_cannot_start(
    run: Path, data: Path, tmp_path: Path
) -> None:
    old = digests(run)
    with pytest.raises(RunError, match="already used; give another --out"):
        story.run(settings_for(data), run)
    with pytest.raises(Exception, match="no such file"):
        story.run(settings_for(tmp_path / "none.csv"), run, overwrite=True)
    assert digests(run) == old
    settings = settings_for(data)
    settings["train"]["loss"] = "pinball"
    with pytest.raises(Exception, match="pinball needs quantiles"):
        story.run(settings, run, overwrite=True)
    assert digests(run) == old
    (run / "my-forecast.csv").write_text("mine")
    story.run(settings_for(data), run, overwrite=True)
    assert (run / "my-forecast.csv").read_text() == "mine"
    site = tmp_path / "site"
    site.mkdir()
    (site / "config.toml").write_text("title = 'my web site'")
    with pytest.raises(RunError, match="leaves it alone"):
        story.run(settings_for(data), site, overwrite=True)
    other = tmp_path / "documents"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="not a longshort run, so --overwrite leaves it alone"):
        story.run(settings_for(data), other, overwrite=True)
    assert (other / "thesis.txt").exists()
    (other / "thesis.txt").rename(other / "README.md")
    with pytest.raises(RunError, match="not a longshort run, so --overwrite leaves it alone"):
        story.run(settings_for(data), other, overwrite=True)
    assert (other / "README.md").read_text() == "years of work"


def test_a_file_system_without_locks_is_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    said: list[str] = []
    story.run(settings_for(data), tmp_path / "run", say=said.append)
    assert f"warning: {tmp_path / 'run'}: cannot be locked ([Errno" in "\n".join(said)


def test_two_processes_do_not_write_into_one_run(run: Path, data: Path) -> None:
    scores = json.loads((run / "scores.json").read_text())
    (run / "scores.json").unlink()
    before = {path: path.read_bytes() for path in run.rglob("*.*") if path.is_file()}
    with RunFolder.open(run).locked(say=pytest.fail):
        with pytest.raises(RunError, match="another process is at this run"):
            story.resume(run)
        with pytest.raises(RunError, match="another process is at this run"):
            story.run(settings_for(data), run, overwrite=True)
    assert {path: path.read_bytes() for path in before} == before
    assert story.resume(run) == scores


def test_time_is_not_in_the_metric_log(finished: Path) -> None:
    records = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == list(range(len(records)))
    assert set(records[-1]) == {"epoch", "step", "train_loss", "grad_norm", "learning_rate",
                                "val_score"}  # fmt: skip
    assert RunFolder.open(finished).read_json("env.json")["packages"]["torch"]
