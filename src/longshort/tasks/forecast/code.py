"""A forecast as code: from the newest values of a series to what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.data.windows import Batch
from longshort.errors import ConfigError
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_values import Computed, Given, Result, computed, scaled, unscaled
from longshort.tasks.forecast.inference import CALIBRATION

_TRIALS = 8


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    if steps is not None:
        raise ConfigError("--steps: a forecast looks at its context (model.context_length)")
    encoder, config = model.encoder, model.config
    batches = [each.inputs[0] for each in golden if each.function == "forward"]
    _refuse(encoder, config, batches[0])
    location, scale = encoder.transform.location[0], encoder.transform.scale[0]
    context, horizon = config.model.context_length, config.model.horizon
    quantiles = config.model.quantiles
    one = {name: getattr(batches[0], name)[:1] for name in Batch.__dataclass_fields__}
    one |= {name: np.zeros_like(one[name]) for name in ("target", "effects", "series")}
    one["observed"] = np.ones_like(one["observed"])
    one["context"] = scaled(Given("x", np.zeros_like(one["context"])), location, scale)
    trials = [
        {"x": (values * scale + location).astype(np.float32)[None]}
        for each in batches
        for values in each.context[:_TRIALS]
    ]
    answers = {"forecast": _in_units(model, location, scale)}
    part = Part("run", "forward", (Batch(**one),), answers, trials[:_TRIALS])
    page = {
        "kind": "forecast",
        "reads": "rows",
        "columns": list(config.data.target),
        "steps": context,
        "context": context,
        "horizon": horizon,
        "quantiles": list(quantiles),
        "middle": config.model.middle,
    }
    of_each = f", the quantiles {', '.join(map(str, quantiles))} of each" if quantiles else ""
    says = (
        f"x: the newest {context} values, the oldest first, without gaps",
        f"forecast: the next {horizon} values{of_each}",
    )
    what = "Give it the past, and see what it expects next."
    return Portable((part,), page, what, says)


def _refuse(encoder: Any, config: Any, batch: Any) -> None:
    """Raise `ConfigError` for a model whose inputs or scales code does not have."""
    if encoder.lowest.size > 1:
        raise ConfigError(
            f"--to: code forecasts one series, and the run has {encoder.lowest.size}; train on one "
            "of them, or use a bundle"
        )
    covariates = batch.past.shape[2] + batch.future.shape[2] + batch.static.shape[1]
    if covariates or not encoder.effects.is_none:
        raise ConfigError(
            "--to: code has no calendar and no covariates, and the run uses them; train with "
            "--set data.calendar=[] --set model.effects=off and without covariates, or use a bundle"
        )
    if config.transform.difference or config.transform.log1p:
        raise ConfigError(
            "--to: code has no differences and logarithms of values (transform.difference, "
            "transform.log1p); train without them, or use a bundle"
        )


def _in_units(model: Any, location: Any, scale: Any) -> Computed:
    """Return calibrated quantiles in order from scaled ones, [1, H, 1, Q].

    They are no lower than the floor of the series, as it was in training.
    """
    encoder = model.encoder
    found = _bounded(model, unscaled(Result(), location, scale))
    shifts = model.kept.get(CALIBRATION)
    if shifts is None:
        return found
    moved = (shifts.T * encoder.zscore.scale[0, 0])[:, None].astype(np.float32)
    return _bounded(model, computed("add.Tensor", found, moved))


def _bounded(model: Any, found: Computed) -> Computed:
    if len(model.config.model.quantiles) > 1:
        found = computed("getitem", computed("sort", found, -1), 0)
    floor = float(model.encoder.floors[0, 0])
    return computed("clamp_min", found, floor) if np.isfinite(floor) else found
