"""Settings of pretrained word vectors."""

from __future__ import annotations

from pydantic import Field, model_validator

from longshort.config.section import Section


class VectorSettings(Section):
    """Base of a task's table `model` that names pretrained word vectors."""

    embedding: int = Field(ge=1, le=4096, description="size of a token's vector")
    vectors: str | None = Field(
        None,
        description="text file of word2vec or GloVe vectors, the start of the embedding, which "
        "takes their size",
    )
    freeze: bool = Field(False, description="do not train the pretrained vectors")

    @model_validator(mode="after")
    def _freezes_something(self) -> VectorSettings:
        if self.freeze and self.vectors is None:
            raise ValueError(
                "freeze keeps pretrained vectors as they are; name their file with model.vectors, "
                "or leave freeze out"
            )
        return self
