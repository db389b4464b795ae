"""The data doctor: what would harm a forecast, with where it stands and what to do."""

from __future__ import annotations

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


def examine(dataset: Dataset, config: ForecastConfig) -> list[Finding]:
    """All findings on a data set: those of its reading, and what would harm a forecast of it."""
    panel = dataset.panel
    found = [
        *dataset.findings,
        *_missing_values(panel),
        *_constant(panel),
        *_short(panel, config),
        *_leaks(panel, config),
    ]
    return capped(found)


def _missing_values(panel: Panel) -> list[Finding]:
    """Steps without a value, by column; steps that have no row at all count too."""
    found = []
    roles = (
        ("target", panel.schema.target, panel.target, "missing steps are not scored"),
        ("past covariate", panel.schema.past, panel.past, "or the mean where there is none"),
        ("future covariate", panel.schema.future, panel.future, "or the mean where there is none"),
    )
    for role, names, values, consequence in roles:
        for column, name in enumerate(names):
            missing = np.isnan(values[:, column])
            if not missing.any() or (missing.all() and role == "target"):
                continue
            where = []
            for at in np.flatnonzero(missing)[:5]:
                group = int(np.searchsorted(panel.offsets, at, side="right")) - 1
                when = panel.stamps(group, np.array([at - panel.offsets[group]]))[0]
                prefix = "/".join(panel.groups[group])
                where.append(f"{prefix + ': ' if prefix else ''}{when}")
            found.append(
                Finding(
                    "missing",
                    "warning",
                    f"{role} {name!r} is missing at {int(missing.sum()):,} steps "
                    f"({float(missing.mean()):.1%})",
                    tuple(where),
                    f"the last known value stands in as input; {consequence}",
                )
            )
    return found


def _constant(panel: Panel) -> list[Finding]:
    found = []
    roles = (
        ("target", panel.schema.target, panel.target),
        ("covariate", panel.schema.past, panel.past),
        ("covariate", panel.schema.future, panel.future),
    )
    for role, names, values in roles:
        for column, name in enumerate(names):
            known = values[:, column][~np.isnan(values[:, column])]
            if known.size and np.ptp(known) == 0:
                words = panel.categories.get(name)
                what = f"{known[0]:g}" if words is None else repr(words[int(known[0])])
                found.append(
                    Finding(
                        "constant",
                        "warning",
                        f"{role} {name!r} is {what} throughout",
                        (),
                        "leave the column out"
                        if role == "covariate"
                        else "nothing is to be learnt",
                    )
                )
    for column, name in enumerate(panel.schema.target):
        still = [
            group for group, values in _blocks(panel, column) if values.size and np.ptp(values) == 0
        ]
        if still and panel.num_groups > 1:
            found.append(
                Finding(
                    "constant-series",
                    "warning",
                    f"{len(still)} of {panel.num_groups} series of {name!r} never change",
                    tuple("/".join(panel.groups[group]) for group in still[:5]),
                    "leave these series out",
                )
            )
    return found


def _short(panel: Panel, config: ForecastConfig) -> list[Finding]:
    model = config.model
    need = (model.context_length or 0) + (model.horizon or 0) or _DEFAULT_NEED
    found = []
    for column, name in enumerate(panel.schema.target):
        short = [
            (group, len(values)) for group, values in _blocks(panel, column) if len(values) < need
        ]
        if short:
            found.append(
                Finding(
                    "short",
                    "warning",
                    f"{len(short)} of {panel.num_groups} series of {name!r} have fewer than {need} "
                    "values",
                    tuple(
                        f"{panel.series_name(group, column) or name}: {count}"
                        for group, count in short[:5]
                    ),
                    "give longer series, or a smaller context_length and horizon",
                )
            )
    return found


def _leaks(panel: Panel, config: ForecastConfig) -> list[Finding]:
    """Covariates that equal the target's future up to scale and offset."""
    found = []
    leads = range(min(config.model.horizon or 24, _MAX_LEAD) + 1)
    roles = (
        ("past", panel.schema.past, panel.past, 1),
        ("future", panel.schema.future, panel.future, 0),
    )
    for role, names, values, first in roles:
        for column, name in enumerate(names):
            if name in panel.categories:
                continue
            for place, goal in enumerate(panel.schema.target):
                lead = _leaking_lead(
                    panel, values[:, column], panel.target[:, place], leads[first:]
                )
                if lead is not None:
                    when = f"{lead} steps later" if lead else "of the same step"
                    found.append(
                        Finding(
                            "leak",
                            "warning",
                            f"{role} covariate {name!r} equals the target {goal!r} {when}, which "
                            "is not known at the forecast's origin",
                            (),
                            f"drop {name!r}"
                            + (
                                f", or name it with --past if it is {goal!r} itself"
                                if not lead
                                else ""
                            ),
                        )
                    )
    return found


def _leaking_lead(panel: Panel, covariate: Floats, target: Floats, leads: range) -> int | None:
    """The first lead at which the covariate's changes are the target's times one constant."""
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
    """Known values of each group's series."""
    found = []
    for group in range(panel.num_groups):
        values = panel.target[panel.offsets[group] : panel.offsets[group + 1], column]
        found.append((group, values[~np.isnan(values)]))
    return found
