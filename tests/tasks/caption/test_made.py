"""Features made of images: a run of pictures alone, what is kept, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.errors import DataError
from longshort.runs import story, trained
from longshort.runs.trained import AnyTrained
from longshort.tasks.caption.config import CaptionData
from longshort.tasks.caption.encoder import check_features
from longshort.tasks.caption.made import cache_folder, made_features
from longshort.tasks.caption.networks import MADE, image_network
from longshort.tasks.caption.source import read_captions
from tests.commands import longshort, refused

image = pytest.importorskip("PIL.Image")
NETWORK = Path(os.environ.get("LONGSHORT_DATA", "")) / "flickr8k" / "mobilenet_v2_ptq.tflite"
needs_network = pytest.mark.skipif(not NETWORK.exists(), reason="set LONGSHORT_DATA")
COUNT = 12


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cache folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield cache_folder()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images with their captions."""
    folder = tmp_path_factory.mktemp("pictures")
    lines = ["image\tcaption\n"]
    for number in range(COUNT):
        image.new("RGB", (32, 24), (20 * number, 9, 200)).save(folder / f"{number}.png")
        lines += [f"{number}.png\ta colour {word}\n" for word in ("here", f"number {number % 3}")]
    (folder / "captions.tsv").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {
        "task": "caption",
        "data": {"path": str(pictures), "encoder": str(NETWORK)},
        "model": {"hidden": 8},
        "train": {"max_epochs": 1, "threads": 1},
    }
    folder = tmp_path_factory.mktemp("runs") / "run"
    story.run(settings, folder)
    return folder


def read(folder: Path, **more: Any) -> Any:
    return read_captions(folder, CaptionData(encoder=str(NETWORK), **more))


@needs_network
def test_a_folder_of_pictures_is_learned_from_and_captioned(run: Path, pictures: Path) -> None:
    loaded: AnyTrained = trained.load(run)
    assert loaded.config.data.images == str(pictures)
    assert loaded.encoder.places.shape == (49, 1280) and loaded.encoder.whole.shape == (1280,)
    seen = loaded.read(str(pictures / "3.png"))
    names = loaded.read(["3.png"])
    for key, table in names.features.tables.items():
        np.testing.assert_allclose(
            seen.features.tables[key].take(["3.png"]), table.take(["3.png"]), rtol=1e-6
        )
    assert loaded.predict(seen).texts == loaded.predict(names).texts


@needs_network
def test_a_run_is_evaluated_on_its_pictures(run: Path, pictures: Path) -> None:
    done = longshort("evaluate", run, "--data", pictures, "--include-training", "--json")
    assert done.returncode == 0, done.stderr


@needs_network
def test_what_is_kept_is_what_was_made_to_the_bit(pictures: Path, cache: Path) -> None:
    for each in cache.glob("*"):
        each.unlink()
    made = read(pictures)
    (kept,) = cache.glob("*.npz")
    before = kept.stat().st_mtime_ns
    again = read(pictures / "captions.tsv", images=str(pictures))
    assert made.digest() == again.digest() and kept.stat().st_mtime_ns == before
    kept.write_bytes(kept.read_bytes()[:1000])
    assert read(pictures).digest() == made.digest()
    assert kept.stat().st_size > 1000


@needs_network
def test_another_picture_under_the_same_name_is_seen_anew(pictures: Path, tmp_path: Path) -> None:
    for each in pictures.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    image.effect_noise((32, 24), 90.0).convert("RGB").save(tmp_path / "5.png")
    one, other = read(pictures), read(tmp_path)
    differ = [a != b for a, b in zip(one.keys(), other.keys(), strict=True)]
    assert differ == [number == 5 for number in range(COUNT)]


@needs_network
def test_a_picture_that_does_not_decode_is_refused_with_its_path(
    pictures: Path, tmp_path: Path
) -> None:
    for each in pictures.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    (tmp_path / "7.png").write_bytes((pictures / "7.png").read_bytes()[:60])
    found = refused("check", tmp_path, "--task", "caption", "--encoder", NETWORK)
    assert f"{tmp_path / '7.png'}: cannot be read as an image" in found


@needs_network
def test_another_network_is_refused_with_both_fingerprints(run: Path, pictures: Path) -> None:
    other = run.parent / "other.tflite"
    other.write_bytes(NETWORK.read_bytes() + b"\0")
    pattern = rf"{MADE}[0-9a-f]{{16}} and {MADE}[0-9a-f]{{16}}"
    loaded = trained.load(run)
    with pytest.raises(DataError, match=pattern):
        loaded.reading({"data.encoder": str(other)}).read(str(pictures / "3.png"))
    samples = loaded.read(["3.png"])
    places = samples.features.places
    strange = replace(samples.features, places=replace(places, encoder=f"{MADE}{'0' * 16}"))
    with pytest.raises(DataError, match=pattern):
        check_features(loaded.encoder, replace(samples, features=strange))


def test_pictures_without_a_network_are_told_how(pictures: Path) -> None:
    with pytest.raises(DataError, match=r"--images FOLDER and --encoder FILE\.tflite"):
        read_captions(pictures, CaptionData())


@pytest.mark.parametrize("tables", [[], ["a.tsv", "b.csv"]])
def test_a_folder_has_one_table(tables: list[str], tmp_path: Path) -> None:
    for name in tables:
        (tmp_path / name).write_text("image,caption\n")
    with pytest.raises(DataError, match=f"one table of .* got {', '.join(tables) or 'none'}"):
        read_captions(tmp_path, CaptionData(encoder="x"))


def test_a_missing_folder_network_or_picture_is_named(pictures: Path, tmp_path: Path) -> None:
    for images, folder, network, message in (
        (["1.png"], tmp_path / "no", NETWORK, r"data\.images: .*no: no such folder"),
        (["1.png"], pictures, tmp_path / "no", r"data\.encoder: .*no: cannot be read"),
        (["1.jpg"], pictures, NETWORK, r"holds none of the 1 images .* such as '1\.jpg'"),
    ):
        with pytest.raises(DataError, match=message):
            made_features(images, folder, image_network(str(network)))
