"""`longshort predict --follow`: a growing file, judged row by row."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from longshort.errors import ConfigError, DataError

if TYPE_CHECKING:
    from longshort.cli.screen import Screen
    from longshort.runs.trained import AnyTrained

_PAUSE = 0.5
"""Seconds between two looks at the file."""


def follow_file(
    screen: Screen, trained: AnyTrained, data: str | None, state: Path | None, idle: float | None
) -> None:
    """Print what comes of new rows as CSV, until Ctrl-C, or until nothing came for `idle` seconds.

    The state is kept after every look, in `state` or beside the file.
    """
    if data is None:
        raise ConfigError("--follow: needs the file that grows; name it with --data")
    if screen.as_json:
        raise ConfigError("--follow: prints lines as they come, and --json one object at the end")
    path = Path(data)
    if not path.is_file():
        raise DataError(f"{path}: no such file; --follow needs one to begin with")
    kept = state or path.with_name(f"{path.name}.state.json")
    follower = trained.follower(path, kept)
    print(follower.header, flush=True)
    last = time.monotonic()
    try:
        while True:
            size = path.stat().st_size
            for line in follower.lines():
                print(line, flush=True)
            follower.save()
            if path.stat().st_size != size:
                last = time.monotonic()
            if idle is not None and time.monotonic() - last >= idle:
                break
            time.sleep(min(_PAUSE, idle) if idle else _PAUSE)
    except KeyboardInterrupt:
        follower.save()
    screen.say(f"the state is kept in {kept}; the same command goes on from there")
