"""The planted faults, their names, places and repairs, and the healthy trainings beside them.

Each fault is planted in three tasks. Thresholds were set on the first (adding, classes, tags;
regress, classify, tag, words), and corrected by looking at the second (sine, orders, chars;
forecast, lm). The third was made after that, and is reported (largest, shapes, melody; sawtooth,
tunes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from faults_tasks import Setup


@dataclass(frozen=True)
class Planted:
    """A fault: its number, the ids that name it, where it lies, what plants it, and in what tasks.

    base: changes that faulty and healthy training share. reported: the harm is a wrong validation
    score, not a worse model. repairable: whether any repair exists.
    """

    number: int
    ids: tuple[str, ...]
    place: str
    tasks: tuple[str, str]
    changes: Mapping[str, Any]
    base: Mapping[str, Any] = field(default_factory=dict)
    reported: bool = False
    repairable: bool = True

    @property
    def is_run(self) -> bool:
        """Whether it is planted in the settings of a run."""
        return any("." in key for key in self.changes)


UNSEEN = {
    "sine": "largest",
    "orders": "shapes",
    "chars": "melody",
    "forecast": "sawtooth",
    "lm": "tunes",
}
"""The third task of a fault, by its second one."""
SGD = {"train.optimizer": "sgd", "train.learning_rate": 0.1}
FAULTS = (
    Planted(
        1,
        ("lr-high",),
        "train.learning_rate",
        ("classify", "forecast"),
        {"train.learning_rate": 1.0},
    ),
    Planted(
        2, ("lr-low",), "train.learning_rate", ("regress", "lm"), {"train.learning_rate": 2e-5}
    ),
    Planted(3, ("frozen-part",), "optimizer", ("adding", "chars"), {"is_frozen": True}),
    Planted(4, ("grad-accumulated",), "training step", ("classes", "sine"), {"zero_grad": False}),
    Planted(5, ("double-softmax",), "head", ("classes", "orders"), {"softmax": True}),
    Planted(6, ("wrong-loss",), "loss", ("classes", "orders"), {"squared": True}),
    Planted(7, ("label-noise",), "data", ("classes", "orders"), {"noise": 0.5}),
    Planted(8, ("misaligned",), "data", ("tags", "chars"), {"shift": -1}),
    Planted(9, ("scale",), "data", ("adding", "sine"), {"input_scale": 1e4}),
    Planted(10, ("target-scale",), "data", ("adding", "sine"), {"target_scale": 100.0}),
    Planted(11, ("bad-input",), "data", ("adding", "sine"), {"is_missing": True}),
    Planted(12, ("axes",), "network", ("classes", "orders"), {"is_swapped": True}),
    Planted(13, ("no-shuffle",), "batches", ("classes", "orders"), {"is_sorted": True}),
    Planted(14, ("state-leak",), "state", ("adding", "sine"), {"keeps_state": True}),
    Planted(
        15, ("undetached",), "state", ("tags", "chars"), {"detaches": False}, {"streams": True}
    ),
    Planted(16, ("state-lost",), "state", ("tags", "chars"), {"forgets_steps": True}),
    Planted(17, ("mask",), "loss", ("tags", "chars"), {"masks": False}, {"has_lengths": True}),
    Planted(
        18,
        ("wrong-last",),
        "network",
        ("classes", "orders"),
        {"reads_end": True},
        {"has_lengths": True},
    ),
    Planted(
        19,
        ("wrong-direction",),
        "network",
        ("classes", "orders"),
        {"reads_last_of_both": True},
        {"bidirectional": True},
    ),
    Planted(
        20,
        ("memory-short",),
        "recurrent",
        ("adding", "orders"),
        {"forget_bias": -6.0},
        {"epochs": 10},
    ),
    Planted(21, ("exploding",), "recurrent", ("adding", "orders"), {"recurrent_scale": 12.0}),
    Planted(22, ("vanishing",), "model.cell", ("adding", "orders"), {"cell": "rnn"}),
    Planted(23, ("truncation",), "train.bptt", ("words", "lm"), {"train.bptt": 1}),
    Planted(
        24,
        ("clip-tight",),
        "train.clip_norm",
        ("regress", "forecast"),
        {"train.clip_norm": 0.001},
        SGD,
    ),
    Planted(
        25,
        ("clip-missing", "lr-high"),
        "train.clip_norm",
        ("regress", "forecast"),
        {"train.clip_norm": "none"},
        {**SGD, "train.learning_rate": 1.0},
    ),
    Planted(26, ("capacity",), "model.hidden", ("regress", "forecast"), {"model.hidden": 1}),
    Planted(
        27,
        ("overfit",),
        "model.hidden",
        ("regress", "forecast"),
        {"model.hidden": 384, "model.dropout": 0.0},
        {"rows": 100},
    ),
    Planted(28, ("over-regularised",), "model.dropout", ("regress", "lm"), {"model.dropout": 0.9}),
    Planted(
        29,
        ("over-regularised",),
        "train.weight_decay",
        ("regress", "lm"),
        {"train.weight_decay": 10.0},
    ),
    Planted(30, ("stopped-early",), "train.max_epochs", ("regress", "lm"), {"train.max_epochs": 3}),
    Planted(31, ("leak",), "splits", ("adding", "sine"), {"scaler_of_all": True}, reported=True),
    Planted(32, ("leak",), "data", ("adding", "sine"), {"shows_target": True}),
    Planted(33, ("leak",), "splits", ("classes", "orders"), {"duplicates": 0.5}, reported=True),
    Planted(
        34,
        ("mode",),
        "validation",
        ("classes", "orders"),
        {"trains_in_validation": True},
        {"dropout": 0.5},
        reported=True,
    ),
    Planted(
        35,
        ("imbalance",),
        "data",
        ("classes", "orders"),
        {"is_weighted": False},
        {"rare": True, "is_weighted": True},
    ),
    Planted(
        36, ("no-signal",), "data", ("adding", "sine"), {"has_no_signal": True}, repairable=False
    ),
    Planted(37, ("range",), "head", ("adding", "sine"), {"bounded": True}),
    Planted(
        38,
        ("batch", "lr-high"),
        "train.batch_size",
        ("classify", "forecast"),
        {"train.batch_size": 1},
        {**SGD, "train.learning_rate": 0.3, "rows": 200},
    ),
    Planted(39, ("symmetry",), "recurrent", ("classes", "orders"), {"is_alike": True}),
    Planted(40, ("precision",), "network", ("adding", "sine"), {"is_half": True}),
)

FIXES: dict[str, Mapping[str, Any]] = {
    "double-softmax": {"softmax": False},
    "wrong-loss": {"squared": False},
    "label-noise": {"noise": 0.0},
    "scale": {"input_scale": 1.0},
    "target-scale": {"target_scale": 1.0},
    "bad-input": {"is_missing": False},
    "axes": {"is_swapped": False},
    "state-leak": {"keeps_state": False},
    "undetached": {"detaches": True},
    "state-lost": {"forgets_steps": False, "drops_state": False},
    "mask": {"masks": True},
    "wrong-last": {"reads_end": False},
    "wrong-direction": {"reads_last_of_both": False},
    "leak": {"scaler_of_all": False, "shows_target": False, "duplicates": 0.0},
    "mode": {"trains_in_validation": False},
    "imbalance": {"is_weighted": True},
    "range": {"bounded": False},
    "precision": {"is_half": False},
    "grad-accumulated": {"zero_grad": True},
    "frozen-part": {"is_frozen": False},
    "symmetry": {"is_alike": False},
    "no-shuffle": {"is_sorted": False},
    "misaligned": {"shift": 0},
}
"""What following the words of a remedy does in plain torch, by the id of the finding."""
NAMES = {
    "learning_rate": "lr",
    "weight_decay": "weight_decay",
    "dropout": "dropout",
    "epochs": "epochs",
    "clip": "clip",
    "cell": "cell",
}


def followed(setup: Setup, fault: str, changes: Mapping[str, Any]) -> Setup:
    """Return the setup after the remedy of a finding."""
    done = {NAMES[name]: value for name, value in changes.items() if name in NAMES}
    if changes.get("init"):
        done |= {"is_begun_anew": True}
    return replace(setup, **{**FIXES.get(fault, {}), **done})


HEALTHY_MODULES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("adding", {}),
    ("adding", {"optimizer": "adamw", "weight_decay": 0.01, "hidden": 48}),
    ("adding", {"cell": "gru", "batch": 16}),
    ("classes", {"dropout": 0.4}),
    ("classes", {"noise": 0.1}),
    ("classes", {"bidirectional": True, "batch": 16}),
    ("classes", {"has_lengths": True, "hidden": 40}),
    ("tags", {"has_lengths": True}),
    ("tags", {"streams": True}),
    ("tags", {"batch": 8, "lr": 0.004, "epochs": 8}),
    ("sine", {}),
    ("sine", {"cell": "gru", "clip": None}),
    ("sine", {"rows": 256, "hidden": 40, "epochs": 24}),
    ("orders", {"dropout": 0.4}),
    ("orders", {"noise": 0.1}),
    ("orders", {"bidirectional": True}),
    ("orders", {"has_lengths": True}),
    ("chars", {"has_lengths": True}),
    ("chars", {"streams": True}),
    ("chars", {"batch": 8, "dropout": 0.2}),
)
HEALTHY_RUNS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("classify", {}),
    ("classify", {"model.dropout": 0.4}),
    ("classify", {"model.cell": "gru"}),
    ("classify", {"train.batch_size": 8, "train.learning_rate": 0.004}),
    ("regress", {}),
    ("regress", {"train.weight_decay": 0.01}),
    ("regress", {"model.hidden": 48}),
    ("tag", {}),
    ("tag", {"train.batch_size": 16, "model.bidirectional": False}),
    ("words", {}),
    ("forecast", {}),
    ("forecast", {"model.linear": True}),
    ("forecast", {"model.cell": "gru", "model.dropout": 0.2}),
    ("forecast", {"train.learning_rate": 0.005, "train.max_epochs": 24}),
    ("forecast", {"model.hidden": 32, "train.batch_size": 16}),
    ("lm", {}),
    ("lm", {"model.dropout": 0.1}),
    ("lm", {"model.num_layers": 2, "model.hidden": 24}),
    ("lm", {"model.cell": "gru"}),
    ("lm", {"train.bptt": 48}),
)
CALIBRATION = ("adding", "classes", "tags", "classify", "regress", "tag", "words")
"""Tasks on which thresholds were set."""
PARTS = ("calibrate", "corrected", "unseen")
"""Parts of the bed."""


def part_of(task: str) -> str:
    """Return the part of the bed to which a task belongs."""
    if task in CALIBRATION:
        return "calibrate"
    return "unseen" if task in UNSEEN.values() else "corrected"


def with_unseen(cases: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, Any]]:
    """Return healthy cases, and those of the second tasks again for the third."""
    return [*cases, *((UNSEEN[task], how) for task, how in cases if task in UNSEEN)]
