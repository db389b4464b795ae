"""A graph as ONNX: values that do not depend on the state for all steps at once, others in a Scan.

Shapes are as in the numpy executor: inputs [T, B, W] or [B, W], states [B, W], matrices [rows,
columns], vectors [W]. Weights are initialisers of the outer graph, which the Scan's body captures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.engine.graph import Graph, Level, Node
from longshort.engine.ops import EPSILON
from longshort.errors import BackendError
from longshort.version import __version__

try:
    from onnx import (
        GraphProto,
        ModelProto,
        NodeProto,
        TensorProto,
        ValueInfoProto,
        checker,
        helper,
        numpy_helper,
    )
except ImportError as error:
    raise BackendError("ONNX is not installed; do: pip install 'longshort[onnx]'") from error

Array = NDArray[Any]
Arrays = dict[str, Array]
Dimension = int | str

OPSET = 17
"""Operator set of the files; ONNX Runtime supports it since 1.13."""
IR_VERSION = 8
"""Version of the file format, the one of the operator set; older runtimes refuse newer ones."""
TIME, BATCH = "time", "batch"
"""Names of the dynamic axes."""


class Code:
    """ONNX nodes being written, and the constants that they share."""

    def __init__(self, dtype: np.dtype[Any], within: Code | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self.kind = int(helper.np_dtype_to_tensor_dtype(self.dtype))
        self.nodes: list[NodeProto] = []
        self.tensors: dict[str, TensorProto] = {} if within is None else within.tensors
        self._count: list[int] = [0] if within is None else within._count

    def body(self) -> Code:
        """Return the code of a graph within this one."""
        return Code(self.dtype, self)

    def fresh(self, name: str) -> str:
        """Return a name that is not used yet."""
        self._count[0] += 1
        return f"{name}_{self._count[0]}"

    def add(self, op: str, *inputs: str, named: str = "", **attributes: Any) -> str:
        """Add a node with one output; returns the output's name, `named` or a new one."""
        return self.call(op, inputs, [named or self.fresh(op)], **attributes)[0]

    def call(
        self, op: str, inputs: Sequence[str], outputs: list[str], **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        name = self.fresh(f"node_{op}")
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs

    def tensor(self, name: str, value: Array) -> str:
        """Add a constant tensor under a name; floating-point numbers in the model's type."""
        real = np.issubdtype(value.dtype, np.floating)
        array = np.ascontiguousarray(value.astype(self.dtype) if real else value)
        if name not in self.tensors:
            self.tensors[name] = numpy_helper.from_array(array, name)
        return name

    def number(self, value: float, width: int = 1) -> str:
        """Return a number, repeated to a width."""
        name = f"number_{value!r}" + (f"_{width}" if width > 1 else "")
        return self.tensor(name, np.full(width, value))

    def integers(self, *values: int) -> str:
        """Return a constant of integers: axes, indices, shapes."""
        name = "_".join(("integers", *map(str, values)))
        return self.tensor(name, np.array(values, np.int64))

    def columns(self, value: str, start: int, stop: int, axis: int = -1) -> str:
        """Return a slice along `axis`, by default of columns."""
        places = (self.integers(start), self.integers(stop), self.integers(axis))
        return self.add("Slice", value, *places)

    def widened(self, value: str, like: str, width: int) -> str:
        """Return the value repeated to the rows of `like`."""
        rows = self.add("Shape", like, start=0, end=-1)
        return self.add("Expand", value, self.add("Concat", rows, self.integers(width), axis=0))

    def info(self, name: str, *shape: Dimension) -> ValueInfoProto:
        """Declare a value of the model's type."""
        return helper.make_tensor_value_info(name, self.kind, list(shape))

    def graph(
        self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]
    ) -> GraphProto:
        """Return the nodes as a graph, without the constants."""
        return helper.make_graph(self.nodes, name, inputs, outputs)

    def model(
        self,
        name: str,
        inputs: list[ValueInfoProto],
        outputs: list[ValueInfoProto],
        metadata: dict[str, str] | None = None,
    ) -> ModelProto:
        """Return the checked model."""
        graph = self.graph(name, inputs, outputs)
        graph.initializer.extend(self.tensors.values())
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="longshort",
            producer_version=__version__,
        )
        helper.set_model_props(model, metadata or {})
        checker.check_model(model, full_check=True)
        return model


Form = Callable[..., str]


def _node(op: str, **attributes: Any) -> Form:
    def form(code: Code, *inputs: str) -> str:
        return code.add(op, *inputs, **attributes)

    return form


def _where(code: Code, condition: str, a: str, b: str) -> str:
    return code.add("Where", code.add("Cast", condition, to=TensorProto.BOOL), a, b)


def _greater_equal(code: Code, a: str, b: str) -> str:
    return code.add("Cast", code.add("GreaterOrEqual", a, b), to=code.kind)


def _softplus(code: Code, a: str) -> str:
    """ONNX Runtime has the operator Softplus in single precision only."""
    if code.kind == TensorProto.FLOAT:
        return code.add("Softplus", a)
    rest = code.add("Exp", code.add("Neg", code.add("Abs", a)))
    rest = code.add("Log", code.add("Add", rest, code.number(1.0)))
    return code.add("Add", code.add("Relu", a), rest)


def _straight_through(code: Code, value: str, surrogate: str) -> str:
    """Return the value, with as many rows as the surrogate."""
    return code.add("Where", code.tensor("true", np.array([True])), value, surrogate)


def _standardise(code: Code, a: str) -> str:
    centred = code.add("Sub", a, code.add("ReduceMean", a, axes=[-1]))
    square = code.add("Mul", centred, centred)
    variance = code.add("ReduceMean", square, axes=[-1])
    deviation = code.add("Sqrt", code.add("Add", variance, code.number(EPSILON)))
    return code.add("Div", centred, deviation)


FORMS: dict[str, Form] = {
    "add": _node("Add"),
    "sub": _node("Sub"),
    "mul": _node("Mul"),
    "div": _node("Div"),
    "neg": _node("Neg"),
    "sigmoid": _node("Sigmoid"),
    "tanh": _node("Tanh"),
    "relu": _node("Relu"),
    "exp": _node("Exp"),
    "log": _node("Log"),
    "softplus": _softplus,
    "sqrt": _node("Sqrt"),
    "floor": _node("Floor"),
    "maximum": _node("Max"),
    "minimum": _node("Min"),
    "greater_equal": _greater_equal,
    "where": _where,
    "straight_through": _straight_through,
    "sum": lambda code, a: code.add("ReduceSum", a, code.integers(-1)),
    "max": _node("ReduceMax", axes=[-1]),
    "cumsum": lambda code, a: code.add("CumSum", a, code.integers(-1)),
    "standardise": _standardise,
    "concat": _node("Concat", axis=-1),
}
"""Each operation of the equations in ONNX; sums and means keep the axis, ONNX's default."""


class _Writer:
    """Writes a graph's values, each once, outside the Scan or in its body."""

    def __init__(
        self, graph: Graph, parameters: Arrays, prefix: str, inputs: dict[str, str]
    ) -> None:
        self.graph, self.parameters, self.prefix = graph, parameters, prefix
        self.leaves = [index for index, node in enumerate(graph.nodes) if node.op == "input"]
        self.values = {index: inputs[graph.nodes[index].name] for index in self.leaves}

    def outside(self, code: Code) -> tuple[list[int], list[int]]:
        """Write the values that do not depend on the state.

        Returns the values that the Scan reads step by step, and those that its body computes.
        """
        nodes = self.graph.nodes
        targets = (self.graph.output, *self.graph.states.values())
        order = self.graph.needed(*targets)
        self.write(code, [i for i in order if nodes[i].level < Level.STEP])
        within = [i for i in order if nodes[i].level == Level.STEP]
        read = {i for index in within for i in nodes[index].inputs} | set(targets)
        given = sorted(i for i in read if nodes[i].level == Level.INPUT)
        x = next(i for i in self.leaves if nodes[i].name == "x")
        return given or [x], within

    def write(self, code: Code, indices: list[int]) -> None:
        for index in indices:
            if index not in self.values:
                self.values[index] = self._value(code, index, self.graph.nodes[index])

    def _value(self, code: Code, index: int, node: Node) -> str:
        inputs = [self.values[i] for i in node.inputs]
        match node.op:
            case "constant":
                return code.number(node.value)
            case "vector":
                return code.tensor(self.prefix + node.name, self.parameters[node.name])
            case "product":
                return code.add("MatMul", inputs[0], self._matrix(code, node))
            case "slice":
                return code.columns(inputs[0], *node.span)
            case "concat":
                inputs = self._same_rows(code, node, inputs)
            case "mul" | "div":
                inputs = self._repeated(code, node, inputs)
        if node.op not in FORMS:
            raise BackendError(f"onnx: the operation {node.op!r} (value {index}) has no form here")
        return FORMS[node.op](code, *inputs)

    def _matrix(self, code: Code, node: Node) -> str:
        matrix = self.parameters[node.name]
        start, stop = node.span
        part = "" if stop - start == len(matrix) else f"[{start}:{stop}]"
        return code.tensor(f"{self.prefix}{node.name}{part}.T", matrix[start:stop].T)

    def _repeated(self, code: Code, node: Node, inputs: list[str]) -> list[str]:
        """Repeat a single factor; ONNX Runtime would fuse it into a float32 product."""
        parts = [self.graph.nodes[i] for i in node.inputs]
        return [
            code.number(part.value, node.width) if part.op == "constant" else name
            for name, part in zip(inputs, parts, strict=True)
        ]

    def _same_rows(self, code: Code, node: Node, inputs: list[str]) -> list[str]:
        """Repeat operands of Concat, which does not broadcast, to the rows of their neighbours."""
        parts = [self.graph.nodes[i] for i in node.inputs]
        most = max(part.level for part in parts)
        like = next(name for name, part in zip(inputs, parts, strict=True) if part.level == most)
        return [
            name if part.level == most else code.widened(name, like, part.width)
            for name, part in zip(inputs, parts, strict=True)
        ]


def scan(
    code: Code,
    graph: Graph,
    parameters: Arrays,
    inputs: dict[str, str],
    state: dict[str, str],
    *,
    reverse: bool = False,
    name: str = "",
) -> tuple[str, dict[str, str]]:
    """Write all steps; returns the names of the output [T, B, P] and of the final states.

    inputs, state: names of the graph's leaves. reverse: from the last step to the first. name:
    prefix of the weights' names.
    """
    writer = _Writer(graph, parameters, name, inputs)
    given, within = writer.outside(code)
    handed = [writer.values[index] for index in given]
    results = [code.fresh(f"{name}{key}_final") for key in graph.states]
    results.append(code.fresh(f"{name}output"))
    code.call(
        "Scan",
        [*(state[key] for key in graph.states), *handed],
        results,
        body=_body(code.body(), graph, writer, given, within),
        num_scan_inputs=len(given),
        scan_input_directions=[int(reverse)] * len(given),
        scan_output_directions=[int(reverse)],
    )
    return results[-1], dict(zip(graph.states, results, strict=False))


def _body(
    code: Code, graph: Graph, writer: _Writer, given: list[int], within: list[int]
) -> GraphProto:
    nodes = graph.nodes
    old = {key: code.fresh(f"{key}_old") for key in graph.states}
    inputs = [code.info(old[key], BATCH, graph.state_sizes[key]) for key in graph.states]
    for index in given:
        writer.values[index] = code.fresh("given")
        inputs.append(code.info(writer.values[index], BATCH, nodes[index].width))
    for index, node in enumerate(nodes):
        if node.op == "state":
            writer.values[index] = old[node.name]
    writer.write(code, within)
    like = inputs[0].name
    outputs = []
    for index, width in [
        *((place, graph.state_sizes[key]) for key, place in graph.states.items()),
        (graph.output, graph.output_size),
    ]:
        value = writer.values[index]
        if nodes[index].level < Level.SEQUENCE:
            value = code.widened(value, like, width)
        result = code.add("Identity", value, named=code.fresh("result"))
        outputs.append(code.info(result, BATCH, width))
    return code.graph(code.fresh("step"), inputs, outputs)


def model(graph: Graph, parameters: Arrays, dtype: np.dtype[Any]) -> ModelProto:
    """Return the graph as a model: inputs and old states by name, "output" and NAME_n."""
    code = Code(dtype)
    inputs = [
        code.info(spec.name, *([BATCH] if spec.per_sequence else [TIME, BATCH]), spec.width)
        for spec in graph.inputs
    ]
    inputs += [code.info(key, BATCH, size) for key, size in graph.state_sizes.items()]
    names = {spec.name: spec.name for spec in graph.inputs}
    output, final = scan(code, graph, parameters, names, {key: key for key in graph.states})
    code.add("Identity", output, named="output")
    outputs = [code.info("output", TIME, BATCH, graph.output_size)]
    for key, value in final.items():
        code.add("Identity", value, named=f"{key}_n")
        outputs.append(code.info(f"{key}_n", BATCH, graph.state_sizes[key]))
    return code.model("longshort", inputs, outputs)


def run(source: ModelProto | Path, feeds: Arrays) -> Arrays:
    """Run a model in ONNX Runtime on the CPU; returns the outputs by name."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise BackendError(
            "ONNX Runtime is not installed; do: pip install 'longshort[onnx]'"
        ) from error
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    given = str(source) if isinstance(source, Path) else source.SerializeToString()
    session = runtime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def forward(
    graph: Graph, parameters: Arrays, inputs: Arrays, state: Arrays
) -> tuple[Array, Arrays]:
    """Run over all steps in ONNX Runtime; returns the output and the final states."""
    results = run(model(graph, parameters, inputs["x"].dtype), inputs | state)
    return results["output"], {key: results[f"{key}_n"] for key in graph.states}
