"""Features by a network of torchvision; its weights are drawn here, as none can be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longshort.errors import DataError
from longshort.runs import story, trained
from longshort.tasks.caption.networks import Maps, image_network
from tests.commands import refused

image = pytest.importorskip("PIL.Image")
MISSING = ("nms", "qnms")
"""Operators that torchvision describes while it is imported, and a build for CUDA cannot load."""


@pytest.fixture(scope="module")
def models() -> Iterator[Any]:
    """The models of torchvision, which need none of its operators."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in MISSING:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor boxes, Tensor scores, float most) -> Tensor")
    yield pytest.importorskip("torchvision.models")


@pytest.fixture(scope="module")
def weights(models: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Drawn weights of a resnet18 where torch looks for them before it downloads."""
    home = tmp_path_factory.mktemp("torch")
    kept = home / "hub" / "checkpoints"
    kept.mkdir(parents=True)
    torch.manual_seed(0)
    url = models.get_model_weights("resnet18").DEFAULT.url
    torch.save(models.resnet18().state_dict(), kept / url.rpartition("/")[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield kept


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(0)
    lines = ["image\tcaption\n"]
    for number in range(10):
        colours = draw.integers(0, 256, (24, 32, 3), np.uint8)
        image.fromarray(colours).save(folder / f"{number}.png")
        lines.append(f"{number}.png\ta colour number {number % 3}\n")
    (folder / "captions.tsv").write_text("".join(lines))
    return folder


def test_maps_are_those_before_pooling(models: Any, weights: Path, pictures: Path) -> None:
    files = [pictures / f"{number}.png" for number in range(2)]
    found = image_network("torchvision:resnet18").maps(files)
    assert isinstance(found, Maps) and found.levels.shape == (2, 49, 512)
    model = models.get_model("resnet18", weights="DEFAULT").eval()
    with image.open(files[1]) as opened:
        squeezed = np.asarray(opened.resize((224, 224), image.Resampling.BILINEAR)) / 255
    colours = (squeezed - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    pixels = torch.from_numpy(colours.transpose(2, 0, 1)[None]).float()
    with torch.no_grad():
        trunk = torch.nn.Sequential(*list(model.children())[:-2])
        expected = trunk(pixels)[0].flatten(1).T.numpy()
    np.testing.assert_allclose(found.levels[1], expected, rtol=1e-3, atol=1e-4)


def test_a_run_sees_new_images_as_its_own(weights: Path, pictures: Path, tmp_path: Path) -> None:
    settings = {
        "task": "caption",
        "data": {"path": str(pictures), "encoder": "torchvision:resnet18"},
        "model": {"hidden": 8},
        "train": {"max_epochs": 1, "threads": 1},
    }
    story.run(settings, tmp_path / "run")
    loaded: Any = trained.load(tmp_path / "run")
    seen, named = loaded.read(str(pictures / "3.png")), loaded.read(["3.png"])
    for key, table in named.features.tables.items():
        other = seen.features.tables[key]
        np.testing.assert_array_equal(other.take(["3.png"]), table.take(["3.png"]))
    loaded.read(["3.png"])
    (kept,) = weights.glob("resnet18*")
    state = torch.load(kept)
    torch.save({name: values + 1 for name, values in state.items()}, kept)
    try:
        with pytest.raises(DataError, match="another network than that of the run's features"):
            loaded.read(str(pictures / "3.png"))
    finally:
        torch.save(state, kept)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "torchvision knows no classifier of images of this name"),
        ("vit_b_16", "has no map of places before its last layer"),
    ],
)
def test_what_cannot_be_used_is_refused(
    name: str, message: str, models: Any, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def network(name: str, weights: Any) -> Any:
        return models.vit_b_16(weights=None)

    if name != "nothing":
        monkeypatch.setattr(models, "get_model", network)
    with pytest.raises(DataError, match=message):
        image_network(f"torchvision:{name}").maps([pictures / "1.png"])


def test_weights_that_cannot_be_had_are_refused_with_their_place(
    models: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(
        torch.hub, "download_url_to_file", lambda *_, **__: (_ for _ in ()).throw(OSError("away"))
    )
    with pytest.raises(DataError, match=r"resnet50.*cannot be loaded \(away\); download them to"):
        _ = image_network("torchvision").fingerprint


def test_the_command_refuses_it_without_a_traceback(pictures: Path, tmp_path: Path) -> None:
    found = refused("check", pictures, "--task", "caption", "--encoder", "torchvision:nothing")
    assert "data.encoder: torchvision" in found
