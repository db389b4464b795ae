"""Steps and answers as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longshort.serve.refusal import malformed, unfit
from longshort.serve.served import Served
from longshort.serve.tensors import Tensor
from longshort.serve.wire import encoded

ROWS, TEXT, ANSWER = "x", "text", "answer"
Answer = Mapping[str, Any]


def described_inputs(served: Served) -> list[dict[str, Any]]:
    """Return the inputs of a model as its metadata tells them."""
    schema = served.schema
    if schema is None or schema["kind"] == "text":
        return [{"name": TEXT, "datatype": "BYTES", "shape": [-1]}]
    names = served.number_columns
    if names is not None:
        return [{"name": ROWS, "datatype": "FP64", "shape": [-1, len(names)]}]
    return [
        {
            "name": each["name"],
            "datatype": "FP64" if each["type"] == "number" else "BYTES",
            "shape": [-1],
        }
        for each in schema["columns"]
    ]


def described_outputs() -> list[dict[str, Any]]:
    """Return the output that all models have; what is in an answer is also given by its name."""
    return [{"name": ANSWER, "datatype": "BYTES", "shape": [-1]}]


def steps_of(served: Served, tensors: Mapping[str, Tensor]) -> list[Any]:
    """Return the samples in input tensors, one for each step; raises 400 or 422 for others.

    Rows are one tensor `x` of all columns that have to be given, or a tensor for each column.
    """
    if served.schema is not None and served.schema["kind"] == "text":
        return _texts(tensors)
    if ROWS in tensors:
        return _rows(served, tensors)
    columns = {name: _column(each) for name, each in tensors.items()}
    if len({len(each) for each in columns.values()}) != 1:
        raise unfit("inputs: all columns have to have the same number of steps")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def tensors_of(answers: Sequence[Answer]) -> list[Tensor]:
    """Return answers as tensors: whole as JSON, and each of their numbers and texts by name.

    A list of rows, such as a forecast, becomes a tensor [steps, rows] for each of its columns.
    Where something is not known, a number is NaN, and null in JSON.
    """
    whole = Tensor(ANSWER, "BYTES", (len(answers),), [encoded(each).decode() for each in answers])
    found = [whole]
    for name in answers[0]:
        values: list[Any] = [each.get(name) for each in answers]
        if all(isinstance(each, list) for each in values):
            found += _of_rows(values)
        else:
            found += _of_values(name, values)
    return found


def _texts(tensors: Mapping[str, Tensor]) -> list[Any]:
    tensor = tensors.get(TEXT)
    if tensor is None or len(tensors) > 1 or not isinstance(tensor.values, list):
        raise unfit(f"inputs: {TEXT!r}, of datatype BYTES, is expected alone")
    return list(tensor.values)


def _rows(served: Served, tensors: Mapping[str, Tensor]) -> list[Any]:
    names, tensor = served.number_columns, tensors[ROWS]
    if names is None or len(tensors) > 1 or isinstance(tensor.values, list):
        raise unfit(f"inputs: {ROWS!r} is of numbers, and stands alone; or give every column")
    if not tensor.shape or tensor.shape[-1] != len(names):
        raise unfit(f"input {ROWS!r}: its last axis has the {len(names)} columns", columns=names)
    rows = np.asarray(tensor.values, dtype=np.float64).reshape(-1, len(names))
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def _column(tensor: Tensor) -> list[Any]:
    if isinstance(tensor.values, list):
        return tensor.values
    if len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1):
        raise malformed(f"input {tensor.name!r}: a value for each step is expected")
    values: list[Any] = tensor.values.reshape(-1).tolist()
    return values


def _of_rows(values: Sequence[Sequence[Any]]) -> list[Tensor]:
    counts = {len(each) for each in values}
    if len(counts) != 1 or not values[0] or not isinstance(values[0][0], dict):
        return []
    found = []
    for name in values[0][0]:
        cells = [row.get(name) for each in values for row in each]
        shape = (len(values), *counts)
        found += [
            Tensor(name, each.datatype, shape, _shaped(each, shape))
            for each in _of_values(name, cells)
        ]
    return found


def _shaped(tensor: Tensor, shape: tuple[int, ...]) -> Any:
    return tensor.values if isinstance(tensor.values, list) else tensor.values.reshape(shape)


def _of_values(name: str, values: Sequence[Any]) -> list[Tensor]:
    shape = (len(values),)
    if all(isinstance(each, str) for each in values):
        return [Tensor(name, "BYTES", shape, list(values))]
    if all(each is None or isinstance(each, (int, float)) for each in values):
        numbers = [float("nan") if each is None else float(each) for each in values]
        return [Tensor(name, "FP64", shape, np.array(numbers))]
    return []
