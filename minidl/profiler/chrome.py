"""Events as a trace that chrome://tracing and https://ui.perfetto.dev show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .events import Event

__all__ = ["chrome_trace", "write_chrome_trace"]

CATEGORIES = {"op": "cpu_op", "backward": "cpu_op", "engine": "cpu_op", "module": "module", "user": "user_annotation"}


def chrome_trace(events: list[Event]) -> dict[str, Any]:
    """Complete events ("X", in microseconds from the first), and an arrow from each operation to its backward."""
    begin = min((e.start for e in events), default=0)
    lines: list[dict[str, Any]] = []
    for number, e in enumerate(events):
        common = {"pid": os.getpid(), "tid": e.thread}
        args: dict[str, Any] = {name: value for name, value in (("Input Dims", e.shapes), ("MACs", e.macs), ("Bytes", e.memory),
                                                               ("Module", (e.modules() or [e])[0].name)) if value}
        lines.append({"ph": "X", "name": e.name, "cat": CATEGORIES[e.kind], "ts": (e.start - begin) / 1000, "dur": e.time / 1000,
                      "args": args, **common})
        if e.kind == "backward" and e.forward is not None:
            arrow = {"name": "fwdbwd", "cat": "fwdbwd", "id": number, "pid": os.getpid()}
            lines.append({"ph": "s", "ts": (e.forward.start - begin) / 1000, "tid": e.forward.thread, **arrow})
            lines.append({"ph": "f", "bp": "e", "ts": (e.start - begin) / 1000, "tid": e.thread, **arrow})
    return {"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": lines}


def write_chrome_trace(events: list[Event], path: Any) -> None:
    Path(path).write_text(json.dumps(chrome_trace(events)))
