"""``torch.utils._pytree``: nested dicts, lists and tuples taken apart and put together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..core.tree import NODES, like
from ..core.tree import leaves as tree_leaves

__all__ = ["SUPPORTED_NODES", "LeafSpec", "PyTree", "TreeSpec", "register_pytree_node", "tree_flatten", "tree_leaves", "tree_map", "tree_map_only",
           "tree_structure", "tree_unflatten"]

PyTree = Context = Any


class MappingKey(NamedTuple):
    """The place of a value in a mapping."""

    key: Any


class SequenceKey(NamedTuple):
    """The place of a value in a list or tuple."""

    idx: int


class NodeDef(NamedTuple):
    """How a container is taken apart, into what it holds and a context, and made again from both."""

    type: type
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]


def _dict_flatten(d: Any) -> tuple[list[Any], list[Any]]:
    return list(d.values()), list(d)


def _dict_flatten_with_keys(d: Any) -> tuple[list[Any], list[Any]]:
    return [(MappingKey(key), value) for key, value in d.items()], list(d)


def _dict_unflatten(values: Iterable[Any], context: Any) -> dict[Any, Any]:
    return dict(zip(context, values))


class _NamedTuples:
    """What all named tuples are, in the table of containers."""


SUPPORTED_NODES: dict[type, NodeDef] = {
    list: NodeDef(list, lambda v: (v, None), lambda values, _: list(values)),
    tuple: NodeDef(tuple, lambda v: (list(v), None), lambda values, _: tuple(values)),
    dict: NodeDef(dict, _dict_flatten, _dict_unflatten),
    OrderedDict: NodeDef(OrderedDict, _dict_flatten, lambda values, keys: OrderedDict(zip(keys, values))),
    _NamedTuples: NodeDef(_NamedTuples, lambda v: (list(v), type(v)), lambda values, kind: kind(*values))}


def register_pytree_node(cls: type, flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]], unflatten_fn: Callable[[Iterable[Any], Any], Any],
                         **names: Any) -> None:
    """Objects of a class are nestings too: ``flatten_fn`` gives what they hold and a context, of which ``unflatten_fn`` makes one."""
    NODES[cls] = flatten_fn, unflatten_fn
    SUPPORTED_NODES[cls] = NodeDef(cls, lambda v: (list(flatten_fn(v)[0]), flatten_fn(v)[1]), unflatten_fn)


def _get_node_type(tree: Any) -> Any:
    return _NamedTuples if isinstance(tree, tuple) and hasattr(tree, "_fields") and type(tree) not in SUPPORTED_NODES else type(tree)


class TreeSpec:
    """A nesting without its values: a type of container, its context, and the nestings in it."""

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves: int = sum(child.num_leaves for child in children_specs)

    def is_leaf(self) -> bool:
        """Whether it is a value's place."""
        return False

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The nesting with values; ValueError unless there are as many as places."""
        values = list(leaves)
        if len(values) != self.num_leaves:
            raise ValueError(f"treespec.unflatten(leaves): `leaves` has length {len(values)} but the spec refers to a pytree that holds "
                             f"{self.num_leaves} items ({self}).")
        return self._filled(iter(values))

    def _filled(self, values: Iterator[Any]) -> Any:
        return SUPPORTED_NODES[self.type].unflatten_fn([child._filled(values) for child in self.children_specs], self.context)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves))

    def __repr__(self) -> str:
        return f"TreeSpec({self.type.__name__}, {self.context}, [{', '.join(map(repr, self.children_specs))}])"


class LeafSpec(TreeSpec):
    """A value's place."""

    def __init__(self) -> None:
        super().__init__(None, None, [])
        self.num_leaves = 1

    def is_leaf(self) -> bool:
        """True."""
        return True

    def _filled(self, values: Iterator[Any]) -> Any:
        return next(values)

    def __repr__(self) -> str:
        return "*"


def tree_structure(tree: Any) -> TreeSpec:
    """The nesting without its values."""
    kind = _get_node_type(tree)
    if kind not in SUPPORTED_NODES:
        return LeafSpec()
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [tree_structure(child) for child in children])


def tree_flatten(tree: Any) -> tuple[list[Any], TreeSpec]:
    """The values in order, and the nesting without them.

    >>> values, nesting = tree_flatten({"a": [1, 2], "b": (3,)})
    >>> values, tree_unflatten([4, 5, 6], nesting)
    ([1, 2, 3], {'a': [4, 5], 'b': (6,)})
    """
    return tree_leaves(tree), tree_structure(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The nesting with values."""
    return treespec.unflatten(leaves)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any) -> Any:
    """`func` of each value, and of those at the same place in trees of the same form."""
    return like(tree, map(func, tree_leaves(tree), *map(tree_leaves, rests)))


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any) -> Any:
    """`func` of each value of a type; all else as it is."""
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)
