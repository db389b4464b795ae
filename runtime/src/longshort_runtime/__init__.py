"""longshort without training: loads bundles, predicts, keeps sessions and serves; needs no torch.

The code is longshort's own. Where longshort is installed too, that one is used.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("longshort") is None:
    sys.path.append(str(Path(__file__).parent / "packages"))

from longshort import load

__all__ = ["load", "main"]


def main() -> None:
    """Run the command."""
    if any(find_spec(name) is None for name in ("typer", "rich")):
        sys.exit("the command needs more: pip install 'longshort-runtime[command]', or [serve]")
    from longshort.cli.main import main as command

    command()
