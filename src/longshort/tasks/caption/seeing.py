"""Features of image files, by the network that made a run's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError, DataError
from longshort.tasks.caption.encoder import CaptionEncoder, Scale
from longshort.tasks.caption.features import Features, FeatureTable, Floats
from longshort.tasks.caption.networks import MADE, TORCHVISION, ImageNetwork, image_network
from longshort.tasks.caption.samples import Captioned


def seen(
    files: Sequence[Path],
    network: str | None,
    encoder: CaptionEncoder,
    kept: Mapping[str, NDArray[np.float64]],
) -> Captioned:
    """Return images with features made as those of the run.

    network: as in `data.encoder`. kept: of the run, with its projection `mean` and `basis` where
    its features of places have one. Raises `ConfigError` and `DataError`.
    """
    if network is None:
        raise ConfigError(
            "data.encoder: image files are seen by the network that made the run's features; name "
            "its file with --set data.encoder=FILE.tflite, or torchvision"
        )
    using = image_network(network)
    _refuse_another(network, using, encoder)
    maps = using.maps(files)
    values = np.stack(list(maps.values()))
    names = [path.name for path in files]
    places = _table(names, _projected(values, kept), encoder.places, network)
    whole = _table(names, maps.means(), encoder.whole, network)
    where = [str(path) for path in files]
    return Captioned("images", names, None, where, Features(places, whole))


def _refuse_another(network: str, using: ImageNetwork, encoder: CaptionEncoder) -> None:
    """Raise `DataError` if the run's features say that another network made them."""
    found = using.fingerprint
    for scale in (encoder.places, encoder.whole):
        if (
            scale is not None
            and scale.encoder.startswith((MADE, TORCHVISION))
            and scale.encoder != found
        ):
            raise DataError(
                f"{network}: is another network than that of the run's features ({found} and "
                f"{scale.encoder}); give the file that made them"
            )


def _projected(maps: Floats, kept: Mapping[str, NDArray[np.float64]]) -> Floats:
    if "basis" not in kept:
        return maps
    found: Floats = ((maps - kept["mean"]) @ kept["basis"]).astype(np.float32)
    return found


def _table(
    names: Sequence[str], values: NDArray[Any], scale: Scale | None, network: str
) -> FeatureTable | None:
    """Features as the run has them; None where it has none of this kind."""
    if scale is None:
        return None
    if values.shape[1:] != scale.shape:
        raise DataError(
            f"{network}: gives features of the shape {list(values.shape[1:])}, the run's are "
            f"{list(scale.shape)}; its features were made by another network"
        )
    return FeatureTable(names, values, encoder=scale.encoder)
