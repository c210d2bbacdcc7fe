"""What an operation costs, from the shapes it worked on.

Conventions. A multiplication whose product is added to a sum is one MAC (multiply-accumulate), as in the figures that papers and
torchvision give for networks; it is two FLOPs. Counted are the convolutions and matrix products, wherever they are called from; not
counted unless asked for are the additions of a bias, and the work that is not products: activations, sums, pooling, normalisation.
Padding counts as if it were data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from ..core.watch import Call

__all__ = ["Cost", "cost_of"]


@dataclass
class Cost:
    """`macs` of products; `bias`: additions of biases; `other`: operations on single elements (see `OTHER`)."""

    macs: int = 0
    bias: int = 0
    other: int = 0

    def add(self, more: Cost) -> None:
        self.macs += more.macs
        self.bias += more.bias
        self.other += more.other


def size(x: Any) -> int:
    return prod(x.shape)


def contracted(y: Any, a: Any, b: Any, a_labels: Any, b_labels: Any, out: Any) -> int:
    return prod((dict(zip(a_labels, a.shape)) | dict(zip(b_labels, b.shape))).values())


# Multiply-accumulates of each primitive, from its result and its arguments. A convolution reads a whole kernel for each
# output; its transpose (also its gradient for the input) writes one for each input; that for the weight pairs the same
# elements. (`linear_rows` is not here: it calls `linear`.)
MACS: dict[str, Callable[..., int]] = {
    "convolution": lambda y, x, w, b, geo: size(y) * prod(w.shape[1:]),
    "conv_transposed": lambda y, x, w, b, shape, geo: size(x) * prod(w.shape[1:]),
    "conv_weight": lambda y, x, z, kernel, geo: size(z) * x.shape[1] // geo.groups * prod(kernel),
    "linear": lambda y, x, w, b: size(x) * w.shape[0],
    "mm": lambda y, a, b: size(a) * b.shape[1],
    "gram": lambda y, a, b: size(a) * b.shape[-1],
    "bmm": lambda y, a, b: size(y) * a.shape[-1],
    "mv": lambda y, a, b: size(a),
    "weigh": lambda y, a, b: size(b),
    "outer": lambda y, a, b: size(y),
    "dot": lambda y, a, b: size(a),
    "addmm": lambda y, x, a, b, beta, alpha: size(a) * b.shape[1],
    "addmv": lambda y, x, a, b, beta, alpha: size(a),
    "addr": lambda y, x, a, b, beta, alpha: size(y),
    "baddbmm": lambda y, x, a, b, beta, alpha: size(a) * b.shape[2],
    "addbmm": lambda y, x, a, b, beta, alpha: size(a) * b.shape[2],
    "contract": contracted,
    "rnn_layer": lambda y, x, h, w, *_: len(x) * size(w),
    "gru_layer": lambda y, x, h, w, *_: len(x) * size(w),
    "lstm_layer": lambda y, x, h, c, w, *_: len(x) * size(w),
    "cdist": lambda y, a, b, by_product: size(y) * a.shape[-1] if by_product else 0,
}
BIAS = {"convolution": 2, "conv_transposed": 2, "linear": 2}  # where the bias is among the arguments
# The bias' place, and for each unit of the state the sums and products of a step; its activations and projections are ops.
RECURRENT = {"rnn_layer": (3, 1), "gru_layer": (3, 7), "lstm_layer": (4, 8)}
SUMMED = {"addmm", "addmv", "addr", "baddbmm", "addbmm"}

# Operations on single elements: one for each element of the result of the elementwise families, and these.
ELEMENTWISE = {f"minidl.ops.{name}" for name in ("elementwise", "rounding", "arithmetic", "powers", "select", "special", "relu",
                                                 "activation")}
OTHER: dict[str, Callable[..., int]] = {
    "max_pool": lambda y, x, w: size(y) * prod(w.kernel),
    "avg_pool": lambda y, x, w, *_: size(y) * prod(w.kernel),
    "adaptive_avg_pool": lambda y, x, *_: size(x),
    "normalise_fixed": lambda y, x, *_: 2 * size(x),  # a scale and a shift
    "normalise": lambda y, x, *_: 4 * size(x),  # mean and variance before them
    "softmax": lambda y, x, *_: 3 * size(x),  # exponential, sum, quotient
    "log_softmax": lambda y, x, *_: 3 * size(x),
} | dict.fromkeys(("sum", "sum_all", "mean", "mean_all", "amax", "amin"), lambda y, x, *_: size(x))


def cost_of(call: Call) -> Cost | None:
    """The cost of a primitive's call; None where it has none, or where the call is of another kind."""
    spec = call.spec
    if spec is None or call.kind != "op" or not call.done:
        return None
    name, y, args = spec.name, call.result, call.args
    if name in RECURRENT:
        bias, work = RECURRENT[name]
        units = size(y[-1] if isinstance(y, tuple) else y)
        return Cost(MACS[name](y, *args), 0 if args[bias] is None else size(args[0]), work * units)
    if name in MACS:
        biased = name in SUMMED or (name in BIAS and args[BIAS[name]] is not None)
        return Cost(MACS[name](y, *args), size(y) if biased else 0)
    y = y[0] if isinstance(y, tuple) else y
    if name in OTHER:
        return Cost(other=OTHER[name](y, *args, *call.kwargs.values()))
    if spec.forward.__module__ in ELEMENTWISE:
        return Cost(other=size(y))
    return None
