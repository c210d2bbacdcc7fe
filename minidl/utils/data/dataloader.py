"""DataLoader: batches of a dataset, in the order of a sampler, fetched here or ahead of time by workers."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.context
import os
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ...core.generator import Generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed
from .workers import End, Failure, Plan, ProcessWorker, ThreadWorker, WorkerInfo

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)
MOST_TASKS = 64  # of one worker at a time; that many short messages fit into a connection


class Endless:
    """The sampler of an iterable dataset, which takes no indices."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches.

    - `batch_size` samples (None: no batches, samples as they are) in the order of the dataset, with `shuffle` in random order,
      or of a `sampler`; or lists of indices from a `batch_sampler`. `drop_last` leaves out a shorter last batch.
    - `collate_fn` makes a batch of a list of samples, by default `default_collate`.
    - `num_workers` processes (or, with `threads`, which PyTorch does not have, threads) each fetch `prefetch_factor` batches (2;
      at most 64) ahead. Batches come in order all the same, whatever `in_order`. `worker_init_fn(number)` runs first in each;
      `persistent_workers` live on from one pass to the next. `timeout` seconds without a batch are a RuntimeError, and so is a
      worker's death; a worker's exception is raised here with its traceback.
    - `generator` gives the order, and the workers' seeds. For the same seed both are PyTorch's.
    - `pin_memory` and `pin_memory_device` mean nothing on the CPU.

    ValueError for options that contradict each other. As torch.utils.data.DataLoader.

    >>> list(DataLoader(range(5), batch_size=2))
    [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    _initialized = False

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
                 batch_sampler: Iterable[Any] | None = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
                 pin_memory: bool = False, drop_last: bool = False, timeout: float = 0,
                 worker_init_fn: Callable[[int], None] | None = None, multiprocessing_context: Any = None,
                 generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
                 pin_memory_device: str = "", in_order: bool = True, threads: bool = False) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("prefetch_factor option could only be specified in multiprocessing."
                             "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None.")
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(f"prefetch_factor option should be positive, got {prefetch_factor}")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            sampler = Endless() if self._iterable else RandomSampler(dataset, generator=generator) if shuffle \
                else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.sampler, self.batch_sampler = dataset, batch_size, sampler, batch_sampler
        self.drop_last, self.generator, self.timeout, self.worker_init_fn = drop_last, generator, timeout, worker_init_fn
        self.num_workers, self.persistent_workers, self.threads = num_workers, persistent_workers, threads
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.multiprocessing_context = self._context(multiprocessing_context)
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._iterator: Workers | None = None
        self._initialized = True
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if num_workers > cores and not threads:
            warnings.warn(f"This DataLoader will create {num_workers} worker processes in total, but this system has only {cores} "
                          "processors for them; more may run slower.", stacklevel=2)

    def _context(self, context: Any) -> Any:
        """How processes start, as the `multiprocessing` module has it, if it was said."""
        if context is None:
            return None
        if self.num_workers == 0:
            raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                             "num_workers=0")
        if isinstance(context, str):
            methods = multiprocessing.get_all_start_methods()
            if context not in methods:
                raise ValueError(f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                                 f"multiprocessing_context={context!r}")
            return multiprocessing.get_context(context)
        if not isinstance(context, multiprocessing.context.BaseContext):
            raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the start "
                            f"method, but got multiprocessing_context={context}")
        return context

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _plan(self) -> Plan:
        return Plan(self.dataset, self._iterable, self.batch_sampler is not None, self.collate_fn, self.drop_last)

    def __iter__(self) -> Any:
        if self.num_workers == 0:
            return Here(self)
        if not self.persistent_workers:
            return Workers(self)
        if self._iterator is None:
            self._iterator = Workers(self)
        else:
            self._iterator.begin()
        return self._iterator

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        n = len(self.dataset)
        return n if self.batch_size is None else n // self.batch_size if self.drop_last else -(-n // self.batch_size)


class _BaseDataLoaderIter:
    """A pass over the data."""


class Here(_BaseDataLoaderIter):
    """One pass over the data, each batch fetched when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader
        self.indices = iter(loader._index_sampler)
        draw_seed(loader.generator)  # of workers, if there were any: so that the order does not depend on their number
        self.fetch = loader._plan().fetcher()

    def __iter__(self) -> Here:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        return self.fetch(next(self.indices))


class Workers(_BaseDataLoaderIter):
    """A pass over the data by workers. Batch i comes from worker i mod their number (without those at their end)."""

    workers: list[Any]

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader, self.workers, self.turn, self.pid = loader, [], 0, os.getpid()
        self.indices = iter(loader._index_sampler)
        base_seed, n, plan = draw_seed(loader.generator), loader.num_workers, loader._plan()
        context = loader.multiprocessing_context or multiprocessing.get_context("fork" if sys.platform == "linux" else None)  # a fork copies nothing
        for i in range(n):
            info = WorkerInfo(i, n, base_seed + i, loader.dataset)
            if loader.threads:
                self.workers.append(ThreadWorker(plan, info, loader.worker_init_fn))
            else:
                self.workers.append(ProcessWorker(plan, info, base_seed, loader.worker_init_fn, context, self.workers))
        self._fill()

    def begin(self) -> None:
        """Another pass, by the same workers."""
        self.indices = iter(self.loader._index_sampler)
        self._fill()

    def _fill(self) -> None:
        self.turn += 1
        self.active = deque(self.workers)  # the first is the next to get a task
        self.pending: deque[Any] = deque()  # the workers that owe a batch, in the order of the batches
        for _ in range(min(self.loader.prefetch_factor or 0, MOST_TASKS) * len(self.workers)):
            self._assign()

    def _assign(self) -> None:
        if not self.active:
            return
        try:
            index = next(self.indices)
        except StopIteration:
            return
        worker = self.active[0]
        worker.send((self.turn, index))
        self.active.rotate(-1)
        self.pending.append(worker)

    def __iter__(self) -> Workers:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        while self.pending:
            worker = self.pending.popleft()
            turn, result = 0, None
            while turn != self.turn:  # what is left of an earlier pass is skipped
                turn, result = worker.receive(self.loader.timeout)
            if result is End:
                self.active = deque(w for w in self.active if w is not worker)
                self.pending = deque(w for w in self.pending if w is not worker)
                self._assign()
                continue
            self._assign()
            if isinstance(result, Failure):
                result.reraise()
            return result
        if not self.loader.persistent_workers:
            self.close()
        raise StopIteration

    def close(self) -> None:
        """Ends the workers; does nothing in a process that only inherited them."""
        workers, self.workers = self.workers if self.pid == os.getpid() else [], []
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    _shutdown_workers = close  # PyTorch's name

    def __del__(self) -> None:
        self.close()


_SingleProcessDataLoaderIter, _MultiProcessingDataLoaderIter = Here, Workers
