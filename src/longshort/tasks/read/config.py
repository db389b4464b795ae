"""Settings of reading, with units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig
from longshort.config.writing import WriteSettings


class ReadData(SourceConfig):
    """The lines and their texts: a folder of pairs, or a table."""

    path: str | None = Field(
        None,
        description="folder or archive of pictures of lines with NAME.gt.txt or NAME.txt beside "
        "each, a table of pictures and their texts, or a file of pen strokes (JSON, "
        ".npz, InkML, UNIPEN)",
    )

    kind: Literal["pictures", "strokes"] | None = Field(
        None,
        description="what is read: pictures of lines, or strokes of a pen; by the data when absent",
        json_schema_extra=flag("--kind"),
    )
    val_path: str | None = Field(
        None,
        description="validation folder or table; when absent by the split column, else a share",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test folder or table; when absent by the split column, else a share",
        json_schema_extra=flag("--test"),
    )
    file: str | None = Field(None, description="column of the pictures' files; by name when absent")
    text: str | None = Field(
        None,
        description="column of the texts; by name when absent",
        json_schema_extra=flag("--text"),
    )
    group: str | None = Field(
        None,
        description="column of what must not stand in two splits, such as the writer or the page",
        json_schema_extra=flag("--group"),
    )
    split: str | None = Field(
        None, description="column that says train, val or test; by name when absent"
    )
    images: str | None = Field(
        None,
        description="folder of the pictures of a table; the table's own when absent",
        json_schema_extra=flag("--images"),
    )
    drop_bad: bool = Field(
        False,
        description="leave out lines that cannot be learned (no text, no picture, one colour, "
        "damaged, too narrow for the text) and name them, instead of refusing the data",
        json_schema_extra=flag("--drop-bad"),
    )


class ReadSplit(Section):
    """How validation and test lines are drawn, where nothing else says which they are."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="test split, as a share of the data")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class ReadImage(Section):
    """How pictures are made alike."""

    height: int = Field(
        40,
        ge=16,
        le=128,
        description="height of a line in pixels, to which pictures are scaled",
        json_schema_extra=flag("--height"),
    )
    straighten: bool = Field(
        True,
        description="follow the centre of the letters, and take their size for the height, instead "
        "of the picture's edges",
    )


class ReadText(Section):
    """The signs that are read; fitted on the training split."""

    tokens: Literal["characters", "symbols"] | None = Field(
        None,
        description="what is read one by one: characters, or symbols apart by spaces, such as "
        "those of LaTeX; by the data when absent",
        json_schema_extra=flag("--tokens"),
    )
    normalise: Literal["NFC", "NFKC", "none"] = Field(
        "NFC",
        description="Unicode normalisation of all texts: NFC writes é as one character, NFKC also "
        "undoes ligatures and the like",
        json_schema_extra=flag("--normalise"),
    )


class ReadModel(CellSettings):
    """The network: convolutions over a picture, recurrent layers in both directions, and CTC."""

    head: Literal["ctc", "attention"] = Field(
        "ctc",
        description="how signs are found: ctc, in the order in which they stand (Graves et al., "
        "2006), or attention, in any order, by a decoder that writes",
        json_schema_extra=flag("--head"),
    )
    channels: tuple[int, ...] = Field(
        (16, 32, 48, 64),
        min_length=2,
        max_length=6,
        description="filters of each convolution over pictures; the first two halve the width, all "
        "halve the height",
    )
    hidden: int | None = Field(
        None,
        ge=2,
        le=4096,
        description="units of a recurrent layer in each direction; decided by the data when absent",
        json_schema_extra=flag("--hidden"),
    )
    num_layers: int = Field(2, ge=1, le=16, description="recurrent layers")
    dropout: float = Field(
        0.4, ge=0.0, lt=1.0, description="on the inputs and outputs of recurrent layers"
    )
    picture_dropout: float = Field(
        0.1, ge=0.0, lt=1.0, description="on whole channels of the convolutions"
    )


class ReadWrite(WriteSettings):
    """How the network's output becomes text."""

    beam: int = Field(
        16,
        ge=1,
        le=100,
        description="width of the search; 1 takes the most probable path",
        json_schema_extra=flag("--beam"),
    )
    order: int = Field(
        6,
        ge=0,
        le=12,
        description="order of the n-gram of signs, learned from the training texts, that joins the "
        "search; 0 for none, or where the beam is 1",
    )
    max_length: int = Field(
        150, ge=1, description="largest number of signs that head = attention writes"
    )


class ReadTrain(TrainConfig):
    """The training loop."""

    augment: float = Field(
        1.0,
        ge=0.0,
        le=3.0,
        description="strength of random changes of training lines: shift, size, slant, wobble, "
        "contrast and thickness; 0 for none",
        json_schema_extra=flag("--augment"),
    )
    max_epochs: int | None = Field(
        None, ge=1, description="passes over the training split; decided when absent"
    )
    batch_size: int | None = Field(None, ge=1, description="lines per step; decided when absent")
    weight_decay: float = Field(1e-4, ge=0.0, description="for adamw and sgd")
    patience: int = Field(15, ge=1, description="epochs without gain before stopping")


class ReadConfig(BaseConfig):
    """Settings of a run; `config.toml` in the run folder is this, resolved."""

    task: Literal["read"] = "read"
    data: ReadData = ReadData()
    split: ReadSplit = ReadSplit()
    image: ReadImage = ReadImage()
    text: ReadText = ReadText()
    model: ReadModel = ReadModel()
    write: ReadWrite = ReadWrite()
    train: ReadTrain = ReadTrain()
