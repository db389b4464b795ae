"""Weights of recurrent layers in few bits: what that costs, and whether it may be exported."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from longshort.errors import ConfigError, RunError, nearest
from longshort.nn import Recurrent
from longshort.runs.task import MODEL, Model
from longshort.runs.trained import AnyTrained
from longshort.runtime.compact import KINDS, rounded

ALLOWED = 0.01
"""Largest loss of int8 weights, as a share of the gap between the model and its best baseline."""

_NAMES = ("float32", "bf16", "int8")


@dataclass(frozen=True)
class Rounding:
    """What rounding costs: a metric of the validation split before and after.

    weights: kind of the weights. gap: distance of the model from its best baseline on the test
    split, in the same metric. loss: how much worse it is after, as a share of the gap; 0 where it
    is not. matrices: names of the weights.
    """

    weights: str
    metric: str
    before: float
    after: float
    gap: float
    loss: float
    matrices: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"matrices": list(self.matrices)}

    def sentence(self) -> str:
        """Return the costs in words."""
        return (
            f"{self.weights} weights: {self.metric} of the validation split {self.before:.5g} "
            f"before and {self.after:.5g} after, a loss of {self.loss:.2%} of the gap to the best "
            "baseline"
        )


def kind_of(weights: str) -> str:
    """Return the kind of weights of this name; raises `ConfigError` for one that is not known."""
    kind = "bfloat16" if weights == "bf16" else weights
    if kind not in KINDS:
        raise ConfigError(f"--weights: {weights!r} is not known; {nearest(weights, _NAMES)}")
    return kind


def rounded_run(
    trained: AnyTrained, weights: str, scores: dict[str, Any]
) -> tuple[AnyTrained, Rounding]:
    """Return the run with rounded matrices in its recurrent layers, and what that costs.

    scores: content of the run's `scores.json`. Raises `RunError` where int8 costs too much, and
    where nothing says what it costs.
    """
    network = deepcopy(trained.model.network)
    names = _matrices(network)
    parameters = dict(network.named_parameters())
    if not names:
        raise RunError(f"--weights {weights}: the network has no recurrent layers to round")
    for name in names:
        values = parameters[name].detach().cpu().numpy()
        if values.dtype != np.float32:
            raise RunError(f"--weights {weights}: is for weights in float32, got {values.dtype}")
        parameters[name].data.copy_(torch.from_numpy(rounded(values, weights)))
    found = replace(trained, model=replace(trained.model, network=network))
    cost = _cost(trained, found, weights, scores, names)
    if weights == "int8" and cost.loss > ALLOWED:
        raise RunError(
            f"{cost.sentence()}, where {ALLOWED:.0%} is allowed; nothing was written: export with "
            "--weights bf16, or without"
        )
    return found, cost


def _matrices(network: Any) -> tuple[str, ...]:
    """Return the names of the matrices of all recurrent layers."""
    return tuple(
        f"{prefix}.{name}" if prefix else name
        for prefix, module in network.named_modules()
        if isinstance(module, Recurrent)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() == 2
    )


def _cost(
    before: AnyTrained,
    after: AnyTrained,
    weights: str,
    scores: dict[str, Any],
    names: tuple[str, ...],
) -> Rounding:
    metric = before.task.metric(before.config)
    val = before.own_splits().val
    if not len(val):
        raise RunError(
            f"--weights {weights}: the run has no validation split that says what rounding costs; "
            "export without"
        )
    one, other = (_score(each.model, each, val, metric.key) for each in (before, after))
    test = scores["test"]
    best = test["baselines"][scores["best_baseline"]]
    gap = abs(float(test[MODEL][metric.key]) - float(best[metric.key]))
    worse = max(0.0, metric.rank(other) - metric.rank(one))
    loss = worse / gap if gap else (float("inf") if worse else 0.0)
    return Rounding(weights, metric.key, one, other, gap, loss, names)


def _score(model: Model[Any, Any], run: AnyTrained, samples: Any, key: str) -> float:
    values = run.task.score(model, samples, run.predict(samples)).values
    return float(values[key])
