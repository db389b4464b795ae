"""A model as one page of HTML that works from a file: WebAssembly, weights, and a widget."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.export.code import wasm
from longshort.export.code.trials import Trial, is_choice
from longshort.report.render import render
from longshort.runfolder import write_atomic
from longshort.runs.bundle import Bundle
from longshort.runs.cell import model_title
from longshort.runs.coding import ALLOWED, Coded, coded
from longshort.runs.lookup import find_task
from longshort.runs.portable_sequences import refuse_tokens

Array = NDArray[Any]

_SCRIPTS = ("model.js", "text.js", "chart.js", "spans.js", "watch.js", "writing.js", "widgets.js")
_SHOWN = 64
"""Numbers of a recorded answer that the page compares."""


@dataclass(frozen=True)
class Page:
    """A page that was written: bytes of the file, compressed, and without the weights."""

    size: int
    compressed: int
    without_weights: int
    code: int
    """Bytes of the WebAssembly without the weights."""


def write_page(bundle: Bundle, out: Path, title: str, steps: int | None, weights: str) -> Page:
    """Write a model's page."""
    found = coded(bundle, steps, weights)
    refuse_tokens(found.portable.page)
    module = wasm.module([each.program for each in found.trials])
    text = _page(bundle, found, module, title, ALLOWED[weights])
    write_atomic(out, text.encode())
    start = len(module.binary) - module.weights
    bare = text.replace(base64.b64encode(module.binary).decode(), "")
    whole, rest = (len(gzip.compress(each.encode())) for each in (text, bare))
    rest += len(gzip.compress(module.binary[:start]))  # the code, which stands before the weights
    return Page(len(text.encode()), whole, rest, start)


def _page(bundle: Bundle, found: Coded, module: wasm.Module, title: str, allowed: float) -> str:
    config = bundle.model.config
    words, page = find_task(config.task).words, found.portable.page
    folder = files("longshort.report") / "web"
    content = {
        "wasm": base64.b64encode(module.binary).decode(),
        "places": module.places,
        "start": {
            buffer.name: _texts(values) if values.any() else []
            for buffer, values in found.start.items()
        },
        "answers": {
            each.program.name: [out.name for out in each.program.outputs] for each in found.trials
        },
        "trials": [_trial(each) for each in found.trials],
        "allowed": allowed,
        "page": page,
    }
    return render(
        "web/page.html.j2",
        {
            "title": f"{words.title}: {title}",
            "what": found.portable.what,
            "about": f"A {words.model} with {model_title(config)}.",
            "style": folder.joinpath("page.css").read_text("utf-8"),
            "script": "\n".join(folder.joinpath(n).read_text("utf-8") for n in _SCRIPTS),
            "content": json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
        },
    )


def _trial(trial: Trial) -> dict[str, Any]:
    calls = [
        {
            "given": _given(given),
            "answers": [_answer(own.name, each)
                        for own, each in zip(trial.program.outputs, answers, strict=True)],
        }
        for given, answers in zip(trial.given, trial.answers, strict=True)
    ]  # fmt: skip
    lead = [{"name": program.name, "given": _given(given)} for program, given in trial.lead]
    return {"name": trial.program.name, "lead": lead, "calls": calls}


def _given(given: Mapping[str, Array]) -> dict[str, list[float]]:
    return {name: _numbers(values) for name, values in given.items()}


def _answer(name: str, answer: Array) -> dict[str, Any]:
    shown = _numbers(answer.reshape(-1)[:_SHOWN])
    return {"name": name, "values": shown, "choice": is_choice(answer)}


def _texts(values: Any) -> list[str]:
    """Return numbers as texts of JavaScript, since JSON lacks infinity."""
    names = {"inf": "Infinity", "-inf": "-Infinity"}
    return [names.get(str(each), str(each)) for each in values.reshape(-1).tolist()]


def _numbers(values: Any) -> list[float]:
    """Return numbers with the digits of float32; what is infinite becomes the largest number."""
    flat = np.nan_to_num(np.asarray(values, np.float32)).reshape(-1)
    return [float(f"{each:.9g}") for each in flat.tolist()]
