"""What a thread records: gradient modes, observers of recording, and silence for floating-point warnings."""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "is_grad_enabled",
           "is_inference_mode_enabled"]


class Modes(threading.local):
    """State of one thread. `recording` is what every op reads: 0 no graph, 1 graph, 2 graph with observers; -1 no
    graph, and what is made is an inference tensor."""

    recording = 1
    inference = False
    check_nan = False  # anomaly detection looks for NaN in gradients
    task: Any = ()  # of the running backward: the nodes and leaves that it will reach
    observers: tuple[Any, ...] = ()  # called with every new node: saved-tensor hooks, anomaly detection

    def set(self, enabled: bool) -> None:
        self.recording = (2 if self.observers else 1) if enabled else -1 if self.inference else 0

    def observe(self, observers: tuple[Any, ...]) -> None:
        self.observers = observers
        self.set(self.recording > 0)


modes = Modes()

# PyTorch computes infinities and NaNs without a word. Running a forward in a copy of this context does the same
# at a tenth of the price of np.errstate, and leaves the caller's own settings alone.
# The buffer is made small, because NumPy copies an operand that broadcasts (a factor for each channel) into it again and again,
# unless the rows of the others are as long as the buffer: with this size, such operations take half as long, or a third.
BUFFER = 1024  # elements; NumPy's own choice is 8192
_quiet = contextvars.copy_context()
_quiet.run(np.seterr, all="ignore")
_quiet.run(np.setbufsize, BUFFER)
quiet_context: Callable[[], contextvars.Context] = _quiet.copy


class _Decorator:
    """A context manager that also decorates functions and generator functions."""

    def _fresh(self) -> Any:
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isclass(function):
            function.__init__ = self(function.__init__)  # type: ignore[method-assign]
            return function
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator's own code runs, and not between its items."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator, step, value = function(*args, **kwargs), "send", None
            while True:
                try:
                    with self._fresh():
                        item = getattr(generator, step)(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    step, value = "send", (yield item)
                except GeneratorExit:
                    with self._fresh():
                        generator.close()
                    raise
                except BaseException as error:  # noqa: BLE001  # thrown into the generator
                    step, value = "throw", error

        return wrapped


class set_grad_enabled(_Decorator):
    """Switches recording on or off at once; as a context manager or decorator, for its extent.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}")
        self.previous, self.mode = modes.recording > 0, mode
        modes.set(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        modes.set(self.previous)
        return super().__call__(function)

    def _fresh(self) -> Any:
        return set_grad_enabled(self.mode)

    def __enter__(self) -> None:
        modes.set(self.mode)

    def __exit__(self, *exc: object) -> None:
        modes.set(self.previous)


class _GradMode(_Decorator):
    """Recording switched to `enabled` inside; ``@no_grad`` works with and without parentheses."""

    enabled = True

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        new = super().__new__(cls)
        return new if function is None else new(function)

    def __enter__(self) -> None:
        self.previous = modes.recording > 0
        modes.set(self.enabled)

    def __exit__(self, *exc: object) -> None:
        modes.set(self.previous)


class no_grad(_GradMode):
    """No graph is recorded inside: as a context manager or a decorator, for this thread.

    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """

    enabled = False


class enable_grad(_GradMode):
    """A graph is recorded inside, also within `no_grad`."""


class inference_mode(_Decorator):
    """As `no_grad`; tensors made inside are inference tensors, which no later graph may save."""

    def __new__(cls, mode: Any = True) -> Any:
        new = super().__new__(cls)
        new.mode = True
        return new(mode) if callable(mode) else new

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def _fresh(self) -> Any:
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        self.previous = modes.recording > 0, modes.inference
        modes.inference = self.mode
        modes.set(not self.mode)

    def __exit__(self, *exc: object) -> None:
        modes.inference = self.previous[1]
        modes.set(self.previous[0])


def is_grad_enabled() -> bool:
    """Whether this thread records a graph."""
    return modes.recording > 0


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return modes.inference
