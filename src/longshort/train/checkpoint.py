"""Checkpoints as single safetensors files: tensors, and all other state as JSON in the header.

A digest of the content is stored in the file, so that a truncated or changed file is refused. There
is no pickle: loading executes nothing.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor, nn

from longshort.errors import RunError
from longshort.runfolder import MODEL, SCORES, RunFolder, write_atomic

_HEADER_LIMIT = 64 << 20


def save_tensors(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Write tensors and JSON-compatible state to `path`, atomically."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(meta, allow_nan=False)
    # A single key: safetensors writes several keys in an order that changes from run to run.
    mark = json.dumps({"digest": _digest(plain, text), "state": text})
    write_atomic(path, serialise(plain, {"longshort": mark}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and state that `save_tensors` wrote; raises `RunError` for other files."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: missing; restore it, or start a new run") from None
    except OSError as error:
        raise RunError(f"{path}: cannot read: {error.strerror}") from None
    size = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or size > min(_HEADER_LIMIT, len(raw) - 8):
        raise RunError(f"{path}: damaged: truncated, or not a safetensors file")
    try:
        tensors = parse(raw)
        marks = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["longshort"])
        text, digest = marks["state"], marks["digest"]
        meta = json.loads(text)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: damaged, or not written by longshort: {error}") from None
    if _digest(tensors, text) != digest:
        raise RunError(
            f"{path}: damaged or changed: its content does not fit its digest; restore the file"
        )
    return tensors, meta


def load_model(folder: RunFolder) -> dict[str, Tensor]:
    """Return the tensors of a finished run; raises `RunError` for an unfinished one."""
    path = folder.file(MODEL)
    if not path.is_file() and not folder.file(SCORES).is_file():
        raise RunError(
            f"{folder.path}: the run is not finished: {MODEL} is missing; go on with "
            f"`longshort train --resume {folder.path}`"
        )
    return load_tensors(path)[0]


def load_weights(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Load weights into a module; raises `RunError` if a name or shape does not fit."""
    wanted = module.state_dict()
    if wanted.keys() != tensors.keys():
        odd = sorted(wanted.keys() ^ tensors.keys())[0]
        raise RunError(
            f"{path}: does not fit the settings in config.toml: weight {odd!r}; were they changed, "
            "or was it trained by another version? Train again"
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape or tensors[name].dtype != tensor.dtype:
            raise RunError(
                f"{path}: weight {name!r} is {tuple(tensors[name].shape)}, the settings in "
                f"config.toml say {tuple(tensor.shape)}"
            )
        if tensor.is_floating_point() and not torch.isfinite(tensors[name]).all():
            raise RunError(f"{path}: weight {name!r} holds NaN or infinity")
    module.load_state_dict(tensors)


def _digest(tensors: dict[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
