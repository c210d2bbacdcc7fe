"""Derivatives held against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.engine import grad
from ..core.tensor import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative differs from its central difference."""


def _outputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Tensor]:
    result = function(*inputs)
    return [t for t in ([result] if isinstance(result, Tensor) else result) if isinstance(t, Tensor) and t._data.dtype.kind in "fc"]


def parts(x: np.ndarray) -> list[np.ndarray]:
    """Views of the real and the imaginary parts; of a real array itself."""
    return [x.real, x.imag] if x.dtype.kind == "c" else [x]


def flat(x: np.ndarray) -> np.ndarray:
    """All numbers in a row, first the real parts, then the imaginary ones."""
    return np.concatenate([part.ravel() for part in parts(x)])


def _numerical(function: Callable[..., Any], inputs: tuple[Any, ...], x: Tensor, i: int, eps: float) -> np.ndarray:
    """d output_i / d x as a matrix, rows by elements of x: (f(x + eps) - f(x - eps)) / (2 eps); of a complex x its two parts."""
    rows = []
    for part in parts(x._data):
        for index in np.ndindex(part.shape):
            value = part[index]
            sides = []
            for step in (eps, -eps):
                part[index] = value + step
                sides.append(flat(_outputs(function, inputs)[i]._data))
            part[index] = value
            rows.append((sides[0] - sides[1]) / (2 * eps))
    return np.array(rows).reshape(flat(x._data).size, -1)


def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
              raise_exception: bool = True, **ignored: Any) -> bool:
    """Whether all gradients of `func` at float64 (or complex128) `inputs` equal central differences to ``atol + rtol * |difference|``.

    GradcheckError (or False, without `raise_exception`) where one does not.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have "
                         "requires_grad=True.")
    for i, y in enumerate(_outputs(func, inputs)):
        if not y.requires_grad:
            continue
        for k, x in enumerate(checked):
            columns = []
            g = np.zeros_like(y._data)
            for part in parts(g):
                for index in np.ndindex(part.shape):
                    part[index] = 1
                    found = grad(y, x, wrap(g.copy()), retain_graph=True, allow_unused=True)[0]
                    columns.append(flat(np.zeros_like(x._data) if found is None else found._data))
                    part[index] = 0
            analytical = np.array(columns).reshape(flat(g).size, -1).T
            numerical = _numerical(func, inputs, x, i, eps)
            if not np.allclose(analytical, numerical, rtol, atol):
                if not raise_exception:
                    return False
                raise GradcheckError(f"Jacobian mismatch for output {i} with respect to input {k},\nnumerical:{numerical}\n"
                                     f"analytical:{analytical}\n")
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
                  rtol: float = 1e-3, raise_exception: bool = True, **ignored: Any) -> bool:
    """`gradcheck` of the gradients of `func`, weighted by `grad_outputs` (random by default)."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = [y for y in _outputs(func, inputs) if y.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [wrap(np.zeros(y._data.shape, y._data.dtype)) for y in outputs]
        for part in [part for g in grad_outputs for part in parts(g._data)]:
            part[...] = rng.standard_normal(part.shape)
        for g in grad_outputs:
            g.requires_grad = True
    weights = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    count = len(inputs)

    def first_gradients(*args: Any) -> tuple[Tensor, ...]:
        xs = [x for x in args[:count] if isinstance(x, Tensor) and x.requires_grad]
        ys = [y for y in _outputs(func, args[:count]) if y.requires_grad]
        found = grad(ys, xs, args[count:], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(first_gradients, (*inputs, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
