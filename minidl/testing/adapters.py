"""Functions of other libraries behind one face, so that any of them can be the candidate, or the oracle.

Each adapter takes the function (or finds it by the operator's name) and gives a `Candidate`, which is called with a `Case` and hands out arrays:

    numpy_function(f)            f(*arrays) -> array or tuple; backward=b for b(g, *arrays) -> its gradients
    minidl_function(f)           f on minidl's tensors
    torch_function(f)            f on PyTorch's tensors
    jax_function(f)              f on jax's arrays
    onnx_operator("Conv")        an ONNX operator run by onnx's reference evaluator
"""

from __future__ import annotations

import importlib
import operator
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .case import Case

__all__ = ["Candidate", "find", "jax_function", "minidl_function", "numpy_function", "torch_function"]

Arrays = list[np.ndarray]


class Candidate:
    """Outputs, gradients and second gradients of one function at a `Case`.

    `orders` tells how many derivatives there are. `wanted` has one bool for each of ``case.floats()``: whether its gradient is asked for.
    """

    orders = 0

    def __init__(self, function: Any, code: str) -> None:
        self.function, self.code = function, code

    def __repr__(self) -> str:
        return self.code

    def outputs(self, case: Case) -> Arrays:
        raise NotImplementedError

    def gradients(self, case: Case, gs: Arrays, wanted: Sequence[bool]) -> Arrays:
        """sum_j <g_j, dy_j/dx_i> for each wanted x_i (for a module, also each parameter)."""
        raise NotImplementedError

    def second(self, case: Case, gs: Arrays, us: Arrays, wanted: Sequence[bool]) -> Arrays:
        """Gradients of sum_i <u_i, gradients_i> with respect to each wanted x, then each g."""
        raise NotImplementedError


def flat(value: Any) -> list[Any]:
    """Outputs as a flat list; None among them is left out."""
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    return [] if value is None else [value]


def _named(function: Any) -> str:
    return getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or repr(function)


class NumpyCandidate(Candidate):
    def __init__(self, function: Callable[..., Any], backward: Callable[..., Any] | None = None) -> None:
        super().__init__(function, f"numpy_function({_named(function)}{', ' + _named(backward) if backward else ''})")
        self.backward, self.orders = backward, int(backward is not None)

    def outputs(self, case: Case) -> Arrays:
        return [np.asarray(y) for y in flat(self.function(*case.args, **case.kwargs))]

    def gradients(self, case: Case, gs: Arrays, wanted: Sequence[bool]) -> Arrays:
        assert self.backward is not None
        found = self.backward(*gs, *case.args, **case.kwargs)
        found = list(found) if isinstance(found, (list, tuple)) else [found]
        if len(found) > len(wanted):  # one for each argument, None for what has no gradient
            found = [g for g in found if g is not None]
        return [np.asarray(g) for g, want in zip(found, wanted) if want]


class TensorCandidate(Candidate):
    """A function of tensors of minidl or PyTorch, which have the same interface."""

    orders = 2

    def __init__(self, library: Any, function: Any, code: str) -> None:
        super().__init__(function, code)
        self.lib = library

    def _run(self, case: Case, wanted: Sequence[bool] = ()) -> tuple[list[Any], list[Any]]:
        leaves: list[Any] = []
        flags = iter(wanted)

        def tensor(a: np.ndarray) -> Any:
            t = self.lib.from_numpy(a)
            if a.dtype.kind == "f" and next(flags, False):
                leaves.append(t.requires_grad_())
            return t

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # PyTorch's advice, such as that on read-only memory
            c = case.map(tensor)
            if case.op.startswith("nn."):
                self.lib.manual_seed(0)
                module = build(self.lib.nn, c)
                if all(a.dtype == np.float64 for a in case.floats()):
                    module.double()
                leaves += list(module.parameters()) if wanted else []
                return flat(module(*(c.inputs or ()))), leaves
            function = find(self.lib, case.op) if self.function is None else self.function
            return flat(function(*c.args, **c.kwargs)), leaves

    def outputs(self, case: Case) -> Arrays:
        return [_array(y) for y in self._run(case)[0]]

    def _first(self, case: Case, gs: Arrays, wanted: Sequence[bool], again: bool) -> tuple[list[Any], list[Any], list[Any]]:
        ys, leaves = self._run(case, wanted)
        weights = [self.lib.from_numpy(np.array(g)) for g in gs]
        for w in weights:
            w.requires_grad_(again)
        used = [(y, w) for y, w in zip([y for y in ys if y.is_floating_point()], weights) if y.requires_grad]
        if not used:
            return [None] * len(leaves), leaves, weights
        return list(self._grad([y for y, _ in used], leaves, [w for _, w in used], again)), leaves, weights

    def _grad(self, ys: Any, xs: Any, gs: Any, again: bool = False) -> Any:
        return self.lib.autograd.grad(ys, xs, gs, create_graph=again, allow_unused=True) if xs else []

    def gradients(self, case: Case, gs: Arrays, wanted: Sequence[bool]) -> Arrays:
        found, leaves, _ = self._first(case, gs, wanted, False)
        return [_array(g, x) for g, x in zip(found, leaves)]

    def second(self, case: Case, gs: Arrays, us: Arrays, wanted: Sequence[bool]) -> Arrays:
        first, leaves, weights = self._first(case, gs, wanted, True)
        used = [(g, self.lib.from_numpy(np.array(u))) for g, u in zip(first, us) if g is not None and g.requires_grad]
        xs = [*leaves, *weights]
        found = self._grad([g for g, _ in used], xs, [u for _, u in used]) if used else [None] * len(xs)
        return [_array(g, x) for g, x in zip(found, xs)]


def _array(t: Any, like: Any = None) -> np.ndarray:
    """A tensor's array; zeros like another tensor where there is none."""
    if t is None:
        return np.zeros_like(_array(like))
    return np.asarray(t.numpy(force=True) if hasattr(t, "detach") else t)


def find(library: Any, name: str) -> Callable[..., Any]:
    """An operator by name: a function of ``nn.functional``, of the library, or an index expression."""
    if name == "getitem":
        return operator.getitem
    return getattr(library.nn.functional, name, None) or getattr(library, name)


def build(nn: Any, case: Case) -> Any:
    """The module of a case ``nn.Name(...)``, whose arguments may be modules."""
    args = [build(nn, a) if isinstance(a, Case) else a for a in case.args]
    return getattr(nn, case.op.removeprefix("nn."))(*args, **case.kwargs)


class JaxCandidate(Candidate):
    orders = 2

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function, f"jax_function({_named(function)})")

    def _context(self) -> Any:
        return importlib.import_module("jax").enable_x64(True)

    def _function(self, case: Case, wanted: Sequence[bool]) -> tuple[Callable[..., Any], list[np.ndarray]]:
        """The function of the wanted arrays alone, giving its float outputs."""
        floats = case.floats()

        def f(*xs: Any) -> list[Any]:
            given = iter(xs)
            c = case.with_floats([next(given) if want else a for a, want in zip(floats, wanted)])
            return [y for y in flat(self.function(*c.args, **c.kwargs)) if y.dtype.kind == "f"]
        return f, [a for a, want in zip(floats, wanted) if want]

    def outputs(self, case: Case) -> Arrays:
        with self._context():
            return [np.asarray(y) for y in flat(self.function(*case.args, **case.kwargs))]

    def gradients(self, case: Case, gs: Arrays, wanted: Sequence[bool]) -> Arrays:
        f, xs = self._function(case, wanted)
        with self._context():
            return [np.asarray(g) for g in importlib.import_module("jax").vjp(f, *xs)[1](list(gs))]

    def second(self, case: Case, gs: Arrays, us: Arrays, wanted: Sequence[bool]) -> Arrays:
        jax = importlib.import_module("jax")
        f, xs = self._function(case, wanted)
        with self._context():
            backward = jax.vjp(lambda xs, gs: list(jax.vjp(f, *xs)[1](gs)), xs, list(gs))[1]
            return [np.asarray(g) for part in backward(list(us)) for g in part]


def numpy_function(function: Callable[..., Any], backward: Callable[..., Any] | None = None) -> Candidate:
    """A function of arrays, called as the operator is: ``f(x, w, b, stride=..., ...)``.

    `backward(g, x, w, b, stride=..., ...)`, if given, returns the gradients of x, w and b.
    """
    return NumpyCandidate(function, backward)


def minidl_function(function: Any = None) -> Candidate:
    """A function of minidl's tensors; without one, minidl's own operator of the case's name."""
    library = importlib.import_module("minidl")
    return TensorCandidate(library, function, f"minidl_function({'' if function is None else _named(function)})")


def torch_function(function: Any = None) -> Candidate:
    """A function of PyTorch's tensors; without one, PyTorch's own operator of the case's name. PyTorch must have been imported."""
    return TensorCandidate(sys.modules["torch"], function, f"torch_function({'' if function is None else _named(function)})")


def jax_function(function: Callable[..., Any]) -> Candidate:
    """A function of jax's arrays, in its 64-bit mode."""
    return JaxCandidate(function)
