"""What `longshort export` writes: a bundle, C files, a page, or a model for ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from longshort.errors import ConfigError
from longshort.runs.bundle import Bundle, is_bundle, read_bundle
from longshort.runs.task import Say, quiet

ENDINGS = {"bundle": ".longshort", "c": "_c", "web": ".html", "onnx": ".onnx"}
"""The forms, and how the names of their files end."""


@dataclass(frozen=True)
class Export:
    """What was written: a sentence for people, and facts for JSON."""

    said: str
    facts: dict[str, Any]


def default_path(run: Path, form: str) -> Path:
    """Return the path beside a run or bundle where its export goes."""
    whole = run.resolve()
    stem = whole.with_suffix("") if whole.suffix == ".longshort" else whole
    return stem.with_name(stem.name + ENDINGS[form])


def export_as(
    form: str,
    run: Path,
    out: Path,
    data: object = None,
    *,
    memory: object = None,
    steps: int | None = None,
    weights: str = "float32",
    overwrite: bool = False,
    say: Say = quiet,
) -> Export:
    """Write a run, or its bundle, in a form of `ENDINGS`.

    data, memory: as in `export_run`. steps: length of sequences that are taken whole; None: as many
    as the longest recorded one has. weights: "float32", "int8", or for a bundle "bf16". overwrite:
    of a file beside `out` too.
    Raises `ConfigError` for options that the form does not have, and `RunError` for a network that
    cannot be written so.
    """
    _refuse(form, steps, weights)
    if form == "c" and out.is_file():
        raise ConfigError(f"--out {out}: is a file; C files are written into a folder")
    if form != "c" and out.is_dir():
        raise ConfigError(f"--out {out}: is a folder; name a file")
    if form == "bundle":
        return _bundle(run, out, data, memory, weights, say)
    bundle = _read(run, data, memory, say)
    if form == "c":
        return _c(bundle, out, steps, weights)
    if form == "web":
        return _web(bundle, out, default_path(run, form).stem, steps, weights)
    return _onnx(bundle, out, overwrite=overwrite)


def _refuse(form: str, steps: int | None, weights: str) -> None:
    """Raise `ConfigError` for options that a form does not have."""
    if form in ("bundle", "onnx") and steps is not None:
        raise ConfigError("--steps: is for --to c and --to web; leave it out")
    allowed = ("float32",) if form == "onnx" else ("float32", "int8")
    if form != "bundle" and weights not in allowed:
        raise ConfigError(f"--weights: --to {form} has {' and '.join(allowed)}, got {weights!r}")


def _read(run: Path, data: object, memory: object, say: Say) -> Bundle:
    if is_bundle(run):
        if data is not None:
            raise ConfigError("--data: the bundle has its recorded answers already; leave it out")
        return read_bundle(run)
    from longshort.runs.coding import porter
    from longshort.runs.exporting import export_run
    from longshort.runs.story import open_run

    porter(open_run(run)[1])  # before any work: the bundle takes a while
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.longshort"
        export_run(run, path, data, memory=memory, say=say)
        return read_bundle(path)


def _bundle(run: Path, out: Path, data: object, memory: object, weights: str, say: Say) -> Export:
    from longshort.runs.exporting import export_run

    if is_bundle(run):
        raise ConfigError(f"{run}: is a bundle already; --to c, web or onnx writes it as code")
    proof = export_run(run, out, data, memory=memory, weights=weights, say=say)
    said = (
        f"{out.stat().st_size / 1e6:.1f} MB; answers differ from the trained network's by at most "
        f"{proof.worst:.1g} in {proof.calls} recorded calls; use it with: longshort predict {out} "
        "--data FILE"
    )
    facts = {"largest_difference": proof.worst, "calls": proof.calls, "rounding": proof.rounding}
    return Export(said, facts)


def _c(bundle: Bundle, out: Path, steps: int | None, weights: str) -> Export:
    from longshort.runs.coding import write_c

    sizes = write_c(bundle, out, steps, weights)
    files = ", ".join(f"{name} ({size / 1e3:,.0f} kB)" for name, size in sizes.items())
    name = next(iter(sizes)).removesuffix(".h")
    said = f"{files}; test it with: cc -std=c99 {name}.c {name}_test.c -lm && ./a.out"
    return Export(said, {"files": sizes})


def _web(bundle: Bundle, out: Path, title: str, steps: int | None, weights: str) -> Export:
    from longshort.runs.web import write_page

    page = write_page(bundle, out, title, steps, weights)
    said = (
        f"{page.size / 1e3:,.0f} kB, {page.compressed / 1e3:,.0f} kB compressed, of which "
        f"{page.without_weights / 1e3:,.0f} kB are not weights; open it in a browser"
    )
    return Export(said, vars(page))


def _onnx(bundle: Bundle, out: Path, *, overwrite: bool) -> Export:
    from longshort.runs.onnx import write_onnx

    files = write_onnx(bundle, out, overwrite=overwrite)
    found = files[out]
    beside = [str(each) for each in files if each != out]
    said = (
        f"{out.stat().st_size / 1e6:.1f} MB; takes {', '.join(found.inputs)}, gives "
        f"{', '.join(found.outputs)}; ONNX Runtime's answers differ by at most "
        f"{max(each.difference for each in files.values()):.1g} in "
        f"{sum(each.calls for each in files.values())} recorded calls"
        + "".join(f"; {each} goes on step by step" for each in beside)
    )
    return Export(said, {"largest_difference": found.difference, "calls": found.calls,
                         "inputs": found.inputs, "outputs": found.outputs})  # fmt: skip
