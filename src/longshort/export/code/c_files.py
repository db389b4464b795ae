"""The files of a model in C: a header, the source, and a test that replays recorded answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from longshort.export.code.c import number, signature, source
from longshort.export.code.c_golden import golden_test
from longshort.export.code.loops import Buffer, Program
from longshort.export.code.memory import scratch
from longshort.export.code.trials import Trial

Array = NDArray[Any]


def identifier(text: str) -> str:
    """Return a text as a name in C."""
    found = re.sub(r"\W", "_", text, flags=re.ASCII).strip("_").lower() or "model"
    return found if found[0].isalpha() else f"model_{found}"


def c_files(
    name: str,
    trials: Sequence[Trial],
    start: Mapping[Buffer, Array],
    says: Sequence[str],
    allowed: float,
) -> dict[str, str]:
    """Return the files by name.

    start: the states' first values. says: lines about arguments and answers. allowed: the largest
    difference from the answers that the test lets pass, relative to their largest value or 1.
    """
    programs = [each.program for each in trials]
    return {
        f"{name}.h": _header(name, programs, says),
        f"{name}.c": source(name, programs) + _reset(name, programs, start),
        f"{name}_test.c": golden_test(name, trials, allowed),
    }


def _states(programs: Sequence[Program]) -> dict[str, Buffer]:
    return {buffer.name: buffer for each in programs for buffer in each.states}


def _comment(text: str) -> str:
    """Return a text that stays within a comment, whatever names are in it."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def _header(name: str, programs: Sequence[Program], says: Sequence[str]) -> str:
    work = max(scratch(each).size for each in programs)
    fields = [f"    float {each.name}[{each.size}];" for each in _states(programs).values()]
    fields.append(f"    float work[{max(work, 1)}];")
    macros = []
    for program in programs:
        for buffer in (*program.inputs, *program.outputs):
            label = f"{name}_{program.name}_{buffer.name}".upper()
            macros.append(f"#define {label} {buffer.size}")
    calls = [f"{signature(name, each)};" for each in programs]
    told = "\n".join(f"   {_comment(each)}" for each in says)
    return f"""\
/* A model of longshort in C99. It takes no memory beside {name}_state, which is the caller's, and
   calls nothing but fabsf, floorf and sqrtf. Several threads may use states of their own.

   Call {name}_init once, then {" or ".join(f"{name}_{each.name}" for each in programs)}.
{told} */
#ifndef {name.upper()}_H
#define {name.upper()}_H

/* Sizes of arguments and answers. */
{chr(10).join(macros)}

typedef struct {{
{chr(10).join(fields)}
}} {name}_state;

void {name}_init({name}_state *state);
void {name}_reset({name}_state *state);
{chr(10).join(calls)}

#endif
"""


def _reset(name: str, programs: Sequence[Program], start: Mapping[Buffer, Array]) -> str:
    lines = []
    constants = ""
    for label, buffer in _states(programs).items():
        values = start[buffer].reshape(-1)
        value = "0.0f"
        if values.any():
            texts = ", ".join(number(float(each)) for each in values)
            constants += (
                f"\nstatic const float {name}_start_{label}[{buffer.size}] = {{{texts}}};\n"
            )
            value = f"{name}_start_{label}[i]"
        lines.append(f"    for (int32_t i = 0; i < {buffer.size}; i++) {{")
        lines.append(f"        state->{label}[i] = {value};\n    }}")
    inner = "\n".join(lines) or "    (void)state;"
    return f"""{constants}
void {name}_reset({name}_state *state) {{
{inner}
}}

void {name}_init({name}_state *state) {{
    {name}_reset(state);
}}
"""
