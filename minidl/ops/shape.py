"""Shapes: views of the same elements in other sizes, orders and repetitions along new axes.

All of these are views where PyTorch's are: they share memory and version with their base, so an in-place edit of one is seen
in the other, and in gradients. https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public
from ..core.broadcast import expand_to
from ..core.checks import as_sizes, broadcast_shape, wrap_dim, wrap_dims
from ..core.dtypes import as_numpy_dtype, word
from ..core.dtypes import dtype as DType
from ..core.inplace import in_place_view
from ..core.tensor import Size, type_name

INCOMPATIBLE = ("view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous subspaces). Use .reshape(...) instead.")


# ---- sizes


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), view=True)
def _view(x: Any, shape: Any) -> Any:
    return x.reshape(shape, copy=False)


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), grad_name="UnsafeViewBackward0")
def _unsafe_view(x: Any, shape: Any) -> Any:
    return x.reshape(shape)


@primitive(arrays="x", view=True)
def _view_dtype(x: Any, dtype: Any) -> Any:
    return x.view(dtype)


def as_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` in another shape of as many elements: a view where the strides allow one, else a copy."""
    try:
        return _view(x, shape)
    except ValueError:
        return _unsafe_view(x, shape)


def infer_size(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """`shape` with its -1, if any, replaced so that there are `numel` elements."""
    if -1 not in shape and min(shape, default=0) >= 0:
        if math.prod(shape) != numel:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        return shape
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if min(shape) < -1:
        raise RuntimeError(f"invalid shape dimension {min(shape)}")
    known = -math.prod(shape)
    if known == 0:
        if numel == 0:
            raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified "
                               "dimension size -1 can be any value and is ambiguous")
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    if numel % known:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return tuple([numel // known if n == -1 else n for n in shape])


@public(where="", method=True)
def view(input: Any, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """The same memory as ``view(*sizes)``, one of which may be -1, or as ``view(dtype)``; RuntimeError if it needs a copy."""
    if size is not None or dtype is not None:
        sizes = (size if dtype is None else dtype,)
    if len(sizes) == 1 and isinstance(sizes[0], (DType, np.dtype, type)):
        return view_dtype(input, as_numpy_dtype(sizes[0]))
    shape = infer_size(as_sizes(sizes, "view"), data_of(input).size)
    try:
        return _view(input, shape)
    except ValueError:
        raise RuntimeError(INCOMPATIBLE) from None


def view_dtype(x: Any, d: np.dtype) -> Any:
    array = data_of(x)
    old, new = array.dtype.itemsize, d.itemsize
    if old != new:
        pair = f"to view {word(array.dtype)} as {word(d)} (different element sizes)"
        if array.ndim == 0:
            raise RuntimeError(f"self.dim() cannot be 0 {pair}")
        if array.shape[-1] * old % new:
            raise RuntimeError(f"self.size(-1) must be divisible by {new // old} {pair}, but got {array.shape[-1]}")
        if array.shape[-1] > 1 and array.strides[-1] != old:
            raise RuntimeError(f"self.stride(-1) must be 1 {pair}, but got {array.strides[-1] // old}")
    return _view_dtype(x, d)


@public(method=True)
def reshape(input: Any, *sizes: Any, shape: Any = None) -> Any:
    """`input` in another shape, one size of which may be -1: a view where the strides allow one, else a copy.

    >>> import minidl
    >>> minidl.tensor([1, 2, 3, 4]).reshape(2, -1).shape
    torch.Size([2, 2])
    """
    sizes = as_sizes(sizes if shape is None else (shape,), "reshape")
    return as_shape(input, infer_size(sizes, data_of(input).size))


@public(where="", method=True)
def view_as(input: Any, other: Any) -> Any:
    """``input.view(other.shape)``."""
    return view(input, other.shape)


@public(where="", method=True)
def reshape_as(input: Any, other: Any) -> Any:
    """``input.reshape(other.shape)``."""
    return reshape(input, other.shape)


@public(method=True)
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Dimensions `start_dim` to `end_dim` as one; a 0-d tensor becomes 1-d."""
    shape = data_of(input).shape
    start, end = wrap_dim(start_dim, len(shape), "flatten"), wrap_dim(end_dim, len(shape), "flatten")
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end and shape:
        return input
    return as_shape(input, (*shape[:start], math.prod(shape[start:end + 1]), *shape[end + 1:]))


@public(method=True)
def ravel(input: Any) -> Any:
    """All elements as one dimension."""
    return as_shape(input, (data_of(input).size,))


@public(method=True)
def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """Dimension `dim` as several, one of whose `sizes` may be -1."""
    shape = data_of(input).shape
    dim = wrap_dim(dim, len(shape), "unflatten")
    sizes = as_sizes((sizes,), "unflatten")
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        sizes = infer_size(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
                           f"({shape[dim]}) in the input tensor") from None
    return view(input, (*shape[:dim], *sizes, *shape[dim + 1:]))


# ---- order of the dimensions


@primitive(x=lambda g, dims: _permute(g, inverse(dims)), view=True)
def _permute(x: Any, dims: Any) -> Any:
    return x.transpose(dims)


@primitive(x=lambda g, dim0, dim1: _transpose(g, dim0, dim1), view=True)
def _transpose(x: Any, dim0: int, dim1: int) -> Any:
    return x.swapaxes(dim0, dim1) if x.ndim else x[...]


@primitive(x=lambda g: _t(g), view=True)
def _t(x: Any) -> Any:
    return x.transpose()


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes `dims`."""
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@public(method=True)
def permute(input: Any, *order: Any, dims: Any = None) -> Any:
    """The dimensions in another order: output dimension i is input dimension ``dims[i]``."""
    ndim = data_of(input).ndim
    order = as_sizes(order if dims is None else (dims,), "permute")
    if len(order) != ndim:
        raise RuntimeError("permute: number of dimensions in the tensor input does not match the length of the "
                           f"desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(order)}")
    wrapped = wrap_dims(order, ndim, "permute")
    return _permute(input, wrapped)


@public(method=True, aliases="swapaxes swapdims")
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions exchanged."""
    ndim = data_of(input).ndim
    return _transpose(input, wrap_dim(dim0, ndim, "transpose"), wrap_dim(dim1, ndim, "transpose"))


@public(method=True)
def t(input: Any) -> Any:
    """The transpose of a matrix; a tensor of fewer dimensions as it is."""
    ndim = data_of(input).ndim
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return _t(input)


@public(method=True)
def adjoint(input: Any) -> Any:
    """The last two dimensions exchanged, of the conjugate."""
    if data_of(input).ndim < 2:
        raise RuntimeError(f"tensor.adjoint() is only supported on matrices or batches of matrices. "
                           f"Got {data_of(input).ndim}-D tensor.")
    return _transpose(input, data_of(input).ndim - 2, data_of(input).ndim - 1).conj()


@public(method=True, aliases="moveaxis")
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Dimensions `source` moved to the places `destination`; the others keep their order."""
    ndim = data_of(input).ndim
    source, destination = ([d] if isinstance(d, int) else list(d) for d in (source, destination))
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({source} dims) should contain the same number "
                           f"of dims as destination ({destination} dims)")
    source, destination = ([wrap_dim(d, ndim, "movedim") for d in dims] for dims in (source, destination))
    for name, dims in (("source", source), ("destination", destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    order = [d for d in range(ndim) if d not in source]
    for place, d in sorted(zip(destination, source)):
        order.insert(place, d)
    return _permute(input, tuple(order[:ndim]))


def transposed(x: Tensor) -> Tensor:
    """The dimensions in reverse order; deprecated, as in PyTorch, unless there are two."""
    if x.ndim != 2 and x.ndim != 0:
        warnings.warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated. Consider "
                      "`x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse "
                      "the dimensions of a tensor.", stacklevel=2)
    return _permute(x, tuple(reversed(range(x.ndim))))


def batch_transposed(x: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    if x.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {x.ndim}-D tensor.")
    return _transpose(x, x.ndim - 2, x.ndim - 1)


def matrix_adjoint(x: Tensor) -> Tensor:
    """The transpose of a matrix, of its conjugate; a 0-d tensor as it is."""
    if x.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {x.ndim}-D tensor.")
    return _transpose(x, 0, 1).conj() if x.ndim else x


for _name, _getter in (("T", transposed), ("mT", batch_transposed), ("mH", adjoint), ("H", matrix_adjoint)):
    setattr(Tensor, _name, property(_getter))


# ---- dimensions of size one


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), view=True)
def _squeeze(x: Any, dims: Any) -> Any:
    return x.squeeze(dims)


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), view=True, grad_name="SqueezeBackward1")
def _squeeze_dim(x: Any, dims: Any) -> Any:
    return x.squeeze(dims)


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), view=True, grad_name="SqueezeBackward2")
def _squeeze_dims(x: Any, dims: Any) -> Any:
    return x.squeeze(dims)


@primitive(x=lambda g, x_shape: as_shape(g, x_shape), view=True)
def _unsqueeze(x: Any, dim: int) -> Any:
    # not x[None]: through a shape, NumPy gives the new dimension PyTorch's stride, not 0
    return x.reshape((*x.shape[:dim], 1, *x.shape[dim:]), copy=False)


@public(method=True)
def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the dimensions of size 1: all of them, or those among `dim` (an int or a tuple)."""
    shape = data_of(input).shape
    dims = wrap_dims(dim, len(shape), "squeeze") if dim != () else ()
    dims = tuple([d for d in dims if d < len(shape) and shape[d] == 1])
    op = _squeeze if dim is None else _squeeze_dims if isinstance(dim, (tuple, list)) else _squeeze_dim
    return op(input, dims)


@public(method=True)
def unsqueeze(input: Any, dim: int) -> Any:
    """With a dimension of size 1 put in at `dim`."""
    return _unsqueeze(input, wrap_dim(dim, data_of(input).ndim + 1, "unsqueeze"))


for _op, _names in ((squeeze, "squeeze"), (unsqueeze, "unsqueeze"), (t, "t"), (transpose, "transpose swapaxes swapdims")):
    for _name in _names.split():
        setattr(Tensor, _name + "_", in_place_view(_op))


# ---- broadcasting


@public(where="", method=True)
def expand(input: Any, *sizes: Any, size: Any = None, implicit: bool = False) -> Any:
    """Broadcast to `sizes` without copying; -1 keeps a dimension's size.

    The gradient is summed over the dimensions that were expanded.
    """
    sizes = as_sizes(sizes if size is None else (size,), "expand")
    shape = data_of(input).shape
    lead = len(sizes) - len(shape)
    if lead < 0:
        raise RuntimeError(f"expand({type_name(input)}{{{list(shape)}}}, size={list(sizes)}): the number of sizes provided "
                           f"({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})")
    target = []
    for i, n in enumerate(sizes):
        old = shape[i - lead] if i >= lead else None
        if n < 0 and (n != -1 or old is None):
            raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}")
        if old is not None and n not in (-1, old) and old != 1:
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton "
                               f"dimension {i}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}")
        target.append(old if n == -1 else n)
    return expand_to(input, tuple(target))


@public(where="", method=True)
def expand_as(input: Any, other: Any) -> Any:
    """``input.expand(other.shape)``."""
    return expand(input, other.shape)


@public(method=True)
def broadcast_to(input: Any, size: Any) -> Any:
    """`input` broadcast to `size`, a view."""
    return expand(input, size)


@public
def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """The tensors broadcast to their common shape, as views."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = broadcast_shape("broadcast_tensors", *[data_of(t).shape for t in tensors])
    return tuple([x if data_of(x).shape == shape else expand_to(x, shape) for x in tensors])


@public
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape to which shapes (tuples or ints) broadcast; RuntimeError if they do not."""
    from_ints = [(operator.index(s),) if isinstance(s, (int, np.integer)) else tuple(s) for s in shapes]
    if any(n < 0 for s in from_ints for n in s):
        raise RuntimeError(f"Trying to create tensor with negative dimension in {tuple(shapes)}")
    return Size(broadcast_shape("broadcast_shapes", *from_ints))
