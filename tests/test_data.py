"""Datasets, samplers and loaders: PyTorch's order and batches, and workers that fail without a hang."""

import collections
import contextlib
import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch

import minidl
from minidl.utils import data
from tests.exchange import assert_same, outcome, to_numpy

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

LIBRARIES = (minidl, torch)
Pair = collections.namedtuple("Pair", "a b")


def both(function):
    """What a function of a library gives for each, in NumPy's terms."""
    return [to_numpy(function(lib)) for lib in LIBRARIES]


@contextlib.contextmanager
def within(seconds):
    """Fails the test instead of hanging."""
    def late(*_):
        raise AssertionError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def eventually(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# datasets


def made(lib):
    d = lib.utils.data
    tensors = d.TensorDataset(lib.arange(5), lib.arange(10.0).reshape(5, 2))
    joined = d.ConcatDataset([tensors, d.Subset(tensors, [3, 1]), range(3)])
    lib.manual_seed(4)
    parts = d.random_split(range(11), [0.5, 0.3, 0.2])
    other = d.random_split(range(10), [3, 7], generator=lib.Generator().manual_seed(9))

    class Count(d.IterableDataset):
        def __iter__(self):
            return iter(range(3))

        def __len__(self):
            return 3

    chain = Count() + Count()
    stacked, named = d.StackDataset(range(5), tensors), d.StackDataset(a=range(5), b=d.Subset(tensors, range(5)))
    return [len(tensors), tensors[1], tensors[-1], tensors[1:3], len(joined), [joined[i] for i in range(-10, 10)],
            joined.cumulative_sizes, len(tensors + tensors), [list(p) for p in parts], [list(p.indices) for p in other],
            list(chain), len(chain), len(stacked), stacked[2], stacked.__getitems__([1, 4]), named[3], named.__getitems__([0, 2]),
            d.Subset(tensors, [4, 0]).__getitems__([1, 0]), d.Subset(tensors, [4, 0])[[1, 0]]]


def test_datasets():
    assert_same(*both(made))


class Bad:
    def __getitems__(self, indices):
        return [1]

    def __len__(self):
        return 3


DATASET_ERRORS = [
    lambda lib, d: d.Dataset()[0],
    lambda lib, d: d.TensorDataset(lib.ones(2), lib.ones(3)),
    lambda lib, d: d.StackDataset(),
    lambda lib, d: d.StackDataset(range(3), a=range(3)),
    lambda lib, d: d.StackDataset(range(3), range(2)),
    lambda lib, d: d.StackDataset(a=range(3), b=range(2)),
    lambda lib, d: d.StackDataset(range(3), Bad()).__getitems__([0, 1]),
    lambda lib, d: d.ConcatDataset([]),
    lambda lib, d: d.ConcatDataset([d.IterableDataset()]),
    lambda lib, d: d.ConcatDataset([range(3)])[-4],
    lambda lib, d: len(d.ChainDataset([range(3)])),
    lambda lib, d: d.random_split(range(3), [1, 1]),
    lambda lib, d: d.random_split(range(3), [1.5, -0.5]),
    lambda lib, d: type("S", (d.Subset,), {"__getitem__": lambda self, i: i})(range(3), [0]),
    lambda lib, d: d.RandomSampler(range(3), replacement=1),
    lambda lib, d: d.RandomSampler(range(3), num_samples=0),
    lambda lib, d: d.RandomSampler([]),
    lambda lib, d: d.WeightedRandomSampler([1, 2], 0),
    lambda lib, d: d.WeightedRandomSampler([1, 2], True),
    lambda lib, d: d.WeightedRandomSampler([1, 2], 1, replacement=2),
    lambda lib, d: d.WeightedRandomSampler([[1, 2]], 1),
    lambda lib, d: d.BatchSampler(range(3), 0, False),
    lambda lib, d: d.BatchSampler(range(3), 2, 1),
    lambda lib, d: d.DistributedSampler(range(3), 2, 2),
    lambda lib, d: d.default_collate([object()]),
    lambda lib, d: d.default_collate([[1, 2], [1]]),
    lambda lib, d: d.default_collate([np.array(["a"])]),
    lambda lib, d: d.default_collate([lib.ones(2), lib.ones(3)]),
    lambda lib, d: d.DataLoader([1], num_workers=-1),
    lambda lib, d: d.DataLoader([1], timeout=-1),
    lambda lib, d: d.DataLoader([1], prefetch_factor=2),
    lambda lib, d: d.DataLoader([1], persistent_workers=True),
    lambda lib, d: d.DataLoader([1], multiprocessing_context="fork"),
    lambda lib, d: d.DataLoader([1], num_workers=1, multiprocessing_context="spoon"),
    lambda lib, d: d.DataLoader([1], num_workers=1, multiprocessing_context=3),
    lambda lib, d: d.DataLoader([1], sampler=[0], shuffle=True),
    lambda lib, d: d.DataLoader([1], batch_sampler=[[0]], shuffle=True),
    lambda lib, d: d.DataLoader([1], batch_sampler=[[0]], batch_size=2),
    lambda lib, d: d.DataLoader([1], batch_size=None, drop_last=True),
    lambda lib, d: d.DataLoader([1], batch_size=0),
    lambda lib, d: d.DataLoader(d.IterableDataset(), shuffle=True),
    lambda lib, d: d.DataLoader(d.IterableDataset(), sampler=[0]),
    lambda lib, d: d.DataLoader(d.IterableDataset(), batch_sampler=[[0]]),
    lambda lib, d: setattr(d.DataLoader([1]), "batch_size", 3),
    lambda lib, d: list(d.DataLoader(d.TensorDataset(lib.ones(2)), sampler=[5])),
]


@pytest.mark.parametrize("call", DATASET_ERRORS)
def test_errors_are_pytorchs(call):
    have, want = (outcome(lambda lib=lib: call(lib, lib.utils.data)) for lib in LIBRARIES)
    assert want is not None and have is not None
    assert have[0] is want[0]
    assert have[1].split(". ")[0] == want[1].split(". ")[0]


def test_an_empty_part_warns():
    for lib in LIBRARIES:
        with pytest.warns(UserWarning, match="Length of split at index 2 is 0"):
            lib.utils.data.random_split(range(2), [0.5, 0.5, 0.0])


# samplers


def orders(lib):
    d = lib.utils.data
    lib.manual_seed(11)
    own = lib.Generator().manual_seed(5)
    samplers = [d.SequentialSampler(range(4)), d.RandomSampler(range(9)), d.RandomSampler(range(4), num_samples=11),
                d.RandomSampler(range(9), replacement=True, num_samples=70), d.RandomSampler(range(9), generator=own),
                d.RandomSampler(range(3), num_samples=6, generator=own), d.RandomSampler(range(3), True, 32, own),
                d.SubsetRandomSampler([5, 3, 8, 1]), d.SubsetRandomSampler([5, 3, 8, 1], own),
                d.WeightedRandomSampler([0.1, 3.0, 0.5], 8), d.WeightedRandomSampler([0.1, 3.0, 0.5], 2, False, own),
                d.BatchSampler(d.RandomSampler(range(7)), 3, False), d.BatchSampler(range(7), 3, True), d.BatchSampler(range(6), 3, True)]
    lists = [(len(s), list(s), list(s)) for s in samplers]
    return lists, lib.randint(0, 1000, (3,)), lib.randint(0, 1000, (3,), generator=own)


def test_samplers_draw_pytorchs_numbers():
    assert_same(*both(orders))


@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 3, "drop_last": True}])
@pytest.mark.parametrize("n", [1, 2, 9, 10])
def test_distributed_samplers(options, n):
    def shares(lib):
        lists = []
        for rank in range(3):
            sampler = lib.utils.data.DistributedSampler(range(n), 3, rank, **options)
            sampler.set_epoch(rank)
            lists.append((len(sampler), list(sampler)))
        return lists

    assert_same(*both(shares))


# batches


class Fields(dict):
    pass


class Row(collections.UserList):
    pass


@pytest.mark.parametrize("samples", [
    lambda lib: [lib.ones(2), lib.zeros(2)], lambda lib: [1, 2], lambda lib: [1.0, 2.5], lambda lib: [True, False],
    lambda lib: ["a", "bc"], lambda lib: [b"a", b"bc"], lambda lib: [np.arange(3), np.ones(3, np.int64)],
    lambda lib: [np.float32(1), np.float32(2)], lambda lib: [np.float64(1), np.float64(2)], lambda lib: [np.int8(1), np.int8(3)],
    lambda lib: [np.bool_(True), np.bool_(False)], lambda lib: [(1, "x"), (2, "y")], lambda lib: [[1, 2.0], [3, 4.0]],
    lambda lib: [{"a": 1, "b": [2, 3]}, {"a": 4, "b": [5, 6]}], lambda lib: [Pair(1, 2.0), Pair(3, 4.0)],
    lambda lib: [Fields(a=1), Fields(a=2)], lambda lib: [Row([1, 2]), Row([3, 4])], lambda lib: [np.array(3), np.array(4)],
    lambda lib: [range(2), range(2)]])
def test_batches_and_conversions(samples):
    def results(lib):
        batch = lib.utils.data.default_collate(samples(lib))
        converted = lib.utils.data.default_convert(samples(lib))
        kinds = [type(batch).__name__, type(converted).__name__, type(converted[0]).__name__]
        batch, converted = ([*x.items()] if isinstance(x, dict) else [*x] for x in (batch, converted))
        return batch, converted, kinds

    have, want = both(results)
    assert repr(have).replace("minidl", "torch") == repr(want)


def test_collated_tensors_keep_their_history():
    x = minidl.ones(2, requires_grad=True)
    data.default_collate([x, x * 2]).sum().backward()
    assert x.grad.tolist() == [3, 3]


# loaders


class Squares:
    """A dataset that pickles, of arrays large enough for a memory file."""

    def __init__(self, n, size=3000):
        self.n, self.size = n, size

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return np.full(self.size, i * i, np.float32), i


WAYS = [{}, {"num_workers": 1}, {"num_workers": 2, "prefetch_factor": 3}, {"num_workers": 2, "persistent_workers": True}]
SHAPES = [{"batch_size": 4, "shuffle": True}, {"batch_size": 5, "drop_last": True}, {"batch_size": None}, {"batch_sampler": [[1, 2], [7]]},
          {"batch_size": 3, "sampler": [4, 2, 6, 1]}, {"batch_size": 4, "shuffle": True, "generator": 8}]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES)
def test_loaders_give_pytorchs_batches(way, shape):
    def passes(lib, **extra):
        lib.manual_seed(3)
        options = {**shape, **way, **extra}
        if "generator" in options:
            options["generator"] = lib.Generator().manual_seed(8)
        loader = lib.utils.data.DataLoader(Squares(11, 400), **options)
        return len(loader), [list(loader) for _ in range(2)], lib.rand(2)

    have, want = both(passes)
    assert_same(have, want)
    if way:
        with within(30):
            assert_same(to_numpy(passes(minidl, threads=True)), want)


def numbers(lib):
    class Shares(lib.utils.data.IterableDataset):
        def __iter__(self):
            info = lib.utils.data.get_worker_info()
            assert info.dataset is self
            for i in range(3 if info.id == 1 else 9):
                yield info.id, info.num_workers, info.seed, i, random.random(), np.random.rand(), float(lib.rand(1))

    return Shares()


@pytest.mark.parametrize("options", [{"batch_size": 2}, {"batch_size": 2, "drop_last": True}, {"batch_size": None},
                                     {"batch_size": 4, "persistent_workers": True}])
def test_workers_take_pytorchs_seeds_and_turns(options):
    def passes(lib):
        lib.manual_seed(21)
        loader = lib.utils.data.DataLoader(numbers(lib), num_workers=2, **options)
        return [list(loader) for _ in range(2)]

    with within(60):
        assert_same(*both(passes))


def test_worker_threads_share_an_iterable_dataset():
    class Shares(data.IterableDataset):
        def __iter__(self):
            info = data.get_worker_info()
            return iter(range(info.id, 10, info.num_workers))

    assert data.get_worker_info() is None
    batches = [b.tolist() for b in data.DataLoader(Shares(), batch_size=2, num_workers=2, threads=True)]
    assert batches == [[0, 2], [1, 3], [4, 6], [5, 7], [8], [9]]


def test_large_batches_are_ordinary_arrays_and_leave_no_file_open():
    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    loader = data.DataLoader(Squares(40, 50_000), batch_size=4, num_workers=2, persistent_workers=True)
    with within(60):
        list(loader)
        before = descriptors()
        batches = list(loader)
        assert descriptors() == before
    for i, (x, y) in enumerate(batches):
        assert y.tolist() == list(range(4 * i, 4 * i + 4))
        assert x.numpy().flags.writeable and x.numpy().flags.aligned
        assert (x.numpy() == (y.numpy()[:, None] ** 2)).all()


def test_any_start_method():
    assert data.DataLoader([1]).multiprocessing_context is None
    with within(60):
        loader = data.DataLoader(range(6), batch_size=2, num_workers=1, multiprocessing_context="spawn")
        assert [b.tolist() for b in loader] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("threads", [False, True])
def test_workers_compute_ahead_but_not_without_end(threads):
    count = multiprocessing.Value("i", 0)

    class Counted(Squares):
        def __getitem__(self, i):
            with count.get_lock():
                count.value += 1
            return i

    with within(30):
        batches = iter(data.DataLoader(Counted(100), batch_size=2, num_workers=2, prefetch_factor=3, threads=threads))
        eventually(lambda: count.value == 12)
        assert next(batches).tolist() == [0, 1]
        eventually(lambda: count.value == 14)
        time.sleep(0.05)
        assert count.value == 14
        batches.close()


@pytest.mark.parametrize("threads", [False, True])
def test_persistent_workers_live_on_and_a_broken_pass_leaves_nothing(threads):
    class Pids(Squares):
        def __getitem__(self, i):
            return i, os.getpid() if not threads else threading.get_ident()

    with within(60):
        loader = data.DataLoader(Pids(20), batch_size=2, num_workers=2, persistent_workers=True, threads=threads)
        first = [b.tolist() for b in next(iter(loader))]
        again = [[b.tolist() for b in batch] for batch in loader]
        assert [i for batch in again for i in batch[0]] == list(range(20))
        assert first == again[0]
        assert len({pid for batch in again for pid in batch[1]}) == 2


@pytest.mark.parametrize("persistent", [False, True])
def test_dropping_a_loader_ends_its_workers(persistent):
    before = {p.pid for p in multiprocessing.active_children()}
    with within(30):
        loader = data.DataLoader(Squares(100), num_workers=2, persistent_workers=persistent)
        for _ in loader:
            assert len({p.pid for p in multiprocessing.active_children()} - before) == 2
            break
        del loader, _
        gc.collect()
        assert {p.pid for p in multiprocessing.active_children()} - before == set()


# failures


class Failing(Squares):
    def __init__(self, fail):
        super().__init__(12, 4)
        self.fail = fail

    def __getitem__(self, i):
        return self.fail(i) if i == 5 else i


class TwoArguments(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raising(error):
    def fail(i):
        raise error
    return fail


@pytest.mark.parametrize("options", [{"num_workers": 2}, {"num_workers": 2, "threads": True}, {"num_workers": 1, "persistent_workers": True}])
@pytest.mark.parametrize(("error", "kind"), [(ValueError("bad sample"), ValueError), (KeyError("bad sample"), KeyError),
                                             (TwoArguments("bad sample", 2), RuntimeError)])
def test_a_workers_exception_comes_with_its_traceback(options, error, kind):
    with within(30):
        batches = iter(data.DataLoader(Failing(raising(error)), batch_size=2, **options))
        assert [next(batches).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
        with pytest.raises(kind) as caught:
            next(batches)
        text = str(caught.value)
        assert f"Caught {type(error).__name__} in DataLoader worker" in text
        assert "Traceback" in text and "in fail" in text and "bad sample" in text
        assert [b.tolist() for b in batches] == [[6, 7], [8, 9], [10, 11]]


def test_what_cannot_be_pickled_is_an_error_too():
    class Local(Exception):
        pass

    for fail, kind in ((lambda i: (lambda: i), (AttributeError, Exception)), (raising(Local("bad")), RuntimeError)):
        with within(30), pytest.raises(kind, match="Traceback"):
            list(data.DataLoader(Failing(fail), batch_size=None, num_workers=1))


@pytest.mark.parametrize("threads", [False, True])
def test_a_failing_init_fn_or_iterator(threads):
    class Broken(data.IterableDataset):
        def __iter__(self):
            raise ValueError("no data")

    def init(i):
        raise ValueError(f"init {i}")

    with within(30):
        with pytest.raises(ValueError, match="init 0"):
            next(iter(data.DataLoader(range(4), num_workers=1, worker_init_fn=init, threads=threads)))
        with pytest.raises(ValueError, match="no data"):
            next(iter(data.DataLoader(Broken(), num_workers=1, threads=threads)))


def test_init_fn_runs_in_each_worker_and_may_edit_its_copy():
    def init(i):
        data.get_worker_info().dataset.size = 10 + i

    batches = data.DataLoader(Squares(4), batch_size=None, num_workers=2, worker_init_fn=init)
    assert [len(x) for x, _ in batches] == [10, 11, 10, 11]


@pytest.mark.parametrize(("fail", "how"), [(lambda i: os._exit(3), "exited unexpectedly with exit code 3"),
                                           (lambda i: os.kill(os.getpid(), signal.SIGKILL), "was killed by signal SIGKILL")])
@pytest.mark.parametrize("options", [{}, {"timeout": 20}, {"persistent_workers": True}])
def test_a_workers_death_is_an_error_that_names_it(fail, how, options):
    with within(15):
        batches = iter(data.DataLoader(Failing(fail), num_workers=2, **options))
        pids = [worker.process.pid for worker in batches.workers]
        assert [next(batches).tolist() for _ in range(5)] == [[0], [1], [2], [3], [4]]
        with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid\(s\) {pids[1]}\) {how}"):
            for _ in batches:
                pass


def test_a_worker_that_dies_between_batches_is_noticed():
    with within(15):
        batches = iter(data.DataLoader(Squares(50), num_workers=1))
        next(batches)
        os.kill(batches.workers[0].process.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="SIGKILL"):
            list(batches)


@pytest.mark.parametrize("threads", [False, True])
def test_timeout(threads):
    with within(20), pytest.raises(RuntimeError, match="timed out after 0.3 seconds"):
        list(data.DataLoader(Failing(lambda i: time.sleep(2)), num_workers=1, timeout=0.3, threads=threads))


def test_workers_end_with_a_killed_parent(tmp_path):
    program = textwrap.dedent("""
        import sys, time
        from minidl.utils.data import DataLoader
        loaders = [DataLoader(range(1000), num_workers=2, persistent_workers=True) for _ in range(2)]
        iterators = [iter(loader) for loader in loaders]
        print(*[w.process.pid for it in iterators for w in it.workers], flush=True)
        time.sleep(60)
        """)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(word) for word in child.stdout.readline().split()]
        assert len(pids) == 4
    finally:
        child.kill()
        child.wait()
        child.stdout.close()

    def running(pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().split(")")[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    with within(30):
        eventually(lambda: not any(map(running, pids)))


def test_more_workers_than_processors_warn():
    with pytest.warns(UserWarning, match="1000 worker processes in total"):
        data.DataLoader(range(3), num_workers=1000)


def test_loader_lengths():
    class Sized(data.IterableDataset):
        def __len__(self):
            return 7

        def __iter__(self):
            return iter(range(7))

    for options, n in (({"batch_size": 2}, 4), ({"batch_size": 2, "drop_last": True}, 3), ({"batch_size": None}, 7)):
        loader = data.DataLoader(Sized(), **options)
        assert len(loader) == n == len(list(loader)) == len(iter(loader))
