"""`nn.init` and `nn.utils` against PyTorch: the same calls on both sides, with the same random stream."""

from __future__ import annotations

import copy
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

SIDES = (minidl, torch)


def values(result: Any) -> Any:
    if isinstance(result, (minidl.Tensor, torch.Tensor)):
        return result.detach().numpy().copy()
    if isinstance(result, (list, tuple)):
        return [values(r) for r in result]
    if isinstance(result, dict):
        return {k: values(v) for k, v in result.items()}
    return result


def assert_equal(have: Any, want: Any, rtol: float) -> None:
    assert type(have) is type(want)
    if isinstance(want, dict):
        assert list(have) == list(want)
        have, want = list(have.values()), list(want.values())
    if isinstance(want, list):
        assert len(have) == len(want)
        for h, w in zip(have, want):
            assert_equal(h, w, rtol)
    elif isinstance(want, np.ndarray):
        assert have.dtype == want.dtype
        scale = max(1.0, np.abs(want).max(initial=0)) if want.dtype.kind == "f" else 0
        np.testing.assert_allclose(have, want, rtol=rtol, atol=scale * (1e-6 if want.dtype == np.float32 else 1e-12))
    else:
        assert have == want


def same(run: Any, rtol: float = 2e-6) -> None:
    """Equal values, or exceptions of the same type; the default tolerance is that of normal samples, equal to the last
    digit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(5)
        minidl.manual_seed(5)
        try:
            want = values(run(torch))
        except Exception as error:  # noqa: BLE001
            with pytest.raises(type(error)):
                run(minidl)
        else:
            assert_equal(values(run(minidl)), want, rtol)


# ---- init

INIT = ["uniform_({})", "uniform_({}, -2, 3)", "normal_({})", "normal_({}, 1.0, 0.1)", "trunc_normal_({})",
        "trunc_normal_({}, std=0.02)", "trunc_normal_({}, 3.0, 1.0, 2.5, 9.0)", "trunc_normal_({}, 0.0, 1.0, 2.0, 4.0)",
        "trunc_normal_({}, 0.0, 1.0, -0.1, 0.1)", "constant_({}, 0.5)", "ones_({})", "zeros_({})",
        "xavier_uniform_({})", "xavier_uniform_({}, gain=2.0)", "xavier_normal_({})", "kaiming_uniform_({})",
        "kaiming_uniform_({}, a=0.5, mode='fan_out')", "kaiming_normal_({}, nonlinearity='relu')", "orthogonal_({})",
        "orthogonal_({}, gain=3.0)"]


@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (4, 2, 3, 3), (30, 40)], ids=str)
@pytest.mark.parametrize("call", INIT)
def test_initial_values(call: str, shape: tuple[int, ...]) -> None:
    def run(T: ModuleType) -> Any:
        t = T.nn.Parameter(T.zeros(*shape))
        result = eval("init." + call.format("t"), {"init": T.nn.init, "t": t})
        return t, result is t, T.rand(2)

    same(run, rtol=1e-3 if "orthogonal" in call else 2e-6)  # orthogonal: float32 QR of another LAPACK


def test_structured_values() -> None:
    same(lambda T: [T.nn.init.eye_(T.ones(3, 4)), T.nn.init.dirac_(T.ones(4, 2, 3)),
                    T.nn.init.dirac_(T.ones(4, 2, 3, 3), groups=2), T.nn.init.dirac_(T.ones(2, 3, 2, 3, 4)),
                    T.nn.init.sparse_(T.ones(6, 4), 0.3), T.rand(1)])


def test_gains() -> None:
    names = ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")
    same(lambda T: [T.nn.init.calculate_gain(name) for name in names]
         + [T.nn.init.calculate_gain("leaky_relu", 0.3)])


@pytest.mark.parametrize("call", ["calculate_gain('none')", "calculate_gain('leaky_relu', True)", "eye_(T.ones(2))",
                                  "dirac_(T.ones(2, 2))", "dirac_(T.ones(3, 2, 2), 2)", "xavier_uniform_(T.ones(3))",
                                  "kaiming_normal_(T.ones(2, 2), mode='x')", "orthogonal_(T.ones(3))",
                                  "sparse_(T.ones(3), 0.1)"])
def test_init_refuses_what_pytorch_refuses(call: str) -> None:
    for T in SIDES:
        with pytest.raises(ValueError):
            eval(f"T.nn.init.{call}", {"T": T})


def test_deprecated_names_warn() -> None:
    with pytest.warns(FutureWarning, match="`nn.init.ones` is now deprecated|`nn.init.uniform` is now deprecated"):
        minidl.nn.init.uniform(minidl.zeros(2))
    with pytest.warns(UserWarning, match="zero-element"):
        minidl.nn.init.kaiming_uniform_(minidl.zeros(0, 2))


# ---- gradients and vectors


def with_gradients(T: ModuleType) -> list[Any]:
    parameters = [T.nn.Parameter(T.zeros(*shape)) for shape in ((2, 3), (4,), (1,), (2,))]
    rng = np.random.default_rng(0)
    for p in parameters[:3]:
        p.grad = T.tensor(rng.standard_normal(tuple(p.shape)).astype(np.float32))
    return parameters


@pytest.mark.parametrize("norm", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping_by_norm(norm: float, limit: float) -> None:
    def run(T: ModuleType) -> Any:
        parameters = with_gradients(T)
        total = T.nn.utils.clip_grad_norm_(iter(parameters), limit, norm)
        grads = [p.grad for p in parameters[:3]]
        return total, grads, T.nn.utils.get_total_norm(grads, norm)

    same(run)


def test_clipping_by_value_and_at_the_edges() -> None:
    def run(T: ModuleType) -> Any:
        parameters = with_gradients(T)
        T.nn.utils.clip_grad_value_(parameters, 0.3)
        alone = with_gradients(T)[0]
        return ([p.grad for p in parameters[:3]], T.nn.utils.clip_grad_norm_([], 1.0),
                T.nn.utils.clip_grad_norm_(alone, 0.1), alone.grad)

    same(run)

    def bad(T: ModuleType) -> Any:
        parameters = with_gradients(T)
        parameters[0].grad[0, 0] = float("nan")
        T.nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)

    same(bad)
    with pytest.raises(RuntimeError, match="non-finite"):
        bad(minidl)


def test_parameters_as_a_vector() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.Linear(3, 1))
        vector = T.nn.utils.parameters_to_vector(net.parameters())
        vector.sum().backward()
        T.nn.utils.vector_to_parameters(vector * 2, net.parameters())
        return vector, list(net.parameters()), [p.grad for p in net.parameters()]

    same(run)
    same(lambda T: T.nn.utils.vector_to_parameters([1], []))


# ---- normalised weights


@pytest.mark.parametrize("layer", ["Linear(3, 4)", "Conv2d(2, 3, 2)", "ConvTranspose1d(2, 3, 2)", "LSTM(3, 2)"])
@pytest.mark.parametrize("how", ["utils.weight_norm", "utils.weight_norm dim=None", "utils.weight_norm dim=1",
                                 "utils.spectral_norm", "utils.parametrizations.weight_norm",
                                 "utils.parametrizations.weight_norm dim=None", "utils.parametrizations.spectral_norm",
                                 "utils.parametrizations.spectral_norm n_power_iterations=3"])
def test_normalised_weights(layer: str, how: str) -> None:
    path, _, option = how.partition(" ")
    shape = {"Linear": (5, 3), "Conv2d": (1, 2, 3, 3), "ConvTranspose1d": (1, 2, 3),
             "LSTM": (4, 1, 3)}[layer.partition("(")[0]]

    def run(T: ModuleType) -> Any:
        name = "weight_hh_l0" if "LSTM" in layer else "weight"
        module = eval(f"nn.{path}(nn.{layer}, '{name}'{', ' + option if option else ''})", {"nn": T.nn})
        module.double() if "parametrizations" in path or "weight_norm" in path else module
        x = T.tensor(np.random.default_rng(1).standard_normal(shape)).to(next(module.parameters()).dtype)
        facts = []
        for training in (True, False):
            module.train(training)
            for _ in range(2):
                y = module(x)
                y = y[0] if isinstance(y, tuple) else y
                (y * y).sum().backward()
            facts.append([y, {k: p.grad for k, p in module.named_parameters()}, dict(module.state_dict())])
        # PyTorch can't copy that one
        twin = copy.deepcopy(module) if "parametrizations" in path and "LSTM" not in layer else module
        if "parametrizations" in path:
            T.nn.utils.parametrize.remove_parametrizations(twin, name)
        else:
            getattr(T.nn.utils, f"remove_{path.split('.')[-1]}")(twin, name)
        facts.append([dict(twin.state_dict()), len(twin._forward_pre_hooks), type(twin).__name__, repr(twin)])
        return facts

    same(run, rtol=2e-4)


def test_normalisation_that_cannot_be() -> None:
    u = "utils."
    for call in (f"{u}weight_norm(nn.{u}weight_norm(nn.Linear(2, 2)))",
                 f"{u}spectral_norm(nn.{u}spectral_norm(nn.Linear(2, 2)))", f"{u}remove_weight_norm(nn.Linear(2, 2))",
                 f"{u}remove_spectral_norm(nn.Linear(2, 2))", f"{u}weight_norm(nn.LazyLinear(2))",
                 f"{u}spectral_norm(nn.LazyLinear(2))", f"{u}spectral_norm(nn.Linear(2, 2), n_power_iterations=0)",
                 f"{u}parametrizations.spectral_norm(nn.Linear(2, 2), 'none')",
                 f"{u}parametrizations.spectral_norm(nn.Linear(2, 2), dim=5)",
                 f"{u}parametrize.remove_parametrizations(nn.Linear(2, 2), 'weight')"):
        def run(T: ModuleType, call: str = call) -> Any:
            eval(f"nn.{call}", {"nn": T.nn})

        same(run)
        with pytest.raises((ValueError, RuntimeError, IndexError)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(minidl)


def test_parametrisations_of_ones_own() -> None:
    def run(T: ModuleType) -> Any:
        P = T.nn.utils.parametrize

        class Symmetric(T.nn.Module):  # type: ignore[name-defined]
            def forward(self, x: Any) -> Any:
                return x.triu() + x.triu(1).transpose(-1, -2)

            def right_inverse(self, x: Any) -> Any:
                return x.triu()

        class Double(T.nn.Module):  # type: ignore[name-defined]
            def forward(self, x: Any) -> Any:
                return 2 * x

        class Wider(T.nn.Module):  # type: ignore[name-defined]
            def forward(self, x: Any) -> Any:
                return x.double()

        layer = T.nn.Linear(3, 3)
        P.register_parametrization(layer, "weight", Symmetric())
        facts: list[Any] = [layer.weight, repr(layer), list(layer.state_dict()), P.is_parametrized(layer),
                            P.is_parametrized(layer, "bias"), P.type_before_parametrizations(layer) is T.nn.Linear]
        with T.no_grad():
            layer.weight = T.ones(3, 3)
        facts += [layer.weight, layer.parametrizations.weight.original]
        layer(T.ones(1, 3)).sum().backward()
        facts += [layer.parametrizations.weight.original.grad]
        P.register_parametrization(layer, "weight", Double())
        with P.cached():
            facts.append(layer.weight is layer.weight)
        facts += [layer.weight, layer.weight is layer.weight, list(copy.deepcopy(layer).state_dict())]
        for wrong in (lambda: setattr(layer, "weight", T.ones(3, 3)),
                      lambda: P.register_parametrization(layer, "bias", Wider()),
                      lambda: P.register_parametrization(layer, "none", Double()), lambda: layer.__getstate__()):
            try:
                wrong()
            except Exception as error:  # noqa: BLE001
                facts.append(type(error).__name__)
        P.remove_parametrizations(layer, "weight", leave_parametrized=False)
        return [*facts, layer.weight, repr(layer)]

    same(run)


def test_parametrised_weight_norm_loads_the_older_state() -> None:
    def run(T: ModuleType) -> Any:
        old = T.nn.utils.weight_norm(T.nn.Linear(2, 3))
        new = T.nn.utils.parametrizations.weight_norm(T.nn.Linear(2, 3))
        return str(new.load_state_dict(old.state_dict())), new.weight, old.weight

    same(run)


# ---- fusion, initialisation skipped, calls with other parameters


@pytest.mark.parametrize("layer, norm, shape",
                         [("Conv1d(2, 3, 2)", "BatchNorm1d(3)", (2, 2, 5)),
                          ("Conv2d(2, 4, 3, bias=False, groups=2)", "BatchNorm2d(4, affine=False)", (2, 2, 5, 5)),
                          ("ConvTranspose2d(2, 3, 2)", "BatchNorm2d(3)", (2, 2, 3, 3)),
                          ("Linear(2, 3)", "BatchNorm1d(3)", (4, 2))])
def test_fusion_with_batch_norm(layer: str, norm: str, shape: tuple[int, ...]) -> None:
    def run(T: ModuleType) -> Any:
        a, b = (eval(f"nn.{text}", {"nn": T.nn}).double() for text in (layer, norm))
        x = T.tensor(np.random.default_rng(0).standard_normal(shape))
        for _ in range(3):
            b(a(x))
        a, b = a.eval(), b.eval()
        fused = (T.nn.utils.fuse_linear_bn_eval(a, b) if "Linear" in layer
                 else T.nn.utils.fuse_conv_bn_eval(a, b, transpose="Transpose" in layer))
        np.testing.assert_allclose(values(fused(x)), values(b(a(x))), rtol=1e-9)
        return fused.weight, fused.bias, fused.weight.requires_grad

    same(run)
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        minidl.nn.utils.fuse_conv_bn_eval(minidl.nn.Conv1d(1, 1, 1), minidl.nn.BatchNorm1d(1))


def test_skip_init_draws_nothing() -> None:
    same(lambda T: [T.nn.utils.skip_init(T.nn.Linear, 3, 4, bias=False).weight.shape == (4, 3), T.rand(2)])


def test_calls_with_other_parameters() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.BatchNorm1d(3))
        net.add_module("tied", net[0])
        x = T.tensor([[1.0, 2], [3, -1], [0, 4], [2, 2]])
        weight = T.full((3, 2), 2.0, requires_grad=True)
        net.tied = T.nn.Identity()
        call = T.nn.utils.stateless.functional_call
        y = call(net, {"0.weight": weight, "1.running_mean": T.ones(3)}, (x,))
        (y * T.arange(12.0).reshape(4, 3)).sum().backward()
        return y, weight.grad.shape == (3, 2), net[0].weight, net[0].weight.grad is None, net[1].running_mean

    same(run)
    for names in ({"0.weigth"}, set()):
        def strict(T: ModuleType, names: Any = names) -> Any:
            call = T.nn.utils.stateless.functional_call
            call(T.nn.Sequential(T.nn.Linear(1, 1)), dict.fromkeys(names, T.ones(1, 1)), T.ones(1, 1), strict=True)

        same(strict)


# ---- sequences


def sequences(T: ModuleType, lengths: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(2)
    return [T.tensor(rng.standard_normal((n, 3)), requires_grad=True) for n in lengths]


@pytest.mark.parametrize("lengths", [(4, 3, 3, 1), (2, 5, 1), (1,)], ids=str)
def test_packing_and_padding(lengths: tuple[int, ...]) -> None:
    def run(T: ModuleType) -> Any:
        R = T.nn.utils.rnn
        items = sequences(T, lengths)
        packed = R.pack_sequence(items, enforce_sorted=False)
        facts: list[Any] = [list(packed)]
        for first in (True, False):
            padded = R.pad_sequence(items, batch_first=first, padding_value=7.0)
            facts += [padded, R.pad_sequence(items, batch_first=first, padding_side="left")]
            again = R.pack_padded_sequence(padded, T.tensor(lengths), batch_first=first, enforce_sorted=False)
            facts += [list(again), R.pad_packed_sequence(again, batch_first=first, padding_value=-1.0),
                      R.pad_packed_sequence(again, batch_first=first, total_length=6)]
        (packed.data * packed.data).sum().backward()
        return [*facts, R.unpack_sequence(packed),
                R.unpad_sequence(R.pad_sequence(items, batch_first=True), T.tensor(lengths), True),
                [x.grad for x in items], packed.to(T.float32).data, packed.double().data]

    same(run)


def test_packing_refuses_what_pytorch_refuses() -> None:
    def run(T: ModuleType, case: int) -> Any:
        R = T.nn.utils.rnn
        x = T.ones(3, 2, 1)
        return (lambda: R.pack_padded_sequence(x, [2, 3]), lambda: R.pack_padded_sequence(x, [2, 0]),
                lambda: R.pack_padded_sequence(x, [2]),
                lambda: R.pad_packed_sequence(R.pack_padded_sequence(x, [3, 2]), total_length=2),
                lambda: R.pad_sequence(3), lambda: R.pad_sequence([x], padding_side="up"))[case]()

    for case in range(6):
        same(lambda T, case=case: run(T, case))
        with pytest.raises((RuntimeError, ValueError)):
            run(minidl, case)


@pytest.mark.parametrize("layer",
                         ["RNN(3, 4)", "RNN(3, 4, 2, 'relu', bidirectional=True)", "LSTM(3, 4, 2, bidirectional=True)",
                          "LSTM(3, 4, proj_size=2)", "GRU(3, 4, 2, bidirectional=True)", "GRU(3, 4, bias=False)"])
@pytest.mark.parametrize("lengths", [(4, 3, 3, 1), (2, 5, 1)], ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
def test_recurrent_layers_on_packed_sequences(layer: str, lengths: tuple[int, ...], given: bool) -> None:
    def run(T: ModuleType) -> Any:
        net = eval(f"nn.{layer}", {"nn": T.nn}).double()
        items = sequences(T, lengths)
        packed = T.nn.utils.rnn.pack_sequence(items, enforce_sorted=False)
        rows = net.num_layers * (1 + net.bidirectional)
        state = [T.tensor(np.random.default_rng(4).standard_normal((rows, len(lengths), size)), requires_grad=True)
                 for size in (net.proj_size or 4, 4)[:1 + ("LSTM" in layer)]]
        out, last = net(packed, (tuple(state) if "LSTM" in layer else state[0]) if given else None)
        last = last if isinstance(last, tuple) else (last,)
        total = (out.data * out.data).sum() + sum((s * s * s).sum() for s in last)
        total.backward()
        return [list(out), list(last), [x.grad for x in items], [p.grad for p in net.parameters()],
                [s.grad for s in state] if given else 0]

    same(run, rtol=1e-9)


@pytest.mark.parametrize("call", [
    "RNN(3, 4)(T.ones(3))", "LSTM(3, 4)(T.ones(2, 2, 2))", "GRU(3, 4)(T.ones(2, 3), T.ones(1, 2, 4))",
    "LSTM(3, 4)(T.ones(2, 1, 3), (T.ones(1, 2, 4),) * 2)", "LSTM(3, 4)(T.ones(2, 3), (T.ones(1, 2, 4),) * 2)",
    "RNN(3, 4)(T.ones(2, 3, dtype=T.float64))", "RNNCell(3, 4)(T.ones(2, 2, 3))", "GRUCell(3, 4)(T.ones(2, 2))",
    "LSTMCell(3, 4)(T.ones(2, 3), (T.ones(3, 4),) * 2)", "GRUCell(3, 4)(T.ones(2, 3), T.ones(2, 5))",
    "RNNCell(3, 4, nonlinearity='x')(T.ones(2, 3))"])
def test_recurrent_layers_refuse_what_pytorch_refuses(call: str) -> None:
    same(lambda T: eval(f"T.nn.{call}", {"T": T}))
    with pytest.raises((ValueError, RuntimeError)):
        eval(f"T.nn.{call}", {"T": minidl})
