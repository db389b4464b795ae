"""Building, training and scoring the networks of a prepared run."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Generic

import torch
from torch import Tensor

from longshort.config.training import BaseConfig
from longshort.data.splits import S
from longshort.errors import ConfigError, Interrupted, Stopped
from longshort.runfolder import RunFolder
from longshort.runs.cell import model_title
from longshort.runs.prepare import Prepared
from longshort.runs.result import Result
from longshort.runs.task import C, E, Encoded, Model, P, Say, Track
from longshort.runs.verdict import scored, scores_of
from longshort.train.events import Listener, silent
from longshort.train.loop import TrainingDiverged, TrainResult, fit

NETWORK, BASELINES, KEPT = "network.", "baselines.", "kept."
"""Prefixes of tensor names in `model.safetensors`."""


class Job(Generic[C, S, E, P]):
    """One run: built from prepared data, then trained, then scored, in the order of its methods."""

    def __init__(self, prepared: Prepared[C, S, E, P], say: Say) -> None:
        self.prepared = prepared
        self.task, self.config = prepared.task, prepared.config
        check_device(self.config)
        with threads(self.config.train.threads):
            splits = prepared.splits.by_name()
            self.encoded = {name: self._encoded(each) for name, each in splits.items()}
            torch.manual_seed(self.config.train.seed)
            network = self.task.build(self.config, prepared.encoder)
            self.model = Model(self.config, prepared.encoder, network)
            train, val = self.encoded["train"], self._validation()
            sizes = self.task.describe_encoded(prepared.encoder, self.encoded)
            for line in (*sizes, *self.task.start(self.model, train, val)):
                say(line)
            network.to(self.config.train.device)
            self.training = self.task.training(self.model, train, val)
        self.networks: dict[str, Model[C, E]] = {}
        """Trained baseline networks, by name."""
        self.left_out: dict[str, str] = {}
        """Baselines that are missing, each with the reason."""

    def _encoded(self, samples: S) -> Encoded[S]:
        return Encoded(samples, self.task.encode(self.prepared.encoder, samples))

    def _validation(self) -> Encoded[S]:
        return self.encoded.get("val") or self._encoded(self.prepared.splits.val)

    def train(
        self, folder: RunFolder | None, listen: Listener, *, resume: bool, until: int | None = None
    ) -> TrainResult:
        """Train the model; checkpoints are written where there is a run folder.

        resume: continue from the last checkpoint. until: pause after this epoch.
        """
        training = self.training
        with threads(self.config.train.threads):
            return fit(*training[:3], folder=folder, resume=resume, until=until, listen=listen)

    def fit_rest(self, say: Say, track: Track) -> None:
        """Fit the arrays that are kept beside the weights, such as a calibration."""
        with threads(self.config.train.threads):
            train, val = self.encoded["train"], self._validation()
            kept = self.task.fit_rest(self.model, train, val, say, track)
            self.model = replace(self.model, kept=kept)

    def train_baselines(self, say: Say, listen: Listener) -> None:
        """Train the baseline networks; one whose loss diverges is left out."""
        with threads(self.config.train.threads):
            torch.manual_seed(self.config.train.seed)
            for name, model in self.task.baseline_models(self.model).items():
                say(f"baseline: {name} is trained")
                self._train_baseline(name, model, say, listen)

    def _train_baseline(self, name: str, model: Model[C, E], say: Say, listen: Listener) -> None:
        train, val = self.encoded["train"], self._validation()
        self.task.start(model, train, val)
        model.network.to(model.device)
        training = self.task.training(model, train, val)
        try:
            fit(*training[:3], listen=silent if training.is_brief else listen)
        except TrainingDiverged as error:
            self.left_out[name] = f"is left out: {error}"
            say(f"note: the baseline {name} {self.left_out[name]}")
            return
        except Interrupted:
            raise Stopped(
                f"stopped while the baseline {name} was in training; the model itself is done and "
                "saved"
            ) from None
        self.networks[name] = model

    def tensors(self) -> dict[str, Tensor]:
        """Return all networks' weights and the kept arrays, by their names in the run folder."""
        found = _under(NETWORK, self.model.network)
        for name, model in self.networks.items():
            found |= _under(f"{BASELINES}{name}.", model.network)
        kept = self.model.kept.items()
        return found | {f"{KEPT}{name}": torch.from_numpy(values) for name, values in kept}

    def finish(self, result: TrainResult, track: Track) -> Result[C, S, E, P]:
        """Score the model and its baselines on the test split, which nothing has used before."""
        task, model, test = self.task, self.model, self.encoded["test"]
        track(f"scoring the test {task.words.samples} beside the baselines", 0, 0)
        with threads(self.config.train.threads):
            own = task.predict(model, test.arrays)
            others = task.baselines(model, self._with_validation(), self.networks, track)
            found = scored(task, model, test.samples, own, others)
            found = replace(found, left_out=self.left_out)
            scores = scores_of(task, model, model_title(self.config), found)
        scores["training"] = self._training_record(result)
        found_result = Result(
            model,
            self.prepared.splits,
            self.encoded,
            self.prepared.findings,
            found,
            scores,
            task.test_table(model, found),
            result,
            environment(),
        )
        more, said = task.proofs(found_result)
        scores |= more
        scores["verdict"] += said
        return found_result

    def _with_validation(self) -> dict[str, Encoded[S]]:
        return self.encoded | {"val": self._validation()}

    def _training_record(self, result: TrainResult) -> dict[str, Any]:
        weights = self.model.network.parameters()
        return {
            "best_epoch": result.best_epoch,
            "best_val_score": result.best_score,
            "measure": self.training.learning.measure,
            "reason": result.reason,
            "parameters": sum(weight.numel() for weight in weights),
        }


def _under(prefix: str, network: Any) -> dict[str, Tensor]:
    return {f"{prefix}{name}": values for name, values in network.state_dict().items()}


def check_device(config: BaseConfig) -> None:
    """Raise `ConfigError` if this machine lacks the device of the settings."""
    try:
        torch.zeros((), device=config.train.device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"train.device: {config.train.device!r} cannot be used here ({reason}); cpu always can"
        ) from None


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Use this many CPU threads inside the block, and restore the previous number afterwards.

    count: None leaves the number as it is.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def environment() -> dict[str, Any]:
    """Return the versions of the software and the machine, for `env.json`."""
    packages = ("longshort", "torch", "numpy", "polars")
    return {
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in packages},
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }
