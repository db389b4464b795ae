"""Pretrained word vectors as the start of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from longshort.config.vectors import VectorSettings
from longshort.data.vectors import read_vectors, vector_size
from longshort.data.vocabulary import SPECIAL, Vocabulary
from longshort.errors import ConfigError, DataError

if TYPE_CHECKING:
    from torch import Tensor

M = TypeVar("M", bound=VectorSettings)


def sized_by_vectors(model: M) -> M:
    """Return the settings with the embedding size of the vectors' file.

    Raises `ConfigError` if another size was chosen.
    """
    if model.vectors is None:
        return model
    path = Path(model.vectors)
    size = vector_size(path)
    if "embedding" in model.model_fields_set and model.embedding != size:
        raise ConfigError(
            f"model.embedding: is {model.embedding}, and the vectors of {path} have {size} values; "
            "leave it out"
        )
    return model.model_copy(update={"vectors": str(path.absolute()), "embedding": size})


def start_from_vectors(weights: Sequence[Tensor], file: str, vocabulary: Vocabulary) -> str:
    """Copy a file's vectors into the weights [V, E] of embeddings; returns a line for people.

    Tokens without a vector are initialised at random with the standard deviation of the vectors.
    Raises `DataError` if no token has a vector.
    """
    import torch

    known = vocabulary.tokens[len(SPECIAL) :]
    vectors = read_vectors(Path(file), known).by_token
    if not vectors:
        raise DataError(
            f"{file}: has a vector for none of the {len(known):,} known tokens; is it of this "
            "language?"
        )
    deviation = float(np.std(list(vectors.values())))
    with torch.no_grad():
        for weight in weights:
            weight[1:].normal_(0.0, deviation)
            for number, token in enumerate(known, len(SPECIAL)):
                if token in vectors:
                    weight[number] = torch.from_numpy(vectors[token])
    return f"vectors: {len(vectors):,} of {len(known):,} known tokens have one"
