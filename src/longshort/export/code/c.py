"""Programs as C99: no allocation, no files, constant weights, a state that the caller owns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from longshort.export.code.elementary import FUNCTIONS, NEEDS
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
    operations,
    touched,
)
from longshort.export.code.memory import Scratch, scratch
from longshort.export.code.spread import spread

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_HELPERS = {
    "min": "static float {n}_min(float a, float b) {{ return a < b || a != a ? a : b; }}",
    "max": "static float {n}_max(float a, float b) {{ return a > b || a != a ? a : b; }}",
    "power_of_two": (
        "static float {n}_power_of_two(float a) {{\n"
        "    union {{ uint32_t bits; float value; }} found;\n"
        "    found.bits = (uint32_t)((int32_t)a + 127) << 23;\n"
        "    return found.value;\n}}"
    ),
    "exponent": (
        "static float {n}_exponent(float a) {{\n"
        "    union {{ uint32_t bits; float value; }} given;\n"
        "    given.value = a;\n"
        "    return (float)((int32_t)(given.bits >> 23) - 127);\n}}"
    ),
    "fraction": (
        "static float {n}_fraction(float a) {{\n"
        "    union {{ uint32_t bits; float value; }} given;\n"
        "    given.value = a;\n"
        "    given.bits = (given.bits & 0x007fffffu) | 0x3f800000u;\n"
        "    return given.value;\n}}"
    ),
}
_TYPES = {"float32": "float", "int8": "int8_t", "int32": "int32_t"}


def source(name: str, programs: Sequence[Program]) -> str:
    """Return the C file of programs that share a state."""
    weights = sorted(
        {b for p in programs for s in p.statements for b in touched(s) if b.role == "weight"},
        key=lambda each: int(each.name[1:]),
    )
    used = closed(set().union(*(operations(p.statements) for p in programs)))
    parts = [f'#include "{name}.h"\n\n#include <math.h>\n#include <stdint.h>\n']
    parts += [_weight(name, each) for each in weights]
    parts += [text.format(n=name) for op, text in _HELPERS.items() if op in used]
    parts += [_function(name, each) for each in FUNCTIONS if each in used]
    parts += [_program(name, each) for each in programs]
    return "\n\n".join(parts) + "\n"


def closed(used: set[str]) -> set[str]:
    """Return operations with those that the functions among them use."""
    found = set(used)
    for each in used & FUNCTIONS.keys():
        found |= {each, *NEEDS[each]}
    for each in list(found & FUNCTIONS.keys()):
        found |= operations(_written(each)[0])
    return found


def _written(function: str) -> tuple[list[Statement], Expression]:
    """Return a function's statements for the argument x, and its result."""
    statements: list[Statement] = []

    def let(value: Expression) -> Expression:
        statements.append(Set(f"v{len(statements)}", value))
        return Local(f"v{len(statements) - 1}")

    found = FUNCTIONS[function](Local("x"), let)
    statements.append(Set("found", found))
    return statements, found


def _function(name: str, function: str) -> str:
    statements, _ = _written(function)
    writer = _Writer(name, Scratch({}, 0))
    body = writer.block(statements, 1, {"x"})
    return f"static float {name}_{function}(float x) {{\n{body}    return found;\n}}"


def _weight(name: str, buffer: Buffer) -> str:
    assert buffer.data is not None
    kind = _TYPES[buffer.data.dtype.name]
    values = buffer.data.tolist()
    texts = [number(each) if kind == "float" else str(each) for each in values]
    rows = [", ".join(texts[at : at + 8]) for at in range(0, len(texts), 8)]
    inner = ",\n    ".join(rows)
    return f"static const {kind} {name}_{buffer.name}[{buffer.size}] = {{\n    {inner}\n}};"


def _program(name: str, program: Program) -> str:
    places = scratch(program)
    writer = _Writer(name, places)
    statements = [each for statement in program.statements for each in spread(statement)]
    body = writer.block(statements, 1, set())
    has_state = places.size or program.states
    unused = "" if has_state else "    (void)state;\n"
    return f"{signature(name, program)} {{\n{unused}{body}}}"


def signature(name: str, program: Program) -> str:
    """Return a program's declaration without its end."""
    arguments = [f"{name}_state *state"]
    arguments += [f"const float {each.name}[{each.size}]" for each in program.inputs]
    arguments += [f"float {each.name}[{each.size}]" for each in program.outputs]
    return f"void {name}_{program.name}({', '.join(arguments)})"


def number(value: float) -> str:
    """Return a number as a constant of C."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    short = np.format_float_positional(np.float32(value), unique=True, trim="0")
    scientific = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{min(short, scientific, key=len)}f"


class _Writer:
    def __init__(self, name: str, places: Scratch) -> None:
        self.name, self.places = name, places

    def block(self, statements: Iterable[Statement], depth: int, known: set[str]) -> str:
        """Return statements as text; known: variables that are declared already."""
        known = set(known)
        return "".join(self._statement(each, "    " * depth, depth, known) for each in statements)

    def _statement(self, statement: Statement, tab: str, depth: int, known: set[str]) -> str:
        match statement:
            case Set(local, value):
                kind = "" if local in known else "float "
                known.add(local)
                return f"{tab}{kind}{local} = {self._expression(value)};\n"
            case Store(buffer, place, value):
                return f"{tab}{self._place(buffer, place)} = {self._expression(value)};\n"
            case Loop(counter, count, body):
                inner = self.block(body, depth + 1, known)
                head = f"for (int32_t {counter} = 0; {counter} < {count}; {counter}++)"
                return f"{tab}{head} {{\n{inner}{tab}}}\n"

    def _place(self, buffer: Buffer, place: Place) -> str:
        terms = [f"{name} * {step}" if step != 1 else name for name, step in place.counters]
        terms += [f"(int32_t){self._inner(each)} * {step}" for each, step in place.computed]
        offset, base = place.offset, buffer.name
        match buffer.role:
            case "scratch":
                base, offset = "state->work", offset + self.places.places[buffer]
            case "state":
                base = f"state->{buffer.name}"
            case "weight":
                base = f"{self.name}_{buffer.name}"
        if offset or not terms:
            terms.append(str(offset))
        return f"{base}[{' + '.join(terms).replace('+ -', '- ')}]"

    def _inner(self, expression: Expression) -> str:
        text = self._expression(expression)
        return text if isinstance(expression, Load | Local | Number) else f"({text})"

    def _expression(self, expression: Expression) -> str:
        match expression:
            case Number(value):
                return number(value)
            case Local(name):
                return name
            case Counter(name):
                return f"(float){name}"
            case Load(buffer, place):
                text = self._place(buffer, place)
                is_float = buffer.data is None or buffer.data.dtype == np.float32
                return text if is_float else f"(float){text}"
            case Apply(op, inputs):
                return self._apply(op, [self._inner(each) for each in inputs])

    def _apply(self, op: str, inputs: list[str]) -> str:
        if op in _INFIX:
            return f"{inputs[0]} {_INFIX[op]} {inputs[1]}"
        match op:
            case "less":
                return f"{inputs[0]} < {inputs[1]} ? 1.0f : 0.0f"
            case "equal":
                return f"{inputs[0]} == {inputs[1]} ? 1.0f : 0.0f"
            case "select":
                return f"{_condition(inputs[0])} ? {inputs[1]} : {inputs[2]}"
            case "negate":
                return f"-{inputs[0]}"
            case "absolute":
                return f"fabsf({inputs[0]})"
            case "root":
                return f"sqrtf({inputs[0]})"
            case "floor":
                return f"floorf({inputs[0]})"
        return f"{self.name}_{op}({', '.join(inputs)})"


def _condition(text: str) -> str:
    """Return a number as a condition; what is a comparison already stays one."""
    numbers = " ? 1.0f : 0.0f)"
    return f"{text[: -len(numbers)]})" if text.endswith(numbers) else f"{text} != 0.0f"
