"""Hypothesis strategies of tensors and of valid calls of operators.

>>> from minidl.testing import strategies
>>> from hypothesis import find
>>> find(strategies.cases("conv1d"), lambda case: case.kwargs["stride"] > (1,))
conv1d(np.array([[[1.0]]]), np.array([[[1.0]]]), None, stride=(2,), padding=(0,), dilation=(1,), groups=1)
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.strategies import SearchStrategy

from ..case import Case
from ..layouts import lay_out
from .attention import attentions
from .convolution import bilinear, convolutions, linear
from .indexing import indexed, indices, permutations, permuted, reduced
from .loss import LOSSES
from .network import networks, recurrent
from .normalization import batch_norms, group_norms, instance_norms, layer_norms, local_response_norms, rms_norms
from .pooling import adaptive_pools, pools
from .resampling import grid_samples, interpolations
from .tensors import DOMAINS, broadcastable_shapes, shapes, tensors
from .training import OPTIMIZERS, SCHEDULERS, optimizers, schedulers, trainings

__all__ = ["CASES", "DOMAINS", "OPTIMIZERS", "SCHEDULERS", "adaptive_pools", "attentions", "broadcastable_shapes", "cases", "convolutions", "grid_samples",
           "indexed", "indices", "interpolations", "networks", "optimizers", "permutations", "pools", "recurrent", "reduced", "schedulers", "shapes",
           "tensors", "trainings"]

CASES: dict[str, Callable[[], SearchStrategy[Case]]] = {
    **{f"conv{n}d": lambda n=n: convolutions(n) for n in (1, 2, 3)},  # type: ignore[misc]
    **{f"conv_transpose{n}d": lambda n=n: convolutions(n, transposed=True) for n in (1, 2, 3)},  # type: ignore[misc]
    "linear": linear,
    "bilinear": bilinear,
    **{f"{op}_pool{n}d": lambda op=op, n=n: pools(op, n) for op in ("max", "avg") for n in (1, 2, 3)},  # type: ignore[misc]
    **{f"lp_pool{n}d": lambda n=n: pools("lp", n) for n in (1, 2)},  # type: ignore[misc]
    **{f"adaptive_{op}_pool{n}d": lambda op=op, n=n: adaptive_pools(op, n) for op in ("avg", "max") for n in (1, 2, 3)},  # type: ignore[misc]
    "batch_norm": batch_norms,
    "group_norm": group_norms,
    "instance_norm": instance_norms,
    "layer_norm": layer_norms,
    "local_response_norm": local_response_norms,
    "rms_norm": rms_norms,
    "scaled_dot_product_attention": attentions,
    "interpolate": interpolations,
    "grid_sample": grid_samples,
    **LOSSES,
    **{f"nn.{kind}": lambda kind=kind: recurrent(kind) for kind in ("RNN", "LSTM", "GRU")},  # type: ignore[misc]
    "nn.Sequential": networks,
    **{op: lambda op=op: reduced(op) for op in ("sum", "mean", "logsumexp")},  # type: ignore[misc]
    **{op: lambda op=op: reduced(op, "distinct") for op in ("amax", "amin")},  # type: ignore[misc]
    **{op: lambda op=op: reduced(op, many=False) for op in ("prod",)},  # type: ignore[misc]
    "getitem": indexed,
    "permute": permuted,
}


def cases(op: str, plain: bool = False) -> SearchStrategy[Case]:
    """Valid calls of an operator; ValueError for one without a strategy.

    `plain` leaves out what many implementations leave out: memory that is not contiguous, and for convolutions x without a batch and paddings in words.
    """
    if op not in CASES:
        raise ValueError(f"cases: expected an operator of {', '.join(CASES)}, got {op!r}")
    if plain and op.startswith("conv"):
        return convolutions(int(op[-2]), "transpose" in op, layout="contiguous", words=False, unbatched=False)
    return CASES[op]().map(lambda case: case.map(lambda a: lay_out(a, "contiguous"))) if plain else CASES[op]()
