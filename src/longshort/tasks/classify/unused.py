"""Settings that have no effect on a classification run."""

from __future__ import annotations

from longshort.config.audio import AudioSettings, VariedSettings
from longshort.data.labelled import Examples
from longshort.runs.unused import (
    Unused,
    unused_draw,
    unused_groups,
    unused_lowercase,
    unused_patch,
    unused_shares,
    unused_strokes,
)
from longshort.tasks.classify.config import ClassifyConfig

_OF_TEXTS = (
    "text.tokens",
    "text.lowercase",
    "text.min_count",
    "text.max_vocab",
    "text.max_length",
    "model.embedding",
    "model.vectors",
    "model.word_dropout",
    "model.grams",
)
_OF_COLUMNS = ("text", "label", "id", "time", "file")


def unused_settings(config: ClassifyConfig, train: Examples) -> Unused:
    """Return the keys of settings without effect on these data, each with the reason."""
    files = config.data.val_path, config.data.test_path
    found: Unused = [*unused_shares(*files), *unused_draw(*files)]
    found += [*unused_patch(train), *unused_groups(train)]
    if train.is_text:
        wanted = ["data.scaling", *(["model.summary"] if config.model.summary else [])]
        found += [(key, f"is of numbers, and {train.name} holds texts") for key in wanted]
        found += unused_lowercase(str(config.text.tokens))
    else:
        found += [(key, f"is of texts, and {train.name} holds numbers") for key in _OF_TEXTS]
    if train.sounds is None:
        settings = [
            f"{table}.{name}"
            for table, kind in (("audio", AudioSettings), ("vary", VariedSettings))
            for name in kind.model_fields
        ]
        found += [(key, f"is of recordings, and {train.name} holds none") for key in settings]
    if train.is_text or config.data.picture is None:
        found.append(("model.picture_filters", f"is of pictures, and {train.name} holds none"))
    if train.separator is None:
        found.append(
            (
                "data.label_separator",
                "divides several labels, and each example has one (see --multi-label)",
            )
        )
    format = train.read_as.get("format")
    if format != "idx":
        found.append(("data.pixels", f"is of images in IDX files, and {train.name} is none"))
    if train.path is None or format not in ("csv", "long", "lines", "rows"):
        found.append(("data.header", f"is of CSV files, and {train.name} is none"))
        found.append(("data.delimiter", f"is of CSV files, and {train.name} is none"))
    if format not in ("lines", "rows"):
        found.append(("data.label_side", f"is of labels on lines, and {train.name} has none"))
    if "axes" not in train.read_as:
        found.append(("data.axes", f"is of arrays [N, T, C], and {train.name} holds none"))
    if format != "long":
        found.append(("data.features", f"is of long tables, and {train.name} is none"))
    found += unused_strokes(train)
    if format != "strokes":
        found.append(("train.augment", f"changes pen strokes, and {train.name} holds none"))
    for name in _OF_COLUMNS:
        if name not in train.read_as:
            found.append((f"data.{name}", f"names a column that is not looked at in {train.name}"))
    return found
