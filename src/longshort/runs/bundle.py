"""Bundles: a trained model as one file of plain data, which predicts without torch.

A bundle is a zip file, not compressed, of `bundle.json` (settings, what the encoder knows, the
network's functions), `weights.safetensors`, `golden.safetensors` (what the network was asked and
answered when it was written) and `README.md`, the model card. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from longshort.config import build
from longshort.errors import RunError
from longshort.runfolder import write_atomic
from longshort.runs.lookup import find_task
from longshort.runs.prepare import restored_encoder
from longshort.runs.task import Model
from longshort.runtime.compact import KINDS, compacted, restored
from longshort.runtime.network import Network, is_array
from longshort.runtime.recurrent import Layers
from longshort.runtime.stored import from_plain, to_plain
from longshort.runtime.tree import flatten, unflatten

Array = NDArray[Any]

VERSION = 1
"""Format version of bundles; others are refused."""
CONTENT, WEIGHTS, GOLDEN, CARD = (
    "bundle.json",
    "weights.safetensors",
    "golden.safetensors",
    "README.md",
)
_KEPT = "kept."
_MOST = 4 << 30
"""Largest size of a part that is read, in bytes."""


@dataclass(frozen=True)
class Golden:
    """A call of the network that a bundle must answer as it did."""

    function: str
    inputs: tuple[Any, ...]
    answer: Any


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read: the model, and the calls that prove it."""

    model: Model[Any, Any]
    golden: tuple[Golden, ...]
    content: str
    """Digest of the data that the run was trained on."""
    digest: str
    """Digest of the bundle's content."""
    scores: Mapping[str, Any]
    """What the run's `scores.json` says."""
    rounding: Mapping[str, Any] | None
    """Which matrices are rounded and what that costs; None where none is."""


def write_bundle(
    path: Path,
    written: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]],
    model: Model[Any, Any],
    golden: Sequence[Golden],
    card: str,
    rounding: Mapping[str, Any] | None = None,
) -> None:
    """Write a bundle atomically.

    written: content of the run's `config.toml`, `data.json` and `scores.json`. model: its network
    is a `Network`. rounding: which matrices are rounded and what that costs (`Rounding`).
    """
    network: Network = model.network
    settings, record, scores = written
    arrays: list[Array] = []
    calls = []
    for each in golden:
        given, takes = flatten(each.inputs, is_array)
        answers, gives = flatten(each.answer, is_array)
        calls.append([each.function, takes, gives])
        arrays += [*given, *answers]
    kind, names = ("float32", ()) if rounding is None else _rounded(rounding)
    weights = compacted(network.weights, names, kind)
    weights |= {f"{_KEPT}{key}": each for key, each in model.kept.items()}
    parts = {
        WEIGHTS: _saved(weights),
        GOLDEN: _saved({str(number): each for number, each in enumerate(arrays)}),
        CARD: card.encode(),
    }
    content = {
        "format_version": VERSION,
        "settings": settings,
        "data": record,
        "scores": scores,
        "rounding": rounding,
        "functions": [to_plain(each) for each in network.functions.values()],
        "golden": calls,
        "digests": {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()},
    }
    parts[CONTENT] = json.dumps(content, allow_nan=False).encode()
    write_atomic(path, _zipped(parts))


def read_bundle(path: Path) -> Bundle:
    """Read a bundle; raises `RunError` if it is damaged or of another version."""
    parts = _parts(path)
    try:
        content = json.loads(parts[CONTENT])
        if content["format_version"] != VERSION:
            raise RunError(
                f"{path}: is a bundle of version {content['format_version']}, this longshort reads "
                f"version {VERSION}; export the run again"
            )
        for name, digest in content["digests"].items():
            if hashlib.sha256(parts[name]).hexdigest() != digest:
                raise RunError(f"{path}: {name} is damaged or was changed; export the run again")
        config = build(content["settings"], str(path))
        task = find_task(config.task)
        encoder = restored_encoder(task, config, content["data"])
        tensors = parse(parts[WEIGHTS])
        arrays = parse(parts[GOLDEN])
        kept = {k.removeprefix(_KEPT): v for k, v in tensors.items() if k.startswith(_KEPT)}
        weights = restored({k: v for k, v in tensors.items() if not k.startswith(_KEPT)})
        rounding = content.get("rounding")
        kind = "float32" if rounding is None else _rounded(rounding)[0]
        functions = [from_plain(each, list(weights)) for each in content["functions"]]
        ordered = iter([arrays[str(number)] for number in range(len(arrays))])
        golden = tuple(
            _golden(name, takes, gives, ordered) for name, takes, gives in content["golden"]
        )
        told = str(content["data"]["content"])
    except (KeyError, TypeError, ValueError, StopIteration, SafetensorError) as error:
        raise RunError(f"{path}: is a damaged bundle: {error}; export the run again") from None
    model = Model(config, encoder, Network(functions, weights, Layers(kind)), kept)
    digest = hashlib.sha256(parts[CONTENT]).hexdigest()
    return Bundle(model, golden, told, digest, content.get("scores", {}), rounding)


def _rounded(rounding: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Return the kind of rounded weights, and their names."""
    kind = str(rounding["weights"])
    if kind not in KINDS:
        raise RunError(f"weights of the kind {kind!r} are not known to this version")
    return kind, list(rounding["matrices"])


def is_bundle(path: Path) -> bool:
    """Whether a path is a bundle rather than a run folder."""
    return path.is_file() and zipfile.is_zipfile(path)


def _golden(function: str, takes: Any, gives: Any, arrays: Iterator[Array]) -> Golden:
    return Golden(function, unflatten(takes, arrays), unflatten(gives, arrays))


def _saved(arrays: Mapping[str, Array]) -> bytes:
    return serialise({name: np.asarray(each, order="C") for name, each in arrays.items()})


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    import io

    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return memory.getvalue()


def _parts(path: Path) -> dict[str, bytes]:
    """Read the parts that a bundle consists of, and nothing else."""
    if path.is_dir():
        raise RunError(
            f"{path}: is a folder, not a bundle; `longshort export RUN` writes a run as one"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            found = {each.filename: each for each in archive.infolist()}
            missing = [name for name in (CONTENT, WEIGHTS, GOLDEN, CARD) if name not in found]
            if missing:
                raise RunError(f"{path}: is not a bundle: it has no {missing[0]}")
            packed = [n for n, each in found.items() if each.compress_type != zipfile.ZIP_STORED]
            if packed:
                raise RunError(f"{path}: {packed[0]} is compressed, which no bundle's part is")
            too_large = [n for n, each in found.items() if each.file_size > _MOST]
            if too_large:
                raise RunError(f"{path}: {too_large[0]} is larger than a bundle's part may be")
            return {name: archive.read(found[name]) for name in (CONTENT, WEIGHTS, GOLDEN, CARD)}
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise RunError(f"{path}: is not a bundle, or is damaged: {error}") from None
