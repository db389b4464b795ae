"""MobileNetV2 from a quantised TensorFlow Lite file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from longshort.errors import DataError
from longshort.interchange.tflite import LiteOperation, LiteTensor, read_tflite
from longshort.nn.blocks.mobilenet import ConvLayer, MobileNetV2, Rounding


def mobilenet(path: Path) -> MobileNetV2:
    """Return the network with the file's weights, rounded wherever the quantised one rounds.

    The classifier is left out. Raises `DataError` if the file holds another network.
    """
    operations = read_tflite(path)
    found = MobileNetV2()
    convolutions = [each for each in operations if each.kind in ("conv", "depthwise")]
    sums = [each for each in operations if each.kind == "add"]
    layers = found.convolutions
    if len(convolutions) < len(layers) or len(sums) != len(found.sums):
        raise DataError(
            f"{path}: holds {len(convolutions)} convolutions and {len(sums)} sums, MobileNetV2 has "
            f"{len(layers)} and {len(found.sums)}; give a MobileNetV2 of width 1.0"
        )
    _fill_pixels(found, convolutions[0].inputs[0])
    for number, (layer, each) in enumerate(zip(layers, convolutions, strict=False)):
        _fill(layer, each, f"{path}: convolution {number}")
    for rounding, each in zip(found.sums, sums, strict=True):
        _fill_rounding(rounding, each.output)
    return found.eval()


def _fill_pixels(network: MobileNetV2, first: LiteTensor) -> None:
    """Take numbers of an image as the first tensor, of signed bytes, takes them."""
    if first.scale.size:
        network.spread.fill_(float(first.scale[0]))
        network.mean.fill_(float(first.zero[0]) + 128)


def _fill(layer: ConvLayer, each: LiteOperation, where: str) -> None:
    weight = torch.from_numpy(each.inputs[1].real())
    # TensorFlow has [out, H, W, in], and [1, H, W, channels] where every channel is filtered
    weight = weight.permute((3, 0, 1, 2) if each.kind == "depthwise" else (0, 3, 1, 2))
    conv: nn.Conv2d = layer.conv
    if weight.shape != conv.weight.shape or each.stride != layer.stride:
        raise DataError(
            f"{where}: weights of {list(conv.weight.shape)} and the stride {layer.stride} are "
            f"expected, got {list(weight.shape)} and {each.stride}; give a MobileNetV2 of width 1.0"
        )
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(weight)
        conv.bias.copy_(torch.from_numpy(each.inputs[2].real()))
    _fill_rounding(layer.rounding, each.output)


def _fill_rounding(rounding: Rounding, output: LiteTensor) -> None:
    if output.scale.size:
        rounding.scale.fill_(float(output.scale[0]))
        rounding.zero.fill_(float(output.zero[0]))
