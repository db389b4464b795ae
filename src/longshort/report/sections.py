"""Sections of a report and the typed blocks in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """A table, its header first; `is_text`: the last column is prose."""

    kind: ClassVar[str] = "table"
    rows: Sequence[Sequence[str]]
    is_text: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure, at most `width` pixels wide where that is not None; its name is one of a page."""

    kind: ClassVar[str] = "picture"
    name: str
    figure: Figure
    width: int | None = None


@dataclass(frozen=True)
class Animation:
    """A moving picture: a GIF as base64, and its words for those who do not see it."""

    kind: ClassVar[str] = "animation"
    gif: str
    alt: str


@dataclass(frozen=True)
class Note:
    """A remark in small print."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Checks:
    """A list of named checks: name, whether it passed, and what was measured."""

    kind: ClassVar[str] = "checks"
    items: Sequence[tuple[str, bool, str]]


@dataclass(frozen=True)
class Span:
    """A piece of text, optionally on a coloured background, with a small label and a tooltip."""

    text: str
    colour: str = ""
    label: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Line:
    """A line of spans after a name."""

    spans: Sequence[Span]
    name: str = ""


@dataclass(frozen=True)
class Passage:
    """Lines of marked text below a caption; `is_raw`: white space and line ends are kept."""

    kind: ClassVar[str] = "passage"
    lines: Sequence[Line]
    caption: str = ""
    is_raw: bool = False


Block = Table | Picture | Animation | Note | Checks | Passage


@dataclass(frozen=True)
class Section:
    """A titled section of the page."""

    title: str
    blocks: Sequence[Block]
