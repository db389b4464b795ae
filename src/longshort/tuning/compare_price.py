"""What a comparison costs, said before its start, and a row for each finished training."""

from __future__ import annotations

from longshort.runs.task import Say
from longshort.train.progress import duration
from longshort.tuning.compare_plan import Arm, Pair, doubt
from longshort.tuning.compare_trainings import Record


class Price:
    """Epochs of a comparison, those that are done, and the time that they took.

    trainings: numbers of whole trainings, and of short ones that try a learning rate. epochs,
    short: of each. size: numbers of alternatives and of pairs. say: takes remarks for people.
    """

    def __init__(
        self, trainings: tuple[int, int], epochs: int, short: int, size: tuple[int, int], say: Say
    ) -> None:
        self.say = say
        self.total = trainings[0] * epochs + trainings[1] * short
        self._paid, self._trained, self._seconds = 0, 0, 0.0
        self._arms, self._pairs = size
        tries = f", and {trainings[1]} of {short} that try learning rates" if trainings[1] else ""
        say(
            f"price: {self._arms} alternatives x {self._pairs} pairs: {trainings[0]} trainings of "
            f"{epochs} epochs{tries}; {self.total:,} epochs in all"
        )
        trouble = doubt(self._pairs, self._arms)
        if trouble:
            say(f"warning: no claim will be made: {trouble}")

    def pay(self, epochs: int, seconds: float) -> None:
        """Count a training; after the first one say how long all take.

        seconds: 0 for a training that was read from the folder.
        """
        self._paid += epochs
        if not seconds:
            return
        self._seconds += seconds
        self._trained += epochs
        if self._trained == epochs:
            self.say(f"estimate after the first training: about {duration(self.left())} for all")

    def left(self) -> float:
        """Return about how many seconds are left."""
        return (self.total - self._paid) * self._seconds / max(1, self._trained)

    def row(self, pair: Pair, arm: Arm, record: Record, width: int) -> None:
        """Show a finished training as a row of a table; names take `width` letters."""
        rate = "" if record["rate"] is None else f"  rate {record['rate']:<8g}"
        val = "-" if record["val"] is None else f"{record['val']:.5g}"
        left = f"  about {duration(self.left())} left" if self._trained else ""
        bad = "  diverged" if record["diverged"] else ""
        self.say(
            f"pair {pair.number:>2} of {self._pairs}  {arm.name:<{width}}{rate}  "
            f"validation {val:<9}{bad}{left}"
        )
