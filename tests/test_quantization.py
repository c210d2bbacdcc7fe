"""Fixed point, scales and zero points, observers and fake quantisation: PyTorch's numbers, and properties of their own."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
import torch.ao.quantization as theirs
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.quantization as ours
from minidl.quantization import MSEObserver, PercentileObserver, QFormat, QParams, choose_qparams, sqnr

INT_DTYPES = st.sampled_from([("uint8", None, None), ("int8", None, None), ("uint8", 0, 15), ("int8", -8, 7), ("int8", -127, 127), ("uint8", 0, 255)])


def data(dtype: str = "float32", **shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays with values at, and close to, the halves between the levels of scale 1/4."""
    values = st.floats(-8, 8, width=32).map(lambda v: round(v * 8) / 8) | st.floats(-40, 40, width=16)
    return hnp.arrays(dtype, hnp.array_shapes(**shape), elements=values)


# ---- fixed point


@given(st.integers(-10, 20), st.integers(1, 32), st.booleans(), hnp.arrays(np.float64, 8, elements=st.floats(-1e5, 1e5)))
def test_fixed_point_is_the_nearest_representable_number(m: int, bits: int, signed: bool, x: np.ndarray) -> None:
    bits = max(bits, 1 + signed)
    q = QFormat(m, bits - signed - m, signed)
    assert q.bits == bits and q.min == (-2.0 ** m if signed else 0) and q.max == 2.0 ** m - q.resolution
    stored = q.quantize(x)
    got = q.dequantize(stored)
    inside = (x >= q.min) & (x <= q.max)
    assert (np.abs(got - x)[inside] <= q.resolution / 2).all()
    assert (got[x > q.max] == q.max).all() and (got[x < q.min] == q.min).all()
    assert np.array_equal(q.quantize(got), stored)


def test_fixed_point_rounds_halves_to_even_and_saturates() -> None:
    q = QFormat(3, 4)
    assert q.quantize(np.array([0.5, 1.5, 2.5, -0.5, -1.5]) / 16).tolist() == [0, 2, 2, 0, -2]
    assert q.quantize(np.array([8.0, 7.97, np.inf, -np.inf, -8.1])).tolist() == [127, 127, 127, -128, -128]
    tensor = q.quantize(minidl.tensor([1.0]))
    assert tensor.dtype is minidl.int8 and q.dequantize(tensor).tolist() == [1.0]
    assert [QFormat(0, n).storage for n in (7, 8, 15, 16, 31)] == [np.int8, np.int16, np.int16, np.int32, np.int32]
    assert QFormat(32, 0, signed=False).quantize(np.array([4e9])).tolist() == [4000000000]


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.integers(2, 32))
def test_range_gets_the_most_fraction_bits_that_hold_it(a: float, b: float, bits: int) -> None:
    low, high = min(a, b), max(a, b)
    if max(-low, high) < 1e-3:
        return
    q = QFormat.for_range(low, high, bits)
    assert q.bits == bits
    ends = q.dequantize(q.quantize(np.array([low, high])))
    assert np.abs(ends - [low, high]).max() <= q.resolution / 2
    finer = QFormat(q.m - 1, q.n + 1)
    assert np.abs(finer.dequantize(finer.quantize(np.array([low, high]))) - [low, high]).max() > finer.resolution / 2


def test_fixed_point_refuses() -> None:
    for wrong in ((0, 0), (20, 12), (-5, 5)):
        with pytest.raises(ValueError, match="word"):
            QFormat(*wrong)
    for low, high, kwargs in ((0.0, 0.0, {}), (1.0, -1.0, {}), (np.nan, 1.0, {}), (0.0, np.inf, {}), (-1.0, 1.0, {"signed": False})):
        with pytest.raises(ValueError, match="for_range"):
            QFormat.for_range(low, high, **kwargs)
    with pytest.raises(ValueError, match="NaN"):
        QFormat(3, 4).quantize(np.array([np.nan]))
    with pytest.raises(TypeError, match="floating-point numbers, got Long"):
        QFormat(3, 4).quantize(np.array([1]))
    with pytest.raises(TypeError, match="integers, got Double"):
        QFormat(3, 4).dequantize(np.array([1.0]))
    with pytest.raises(ValueError, match="from -128 to 127, got 0 to 128"):
        QFormat(3, 4).dequantize(np.array([0, 128]))


# ---- scales and zero points


@given(data(max_dims=3), st.sampled_from([0.25, 0.1, 1 / 3, 0.0123]), st.sampled_from([(0, 255), (-128, 127), (-8, 7)]), st.data())
def test_quantize_equals_pytorch(x: np.ndarray, scale: float, limits: tuple[int, int], draw: Any) -> None:
    zero_point = draw.draw(st.integers(*limits))
    params = QParams(np.float32(scale), np.int32(zero_point), *limits)
    want = torch.fake_quantize_per_tensor_affine(torch.tensor(x), scale, zero_point, *limits)
    q = params.quantize(x)
    assert np.array_equal(params.dequantize(q), want.numpy()) and q.min() >= limits[0] and q.max() <= limits[1]


@given(data(min_dims=2, max_dims=4), st.data())
def test_quantize_per_channel_equals_pytorch(x: np.ndarray, draw: Any) -> None:
    axis = draw.draw(st.integers(0, x.ndim - 1))
    scale = draw.draw(hnp.arrays(np.float32, x.shape[axis], elements=st.floats(0.0625, 1, width=32)))
    zero_point = draw.draw(hnp.arrays(np.int32, x.shape[axis], elements=st.integers(-128, 127)))
    params = QParams(scale, zero_point, -128, 127, axis)
    want = torch.fake_quantize_per_channel_affine(torch.tensor(x), torch.tensor(scale), torch.tensor(zero_point), axis, -128, 127)
    assert np.array_equal(params.dequantize(params.quantize(x)), want.numpy())


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_integers_are_those_of_pytorchs_quantised_tensors() -> None:
    """But for halves, which PyTorch rounds before or after it adds the zero point, by the place in the vector."""
    x = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    for scale, zero_point, name, limits in ((0.0123, 128, "quint8", (0, 255)), (0.1, -7, "qint8", (-128, 127))):
        want = torch.quantize_per_tensor(torch.tensor(x), scale, zero_point, getattr(torch, name)).int_repr().numpy()
        clear = np.abs(x / scale % 1 - 0.5) > 1e-4
        assert clear.mean() > 0.99
        assert np.array_equal(QParams(np.float32(scale), np.int32(zero_point), *limits).quantize(x)[clear], want[clear])


@given(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32), st.sampled_from(list(ours.qscheme)))
def test_scale_and_zero_point_hold_zero_and_the_range(a: float, b: float, scheme: Any) -> None:
    low, high = min(a, b), max(a, b)
    quant_min, quant_max = -128, 127
    params = QParams(*choose_qparams(low, high, quant_min, quant_max, scheme), quant_min, quant_max)
    ends = np.array([low, high, 0.0])
    assert params.dequantize(params.quantize(np.zeros(1))) == 0
    # the zero point is rounded, so an end can lie half a step outside, and is then off by up to a whole step
    assert (np.abs(params.dequantize(params.quantize(ends)) - ends) <= params.scale * 1.001).all()
    assert params.zero_point == 0 or not scheme.symmetric


def test_quantize_refuses() -> None:
    params = QParams(np.float32(1), np.int32(0), 0, 255)
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinity"):
            params.quantize(np.array([wrong]))
        with pytest.raises(ValueError, match="finite range"):
            choose_qparams(-1.0, wrong, 0, 255)
    with pytest.raises(TypeError, match="got Long"):
        params.quantize(np.array([1]))


def test_sqnr() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 100_000)
    for bits in (4, 8):  # a full-scale uniform signal has power max^2 / 3, its error resolution^2 / 12: 6.02 dB a bit
        q = QFormat(0, bits - 1)
        full = x * q.max
        assert abs(sqnr(full, q.dequantize(q.quantize(full))) - 20 * np.log10(2 * q.max / q.resolution)) < 0.1
    assert sqnr(np.zeros(2), np.ones(2)) == -np.inf


# ---- observers


def pair(name: str, dtype: tuple[str, Any, Any], scheme: str, **kwargs: Any) -> tuple[Any, Any]:
    kind, low, high = dtype
    limits = {} if low is None else {"quant_min": low, "quant_max": high}
    return (getattr(ours, name)(dtype=getattr(minidl, kind), qscheme=getattr(ours, scheme), **limits, **kwargs),
            getattr(theirs, name)(dtype=getattr(torch, "q" + kind.replace("uint", "uint")), qscheme=getattr(torch, scheme), **limits, **kwargs))


@pytest.mark.parametrize("name, options", [("MinMaxObserver", {}), ("MovingAverageMinMaxObserver", {"averaging_constant": 0.3}),
                                           ("PerChannelMinMaxObserver", {"ch_axis": 1}),
                                           ("MovingAveragePerChannelMinMaxObserver", {"ch_axis": 0, "averaging_constant": 0.3})])
@pytest.mark.parametrize("symmetric", [False, True])
@given(INT_DTYPES, st.lists(data(min_dims=2, max_dims=2, min_side=3, max_side=3), min_size=1, max_size=4))
def test_observers_equal_pytorch(name: str, options: dict[str, Any], symmetric: bool, dtype: Any, batches: list[np.ndarray]) -> None:
    scheme = f"per_{'channel' if 'ch_axis' in options else 'tensor'}_{'symmetric' if symmetric else 'affine'}"
    mine, other = pair(name, dtype, scheme, **options)
    for x in batches:
        t = minidl.tensor(x)
        assert mine(t) is t
        other(torch.tensor(x))
    for got, want in zip(mine.calculate_qparams(), other.calculate_qparams()):
        assert got.tolist() == want.tolist() and got.shape == want.shape
    assert mine.min_val.tolist() == other.min_val.tolist() and mine.max_val.tolist() == other.max_val.tolist()
    mine.reset_min_max_vals()
    assert not mine.observed


def test_observers_refuse() -> None:
    observer = ours.MinMaxObserver()
    with pytest.raises(RuntimeError, match="has seen no data"):
        observer.calculate_qparams()
    observer(minidl.zeros(0))
    assert not observer.observed
    for wrong in (float("nan"), float("-inf")):
        with pytest.raises(ValueError, match="NaN or infinity"):
            observer(minidl.tensor([1.0, wrong]))
    with pytest.raises(TypeError, match="got Int"):
        observer(minidl.ones(2, dtype=minidl.int32))
    with pytest.raises(ValueError, match="dtype among"):
        ours.MinMaxObserver(dtype=minidl.float32)
    with pytest.raises(ValueError, match="quant_min < quant_max"):
        ours.MinMaxObserver(quant_min=0, quant_max=300)
    with pytest.raises(ValueError, match="per tensor"):
        ours.MinMaxObserver(qscheme=ours.per_channel_affine)
    with pytest.raises(ValueError, match="per channel"):
        ours.PerChannelMinMaxObserver(qscheme=ours.per_tensor_affine)
    with pytest.raises(IndexError, match="dimension 2"):
        ours.PerChannelMinMaxObserver(2)(minidl.ones(3, 3))
    with pytest.raises(ValueError, match="percentile"):
        PercentileObserver(0)
    with pytest.raises(ValueError, match="candidate"):
        MSEObserver(0)


def test_the_channels_may_be_counted_from_the_end() -> None:
    x = minidl.tensor([[1.0, 4.0, 2.0], [-1.0, 0.0, 3.0]])
    last, named = ours.PerChannelMinMaxObserver(-1), ours.PerChannelMinMaxObserver(1)
    last(x), named(x)
    assert last.qparams().quantize(x).tolist() == named.qparams().quantize(x).tolist()


@given(st.lists(hnp.arrays(np.float32, 50, elements=st.floats(-300, 300, width=16)), min_size=1, max_size=4), st.sampled_from([60.0, 90.0, 99.9, 100.0]))
def test_percentiles_are_those_of_all_data(batches: list[np.ndarray], percentile: float) -> None:
    observer = PercentileObserver(percentile)
    for x in batches:
        observer(minidl.tensor(x))
    x = np.concatenate(batches)
    width = 2.0 * 2.0 ** int(observer.exponent) / 8192
    low, high = observer._limits()
    cut = (1 - percentile / 100) / 2 * x.size
    assert (x < low).sum() <= cut < (x < low + width).sum()  # what is cut off, and what would be by one bin more
    assert (x > high).sum() <= cut < (x >= high - width).sum()
    if percentile == 100:
        assert (low, high) == (x.min(), x.max())


@pytest.mark.parametrize("scheme", [ours.per_tensor_affine, ours.per_tensor_symmetric])
def test_mse_observer_finds_the_best_range(scheme: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.laplace(size=20_000).astype(np.float32)
    x[0] = 40

    def error(observer: Any) -> float:
        observer(minidl.tensor(x))
        params = observer.qparams()
        return float(((params.dequantize(params.quantize(x)) - x) ** 2).mean())

    best = error(MSEObserver(dtype=minidl.int8, quant_min=-8, quant_max=7, qscheme=scheme))
    assert best <= min(clipped_error(x, f, scheme) for f in np.arange(1, 101) / 100) * 1.001
    assert best < clipped_error(x, 1.0, scheme) / 3


def clipped_error(x: np.ndarray, fraction: float, scheme: Any) -> float:
    params = QParams(*choose_qparams(fraction * x.min(), fraction * x.max(), -8, 7, scheme), -8, 7)
    return float(((params.dequantize(params.quantize(x)) - x) ** 2).mean())


def test_histogram_does_not_depend_on_the_order_of_the_data() -> None:
    rng = np.random.default_rng(0)
    batches = [np.zeros(5, np.float32), *(rng.normal(size=1000).astype(np.float32) * 10.0 ** e for e in range(-3, 3))]
    first, second = PercentileObserver(99.0), PercentileObserver(99.0)
    for x in batches:
        first(minidl.tensor(x))
    second(minidl.tensor(np.concatenate(batches[::-1])))
    assert np.array_equal(first.counts.numpy(), second.counts.numpy()) and first._limits() == second._limits()
    first.reset_min_max_vals()
    assert not first.observed and not first.counts.numpy().any()


# ---- fake quantisation


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@given(st.data())
def test_fake_quantize_equals_pytorch(dtype: str, draw: Any) -> None:
    x = draw.draw(data(dtype, min_dims=1, max_dims=4))
    low, high = draw.draw(st.sampled_from([(0, 255), (-128, 127), (-8, 7)]))
    zero_point, scale = draw.draw(st.integers(low, high)), draw.draw(st.sampled_from([0.25, 0.1, 1 / 3]))
    per_tensor = scale, zero_point, low, high
    axis = draw.draw(st.integers(0, x.ndim - 1))
    scales = draw.draw(hnp.arrays(np.float32, x.shape[axis], elements=st.floats(0.0625, 1, width=32)))
    points = draw.draw(hnp.arrays(np.int32, x.shape[axis], elements=st.integers(low, high)))
    g = draw.draw(hnp.arrays(dtype, x.shape, elements=st.floats(-2, 2, width=16)))
    for name, args in (("fake_quantize_per_tensor_affine", lambda lib: per_tensor),
                       ("fake_quantize_per_tensor_affine", lambda lib: (lib.tensor(scale), lib.tensor(zero_point, dtype=lib.int32), low, high)),
                       ("fake_quantize_per_channel_affine", lambda lib: (lib.tensor(scales), lib.tensor(points), axis, low, high))):
        results = []
        for lib in (minidl, torch):
            t = lib.tensor(x, requires_grad=True)
            y = getattr(lib, name)(t, *args(lib))
            y.backward(lib.tensor(g))
            results.append((y.detach().numpy(), t.grad.numpy()))
        for got, want in zip(*results):
            assert np.array_equal(got, want) and got.dtype == want.dtype


def test_fake_quantize_of_what_is_no_number() -> None:
    x = np.array([np.nan, np.inf, -np.inf], np.float32)
    assert minidl.fake_quantize_per_tensor_affine(minidl.tensor(x), 1.0, 10, 0, 255).tolist() == \
        torch.fake_quantize_per_tensor_affine(torch.tensor(x), 1.0, 10, 0, 255).tolist() == [-10, 245, -10]


@pytest.mark.parametrize("call", [
    lambda lib, x, i: lib.fake_quantize_per_tensor_affine(x, 0.1, 300, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_tensor_affine(x, 0.1, 0, 255, 0),
    lambda lib, x, i: lib.fake_quantize_per_tensor_affine(x.int(), 0.1, 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_tensor_affine(x, lib.tensor([0.1, 0.2]), lib.tensor([0, 0], dtype=i), 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_tensor_affine(3.0, 0.1, 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0, 0]), 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2).double(), lib.tensor([0, 0], dtype=i), 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0, 0], dtype=i), 1, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0, 0], dtype=i), 2, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0, 0], dtype=i), -2, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0, 300], dtype=i), 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(2), lib.tensor([0], dtype=i), 0, 0, 255),
    lambda lib, x, i: lib.fake_quantize_per_channel_affine(x, lib.ones(1, 2), lib.tensor([[0, 0]], dtype=i), 0, 0, 255),
])
def test_fake_quantize_refuses_as_pytorch(call: Any) -> None:
    errors = []
    for lib in (minidl, torch):
        with pytest.raises((RuntimeError, TypeError, IndexError, NotImplementedError)) as caught:
            call(lib, lib.ones(2, 3), lib.int32)
        errors.append(caught.type)
    assert errors[0] is errors[1]


@pytest.mark.parametrize("channels", [False, True])
def test_fake_quantize_module_equals_pytorch(channels: bool) -> None:
    rng = np.random.default_rng(0)
    name = "MovingAveragePerChannelMinMaxObserver" if channels else "MovingAverageMinMaxObserver"
    more = {"ch_axis": 0} if channels else {}
    scheme = "per_channel_symmetric" if channels else "per_tensor_affine"
    mine = ours.FakeQuantize(getattr(ours, name), -128, 127, dtype=minidl.int8, qscheme=getattr(ours, scheme), **more)
    other = theirs.FakeQuantize(getattr(theirs, name), -128, 127, dtype=torch.qint8, qscheme=getattr(torch, scheme), **more)
    for step in range(6):
        x = rng.normal(size=(3, 5)).astype(np.float32) * (step + 1)
        if step == 3:
            mine.apply(ours.disable_observer), other.apply(theirs.disable_observer)
        if step == 4:
            mine.apply(ours.disable_fake_quant), other.apply(theirs.disable_fake_quant)
        if step == 5:
            for module, lib in ((mine, ours), (other, theirs)):
                module.apply(lib.enable_observer)
                module.apply(lib.enable_fake_quant)
        a, b = minidl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, z = mine(a), other(b)
        (y * y).sum().backward()
        (z * z).sum().backward()
        assert np.array_equal(y.detach().numpy(), z.detach().numpy()) and np.allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-6, atol=0)
        assert mine.scale.tolist() == other.scale.tolist() and mine.zero_point.tolist() == other.zero_point.tolist()
    fresh = ours.FakeQuantize(getattr(ours, name), -128, 127, dtype=minidl.int8, qscheme=getattr(ours, scheme), **more)
    fresh.load_state_dict(mine.state_dict())
    assert fresh.qparams().scale.tolist() == mine.qparams().scale.tolist()
    with pytest.raises(RuntimeError, match="no data"):
        ours.FakeQuantize().qparams()
