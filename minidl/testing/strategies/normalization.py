"""Normalisations. Values are distinct, so that no variance is that of rounding alone."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import shapes, tensors

__all__ = ["batch_norms", "group_norms", "instance_norms", "layer_norms", "local_response_norms", "rms_norms"]

EPS = st.sampled_from([1e-5, 0.1, 1e-3])


@st.composite
def affine(draw: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Weight and bias, or neither."""
    return draw(st.just((None, None)) | st.tuples(tensors(shape), tensors(shape)))


@st.composite
def batch_norms(draw: Any) -> Case:
    """batch_norm(x, mean, var, weight, bias): by running statistics, or by the batch's (then at least two values per channel)."""
    shape = draw(shapes(min_dims=2).filter(lambda s: s[0] > 1 or len(s) > 2 and max(s[2:]) > 1))
    c = shape[1]
    training = draw(st.booleans())
    mean, var = (None, None) if training else (draw(tensors((c,))), draw(tensors((c,), "positive")))
    return Case("batch_norm", (draw(tensors(shape, "distinct")), mean, var, *draw(affine((c,)))), {"training": training, "eps": draw(EPS)})


@st.composite
def instance_norms(draw: Any) -> Case:
    shape = draw(shapes(min_dims=3).filter(lambda s: max(s[2:]) > 1))
    weight, bias = draw(affine((shape[1],)))
    return Case("instance_norm", (draw(tensors(shape, "distinct")),), {"weight": weight, "bias": bias, "eps": draw(EPS)})


@st.composite
def group_norms(draw: Any) -> Case:
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n, *positions = draw(shapes(min_dims=1, max_dims=3).filter(lambda s: per_group > 1 or max(s[1:], default=1) > 1))
    c = groups * per_group
    return Case("group_norm", (draw(tensors((n, c, *positions), "distinct")), groups, *draw(affine((c,)))), {"eps": draw(EPS)})


@st.composite
def _trailing(draw: Any) -> tuple[Any, tuple[int, ...]]:
    """x, and the shape of its last dimensions, which hold at least two values."""
    shape = draw(shapes(min_dims=1).filter(lambda s: s[-1] > 1))
    return draw(tensors(shape, "distinct")), shape[draw(st.integers(0, len(shape) - 1)):]


@st.composite
def layer_norms(draw: Any) -> Case:
    x, last = draw(_trailing())
    return Case("layer_norm", (x, last, *draw(affine(last))), {"eps": draw(EPS)})


@st.composite
def rms_norms(draw: Any) -> Case:
    x, last = draw(_trailing())
    return Case("rms_norm", (x, last, draw(st.none() | tensors(last))), {"eps": draw(EPS)})


@st.composite
def local_response_norms(draw: Any) -> Case:
    x = draw(tensors(draw(shapes(min_dims=3)), "away"))
    return Case("local_response_norm", (x, draw(st.integers(1, 4))), {"alpha": draw(st.sampled_from([1e-4, 0.5])), "k": draw(st.sampled_from([1.0, 2.0]))})
