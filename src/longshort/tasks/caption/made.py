"""Features made of image files by MobileNetV2, and kept for the next time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError
from longshort.tasks.caption.features import Features, FeatureTable, Floats
from longshort.tasks.caption.images import read_image

MADE = "mobilenet-"
"""Beginning of the fingerprint of features that are made here."""
_PARTIAL = ".partial"


@dataclass(frozen=True)
class Maps:
    """Last maps of n images as places, row by row: levels [n, 49, 1280] times `scale`.

    Levels are bytes where the network is quantised, which loses nothing.
    """

    levels: NDArray[np.uint8] | Floats
    scale: Floats

    def values(self) -> Iterator[Floats]:
        """Yield the map of each image, [49, 1280]."""
        for each in self.levels:
            yield each.astype(np.float32) * self.scale

    def means(self) -> Floats:
        """Return the mean of each image's places, [n, 1280]."""
        return np.stack([each.mean(0) for each in self.values()])


def made_features(images: Sequence[str], folder: Path, network: Path) -> Features:
    """Return features of those of the named images that lie in a folder, by the network's file.

    They are made once: they are kept in the user's cache folder by the content of the network and
    of the images. Raises `DataError` for images that cannot be read, with their path, and where
    folder or network is missing.
    """
    if not folder.is_dir():
        raise DataError(f"data.images: {folder}: no such folder; check --images")
    files = {name: folder / name for name in images if (folder / name).is_file()}
    if not files:
        raise DataError(
            f"{folder}: holds none of the {len(images):,} images that the captions name, such as "
            f"{images[0]!r}; check --images"
        )
    encoder = fingerprint(network)
    content = _content(encoder, files)
    kept = cache_folder() / f"{content}.npz"
    maps = _read(kept, len(files))
    if maps is None:
        maps = maps_of(list(files.values()), network)
        _keep(kept, maps)
    names, where = list(files), str(folder)
    places = FeatureTable(names, maps.levels, maps.scale, encoder, where, content)
    whole = FeatureTable(names, maps.means(), encoder=encoder, path=where, sha256=content)
    return Features(places, whole)


def fingerprint(network: Path) -> str:
    """Return a name for all features by the network of this file; raises `DataError`."""
    try:
        return MADE + hashlib.sha256(network.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DataError(
            f"data.encoder: {network}: cannot be read ({error.strerror}); name MobileNetV2 as a "
            "TensorFlow Lite file"
        ) from None


def cache_folder() -> Path:
    """Return where made features are kept, which can be emptied at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "longshort" / "features"


def maps_of(files: Sequence[Path], network: Path) -> Maps:
    """Return the last maps of images, each seen by itself."""
    import torch

    from longshort.interchange.mobilenet import mobilenet
    from longshort.nn.blocks.mobilenet import GRID, LAST, SIDE

    model = mobilenet(network)
    scale = float(model.convolutions[-1].rounding.scale)
    levels = np.empty((len(files), GRID * GRID, LAST), np.uint8 if scale else np.float32)
    for row, path in enumerate(files):
        image = torch.from_numpy(read_image(path, SIDE).astype(np.float32))
        places = model(image.permute(2, 0, 1)[None])[0].flatten(1).T.numpy()
        levels[row] = np.rint(places / scale) if scale else places
    return Maps(levels, np.array(scale or 1.0, np.float32))


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
