"""Values in nested dicts, lists and tuples."""

from __future__ import annotations

from typing import Any

__all__ = ["NODES", "leaves", "like"]

NODES: dict[type, tuple[Any, Any]] = {}  # classes that programs registered, with what takes them apart and puts them together


def leaves(tree: Any) -> list[Any]:
    """The values in nested dicts, lists and tuples, in order."""
    if type(tree) in NODES:
        return leaves(list(NODES[type(tree)][0](tree)[0]))
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    return [leaf for value in tree for leaf in leaves(value)] if isinstance(tree, (list, tuple)) else [tree]


def like(tree: Any, values: Any) -> Any:
    """The nesting of `tree` over other values, taken one by one from an iterator."""
    if type(tree) in NODES:
        flatten, unflatten = NODES[type(tree)]
        children, context = flatten(tree)
        return unflatten([like(child, values) for child in children], context)
    if isinstance(tree, dict):
        return type(tree)((key, like(value, values)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[like(value, values) for value in tree])
    return type(tree)([like(value, values) for value in tree]) if isinstance(tree, (list, tuple)) else next(values)
