"""The tags of estimators, in scikit-learn's own classes."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def tags_of(kind: str | None) -> Any:
    """Return the `Tags` of an estimator; kind: "classifier", "regressor" or None.

    Inputs are texts, or arrays of two or three dimensions, in which values may be missing.
    """
    utils: Any = import_module("sklearn.utils")
    return utils.Tags(
        estimator_type=kind,
        target_tags=utils.TargetTags(required=kind is not None, multi_output=kind is not None),
        classifier_tags=utils.ClassifierTags() if kind == "classifier" else None,
        regressor_tags=utils.RegressorTags() if kind == "regressor" else None,
        input_tags=utils.InputTags(three_d_array=True, string=True, allow_nan=True),
    )
