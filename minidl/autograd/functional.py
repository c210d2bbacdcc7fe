"""Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.engine import grad
from ..core.modes import enable_grad
from ..core.tensor import Tensor, wrap

__all__ = ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"]


def _prepared(inputs: Any) -> tuple[tuple[Tensor, ...], bool]:
    many = isinstance(inputs, tuple)
    return tuple([_leaf(x) for x in (inputs if many else (inputs,))]), many


def _leaf(x: Tensor) -> Tensor:
    """The input with a history of its own that still leads to the user's."""
    if x.requires_grad:
        return x.view_as(x)
    t = wrap(x._data)
    t.requires_grad = True
    return t


def _as_tuple(y: Any) -> tuple[tuple[Tensor, ...], bool]:
    return (y, True) if isinstance(y, tuple) else ((y,), False)


def _zeros(x: Tensor) -> Tensor:
    return wrap(np.zeros(x._data.shape, x._data.dtype))


def _finish(values: Any, create_graph: bool) -> Any:
    if isinstance(values, tuple):
        return tuple(_finish(v, create_graph) for v in values)
    return values if create_graph else values.detach()


def _vjp(ys: tuple[Tensor, ...], xs: tuple[Tensor, ...], v: Any, create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    needed = [(y, w) for y, w in zip(ys, v) if y.requires_grad]
    if not needed:
        if strict:
            raise RuntimeError("The output of the user-provided function is independent of the input. This is not allowed in strict mode.")
        return tuple(map(_zeros, xs))
    found = grad([y for y, _ in needed], xs, [w for _, w in needed], retain_graph=True, create_graph=create_graph,
                 allow_unused=True)
    if strict and any(g is None for g in found):
        raise RuntimeError("The output of the user-provided function is independent of an input. This is not allowed in strict mode.")
    return tuple(_zeros(x) if g is None else g for g, x in zip(found, xs))


@enable_grad()
def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), v^T J)``, J the Jacobian at `inputs`; v is 1 for a scalar output."""
    xs, many = _prepared(inputs)
    ys, many_out = _as_tuple(func(*xs))
    if v is None:
        if len(ys) != 1 or ys[0]._data.size != 1:
            raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a single element.")
        v = wrap(np.ones(ys[0]._data.shape, ys[0]._data.dtype))
    products = _vjp(ys, xs, v if isinstance(v, tuple) else (v,), create_graph, strict)
    return _finish(ys if many_out else ys[0], create_graph), _finish(products if many else products[0], create_graph)


@enable_grad()
def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), J v)``, by differentiating u^T J, which is linear in u, with respect to u."""
    xs, _ = _prepared(inputs)
    ys, many_out = _as_tuple(func(*xs))
    if v is None:
        v = tuple(wrap(np.ones(x._data.shape, x._data.dtype)) for x in xs)
    us = tuple(map(_zeros, ys))
    for u in us:
        u.requires_grad = True
    rows = _vjp(ys, xs, us, True, strict)
    products = _vjp(rows, us, v if isinstance(v, tuple) else (v,), create_graph, False)
    return _finish(ys if many_out else ys[0], create_graph), _finish(products if many_out else products[0], create_graph)


@enable_grad()
def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False, strategy: str = "reverse-mode") -> Any:
    """dy/dx of shape ``y.shape + x.shape``; nested tuples for several outputs or inputs.

    >>> import minidl as torch
    >>> jacobian(lambda x: x * x, torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from ..ops.join import stack
    xs, many = _prepared(inputs)
    ys, many_out = _as_tuple(func(*xs))
    table = []
    for y in ys:
        rows = [_vjp((y.reshape(-1)[i],), xs, (wrap(np.ones((), y._data.dtype)),), create_graph, strict)
                for i in range(y._data.size)]
        blocks = tuple(stack([r[k] for r in rows]).reshape(*y.shape, *x.shape) if rows else _zeros(y.reshape(-1, *x.shape))
                       for k, x in enumerate(xs))
        table.append(blocks if many else blocks[0])
    return _finish(tuple(table) if many_out else table[0], create_graph)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a scalar function: the Jacobian of its gradient."""
    def gradient(*xs: Tensor) -> Any:
        result = jacobian(func, xs if isinstance(inputs, tuple) else xs[0], create_graph=True)
        return tuple(g.reshape(x.shape) for g, x in zip(result, xs)) if isinstance(inputs, tuple) else result.reshape(xs[0].shape)

    return jacobian(gradient, inputs, create_graph, strict)


def _gradient(func: Callable[..., Any]) -> Callable[..., Any]:
    def gradient(*xs: Tensor) -> Any:
        found = _vjp((func(*xs),), xs, (wrap(np.ones((), xs[0]._data.dtype)),), True, False)
        return found if len(xs) > 1 else found[0]

    return gradient


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), H v)``, H the Hessian."""
    xs = inputs if isinstance(inputs, tuple) else (inputs,)
    return func(*xs), jvp(_gradient(func), inputs, v, create_graph, strict)[1]


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), v^T H)``, H the Hessian."""
    xs = inputs if isinstance(inputs, tuple) else (inputs,)
    return func(*xs), vjp(_gradient(func), inputs, v, create_graph, strict)[1]
