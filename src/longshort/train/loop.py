"""The training loop: deterministic, and stoppable and resumable at any step.

`_State` and the optimiser hold everything that later steps depend on, and both are in the
checkpoint: weights, moments, random state, place in the epoch, scores, and the state that a task
carries from batch to batch. The batches of an epoch depend only on (seed, epoch).
"""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from longshort.config import TrainConfig
from longshort.errors import Interrupted, LongshortError, RunError, Stopped, counted
from longshort.runfolder import METRICS, RunFolder
from longshort.train.checkpoint import load_tensors, load_weights, save_tensors
from longshort.train.events import Ended, EpochEnded, Listener, Saved, Started, Stepped, silent
from longshort.train.learning import Learning, TrainPlan
from longshort.train.optimise import clip, decay_factor, make_optimizer, penalty, rate_factor

_PLATEAU_WAIT = 2
_PLATEAU_FACTOR = 0.5


@dataclass(frozen=True)
class TrainResult:
    """Result of training; the network holds the weights that were chosen."""

    best_epoch: int
    best_score: float | None
    """On the validation split; None where there is none."""
    history: list[dict[str, float | int]]
    reason: str
    seconds: float


@dataclass
class _State:
    """Position and scores of a training in progress."""

    epoch: int = 0
    steps: int = 0
    """Steps so far; an epoch of random lengths may take more or fewer steps than planned."""
    step_in_epoch: int = 0
    loss_sum: float = 0.0
    norm_sum: float = 0.0
    plateau_factor: float = 1.0
    best_epoch: int = -1
    best_score: float | None = None
    averaged: int | None = None
    """Number of steps in the plain mean of the weights; None before it is taken."""
    ended: str = ""
    history: list[dict[str, float | int]] = field(default_factory=list)


class TrainingDiverged(LongshortError):
    """The loss became NaN or infinite."""


def fit(
    task: Learning,
    config: TrainConfig,
    plan: TrainPlan,
    *,
    folder: RunFolder | None = None,
    resume: bool = False,
    until: int | None = None,
    listen: Listener = silent,
) -> TrainResult:
    """Train a network; afterwards it has the best weights, or the last ones (`train.choose`).

    With a `folder`, checkpoints and `metrics.jsonl` are written there, and an interrupt (Ctrl-C)
    saves and raises `Interrupted`. `resume` continues from the last checkpoint; the result is
    bit-identical to that of an uninterrupted run. `until`: pause, saved, after this epoch of the
    same plan, so that a later call with `resume` goes on. Raises `TrainingDiverged` when the loss
    becomes NaN or infinite.
    """
    loop = _Loop(task, config, plan, folder, listen, until)
    if resume:
        loop.restore()
    return loop.run()


class _Loop:
    """One training; `run` is the loop, the other methods are its steps."""

    def __init__(
        self,
        task: Learning,
        config: TrainConfig,
        plan: TrainPlan,
        folder: RunFolder | None,
        listen: Listener,
        until: int | None,
    ) -> None:
        self.task, self.config, self.plan = task, config, plan
        self.folder, self.listen, self.until = folder, listen, until
        self.optimizer = make_optimizer(task.weight_groups(), config)
        self.weights = [w for group in self.optimizer.param_groups for w in group["params"]]
        self.clipped = task.clipped()
        self.device = self.weights[0].device
        self.state = _State()
        self.best: dict[str, Tensor] = {}
        self.average = {n: w.detach().clone() for n, w in task.module.state_dict().items()}
        self.saved_at = time.monotonic()
        self.seen = 0

    def run(self) -> TrainResult:
        begin, state = time.monotonic(), self.state
        first_step = state.steps
        parameters = sum(w.numel() for w in self.weights)
        task, total = self.task, self.plan.total_steps
        self.listen(Started(first_step, total, parameters, task.unit, task.measure))
        with _stop_flag() as stop:
            if not self.state.history:
                self._judge({"epoch": 0, "step": 0})
                self._save()
            while not self._is_over():
                batches = self._batches()
                while state.step_in_epoch < len(batches):
                    self._learn(batches[state.step_in_epoch])
                    self._report_step(begin, first_step, len(batches))
                    if stop.is_set():
                        self._save()
                        raise self._stopped()
                    if self._is_save_due():
                        self._save()
                self._end_epoch()
            if stop.is_set():
                raise self._stopped()
        load_weights(self.task.module, self.best, Path("best weights"))
        seconds = time.monotonic() - begin
        reason = (
            state.ended or f"paused after {state.epoch} of {counted(self.plan.max_epochs, 'epoch')}"
        )
        self.listen(Ended(reason, state.best_epoch, state.best_score, seconds))
        return TrainResult(state.best_epoch, state.best_score, state.history, reason, seconds)

    def _is_over(self) -> bool:
        """Whether training has ended, or pauses here."""
        is_pause = self.until is not None and self.state.epoch >= self.until
        return bool(self.state.ended) or is_pause

    def _batches(self) -> Sequence[Tensor]:
        """Return the batches of this epoch, which depend only on (seed, epoch)."""
        draw = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.state.epoch)
        return self.task.batches(self.plan, draw)

    def _learn(self, samples: Tensor) -> None:
        state = self.state
        rate = self._rate_at(state.steps) * self.task.rate(samples)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.task.module.train()
        loss, minimised = self.task.objective(samples)
        extra = penalty(self.weights, self.config)
        self.optimizer.zero_grad()
        torch.autograd.backward(minimised if extra is None else minimised + extra)
        norm = math.hypot(*(clip(weights, self.config) for weights in self.clipped))
        value = float(loss.detach())
        if not math.isfinite(value) or not math.isfinite(norm):
            raise TrainingDiverged(
                f"training: the loss became {value} (gradient norm {norm}) in epoch {state.epoch}, "
                f"step {state.step_in_epoch}; lower train.learning_rate (now "
                f"{self.config.learning_rate:g}) or set train.clip_norm"
            )
        self.optimizer.step()
        self._follow()
        self.seen += self.task.size(samples)
        state.steps += 1
        state.step_in_epoch += 1
        state.loss_sum += value
        state.norm_sum += norm

    def _rate_at(self, step: int) -> float:
        config, state = self.config, self.state
        factor = rate_factor(config.schedule, step, self.plan.total_steps)
        factor *= decay_factor(config, state.epoch) * state.plateau_factor
        return config.learning_rate * factor

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the averaged weights after a step."""
        share = self._share_of_newest()
        for name, weight in self.task.module.state_dict().items():
            self.average[name].lerp_(weight, share)

    def _share_of_newest(self) -> float:
        """Return the share of the newest weights in the average.

        It is larger in early steps (Polyak & Juditsky, 1992).
        """
        if self.state.averaged is not None:
            self.state.averaged += 1
            return 1.0 / self.state.averaged
        if self.config.asgd is not None:
            return 1.0
        done = self.state.steps
        return 1.0 - min(self.config.ema, (1 + done) / (10 + done))

    def _begin_mean(self) -> None:
        """Start the plain mean of the weights once the validation score has stopped improving.

        That is when it is worse than the best one before the last `asgd` epochs (NT-ASGD, Merity et
        al., 2018).
        """
        wait, state = self.config.asgd, self.state
        scores = [float(record["val_score"]) for record in state.history if "val_score" in record]
        if wait is None or state.averaged is not None or len(scores) < wait + 2:
            return
        if scores[-1] > min(scores[: -1 - wait]):
            state.averaged = 0

    def _end_epoch(self) -> None:
        state = self.state
        steps = state.step_in_epoch
        record: dict[str, float | int] = {
            "epoch": state.epoch + 1,
            "step": state.steps,
            "train_loss": state.loss_sum / steps,
            "grad_norm": state.norm_sum / steps,
            "learning_rate": self._rate_at(state.steps - 1),
        }
        state.epoch += 1
        state.step_in_epoch, state.loss_sum, state.norm_sum = 0, 0.0, 0.0
        self._judge(record)
        self._begin_mean()
        waited = state.epoch - state.best_epoch
        if self.config.schedule == "plateau" and waited and waited % _PLATEAU_WAIT == 0:
            state.plateau_factor *= _PLATEAU_FACTOR
        if waited >= self.config.patience:
            state.ended = f"no gain for {counted(self.config.patience, 'epoch')}"
        elif state.epoch >= self.plan.max_epochs:
            state.ended = _all_done(self.plan.max_epochs)
        if self._is_over() or self._is_save_due():
            self._save()

    def _judge(self, record: dict[str, float | int]) -> None:
        """Score the averaged weights on the validation split and keep them if they are the best.

        With `train.choose` = "last" they are always kept.
        """
        state, module = self.state, self.task.module
        present = {name: w.detach().clone() for name, w in module.state_dict().items()}
        module.load_state_dict(self.average)
        module.eval()
        with torch.no_grad():
            score = self.task.validate()
        module.load_state_dict(present)
        if score is not None and not math.isfinite(score):
            raise TrainingDiverged(
                f"training: the validation score became {score} in epoch {record['epoch']}; lower "
                f"train.learning_rate (now {self.config.learning_rate:g})"
            )
        is_best = self._is_best(score)
        if is_best:
            state.best_epoch, state.best_score = int(record["epoch"]), score
            self.best = {name: w.clone() for name, w in self.average.items()}
            if self.folder is not None:
                save_tensors(self.folder.best, self.best, {"epoch": state.best_epoch})
        state.history.append(record if score is None else record | {"val_score": score})
        self.listen(EpochEnded(state.history[-1], is_best))

    def _is_best(self, score: float | None) -> bool:
        best = self.state.best_score
        if self.config.choose == "last":
            return True
        if score is None:
            raise RunError("train.choose: best needs a validation split, and there is none")
        return best is None or score < best

    def _report_step(self, begin: float, first_step: int, in_epoch: int) -> None:
        state, seconds = self.state, time.monotonic() - begin
        total = max(self.plan.total_steps, state.steps)
        per_step = seconds / (state.steps - first_step)
        self.listen(
            Stepped(
                state.steps,
                total,
                state.epoch + 1,
                state.step_in_epoch,
                in_epoch,
                state.loss_sum / state.step_in_epoch,
                self.seen / seconds,
                (in_epoch - state.step_in_epoch) * per_step,
                (total - state.steps) * per_step,
            )
        )

    def _is_save_due(self) -> bool:
        return self.folder is not None and (
            time.monotonic() - self.saved_at >= self.config.save_every
        )

    def _save(self) -> None:
        """Write a checkpoint: one file, replaced atomically, with all that later steps need."""
        if self.folder is None:
            return
        tensors = {f"model.{name}": w for name, w in self.task.module.state_dict().items()}
        tensors |= {f"best.{name}": w for name, w in self.best.items()}
        tensors |= {f"average.{name}": w for name, w in self.average.items()}
        optimizer = self.optimizer.state_dict()
        for number, moments in optimizer["state"].items():
            for name, value in moments.items():
                tensors[f"optim.{number}.{name}"] = torch.as_tensor(value)
        tensors |= {f"carried.{name}": value for name, value in self.task.carried().items()}
        tensors["rng.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        # The log first: it may be ahead of the checkpoint, which rewrites it, but never behind.
        lines = [json.dumps(record) + "\n" for record in self.state.history]
        self.folder.write(METRICS, "".join(lines))
        save_tensors(self.folder.last, tensors, asdict(self.state))
        self.saved_at = time.monotonic()
        self.listen(Saved(self.state.steps))

    def restore(self) -> None:
        """Restore the state of the last checkpoint."""
        if self.folder is None:
            raise RunError("resume: a run folder is needed to continue from")
        path = self.folder.last
        tensors, meta = load_tensors(path)
        try:
            self._restore(tensors, meta, path)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(f"{path}: is not a checkpoint of this run: {error}") from None

    def _restore(self, tensors: dict[str, Tensor], meta: dict[str, Any], path: Path) -> None:
        self.state = _State(**meta)
        parts: dict[str, dict[str, Tensor]] = {
            "model": {},
            "best": {},
            "average": {},
            "optim": {},
            "carried": {},
            "rng": {},
        }
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        load_weights(self.task.module, parts["model"], path)
        self.best = parts["best"]
        self.average = {name: w.to(self.device) for name, w in parts["average"].items()}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optim"].items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.task.carry(parts["carried"])
        torch.set_rng_state(parts["rng"]["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(parts["rng"]["cuda"], self.device)

    def _stopped(self) -> Interrupted:
        if self.folder is None:
            return Interrupted("training was interrupted")
        total = counted(self.plan.total_steps, "step")
        return Stopped(f"stopped after {self.state.steps:,} of {total} and saved")


def _all_done(epochs: int) -> str:
    return "the one epoch was done" if epochs == 1 else f"all {epochs:,} epochs were done"


@contextmanager
def _stop_flag() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop after the step; a second interrupts at once."""
    flag = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        flag.set()
        signal.signal(signal.SIGINT, previous)

    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, ask)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)
