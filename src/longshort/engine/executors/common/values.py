"""Values that depend on parameters alone: which a program needs, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from longshort.engine.graph import Node, needed


@dataclass(frozen=True, eq=False)
class Values:
    """Parameter-level values that are computed outside a scan, and their order."""

    nodes: tuple[Node, ...]
    targets: tuple[int, ...]
    order: list[int]

    @classmethod
    def of(cls, nodes: tuple[Node, ...], targets: Iterable[int]) -> Values:
        """Return the values at `targets`, after all that they depend on."""
        chosen = tuple(targets)
        return cls(nodes, chosen, needed(nodes, chosen))
