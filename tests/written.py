"""Exported code as people use it: C files are compiled, pages are opened in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from longshort.runs.forms import export_as
from tests.compiled import STRICT, compiler

CLEAN = ("-fsanitize=address,undefined", "-fno-sanitize-recover", "-O0")
FORMS = [("float32", CLEAN), ("int8", ("-O0",))]
"""Kinds of weights, and how their code is compiled: that of one of them with sanitizers."""


def built(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile the files in a folder with their test, and run it."""
    sources = sorted(each.name for each in folder.glob("*.c"))
    command = [compiler(), *STRICT, *flags, *sources, "-o", "test", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return subprocess.run(["./test"], cwd=folder, capture_output=True, text=True, check=False)


def opened(page: Path, folder: Path, query: str = "") -> str:
    """The page's body after its script ran, in a browser without a network."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium to open the page")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'own'}"]
    command = [browser, *flags, "--virtual-time-budget=20000", "--dump-dom", page.as_uri() + query]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout[done.stdout.index("<body") :]


def said_of(bundle: Path, typed: str, folder: Path) -> str:
    """What a page says when a text is typed into it."""
    page = folder / "page.html"
    export_as("web", bundle, page)
    script = f"""
        const field = document.querySelector("textarea");
        field.value = {json.dumps(typed)};
        field.dispatchEvent(new Event("input"));
        document.body.dataset.said = document.body.innerText;"""
    said = re.search(r'data-said="([^"]*)"', opened(scripted(page, script), folder))
    assert said is not None
    return said[1]


def scripted(page: Path, script: str) -> Path:
    """The page, with a script that runs once the widget is there."""
    later = f"<script>setTimeout(() => {{{script}}}, 3000)</script>"
    page.write_text(page.read_text().replace("</body>", f"{later}</body>"))
    return page
