"""Features made of image files by a frozen network, and kept for the next time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from longshort.errors import DataError
from longshort.tasks.caption.features import Features, FeatureTable
from longshort.tasks.caption.networks import ImageNetwork, Maps

_PARTIAL = ".partial"


def made_features(images: Sequence[str], folder: Path, network: ImageNetwork) -> Features:
    """Return features of those of the named images that lie in a folder, by a network.

    They are made once: they are kept in the user's cache folder by the content of the network and
    of the images. Raises `DataError` for images that cannot be read, with their path, and where
    the folder is missing.
    """
    if not folder.is_dir():
        raise DataError(f"data.images: {folder}: no such folder; check --images")
    files = {name: folder / name for name in images if (folder / name).is_file()}
    if not files:
        raise DataError(
            f"{folder}: holds none of the {len(images):,} images that the captions name, such as "
            f"{images[0]!r}; check --images"
        )
    encoder = network.fingerprint
    content = _content(encoder, files)
    kept = cache_folder() / f"{content}.npz"
    maps = _read(kept, len(files))
    if maps is None:
        maps = network.maps(list(files.values()))
        _keep(kept, maps)
    names, where = list(files), str(folder)
    places = FeatureTable(names, maps.levels, maps.scale, encoder, where, content)
    whole = FeatureTable(names, maps.means(), encoder=encoder, path=where, sha256=content)
    return Features(places, whole)


def cache_folder() -> Path:
    """Return where made features are kept, which can be emptied at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "longshort" / "features"


def _content(encoder: str, files: Mapping[str, Path]) -> str:
    """Return a digest of the network, and of the images' names and bytes."""
    found = hashlib.sha256(encoder.encode())
    for name, path in files.items():
        found.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _read(kept: Path, count: int) -> Maps | None:
    """Return maps that were kept; None where there are none, or the file is damaged."""
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with kept.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = Maps(file["levels"], file["scale"])
        return found if len(found.levels) == count else None
    return None


def _keep(kept: Path, maps: Maps) -> None:
    """Keep maps, whole or not at all; where that is impossible they are made again."""
    partial = kept.with_name(f"{kept.name}.{os.getpid()}{_PARTIAL}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, levels=maps.levels, scale=maps.scale)
        partial.replace(kept)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
