"""longshort: sequence modelling with LSTM, from the principle to production.

The names below are loaded on first use, so that `import longshort` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from longshort.version import __version__ as __version__

if TYPE_CHECKING:
    from longshort import cells, nn
    from longshort.api import (
        AnomalyDetector,
        AnomalyRun,
        Captioner,
        CaptionerRun,
        Classifier,
        ClassifierRun,
        Compared,
        Drawer,
        DrawRun,
        Forecaster,
        FrameForecaster,
        FrameForecasterRun,
        LanguageModel,
        LanguageRun,
        Reader,
        ReaderRun,
        Regressor,
        RegressorRun,
        Run,
        SpeakerRecogniser,
        SpeakerRun,
        Summariser,
        Tagger,
        TaggerRun,
        Transcriber,
        TranscriberRun,
        Translator,
        Tuned,
        WriterRun,
        check,
        compare,
        example,
        explain,
        load,
        read,
        resume,
        tune,
    )
    from longshort.diagnosis.doctor import diagnose, doctor
    from longshort.errors import BackendError, ConfigError, DataError, LongshortError, RunError
    from longshort.export.onnx import export_onnx
    from longshort.interchange.keras import from_keras, to_keras
    from longshort.interchange.onnx import from_onnx

__all__ = [
    "AnomalyDetector",
    "AnomalyRun",
    "BackendError",
    "Captioner",
    "CaptionerRun",
    "Classifier",
    "ClassifierRun",
    "Compared",
    "ConfigError",
    "DataError",
    "DrawRun",
    "Drawer",
    "Forecaster",
    "FrameForecaster",
    "FrameForecasterRun",
    "LanguageModel",
    "LanguageRun",
    "LongshortError",
    "Reader",
    "ReaderRun",
    "Regressor",
    "RegressorRun",
    "Run",
    "RunError",
    "SpeakerRecogniser",
    "SpeakerRun",
    "Summariser",
    "Tagger",
    "TaggerRun",
    "Transcriber",
    "TranscriberRun",
    "Translator",
    "Tuned",
    "WriterRun",
    "cells",
    "check",
    "compare",
    "diagnose",
    "doctor",
    "example",
    "explain",
    "export_onnx",
    "from_keras",
    "from_onnx",
    "load",
    "nn",
    "read",
    "resume",
    "to_keras",
    "tune",
]

_ERRORS = {"BackendError", "ConfigError", "DataError", "LongshortError", "RunError"}


_PLACES = {
    "diagnose": "longshort.diagnosis.doctor",
    "doctor": "longshort.diagnosis.doctor",
    "export_onnx": "longshort.export.onnx",
    "from_keras": "longshort.interchange.keras",
    "from_onnx": "longshort.interchange.onnx",
    "to_keras": "longshort.interchange.keras",
}


def __getattr__(name: str) -> Any:
    if name in ("cells", "nn"):
        return import_module(f"longshort.{name}")
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name in _ERRORS:
        return getattr(import_module("longshort.errors"), name)
    if name in __all__:
        return getattr(import_module("longshort.api"), name)
    raise AttributeError(f"module 'longshort' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
