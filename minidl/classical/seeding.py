"""Where k-means starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import check_array
from .lloyd import score_matrix
from .parts import ALONE, BLOCK, in_threads, slices

Array = NDArray[Any]
Init = str | Array | Callable[..., Any]


def kmeans_plusplus(xa: Array, weights: Array, k: int, random: np.random.RandomState) -> Array:
    """The rows chosen as first centres: each by chance, in proportion to its weight times its squared distance to the nearest so far.

    Greedy: of 2 + log k candidates the one after which the inertia is least. D. Arthur, S. Vassilvitskii, "k-means++: the advantages of
    careful seeding", SODA 2007. Draws as scikit-learn's does.
    """
    norms = np.einsum("ij,ij->i", xa[:, :-1], xa[:, :-1], dtype=np.float64)
    chosen = np.empty(k, np.intp)
    chosen[0] = random.choice(len(xa), p=weights / weights.sum())
    trials = 2 + int(np.log(k))
    closest = _squared_distances(xa, norms, chosen[:1], np.full(len(xa), np.inf, xa.dtype))[0]
    potential = closest @ weights
    for c in range(1, k):
        candidates = np.searchsorted(np.cumsum(weights * closest), random.uniform(size=trials) * potential)
        np.clip(candidates, None, len(xa) - 1, out=candidates)  # a sum may be rounded below the potential
        distances = _squared_distances(xa, norms, candidates, closest)
        potentials = distances @ weights
        best = potentials.argmin()
        chosen[c], potential, closest = candidates[best], potentials[best], distances[best]
    return chosen


def _squared_distances(xa: Array, norms: Array, candidates: Array, closest: Array) -> Array:
    """(candidates, n): min(closest, ||x - candidate||^2). Float32 is computed in float64, since the terms cancel."""
    matrix = score_matrix(xa[candidates, :-1].astype(np.float64)).T
    out = np.empty((len(candidates), len(xa)), xa.dtype)

    def part(rows: slice) -> None:
        x, norm, bound, mine = xa[rows], norms[rows], closest[rows], out[:, rows]
        for chunk in slices(len(x), max(256, ALONE // matrix.size)):
            squared = matrix @ x[chunk].T.astype(np.float64, copy=False)
            squared += norm[chunk]
            np.maximum(squared, 0, out=squared)
            np.minimum(squared, bound[chunk], out=mine[:, chunk], casting="same_kind")

    in_threads(part, len(xa), matrix.size)
    out[np.arange(len(candidates)), candidates] = 0
    return out


def initial_centers(init: Init, x: Array, xa: Array, weights: Array, k: int, random: np.random.RandomState) -> Array:
    """The first centres, a new array, by method, array or function; `x` is what a function gets, `xa` its rows as in `lloyd`."""
    if isinstance(init, str):
        if init == "k-means++":
            chosen = kmeans_plusplus(xa, weights, k, random)
        else:
            possible = min(k, int(np.count_nonzero(weights)))
            chosen = np.resize(random.choice(len(xa), size=possible, replace=False, p=weights / weights.sum()), k)
        return xa[chosen, :-1]
    centers = init(x, k, random_state=random) if callable(init) else init
    return check_centers(centers, x, k)


def check_centers(centers: Any, x: Array, k: int) -> Array:
    """The given centres as a new array of the type of `x`; ValueError if they are not of shape (k, features)."""
    array = check_array(centers, owner="init").astype(x.dtype)
    if array.shape != (k, x.shape[1]):
        raise ValueError(f"The shape of the initial centers {array.shape} does not match the number of clusters {k} "
                         f"and the number of features of the data {x.shape[1]}.")
    return array


def merge_repeats(x: Array, weights: Array) -> tuple[Array, Array] | None:
    """Distinct rows of positive weight with the sums of their weights, in an order that depends on nothing else; None if that changes nothing.

    So a weight of two is the same as a sample given twice, wherever it stands. Without repeats and with equal weights the samples stay in
    their own order, in which chance chooses from them as scikit-learn does. Rows are compared by 64-bit sums of their bytes times odd
    numbers, and if two different ones ever agree, nothing is merged.
    """
    kind = np.dtype(f">u{x.dtype.itemsize}")  # the high bytes, which tell small integers apart, become the low ones
    factors = np.random.RandomState(0).randint(1, 2**63 - 1, x.shape[1], dtype=np.uint64) | np.uint64(1)
    # Adding 0.0 makes -0.0 the 0.0 that it equals.
    keys = np.concatenate([(x[rows] + x.dtype.type(0)).view(kind).astype(np.uint64) @ factors for rows in slices(len(x), BLOCK // 16)])
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) == len(x) and (weights == weights[0]).all():
        return None
    if not all(np.array_equal(x[rows], x[first[inverse[rows]]]) for rows in slices(len(x), BLOCK)):
        return None
    total = np.bincount(inverse, weights).astype(x.dtype)
    first, total = first[total > 0], total[total > 0]
    return np.ascontiguousarray(x[first]), total
