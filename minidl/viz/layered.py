"""Layered drawing of directed graphs: layers by the longest path, order by barycentres, places by least squares.

Sugiyama, Tagawa, Toda: Methods for visual understanding of hierarchical system structures, 1981.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

__all__ = ["place"]

Point = tuple[float, float]


def place(inputs: Sequence[Sequence[int]], gap: float) -> tuple[list[Point], list[list[Point]]]:
    """(x, layer) of each node, and the points that each edge, from input to node, passes through.

    `inputs` lists for each node those that it is computed from, all of smaller number. Layer 0 is the last node's, at the bottom; neighbours
    within a layer are `gap` apart. An edge over several layers keeps a third of that clear where it passes.

    >>> place([[], [], [0, 1]], 1.0)
    ([(-0.5, 1.0), (0.5, 1.0), (0.0, 0.0)], [[(-0.5, 1.0), (0.0, 0.0)], [(0.5, 1.0), (0.0, 0.0)]])
    """
    count = len(inputs)
    layer = [0] * count
    for node in reversed(range(count)):
        for source in inputs[node]:
            layer[source] = max(layer[source], layer[node] + 1)
    paths = []
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for node in range(count):
        for source in dict.fromkeys(inputs[node]):
            path = [source]
            for step in range(layer[source] - 1, layer[node], -1):  # a place in each layer that the edge crosses
                path.append(len(layer))
                layer.append(step)
                above.append([])
                below.append([])
            path.append(node)
            paths.append(path)
            for upper, lower in pairwise(path):
                above[lower].append(upper)
                below[upper].append(lower)
    rows: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for node, depth in enumerate(layer):
        rows[depth].append(node)
    widths = [gap if node < count else gap / 3 for node in range(len(layer))]
    x = np.zeros(len(layer))
    for row in rows:
        x[row] = spread(np.zeros(len(row)), [widths[n] for n in row])
    for sweep in range(12):
        neighbours, order = (above, rows[::-1]) if sweep % 2 else (below, rows)
        for row in order:
            row.sort(key=lambda n: np.mean([x[m] for m in neighbours[n]]) if neighbours[n] else x[n])
            x[row] = spread(np.array([np.mean([x[m] for m in neighbours[n] or [n]]) for n in row]), [widths[n] for n in row])
    for _ in range(20):
        for row in rows:
            x[row] = spread(np.array([np.mean([x[m] for m in above[n] + below[n] or [n]]) for n in row]), [widths[n] for n in row])
    points = [(float(a), float(b)) for a, b in zip(x, layer)]
    return points[:count], [[points[n] for n in path] for path in paths]


def spread(wanted: np.ndarray, widths: Sequence[float]) -> np.ndarray:
    """The places nearest to the wanted ones, by least squares, that keep their order and are half of both widths apart."""
    offsets = np.cumsum([0.0, *[(a + b) / 2 for a, b in pairwise(widths)]])[:len(wanted)]
    blocks: list[tuple[float, int]] = []
    for value in wanted - offsets:  # without offsets it is a monotone fit: neighbours that would change places share their mean
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, n = blocks.pop()
            mean, size = (before * n + mean * size) / (n + size), n + size
        blocks.append((mean, size))
    return np.repeat([mean for mean, _ in blocks], [size for _, size in blocks]) + offsets
