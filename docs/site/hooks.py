"""Hooks of the site: pages derived from the code, files outside of docs/, pictures in the page.

The Chinese site has the pages `*.zh.md` and lies in the folder of the English one; links to pages
that it lacks lead there.
"""

from __future__ import annotations

import html
import re
import sys
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

import reference

ROOT = Path(__file__).parents[2]
SOURCES = "source"
"""Folder of the site with files of the repository that pages link to."""
OUTSIDE = re.compile(r"\]\(((?:\.\./)+)([^)#]+)(#[^)]*)?\)")
TO_PAGE = re.compile(r"\[([^\]]*)\]\((?!http)([^)#]*\.md)(#[^)]*)?\)")
PICTURE = re.compile(r'<img alt="([^"]*)" src="([^"]*?out/[^"]*\.svg)"[^>]*/?>')


def on_config(config: Any) -> Any:
    """Put all decisions, and all pages of reference, into the navigation."""
    decisions = sorted(path.name for path in Path(config.docs_dir, "decisions").glob("*.md"))
    found = {
        "decisions/*": [f"decisions/{name}" for name in decisions],
        "reference/*": [uri for uri, _ in reference.pages()],
    }
    config.nav = [
        {title: [each for entry in entries for each in found.get(entry, [entry])]}
        if isinstance(entries, list)
        else {title: entries}
        for part in config.nav
        for title, entries in part.items()
    ]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add derived pages, and the files outside of docs/ that pages link to."""
    if _is_chinese(config):
        return _in_chinese(files)
    for uri, text in reference.pages():
        files.append(File.generated(config, uri, content=text))
    for path in sorted({path for file in files for path in _outside(file)}):
        files.append(File.generated(config, _published(path), abs_src_path=str(ROOT / path)))
    return files


def _is_chinese(config: Any) -> bool:
    return bool(config.theme["language"] == "zh")


def _in_chinese(files: Files) -> Files:
    kept = [each for each in files if not each.src_uri.endswith(".md") or ".zh." in each.src_uri]
    for file in kept:
        file.dest_uri = file.dest_uri.replace(".zh.", ".")
    return Files(kept)


def _outside(file: File) -> list[str]:
    """Return the paths within the repository that a page links to and that lie outside of docs/."""
    if not file.is_documentation_page() or file.abs_src_path is None:
        return []
    text = Path(file.abs_src_path).read_text(encoding="utf-8")
    found = [_target(file, *link[:2]) for link in OUTSIDE.findall(text)]
    return [path for path in found if path]


def _target(file: File, up: str, rest: str) -> str:
    """Return the path in the repository of a link that leaves docs/, else ""."""
    depth = file.src_uri.count("/")
    return rest if up.count("../") == depth + 1 else ""


def _published(path: str) -> str:
    """Return where a file of the repository lies in the site, as text that a browser shows."""
    return f"{SOURCES}/{path}" + (".txt" if path.endswith((".md", ".py")) else "")


def on_page_markdown(markdown: str, page: Page, config: Any, **_: Any) -> str:
    """Let links that leave docs/, or the Chinese pages, lead to where the target is."""

    def moved(found: re.Match[str]) -> str:
        path = _target(page.file, found[1], found[2])
        return f"]({found[1][3:]}{_published(path)})" if path else found[0]

    def abroad(found: re.Match[str]) -> str:
        if ".zh." in found[2]:
            return found[0]
        up = "../" * (page.file.src_uri.count("/") + 1)
        place = str(PurePosixPath(normpath(PurePosixPath(page.file.src_uri).parent / found[2])))
        url = f"{up}{place[:-3]}.html{found[3] or ''}"
        return f'<a href="{url}">{found[1]}</a>'

    if _is_chinese(config):
        return TO_PAGE.sub(abroad, markdown)
    return OUTSIDE.sub(moved, markdown)


def on_page_content(content: str, config: Any, **_: Any) -> str:
    """Put the pictures of chapters into the page, where they take its colours and fonts."""

    def inlined(found: re.Match[str]) -> str:
        name = found[2].split("out/", 1)[1]
        picture = (Path(config.docs_dir) / "learn" / "out" / name).read_text(encoding="utf-8")
        label = html.escape(html.unescape(found[1]), quote=True)
        return picture.replace("<svg ", f'<svg class="drawn" role="img" aria-label="{label}" ', 1)

    return PICTURE.sub(inlined, content)
