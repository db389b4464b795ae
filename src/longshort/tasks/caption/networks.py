"""Frozen networks that make the features of images: MobileNetV2 of a file, or torchvision's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.errors import DataError
from longshort.tasks.caption.features import Floats
from longshort.tasks.caption.images import read_image

if TYPE_CHECKING:
    from torch import Tensor, nn

MADE = "mobilenet-"
"""Beginning of the fingerprint of features by the network of a file."""
TORCHVISION = "torchvision"
USUAL = "resnet50"
"""The network of torchvision where none is named."""


@dataclass(frozen=True)
class Maps:
    """Last maps of n images as places, row by row: levels [n, places, size] times `scale`.

    Levels are bytes where the network is quantised, which loses nothing, and half precision where
    it is not.
    """

    levels: NDArray[Any]
    scale: Floats

    def values(self) -> Iterator[Floats]:
        """Yield the map of each image, [places, size]."""
        for each in self.levels:
            yield each.astype(np.float32) * self.scale

    def means(self) -> Floats:
        """Return the mean of each image's places, [n, size]."""
        return np.stack([each.mean(0) for each in self.values()])


class ImageNetwork(Protocol):
    """What turns images into maps. fingerprint: a name for all features that it makes."""

    @property
    def fingerprint(self) -> str:
        """Name that differs for networks whose features differ."""

    def maps(self, files: Sequence[Path]) -> Maps:
        """Return the last maps of images, each seen by itself; raises `DataError`."""


def image_network(named: str) -> ImageNetwork:
    """Return the network of `data.encoder`: a file's path, `torchvision`, or `torchvision:NAME`.

    Raises `DataError` where it is not there.
    """
    if not is_of_torchvision(named):
        return LiteNetwork(Path(named))
    return VisionNetwork(named.partition(":")[2] or USUAL)


def is_of_torchvision(named: str | None) -> bool:
    """Return whether `data.encoder` names a network of torchvision, not a file."""
    return (named or "").partition(":")[0] == TORCHVISION


class LiteNetwork:
    """MobileNetV2 as a TensorFlow Lite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the file."""
        try:
            return MADE + hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise DataError(
                f"data.encoder: {self.path}: cannot be read ({error.strerror}); name MobileNetV2 "
                f"as a TensorFlow Lite file, or {TORCHVISION}"
            ) from None

    def maps(self, files: Sequence[Path]) -> Maps:
        """Return the last maps of images."""
        import torch

        from longshort.interchange.mobilenet import mobilenet
        from longshort.nn.blocks.mobilenet import GRID, LAST, SIDE

        model = mobilenet(self.path)
        scale = float(model.convolutions[-1].rounding.scale)
        levels = np.empty((len(files), GRID * GRID, LAST), np.uint8 if scale else np.float32)
        for row, path in enumerate(files):
            image = torch.from_numpy(read_image(path, SIDE).astype(np.float32))
            places = model(image.permute(2, 0, 1)[None])[0].flatten(1).T.numpy()
            levels[row] = np.rint(places / scale) if scale else places
        return Maps(levels, np.array(scale or 1.0, np.float32))


class VisionNetwork:
    """A classifier of torchvision with its default weights, up to its last map.

    Images are squeezed to the size that the weights were trained for, in their colours' scale.
    Weights are downloaded by torchvision, once, to the cache of torch.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        models = _torchvision_models()
        try:
            self._weights: Any = models.get_model_weights(name).DEFAULT
        except (ValueError, AttributeError):
            raise DataError(
                f"data.encoder: {TORCHVISION}:{name}: torchvision knows no classifier of images "
                f"of this name; name one such as {USUAL}, mobilenet_v2 or efficientnet_b0"
            ) from None

    @cached_property
    def _model(self) -> nn.Module:
        try:
            found: nn.Module = _torchvision_models().get_model(self.name, weights=self._weights)
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(
                f"data.encoder: {TORCHVISION}:{self.name}: its weights {self._weights.url} cannot "
                f"be loaded ({error}); download them to {_checkpoints()}"
            ) from None
        return found.eval()

    @cached_property
    def fingerprint(self) -> str:
        """Name and digest of the weights."""
        found = hashlib.sha256(self.name.encode())
        for name, values in self._model.state_dict().items():
            found.update(name.encode() + b"\0" + values.numpy().tobytes())
        return f"{TORCHVISION}-{self.name}-{found.hexdigest()[:16]}"

    def maps(self, files: Sequence[Path]) -> Maps:
        """Return the last maps of images."""
        import torch

        look = self._weights.transforms()
        mean, spread = (torch.tensor(each)[:, None, None] for each in (look.mean, look.std))
        found = []
        for path in files:
            image = torch.from_numpy(read_image(path, look.crop_size[0]).astype(np.float32) / 255)
            last = self._last(((image.permute(2, 0, 1) - mean) / spread)[None])
            found.append(last[0].flatten(1).T.numpy().astype(np.float16))
        return Maps(np.stack(found), np.array(1.0, np.float32))

    def _last(self, image: Tensor) -> Tensor:
        """Return what the layer before pooling gives, [1, size, height, width]."""
        import torch

        layer = getattr(self._model, "features", None) or getattr(self._model, "layer4", None)
        if layer is None:
            raise DataError(
                f"data.encoder: {TORCHVISION}:{self.name}: has no map of places before its last "
                f"layer; name one such as {USUAL}, mobilenet_v2 or efficientnet_b0"
            )
        found: list[Tensor] = []
        hook = layer.register_forward_hook(lambda _, __, output: found.append(output))
        try:
            with torch.no_grad():
                self._model(image)
        finally:
            hook.remove()
        return found[0]


def _torchvision_models() -> Any:
    try:
        return import_module("torchvision.models")
    except (ImportError, RuntimeError) as error:  # a build for another torch raises RuntimeError
        raise DataError(
            f"data.encoder: {TORCHVISION}: torchvision cannot be imported ({error}); install the "
            "build that belongs to your torch, or name MobileNetV2 as a TensorFlow Lite file"
        ) from None


def _checkpoints() -> str:
    import torch

    return f"{torch.hub.get_dir()}/checkpoints"
