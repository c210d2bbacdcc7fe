"""Dropout: elements, or whole channels, are zeroed at random, and the rest scaled so that the mean stays.

The masks come from the default generator, in memory order: PyTorch's masks for the same seed.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core import data_of, public
from ..core.checks import require_tensor
from ..core.generator import default_generator
from ..core.inplace import in_place
from .arithmetic import mul
from .random import empty_like, fill_bernoulli
from .shape import squeeze, unsqueeze

SELU_LIMIT = 1.7580993408473766  # minus the limit of SELU at -infinity: its scale times its alpha


def noise(x: Any, p: float, channels: bool) -> Any:
    """1 with probability 1 - p, else 0, for each element of x or for each of its channels."""
    x = data_of(x)
    if channels:
        return default_generator.bernoulli(1 - p, x.shape[:2], x.dtype).reshape(x.shape[:2] + (1,) * (x.ndim - 2))
    return fill_bernoulli(empty_like(x), 1 - p, default_generator)


def scale_kept(x: Any, p: float, channels: bool) -> Any:
    """The mask over 1 - p."""
    if p == 1:
        return np.zeros((1,) * x.ndim, data_of(x).dtype)
    mask = noise(x, p, channels)
    mask /= 1 - p
    return mask


def check(op: str, x: Any, p: float) -> None:
    require_tensor(op, "input", x)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p} ({op})")


def dropped(x: Any, p: float, training: bool, inplace: bool, channels: bool = False) -> Any:
    if not training or p == 0 or data_of(x).size == 0:
        return x
    factor = scale_kept(x, p, channels)
    return in_place(mul)(x, factor) if inplace else x * factor


@public(where="torch nn.functional")
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """y = x m / (1 - p), m = 0 with probability p and else 1, independently for each element; x itself outside
    training.

    ValueError for p outside [0, 1]. Srivastava et al. 2014.
    """
    check("dropout", input, p)
    return dropped(input, p, training, inplace)


def channel_dropout(op: str, x: Any, p: float, training: bool, inplace: bool, ranks: tuple[int, int],
                    unbatched: bool) -> Any:
    """Dropout of channels, where a missing batch dimension is added for the time if `unbatched`."""
    check(op, x, p)
    if x.ndim not in ranks:
        message = f"{op}: Expected {ranks[0]}D or {ranks[1]}D input, but received a {x.ndim}D input."
        if op == "dropout1d":
            raise RuntimeError(message)
        warnings.warn(message + " This is deprecated and will be an error; use dropout instead.", stacklevel=4)
    if x.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    if not unbatched or x.ndim == ranks[1]:
        return dropped(x, p, training, inplace, channels=True)
    y = dropped(unsqueeze(x, 0), p, training, inplace, channels=True)
    return x if inplace else squeeze(y, 0)


@public(where="nn.functional")
def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, L) or (C, L). Tompson et al. 2015, arXiv:1411.4280."""
    return channel_dropout("dropout1d", input, p, training, inplace, (2, 3), unbatched=True)


@public(where="nn.functional")
def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, H, W). A 3-D input is taken as (N, C, L), with a warning, as in PyTorch."""
    if input.ndim == 3:
        warnings.warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
                      "behavior is desired - input is interpreted as shape (N, C, L).", stacklevel=3)
    return channel_dropout("dropout2d", input, p, training, inplace, (3, 4), unbatched=False)


@public(where="nn.functional")
def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    return channel_dropout("dropout3d", input, p, training, inplace, (4, 5), unbatched=True)


def alpha_dropped(op: str, x: Any, p: float, training: bool, inplace: bool, channels: bool) -> Any:
    check(op, x, p)
    if not training or p == 0 or data_of(x).size == 0:
        return x
    if p == 1:
        return in_place(mul)(x, 0.0) if inplace else x * np.zeros((1,) * x.ndim, data_of(x).dtype)
    a = ((SELU_LIMIT ** 2 * p + 1) * (1 - p)) ** -0.5
    mask = noise(x, p, channels)
    shift = (mask - 1) * (SELU_LIMIT * a) + SELU_LIMIT * a * p
    mask *= a
    if inplace:
        in_place(mul)(x, mask)
        x += shift
        return x
    return x * mask + shift


@public(where="torch nn.functional")
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance of a standard normal input: dropped elements become SELU's lower limit -L.

    y = a (x m - L (1 - m)) + a L p with a = ((1 - p) (1 + p L^2))^(-1/2). Klambauer et al. 2017, arXiv:1706.02515.
    """
    return alpha_dropped("alpha_dropout", input, p, training, inplace, channels=False)


@public(where="torch nn.functional")
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels."""
    return alpha_dropped("feature_alpha_dropout", input, p, training, inplace, channels=True)
