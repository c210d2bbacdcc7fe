"""Sums over the events of one name, as a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from ..analysis.table import html_table, text_table
from .events import Event

__all__ = ["AverageRow", "Averages"]

SORTABLE = ("cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage", "count", "macs",
            "self_macs", "flops", "forward_time", "backward_time")


@dataclass
class AverageRow:
    """The calls of one name. Times are in microseconds, memory in bytes; ``self_...`` without the events inside.

    A name's calls within calls of that name are not added to its totals a second time. `forward_time` and `backward_time`
    are of modules only: the backward of what they ran.
    """

    key: str
    count: int = 0
    cpu_time_total: float = 0
    self_cpu_time_total: float = 0
    cpu_memory_usage: int = 0
    self_cpu_memory_usage: int = 0
    macs: int = 0
    self_macs: int = 0
    input_shapes: Any = ""
    stack: list[str] = field(default_factory=list)
    forward_time: float = 0
    backward_time: float = 0

    @property
    def cpu_time(self) -> float:
        """The mean time of one call."""
        return self.cpu_time_total / self.count if self.count else 0

    @property
    def flops(self) -> int:
        """Two for each MAC."""
        return 2 * self.macs

    def add(self, event: Event) -> None:
        self.count += 1
        self.self_cpu_time_total += event.self_time / 1000
        self.self_cpu_memory_usage += event.self_memory
        self.self_macs += event.self_macs
        if not any(e.name == event.name and e.kind == event.kind for e in around(event)):
            add_total(self, event)


def around(event: Event) -> list[Event]:
    found = []
    while event.parent is not None:
        event = event.parent
        found.append(event)
    return found


class Averages(list[AverageRow]):
    """Rows in the order in which their names first appeared. `by_module`: rows of modules; `whole`: the time of all events."""

    by_module = False
    whole = 0.0

    @classmethod
    def of_operations(cls, events: list[Event], by_shape: bool, stack: int) -> Averages:
        """One row for each name (and input shapes, if `by_shape`, and last lines of the stack) of what is no module."""
        rows: dict[Hashable, AverageRow] = {}
        for event in events:
            if event.kind != "module":
                shapes, lines = event.shapes if by_shape else "", event.stack[:stack]
                row = rows.setdefault((event.name, str(shapes), *lines), AverageRow(event.name, input_shapes=shapes, stack=lines))
                row.add(event)
        result = cls(rows.values())
        result.whole = sum(e.self_time for e in events) / 1000
        return result

    @classmethod
    def of_modules(cls, events: list[Event]) -> Averages:
        """One row for each module: its calls, and the backward of the operations in them; ``self_...`` is without submodules."""
        rows: dict[str, AverageRow] = {}
        for event in events:
            if event.kind == "module":
                row, outer = rows.setdefault(event.name, AverageRow(event.name)), event.modules()[1:]
                row.count += 1
                add_own(row, event, 1)
                if outer:
                    add_own(rows[outer[0].name], event, -1)
                if all(m.name != event.name for m in outer):
                    add_total(row, event)
                    row.forward_time += event.time / 1000
        for event in events:
            if event.kind == "backward" and event.forward is not None:
                modules = event.modules()
                for row in {m.name: rows[m.name] for m in modules}.values():
                    add_total(row, event)
                    row.backward_time += event.time / 1000
                if modules:
                    add_own(rows[modules[0].name], event, 1)
        result = cls(rows.values())
        result.by_module, result.whole = True, sum(e.self_time for e in events) / 1000
        return result

    def table(self, sort_by: str | None = None, row_limit: int = 100, max_name_column_width: int = 55,
              header: str | None = None) -> str:
        """The rows as text, the largest first if `sort_by` names one of `SORTABLE`; at most `row_limit`, all if negative.

        ValueError for another `sort_by`.
        """
        head, rows, footer = self._parts(sort_by, row_limit, max_name_column_width)
        return (header + "\n" if header else "") + text_table(head, rows, footer, left=1)

    def _repr_html_(self) -> str:
        return html_table(*self._parts(None, -1, 100), left=1)

    __str__ = table

    def _parts(self, sort_by: str | None, limit: int, width: int) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
        rows = list(self)
        if sort_by is not None:
            if sort_by not in SORTABLE:
                raise ValueError(f"table: sort_by must be one of {', '.join(SORTABLE)}, got {sort_by!r}")
            rows.sort(key=lambda r: getattr(r, sort_by), reverse=True)
        whole = self.whole or 1
        columns: list[tuple[str, Callable[[AverageRow], str]]] = [("Name", lambda r: shortened(r.key, width))]
        if self.by_module:
            columns += [("Self CPU", lambda r: time_text(r.self_cpu_time_total)), ("Forward", lambda r: time_text(r.forward_time)),
                        ("Backward", lambda r: time_text(r.backward_time)),
                        ("CPU total", lambda r: time_text(r.cpu_time_total))]
        else:
            columns += [("Self CPU %", lambda r: f"{100 * r.self_cpu_time_total / whole:.2f}%"),
                        ("Self CPU", lambda r: time_text(r.self_cpu_time_total)),
                        ("CPU total %", lambda r: f"{100 * r.cpu_time_total / whole:.2f}%"),
                        ("CPU total", lambda r: time_text(r.cpu_time_total)), ("CPU time avg", lambda r: time_text(r.cpu_time))]
        if any(r.cpu_memory_usage for r in rows):
            columns += [("CPU Mem", lambda r: bytes_text(r.cpu_memory_usage)),
                        ("Self CPU Mem", lambda r: bytes_text(r.self_cpu_memory_usage))]
        columns.append(("# of Calls", lambda r: str(r.count)))
        if any(r.macs for r in rows):
            columns.append(("MACs", lambda r: f"{r.macs:,}" if r.macs else "-"))
        if any(r.input_shapes for r in rows):
            columns.append(("Input Shapes", lambda r: str(r.input_shapes)))
        if any(r.stack for r in rows):
            columns.append(("Source Location", lambda r: " < ".join(r.stack)))
        shown = rows if limit < 0 else rows[:limit]
        return (tuple([name for name, _ in columns]), [tuple([text(r) for _, text in columns]) for r in shown],
                [f"Self CPU time total: {time_text(self.whole)}"])


def add_total(row: AverageRow, event: Event) -> None:
    row.cpu_time_total += event.time / 1000
    row.cpu_memory_usage += event.memory
    row.macs += event.macs


def add_own(row: AverageRow, event: Event, sign: int) -> None:
    """Adds an event to what a module has for itself, or takes that of a submodule away again."""
    row.self_cpu_time_total += sign * event.time / 1000
    row.self_cpu_memory_usage += sign * event.memory
    row.self_macs += sign * event.macs


def shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[:width - 3] + "..."


def time_text(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def bytes_text(n: int) -> str:
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if abs(n) >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n} B"
