"""The rules: a number of an experiment beyond its threshold suggests a cause, and a remedy.

Thresholds are of our own, set on the half of `benchmarks/faults.py` that is not reported, unless a
source is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

All = Mapping[str, Measured]
Wanted = Callable[[Subject, All], Mapping[str, Any] | None]

REGAINED = 0.2
"""Share of what could be learned that a remedy must win back for its cause to be a finding."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    experiment, number, limit: a number above the limit (below it for `below`) raises the suspicion.
    proves: the number alone decides; else the remedy is tried, and has to win back `REGAINED`.
    wanted: the values of `Subject.settings` that the remedy sets; None from it: does not apply, and
    the suspicion is dropped. advice: the remedy in words, where no setting makes it.
    """

    id: str
    experiment: str
    number: str
    limit: float
    place: str
    cause: str
    advice: str = ""
    below: bool = False
    proves: bool = False
    wanted: Wanted | None = None

    def holds(self, value: float) -> bool:
        """Whether the number is beyond the limit."""
        return value < self.limit if self.below else value > self.limit


def _has(subject: Subject, name: str) -> Any:
    return subject.settings.get(name)


def _number(found: All, experiment: str, name: str, default: float = 0.0) -> float:
    return found[experiment].numbers.get(name, default) if experiment in found else default


def _valley(subject: Subject, found: All) -> Mapping[str, Any] | None:
    if _has(subject, "learning_rate") is None or "range test" not in found:
        return None
    return {"learning_rate": float(f"{_number(found, 'range test', 'valley'):.1g}")}


def _clipping(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    return {"clip": 1.0} if "clip" in subject.settings else None


def _less_dropout(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    rate = _has(subject, "dropout")
    return {"dropout": 0.2} if rate is not None and rate >= 0.6 else None


def _less_decay(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    decay = _has(subject, "weight_decay")
    return {"weight_decay": 0.01} if decay is not None and decay >= 0.1 else None


def _wider(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    width = _has(subject, "width")
    return {"width": 32} if width and width <= 8 else None


def _longer(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    return {"epochs": 5 * int(subject.settings["epochs"])}


def _narrower(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    width = _has(subject, "width")
    return {"width": max(8, width // 16)} if width and width >= 256 else None


def _gated(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    cell = str(_has(subject, "cell") or "").lower()
    return {"cell": "lstm"} if cell in ("rnn", "elman", "indrnn") else None


def _further_back(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    steps = _has(subject, "bptt")
    return {"bptt": 32} if steps and steps < 10 else None


def _scaled(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    return {"scale": "zscore"} if _has(subject, "scale") == "none" else None


def _larger_batch(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    batch = _has(subject, "batch")
    return {"batch": 32} if batch and batch <= 2 and "learning_rate" in subject.settings else None


def _begun(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    return {"init": True} if subject.can("init") else None


def _mixed(subject: Subject, found: All) -> Mapping[str, Any] | None:
    can = subject.can("shuffle") and _number(found, "order", "mixable") > 0
    return {"shuffle": True} if can else None


def _moved(subject: Subject, found: All) -> Mapping[str, Any] | None:
    shift = int(_number(found, "alignment", "shift"))
    return {"shift": shift} if shift and subject.can("shift") else None


def _own_step(subject: Subject, found: All) -> Mapping[str, Any] | None:
    del found
    return {"own_step": True} if subject.can("own_step") else None


RULES = (
    Rule(
        "bad-input",
        "inputs",
        "missing",
        0.0,
        "data",
        "inputs are NaN or infinite",
        "remove or fill the missing values before training",
        proves=True,
    ),
    Rule(
        "bad-input",
        "inputs",
        "target_missing",
        0.0,
        "data",
        "targets are NaN or infinite",
        "leave samples without a target out",
        proves=True,
    ),
    Rule(
        "scale",
        "inputs",
        "scale",
        1e3,
        "data",
        "inputs are not scaled",
        "divide every feature by its deviation in the training split",
        proves=True,
    ),
    Rule(
        "target-scale",
        "inputs",
        "target_scale",
        20.0,
        "data",
        "targets are not scaled",
        "subtract the mean of the training targets and divide by their deviation",
        proves=True,
    ),
    Rule(
        "leak",
        "leaks",
        "shared",
        0.05,
        "splits",
        "validation samples are training samples too",
        "remove duplicates before splitting, or split by their source",
        proves=True,
    ),
    Rule(
        "leak",
        "leaks",
        "pooled",
        20.0,
        "splits",
        "the scaler was fitted on all splits",
        "fit the scaler on the training split alone",
        proves=True,
    ),
    Rule(
        "leak",
        "leaks",
        "shown",
        0.95,
        "data",
        "an input is the target",
        "leave the input out that is known only with the target",
        proves=True,
    ),
    Rule(
        "no-shuffle",
        "order",
        "sorted",
        0.5,
        "batches",
        "batches come in the order of their targets",
        "shuffle the training samples in every epoch",
        proves=True,
        wanted=_mixed,
    ),
    Rule(
        "imbalance",
        "order",
        "rarest",
        0.01,
        "data",
        "a label is very rare",
        "weigh the loss by the inverse share of the labels",
        below=True,
        proves=True,
    ),
    Rule(
        "axes",
        "mixing",
        "mixed",
        1e-3,
        "network",
        "samples of a batch influence each other: batch and time are swapped",
        "use batch_first=True, or transpose the input",
        proves=True,
    ),
    Rule(
        "undetached",
        "state",
        "growth",
        1.2,
        "state",
        "the carried state is not detached, so the backward graph grows with every batch",
        "detach the state after each batch",
        proves=True,
    ),
    Rule(
        "state-leak",
        "state",
        "carried",
        1e-4,
        "state",
        "a state is handed on between unrelated batches",
        "start every batch with state None",
        proves=True,
    ),
    Rule(
        "state-lost",
        "state",
        "kept",
        1e-7,
        "state",
        "the state is not handed on between batches",
        "pass the detached state of one batch to the next",
        below=True,
        proves=True,
    ),
    Rule(
        "state-lost",
        "past",
        "past_unused",
        0.5,
        "state",
        "the state is lost at every step",
        "pass the state of one step to the next",
        proves=True,
    ),
    Rule(
        "future-read",
        "past",
        "future_read",
        1e-5,
        "network",
        "outputs depend on later steps",
        "use one direction, and no statistics over time",
        proves=True,
    ),
    Rule(
        "wrong-direction",
        "past",
        "one_step_back",
        0.5,
        "network",
        "the backward direction is read where it has seen a single step (pytorch#619)",
        "take its output at the first step, or h_n",
        proves=True,
    ),
    Rule(
        "mask",
        "padding",
        "in_loss",
        1e-6,
        "loss",
        "padded steps are in the loss",
        "mask the loss by the lengths",
        proves=True,
    ),
    Rule(
        "wrong-last",
        "padding",
        "read",
        1e-4,
        "network",
        "answers are read from padding",
        "read the output at lengths - 1, or pack the sequences",
        proves=True,
    ),
    Rule(
        "double-softmax",
        "output",
        "double_softmax",
        0.5,
        "head",
        "the softmax is taken twice",
        "give logits to the cross entropy",
        proves=True,
    ),
    Rule(
        "wrong-loss",
        "output",
        "class_numbers",
        0.5,
        "loss",
        "a squared error of class numbers",
        "use the cross entropy with an output for every class",
        proves=True,
    ),
    Rule(
        "range",
        "output",
        "outside",
        0.01,
        "head",
        "the output is bounded, and targets lie outside",
        "end in a linear layer",
        proves=True,
    ),
    Rule(
        "precision",
        "weights",
        "overflow",
        0.5,
        "network",
        "values overflow",
        "compute this part in float32 or bfloat16",
        proves=True,
    ),
    Rule(
        "symmetry",
        "weights",
        "alike",
        0.5,
        "recurrent",
        "all units start with the same weights",
        "draw initial weights at random",
        proves=True,
        wanted=_begun,
    ),
    Rule(
        "chunks",
        "layers",
        "chunks",
        1e-3,
        "recurrent",
        "a sequence in chunks differs from the whole one",
        "return the whole state of the cell",
        proves=True,
    ),
    Rule(
        "future-read",
        "layers",
        "future",
        1e-4,
        "recurrent",
        "a layer of one direction reads later steps",
        "compute a step from earlier ones alone",
        proves=True,
    ),
    Rule(
        "frozen-part",
        "training step",
        "frozen",
        0.0,
        "optimizer",
        "some weights never change",
        "give all parameters to the optimizer",
        proves=True,
        wanted=_own_step,
    ),
    Rule(
        "grad-accumulated",
        "training step",
        "accumulated",
        0.5,
        "training step",
        "gradients of earlier batches are never zeroed",
        "call optimizer.zero_grad() in each step",
        proves=True,
        wanted=_own_step,
    ),
    Rule(
        "mode",
        "training step",
        "in_evaluation",
        0.5,
        "training step",
        "training runs in evaluation mode",
        "call module.train() before training",
        proves=True,
    ),
    Rule(
        "mode",
        "modes",
        "in_training",
        0.0,
        "validation",
        "validation runs in training mode",
        "call module.eval() before validation",
        proves=True,
    ),
    Rule(
        "misaligned",
        "alignment",
        "copied",
        0.5,
        "data",
        "the target is the input of the same step",
        "predict the next step: targets = inputs[1:]",
        proves=True,
    ),
    Rule(
        "misaligned",
        "alignment",
        "gain",
        0.15,
        "data",
        "targets belong to another step",
        "shift the targets",
        wanted=_moved,
    ),
    Rule(
        "lr-high",
        "range test",
        "off",
        6.0,
        "train.learning_rate",
        "the learning rate is too high",
        wanted=_valley,
    ),
    Rule(
        "lr-low",
        "range test",
        "off",
        1 / 6,
        "train.learning_rate",
        "the learning rate is too low",
        below=True,
        wanted=_valley,
    ),
    Rule(
        "lr-high",
        "course",
        "diverged",
        0.5,
        "train.learning_rate",
        "the learning rate is too high",
        wanted=_valley,
    ),
    Rule(
        "batch",
        "settings",
        "batch",
        3,
        "train.batch_size",
        "batches are too small",
        below=True,
        wanted=_larger_batch,
    ),
    Rule(
        "clip-tight",
        "step quality",
        "over",
        20.0,
        "train.clip_norm",
        "the clip is far below the gradient's norm",
        wanted=_clipping,
    ),
    Rule(
        "clip-missing",
        "step quality",
        "spikes",
        8.0,
        "train.clip_norm",
        "gradients spike and are not clipped",
        wanted=_clipping,
    ),
    Rule(
        "over-regularised",
        "settings",
        "dropout",
        0.55,
        "model.dropout",
        "dropout is too strong",
        wanted=_less_dropout,
    ),
    Rule(
        "over-regularised",
        "settings",
        "weight_decay",
        0.09,
        "train.weight_decay",
        "weight decay is too strong",
        wanted=_less_decay,
    ),
    Rule(
        "capacity",
        "settings",
        "width",
        9,
        "model.hidden",
        "the network is too small",
        below=True,
        wanted=_wider,
    ),
    Rule(
        "vanishing",
        "lags",
        "reach",
        0.35,
        "model.cell",
        "the gradient vanishes in a plain RNN",
        below=True,
        wanted=_gated,
    ),
    Rule(
        "truncation",
        "settings",
        "bptt",
        10,
        "train.bptt",
        "gradients end before the lag that matters",
        below=True,
        wanted=_further_back,
    ),
    Rule(
        "target-scale",
        "settings",
        "unscaled",
        0.5,
        "transform.scale",
        "the target is not scaled",
        wanted=_scaled,
    ),
    Rule(
        "exploding",
        "lags",
        "growth",
        5.0,
        "recurrent",
        "gradients grow with every step back",
        "start recurrent weights orthogonally",
        wanted=_begun,
    ),
    Rule(
        "memory-short",
        "lags",
        "reach",
        0.1,
        "recurrent",
        "the layer forgets within a few steps",
        "start the forget bias at 1 or above",
        below=True,
        wanted=_begun,
    ),
    Rule(
        "overfit",
        "course",
        "rise",
        0.15,
        "model.hidden",
        "the network learns its samples by heart",
        wanted=_narrower,
    ),
    Rule(
        "stopped-early",
        "course",
        "late",
        0.08,
        "train.max_epochs",
        "training ended while it was still improving",
        wanted=_longer,
    ),
    Rule(
        "label-noise",
        "noise",
        "contradiction",
        0.2,
        "data",
        "labels contradict their inputs",
        "correct the labels, or drop those that a cross-validated network contradicts",
        proves=True,
    ),
    Rule(
        "no-signal",
        "zeroed input",
        "used",
        0.05,
        "data",
        "nothing was learned from the input",
        "check that inputs and targets belong together; else there is no signal to learn",
        below=True,
        proves=True,
    ),
)
"""All rules, in the order in which suspicions are followed."""
