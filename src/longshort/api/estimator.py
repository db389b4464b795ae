"""The base class of estimators: parameters as in scikit-learn, and the run of the last fit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from longshort.api.fitting import is_file, nested, run_into
from longshort.api.showing import shown
from longshort.config import build_as
from longshort.errors import ConfigError, nearest
from longshort.registry import TASKS
from longshort.runs.task import Say
from longshort.runs.trained import AnyTrained, load
from longshort.train.events import Listener


class Estimator:
    """Base class of estimators: settings first, then `fit`, which returns a run and keeps it.

    It works with `clone`, `cross_val_score`, `GridSearchCV` and `Pipeline` of scikit-learn: its
    parameters are the arguments of `__init__`, kept as they were given.
    """

    task: ClassVar[str]
    """Name of the task in the registry."""
    keys: ClassVar[Mapping[str, str]]
    """Dotted key of the setting of each argument of `__init__`."""
    _estimator_type: ClassVar[str | None] = None
    """Kind of the estimator in scikit-learn: "classifier", "regressor" or None."""
    settings: Mapping[str, object] | None
    run_: Any
    """The run of the last `fit`."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments of `__init__` by name."""
        del deep
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Change arguments; raise `ConfigError` for wrong ones, as `__init__` does."""
        for name, value in params.items():
            if name not in self._names():
                owner = type(self).__name__
                raise ConfigError(
                    f"{owner} has no parameter {name!r}; {nearest(name, self._names())}"
                )
            setattr(self, name, value)
        self._check()
        return self

    def __sklearn_tags__(self) -> Any:
        """Return the tags that scikit-learn reads before it uses an estimator."""
        from longshort.api.scikit import tags_of

        return tags_of(self._estimator_type)

    def __repr__(self) -> str:
        usual = inspect.signature(type(self).__init__).parameters
        given = {n: v for n, v in self.get_params().items() if v != usual[n].default}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in given.items())})"

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def _check(self) -> None:
        """Raise `ConfigError` for an argument that is not allowed."""
        build_as(TASKS.config(self.task), self._nested())

    def _nested(self) -> dict[str, Any]:
        named = {key: getattr(self, name) for name, key in self.keys.items()}
        plain = {key: str(v) if isinstance(v, Path) else v for key, v in named.items()}
        return nested(plain, self.settings, task=self.task)

    def _run(
        self,
        settings: Mapping[str, Any],
        data: object,
        out: str | Path | None,
        *,
        overwrite: bool,
        verbose: bool | None,
        say: Say,
        listen: Listener,
    ) -> tuple[Path, AnyTrained, dict[str, Any]]:
        """Run; return the run's folder, the trained model, and the scores.

        The trained model remembers data that are not in a file.
        """
        with shown(verbose, say, listen) as (tell, hear):
            folder, scores = run_into(
                settings, data, out, overwrite=overwrite, say=tell, listen=hear
            )
        return folder, load(folder).remember(None if is_file(data) else data), scores

    def _fitted(self) -> Any:
        if not hasattr(self, "run_"):
            raise ConfigError(f"{type(self).__name__}: is not fitted yet; call fit first")
        return self.run_
