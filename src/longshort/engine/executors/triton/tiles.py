"""Triton expressions for the values of a graph, on tiles of [sequences, columns].

A value is written where it is used, for the columns that are used: columns of a pointwise result
are the result of these columns, and columns of a product are the product with some of the matrix's
rows. So a tile is never sliced, which Triton cannot do. Kernels compute in the layer's dtype.
Letters: T time steps, B batch, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from longshort.engine.fuse import PRODUCTS
from longshort.engine.graph import Level, Node
from longshort.engine.ops import EPSILON

POINTWISE = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "sigmoid": "tl.sigmoid({0})",
    "tanh": "tanh({0})",
    "relu": "tl.where({0} < 0, 0.0, {0})",
    "exp": "tl.exp({0})",
    "log": "tl.log({0})",
    "softplus": "softplus({0})",
    "sqrt": "tl.sqrt({0})",
    "floor": "tl.floor({0})",
    "maximum": "tl.where({1} > {0}, {1}, {0})",
    "minimum": "tl.where({1} < {0}, {1}, {0})",
    "greater_equal": "({0} >= {1}).to(REAL)",
    "where": "tl.where({0} != 0, {1}, {2})",
    "muladd": "{0} * {1} + {2}",
    "sigmoid_gradient": "{0} * {1} * (1 - {1})",
    "tanh_gradient": "{0} * (1 - {1} * {1})",
    "gated_sigmoid_gradient": "{0} * {1} * {2} * (1 - {2})",
    "gated_tanh_gradient": "{0} * {1} * (1 - {2} * {2})",
}
VIEWS = ("slice", "straight_through", "copy")
"""Operations whose result is a view of another value's columns."""
ROWWISE = (
    "sum",
    "max",
    "cumsum",
    "cumsum_reversed",
    "standardise",
    "inverse_deviation",
    "standardise_gradient",
)
"""Operations that need all columns of a row at once."""
SUPPORTED = {*POINTWISE, *VIEWS, *ROWWISE, *PRODUCTS, "concat", "expand", "constant"}


class UnsuitedError(Exception):
    """The equations do not fit into one kernel that runs the whole loop."""


@dataclass(frozen=True)
class Place:
    """Place of a value: columns of a tensor, at a step `shift` later than the current one."""

    buffer: str
    column: int
    stride: int
    """Number of columns of the tensor."""
    kind: str
    """Shape of the tensor: "time" [T, B, ·], "batch" [B, ·] or "vector" [·]."""
    shift: int = 0


def padded(width: int) -> int:
    """Return the tile width for that many columns: a power of two, at least 16 for matrix units."""
    return max(16, 1 << (width - 1).bit_length())


class Writer:
    """Writes one kernel; `find` returns the place of a value that is already in memory."""

    def __init__(
        self,
        nodes: Sequence[Node],
        find: Callable[[int], Place | None],
        matrices: Mapping[str, tuple[int, int]],
        carried: Mapping[int, str] | None = None,
    ) -> None:
        self.nodes, self.find, self.matrices = nodes, find, matrices
        self.whole_loop = carried is not None
        self.carried = carried or {}
        self.tiled = False
        self.outer: list[str] = []
        self.inner: list[str] = []
        self.tensors: dict[str, str] = {}
        self.pads: set[int] = set()
        self.known: dict[tuple[int | str, ...], str] = {}
        self.boundaries: dict[int, frozenset[int]] = {}
        self.matrix_numbers = 0

    # Columns and memory

    def column(self, width: int) -> str:
        """Return the variable with the column numbers of a value."""
        if width == 1:
            return "one"
        if self.tiled:
            return "c"
        self.pads.add(padded(width))
        return f"c{padded(width)}"

    def pointer(self, buffer: str) -> str:
        """Return the kernel's argument for a tensor."""
        name = "".join(letter if letter.isalnum() else "_" for letter in buffer)
        return self.tensors.setdefault(buffer, f"p_{name}")

    def address(self, place: Place, start: int, width: int) -> tuple[str, str]:
        """Return the addresses of a place's columns, and the mask of the ones that exist."""
        column = self.column(width)
        offset = f"{column} + {place.column + start}"
        exists = [] if width == 1 else [f"({column} < {width})"]
        if place.kind != "vector":
            step = "at" if place.shift == 0 else f"(at + {place.shift} * batch)"
            row = "sequence" if place.kind == "batch" else step
            offset = f"{row} * {place.stride} + {offset}"
            exists = ["real", *exists]
        return f"{self.pointer(place.buffer)} + {offset}", " & ".join(exists) or "one == 0"

    def load(self, place: Place, start: int, width: int, level: Level) -> str:
        """Return a tile loaded from memory."""
        address, exists = self.address(place, start, width)
        return self.assign(f"tl.load({address}, mask={exists}, other=0.0)", level)

    def store(self, index: int, place: Place) -> None:
        """Store all columns of a value to memory."""
        for start, width in self.pieces(index, 0, self.nodes[index].width):
            address, exists = self.address(place, start, width)
            value = self.value(index, start, width)
            shape = f"(BLOCK_B, {self.tile_width(width)})"
            self.inner.append(f"tl.store({address}, tl.broadcast_to({value}, {shape}), {exists})")

    def tile_width(self, width: int) -> str:
        """Return the tile width of a value."""
        if width == 1:
            return "1"
        return "BLOCK_C" if self.tiled else str(padded(width))

    def assign(self, text: str, level: Level) -> str:
        """Return a new variable; expressions that are the same in all steps go before the loop."""
        before = self.whole_loop and level <= Level.SEQUENCE
        name = f"v{len(self.outer) + len(self.inner)}"
        (self.outer if before else self.inner).append(f"{name} = {text}")
        return name

    # Values

    def pieces(self, index: int, start: int, width: int) -> list[tuple[int, int]]:
        """Divide columns so that no piece crosses a border between concatenated operands."""
        cuts = [c for c in sorted(self.cuts(index)) if start < c < start + width]
        ends = [start, *cuts, start + width]
        return [(a, b - a) for a, b in pairwise(ends)]

    def cuts(self, index: int) -> frozenset[int]:
        """Return the columns at which operands of a concatenation begin."""
        if index not in self.boundaries:
            self.boundaries[index] = frozenset(self._cuts(index))
        return self.boundaries[index]

    def _cuts(self, index: int) -> set[int]:
        node = self.nodes[index]
        if node.width == 1 or index in self.carried or self.find(index) is not None:
            return set()
        if node.op == "slice":
            first, last = node.span
            return {c - first for c in self.cuts(node.inputs[0]) if first < c < last}
        found: set[int] = set()
        if node.op == "concat":
            start = 0
            for i in node.inputs:
                found.update([start] if start else [], (start + c for c in self.cuts(i)))
                start += self.nodes[i].width
            return found
        inputs = node.inputs[1:] if node.op in PRODUCTS else node.inputs
        for i in inputs:
            if self.nodes[i].width == node.width:
                found |= self.cuts(i)
        return found

    def value(self, index: int, start: int, width: int) -> str:
        """Return the variable with columns of a value; a value of width 1 fits any columns."""
        if self.nodes[index].width == 1:
            start, width = 0, 1
        key = (index, start, width)
        if key not in self.known:
            self.known[key] = self._value(index, start, width)
        return self.known[key]

    def _value(self, index: int, start: int, width: int) -> str:
        node = self.nodes[index]
        if index in self.carried:
            if (start, width) != (0, node.width):
                raise UnsuitedError(f"columns of the state {node.name!r} are used by themselves")
            return self.carried[index]
        place = self.find(index)
        if place is not None:
            return self.load(place, start, width, node.level)
        match node.op:
            case "constant":
                number = repr(node.value) if math.isfinite(node.value) else f'float("{node.value}")'
                return self.assign(f"tl.full((1, 1), {number}, REAL)", node.level)
            case "slice":
                return self.value(node.inputs[0], node.span[0] + start, width)
            case "straight_through" | "copy" | "expand":
                return self.value(node.inputs[0], start, width)
            case "concat":
                for i in node.inputs:
                    if start < self.nodes[i].width:
                        return self.value(i, start, width)
                    start -= self.nodes[i].width
            case op if op in PRODUCTS:
                return self._product(node, start, width)
            case op if op in ROWWISE:
                return self._rowwise(node, start, width)
        inputs = [self.value(i, start, width) for i in node.inputs]
        return self.assign(POINTWISE[node.op].format(*inputs), node.level)

    def masked(self, value: str, width: int, other: str = "0.0") -> str:
        """Return a tile whose columns past the end are `other`."""
        return (
            value if width == 1 else f"tl.where({self.column(width)} < {width}, {value}, {other})"
        )

    # Along the width

    def _reduced(self, tiles: Sequence[tuple[str, int]], level: Level, how: str = "sum") -> str:
        """Return the sum or maximum over the columns of tiles."""
        other = "0.0" if how == "sum" else 'float("-inf")'
        parts = [
            value
            if width == 1
            else f"tl.{how}({self.masked(value, width, other)}, axis=1, keep_dims=True)"
            for value, width in tiles
        ]
        text = parts[0]
        for part in parts[1:]:
            text = f"{text} + {part}" if how == "sum" else f"tl.maximum({text}, {part})"
        return self.assign(text, level)

    def _tiles(self, index: int, start: int = 0, stop: int | None = None) -> list[tuple[str, int]]:
        stop = self.nodes[index].width if stop is None else stop
        if stop <= start:
            return []
        return [(self.value(index, s, w), w) for s, w in self.pieces(index, start, stop - start)]

    def _rowwise(self, node: Node, start: int, width: int) -> str:
        first, level = node.inputs[0], node.level
        match node.op:
            case "sum" | "max":
                return self._reduced(self._tiles(first), level, node.op)
            case "cumsum" | "cumsum_reversed":
                return self._cumsum(node, start, width)
            case "standardise":
                mean, deviation = self._moments(first, level)
                centred = f"{self.value(first, start, width)} - {mean}"
                return self.assign(f"({centred}) * {deviation}", level)
            case "inverse_deviation":
                return self._moments(first, level)[1]
        d, y, scale = node.inputs
        means = self._shared(node.inputs, lambda: self._gradient_means(d, y, node))
        here, there = self.value(d, start, width), self.value(y, start, width)
        factor = self.value(scale, 0, 1)
        return self.assign(f"({here} - {means[0]} - {there} * {means[1]}) * {factor}", level)

    def _shared(self, inputs: Sequence[int], make: Callable[[], list[str]]) -> list[str]:
        """Return reductions of a row, computed once for all of its columns."""
        keys: list[tuple[int | str, ...]] = [("row", *inputs, k) for k in range(2)]
        if keys[0] not in self.known:
            self.known.update(zip(keys, make(), strict=True))
        return [self.known[key] for key in keys]

    def _moments(self, index: int, level: Level) -> list[str]:
        """Return mean and 1 / sqrt(variance + EPSILON) of a row."""

        def make() -> list[str]:
            tiles, width = self._tiles(index), self.nodes[index].width
            mean = self.assign(f"{self._reduced(tiles, level)} / {width}", level)
            squares = [
                (self.assign(f"({value} - {mean}) * ({value} - {mean})", level), w)
                for value, w in tiles
            ]
            variance = f"{self._reduced(squares, level)} / {width}"
            return [mean, self.assign(f"1 / tl.sqrt({variance} + {EPSILON})", level)]

        return self._shared([index], make)

    def _gradient_means(self, d: int, y: int, node: Node) -> list[str]:
        """Return the means of d and of d y."""
        cuts = sorted({*self.cuts(d), *self.cuts(y), 0, node.width})
        plain, products = [], []
        for start, stop in pairwise(cuts):
            value, other = self.value(d, start, stop - start), self.value(y, start, stop - start)
            plain.append((value, stop - start))
            products.append((self.assign(f"{value} * {other}", node.level), stop - start))
        return [
            self.assign(f"{self._reduced(tiles, node.level)} / {node.width}", node.level)
            for tiles in (plain, products)
        ]

    def _cumsum(self, node: Node, start: int, width: int) -> str:
        """Return the running sum of these columns, including the sum of the columns before them."""
        (a,), backwards = node.inputs, node.op == "cumsum_reversed"
        value = self.value(a, start, width)
        if width > 1:
            shape = f"(BLOCK_B, {self.tile_width(width)})"
            tile = f"tl.broadcast_to({self.masked(value, width)}, {shape})"
            value = self.assign(f"tl.cumsum({tile}, axis=1, reverse={backwards})", node.level)
        before = self._tiles(a, start + width) if backwards else self._tiles(a, 0, start)
        if not before:
            return value
        return self.assign(f"{value} + {self._reduced(before, node.level)}", node.level)

    # Products, where a kernel goes through time by itself

    def _product(self, node: Node, start: int, width: int) -> str:
        if not self.whole_loop:
            raise AssertionError("products are computed between kernels")
        source = node.inputs[0]
        terms = [self.value(node.inputs[1], start, width)] if len(node.inputs) > 1 else []
        for first, count in self.pieces(source, 0, self.nodes[source].width):
            matrix = self._matrix(node, (first, count), (start, width))
            value = self.value(source, first, count)
            if count == 1:
                terms.append(f"{value} * {matrix}")
            elif width == 1:
                total = f"{self.masked(value, count)} * {matrix}"
                terms.append(f"tl.sum({total}, axis=1, keep_dims=True)")
            else:
                tile = f"tl.broadcast_to({self.masked(value, count)}, (BLOCK_B, {padded(count)}))"
                terms.append(f"tl.dot({tile}, {matrix}, input_precision=PRECISION)")
        return self.assign(" + ".join(terms), node.level)

    def _matrix(self, node: Node, inner: tuple[int, int], outer: tuple[int, int]) -> str:
        """Return a block of a matrix as [inner, outer]; a row where one of them is 1."""
        key = (node.name, node.op, node.span[0], *inner, *outer)
        if key in self.known:
            return self.known[key]
        (k0, count), (n0, width) = inner, outer
        k, n = self.column(count), self.column(width)
        exists = [f"({k} < {count})"] * (count > 1) + [f"({n} < {width})"] * (width > 1)
        if count > 1 and width > 1:
            k = f"k{padded(count)}"
            exists[0] = f"({k} < {count})"
            self.matrix_numbers += padded(count) * padded(width)
        column, row = f"({k} + {k0})", f"({n} + {n0 + node.span[0]})"
        if node.op == "product_transposed":
            column, row = f"({n} + {n0})", f"({k} + {k0 + node.span[0]})"
        address = f"{self.pointer(f'matrix:{node.name}')} + {row} * {self.matrices[node.name][1]}"
        text = f"tl.load({address} + {column}, mask={' & '.join(exists) or 'one == 0'}, other=0.0)"
        self.known[key] = self.assign(text, Level.PARAMETER)
        return self.known[key]
