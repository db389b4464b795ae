"""Image files as data: seen by the network that made a run's features."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from longshort.errors import ConfigError, DataError
from longshort.runs import story, trained
from longshort.tasks.caption.images import image_files, read_image

image = pytest.importorskip("PIL.Image")
NETWORK = Path(os.environ.get("LONGSHORT_DATA", "")) / "flickr8k" / "mobilenet_v2_ptq.tflite"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("b.png", (255, 0, 0)), ("a.jpg", (0, 0, 255))):
        image.new("RGB", (30, 20), colour).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run on features of places that are projected, 1,280 to 3."""
    draw = np.random.default_rng(0)
    names = [f"{i}.jpg" for i in range(40)]
    np.savez(
        tmp_path / "grid.npz",
        names=names,
        grid=draw.normal(size=(40, 49, 3)).astype(np.float32),
        mean=draw.random(1280),
        basis=draw.normal(size=(1280, 3)),
    )
    lines = [f"{name}\ta dog number {i % 5}\n" for i, name in enumerate(names)]
    (tmp_path / "captions.tsv").write_text("".join(lines))
    settings = {
        "task": "caption",
        "data": {"path": str(tmp_path / "captions.tsv"), "features": str(tmp_path / "grid.npz")},
        "model": {"hidden": 8},
        "train": {"max_epochs": 1, "threads": 1},
    }
    story.run(settings, tmp_path / "run")
    return tmp_path / "run"


def test_files_of_images(photos: Path, tmp_path: Path) -> None:
    assert [each.name for each in image_files(photos)] == ["a.jpg", "b.png"]
    assert image_files(str(photos / "a.jpg")) == [photos / "a.jpg"]
    assert image_files("names.tsv") == image_files(["1.jpg"]) == image_files(3) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="the folder holds no image"):
        image_files(tmp_path / "empty")


def test_an_image_is_squeezed_to_a_square(photos: Path) -> None:
    found = read_image(photos / "b.png", 8)
    assert found.shape == (8, 8, 3) and found[3, 3].tolist() == [255, 0, 0]
    with pytest.raises(DataError, match="cannot be read as an image"):
        read_image(photos / "notes.txt", 8)


def test_the_network_is_asked_for(run: Path, photos: Path) -> None:
    with pytest.raises(ConfigError, match=r"--set data\.encoder=FILE\.tflite"):
        trained.load(run).read(photos)


@pytest.mark.skipif(not NETWORK.exists(), reason="set LONGSHORT_DATA")
def test_new_images_are_captioned(run: Path, photos: Path) -> None:
    found = trained.load(run).reading({"data.encoder": str(NETWORK)})
    samples = found.read(photos)
    assert samples.features.places is not None
    assert samples.features.places.shape == (49, 3)
    assert found.table(samples)["image"].to_list() == ["a.jpg", "b.png"]
