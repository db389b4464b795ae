"""The digests of a finished run, which tell whether its files changed since training ended.

They guard against accidents, not against malice: a label edited by hand, a file copied over from
another run, a setting changed for a trial and forgotten.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from longshort.config import read_toml
from longshort.errors import RunError
from longshort.runfolder import CONFIG, DATA, DIGESTS, MODEL, RUN_VERSION, SCORES, RunFolder

FREE = ("train.device", "train.threads", "data.path", "data.val_path", "data.test_path")
"""Settings that may be changed after training: the device, the threads, and the paths of the data.

They do not change predictions. Data has a digest of its own, checked wherever a run reads it again.
"""


def seal(folder: RunFolder) -> None:
    """Write the digests of the files that predicting reads, and the settings, to `digests.json`."""
    files = {name: _sha256(folder, name) for name in (DATA, MODEL)}
    folder.write_json(DIGESTS, {"sha256": files, "settings": read_toml(folder.file(CONFIG))})


def digest_of(folder: RunFolder) -> str:
    """Return a digest of the settings, the encoder and the weights of a sealed run."""
    known = folder.read_json(DIGESTS)
    settings = {k: v for k, v in _flat(known["settings"]).items() if k not in FREE}
    content = json.dumps([known["sha256"], settings], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def refuse_other_version(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Raise `RunError` for another format version; `stored` is the content of `data.json`."""
    version = stored.get("format_version", 1)
    if not isinstance(version, int) or not 1 <= version <= RUN_VERSION:
        raise RunError(
            f"{folder.file(DATA)}: format_version is {version!r}, this longshort reads "
            f"{RUN_VERSION}; use the longshort version that wrote it"
        )
    if version < RUN_VERSION:
        raise RunError(
            f"{folder.path}: was made by an earlier longshort; train it again with "
            f"`longshort train --config {folder.file(CONFIG)} --out NEW`"
        )


def refuse_broken_seal(folder: RunFolder) -> None:
    """Raise `RunError` if a file or a setting was changed since training ended."""
    if not folder.file(DIGESTS).is_file():
        if not folder.file(MODEL).is_file():
            return  # loading the model says whether it is unfinished or lost
        raise RunError(_no_seal(folder))
    known = folder.read_json(DIGESTS)
    try:
        settings, files = dict(known["settings"]), {n: known["sha256"][n] for n in (DATA, MODEL)}
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder.file(DIGESTS)}: damaged: {error!r}; restore it") from None
    _refuse_other_settings(folder, settings)
    for name, digest in files.items():
        if folder.file(name).is_file() and _sha256(folder, name) != digest:
            raise RunError(
                f"{folder.file(name)}: damaged or changed: its content does not fit its digest in "
                f"{DIGESTS}, so the run would predict something else than what was tested; restore "
                "the file, or start a new run"
            )


def _no_seal(folder: RunFolder) -> str:
    if not folder.file(SCORES).is_file():
        return (
            f"{folder.path}: the run is not finished: {DIGESTS} is missing; go on with "
            f"`longshort train --resume {folder.path}`"
        )
    return (
        f"{folder.path}: {DIGESTS} is missing, without which nobody can tell whether the run's "
        "files were changed; restore it, or start a new run"
    )


def _refuse_other_settings(folder: RunFolder, before: Mapping[str, Any]) -> None:
    old, new = _flat(before), _flat(read_toml(folder.file(CONFIG)))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key) or key in FREE:
            continue
        raise RunError(
            f"{folder.file(CONFIG)}: changed: {key} is {new.get(key)!r} and was {old.get(key)!r} "
            "when training ended; set it back, or train a new run with `longshort train --config "
            f"{folder.file(CONFIG)} --out NEW`; only {', '.join(FREE)} may be changed"
        )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted keys."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found


def _sha256(folder: RunFolder, name: str) -> str:
    path = folder.file(name)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"{path}: cannot read: {error.strerror or error}") from None
