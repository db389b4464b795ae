"""Individuals that are enrolled with a model, and found again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError, RunError, nearest
from longshort.lazy import polars as pl
from longshort.runfolder import write_atomic
from longshort.runs.task import Say, quiet

if TYPE_CHECKING:
    from longshort.runs.trained import AnyTrained

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Enrolled:
    """Individuals with the vector by which a model knows each of them.

    digest: of the model, since vectors of two models cannot be compared. seconds: of samples with
    which each was enrolled.
    """

    digest: str
    vectors: Mapping[str, Floats]
    seconds: Mapping[str, float]

    @staticmethod
    def none(digest: str) -> Enrolled:
        """Return that nobody is enrolled with this model."""
        return Enrolled(digest, {}, {})

    def with_more(self, vectors: Mapping[str, Floats], seconds: Mapping[str, float]) -> Enrolled:
        """Return these too; who was enrolled before is enrolled anew."""
        return Enrolled(self.digest, {**self.vectors, **vectors}, {**self.seconds, **seconds})

    def vector(self, name: str) -> Floats:
        """Return the vector of an individual; raises `ConfigError` if nobody has the name."""
        if name not in self.vectors:
            raise ConfigError(
                f"{name!r}: nobody of this name is enrolled; {nearest(name, self.vectors)}"
                if self.vectors
                else f"{name!r}: nobody is enrolled yet; enrol first"
            )
        return self.vectors[name]

    def save(self, path: Path) -> None:
        """Write to a file of JSON."""
        people = {
            name: {"seconds": self.seconds[name], "vector": vector.tolist()}
            for name, vector in self.vectors.items()
        }
        write_atomic(path, json.dumps({"model": self.digest, "enrolled": people}).encode())

    @staticmethod
    def load(path: Path, digest: str) -> Enrolled:
        """Read a file; raises `RunError` if it is missing, damaged, or of another model."""
        try:
            stored = json.loads(path.read_text())
            people: Mapping[str, Mapping[str, object]] = stored["enrolled"]
            vectors = {name: np.array(each["vector"], np.float64) for name, each in people.items()}
            seconds = {name: float(str(each["seconds"])) for name, each in people.items()}
        except FileNotFoundError:
            raise RunError(
                f"{path}: no such file; nobody is enrolled yet, so enrol first"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise RunError(
                f"{path}: is no file of enrolled voices ({type(error).__name__}: {error}); name "
                "one that enrolling wrote, or enrol into a new file"
            ) from None
        if stored.get("model") != digest:
            raise RunError(
                f"{path}: was enrolled with another model, whose vectors this one cannot compare; "
                "enrol anew, or give another file"
            )
        return Enrolled(digest, vectors, seconds)


def enrol(
    trained: AnyTrained, data: object, known: Enrolled, name: str | None = None, say: Say = quiet
) -> Enrolled:
    """Return the enrolled individuals and those of the data.

    name: whose all samples of the data are; None: as the data say.
    """
    task = trained.enroller()
    samples = trained.read_named(data, say) if name is None else trained.read(data, say)
    found = trained.predict(samples)
    return known.with_more(*task.individuals(trained.model, samples, found, name))


def verify(
    trained: AnyTrained,
    data: object,
    known: Enrolled,
    name: str,
    threshold: float | None = None,
    say: Say = quiet,
) -> pl.DataFrame:
    """Return for each sample of the data whether it is of this individual."""
    task, vector = trained.enroller(), known.vector(name)
    samples = trained.read(data, say)
    found = trained.predict(samples)
    return task.verified(trained.model, samples, found, vector, threshold)


def identify(trained: AnyTrained, data: object, known: Enrolled, say: Say = quiet) -> pl.DataFrame:
    """Return for each sample of the data the individual that it is most like."""
    task = trained.enroller()
    if not known.vectors:
        raise ConfigError("nobody is enrolled yet; enrol first")
    samples = trained.read(data, say)
    return task.identified(trained.model, samples, trained.predict(samples), known.vectors)
