"""The autograd graph: as text for Graphviz, and drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.graph import AccumulateGrad
from ..core.tensor import Tensor
from .canvas import figure_of
from .layered import place

__all__ = ["graph_dot", "plot_graph"]

READABLE = 150
STYLES = {"leaf": ("#CCE4F2", "ellipse"), "operation": ("#F2F2F2", "box"), "output": ("#F9DCC4", "box")}  # fill, and Graphviz's shape


@dataclass
class Item:
    """A node of the picture; `inputs` are the numbers of the items that it was computed from."""

    kind: str
    label: str
    shape: tuple[int, ...]
    inputs: list[int]


def items_of(what: str, y: Any, params: Mapping[str, Any] | None) -> list[Item]:
    """The graph behind y, inputs before what is computed from them; y's own operation is the last but one, y the last."""
    if not isinstance(y, Tensor):
        raise TypeError(f"{what}: expected a Tensor, got {type(y).__name__}")
    if y.grad_fn is None:
        raise ValueError(f"{what}: the tensor has no history: it is a leaf, or was computed under no_grad or from tensors "
                         "that require no gradient")
    names = {id(t): name for name, t in (params or {}).items()}
    items: list[Item] = []
    number: dict[Any, int] = {}
    stack: list[tuple[Any, bool]] = [(y.grad_fn, False)]
    while stack:  # not recursive, since graphs are deep
        node, is_ready = stack.pop()
        if node in number:
            continue
        inputs = [n for n, _ in node.next_functions if n is not None]
        if not is_ready:
            stack += [(node, True), *[(n, False) for n in reversed(inputs)]]
            continue
        number[node] = len(items)
        if isinstance(node, AccumulateGrad):
            leaf = node.variable
            items.append(Item("leaf", names.get(id(leaf), "leaf"), tuple(leaf.shape), []))
        else:
            shape = tuple(getattr(node, "shape", ()))
            items.append(Item("operation", re.sub(r"Backward\d*$", "", node.name()), shape, [number[n] for n in inputs]))
    items.append(Item("output", names.get(id(y), "output"), tuple(y.shape), [len(items) - 1]))
    return items


def graph_dot(y: Any, params: Mapping[str, Any] | None = None) -> str:
    """The graph of the operations that made y, in Graphviz's language: leaves (named by `params`), operations with the shape of
    their result, y itself; edges run as the data do. TypeError for what is no Tensor, ValueError for one without history.

    >>> import minidl as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> print(graph_dot((x * x).sum(), {"x": x}))
    digraph {
      node [style=filled, fontname="sans-serif", fontsize=10];
      n0 [label="x\\n(2,)", shape=ellipse, fillcolor="#CCE4F2"];
      n1 [label="Mul\\n(2,)", shape=box, fillcolor="#F2F2F2"];
      n0 -> n1;
      n0 -> n1;
      n2 [label="Sum\\n()", shape=box, fillcolor="#F2F2F2"];
      n1 -> n2;
      n3 [label="output\\n()", shape=box, fillcolor="#F9DCC4"];
      n2 -> n3;
    }
    """
    lines = ["digraph {", '  node [style=filled, fontname="sans-serif", fontsize=10];']
    for n, item in enumerate(items_of("graph_dot", y, params)):
        fill, shape = STYLES[item.kind]
        label = item.label.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  n{n} [label="{label}\\n{item.shape}", shape={shape}, fillcolor="{fill}"];')
        lines += [f"  n{source} -> n{n};" for source in item.inputs]
    return "\n".join([*lines, "}"])


def plot_graph(y: Any, params: Mapping[str, Any] | None = None, ax: Any = None) -> Any:
    """The graph of `graph_dot`, drawn in layers: data run downwards, and each node stands just above the first that reads it.

    ValueError for more than 150 nodes, which nobody could read.

    >>> import minidl as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> plot_graph((x * x).sum(), {"x": x}).axes[0].get_title()
    'Autograd graph: 2 operations, 1 leaf'
    """
    from matplotlib.patches import Ellipse, FancyBboxPatch
    items = items_of("plot_graph", y, params)
    if len(items) > READABLE:
        raise ValueError(f"plot_graph: a graph of {len(items)} nodes cannot be read (the most is {READABLE}); draw that of one block, or give "
                         "the text of graph_dot to Graphviz")
    labels = [(item.label, str(item.shape)) for item in items]
    wide = max(1.0, 0.085 * max(len(line) for label in labels for line in label) + 0.2)
    places, routes = place([item.inputs for item in items], wide + 0.2)
    tall, step = 0.42, 0.75
    left, right = (f(x for x, _ in places) + side * (wide / 2 + 0.1) for f, side in ((min, -1), (max, 1)))
    depth = max(y for _, y in places)
    figure, ax = figure_of(ax, max(right - left, 4.5), (depth + 1) * step + 0.5)
    for route in routes:
        points = [(x, y * step) for x, y in route]
        (x0, y0), (x1, y1) = points[0], points[-1]
        points[0], points[-1] = (x0, y0 - tall / 2), (x1, y1 + tall / 2)
        ax.plot(*zip(*points[:-1]), color="0.45", linewidth=1, zorder=1) if len(points) > 2 else None
        ax.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "-|>", "color": "0.45", "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
                    zorder=1)
    for item, (name, shape), (x, layer) in zip(items, labels, places):
        fill = STYLES[item.kind][0]
        look: dict[str, Any] = {"facecolor": fill, "edgecolor": "0.3", "zorder": 2}
        ax.add_patch(Ellipse((x, layer * step), wide, tall * 1.15, **look) if item.kind == "leaf" else
                     FancyBboxPatch((x - wide / 2 + 0.05, layer * step - tall / 2 + 0.05), wide - 0.1, tall - 0.1, boxstyle="round,pad=0.05", **look))
        ax.text(x, layer * step, f"{name}\n{shape}", ha="center", va="center", fontsize=8, linespacing=1.1, zorder=3)
    ax.set_xlim(left, right)
    ax.set_ylim(-step / 2, depth * step + step / 2)
    ax.set_aspect("equal")
    ax.axis("off")
    operations, leaves = (sum(item.kind == kind for item in items) for kind in ("operation", "leaf"))
    ax.set_title(f"Autograd graph: {operations} operation{'s' * (operations != 1)}, {leaves} lea{'f' if leaves == 1 else 'ves'}")
    return figure
