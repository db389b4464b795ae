"""Tasks and cells by name: those of this package, and those of installed plug-ins.

An entry is a string "module:Class". A module is imported only when its name is asked for, so that a
broken plug-in affects only its users, and listing names costs no import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from longshort.errors import ConfigError, nearest


@dataclass(frozen=True)
class Registry:
    """Classes by name.

    kind: what messages call them, such as "task". group: entry-point group of plug-ins. own: the
    classes of this package, as "module:Class" by name.
    """

    kind: str
    group: str
    own: Mapping[str, str] = field(default_factory=dict)
    usual: str = ""
    """Name of the default; empty where there is none."""
    configs: Mapping[str, str] = field(default_factory=dict)
    """Settings classes of own classes, as "module:Class", to be read without other imports."""

    def names(self) -> list[str]:
        """Return the package's own names, then those of plug-ins in alphabetical order."""
        return [*self.own, *sorted({point.name for point in self._points()} - set(self.own))]

    def load(self, name: str) -> type[Any]:
        """Return the class of that name; "module:Class" names a class that is not registered.

        Raises `ConfigError` for an unknown name, for a name that two packages define, and for an
        entry that cannot be imported; the message names the package and what to do.
        """
        if ":" in name:
            return self._class(name, self._named(name))
        points = [point for point in self._points() if point.name == name]
        self._refuse_two(name, points)
        if name in self.own:
            found: object = imported(self.own[name])
        elif points:
            found = self._of_package(points[0])
        else:
            raise ConfigError(f"{self.kind}: {name!r} is not known; {nearest(name, self.names())}")
        return self._class(name, found)

    def config(self, name: str) -> type[Any]:
        """Return the class of the settings of that name; raises as `load` does."""
        if name in self.configs:
            known: type[Any] = imported(self.configs[name])
            return known
        found: type[Any] = self.load(name).Config
        return found

    def _points(self) -> list[EntryPoint]:
        return list(entry_points(group=self.group))

    def _refuse_two(self, name: str, points: list[EntryPoint]) -> None:
        owners = [_package(point) for point in points]
        if name in self.own:
            owners.insert(0, "longshort")
        if len(owners) > 1:
            raise ConfigError(
                f"{self.kind}: the name {name!r} is given by {' and by '.join(owners)} (entry "
                f"points {self.group!r}); remove one of these packages, or rename its {self.kind}"
            )

    def _of_package(self, point: EntryPoint) -> object:
        try:
            return point.load()
        except Exception as error:  # whatever a stranger's module raises while it is imported
            raise ConfigError(
                f"{self.kind}: {point.name!r} cannot be imported from {point.value!r} of the "
                f"package {_package(point)}: {type(error).__name__}: {error}; repair or remove "
                "that package"
            ) from error

    def _named(self, place: str) -> object:
        try:
            return imported(place)
        except Exception as error:  # whatever a stranger's module raises while it is imported
            raise ConfigError(
                f"{self.kind}: {place!r} cannot be imported: {type(error).__name__}: {error}; "
                "write module:Class, and see to it that the module can be imported from here"
            ) from error

    def _class(self, name: str, found: object) -> type[Any]:
        if not isinstance(found, type):
            raise ConfigError(
                f"{self.kind}: {name!r} names a {type(found).__name__}; its entry point has to "
                "name a class, as 'module:Class'"
            )
        return found


def imported(place: str) -> Any:
    """Import and return what "module:name" names."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else str(point.dist.name)


CELLS = Registry("cell", "longshort.cells")

TASKS = Registry(
    "task",
    "longshort.tasks",
    {
        "forecast": "longshort.tasks.forecast.task:ForecastTask",
        "classify": "longshort.tasks.classify.task:ClassifyTask",
        "regress": "longshort.tasks.regress.task:RegressTask",
        "anomaly": "longshort.tasks.anomaly.task:AnomalyTask",
        "lm": "longshort.tasks.language.task:LanguageTask",
        "tag": "longshort.tasks.tag.task:TagTask",
        "translate": "longshort.tasks.seq2seq.translate:TranslateTask",
        "summarise": "longshort.tasks.seq2seq.summarise:SummariseTask",
        "caption": "longshort.tasks.caption.task:CaptionTask",
        "read": "longshort.tasks.read.task:ReadTask",
        "transcribe": "longshort.tasks.transcribe.task:TranscribeTask",
        "draw": "longshort.tasks.draw.task:DrawTask",
        "frames": "longshort.tasks.frames.task:FramesTask",
        "speaker": "longshort.tasks.speaker.task:SpeakerTask",
    },
    usual="forecast",
    configs={
        "forecast": "longshort.tasks.forecast.config:ForecastConfig",
        "classify": "longshort.tasks.classify.config:ClassifyConfig",
        "regress": "longshort.tasks.regress.config:RegressConfig",
        "anomaly": "longshort.tasks.anomaly.config:AnomalyConfig",
        "lm": "longshort.tasks.language.config:LanguageConfig",
        "tag": "longshort.tasks.tag.config:TagConfig",
        "translate": "longshort.tasks.seq2seq.config:TranslateConfig",
        "summarise": "longshort.tasks.seq2seq.config:SummariseConfig",
        "caption": "longshort.tasks.caption.config:CaptionConfig",
        "read": "longshort.tasks.read.config:ReadConfig",
        "transcribe": "longshort.tasks.transcribe.config:TranscribeConfig",
        "draw": "longshort.tasks.draw.config:DrawConfig",
        "frames": "longshort.tasks.frames.config:FramesConfig",
        "speaker": "longshort.tasks.speaker.config:SpeakerConfig",
    },
)
