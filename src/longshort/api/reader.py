"""Reading lines from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.data.strokes.ink import Inks
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import ReadEncoder
from longshort.tasks.read.inference import Readings
from longshort.tasks.read.samples import Lines
from longshort.tasks.read.source import lines_of, picture_files
from longshort.train.events import Listener, silent


class Reader(Estimator):
    """Reads lines of text from pictures, or signs from pen strokes: settings first, then `fit`.

    height: of a line in pixels; head: "ctc" or "attention"; augment: strength of random changes of
    training lines; beam: width of the search. Absent settings are decided from the data. `settings`
    takes any key of `config.toml`.
    """

    task = "read"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "head": "model.head",
        "height": "image.height",
        "augment": "train.augment",
        "beam": "write.beam",
        "seed": "train.seed",
    }

    def __init__(
        self,
        *,
        cell: str | None = None,
        hidden: int | None = None,
        num_layers: int | None = None,
        head: str | None = None,
        height: int | None = None,
        augment: float | None = None,
        beam: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers, self.head = cell, hidden, num_layers, head
        self.height, self.augment, self.beam = height, augment, beam
        self.seed, self.settings = seed, settings
        self._check()

    def fit(
        self,
        lines: object,
        texts: Sequence[str] | None = None,
        *,
        images: str | Path | None = None,
        val: object = None,
        test: object = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> ReaderRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        lines: a folder or archive of pictures with their texts beside them; a table of files and
        texts, whose pictures are in the folder `images`; a file of pen strokes; or pictures as
        arrays [height, width], or with colours, with a text for each in `texts`. val, test: the
        same of those splits, as a path or a pair (pictures, texts); else shares are drawn. Without
        `out` the run lies in a temporary folder that the system clears some day. verbose: show
        remarks and progress; when absent on a terminal and in a notebook.
        """
        settings = with_data(self._nested(), lines, {"images": images})
        held, files = with_splits(_lines(lines, texts), {"val": val, "test": test}, _lines)
        settings["data"].update(given(files))
        made = self._run(
            settings, held, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = ReaderRun(*made)
        return run

    def predict(self, lines: object) -> list[str]:
        """Read lines, by the run of the last `fit`."""
        found: list[str] = self._fitted().predict(lines)
        return found


class ReaderRun(Finished[Trained[ReadConfig, Lines, ReadEncoder, Readings]]):
    """A finished run: its scores, its report, and the reader in it."""

    def predict(self, lines: object) -> list[str]:
        """Return the text of each line: of pictures as arrays, of files, or of a folder."""
        return self.read(lines).texts

    def read(self, lines: object) -> Readings:
        """Return the text of each line, its signs, and the probability of each sign."""
        return self._trained.predict(self._trained.read(_lines(lines)))

    def evaluate(
        self, data: object, texts: Sequence[str] | None = None, *, include_training: bool = False
    ) -> dict[str, Any]:
        """Scores on a folder or table, or on pictures with `texts` for each."""
        return super().evaluate(_lines(data, texts), include_training=include_training)


def _lines(lines: Any, texts: Sequence[str] | None = None) -> object:
    """A file, a frame or samples as they are; pictures in memory with their texts."""
    if lines is None or is_table(lines) or isinstance(lines, (Lines, Inks)) or picture_files(lines):
        if texts is not None:
            raise DataError("texts: stand in the folder or table; leave them out")
        return lines
    return lines_of(lines, texts)
