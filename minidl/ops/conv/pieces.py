"""A convolution's output in pieces whose intermediate results stay in the processor's cache, and are shared by threads."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from ...core.threads import get_num_threads
from .layout import Sizes

SHARED = 1 << 19  # bytes in all from which threads share the pieces


class Piece(NamedTuple):
    images: slice
    rows: slice  # of the output's first spatial dimension


def pieces(images: int, out: Sizes, place_bytes: int, block: int) -> list[Piece]:
    """Pieces of about `block` bytes: several images, or of one image some rows."""
    places, row = block // max(1, place_bytes), max(1, prod(out[1:]))
    rows = max(1, min(out[0], places // row))
    threads = get_num_threads() if images * row * out[0] * place_bytes >= SHARED else 1
    count = max(1, min(places // (row * max(1, out[0])), -(-images // threads)))
    return [Piece(slice(i, min(i + count, images)), slice(j, min(j + rows, out[0])))
            for i in range(0, images, count) for j in range(0, out[0], rows)]
