"""`--attention`: where a model looked, as JSON or as pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longshort.errors import ConfigError

if TYPE_CHECKING:
    from longshort.runs.writing import Attended

Attention = Annotated[
    Path | None,
    typer.Option(
        "--attention",
        help="Write where the model looked: a .json file, a .png file of a single text, or a "
        "folder of pictures.",
    ),
]


def refuse_place(path: Path | None, overwrite: bool) -> None:
    """Raise before any work if the attention cannot be written there."""
    from longshort.tables import refuse_existing

    if path is None:
        return
    refuse_existing(path, overwrite, is_table=False)
    if path.suffix.lower() not in ("", ".json", ".png"):
        raise ConfigError(
            f"--attention {path}: a name that ends in .json or .png is expected, or that of a "
            f"folder, without an ending; got {path.suffix!r}"
        )


def refuse_several(path: Path | None, count: int) -> None:
    """Raise if several texts were to share a picture."""
    if path is not None and path.suffix.lower() == ".png" and count != 1:
        raise ConfigError(
            f"--attention {path}: a picture shows one text, and there are {count:,}; name a "
            "folder, or a .json file"
        )


def put_attention(path: Path, places: Sequence[str], found: Sequence[Attended]) -> str:
    """Write the attention of texts, and return a line about it for people."""
    from longshort.runfolder import write_atomic

    kind = path.suffix.lower()
    if kind == ".json":
        named = zip(places, found, strict=True)
        values = [{"place": place, **each.to_dict()} for place, each in named]
        write_atomic(path, json.dumps(values, ensure_ascii=False).encode())
    elif kind == ".png":
        write_atomic(path, _picture(found[0]))
    else:
        path.mkdir(exist_ok=True)
        for number, each in enumerate(found, 1):
            if each.target:
                write_atomic(path / f"{number:04d}.png", _picture(each))
    return f"wrote the attention of {len(found):,} texts to {path}"


def _picture(found: Attended) -> bytes:
    from longshort.report.plots import heat
    from longshort.report.svg import png_of

    return png_of(heat(found.weights, found.target, found.source))
