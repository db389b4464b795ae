"""Programs as a WebAssembly module, with vectors of four numbers.

All numbers are vectors: where a loop is not in lanes, the four are equal, and one is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longshort.export.code import assembler as a
from longshort.export.code.c import closed
from longshort.export.code.elementary import FUNCTIONS
from longshort.export.code.loops import (
    Apply,
    Buffer,
    Counter,
    Expression,
    Load,
    Local,
    Loop,
    Number,
    Place,
    Program,
    Set,
    Statement,
    Store,
    expressions,
    loads,
    operations,
    touched,
)
from longshort.export.code.memory import scratch

_TOGETHER = 8
"""Vectors of a sum that are computed side by side: as many as registers hold beside the rest."""


@dataclass(frozen=True)
class Module:
    """A module, and where its exported memory holds what goes in and out, in bytes.

    places: by name of the state, or by name of function and buffer, such as "step.input0"; with
    the count of numbers. weights: number of bytes of constants in it.
    """

    binary: bytes
    places: dict[str, tuple[int, int]]
    weights: int


def module(programs: Sequence[Program]) -> Module:
    """Return the module of programs that share a state; a function for each."""
    layout = _Layout(programs)
    used = closed(set().union(*(operations(each.statements) for each in programs)))
    names = [each for each in FUNCTIONS if each in used]
    numbers = {name: number for number, name in enumerate(names)}
    helpers = [_helper(name, numbers) for name in names]
    written = [(each.name, _Writer(layout.of(each), numbers).program(each)) for each in programs]
    binary = a.module(helpers, written, layout.data, layout.size)
    return Module(binary, layout.named, len(layout.data))


class _Layout:
    """Places of all buffers in memory, in bytes."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.data, self.named = b"", dict[str, tuple[int, int]]()
        self._places: dict[Buffer, int] = {}
        for each in dict.fromkeys(b for p in programs for s in p.statements for b in touched(s)):
            if each.data is not None:
                self._places[each] = len(self.data)
                self.data += _padded(each.data.tobytes())
        self.size = len(self.data)
        for program in programs:
            for buffer in program.states:
                if buffer.name not in self.named:
                    self._take(buffer.name, buffer)
                self._places[buffer] = self.named[buffer.name][0]
            for buffer in (*program.inputs, *program.outputs):
                self._take(f"{program.name}.{buffer.name}", buffer)
        self._scratch = self.size
        self.size += 4 * max((scratch(each).size for each in programs), default=0) + 16

    def _take(self, name: str, buffer: Buffer) -> None:
        self.named[name] = (self.size, buffer.size)
        self._places[buffer] = self.size
        self.size += -(-4 * buffer.size // 16) * 16

    def of(self, program: Program) -> dict[Buffer, int]:
        """Return the places of a program's buffers."""
        own = {each: self._scratch + 4 * at for each, at in scratch(program).places.items()}
        return self._places | own


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 16)


def _helper(name: str, numbers: dict[str, int]) -> bytes:
    writer = _Writer({}, numbers)
    writer.locals["x", 0] = writer.variable(a.V128)
    code = bytearray()

    def let(value: Expression) -> Expression:
        local = f"v{len(writer.locals)}"
        code.extend(writer.statement(Set(local, value), None))
        return Local(local)

    found = FUNCTIONS[name](Local("x"), let)
    code.extend(writer.expression(found, None, 0))
    return a.function(writer.types[1:], bytes(code))


Key = tuple[tuple[str, int], ...]
"""Counters from the outermost loop on, and how many bytes a pointer moves with each."""


@dataclass(frozen=True)
class _Lanes:
    """The loop that is computed several counts at once: its counter, and how many vectors.

    A width of 1 number is computed by vectors too, of which one number is stored.
    """

    counter: str
    vectors: int
    numbers: int


class _Writer:
    """Writes one function."""

    def __init__(self, places: dict[Buffer, int], functions: dict[str, int]) -> None:
        self.places, self.functions = places, functions
        self.types: list[int] = []
        self.locals: dict[tuple[str, int], int] = {}
        self.pointers: dict[tuple[Key, int], int] = {}
        self.shared: dict[Load, int] = {}
        self.depth: dict[str, int] = {}

    def program(self, program: Program) -> bytes:
        """Return the code of a program."""
        self.depth = dict(_depths(program.statements))
        code = b"".join(self.statement(each, None) for each in program.statements)
        return a.function(self.types, code)

    def variable(self, kind: int) -> int:
        """Return a new variable."""
        self.types.append(kind)
        return len(self.types) - 1

    def statement(self, statement: Statement, lanes: _Lanes | None) -> bytes:
        """Return a statement's code, for each of the vectors of a loop in lanes."""
        if isinstance(statement, Loop):
            return self._loop(statement, lanes)
        count = 1 if lanes is None else lanes.vectors
        code = self._share(statement, lanes) if count > 1 else b""
        for vector in range(count):
            match statement:
                case Set(local, value):
                    found = self.expression(value, lanes, vector)
                    if (local, vector) not in self.locals:
                        self.locals[local, vector] = self.variable(a.V128)
                    code += found + a.put(self.locals[local, vector])
                case Store(buffer, place, value):
                    offset, pointer = self._address(buffer, place, lanes, vector)
                    code += pointer + self.expression(value, lanes, vector)
                    if lanes is not None and lanes.numbers == 4:
                        code += a.simd("v128.store", offset=offset)
                    else:
                        code += a.simd("v128.store32_lane", offset=offset, lane=0)
        self.shared.clear()
        return code

    def _share(self, statement: Statement, lanes: _Lanes | None) -> bytes:
        """Read once what all vectors of a statement read alike."""
        code = b""
        for each in expressions(statement):
            for load in loads(each):
                alike = lanes is not None and not load.place.stride(lanes.counter)
                if alike and load not in self.shared:
                    found = self.expression(load, lanes, 0)
                    self.shared[load] = self.variable(a.V128)
                    code += found + a.put(self.shared[load])
        return code

    def _loop(self, loop: Loop, lanes: _Lanes | None) -> bytes:
        counter = self.variable(a.I32)
        self.locals[loop.counter, -1] = counter
        keys = sorted(self._keys(loop), key=len)
        code = a.constant(0) + a.put(counter)
        for key, start in keys:
            pointer = self.pointers[key, start] = self.variable(a.I32)
            code += self._pointer(key[:-1], start) + a.put(pointer)
        done = 0
        for inner, step in self._parts(loop, lanes):
            end = done + (loop.count - done) // step * step
            if end == done:
                continue
            body = b"".join(self.statement(each, inner) for each in loop.body)
            for key, start in keys:
                moved = a.constant(step * key[-1][1]) + a.ADD
                pointer = self.pointers[key, start]
                body += a.get(pointer) + moved + a.put(pointer)
            code += a.loop(counter, step, end, body)
            done = end
        return code

    def _parts(self, loop: Loop, lanes: _Lanes | None) -> Iterator[tuple[_Lanes | None, int]]:
        """Yield how a loop is computed: first many counts at once, then what is left."""
        if not loop.lanes:
            yield lanes, 1
            return
        if any(isinstance(each, Loop) for each in loop.body):
            yield _Lanes(loop.counter, _TOGETHER, 4), 4 * _TOGETHER
        yield _Lanes(loop.counter, 1, 4), 4
        yield _Lanes(loop.counter, 1, 1), 1

    def _keys(self, loop: Loop) -> set[tuple[Key, int]]:
        """Return the pointers that move with this loop and not with others inside of it."""
        found = set()
        for buffer, place in _reached(loop):
            key, start, _ = self._key(buffer, place)
            for length in range(1, len(key) + 1):
                if key[length - 1][0] == loop.counter:
                    found.add((key[:length], start))
        return found

    def _key(self, buffer: Buffer, place: Place) -> tuple[Key, int, int]:
        """Return a place's pointer, its first value, and what instructions add to it.

        Pointers begin at 0, unless they run backwards: instructions add no negative numbers.
        """
        size = _bytes(buffer)
        ordered = sorted(place.counters, key=lambda each: self.depth[each[0]])
        key = tuple((name, step * size) for name, step in ordered)
        begin = self.places[buffer] + size * place.offset
        backward = any(step < 0 for _, step in (*key, *place.computed))
        return (key, begin, 0) if backward else (key, 0, begin)

    def _pointer(self, key: Key, start: int) -> bytes:
        return a.get(self.pointers[key, start]) if key else a.constant(start)

    def _address(
        self, buffer: Buffer, place: Place, lanes: _Lanes | None, vector: int
    ) -> tuple[int, bytes]:
        """Return what an instruction adds to an address, and the code of the address."""
        key, start, offset = self._key(buffer, place)
        code = self._pointer(key, start)
        for each, step in place.computed:
            number = self.expression(each, lanes, vector) + a.simd("i32x4.trunc_sat_f32x4_s")
            number += a.simd("i32x4.extract_lane", lane=0)
            code += number + a.constant(step * _bytes(buffer)) + a.MULTIPLY + a.ADD
        moves = lanes is not None and place.stride(lanes.counter)
        return offset + (4 * _bytes(buffer) * vector if moves else 0), code

    def expression(self, expression: Expression, lanes: _Lanes | None, vector: int) -> bytes:
        """Return the code that leaves a value on the stack."""
        match expression:
            case Number(value):
                return a.vector(value)
            case Local(name):
                own = self.locals.get((name, vector))
                return a.get(self.locals[name, 0] if own is None else own)
            case Counter(name):
                code = a.get(self.locals[name, -1]) + a.simd("i32x4.splat")
                return code + a.simd("f32x4.convert_i32x4_s")
            case Load():
                if expression in self.shared:
                    return a.get(self.shared[expression])
                return self._load(expression, lanes, vector)
            case Apply(op, inputs):
                if op in self.functions:
                    return self.expression(inputs[0], lanes, vector) + a.call(self.functions[op])
                code = b"".join(self.expression(each, lanes, vector) for each in inputs)
                if op != "select":
                    return code + _OPERATIONS[op]
                chosen = self.expression(inputs[0], lanes, vector) + a.vector(0.0)
                code = b"".join(self.expression(each, lanes, vector) for each in inputs[1:])
                return code + chosen + a.simd("f32x4.ne") + a.simd("v128.bitselect")

    def _load(self, load: Load, lanes: _Lanes | None, vector: int) -> bytes:
        buffer, place = load.buffer, load.place
        offset, code = self._address(buffer, place, lanes, vector)
        wide = lanes is not None and lanes.numbers == 4 and place.stride(lanes.counter) == 1
        kind = "float32" if buffer.data is None else buffer.data.dtype.name
        if kind == "int8":
            code += a.simd("v128.load32_zero" if wide else "v128.load8_splat", offset=offset)
            code += a.simd("i16x8.extend_low_i8x16_s") + a.simd("i32x4.extend_low_i16x8_s")
            return code + a.simd("f32x4.convert_i32x4_s")
        code += a.simd("v128.load" if wide else "v128.load32_splat", offset=offset)
        return code + a.simd("f32x4.convert_i32x4_s") if kind == "int32" else code


def _bytes(buffer: Buffer) -> int:
    return 4 if buffer.data is None else buffer.data.itemsize


def _reached(statement: Statement) -> Iterator[tuple[Buffer, Place]]:
    """Yield the places that a statement reads and writes, with those of loops within."""
    if isinstance(statement, Loop):
        for each in statement.body:
            yield from _reached(each)
        return
    if isinstance(statement, Store):
        yield statement.buffer, statement.place
    for expression in expressions(statement):
        for load in loads(expression):
            yield load.buffer, load.place


def _depths(statements: Sequence[Statement], depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield how deep each loop's counter lies."""
    for each in statements:
        if isinstance(each, Loop):
            yield each.counter, depth
            yield from _depths(each.body, depth + 1)


_ONE = a.vector(1.0)
_OPERATIONS = {
    "add": a.simd("f32x4.add"),
    "sub": a.simd("f32x4.sub"),
    "mul": a.simd("f32x4.mul"),
    "div": a.simd("f32x4.div"),
    "min": a.simd("f32x4.min"),
    "max": a.simd("f32x4.max"),
    "less": a.simd("f32x4.lt") + _ONE + a.simd("v128.and"),
    "equal": a.simd("f32x4.eq") + _ONE + a.simd("v128.and"),
    "negate": a.simd("f32x4.neg"),
    "absolute": a.simd("f32x4.abs"),
    "root": a.simd("f32x4.sqrt"),
    "floor": a.simd("f32x4.floor"),
    "power_of_two": (
        a.simd("i32x4.trunc_sat_f32x4_s") + a.whole(127) + a.simd("i32x4.add")
        + a.constant(23) + a.simd("i32x4.shl")
    ),
    "exponent": (
        a.constant(23) + a.simd("i32x4.shr_u") + a.whole(127) + a.simd("i32x4.sub")
        + a.simd("f32x4.convert_i32x4_s")
    ),
    "fraction": (
        a.whole(0x007FFFFF) + a.simd("v128.and") + a.vector(1.0) + a.simd("v128.or")
    ),
}  # fmt: skip
"""The instructions of each operation, after those of its operands."""
