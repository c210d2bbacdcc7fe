"""Hooks of modules, against PyTorch: every event of a run is logged on both sides, and the logs must be equal.

A log line has the hook's name, the module, and what the hook was given: shapes, sums, and None where there is no
gradient.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import minidl

SIDES = (minidl, torch)


def seen(value: Any) -> Any:
    """A value in a form that both sides share."""
    if isinstance(value, (minidl.Tensor, torch.Tensor)):
        array = value.detach().numpy()
        return "tensor", array.shape, round(float(array.sum()), 6), value.requires_grad
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [seen(v) for v in value]
    if isinstance(value, dict):
        return {k: seen(v) for k, v in value.items()}
    return value


def both(run: Any) -> None:
    """Runs on both sides with the same random stream; logs, results and warnings' kinds must agree."""
    logs = []
    for T in SIDES:
        T.manual_seed(0)
        log: list[Any] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                log.append(("result", seen(run(T, log))))
            except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, KeyError) as error:
                log.append(("error", type(error).__name__))
        log.append(sorted((w.category.__name__, str(w.message).split(".")[0]) for w in caught
                          if "docs.pytorch" not in str(w.message) and "inputs require gradients" not in str(w.message)))
        log.append(sum("inputs require gradients" in str(w.message) for w in caught))
        logs.append(log)
    assert logs[0] == logs[1]


def logging(log: list[Any], name: str) -> Any:
    def hook(module: Any, *args: Any) -> None:
        log.append((name, type(module).__name__, getattr(module, "tag", ""), [seen(a) for a in args]))

    return hook


def leaf(T: ModuleType, *shape: int, requires_grad: bool = True) -> Any:
    values = np.arange(1.0, 1 + int(np.prod(shape)), dtype=np.float64).reshape(shape)
    return T.tensor(values, requires_grad=requires_grad)


def two_in_two_out(T: ModuleType) -> Any:
    class Cross(T.nn.Module):  # type: ignore[name-defined]
        def forward(self, a: Any, b: Any = None, *, scale: float = 1.0) -> Any:
            b = a if b is None else b
            return a * b * scale, a + 2 * b

    return Cross()


KINDS = ("forward_pre", "forward", "full_backward_pre", "full_backward")


@st.composite
def plans(draw: Any) -> dict[str, Any]:
    """A network of a few layers, who needs gradients, and hooks on it in some order."""
    depth = draw(st.integers(1, 4))
    layers = [draw(st.sampled_from(("linear", "relu", "tanh", "sequence", "rms", "bilinear", "lstm", "gru", "cell"))) for _ in range(depth)]
    hooks = draw(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-1, depth), st.booleans()), max_size=8))
    return {"layers": layers, "hooks": hooks, "input": draw(st.booleans()), "frozen": draw(st.integers(-1, depth - 1)),
            "global": draw(st.lists(st.sampled_from(KINDS), max_size=2)), "twice": draw(st.booleans()),
            "tensor_hooks": draw(st.booleans()), "no_grad": draw(st.booleans()),
            "shape": draw(st.sampled_from(((), (2,), (2, 2)))), "bias": draw(st.booleans())}


def on_rows(T: ModuleType, layer: Any, inputs: int = 1) -> Any:
    """A module that gives its input's rows to a layer, as often as that takes inputs, and returns the first output."""
    class Rows(T.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            y = self.layer(*[x.reshape(-1, 3)] * inputs)
            return (y[0] if isinstance(y, tuple) else y).tanh().reshape(x.shape)  # tanh: sums that can be compared

    return Rows()


def build(T: ModuleType, plan: dict[str, Any]) -> Any:
    make = {"linear": lambda: T.nn.Linear(3, 3, plan["bias"]), "relu": T.nn.ReLU, "tanh": T.nn.Tanh,
            "sequence": lambda: T.nn.Sequential(T.nn.Tanh(), T.nn.Linear(3, 3)), "rms": lambda: T.nn.RMSNorm(3),
            "bilinear": lambda: on_rows(T, T.nn.Bilinear(3, 3, 3, plan["bias"]), 2), "lstm": lambda: on_rows(T, T.nn.LSTM(3, 3, bias=plan["bias"])),
            "gru": lambda: on_rows(T, T.nn.GRU(3, 3)), "cell": lambda: on_rows(T, T.nn.RNNCell(3, 3, plan["bias"]))}
    net = T.nn.Sequential(*[make[layer]() for layer in plan["layers"]]).double()
    for i, module in enumerate(net.modules()):
        module.tag = i
    if plan["frozen"] >= 0:
        net[plan["frozen"]].requires_grad_(False)
    return net


@given(plans())
def test_order_of_events_in_random_networks(plan: dict[str, Any]) -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = build(T, plan)
        modules = list(net.modules())
        for number, (kind, where, prepend) in enumerate(plan["hooks"]):
            module = modules[min(where + 1, len(modules) - 1)]
            getattr(module, f"register_{kind}_hook")(logging(log, f"{kind} {number}"), prepend=prepend)
        handles = [getattr(T.nn.modules.module, f"register_module_{kind}_hook")(logging(log, f"global {kind}"))
                   for kind in plan["global"]]
        try:
            x = leaf(T, *plan["shape"], 3, requires_grad=plan["input"])
            if plan["tensor_hooks"]:
                for name, p in net.named_parameters():
                    if p.requires_grad:
                        p.register_hook(lambda g, name=name: log.append(("parameter", name, seen(g))))
                        p.register_post_accumulate_grad_hook(
                            lambda p, name=name: log.append(("accumulated", name, seen(p.grad))))
                if plan["input"]:
                    x.register_hook(lambda g: log.append(("input", seen(g))))
            if plan["no_grad"]:
                with T.no_grad():
                    return net(x)
            y = net(x)
            if plan["twice"]:
                y = y + net(x)
            if y.requires_grad:
                y.sum().backward()
            return [None if p.grad is None else p.grad for p in net.parameters()] + [x.grad]
        finally:
            for handle in handles:
                handle.remove()

    both(run)


LAYERS: dict[str, Any] = {  # shapes of the inputs; a tuple of them is one input, such as the (h, c) of an LSTM
    "Conv1d(2, 3, 3)": [(2, 2, 8)], "Conv2d(2, 3, 3)": [(2, 2, 8, 8)], "ConvTranspose2d(2, 3, 3)": [(2, 2, 8, 8)],
    "BatchNorm1d(3)": [(4, 3)], "BatchNorm2d(3)": [(4, 3, 4, 4)], "BatchNorm1d(3).eval()": [(4, 3)], "LayerNorm(3)": [(4, 3)],
    "GroupNorm(2, 4)": [(4, 4, 3)], "RMSNorm((2, 3))": [(4, 2, 3)], "InstanceNorm1d(3, affine=True)": [(4, 3, 5)], "PReLU(3)": [(4, 3)],
    "InstanceNorm1d(3, affine=True, track_running_stats=True).eval()": [(3, 5)], "Linear(3, 2)": [(5, 4, 3)],
    "Bilinear(3, 2, 4)": [(5, 3), (5, 2)], "Bilinear(3, 2, 4, bias=False)": [(6, 5, 3), (6, 5, 2)],
    "RNN(3, 2, 2)": [(5, 4, 3), (2, 4, 2)], "RNN(3, 2, bias=False, nonlinearity='relu')": [(5, 4, 3), (1, 4, 2)],
    "GRU(3, 2)": [(5, 4, 3)], "GRU(3, 2, 2, bidirectional=True)": [(5, 4, 3), (4, 4, 2)], "GRU(3, 2, bias=False)": [(5, 3), (1, 2)],
    "LSTM(3, 2)": [(5, 4, 3)], "LSTM(3, 2, 2, batch_first=True)": [(5, 4, 3), ((2, 5, 2), (2, 5, 2))],
    "LSTM(3, 2, proj_size=1)": [(5, 4, 3), ((1, 4, 1), (1, 4, 2))], "LSTM(3, 2, bias=False)": [(5, 4, 3), ((1, 4, 2), (1, 4, 2))],
    "RNNCell(3, 2)": [(4, 3), (4, 2)], "RNNCell(3, 2, bias=False)": [(3,), (2,)], "GRUCell(3, 2)": [(4, 3), (4, 2)], "GRUCell(3, 2, bias=False)": [(3,)],
    "LSTMCell(3, 2)": [(4, 3), ((4, 2), (4, 2))], "LSTMCell(3, 2, bias=False)": [(3,), ((2,), (2,))],
    "TransformerEncoderLayer(4, 2, 8, dropout=0.0)": [(5, 2, 4)], "TransformerDecoderLayer(4, 2, 8, dropout=0.0)": [(5, 2, 4), (3, 2, 4)],
    "TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, norm_first=True)": [(5, 2, 4)],
    "MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True)": [(5, 2, 4), (6, 2, 3), (6, 2, 2)],
    "CosineSimilarity()": [(4, 3), (4, 3)], "PairwiseDistance()": [(4, 3), (4, 3)], "KLDivLoss(log_target=True)": [(4, 3), (4, 3)],
    "KLDivLoss()": [(4, 3), (4, 3)], "TripletMarginLoss()": [(4, 3), (4, 3), (4, 3)], "MarginRankingLoss()": [(4,), (4,), (4,)],
    "CosineEmbeddingLoss()": [(4, 3), (4, 3), (4,)]}


@pytest.mark.parametrize("layer", LAYERS)
@given(st.integers(0, 2 ** 12 - 1))
@example(0)
def test_gradients_reach_leaves_in_pytorchs_order(layer: str, frozen: int) -> None:
    """Hooks of parameters and inputs, each frozen if its bit says so. In float64, where PyTorch has no fused LSTM."""
    logs: list[list[str]] = []
    for T in SIDES:
        net, inputs, log = eval(f"nn.{layer}", {"nn": T.nn}).double(), [], []

        def given_input(shape: Any, T: ModuleType = T, inputs: list[Any] = inputs) -> Any:
            if isinstance(shape[0], tuple):
                return tuple(map(given_input, shape))
            inputs.append((leaf(T, *shape) / (2 * np.prod(shape))).detach().requires_grad_())
            return inputs[-1]

        arguments = [given_input(shape) for shape in LAYERS[layer]]
        named = [*net.named_parameters(), *((f"input {i}", x) for i, x in enumerate(inputs))]
        for bit, (name, p) in enumerate(named):
            if frozen >> bit & 1:
                p.requires_grad_(False)
                continue
            p.register_hook(lambda g, name=name, log=log: log.append(name))
            p.register_post_accumulate_grad_hook(lambda p, name=name, log=log: log.append(f"{name} accumulated"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = flat(net(*arguments))
        total = sum((y * y).sum() for y in parts if y.requires_grad)
        if not isinstance(total, int):
            total.backward()
        logs.append(log)
    assert logs[0] == logs[1]
    assert frozen or len(logs[0]) >= 4


def flat(value: Any) -> list[Any]:
    return [t for v in value for t in flat(v)] if isinstance(value, tuple) else [value]


def test_several_inputs_and_outputs() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = two_in_two_out(T)
        net.register_full_backward_pre_hook(logging(log, "pre"))
        net.register_full_backward_hook(logging(log, "full"))
        a, b = leaf(T, 2), leaf(T, 2)
        p, q = net(a, b)
        p.sum().backward(retain_graph=True)  # q unused
        q.sum().backward(retain_graph=True)
        (p * q).sum().backward()
        return a.grad, b.grad, [type(t.grad_fn).__name__ for t in (p, q)]

    both(run)


def test_inputs_that_need_no_gradient() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = two_in_two_out(T)
        net.register_full_backward_pre_hook(logging(log, "pre"))
        net.register_full_backward_hook(logging(log, "full"))
        a, b = leaf(T, 2, requires_grad=False), leaf(T, 2)
        p, q = net(a, b, scale=2.0)
        (p + q).sum().backward()
        p, q = net(leaf(T, 2, requires_grad=False))
        return b.grad, p.requires_grad

    both(run)


def test_inputs_and_outputs_that_are_not_differentiable() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        class Net(T.nn.Module):  # type: ignore[name-defined]
            def forward(self, number: int, index: Any, unused: Any, x: Any) -> Any:
                return index, x * number, (x * 3).detach()

        net = Net()
        net.register_full_backward_pre_hook(logging(log, "pre"))
        net.register_full_backward_hook(logging(log, "full"))
        unused, x = leaf(T, 3), leaf(T, 3)
        out = net(2, T.tensor([0, 1, 2]), unused, x)
        out[1].sum().backward()
        return unused.grad, x.grad, out

    both(run)


def test_no_input_needs_a_gradient() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Linear(3, 2).double()
        net.register_full_backward_pre_hook(logging(log, "pre"))
        net.register_full_backward_hook(logging(log, "full"))
        net(leaf(T, 1, 3, requires_grad=False)).sum().backward()
        net.register_full_backward_hook(lambda m, gi, go: (go[0],))
        net(leaf(T, 1, 3, requires_grad=False)).sum().backward()

    both(run)


def test_replacing_gradients() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.Linear(3, 3)).double()
        net[1].register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
        net[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
        net[1].register_full_backward_hook(logging(log, "after replacement"))
        net[0].register_full_backward_hook(logging(log, "below"))
        x = leaf(T, 1, 3)
        net(x).sum().backward()
        return x.grad, [p.grad for p in net.parameters()]

    both(run)


def test_replacements_of_a_wrong_number_are_refused() -> None:
    def run(T: ModuleType, log: list[Any], kind: str = "") -> Any:
        net = T.nn.Linear(3, 3).double()
        getattr(net, f"register_full_backward{kind}_hook")(lambda m, *g: (g[0][0], g[0][0]))
        net(leaf(T, 1, 3)).sum().backward()

    both(run)
    both(lambda T, log: run(T, log, "_pre"))


def test_double_backward_through_hooks() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.Tanh(), T.nn.Linear(3, 1)).double()
        for module in net:
            module.register_full_backward_hook(logging(log, "full"))
        x = leaf(T, 1, 3)
        (g,) = T.autograd.grad(net(x).sum(), x, create_graph=True)
        log.append("second")
        (g * g).sum().backward()
        return [p.grad for p in net.parameters()]

    both(run)


def test_autograd_grad_of_some_inputs() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = two_in_two_out(T)
        net.register_full_backward_hook(logging(log, "full"))
        a, b = leaf(T, 2), leaf(T, 2)
        p, q = net(a, b)
        return T.autograd.grad((p + q).sum(), b)

    both(run)


def test_forward_hooks_change_arguments_and_result() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = two_in_two_out(T)
        net.register_forward_pre_hook(logging(log, "last"))
        net.register_forward_pre_hook(lambda m, args: args[0] * 2, prepend=True)
        net.register_forward_pre_hook(lambda m, args, kwargs: (args, kwargs | {"scale": 3.0}), with_kwargs=True)
        net.register_forward_pre_hook(logging(log, "with kwargs"), with_kwargs=True)
        net.register_forward_hook(logging(log, "forward"))
        net.register_forward_hook(lambda m, args, kwargs, out: out[0] * kwargs["scale"], with_kwargs=True, prepend=True)
        net.register_forward_hook(logging(log, "with kwargs"), with_kwargs=True)
        return net(leaf(T, 2))

    both(run)


def test_pre_hook_with_kwargs_must_return_a_pair() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = two_in_two_out(T)
        net.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
        return net(leaf(T, 2))

    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\)"):
        run(minidl, [])
    both(lambda T, log: run(T, log))


def test_always_call_after_an_exception() -> None:
    def run(T: ModuleType, log: list[Any], where: str) -> Any:
        net = T.nn.Linear(3, 2).double()

        def fail(*args: Any) -> None:
            raise ValueError("no")

        if where == "forward":
            net.forward = fail
        elif where == "pre":
            net.register_forward_pre_hook(fail)
        else:
            net.register_forward_hook(fail)
        net.register_forward_hook(logging(log, "not called"))
        net.register_forward_hook(logging(log, "called"), always_call=True)
        net.register_forward_hook(fail, always_call=True)
        net.register_forward_hook(logging(log, "kwargs"), always_call=True, with_kwargs=True)
        handle = T.nn.modules.module.register_module_forward_hook(logging(log, "global"), always_call=True)
        try:
            return net(leaf(T, 1, 3))
        finally:
            handle.remove()

    for where in ("forward", "pre", "hook"):
        both(lambda T, log, where=where: run(T, log, where))


def test_removal_of_hooks() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net, x = T.nn.Linear(3, 2).double(), leaf(T, 1, 3)
        handles: list[Any] = []

        def once(*args: Any) -> None:
            log.append("once")
            handles[0].remove()

        handles.append(net.register_forward_hook(once))
        with net.register_forward_hook(logging(log, "inside")):
            net(x)
        net(x)
        handle = net.register_full_backward_hook(logging(log, "full"))
        y = net(x)
        handle.remove()
        y.sum().backward()
        handle.remove()
        return len(net._forward_hooks), len(net._backward_hooks)

    both(run)


def test_a_hook_that_removes_a_later_one_while_firing() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net, x = T.nn.Linear(3, 2).double(), leaf(T, 1, 3)
        late: list[Any] = []
        net.register_forward_hook(lambda *args: late[0].remove())
        late.append(net.register_forward_hook(logging(log, "late")))
        net(x)
        net(x)

    both(run)


def test_deprecated_backward_hook() -> None:
    def run(T: ModuleType, log: list[Any], make: Any) -> Any:
        net = make(T)
        net.register_backward_hook(logging(log, "old"))
        x, y = leaf(T, 2, 3), leaf(T, 2, 3)
        out = net(x * 2, y) if type(net).__name__ == "Cross" else net(x * 2)
        (out[0] + out[1] if isinstance(out, tuple) else out).sum().backward()
        return x.grad

    for make in (lambda T: T.nn.Tanh(), lambda T: T.nn.Sequential(T.nn.Tanh(), T.nn.Tanh()), two_in_two_out):
        both(lambda T, log, make=make: run(T, log, make))


def test_kinds_of_backward_hooks_do_not_mix() -> None:
    def run(T: ModuleType, log: list[Any], first: str, second: str) -> Any:
        net = T.nn.Tanh()
        getattr(net, first)(logging(log, "first"))
        getattr(net, second)(logging(log, "second"))

    for names in (("register_backward_hook", "register_full_backward_hook"),
                  ("register_full_backward_hook", "register_backward_hook")):
        both(lambda T, log, names=names: run(T, log, *names))
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks"):
            run(minidl, [], *names)


def test_output_of_another_type() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        class Named(T.nn.Module):  # type: ignore[name-defined]
            def forward(self, x: Any) -> Any:
                return {"y": x * 2}

        net = Named()
        net.register_full_backward_hook(logging(log, "full"))
        x = leaf(T, 2)
        net(x)["y"].sum().backward()
        return x.grad

    both(run)


def test_in_place_after_a_backward_hook_is_refused() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.ReLU(inplace=True)).double()
        net[0].register_full_backward_hook(logging(log, "full"))
        return net(leaf(T, 1, 3))

    both(run)


def test_integer_inputs() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Embedding(5, 2).double()
        net.register_full_backward_hook(logging(log, "full"))
        net(T.tensor([1, 3])).sum().backward()
        return net.weight.grad

    both(run)


def test_hooks_on_state() -> None:
    def run(T: ModuleType, log: list[Any]) -> Any:
        net = T.nn.Sequential(T.nn.Linear(2, 2), T.nn.BatchNorm1d(2))
        for module in net.modules():
            name = type(module).__name__
            module.register_state_dict_pre_hook(lambda m, prefix, keep,
                                                name=name: log.append(("state pre", name, prefix, keep)))
            module.register_state_dict_post_hook(lambda m, state, prefix, meta,
                                                 name=name: log.append(("state", name, list(state), prefix, meta)))
            module.register_load_state_dict_pre_hook(
                lambda m, state, *rest, name=name: log.append(("load pre", name, list(state), *map(str, rest))))
            module.register_load_state_dict_post_hook(lambda m, keys, name=name: log.append(("load", name, list(keys))))
        state = net.state_dict()
        del state["0.bias"]
        state["extra"] = state["0.weight"]
        return net.load_state_dict(state, strict=False)

    both(run)


def test_copies_keep_their_hooks_to_themselves() -> None:
    log: list[Any] = []
    net = minidl.nn.Linear(2, 2)
    handle = net.register_forward_hook(logging(log, "forward"))
    twin = copy.deepcopy(net)
    handle.remove()
    x = minidl.ones(1, 2)
    net(x)
    assert not log
    twin(x)
    assert len(log) == 1


def test_pickled_hooks_and_handles() -> None:
    net = minidl.nn.LazyLinear(2)
    again = pickle.loads(pickle.dumps(net))
    again.register_forward_pre_hook(lambda m, args: None)
    assert len(again._forward_pre_hooks) == 2
    again(minidl.ones(1, 3))
    assert type(again) is minidl.nn.Linear
    assert len(again._forward_pre_hooks) == 1
    assert len(net._forward_pre_hooks) == 1


def test_a_module_without_hooks_calls_forward_directly() -> None:
    net = minidl.nn.Identity()
    called = []
    net.forward = lambda x: called.append(x) or x  # type: ignore[func-returns-value]
    assert net(3) == 3
    assert called == [3]
    assert not minidl.nn.modules.module.GLOBAL._forward_hooks
