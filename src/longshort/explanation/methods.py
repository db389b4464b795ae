"""The methods by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshort.errors import ConfigError, nearest
from longshort.explanation.attribution import Attribution
from longshort.explanation.decomposition.cd import contextual_decomposition
from longshort.explanation.gradients import gradient_times_input, integrated_gradients
from longshort.explanation.occlusion import occlusion, shapley
from longshort.explanation.relevance.lrp import layer_wise_relevance
from longshort.runs.explaining import Question, Subject


@dataclass(frozen=True)
class Method:
    """A method: its title for people, and the error of its sum that is allowed (None: any)."""

    title: str
    tolerance: float | None


METHODS = {
    "ig": Method("integrated gradients", 0.01),
    "lrp": Method("layer-wise relevance", 1e-6),
    "cd": Method("contextual decomposition", 1e-6),
    "gradient": Method("gradient × input", None),
    "occlusion": Method("occlusion", None),
    "shap": Method("Shapley values of stretches of time", 1e-6),
}
DEFAULT = ("ig", "lrp")


def check_methods(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names; raises `ConfigError` for an unknown one, or for none."""
    for name in names:
        if name not in METHODS:
            raise ConfigError(f"method: {name!r} is not known; {nearest(name, METHODS)}")
    if not names:
        raise ConfigError(f"method: give at least one of {', '.join(METHODS)}")
    return tuple(dict.fromkeys(names))


def attribute(
    name: str, subject: Subject, question: Question, baseline: str, seed: int
) -> Attribution:
    """Explain a question by a method."""
    by_equations = {"lrp": layer_wise_relevance, "cd": contextual_decomposition}
    if name in by_equations:
        return by_equations[name](subject, question)
    by_asking = {
        "ig": integrated_gradients,
        "gradient": gradient_times_input,
        "occlusion": occlusion,
        "shap": shapley,
    }
    return by_asking[name](question, baseline, seed)
