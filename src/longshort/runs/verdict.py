"""The verdict: whether the model beats its best baseline, in numbers and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshort.data.splits import S
from longshort.metrics.significance import Comparison
from longshort.runs.task import MODEL, Baseline, C, E, Metric, Model, P, Scored, Task


def scored(
    task: Task[C, S, E, P],
    model: Model[C, E],
    samples: S,
    own: P,
    baselines: Mapping[str, Baseline[P]],
) -> Scored[S, P]:
    """Score the model's prediction and those of the baselines, and find the best baseline.

    own: the model's prediction of `samples`.
    """
    predictions = {MODEL: own} | {name: each.prediction for name, each in baselines.items()}
    scores = {name: task.score(model, samples, each) for name, each in predictions.items()}
    metric = task.metric(model.config)
    competing = [name for name, each in baselines.items() if not each.is_variant]

    def order(name: str) -> float:
        found = scores[name]
        return metric.rank(found.values[metric.key]) if found.order is None else found.order

    best = min(competing, key=order)
    return Scored(samples, predictions, scores, dict(baselines), best)


def scores_of(
    task: Task[C, S, E, P], model: Model[C, E], cell: str, found: Scored[S, P]
) -> dict[str, Any]:
    """Return the content of `scores.json`; `cell` is the model's name in the verdict."""
    values = {name: each.values for name, each in found.scores.items()}
    variants = {name: values[name] for name, each in found.baselines.items() if each.is_variant}
    others = {name: values[name] for name in found.baselines if name not in variants}
    result = task.compare(found, MODEL, found.best)
    return {
        "task": task.name,
        **task.facts(model, found),
        "test": {
            MODEL: values[MODEL] | task.details(model, found),
            "variants": variants,
            "baselines": others,
        },
        "notes": task.notes(model, found) | dict(found.left_out),
        "metric": task.metric(model.config).key,
        "best_baseline": found.best,
        "outcome": result.outcome,
        "gain": result.gain,
        "gain_95": [result.low, result.high],
        "verdict": task.sentence(model, cell, found, result),
    }


def sentence(
    task: Task[C, S, E, P], model: Model[C, E], cell: str, found: Scored[S, P], result: Comparison
) -> str:
    """Return the verdict of most tasks: both scores, the test data, and the gain's interval."""
    metric, title = task.metric(model.config), found.baselines[found.best].title
    ours, theirs = (float(found.scores[n].values[metric.key]) for n in (MODEL, found.best))
    basis = task.basis(model, found)
    if metric.higher_is_better and theirs == 1 and result.outcome != "too few":
        return _beside_perfection(metric, cell, title, basis, ours)
    interval = f"{task.words.gain} {result.span(task.words.gain_form)}"
    numbers = (
        f"{metric.spoken.format(metric.write(ours))} against {metric.write(theirs)} of {title}"
    )
    return place_sentence(cell, result, numbers, basis, interval)


def _beside_perfection(metric: Metric, cell: str, title: str, basis: str, ours: float) -> str:
    own = "none either" if ours == 1 else f"some ({metric.spoken.format(metric.write(ours))})"
    return (
        f"The {cell} did not earn its place: {title} makes no mistake on {basis}, and the {cell} "
        f"makes {own}. Use the baseline."
    )


def place_sentence(cell: str, result: Comparison, numbers: str, basis: str, interval: str) -> str:
    """Return the sentence that says whether the model earned its place.

    numbers: both scores and the name of the baseline. basis: the test data, such as "300 test
    windows". interval: name and both ends of the gain's interval; not used where there is too
    little data.
    """
    measured = f"{numbers}, the best baseline, on {basis}"
    if result.outcome == "too few":
        return f"Too little test data to tell: {measured}."
    measured += f" (95 % interval of the {interval})"
    if result.outcome == "better":
        return f"The {cell} earned its place: {measured}."
    if result.outcome == "equal":
        return (
            f"The {cell} and the best baseline cannot be told apart: {measured}. Prefer the "
            "baseline: it is simpler."
        )
    return f"The {cell} did not earn its place: {measured}. Use the baseline."
