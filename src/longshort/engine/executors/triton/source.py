"""Source of Triton kernels: those that compute and store values, and those that run the whole loop.

Letters: T time steps, B batch, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from longshort.engine.executors.triton.tiles import ROWWISE, Place, UnsuitedError, Writer, padded
from longshort.engine.graph import Node, needed

HEADER = '''"""Written by longshort.engine.executors.triton.source for one layer's equations."""

import triton
import triton.language as tl

REAL = tl.constexpr(tl.{real})


@triton.jit
def tanh(x):
    """Exact to the last digits for small x too, where 1 - 2 / (exp(2 x) + 1) cancels."""
    y = x * x
    small = x * (1 + y * (-1 / 3 + y * (2 / 15 + y * (-17 / 315 + y * (62 / 2835)))))
    large = 1 - 2 / (tl.exp(2 * tl.abs(x)) + 1)
    return tl.where(y < {small}, small, tl.where(x < 0, -large, large))


@triton.jit
def softplus(x):
    """max(x, 0) + log(1 + exp(-|x|)), the logarithm exact for small powers too."""
    power = tl.exp(-tl.abs(x))
    above = 1 + power
    lost = tl.where(above > 1, above - 1, 1.0)
    tail = tl.where(above > 1, tl.log(above) * (power / lost), power)
    return tl.where(x > 0, x, 0.0) + tail
'''
_SMALL = {"float32": "0.04", "float64": "1e-5"}
"""For x² below this, the series of tanh is as accurate as the dtype."""


def header(real: str) -> str:
    """Return the beginning of every module of kernels."""
    return HEADER.replace("{real}", real).replace("{small}", _SMALL[real])


@dataclass(frozen=True)
class Launch:
    """A launch of a kernel: its tensors, and how its tiles cover rows and columns."""

    name: str
    tensors: tuple[str, ...]
    block: int
    """Columns per tile."""
    tiles: int
    """Number of tiles side by side."""
    whole_loop: bool = False
    """Whether the kernel runs the whole loop over time."""


def _signature(writer: Writer, name: str, first: str, constants: str) -> list[str]:
    pointers = "".join(f"{pointer}, " for pointer in writer.tensors.values())
    return [
        "",
        "",
        f'@triton.jit(do_not_specialize=["{first}"])',
        f"def {name}({first}, batch, rows, {pointers}{constants}):",
        "    row = tl.program_id(0) * BLOCK_B + tl.arange(0, BLOCK_B)[:, None]",
        "    real = row < rows",
        "    sequence = (row % batch).to(tl.int64)",
        "    one = tl.zeros((1, 1), tl.int32)",
        *(f"    c{pad} = tl.arange(0, {pad})[None, :]" for pad in sorted(writer.pads)),
    ]


def write_kernel(
    name: str,
    nodes: Sequence[Node],
    find: Callable[[int], Place | None],
    stores: Sequence[tuple[int, Place]],
) -> tuple[str, Launch]:
    """Write a kernel that computes and stores values, of one step or of all rows [T B] at once."""
    writer = Writer(nodes, find, {})
    targets = tuple(index for index, _ in stores)
    known = frozenset(i for i in range(len(nodes)) if find(i) is not None)
    writer.tiled = not any(nodes[i].op in ROWWISE for i in needed(tuple(nodes), targets, known))
    for index, place in stores:
        writer.store(index, place)
    widest = max(width for i in targets for _, width in writer.pieces(i, 0, nodes[i].width))
    block = min(padded(widest), 128) if writer.tiled else max([padded(widest), *writer.pads])
    lines = _signature(writer, name, "t", "BLOCK_B: tl.constexpr, BLOCK_C: tl.constexpr")
    lines += [
        "    at = (t * batch + row).to(tl.int64)",
        "    c = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)[None, :]",
        *(f"    {line}" for line in writer.inner),
        "",
    ]
    tiles = -(-widest // block) if writer.tiled else 1
    return "\n".join(lines), Launch(name, tuple(writer.tensors), block, tiles)


def write_loop(
    name: str,
    nodes: Sequence[Node],
    find: Callable[[int], Place | None],
    stores: Sequence[tuple[int, Place]],
    carried: Mapping[int, tuple[int, Place]],
    matrices: Mapping[str, tuple[int, int]],
    backward: bool,
) -> tuple[str, Launch, int]:
    """Write a kernel that runs the whole loop; returns it with its number of matrix elements.

    carried: leaves by index in `nodes`, each with the value that it gets in the next step, and its
    place before the first step.
    """
    writer = Writer(nodes, find, matrices, {leaf: f"s{leaf}" for leaf in carried})
    for index, place in stores:
        writer.store(index, place)
    starts, ends, turns = [], [], []
    for leaf, (new, place) in carried.items():
        width = nodes[leaf].width
        if len(writer.pieces(new, 0, width)) > 1:
            raise UnsuitedError(f"the state {nodes[leaf].name!r} is put together of parts")
        shape = f"(BLOCK_B, {writer.tile_width(width)})"
        address, exists = writer.address(place, 0, width)
        load = f"tl.load({address}, mask={exists}, other=0.0)"
        starts.append(f"s{leaf} = tl.broadcast_to({load}, {shape})")
        ends.append(f"n{leaf} = tl.broadcast_to({writer.value(new, 0, width)}, {shape})")
        turns.append(f"s{leaf} = n{leaf}")
    lines = _signature(writer, name, "steps", "BLOCK_B: tl.constexpr, PRECISION: tl.constexpr")
    first = "steps - 1" if backward else "0"
    lines += [
        *(f"    k{pad} = tl.arange(0, {pad})[:, None]" for pad in sorted(writer.pads)),
        f"    at = ({first}) * batch + row.to(tl.int64)",
        *(f"    {line}" for line in (*starts, *writer.outer)),
        "    for step in range(steps):",
        f"        t = {'steps - 1 - step' if backward else 'step'}",
        "        at = t * batch + row.to(tl.int64)",
        *(f"        {line}" for line in (*writer.inner, *ends, *turns)),
        "",
    ]
    pad = max(writer.pads, default=16)
    launch = Launch(name, tuple(writer.tensors), pad, 1, whole_loop=True)
    return "\n".join(lines), launch, writer.matrix_numbers
