"""The look of figures, and figures as inline SVG and as PNG files."""

from __future__ import annotations

import io
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # labels are names, and a name may hold $
    "svg.fonttype": "none",
    "svg.hashsalt": "longshort",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "legend.frameon": False,
    "lines.linewidth": 1.4,
}


class Drawing(Figure):
    """A figure that a notebook shows without pyplot, which does not know of it."""

    def _repr_svg_(self) -> str:
        return svg_of(self)


def svg_of(figure: Figure) -> str:
    """Return a figure as an SVG element without a date, so that equal figures are equal texts."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Text stays text: the reader's browser has fonts for it.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph \d+ .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def png_of(figure: Figure) -> tuple[bytes, bool]:
    """Return a figure as a PNG file, and whether the font has all letters that stand in it."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue(), not any("missing from font" in str(each.message) for each in found)
