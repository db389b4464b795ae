"""Libraries that are imported on first use: what works without polars, and what is said of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = "import sys; sys.modules['polars'] = None; "


def told(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True)
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


def test_loading_needs_no_polars() -> None:
    assert told("import longshort.runs.bundle, longshort.runs.trained; print('loaded')") == (
        "loaded\n"
    )


def test_a_table_says_that_polars_is_missing_and_how_to_get_it() -> None:
    code = "from longshort.lazy import polars as pl; pl.DataFrame"
    assert "polars is not installed, and tables are read and written with it" in told(code)
    assert "pip install polars" in told(code)


def test_it_is_the_library_itself() -> None:
    import polars

    from longshort.lazy import polars as lazy

    assert lazy.DataFrame is polars.DataFrame
    with pytest.raises(AttributeError):
        _ = lazy.Nothing
