"""MobileNetV2 (Sandler et al., 2018) up to its last map, as a frozen encoder of images.

Letters: B batch, C channels, H and W height and width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip
"""Expansion, channels, number of blocks, and stride of the first of them."""
FIRST, LAST = 32, 1280
"""Channels after the first layer and after the last one."""
SIDE, GRID = 224, 7
"""Height and width of an image and of the last map."""
_LOWEST, _HIGHEST = -128, 127


class Rounding(nn.Module):
    """Rounds to the 256 levels scale · (number - zero) of a quantised network; scale 0 does not."""

    scale: Tensor
    zero: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("zero", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, rounded and within the levels."""
        if not self.scale:
            return values
        numbers = (values / self.scale).round() + self.zero
        return (numbers.clamp(_LOWEST, _HIGHEST) - self.zero) * self.scale


class ConvLayer(nn.Module):
    """A convolution with padding to ⌈H / stride⌉ as TensorFlow pads, and ReLU6 or nothing.

    Batch normalisation is folded into weights and bias.
    """

    def __init__(
        self, inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1,
        *, is_linear: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.size, self.stride, self.is_linear = size, stride, is_linear
        self.conv = nn.Conv2d(inputs, outputs, size, stride, groups=groups)
        self.rounding = Rounding()

    def forward(self, values: Tensor) -> Tensor:
        """Return maps [B, C, H, W]."""
        found = self.conv(_padded(values, self.size, self.stride))
        rounded: Tensor = self.rounding(found if self.is_linear else F.relu6(found))
        return rounded


class Block(nn.Module):
    """Expand, filter every channel, project; what goes in is added where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        layers = [ConvLayer(inputs, wide)] if expansion > 1 else []
        layers.append(ConvLayer(wide, wide, 3, stride, wide))
        layers.append(ConvLayer(wide, outputs, is_linear=True))
        self.layers = nn.Sequential(*layers)
        self.sum = Rounding() if stride == 1 and inputs == outputs else None

    def forward(self, values: Tensor) -> Tensor:
        """Return maps [B, C, H, W]."""
        found: Tensor = self.layers(values)
        return found if self.sum is None else self.sum(values + found)


class MobileNetV2(nn.Module):
    """Images [B, 3, 224, 224] in numbers from 0 to 255 become maps [B, 1280, 7, 7].

    mean, spread: pixels are taken as (number - mean) · spread.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(127.5))
        self.register_buffer("spread", torch.tensor(1 / 127.5))
        layers: list[nn.Module] = [ConvLayer(3, FIRST, 3, 2)]
        width = FIRST
        for expansion, channels, count, stride in STAGES:
            for number in range(count):
                layers.append(Block(width, channels, expansion, stride if number == 0 else 1))
                width = channels
        layers.append(ConvLayer(width, LAST))
        self.layers = nn.Sequential(*layers)

    @property
    def convolutions(self) -> list[ConvLayer]:
        """All convolutions in the order of computation."""
        return [each for each in self.modules() if isinstance(each, ConvLayer)]

    @property
    def sums(self) -> list[Rounding]:
        """The roundings of the sums in the order of computation."""
        blocks = (each for each in self.layers if isinstance(each, Block))
        return [block.sum for block in blocks if block.sum is not None]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Return the last maps, which are not negative."""
        found: Tensor = self.layers((images - self.mean) * self.spread)
        return found


def _padded(values: Tensor, size: int, stride: int) -> Tensor:
    """Pad with zeros so that ⌈H / stride⌉ steps fit; the odd row goes to the end."""
    total = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in values.shape[2:]]
    (top, left), (down, right) = ([n // 2 for n in total], [n - n // 2 for n in total])
    return F.pad(values, (left, right, top, down)) if any(total) else values
