"""`longshort verify`: whether a bundle answers on this machine as it did where it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.errors import RunError

NAME = "verify"

BundlePath = Annotated[Path, typer.Argument(help="Bundle.", metavar="BUNDLE")]


def command(bundle: BundlePath, as_json: o.Json = False, quiet: o.Quiet = False) -> None:
    """Ask a bundle again what was recorded when it was written; a difference is an error."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.bundle import read_bundle
        from longshort.runs.proof import CLOSE, prove

        found = read_bundle(bundle)
        proof = prove(found.model.network, found.golden)
        if not proof.is_equal:
            raise RunError(
                f"{bundle}: its answers differ by {proof.worst:.2g} from those recorded, where "
                f"{CLOSE:g} is allowed; do not use it on this machine"
            )
        runs = found.model.network.said
        said = (
            f"{bundle}: {proof.calls} recorded calls are answered within {proof.worst:.1g}; "
            f"recurrent layers run in {runs}"
        )
        screen.result(
            {
                "largest_difference": proof.worst,
                "calls": proof.calls,
                "executor": runs,
                "rounding": found.rounding,
            },
            [said],
        )
