"""The files of a model in C: a header, the source, and a test that replays recorded answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.export.code.c import number, signature, source
from longshort.export.code.loops import Buffer, Program
from longshort.export.code.memory import scratch

Array = NDArray[Any]


@dataclass(frozen=True)
class Trial:
    """Calls of a program one after the other, from the first state on.

    given: arguments of each call, by name. answers: the first result of each.
    """

    program: Program
    given: Sequence[Mapping[str, Array]]
    answers: Sequence[Array]


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
        f"{name}_test.c": _test(name, trials, allowed),
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


def _test(name: str, trials: Sequence[Trial], allowed: float) -> str:
    arrays, calls = [], []
    for trial in trials:
        program = trial.program
        for count, (given, answer) in enumerate(zip(trial.given, trial.answers, strict=True)):
            own = f"{program.name}_{count}"
            for buffer in program.inputs:
                arrays.append(_array(f"{own}_{buffer.name}", given[buffer.name]))
            arrays.append(_array(f"{own}_answer", answer))
        first, *others = program.outputs
        given_names = [[f"{program.name}_{k}_{b.name}" for b in program.inputs]
                       for k in range(len(trial.given))]  # fmt: skip
        calls.append(f"    {name}_init(&state);")
        rest = "".join(f", {each.name}" for each in others)
        calls += [f"    static float {each.name}[{each.size}];" for each in others]
        for count, names in enumerate(given_names):
            arguments = "".join(f"{each}, " for each in names)
            calls.append(
                f"    {name}_{program.name}(&state, {arguments}answer{rest});\n"
                f"    worst = apart(answer, {program.name}_{count}_answer, {first.size}, worst);"
            )
    most = max(each.program.outputs[0].size for each in trials)
    return f"""\
/* Replays recorded answers of the model; exits with 1 if one differs by more than {allowed:g}. */
#include "{name}.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

{chr(10).join(arrays)}

static {name}_state state;
static float answer[{most}];

/* The largest difference, relative to the largest value or 1. */
static double apart(const float *own, const float *wanted, int32_t count, double worst) {{
    double largest = 1.0;
    for (int32_t i = 0; i < count; i++) {{
        if (isfinite(wanted[i]) && fabs((double)wanted[i]) > largest) {{
            largest = fabs((double)wanted[i]);
        }}
    }}
    for (int32_t i = 0; i < count; i++) {{
        double gap = fabs((double)own[i] - (double)wanted[i]) / largest;
        if (own[i] == wanted[i]) {{
            gap = 0.0;
        }}
        if (gap != gap) {{
            gap = HUGE_VAL;
        }}
        if (gap > worst) {{
            worst = gap;
        }}
    }}
    return worst;
}}

int main(void) {{
    double worst = 0.0;
{chr(10).join(calls)}
    printf("largest difference %.3g, state %u bytes\\n", worst, (unsigned)sizeof state);
    return worst <= {allowed!r} ? 0 : 1;
}}
"""


def _array(name: str, values: Array) -> str:
    flat = np.asarray(values, np.float32).reshape(-1)
    return f"static const float {name}[{flat.size}] = {{{', '.join(map(number, flat.tolist()))}}};"
