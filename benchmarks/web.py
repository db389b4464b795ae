"""Steps of exported models: size and time in C and in a browser, beside onnxruntime-web.

    python benchmarks/web.py [--sizes 8 32 128] [--npm FOLDER]

One step of an LSTM with 10 inputs below a linear head with one output, states carried, weights
random (time does not depend on them). C: bytes of the object file by `cc -Os` (and by
arm-none-eabi-gcc for a Cortex-M4 where it is installed), microseconds by -O2 and -O3. Browser:
bytes of WebAssembly without weights, microseconds in headless Chromium from a page opened as a
file. onnxruntime-web cannot be opened from a file, so the same network as ONNX is timed in Node,
with our module in Node beside it; install it before, into FOLDER:
`npm install --ignore-scripts onnxruntime-web`.

The best of several rounds counts. Run it on a quiet machine. Results and the environment go to
benchmarks/results/web.json.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

import longshort as ls
from longshort.engine.executors.onnx import Code
from longshort.export.code import wasm
from longshort.export.code.arrays import Pool
from longshort.export.code.c_files import c_files
from longshort.export.code.loops import Buffer, Program
from longshort.export.code.program import program
from longshort.export.code.trials import Trial
from longshort.export.network import Called, exported
from longshort.export.onnx_values import Value
from longshort.export.steps_onnx import graph_in
from longshort.runs.job import environment
from longshort.runtime.network import Function, Network

RESULTS = Path(__file__).parent / "results" / "web.json"
SIZES = (8, 16, 32, 64, 128, 256)
INPUTS = 10

TIMED = """
function timed(step) {
  for (let k = 0; k < 2000; k++) step();
  let best = Infinity;
  for (let round = 0; round < 9; round++) {
    const begin = performance.now();
    for (let k = 0; k < 1000; k++) step();
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}
"""
PAGE = """<body><script>%s
const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
const run = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
document.body.dataset.micro = timed(run.step);
</script>"""
"""All is done before the page has loaded, since Chromium's clock is real only until then."""
IN_NODE = (
    TIMED
    + """
const file = require("fs").readFileSync(process.argv[1]);
console.log(timed(new WebAssembly.Instance(new WebAssembly.Module(file)).exports.step));
"""
)
THEIRS = """
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web/wasm";
ort.env.wasm.numThreads = 1;
const [file, width] = [process.argv[2], Number(process.argv[3])];
const session = await ort.InferenceSession.create(readFileSync(file));
const make = (n) => new ort.Tensor("float32", new Float32Array(n), [1, 1, n]);
let [h, c] = [make(width), make(width)];
const step = async () => {
  const found = await session.run({ x: make(10), h, c });
  h = found.h_n; c = found.c_n;
};
for (let k = 0; k < 500; k++) await step();
let best = Infinity;
for (let round = 0; round < 9; round++) {
  const begin = performance.now();
  for (let k = 0; k < 300; k++) await step();
  best = Math.min(best, ((performance.now() - begin) * 1000) / 300);
}
console.log(best);
"""
CLOCK = """
#define _POSIX_C_SOURCE 199309L
#include "m.h"
#include <stdio.h>
#include <time.h>
static m_state state;
int main(void) {
    static float x[10], y[1];
    double best = 1e30;
    m_init(&state);
    for (int round = 0; round < 9; round++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int k = 0; k < 2000; k++) { m_step(&state, x, y); }
        clock_gettime(CLOCK_MONOTONIC, &b);
        double now = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
        if (now / 2000 < best) { best = now / 2000; }
    }
    printf("%.3f\\n", best);
    return 0;
}
"""


class Stepped(nn.Module):
    """An LSTM below a linear head, a step at a time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers, self.head = ls.nn.LSTM(INPUTS, width), nn.Linear(width, 1)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the output of one step [1, 1, I], and the states."""
        y, (h, c) = self.layers(x, (h, c))
        return self.head(y), h, c


def network(width: int) -> tuple[Network, Function, list[Any]]:
    """The network as data, its step, and an example of its arguments."""
    torch.manual_seed(0)
    module = Stepped(width)
    given = [np.zeros((1, 1, n), np.float32) for n in (INPUTS, width, width)]
    with torch.no_grad():
        answer = module.step(*map(torch.from_numpy, given))
    made = exported(module, [Called("step", tuple(given), tuple(a.numpy() for a in answer))])
    return made, next(iter(made.functions.values())), given


def programs(width: int, int8: bool) -> Program:
    """The step as a program."""
    made, function, given = network(width)
    states = {place: Buffer(f"state{place}", width, "state") for place in (1, 2)}
    results = ["output0", *states.values()]
    return program(
        function, made.weights, Pool(int8), given, name="step", states=states, results=results
    )


def in_c(step: Program, folder: Path) -> dict[str, Any]:
    """Sizes and times of the C files."""
    start = {each: np.zeros(each.size, np.float32) for each in step.states}
    for name, text in c_files("m", [Trial(step, [], [])], start, (), 1e-5).items():
        (folder / name).write_text(text)
    (folder / "clock.c").write_text(CLOCK)
    found: dict[str, Any] = {"bytes": _object(["cc", "-Os"], folder)}
    arm = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16",
           "-mfloat-abi=hard", "-Os"]  # fmt: skip
    if shutil.which(arm[0]):
        found["bytes_cortex_m4"] = _object(arm, folder)
    for level in ("-O2", "-O3"):
        command = ["cc", "-std=c99", level, "m.c", "clock.c", "-o", "clock", "-lm"]
        subprocess.run(command, cwd=folder, check=True)
        found[f"us{level}"] = float(_said(["./clock"], folder))
    return found


def _object(command: list[str], folder: Path) -> int:
    subprocess.run([*command, "-std=c99", "-c", "m.c", "-o", "m.o"], cwd=folder, check=True)
    return int(_said(["size", "m.o"], folder).splitlines()[1].split()[0])


def _said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def in_browser(step: Program, folder: Path) -> dict[str, Any]:
    """Sizes of the module, and times in Chromium and in Node."""
    module = wasm.module([step])
    (folder / "m.wasm").write_bytes(module.binary)
    found: dict[str, Any] = {
        "code_bytes": len(module.binary) - module.weights,
        "weight_bytes": module.weights,
    }
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser:
        page = folder / "page.html"
        page.write_text(PAGE % (TIMED, base64.b64encode(module.binary).decode()))
        flags = ["--headless", "--no-sandbox", "--dump-dom"]
        body = _said([browser, *flags, page.as_uri()], folder)
        time = re.search(r'data-micro="([^"]+)"', body)
        found["us_chromium"] = None if time is None else float(time[1])
    if shutil.which("node"):
        found["us_node"] = float(_said(["node", "-e", IN_NODE, "m.wasm"], folder))
    return found


def theirs(width: int, folder: Path, npm: Path) -> float:
    """Time of a step in onnxruntime-web, in Node."""
    made, function, given = network(width)
    code = Code(np.dtype(np.float32))
    names, after = ("x", "h", "c"), ("y", "h_n", "c_n")
    inputs = [Value(name, each) for name, each in zip(names, given, strict=True)]
    results = graph_in(code).function(function, made.weights, inputs)
    for name, value in zip(after, results, strict=True):
        code.add("Identity", value.name, named=name)
    told = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, s]) for n, s in pairs]
        for pairs in (
            zip(names, (INPUTS, width, width), strict=True),
            zip(after, (1, width, width), strict=True),
        )
    ]
    model = folder / "model.onnx"
    model.write_bytes(code.model("step", told[0], told[1]).SerializeToString())
    script = npm / "step.mjs"
    script.write_text(THEIRS)
    return float(_said(["node", str(script), str(model), str(width)], npm).splitlines()[-1])


def measured(width: int, npm: Path | None) -> dict[str, Any]:
    """All that is measured of a width."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, Any] = {"hidden": width}
        for kind in ("f32", "int8"):
            step = programs(width, kind == "int8")
            found[kind] = {"c": in_c(step, folder), "web": in_browser(step, folder)}
        if npm is not None:
            found["us_onnxruntime_web_node"] = theirs(width, folder, npm)
    return found


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--npm", type=Path, help="folder with node_modules/onnxruntime-web")
    chosen = parser.parse_args()
    rows = []
    for width in chosen.sizes:
        rows.append(measured(width, chosen.npm))
        print(json.dumps(rows[-1]))
    content = {"environment": environment(), "rows": rows}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
