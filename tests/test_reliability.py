"""Threads, forks, too little memory, long runs, the same bits again, and warnings as errors. What disturbs a process runs in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import functional as F

ROOT = Path(__file__).parent.parent
THREADS = 8

# A small net with all that has state of its own, and what its training leaves, as one line of hex.
TRAINING = """
    import hashlib
    import numpy as np
    import minidl as torch
    from minidl import nn

    def train(steps=6, seed=3):
        generator = torch.Generator().manual_seed(seed)
        model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(36),
                              nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 3))
        with torch.no_grad():
            for p in model.parameters():
                p.uniform_(-0.4, 0.4, generator=generator)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            x = torch.randn(6, 2, 6, 6, generator=generator)
            y = torch.randint(0, 3, (6,), generator=generator)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        left = [float(loss), *[t.detach().numpy().tobytes() for t in model.state_dict().values()]]
        return hashlib.sha256(repr(left).encode()).hexdigest()
"""


def run(code: str, *options: str, **environment: str) -> str:
    """What a Python process prints that runs `code` after `TRAINING`."""
    text = textwrap.dedent(TRAINING) + textwrap.dedent(code)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.run([sys.executable, *options, "-c", text], env=env, capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


# threads


def linear() -> Any:
    x, w, b = (minidl.arange(n, dtype=minidl.float32).reshape(shape).sin().requires_grad_()
               for n, shape in ((20, (4, 5)), (15, (3, 5)), (3, (3,))))
    F.gelu(F.linear(x, w, b)).logsumexp(1).pow(2).mean().backward()
    return [x.grad, w.grad, b.grad]


def convolution() -> Any:
    x, w = (minidl.arange(n, dtype=minidl.float32).reshape(shape).sin().requires_grad_() for n, shape in ((600, (2, 3, 10, 10)), (108, (4, 3, 3, 3))))
    y = F.max_pool2d(F.conv2d(x, w, stride=2, padding=1), 2)
    gx, gw = minidl.autograd.grad(y.pow(2).sum(), (x, w), create_graph=True)
    (gx.pow(2).sum() + gw.sum()).backward()
    return [y.detach(), gx.detach(), gw.detach(), x.grad, w.grad]


def recurrent() -> Any:
    model = nn.LSTM(3, 4, 2, bidirectional=True)
    with minidl.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(minidl.linspace(-0.5, 0.4, p.numel()).reshape(p.shape) * (i + 1) / 8)
    x = minidl.linspace(-1, 1, 30).reshape(5, 2, 3).requires_grad_()
    model(x)[0].square().sum().backward()
    return [x.grad, *[p.grad for p in model.parameters()]]


def edits_and_views() -> Any:
    x = minidl.linspace(-1, 1, 24).reshape(4, 6).requires_grad_()
    y = x * 2
    y[1:3].mul_(y[0].detach().clone())
    y.t()[2].add_(1)
    y.index_add_(0, minidl.tensor([0, 0, 3]), x[:3])
    y.softmax(1).cumsum(0).std().backward()
    return [y.detach(), x.grad]


@pytest.mark.parametrize("work", [linear, convolution, recurrent, edits_and_views])
def test_threads_at_once_give_what_one_gives_alone(work: Callable[[], Any]) -> None:
    expected = [t.numpy() for t in work()]
    start = threading.Barrier(THREADS)

    def several() -> Any:
        start.wait()
        return [[t.numpy() for t in work()] for _ in range(6)]

    with ThreadPoolExecutor(THREADS) as pool:
        for results in [job.result() for job in [pool.submit(several) for _ in range(THREADS)]]:
            for result in results:
                assert all(np.array_equal(have, want) for have, want in zip(result, expected, strict=True))


def test_threads_that_are_the_first_to_use_an_op() -> None:
    """The code of an op is written at its first call, here in all threads at once."""
    out = run(f"""
        import sys, threading
        sys.setswitchinterval(1e-6)
        start, results = threading.Barrier({THREADS}), []
        def one():
            start.wait()
            results.append(train())
        threads = [threading.Thread(target=one) for _ in range({THREADS})]
        for t in threads: t.start()
        for t in threads: t.join()
        assert len(results) == {THREADS}, len(results)
        print(len(set(results)), results[0] == train())
    """)
    assert out == "1 True\n"


def test_backward_of_one_graph_in_another_thread() -> None:
    x = minidl.linspace(-1, 1, 6).requires_grad_()
    y = x.tanh().sum()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(y.backward).result()
    assert x.grad is not None and np.allclose(x.grad.numpy(), 1 - np.tanh(x.detach().numpy()) ** 2)


MODES: dict[str, Callable[[], Any]] = {
    "no_grad": minidl.no_grad, "inference_mode": minidl.inference_mode, "set_grad_enabled": lambda: minidl.set_grad_enabled(False),
    "detect_anomaly": minidl.autograd.detect_anomaly,
    "saved_tensors_hooks": lambda: minidl.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t)}


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.parametrize("mode", MODES)
def test_modes_stay_in_their_thread(mode: str) -> None:
    """A thread in a mode, and one that was started inside it, beside one that is in none."""
    inside, looked = threading.Event(), threading.Event()

    def state() -> Any:
        x = minidl.tensor([3.0], requires_grad=True)
        y = x * x
        if y.requires_grad:
            y.backward()
        return minidl.is_grad_enabled(), minidl.is_inference_mode_enabled(), y.requires_grad, y.is_inference(), None if x.grad is None else x.grad.item()

    def in_mode() -> Any:
        with MODES[mode](), ThreadPoolExecutor(1) as pool:
            inside.set()
            started_inside = pool.submit(state).result()
            assert looked.wait(30)
            return started_inside, state()

    free = state()
    assert free == (True, False, True, False, 6.0)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(in_mode)
        assert inside.wait(30)
        assert state() == free
        looked.set()
        started_inside, within = job.result()
    assert started_inside == free
    assert within != free or mode == "detect_anomaly"
    assert state() == free


def test_modes_end_with_an_error_in_forward_or_backward() -> None:
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).exp()
    y.register_hook(lambda g: (_ for _ in ()).throw(ZeroDivisionError("in a hook")))
    for enabled in (True, False):
        with minidl.set_grad_enabled(enabled):
            with pytest.raises(ZeroDivisionError):
                y.sum().backward(create_graph=True, retain_graph=True) if enabled else y.backward(minidl.ones(2), retain_graph=True)
            assert minidl.is_grad_enabled() is enabled
    with pytest.raises(RuntimeError), minidl.no_grad():
        x @ minidl.ones(3)
    assert minidl.is_grad_enabled() and not minidl.is_inference_mode_enabled()


def test_threads_share_one_stream_of_random_numbers() -> None:
    """Together they draw what one would have drawn, each number once."""
    minidl.manual_seed(11)
    expected = np.sort(np.concatenate([minidl.rand(16).numpy() for _ in range(THREADS * 20)]))
    minidl.manual_seed(11)
    with ThreadPoolExecutor(THREADS) as pool:
        drawn = list(pool.map(lambda _: minidl.rand(16).numpy(), range(THREADS * 20)))
    assert np.array_equal(np.sort(np.concatenate(drawn)), expected)


# forks


def test_workers_forked_while_threads_draw_and_compute() -> None:
    """What a thread holds at the moment of a fork, such as the generator's lock, nobody would ever release in the child."""
    out = run("""
        import threading
        from minidl.utils.data import DataLoader
        conv, stop = nn.Conv2d(3, 8, 3), threading.Event()
        images = torch.randn(8, 3, 24, 24)
        def draw():
            while not stop.is_set(): torch.randn(1 << 18)
        def compute():
            while not stop.is_set(): conv(images).sum().backward()
        class Data:
            def __len__(self): return 4
            def __getitem__(self, i): return conv(torch.rand(1, 3, 8, 8)).detach().sum() * 0 + i
        Data()[0]
        threads = [threading.Thread(target=f) for f in (draw, compute)]
        for t in threads: t.start()
        try:
            for _ in range(12):
                found = [v for batch in DataLoader(Data(), batch_size=2, num_workers=2, timeout=20) for v in batch.tolist()]
                assert found == [0, 1, 2, 3], found
        finally:
            stop.set()
        print("done")
    """, "-W", "ignore::DeprecationWarning", OMP_NUM_THREADS="2")
    assert out == "done\n"


# memory


def test_too_little_memory_is_a_memory_error_and_leaves_all_as_it_was() -> None:
    out = run("""
        import resource
        from pathlib import Path
        model, x = nn.Linear(8, 8), torch.randn(4, 8)
        optimizer = torch.optim.Adam(model.parameters())
        def step():
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
        step()
        nn.functional.conv2d(torch.zeros(1, 2, 8, 8), torch.zeros(2, 2, 3, 3))
        big = torch.zeros(1 << 24, requires_grad=True)  # 64 MB
        product = (big * big * big).sum()
        before = {k: v.clone() for k, v in model.state_dict().items()}
        gradients = [p.grad.clone() for p in model.parameters()]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (96 << 20), used + (96 << 20)))
        column = torch.zeros(200_000, 1)
        failing = {
            "empty": lambda: torch.empty(1 << 40), "zeros": lambda: torch.zeros(1 << 34), "matmul": lambda: column @ column.T,
            "broadcast": lambda: column + column.T, "clone": lambda: column.expand(200_000, 1000).clone(), "repeat": lambda: column.repeat(1, 1000),
            "cat": lambda: torch.cat([big.detach()] * 4), "in place": lambda: big.detach().mul_(torch.ones(8, 1)), "index": lambda: column[[0] * 200_000, [[0]] * 1000],
            "conv2d": lambda: nn.functional.conv2d(torch.zeros(1, 1, 1, 1).expand(16, 2, 2000, 2000), torch.zeros(2, 2, 3, 3)),
            "backward": lambda: product.backward(),
        }
        for name, f in failing.items():
            try:
                f()
            except MemoryError as error:
                assert "Unable to allocate" in str(error), (name, error)
            else:
                raise AssertionError(f"{name}: no error")
        assert torch.is_grad_enabled() and big.grad is None and float(big.detach().abs().sum()) == 0
        assert all((before[k] == v).all() for k, v in model.state_dict().items())
        assert all((g == p.grad).all() for g, p in zip(gradients, model.parameters()))
        step()
        assert any((before[k] != v).any() for k, v in model.state_dict().items())
        print("intact")
    """)
    assert out == "intact\n"


def test_ten_thousand_steps_do_not_grow() -> None:
    """Neither in memory nor in objects that wait for a garbage collector, which is off."""
    out = run("""
        import gc
        from pathlib import Path
        import resource
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.1, inplace=True), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9999)
        x, y = torch.randn(4, 6), torch.tensor([0, 1, 2, 0])
        def steps(n):
            for _ in range(n):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                schedule.step()
            return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(), len(gc.get_objects())
        gc.collect()
        gc.disable()
        first = steps(500)
        last = steps(9_500)
        print(last[0] - first[0], last[1] - first[1])
    """)
    grown, objects = map(int, out.split())
    assert grown < 1 << 20, f"{grown} bytes more after 9,500 more steps"
    assert objects < 50, f"{objects} more objects"


# the same bits again


def test_runs_give_the_same_bits_with_one_thread_and_with_two() -> None:
    results = {run("print(train(20))", OMP_NUM_THREADS=str(threads), PYTHONHASHSEED=str(seed)) for threads in (1, 2) for seed in (0, 1)}
    assert len(results) == 1


def test_a_shared_convolution_differs_by_rounding_only() -> None:
    """A batch that threads divide: each image as alone; only sums over the batch, in the kernel's gradient, are added up in parts."""
    code = """
        x, w = torch.randn(16, 8, 24, 24, generator=torch.Generator().manual_seed(1)), torch.randn(8, 8, 3, 3, generator=torch.Generator().manual_seed(2))
        x.requires_grad_()
        w.requires_grad_()
        y = nn.functional.conv2d(x, w, padding=1)
        y.square().mean().backward()
        print(y.detach().numpy().tobytes().hex(), x.grad.numpy().tobytes().hex(), w.grad.numpy().tobytes().hex())
    """
    one, again, two, two_again = ([np.frombuffer(bytes.fromhex(part), np.float32) for part in run(code, OMP_NUM_THREADS=n).split()] for n in "1122")
    for first, second in ((one, again), (two, two_again)):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(one[0], two[0])
    for a, b in zip(one, two, strict=True):
        assert np.abs(a - b).max() <= 1e-6 * np.abs(a).max()


# warnings


def test_warnings_as_errors() -> None:
    out = run("""
        import io
        from minidl.utils.data import DataLoader, TensorDataset
        first = train()
        data = TensorDataset(torch.randn(8, 3), torch.tensor([0, 1] * 4))
        for workers in (0, 1):
            assert sum(len(y) for _, y in DataLoader(data, batch_size=3, shuffle=True, num_workers=workers)) == 8
        state, file = nn.LSTM(3, 4).state_dict(), io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        assert all((v == state[k]).all() for k, v in torch.load(file).items())
        x = torch.tensor([0.0, -1.0, 1e38], requires_grad=True)
        (x.log() + x * 1e38 + 1 / x).sum().backward()
        print(first == train())
    """, "-W", "error", "-X", "dev")
    assert out == "True\n"
