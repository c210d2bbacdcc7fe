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
    """Pieces of up to about `block` bytes: several images, or of one image some rows; as many for each thread."""
    places, row = block // max(1, place_bytes), max(1, prod(out[1:]))
    threads = get_num_threads() if images * row * out[0] * place_bytes >= SHARED else 1
    together = places // (row * max(1, out[0]))
    if together == 0 or images % threads and images < 4 * threads:
        together, rows = 1, max(1, min(places // row, -(-out[0] // threads)))
    else:
        rows = max(1, out[0])
        together = max(1, -(-images // max(1, threads * -(-images // (together * threads)))))
    return [Piece(slice(i, min(i + together, images)), slice(j, min(j + rows, out[0])))
            for i in range(0, images, together) for j in range(0, out[0], rows)]
