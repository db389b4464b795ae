"""Export of a bundle's model as code: C99, or a page with WebAssembly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.export.code.arrays import Pool
from longshort.export.code.c_files import c_files, identifier
from longshort.export.code.loops import Buffer
from longshort.export.code.program import program
from longshort.export.code.trials import Trial
from longshort.runs.abilities import Ports
from longshort.runs.bundle import Bundle
from longshort.runs.lookup import AnyTask, find_task, tasks_with
from longshort.runs.portable import Portable, Ready, ready, replayed, states_of
from longshort.runs.portable_values import Given, Held

Array = NDArray[Any]

ALLOWED = {"float32": 1e-5, "int8": 0.1}
"""Largest difference from the bundle's answers, relative to their largest value or 1."""


@dataclass(frozen=True)
class Coded:
    """A model's programs with what proves them, and the states' first values."""

    portable: Portable
    trials: list[Trial]
    start: dict[Buffer, Array]


def porter(task: AnyTask) -> Ports:
    """Return the task if its models can become code; raises `ConfigError` if not."""
    if isinstance(task, Ports):
        return task
    raise ConfigError(
        f"--to: models of the task {task.name!r} cannot become code; a bundle runs them "
        f"(tasks that can: {', '.join(tasks_with(Ports))})"
    )


def portable_of(bundle: Bundle, steps: int | None) -> tuple[Portable, list[Ready]]:
    """Return what of a bundle becomes code, each part as one function."""
    found = porter(find_task(bundle.model.config.task)).portable(bundle.model, bundle.golden, steps)
    return found, [ready(bundle.model.network, each) for each in found.parts]


def coded(bundle: Bundle, steps: int | None = None, weights: str = "float32") -> Coded:
    """Return the programs of a bundle. weights: "float32", or "int8" with a scale for each row."""
    portable, parts = portable_of(bundle, steps)
    pool = Pool(int8=weights == "int8")
    states = {
        held: Buffer(f"state{number}", held.start.size, "state")
        for number, held in enumerate(states_of(parts))
    }
    programs = {
        each.part.name: program(
            each.function,
            each.weights,
            pool,
            each.examples,
            name=each.part.name,
            states={place: states[held] for place, held in each.states.items()},
            names=[one.name for one in each.inputs if isinstance(one, Given)],
            results=[states[to] if isinstance(to, Held) else to for to in each.becomes],
        )
        for each in parts
    }
    trials = [
        Trial(
            programs[each.part.name],
            each.part.trials,
            replayed(parts, each),
            [(programs[name], given) for name, given in each.part.lead],
        )
        for each in parts
    ]
    return Coded(portable, trials, {buffer: held.start for held, buffer in states.items()})


def write_c(bundle: Bundle, out: Path, steps: int | None, weights: str) -> dict[str, int]:
    """Write a model as C files into a folder; returns their sizes in bytes, by name."""
    found = coded(bundle, steps, weights)
    files = c_files(
        identifier(out.name.removesuffix("_c")),
        found.trials,
        found.start,
        found.portable.says,
        ALLOWED[weights],
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    return {name: len(text.encode()) for name, text in files.items()}
