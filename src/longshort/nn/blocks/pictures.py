"""Convolutions over the picture of each step, so that recurrent layers read features of it."""

from __future__ import annotations

from torch import Tensor, nn

_SMALL = 8
"""Sides of a map from which on it is halved no more."""
_WIDEST = 4
"""Largest number of filters, in those of the first convolution."""


class PictureConvolutions(nn.Module):
    """A small network over each picture by itself: x [T, B, Y · X · C] becomes [T, B, features].

    Convolutions of 3 x 3 with a ReLU; each further one has twice as many filters, up to four times
    those of the first, and after each the map is halved until its sides have 8 pixels or fewer.
    size: of the pictures, as "24x32" or "24x32x3" with channels last.
    """

    def __init__(self, size: str, filters: int, features: int) -> None:
        super().__init__()
        rows, columns, *channels = map(int, size.split("x"))
        self.rows, self.columns, self.channels = rows, columns, channels[0] if channels else 1
        layers: list[nn.Module] = []
        width, most = self.channels, _WIDEST * filters
        while True:
            layers += [nn.Conv2d(width, filters, 3, padding=1), nn.ReLU()]
            width, filters = filters, min(2 * filters, most)
            if max(rows, columns) <= _SMALL:
                break
            layers.append(nn.MaxPool2d(2))
            rows, columns = max(1, rows // 2), max(1, columns // 2)
        self.layers = nn.Sequential(*layers)
        self.features = nn.Linear(width * rows * columns, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of each picture."""
        steps, batch = x.shape[:2]
        pixels = x.reshape(steps * batch, self.rows, self.columns, self.channels)
        maps = self.layers(pixels.permute(0, 3, 1, 2))
        found: Tensor = self.features(maps.flatten(1)).relu()
        return found.view(steps, batch, -1)
