"""The site is built without the network, small, and without dead links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from longshort.registry import TASKS
from tests.paths import ROOT
from tests.written import opened

pytest.importorskip("mkdocs", reason="the extra docs is not installed")

LIMIT = 1_000_000
"""Bytes that a page may have with all that it loads."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stderr
    return folder


def built(folder: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "docs" / "build_site.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True)


def loads(page: Path) -> list[str]:
    """Whatever a page loads by itself."""
    text = page.read_text()
    found = re.findall(r'<(?:script|img|source)[^>]* src="([^"]*)"', text)
    return (
        found
        + re.findall(r'<link[^>]* rel="(?:stylesheet|icon)"[^>]* href="([^"]*)"', text)
        + (re.findall(r'<link[^>]* href="([^"]*)"[^>]* rel="(?:stylesheet|icon)"', text))
    )


def test_pages_load_nothing_from_the_network_and_are_light(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        if page.name == "404.html":
            continue
        size = page.stat().st_size
        for target in set(loads(page)):
            assert not re.match(r"(https?:)?//", target), f"{page}: {target}"
            size += (page.parent / target.split("?")[0]).stat().st_size
        assert size < LIMIT, f"{page.relative_to(site)}: {size:,} bytes"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\((?:https?:)?//|@import", style.read_text()), style


def test_every_link_leads_somewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r'<a [^>]*href="([^"#]+)', page.read_text()):
            if not re.match(r"[a-z]+:", target):
                assert (page.parent / target.split("?")[0]).exists(), f"{page}: {target}"


def test_a_dead_link_fails_the_build(tmp_path: Path) -> None:
    for name in (
        "mkdocs.yml",
        "mkdocs.zh.yml",
        "src",
        "examples",
        "benchmarks",
        "deploy",
        "runtime",
    ):
        (tmp_path / name).symlink_to(ROOT / name)
    copy = tmp_path / "docs"
    subprocess.run(["cp", "-r", str(ROOT / "docs"), str(copy)], check=True)
    page = copy / "learn" / "index.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    done = built(tmp_path / "site", tmp_path)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


def test_every_setting_is_in_the_reference(site: Path) -> None:
    for task in TASKS.own:
        text = (site / "reference" / "settings" / f"{task}.html").read_text()
        for name, field in TASKS.config(task).model_fields.items():
            for key in getattr(field.annotation, "model_fields", {}):
                assert f"<code>{name}.{key}</code>" in text


def test_chinese_can_be_searched(site: Path) -> None:
    index = json.loads((site / "zh" / "search" / "search_index.json").read_text())
    assert any("\u200b遗忘门\u200b" in each["text"] for each in index["docs"])  # a word by itself


@pytest.mark.parametrize(("page", "word"), [("index.html", "forget"), ("zh/index.html", "遗忘门")])
def test_pages_opened_as_files_can_be_searched(
    site: Path, page: str, word: str, tmp_path: Path
) -> None:
    body = opened(site / page, tmp_path, f"?q={quote(word)}")
    found = re.findall(r'<article class="md-search-result__article.*?</article>', body, re.DOTALL)
    assert any("<mark>" in each for each in found)


def test_chinese_pages_have_chinese_pictures(site: Path) -> None:
    page = (site / "zh" / "learn" / "10_06_traffic.html").read_text()
    assert re.search(r"<text[^>]*>真实值</text>", page)
    assert not re.search(r"<text[^>]*>truth</text>", page)
