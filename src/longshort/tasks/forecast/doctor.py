"""Checks of series: what would harm a forecast, where, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from longshort.data.dataset import Dataset
from longshort.data.findings import Finding, capped
from longshort.data.panel import Floats, Panel
from longshort.tasks.forecast.config import ForecastConfig

_LEAK = 0.95
_SAME = 1e-4
_MIN_MOVES = 20
_MAX_LEAD = 48
_DEFAULT_NEED = 48
_SHOWN = 5


def examine(dataset: Dataset, config: ForecastConfig) -> list[Finding]:
    """Return all findings on a data set: those of reading, and those that would harm a forecast."""
    panel = dataset.panel
    found = [
        *dataset.findings,
        *_missing_values(panel),
        *_constant(panel),
        *_short(panel, config),
        *_leaks(panel, config),
    ]
    return capped(found)


def _columns(panel: Panel) -> Iterator[tuple[str, str, Floats]]:
    """Yield role, name and values [N] of every column but the static ones."""
    schema = panel.schema
    for role, names, values in (
        ("target", schema.target, panel.target),
        ("past covariate", schema.past, panel.past),
        ("future covariate", schema.future, panel.future),
    ):
        for column, name in enumerate(names):
            yield role, name, values[:, column]


def _missing_values(panel: Panel) -> list[Finding]:
    """Find steps without a value, by column; steps that have no row at all count too."""
    found = []
    for role, name, values in _columns(panel):
        missing, is_target = np.isnan(values), role == "target"
        if not missing.any() or (missing.all() and is_target):
            continue
        what = "missing steps are not scored" if is_target else "or the mean where there is none"
        count = f"at {int(missing.sum()):,} steps ({float(missing.mean()):.1%})"
        where = tuple(_place(panel, int(row)) for row in np.flatnonzero(missing)[:_SHOWN])
        fix = f"the last known value stands in as input; {what}"
        found.append(
            Finding("missing", "warning", f"{role} {name!r} is missing {count}", where, fix)
        )
    return found


def _place(panel: Panel, row: int) -> str:
    """Return group and timestamp of a row of the panel."""
    group = int(np.searchsorted(panel.offsets, row, side="right")) - 1
    when = panel.stamps(group, np.array([row - panel.offsets[group]]))[0]
    prefix = "/".join(panel.groups[group])
    return f"{prefix}: {when}" if prefix else when


def _constant(panel: Panel) -> list[Finding]:
    """Find columns that never change, and series that never do."""
    found = []
    for role, name, values in _columns(panel):
        known = values[~np.isnan(values)]
        if known.size and np.ptp(known) == 0:
            words = panel.categories.get(name)
            what = f"{known[0]:g}" if words is None else repr(words[int(known[0])])
            kind = role.split()[-1]
            fix = "nothing is to be learnt" if kind == "target" else "leave the column out"
            message = f"{kind} {name!r} is {what} throughout"
            found.append(Finding("constant", "warning", message, (), fix))
    for column, name in enumerate(panel.schema.target):
        still = [g for g, values in _blocks(panel, column) if values.size and np.ptp(values) == 0]
        if still and panel.num_groups > 1:
            message = f"{len(still)} of {panel.num_groups} series of {name!r} never change"
            where = tuple("/".join(panel.groups[group]) for group in still[:_SHOWN])
            fix = "leave these series out"
            found.append(Finding("constant-series", "warning", message, where, fix))
    return found


def _short(panel: Panel, config: ForecastConfig) -> list[Finding]:
    """Find series that have fewer values than one window has steps."""
    model = config.model
    need = (model.context_length or 0) + (model.horizon or 0) or _DEFAULT_NEED
    found = []
    for column, name in enumerate(panel.schema.target):
        counts = [(group, len(values)) for group, values in _blocks(panel, column)]
        short = [(group, count) for group, count in counts if count < need]
        if short:
            message = (
                f"{len(short)} of {panel.num_groups} series of {name!r} have fewer than {need}"
            )
            where = tuple(
                f"{panel.series_name(group, column) or name}: {count}"
                for group, count in short[:_SHOWN]
            )
            fix = "give longer series, or a smaller context_length and horizon"
            found.append(Finding("short", "warning", f"{message} values", where, fix))
    return found


def _leaks(panel: Panel, config: ForecastConfig) -> list[Finding]:
    """Find covariates that equal the target's future up to scale and offset."""
    found = []
    leads = range(min(config.model.horizon or 24, _MAX_LEAD) + 1)
    for role, name, values in _columns(panel):
        if role == "target" or name in panel.categories:
            continue
        first = 1 if role == "past covariate" else 0
        for place, goal in enumerate(panel.schema.target):
            lead = _leaking_lead(panel, values, panel.target[:, place], leads[first:])
            if lead is None:
                continue
            when = f"{lead} steps later" if lead else "of the same step"
            message = (
                f"{role} {name!r} equals the target {goal!r} {when}, which is not known at the "
                "forecast's origin"
            )
            fix = "" if lead else f", or name it with --past if it is {goal!r} itself"
            found.append(Finding("leak", "warning", message, (), f"drop {name!r}{fix}"))
    return found


def _leaking_lead(panel: Panel, covariate: Floats, target: Floats, leads: range) -> int | None:
    """Return the first lead at which changes of the covariate are a constant times the target's."""
    inside = np.ones(len(target), bool)
    inside[panel.offsets[:-1]] = False
    before, after = (
        np.where(inside, np.diff(values, prepend=np.nan), np.nan) for values in (covariate, target)
    )
    for lead in leads:
        ahead = after[lead:]
        now = before[: len(ahead)]
        moving = ~np.isnan(now) & ~np.isnan(ahead) & (ahead != 0)
        if moving.sum() < _MIN_MOVES:
            continue
        ratio = now[moving] / ahead[moving]
        constant = np.median(ratio)
        if constant and np.mean(np.abs(ratio / constant - 1) < _SAME) > _LEAK:
            return lead
    return None


def _blocks(panel: Panel, column: int) -> list[tuple[int, Floats]]:
    """Return the known values of each group's series."""
    found = []
    for group in range(panel.num_groups):
        values = panel.target[panel.offsets[group] : panel.offsets[group + 1], column]
        found.append((group, values[~np.isnan(values)]))
    return found
