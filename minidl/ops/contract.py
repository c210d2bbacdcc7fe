"""Contractions of tensors: sums of products over named or numbered dimensions."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..core import data_of, primitive, public
from ..core.checks import require_tensor, wrap_dim
from .arithmetic import mul
from .matmul import gemm, same_dtype
from .rearrange import diagonal
from .reduce import sum as sum_over
from .shape import permute, reshape, squeeze

Labels = tuple[Any, ...]


@primitive(a=lambda g, b, a_labels, b_labels, out: _contract(g, b, out, b_labels, a_labels),
           b=lambda g, a, a_labels, b_labels, out: _contract(a, g, a_labels, out, b_labels), grad_name="BmmBackward0")
def _contract(a: Any, b: Any, a_labels: Labels, b_labels: Labels, out: Labels) -> Any:
    """y over `out`: a b summed over the other labels. Each is in two of the three, so a gradient is the same op."""
    sizes = dict(zip(a_labels + b_labels, a.shape + b.shape))
    shared = [label for label in a_labels if label in b_labels]
    batch, summed = [v for v in shared if v in out], [v for v in shared if v not in out]
    left, right = [v for v in a_labels if v not in shared], [v for v in b_labels if v not in shared]
    n, k, m = [math.prod([sizes[v] for v in group]) for group in (left, summed, right)]
    shape = [sizes[v] for v in batch]
    a = a.transpose([a_labels.index(v) for v in (*batch, *left, *summed)]).reshape(*shape, n, k)
    b = b.transpose([b_labels.index(v) for v in (*batch, *summed, *right)]).reshape(*shape, k, m)
    y = gemm(a, b) if summed else np.multiply(a, b)
    found = [*batch, *left, *right]
    return y.reshape([sizes[v] for v in found]).transpose([found.index(v) for v in out])


def reduced(x: Any, labels: Labels, keep: set[Any]) -> tuple[Any, Labels]:
    """x summed over the labels that nobody else needs."""
    private = [i for i, label in enumerate(labels) if label not in keep]
    if not private:
        return x, labels
    return sum_over(x, private), tuple([label for label in labels if label in keep])


def contract(operands: list[Any], labels: list[Labels], out: Labels) -> Any:
    """Contracts from left to right, two at a time; each operand's labels are distinct."""
    x, x_labels = operands[0], labels[0]
    for i in range(1, len(operands)):
        keep = set(out).union(*labels[i + 1:])
        x, x_labels = reduced(x, x_labels, keep.union(labels[i]))
        other, other_labels = reduced(operands[i], labels[i], keep.union(x_labels))
        same_dtype(x, other, "expected scalar type {} but found {}")
        both = tuple(dict.fromkeys(x_labels + other_labels))
        target = out if i == len(operands) - 1 else tuple([label for label in both if label in keep])
        x, x_labels = _contract(x, other, x_labels, other_labels, target), target
    x, x_labels = reduced(x, x_labels, set(out))
    return x if x_labels == out else permute(x, [x_labels.index(label) for label in out])


# ---- einsum


def parse_term(text: str, which: str) -> list[Any]:
    """The labels of one term: letters, and Ellipsis at most once."""
    labels: list[Any] = []
    text = text.replace(" ", "")
    i = 0
    while i < len(text):
        if text[i] == ".":
            if text[i:i + 3] != "..." or Ellipsis in labels:
                raise RuntimeError(f"einsum(): found '.' for {which} that is not part of any ellipsis")
            labels.append(Ellipsis)
            i += 3
        elif text[i].isascii() and text[i].isalpha():
            labels.append(text[i])
            i += 1
        else:
            raise RuntimeError(f"einsum(): invalid subscript given at index {i} in the equation string, subscripts "
                               f"must be in [a-zA-Z], got {text[i]!r}")
    return labels


def parse_equation(equation: str, count: int) -> tuple[list[list[Any]], list[Any] | None]:
    """The labels of all operands, and those of the output if the equation names them."""
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) > count:
        raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
    if len(terms) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return ([parse_term(term, f"operand {i}") for i, term in enumerate(terms)],
            parse_term(right, "the output") if arrow else None)


def parse_sublists(args: tuple[Any, ...]) -> tuple[list[Any], list[list[Any]], list[Any] | None]:
    """Operands and labels of ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""
    def letters(sublist: Any) -> list[Any]:
        for v in sublist:
            if v is not Ellipsis and not 0 <= operator.index(v) < 52:
                raise RuntimeError(f"einsum(): not in the range [0, 52): subscript {v} of the subscript list")
        return [v if v is Ellipsis else "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[v] for v in sublist]

    out = letters(args[-1]) if len(args) % 2 else None
    pairs = args[:-1] if len(args) % 2 else args
    return list(pairs[::2]), [letters(v) for v in pairs[1::2]], out


def expand_ellipses(operands: list[Any], terms: list[list[Any]], out: list[Any] | None) -> tuple[list[Labels], Labels]:
    """Labels of every dimension: those under an ellipsis are numbered from the back, since they broadcast."""
    widest, labels = 0, []
    for i, (x, term) in enumerate(zip(operands, terms)):
        covered = x.ndim - len(term) + 1 if Ellipsis in term else 0
        if covered < 0 or (Ellipsis not in term and x.ndim != len(term)):
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(term) - (Ellipsis in term)}) "
                               f"{'is more than' if covered < 0 else 'does not match'} the number of dimensions "
                               f"({x.ndim}) for operand {i}" + ("" if covered < 0 else " and no ellipsis was given"))
        widest = max(widest, covered)
        labels.append(fill(term, range(-covered, 0)))
    dots = tuple(range(-widest, 0))
    if out is None:
        flat = [v for term in labels for v in term if isinstance(v, str)]
        return labels, dots + tuple(sorted(v for v in set(flat) if flat.count(v) == 1))
    for v in out:
        if v is not Ellipsis and out.count(v) > 1:
            raise RuntimeError(f"einsum(): output subscript {v} appears more than once in the output")
        if v is not Ellipsis and not any(v in term for term in labels):
            raise RuntimeError(f"einsum(): output subscript {v} does not appear in the equation for any input operand")
    return labels, fill(out, dots)


def fill(term: list[Any], dots: Any) -> Labels:
    return tuple([w for v in term for w in (dots if v is Ellipsis else (v,))])


def take_diagonals(x: Any, labels: Labels, index: int) -> tuple[Any, Labels]:
    """An operand with each label once: repeated ones become a diagonal."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(f"einsum(): subscript {label} is repeated for operand {index} but the sizes don't "
                                   f"match, {x.shape[second]} != {x.shape[first]}")
            x = diagonal(x, 0, first, second)
            labels = (*[v for i, v in enumerate(labels) if i not in (first, second)], label)
    return x, labels


@public
def einsum(*args: Any) -> Any:
    """Sums of products in Einstein's notation: ``einsum("bij,bjk->bik", a, b)``, or labels in lists of numbers.

    A label within one operand twice takes a diagonal, one that is missing from the output is summed, ``...`` stands for
    the remaining dimensions, which broadcast. Two operands at a time, from left to right, as batched matrix products.
    The gradient of an operand is the contraction of g with all others.

    >>> import minidl as torch
    >>> torch.einsum("ij,j->i", torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    tensor([3., 7.])
    """
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")
    if isinstance(args[0], str):
        operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (list, tuple)) else list(args[1:])
        terms, named = parse_equation(args[0], len(operands))
    else:
        operands, terms, named = parse_sublists(args)
    for x in operands:
        require_tensor("einsum", "operands", x)
    labels, out = expand_ellipses(operands, terms, named)
    sizes: dict[Any, int] = {}
    for i, x in enumerate(operands):
        operands[i], labels[i] = take_diagonals(x, labels[i], i)
        for label, n in zip(labels[i], operands[i].shape):
            if sizes.setdefault(label, n) == 1:
                sizes[label] = n
            elif n not in (1, sizes[label]):
                raise RuntimeError(f"einsum(): subscript {label} has size {n} for operand {i} which does not broadcast "
                                   f"with previously seen size {sizes[label]}")
    for i, x in enumerate(operands):
        broadcast = [d for d, label in enumerate(labels[i]) if x.shape[d] == 1 != sizes[label]]
        if broadcast:
            operands[i] = squeeze(x, tuple(broadcast))
            labels[i] = tuple([label for d, label in enumerate(labels[i]) if d not in broadcast])
    return contract(operands, labels, out)


# ---- contractions with names of their own


@public
def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """The sum over `dims` of a times b: an int for a's last and b's first dimensions, or a list of them for each."""
    require_tensor("tensordot", "a", a)
    require_tensor("tensordot", "b", b)
    dims = data_of(dims)
    dims = dims.tolist() if isinstance(dims, np.ndarray) else dims
    if isinstance(dims, (list, tuple)):
        a_dims, b_dims = [[v] if isinstance(v, int) else list(v) for v in dims]
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        a_dims, b_dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    if len(a_dims) != len(b_dims):
        raise RuntimeError("both dimension lists should have same length")
    a_dims = [wrap_dim(v, a.ndim, "tensordot") for v in a_dims]
    b_dims = [wrap_dim(v, b.ndim, "tensordot") for v in b_dims]
    a_labels, b_labels = list(range(a.ndim)), list(range(a.ndim, a.ndim + b.ndim))
    for i, j in zip(a_dims, b_dims):
        m, n = a.shape[i], b.shape[j]
        if m != n and m != 1 and n != 1:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {m} in dim {i} and second has "
                               f"size {n} in dim {j}")
        if m != n and n == 1:
            a = sum_over(a, i, True)
        elif m != n:
            b = sum_over(b, j, True)
        b_labels[j] = i
    contracted = set(a_dims)
    target = tuple([v for v in (*a_labels, *b_labels) if v not in contracted])
    return contract([a, b], [tuple(a_labels), tuple(b_labels)], target)


@public(method=True)
def inner(input: Any, other: Any) -> Any:
    """y = sum over the last dimensions of a b; for a 0-d operand the product."""
    require_tensor("inner", "input", input)
    require_tensor("inner", "other", other)
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got shapes "
                           f"{list(input.shape)} and {list(other.shape)}")
    return tensordot(input, other, [[-1], [-1]])


@public(method=True)
def kron(input: Any, other: Any) -> Any:
    """Kronecker's product: each element of a times the whole of b; y has the sizes' products for sizes."""
    require_tensor("kron", "input", input)
    require_tensor("kron", "other", other)
    n = max(input.ndim, other.ndim)
    a_shape = (1,) * (n - input.ndim) + tuple(input.shape)
    b_shape = (1,) * (n - other.ndim) + tuple(other.shape)
    a = reshape(input, [v for size in a_shape for v in (size, 1)])
    b = reshape(other, [v for size in b_shape for v in (1, size)])
    return reshape(mul(a, b), [p * q for p, q in zip(a_shape, b_shape)])


@public(where="nn.functional")
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """y_o = sum_ij x_i W_oij z_j + b_o over the last dimensions of x and z."""
    if input1.ndim != input2.ndim or input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and "
                           f"{list(input2.shape)}")
    for i, x in enumerate((input1, input2), 1):
        if x.shape[-1] != weight.shape[i]:
            raise RuntimeError(f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected "
                               f"{weight.shape[i]}")
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected "
                           f"{weight.shape[0]}")
    y = einsum("...j,...i,oij->...o", input2, input1, weight)
    return y if bias is None else y + bias
