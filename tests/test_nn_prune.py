"""Pruning and orthogonal parametrisations against PyTorch, with the same random stream."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.prune
from hypothesis import example, given
from hypothesis import strategies as st

import minidl
from tests.test_nn_utils import assert_equal, same, values

METHODS = ["identity(m, name)", "random_unstructured(m, name, 0.3)", "random_unstructured(m, name, 2)", "l1_unstructured(m, name, 0.4)",
           "l1_unstructured(m, name, 1)", "l1_unstructured(m, name, 0)", "l1_unstructured(m, name, 0.5, importance_scores=scores)",
           "random_structured(m, name, 1, 0)", "random_structured(m, name, 0.5, -1)", "random_structured(m, name, 0, 1)",
           "ln_structured(m, name, 1, 2, 0)", "ln_structured(m, name, 0.5, n=1, dim=-1)",
           "ln_structured(m, name, 1, n=float('inf'), dim=1, importance_scores=scores)", "custom_from_mask(m, name, (scores > 0))"]


def equal(run: Any, rtol: float = 2e-6) -> None:
    """Equal values; an exception on either side is a failure."""
    results = []
    for T in (minidl, torch):
        T.manual_seed(5)
        results.append(values(run(T)))
    assert_equal(*results, rtol)


def layer(T: ModuleType, kind: str) -> Any:
    rng = np.random.default_rng(3)
    module = eval(f"nn.{kind}", {"nn": T.nn})
    for p in module.parameters():
        p.data = T.tensor(rng.standard_normal(tuple(p.shape)))
    return module


def prune_by(T: ModuleType, call: str, module: Any) -> Any:
    scores = T.tensor(np.random.default_rng(4).standard_normal(tuple(module.weight.shape)))
    return eval(call, vars(T.nn.utils.prune) | {"m": module, "name": "weight", "scores": scores})


@example("Conv2d(2, 3, 2)", [*["ln_structured(m, name, 1, n=float('inf'), dim=1, importance_scores=scores)"] * 2, "random_structured(m, name, 1, 0)"])
@given(st.sampled_from(["Linear(4, 3)", "Conv2d(2, 3, 2)"]), st.lists(st.sampled_from(METHODS), min_size=1, max_size=3))
def test_pruning_again_and_again(kind: str, calls: list[str]) -> None:
    def run(T: ModuleType) -> Any:
        module = layer(T, kind)
        facts: list[Any] = []
        for call in calls:
            try:
                assert prune_by(T, call, module) is module
            except ValueError as error:  # nothing is left to prune
                return str(error)
            facts += [module.weight, module.weight_mask, dict(module.state_dict()), len(module._forward_pre_hooks)]
        x = T.ones(*((2, 4) if "Linear" in kind else (1, 2, 3, 3)), dtype=T.float64)
        module.weight_orig.data *= 2
        y = module(x)
        (y * y).sum().backward()
        hook = next(iter(module._forward_pre_hooks.values()))
        facts += [y, module.weight_orig.grad, type(hook).__name__, len(hook) if len(calls) > 1 else 1, T.nn.utils.prune.is_pruned(module)]
        T.nn.utils.prune.remove(module, "weight")
        facts += [dict(module.state_dict()), len(module._forward_pre_hooks), T.nn.utils.prune.is_pruned(module),
                  type(module.weight).__name__, T.rand(1)]
        return facts

    equal(run, rtol=1e-12)


def test_global_pruning() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Sequential(layer(T, "Linear(4, 3)"), layer(T, "Linear(3, 2)"))
        prune, facts = T.nn.utils.prune, []
        pairs = [(net[0], "weight"), (net[1], "weight"), (net[1], "bias")]
        for method, options in ((prune.L1Unstructured, {"amount": 0.3}), (prune.RandomUnstructured, {"amount": 4}),
                                (prune.L1Unstructured, {"amount": 2, "importance_scores": {pairs[2]: T.ones(2, dtype=T.float64)}})):
            prune.global_unstructured(pairs, method, **options)
            facts += [net[0].weight_mask, net[1].weight_mask, net[1].bias_mask, net(T.ones(1, 4, dtype=T.float64))]
        return facts, list(net.state_dict()), prune.is_pruned(net)

    equal(run)


def test_methods_of_their_own() -> None:
    def run(T: ModuleType) -> Any:
        prune = T.nn.utils.prune

        class EveryOther(prune.BasePruningMethod):  # type: ignore[name-defined]
            PRUNING_TYPE = "unstructured"

            def compute_mask(self, t: Any, default_mask: Any) -> Any:
                mask = default_mask.clone()
                mask.view(-1)[::2] = 0
                return mask

        module = layer(T, "Linear(4, 3)")
        method = EveryOther.apply(module, "weight")
        again = prune.L1Unstructured.apply(module, "weight", 0.5)
        t = T.tensor([[1.0, -2.0], [3.0, 0.5]])
        container = prune.PruningContainer(method)
        facts = [module.weight, type(again).__name__, [type(m).__name__ for m in again], again[0] is method, len(container),
                 prune.L1Unstructured(2).prune(t), prune.L1Unstructured(1).prune(t, default_mask=T.ones(2, 2), importance_scores=t.abs() * -1),
                 prune.LnStructured(1, 2, 0).prune(t), EveryOther().prune(t)]
        twin = layer(T, "Linear(4, 3)")
        prune.identity(twin, "weight")
        twin.load_state_dict(module.state_dict())
        return [*facts, twin(T.ones(1, 4, dtype=T.float64))]

    equal(run)


@pytest.mark.parametrize("call", [
    "l1_unstructured(m, name, 'x')", "l1_unstructured(m, name, -1)", "l1_unstructured(m, name, 1.5)", "l1_unstructured(m, name, 100)",
    "random_structured(m, 'bias', 1, 0)", "ln_structured(m, name, 1, 2, 5)", "ln_structured(m, name, 9, 2, 0)", "remove(m, name)",
    "l1_unstructured(m, 'none', 1)", "custom_from_mask(m, name, scores[0])", "l1_unstructured(m, name, 1, importance_scores=scores[0])",
    "global_unstructured(3, L1Unstructured, amount=1)", "global_unstructured([(m, name)], L1Unstructured, 3, amount=1)",
    "global_unstructured([(m, name)], RandomStructured, amount=1)", "PruningContainer(3)", "BasePruningMethod()"])
def test_what_cannot_be_pruned_is_left_as_it_was(call: str) -> None:
    def run(T: ModuleType) -> Any:
        prune_by(T, call, layer(T, "Linear(4, 3)"))

    same(run)
    module = layer(minidl, "Linear(4, 3)")
    with pytest.raises((TypeError, ValueError, IndexError, AttributeError, AssertionError)):
        prune_by(minidl, call, module)
    assert list(module.state_dict()) == ["weight", "bias"] and not module._forward_pre_hooks


def test_containers_refuse_what_does_not_belong_there() -> None:
    prune = minidl.nn.utils.prune
    module = layer(minidl, "Linear(4, 3)")
    first, second = prune.Identity.apply(module, "weight"), prune.Identity.apply(module, "bias")
    container = prune.PruningContainer(first)
    with pytest.raises(ValueError, match="named 'weight'"):
        container.add_pruning_method(second)
    with pytest.raises(TypeError, match="not a BasePruningMethod"):
        container.add_pruning_method(print)

    class Odd(prune.Identity):
        PRUNING_TYPE = "odd"

    class Flat(prune.Identity):
        PRUNING_TYPE = "structured"

    before = dict(module._forward_pre_hooks)
    for kind, error in ((Odd, ValueError), (Flat, AttributeError)):
        with pytest.raises(error, match="PRUNING_TYPE"):
            kind.apply(module, "weight")
    with pytest.raises(IndexError, match="out of bounds"):
        prune.LnStructured.apply(module, "weight", 1, 2, -3)
    assert module._forward_pre_hooks == before


# ---- orthogonal matrices


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3), (1, 3), (3, 1)], ids=str)
@pytest.mark.parametrize("how", ["None", "'matrix_exp'", "'cayley'", "'householder'"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(shape: tuple[int, ...], how: str, trivial: bool) -> None:
    def run(T: ModuleType) -> Any:
        holder = T.nn.Module()
        holder.weight = T.nn.Parameter(T.tensor(np.random.default_rng(1).standard_normal(shape)))
        orthogonal = T.nn.utils.parametrizations.orthogonal
        orthogonal(holder, "weight", eval(how), use_trivialization=trivial)
        facts = [holder.weight, dict(holder.state_dict())]
        sgd = T.optim.SGD(holder.parameters(), lr=0.1)
        target = T.tensor(np.random.default_rng(2).standard_normal(shape))
        for _ in range(3):
            sgd.zero_grad()
            (holder.weight * target).sum().backward()
            facts.append(holder.parametrizations.weight.original.grad)
            sgd.step()
        q = holder.weight.mT if shape[-2] < shape[-1] else holder.weight
        np.testing.assert_allclose((q.mT @ q).detach().numpy(), np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])),
                                   atol=1e-12)
        facts += [holder.weight, dict(holder.state_dict())]
        if trivial or how == "'householder'":
            with T.no_grad():
                holder.weight = holder.weight.detach() * -1
            facts.append(holder.weight)
        return facts

    equal(run, rtol=1e-9)


def test_orthogonal_refuses_what_pytorch_refuses() -> None:
    for call in ("P.orthogonal(nn.Linear(2, 2), 'none')", "P.orthogonal(nn.Linear(2, 2), 'bias')", "P.orthogonal(nn.Linear(2, 2), 'weight', 'x')",
                 "setattr(P.orthogonal(nn.Linear(2, 2), 'weight', 'cayley', use_trivialization=False), 'weight', torch.ones(2, 2))",
                 "setattr(P.orthogonal(nn.Linear(2, 2)), 'weight', torch.ones(2, 3))"):
        def run(T: ModuleType, call: str = call) -> Any:
            eval(call, {"nn": T.nn, "P": T.nn.utils.parametrizations, "torch": T})

        same(run)
        with pytest.raises((ValueError, RuntimeError, NotImplementedError)):
            run(minidl)


# ---- what needs several devices elsewhere


def test_synchronised_batch_norm_of_one_process() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Sequential(T.nn.Conv2d(2, 3, 1), T.nn.BatchNorm2d(3), T.nn.ModuleDict({"n": T.nn.BatchNorm1d(2, affine=False, momentum=None)}))
        weight = net[1].weight
        net = T.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        x = T.tensor(np.random.default_rng(0).standard_normal((2, 2, 4, 4)), dtype=T.float32)
        facts = [repr(net), list(net.state_dict()), net[1].weight is weight, isinstance(net[1], T.nn.SyncBatchNorm)]
        for mode in (True, False):
            y = net[:2].train(mode)(x)
            facts += [y, net[1].running_var, net[2]["n"](x), net[2]["n"].num_batches_tracked]
        return facts

    equal(run)
    for shape in ((3,), (2, 0)):
        same(lambda T, shape=shape: T.nn.SyncBatchNorm(3)(T.ones(*shape)))


def test_convolution_weights_in_another_memory_format() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.Sequential(T.nn.Conv2d(2, 3, 3), T.nn.Sequential(T.nn.ConvTranspose2d(3, 2, 3)), T.nn.Conv3d(2, 2, 2), T.nn.Linear(2, 2))
        strides = []
        for dims, form in ((2, T.channels_last), (3, T.channels_last_3d)):
            assert getattr(T.nn.utils, f"convert_conv{dims}d_weight_memory_format")(net, form) is net
            strides.append([p.stride() for p in net.parameters()])
        return strides, list(net.parameters())

    equal(run)


def test_data_parallel_on_one_device() -> None:
    def run(T: ModuleType) -> Any:
        net = T.nn.DataParallel(T.nn.Linear(2, 2))
        return list(net.state_dict()), net(T.ones(1, 2)), net.module.weight, isinstance(copy.deepcopy(net), T.nn.DataParallel)

    equal(run)
