"""Where things lie."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
"""The root of the repository."""
