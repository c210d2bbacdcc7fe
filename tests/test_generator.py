"""The random stream against PyTorch: equal samples, and an equal state (so an equal position) after every call."""

import copy
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.core import generator as module
from minidl.core.generator import Generator

SEEDS = st.integers(-(2**63), 2**64 - 1)
SHAPES = st.lists(st.integers(0, 7), max_size=3).map(tuple) | st.integers(0, 700).map(lambda n: (n,))
FLOATS = st.sampled_from(["float16", "float32", "float64"])
COMPLEX = st.sampled_from(["float16", "float32", "float64", "complex64", "complex128"])
SIGNED = ["int8", "int16", "int32", "int64"]
RANDOM = st.sampled_from([*SIGNED, "uint8", "bool", "float16", "float32", "float64"])
# The unit in the last place, which logarithms, sines and tangents of different libraries may miss; float32's normals
# take both factors from such functions.
ULP = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}


def pair(seed):
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def empty(shape, dtype):
    return torch.empty(shape, dtype=getattr(torch, dtype))


def check(ours, theirs, rtol=0.0, atol=0.0):
    assert (ours.shape, str(ours.dtype)) == (tuple(theirs.shape), str(theirs.dtype).removeprefix("torch."))
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=rtol, atol=atol)


def check_position(g, t):
    """Equal bytes but for the spare normal sample, which is a product of a logarithm and a sine."""
    ours, theirs = g.get_state(), t.get_state().numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    start = module._ENGINE_STATE.fields["normal_y"][1]
    spare = slice(start, start + 8)
    np.testing.assert_allclose(ours[spare].view(np.float64), theirs[spare].view(np.float64), rtol=4 * ULP["float64"])
    np.testing.assert_array_equal(np.delete(ours, spare), np.delete(theirs, spare))


# Each call draws its arguments, runs on both generators and compares the samples.


def call_uniform(data, g, t):
    shape, dtype = data.draw(SHAPES), data.draw(COMPLEX)
    low = data.draw(st.sampled_from([0.0, -1.0, -0.3, 1000.1, -1e-3]))
    high = low + data.draw(st.sampled_from([0.0, 1.0, 1.7, 1e-2]))
    check(g.uniform(shape, low, high, np.dtype(dtype)), empty(shape, dtype).uniform_(low, high, generator=t))


def call_normal(data, g, t):
    shape, dtype = data.draw(SHAPES), data.draw(COMPLEX)
    mean, std = data.draw(st.sampled_from([0.0, -3.7, 0.1])), data.draw(st.sampled_from([1.0, 0.0, 0.02, 5.3]))
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    theirs = empty(shape, dtype).normal_(mean, std, generator=t)
    check_normal(g.normal(shape, mean, std, np.dtype(dtype)), theirs, real, mean, std)


def check_normal(ours, theirs, real, mean, std):
    work = "float64" if real == "float64" else "float32"
    check(ours, theirs, rtol=4 * ULP[real], atol=4 * ULP[work] * (std + abs(mean)))


def call_randint(data, g, t):
    dtype = data.draw(RANDOM | st.sampled_from(["uint16", "uint32", "uint64"]))
    shape = data.draw(SHAPES)
    if np.dtype(dtype).kind == "f":
        limit = 65504 if dtype == "float16" else 2**62
        bounds = (-limit, limit)
    elif dtype == "bool":
        bounds = (0, 1)
    else:
        info = np.iinfo(dtype)
        bounds = (int(info.min), min(int(info.max), 2**63 - 2))
    low, last = sorted(data.draw(st.tuples(st.integers(*bounds), st.integers(*bounds))))
    try:
        theirs = empty(shape, dtype).random_(low, last + 1, generator=t)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            g.randint(shape, low, last + 1, np.dtype(dtype))
    else:
        check(g.randint(shape, low, last + 1, np.dtype(dtype)), theirs)


def call_randint_open(data, g, t):
    dtype, shape = data.draw(RANDOM), data.draw(SHAPES)
    low = data.draw(st.integers(0, 1 if np.dtype(dtype).kind == "b" else 100))
    check(g.randint(shape, low, None, np.dtype(dtype)), empty(shape, dtype).random_(low, None, generator=t))


def call_randint_full(data, g, t):
    dtype, shape = data.draw(st.sampled_from(["int64", "float32", "float64"])), data.draw(SHAPES)
    check(g.randint(shape, -(2**63), None, np.dtype(dtype)), empty(shape, dtype).random_(-(2**63), None, generator=t))


def call_random(data, g, t):
    dtype, shape = data.draw(RANDOM), data.draw(SHAPES)
    check(g.random(shape, np.dtype(dtype)), empty(shape, dtype).random_(generator=t))


def call_randperm(data, g, t):
    n, dtype = data.draw(st.integers(0, 1000)), data.draw(FLOATS | st.sampled_from(["int16", "int32", "int64"]))
    check(g.randperm(n, np.dtype(dtype)), torch.randperm(n, dtype=getattr(torch, dtype), generator=t))


def call_bernoulli(data, g, t):
    shape, dtype, p = data.draw(SHAPES), data.draw(RANDOM), data.draw(st.floats(0, 1))
    check(g.bernoulli(p, shape, np.dtype(dtype)), empty(shape, dtype).bernoulli_(p, generator=t))


def call_bernoulli_array(data, g, t):
    shape, dtype = data.draw(SHAPES), data.draw(RANDOM)
    p = np.random.default_rng(data.draw(st.integers(0, 99))).random(data.draw(st.sampled_from([shape, shape[-1:]])))
    p = p.astype(data.draw(FLOATS))
    check(g.bernoulli(p, shape, np.dtype(dtype)), empty(shape, dtype).bernoulli_(torch.from_numpy(p), generator=t))


def call_exponential(data, g, t):
    shape, dtype, lambd = data.draw(SHAPES), data.draw(FLOATS), data.draw(st.sampled_from([1.0, 0.3, 50.0]))
    theirs = empty(shape, dtype).exponential_(lambd, generator=t)
    check(g.exponential(shape, lambd, np.dtype(dtype)), theirs, 2 * ULP[dtype])


def call_cauchy(data, g, t):
    shape, dtype = data.draw(SHAPES), data.draw(st.sampled_from(["float32", "float64"]))
    median, sigma = data.draw(st.sampled_from([0.0, -2.0])), data.draw(st.sampled_from([1.0, 0.3]))
    theirs = empty(shape, dtype).cauchy_(median, sigma, generator=t)
    check(g.cauchy(shape, median, sigma, np.dtype(dtype)), theirs, 4 * ULP[dtype], 4 * ULP["float64"])


def call_log_normal(data, g, t):
    shape, dtype = data.draw(SHAPES), data.draw(st.sampled_from(["float32", "float64"]))
    mean = data.draw(st.sampled_from([1.0, -0.5]))
    theirs = empty(shape, dtype).log_normal_(mean, 2.0, generator=t)
    # The exponent, up to 20 in float64, passes its absolute error on as a relative one.
    check(g.log_normal(shape, mean, 2.0, np.dtype(dtype)), theirs, ULP[dtype] + 40 * ULP["float64"])


def call_geometric(data, g, t):
    dtype = data.draw(st.sampled_from([*SIGNED, "uint8", "float16", "float32", "float64"]))
    shape, p = data.draw(SHAPES), data.draw(st.sampled_from([0.01, 0.3, 0.99]))
    check(g.geometric(shape, p, np.dtype(dtype)), empty(shape, dtype).geometric_(p, generator=t))


def call_multinomial(data, g, t):
    rows, n = data.draw(st.sampled_from([(), (0,), (1,), (5,)])), data.draw(st.integers(1, 300))
    replacement = data.draw(st.booleans())
    num_samples = data.draw(st.just(1) | st.integers(1, 400 if replacement else n))
    probs = np.random.default_rng(data.draw(st.integers(0, 99))).random((*rows, n)) + 1e-3
    if replacement:
        probs[..., 1::3] = 0
    probs = probs.astype(data.draw(st.sampled_from(["float32", "float64"])))
    theirs = torch.multinomial(torch.from_numpy(probs), num_samples, replacement, generator=t)
    check(g.multinomial(probs, num_samples, replacement), theirs)


CALLS = [value for name, value in list(globals().items()) if name.startswith("call_")]


@pytest.mark.parametrize("call", CALLS)
@given(data=st.data(), seed=SEEDS, used=st.integers(0, 700))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:.*is out of bounds")
def test_call(call, data, seed, used):
    g, t = pair(seed)
    g.random_raw(used)
    torch.empty(used, dtype=torch.int32).random_(generator=t)
    call(data, g, t)
    check_position(g, t)


@given(data=st.data(), seed=SEEDS, calls=st.lists(st.sampled_from(CALLS), min_size=2, max_size=12))
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore:.*is out of bounds")
def test_sequence_of_calls(data, seed, calls):
    g, t = pair(seed)
    for call in calls:
        call(data, g, t)
        check_position(g, t)


@given(seed=SEEDS, n=st.integers(0, 1500))
@settings(max_examples=50, deadline=None)
def test_words(seed, n):
    g, t = pair(seed)
    assert g.random_raw(n).dtype == np.uint32
    torch.empty(n, dtype=torch.int32).random_(generator=t)
    check_position(g, t)
    words = g.random_raw(n, 64)
    assert words.dtype == np.uint64
    np.testing.assert_array_equal(words.view(np.int64), empty(n, "int64").random_(-(2**63), None, generator=t).numpy())


@pytest.mark.parametrize("n", [15, 16, 17, 31, 32, 33, 100_003])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_normal_sizes(n, dtype):
    g, t = pair(7)
    theirs = torch.randn(n, dtype=getattr(torch, dtype), generator=t)
    check_normal(g.normal((n,), 0.0, 1.0, np.dtype(dtype)), theirs, dtype, 0.0, 1.0)
    check_position(g, t)


def test_uniform_large_matches_fused_rounding():
    for dtype in ("float16", "float32", "float64"):
        g, t = pair(11)
        for low, high in ((0.0, 1.0), (5.0, 7.7), (1000.1, 1001.3), (-0.05, 0.05), (-1 / 3, 2 / 3)):
            theirs = empty(300_000, dtype).uniform_(low, high, generator=t)
            check(g.uniform((300_000,), low, high, np.dtype(dtype)), theirs)
    check(g.uniform((999,), -8e307, 9e307, np.float64), empty(999, "float64").uniform_(-8e307, 9e307, generator=t))


@pytest.mark.filterwarnings("error")
def test_overflow_to_infinity_is_silent():
    g, t = pair(1)
    for name, args in (("normal", (0, 1e6)), ("log_normal", (8, 4)), ("cauchy", (0, 1e4)), ("exponential", (1e-5,))):
        ours = getattr(g, name)((100,), *args, dtype=np.float16)
        theirs = getattr(empty(100, "float16"), name + "_")(*args, generator=t)
        np.testing.assert_array_equal(np.isinf(ours), theirs.isinf())
        assert np.isinf(ours).any()
    assert g.multinomial(np.full(3000, 60000, np.float16), 1).shape == (1,)


def test_creation_functions_draw_the_same():
    g, t = pair(3)
    check(g.uniform((4, 5)), torch.rand(4, 5, generator=t))
    theirs = torch.randn(4, 5, dtype=torch.complex64, generator=t)
    check_normal(g.normal((4, 5), dtype=np.complex64), theirs, "float32", 0.0, 1.0)
    check(g.randint((9,), 0, 2**40), torch.randint(0, 2**40, (9,), generator=t))
    check(g.bernoulli(np.full(9, 0.3, np.float32), (9,)), torch.bernoulli(torch.full((9,), 0.3), generator=t))
    check_position(g, t)


@given(data=st.data(), seed=SEEDS, dtype=FLOATS)
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore:.*is out of bounds")
def test_randint_bounds_that_round_move_inward(data, seed, dtype):
    def bound():
        power = data.draw(st.integers(9, 15 if dtype == "float16" else 61))
        n = data.draw(st.sampled_from([-1, 1])) * (2**power + data.draw(st.integers(-100, 100)))
        return max(-65504, min(n, 65504)) if dtype == "float16" else n

    g, t = pair(seed)
    low, high = sorted((bound(), bound()))
    try:
        theirs = empty(500, dtype).random_(low, high, generator=t)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            g.randint((500,), low, high, np.dtype(dtype))
    else:
        check(g.randint((500,), low, high, np.dtype(dtype)), theirs)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_multinomial_accumulates_in_the_working_dtype(dtype):
    g, t = pair(8)
    probs = np.random.default_rng(0).random((2, 3000)).astype(dtype)
    check(g.multinomial(probs, 20_000, True), torch.multinomial(torch.from_numpy(probs), 20_000, True, generator=t))


def test_dropout_mask_is_bernoulli():
    state = torch.get_rng_state()
    torch.manual_seed(5)
    y = torch.nn.functional.dropout(torch.ones(3, 1000), 0.3)
    torch.set_rng_state(state)
    check(Generator().manual_seed(5).bernoulli(1 - 0.3, (3, 1000)), (y != 0).float())


def test_long_permutation_is_inside_out(monkeypatch):
    monkeypatch.setattr(module, "_LONG_PERMUTATION", 50)
    monkeypatch.setattr(module, "_CHUNK", 16)
    words = Generator().manual_seed(9).random_raw(50, 64)
    x = []
    for i, word in enumerate(words.tolist()):
        j = word % (i + 1)
        x.append(i)
        x[i], x[j] = x[j], i
    g = Generator().manual_seed(9)
    np.testing.assert_array_equal(g.randperm(50, np.int32), x)
    g.randperm(49)  # the short form
    t = torch.Generator().manual_seed(9)
    empty(50, "int64").random_(generator=t)
    torch.randperm(49, generator=t)
    check_position(g, t)


@given(seed=SEEDS, used=st.integers(0, 1300), normals=st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_states_are_exchangeable(seed, used, normals):
    g, t = pair(seed)
    assert g.initial_seed() == t.initial_seed()
    check_position(g, t)
    torch.empty(used, dtype=torch.int32).random_(generator=t)
    torch.randn(normals, generator=t)
    g.manual_seed(1)
    assert g.set_state(t.get_state().numpy()) is g
    check_position(g, t)
    assert g.initial_seed() == t.initial_seed()
    back = torch.Generator()
    back.set_state(torch.from_numpy(g.get_state()))
    np.testing.assert_array_equal(torch.randn(5, generator=back).numpy(), torch.randn(5, generator=t).numpy())
    g.normal((5,))
    check_position(g, t)
    check(g.uniform((700,)), torch.rand(700, generator=t))


def test_state_does_not_share_memory():
    g = Generator()
    state = g.get_state()
    kept = state.copy()
    g.set_state(state)
    state[:] = 0
    g.normal((3,))
    g.set_state(kept)
    np.testing.assert_array_equal(g.get_state(), kept)


def test_copies_continue_the_stream_apart():
    g, t = pair(2)
    g.normal((3,))
    torch.randn(3, generator=t)
    for twin in (copy.copy(g), copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        twin.normal((40,))
        check_position(g, t)
    np.testing.assert_array_equal(copy.deepcopy(g).normal((40,)), g.normal((40,)))


def test_default_seeds():
    assert Generator().initial_seed() == torch.Generator().initial_seed()
    check_position(Generator(), torch.Generator())
    # As in PyTorch, the default generator starts anywhere.
    code = "from minidl.core.generator import initial_seed; print(initial_seed())"
    assert len({subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)}) == 2


def test_module_functions_act_on_the_default_generator():
    kept = module.default_generator.get_state()
    assert module.manual_seed(-3) is module.default_generator
    assert module.initial_seed() == 2**64 - 3
    assert module.manual_seed("12").initial_seed() == 12
    assert module.seed() == module.initial_seed() == module.default_generator.initial_seed()
    module.default_generator.set_state(kept)
    g = Generator()
    assert g.seed() == g.initial_seed() != Generator().initial_seed()


def test_threads_share_a_stream_without_loss():
    g = Generator().manual_seed(4)
    samples = []

    def draw():
        samples.extend(g.normal((3,), dtype=np.float64) for _ in range(200))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    # Pairs: every sample of the stream is handed out once, whoever asks.
    rest = Generator().manual_seed(4)
    expected = np.concatenate([rest.normal((3,), dtype=np.float64) for _ in range(800)])
    np.testing.assert_array_equal(np.sort(np.concatenate(samples)), np.sort(expected))


def invalid_state(**fields):
    state = np.frombuffer(Generator().get_state().tobytes(), module._STATE).copy()
    for name, value in fields.items():
        state["engine"][name] = value
    return np.frombuffer(state.tobytes(), np.uint8)


INTEGER = np.dtype(np.int64)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (RuntimeError, lambda g: Generator("cuda")),
        (RuntimeError, lambda g: g.manual_seed(1.5)),
        (RuntimeError, lambda g: g.manual_seed(True)),
        (ValueError, lambda g: g.manual_seed(2**64)),
        (ValueError, lambda g: g.manual_seed(-(2**63) - 1)),
        (TypeError, lambda g: g.set_state([0] * 5056)),
        (TypeError, lambda g: g.set_state(np.zeros(5056))),
        (RuntimeError, lambda g: g.set_state(np.zeros(5, np.uint8))),
        (RuntimeError, lambda g: g.set_state(invalid_state(seeded=0))),
        (RuntimeError, lambda g: g.set_state(invalid_state(left=0))),
        (RuntimeError, lambda g: g.set_state(invalid_state(next=625))),
        (RuntimeError, lambda g: g.uniform((3,), 2, 1)),
        (RuntimeError, lambda g: g.uniform((3,), 0, float("nan"))),
        (RuntimeError, lambda g: g.uniform((3,), 0, 1e39)),
        (RuntimeError, lambda g: g.uniform((3,), -3e38, 3e38)),
        (NotImplementedError, lambda g: g.uniform((3,), dtype=INTEGER)),
        (RuntimeError, lambda g: g.normal((3,), 0, -1)),
        (NotImplementedError, lambda g: g.normal((3,), dtype=INTEGER)),
        (RuntimeError, lambda g: g.randint((3,), 5, 5)),
        (RuntimeError, lambda g: g.randint((3,), 0, 300, np.uint8)),
        (RuntimeError, lambda g: g.randint((3,), -1, 3, np.uint8)),
        (RuntimeError, lambda g: g.randint((3,), 0, 3, np.bool_)),
        (RuntimeError, lambda g: g.randint((3,), 0, 70000, np.float16)),
        (RuntimeError, lambda g: g.randint((3,), 0, None, np.uint64)),
        (RuntimeError, lambda g: g.randint((3,), -(2**63), None, np.int32)),
        (NotImplementedError, lambda g: g.random((3,), np.complex64)),
        (RuntimeError, lambda g: g.randperm(-1)),
        (RuntimeError, lambda g: g.randperm(129, np.int8)),
        (RuntimeError, lambda g: g.randperm(2050, np.float16)),
        (NotImplementedError, lambda g: g.randperm(2, np.bool_)),
        (RuntimeError, lambda g: g.bernoulli(1.5, (3,))),
        (RuntimeError, lambda g: g.bernoulli(float("nan"), (3,))),
        (RuntimeError, lambda g: g.bernoulli(np.array([2.0]), (3,))),
        (NotImplementedError, lambda g: g.bernoulli(np.array([1]), (3,))),
        (NotImplementedError, lambda g: g.bernoulli(0.5, (3,), np.complex64)),
        (RuntimeError, lambda g: g.exponential((3,), 0)),
        (RuntimeError, lambda g: g.exponential((3,), dtype=INTEGER)),
        (RuntimeError, lambda g: g.cauchy((3,), 0, 0)),
        (RuntimeError, lambda g: g.cauchy((3,), dtype=INTEGER)),
        (RuntimeError, lambda g: g.log_normal((3,), 0, 0)),
        (NotImplementedError, lambda g: g.log_normal((3,), dtype=INTEGER)),
        (RuntimeError, lambda g: g.geometric((3,), 0)),
        (RuntimeError, lambda g: g.geometric((3,), 1)),
        (NotImplementedError, lambda g: g.geometric((3,), 0.5, np.bool_)),
        (RuntimeError, lambda g: g.multinomial(np.ones((2, 3, 2)), 1)),
        (RuntimeError, lambda g: g.multinomial(np.ones(2, int), 1)),
        (RuntimeError, lambda g: g.multinomial(np.ones(2), 0)),
        (RuntimeError, lambda g: g.multinomial(np.ones(2), 3)),
        (RuntimeError, lambda g: g.multinomial(np.array([-1.0, 2]), 1, True)),
        (RuntimeError, lambda g: g.multinomial(np.array([1, np.nan]), 2, True)),
        (RuntimeError, lambda g: g.multinomial(np.array([1, np.inf]), 1)),
        (RuntimeError, lambda g: g.multinomial(np.zeros((2, 2)), 1)),
    ],
)
def test_errors_draw_nothing(error, call):
    g = Generator()
    state = g.get_state()
    with pytest.raises(error):
        call(g)
    np.testing.assert_array_equal(g.get_state(), state)
