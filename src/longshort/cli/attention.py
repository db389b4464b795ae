"""`--attention`: where a model looked, as JSON or as pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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


def put_attention(
    path: Path, places: Sequence[str], found: Sequence[Attended], say: Callable[[str], None]
) -> None:
    """Write the attention of texts, and say so."""
    from longshort.runfolder import write_atomic

    kind = path.suffix.lower()
    if kind == ".json":
        named = zip(places, found, strict=True)
        values = [{"place": place, **each.to_dict()} for place, each in named]
        write_atomic(path, json.dumps(values, ensure_ascii=False).encode())
    elif kind == ".png":
        _put_pictures({path: found[0]}, say)
    else:
        path.mkdir(exist_ok=True)
        numbered = {path / f"{number:04d}.png": each for number, each in enumerate(found, 1)}
        _put_pictures(numbered, say)
    say(f"wrote the attention of {len(found):,} texts to {path}")


def _put_pictures(found: Mapping[Path, Attended], say: Callable[[str], None]) -> None:
    """Draw a picture of each text; an empty one has none."""
    from longshort.report.plots import heat
    from longshort.report.svg import png_of
    from longshort.runfolder import write_atomic

    lacking = 0
    for path, each in found.items():
        if each.target and each.source:
            picture, has_letters = png_of(heat(each.weights, each.target, each.source))
            write_atomic(path, picture)
            lacking += not has_letters
    if lacking:
        say(
            f"note: the font of the pictures lacks letters of {lacking:,} texts; a .json file has "
            "them all"
        )
