"""The Python interface: a few functions and classes over the same jobs as the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshort.api.anomaly_detector import AnomalyDetector, AnomalyRun
from longshort.api.captioner import Captioner, CaptionerRun
from longshort.api.classifier import Classifier, ClassifierRun
from longshort.api.drawer import Drawer, DrawRun
from longshort.api.fitting import given
from longshort.api.forecaster import Forecaster, Run
from longshort.api.frame_forecaster import FrameForecaster, FrameForecasterRun
from longshort.api.language_model import LanguageModel, LanguageRun
from longshort.api.reader import Reader, ReaderRun
from longshort.api.regressor import Regressor, RegressorRun
from longshort.api.runs import Finished
from longshort.api.speaker_recogniser import SpeakerRecogniser, SpeakerRun
from longshort.api.tagger import Tagger, TaggerRun
from longshort.api.transcriber import Transcriber, TranscriberRun
from longshort.api.translator import Summariser, Translator, WriterRun
from longshort.config import build_as
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.examples import example as find_example
from longshort.data.findings import Finding
from longshort.errors import ConfigError
from longshort.registry import imported
from longshort.runfolder import SCORES
from longshort.runs import story, trained
from longshort.runs.bundle import is_bundle
from longshort.tasks.forecast.config import ForecastConfig

if TYPE_CHECKING:
    from longshort.api.comparing import Compared, compare
    from longshort.api.explaining import explain
    from longshort.api.tuning import Tuned, tune

__all__ = [
    "AnomalyDetector",
    "AnomalyRun",
    "Captioner",
    "CaptionerRun",
    "Classifier",
    "ClassifierRun",
    "Compared",
    "DrawRun",
    "Drawer",
    "Forecaster",
    "FrameForecaster",
    "FrameForecasterRun",
    "LanguageModel",
    "LanguageRun",
    "Reader",
    "ReaderRun",
    "Regressor",
    "RegressorRun",
    "Run",
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
    "check",
    "compare",
    "example",
    "explain",
    "load",
    "read",
    "resume",
    "tune",
]

_WITH_TORCH = {
    "Compared": "comparing",
    "compare": "comparing",
    "explain": "explaining",
    "Tuned": "tuning",
    "tune": "tuning",
}
"""Names that need torch, by their modules; the others do without, as bundles do."""

AnyRun = Run | AnomalyRun | ClassifierRun | TaggerRun | LanguageRun | WriterRun | Finished[Any]


def read(
    data: object,
    *,
    time: str | None = None,
    target: str | Sequence[str] = (),
    group: str | Sequence[str] = (),
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: str | Sequence[str] = (),
    freq: str | None = None,
) -> Dataset:
    """Read series from a file (CSV, TSV, Parquet, JSON lines, gzip too) or a frame.

    Columns that are not named are detected; `describe()` shows them. Raises `DataError` with file,
    row, column and remedy.
    """
    roles = {
        "time": time,
        "target": target,
        "group": group,
        "past": past,
        "future": future,
        "static": static,
        "freq": freq,
    }
    for role, value in roles.items():
        if not isinstance(value, (str, list, tuple, type(None))):
            raise ConfigError(f"{role}: a column name or a list of them, got {value!r}")
    config = build_as(ForecastConfig, {"data": given(roles)})
    return read_dataset(data, config.data)


def check(data: object, settings: Mapping[str, Any] | None = None) -> list[Finding]:
    """Return everything in the data that would harm a model, each with its place and fix.

    settings: those of a run, nested as in `config.toml`. Data that a run refuses to read raise the
    same error here.
    """
    return story.check(settings or {}, data)


def example(name: str) -> Path:
    """Return the path of example data.

    name: "co2", "elnino", "weather", "topics", "recipes", "shakespeare", "phrases", "subjects",
    "shapes" or "voices".
    """
    return find_example(name)[0]


def load(path: str | Path) -> AnyRun:
    """Load a finished run of any task, or a bundle of one; nothing in its files is executed.

    Raises `RunError` if it is neither, or one of its files was changed.
    """
    folder = Path(path)
    if is_bundle(folder):
        bundled = trained.load(folder)
        exported: AnyRun = imported(bundled.task.run_class)(folder, bundled, dict(bundled.scores))
        return exported
    opened, task, _, _ = story.open_run(folder)
    scores = opened.read_json(SCORES)
    found: AnyRun = imported(task.run_class)(folder, trained.load(folder), scores)
    return found


def resume(path: str | Path, data: object = None) -> AnyRun:
    """Continue an interrupted run, and return it finished.

    data: the frame on which the run was started; not needed for files.
    """
    story.resume(Path(path), data)
    return load(path)


def __getattr__(name: str) -> Any:
    if name in _WITH_TORCH:
        return getattr(import_module(f"longshort.api.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module 'longshort.api' has no attribute {name!r}")
