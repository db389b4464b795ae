"""What a language model says of labels beside the network that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from longshort.decoding.checks import finite

END = 0
"""Mark of a language model before the first and after the last token, and class of the blank."""

Context = tuple[int, ...]


class LabelScorer(Protocol):
    """Adds to the log probability of a spelling, label by label.

    A state is what a scorer remembers of the labels so far; it is never changed, methods return a
    new one.
    """

    def start(self) -> Any:
        """Return the state before the first label."""
        ...

    def advance(self, state: Any, label: int) -> tuple[float, Any]:
        """Return what a next label adds, -inf where it may not follow, and the state after it."""
        ...

    def finish(self, state: Any) -> float:
        """Return what is added where the spelling ends, -inf where it may not."""
        ...


class NextToken(Protocol):
    """A language model: log probabilities of the next token after those before it."""

    @property
    def order(self) -> int:
        """The model looks at `order` - 1 tokens."""
        ...

    def logs(self, before: Context) -> Sequence[float]:
        """Return the log probability of every token, by its number; `END` is one of them."""
        ...


class Characters:
    """Scores each label by a language model of labels.

    weight: alpha, by which its log probabilities are multiplied. bonus: beta, added for each label.
    """

    def __init__(self, model: NextToken, *, weight: float, bonus: float) -> None:
        finite("weight", weight, 0.0)
        finite("bonus", bonus)
        self.model, self.weight, self.bonus = model, weight, bonus
        self._known: dict[Context, Sequence[float]] = {}

    def start(self) -> Context:
        """Return the mark before the first label."""
        return after((), END, self.model.order)

    def advance(self, state: Context, label: int) -> tuple[float, Context]:
        """Return the weighted log probability of the label with the bonus, and the next state."""
        gain = self.weight * self._logs(state)[label] + self.bonus
        return gain, after(state, label, self.model.order)

    def finish(self, state: Context) -> float:
        """Return the weighted log probability of the end."""
        return self.weight * self._logs(state)[END]

    def _logs(self, before: Context) -> Sequence[float]:
        if before not in self._known:
            self._known[before] = self.model.logs(before)
        return self._known[before]


def after(before: Context, token: int, order: int) -> Context:
    """Return the tokens that a model of this order looks at, once `token` follows these."""
    return (*before, token)[1 - order :] if order > 1 else ()
