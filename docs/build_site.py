"""Builds the site in both languages into build/site, without the network; a dead link is an error.

pip install -e '.[docs]'
python docs/build_site.py [FOLDER]
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import jieba
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

ROOT = Path(__file__).parents[1]


def main(folder: Path = ROOT / "build" / "site") -> None:
    """Build English pages into the folder and Chinese ones into `zh` in it; raises `Abort`."""
    jieba.setLogLevel(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    for name, site in (("mkdocs.yml", folder), ("mkdocs.zh.yml", folder / "zh")):
        config = load_config(str(ROOT / name), strict=True, site_dir=str(site))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:]))
    except Abort as stop:
        sys.exit(f"the site is not built: {stop}")
