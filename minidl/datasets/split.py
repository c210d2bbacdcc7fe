"""A held-out part with the same mix of classes as the whole."""

import numpy as np
from numpy.typing import NDArray


def stratified_split(labels: NDArray[np.int64], seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices (train, test), each ascending: a seeded shuffle, sorted by class, of which every fifth is held out.

    Of n examples ceil(n / 5) are held out, and of a class of m floor(m / 5) or ceil(m / 5).

    >>> train, test = stratified_split(np.repeat([0, 1], 10))
    >>> len(train), len(test), int((test < 10).sum())
    (16, 4, 2)
    """
    # RandomState, since its stream alone is promised never to change between NumPy versions.
    order = np.random.RandomState(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    held_out = np.zeros(len(labels), dtype=bool)
    held_out[order[::5]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
