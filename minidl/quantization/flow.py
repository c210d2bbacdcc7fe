"""Which layer feeds which, found by running the model once and reading the autograd graph."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any

from ..core.modes import enable_grad
from ..core.tensor import Tensor, edge
from ..nn import Module

__all__ = ["Flow", "replace"]


def tensors(value: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for item in value for t in tensors(item)] if isinstance(value, (tuple, list)) else []


def replace(model: Module, old: Module, new: Module) -> Module:
    """The model with `new` wherever `old` stood; `new` itself if that was the model."""
    if model is old:
        return new
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            model.set_submodule(name, new)
    return model


class Flow:
    """One run of (a copy of) `model` in eval mode on `inputs`. A vertex is where a tensor's gradient would go: a node, or a leaf.

    - `calls`: for each module's name, the vertices of its first argument and of its result, call by call, in the order of execution.
    - `consumers`: for each vertex (by its `id`), the nodes that use it; the model's own result counts as one more use (None).

    Whatever the graph does not show, such as a use after ``detach()``, is not seen here.
    """

    def __init__(self, model: Module, inputs: tuple[Any, ...]) -> None:
        model = copy.deepcopy(model).eval()
        for parameter in model.parameters():
            if parameter.dtype.is_floating_point:
                parameter.requires_grad_(True)
        inputs = tuple(x.detach().requires_grad_(x.dtype.is_floating_point) if isinstance(x, Tensor) else x for x in inputs)
        self.calls: dict[str, list[tuple[Any, Any]]] = {}
        self.consumers: dict[int, list[Any]] = defaultdict(list)
        starts: dict[str, list[Any]] = defaultdict(list)
        for name, module in model.named_modules():
            module.register_forward_pre_hook(lambda module, args, name=name: starts[name].append(
                edge(args[0]) if args and isinstance(args[0], Tensor) else None))
            module.register_forward_hook(lambda module, args, output, name=name: self.calls.setdefault(name, []).append(
                (starts[name].pop(), edge(output) if isinstance(output, Tensor) else None)))
        with enable_grad():
            results = [edge(t) for t in tensors(model(*inputs))]
        seen: set[int] = set()
        for vertex in results:
            self.consumers[id(vertex)].append(None)
        while results:
            node = results.pop()
            if id(node) in seen or node is None or isinstance(node, Tensor):
                continue
            seen.add(id(node))
            for source in node.edges:
                if source is not None:
                    self.consumers[id(source)].append(node)
                    results.append(source)

    def sole_consumer(self, vertex: Any) -> Any:
        """The only node that uses a vertex; None if there are none or several, or the result of the model is among them."""
        uses = self.consumers[id(vertex)]
        return uses[0] if vertex is not None and len(uses) == 1 else None
