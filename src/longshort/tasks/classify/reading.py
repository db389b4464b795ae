"""Reading of labelled examples, which have one label each or several."""

from __future__ import annotations

from collections.abc import Mapping

from longshort.data.label_sets import label_sets
from longshort.data.labelled import Examples
from longshort.data.labelled_source import read_labelled_splits
from longshort.data.labels import refuse_values
from longshort.errors import DataError
from longshort.tasks.classify.config import ClassifyData


def read_splits(given: Mapping[str, object], config: ClassifyData) -> dict[str, Examples]:
    """Read the examples of each source, by split name; all are read in the way of "train".

    Raises `DataError` if labels are missing or fractions, and if one source has texts, or several
    labels per example, and another has not.
    """
    found = read_labelled_splits(given, config)
    train = found["train"]
    several, mark = config.multi_label, config.label_separator
    if train.separator is not None:
        several, mark = True, train.separator
    return {name: of_kind(each, several, mark) for name, each in found.items()}


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
