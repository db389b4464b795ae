"""Settings of speech recognition, with units, defaults and ranges."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.audio import AudioSettings, VariedSettings
from longshort.config.cell import CellSettings
from longshort.config.flags import flag
from longshort.config.section import Section
from longshort.config.training import BaseConfig, SourceConfig, TrainConfig


class TranscribeData(SourceConfig):
    """The table of recordings, or of files of features, with what is said in each."""

    path: str | None = Field(
        None,
        description="table of recordings, or of files of features, with the text of each; a "
        "folder of recordings with NAME.txt beside each; or a file of Sphinx that "
        "ends in .transcription",
    )
    val_path: str | None = Field(
        None,
        description="validation table; when absent by the split column, else a share is drawn",
        json_schema_extra=flag("--val"),
    )
    test_path: str | None = Field(
        None,
        description="test table; when absent by the split column, else a share is drawn",
        json_schema_extra=flag("--test"),
    )
    root: str | None = Field(
        None,
        description="folder of the files; when absent that of the table",
        json_schema_extra=flag("--root"),
    )
    features: str | None = Field(
        None,
        description=".npz file with an array [frames, size] for each name in the table, instead "
        "of files of their own",
        json_schema_extra=flag("--features"),
    )
    file: str | None = Field(None, description="column of the files; by its name when absent")
    text: str | None = Field(
        None,
        description="column of what is said; by its name when absent",
        json_schema_extra=flag("--text"),
    )
    speaker: str | None = Field(
        None, description="column of the speakers, who stay in one split; by its name when absent"
    )
    split: str | None = Field(
        None, description="column that says train, val or test; by its name when absent"
    )
    width: int = Field(
        13, ge=1, le=4096, description="numbers of a frame in files of Sphinx (.mfc)"
    )


class TranscribeSplit(Section):
    """How validation and test utterances are drawn, where nothing else says which they are."""

    val: float = Field(0.1, gt=0.0, lt=1.0, description="validation split, as a share of the data")
    test: float = Field(0.1, gt=0.0, lt=1.0, description="test split, as a share of the data")
    by_speaker: bool = Field(
        True, description="keep all that one speaker says in one split, where speakers are known"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of the split")


class TranscribeText(Section):
    """The characters that can be written; fitted on the training split."""

    alphabet: str | None = Field(
        None,
        min_length=1,
        description="all characters that can be written, in one text; those of the training texts "
        "when absent",
    )
    lowercase: bool = Field(False, description="turn all texts into lower case")


class TranscribeVary(VariedSettings):
    """How utterances are varied while a network learns from them."""

    speeds: tuple[float, ...] = Field(
        (0.9, 1.0, 1.1),
        description="speeds at which training utterances are read, drawn anew each time, by "
        "interpolating their frames",
    )


class TranscribeModel(CellSettings):
    """The network: several frames as one step, recurrent layers, and a head over the characters."""

    head: Literal["ctc", "transducer"] = Field(
        "ctc",
        description="ctc: each step gives a character or the blank (Graves et al., 2006); "
        "transducer: and sees what was written before (RNN-T; Graves, 2012)",
        json_schema_extra=flag("--head"),
    )
    hidden: int | None = Field(
        None, ge=1, le=8192,
        description="units per layer and direction; decided by the amount of data when absent",
        json_schema_extra=flag("--hidden"),
    )  # fmt: skip
    num_layers: int = Field(3, ge=1, le=32, description="recurrent layers above each other")
    bidirectional: bool = Field(
        True,
        description="read in both directions; without it the network can hear a stream",
        json_schema_extra=flag("--bidirectional"),
    )
    patch: int = Field(
        3, ge=1, le=64, description="frames that enter the network side by side as one step"
    )
    dropout: float = Field(0.3, ge=0.0, lt=1.0, description="between layers, before the head")
    predictor: int = Field(
        96, ge=1, le=4096, description="units of the transducer's network over the text so far"
    )
    joint: int = Field(
        128, ge=1, le=4096, description="units in which the transducer joins sound and text"
    )


class TranscribeLanguage(Section):
    """The language model that a beam search asks: n-grams with Kneser-Ney smoothing."""

    kind: Literal["none", "characters", "words"] = Field(
        "none",
        description="n-grams of characters, or of words, which also allow no other words than "
        "those they were fitted on",
        json_schema_extra=flag("--lm"),
    )
    path: str | None = Field(
        None,
        description="further text for it, a sentence a line; the training texts alone when absent",
        json_schema_extra=flag("--lm-text"),
    )
    order: int | None = Field(
        None, ge=1, le=12, description="longest n-gram; 6 of characters, 3 of words, when absent"
    )


class TranscribeWrite(Section):
    """How frames become text."""

    beam: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="width of the search; when absent 1, which is greedy, and 16 with a language "
        "model",
        json_schema_extra=flag("--beam"),
    )
    alpha: float | None = Field(
        None,
        ge=0.0,
        description="weight of the language model; when absent the best on the validation split",
    )
    beta: float | None = Field(
        None, description="bonus for each character or word; likewise when absent"
    )
    symbols: int = Field(
        3, ge=1, le=20, description="most characters that a transducer writes in one step"
    )


class TranscribeTrain(TrainConfig):
    """The training loop."""

    learning_rate: float = Field(0.005, gt=0.0, description="of the optimizer, at its highest")
    weight_decay: float = Field(0.01, ge=0.0, description="of AdamW")
    batch_size: int = Field(8, ge=1, description="utterances that are learned together")
    alone: float = Field(
        0.5, ge=0.0, description="weight of a CTC loss that a transducer learns by beside its own"
    )
    max_epochs: int | None = Field(
        None, ge=1, description="some 6,000 batches, but 10 to 200 epochs, when absent"
    )
    patience: int = Field(20, ge=1, description="epochs without gain before stopping")


class TranscribeScore(Section):
    """How runs are scored."""

    neighbours: bool = Field(
        True,
        description="also say what the nearest training utterance by time warping says, where "
        "there are few enough",
    )


class TranscribeConfig(BaseConfig):
    """Settings of a run; `config.toml` in the run folder is this, resolved."""

    task: Literal["transcribe"] = "transcribe"
    data: TranscribeData = TranscribeData()
    audio: AudioSettings = AudioSettings()
    vary: TranscribeVary = TranscribeVary()
    split: TranscribeSplit = TranscribeSplit()
    text: TranscribeText = TranscribeText()
    model: TranscribeModel = TranscribeModel()
    language: TranscribeLanguage = TranscribeLanguage()
    write: TranscribeWrite = TranscribeWrite()
    train: TranscribeTrain = TranscribeTrain()
    evaluate: TranscribeScore = TranscribeScore()
