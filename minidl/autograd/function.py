"""Operations with a forward and a backward of the user's own. https://docs.pytorch.org/docs/stable/notes/extending.html"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from ..core.broadcast import zeros_for
from ..core.engine import as_tensor
from ..core.graph import Node, Slot, attach_slots, conjugate, next_order, raise_freed, raise_modified
from ..core.inplace import check_editable, rebase
from ..core.modes import modes
from ..core.tensor import Tensor, edge, new, wrap

__all__ = ["Function", "once_differentiable"]


class FunctionCtx:
    """What the forward and backward of a custom function know as ``ctx``: it takes any attributes of the user's own."""

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self, node: FunctionNode) -> None:
        self.__node: Callable[[], Any] = weakref.ref(node)  # which owns this

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for the backward; editing one in place before that is an error there."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}")
        self.__node().to_save = tensors

    save_for_forward = save_for_backward

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declares inputs that the forward edited in place and returns."""
        self.__node().dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declares outputs that carry no gradient."""
        self.__node().non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing gradient of an output comes as zeros (the default) or as None."""
        self.__node().materialize = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept, with its history."""
        return self.__node().kept()

    saved_variables = saved_tensors


class FunctionNode(Node):
    """The node of a custom function. Attributes that it lacks are its ``ctx``'s, as in PyTorch, where both are one."""

    function: type[Function]
    keeps = True
    plain = False
    materialize = True
    returned: list[Any]  # for each output of the forward the number of its gradient; of a tensor without one the form; else None

    def __init__(self) -> None:
        self.ctx = FunctionCtx(self)
        self.to_save: tuple[Any, ...] = ()
        self.dirty: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name == "ctx":
            raise AttributeError(name)
        return getattr(self.ctx, name)

    def kept(self) -> tuple[Tensor | None, ...]:
        if self.saved is None:
            raise_freed(self)
        saved = self.saved if self.unpack is None else self.unpack(self.saved)
        return tuple(self._restore(value, version) for value, version in zip(saved[::2], saved[1::2]))

    def _restore(self, value: Any, version: Any) -> Tensor | None:
        if isinstance(value, tuple):  # an output: its array and counter
            array, counter = value
            version, index = version
            if counter[0] != version:
                raise_modified(self, array, counter[0], version)
            t = wrap(array)
            if index is not None:
                t._node, t._rg = Slot(self, index, array), True
                t._node.order = next_order()
            return t
        if value is not None and value._counter[0] != version:
            raise_modified(self, value, value._counter[0], version)
        return value

    def _keep(self, outputs: list[Tensor], positions: dict[int, int]) -> None:
        """Moves what was to be saved into `saved`; an output as its array, so that no cycle of references arises."""
        saved: list[Any] = []
        for t in self.to_save:
            i = next((i for i, o in enumerate(outputs) if o is t), None)
            if i is None:
                saved += [t, 0 if t is None else t._counter[0]]
            else:
                saved += [(t._data, t._counter), (t._counter[0], positions.get(i))]
        self.saved, self.to_save, self.dirty, self.non_differentiable = tuple(saved), (), (), ()


def _run_backward(node: FunctionNode, g: Any, edges: Any) -> tuple[Any, ...]:
    gs = g if isinstance(g, (list, tuple)) else (g,)
    given = [gs[r] if isinstance(r, int) else zeros_for(r[0], r[1], False) if r is not None and node.materialize else None for r in node.returned]
    results = node.function.backward(node.ctx, *[as_tensor(conjugate(g)) for g in given])
    results = results if isinstance(results, tuple) else (results,)
    if len(results) > len(node.edges) and all(r is None for r in results[len(node.edges):]):
        results = results[:len(node.edges)]
    if len(results) != len(node.edges):
        raise RuntimeError(f"function {node.name()} returned an incorrect number of gradients (expected {len(node.edges)}, "
                           f"got {len(results)})")
    for r in results:
        if r is not None and not isinstance(r, Tensor):
            raise TypeError(f"expected Variable or None (got {type(r).__name__})")
    return tuple(map(conjugate, results))


def _on_arrays(node: FunctionNode, g: Any, edges: Any) -> tuple[Any, ...]:
    return tuple(None if r is None else r._data for r in _run_backward(node, g, edges))


FunctionNode.arrays, FunctionNode.tensors = staticmethod(_on_arrays), staticmethod(_run_backward)


class Function:
    """A custom operation: static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``; call it by `apply`.

    Alternatively ``forward(*args)`` with ``setup_context(ctx, inputs, output)``.

    >>> import minidl as torch
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         x, = ctx.saved_tensors
    ...         return 3 * x ** 2 * g
    >>> x = torch.tensor(2., requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    _node: type[FunctionNode]

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the outputs; nothing in here is recorded."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Saves what the backward needs, where `forward` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the inputs, one for each argument of `forward` (None where there is none)."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function "
                                  "to use it with backward mode AD.")

    vjp = backward

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._node = type(cls.__name__ + "Backward", (FunctionNode,), {"function": cls, "__module__": cls.__module__})
        if "vjp" in vars(cls) and "backward" not in vars(cls):
            cls.backward = cls.vjp  # type: ignore[method-assign]

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs `forward` and, where an input requires a gradient, records the function as one node."""
        node = cls._node()
        ctx = node.ctx
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recorded = modes.recording > 0 and any(ctx.needs_input_grad)
        node.edges = tuple(edge(a) if needed else None for a, needed in zip(args, ctx.needs_input_grad))
        before = {id(a): (a._node, a._rg) for a in args if isinstance(a, Tensor)}
        recording = modes.recording
        modes.set(False)
        try:
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
        finally:
            modes.recording = recording
        single = not isinstance(output, (tuple, list))
        outputs = [output] if single else list(output)
        for a in args:
            if isinstance(a, Tensor) and id(a) in before:
                a._node, a._rg = before[id(a)]
        if recorded:
            _record(node, args, outputs)
        return outputs[0] if single else tuple(outputs)


def _record(node: FunctionNode, args: tuple[Any, ...], outputs: list[Any]) -> None:
    """Makes `node` the history of the differentiable outputs, in place where the forward edited an input."""
    dirty = {id(t) for t in node.dirty}
    given = {id(a) for a in args if isinstance(a, Tensor)}
    node.order = next_order()
    carriers: list[Any] = []
    positions: dict[int, int] = {}
    for i, t in enumerate(outputs):
        if not isinstance(t, Tensor) or t._data.dtype.kind not in "fc" or any(t is n for n in node.non_differentiable):
            continue
        positions[i] = len(carriers)
        if id(t) in dirty:
            check_editable(t)
        elif id(t) in given or t._node is not None:  # an input handed through, or a view: a new tensor over its memory
            alias = new(Tensor)
            alias._data, alias._counter = t._data, t._counter
            for j, s in enumerate(node.to_save):
                if s is t and id(t) not in given:
                    node.to_save = (*node.to_save[:j], alias, *node.to_save[j + 1:])
            outputs[i] = alias
        carriers.append(alias if id(t) not in dirty and (id(t) in given or t._node is not None) else t)
    node._keep([o for o in outputs], positions)
    node.returned = [positions[i] if i in positions else (t._data.shape, t._data.dtype) if isinstance(t, Tensor) else None
                     for i, t in enumerate(outputs)]
    fresh = [wrap(t._data) for t in carriers]
    attach_slots(node, fresh)
    for t, with_history in zip(carriers, fresh):
        t._base = t._base if id(t) in dirty else None
        if id(t) in dirty:
            rebase(t, with_history)
        else:
            t._node, t._rg = with_history._node, True
    if modes.recording > 1:
        for observe in modes.observers:
            observe(node)


class Twice(Node):
    """Stands behind the gradients of a once-differentiable function."""

    keeps = False

    @staticmethod
    def tensors(node: Node, g: Any, edges: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")

    arrays = tensors


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Declares that a `backward` itself cannot be differentiated: doing so is then a RuntimeError."""
    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        recording = modes.recording
        modes.set(False)
        try:
            results = backward(ctx, *gradients)
        finally:
            modes.recording = recording
        if recording <= 0 or not any(isinstance(g, Tensor) and g.requires_grad for g in gradients):
            return results
        single = not isinstance(results, tuple)
        guarded = []
        for r in (results,) if single else results:
            if isinstance(r, Tensor):
                r, node = wrap(r._data), Twice()
                node.order, node.edges = next_order(), tuple(edge(g) for g in gradients if isinstance(g, Tensor))
                node.shape, node.dtype = r._data.shape, r._data.dtype
                r._node, r._rg = node, True
            guarded.append(r)
        return guarded[0] if single else tuple(guarded)

    return wrapper
