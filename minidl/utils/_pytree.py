"""``torch.utils._pytree``: nested dicts, lists and tuples taken apart and put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

from ..core.tree import NODES, like
from ..core.tree import leaves as tree_leaves

__all__ = ["register_pytree_node", "tree_flatten", "tree_leaves", "tree_map", "tree_map_only", "tree_unflatten"]


def register_pytree_node(cls: type, flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]], unflatten_fn: Callable[[Iterable[Any], Any], Any],
                         **names: Any) -> None:
    """Objects of a class are nestings too: ``flatten_fn`` gives what they hold and a context, of which ``unflatten_fn`` makes one."""
    NODES[cls] = flatten_fn, unflatten_fn


def tree_flatten(tree: Any) -> tuple[list[Any], Any]:
    """The values in order, and the nesting without them.

    >>> values, nesting = tree_flatten({"a": [1, 2], "b": (3,)})
    >>> values, tree_unflatten([4, 5, 6], nesting)
    ([1, 2, 3], {'a': [4, 5], 'b': (6,)})
    """
    return tree_leaves(tree), like(tree, repeat(None))


def tree_unflatten(leaves: Iterable[Any], treespec: Any) -> Any:
    """The nesting with values."""
    return like(treespec, iter(leaves))


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any) -> Any:
    """`func` of each value, and of those at the same place in trees of the same form."""
    return like(tree, map(func, tree_leaves(tree), *map(tree_leaves, rests)))


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any) -> Any:
    """`func` of each value of a type; all else as it is."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)
