"""The names that PyTorch code uses around its computation: devices, mixed precision, settings, older types, functions of functions."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any, List  # noqa: UP035

import numpy as np
import pytest
import torch

import minidl
from tests.test_nn_utils import assert_equal, same, values

SIDES = (minidl, torch)


def equal(run: Any, rtol: float = 2e-6) -> None:
    """Equal values; an exception on either side is a failure."""
    results = []
    for T in SIDES:
        T.manual_seed(5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(values(run(T)))
    assert_equal(*results, rtol)


# ---- settings


def test_code_that_asks_for_a_gpu_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def run(T: ModuleType) -> Any:
        device = T.device("cuda" if T.cuda.is_available() else "cpu")
        T.cuda.manual_seed_all(0)
        T.cuda.manual_seed(0)
        T.cuda.empty_cache()
        scaler = T.amp.GradScaler("cuda", enabled=T.cuda.is_available())
        net = T.nn.Linear(2, 1).to(device)
        sgd = T.optim.SGD(net.parameters(), lr=0.1)
        with T.autocast(device_type=device.type, dtype=T.float16, enabled=False), T.cuda.amp.autocast(enabled=False):
            loss = net(T.ones(3, 2, device=device)).sum()
        scaler.scale(loss).backward()
        scaler.unscale_(sgd)
        scaler.step(sgd)
        scaler.update()
        return net.weight, str(device), scaler.get_scale(), scaler.state_dict(), T.cuda.device_count(), T.cuda.memory_allocated()

    equal(run)
    for name in ("synchronize", "current_device", "get_device_name", "get_device_properties", "current_stream", "Stream", "Event", "CUDAGraph"):
        with pytest.raises(AssertionError, match="CPU only"):
            getattr(minidl.cuda, name)()
    with pytest.warns(UserWarning, match="disabling"):
        minidl.autocast("cuda")
    with pytest.warns(UserWarning, match="keep the types"), minidl.autocast("cpu"):
        assert minidl.ones(1).dtype is minidl.float32 and not minidl.is_autocast_enabled()

    @minidl.autocast("cpu", enabled=False)
    def function(x: int) -> int:
        return x + 1

    assert function(1) == 2


def test_gradients_are_scaled_as_by_pytorch() -> None:
    def run(T: ModuleType) -> Any:
        w = T.ones(3, requires_grad=True)
        sgd = T.optim.SGD([w], lr=0.1, momentum=0.9)
        scaler = T.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
        facts: list[Any] = [scaler.is_enabled(), scaler.scale([w * 1.0])]
        for factor in (1.0, 2.0, float("inf"), 1.0, 3.0):
            sgd.zero_grad()
            scaler.scale((w * factor).sum()).backward()
            if factor == 2.0:
                scaler.unscale_(sgd)
                facts.append(w.grad.clone())
            scaler.step(sgd)
            scaler.update()
            facts += [w.detach().clone(), scaler.get_scale()]
        other = T.amp.GradScaler("cpu")
        other.load_state_dict(scaler.state_dict())
        return [*facts, other.state_dict()]

    equal(run)
    for wrong in ("s.update()", "(s.scale(w), s.unscale_(o), s.unscale_(o))", "s.scale(3)", "s.load_state_dict({})", "type(s)('cpu', growth_factor=1.0)",
                  "type(s)('cpu', backoff_factor=1.0)"):
        def fail(T: ModuleType, wrong: str = wrong) -> Any:
            w = T.ones(1, requires_grad=True)
            w.sum().backward()
            eval(wrong, {"s": T.amp.GradScaler("cpu"), "o": T.optim.SGD([w], lr=0.1), "w": w})

        same(fail)
        with pytest.raises((AssertionError, RuntimeError, ValueError)):
            fail(minidl)


def test_settings_are_kept() -> None:
    def run(T: ModuleType) -> Any:
        facts = []
        T.use_deterministic_algorithms(True, warn_only=True)
        facts += [T.are_deterministic_algorithms_enabled(), T.is_deterministic_algorithms_warn_only_enabled()]
        T.use_deterministic_algorithms(False)
        facts += [T.are_deterministic_algorithms_enabled(), T.get_float32_matmul_precision()]
        T.set_float32_matmul_precision("high")
        facts.append(T.get_float32_matmul_precision())
        T.set_float32_matmul_precision("highest")
        T.set_default_device("cpu")
        facts.append(str(T.get_default_device()))
        T.set_default_device(None)
        for name in ("torch.DoubleTensor", T.FloatTensor):
            T.set_default_tensor_type(name)
            facts.append(T.ones(1))
        return facts

    equal(run)
    for wrong in ("T.set_float32_matmul_precision('x')", "T.set_default_tensor_type('torch.LongTensor')"):
        with pytest.raises((RuntimeError, TypeError)):
            eval(wrong, {"T": minidl})
    with pytest.raises(RuntimeError, match="CPU only"):
        minidl.set_default_device("cuda")
    net = minidl.nn.Linear(1, 1)
    net.compile()
    assert minidl.compile(net) is net and minidl.compile(mode="x")(net) is net and minidl.newaxis is None


def test_the_generator_is_forked() -> None:
    def run(T: ModuleType) -> Any:
        with T.random.fork_rng():
            inside = T.random.manual_seed(9).initial_seed()
            T.rand(3)
        with T.random.fork_rng(enabled=False):
            T.rand(3)
        return inside, T.rand(2), T.random.get_rng_state().shape[0] > 0, T.random.initial_seed()

    equal(run)


# ---- types


def test_types_of_results() -> None:
    names = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")

    def run(T: ModuleType) -> Any:
        types = [getattr(T, name) for name in names]
        facts: list[Any] = [[str(T.promote_types(a, b)) for a in types for b in types], [T.can_cast(a, b) for a in types for b in types]]
        operands = [T.tensor([1.0]), T.tensor(1, dtype=T.int32), T.tensor([True]), 3, 2.5, T.tensor(1.0, dtype=T.float64)]
        facts.append([str(T.result_type(a, b)) for a in operands for b in operands])
        return facts, T.scalar_tensor(3), T.scalar_tensor(2, dtype=T.int32), T.typename(T.ones(1)), T.typename(3), T.typename("x")

    equal(run)


def test_older_names_of_tensors() -> None:
    def run(T: ModuleType) -> Any:
        facts: list[Any] = [T.FloatTensor([1, 2]), T.LongTensor([[1], [2]]), T.DoubleTensor(2, 3).shape == (2, 3), T.ByteTensor([1, 255]),
                            T.BoolTensor([True, False]), T.IntTensor(3).dtype is T.int32, T.HalfTensor([0.5]), T.ShortTensor([1]), T.CharTensor([-1])]
        x = T.ones(2, dtype=T.int64)
        return [*facts, isinstance(x, T.LongTensor), isinstance(x, T.FloatTensor), str(T.LongTensor.dtype), T.LongTensor()]

    equal(run)
    assert repr(minidl.FloatTensor) == repr(torch.FloatTensor)


def test_what_a_tensor_tells_of_itself() -> None:
    def run(T: ModuleType) -> Any:
        x = T.arange(6.0).reshape(2, 3)
        y = x[1:]
        with T.inference_mode():
            z = T.ones(1)
        return [x.is_cpu, x.get_device(), x.is_conj(), x.is_neg(), x.is_inference(), z.is_inference(), x.real, x.conj() is x, x.resolve_conj() is x,
                x.is_nested, x.is_xpu, x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr(), x.untyped_storage().nbytes(),
                len(x.untyped_storage()), y.storage().size(), len(y.storage()), x.is_set_to(x.view(2, 3)), x.is_set_to(y), x.new(2, 3).shape == (2, 3),
                x.double().new([1, 2]), x.narrow_copy(1, 0, 2), x.is_shared()]

    equal(run)
    same(lambda T: T.ones(1).imag)


def test_older_edits() -> None:
    def run(T: ModuleType) -> Any:
        x, base = T.arange(6.0), T.zeros(3, 3, requires_grad=True)
        facts: list[Any] = [x.clone().resize_(2, 3), x.clone().resize_(2, 2), x.clone().resize_(T.Size([6])), x.clone().resize_(10)[:6],
                            x.clone().resize_as_(T.ones(3, 2)), x.clone().apply_(lambda v: v * 2), x.clone().map_(T.ones(6), lambda a, b: a - b),
                            T.zeros(2, 3).fill_diagonal_(5), T.zeros(7, 3).fill_diagonal_(5, wrap=True), T.zeros(7, 3).fill_diagonal_(5),
                            T.zeros(2, 2, 2).fill_diagonal_(1)]
        y = base * 2
        y.fill_diagonal_(3.0)
        (y * y).sum().backward()

        class Named(T.Tensor):  # type: ignore[name-defined]
            pass

        return [*facts, y, base.grad, type(x.as_subclass(Named)).__name__, x.as_subclass(Named).sum().item()]

    equal(run)
    for wrong in ("T.ones(2, requires_grad=True).resize_(1)", "T.ones(2).fill_diagonal_(1)", "T.ones(2, 3, 2).fill_diagonal_(1)"):
        same(lambda T, wrong=wrong: eval(wrong, {"T": T}))
        with pytest.raises(RuntimeError):
            eval(wrong, {"T": minidl})


# ---- functions of functions


def test_derivatives_of_functions() -> None:
    def run(T: ModuleType) -> Any:
        f = T.func
        w, x = T.tensor([1.0, -2.0, 0.5], dtype=T.float64), T.tensor([[1.0, 2, 3], [0, 1, -1]], dtype=T.float64)

        def loss(w: Any, x: Any, scale: float = 1.0) -> Any:
            return ((x @ w).tanh() * scale).pow(2).sum()

        def tree(p: Any) -> Any:
            return {"y": p["a"].sin() * p["b"][0], "z": (p["b"][0] ** 2).sum()}

        params = {"a": w, "b": [w * 2]}
        value, pull = f.vjp(tree, params)
        facts = [f.grad(loss)(w, x), f.grad(loss, argnums=1)(w, x, scale=2.0), f.grad(loss, argnums=(0, 1))(w, x), f.grad_and_value(loss)(w, x),
                 f.grad(lambda w: (loss(w, x), w * 2), has_aux=True)(w), f.grad(lambda p: tree(p)["z"])(params), value,
                 pull({"y": w, "z": T.tensor(2.0, dtype=T.float64)}), f.jvp(lambda w: x @ w.sin(), (w,), (T.ones(3, dtype=T.float64),)),
                 f.jacrev(lambda w: x @ w.sin())(w), f.jacfwd(lambda w: x @ w.sin())(w), f.jacrev(loss, argnums=(0, 1))(w, x), f.hessian(loss)(w, x),
                 f.grad(f.grad(lambda t: t.sin() * t))(T.tensor(0.7, dtype=T.float64)), f.grad(lambda t: f.grad(lambda s: s ** 3 * t)(t))(w[0]),
                 f.jacrev(lambda w: (x @ w, w[0]), has_aux=True)(w)]
        assert not any(t.requires_grad for t in (facts[0], *facts[3]))
        outside = w.clone().requires_grad_()
        f.grad(loss)(outside, x).sum().backward()
        return [*facts, outside.grad]

    equal(run, rtol=1e-10)
    for wrong in ("f.grad(lambda x: x)(T.ones(2))", "f.grad(lambda x: 3)(T.ones(2))"):
        same(lambda T, wrong=wrong: eval(wrong, {"T": T, "f": T.func}))


def test_vmap_and_ensembles() -> None:
    def run(T: ModuleType) -> Any:
        f = T.func
        a, b = T.arange(6.0).reshape(2, 3), T.arange(6.0).reshape(3, 2)
        facts = [f.vmap(T.dot)(a, a), f.vmap(T.dot, in_dims=(0, 1))(a, b), f.vmap(lambda x, y: x * y, in_dims=(0, None))(a, T.tensor(2.0)),
                 T.vmap(lambda x: x * 2, out_dims=1)(a), f.vmap(lambda d: {"s": d["x"].sum(), "x": d["x"]}, in_dims=({"x": 0},))({"x": a}),
                 f.vmap(f.vmap(lambda x: x ** 2))(a), f.vmap(lambda x: (x, x.sum()), in_dims=1, out_dims=(1, 0))(a)]
        nets = [T.nn.Linear(3, 1) for _ in range(4)]
        params, buffers = f.stack_module_state(nets)
        together = f.vmap(lambda p, x: f.functional_call(nets[0], (p, buffers), (x,)), in_dims=(0, None))(params, a)
        per_sample = f.vmap(f.grad(lambda p, x: f.functional_call(nets[0], p, (x,)).sum()), in_dims=(None, 0))(
            {k: v.detach() for k, v in nets[0].named_parameters()}, a)
        return [*facts, together, per_sample, T.stack([net(a) for net in nets]), params["weight"].requires_grad]

    equal(run)
    for wrong in ("f.functional_call(T.nn.Linear(1, 1), ({'weight': T.ones(1, 1)}, {'weight': T.ones(1, 1)}), T.ones(1, 1))",
                  "f.vmap(T.dot)(T.ones(2, 3), T.ones(3, 3))", "f.stack_module_state([])",
                  "f.stack_module_state([T.nn.Linear(1, 1), T.nn.ReLU()])"):
        same(lambda T, wrong=wrong: eval(wrong, {"T": T, "f": T.func}))
        with pytest.raises((ValueError, RuntimeError)):
            eval(wrong, {"T": minidl, "f": minidl.func})


# ---- functions of nn


def test_gumbel_softmax() -> None:
    def run(T: ModuleType) -> Any:
        x = T.tensor([[0.5, -1.0, 2.0], [0.0, 0.1, 0.2]], requires_grad=True)
        soft, hard = T.nn.functional.gumbel_softmax(x, tau=0.5, dim=0), T.nn.functional.gumbel_softmax(x, hard=True)
        (soft * T.arange(6.0).reshape(2, 3) + hard * T.arange(6.0).reshape(2, 3)).sum().backward()
        return soft, hard, x.grad

    equal(run, rtol=1e-5)


def test_pools_with_indices_and_older_names() -> None:
    def run(T: ModuleType) -> Any:
        F = T.nn.functional
        x = T.tensor(np.random.default_rng(0).standard_normal((1, 2, 6, 6, 6)), requires_grad=True)
        p = T.nn.Parameter(T.ones(2))
        p.grad = T.tensor([3.0, 4.0])
        return [F.max_pool1d_with_indices(x[0, 0], 2), F.max_pool2d_with_indices(x[0], 3, 2, 1), F.max_pool3d_with_indices(x, 2),
                F.adaptive_max_pool1d_with_indices(x[0, 0], 4), F.adaptive_max_pool2d_with_indices(x[0], 4),
                F.adaptive_max_pool3d_with_indices(x, (2, 3, 4)), T.nn.utils.clip_grad_norm([p], 1.0), p.grad,
                T.nn.modules.utils._pair(3), T.nn.modules.utils._triple((1, 2, 3)), T.nn.modules.utils._single(1),
                T.utils.hooks.RemovableHandle.__name__]

    equal(run, rtol=1e-9)


# ---- types and parts that are not here, but are named


@pytest.mark.parametrize("name", ["bfloat16", "complex32", "chalf", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2",
                                  "float8_e8m0fnu"])
def test_types_that_are_not_here_can_be_named_and_compared(name: str) -> None:
    own, theirs = getattr(minidl, name), getattr(torch, name)
    assert repr(own) == repr(theirs) and own != minidl.float32 and own == getattr(minidl, name) and len({own, minidl.float16}) == 2
    for fact in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(own, fact) == getattr(theirs, fact)
    assert copy.deepcopy(own) is own and pickle.loads(pickle.dumps(own)) is own
    for use in (lambda: minidl.zeros(2, dtype=own), lambda: minidl.zeros(2).to(own), lambda: minidl.ones(1).sum(dtype=own)):
        with pytest.raises(TypeError, match=f"{own}: tensors of this type are not supported"):
            use()


def test_decorators_of_a_compiler_leave_what_they_are_given() -> None:
    def run(T: ModuleType) -> Any:
        @T.jit.script
        def scripted(x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @T.jit.ignore
        def ignored(x: Any) -> Any:
            return x + 1

        @T.jit.ignore(drop=True)
        def dropped(x: Any) -> Any:
            return x + 2

        @T.jit.unused
        def unused(x: Any) -> Any:
            return x + 3

        @T.jit.script_if_tracing
        def traced(x: torch.Tensor) -> torch.Tensor:
            return x + 4

        class Net(T.nn.Module):
            def forward(self, x: Any) -> Any:
                return x if T.jit.is_scripting() else x * 3

            @T.jit.export
            def more(self, x: torch.Tensor) -> torch.Tensor:
                return x + 5

        x, net = T.ones(2), Net()
        return [f(x) for f in (scripted, ignored, dropped, unused, traced, net.more)], T.jit.trace(net, x)(x), isinstance(net, T.jit.ScriptModule)

    equal(run)
    assert not minidl.jit.is_tracing() and minidl.jit.annotate(float, 3.0) == minidl.jit.Attribute(3.0, float) == 3.0
    net = minidl.nn.Linear(2, 1)
    assert minidl.jit.script(net) is net and minidl.jit.freeze(net) is net
    with pytest.raises(RuntimeError, match="TorchScript"):
        minidl.jit.save(net, "net.pt")


def test_what_a_compiler_is_asked() -> None:
    def run(T: ModuleType) -> Any:
        C = T.compiler

        @C.disable
        def once(x: Any) -> Any:
            return x + 1

        @C.disable(recursive=False)
        def twice(x: Any) -> Any:
            return once(x) * 2

        C.allow_in_graph(once)
        C.reset()
        C.cudagraph_mark_step_begin()
        return twice(T.ones(2)), C.is_compiling(), C.is_dynamo_compiling(), C.assume_constant_result(once)(T.ones(1))

    equal(run)
    assert minidl.compiler.compile is minidl.compile


def test_a_program_that_asks_whether_it_is_distributed_is_told_no() -> None:
    assert not minidl.distributed.is_available() and not minidl.distributed.is_initialized()
    for T in SIDES:
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            T.distributed.get_rank()
    with pytest.raises(RuntimeError, match="one process"):
        minidl.distributed.init_process_group("gloo")
    assert not minidl.accelerator.is_available() and minidl.accelerator.device_count() == 0
    assert minidl.accelerator.current_accelerator() is None
    minidl.accelerator.synchronize()


def _write(i: int, folder: str, value: Any) -> None:
    (Path(folder) / str(i)).write_text(str(value.sum().item()))


def _fail(i: int) -> None:
    raise SystemExit(i)


def test_processes(tmp_path: Path) -> None:
    from minidl import multiprocessing

    multiprocessing.spawn(_write, (str(tmp_path), minidl.ones(3)), nprocs=2, start_method="fork")
    assert [(tmp_path / str(i)).read_text() for i in range(2)] == ["3.0", "3.0"]
    with pytest.raises(RuntimeError, match="process 1 terminated with exit code 1"):
        multiprocessing.spawn(_fail, nprocs=2, start_method="fork")
    (process,) = multiprocessing.spawn(_fail, nprocs=1, join=False, start_method="fork")
    process.join()
    multiprocessing.set_sharing_strategy("file_system")
    assert multiprocessing.get_sharing_strategy() in multiprocessing.get_all_sharing_strategies()
    assert multiprocessing.get_context("fork").Process is not None


def test_weights_of_a_url_are_taken_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from minidl.utils import model_zoo

    hub = minidl.hub
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        assert hub.get_dir() == torch.hub.get_dir()
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, f"/cache/{name}")
        assert hub.get_dir() == torch.hub.get_dir()
    monkeypatch.setattr(hub, "_dir", [])
    hub.set_dir(tmp_path)
    assert hub.get_dir() == str(tmp_path)
    url = "https://example.org/models/net.pth?x=1"
    with pytest.raises(RuntimeError, match=r"nothing is downloaded here; fetch https://example\.org/models/net\.pth\?x=1 and put it at .*net\.pth"):
        hub.load_state_dict_from_url(url)
    (tmp_path / "checkpoints").mkdir()
    torch.save({"w": torch.ones(2)}, tmp_path / "checkpoints" / "net.pth")
    assert hub.load_state_dict_from_url(url)["w"].tolist() == [1, 1]
    assert model_zoo.load_url(url, model_dir=str(tmp_path / "checkpoints"), map_location="cpu")["w"].tolist() == [1, 1]
    assert model_zoo.load_url("https://example.org/other", file_name="net.pth")["w"].tolist() == [1, 1]
    for use in (lambda: hub.download_url_to_file(url, "net.pth"), lambda: hub.load("owner/name", "net")):
        with pytest.raises(RuntimeError, match="nothing is downloaded here"):
            use()


def test_trees_of_values() -> None:
    from torch.utils import _pytree as theirs

    from minidl.utils import _pytree as own

    tree = {"a": [1, (2, None)], "b": 3}
    leaves, nesting = own.tree_flatten(tree)
    assert leaves == theirs.tree_flatten(tree)[0] == own.tree_leaves(tree) and own.tree_unflatten(leaves, nesting) == tree
    assert own.tree_flatten({"a": [5, (6, 7)], "b": 8})[1] == nesting != own.tree_flatten([1])[1]
    for T in (own, theirs):
        assert T.tree_map(lambda v: v and v * 2, tree) == {"a": [2, (4, None)], "b": 6}
        assert T.tree_map(lambda a, b: a + b, [1, (2,)], [3, (4,)]) == [4, (6,)]
        assert T.tree_map_only(int, lambda v: -v, ["x", 1]) == ["x", -1]

        class Output(OrderedDict):  # type: ignore[type-arg]
            pass

        T.register_pytree_node(Output, lambda o: (list(o.values()), list(o)), lambda values, names: Output(zip(names, values)),
                               serialized_type_name="Output")
        output = Output(x=1, y=[2, Output(z=3)])
        assert T.tree_flatten(output)[0] == [1, 2, 3] and T.tree_map(lambda v: v * 2, {"o": output}) == {"o": Output(x=2, y=[4, Output(z=6)])}
        assert type(T.tree_unflatten([4, 5, 6], T.tree_flatten(output)[1])) is Output


def test_older_places() -> None:
    from minidl.jit.annotations import BroadcastingList2 as Two
    from minidl.jit.annotations import List as AList
    from minidl.nn import common_types
    from minidl.utils.checkpoint import get_device_states, set_device_states

    assert AList[int] == Two[int] == List[int]  # noqa: UP006
    assert set(common_types._size_2_t.__args__) == set(torch.nn.common_types._size_2_t.__args__)
    none: Any = get_device_states(minidl.ones(1))
    assert none == torch.utils.checkpoint.get_device_states(torch.ones(1))
    set_device_states(*none)
    with pytest.warns(UserWarning, match="disabling"), minidl.cuda.amp.autocast(dtype=minidl.float16):
        pass
    with pytest.warns(UserWarning, match="disabling"):
        assert not minidl.cuda.amp.GradScaler(8.0).is_enabled()
    assert minidl.cuda.amp.GradScaler(enabled=False).get_scale() == torch.amp.GradScaler("cpu", enabled=False).get_scale()


@pytest.mark.parametrize("size", [(2, 3), [2, 3], ()])
def test_sizes_by_name(size: Any) -> None:
    def run(T: ModuleType) -> Any:
        x = T.zeros(1, dtype=T.float64)
        filled = [T.zeros(size=size), T.ones(size=size, dtype=T.int64), T.rand(size=size), T.randn(size=size, generator=None), T.ones(size=T.Size(size)),
                  x.new_zeros(size=size), x.new_ones(size=size, requires_grad=True), x.new_full(size=size, fill_value=2.0)]
        return filled, [tuple(t.shape) for t in (T.empty(size=size), x.new_empty(size=size))]

    equal(run)
    with pytest.raises(TypeError):
        minidl.ones(1).new_zeros(2, sise=(2,))


def test_variables_of_older_code() -> None:
    def run(T: ModuleType) -> Any:
        Variable = T.autograd.Variable
        x = T.ones(2)
        v, w = Variable(x, requires_grad=True), Variable(x.clone().requires_grad_() * 2)
        (v * v).sum().backward()
        facts = v.requires_grad, w.requires_grad, w.grad_fn, v.data_ptr() == x.data_ptr(), isinstance(x, Variable), isinstance(1.0, Variable)
        with pytest.raises(TypeError, match="Variable data has to be a tensor, but got list"):
            Variable([1.0])
        return v.grad, facts, Variable().shape[0], Variable(x, volatile=True), T.FloatTensor(3).fill_(1.0)

    equal(run)


def test_factor_before_the_tensor_as_in_older_code() -> None:
    def run(library: Any) -> list[list[float]]:
        x, y = library.tensor([1.0, 2.0]), library.tensor([3.0, 5.0])
        with pytest.warns(UserWarning, match="deprecated"):
            return [r.tolist() for r in (x.add(2, y), x.sub(2, y), x.clone().add_(0.5, y), x.clone().addcmul_(0.5, y, y), x.addcdiv(-2, x, y))]

    assert run(minidl) == run(torch) == [[7.0, 12.0], [-5.0, -8.0], [2.5, 4.5], [5.5, 14.5], pytest.approx([1 / 3, 1.2])]
