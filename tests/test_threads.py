"""Work shared among threads: the same results as in one thread, for every op that shares, and what a caller sees of the threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minidl
import minidl.nn.functional as F
from minidl.core import threads
from minidl.ops import matmul


@pytest.fixture(params=[2, 3])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Any]], tuple[Any, Any]]]:
    """The results of a function in one thread, and in several that share whatever can be shared."""
    before = minidl.get_num_threads()

    def both(function: Callable[[], Any]) -> tuple[Any, Any]:
        minidl.set_num_threads(1)
        alone = function()
        minidl.set_num_threads(request.param)
        with monkeypatch.context() as patch:
            patch.setattr(threads, "WORTH", 1)
            for name in ("TINY", "SMALL", "SHARED"):
                patch.setattr(matmul, name, 1)
            return alone, function()

    yield both
    minidl.set_num_threads(before)


def normal(*shape: int) -> Any:
    return minidl.from_numpy(np.random.default_rng(len(shape)).standard_normal(shape, dtype=np.float32))


LAST = {"memory_format": minidl.channels_last}
OPS: dict[str, Callable[..., Any]] = {
    "relu": F.relu, "gelu": F.gelu, "relu transposed": lambda x: F.relu(x.transpose(0, 1)), "gelu transposed": lambda x: F.gelu(x.transpose(0, 1)),
    "softmax": lambda x: F.softmax(x, 1), "softmax of the first": lambda x: F.softmax(x, 0), "log_softmax": lambda x: F.log_softmax(x, -1),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1), "max_pool2d last": lambda x: F.max_pool2d(x.contiguous(**LAST), 2),
    "max_pool2d of an image": lambda x: F.max_pool2d(x[0], 2), "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "batch_norm": lambda x, w, b: F.batch_norm(x, None, None, w, b, True), "batch_norm last": lambda x: F.batch_norm(x.contiguous(**LAST), None, None, training=True),
    "group_norm": lambda x, w, b: F.group_norm(x, 2, w, b), "instance_norm": F.instance_norm, "layer_norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "layer_norm of all": lambda x: F.layer_norm(x, x.shape), "rms_norm": lambda x: F.rms_norm(x, x.shape[-1:]),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("shape", [(4, 6, 9, 9), (1, 6, 8, 8), (5, 2, 6, 7)])
def test_ops_give_what_one_thread_gives(shared: Any, name: str, shape: tuple[int, ...]) -> None:
    def run() -> list[np.ndarray]:
        leaves = [normal(*shape), 1 + normal(shape[1]), normal(shape[1])][:3 if name in ("batch_norm", "group_norm") else 1]
        y = OPS[name](*[leaf.requires_grad_() for leaf in leaves])
        y.backward(normal(*y.shape))
        return [y.detach().numpy(), *[leaf.grad.numpy() for leaf in leaves]]

    for alone, several in zip(*shared(run)):
        assert several.shape == alone.shape and several.strides == alone.strides
        np.testing.assert_allclose(several, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("a, b", [((7, 5), (5, 9)), ((1, 8), (8, 6)), ((3, 4, 5), (3, 5, 2)), ((2, 3, 4, 5), (2, 3, 5, 4)), ((4, 5), (3, 5, 6)), ((6, 7), (7,)),
                                  ((5,), (5, 4)), ((5,), (5,)), ((0, 3), (3, 2)), ((2, 0), (0, 3))])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_give_what_one_thread_gives(shared: Any, a: tuple[int, ...], b: tuple[int, ...], transposed: bool) -> None:
    def run() -> np.ndarray:
        x, w = normal(*a), normal(*b)
        w = w.mT.contiguous().mT if transposed and w.ndim > 1 else w
        return minidl.matmul(x, w).numpy()

    alone, several = shared(run)
    np.testing.assert_allclose(several, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop"])
def test_optimisers_step_as_in_one_thread(shared: Any, name: str) -> None:
    def run() -> list[bytes]:
        params = [minidl.nn.Parameter(normal(n, 3)) for n in (7, 2, 5, 4, 1)]
        optimizer = getattr(minidl.optim, name)(params, lr=0.01)
        for _ in range(3):
            for p in params:
                p.grad = p.detach().cos()
            optimizer.step()
        return [p.detach().numpy().tobytes() for p in params] + [repr(optimizer.state_dict()["state"]).encode()]

    alone, several = shared(run)
    assert alone == several


def test_parts_are_in_order_and_not_divided_again(shared: Any) -> None:
    _, parts = shared(lambda: threads.share(list, range(7)))
    assert [n for part in parts for n in part] == list(range(7)) and len(parts) == minidl.get_num_threads()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    _, nested = shared(lambda: threads.share(lambda part: threads.share(list, part), range(6)))
    assert all(len(part) == 1 for part in nested)
    assert shared(lambda: threads.share(len, [])) == ([0], [0])


def test_an_error_in_a_part_arrives_when_all_are_done(shared: Any) -> None:
    done = []

    def work(part: range) -> None:
        if part[-1] == 5:
            raise ZeroDivisionError
        done.append(part)

    def run() -> int:
        done.clear()
        with pytest.raises(ZeroDivisionError):
            threads.share(work, range(6))
        return len(done)

    assert shared(run) == (0, minidl.get_num_threads() - 1)
    assert shared(lambda: threads.share(len, range(6)))[0] == [6]  # the pool works on


def test_arrays_that_broadcast_are_not_divided(shared: Any) -> None:
    alone, several = shared(lambda: threads.elementwise(lambda x, y, out=None: np.add(x, y, out=out), np.ones((4, 3)), np.arange(12.0).reshape(4, 3)[:1]))
    np.testing.assert_array_equal(several, alone)


def test_the_silence_of_an_op_reaches_its_parts(shared: Any) -> None:
    with np.errstate(all="raise"):
        shared(lambda: F.gelu(minidl.full((6, 4), 1e30)))


def test_blas_keeps_to_one_thread_and_gets_its_threads_back(shared: Any) -> None:
    found: list[int] = []
    set_threads = threads._set_blas_threads
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_set_blas_threads", lambda n: (found.append(n), set_threads(n)))
        shared(lambda: found.clear() or minidl.matmul(normal(8, 8), normal(8, 8)))
        assert found == [1, minidl.get_num_threads()]


def test_many_callers_share_one_pool(shared: Any) -> None:
    def run() -> list[Any]:
        results: list[Any] = [None] * 6

        def call(i: int) -> None:
            results[i] = [F.softmax(normal(8, i + 1), 1).sum().item() for _ in range(20)]

        callers = [threading.Thread(target=call, args=(i,)) for i in range(6)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return results

    alone, several = shared(run)
    np.testing.assert_allclose(np.array(several), np.array(alone), rtol=1e-6)


def test_a_forked_process_starts_threads_of_its_own(shared: Any) -> None:
    def run() -> int:
        threads.share(len, range(6))
        child = os.fork()
        if child == 0:
            os._exit(7 if sum(threads.share(len, range(6))) == 6 else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert shared(run) == (7, 7)
