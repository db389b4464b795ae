"""Timing of `cells.py`, and the baselines that torch does not contain.

They are loops over torch operations as people write them, ONNX Runtime's LSTM operator, JAX's scan,
and a loop of multiply-adds in C. Letters: T time steps, B batch, I input size, H hidden size.
"""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort import cells
from longshort.cells import Cell, State, Value
from longshort.engine.ops import sigmoid, tanh
from longshort.nn import Recurrent

Call = Callable[[], Sequence[Any]]
"""Runs a contender once, and returns its results, which are compared."""
States = tuple[Tensor, ...]
Step = Callable[[Any, Tensor, States], tuple[Tensor, States]]
PAUSE = 0.005


class Shape(NamedTuple):
    batch: int
    steps: int
    inputs: int
    hidden: int

    def __str__(self) -> str:
        return ",".join(map(str, self))


@dataclass(frozen=True)
class Goal:
    sign: str
    bound: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{self.unit}"

    def met(self, value: float) -> bool:
        return value >= self.bound if self.sign == "≥" else value <= self.bound


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    what: str
    shape: Shape | None = None
    ours: float | None = None
    baseline: float | None = None
    ratio: tuple[float, float, float] | None = None
    """Median and quartiles."""
    goal: Goal | None = None
    unit: str = "ms"
    note: str = ""
    backend: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the ratio meets the goal, or our time where there is no baseline."""
        value = self.ratio[0] if self.ratio else self.ours
        return None if self.goal is None or value is None else self.goal.met(value)


@dataclass(frozen=True)
class Precision:
    name: str
    dtype: torch.dtype
    tf32: bool = False

    def apply(self) -> None:
        mode = "tf32" if self.tf32 else "ieee"
        torch.backends.cuda.matmul.fp32_precision = mode
        torch.backends.cudnn.rnn.fp32_precision = mode


FLOAT32 = Precision("float32", torch.float32)
PRECISIONS = {
    "cpu": (FLOAT32,),
    "cuda": (
        FLOAT32,
        Precision("float32 with TF32", torch.float32, tf32=True),
        Precision("bfloat16", torch.bfloat16),
    ),
}


@dataclass(frozen=True)
class Bench:
    """Settings of a measurement."""

    device: str
    backend: str
    threads: int
    repeats: int
    block: float
    """Shortest timing in seconds; calls are repeated within it."""
    with_compile: bool
    input_gradient: bool
    precision: Precision = FLOAT32

    def goal(self, sign: str, bound: float | None, unit: str = "") -> Goal | None:
        """Return the goal of a measurement on the CPU; other devices have none."""
        return None if bound is None or self.device != "cpu" else Goal(sign, bound, unit)

    def name(self, what: str) -> str:
        return what if self.device == "cpu" else f"{what}, {self.precision.name}"

    def seconds(self, call: Call, count: int) -> float:
        """Return the seconds of one call, measured over `count` calls in a row."""
        if self.device == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            for _ in range(count):
                call()
            end.record()
            end.synchronize()
            return begin.elapsed_time(end) / 1e3 / count
        start = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - start) / count

    def timed(self, call: Call, count: int) -> float:
        settle()
        if count > 1:
            call()
        return self.seconds(call, count)

    def duel(self, ours: Call, baseline: Call, compare: bool = True) -> Duel:
        """Time both contenders in turns."""
        calls = (ours, baseline)
        first = [call() for call in calls]
        if compare and self.precision == FLOAT32:
            check_equal(*first)
        counts = [max(1, round(self.block / min(self.seconds(c, 1) for _ in "ab"))) for c in calls]
        times: tuple[list[float], list[float]] = ([], [])
        gc.collect()
        gc.disable()
        for repeat in range(self.repeats):
            for k in (0, 1) if repeat % 2 == 0 else (1, 0):
                times[k].append(self.timed(calls[k], counts[k]))
        gc.enable()
        return Duel(*times)


@dataclass(frozen=True)
class Duel:
    """Seconds per call, by repetition."""

    ours: list[float]
    baseline: list[float]

    def speedup(self, scale: float = 1.0) -> tuple[float, float, float]:
        pairs = zip(self.ours, self.baseline, strict=True)
        return quartiles([scale * baseline / ours for ours, baseline in pairs])

    def cost(self) -> tuple[float, float, float]:
        return Duel(self.baseline, self.ours).speedup()


def settle() -> None:
    """Wait until the threads that the last contender left spinning are asleep.

    Those of ONNX Runtime spin for tens of milliseconds, and halve the speed of the next contender.
    """
    for _ in range(100):
        before = time.process_time()
        time.sleep(PAUSE)
        if time.process_time() - before < PAUSE / 10:
            return


def quartiles(values: list[float]) -> tuple[float, float, float]:
    low, high = np.quantile(values, [0.25, 0.75])
    return statistics.median(values), float(low), float(high)


def check_equal(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Check that both contenders compute the same up to rounding."""
    for a, b in zip(ours, theirs, strict=True):
        one, other = (np.asarray(v.detach().cpu() if isinstance(v, Tensor) else v) for v in (a, b))
        one = one.reshape(other.shape)
        off, largest = np.abs(one - other).max(), np.abs(other).max()
        if not off <= 2e-3 * largest + 1e-6:
            raise AssertionError(f"contenders differ by {off:.1e}, the largest is {largest:.1e}")


class Trial:
    """One of our layers, data for it, and contenders that run on them."""

    def __init__(self, bench: Bench, cell: Cell, shape: Shape) -> None:
        self.bench, self.shape = bench, shape
        torch.manual_seed(0)
        place: dict[str, Any] = {"device": bench.device, "dtype": bench.precision.dtype}
        self.layer = Recurrent(cell, shape.inputs, shape.hidden, backend=bench.backend, **place)
        self.x = torch.randn(shape.steps, shape.batch, shape.inputs, **place)
        self.x.requires_grad_(bench.input_gradient)
        self.gradient = torch.randn(shape.steps, shape.batch, self.layer.output_size, **place)
        self.backend = self.layer.backend_report()

    def torch_layer(self, kind: Any) -> nn.Module:
        """Return torch's layer with our weights."""
        layer: nn.Module = kind(self.shape.inputs, self.shape.hidden).to(self.x)
        layer.load_state_dict(self.layer.state_dict())
        return layer

    def training(self, module: Any, **options: Any) -> Call:
        def forward() -> Tensor:
            output: Tensor = module(self.x, **options)[0]
            return output

        return self.gradients(module, forward, self.gradient)

    def gradients(self, module: nn.Module, forward: Callable[[], Tensor], gradient: Tensor) -> Call:
        wanted = list(module.parameters()) + [self.x] * self.bench.input_gradient
        return lambda: torch.autograd.grad(forward(), wanted, gradient)

    def inference(self, module: nn.Module, **options: Any) -> Call:
        def call() -> Sequence[Any]:
            with torch.inference_mode():
                found: Sequence[Any] = module(self.x, **options)
            return found[:1]

        return call

    def result(
        self, what: str, duel: Duel, goal: Goal | None = None, note: str = "", cost: bool = False
    ) -> Result:
        return Result(
            self.bench.name(what),
            self.shape,
            statistics.median(duel.ours) * 1e3,
            statistics.median(duel.baseline) * 1e3,
            duel.cost() if cost else duel.speedup(),
            goal,
            note=note,
            backend=self.backend,
        )


class Loop(nn.Module):
    """A Python loop of torch operations, with the weights of one of our layers."""

    def __init__(self, layer: Recurrent, step: Step) -> None:
        super().__init__()
        self.hidden, self.step, self.states = layer.hidden_size, step, len(layer.cell.state)
        for name, weight in layer.named_parameters():
            copy = nn.Parameter(weight.detach().clone())
            self.register_parameter(name.removesuffix("_l0"), copy)

    def forward(self, x: Tensor) -> tuple[Tensor, States]:
        state: States = (x.new_zeros(x.size(1), self.hidden),) * self.states
        outputs = []
        for x_t in x:
            output, state = self.step(self, x_t, state)
            outputs.append(output)
        return torch.stack(outputs), state


def _gates(p: Any, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    z = F.linear(x, p.weight_ih, p.bias_ih) + F.linear(h, p.weight_hh, p.bias_hh)
    return z.chunk(4, -1)


def vanilla(p: Any, x: Tensor, state: States) -> tuple[Tensor, States]:
    h, c = state
    i, f, g, o = _gates(p, x, h)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h, (h, c)


def peephole(p: Any, x: Tensor, state: States) -> tuple[Tensor, States]:
    h, c = state
    i, f, g, o = _gates(p, x, h)
    i, f = torch.sigmoid(i + p.peephole_i * c), torch.sigmoid(f + p.peephole_f * c)
    c = f * c + i * torch.tanh(g)
    h = torch.sigmoid(o + p.peephole_o * c) * torch.tanh(c)
    return h, (h, c)


def layer_norm(p: Any, x: Tensor, state: States) -> tuple[Tensor, States]:
    """Normalise both products, and the cell before the output (Ba et al., 2016)."""
    h, c = state
    size = p.bias.shape
    z = F.layer_norm(F.linear(x, p.weight_ih), size, p.gain_ih, p.bias)
    z = z + F.layer_norm(F.linear(h, p.weight_hh), size, p.gain_hh)
    i, f, g, o = z.chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(F.layer_norm(c, p.gain_c.shape, p.gain_c, p.bias_c))
    return h, (h, c)


def slow_memory(p: Any, x: Tensor, state: States) -> tuple[Tensor, States]:
    """The equations of `cells.SlowMemory` in torch."""
    h, c, d = state
    z = F.linear(x, p.weight_ih, p.bias_ih) + F.linear(h, p.weight_hh)
    i, f, g, o = z.chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    d = 0.95 * d + 0.05 * c
    h = torch.sigmoid(o) * torch.tanh(c + d)
    return h, (h, c, d)


@dataclass(frozen=True)
class SlowMemory(Cell):
    """A user's own cell: an LSTM with a slow copy of its cell."""

    decay: float = 0.95

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    state: ClassVar[tuple[str, ...]] = ("h", "c", "d")

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        z = p.ih(x) + p.hh(s.h)
        c = sigmoid(z.f) * s.c + sigmoid(z.i) * tanh(z.g)
        d = self.decay * s.d + (1 - self.decay) * c
        h = sigmoid(z.o) * tanh(c + d)
        return h, State(h=h, c=c, d=d)


LOOPS: dict[str, tuple[Cell, Step]] = {
    "vanilla": (cells.LSTM(), vanilla),
    "peephole": (cells.LSTM(peephole=True), peephole),
    "layer norm": (cells.LSTM(layer_norm="ba2016"), layer_norm),
    "a user's own cell": (SlowMemory(), slow_memory),
}
"""Cells, each with one step of the same equations in torch operations."""


def installed(*packages: str) -> bool:
    return all(find_spec(package) for package in packages)


def _onnx_weights(layer: nn.Module) -> dict[str, Any]:
    """Return one direction's weights by the operator's names; gates i f g o become i o f c."""

    def turned(name: str) -> Any:
        weight = layer.get_parameter(name).detach().cpu().float()
        i, f, g, o = weight.chunk(4)
        return torch.cat([i, o, f, g])

    biases = torch.cat([turned("bias_ih_l0"), turned("bias_hh_l0")])
    found = {"W": turned("weight_ih_l0"), "R": turned("weight_hh_l0"), "B": biases}
    return {name: value.unsqueeze(0).numpy() for name, value in found.items()}


def onnx_model(layer: Recurrent, stateful: bool) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    hidden, width = layer.hidden_size, [1, "B", layer.hidden_size]
    given, found = [tensor("x", ["T", "B", layer.input_size])], [tensor("y", ["T", *width])]
    names = ["x", "W", "R", "B"]
    if stateful:
        names += ["", "h", "c"]
        given += [tensor("h", width), tensor("c", width)]
        found += [tensor("after_h", width), tensor("after_c", width)]
    node = helper.make_node("LSTM", names, [v.name for v in found], hidden_size=hidden)
    weights = [numpy_helper.from_array(v, k) for k, v in _onnx_weights(layer).items()]
    graph = helper.make_graph([node], "lstm", given, found, weights)
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def onnx_runtime(layer: Recurrent, x: Tensor, threads: int, stateful: bool = False) -> Call:
    """Return a call of ONNX Runtime's LSTM on x [T, B, I]; stateful: it takes states too."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = onnx_model(layer, stateful)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"x": x.detach().cpu().numpy()}
    if stateful:
        zeros = np.zeros((1, x.size(1), layer.hidden_size), np.float32)
        feed |= {"h": zeros, "c": zeros}

    def call() -> Sequence[Any]:
        found: Sequence[Any] = session.run(None, feed)
        return found[:1]

    return call


def jax_scan(
    layer: nn.Module, x: Tensor, gradient: Tensor, input_gradient: bool
) -> tuple[Call, Call]:
    """Return inference and training with JAX's jitted lax.scan, the input's product hoisted.

    XLA uses all cores available to this process.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    jax: Any = import_module("jax")
    jnp = jax.numpy
    weights = tuple(jnp.asarray(p.detach().numpy()) for p in layer.parameters())
    given, incoming = jnp.asarray(x.detach().numpy()), jnp.asarray(gradient.numpy())

    def forward(p: tuple[Any, ...], x: Any) -> Any:
        weight_ih, weight_hh, bias_ih, bias_hh = p
        zeros = jnp.zeros((x.shape[1], weight_hh.shape[1]), x.dtype)

        def step(state: tuple[Any, Any], z: Any) -> tuple[tuple[Any, Any], Any]:
            h, c = state
            i, f, g, o = jnp.split(z + h @ weight_hh.T, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return jax.lax.scan(step, (zeros, zeros), x @ weight_ih.T + (bias_ih + bias_hh))[1]

    def gradients(p: tuple[Any, ...], x: Any, g: Any) -> tuple[Any, ...]:
        of_weights, of_x = jax.vjp(forward, p, x)[1](g)
        return (*of_weights, of_x) if input_gradient else of_weights

    infer, train = jax.jit(forward), jax.jit(gradients)
    return (
        lambda: (jax.block_until_ready(infer(weights, given)),),
        lambda: jax.block_until_ready(train(weights, given, incoming)),
    )


PEAK_SOURCE = """
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef float vec __attribute__((vector_size(BYTES)));
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define START(k) vec a##k = {k};
#define STEP(k) a##k = a##k * m + b;
#define SUM(k) sum += a##k;
long operations_per_round(void) { return 2 * 12 * (BYTES / 4); }
float multiply_add(long rounds, float factor) {
    vec m = {0}, b = {1};
    m += factor;
    EACH(START)
    for (long r = 0; r < rounds; ++r) { EACH(STEP) }
    vec sum = {0};
    EACH(SUM)
    return sum[0];
}
"""
"""Twelve independent sums in registers, enough to hide the latency of a multiply-add."""


class Peak:
    """A loop of float32 multiply-adds in C, on several threads."""

    ROUNDS = 4_000_000

    def __init__(self, threads: int) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise OSError("no C compiler named cc")
        with tempfile.TemporaryDirectory() as folder:
            library = f"{folder}/peak.so"
            flags = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
            command = [compiler, *flags, "-x", "c", "-", "-o", library]
            done = subprocess.run(command, input=PEAK_SOURCE, capture_output=True, text=True)
            if done.returncode:
                raise OSError(f"cc failed: {done.stderr.strip()}")
            code = ctypes.CDLL(library)
        self._loop = code.multiply_add
        self._loop.argtypes, self._loop.restype = (ctypes.c_long, ctypes.c_float), ctypes.c_float
        self._threads, self._pool = threads, ThreadPoolExecutor(threads)
        code.operations_per_round.restype = ctypes.c_long
        self.operations: int = threads * self.ROUNDS * code.operations_per_round()
        """Operations per call; a multiply-add counts as two."""

    def __call__(self) -> Sequence[Any]:
        work = [self.ROUNDS] * self._threads
        return list(self._pool.map(lambda rounds: self._loop(rounds, 0.5), work))
