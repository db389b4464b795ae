"""Settings of captioning, with units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.flags import flag
from longshort.config.parallel import TokenKind
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig
from longshort.config.writing import WriterModel, WriterTrain, WriteSettings


class CaptionData(SourceConfig):
    """The table of captions, and the features of its images."""

    features: str | None = Field(
        None,
        description=".npz file of features of places in each image, [places, size], to attend to",
        json_schema_extra=flag("--features"),
    )
    global_features: str | None = Field(
        None,
        description=".npz file of one vector for each image; when absent the mean of its places",
        json_schema_extra=flag("--global"),
    )
    val_path: str | None = Field(
        None,
        description="validation file; when absent by the split column, else a share of the images",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test file; when absent by the split column, else a share of the images",
        json_schema_extra=flag("--test"),
    )
    image: str | None = Field(None, description="column of the images' names; by name when absent")
    caption: str | None = Field(None, description="column of the captions; by name when absent")
    split: str | None = Field(
        None, description="column that says train, val or test; by name when absent"
    )
    format: Literal["tsv", "csv", "jsonl", "parquet"] | None = Field(
        None, description="file format; by its name when absent"
    )
    header: bool | None = Field(
        None, description="whether the first line names the columns; by what it holds when absent"
    )
    drop_missing: bool = Field(
        False, description="leave out images without features instead of refusing the file"
    )
    encoder: str | None = Field(
        None,
        description="MobileNetV2 as a TensorFlow Lite file, or torchvision or torchvision:NAME, "
        "which makes the features of images, where no file of features is given, and of new "
        "images; with given features the network that made them",
        json_schema_extra=flag("--encoder"),
    )
    images: str | None = Field(
        None,
        description="folder of the images, of which features are made where none are given, and "
        "for the report",
        json_schema_extra=flag("--images"),
    )


class CaptionSplit(Section):
    """How validation and test images are drawn, where nothing else says which they are."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="test split, as a share of the data")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class CaptionText(Section):
    """Tokens of the captions; fitted on the training split."""

    tokens: TokenKind = Field(
        "words", description="words, subwords or characters", json_schema_extra=flag("--tokens")
    )
    plain: bool = Field(
        True, description="learn captions in lower case without punctuation, as they are scored"
    )
    size: int | None = Field(None, ge=5, description="largest number of known tokens")
    min_count: int | None = Field(
        None,
        ge=1,
        description="least count of a known word; when absent 5 of 10,000 captions or more, 2 of "
        "500 or more, else 1",
    )
    max_length: int = Field(30, ge=1, description="tokens of a caption; longer ones are cut")


class CaptionModel(WriterModel):
    """The network: the image's places as a memory, and a decoder that attends to them."""

    attention: Literal["dot", "general", "additive", "none"] = Field(
        "additive",
        description="score of the attention: additive (Bahdanau et al.; Xu et al., 2015), general "
        "or dot (Luong et al., 2015), or none, as there is without features of places",
        json_schema_extra=flag("--attention"),
    )
    attention_size: int = Field(128, ge=1, description="units of the additive score")
    dropout: float = Field(0.5, ge=0.0, lt=1.0, description="on features, vectors and outputs")


class CaptionWrite(WriteSettings):
    """How captions are written."""

    beam: int = Field(
        3, ge=1, le=100, description="width of the beam search; 1 is greedy",
        json_schema_extra=flag("--beam"),
    )  # fmt: skip
    max_length: int = Field(25, ge=1, description="largest number of tokens")


class CaptionTrain(WriterTrain):
    """The training loop."""

    batch_size: int | None = Field(
        None, ge=1, description="captions per step; decided by their number when absent"
    )
    agreement: float = Field(
        1.0,
        ge=0.0,
        description="how much more a caption counts that agrees with the others of its image; 0: "
        "all count alike (after Phan et al., 2017)",
    )
    spread_weight: float = Field(
        0.0,
        ge=0.0,
        description="weight of the doubly stochastic penalty: every place is to get attention once "
        "in all (Xu et al., 2015)",
    )
    patience: int = Field(5, ge=1, description="epochs without gain before stopping")


class CaptionScore(Section):
    """How runs are scored."""

    val_images: int = Field(
        1000, ge=1, description="validation images that are captioned after each epoch"
    )
    neighbours: int = Field(20, ge=1, description="images of the baseline by consensus")
    without_attention: bool = Field(
        False, description="also train the network without attention, to compare with"
    )


class CaptionConfig(BaseConfig):
    """Settings of a run; `config.toml` in the run folder is this, resolved."""

    task: Literal["caption"] = "caption"
    data: CaptionData = CaptionData()
    split: CaptionSplit = CaptionSplit()
    text: CaptionText = CaptionText()
    model: CaptionModel = CaptionModel()
    write: CaptionWrite = CaptionWrite()
    train: CaptionTrain = CaptionTrain()
    evaluate: CaptionScore = CaptionScore()
