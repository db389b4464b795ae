"""The explanation of one answer: attributions by several methods, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from longshort.explanation.attribution import Attribution
from longshort.explanation.faithfulness import Deletion, agreement
from longshort.explanation.inside.traces import Inside
from longshort.explanation.methods import METHODS
from longshort.runs.explaining import Question

Check = tuple[str, bool, str]
"""Name, whether it passed, and what was measured."""


@dataclass(frozen=True)
class Explained:
    """A question about row `number` (from 1 on), with attributions and their deletion by method.

    inside: what went on in each recurrent layer. further: checks that were asked for. notes: what
    was left out, and why.
    """

    number: int
    place: str
    question: Question
    attributions: dict[str, Attribution]
    deletions: dict[str, Deletion]
    inside: tuple[Inside, ...] = ()
    further: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def agreements(self) -> dict[tuple[str, str], float]:
        """Spearman's rank correlation of every two methods over the cells."""
        return {
            (one, other): agreement(self.attributions[one], self.attributions[other], self.question)
            for one, other in combinations(self.attributions, 2)
        }

    @property
    def checks(self) -> list[Check]:
        """Whether sums are complete, whether deletion beats random order, and further checks."""
        found: list[Check] = []
        for name, each in self.attributions.items():
            tolerance = METHODS[name].tolerance
            if tolerance is not None:
                text = f"is off by {each.completeness:.2g} of what is explained"
                passed = each.completeness <= tolerance
                found.append((f"{name}: sum", passed, f"{text} (at most {tolerance:g})"))
            gain = self.deletions[name].gain
            text = f"beats random order by {gain:.2g}, order by distance gives "
            text += f"{self.deletions[name].gain_of_distance:.2g}"
            found.append((f"{name}: deletion", gain > 0, text))
        return [*found, *self.further]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for every cell and method, for a table."""
        question, found = self.question, []
        cells = np.argwhere(question.exists).tolist()
        for name, each in self.attributions.items():
            common = {
                "method": name,
                "completeness": each.completeness,
                "baseline": each.baseline,
                "seed": each.seed,
                "answer": question.name,
                "unit": question.unit,
            }
            for step, feature in cells:
                found.append(
                    {
                        "row": self.number,
                        "place": self.place,
                        "position": step + 1,
                        "step": question.steps[step],
                        "feature": question.features[feature],
                        "value": float(each.values[step, feature]),
                        **common,
                    }
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the cells."""
        methods = {
            name: {
                "baseline": each.baseline,
                "score": each.score,
                "reference": each.reference,
                "sum": float(each.values.sum()),
                "constant": each.constant,
                "completeness": each.completeness,
                "deletion_gain": self.deletions[name].gain,
                "deletion_gain_of_distance": self.deletions[name].gain_of_distance,
                "seed": each.seed,
                "note": each.note,
            }
            for name, each in self.attributions.items()
        }
        pairs = {f"{one}, {other}": value for (one, other), value in self.agreements.items()}
        checks = [{"name": n, "passed": p, "text": t} for n, p, t in self.checks]
        return {
            "row": self.number,
            "place": self.place,
            "answer": self.question.name,
            "unit": self.question.unit,
            "methods": methods,
            "agreement": pairs,
            "checks": checks,
            "top": self.top(),
            "inside": [each.to_dict() for each in self.inside],
            "notes": list(self.notes),
        }

    def top(self, count: int = 10) -> list[dict[str, Any]]:
        """Return the cells with the largest values by the first method."""
        name = next(iter(self.attributions))
        values = self.attributions[name].values
        order = np.argsort(-np.abs(values), axis=None, kind="stable")
        cells = [divmod(int(place), values.shape[1]) for place in order]
        cells = [cell for cell in cells if self.question.exists[cell]][:count]
        question = self.question
        return [
            {
                "step": question.steps[step],
                "position": step + 1,
                "feature": question.features[feature],
                **{n: float(each.values[step, feature]) for n, each in self.attributions.items()},
            }
            for step, feature in cells
        ]
