"""Reading of labelled examples, which have one label each or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from longshort.config.sequences import SequenceData
from longshort.data.audio.listing import names_sound
from longshort.data.formats import audio
from longshort.data.label_sets import label_sets
from longshort.data.labelled import Examples
from longshort.data.labelled_source import like, read_labelled_splits, read_unlabelled
from longshort.data.labels import refuse_values
from longshort.errors import DataError
from longshort.tasks.classify.config import ClassifyConfig


def read_splits(given: Mapping[str, object], config: ClassifyConfig) -> dict[str, Examples]:
    """Read the examples of each source, by split name; all are read in the way of "train".

    Raises `DataError` if labels are missing or fractions, and if one source has texts, or several
    labels per example, and another has not.
    """
    is_sound = is_of_sound(given["train"], config)
    found = _recordings(given, config) if is_sound else read_labelled_splits(given, config.data)
    train = found["train"]
    several, mark = config.data.multi_label, config.data.label_separator
    if train.separator is not None:
        several, mark = True, train.separator
    return {name: of_kind(each, several, mark) for name, each in found.items()}


def is_of_sound(data: object, config: ClassifyConfig) -> bool:
    """Whether data are recordings, as settings say or as the files' names do."""
    if isinstance(data, Examples):
        return data.sounds is not None
    format = config.data.format
    return format == "audio" or (format is None and names_sound(data))


def _recordings(given: Mapping[str, object], config: ClassifyConfig) -> dict[str, Examples]:
    """Read recordings by split name, all at the rate of "train"."""
    found: dict[str, Examples] = {}
    audio_settings = config.audio
    data: SequenceData = config.data
    for name, source in given.items():
        examples = source
        if not isinstance(examples, Examples):
            examples = audio.read(source, _columns(data), audio_settings)
        found[name] = examples
        if name == "train" and examples.sounds is not None:
            audio_settings = audio_settings.model_copy(update={"rate": examples.sounds.rate})
            data = like(examples, data)
    return found


def _columns(data: SequenceData) -> audio.Columns:
    return audio.Columns(data.file, data.label, data.group, encoding=data.encoding)


def read_like(
    data: object, config: ClassifyConfig, labels: Sequence[str], *, with_labels: bool
) -> Examples:
    """Read samples of another source in the way of a run's own data; `config` is the run's."""
    if config.data.format == "audio" and names_sound(data):
        return audio.read(data, _columns(config.data), config.audio, with_labels=with_labels)
    if config.data.format == "audio" and isinstance(data, (str, Path)):
        raise DataError(
            f"{data}: the run classifies recordings; give a file of sound, a folder of them, or a "
            "table of files"
        )
    return read_unlabelled(data, config.data, labels, with_labels=with_labels)


def of_kind(examples: Examples, several: bool, separator: str | None) -> Examples:
    """Return labelled examples with several labels each, or with one.

    separator: text between several labels. Raises `DataError` for examples without labels, for
    fractions, and for several labels if each should have one.
    """
    if examples.labels is None:
        raise DataError(f"{examples.name}: has no labels; classification learns from them")
    refuse_values(examples.labels, examples.label_kind, examples.places, examples.name)
    if several and examples.separator is None:
        cells, places = examples.labels, examples.places
        return examples.with_sets(label_sets(cells, places, examples.name, separator))
    if examples.separator is not None and not several:
        raise DataError(
            f"{examples.name}: examples have several labels, and those of training one each; say "
            "--multi-label, or keep one of each"
        )
    return examples
