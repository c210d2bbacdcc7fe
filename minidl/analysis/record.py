"""One forward with its graph, and for each node of the graph the call that made it."""

from __future__ import annotations

import threading
from typing import Any

from ..core.graph import Node, Slot
from ..core.primitive import PUBLIC_NAMES, Spec
from ..core.tensor import Tensor, edge
from ..core.watch import Call, Watcher, watching
from ..nn import Module
from .modules import ModuleCalls
from .run import run

__all__ = ["Recorded", "node_of", "record"]


class Recorded(ModuleCalls, Watcher):
    """`calls`: for each node, its call with all arguments in order; `names`: the module that it ran in."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[Node, Call] = {}
        self.names: dict[Node, str] = {}
        self.layers: dict[str, Any] = {}  # the results of modules, by name
        self.thread = threading.get_ident()

    def left(self, module: Module, name: str, args: Any, kwargs: Any, output: Any) -> None:
        self.layers[name] = output

    def enter(self, call: Call) -> None: ...

    def leave(self, call: Call) -> None:
        node = node_of(call)
        if node is not None and threading.get_ident() == self.thread:
            call.args, call.kwargs = in_order(call.spec, call.args, call.kwargs), {}  # type: ignore[arg-type]
            self.calls[node] = call
            self.names[node] = self.stack[-1][1] if self.stack else ""

    def operation(self, node: Node) -> str:
        """The name of the primitive; of the node itself if it comes from none."""
        return self.calls[node].name if node in self.calls else node.name()

    def operands(self, node: Node) -> list[tuple[Any, Any]]:
        """The graph target (node or leaf) and the value of each differentiable argument."""
        call = self.calls[node]
        spec: Spec = call.spec  # type: ignore[assignment]
        values: list[Any] = []
        for name in spec.rules:
            value = call.args[spec.args.index(name)]
            values += value if spec.is_sequence(name) else [value]
        return list(zip(node.edges, values))


def node_of(call: Call) -> Node | None:
    """The node that a call of a primitive made, if it made one."""
    t = call.result[0] if isinstance(call.result, tuple) and call.result else call.result
    if call.spec is None or call.kind != "op" or not isinstance(t, Tensor):
        return None
    node = t._node.public() if t._node is not None else None
    return node if isinstance(node, call.spec.node) else None


def in_order(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    defaults = spec.forward.__defaults__ or ()
    filled = dict(zip(spec.args[len(spec.args) - len(defaults):], defaults))
    return (*args, *[kwargs.get(PUBLIC_NAMES.get(a, a), filled.get(a)) for a in spec.args[len(args):]])


def record(what: str, model: Any, x: Tensor, layer: str | None) -> tuple[Recorded, Tensor, list[Node]]:
    """The record of ``model(x)``; its result, or that of the submodule `layer`; and the nodes between, oldest first.

    ValueError if there is no such layer, or no tensor, or nothing in it depends on x.
    """
    recorded = Recorded()
    with watching(recorded):
        y = run(what, model, ((x,), {}), recorded, graph=True)
    if layer is not None:
        if layer not in recorded.layers:
            raise ValueError(f"{what}: no layer {layer!r} ran; there were {', '.join(map(repr, recorded.layers))}")
        y = recorded.layers[layer]
    while isinstance(y, (tuple, list, dict)) and y:
        y = next(iter(y.values() if isinstance(y, dict) else y))
    if not isinstance(y, Tensor) or not y.requires_grad:
        raise ValueError(f"{what}: the result does not depend on the input: {type(y).__name__}")
    return recorded, y, nodes_of(y)


def nodes_of(y: Tensor) -> list[Node]:
    found: set[Any] = set()
    stack = [edge(y)]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in found:
            found.add(node)
            stack += [e for e in node.edges if e is not None]
    nodes: list[Node] = sorted(found, key=lambda n: -n.order)
    return [n for n in nodes if not isinstance(n, Slot)]
