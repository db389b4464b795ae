"""Images as what can be explained: on which places, and how much on the whole, a caption rests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from longshort.runs.task import Model
from longshort.runs.writing import Target
from longshort.runs.written_subject import Ints, WrittenSubject
from longshort.tasks.caption.encoder import Batch, CaptionEncoder, encode
from longshort.tasks.caption.inference import place_names, write
from longshort.tasks.caption.samples import Captioned

_WHOLE = "whole image"


class CaptionSubject(WrittenSubject):
    """Images with features; one is absent where the mean of the training images stands.

    Steps are the image's places, and the image as a whole where it has a vector of its own.
    """

    feature: ClassVar[str] = "features"
    is_text: ClassVar[bool] = False

    def __init__(self, model: Model[Any, CaptionEncoder], samples: Captioned) -> None:
        places = samples.places or samples.images
        super().__init__(model, model.encoder.coder, places, samples.name)
        self.arrays = encode(model.encoder, samples)
        self.first = {int(owner): n for n, owner in reversed(list(enumerate(self.arrays.owners)))}

    def steps(self, row: int) -> Sequence[str]:
        """Return the places by row and column, and the whole image."""
        del row
        scale = self.model.encoder.places
        names = [] if scale is None else place_names(scale.shape[0])
        return names if self.model.encoder.whole is None else [*names, _WHOLE]

    def begun(self, row: int, presence: Tensor) -> tuple[Any, Tensor | None]:
        """Return the state after copies of an image whose parts are there to these degrees."""
        network: Any = self.network
        inputs = self.arrays.inputs(np.array([row]))
        places = whole = None
        if inputs.places is not None:
            # Scaled features have the mean 0, so that 0 is the mean of the training images.
            count = inputs.places.shape[1]
            places = presence[:, :count, None] * self._tensor(inputs.places)
        if inputs.whole is not None:
            whole = presence[:, -1:] * self._tensor(inputs.whole)
        return network.begin(Batch(places, whole)), None

    def written(self, row: int, model: Model[Any, CaptionEncoder]) -> Target:
        """Return the caption of an image."""
        return write(model, self.arrays, rows=np.array([row])).targets[0][0]

    def given(self, row: int) -> Ints | None:
        """Return the first caption that is given for an image."""
        return self.arrays.targets[self.first[row]] if self.arrays.targets else None

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(values).double().to(self.model.device)
