"""The graph of recorded operations: nodes, and what a node is asked during backward."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from . import tensor
from .tensor import Hooks, RemovableHandle, Tensor, dtype_of, type_name, wrap

# Later nodes have smaller numbers, so that a sort puts the latest first. A node is later than all its inputs.
next_order = itertools.count(0, -1).__next__


class Node:
    """One recorded operation.

    - `edges`: for each argument that can have a gradient, the Node or the leaf Tensor it goes to, or None.
    - `saved`: what the rules need, as the op's generated code packed it; None once freed.
    - `shape`, `dtype`: of the output; a gradient that arrives is brought to them.
    - `arrays(node, g, edges)`, `tensors(node, g, edges)`: the gradients for the edges, on ndarrays or, when a
      graph of the backward pass itself is wanted, on Tensors.
    """

    edges: tuple[Any, ...] = ()
    saved: Any = ()
    order: int
    shape: tuple[int, ...]
    dtype: np.dtype
    plain = True  # one output and no hooks: the engine's short way
    keeps = False  # whether `saved` holds tensors, which one backward frees
    unpack: Any = None  # set by saved-tensor hooks
    outputs = 1
    materialize = True  # whether a missing gradient of one of several outputs comes as zeros
    forms: list[Any]  # of several outputs: shape and dtype each, None for one without a gradient
    retainer: Any = None
    forward_stack: str | None = None  # where the forward was called, under anomaly detection
    _hooks: Hooks | None = None  # of the output tensor
    _pre_hooks: Hooks | None = None
    _post_hooks: Hooks | None = None
    _metadata: dict[Any, Any] | None = None

    arrays: Any
    tensors: Any

    def name(self) -> str:
        """The name that PyTorch gives this operation's gradient, such as ``MulBackward0``."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    def public(self) -> Node:
        return self

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that this one's gradients go to, each with the number of the output concerned."""
        return tuple((None, 0) if e is None or isinstance(e, DeadEnd) else (AccumulateGrad(e), 0) if isinstance(e, Tensor)
                     else (e.public(), e.index if isinstance(e, Slot) else 0) for e in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's notes."""
        if self._metadata is None:
            self._metadata = {}
        return self._metadata

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(grad_inputs, grad_outputs)`` after this node; a returned tuple replaces `grad_inputs`."""
        if self._post_hooks is None:
            self._post_hooks = Hooks()
            self.plain = False
        return self._post_hooks.add(hook)

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(grad_outputs)`` before this node; a returned tuple replaces `grad_outputs`."""
        if self._pre_hooks is None:
            self._pre_hooks = Hooks()
            self.plain = False
        return self._pre_hooks.add(hook)

    def __call__(self, *gradients: Any) -> Any:
        gradients = tuple(map(conjugate, gradients))
        result = tuple(map(conjugate, self.tensors(self, gradients[0] if self.outputs == 1 else gradients, self.edges)))
        return result[0] if len(result) == 1 else result


class Slot(Node):
    """One output of a node with several: it collects that output's gradient and hands it to the node."""

    plain = False

    def __init__(self, parent: Node, index: int, array: np.ndarray) -> None:
        self.parent, self.index = parent, index
        self.edges = (parent,)
        self.shape, self.dtype = array.shape, array.dtype

    def public(self) -> Node:
        return self.parent


class DeadEnd(Node):
    """Where the gradient of a view goes that was taken while its base required none, or under no_grad: nowhere.

    PyTorch says that such a view requires a gradient, since its base does, and records what is computed from it.
    """

    def __init__(self, view: Tensor) -> None:
        self.order, self.shape, self.dtype = next_order(), view._data.shape, view._data.dtype

    @staticmethod
    def arrays(node: Node, g: Any, edges: Any) -> tuple[()]:
        return ()

    tensors = arrays


tensor.dead_end = DeadEnd


class AccumulateGrad:
    """The end of the graph at a leaf, as `next_functions` shows it: `variable` is the leaf."""

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.next_functions = ()

    def name(self) -> str:
        return "AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return hash(("AccumulateGrad", id(self.variable)))


def conjugate(g: Any) -> Any:
    """A complex gradient as the rules see it, from what the user sees, and back; any other (and None) as it is. See `minidl.core.engine`."""
    return g.conj() if g is not None and dtype_of(g).kind == "c" else g


def attach_slots(node: Node, tensors: list[Tensor]) -> None:
    """Makes `tensors` the outputs of a node with several; integer outputs carry no gradient."""
    node.outputs, node.plain = len(tensors), False
    node.forms = [(t._data.shape, t._data.dtype) if t._data.dtype.kind in "fc" else None for t in tensors]
    for index in reversed(range(len(tensors))):  # so that output 0 has the latest order and is collected first
        t = tensors[index]
        if node.forms[index] is not None:
            slot = Slot(node, index, t._data)
            slot.order = next_order()
            t._node, t._rg = slot, True


def saved_output(node: Node, array: np.ndarray, index: int = 0) -> Tensor:
    """The output that a rule asks for, with its history, while the graph of a backward pass is recorded."""
    t = wrap(array)
    if node.outputs == 1:
        t._node, t._rg = node, True
    elif array.dtype.kind in "fc":
        slot = Slot(node, index, array)
        slot.order = next_order()
        t._node, t._rg = slot, True
    return t


def raise_freed(node: Node) -> None:
    raise RuntimeError("Trying to backward through the graph a second time (or directly access saved tensors after they "
                       "have already been freed). Saved intermediate values of the graph are freed when you call "
                       ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
                       f"graph a second time or if you need to access saved tensors after calling backward. ({node.name()})")


def raise_modified(node: Node, what: Any, version: int, expected: int) -> None:
    """The saved value of `node` was edited in place: names the value, the op that needs it, and both versions."""
    t = what if isinstance(what, Tensor) else wrap(what)
    origin = "" if t.grad_fn is None else f", which is output 0 of {t.grad_fn.name()},"
    if not isinstance(what, Tensor):
        origin = f", which is output 0 of {node.name()},"
    raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                       f"[{type_name(t)} {list(t.shape)}]{origin} is at version {version}; expected version {expected} "
                       f"instead. It was saved for {node.name()}. Hint: enable anomaly detection to find the operation that failed to compute its "
                       "gradient, with torch.autograd.set_detect_anomaly(True).")
