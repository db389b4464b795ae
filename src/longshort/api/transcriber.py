"""Speech recognition from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from longshort.api.estimator import Estimator
from longshort.api.fitting import given, is_table, with_data, with_splits
from longshort.api.runs import Finished
from longshort.errors import DataError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.runs.transcribing import Heard, Listening
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import SpeechEncoder
from longshort.tasks.transcribe.samples import Utterances, utterances_of
from longshort.train.events import Listener, silent


class Transcriber(Estimator):
    """Speech recognition from recordings, or from features of them: settings first, then `fit`.

    head: ctc or transducer; language: the language model, none, characters or words; beam: width of
    the search. Absent settings are decided from the data. `settings` takes any key of
    `config.toml`.
    """

    task = "transcribe"
    keys: ClassVar[Mapping[str, str]] = {
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "head": "model.head",
        "bidirectional": "model.bidirectional",
        "language": "language.kind",
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
        bidirectional: bool | None = None,
        language: str | None = None,
        beam: int | None = None,
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.head, self.bidirectional, self.language = head, bidirectional, language
        self.beam, self.seed, self.settings = beam, seed, settings
        self._check()

    def fit(
        self,
        data: object,
        texts: Sequence[str] | None = None,
        *,
        val: object = None,
        test: object = None,
        root: str | Path | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> TranscriberRun:
        """Draw splits, train and evaluate; the run is kept in the folder `out`.

        data: a table of recordings with their texts, a folder, or arrays [frames, size] with the
        text of each in `texts`. root: folder of a table's files. val, test: tables, or pairs
        (arrays, texts) of those splits, else shares are drawn. Without `out` the run lies in a
        temporary folder that the system clears some day. verbose: show remarks and progress; when
        absent on a terminal and in a notebook.
        """
        settings = with_data(self._nested(), data, {"root": None if root is None else str(root)})
        items = _utterances(data, texts)
        held, files = with_splits(items, {"val": val, "test": test}, _utterances)
        settings["data"].update(given(files))
        made = self._run(
            settings, held, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = TranscriberRun(*made)
        return run

    def predict(self, data: object) -> list[str]:
        """Texts of recordings, by the run of the last `fit`."""
        found: list[str] = self._fitted().predict(data)
        return found


class TranscriberRun(Finished[Trained[TranscribeConfig, Utterances, SpeechEncoder, Heard]]):
    """A finished run: its scores, its report, and the recogniser in it."""

    def predict(self, data: object) -> list[str]:
        """A text for each recording: of files, of a table or folder, or of arrays of features."""
        return self._trained.predict(self._read(data)).texts

    def transcribe(
        self,
        data: object,
        *,
        beam: int | None = None,
        n_best: int = 1,
        alpha: float | None = None,
        beta: float | None = None,
    ) -> Heard:
        """The best texts of each recording, with the times of the words.

        What is None is as the run has it. beam: width of the search, 1 is greedy; alpha, beta:
        weight of the language model, and bonus for each of its tokens.
        """
        how = Listening(beam=beam, n_best=n_best, alpha=alpha, beta=beta)
        return self._trained.transcribe(self._read(data), how)

    def evaluate(
        self, data: object, texts: Sequence[str] | None = None, *, include_training: bool = False
    ) -> dict[str, Any]:
        """Scores on a table of recordings, or on arrays with the text of each."""
        return super().evaluate(_utterances(data, texts), include_training=include_training)

    def _read(self, data: object) -> Utterances:
        is_named = isinstance(data, list) and all(isinstance(e, (str, Path)) for e in data)
        if is_table(data) or is_named or isinstance(data, Utterances):
            return self._trained.read(data)
        return utterances_of(data)


def _utterances(data: Any, texts: Sequence[str] | None = None) -> object:
    """A file or frame as it is; arrays together with their texts."""
    if texts is None and (data is None or is_table(data) or isinstance(data, Utterances)):
        return data
    if is_table(data):
        raise DataError("texts: stand in the table; name their column with --text")
    if texts is None:
        raise DataError("texts: a text for each array is needed")
    return utterances_of(data, texts)
