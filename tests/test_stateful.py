"""Random programs of views, in-place edits, hooks and backwards, played on minidl and PyTorch side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

import minidl

from .harness import ERRORS

LIBRARIES = (torch, minidl)
VIEWS = {
    "transpose": lambda x: x.transpose(0, -1), "first": lambda x: x[0], "rows": lambda x: x[1:], "steps": lambda x: x[..., ::2],
    "flat": lambda x: x.view(-1), "reshape": lambda x: x.reshape(-1), "unsqueeze": lambda x: x.unsqueeze(0), "narrow": lambda x: x.narrow(0, 0, 1),
    "expand": lambda x: x.unsqueeze(0).expand(2, *x.shape), "diagonal": lambda x: x.diagonal(), "detach": lambda x: x.detach(),
    "squeeze": lambda x: x.squeeze(), "permute": lambda x: x.permute(tuple(range(x.dim() - 1, -1, -1))), "alias": lambda x: x[...],
    "chunk": lambda x: x.chunk(2)[0], "unbind": lambda x: x.unbind()[0], "view_as": lambda x: x.view_as(x)}
OPS = {
    "mul": lambda x, y: x * y, "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "sin": lambda x, y: x.sin(), "exp": lambda x, y: (x * 0.1).exp(),
    "sigmoid": lambda x, y: x.sigmoid(), "clone": lambda x, y: x.clone(), "double": lambda x, y: x * 2.0, "sum": lambda x, y: x.sum(),
    "square": lambda x, y: x ** 2, "mean": lambda x, y: x.mean(0) if x.dim() else x.mean(), "contiguous": lambda x, y: x.contiguous()}
EDITS = {
    "mul_": lambda x, y: x.mul_(y), "add_": lambda x, y: x.add_(y), "double": lambda x, y: x.mul_(2.0), "sin_": lambda x, y: x.sin_(),
    "sigmoid_": lambda x, y: x.sigmoid_(), "zero_": lambda x, y: x.zero_(), "fill_": lambda x, y: x.fill_(0.5), "copy_": lambda x, y: x.copy_(y),
    "setitem": lambda x, y: x.__setitem__(0, 1.5), "assign": lambda x, y: x.__setitem__(Ellipsis, y), "sub_": lambda x, y: x.sub_(y),
    "relu_": lambda x, y: x.relu_(), "neg_": lambda x, y: x.neg_(), "iadd": lambda x, y: x.__iadd__(y), "detach_": lambda x, y: x.detach_(),
    "requires_grad_": lambda x, y: x.requires_grad_()}


class Pair:
    """One tensor in both libraries."""

    def __init__(self, reference: Any, own: Any) -> None:
        self.both = (reference, own)


class Programs(RuleBasedStateMachine):
    """Every step is done on both sides; both succeed with equal results, or both raise."""

    tensors = Bundle("tensors")

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[Pair] = []
        self.log: tuple[list[Any], list[Any]] = ([], [])

    def step(self, action: Any) -> Any:
        """Runs `action(library index)` on both sides; None if both raise."""
        results: list[Any] = []
        for side in (0, 1):
            try:
                results.append(action(side))
            except ERRORS as error:
                results.append(error)
        failed = [isinstance(r, Exception) for r in results]
        assert failed[0] == failed[1], f"PyTorch: {results[0]!r}, minidl: {results[1]!r}"
        return None if failed[0] else results

    def keep(self, results: Any, default: Pair) -> Pair:
        """The pair of results, or (nothing came of the step) the pair that was there before."""
        if results is None or not isinstance(results[0], torch.Tensor):
            return default
        pair = Pair(*results)
        self.pairs.append(pair)
        return pair

    @initialize(target=tensors, seed=st.integers(0, 1000))
    def start(self, seed: int) -> Pair:
        return self.leaf(seed, True, (2, 3))

    @rule(target=tensors, seed=st.integers(0, 1000), grad=st.booleans(), shape=st.sampled_from([(2, 3), (3,), (2, 1), ()]))
    def new_leaf(self, seed: int, grad: bool, shape: tuple[int, ...]) -> Pair:
        return self.leaf(seed, grad, shape)

    def leaf(self, seed: int, grad: bool, shape: tuple[int, ...]) -> Pair:
        values = np.asarray(np.random.default_rng(seed).standard_normal(shape))
        pair = Pair(*(library.tensor(values, requires_grad=grad) for library in LIBRARIES))
        self.pairs.append(pair)
        return pair

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(VIEWS)))
    def view(self, x: Pair, name: str) -> Pair:
        return self.keep(self.step(lambda i: VIEWS[name](x.both[i])), x)

    @rule(target=tensors, x=tensors, y=tensors, name=st.sampled_from(sorted(OPS)))
    def compute(self, x: Pair, y: Pair, name: str) -> Pair:
        return self.keep(self.step(lambda i: OPS[name](x.both[i], y.both[i])), x)

    @rule(x=tensors, y=tensors, name=st.sampled_from(sorted(EDITS)), recorded=st.booleans())
    def edit(self, x: Pair, y: Pair, name: str, recorded: bool) -> None:
        def action(i: int) -> None:
            with LIBRARIES[i].set_grad_enabled(recorded):
                EDITS[name](x.both[i], y.both[i])
        self.step(action)

    @rule(x=tensors, factor=st.sampled_from([None, 2.0, -1.0]))
    def hook(self, x: Pair, factor: float | None) -> None:
        def register(i: int) -> None:
            def fire(g: Any) -> Any:
                self.log[i].append(g.detach().numpy().copy())
                return None if factor is None else g * factor
            x.both[i].grad_fn  # noqa: B018 - a stale view raises here; in PyTorch's register_hook only the first time
            x.both[i].register_hook(fire)
        self.step(register)

    @rule(x=tensors)
    def retain(self, x: Pair) -> None:
        self.step(lambda i: x.both[i].retain_grad())

    @rule(x=tensors, retain=st.booleans())
    def backward(self, x: Pair, retain: bool) -> None:
        self.step(lambda i: x.both[i].sum().backward(retain_graph=retain))

    @rule(x=tensors, y=tensors)
    def second_derivative(self, x: Pair, y: Pair) -> None:
        def action(i: int) -> Any:
            library = LIBRARIES[i]
            g, = library.autograd.grad((x.both[i] ** 2).sum(), y.both[i], create_graph=True)
            return library.autograd.grad((g * g).sum(), y.both[i], retain_graph=True, allow_unused=True)[0]
        results = self.step(action)
        if results is not None and results[0] is not None:
            np.testing.assert_allclose(results[1].numpy(), results[0].numpy(), 1e-7, 1e-7)

    @invariant()
    def everything_agrees(self) -> None:
        for pair in self.pairs:
            want, have = pair.both
            np.testing.assert_allclose(have.detach().numpy(), want.detach().numpy(), 1e-9, 1e-9)
            assert have._version == want._version, f"version {have._version}, expected {want._version}"
            assert have.requires_grad == want.requires_grad, f"requires_grad {have.requires_grad}, expected {want.requires_grad}"
            leaves = self.step(lambda i, pair=pair: pair.both[i].is_leaf)  # asking may raise, for a view whose history is lost
            if leaves is not None:
                assert leaves[0] == leaves[1], f"is_leaf {leaves[1]}, expected {leaves[0]}"
            if leaves is not None and (want.is_leaf or want.retains_grad):
                assert (have.grad is None) == (want.grad is None), f"grad {have.grad}, expected {want.grad}"
                if want.grad is not None:
                    np.testing.assert_allclose(have.grad.detach().numpy(), want.grad.detach().numpy(), 1e-9, 1e-9)
        assert len(self.log[0]) == len(self.log[1]), f"{len(self.log[1])} hooks fired, expected {len(self.log[0])}"
        for want, have in zip(*self.log):
            np.testing.assert_allclose(have, want, 1e-9, 1e-9)


Programs.TestCase.settings = settings(max_examples=max(60, settings().max_examples), stateful_step_count=20, derandomize=True, deadline=None)
test_programs = Programs.TestCase
