"""The profile: a context manager with the names and arguments of ``torch.profiler.profile``."""

from __future__ import annotations

import enum
import functools
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from ..core.watch import watching
from .averages import Averages
from .chrome import write_chrome_trace
from .events import Event, Recorder

__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler"]


class ProfilerActivity(enum.Enum):
    """What may be recorded; there is a CPU alone."""

    CPU = 0


class ProfilerAction(enum.Enum):
    """What a step of a schedule does."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0) -> Callable[[int], ProfilerAction]:
    """Cycles of `wait` steps without a profile, `warmup` steps that are forgotten and `active` ones that are recorded.

    `skip_first` steps come before; after `repeat` cycles (0: never) it ends. ValueError unless `active` is positive and
    none is negative.

    >>> [schedule(wait=1, warmup=1, active=2, repeat=1)(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ValueError(f"schedule: expected wait, warmup, repeat and skip_first >= 0 and active > 0, got {wait}, {warmup}, "
                         f"{repeat}, {skip_first} and {active}")

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        cycle, place = divmod(step, wait + warmup + active)
        if step < 0 or (repeat and cycle >= repeat) or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == wait + warmup + active - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None) -> Callable[[profile], None]:
    """For `on_trace_ready`: writes each trace to a file of its own in the directory, ``<worker>.<time>.pt.trace.json``."""
    def handler(p: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{os.uname().nodename}_{os.getpid()}"
        p.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handler


class profile:
    """Records every operation inside: time, calls and, if asked for, input shapes, memory, multiply-accumulates, modules.

    - `schedule`: a function of the number of calls of `step` so far (see `schedule`); without one everything is recorded.
    - `on_trace_ready`: called with the profile at the end, or at the end of each cycle of the schedule.
    - `record_shapes`; `with_stack`: the lines of the program that called; `profile_memory`: what is allocated less what is freed, by `tracemalloc`, which slows Python down;
      `with_flops`: MACs (two FLOPs each; `minidl.analysis.count_macs` has the conventions); `with_modules`: for `module_averages`.
    - `activities`: the CPU alone.

    The times contain the profile's own work, some microseconds for each operation, in that of the events around. Profiles of the
    same time see the same operations. ValueError for an unknown activity.

    >>> import minidl as torch
    >>> with profile(with_flops=True) as prof:
    ...     y = torch.ones(2, 3) @ torch.ones(3, 4)
    >>> [(row.key, row.count, row.macs) for row in prof.key_averages()]
    [('ones', 2, 0), ('matmul', 1, 24), ('mm', 1, 24)]
    """

    def __init__(self, *, activities: Iterable[ProfilerActivity] | None = None, schedule: Callable[[int], ProfilerAction] | None = None,
                 on_trace_ready: Callable[[profile], None] | None = None, record_shapes: bool = False, profile_memory: bool = False,
                 with_stack: bool = False, with_flops: bool = False, with_modules: bool = False) -> None:
        if any(a is not ProfilerActivity.CPU for a in activities or ()):
            raise ValueError(f"profile: the only activity is ProfilerActivity.CPU, got {list(activities or ())}")
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready, self.with_modules, self.with_stack = on_trace_ready, with_modules, with_stack
        self.record_shapes, self.profile_memory, self.with_flops = record_shapes, profile_memory, with_flops
        self.step_num = 0
        self._recorder: Recorder | None = None
        self._events: list[Event] = []

    # ---- recording

    def start(self) -> None:
        """Begins, as entering the context does."""
        self._action = self.schedule(self.step_num)
        if self._action is not ProfilerAction.NONE:
            self._begin()

    def stop(self) -> None:
        """Ends, as leaving the context does."""
        recorded = self._action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        self._end(keep=recorded)
        if recorded and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Tells that the next step begins, for the schedule."""
        before = self._action
        self.step_num += 1
        self._action = self.schedule(self.step_num)
        changes = before is ProfilerAction.WARMUP or ProfilerAction.NONE in (before, self._action)
        if before is ProfilerAction.RECORD_AND_SAVE:
            self._end(keep=True)
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        elif changes:
            self._end(keep=before is ProfilerAction.RECORD)
        if self._recorder is None and self._action is not ProfilerAction.NONE:
            self._begin()

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _begin(self) -> None:
        self._recorder = recorder = Recorder(self.record_shapes, self.profile_memory, self.with_flops, self.with_stack)
        self._context = ExitStack()
        if self.profile_memory and not tracemalloc.is_tracing():
            tracemalloc.start()
            self._context.callback(tracemalloc.stop)
        if self.with_modules:
            self._context.enter_context(recorder)
        self._context.enter_context(watching(recorder))
        _recorders.append(recorder)

    def _end(self, keep: bool) -> None:
        if self._recorder is None:
            return
        _recorders.remove(self._recorder)
        self._context.close()
        if keep:
            self._events = [e for e in self._recorder.events if e.end]
        self._recorder = None

    # ---- results

    def events(self) -> list[Event]:
        """All events, in the order in which they began."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> Averages:
        """Sums over all calls of a name; or of a name and input shapes, or and the innermost n lines that called."""
        return Averages.of_operations(self._events, group_by_input_shape, group_by_stack_n)

    def module_averages(self) -> Averages:
        """Sums over all calls of a module, forward and backward (recorded `with_modules`)."""
        return Averages.of_modules(self._events)

    def export_chrome_trace(self, path: Any) -> None:
        """Writes the events as JSON for chrome://tracing or https://ui.perfetto.dev."""
        write_chrome_trace(self._events, path)


_recorders: list[Recorder] = []  # of the profiles that are active


class record_function:
    """Marks a region with a name of your own, as a context manager or a decorator; it costs next to nothing without a profile.

    >>> with profile() as prof:
    ...     with record_function("mine"):
    ...         pass
    >>> [row.key for row in prof.key_averages()]
    ['mine']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._open = threading.local()

    def __enter__(self) -> record_function:
        self._open.events = [*getattr(self._open, "events", []), [(r, r.begin(self.name, "user")) for r in _recorders]]
        return self

    def __exit__(self, *exc: object) -> None:
        for recorder, event in self._open.events.pop():
            recorder.finish(event)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return wrapped
