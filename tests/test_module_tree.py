"""Module itself against PyTorch: registration, names, state with its messages, casts, copies. What both sides show must
be equal."""

from __future__ import annotations

import copy
import os
import pickle
from collections import OrderedDict
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

SIDES = (minidl, torch)


def text(value: Any) -> Any:
    """A value as text that both sides share."""
    if isinstance(value, (minidl.Tensor, torch.Tensor)):
        return type(value).__name__, str(value.dtype), value.detach().numpy().tolist(), value.requires_grad
    if isinstance(value, (minidl.nn.Module, torch.nn.Module)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return [text(v) for v in value]
    if isinstance(value, dict):
        return {k: text(v) for k, v in value.items()}
    return repr(value)


def message(run: Any) -> Any:
    """The result of a call, or its exception's type and message without the library's name."""
    try:
        return text(run())
    except Exception as error:  # noqa: BLE001
        words = str(error).replace("minidl.nn.", "torch.nn.").replace("minidl.", "torch.")
        return type(error).__name__, words.replace("torch.nn.modules.linear.", "").replace(".core.tensor", "")


def same(run: Any) -> Any:
    results = [run(T) for T in SIDES]
    assert text(results[0]) == text(results[1])


def nest(T: ModuleType) -> Any:
    """Two levels, a shared layer, a shared parameter, buffers of both kinds, None in all places."""
    class Net(T.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first = T.nn.Linear(2, 3)
            self.again = self.first
            self.block = T.nn.Sequential(OrderedDict(norm=T.nn.BatchNorm1d(3), act=T.nn.ReLU()))
            self.scale = T.nn.Parameter(T.ones(3))
            self.tied = self.scale
            self.register_buffer("kept", T.arange(3))
            self.register_buffer("passing", T.zeros(2), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("missing", None)
            self.register_module("absent", None)

        def forward(self, x: Any) -> Any:
            return self.block(self.first(x)) * self.scale

    T.manual_seed(0)
    return Net()


def test_walks() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        log: list[Any] = [net]
        for duplicates in (True, False):
            for recurse in (True, False):
                for walk in (net.named_parameters, net.named_buffers):
                    log.append([name for name, _ in walk(prefix="p", recurse=recurse, remove_duplicate=not duplicates)])
            log.append([name for name, _ in net.named_modules(prefix="q", remove_duplicate=not duplicates)])
            log.append(len(list(net.modules(remove_duplicate=not duplicates))))
        log += [[name for name, _ in net.named_children()], list(net.children()),
                len(list(net.parameters(recurse=False))), len(list(net.buffers()))]
        order: list[str] = []
        net.apply(lambda m: order.append(type(m).__name__))
        return [*log, order, [name for name in dir(net) if name in ("first", "scale", "kept", "forward")]]

    same(run)


def test_look_ups_by_name() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        calls = [lambda: net.get_submodule("block.norm"), lambda: net.get_submodule("") is net,
                 lambda: net.get_submodule("block.none"), lambda: net.get_submodule("scale"),
                 lambda: net.get_parameter("first.weight"), lambda: net.get_parameter("first.none"),
                 lambda: net.get_parameter("kept"), lambda: net.get_buffer("block.norm.running_mean"),
                 lambda: net.get_buffer("scale"), lambda: net.get_buffer("none"),
                 lambda: net.set_submodule("block.act", T.nn.Tanh()), lambda: net,
                 lambda: net.set_submodule("block.new", T.nn.Tanh(), strict=True),
                 lambda: net.set_submodule("block.new", T.nn.Tanh()), lambda: net.set_submodule("", T.nn.Tanh()),
                 lambda: net.set_submodule("scale", T.nn.Tanh()), lambda: net, lambda: net.unknown]
        return [message(call) for call in calls]

    same(run)


def test_registration_and_assignment() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        nn = T.nn

        class Early(nn.Module):  # type: ignore[name-defined]
            def __init__(self, value: Any) -> None:
                self.value = value

        values = {"parameter": nn.Parameter(T.ones(1)), "tensor": T.ones(1), "module": nn.Linear(1, 1), "number": 3,
                  "none": None, "buffer": nn.Buffer(T.zeros(1)), "non-leaf": nn.Parameter(T.ones(1)) * 1}
        log = [message(lambda value=value: Early(value) and None) for value in values.values()]
        for name in ("first", "scale", "kept", "free"):
            for value in values.values():
                log.append(message(lambda name=name, value=value: setattr(net, name, value)))
                log.append([sorted(net._parameters), sorted(net._buffers), sorted(net._modules),
                            sorted(net._non_persistent_buffers_set)])
        for name in ("a.b", "", 3, "forward", "fresh"):
            for kind in ("register_parameter", "register_buffer", "add_module"):
                for value in values.values():
                    log.append(message(lambda kind=kind, name=name, value=value: getattr(net, kind)(name, value)))
        for name in ("fresh", "passing", "unknown"):
            log.append(message(lambda name=name: delattr(net, name)))
        return [*log, net, list(net.state_dict())]

    same(run)


def test_global_registration_hooks() -> None:
    def run(T: ModuleType) -> Any:
        log: list[Any] = []
        module = T.nn.modules.module
        handles = [getattr(module, f"register_module_{kind}_registration_hook")(
            lambda m, name, value, kind=kind: log.append((kind, type(m).__name__, name, type(value).__name__)))
            for kind in ("parameter", "buffer", "module")]
        nest(T)
        for handle in handles:
            handle.remove()
        nest(T)
        return log

    same(run)


def test_state() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        state = net.state_dict()
        log: list[Any] = [list(state), state._metadata, list(net.state_dict(prefix="x."))]
        log.append([type(v).__name__ for v in net.state_dict(keep_vars=True).values()])
        state["scale"].mul_(2)
        log += [net.scale, state["kept"].data_ptr() == net.kept.data_ptr()]
        mine: dict[str, Any] = {}
        return [*log, net.state_dict(destination=mine) is mine, list(mine)]

    same(run)


def test_loading_and_its_messages() -> None:
    def run(T: ModuleType) -> Any:
        def attempt(change: Any, **options: Any) -> Any:
            net = nest(T)
            state = nest(T).state_dict()
            with T.no_grad():
                for p in net.parameters():
                    p.zero_()
            change(state)
            return message(lambda: net.load_state_dict(state, **options)), [text(p) for p in net.parameters()]

        def drop(state: Any) -> None:
            del state["first.bias"], state["kept"]

        def add(state: Any) -> None:
            state["extra"] = state["block.more"] = T.ones(1)

        def shapes(state: Any) -> None:
            state["first.weight"], state["scale"] = T.ones(2, 2), T.ones(())

        def kinds(state: Any) -> None:
            state["scale"] = [1, 2, 3]

        def scalar(state: Any) -> None:
            state["block.norm.num_batches_tracked"] = T.tensor([5])

        def all_of_them(state: Any) -> None:
            for change in (drop, add, shapes, kinds):
                change(state)

        changes = (lambda state: None, drop, add, shapes, kinds, scalar, all_of_them)
        ways: list[Any] = [{}, {"strict": False}, {"assign": True}]
        return [attempt(change, **options) for change in changes for options in ways]

    same(run)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        minidl.nn.Linear(1, 1).load_state_dict([1])


def test_assign_takes_the_tensors_themselves() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.BatchNorm1d(2).requires_grad_(False)
        given = {k: v.double() if v.is_floating_point() else v for k, v in T.nn.BatchNorm1d(2).state_dict().items()}
        net.load_state_dict(given, assign=True)
        return (net.running_mean is given["running_mean"], net.weight, type(net.weight).__name__,
                net.weight.data_ptr() == given["weight"].data_ptr())

    same(run)


def test_old_states_of_batch_norm() -> None:
    def run(T: ModuleType) -> Any:
        state = {k: v for k, v in T.nn.BatchNorm1d(2).state_dict().items() if k != "num_batches_tracked"}
        return message(lambda: T.nn.BatchNorm1d(2).load_state_dict(state))

    same(run)


def test_extra_state() -> None:
    def run(T: ModuleType) -> Any:
        class Counter(T.nn.Module):  # type: ignore[name-defined]
            count = 0

            def get_extra_state(self) -> Any:
                return {"count": self.count}

            def set_extra_state(self, state: Any) -> None:
                self.count = state["count"]

        a, b = T.nn.Sequential(Counter()), T.nn.Sequential(Counter())
        a[0].count = 4
        b.load_state_dict(a.state_dict())
        return [list(a.state_dict().items()), b[0].count, message(lambda: b.load_state_dict({})),
                message(lambda: T.nn.Sequential(T.nn.ReLU()).load_state_dict(a.state_dict()))]

    same(run)


def test_an_overridden_load_reads_an_older_version() -> None:
    def run(T: ModuleType) -> Any:
        class Renamed(T.nn.Module):  # type: ignore[name-defined]
            _version = 3

            def __init__(self) -> None:
                super().__init__()
                self.new = T.nn.Parameter(T.zeros(2))

            def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *args: Any) -> None:
                if metadata.get("version", 1) < 3:
                    state[prefix + "new"] = state.pop(prefix + "old")
                super()._load_from_state_dict(state, prefix, metadata, *args)

        net = T.nn.Sequential(Renamed())
        result = message(lambda: net.load_state_dict({"0.old": T.ones(2)}))
        return result, net[0].new, net.state_dict()._metadata

    same(run)


def test_casts_keep_the_parameters_identity() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        weight = net.first.weight
        net(T.ones(2, 2)).sum().backward()
        log: list[Any] = []
        for cast in (lambda: net.double(), lambda: net.to(T.float32), lambda: net.to(T.ones(1, dtype=T.float64)),
                     lambda: net.half(), lambda: net.float(), lambda: net.to("cpu", T.float64),
                     lambda: net.to(dtype=T.float32), lambda: net.cpu()):
            assert cast() is net
            log.append((net.first.weight is weight,
                        [str(t.dtype) for t in (weight, weight.grad, net.block.norm.running_var, net.kept)]))
        return [*log, message(lambda: net.to(T.int64)),
                [str(v.dtype) for v in net.type(T.float64).state_dict().values()]]

    same(run)


def test_modes_and_gradients() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        log: list[Any] = [net.eval() is net, [m.training for m in net.modules()], net.train().block.norm.training,
                          message(lambda: net.train(1))]
        net(T.ones(2, 2)).sum().backward()
        grad = net.scale.grad
        net.zero_grad(set_to_none=False)
        log += [grad, net.scale.grad is grad]
        net.zero_grad()
        return [*log, [p.grad for p in net.parameters()],
                [p.requires_grad for p in net.requires_grad_(False).parameters()]]

    same(run)


def test_copies_keep_what_is_shared() -> None:
    def run(T: ModuleType) -> Any:
        net = nest(T)
        twin = copy.deepcopy(net)
        return (twin, twin.first is twin.again, twin.scale is twin.tied, twin.scale is net.scale,
                [text(v) for v in twin.state_dict().values()])

    same(run)


def test_pickles_of_earlier_states_lack_fields() -> None:
    layer = minidl.nn.Linear(2, 2)
    state = {k: v for k, v in layer.__getstate__().items() if "hooks" not in k}
    again = minidl.nn.Linear.__new__(minidl.nn.Linear)
    again.__setstate__(state)
    assert minidl.equal(again(minidl.ones(1, 2)), layer(minidl.ones(1, 2)))


def test_parameters_and_buffers() -> None:
    def run(T: ModuleType) -> Any:
        base = T.ones(3)
        p = T.nn.Parameter(base)
        q = T.nn.Parameter(T.ones(2), requires_grad=False)
        b = T.nn.Buffer(T.zeros(2), persistent=False)
        log: list[Any] = [p, repr(p), repr(q), isinstance(b, T.Tensor), b.persistent, type(p * 2).__name__,
                          type(copy.deepcopy(p)).__name__, copy.deepcopy(q).requires_grad,
                          p.data_ptr() == base.data_ptr(), T.nn.Parameter().shape == (0,),
                          message(lambda: T.nn.Parameter(T.ones(2, dtype=T.int64)))]
        with T.no_grad():
            log.append(type(p.add_(1)).__name__)
        return [*log, base, p._version == base._version]

    same(run)
    again = pickle.loads(pickle.dumps(minidl.nn.Parameter(minidl.ones(2))))
    assert isinstance(again, minidl.nn.Parameter)
    assert again.requires_grad


def test_uninitialized_parameters() -> None:
    def run(T: ModuleType) -> Any:
        p = T.nn.UninitializedParameter(dtype=T.float64)
        log: list[Any] = [repr(p), str(p.dtype), p.requires_grad, isinstance(p, T.nn.Parameter),
                          T.nn.parameter.is_lazy(p), message(lambda: p.shape), type(copy.deepcopy(p)).__name__]
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            p + 1
        p.materialize((2, 3))
        return [*log, type(p).__name__, p.shape == (2, 3), str(p.dtype), T.nn.parameter.is_lazy(p)]

    same(run)


def test_lazy_layers_load_the_state_of_ordinary_ones() -> None:
    def run(T: ModuleType) -> Any:
        lazy = T.nn.Sequential(T.nn.LazyLinear(2), T.nn.LazyBatchNorm1d())
        ready = T.nn.Sequential(T.nn.Linear(3, 2), T.nn.BatchNorm1d(2))
        state = {k: v * 0 + 1 for k, v in ready.state_dict().items()}
        log = [lazy, message(lambda: ready.load_state_dict(lazy.state_dict()))[0],
               message(lambda: lazy.load_state_dict(state))]
        return [*log, lazy(T.ones(2, 3)), lazy, type(lazy[0]).__name__, lazy[0].in_features]

    same(run)


def test_shared_memory_is_seen_by_forked_processes() -> None:
    layer = minidl.nn.Linear(2, 2).share_memory()
    child = os.fork()
    if child == 0:
        layer.weight.data.fill_(7)
        os._exit(0)
    os.waitpid(child, 0)
    assert np.all(layer.weight.numpy(force=True) == 7)


def test_a_module_leaves_its_subclasses_the_names_that_pytorchs_leaves() -> None:
    assert set(dir(minidl.nn.Module)) - set(dir(torch.nn.Module)) == {"_hook_place"}
    assert not set(vars(minidl.nn.Module())) - set(vars(torch.nn.Module()))

    def run(T: ModuleType) -> Any:
        class Metric(T.nn.Module):  # type: ignore[name-defined,misc]
            def __init__(self) -> None:
                super().__init__()
                self._persistent: dict[str, bool] = {}
                self._registered = self._own = self._forget = 1
                self.layer = T.nn.Linear(2, 1)
                self.register_buffer("count", T.zeros(2))

        metric = Metric()
        metric.load_state_dict(metric.state_dict())
        return list(metric.state_dict()), metric._persistent

    assert run(minidl) == run(torch)
