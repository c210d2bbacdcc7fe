"""Interpolation, and sampling at given places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import shapes, tensors

__all__ = ["grid_samples", "interpolations"]

MODES = {1: ["nearest", "linear", "area", "nearest-exact"], 2: ["nearest", "bilinear", "bicubic", "area", "nearest-exact"],
         3: ["nearest", "trilinear", "area", "nearest-exact"]}
SCALES = st.sampled_from([2.0, 1.0, 0.5, 1.5, 3.0])


@st.composite
def interpolations(draw: Any, dims: int | None = None, modes: Any = None) -> Case:
    """``interpolate(x, size or scale_factor, mode=..., align_corners=...)`` of an image of at least 2 in each size."""
    dims = dims or draw(st.integers(1, 3))
    mode = draw(st.sampled_from(modes or MODES[dims]))
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 2), *[st.integers(2, 4)] * dims))
    kwargs: dict[str, Any] = {"mode": mode}
    if draw(st.booleans()):
        kwargs["scale_factor"] = draw(st.tuples(*[SCALES] * dims))
        kwargs["recompute_scale_factor"] = draw(st.sampled_from([None, True]))
    else:
        kwargs["size"] = draw(st.tuples(*[st.integers(1, 6)] * dims))
    if "linear" in mode or mode == "bicubic":
        kwargs["align_corners"] = draw(st.booleans())
    return Case("interpolate", (draw(tensors(shape)),), kwargs)


@st.composite
def grid_samples(draw: Any, dims: int | None = None) -> Case:
    """``grid_sample(x, grid)`` at places of which none is a pixel's centre, edge or half."""
    dims = dims or draw(st.sampled_from([2, 3]))
    n, c = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    x = draw(tensors((n, c, *draw(shapes(dims, dims, min_side=2)))))
    out = draw(shapes(dims, dims, max_side=2))
    grid = (2 * draw(tensors((n, *out, dims), dtype="int64", layout="contiguous", high=35)) + 1) / 31.7
    return Case("grid_sample", (x, grid), {"mode": draw(st.sampled_from(["bilinear", "nearest", *["bicubic"] * (dims == 2)])),
                                           "padding_mode": draw(st.sampled_from(["zeros", "border", "reflection"])),
                                           "align_corners": draw(st.booleans())})
