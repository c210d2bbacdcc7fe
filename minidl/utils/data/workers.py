"""Workers: processes or threads that fetch batches before they are needed.

Each worker has one connection to the loader: tasks go in, results come out, both in order. So a worker's death closes the
connection and is noticed at once, and the loader's death ends the worker. Large messages do not go through the connection but,
where the system has anonymous files in memory (Linux), through one of those, the arrays' bytes as they are; so neither side ever
waits for the other to read.
"""

from __future__ import annotations

import math
import multiprocessing.reduction
import os
import pickle
import queue
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...core.generator import default_generator

__all__ = ["End", "Failure", "Plan", "ProcessWorker", "ThreadWorker", "WorkerInfo", "get_worker_info"]

MEMORY_FILES = hasattr(os, "memfd_create")
SMALL = 1024  # bytes; longer messages go through a memory file
ALIGNMENT = 64
PATIENCE = 5.0  # seconds for a worker to end by itself


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_this_worker = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """The `WorkerInfo` of the worker that calls this; None elsewhere."""
    return getattr(_this_worker, "info", None)


class Plan(NamedTuple):
    """What a loader fetches, and how."""

    dataset: Any
    iterable: bool
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool

    def fetcher(self) -> Callable[[Any], Any]:
        """A function from what the sampler gives to a batch; StopIteration at the end of an iterable dataset."""
        return self._from_iterator(iter(self.dataset)) if self.iterable else self._by_index

    def _by_index(self, index: Any) -> Any:
        if not self.batched:
            return self.collate_fn(self.dataset[index])
        fetch_all = getattr(self.dataset, "__getitems__", None)
        return self.collate_fn(fetch_all(index) if fetch_all else [self.dataset[i] for i in index])

    def _from_iterator(self, samples: Any) -> Callable[[Any], Any]:
        def fetch(index: Any) -> Any:
            if not self.batched:
                return self.collate_fn(next(samples))
            batch = [sample for _, sample in zip(index, samples)]
            if not batch or (self.drop_last and len(batch) < len(index)):
                raise StopIteration
            return self.collate_fn(batch)

        return fetch


class End:
    """A worker's result when its iterable dataset is exhausted: this class itself."""


class Message(str):
    """A text that a KeyError shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class Failure(NamedTuple):
    """An exception in a worker: its type and the text of its traceback."""

    kind: type[BaseException]
    text: str

    @classmethod
    def of(cls, error: BaseException, where: str) -> Failure:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        return cls(type(error), f"Caught {type(error).__name__} in DataLoader {where}.\nOriginal {text}")

    def reraise(self) -> NoReturn:
        """Raises an exception of the type, with the text; a RuntimeError if the type takes no text."""
        try:
            error = self.kind(Message(self.text))
        except Exception:  # noqa: BLE001 (a user's class may do anything)
            raise RuntimeError(self.text) from None
        raise error


def serve(plan: Plan, info: WorkerInfo, init_fn: Callable[[int], None] | None, where: str, receive: Callable[[], Any],
          send: Callable[[Any], None]) -> None:
    """A worker's life: tasks (round, index) to results (round, batch, End or Failure), until a None."""
    _this_worker.info = info
    failure = None
    try:
        if init_fn is not None:
            init_fn(info.id)
    except Exception as error:  # noqa: BLE001 (it is raised in the loader)
        failure = Failure.of(error, where)
    fetch, current = None, None
    while (task := receive()) is not None:
        turn, index = task
        try:
            if turn != current:
                fetch, current = None, turn
            if fetch is None and failure is None:
                fetch = plan.fetcher()
            result = failure or fetch(index)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 (it is raised in the loader)
            result = End if plan.iterable and isinstance(error, StopIteration) else Failure.of(error, where)
        send((turn, result))
        result = None  # so that the batch does not wait in memory for the next one


# ---- messages between processes


def send_message(connection: Any, message: Any) -> None:
    """Sends a picklable object; a long one through a memory file, with its arrays' bytes as they are."""
    buffers: list[pickle.PickleBuffer] = []
    parts: list[Any] = [pickle.dumps(message, 5, buffer_callback=buffers.append)]
    parts += [buffer.raw() for buffer in buffers]
    sizes = [len(part) for part in parts]
    if sum(sizes) <= SMALL or not MEMORY_FILES:
        connection.send((None, [bytes(part) for part in parts]))
        return
    with os.fdopen(os.memfd_create("batch"), "wb") as file:
        for part, start in zip(parts, offsets(sizes)):
            file.seek(start)
            file.write(part)
        file.flush()
        connection.send((sizes, None))
        multiprocessing.reduction.send_handle(connection, file.fileno(), None)


def receive_message(connection: Any) -> Any:
    """The next object that `send_message` sent; EOFError if there will be none."""
    sizes, parts = connection.recv()
    if sizes is not None:
        *starts, total = offsets(sizes)
        memory = np.empty(total, np.uint8).data
        with os.fdopen(multiprocessing.reduction.recv_handle(connection), "rb") as file:
            file.seek(0)
            file.readinto(memory)
        parts = [memory[start:start + size] for start, size in zip(starts, sizes)]
    else:
        parts = [parts[0], *map(bytearray, parts[1:])]  # arrays of received bytes must be writable
    return pickle.loads(parts[0], buffers=parts[1:])


def offsets(sizes: list[int]) -> list[int]:
    """Where each part begins in a memory file, aligned, and the whole length."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + -(-size // ALIGNMENT) * ALIGNMENT)
    starts[-1] = starts[-2] + sizes[-1]
    return starts


def worker_process(plan: Plan, info: WorkerInfo, base_seed: int, init_fn: Any, connection: Any, inherited: list[Any]) -> None:
    """What a worker process runs."""
    for other in inherited:  # the loader's ends; held open here, they would hide its death
        other.close()
    random.seed(info.seed)
    default_generator.manual_seed(info.seed)
    words = [info.id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))

    def send(result: Any) -> None:
        turn, value = result
        try:
            send_message(connection, result)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 (the result cannot be pickled)
            failure = Failure(RuntimeError, value.text) if isinstance(value, Failure) else Failure.of(error, where)
            send_message(connection, (turn, failure))

    where = f"worker process {info.id}"
    try:
        serve(plan, info, init_fn, where, lambda: receive_message(connection), send)
    except (KeyboardInterrupt, EOFError, ConnectionError):
        pass  # the loader is gone, or is being interrupted itself


class ProcessWorker:
    """A worker in a process of its own, seen from the loader."""

    def __init__(self, plan: Plan, info: WorkerInfo, base_seed: int, init_fn: Any, context: Any, siblings: list[Any]) -> None:
        self.id = info.id
        self.connection, theirs = context.Pipe()
        forked = context.get_start_method() == "fork"
        inherited = [*(worker.connection for worker in siblings), self.connection] if forked else []
        self.process = context.Process(target=worker_process, daemon=True,
                                       args=(plan, info, base_seed, init_fn, theirs, inherited))
        self.process.start()
        theirs.close()

    def send(self, task: Any) -> None:
        """Gives the worker a task; RuntimeError if it is dead."""
        try:
            send_message(self.connection, task)
        except ConnectionError:
            self._raise_dead()

    def receive(self, timeout: float) -> Any:
        """The next result; RuntimeError if the worker is dead, or after `timeout` seconds (0: never)."""
        deadline = time.monotonic() + (timeout or math.inf)
        try:
            while not self.connection.poll(max(0, min(PATIENCE, deadline - time.monotonic()))):
                if time.monotonic() >= deadline:
                    raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
                if not self.process.is_alive() and not self.connection.poll(0):
                    self._raise_dead()
            return receive_message(self.connection)
        except (EOFError, ConnectionError):
            self._raise_dead()

    def _raise_dead(self) -> NoReturn:
        self.process.join(PATIENCE)
        code = self.process.exitcode
        how = f"was killed by signal {signal.Signals(-code).name}" if code is not None and code < 0 else \
            f"exited unexpectedly with exit code {code}"
        raise RuntimeError(f"DataLoader worker (pid(s) {self.process.pid}) {how}") from None

    def stop(self) -> None:
        """Asks the worker to end."""
        try:
            send_message(self.connection, None)
        except OSError:
            pass
        self.connection.close()

    def join(self) -> None:
        """Waits until it has, or ends it."""
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(PATIENCE)


class ThreadWorker:
    """A worker in a thread. Random numbers come from the generators of the whole process, which are not seeded."""

    def __init__(self, plan: Plan, info: WorkerInfo, init_fn: Any) -> None:
        self.id = info.id
        self.tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.thread = threading.Thread(target=serve, daemon=True, args=(
            plan, info, init_fn, f"worker thread {info.id}", self.tasks.get, self.results.put))
        self.thread.start()

    def send(self, task: Any) -> None:
        """Gives the worker a task."""
        self.tasks.put(task)

    def receive(self, timeout: float) -> Any:
        """The next result; RuntimeError after `timeout` seconds (0: never)."""
        try:
            return self.results.get(timeout=timeout or None)
        except queue.Empty:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds") from None

    def stop(self) -> None:
        """Asks the worker to end, before what it has not begun."""
        while not self.tasks.empty():
            try:
                self.tasks.get_nowait()
            except queue.Empty:
                break
        self.tasks.put(None)

    def join(self) -> None:
        """Waits until it has."""
        if self.thread is not threading.current_thread():
            self.thread.join(PATIENCE)
