"""The verdict on a forecast in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.metrics.significance import LEAST, Comparison

_NOTE_GAIN = 0.01
_ALIKE = 0.001
_CHANCE = 0.05
"""Gain of the best baseline over a constant that may be chance.

With a larger gain, it is too early to write that nothing can be learned, however few test windows
there are.
"""


@dataclass(frozen=True)
class Standing:
    """The numbers and names that the verdict rests on."""

    cell: str
    metric: str
    title: str
    """Title of the best baseline."""
    basis: str
    losses: tuple[float, float]
    """Scaled mean losses of the model and of the best baseline."""
    constant: str
    """Title of the best baseline that repeats one number."""
    over_constant: Comparison
    """Comparison of the best baseline with that constant."""
    r2: float

    @property
    def is_learnable(self) -> bool:
        """Whether any baseline is better than a constant."""
        return self.over_constant.outcome == "better"


def sentence(result: Comparison, standing: Standing) -> str:
    """Return whether the model earned its place, and what is wrong if nothing can be learned."""
    return _place(result, standing) + _nothing(result, standing) + _r2(standing.r2)


def _place(result: Comparison, standing: Standing) -> str:
    cell, title, metric, basis = standing.cell, standing.title, standing.metric, standing.basis
    ours, theirs = standing.losses
    if theirs == 0:
        rest = "makes none either" if ours == 0 else f"has a {metric} of {ours:.3g}"
        return (
            f"The {cell} did not earn its place: {title} makes no error at all on {basis}, and the "
            f"{cell} {rest}. Use the baseline."
        )
    if _is_alike(result):
        few = "" if result.low is not None else "; there are too few independent forecasts to tell"
        return (
            f"The {cell} and {title}, the best baseline, forecast alike on {basis}: the {metric} "
            f"differs by less than {_ALIKE:.1%}{few}. Prefer the baseline: it is simpler."
        )
    margin = f"{'' if result.gain >= LEAST else 'more than '}{abs(max(result.gain, LEAST)):.1%}"
    if result.low is None or result.high is None:
        side = "below" if result.gain > 0 else "above" if result.gain < 0 else "off"
        return (
            f"Too few independent forecasts to tell ({basis}): the {cell}'s {metric} is "
            f"{margin} {side} that of {title}, the best baseline. "
            "Give a longer test split, or more series."
        )
    span = f"95 % interval {result.span('+.1%')}"
    if result.outcome == "better":
        small = "; a small gain" if result.gain < _NOTE_GAIN else ""
        return (
            f"The {cell} earned its place: its {metric} is {margin} below that of {title}, the "
            f"best baseline, on {basis} (gain {span}){small}."
        )
    if result.outcome == "equal":
        return (
            f"The {cell} and {title}, the best baseline, cannot be told apart on {basis}: the "
            f"{metric} gain is {result.gain:+.1%} ({span}). Prefer the baseline: it is simpler."
        )
    return (
        f"The {cell} did not earn its place: its {metric} is {margin} above that of {title} on "
        f"{basis} (gain {span}). Use the baseline."
    )


def _is_alike(result: Comparison) -> bool:
    """Return whether gain and interval would be written as zeros in the sentence."""
    ends = (result.gain, result.low or 0.0, result.high or 0.0)
    return result.outcome in ("equal", "too few") and max(map(abs, ends)) < _ALIKE / 2


def _nothing(result: Comparison, standing: Standing) -> str:
    """Return a sentence for data where neither model nor baselines clearly beat a constant."""
    beside = standing.over_constant
    if standing.losses[1] == 0 or beside.gain > _CHANCE:
        return ""
    if result.outcome in ("better", "too few") or beside.outcome in ("better", "too few"):
        return ""
    return (
        f" Nothing could be learned here: no forecast is better than {standing.constant}, so what "
        "is given seems to say nothing about the steps ahead."
    )


def _r2(r2: float) -> str:
    if r2 >= 0 or r2 != r2:
        return ""
    return f" Beware: R² is {r2:.2f}, so the mean of the test split itself would be nearer."
