"""The verdict on a classifier in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.metrics.significance import Comparison


@dataclass(frozen=True)
class Standing:
    """What the sentence is about."""

    cell: str
    title: str
    """Of the best baseline."""
    count: int
    """Test examples."""
    shares: tuple[float, float]
    """Accuracy of the model and of the best baseline."""
    is_anything_learned: bool
    """Whether the model or a baseline says more of the labels than how frequent they are."""


def sentence(result: Comparison, standing: Standing) -> str:
    """Whether the model earned its place, and whether anything could be learned."""
    if result.outcome in ("better", "too few") or standing.is_anything_learned:
        return _place(result, standing)
    return _place(result, standing) + (
        " Nothing could be learned here: no classifier says more of the labels than how frequent "
        "they are."
    )


def _place(result: Comparison, standing: Standing) -> str:
    cell, title, (ours, theirs) = standing.cell, standing.title, standing.shares
    basis = f"{standing.count:,} test examples"
    numbers = f"{ours:.1%} right against {theirs:.1%} of {title}, the best baseline, on {basis}"
    if result.outcome == "too few":
        return f"Too little test data to tell: {numbers}."
    if theirs == 1:
        too = "all too" if ours == 1 else f"{ours:.1%}"
        return (
            f"The {cell} did not earn its place: {title} has all of {basis} right, and the {cell} "
            f"has {too}. Use the baseline."
        )
    told = f"{numbers} (95 % interval of the difference {result.span('+.1%')})"
    if result.outcome == "better":
        return f"The {cell} earned its place: {told}."
    if result.outcome == "equal":
        return (
            f"The {cell} and the best baseline cannot be told apart: {told}. Prefer the baseline: "
            "it is simpler."
        )
    return f"The {cell} did not earn its place: {told}. Use the baseline."
