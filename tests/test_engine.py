"""Behaviour of the engine: memory, depth, hooks, modes, functions, anomaly detection."""

from __future__ import annotations

import gc
import os
import pickle
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minidl


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_chain_of_100000_ops() -> None:
    x = minidl.tensor(0.5, requires_grad=True, dtype=minidl.float64)
    y = x
    for _ in range(50_000):
        y = y * 1.00001
        y = y + 1e-9
    y.backward()
    assert np.isclose(x.grad.item(), 1.00001 ** 50_000, rtol=1e-9)


def test_training_leaves_memory_flat_without_the_collector() -> None:
    nn = minidl.nn
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
    optimizer = minidl.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, labels = minidl.randn(8, 1, 8, 8), minidl.arange(8)

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), labels).backward()
            optimizer.step()

    gc.collect()
    gc.disable()
    try:
        steps(100)
        objects, memory = len(gc.get_objects()), resident()
        steps(1000)
        assert len(gc.get_objects()) - objects < 200, "objects that only the garbage collector would free"
        assert resident() - memory < 4 << 20
    finally:
        gc.enable()


def test_what_is_not_saved_is_freed() -> None:
    x = minidl.ones(1000, requires_grad=True)
    y = x * 2
    import weakref
    alive = weakref.ref(y)
    z = y + 1
    del y
    assert alive() is None, "add saves nothing, so its input may go"
    z.sum().backward()
    assert np.array_equal(x.grad.numpy(), np.full(1000, 2, np.float32))


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_errors_of_backward(library: Any) -> None:
    x = library.ones(3, requires_grad=True)
    y = x * x
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        y.backward()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        library.ones(2).sum().backward()
    z = x.exp()
    with library.no_grad():
        z.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*is at version 1; expected version 0"):
        z.sum().backward()
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="appears to not have been used"):
        library.autograd.grad((x * 2).sum(), library.ones(1, requires_grad=True))


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_third_derivative(library: Any) -> None:
    x = library.tensor(0.7, requires_grad=True, dtype=library.float64)
    y, values = library.sin(x) * x ** 3, []
    for _ in range(3):
        y, = library.autograd.grad(y, x, create_graph=True)
        values.append(y.item())
    s, c, t = np.sin(0.7), np.cos(0.7), 0.7
    expected = [c * t**3 + 3 * s * t**2, -s * t**3 + 6 * c * t**2 + 6 * s * t, -c * t**3 - 9 * s * t**2 + 18 * c * t + 6 * s]
    assert np.allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_hooks_fire_in_order_and_replace(library: Any) -> None:
    log: list[Any] = []
    x = library.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.retain_grad()
    y.register_hook(lambda g: log.append(("y1", g.tolist())))
    handle = y.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: log.append(("y2", g.tolist())))
    x.register_hook(lambda g: log.append(("x", g.tolist())))
    x.register_post_accumulate_grad_hook(lambda t: log.append(("done", t.grad.tolist())))
    (y * y).sum().backward(retain_graph=True)
    assert log == [("y1", [6.0, 12.0]), ("y2", [12.0, 24.0]), ("x", [36.0, 72.0]), ("done", [36.0, 72.0])]
    assert y.grad.tolist() == [12.0, 24.0]
    handle.remove()
    log.clear()
    (y * y).sum().backward()
    assert log == [("y1", [6.0, 12.0]), ("y2", [6.0, 12.0]), ("x", [18.0, 36.0]), ("done", [54.0, 108.0])]


def custom(library: Any) -> Any:
    class Scale(library.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float) -> Any:
            ctx.save_for_backward(x)
            ctx.factor = factor
            return x * x * factor, x + 1

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            x, = ctx.saved_tensors
            assert ctx.needs_input_grad == (True, False)
            return 2 * x * ctx.factor * g + h, None

    return Scale


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_functions_of_the_user(library: Any) -> None:
    x = library.tensor([1.0, 2.0], requires_grad=True, dtype=library.float64)
    y, z = custom(library).apply(x, 3.0)
    assert type(y.grad_fn).__name__ == "ScaleBackward"
    g, = library.autograd.grad((y * z).sum(), x, create_graph=True)
    assert np.allclose(g.detach().numpy(), 9 * np.array([1, 4.0]) + 6 * np.array([1, 2.0]))
    assert np.allclose(library.autograd.grad(g.sum(), x)[0].numpy(), 18 * np.array([1, 2.0]) + 6)
    y, _ = custom(library).apply(x, 3.0)
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_once_differentiable(library: Any) -> None:
    class Once(library.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x ** 2

        @staticmethod
        @library.autograd.function.once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

    x = library.tensor(3.0, requires_grad=True)
    weight = library.tensor(2.0, requires_grad=True)
    g, = library.autograd.grad(Once.apply(x), x, weight, create_graph=True)
    assert g.item() == 12.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def test_anomaly_detection_shows_where_the_forward_was_written() -> None:
    x = minidl.tensor([0.0], requires_grad=True)
    with minidl.autograd.detect_anomaly(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = (x * 0).sqrt()  # the line that must be shown
        with pytest.raises(RuntimeError, match="'MulBackward0' returned nan|'SqrtBackward0' returned nan"):
            y.backward()
    text = "\n".join(str(w.message) for w in caught)
    assert "Traceback of forward call" in text and "the line that must be shown" in text


def test_modes_belong_to_a_thread() -> None:
    seen: list[bool] = []
    with minidl.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minidl.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not minidl.is_grad_enabled()
    assert seen == [True] and minidl.is_grad_enabled()


def test_threads_compute_the_same_gradients_at_once() -> None:
    w = minidl.linspace(-1, 1, 50, dtype=minidl.float64).requires_grad_()
    results: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        for _ in range(20):
            g, = minidl.autograd.grad(((w * k).tanh() * w).sum(), w)
        results[k] = g.numpy()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 7)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k, g in results.items():
        v = w.detach().numpy()
        assert np.allclose(g, np.tanh(v * k) + v * k * (1 - np.tanh(v * k) ** 2), rtol=1e-12), k


def test_saved_tensor_hooks_see_what_is_saved() -> None:
    counts = []
    for library in (torch, minidl):
        packed: list[Any] = []
        x = library.ones(2, requires_grad=True)
        with library.autograd.graph.saved_tensors_hooks(lambda t, packed=packed: packed.append(t) or t, lambda t: t):
            y = (x * x).exp()
        y.sum().backward()
        counts.append(len(packed))
        assert np.allclose(x.grad.numpy(), 2 * np.e, rtol=1e-6)
    assert counts == [3, 3]


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_jacobians_and_hessians(library: Any) -> None:
    functional = library.autograd.functional
    x = library.tensor([0.5, 1.5], dtype=library.float64)
    assert np.allclose(functional.jacobian(lambda v: v ** 2, x).numpy(), np.diag([1.0, 3.0]))
    assert np.allclose(functional.hessian(lambda v: (v ** 3).sum(), x).numpy(), np.diag([3.0, 9.0]))
    v = library.tensor([1.0, -1.0], dtype=library.float64)
    assert np.allclose(functional.jvp(lambda u: u ** 2, x, v)[1].numpy(), [1.0, -3.0])
    assert np.allclose(functional.hvp(lambda u: (u ** 3).sum(), x, v)[1].numpy(), [3.0, -9.0])


def test_gradcheck_finds_a_wrong_gradient() -> None:
    class Wrong(minidl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    x = minidl.tensor([1.0, 2.0], dtype=minidl.float64, requires_grad=True)
    assert minidl.autograd.gradcheck(lambda t: t.sin() * t, x) and minidl.autograd.gradgradcheck(lambda t: t.sin() * t, x)
    assert not minidl.autograd.gradcheck(Wrong.apply, x, raise_exception=False)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        minidl.autograd.gradcheck(Wrong.apply, x)


def test_dlpack_and_numpy_share_memory() -> None:
    a = np.arange(6.0).reshape(2, 3)
    t = minidl.from_numpy(a)
    t[0, 0] = 7
    assert a[0, 0] == 7
    assert np.from_dlpack(t).ctypes.data == a.ctypes.data and torch.from_dlpack(t).data_ptr() == t.data_ptr()
    assert minidl.from_dlpack(torch.arange(3.0)).tolist() == [0.0, 1.0, 2.0]
    assert np.add(t, 1).tolist() == (a + 1).tolist()


REPRS = ["l.tensor([[1.0, 2.0]])", "l.tensor([1, 2, 3])", "l.tensor(1.5)", "l.tensor([1e-5, 1.0])", "l.tensor([1e10, 1.0])", "l.arange(2000)", "l.zeros(0)",
         "l.zeros(0, 3)", "l.tensor([True, False])", "l.ones(2, 2).double()", "l.tensor([float('nan'), float('inf'), 1.0])", "l.arange(24.0).view(2, 3, 4)",
         "l.ones(2, requires_grad=True)", "l.ones(2, requires_grad=True) * 2", "l.tensor([0.1, 123.456, -7.0])", "l.arange(30.0) * 1.5", "l.zeros(3, dtype=l.int8)",
         "l.ones(100, 100)", "l.tensor(3, dtype=l.uint8)", "l.tensor([1.0, 1000000.0])", "l.tensor([-0.0, 0.0])", "l.nn.Parameter(l.ones(2))", "l.arange(40.0, requires_grad=True).exp()",
         "l.ones(3).half()", "l.tensor([1.5, float('-inf')])", "l.zeros(2, 0, 3)", "l.full((2,), 1e-8)"]


@pytest.mark.parametrize("text", REPRS)
def test_repr_is_pytorchs(text: str) -> None:
    assert repr(eval(text, {"l": minidl})) == repr(eval(text, {"l": torch}))


def test_there_is_only_the_cpu() -> None:
    x = minidl.ones(2)
    assert x.pin_memory() is x and x.to("cpu") is x and str(x.device) == "cpu"
    for attempt in (x.cuda, lambda: x.to("cuda:0"), lambda: minidl.zeros(2, device="mps"), lambda: x.to(minidl.device("cuda")),
                    minidl.device("cuda").__enter__):
        with pytest.raises(RuntimeError, match="only device"):
            attempt()
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        x.to(0)
    with minidl.device("cpu") as cpu:
        assert minidl.ones(2).device == cpu


@pytest.mark.parametrize("args", [("cpu",), ("cpu:0",), ("cuda",), ("cuda:1",), ("cuda", 1), ("mps",), ("meta",), ("nowhere",), ("cuda:x",), ("cuda:1", 2)])
def test_other_devices_can_be_named_and_compared(args: Any) -> None:
    def facts(T: Any) -> Any:
        d = T.device(*args)
        return repr(d), str(d), d.type, d.index, d == T.device("cuda:1"), d != T.device("cpu"), T.device(d) == d, len({d, T.device(str(d))})

    try:
        expected = facts(torch)
    except RuntimeError as error:
        with pytest.raises(RuntimeError) as own:
            facts(minidl)
        assert str(own.value) == str(error)
    else:
        assert facts(minidl) == expected and pickle.loads(pickle.dumps(minidl.device(*args))) == minidl.device(*args)


def test_tensors_from_buffers_and_arrays() -> None:
    data = np.array([1.0, 2.0, 3.0]).tobytes()
    assert minidl.frombuffer(bytearray(data), dtype=minidl.float64, count=2, offset=8).tolist() == [2.0, 3.0]
    for bad in ([1.0], None):
        with pytest.raises(TypeError, match="expected np.ndarray"):
            minidl.from_numpy(bad)
    for dtype in ("complex256", "U3", "datetime64[s]"):
        with pytest.raises(TypeError, match="only supported types"):
            minidl.from_numpy(np.zeros(2, dtype))


def test_the_default_generator() -> None:
    for library in (torch, minidl):
        library.manual_seed(5)
        state = library.get_rng_state()
        first = library.rand(3)
        library.set_rng_state(state)
        assert library.rand(3).tolist() == first.tolist() and library.initial_seed() == 5
    assert minidl.get_rng_state().numpy().tobytes() == torch.get_rng_state().numpy().tobytes()
    assert minidl.seed() == minidl.initial_seed()


def test_a_context_takes_any_attribute():
    """Names that the engine uses for itself are the user's in ``ctx``, and can be read from ``grad_fn``."""
    names = ("shape", "dtype", "order", "saved", "outputs", "function", "edges", "plain", "name", "forms")

    def run(torch):
        class Scale(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor):
                for i, name in enumerate(names):
                    setattr(ctx, name, i)
                ctx.factor = factor
                ctx.save_for_backward(x)
                return x * factor

            @staticmethod
            def backward(ctx, g):
                assert [getattr(ctx, name) for name in names] == list(range(len(names)))
                return g * ctx.factor + 0 * ctx.saved_tensors[0], None

        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = Scale.apply(x, 3.0)
        factor = y.grad_fn.factor
        y.sum().backward()
        return factor, x.grad.tolist()

    assert run(minidl) == run(torch) == (3.0, [3.0, 3.0])


def test_the_settings_of_numpy_are_the_callers_again() -> None:
    """An op and its backward compute in silence and with a small buffer; the caller's own settings stay."""
    seen = []
    x = minidl.tensor([[1000.0, -1.0], [0.0, 2.0]], requires_grad=True)
    x.register_hook(lambda g: seen.append((np.geterr(), np.getbufsize())))
    with np.errstate(all="raise"):
        np.setbufsize(4096)
        before = np.geterr(), np.getbufsize()
        (x.exp() / minidl.zeros(2)).sum().backward()
        assert (np.geterr(), np.getbufsize()) == before
    (inside,) = seen
    assert set(inside[0].values()) == {"ignore"} and inside[1] == 1024
