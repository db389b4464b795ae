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

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import reference  # noqa: E402
from write_book import chapters  # noqa: E402
from write_notebooks import text_of  # noqa: E402

ROOT = Path(__file__).parents[2]
SOURCES = "source"
"""Folder of the site with files of the repository that pages link to."""
LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)([^)#]+)(#[^)]*)?\)")
CHAPTER = re.compile(r"learn/(\d\w*)(?:\.zh)?\.md")
PICTURE = re.compile(r'<img alt="([^"]*)" src="([^"]*?out/[^"]*\.svg)"[^>]*/?>')


def on_config(config: Any) -> Any:
    """Put all chapters, decisions, pages of reference and further guides into the navigation."""
    ending = ".zh.md" if _is_chinese(config) else ".md"
    listed = re.findall(r"[\w/]+\.md", str(config.nav))
    found = {
        "learn/*": _pages(config, "learn/[0-9]*", ending),
        "*": [each for each in _pages(config, "*", ending) if each not in listed],
        "decisions/*": _pages(config, "decisions/*", ending),
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


def _pages(config: Any, pattern: str, ending: str) -> list[str]:
    """Return the pages of a language in order; `.md` leaves out those of others."""
    root = Path(config.docs_dir)
    found = sorted(path.relative_to(root).as_posix() for path in root.glob(f"{pattern}{ending}"))
    return [each for each in found if (".zh." in each) == (ending == ".zh.md")]


def on_files(files: Files, config: Any) -> Files:
    """Add derived pages, and the files outside of docs/ that pages link to."""
    language = ".zh" if _is_chinese(config) else ""
    for chapter in chapters():
        uri = f"learn/notebooks/{chapter.name}.ipynb"
        files.append(File.generated(config, uri, content=text_of(chapter, language)))
    if language:
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
        if file.is_documentation_page():  # pictures keep their names, which have the language
            file.dest_uri = file.dest_uri.replace(".zh.", ".")
    return Files(kept)


def _outside(file: File) -> list[str]:
    """Return the paths within the repository that a page links to and that lie outside of docs/."""
    if not file.is_documentation_page() or file.abs_src_path is None:
        return []
    text = Path(file.abs_src_path).read_text(encoding="utf-8")
    targets = (_target(file, found[2]) for found in LINK.finditer(text))
    return [each.removeprefix("../") for each in targets if each.startswith("../")]


def _target(file: File, link: str) -> str:
    """Return where a link of a page leads, seen from docs/."""
    return normpath(PurePosixPath(file.src_uri).parent / link)


def _published(path: str) -> str:
    """Return where a file of the repository lies in the site, as text that a browser shows."""
    return f"{SOURCES}/{path}" + (".txt" if path.endswith((".md", ".py")) else "")


def on_page_markdown(markdown: str, page: Page, config: Any, **_: Any) -> str:
    """Link chapters to their notebooks, and let other links lead to where the target is."""
    if chapter := CHAPTER.fullmatch(page.file.src_uri):
        title, rest = markdown.split("\n", 1)
        markdown = f"{title}\n\n[Notebook](notebooks/{chapter[1]}.ipynb)\n{rest}"
    chinese, up = _is_chinese(config), "../" * page.file.src_uri.count("/")

    def moved(found: re.Match[str]) -> str:
        text, link, place = found[1], found[2], found[3] or ""
        target = _target(page.file, link)
        if target.startswith("../"):
            target = _published(target.removeprefix("../"))
        elif not (chinese and link.endswith(".md") and ".zh." not in link):
            return found[0]
        if not chinese:
            return f"[{text}]({up}{target}{place})"
        url = f"../{up}{re.sub('[.]md$', '.html', target)}{place}"
        return f'<a href="{url}">{text}</a>'

    return LINK.sub(moved, markdown)


def on_page_content(content: str, config: Any, **_: Any) -> str:
    """Put the pictures of chapters into the page, where they take its colours and fonts."""

    def inlined(found: re.Match[str]) -> str:
        name = found[2].split("out/", 1)[1]
        picture = (Path(config.docs_dir) / "learn" / "out" / name).read_text(encoding="utf-8")
        label = html.escape(html.unescape(found[1]), quote=True)
        return picture.replace("<svg ", f'<svg class="drawn" role="img" aria-label="{label}" ', 1)

    return PICTURE.sub(inlined, content)
