"""The settings as numbers, for rules that need nothing else."""

from __future__ import annotations

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured:
    """Return every setting that is a number; unscaled: 1 where targets keep their unit."""
    known = subject.settings
    numbers = {
        name: float(value)
        for name, value in known.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    numbers["unscaled"] = float(known.get("scale") == "none")
    said = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
    return Measured(said or "no settings are known", numbers)
