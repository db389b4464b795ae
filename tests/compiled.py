"""Programs of loops, run as C by the system's compiler and as WebAssembly by Node."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from longshort.export.code import wasm
from longshort.export.code.c_files import c_files
from longshort.export.code.loops import Program
from longshort.export.code.memory import scratch
from longshort.export.code.trials import Trial

Array = NDArray[Any]
Asked = Sequence[tuple[Program, Mapping[str, Array]]]
STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")

_RUN = """
const fs = require("fs");
const asked = JSON.parse(fs.readFileSync(0));
const run = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(process.argv[1])));
const memory = new Float32Array(run.exports.memory.buffer);
console.log(JSON.stringify(asked.map(({ name, given, wanted }) => {
  for (const [at, values] of given) memory.set(values.map(Number), at / 4);
  run.exports[name]();
  return wanted.map(([at, n]) => Array.from(memory.subarray(at / 4, at / 4 + n), String));
})));
"""


def compiler() -> str:
    """The C compiler; without one the test is skipped."""
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        pytest.skip("there is no C compiler")
    return found


def in_c(asked: Asked, folder: Path) -> list[list[Array]]:
    """The results of programs without a state, from one shared library."""
    trials = [Trial(each, [], []) for each, _ in asked]
    files = c_files("m", trials, {}, (), 0.0)
    for name, text in files.items():
        (folder / name).write_text(text)
    library = folder / "m.so"
    command = [compiler(), *STRICT, "-shared", "-fPIC", "m.c", "-o", str(library), "-lm"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    work = np.zeros(max(scratch(each).size for each, _ in asked) + 1, np.float32)
    found = []
    for program, given in asked:
        inputs = [np.ascontiguousarray(given[b.name], np.float32) for b in program.inputs]
        outputs = [np.zeros(b.size, np.float32) for b in program.outputs]
        arrays = [work, *inputs, *outputs]
        pointers = [each.ctypes.data_as(ctypes.c_void_p) for each in arrays]
        getattr(loaded, f"m_{program.name}")(*pointers)
        found.append(outputs)
    return found


def in_wasm(asked: Asked, folder: Path) -> list[list[Array]]:
    """The results of programs without a state, from one module; without Node a skip."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node to run WebAssembly")
    module = wasm.module([each for each, _ in asked])
    (folder / "m.wasm").write_bytes(module.binary)
    questions = [
        {
            "name": program.name,
            "given": [
                [module.places[f"{program.name}.{b.name}"][0], _texts(given[b.name])]
                for b in program.inputs
            ],
            "wanted": [module.places[f"{program.name}.{b.name}"] for b in program.outputs],
        }
        for program, given in asked
    ]
    command = [node, "-e", _RUN, str(folder / "m.wasm")]
    done = subprocess.run(
        command, input=json.dumps(questions), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return [[np.array(each, np.float32) for each in answer] for answer in answers]


def _texts(values: Array) -> list[str]:
    """Numbers as texts of JavaScript, since JSON lacks infinity."""
    names = {"inf": "Infinity", "-inf": "-Infinity"}
    return [names.get(str(each), str(each)) for each in values.reshape(-1).astype(float).tolist()]
