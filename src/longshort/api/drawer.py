"""Models of pen strokes from Python: new drawings of a finished run."""

from __future__ import annotations

from longshort.api.runs import TaskRun
from longshort.data.strokes.ink import Ink
from longshort.runs.pen import Pen


class DrawRun(TaskRun):
    """A finished run: its scores, its report, and the drawing model in it."""

    def draw(
        self,
        told: str | None = None,
        *,
        count: int = 1,
        bias: float = 0.0,
        seed: int = 0,
        prime: Ink | None = None,
        primed: str | None = None,
        most: int | None = None,
    ) -> list[Ink]:
        """Return new drawings in the data's unit.

        told: the label, or the text to write, where the run is told one. count: number of drawings.
        bias: the larger, the likelier and tidier they are; 0 draws from the model as it is. prime:
        a drawing that is gone on with; of texts, a sample of the hand to write in, which says
        `primed`. most: points of a drawing; as many as the longest in training when None. Raises
        `ConfigError` for values out of range.
        """
        return self._trained.draw(Pen(count, bias, seed, told, prime, primed, most))
