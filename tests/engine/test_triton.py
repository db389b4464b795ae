"""The triton executor: what it refuses, and what it computes.

Its numbers are tested in `triton_scans.py`, which runs in a process of its own: there Triton
runs kernels in Python, which has to be said before it is imported. Here the same kernels are
compiled for a GPU, which needs none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import longshort as ls
from longshort import cells
from longshort.engine.executors.triton import executor as triton
from longshort.engine.executors.triton.plan import MATRIX_NUMBERS, compile_scan, held_numbers
from longshort.engine.graph import Graph
from longshort.engine.ops import cumsum
from longshort.engine.parameters import Sizes
from longshort.engine.trace import Mode, State, trace
from tests.cell_table import TRIALS
from tests.paths import ROOT

CPU, CUDA, META = (torch.device(name) for name in ("cpu", "cuda", "meta"))
REASON = triton.missing()
needs_triton = pytest.mark.skipif(REASON is not None, reason=str(REASON))


class Wide(cells.Cell):
    """A cell with an operation along a long row."""

    def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
        h = cumsum(p.hh(s.h) + p.ih(x))
        return h, State(h=h)


class Foreign(cells.Cell):
    """A cell with an operation that is nowhere defined."""

    def step(self, x: Any, s: Any, p: Any) -> tuple[Any, State]:
        h = s.h.tape.apply("erf", p.hh(s.h) + p.ih(x))
        return h, State(h=h)


def graph(cell: Any = None, hidden: int = 4) -> Graph:
    return trace(cell or cells.LSTM(), Sizes(3, hidden), Mode())


@pytest.mark.parametrize(
    ("given", "dtype", "device", "reason"),
    [
        (graph(), torch.float32, CPU, "run on a GPU, the tensors are on the CPU"),
        (graph(), torch.float32, META, "run on CUDA devices, the tensors are on meta"),
        (graph(), torch.bfloat16, CUDA, "float32 and float64 so far, not in torch.bfloat16"),
        (graph(Foreign()), torch.float32, CUDA, "no operation 'erf'"),
        (graph(Wide(), 40_000), torch.float32, CUDA, "cumsum runs over 40000 columns, more than"),
    ],
)
def test_refusals(
    given: Graph,
    dtype: torch.dtype,
    device: torch.device,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(triton, "INTERPRETED", False)
    assert reason in str(triton.refusal(given, dtype, device, False))


@pytest.mark.parametrize("name", TRIALS)
def test_every_cell_runs_on_a_gpu(name: str) -> None:
    trial = TRIALS[name]
    given = trace(trial.cell, trial.sizes, trial.mode)
    for dtype in (torch.float32, torch.float64):
        assert triton.refusal(given, dtype, CUDA, True) is None


def test_without_triton_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "find_spec", lambda name: None)
    assert "`pip install triton`" in str(triton.missing())


def test_triton_is_not_imported_with_the_layers() -> None:
    code = "import sys, longshort.nn; print('triton' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@needs_triton
def test_asked_for_on_the_cpu_it_says_why_not() -> None:
    with pytest.raises(ls.errors.BackendError, match="run on a GPU, the tensors are on the CPU"):
        ls.nn.LSTM(3, 4, backend="triton")(torch.zeros(2, 1, 3))


def _why_not(name: str) -> tuple[str, str]:
    trial = TRIALS[name]
    given = trace(trial.cell, trial.sizes, trial.mode)
    wanted = tuple(spec.name for spec in given.inputs if spec.differentiable)
    compiled = compile_scan(given, wanted, False, "float32")
    assert compiled.backward is not None
    return compiled.forward.why_not, compiled.backward.part.why_not


def test_small_loops_are_single_kernels_where_no_state_is_used_in_parts() -> None:
    found = {name: _why_not(name) for name in TRIALS}
    parts = {name for name, reasons in found.items() if reasons != ("", "")}
    assert {name.split("-")[0] for name in parts} == {"SLSTM", "ClockworkRNN", "ONLSTM"}
    for name in parts:
        assert all("are used by themselves" in reason for reason in found[name])


@pytest.mark.parametrize(
    ("hidden", "single"), [(64, True), (65, False)], ids=["64 units", "65 units"]
)
def test_large_matrices_are_multiplied_by_torch(hidden: int, single: bool) -> None:
    compiled = compile_scan(graph(hidden=hidden), ("x",), False, "float32", MATRIX_NUMBERS)
    assert compiled.forward.persistent is single
    assert single or "numbers, above 16384" in compiled.forward.why_not


def test_matrices_fit_into_the_memory_that_the_device_has() -> None:
    assert held_numbers(232_448) == MATRIX_NUMBERS  # an H100
    assert held_numbers(101_376) == 11_648
    assert held_numbers(4096) == 0


@needs_triton
def test_the_numbers_in_the_interpreter() -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "triton_scans.py"],
        cwd=ROOT / "tests",
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from longshort.cells import GRU, LSTM
from longshort.engine.executors.triton.plan import compile_scan
from longshort.engine.executors.triton.run import load_kernels
from longshort.engine.parameters import Sizes
from longshort.engine.trace import trace

for cell, limit in ((LSTM(layer_norm="ba2016"), 0), (LSTM(peephole=True), 16384)):
    compiled = compile_scan(trace(cell, Sizes(3, 32)), ("x",), False, "float32", limit)
    kernels = load_kernels(compiled.source)
    for launch in [*compiled.forward.launches, *compiled.backward.part.launches]:
        kernel, signature, constants = getattr(kernels, launch.name), {}, {}
        known = {"BLOCK_B": 16, "BLOCK_C": launch.block, "PRECISION": "ieee"}
        for place, name in enumerate(kernel.arg_names):
            signature[name] = "constexpr" if name in known else "*fp32"
            if name in known:
                constants[(place,)] = known[name]
            elif name in ("t", "steps", "batch", "rows"):
                signature[name] = "i32"
        made = triton.compile(
            ASTSource(kernel, signature, constants),
            target=GPUTarget("cuda", 90, 32),
            options={"num_warps": 8, "enable_fp_fusion": True},
        )
        print(launch.name, len(made.asm["cubin"]) > 0, made.metadata.shared < 232448)
"""


@needs_triton
def test_kernels_compile_for_a_gpu(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = done.stdout.splitlines()
    assert len(lines) > 4
    assert all(line.endswith("True True") for line in lines), done.stdout
