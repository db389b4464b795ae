"""Which pretrained vectors the embedding of a network starts from."""

from __future__ import annotations

from pydantic import Field, model_validator

from longshort.config.section import Section


class VectorSettings(Section):
    """The part of a network's settings that names pretrained word vectors."""

    embedding: int = Field(ge=1, le=4096, description="size of a token's vector")
    vectors: str | None = Field(
        None,
        description="text file of word2vec or GloVe vectors to start the embedding from; their "
        "size is the embedding's",
    )
    freeze: bool = Field(False, description="keep these vectors as they are")

    @model_validator(mode="after")
    def _freezes_something(self) -> VectorSettings:
        if self.freeze and self.vectors is None:
            raise ValueError(
                "freeze keeps pretrained vectors as they are; name their file with model.vectors, "
                "or leave freeze out"
            )
        return self
