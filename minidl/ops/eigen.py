"""Eigenvalues and eigenvectors of any square matrices: complex numbers, whatever the matrices'.

Gradients: Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation (2008); for vectors
of length one, Boeddeker et al., On the computation of complex-valued gradients with application to statistically optimum beamforming
(2017). Where eigenvalues coincide, their vectors have no derivative: a gradient that rests on them is inf or NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import primitive, public
from ..core.results import return_type
from .decompose import diagonal_matrix, differences, in_linalg
from .linalg import _solve_ex, adjoint, require_square
from .matmul import matmul
from .reduce import sum as sum_over
from .shape import unsqueeze

EigResult = return_type("linalg_eig", "eigenvalues eigenvectors")


def _eig_rule(g: Any, w: Any, v: Any) -> Any:
    """dA = V^-H (diag(g_w) + (V^H g_V - V^H V Re diag(V^H g_V)) / E) V^H, E_ij = conj(w_j - w_i)."""
    h, identity = adjoint(v), np.eye(v.shape[-1])
    turn = matmul(h, g[1].conj())
    turn = turn - matmul(h, v) * unsqueeze(sum_over((turn * identity).real, -2), -2)
    inner = turn * (1 - identity) / (differences(w).conj() + identity) + diagonal_matrix(g[0].conj())
    return _solve_ex(h, matmul(inner, h))[0].conj()


@primitive(x=_eig_rule, outputs="w v")
def _linalg_eig(x: Any) -> Any:
    w, v = in_linalg("linalg.eig", np.linalg.eig, x)
    d = np.promote_types(x.dtype, np.complex64)
    return w.astype(d, copy=False), v.astype(d, copy=False)


@public(where="linalg")
def eig(A: Any) -> Any:
    """A = V diag(w) V^-1: eigenvalues w, in no order, and eigenvectors of length one, V's columns, complex of real A too.

    dA = V^-H (diag(g_w) + (V^H g_V - V^H V Re diag(V^H g_V)) / E) V^H, E_ij = conj(w_j - w_i); defined up to the phases of the vectors.

    >>> import minidl as torch
    >>> torch.linalg.eig(torch.tensor([[0., 1.], [-1., 0.]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    require_square("linalg.eig", A)
    return EigResult(*_linalg_eig(A))


@public(where="linalg")
def eigvals(A: Any) -> Any:
    """The eigenvalues, complex and in no order; dA = V^-H diag(g) V^H."""
    require_square("linalg.eig", A)
    return _linalg_eig(A)[0]
