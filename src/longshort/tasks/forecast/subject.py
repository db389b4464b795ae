"""Windows of a forecast as what can be explained: which past values a forecast rests on.

Letters: N copies of a window, L context, H horizon, C columns forecast together, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.data.windows import Batch
from longshort.errors import ConfigError, nearest
from longshort.report.plots import Window
from longshort.runs.explaining import Floats, Question
from longshort.runs.tensors import on_device
from longshort.tasks.forecast.encoder import Moments
from longshort.tasks.forecast.inference import ForecastModel, uncalibrated
from longshort.tasks.forecast.series import AnySeries
from longshort.tasks.forecast.windows import Windows

_OTHERS = 64
_WHOLE = "mean"


class ForecastSubject:
    """Windows whose forecast is explained, in the data's units, before floors and calibration.

    A window's inputs are its steps, then those of the horizon, where only covariates that are known
    ahead and the calendar exist. Values are scaled, covariates as the network gets them.
    """

    def __init__(self, model: ForecastModel, samples: AnySeries, train: AnySeries | None) -> None:
        self.model, self.windows = model, samples.windows(model.encoder)
        self.train = None if train is None else train.windows(model.encoder)
        self.features = _Features.of(self.windows, model)
        self.places = _places(self.windows)

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    def losses(self) -> Floats | None:
        """Return the mean squared error of every window, in deviations of its series."""
        held = self.windows.held
        error = self._forecast(np.arange(len(self.places))) - held.truth
        squares = (error / held.spread[held.series][:, None]) ** 2
        known = ~np.isnan(squares)
        found: Floats = np.where(known, squares, 0.0).sum(1) / np.maximum(known.sum(1), 1)
        return found

    def _forecast(self, rows: NDArray[np.int64]) -> Floats:
        """Return the forecasts [n, H] of windows."""
        columns = self.features.columns
        origins = self.windows.origins[np.unique(rows // columns)]
        single = replace(self.model, network=_Single(self.network))
        found = uncalibrated(single, self.windows.chosen(origins))
        values: Floats = found[..., self.model.config.model.middle]
        return values

    def answers(self, row: int) -> Sequence[str]:
        """Return the steps of the horizon from 1 on, and their mean."""
        del row
        return [*(str(step + 1) for step in range(self.windows.horizon)), _WHOLE]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about a step of the horizon, the first one by default."""
        known = self.answers(row)
        chosen = known[0] if answer is None else answer
        if chosen not in known:
            raise ConfigError(
                f"answer: {chosen!r} is not a step of the horizon; {nearest(chosen, known)}"
            )
        origin, column = divmod(row, self.features.columns)
        batch = self._batch(self.windows, np.array([origin]))
        inputs = self.features.inputs(batch)[0]
        stamps, history = self._shown(row)
        units = _Units(self.windows, row)

        def ask(values: Tensor) -> Tensor:
            network: Any = self.network
            device = self.model.device
            copies = self.features.placed(on_device(batch, device), values.to(device))
            scaled = network(copies)[:, :, column, self.model.config.model.middle]
            forecast = units(scaled)
            return forecast.mean(1) if chosen == _WHOLE else forecast[:, int(chosen) - 1]

        name = "mean of the forecast" if chosen == _WHOLE else f"forecast of step {chosen}"
        others = self._others(column)
        mean = others.mean((0, 1)) if len(others) else np.zeros(inputs.shape[1])
        return Question(
            name=f"{name}, {self.places[row]}",
            unit=f"units of {self.windows.panel.schema.target[column]}",
            answer=ask,
            inputs=inputs,
            exists=self.features.exists(self.windows),
            mean=np.broadcast_to(mean, inputs.shape).copy(),
            others=others,
            steps=stamps,
            features=self.features.names,
            window=history,
        )

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the mean squared errors, in deviations, of windows with other inputs."""
        held, found = self.windows.held, []
        for row, values in zip(rows.tolist(), inputs, strict=True):
            origin, column = divmod(row, self.features.columns)
            batch = on_device(self._batch(self.windows, np.array([origin])), self.model.device)
            network: Any = self.network
            with torch.no_grad():
                inputs_of_row = torch.from_numpy(values)[None].to(self.model.device)
                copies = self.features.placed(batch, inputs_of_row)
                scaled = network(copies)[:, :, column, self.model.config.model.middle]
                forecast = _Units(self.windows, row)(scaled)[0].cpu().numpy()
            error = (forecast - held.truth[row]) / held.spread[held.series[row]]
            found.append(np.nanmean(error**2))
        return np.array(found)

    def _batch(self, windows: Windows, origins: NDArray[np.int64]) -> Batch[Any]:
        """Return windows in double precision."""
        found = windows.reader.gather(windows.origins[origins])
        wide = {each.name: getattr(found, each.name) for each in fields(found)}
        singles = {name: v.astype(np.float64) for name, v in wide.items() if v.dtype == np.float32}
        return replace(found, **singles)

    def _others(self, column: int) -> Floats:
        """Return training windows of a column, [M, T, F]."""
        if self.train is None:
            shape = (self.windows.reader.context + self.windows.horizon, len(self.features.names))
            return np.zeros((0, *shape))
        del column
        places = np.linspace(0, len(self.train.origins) - 1, _OTHERS).round().astype(np.int64)
        return self.features.inputs(self._batch(self.train, np.unique(places)))

    def _shown(self, row: int) -> tuple[list[str], Window]:
        windows, flat = self.windows, self.windows.flat[row : row + 1]
        steps = np.arange(windows.reader.context, 0, -1)
        past = windows.reader.before(flat, steps[None])[0]
        first = int(flat.row[0])
        rows = np.arange(first - len(steps), first + windows.horizon)
        stamps = windows.panel.stamps(int(flat.group[0]), rows)
        one = windows.chosen(windows.origins[np.array([row // self.features.columns])])
        column = row % self.features.columns
        single = replace(self.model, network=_Single(self.network))
        forecast = uncalibrated(single, one)[column, :, self.model.config.model.middle]
        truth = windows.held.truth[row]
        shown = Window(self.places[row], stamps, past, forecast, truth)
        return stamps, shown


def _places(windows: Windows) -> list[str]:
    """Return the series and the first stamp of the horizon of every window."""
    flat, held = windows.flat, windows.held
    found = np.empty(len(flat), dtype=object)
    for group in np.unique(flat.group):
        own = np.flatnonzero(flat.group == group)
        stamps = windows.panel.stamps(int(group), flat.row[own])
        found[own] = [
            f"{held.names[series]} from {stamp}"
            for series, stamp in zip(held.series[own].tolist(), stamps, strict=True)
        ]
    return [str(place) for place in found]


@dataclass(frozen=True)
class _Features:
    """Where the features of a window lie in its inputs: targets, past covariates, known ones."""

    columns: int
    past: int
    names: list[str]
    horizon: int

    @staticmethod
    def of(windows: Windows, model: ForecastModel) -> _Features:
        schema, encoder = windows.panel.schema, model.encoder
        joint = model.config.model.is_joint
        targets = list(schema.target) if joint else ["the series"]
        if not joint and len(schema.target) == 1:
            targets = [schema.target[0]]
        past = _coded(encoder.past, schema.past)
        future = _coded(encoder.future, schema.future)
        waves = [f"{wave} of {p}" for p in encoder.config.data.calendar or () for wave in _WAVES]
        return _Features(
            len(targets), len(past), [*targets, *past, *future, *waves], windows.horizon
        )

    def inputs(self, batch: Batch[NDArray[Any]]) -> Floats:
        """Return the inputs [N, L + H, F] of windows; 0 where nothing exists."""
        steps = batch.context.shape[1] + self.horizon
        found = np.zeros((len(batch.context), steps, len(self.names)))
        lags = batch.context.shape[1]
        found[:, :lags, : self.columns] = batch.context
        found[:, :lags, self.columns : self.columns + self.past] = batch.past
        found[:, :, self.columns + self.past :] = batch.future
        return found

    def placed(self, batch: Batch[Tensor], inputs: Tensor) -> Batch[Tensor]:
        """Return N copies of a window with these inputs [N, L + H, F]."""
        lags, copies = batch.context.size(1), len(inputs)
        ends = self.columns, self.columns + self.past
        whole = {
            each.name: getattr(batch, each.name).expand(
                copies, *getattr(batch, each.name).shape[1:]
            )
            for each in fields(batch)
        }
        whole["context"] = inputs[:, :lags, : ends[0]]
        whole["past"] = inputs[:, :lags, ends[0] : ends[1]]
        whole["future"] = inputs[:, :, ends[1] :]
        return Batch(**whole)

    def exists(self, windows: Windows) -> NDArray[np.bool_]:
        """Return which cells the network reads, [L + H, F]."""
        lags = windows.reader.context
        found = np.ones((lags + self.horizon, len(self.names)), bool)
        found[lags:, : self.columns + self.past] = False
        return found


_WAVES = ("sine", "cosine")


def _coded(moments: Moments, names: Sequence[str]) -> list[str]:
    """Return the names of covariates as columns; one with categories has a column for each."""
    pairs = zip(names, moments.coding.words, strict=True)
    return [
        column
        for name, words in pairs
        for column in ([name] if words is None else [f"{name} = {word}" for word in words])
    ]


class _Units:
    """Turns scaled forecasts [N, H] of a window into the data's units, in torch."""

    def __init__(self, windows: Windows, row: int) -> None:
        flat, transform = windows.flat[row : row + 1], windows.encoder.transform
        self.config = transform.config
        group, column = int(flat.group[0]), int(flat.column[0])
        self.scale = float(transform.scale[group, column])
        self.location = float(transform.location[group, column])
        self.effects = torch.from_numpy(windows.reader.known_ahead(flat)[0])
        lag = self.config.difference
        before = windows.reader.before(flat, np.arange(lag, 0, -1)[None])[0] if lag else np.zeros(0)
        self.before = np.log1p(before) if self.config.log1p else before

    def __call__(self, scaled: Tensor) -> Tensor:
        values = (scaled + self.effects.to(scaled)) * self.scale + self.location
        lag = self.config.difference
        if lag:
            steps = [torch.full_like(values[:, 0], float(value)) for value in self.before]
            for number in range(values.size(1)):
                steps.append(values[:, number] + steps[number])
            values = torch.stack(steps[lag:], 1)
        return torch.expm1(values) if self.config.log1p else values


class _Single(nn.Module):
    """A network in double precision that takes windows in single precision."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch[Tensor]) -> Tensor:
        """Return the forecasts."""
        wide = {each.name: getattr(batch, each.name) for each in fields(batch)}
        found: Tensor = self.network(
            Batch(**{n: v.double() if v.is_floating_point() else v for n, v in wide.items()})
        )
        return found
