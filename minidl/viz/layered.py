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
    weights = np.array([8.0 if above[n] else 1.0 for n in range(len(layer))])  # sources stand aside, what has inputs in line with them
    for _ in range(40):
        for row in rows:
            ends = [above[n] + below[n] or [n] for n in row]
            wanted = np.array([np.average(x[e], weights=weights[e]) for e in ends])
            x[row] = spread(wanted, [widths[n] for n in row], weights[row])
    points = [(float(a), float(b)) for a, b in zip(x, layer)]
    return points[:count], [[points[n] for n in path] for path in paths]


def spread(wanted: np.ndarray, widths: Sequence[float], weights: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """The places nearest to the wanted ones, by weighted least squares, that keep their order and are half of both widths apart."""
    offsets = np.cumsum([0.0, *[(a + b) / 2 for a, b in pairwise(widths)]])[:len(wanted)]
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted - offsets, np.ones(len(wanted)) if weights is None else weights):
        mean, total, size = float(value), float(weight), 1
        while blocks and blocks[-1][0] > mean:  # without offsets it is a monotone fit: neighbours that would change places share their mean
            before, heavy, n = blocks.pop()
            mean, total, size = (before * heavy + mean * total) / (heavy + total), heavy + total, n + size
        blocks.append((mean, total, size))
    return np.repeat([mean for mean, _, _ in blocks], [size for _, _, size in blocks]) + offsets
