"""Drawing pen strokes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np

from longshort.data.strokes.ink import Ink

_TITLE = 18
"""Height of a line of text below a picture, in pixels."""


def drawn(
    inks: Sequence[Ink],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 4,
    width: int = 200,
    height: int = 140,
    line: float = 2.0,
    colour: str = "#1f3b5c",
) -> str:
    """Return an SVG picture of inks side by side, each as large as its cell allows.

    titles: a line of text below each. columns: cells in a row; width, height: of a cell in pixels.
    line: width of the pen in pixels. A stroke of one point is a dot.
    """
    columns = min(columns, max(1, len(inks)))
    foot = _TITLE if titles is not None else 0
    rows = -(-len(inks) // columns)
    whole = columns * width, rows * (height + foot)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]} {whole[1]}" '
        f'width="{whole[0]}" height="{whole[1]}">',
        f'<g fill="none" stroke="{escape(colour)}" stroke-width="{line:g}" '
        'stroke-linecap="round" stroke-linejoin="round">',
    ]
    corners = [((i % columns) * width, (i // columns) * (height + foot)) for i in range(len(inks))]
    for ink, (left, top) in zip(inks, corners, strict=True):
        parts.append(f'<path d="{path(ink, left, top, width, height)}"/>')
    parts.append("</g>")
    for title, (left, top) in zip(titles or (), corners, strict=False):
        parts.append(
            f'<text x="{left + width / 2:g}" y="{top + height + _TITLE - 5}" font-size="12" '
            f'font-family="sans-serif" text-anchor="middle" fill="#444">{escape(title)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def path(ink: Ink, left: float, top: float, width: float, height: float) -> str:
    """Return ink as the `d` of an SVG path that fits into a box, with a margin of a tenth."""
    points = ink.points - (ink.points.max(0) + ink.points.min(0)) / 2
    wide, high = ink.size
    scale = 0.8 * min(width / wide if wide else np.inf, height / high if high else np.inf)
    centre = np.array([left + width / 2, top + height / 2])
    placed = centre + points * (scale if np.isfinite(scale) else 1.0)
    words = []
    begins = np.append(True, ink.lifts[:-1])
    for (x, y), is_first, is_last in zip(placed, begins, ink.lifts, strict=True):
        words.append(f"{'M' if is_first else 'L'}{x:.1f} {y:.1f}")
        if is_first and is_last:
            words.append(f"L{x:.1f} {y:.1f}")
    return "".join(words)
