"""The network of a resolved config, and the settings that contradict each other."""

from __future__ import annotations

from longshort.errors import ConfigError
from longshort.runs.cell import chosen_cell
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.linear_inputs import LinearPlan
from longshort.tasks.forecast.network import LinkedNetwork, NetworkPlan, WindowNetwork


def build_network(config: ForecastConfig, fitted: Fitted) -> WindowNetwork | LinkedNetwork:
    """The untrained network of a resolved config and the series it was fitted on."""
    model = config.model
    calendar = config.data.calendar
    if not (model.hidden and model.context_length and model.horizon and model.patch) or (
        calendar is None
    ):
        raise ConfigError(
            "model.hidden, context_length, horizon, patch and data.calendar must be decided; a "
            "run's config.toml without them is damaged"
        )
    columns = fitted.zscore.location.shape[1]
    plan = NetworkPlan(
        cell=chosen_cell(model),
        hidden=model.hidden,
        num_layers=model.num_layers,
        dropout=model.dropout,
        residual=model.residual,
        context=model.context_length,
        horizon=model.horizon,
        patch=model.patch,
        decoder=model.decoder,
        instance_norm=model.instance_norm,
        linear=model.linear,
        straight=LinearPlan.of(config, fitted.past.width),
        level=bool(model.level),
        columns=1 if model.channels == "independent" else columns,
        past=fitted.past.width,
        future=fitted.future.width + 2 * len(calendar),
        static=fitted.static.width,
        series=len(fitted.groups) * (1 if model.channels == "mixed" else columns),
        embedding=model.embedding,
        outputs=len(model.quantiles) or 1,
        middle=model.middle,
    )
    return LinkedNetwork(plan, model.rank) if model.channels == "linked" else WindowNetwork(plan)
