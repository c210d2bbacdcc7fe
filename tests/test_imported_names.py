"""Names that programs import and settings they make although they do not need what is behind them: these programs run."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest

import minidl
from tests.test_compat import SIDES, equal


def test_programs_ask_whether_a_module_is_one_of_several_processes() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Linear(2, 1)
        plain = net.module if isinstance(net, (T.nn.DataParallel, T.nn.parallel.DistributedDataParallel)) else net
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            T.nn.parallel.DistributedDataParallel(net)
        return plain.weight

    equal(run)
    net, x = minidl.nn.Linear(2, 1), minidl.ones(3, 2)
    for inputs in (x, (x,)):  # with no GPU PyTorch refuses
        assert minidl.equal(minidl.nn.parallel.data_parallel(net, inputs, range(0)), net(x))


@pytest.mark.parametrize(("module", "names"), [
    ("torch.types", "Number Device Tensor _size"), ("torch.utils.data._utils.collate", "default_collate default_convert"),
    ("torch.nn.modules.module", "_IncompatibleKeys"), ("torch.jit", "TracerWarning"), ("torch.serialization", "DEFAULT_PROTOCOL"),
    ("torch.hub", "HASH_REGEX _get_torch_home urlparse"), ("torch.cuda.amp", "custom_fwd custom_bwd"), ("torch", "OutOfMemoryError"),
    ("torch._C", "Graph Value"),
    ("torch.fx", "wrap Tracer GraphModule Node Proxy Graph Interpreter symbolic_trace replace_pattern"),
])
def test_names_that_programs_import(monkeypatch: pytest.MonkeyPatch, module: str, names: str) -> None:
    theirs, ours = importlib.import_module(module), importlib.import_module(module.replace("torch", "minidl"))
    for name in names.split():
        their, our = getattr(theirs, name), getattr(ours, name)
        assert isinstance(our, type) == isinstance(their, type) and getattr(our, "__name__", name) == getattr(their, "__name__", name)
        if isinstance(our, type) and issubclass(their, Exception):
            assert issubclass(our, their.__mro__[1])


def test_the_collate_of_the_older_place_is_the_one_there_is() -> None:
    from minidl.utils.data._utils.collate import default_collate

    assert default_collate is minidl.utils.data.default_collate


def test_settings_of_mixed_precision() -> None:
    def run(T: ModuleType) -> Any:
        T.clear_autocast_cache()
        return [T.is_autocast_cpu_enabled(), str(T.get_autocast_gpu_dtype()), str(T.get_autocast_cpu_dtype()), str(T.get_autocast_dtype("cpu")),
                T.cuda.get_rng_state_all(), T.cuda.memory_reserved(), T.cuda.max_memory_reserved()]

    equal(run)

    def function(T: ModuleType) -> Any:
        class Square(T.autograd.Function):  # type: ignore[name-defined,misc]
            @staticmethod
            @T.amp.custom_fwd(device_type="cuda", cast_inputs=T.float16)
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            @T.amp.custom_bwd(device_type="cuda")
            def backward(ctx: Any, g: Any) -> Any:
                return 2 * g * ctx.saved_tensors[0]

        class Cube(T.autograd.Function):  # type: ignore[name-defined,misc]
            @staticmethod
            @T.cuda.amp.custom_fwd
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x ** 3

            @staticmethod
            @T.cuda.amp.custom_bwd
            def backward(ctx: Any, g: Any) -> Any:
                return 3 * g * ctx.saved_tensors[0] ** 2

        x = T.tensor([1.0, 2.0], requires_grad=True)
        (Square.apply(x) + Cube.apply(x)).sum().backward()
        return x.grad

    equal(function)


def test_a_program_is_not_traced() -> None:
    fx = minidl.fx

    class Tracer(fx.Tracer):
        pass

    for use in (lambda: fx.symbolic_trace(minidl.nn.ReLU()), lambda: Tracer().trace(minidl.nn.ReLU()), lambda: fx.replace_pattern(minidl.nn.ReLU(), 1, 2)):
        with pytest.raises(NotImplementedError, match=r"fx: ReLU cannot be traced: .* forward hooks"):
            use()
    for kind in (fx.Graph, fx.GraphModule, fx.Node, fx.Proxy, fx.Interpreter):
        with pytest.raises(NotImplementedError, match=f"fx: {kind.__name__} cannot be traced"):
            kind()
    assert fx.wrap("len") == "len" and not isinstance(minidl.nn.ReLU(), fx.GraphModule)


def test_frequencies_are_pytorchs() -> None:
    def run(T: ModuleType) -> Any:
        x = T.arange(60.0).reshape(3, 4, 5)
        return ([f(n, d) for f in (T.fft.fftfreq, T.fft.rfftfreq) for n in (1, 4, 5) for d in (1.0, 0.5)], T.fft.rfftfreq(5, dtype=T.float64),
                [f(x, *dim) for f in (T.fft.fftshift, T.fft.ifftshift) for dim in ((), (1,), ((0, -1),))])

    equal(run)
    assert minidl.fft.fftfreq(3, requires_grad=True).requires_grad and minidl.fft.rfftfreq(3, requires_grad=True).requires_grad
    for T in SIDES:
        with pytest.raises(RuntimeError, match="fftfreq requires a floating point or complex dtype"):
            T.fft.fftfreq(3, dtype=T.int32)


def test_what_programs_ask_of_other_processes() -> None:
    from minidl.distributed import nn
    from minidl.distributed.optim import ZeroRedundancyOptimizer

    for use in (lambda: ZeroRedundancyOptimizer([], minidl.optim.SGD), nn.all_gather, minidl.distributed.get_backend, minidl.distributed.destroy_process_group):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            use()
    assert not minidl.distributed.is_nccl_available() and minidl.distributed.ReduceOp.SUM != minidl.distributed.ReduceOp.MAX


def test_programs_that_set_and_mark_for_a_compiler_go_on() -> None:
    import minidl._dynamo

    minidl._dynamo.config.suppress_errors = True
    x = minidl.ones(1)
    minidl._dynamo.mark_static_address(x)
    minidl._dynamo.mark_dynamic(x, 0)
    minidl._dynamo.graph_break()
    minidl._dynamo.reset()
    assert minidl._dynamo.disable(len) is len and not minidl._dynamo.is_compiling()
    assert not isinstance(minidl.compile(minidl.nn.ReLU()), minidl._dynamo.eval_frame.OptimizedModule)


def test_packages_that_report_their_use_go_on() -> None:
    for T in SIDES:
        assert T._C._log_api_usage_once("test.a_package") is None and T._C._get_tracing_state() is None


def test_storages_have_their_types() -> None:
    def run(T: ModuleType) -> Any:
        x = T.ones(3)
        return isinstance(x.untyped_storage(), T.UntypedStorage), isinstance(x.storage(), T.TypedStorage)

    equal(run)
