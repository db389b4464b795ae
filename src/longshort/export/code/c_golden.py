"""A test in C that replays recorded answers of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from longshort.export.code.c import number
from longshort.export.code.loops import Program
from longshort.export.code.trials import Array, Trial, is_choice


def golden_test(name: str, trials: Sequence[Trial], allowed: float) -> str:
    """Return a program that replays trials.

    allowed: the largest difference, relative to the largest value or 1, and the largest share of
    choices that are others, that it lets pass.
    """
    arrays, calls = list[str](), list[str]()
    for trial in trials:
        if trial.given:
            calls.append(f"    {name}_init(&state);")
        for place, (program, given) in enumerate(trial.lead):
            label = f"{trial.program.name}_lead{place}"
            arrays += _arguments(program, label, given)
            calls.append(_call(name, program, label))
        for count, (given, answers) in enumerate(zip(trial.given, trial.answers, strict=True)):
            label = f"{trial.program.name}_{count}"
            arrays += _arguments(trial.program, label, given)
            calls.append(_call(name, trial.program, label))
            for place, answer in enumerate(answers):
                arrays.append(_array(f"{label}_answer{place}", answer))
                calls.append(_check(trial.program, place, answer, label))
        arrays += [f"static float {trial.program.name}_{each.name}[{each.size}];"
                   for each in trial.program.outputs]  # fmt: skip
    has = {is_choice(each) for trial in trials for answers in trial.answers for each in answers}
    checks = [text for kind, text in ((False, _COMPARE), (True, _CHOOSE)) if kind in has]
    return f"""\
/* Replays recorded answers of the model; exits with 1 if one differs by more than {allowed:g}. */
#include "{name}.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

{chr(10).join(arrays)}

static {name}_state state;
static double worst = 0.0;
{chr(10).join(checks)}
int main(void) {{
{chr(10).join(calls)}
{_SHARE if True in has else ""}\
    printf("largest difference %.3g, state %u bytes\\n", worst, (unsigned)sizeof state);
    return worst <= {allowed!r} ? 0 : 1;
}}
"""


def _call(name: str, program: Program, label: str) -> str:
    """Return a call with recorded arguments; its answers are global."""
    given = [f"{label}_{each.name}" for each in program.inputs]
    found = [f"{program.name}_{each.name}" for each in program.outputs]
    return f"    {name}_{program.name}({', '.join(['&state', *given, *found])});"


def _check(program: Program, place: int, answer: Array, label: str) -> str:
    """Return the comparison of an answer with a recorded one."""
    own, check = program.outputs[place], "choose" if is_choice(answer) else "compare"
    return f"    {check}({program.name}_{own.name}, {label}_answer{place}, {own.size});"


def _arguments(program: Program, label: str, given: Mapping[str, Array]) -> list[str]:
    return [_array(f"{label}_{each.name}", given[each.name]) for each in program.inputs]


_COMPARE = """
/* Keep the largest difference, relative to the largest value or 1. */
static void compare(const float *own, const float *wanted, int32_t count) {
    double largest = 1.0;
    for (int32_t i = 0; i < count; i++) {
        if (isfinite(wanted[i]) && fabs((double)wanted[i]) > largest) {
            largest = fabs((double)wanted[i]);
        }
    }
    for (int32_t i = 0; i < count; i++) {
        double gap = fabs((double)own[i] - (double)wanted[i]) / largest;
        if (own[i] == wanted[i]) {
            gap = 0.0;
        }
        if (gap != gap) {
            gap = HUGE_VAL;
        }
        if (gap > worst) {
            worst = gap;
        }
    }
}
"""
_CHOOSE = """
static double others = 0.0, choices = 0.0;

/* Count how many choices there are, and how many are others. */
static void choose(const float *own, const float *wanted, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        choices += wanted[i] >= 0.0f || own[i] >= 0.0f ? 1.0 : 0.0;
        others += own[i] == wanted[i] ? 0.0 : 1.0;
    }
}
"""
_SHARE = """\
    if (others > worst * choices) {
        worst = others / choices;
    }
"""


def _array(name: str, values: Array) -> str:
    flat = np.asarray(values, np.float32).reshape(-1)
    return f"static const float {name}[{flat.size}] = {{{', '.join(map(number, flat.tolist()))}}};"
