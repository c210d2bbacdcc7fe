"""A part of the data that training does not see."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import check_random_state, check_same_length


def train_test_split(*arrays: Any, test_size: float | None = None, train_size: float | None = None, random_state: Any = None,
                     shuffle: bool = True, stratify: Any = None) -> list[Any]:
    """Each array, list or data frame in two parts, [a_train, a_test, b_train, b_test, ...], all divided alike.

    Sizes are numbers of samples (int) or shares (float; the test part is rounded up, the training part down); what is not given is the rest,
    a quarter for testing if neither is. `stratify`: labels of which both parts get the same mix as the whole, as far as their numbers allow.
    ValueError for sizes that do not fit or a part without samples. Follows sklearn.model_selection.train_test_split, in its draws too.

    >>> train_test_split([0, 1, 2, 3], "abcd", test_size=1, shuffle=False)
    [[0, 1, 2], [3], ['a', 'b', 'c'], ['d']]
    """
    if not arrays:
        raise ValueError("At least one array required as input")
    check_same_length(**{f"array {i}": array for i, array in enumerate(arrays)})
    n = len(arrays[0])
    n_train, n_test = _sizes(n, test_size, train_size)
    if not shuffle:
        if stratify is not None:
            raise ValueError("Stratified train/test split is not implemented for shuffle=False")
        train, test = np.arange(n_train), np.arange(n_train, n_train + n_test)
    else:
        random = check_random_state(random_state)
        if stratify is None:
            order = random.permutation(n)
            train, test = order[n_test:n_test + n_train], order[:n_test]
        else:
            train, test = _stratified(np.asarray(stratify), n_train, n_test, random)
    return [_take(array, part) for array in arrays for part in (train, test)]


def _sizes(n: int, test_size: float | None, train_size: float | None) -> tuple[int, int]:
    def number(size: float | None, name: str, rounding: Any) -> int | None:
        if size is None:
            return None
        whole = isinstance(size, numbers.Integral)
        if isinstance(size, bool) or not (0 < size < (n if whole else 1)):
            raise ValueError(f"{name}={size} should be either positive and smaller than the number of samples {n} or a float in the (0, 1) range")
        return int(size) if whole else int(rounding(size * n))

    test, train = number(test_size, "test_size", np.ceil), number(train_size, "train_size", np.floor)
    if test is None:
        test = int(np.ceil(0.25 * n)) if train is None else n - train
    train = n - test if train is None else train
    if train + test > n:
        raise ValueError(f"The sum of train_size={train_size} and test_size={test_size}, {train + test}, should be at most the number of samples {n}")
    if train == 0:
        raise ValueError(f"With n_samples={n}, test_size={test_size} and train_size={train_size}, the resulting train set will be empty.")
    return train, test


def _stratified(labels: NDArray[Any], n_train: int, n_test: int, random: np.random.RandomState) -> tuple[NDArray[Any], NDArray[Any]]:
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise ValueError("The least populated class in y has only 1 member, which is too few: stratify needs 2 of each class.")
    if min(n_train, n_test) < len(counts):
        raise ValueError(f"The train_size = {n_train} and test_size = {n_test} should be at least the number of classes = {len(counts)}")
    of_train = _shares(counts, n_train, random)
    of_test = _shares(counts - of_train, n_test, random)
    train, test = [], []
    for members, a, b in zip(np.split(np.argsort(own, kind="stable"), np.cumsum(counts)[:-1]), of_train, of_test):
        members = members[random.permutation(len(members))]
        train.append(members[:a])
        test.append(members[a:a + b])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def _shares(counts: NDArray[Any], total: int, random: np.random.RandomState) -> NDArray[Any]:
    """`total` divided in proportion to `counts`: rounded down, and the rest to the largest remainders, among equal ones by chance."""
    exact = counts / counts.sum() * total
    shares = np.floor(exact)
    remainders = exact - shares
    for value in np.unique(remainders)[::-1]:
        missing = int(total - shares.sum())
        if missing:
            equal = np.flatnonzero(remainders == value)
            shares[random.choice(equal, size=min(len(equal), missing), replace=False)] += 1
    return shares.astype(int)


def _take(array: Any, indices: NDArray[Any]) -> Any:
    if hasattr(array, "iloc"):
        return array.iloc[indices]
    return array[indices] if hasattr(array, "shape") else [array[i] for i in indices]
