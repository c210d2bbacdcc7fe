"""``torch.futures``: values that are set later, by whoever holds the future.

>>> later = Future()
>>> doubled = later.then(lambda f: 2 * f.value())
>>> later.set_result(3)
>>> doubled.wait()
6
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]


T = TypeVar("T")


class Future(Generic[T]):
    """A value, or an error, that is set once; `wait` blocks until then."""

    def __init__(self, *, devices: Any = None) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Any], Any]] = []
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Whether it is set."""
        return self._set.is_set()

    def wait(self) -> Any:
        """The value, once it is set; raises its error."""
        self._set.wait()
        return self.value()

    def value(self) -> Any:
        """The value; raises its error, and RuntimeError if there is none yet."""
        if not self.done():
            raise RuntimeError("Future: value() was called before the future was set; use wait()")
        if self._error is not None:
            raise self._error
        return self._value

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if self.done():
                raise RuntimeError("Future can only be marked completed once, or with an error once")
            self._value, self._error = value, error
            self._set.set()
        for callback in self._callbacks:
            callback(self)

    def set_result(self, result: Any) -> None:
        """Sets the value and calls the callbacks; RuntimeError if it was set."""
        self._finish(result, None)

    def set_exception(self, result: BaseException) -> None:
        """Sets an error that `wait` and `value` raise."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Calls a function with the future once it is set: at once, if it is."""
        with self._lock:
            waiting = not self.done()
            if waiting:
                self._callbacks.append(callback)
        if not waiting:
            callback(self)

    def then(self, callback: Callable[[Any], Any]) -> Future[Any]:
        """A future of what a function of this one returns, called once this is set."""
        after: Future[Any] = Future()

        def run(future: Any) -> None:
            try:
                result = callback(future)
            except Exception as error:  # noqa: BLE001 -- of whatever kind, it is kept for who waits
                after.set_exception(error)
            else:
                after.set_result(result)

        self.add_done_callback(run)
        return after


def collect_all(futures: Sequence[Future[Any]]) -> Future[Any]:
    """A future of the list of futures, set when all are."""
    whole: Future[Any] = Future()
    left = [len(futures)]
    lock = threading.Lock()

    def one(future: Any) -> None:
        with lock:
            left[0] -= 1
        if not left[0]:
            whole.set_result(list(futures))

    for future in futures:
        future.add_done_callback(one)
    if not futures:
        whole.set_result([])
    return whole


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """The values of all, once they are set."""
    return [future.wait() for future in collect_all(futures).wait()]
