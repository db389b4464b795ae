"""The forecaster's network: normalise the window, run a recurrent stack over it, read the horizon.

    window → instance norm → patches → linear → recurrent stack ┐
    normalised window → linear map over time ───────────────────┴→ sum → undo the norm → forecast

The linear effects of the calendar and of future covariates are subtracted before the network, and
added to its forecast (`longshort.tasks.forecast.effects`).

Patches make long contexts cheap (Lin et al., 2023, SegRNN); the linear map is the autoregressive
part of LSTNet (Lai et al., 2018), starting at the least-squares solution that is also a baseline,
so that the recurrent part learns what a linear map cannot express.

Letters: B windows, L context, H horizon, C columns forecast together, P and F covariates, Q
quantiles (1 for a point forecast), U hidden units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from longshort.cells import Cell
from longshort.data.windows import Batch
from longshort.errors import ConfigError
from longshort.nn import Recurrent
from longshort.runs.cell import chosen_cell, layer_options
from longshort.tasks.forecast.config import ForecastModel
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.linear_inputs import LinearPlan, linear_inputs

InstanceNorm = Literal["none", "last", "centre", "standard", "last_std"]

_EPSILON = 1e-2


@dataclass(frozen=True)
class NetworkPlan:
    """Everything that fixes the network's shape: decided settings, and sizes of the data.

    hidden, context, horizon and patch are those of the settings. columns: number of columns that
    are forecast together. past, future, static: numbers of covariates. series: number of learned
    vectors. straight: inputs of the linear path.
    """

    settings: ForecastModel
    cell: Cell
    hidden: int
    context: int
    horizon: int
    patch: int
    straight: LinearPlan
    columns: int
    past: int
    future: int
    static: int
    series: int

    @property
    def outputs(self) -> int:
        """Values per step and column: the number of quantiles, or 1."""
        return len(self.settings.quantiles) or 1


def build_network(encoder: ForecastEncoder) -> WindowNetwork | LinkedNetwork:
    """Build the untrained network for the series that the encoder was fitted on."""
    model, calendar = encoder.config.model, encoder.config.data.calendar
    if not (model.hidden and model.context_length and model.horizon and model.patch) or (
        calendar is None
    ):
        raise ConfigError(
            "model.hidden, context_length, horizon, patch and data.calendar must be decided; a "
            "run's config.toml without them is damaged"
        )
    columns = encoder.zscore.location.shape[1]
    plan = NetworkPlan(
        settings=model,
        cell=chosen_cell(model),
        hidden=model.hidden,
        context=model.context_length,
        horizon=model.horizon,
        patch=model.patch,
        straight=LinearPlan.of(encoder),
        columns=columns if model.is_joint else 1,
        past=encoder.past.width,
        future=encoder.future.width + 2 * len(calendar),
        static=encoder.static.width,
        series=len(encoder.groups) * (1 if model.channels == "mixed" else columns),
    )
    return LinkedNetwork(plan) if model.channels == "linked" else WindowNetwork(plan)


class RecurrentStack(nn.Module):
    """Layers of one cell with dropout between them and optional residual connections."""

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        options = layer_options(plan.settings)
        self.layers = nn.ModuleList(
            Recurrent(plan.cell, plan.hidden, plan.hidden, batch_first=True, **options)
            for _ in range(plan.settings.num_layers)
        )
        if self.layers[0].output_size != plan.hidden:
            raise ConfigError(
                f"model.cell_options: the layers have {self.layers[0].output_size} outputs, and "
                f"what follows takes {plan.hidden}; leave the projection out"
            )
        self.dropout = nn.Dropout(plan.settings.dropout)
        self.residual = plan.settings.residual

    def forward(self, x: Tensor, states: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """Run the layers over x [B, T, U], from each layer's state.

        Returns the output [B, T, U], and the states after it.
        """
        after = []
        for number, layer in enumerate(self.layers):
            if number:
                x = self.dropout(x)
            output, state = layer(x, states[number] if states else None)
            x = x + output if self.residual else output
            after.append(state)
        return x, after


class WindowNetwork(nn.Module):
    """A network from windows to forecasts [B, H, C, Q] in scaled units.

    The C columns are a single input.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.plan = plan
        width = plan.columns + plan.past + plan.future
        self.encode = nn.Linear(plan.patch * width, plan.hidden)
        self.stack = RecurrentStack(plan)
        self.dropout = nn.Dropout(plan.settings.dropout)
        if plan.settings.embedding:
            self.embed = nn.Embedding(plan.series, plan.settings.embedding)
            nn.init.normal_(self.embed.weight, std=0.1)
        about = plan.static + plan.settings.embedding + (plan.columns if plan.settings.level else 0)
        if about:
            self.identify = nn.Linear(about, plan.hidden, bias=False)
        known = plan.hidden + about
        steps = plan.horizon if plan.settings.decoder == "direct" else plan.patch
        self.head = _zero(nn.Linear(known, steps * plan.columns * plan.outputs))
        if plan.future and plan.settings.decoder == "direct":
            self.ahead = nn.Sequential(
                nn.Linear(known + plan.future, plan.hidden),
                nn.ReLU(),
                _zero(nn.Linear(plan.hidden, plan.columns * plan.outputs)),
            )
        if plan.settings.linear:
            self.linear = _zero(nn.Linear(plan.straight.size, plan.horizon, bias=False))

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Return forecasts [B, H, C, Q]."""
        plan = self.plan
        location, scale = instance_norm(batch.context, plan.settings.instance_norm)
        x = (batch.context - location) / scale
        about = self._about(batch)
        sequence, states = self.stack(self._encoded(x, batch, about))
        known = self._known(sequence[:, -1], about)
        straight = self._straight(x, batch)
        if plan.settings.decoder == "direct":
            y = self._direct(known, batch) + straight
        else:
            y = self._recursive(known, states, straight, about, batch)
        return y * scale.unsqueeze(-1) + location.unsqueeze(-1)

    def _straight(self, x: Tensor, batch: Batch[Tensor]) -> Tensor:
        """Return the linear path [B, H, C, 1], or zero without one."""
        if not self.plan.settings.linear:
            return x.new_zeros(x.shape[0], self.plan.horizon, self.plan.columns, 1)
        change: Tensor = self.linear(linear_inputs(x, batch, self.plan.straight, torch.cat))
        return (change.transpose(1, 2) + x[:, -1:]).unsqueeze(-1)

    def _encoded(self, x: Tensor, batch: Batch[Tensor], about: Tensor) -> Tensor:
        """Encode the normalised context and covariates as patches, [B, ceil(L / patch), U].

        The first patch is filled up by repeating the first step.
        """
        steps = torch.cat([x, batch.past, batch.future[:, : self.plan.context]], dim=2)
        missing = -steps.size(1) % self.plan.patch
        if missing:
            steps = torch.cat([steps[:, :1].expand(-1, missing, -1), steps], dim=1)
        return self._encode(steps.reshape(steps.shape[0], -1, self.encode.in_features), about)

    def _encode(self, patches: Tensor, about: Tensor) -> Tensor:
        encoded: Tensor = self.encode(patches)
        if about.size(1):
            encoded = encoded + self.identify(about).unsqueeze(1)
        return encoded

    def _about(self, batch: Batch[Tensor]) -> Tensor:
        """Return inputs that are constant in a window, [B, …].

        They are static features, and the series' level and learned vector.
        """
        found = [batch.static]
        if self.plan.settings.level:
            found.append(batch.context[:, -1])
        if self.plan.settings.embedding:
            found.append(self.embed(batch.series))
        return torch.cat(found, dim=1)

    def _known(self, state: Tensor, about: Tensor) -> Tensor:
        """Return inputs of the head: the last state, and what is constant in the window."""
        return torch.cat([self.dropout(state), about], dim=1)

    def _direct(self, known: Tensor, batch: Batch[Tensor]) -> Tensor:
        """Forecast the whole horizon at once from the last state."""
        plan = self.plan
        shape = (known.shape[0], plan.horizon, plan.columns, plan.outputs)
        y: Tensor = self.head(known).view(shape)
        if plan.future:
            future = batch.future[:, plan.context :]
            spread = known.unsqueeze(1).expand(-1, plan.horizon, -1)
            y = y + self.ahead(torch.cat([spread, future], dim=2)).view(shape)
        return y

    def _recursive(
        self,
        known: Tensor,
        states: list[Tensor],
        straight: Tensor,
        about: Tensor,
        batch: Batch[Tensor],
    ) -> Tensor:
        """Forecast patch after patch; each point forecast is fed back as the next input."""
        plan = self.plan
        count = math.ceil(plan.horizon / plan.patch)
        straight = _lengthen(straight, count * plan.patch)
        future = _lengthen(batch.future[:, plan.context :], count * plan.patch)
        parts: list[Tensor] = []
        for number in range(count):
            now = slice(number * plan.patch, (number + 1) * plan.patch)
            shape = (known.shape[0], plan.patch, plan.columns, plan.outputs)
            parts.append(self.head(known).view(shape) + straight[:, now])
            step = torch.cat([parts[-1][..., plan.settings.middle], future[:, now]], dim=2)
            encoded = self._encode(step.flatten(1).unsqueeze(1), about)
            sequence, states = self.stack(encoded, states)
            known = self._known(sequence[:, -1], about)
        return torch.cat(parts, dim=1)[:, : plan.horizon]


def _lengthen(values: Tensor, steps: int) -> Tensor:
    """Repeat the last of [B, T, …] up to `steps` steps."""
    missing = steps - values.size(1)
    if missing <= 0:
        return values
    return torch.cat([values, values[:, -1:].expand(-1, missing, *values.shape[2:])], dim=1)


class LinkedNetwork(nn.Module):
    """A network for each column that also sees the column's level and a mix of all columns.

    The mix is a learned matrix of rank r over the columns, x V Uᵀ, so that a road sensor can use
    its neighbours without a map.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.columns, rank = plan.columns, plan.settings.rank
        self.listen = nn.Parameter(torch.randn(plan.columns, rank) / math.sqrt(plan.columns))
        self.speak = nn.Parameter(0.1 * torch.randn(plan.columns, rank) / math.sqrt(rank))
        self.dropout = nn.Dropout(plan.settings.dropout)
        self.each = WindowNetwork(replace(plan, columns=1, past=plan.past + 2))

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Return forecasts [B, H, C, Q]; every column is a window of its own."""
        size, columns = batch.context.shape[0], self.columns
        mix = self.dropout(batch.context) @ self.listen @ self.speak.T
        extra = torch.stack([batch.context, mix], dim=3)

        def repeat(values: Tensor) -> Tensor:
            return values.repeat_interleave(columns, 0)

        def split(values: Tensor) -> Tensor:
            return values.transpose(1, 2).reshape(size * columns, values.size(1), -1)

        column = torch.arange(columns, device=batch.series.device)
        windows = Batch(
            context=split(batch.context),
            target=split(batch.target),
            effects=split(batch.effects),
            observed=split(batch.observed),
            past=torch.cat([repeat(batch.past), split(extra)], dim=2),
            future=repeat(batch.future),
            static=repeat(batch.static),
            series=(batch.series[:, None] * columns + column).reshape(-1),
        )
        each: Tensor = self.each(windows)
        return each.view(size, columns, *each.shape[1:]).transpose(1, 2).flatten(2, 3)


def instance_norm(context: Tensor, kind: InstanceNorm) -> tuple[Tensor, Tensor]:
    """Return location and scale of each window and column, [B, 1, C] (Kim et al., 2022, RevIN)."""
    last = context[:, -1:]
    location, scale = torch.zeros_like(last), torch.ones_like(last)
    if kind in ("last", "last_std"):
        location = last
    elif kind in ("centre", "standard"):
        location = context.mean(1, keepdim=True)
    if kind in ("standard", "last_std"):
        scale = (context.var(1, unbiased=False, keepdim=True) + _EPSILON).sqrt()
    return location, scale


def _zero(layer: nn.Linear) -> nn.Linear:
    """Set a layer to zero; the forecast starts at the linear path or the window's location."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
