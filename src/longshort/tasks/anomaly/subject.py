"""Steps of watched series as what can be explained: what the expected value rests on.

Letters: N copies, L steps before, C inputs, K channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.errors import ConfigError, DataError, nearest
from longshort.runs.explaining import Floats, Question
from longshort.runs.task import Model
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Signals, encode, known_of
from longshort.tasks.anomaly.samples import Stretch, place_of

_STEPS, _OTHERS = 64, 64


class AnomalySubject:
    """Steps of series, each explained by the 64 before it; earlier ones are in the state.

    An answer is the value of a channel that was expected one step before, in the data's units. How
    strange a step is follows from the distance to it.
    """

    def __init__(
        self, model: Model[AnomalyConfig, AnomalyEncoder], samples: Stretch, train: Stretch | None
    ) -> None:
        if model.network.ahead is None:
            raise ConfigError(
                "explain: this run rebuilds windows and expects nothing one step ahead; train it "
                "with --score error or nll"
            )
        self.model, self.samples = model, samples
        self.signals = encode(model.encoder, samples)
        self.train = None if train is None else encode(model.encoder, train)
        first = np.repeat(self.signals.offsets[:-1], self.signals.lengths)
        place = np.arange(len(first)) - first
        self.rows = np.flatnonzero(samples.rows() & (place >= self.lags))
        if not len(self.rows):
            raise DataError(f"{samples.name}: has no step with {self.lags} steps before it")
        self.places = [place_of(samples.panel, int(row)) for row in self.rows]

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    @property
    def lags(self) -> int:
        """Steps that the autoregression reads."""
        return self.signals.lags

    def losses(self) -> Floats | None:
        """Return the squared error of every step in deviations, the mean over the channels."""
        expected = np.concatenate([self._walked(g) for g in range(self.signals.num_series)])
        off = np.where(self.signals.known, expected - self.signals.values, 0.0)[self.rows]
        found: Floats = np.square(off).mean(1)
        return found

    def _walked(self, group: int) -> Floats:
        """Return the values that were expected at every row of a series, [T, K], 0 at the first."""
        rows = self.signals.rows(group)
        network: Any = self.network
        x = torch.from_numpy(self.signals.inputs[rows]).double().to(self.model.device)
        with torch.no_grad():
            found, _ = network.ahead(x[:, None])
        made = found[:, 0, 0, :, 0].cpu().numpy() + self.signals.linear[rows, 0]
        return np.concatenate([np.zeros((1, made.shape[1])), made[:-1]])

    def answers(self, row: int) -> Sequence[str]:
        """Return the channels."""
        del row
        return self.model.encoder.channels

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about a channel, by default the one that is furthest off."""
        channels, at = self.model.encoder.channels, int(self.rows[row])
        expected = self._expected(at)
        off = np.abs(expected - self.signals.values[at])
        chosen = channels[int(off.argmax())] if answer is None else answer
        if chosen not in channels:
            raise ConfigError(f"answer: {chosen!r} is no channel; {nearest(chosen, channels)}")
        column = channels.index(chosen)
        inputs = self._before(self.signals, at)
        features, shape, state = self._features(), inputs.shape, self._state(at, len(inputs))
        return Question(
            name=f"expected {chosen}, {self.places[row]}",
            unit=f"units of {chosen}",
            answer=lambda values: self._answer(at, values, state)[:, column],
            inputs=inputs,
            exists=np.ones(shape, bool),
            mean=np.zeros(shape),
            others=self._others(len(inputs)),
            steps=self._stamps(at, len(inputs)),
            features=features,
            shown=self._shown(at, len(inputs)),
        )

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the mean squared error of steps with other inputs, in deviations."""
        found = []
        for row, values in zip(self.rows[rows].tolist(), inputs, strict=True):
            with torch.no_grad():
                state = self._state(row, len(values))
                expected = self._scaled(row, torch.from_numpy(values)[None], state)[0].cpu().numpy()
            found.append(np.mean((expected - self.signals.values[row]) ** 2))
        return np.array(found)

    def _group(self, row: int) -> int:
        return int(np.searchsorted(self.signals.offsets, row, side="right")) - 1

    def _features(self) -> list[str]:
        schema = self.samples.panel.schema
        return [*schema.target, *schema.past, *schema.future]

    def _before(self, signals: Signals, row: int) -> Floats:
        """Return the steps before a row, [L, C]."""
        begin = max(int(signals.offsets[self._group(row)]), row - max(_STEPS, self.lags))
        return signals.inputs[begin:row].astype(np.float64)

    def _expected(self, row: int) -> Floats:
        """Return the values that were expected at a row, [K], in deviations."""
        with torch.no_grad():
            inputs = torch.from_numpy(self._before(self.signals, row))[None]
            state = self._state(row, inputs.size(1))
            found: Floats = self._scaled(row, inputs, state)[0].cpu().numpy()
        return found

    def _answer(self, row: int, inputs: Tensor, state: Any) -> Tensor:
        """Return expected values [N, K] in the data's units."""
        known = known_of(self.model.encoder, self.samples.panel.groups[self._group(row)], "")
        scaled = self._scaled(row, inputs, state)
        count = scaled.size(1)
        scale, centre = (
            torch.from_numpy(each[:count]).to(scaled) for each in (known.scale, known.centre)
        )
        return scaled * scale + centre

    def _scaled(self, row: int, inputs: Tensor, state: Any) -> Tensor:
        """Return expected values [N, K] for other steps before, [N, L, C]."""
        network: Any = self.network
        x = inputs.to(self.model.device)
        group, channels = self._group(row), self.signals.known.shape[1]
        found, _ = network.ahead(x.transpose(0, 1), _copied(state, len(x)))
        weights = torch.from_numpy(self.signals.weights[group, 0]).to(x)
        newest = x[:, -self.lags :, :channels].flip(1)
        linear = (newest * weights[:, :-1].T).sum(1) + weights[:, -1]
        corrected: Tensor = found[-1, :, 0, :, 0] + linear
        return corrected

    def _state(self, row: int, steps: int) -> Any:
        """Return the state after everything that stands more than `steps` before a row."""
        begin = int(self.signals.offsets[self._group(row)])
        network: Any = self.network
        if row - steps <= begin:
            return None
        read = torch.from_numpy(self.signals.inputs[begin : row - steps]).double()
        with torch.no_grad():
            return network.ahead(read[:, None].to(self.model.device))[1]

    def _others(self, steps: int) -> Floats:
        """Return stretches of the training rows, [M, L, C]."""
        if self.train is None:
            return np.zeros((0, steps, len(self._features())))
        ends = [
            end
            for group in range(self.train.num_series)
            for end in range(
                int(self.train.offsets[group]) + steps,
                int(self.train.offsets[group] + self.train.end[group]),
            )
        ]
        if not ends:
            return np.zeros((0, steps, len(self._features())))
        chosen = np.array(ends)[np.linspace(0, len(ends) - 1, _OTHERS).round().astype(int)]
        return np.stack([self.train.inputs[end - steps : end] for end in chosen]).astype(float)

    def _shown(self, row: int, steps: int) -> Floats:
        """Return the steps before a row in the data's units, [L, C]."""
        panel = self.samples.panel
        columns = np.concatenate([panel.target, panel.past, panel.future], axis=1)
        return columns[row - steps : row]

    def _stamps(self, row: int, steps: int) -> list[str]:
        group = self._group(row)
        place = row - int(self.signals.offsets[group])
        return self.samples.panel.stamps(group, np.arange(place - steps, place))


def _copied(state: Any, copies: int) -> Any:
    """Return a state [L, 1, W], or several, once for each copy of a row; None stays None."""
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(each.expand(-1, copies, -1).contiguous() for each in state)
    return state.expand(-1, copies, -1).contiguous()
