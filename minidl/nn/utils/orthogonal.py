"""Orthogonal matrices as a parametrisation (Lezcano-Casado, 2019, Trivializations for gradient-based optimization on manifolds)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.modes import no_grad
from ...core.tensor import Tensor, wrap
from ...ops.create import eye, zeros_like
from ...ops.join import cat
from ...ops.linalg import matrix_exp, solve
from ...ops.random import randn
from ..modules.module import Module
from .parametrize import register_parametrization

__all__ = ["orthogonal"]

MAPS = ("matrix_exp", "cayley", "householder")


def tall(x: Any) -> tuple[Any, bool]:
    """A matrix with at least as many rows as columns, and whether it had to be transposed."""
    return (x.mT, True) if x.shape[-2] < x.shape[-1] else (x, False)


def nearest_basis(x: Any) -> Any:
    """Q of the QR decomposition in which R has a positive diagonal."""
    q, r = np.linalg.qr(x._data)
    return wrap(q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :])


def is_orthogonal(q: Any) -> bool:
    n, k = q.shape[-2:]
    return np.allclose((q.mT @ q)._data, np.eye(k), atol=10 * n * float(np.finfo(q._data.dtype).eps))


def householder_product(v: Any, tau: Any) -> Any:
    """The first k columns of H_1 ... H_k, H_i = I - tau_i v_i v_i^T, for v of n x k with ones on the diagonal."""
    n, k = v.shape[-2:]
    v = v.tril(-1) + eye(n, k, dtype=v.dtype)
    q = eye(n, k, dtype=v.dtype)
    for i in reversed(range(k)):
        column = v[..., i:i + 1]
        q = q - tau[..., i, None, None] * column * (column.mT @ q)
    return q


class _Orthogonal(Module):
    base: Any

    def __init__(self, weight: Any, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map, self.use_trivialization = weight.shape, orthogonal_map, use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        x, transposed = tall(x)
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            v = x.tril(-1)
            q = householder_product(v, 2.0 / (1.0 + (v * v).sum(-2)))
            q = q * x.detach().diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            x = cat([x.tril(), x.new_zeros(*x.shape[:-1], n - k)], -1)
            skew = x - x.mT
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(skew)
            else:
                identity: Any = eye(n, dtype=x.dtype)
                q = solve(identity - 0.5 * skew, identity + 0.5 * skew)
            q = q[..., :k]
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if transposed else q

    @no_grad()
    def right_inverse(self, value: Any) -> Any:
        """The original for a value, or for the orthogonal matrix next to it; with a base it is that base which changes."""
        if value.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {value.shape}.")
        q, transposed = tall(value)
        n, k = q.shape[-2:]
        if self.use_trivialization:
            if n != k:
                q = cat([q, randn(*q.shape[:-1], n - k, dtype=q.dtype)], -1)
            self.base = q.clone() if n == k and is_orthogonal(q) else nearest_basis(q)
            origin: Any = zeros_like(value)
            origin.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return origin
        if self.orthogonal_map != "householder":
            raise NotImplementedError("It is not possible to assign to the matrix exponential or the Cayley parametrizations "
                                      "when use_trivialization=False.")
        h, tau = np.linalg.qr(q._data, mode="raw")  # the reflections below the diagonal, transposed
        diagonal = np.einsum("...ii->...i", h[..., :k])
        diagonal[...] = np.sign(diagonal) * np.where(tau == 0, -1, 1)  # of an identity reflection the sign is the column's own
        return wrap(np.ascontiguousarray(h if transposed else h.swapaxes(-1, -2)))


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True) -> Module:
    """Keeps a weight orthogonal: its columns (or rows, if there are fewer of those) have length 1 and are perpendicular.

    Of the original X, with A = tril(X) - tril(X)^T: ``matrix_exp`` gives e^A (the default for square matrices), ``cayley``
    (I - A/2)^-1 (I + A/2), ``householder`` a product of reflections in X's columns (the default for others). With
    `use_trivialization` the result is multiplied by a base, which assigning to the weight sets; without, only ``householder`` can be
    assigned to. ValueError for fewer than two dimensions or another map. As
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html

    >>> from minidl import nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 2))
    >>> (layer.weight @ layer.weight.T).round(decimals=4).detach().abs()
    tensor([[1., 0.],
            [0., 1.]])
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
