"""Checks of arguments, in PyTorch's words."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .dtypes import word
from .modes import modes
from .tensor import Tensor

__all__ = ["wrap_dim", "wrap_dims", "as_sizes", "broadcast_shape", "require_tensor", "require_float",
           "require_constant", "n_tuple", "all_below"]


def wrap_dim(dim: Any, ndim: int, op: str = "dim") -> int:
    """A dimension counted from the front; IndexError outside [-ndim, ndim - 1]. A 0-d tensor has dimension 0 (and -1)."""
    if dim.__class__ is not int:
        try:
            dim = operator.index(dim)
        except TypeError:
            raise TypeError(f"{op}: dim must be an int, got {type(dim).__name__}") from None
    n = ndim or 1
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim}) ({op})")
    return dim + n if dim < 0 else dim


def wrap_dims(dim: Any, ndim: int, op: str = "dim") -> tuple[int, ...]:
    """Several dimensions (an int, a sequence, or None or empty for all), each once, counted from the front."""
    if dim.__class__ is int:
        return (wrap_dim(dim, ndim, op),)[:ndim]
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        dim = (dim,)
    dims = tuple([wrap_dim(d, ndim, op) for d in dim])
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {next(d for d in dims if dims.count(d) > 1)} appears multiple times in the list of dims ({op})")
    return dims if ndim else ()


def as_sizes(sizes: Sequence[Any], op: str) -> tuple[int, ...]:
    """Sizes given as ``f(2, 3)`` or ``f((2, 3))``, as a tuple of ints."""
    if len(sizes) == 1 and isinstance(sizes[0], Iterable) and not (isinstance(sizes[0], Tensor) and sizes[0].ndim == 0):
        sizes = tuple(sizes[0])
    try:
        return tuple([operator.index(s) for s in sizes])
    except TypeError:
        raise TypeError(f"{op}: sizes must be ints, got {tuple(sizes)!r}") from None


def broadcast_shape(op: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which the shapes broadcast; RuntimeError in PyTorch's words where they do not."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    ndim = max(map(len, shapes))
    for d in range(-1, -ndim - 1, -1):
        sizes = [s[d] for s in shapes if len(s) >= -d and s[d] != 1]
        if len(set(sizes)) > 1:
            raise RuntimeError(f"The size of tensor a ({sizes[0]}) must match the size of tensor b "
                               f"({next(s for s in sizes if s != sizes[0])}) at non-singleton dimension {ndim + d} ({op})")
    raise RuntimeError(f"{op}: shapes {shapes} cannot be broadcast")


ARRAYS = (Tensor, np.ndarray, np.generic)


def require_tensor(op: str, name: str, value: Any) -> None:
    """TypeError unless the argument is a Tensor (or an array, in a gradient rule)."""
    if not isinstance(value, ARRAYS):
        raise TypeError(f"{op}(): argument '{name}' must be Tensor, not {type(value).__name__}")


def require_float(op: str, x: Any) -> None:
    """RuntimeError unless the elements are floating-point."""
    d = x._data.dtype if isinstance(x, Tensor) else x.dtype
    if d.kind != "f":
        raise RuntimeError(f"{op}: expected a floating-point tensor, got {d.name}")


def refuse_complex(op: str, x: Any) -> None:
    """NotImplementedError for complex numbers, which have no order."""
    d = x._data.dtype if isinstance(x, Tensor) else x.dtype
    if d.kind == "c":
        raise NotImplementedError(f"\"{op}_cpu\" not implemented for '{word(d)}'")


def require_constant(op: str, **arguments: Any) -> None:
    """RuntimeError for an argument that wants a gradient which the op does not give."""
    for name, value in arguments.items():
        if isinstance(value, Tensor) and modes.recording > 0 and value.requires_grad:
            raise RuntimeError(f"The function '{op}' is not differentiable with respect to argument '{name}'. This input "
                               "cannot have requires_grad True.")


def all_below(index: np.ndarray, n: int) -> bool:
    """Whether all of an int64 array lie in [0, n)."""
    if index.size <= 16:  # looked through before NumPy has begun
        return all(0 <= i < n for i in index.ravel().tolist())
    return bool(np.maximum.reduce(index.view(np.uint64), axis=None) < n)  # without a sign, what is negative is too large


def n_tuple(value: Any, n: int, op: str, name: str) -> tuple[int, ...]:
    """An int for all `n` dimensions, or one int for each."""
    if value.__class__ is int:
        return (value,) * n
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= n
    if len(values) != n:
        raise RuntimeError(f"{op}: {name} must be an int or {n} ints, got {value!r}")
    return tuple([operator.index(v) for v in values])
