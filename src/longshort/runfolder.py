"""Run folders: plain files that are replaced atomically, and never overwritten unless asked.

Every write goes to a temporary file beside the target, is flushed to the disk and renamed, and the
folder itself is flushed after it: a reader sees the old file or the new one, never a fragment.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshort.errors import Interrupted, RunError, Stopped

CONFIG, DATA, MODEL, METRICS = "config.toml", "data.json", "model.safetensors", "metrics.jsonl"
SCORES, PREDICTIONS, REPORT = "scores.json", "predictions.csv", "report.html"
CARD, ENV, DIGESTS = "README.md", "env.json", "digests.json"
LOCK = ".lock"
FILES = (CONFIG, DATA, MODEL, METRICS, SCORES, PREDICTIONS, REPORT, CARD, ENV, DIGESTS)
EXPLANATION, ATTRIBUTIONS = "explain.html", "attributions.parquet"
EXPLANATION_MARK = b'<meta name="generator" content="longshort explain">'
"""What the page of an explanation begins with, and no page of the user's."""
RUN_VERSION = 3
"""Format version of the run folder; older runs are refused.

Since version 3 `data.json` holds the whole encoder.
"""


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file so that a crash at any moment leaves the old content or the new."""
    raw = data.encode() if isinstance(data, str) else data
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise RunError(
            f"{path}: cannot write: {error.strerror or error}; what was there before is unchanged"
        ) from error


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # directories cannot be opened for fsync there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_json(value: object) -> str:
    """Return strict JSON; raises `ValueError` for NaN and infinity."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def finite_or_none(value: Any) -> Any:
    """Nested values with NaN and infinity replaced by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: finite_or_none(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite_or_none(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class RunFolder:
    """The files of one run in the folder `path`."""

    path: Path

    @staticmethod
    def create(path: Path, overwrite: bool, say: Callable[[str], None]) -> RunFolder:
        """Create an empty run folder; an existing run is replaced only with `overwrite`."""
        if refuse_taken(path, overwrite):
            _clear(path, say)
        try:
            (path / "ckpt").mkdir(parents=True, exist_ok=True)
            probe = path / ".writable"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise RunError(
                f"{path}: cannot write there: {error.strerror or error}; give another --out"
            ) from None
        return RunFolder(path)

    @staticmethod
    def open(path: Path) -> RunFolder:
        """Open a finished or interrupted run; raises `RunError` for other folders."""
        if path.is_file():
            raise RunError(
                f"{path}: is a file, where a run folder is needed; of a bundle, give the folder "
                "that it was exported from"
            )
        if not path.is_dir():
            raise RunError(f"{path}: no such run folder; give the folder that --out named")
        folder = RunFolder(path)
        if not folder.file(CONFIG).is_file():
            raise RunError(
                f"{path}: not a run folder: it has no {CONFIG}; give the folder that --out named"
            )
        return folder

    def file(self, name: str) -> Path:
        """Return the path of one of the run's files."""
        return self.path / name

    @property
    def last(self) -> Path:
        """Path of the newest checkpoint."""
        return self.path / "ckpt" / "last.safetensors"

    @property
    def best(self) -> Path:
        """Path of the weights with the best validation score so far."""
        return self.path / "ckpt" / "best.safetensors"

    @contextlib.contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """Lock the folder for this process; raises `RunError` if another process holds it.

        The lock ends with the process, however it ends. Where the file system has no locks, `say`
        gets a warning.
        """
        # Here, since a model that only predicts locks nothing.
        from filelock import FileLock, Timeout

        lock = FileLock(self.file(LOCK), blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise RunError(
                f"{self.path}: another process is at this run; wait for its end, or give another "
                "folder to --out"
            ) from None
        except (OSError, NotImplementedError) as error:
            say(
                f"warning: {self.path}: cannot be locked ({error}); see to it that no other "
                "process writes there"
            )
        try:
            yield
        finally:
            lock.release()

    def write(self, name: str, data: bytes | str) -> None:
        """Replace one of the run's files atomically."""
        write_atomic(self.file(name), data)

    def write_json(self, name: str, value: object) -> None:
        """Replace a JSON file atomically."""
        self.write(name, to_json(value))

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON object; raises `RunError` for a missing or damaged file."""
        path = self.file(name)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            go_on = f"go on with `longshort train --resume {self.path}`"
            raise RunError(
                f"{self.path}: {name} is missing; "
                f"{'restore it, or start a new run' if name == DATA else go_on}"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"{path}: damaged: {error}") from None
        if not isinstance(value, dict):
            raise RunError(f"{path}: damaged: expected a JSON object")
        return value


@contextlib.contextmanager
def resumable(path: Path, *, in_memory: bool = False) -> Iterator[None]:
    """Say on Ctrl-C inside the block how the run in this folder goes on.

    in_memory: whether its data are in no file, so that the command line cannot read them.
    """
    if in_memory:
        go_on = f"go on in Python with longshort.resume({str(path)!r}, data)"
    else:
        go_on = f"go on with: longshort train --resume {path}"
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; {go_on}") from None
    except Stopped as stopped:
        raise Interrupted(f"{stopped}; {go_on}") from None


def free_folder(parent: Path, name: str) -> Path:
    """Return the first of parent/name-1, parent/name-2, … that does not exist yet."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def refuse_taken(path: Path, overwrite: bool) -> bool:
    """Raise `RunError` if no run can be made at `path`; returns whether it has an old run."""
    if path.exists() and not path.is_dir():
        raise RunError(f"{path}: is a file; give another folder to --out")
    if not path.exists() or not any(path.iterdir()):
        return False
    if not overwrite:
        go_on = f"continue it with `longshort train --resume {path}`, "
        raise RunError(
            f"{path}: already used; give another --out, "
            f"{go_on if (path / CONFIG).is_file() else ''}or replace it with --overwrite"
        )
    if not _is_run(path):
        raise RunError(
            f"{path}: holds files that are not a longshort run, so --overwrite leaves it alone; "
            "give another --out"
        )
    return True


def is_explained(path: Path) -> bool:
    """Return whether a folder holds the page of an explanation, and not one of the user's."""
    page = path / EXPLANATION
    return page.is_file() and EXPLANATION_MARK in page.read_bytes()[:4096]


def _clear(path: Path, say: Callable[[str], None]) -> None:
    """Remove a run's own files; other files in the folder stay."""
    try:
        own = [path / name for file in FILES for name in (file, f"{file}.partial")]
        with RunFolder(path).locked(say):
            old = [path / EXPLANATION, path / ATTRIBUTIONS] if is_explained(path) else []
            for file in [*(path / "ckpt").glob("*.safetensors*"), *own, *old, path / ".writable"]:
                file.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot replace it: {error.strerror or error}") from None


def _is_run(path: Path) -> bool:
    """Whether a folder holds a run: it has our settings, or nothing but files of a run."""
    try:
        settings = tomllib.loads((path / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = {entry.name.removesuffix(".partial") for entry in path.iterdir()}
        return "ckpt" in names and names <= {*FILES, "ckpt", ".writable", LOCK}
    except (OSError, ValueError):
        return False
    return {"format_version", "task", "model", "train"} <= settings.keys()
