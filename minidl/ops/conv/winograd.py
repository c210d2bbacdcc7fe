"""Convolution with kernels of 3 by fewer multiplications.

Two outputs of a kernel of 3 read four inputs, and 4 multiplications give them instead of 6: F(2, 3). Four outputs read six
inputs, and take 6 instead of 12: F(4, 3). In d dimensions the saving is to the power of d. With tiles D of the input,

    output            Y  = A^T ( sum over c of  (G w)[o, c] * (B^T D)[n, c] )
    weight gradient   dw = G^T ( sum over n of  (A dY)[n, o] * (B^T D)[n, c] )

where * is elementwise, so that the sums are a matrix product for each of the (m + 2)^d elements of a tile. B, G and A come
from polynomials evaluated at 0, 1, -1, (2, -2,) and infinity; in d dimensions each is its own Kronecker product.

Work: O*C*P*((m + 2) / m)^d multiply-adds, and the transforms. Large and small numbers meet in these, so that F(2, 3) errs
by about three times as much as a dot product and F(4, 3) by thirty times: for ``precision = "fast"``, or by name.

Lavin, Gray, Fast Algorithms for Convolutional Neural Networks, 2015, https://arxiv.org/abs/1509.09308.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from math import prod

import numpy as np

from ...core.threads import share
from ...core.workspace import buffer
from .cost import Cost
from .geometry import Geometry, Problem, reach
from .im2col import windows
from .layout import Sizes, at, empty, sample
from .pieces import Piece, pieces
from .product import multiply

BLOCK = 1 << 20  # bytes of tiles at a time
COLUMNS = 128  # but at least so many tiles: a product of fewer is slower

B_T = {2: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
       4: [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
           [0, 4, 0, -5, 0, 1]]}
G = {2: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
     4: [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
         [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]}
A_T = {2: [[1, 1, 1, 0], [0, 1, -1, -1]],
       4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]}


@cache
def matrices(m: int, dims: int, dtype: np.dtype) -> list[np.ndarray]:
    """B^T, G and A^T for tiles of m outputs in each of `dims` dimensions."""
    return [reduce(np.kron, [np.array(table[m], dtype)] * dims) for table in (B_T, G, A_T)]


class Winograd:
    """The algorithm with tiles of m outputs."""

    def __init__(self, m: int, error: float) -> None:
        self.m, self.error = m, error
        self.__doc__ = __doc__

    def supports(self, problem: Problem) -> str:
        if set(problem.kernel) != {3}:
            return f"the kernel is {problem.kernel}, not 3 in each dimension"
        if max(*problem.geo.stride, *problem.geo.dilation) > 1:
            return f"stride {problem.geo.stride} and dilation {problem.geo.dilation} are not 1"
        return "" if problem.dtype.char in "fd" else f"it is for real numbers of 32 or 64 bits, not {problem.dtype}"

    def cost(self, problem: Problem) -> Cost:
        (n, c), (o, share), dims, m = problem.x[:2], problem.w[:2], len(problem.kernel), self.m
        tiles, whole = n * prod(self.tiles(problem.out)), (m + 2)**dims
        products = tiles * whole * share * o
        transforms = tiles * whole * (whole * c + m**dims * o) + prod(problem.w) * whole
        moved = tiles * (3 * whole * c + whole * o + 3 * m**dims * o) + prod(problem.x) + 4 * whole * o * share
        memory = min(tiles * whole * (2 * c + o) * problem.dtype.itemsize, 3 * BLOCK)
        tile_bytes = whole * c * problem.dtype.itemsize
        blocks = max(1, tiles * tile_bytes // max(BLOCK, COLUMNS * tile_bytes))
        return Cost(products + transforms, 3 * moved, 0, 25 * blocks, memory + whole * o * share * problem.dtype.itemsize,
                    columns=tiles / blocks, error=self.error)

    def tiles(self, out: Sizes) -> Sizes:
        return tuple([-(-n // self.m) for n in out])

    def pieces(self, x: np.ndarray, out: Sizes) -> list[Piece]:
        """Pieces in numbers of tiles."""
        tile_bytes = (self.m + 2)**len(out) * x.shape[1] * x.itemsize
        return pieces(len(x), self.tiles(out), tile_bytes, max(BLOCK, COLUMNS * tile_bytes))

    def spectra(self, x: np.ndarray, out: Sizes, geo: Geometry, piece: Piece) -> np.ndarray:
        """B^T D for a piece, (elements of a tile, groups, C, B * tiles), valid until the next."""
        dims, m = len(out), self.m
        tiles = (piece.rows.stop - piece.rows.start, *self.tiles(out)[1:])
        starts = [piece.rows.start * m, *[0] * (dims - 1)]
        x = x[piece.images]
        area = buffer("area", (*x.shape[:2], *[t * m + 2 for t in tiles]), x.dtype)
        sample(area, x, [reach(i - p, 1, n, t * m + 2) for i, (p, _), n, t in zip(starts, geo.padding, x.shape[2:], tiles)])
        patches = windows(area, (m + 2,) * dims, tiles, geo._replace(stride=(m,) * dims))
        patches = patches.transpose(*range(3, 3 + dims), 1, 2, 0, *range(3 + dims, 3 + 2 * dims))
        tile = buffer("tiles", patches.shape, x.dtype)
        np.copyto(tile, patches)
        b_t = matrices(m, dims, x.dtype)[0]
        result = buffer("spectra", (len(b_t), geo.groups, patches.shape[dims + 1], len(x) * prod(tiles)), x.dtype)
        multiply(b_t, tile.reshape(len(b_t), -1), result.reshape(len(b_t), -1))
        return result

    def output(self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
        out, dims, m = geo.output_size(x.shape[2:], w.shape[2:]), len(w.shape) - 2, self.m
        y = empty((len(x), len(w), *out), x.dtype, geo.last)
        _, g, a_t = matrices(m, dims, x.dtype)
        weight = np.empty((len(g), geo.groups, len(w) // geo.groups, w.shape[1]), x.dtype)
        np.matmul(g, w.reshape(-1, 3**dims).T, out=weight.reshape(len(g), -1))

        def work(part: Sequence[Piece]) -> None:
            for piece in part:
                v = self.spectra(x, out, geo, piece)
                made = np.matmul(weight, v, out=buffer("made", (*weight.shape[:3], v.shape[3]), x.dtype))
                tile = buffer("tiles", (len(a_t), made[0].size), x.dtype)
                multiply(a_t, made.reshape(len(g), -1), tile)
                target = y[piece.images, :, piece.rows.start * m:piece.rows.stop * m]
                tiles = self.tiles(target.shape[2:])
                whole = buffer("area", (*target.shape[:2], *[n for t in tiles for n in (t, m)]), x.dtype)
                apart = whole.transpose(*range(3, 3 + 2 * dims, 2), 1, 0, *range(2, 2 + 2 * dims, 2))
                np.copyto(apart, tile.reshape(apart.shape))
                image = whole.reshape(*target.shape[:2], *[t * m for t in tiles])
                inside = at(image, [slice(0, n) for n in target.shape[2:]])
                np.add(inside, 0 if b is None else b.reshape(-1, *[1] * dims), out=target)

        share(work, self.pieces(x, out))
        return y

    def weight_grad(self, x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
        out, dims, m = g.shape[2:], len(kernel), self.m
        _, g_matrix, a_t = matrices(m, dims, x.dtype)
        c, o = x.shape[1] // geo.groups, g.shape[1] // geo.groups

        def work(part: Sequence[Piece]) -> np.ndarray:
            total = np.zeros((len(g_matrix), geo.groups, o, c), x.dtype)
            for piece in part:
                v = self.spectra(x, out, geo, piece)
                z = g[piece.images, :, piece.rows.start * m:piece.rows.stop * m]
                tiles = self.tiles(z.shape[2:])
                area = buffer("area", (*z.shape[:2], *[t * m for t in tiles]), x.dtype)
                sample(area, z, [reach(0, 1, n, t * m) for n, t in zip(z.shape[2:], tiles)])
                parts = area.reshape(*z.shape[:2], *[n for t in tiles for n in (t, m)])
                parts = parts.transpose(*range(3, 3 + 2 * dims, 2), 1, 0, *range(2, 2 + 2 * dims, 2))
                spectra = np.matmul(a_t.T, parts.reshape(m**dims, -1)).reshape(len(g_matrix), geo.groups, o, -1)
                total += np.matmul(spectra, v.swapaxes(-1, -2))
            return total

        total: np.ndarray = reduce(np.add, share(work, self.pieces(x, out)))
        grad = empty((g.shape[1], c, *kernel), x.dtype, geo.last)
        grad[...] = (g_matrix.T @ total.reshape(len(g_matrix), -1)).T.reshape(grad.shape)
        return grad
