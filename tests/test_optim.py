"""Optimizers against PyTorch's: values, state, checkpoints that change library, errors, hooks; and that steps are in place."""

import copy
import importlib
import pickle
import tracemalloc

import numpy as np
import pytest
import torch

import minidl
from tests.exchange import assert_same, convert_to, library, outcome, to_numpy

LIBRARIES = (minidl, torch)
CONFIGURATIONS = {
    "SGD": [{}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
            {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "maximize": True, "weight_decay": 0.2}],
    "Adam": [{}, {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-4, "weight_decay": 0.1}, {"amsgrad": True, "maximize": True},
             {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "AdamW": [{}, {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True}],
    "Adamax": [{}, {"lr": 0.05, "betas": (0.7, 0.95), "weight_decay": 0.1, "maximize": True}],
    "NAdam": [{}, {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.01}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"lr": 0.05, "betas": (0.9, 0.9), "weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}, {"maximize": True}],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.7, "weight_decay": 0.1}, {"maximize": True}],
    "RMSprop": [{}, {"momentum": 0.8, "weight_decay": 0.1}, {"centered": True}, {"centered": True, "momentum": 0.5, "maximize": True}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.2), "maximize": True}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.01, "t0": 4, "weight_decay": 0.1}],
    "Adafactor": [{}, {"lr": 0.1, "weight_decay": 0.1, "d": 1.5, "eps": (1e-6, 1e-2), "beta2_decay": -0.5}, {"maximize": True}],
}
LBFGS = [{"max_iter": 3}, {"lr": 0.2, "max_iter": 3, "history_size": 2}, {"max_iter": 4, "line_search_fn": "strong_wolfe"}]
ROWS = [pytest.param(name, kwargs, id=f"{name}-{i}") for name, rows in CONFIGURATIONS.items() for i, kwargs in enumerate(rows)]
TRAINED = ROWS + [pytest.param("LBFGS", kwargs, id=f"LBFGS-{i}") for i, kwargs in enumerate(LBFGS)]
SHAPES = [(), (3,), (4, 3), (2, 3, 2), (0, 2)]


def draw(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape), dtype) for shape in SHAPES]


def parameters(lib, name, dtype=np.float64):
    arrays = draw(0, dtype)
    if name == "Adafactor":  # which divides by the number of elements, in PyTorch too
        del arrays[-1]
    arrays[2] = np.asfortranarray(arrays[2])
    return [t.requires_grad_() for t in convert_to(lib, [lib.from_numpy(a) for a in arrays])]


def steps(lib, optimizer, params, count, seed=1, dtype=np.float64):
    """Steps by random gradients; now and then a parameter has none."""
    for i in range(count):
        for j, (p, g) in enumerate(zip(params, draw([seed, i], dtype))):
            p.grad = None if (i + j) % 4 == 3 else convert_to(lib, lib.from_numpy(g))
        optimizer.step()
    return [p.detach().numpy().copy() for p in params]


def grouped(params):
    return [{"params": params[:3]}, {"params": params[3:], "lr": 0.02}]


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_values_and_state_are_pytorchs(name, kwargs):
    results = []
    for lib in LIBRARIES:
        params = parameters(lib, name)
        optimizer = getattr(lib.optim, name)(grouped(params), **kwargs)
        results.append((steps(lib, optimizer, params, 12), to_numpy(optimizer.state_dict()), repr(optimizer), optimizer.defaults))
    for have, want in zip(*results):
        assert_same(have, want, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_float32(name, kwargs):
    results = []
    for lib in LIBRARIES:
        params = parameters(lib, name, np.float32)
        optimizer = getattr(lib.optim, name)(params, **kwargs)
        results.append(steps(lib, optimizer, params, 6, dtype=np.float32))
    assert_same(*results, rtol=2e-5, atol=2e-6)


class Run:
    """A small network in training, whose losses are recorded."""

    def __init__(self, lib, name, kwargs, weights=None, state=None):
        rng = np.random.default_rng(5)
        made = [rng.standard_normal(shape) * 0.5 for shape in ((3, 8), (8,), (8, 1), (1,))]
        self.x, self.y = (convert_to(lib, lib.from_numpy(rng.standard_normal(shape))) for shape in ((16, 3), (16, 1)))
        self.lib = lib
        self.weights = [convert_to(lib, lib.from_numpy(w)).requires_grad_() for w in weights or made]
        self.optimizer = getattr(lib.optim, name)(self.weights, **kwargs)
        if state is not None:
            self.optimizer.load_state_dict(convert_to(lib, state))

    def loss(self):
        a, b, c, d = self.weights
        self.optimizer.zero_grad()
        loss = (((self.x @ a + b).tanh() @ c + d - self.y) ** 2).mean()
        loss.backward()
        return loss

    def train(self, count):
        return [self.optimizer.step(self.loss).item() for _ in range(count)]

    def moved_to(self, lib, name, kwargs):
        return Run(lib, name, kwargs, [w.detach().numpy() for w in self.weights], self.optimizer.state_dict())


@pytest.mark.parametrize(("name", "kwargs"), TRAINED)
@pytest.mark.parametrize("first", ["torch", "minidl"])
def test_a_run_may_change_library_halfway(name, kwargs, first):
    kwargs = {"lr": 0.05} | kwargs
    second = {"torch": "minidl", "minidl": "torch"}[first]
    whole = Run(torch, name, kwargs)
    # Loading makes float64 of some float32 state, such as NAdam's product, so PyTorch's run is saved and loaded halfway too.
    whole = whole.train(8) + whole.moved_to(torch, name, kwargs).train(8)
    run = Run(library(first), name, kwargs)
    losses = run.train(8)
    losses += run.moved_to(library(second), name, kwargs).train(8)
    np.testing.assert_allclose(losses, whole, rtol=1e-9, atol=1e-12)
    assert whole[-1] != whole[0]


@pytest.mark.parametrize(("name", "kwargs"), TRAINED)
def test_copies_and_pickles_go_on_alike(name, kwargs):
    run = Run(minidl, name, kwargs)
    run.train(3)
    copies = [copy.deepcopy((run.weights, run.optimizer)), pickle.loads(pickle.dumps((run.weights, run.optimizer)))]
    expected = run.train(3)
    for weights, optimizer in copies:
        again = Run(minidl, name, kwargs)
        again.weights, again.optimizer = weights, optimizer
        assert repr(optimizer) == repr(run.optimizer)
        assert again.train(3) == expected


def test_steps_allocate_no_array_of_the_parameters_size():
    size = 1 << 18
    for name, rows in CONFIGURATIONS.items():
        for kwargs in rows:
            p = minidl.ones(512, 512).requires_grad_()
            optimizer = getattr(minidl.optim, name)([p], **kwargs)
            p.grad = minidl.ones(512, 512)
            optimizer.step()
            address, version = p.data_ptr(), p._version
            tracemalloc.start()
            optimizer.step()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            # A quarter of the parameter's bytes; Rprop has two masks of one byte per element.
            assert peak < (3 * size if name == "Rprop" else size), (name, kwargs, peak)
            assert p.data_ptr() == address and p._version == version + 1
            assert float(p.grad.sum()) == size


def test_a_step_between_forward_and_backward_is_noticed():
    w = minidl.ones(2, requires_grad=True)
    optimizer = minidl.optim.SGD([w], lr=0.1)
    w.grad = minidl.ones(2)
    y = (w * w).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


ERRORS = [
    lambda lib, p: lib.optim.SGD(p),
    lambda lib, p: lib.optim.SGD([]),
    lambda lib, p: lib.optim.SGD([{"params": {p}}]),
    lambda lib, p: lib.optim.SGD([3]),
    lambda lib, p: lib.optim.SGD([p * 2]),
    lambda lib, p: lib.optim.SGD([{"params": [p]}, {"params": [p]}]),
    lambda lib, p: lib.optim.SGD([("a", p), lib.ones(1)]),
    lambda lib, p: lib.optim.SGD([("a", p)]).add_param_group({"params": [lib.ones(1)]}),
    lambda lib, p: lib.optim.SGD([p]).add_param_group({"params": [("b", lib.ones(1))]}),
    lambda lib, p: lib.optim.SGD([p]).add_param_group([lib.ones(1)]),
    lambda lib, p: lib.optim.Optimizer([p], {}).step(),
    lambda lib, p: lib.optim.SGD([p], lr=-1),
    lambda lib, p: lib.optim.SGD([p], lr=lib.ones(2)),
    lambda lib, p: lib.optim.SGD([p], momentum=-0.5),
    lambda lib, p: lib.optim.SGD([p], nesterov=True),
    lambda lib, p: lib.optim.SGD([p], fused=True, differentiable=True),
    lambda lib, p: lib.optim.SGD([p], fused=True, foreach=True),
    lambda lib, p: lib.optim.Adam([p], betas=(0.9, 1.0)),
    lambda lib, p: lib.optim.Adam([p], betas=(-0.1, 0.9)),
    lambda lib, p: lib.optim.Adam([p], eps=-1),
    lambda lib, p: lib.optim.Adam([p], betas=(lib.tensor(0.5), 0.9)),
    lambda lib, p: lib.optim.AdamW([p], weight_decay=-1),
    lambda lib, p: lib.optim.NAdam([p], momentum_decay=-1),
    lambda lib, p: lib.optim.Adadelta([p], rho=1.5),
    lambda lib, p: lib.optim.Adagrad([p], lr_decay=-0.5),
    lambda lib, p: lib.optim.RMSprop([p], alpha=-1),
    lambda lib, p: lib.optim.Rprop([p], etas=(1.1, 0.9)),
    lambda lib, p: lib.optim.Adafactor([p], lr=-1),
    lambda lib, p: lib.optim.Adafactor([p], beta2_decay=1),
    lambda lib, p: lib.optim.Adafactor([p], eps=(-1, 0)),
    lambda lib, p: lib.optim.Adafactor([p], d=0.5),
    lambda lib, p: lib.optim.LBFGS([{"params": [p]}, {"params": [lib.ones(1)]}]),
    lambda lib, p: lib.optim.LBFGS([p], line_search_fn="other").step(lambda: stepped(p)),
    lambda lib, p: lib.optim.SGD([p]).load_state_dict({"state": {}, "param_groups": []}),
    lambda lib, p: lib.optim.SGD([p]).load_state_dict({"state": {}, "param_groups": [{"params": []}]}),
    lambda lib, p: lib.optim.swa_utils.get_ema_avg_fn(1.5),
    lambda lib, p: lib.optim.swa_utils.get_ema_multi_avg_fn(-1),
]


def stepped(p):
    loss = (p * p).sum()
    loss.backward()
    return loss


@pytest.mark.parametrize("call", ERRORS)
def test_errors_are_pytorchs(call):
    have, want = (outcome(lambda lib=lib: call(lib, lib.ones(2, requires_grad=True))) for lib in LIBRARIES)
    assert want is not None
    assert have == want


def test_duplicate_parameters_warn():
    p = minidl.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        minidl.optim.SGD([p, p])


def base_module(lib):
    return importlib.import_module(f"{lib.__name__}.optim.optimizer")


def logged(lib):
    """What hooks see, in order, while an optimizer steps and its state travels."""
    log = []
    p = lib.ones(2, requires_grad=True)
    p.grad = lib.ones(2)
    optimizer = lib.optim.SGD([p], lr=1.0)
    module = base_module(lib)

    def note(name):
        return lambda o, *rest: log.append((name, o is optimizer, [type(r).__name__ for r in rest]))

    handles = [module.register_optimizer_step_pre_hook(note("global pre")), module.register_optimizer_step_post_hook(note("global post")),
               optimizer.register_step_pre_hook(note("pre")), optimizer.register_step_post_hook(note("post"))]
    optimizer.register_state_dict_pre_hook(note("state pre"))
    optimizer.register_state_dict_post_hook(note("state post"))
    optimizer.register_state_dict_post_hook(note("state post first"), prepend=True)
    optimizer.register_load_state_dict_pre_hook(note("load pre"))
    optimizer.register_load_state_dict_post_hook(note("load post"))
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    for handle in handles:
        handle.remove()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((args[0], lambda: log.append("closure") or 7), kwargs))
    log.append(optimizer.step())
    optimizer.register_state_dict_post_hook(lambda o, state: {"replaced": sorted(state)})
    log.append(optimizer.state_dict())
    optimizer.register_load_state_dict_pre_hook(lambda o, state: {"state": {}, "param_groups": [{"params": [0], "lr": 3.0}]})
    optimizer.load_state_dict({})
    log.append(optimizer.param_groups[0]["lr"])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    log.append((outcome(optimizer.step) or (None,))[0])
    return log


def test_hooks_fire_in_pytorchs_order():
    have, want = map(logged, LIBRARIES)
    assert have == want
    assert len(want) > 12


def test_hooks_fire_once_for_a_step_that_calls_its_base_classes():
    class Logged(minidl.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    p = minidl.ones(1, requires_grad=True)
    optimizer, log = Logged([p], lr=0.5), []
    optimizer.register_step_pre_hook(lambda *args: log.append("before"))
    optimizer.register_step_post_hook(lambda *args: log.append("after"))
    p.grad = minidl.ones(1)
    optimizer.step()
    assert log == ["before", "after"] and p.item() == 0.5


def test_a_users_own_optimizer():
    def make(lib):
        required = base_module(lib).required

        class Signs(lib.optim.Optimizer):
            def __init__(self, params, lr=required):
                super().__init__(params, {"lr": lr})

            def step(self, closure=None):
                with lib.no_grad():
                    for group in self.param_groups:
                        for p in group["params"]:
                            p.add_(p.grad.sign(), alpha=-group["lr"])

        return Signs

    for lib in LIBRARIES:
        signs, p = make(lib), lib.tensor([1.0, 2.0], requires_grad=True)
        with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
            signs([p])
        optimizer, calls = signs([{"params": [p], "lr": 0.5}]), []
        optimizer.register_step_post_hook(lambda *args, calls=calls: calls.append(args))
        (p * lib.tensor([1.0, -1.0])).sum().backward()
        optimizer.step()
        assert p.tolist() == [0.5, 2.5] and len(calls) == 1


def test_zero_grad():
    p = minidl.ones(2, requires_grad=True)
    optimizer = minidl.optim.SGD([p, minidl.ones(1)])
    (p * p).sum().backward(create_graph=True)
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is kept and p.grad.tolist() == [0, 0] and p.grad.grad_fn is None and not p.grad.requires_grad
    optimizer.zero_grad()
    assert p.grad is None


def test_loaded_state_is_cast_to_the_parameters_dtype():
    for lib in LIBRARIES:
        p, q = lib.ones(2, requires_grad=True), lib.ones(2, dtype=lib.float64, requires_grad=True)
        p.grad = lib.ones(2)
        source, target = lib.optim.Adam([p]), lib.optim.Adam([q])
        source.step()
        target.load_state_dict(source.state_dict())
        state = target.state[q]
        assert [str(state[name].dtype) for name in ("step", "exp_avg")] == ["torch.float32", "torch.float64"]


def test_old_checkpoints_without_later_options():
    for lib in LIBRARIES:
        p = lib.ones(2, requires_grad=True)
        optimizer = lib.optim.AdamW([p], amsgrad=True)
        group = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.5, "params": [0]}
        optimizer.load_state_dict({"state": {0: {"step": 3, "exp_avg": lib.ones(2), "exp_avg_sq": lib.ones(2)}}, "param_groups": [group]})
        loaded = optimizer.param_groups[0]
        assert (loaded["amsgrad"], loaded["maximize"], loaded["foreach"], loaded["decoupled_weight_decay"]) == (False, False, None, True)
        assert float(optimizer.state[p]["step"]) == 3 and isinstance(optimizer.state[p]["step"], lib.Tensor)


def test_named_parameters_and_options_as_tensors():
    results = []
    for lib in LIBRARIES:
        p, q = lib.ones(2, requires_grad=True), lib.ones(3, requires_grad=True)
        optimizer = lib.optim.Adam([("p", p), ("q", q)], lr=lib.tensor(0.25))
        optimizer.add_param_group({"params": [("r", lib.ones(1))], "lr": 0.5})
        p.grad, q.grad = lib.ones(2), -lib.ones(3)
        optimizer.step()
        results.append((to_numpy(optimizer.state_dict()), p.tolist(), q.tolist()))
    assert_same(*results, rtol=1e-6)


# averages of weights


def averaged(lib, **kwargs):
    lib.manual_seed(0)
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4)).double()
    kwargs = {key: getattr(lib.optim.swa_utils, value[0])(*value[1:]) if isinstance(value, tuple) else value
              for key, value in kwargs.items()}
    average = lib.optim.swa_utils.AveragedModel(model, **kwargs)
    rng = np.random.default_rng(2)
    for _ in range(4):
        with lib.no_grad():
            for p in model.parameters():
                p.add_(convert_to(lib, lib.from_numpy(np.asarray(rng.standard_normal(tuple(p.shape))))))
        model(convert_to(lib, lib.from_numpy(rng.standard_normal((5, 3)))))
        average.update_parameters(model)
    batches = [convert_to(lib, lib.from_numpy(rng.standard_normal((6, 3)))) for _ in range(3)]
    before = to_numpy(dict(average.state_dict()))
    lib.optim.swa_utils.update_bn([[batch, 0] for batch in batches], average)
    return before, to_numpy(dict(average.state_dict()))


@pytest.mark.parametrize("kwargs", [
    {}, {"use_buffers": True}, {"multi_avg_fn": ("get_ema_multi_avg_fn", 0.7)}, {"avg_fn": ("get_ema_avg_fn", 0.7)},
    {"avg_fn": ("get_swa_avg_fn",)}, {"multi_avg_fn": ("get_swa_multi_avg_fn",)},
    {"multi_avg_fn": ("get_ema_multi_avg_fn", 0.7), "use_buffers": True}])
def test_averaged_models(kwargs):
    assert_same(averaged(minidl, **kwargs), averaged(torch, **kwargs), rtol=1e-12, atol=1e-14)
