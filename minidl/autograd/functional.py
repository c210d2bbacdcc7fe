"""Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.engine import grad
from ..core.modes import enable_grad
from ..core.tensor import Tensor, wrap

__all__ = ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"]


def _prepared(op: str, inputs: Any) -> tuple[tuple[Tensor, ...], bool]:
    xs, many = _as_tuple("inputs given to", op, inputs)
    return tuple(map(_leaf, xs)), many


def _leaf(x: Tensor) -> Tensor:
    """The input with a history of its own that still leads to the user's."""
    if x.requires_grad:
        return x.view_as(x)
    t = wrap(x._data)
    t.requires_grad = True
    return t


def _as_tuple(what: str, op: str, values: Any) -> tuple[tuple[Tensor, ...], bool]:
    """The tensors as a tuple, and whether they were one. TypeError for anything else."""
    many = isinstance(values, tuple)
    for i, value in enumerate(values if many else (values,)):
        if not isinstance(value, Tensor):
            raise TypeError(f"The {what} {op} must be either a Tensor or a tuple of Tensors but "
                            f"{f'the value at index {i}' if many else 'the given one'} has type {type(value)}.")
    return values if many else (values,), many


def _outputs(op: str, func: Callable[..., Any], xs: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], bool]:
    return _as_tuple("outputs of the user-provided function given to", op, func(*xs))


def _vector(v: Any, like: tuple[Tensor, ...], none_if: str) -> tuple[Tensor, ...]:
    """v as a tuple with the shapes of `like`, or 1 for None if that has a single element (which is when `none_if`)."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {none_if} a single Tensor with a single element.")
        return (wrap(np.ones(like[0]._data.shape, like[0]._data.dtype)),)
    vs: tuple[Tensor, ...] = v if isinstance(v, tuple) else (v,)
    if len(vs) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
    for i, (w, x) in enumerate(zip(vs, like)):
        if w.shape != x.shape:
            raise RuntimeError(f"{f'Entry {i} in ' if len(vs) > 1 else ''}v has invalid size: should be {x.shape} but got {w.shape}.")
    return vs


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
    xs, many = _prepared("vjp", inputs)
    ys, many_out = _outputs("vjp", func, xs)
    products = _vjp(ys, xs, _vector(v, ys, "the user-provided function returns"), create_graph, strict)
    return _finish(ys if many_out else ys[0], create_graph), _finish(products if many else products[0], create_graph)


@enable_grad()
def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), J v)``, by differentiating u^T J, which is linear in u, with respect to u; v is 1 for a scalar input."""
    xs, _ = _prepared("jvp", inputs)
    vs = _vector(v, xs, "the input to the user-provided function is")
    ys, many_out = _outputs("jvp", func, xs)
    us = tuple(map(_zeros, ys))
    for u in us:
        u.requires_grad = True
    rows = _vjp(ys, xs, us, True, strict)
    products = _vjp(rows, us, vs, create_graph, False)
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
    xs, many = _prepared("jacobian", inputs)
    ys, many_out = _outputs("jacobian", func, xs)
    table = []
    for y in ys:
        rows = [_vjp((y.reshape(-1)[i],), xs, (wrap(np.ones((), y._data.dtype)),), create_graph, strict)
                for i in range(y._data.size)]
        blocks = tuple(stack([r[k] for r in rows]).reshape(*y.shape, *x.shape) if rows else _zeros(y.reshape(-1, *x.shape))
                       for k, x in enumerate(xs))
        table.append(blocks if many else blocks[0])
    return _finish(tuple(table) if many_out else table[0], create_graph)


def _gradient(op: str, func: Callable[..., Any], values: list[Tensor]) -> Callable[..., Any]:
    """The gradient of a function that returns one number, as a function, which appends that number to `values`."""
    def gradient(*xs: Tensor) -> tuple[Tensor, ...]:
        ys, _ = _outputs(op, func, xs)
        if len(ys) != 1 or ys[0].numel() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {op} should contain a single element")
        values.append(ys[0])
        return _vjp(ys, xs, (wrap(np.ones(ys[0]._data.shape, ys[0]._data.dtype)),), True, False)

    return gradient


def _first(values: Any, many: bool) -> Any:
    return values if many else values[0]


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a function that returns one number: the Jacobian of its gradient."""
    return _first(jacobian(_gradient("hessian", func, []), inputs, create_graph, strict), isinstance(inputs, tuple))


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), H v)``, H the Hessian of a function that returns one number."""
    values: list[Tensor] = []
    product = jvp(_gradient("hvp", func, values), inputs, v, create_graph, strict)[1]
    return _finish(values[0], create_graph), _first(product, isinstance(inputs, tuple))


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """``(func(inputs), v^T H)``, H the Hessian of a function that returns one number."""
    values: list[Tensor] = []
    product = vjp(_gradient("vhp", func, values), inputs, v, create_graph, strict)[1]
    return _finish(values[0], create_graph), product
