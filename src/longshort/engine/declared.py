"""Checks of a cell's declarations: types, sizes, and names that would shadow each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from longshort.engine.graph import Value
from longshort.engine.parameters import Map, Start, Vector
from longshort.errors import ConfigError


def check_declared(
    cell: str,
    maps: dict[str, Map],
    vectors: dict[str, Vector],
    states: dict[str, int],
    reserved: Iterable[str],
) -> None:
    """Raise `ConfigError` for declarations that a step could not use as intended.

    reserved: attributes that p has besides the parameters.
    """
    for name, declared in maps.items():
        _check_map(f"cell {cell}: the map {name!r}", declared)
    for name, vector in vectors.items():
        owner = f"cell {cell}: the vector {name!r}"
        _check_kind(owner, vector, Vector)
        _check_kind(f"{owner} starts as", vector.start, Start)
        _check_size(f"{owner}: size", vector.size)
    for name, size in states.items():
        _check_name(f"cell {cell}: the state {name!r}", name, ())
        _check_size(f"cell {cell}: the state {name!r}: size", size)
    for name in (*maps, *vectors):
        _check_name(f"cell {cell}: the parameter {name!r}", name, reserved)
    stored = [kind + name for kind in ("weight_", "bias_") for name in maps] + [*vectors]
    for name, count in Counter([*maps, *vectors, *stored]).items():
        if count > (2 if name in vectors else 1):
            raise ConfigError(
                f"cell {cell}: two parameters are called {name!r}; give one another name"
            )


def _check_map(owner: str, declared: Map) -> None:
    _check_kind(owner, declared, Map)
    _check_size(f"{owner}: inputs", declared.inputs)
    _check_size(f"{owner}: outputs", declared.outputs)
    for gate in declared.gates:
        _check_name(f"{owner}: the gate {gate!r}", gate, dir(Value))
    if len(set(declared.gates)) < len(declared.gates):
        raise ConfigError(f"{owner}: gates must differ, got {', '.join(declared.gates)}")
    if declared.gates and declared.outputs % len(declared.gates):
        raise ConfigError(
            f"{owner}: outputs must be a multiple of its {len(declared.gates)} gates, got "
            f"{declared.outputs}"
        )


def _check_kind(owner: str, given: object, wanted: type) -> None:
    if not isinstance(given, wanted):
        raise ConfigError(f"{owner}: {wanted.__name__}(...) is expected, got {given!r}")


def _check_size(owner: str, size: object) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ConfigError(f"{owner} must be a whole number from 1, got {size!r}")


def _check_name(owner: str, name: object, reserved: Iterable[str]) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(f"{owner}: a name as of a Python variable is expected")
    if name in reserved or name.startswith("_"):
        raise ConfigError(f"{owner}: the name has another meaning here; choose another one")
