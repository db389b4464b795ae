"""The trainings of a comparison: each is kept, so that an interrupted comparison goes on."""

from __future__ import annotations

import math
import re
import shutil
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from longshort.config import read_back
from longshort.errors import ConfigError
from longshort.runfolder import CONFIG, RunFolder, finite_or_none
from longshort.runs import prepare
from longshort.runs.job import threads
from longshort.runs.lookup import AnyTask
from longshort.runs.task import Scores, quiet, untracked
from longshort.runs.trained import without_other_files
from longshort.runs.trial import Ground, Trial
from longshort.train.checkpoint import load_tensors, load_weights
from longshort.train.events import Event, Listener, Stepped, Working
from longshort.train.loop import TrainingDiverged, TrainResult
from longshort.tuning.compare_plan import RATE, Arm, Pair

AnyGround = Ground[Any, Any, Any, Any]
AnyTrial = Trial[Any, Any, Any, Any]
Record = dict[str, Any]
"""What is known of a training, as plain values."""
SEED, SPLIT_SEED = "train.seed", "split.seed"
EPOCHS = "train.max_epochs"


class Grounds:
    """The data in the splits of each pair; those of the latest pair are kept."""

    def __init__(self, task: AnyTask, settings: Mapping[str, Any], data: object) -> None:
        self.task, self.settings, self.data = task, settings, data
        self._latest: tuple[int | None, AnyGround] | None = None

    def of(self, pair: Pair) -> AnyGround:
        """Return the data, split as in this pair."""
        if self._latest is None or self._latest[0] != pair.split_seed:
            self._latest = pair.split_seed, Ground(self.task, self._settings(pair), self.data)
        return self._latest[1]

    def _settings(self, pair: Pair) -> dict[str, Any]:
        if pair.split_seed is None:
            return dict(self.settings)
        whole = read_back(prepare.config_of(self.task, self.settings))["split"]
        return {**self.settings, "split": {**whole, "seed": pair.split_seed}}


class Trainings:
    """The trainings of all alternatives in all pairs.

    folder: where they are. epochs: of a whole training, and of one that tries a learning rate.
    rates: those that are tried; none or one are not tuned. longer: a file of longer samples. done:
    called after each training with its epochs and its seconds, which are 0 if it was read from the
    folder.
    """

    def __init__(
        self,
        grounds: Grounds,
        folder: RunFolder,
        epochs: tuple[int, int],
        rates: tuple[float, ...],
        longer: str | None,
        listen: Listener,
        done: Callable[[int, float], None],
    ) -> None:
        self.grounds, self.folder = grounds, folder
        self.epochs, self.tuning_epochs = epochs
        self.rates, self.longer = rates, longer
        self.listen, self.done = listen, done
        self._tuned: dict[tuple[int, int], list[tuple[float, float | None]]] = {}

    def final(self, arm: Arm, pair: Pair, tuning: Pair) -> Record:
        """Return the whole training of an alternative in a pair, scored on the test split.

        tuning: the pair in which its learning rate is tuned.
        """
        tuned = self.tuned(arm, tuning)
        rate = {} if tuned["rate"] is None else {RATE: tuned["rate"]}

        def train() -> Record:
            trial, found = self._trained(arm, pair, rate, self.epochs, _slug(arm, pair))
            return tuned | found | held_out(trial, self.longer)

        return self._kept(_slug(arm, pair), self.epochs, train)

    def tuned(self, arm: Arm, pair: Pair) -> Record:
        """Return the learning rate with the best validation score, and the scores of all.

        Raises `ConfigError` if the training diverges with each of them.
        """
        if len(self.rates) < 2:
            return {"rate": self.rates[0] if self.rates else None, "tried": []}
        place = arm.number, pair.number
        if place not in self._tuned:
            self._tuned[place] = [(rate, self._try(arm, pair, rate)) for rate in self.rates]
        known = [(score, rate) for rate, score in self._tuned[place] if score is not None]
        if not known:
            raise ConfigError(
                f"compare: {arm.name} diverges with every learning rate "
                f"({', '.join(f'{rate:g}' for rate in self.rates)}); give lower ones with --rates"
            )
        return {"rate": min(known)[1], "tried": self._tuned[place]}

    def _try(self, arm: Arm, pair: Pair, rate: float) -> float | None:
        """Return the best validation score of a short training at this rate; None: diverged."""
        name, epochs = f"{_slug(arm, pair)}-rate-{rate:g}", self.tuning_epochs

        def train() -> Record:
            _, found = self._trained(arm, pair, {RATE: rate}, epochs, name)
            return found

        score: float | None = self._kept(name, epochs, train)["val"]
        return score

    def _kept(self, name: str, epochs: int, train: Callable[[], Record]) -> Record:
        """Return the record in the folder; without one, train and keep it."""
        file = f"{name}.json"
        if self.folder.file(file).is_file():
            self.done(epochs, 0.0)
            return self.folder.read_json(file)
        begun = time.monotonic()
        record: Record = finite_or_none(train())
        self.folder.write_json(file, record)
        shutil.rmtree(self.folder.file(name))
        self.done(epochs, time.monotonic() - begun)
        return record

    def _trained(
        self, arm: Arm, pair: Pair, rate: Mapping[str, float], epochs: int, name: str
    ) -> tuple[AnyTrial, Record]:
        changes = {**arm.changes, **rate, SEED: pair.seed, EPOCHS: epochs}
        path = self.folder.file(name)
        if path.is_dir() and not (path / CONFIG).is_file():  # it was stopped before it began
            shutil.rmtree(path)
        trial = self.grounds.of(pair).trial(changes, path)
        what = f"pair {pair.number}, {arm.name}"
        pace = _Pace(f"{what}, rate {rate[RATE]:g}" if rate else what, self.listen)
        result = _advance(trial, pace)
        return trial, {
            "val": None if result is None else result.best_score,
            "best_epoch": None if result is None else result.best_epoch,
            "diverged": result is None,
            "step_seconds": pace.median(),
        }


def _advance(trial: AnyTrial, listen: Listener) -> TrainResult | None:
    """Train to the end; None if the loss diverges, and then the best weights before are taken."""
    try:
        return trial.advance(listen=listen)
    except TrainingDiverged:
        assert trial.folder is not None
        best = trial.folder.best
        load_weights(trial.job.model.network, load_tensors(best)[0], best)
        return None


def held_out(trial: AnyTrial, longer: str | None) -> Record:
    """Return scores of the test split, and of a file of longer samples if there is one.

    content: a digest of all splits. test_samples: what the test split counts in.
    """
    job = trial.job
    job.fit_rest(quiet, untracked)
    metric = job.task.metric(job.config).key
    with threads(job.config.train.threads):
        test = job.encoded["test"]
        scores = _scored(trial, test.samples, test.arrays)
        found = {
            "metric": metric,
            "test": _number(scores.values[metric]),
            "scores": {each.key: scores.values.get(each.key) for each in job.task.metrics},
            "test_samples": len(scores.per_sample),
            "content": job.prepared.digest(),
        }
        if longer is not None:
            found["longer"] = _scored(trial, *read_longer(trial, longer)).values[metric]
        return found


def read_longer(trial: AnyTrial, path: str) -> tuple[Any, Any]:
    """Return labelled samples of another file, and their arrays."""
    task, model = trial.job.task, trial.job.model
    reader = replace(model, config=without_other_files(model.config))
    own = trial.job.prepared.splits if task.needs_own_data else None
    samples = task.read_labelled(path, reader, own)
    return samples, task.encode(model.encoder, samples)


def _scored(trial: AnyTrial, samples: Any, arrays: Any) -> Scores:
    task, model = trial.job.task, trial.job.model
    return task.score(model, samples, task.predict(model, arrays))


def _number(value: object) -> float:
    """Return the deciding score; raises `ConfigError` where these data leave it undefined."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise ConfigError(
        f"compare: the deciding score of the test split is undefined ({value}); give more test data"
    )


class _Pace:
    """Listens to a training: reports its progress, and takes the time of steps."""

    def __init__(self, what: str, listen: Listener) -> None:
        self.what, self.listen = what, listen
        self._before: tuple[int, float] | None = None
        self._gaps: list[float] = []

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Stepped):
            self._before = None  # validation and saving are no part of a step
            return
        now = time.perf_counter()
        if self._before is not None and self._before[0] == event.epoch:
            self._gaps.append(now - self._before[1])
        self._before = event.epoch, now
        self.listen(Working(self.what, event.step, event.total_steps))

    def median(self) -> float | None:
        """Return the seconds of a step; None where no two steps followed each other."""
        return statistics.median(self._gaps) if self._gaps else None


def _slug(arm: Arm, pair: Pair) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "-", arm.name).strip("-")
    return f"pair-{pair.number}-{arm.number}-{plain}"
