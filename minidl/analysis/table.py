"""Tables as text, and as HTML for a notebook: some columns at the left edge, then numbers at the right one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "text_table"]

Row = tuple[str, ...]


def text_table(head: Row, rows: Sequence[Row], footer: Sequence[str], left: int) -> str:
    """The first `left` columns begin at their left edge, the others end at their right one."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    line = "-" * (sum(widths) + 2 * (len(head) - 1))

    def form(row: Row) -> str:
        cells = [cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        return "  ".join(cells).rstrip()

    return "\n".join((form(head), line, *map(form, rows), *([line, *footer] if footer else [])))


def html_table(head: Row, rows: Sequence[Row], footer: Sequence[str], left: int) -> str:
    def line(row: Row, tag: str) -> str:
        cells = [f'<{tag} style="text-align: {"left" if i < left else "right"}; white-space: pre">{escape(cell)}</{tag}>'
                 for i, cell in enumerate(row)]
        return f"<tr>{''.join(cells)}</tr>"

    end = "<br>".join(map(escape, footer))
    body = "\n".join(line(row, "td") for row in rows)
    return (f"<table>\n<thead>{line(head, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n"
            f'<tfoot><tr><td colspan="{len(head)}" style="text-align: left">{end}</td></tr></tfoot>\n</table>')
