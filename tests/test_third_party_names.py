"""What packages written for PyTorch import and call besides its public names: each does as PyTorch's, or says what is not here."""

from __future__ import annotations

import pickle
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl
import minidl.compat
from minidl import _subclasses, nn
from minidl.utils import _pytree
from tests.test_compat import SIDES, equal


def test_futures() -> None:
    def run(T: ModuleType) -> list[Any]:
        f, seen = T.futures.Future(), []
        f.add_done_callback(lambda f: seen.append(f.value()))
        g = f.then(lambda f: f.value() + 1)
        h = f.then(lambda f: 1 // 0)
        both = T.futures.collect_all([f, g])
        assert not f.done() and not g.done()
        threading.Thread(target=f.set_result, args=(2,)).start()
        out = [g.wait(), [one.wait() for one in both.wait()], T.futures.wait_all([f, g]), seen, f.done(), T.futures.collect_all([]).wait()]
        f.add_done_callback(lambda f: seen.append(5))
        for bad in (h.wait, lambda: f.set_result(3), lambda: T.futures.Future().set_exception("no"), lambda: T.futures.Future().value()):
            with pytest.raises((ZeroDivisionError, RuntimeError, AssertionError)):
                bad()
        error = T.futures.Future()
        error.set_exception(ValueError("kept"))
        with pytest.raises(ValueError, match="kept"):
            error.wait()
        return [*out, seen, T.Future is T.futures.Future]

    own, theirs = run(minidl), run(torch)
    assert own[:-1] == theirs[:-1] and own[-1]


def test_checks_and_parts_of_operations() -> None:
    def run(T: ModuleType) -> list[Any]:
        out: list[Any] = [T._shape_as_tensor(T.ones(2, 3))]
        y, g = T.linspace(-1, 1, 6).reshape(2, 3).softmax(-1), T.arange(6.0).reshape(2, 3)
        out.append(T._softmax_backward_data(g, y, -1, T.float32))
        T._assert(True, ""), T._check(True), T._assert_async(T.tensor(1))
        for bad in (lambda: T._assert(False, "a"), lambda: T._check(False), lambda: T._check(False, lambda: "b"), lambda: T._assert_async(T.tensor(0)),
                    lambda: T._assert_async(T.tensor(0), "c")):
            with pytest.raises((AssertionError, RuntimeError)) as error:
                bad()
            out.append(str(error.value).partition("(")[0].strip())
        return out

    equal(run)
    with pytest.raises(AttributeError, match="has no attribute '_nothing'"):
        minidl._nothing  # noqa: B018
    assert minidl.torch is minidl and minidl.onnx.is_in_onnx_export() is torch.onnx.is_in_onnx_export()


FOREACH: list[tuple[str, Any]] = [
    ("add", lambda a, b: (b,)), ("sub", lambda a, b: (0.5,)), ("mul", lambda a, b: ([2.0, 3.0],)), ("div", lambda a, b: (b,)), ("neg", lambda a, b: ()),
    ("lerp", lambda a, b: (b, 0.25)), ("addcmul", lambda a, b: (b, b, 0.5)), ("addcdiv", lambda a, b: (b, b, [0.5, 2.0])), ("sqrt", lambda a, b: ()),
    ("maximum", lambda a, b: (b,)), ("minimum", lambda a, b: (0.75,)), ("clamp_min", lambda a, b: (0.75,)), ("pow", lambda a, b: (2.0,)),
    ("norm", lambda a, b: ()), ("sign", lambda a, b: ()), ("reciprocal", lambda a, b: ()), ("copy_", lambda a, b: (b,)), ("zero_", lambda a, b: ()),
]


@pytest.mark.parametrize(("name", "arguments"), FOREACH, ids=[name for name, _ in FOREACH])
def test_lists_of_tensors(name: str, arguments: Any) -> None:
    def run(T: ModuleType, name: str) -> list[Any]:
        a, b = [T.tensor([0.5, 2.0]), T.tensor([1.5])], [T.tensor([1.0, 4.0]), T.tensor([0.25])]
        result = getattr(T, f"_foreach_{name}")(a, *arguments(a, b))
        return [*a, *(result or [] if not name.endswith("_") else [])]

    equal(lambda T: run(T, name))
    if not name.endswith("_") and name != "norm":
        equal(lambda T: run(T, name + "_"))


def test_tensors_by_type() -> None:
    def run(T: ModuleType, group: Any) -> list[Any]:
        lists = [[T.ones(1), T.ones(2).double(), T.ones(3)], [T.zeros(1), T.zeros(2).double(), T.zeros(3)]]
        return [([[len(t) for t in part] for part in parts], places) for parts, places in group(lists, with_indices=True).values()]

    from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype as theirs

    from minidl.utils._foreach_utils import _group_tensors_by_device_and_dtype as own

    assert sorted(run(minidl, own)) == sorted(run(torch, theirs))


def test_nestings_without_their_values() -> None:
    from torch.utils import _pytree as theirs

    def run(P: ModuleType) -> list[Any]:
        values, spec = P.tree_flatten({"a": [1, 2], "b": (3, {"c": 4})})
        own = P.TreeSpec(list, None, [P.LeafSpec(), P.LeafSpec()])
        with pytest.raises(ValueError, match="holds"):
            P.tree_unflatten([1], spec)
        node = P.SUPPORTED_NODES[P._get_node_type({"x": 1})]
        return [values, spec.num_leaves, spec.is_leaf(), P.LeafSpec().is_leaf(), P.tree_unflatten("wxyz", spec), P.tree_unflatten([5, 6], own),
                spec == P.tree_structure({"a": [5, 6], "b": (7, {"c": 8})}), spec == own, node.flatten_fn({"x": 1}), node.unflatten_fn([2], ["x"]),
                P._dict_unflatten(*P._dict_flatten({"k": 1})), [(k.key, v) for k, v in P._dict_flatten_with_keys({"k": 1})[0]]]

    with pytest.warns(FutureWarning):
        others = run(theirs)
    assert run(_pytree) == others
    assert repr(_pytree.tree_structure([1, (2,)])) == "TreeSpec(list, None, [*, TreeSpec(tuple, None, [*])])"
    assert len({hash(_pytree.tree_structure([i])) for i in range(3)}) == 1


def test_reductions_by_name_and_number() -> None:
    from torch.nn import _reduction as theirs

    from minidl.nn import _reduction as own

    for name in ("none", "mean", "sum"):
        assert own.get_enum(name) == theirs.get_enum(name)
    for R in (own, theirs):
        with pytest.raises(ValueError, match="not a valid value for reduction"):
            R.get_enum("most")
    for flags in ((None, None), (False, None), (None, False), (True, True), (False, False)):
        assert own.legacy_get_string(*flags, emit_warning=False) == theirs.legacy_get_string(*flags, emit_warning=False)


def test_a_program_adds_a_way_to_collate() -> None:
    class Pair(minidl.Tensor):
        pass

    from minidl.utils.data._utils.collate import default_collate_fn_map, np_str_obj_array_pattern

    pairs = [minidl.ones(2).as_subclass(Pair), minidl.zeros(2).as_subclass(Pair)]
    default_collate_fn_map[Pair] = lambda batch, *, collate_fn_map: len(batch)
    try:
        assert minidl.utils.data.default_collate(pairs) == 2
    finally:
        del default_collate_fn_map[Pair]
    assert minidl.utils.data.default_collate(pairs).shape == (2, 2) and np_str_obj_array_pattern.search(np.dtype("U3").str)


def test_operations_by_their_names_in_aten() -> None:
    def run(T: ModuleType) -> list[Any]:
        x = T.tensor([-1.0, 2.0])
        return [T.ops.aten.relu(x), T.ops.aten.add.Tensor(x, x), T.ops.aten.mul(x, x)]

    equal(run)
    aten = minidl.ops.aten
    assert aten.mm is aten.mm and aten.mm.default is aten.mm.default and repr(aten.mm) == "<OpOverloadPacket(op='aten.mm')>"
    assert repr(aten.mm.default) == "<OpOverload(op='aten.mm', overload='default')>"
    for missing in (lambda: aten.no_such_operation(1), lambda: aten.mm.default.more, lambda: aten.__nothing__):
        with pytest.raises(AttributeError):
            missing()


def test_a_subclass_over_the_memory_of_a_tensor() -> None:
    def run(T: ModuleType) -> list[Any]:
        class Own(T.Tensor):  # type: ignore[name-defined,misc]
            @staticmethod
            def __new__(cls: Any, data: Any) -> Any:
                return T.Tensor._make_subclass(cls, data, True)

        data = T.ones(2)
        x = Own(data)
        (x * x).sum().backward()
        data[0] = 5
        return [type(x) is Own, x.requires_grad, x.detach()[0].item(), x.grad.tolist()]

    assert run(minidl) == run(torch)


def test_empty_tensors_of_types_that_are_not_here() -> None:
    for name, size in (("bfloat16", 2), ("float8_e5m2", 1), ("uint16", 2)):
        x = minidl.empty(0, 3, dtype=getattr(minidl, name))
        assert x.element_size() == size and x.dtype is getattr(minidl, name) and x.shape == (0, 3)
        with pytest.raises(TypeError, match="tensors of this type are not supported"):
            minidl.empty(1, dtype=getattr(minidl, name))


def test_hooks_of_one_tensor_are_given_one_gradient() -> None:
    def run(T: ModuleType) -> list[Any]:
        x, kept = T.ones(2, requires_grad=True), []
        y = x * 2
        y.register_hook(lambda g: kept.append(g))
        y.register_hook(lambda g: setattr(g, "note", 1))
        y.register_hook(lambda g: g * 3)
        y.register_hook(lambda g: kept.append(hasattr(g, "note")))
        y.sum().backward()
        return [kept[0].note, kept[1], x.grad.tolist()]

    assert run(minidl) == run(torch)


def test_an_optimizer_around_another() -> None:
    def run(T: ModuleType) -> list[float]:
        class Around(T.optim.Optimizer):  # type: ignore[name-defined,misc]
            def __init__(self, inner: Any) -> None:
                self.inner = inner

            def step(self, closure: Any = None) -> None:
                self.inner.step(closure)

        x = T.ones(2, requires_grad=True)
        (x * x).sum().backward()
        Around(T.optim.SGD([x], lr=0.25)).step()
        return x.tolist()

    assert run(minidl) == run(torch)


def test_what_cannot_be_says_so() -> None:
    linear = nn.Linear(2, 1)
    for absent, error in (
        (lambda: minidl.onnx.export(linear), NotImplementedError), (lambda: minidl.jit._get_trace_graph(linear), NotImplementedError),
        (lambda: minidl.autograd.forward_ad.make_dual(1, 2), NotImplementedError), (minidl.SymInt, NotImplementedError), (minidl.Stream, NotImplementedError),
        (lambda: minidl.PyTorchFileReader("f"), NotImplementedError), (lambda: minidl.cuda.StreamContext(None), AssertionError),
        (lambda: minidl.autograd.nothing, AttributeError), (lambda: minidl.functional.nothing, AttributeError)):
        with pytest.raises(error):
            absent()
    from minidl.autograd.profiler import emit_nvtx
    from minidl.distributed.tensor import DTensor
    from minidl.nn.parallel.scatter_gather import gather, scatter
    from minidl.overrides import TorchFunctionMode, handle_torch_function, has_torch_function, has_torch_function_variadic, is_tensor_like
    from minidl.utils._python_dispatch import TorchDispatchMode
    from minidl.utils.flop_counter import FlopCounterMode

    for mode, error in ((emit_nvtx, RuntimeError), (TorchFunctionMode, NotImplementedError), (TorchDispatchMode, NotImplementedError),
                        (FlopCounterMode, NotImplementedError)):
        with pytest.raises(error), mode():
            pass
    for call in (DTensor, lambda: scatter(1, [0]), lambda: gather(1, 0)):
        with pytest.raises(RuntimeError, match="one process|only device"):
            call()
    x = minidl.ones(2)
    assert not has_torch_function((x,)) and not has_torch_function_variadic(x) and is_tensor_like(x) and handle_torch_function(minidl.neg, (x,), x).tolist() == [-1, -1]


def test_questions_that_compilers_would_answer() -> None:
    from minidl._C._functorch import is_batchedtensor
    from minidl._C._nn import _parse_to
    from minidl._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
    from minidl.fx.experimental.proxy_tensor import get_proxy_mode
    from minidl.fx.experimental.symbolic_shapes import free_symbols, guard_or_false

    x = minidl.ones(2)
    assert not _subclasses.fake_tensor.is_fake(x) and not isinstance(x, _subclasses.FakeTensor) and not is_batchedtensor(x)
    assert not minidl._C._are_functorch_transforms_active() and get_proxy_mode() is None and guard_or_false(x.ndim) and free_symbols(x) == set()
    with TransformGetItemToIndex():
        assert x[minidl.tensor(1)].item() == 1
    for T in SIDES:
        parse = T._C._nn._parse_to
        assert [str(v) for v in parse("cpu", T.float64)[:2]] == ["cpu", "torch.float64"] and parse(dtype=T.float32)[0] is None
    assert str(_parse_to(x)[0]) == "cpu" and _parse_to(x)[1] is minidl.float32
    assert minidl.autograd.forward_ad.unpack_dual(x).tangent is None and minidl.jit.isinstance(x, minidl.Tensor)
    assert minidl._C._disabled_torch_function_impl(minidl.neg, (), (x,)).tolist() == [-1, -1] and minidl.functional.neg is minidl.neg


def test_layouts_are_names() -> None:
    for name in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"):
        assert repr(getattr(minidl, name)) == repr(getattr(torch, name))
    assert minidl.ones(1).layout is minidl.strided is not minidl.sparse_coo and pickle.loads(pickle.dumps(minidl.sparse_coo)) is minidl.sparse_coo


def test_how_the_library_computes_in_words() -> None:
    import minidl.__config__ as config

    assert "USE_CUDA=0" in config.show() and "get_num_threads()" in config.parallel_info()
    assert minidl.ao.quantization.FakeQuantizeBase is minidl.quantization.FakeQuantize and minidl.profiler.kineto_available() is False
    memory = minidl.ones(1000).untyped_storage()
    assert memory.__sizeof__() > 4000 and minidl.cuda.random.manual_seed is minidl.cuda.manual_seed


def test_systems_by_their_older_name() -> None:
    def run(T: ModuleType) -> list[Any]:
        a, b = T.tensor([[2.0, 1.0], [0.5, 3.0]]), T.tensor([[1.0], [2.0]])
        return [T.triangular_solve(b, a), T.triangular_solve(b, a, False), b.triangular_solve(a, transpose=True), T.triangular_solve(b, a, unitriangular=True).solution]

    equal(run)


def test_methods_that_edit_as_functions() -> None:
    def run(T: ModuleType) -> list[Any]:
        x = T.tensor([-1.0, 0.5, 2.0])
        return [T.clamp_(x, min=0.25) is x, T.sigmoid_(x), T.sqrt_(x), x]

    equal(run)
    assert all(callable(getattr(torch, name)) and callable(getattr(minidl, name)) for name in minidl.compat.EDITORS)
