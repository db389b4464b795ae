"""The result of a comparison as plain values: alternatives, pairs, tests and the answer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from longshort.runs.task import Metric
from longshort.tuning.compare_cost import Cost
from longshort.tuning.compare_plan import Arm, Pair, doubt
from longshort.tuning.compare_trainings import Record
from longshort.tuning.compare_verdict import Standing, answer
from longshort.tuning.pairs import compare_all

_SMALL_TEST = 30


def result_of(
    metric: Metric,
    arms: Sequence[Arm],
    costs: Mapping[str, Cost],
    pairs: Sequence[Pair],
    rates: Sequence[float],
    records: Mapping[str, Sequence[Record]],
) -> dict[str, Any]:
    """Return the content of `compare.json`; `records` has a training for each pair, by name."""
    scores = {name: [float(each["test"]) for each in found] for name, found in records.items()}
    tests = compare_all(scores, higher_is_better=metric.higher_is_better)
    rows = [_arm(arm, costs[arm.name], records[arm.name], rates) for arm in arms]
    standings = [
        Standing(row["name"], row["test"], row["step_seconds"], row["parameters"]) for row in rows
    ]
    trouble = doubt(len(pairs), len(arms))
    found = answer(standings, tests, metric, trouble)
    return {
        "verdict": found.verdict,
        "best": found.best,
        "equals": list(found.equals),
        "choice": found.choice,
        "claims_possible": not trouble,
        "metric": {
            "key": metric.key,
            "title": metric.title,
            "higher_is_better": metric.higher_is_better,
        },
        "measure": costs[arms[0].name].measure,
        "rates": list(rates),
        "alternatives": rows,
        "comparisons": [vars(test) for test in tests],
        "pairs": [
            vars(pair) | {"trainings": {name: found[n] for name, found in records.items()}}
            for n, pair in enumerate(pairs)
        ],
        "notes": _notes(rows, pairs, records),
    }


def _arm(arm: Arm, cost: Cost, records: Sequence[Record], rates: Sequence[float]) -> dict[str, Any]:
    chosen = [each["rate"] for each in records]
    at_end = [rate for rate in chosen if len(rates) > 2 and rate in (rates[0], rates[-1])]
    return {
        "number": arm.number,
        "name": arm.name,
        "changes": dict(arm.changes),
        "parameters": cost.parameters,
        "steps": cost.steps,
        "memory": cost.memory,
        "step_seconds": _mean(records, "step_seconds", statistics.median),
        "rates": chosen,
        "rates_at_end": len(at_end),
        "diverged": sum(bool(each["diverged"]) for each in records),
        "val": _mean(records, "val"),
        "test": _mean(records, "test"),
        "longer": _mean(records, "longer"),
    }


def _mean(records: Sequence[Record], key: str, mean: Any = statistics.fmean) -> float | None:
    """Return the mean of a value over trainings; None where one lacks it."""
    values = [each.get(key) for each in records]
    return None if None in values else float(mean(values))


def _notes(
    rows: Sequence[dict[str, Any]], pairs: Sequence[Pair], records: Mapping[str, Sequence[Record]]
) -> list[str]:
    """Return remarks on what limits the result, sentences for people."""
    found = []
    for row in rows:
        name, count = row["name"], len(pairs)
        if row["rates_at_end"]:
            found.append(
                f"{name}: the best learning rate is the first or last that was tried, in "
                f"{row['rates_at_end']} of {count} pairs; others may be better, so give a wider "
                "range with --rates"
            )
        if row["diverged"]:
            found.append(
                f"{name}: the training diverged in {row['diverged']} of {count} pairs; the weights "
                "before that with the best validation score were taken"
            )
    samples = min(int(each["test_samples"]) for found in records.values() for each in found)
    if samples < _SMALL_TEST:
        found.append(
            f"the test split has {samples} samples, so single ones decide; a difference on them is "
            "no difference on others"
        )
    if len(pairs) > 1 and len({each["content"] for each in records[rows[0]["name"]]}) == 1:
        found.append(
            "the test split is the same in all pairs: a difference is sure for training anew, not "
            "for other test data"
        )
    if rows[0]["longer"] is None:
        found.append(
            "behaviour on longer samples was not measured; give a file of them with --longer"
        )
    return found
