"""``minidl gallery``: every kind of picture that `minidl.viz` draws, on one page with the lines that made it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..viz import save_figure
from .pictures import PICTURES, PREPARATION, Picture

__all__ = ["add_gallery_arguments", "make_gallery", "run_gallery"]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 1100px; margin: 2em auto; padding: 0 1em; }
nav a { margin-right: 1em; white-space: nowrap; }
section { border-top: 1px solid #ccc; margin-top: 2em; }
img { max-width: 100%; height: auto; }
pre { background: #f5f5f5; padding: 0.8em 1em; overflow-x: auto; font-size: 13px; line-height: 1.4; }
"""


def add_gallery_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="directory of the page, index.html, and its pictures")


def run_gallery(arguments: argparse.Namespace) -> int:
    """Draw every kind of picture, on one page with the lines that made it."""
    start = time.perf_counter()
    page = make_gallery(arguments.out)
    print(f"{len(PICTURES)} pictures in {time.perf_counter() - start:.0f} s: {page}")
    return 0


def make_gallery(out: Path, preparation: str = PREPARATION, pictures: Sequence[Picture] = PICTURES) -> Path:
    """Runs the code, writes a PNG of each figure and the page, and returns the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    names: dict[str, Any] = {}
    exec(preparation, names)  # noqa: S102 - our own lines, run as they are shown
    for picture in pictures:
        exec(picture.code, names)  # noqa: S102
        save_figure(names["figure"], out / f"{picture.name}.png")
    page = out / "index.html"
    page.write_text(html(preparation, pictures), encoding="utf-8")
    return page


def html(preparation: str, pictures: Sequence[Picture]) -> str:
    links = "\n".join([f'<a href="#{p.name}">{escape(p.title)}</a>' for p in pictures])
    sections = "\n".join([f'<section id="{p.name}">\n<h2>{escape(p.title)}</h2>\n<p>{escape(p.says)}</p>\n'
                          f'<img src="{p.name}.png" alt="{escape(p.title)}">\n<pre>{escape(p.code)}</pre>\n</section>' for p in pictures])
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>minidl: gallery</title><style>{STYLE}</style></head>
<body>
<h1>What minidl.viz draws</h1>
<p>The lines under each picture made it, after these had run:</p>
<details><summary>data, and a small network trained on them</summary><pre>{escape(preparation)}</pre></details>
<nav>{links}</nav>
{sections}
</body>
</html>
"""
