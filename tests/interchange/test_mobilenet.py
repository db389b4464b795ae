"""MobileNetV2 from a TensorFlow Lite file, beside the features that TensorFlow Lite computed."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from longshort.errors import DataError
from longshort.interchange.mobilenet import mobilenet
from longshort.interchange.tflite import read_tflite
from longshort.nn.blocks.mobilenet import ConvLayer, MobileNetV2, Rounding

DATA = Path(os.environ.get("LONGSHORT_DATA", "")) / "flickr8k"
needs_data = pytest.mark.skipif(
    not (DATA / "mobilenet_v2_ptq.tflite").exists(), reason="set LONGSHORT_DATA"
)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "a.tflite"
    with pytest.raises(DataError, match="no such file"):
        read_tflite(path)
    path.write_bytes(b"0123456789")
    with pytest.raises(DataError, match="no TensorFlow Lite model"):
        read_tflite(path)
    path.write_bytes(b"\x10\0\0\0TFL3" + bytes(8))
    with pytest.raises(DataError, match="damaged TensorFlow Lite model"):
        read_tflite(path)


@pytest.mark.parametrize(("side", "stride", "wanted"), [(8, 1, 8), (8, 2, 4), (7, 2, 4)])
def test_maps_have_the_sizes_of_tensorflow(side: int, stride: int, wanted: int) -> None:
    layer = ConvLayer(1, 1, 3, stride)
    assert layer(torch.zeros(1, 1, side, side)).shape[-1] == wanted


def test_the_odd_row_of_padding_is_at_the_end() -> None:
    layer = ConvLayer(1, 1, 3, 2, is_linear=True)
    with torch.no_grad():
        layer.conv.weight.fill_(1.0)
        layer.conv.bias.zero_()  # type: ignore[union-attr]
    found = layer(torch.ones(1, 1, 4, 4))[0, 0]
    assert found.tolist() == [[9.0, 6.0], [6.0, 4.0]]


def test_rounding_keeps_to_the_levels() -> None:
    rounding = Rounding()
    values = torch.tensor([0.26, -1.0, 999.0])
    assert rounding(values).tolist() == values.tolist()
    rounding.scale.fill_(0.5)
    rounding.zero.fill_(-128)
    assert rounding(values).tolist() == [0.5, 0.0, 127.5]


def test_the_last_map_is_of_seven_by_seven_places() -> None:
    assert MobileNetV2().eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 1280, 7, 7)


@needs_data
def test_features_are_those_of_tensorflow_lite() -> None:
    image = pytest.importorskip("PIL.Image")
    network = mobilenet(DATA / "mobilenet_v2_ptq.tflite")
    stored = np.load(DATA / "mobilenetv2_global.npz")
    grid = np.load(DATA / "mobilenetv2_grid64.npz")
    rows = {name: row for row, name in enumerate(stored["names"].tolist())}
    found, wanted, places, known = [], [], [], []
    with tarfile.open(DATA / "test_images_224.tar") as archive:
        for member in archive.getmembers()[:8]:
            file = archive.extractfile(member)
            assert file is not None
            pixels = np.asarray(image.open(io.BytesIO(file.read())).convert("RGB"), np.float32)
            maps = network(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].flatten(1).T.numpy()
            row = rows[Path(member.name).name]
            found.append(maps.mean(0))
            wanted.append(stored["feat"][row] * stored["scale"])
            places.append((maps - grid["mean"]) @ grid["basis"])
            known.append(grid["grid"][row] * grid["scale"])
    assert np.corrcoef(np.ravel(found), np.ravel(wanted))[0, 1] > 0.99
    assert np.corrcoef(np.ravel(places), np.ravel(known))[0, 1] > 0.99
