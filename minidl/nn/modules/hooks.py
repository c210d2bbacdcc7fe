"""Hooks of modules: what runs before and after a module's forward, and when its gradients have been computed.

The order in which they fire is PyTorch's: global hooks before the module's own, each kind by registration. A full
backward hook sees the module and not its last operation, so the module's inputs and its outputs each pass through an
identity node of the graph; the gradients of the outputs are seen at the one, those of the inputs at the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.graph import Node, Slot, next_order
from ...core.modes import modes
from ...core.tensor import Hooks, RemovableHandle, Tensor, edge, new, wrap

__all__ = ["ModuleHooks"]

Hook = Callable[..., Any]


def hook_fields() -> dict[str, Any]:
    """The fields of a module without hooks."""
    return {"_backward_pre_hooks": Hooks(), "_backward_hooks": Hooks(), "_is_full_backward_hook": None,
            "_forward_hooks": Hooks(), "_forward_hooks_with_kwargs": {}, "_forward_hooks_always_called": {},
            "_forward_pre_hooks": Hooks(), "_forward_pre_hooks_with_kwargs": {}}


class ModuleHooks:
    """The registration of hooks. Every hook is called with the module first, and every registration returns a handle
    that removes it again.

    - `_forward_pre_hooks`, `_forward_hooks`, `_backward_pre_hooks`, `_backward_hooks`: the hooks by handle id.
    - `..._with_kwargs`, `..._always_called`: whether the option of that name was chosen, by handle id.
    - `_is_full_backward_hook`: whether `_backward_hooks` are full ones or of the deprecated kind; None if there are
      none.
    """

    _hook_place = "on a single Module"
    _forward_pre_hooks: Hooks
    _forward_hooks: Hooks
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _is_full_backward_hook: bool | None

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False,
                                  with_kwargs: bool = False) -> RemovableHandle:
        """Calls ``hook(module, args)`` before forward; a result that is not None replaces `args`.

        With `with_kwargs`, ``hook(module, args, kwargs)`` may return a tuple of both.
        """
        handle = Hooks.add(self._forward_pre_hooks, hook, prepend)
        self._forward_pre_hooks_with_kwargs[handle.id] = with_kwargs
        return handle

    def register_forward_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False,
                              always_call: bool = False) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after forward; a result that is not None replaces `output`.

        With `with_kwargs` it is ``hook(module, args, kwargs, output)``. With `always_call` the hook also runs when
        forward, or another hook, raised an exception.
        """
        handle = Hooks.add(self._forward_hooks, hook, prepend)
        self._forward_hooks_with_kwargs[handle.id] = with_kwargs
        self._forward_hooks_always_called[handle.id] = always_call
        return handle

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` before the gradients of the module's inputs are computed; a tuple that it
        returns replaces `grad_output`."""
        return Hooks.add(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs have been computed;
        a tuple that it returns replaces `grad_input`. Both tuples hold None for what is not a tensor.

        Where no input needs a gradient, the hook fires when the gradients of the outputs are there.
        """
        require_kind(self, full=True)
        return Hooks.add(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Deprecated: as `register_full_backward_hook`, but at the node of the module's last operation, whose inputs
        need not be the module's."""
        require_kind(self, full=False)
        return Hooks.add(self._backward_hooks, hook)


class _GlobalHooks(ModuleHooks):
    _hook_place = "as a global Module hook"

    def __init__(self) -> None:
        vars(self).update(hook_fields())


GLOBAL = _GlobalHooks()


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """As `Module.register_forward_pre_hook`, for all modules."""
    return GLOBAL.register_forward_pre_hook(hook)


def register_module_forward_hook(hook: Hook, *, with_kwargs: bool = False,
                                 always_call: bool = False) -> RemovableHandle:
    """As `Module.register_forward_hook`, for all modules."""
    return GLOBAL.register_forward_hook(hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """As `Module.register_full_backward_pre_hook`, for all modules."""
    return GLOBAL.register_full_backward_pre_hook(hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """As `Module.register_full_backward_hook`, for all modules."""
    return GLOBAL.register_full_backward_hook(hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Deprecated: as `Module.register_backward_hook`, for all modules."""
    return GLOBAL.register_backward_hook(hook)


# ---- a call of a module that has hooks


class HookedCall:
    """One call: its arguments and result, as the hooks so far have left them."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def __call__(self) -> Any:
        try:
            return self.run()
        except Exception:
            self.run_always_called()
            raise

    def run(self) -> Any:
        module, owners = self.module, (GLOBAL, self.module)
        before = [hook for owner in owners for hook in owner._backward_pre_hooks.values()]
        full = [hook for owner in owners
                if owner._is_full_backward_hook is True for hook in owner._backward_hooks.values()]
        old = [hook for owner in owners
               if owner._is_full_backward_hook is False for hook in owner._backward_hooks.values()]
        for owner in owners:
            for key, hook in list(owner._forward_pre_hooks.items()):
                self.run_forward_pre_hook(hook, owner._forward_pre_hooks_with_kwargs.get(key))
        backward = BackwardHooks(module, before, full) if before or full else None
        if backward is not None:
            self.args = backward.watch_inputs(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for owner in owners:
            for key, hook in list(owner._forward_hooks.items()):
                self.called.add(key)
                self.run_forward_hook(hook, owner._forward_hooks_with_kwargs.get(key))
        if backward is not None:
            self.result = backward.watch_outputs(self.result)
        if old:
            register_old_hooks(module, old, self.args, self.result)
        return self.result

    def run_forward_pre_hook(self, hook: Hook, with_kwargs: bool | None) -> None:
        if not with_kwargs:
            args = hook(self.module, self.args)
            if args is not None:
                self.args = args if isinstance(args, tuple) else (args,)
            return
        both = hook(self.module, self.args, self.kwargs)
        if both is not None:
            if not (isinstance(both, tuple) and len(both) == 2):
                raise RuntimeError("forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got "
                                   f"{both}.")
            self.args, self.kwargs = both

    def run_forward_hook(self, hook: Hook, with_kwargs: bool | None) -> None:
        arguments = (self.args, self.kwargs) if with_kwargs else (self.args,)
        result = hook(self.module, *arguments, self.result)
        if result is not None:
            self.result = result

    def run_always_called(self) -> None:
        """After an exception: the forward hooks of that option that have not run yet."""
        for owner in (GLOBAL, self.module):
            for key, hook in list(owner._forward_hooks.items()):
                if key in self.called or not owner._forward_hooks_always_called.get(key):
                    continue
                try:
                    self.run_forward_hook(hook, owner._forward_hooks_with_kwargs.get(key))
                except Exception as error:  # noqa: BLE001
                    warnings.warn(f"{'global ' if owner is GLOBAL else ''}module forward hook with "
                                  "``always_call=True`` raised an exception that was silenced as another error was "
                                  f"raised in forward: {error}", stacklevel=2)


# ---- backward


class BackwardHookFunctionBackward(Node):
    """The identity through which a module's inputs, or outputs, pass. As in PyTorch, what received no gradient is given
    zeros."""

    plain = materialize = False

    @staticmethod
    def arrays(node: Node, g: Any, edges: Any) -> tuple[Any, ...]:
        return tuple([np.zeros(*form) if x is None else x for x, form in zip(g, node.forms)])

    @staticmethod
    def tensors(node: Node, g: Any, edges: Any) -> tuple[Any, ...]:
        return tuple([wrap(np.zeros(*form)) if x is None else x for x, form in zip(g, node.forms)])


def identity(tensors: list[Tensor]) -> tuple[Node, list[Tensor]]:
    """The tensors as outputs of one new node; those that need no gradient as they are."""
    node = new(BackwardHookFunctionBackward)
    node.order = next_order()
    node.edges = tuple([edge(t) for t in tensors])
    node.outputs = len(tensors)
    node.forms = [(t._data.shape, t._data.dtype) for t in tensors]
    outputs = list(tensors)
    for index in reversed(range(len(tensors))):  # so that output 0 has the latest order, as of any node
        t = tensors[index]
        if node.edges[index] is None:
            continue
        y = outputs[index] = new(Tensor)
        y._data, y._counter = t._data, t._counter
        y._base, y._seen = t if t._base is None else t._base, t._counter[0]  # a view that may not be edited in place
        y._node, y._rg = Slot(node, index, t._data), True
        y._node.order = next_order()
    return node, outputs


class BackwardHooks:
    """The full backward hooks of one call, between the node at the module's outputs and the one at its inputs."""

    def __init__(self, module: Any, before: list[Hook], after: list[Hook]) -> None:
        self.module, self.before, self.after = module, before, after
        self.inputs = self.outputs = 0  # how many
        self.input_places: list[int] | None = None  # of the tensors among the inputs; None if none needs a gradient
        self.output_places: list[int] | None = None
        self.grad_outputs: tuple[Any, ...] | None = None

    def watch(self, values: Any, hook: Hook) -> tuple[Any, list[int] | None]:
        """The values with the tensors among them passed through an identity whose node calls `hook`."""
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        if modes.recording <= 0 or not any(values[i].requires_grad for i in places):
            return values, None
        node, tensors = identity([values[i] for i in places])
        node.register_hook(hook)
        replaced = list(values)
        for i, t in zip(places, tensors):
            replaced[i] = t
        return tuple(replaced) if type(values) is tuple else type(values)(*replaced), places

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = len(args)
        args, self.input_places = self.watch(args, self.at_inputs)
        return args

    def watch_outputs(self, result: Any) -> Any:
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                          f"but received {type(result)}", stacklevel=4)
        several = isinstance(result, tuple)
        values = result if several else (result,)
        self.outputs = len(values)
        values, self.output_places = self.watch(values, self.at_outputs)
        return values if several else values[0]

    def at_outputs(self, _: Any, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of all outputs are there: the pre-hooks; and the hooks too, if none of inputs is awaited."""
        grads = spread(self.output_places, gradients, self.outputs)
        for hook in self.before:
            grads = replaced_by(hook(self.module, grads), grads, "Backward pre hook", "grad_output")
        self.grad_outputs = grads
        if self.input_places is None:
            warnings.warn("Full backward hook is firing when gradients are computed with respect to module outputs "
                          "since no inputs require gradients.", stacklevel=2)
            for hook in self.after:
                result = hook(self.module, (None,) * self.inputs, grads)
                if result is not None and not (isinstance(result, tuple) and all(r is None for r in result)):
                    raise RuntimeError("Backward hook for Modules where no input requires gradient should always "
                                       "return None or None for all gradients.")
            self.grad_outputs = None
        return tuple([grads[i] for i in self.output_places or ()])

    def at_inputs(self, gradients: tuple[Any, ...], _: Any) -> tuple[Any, ...] | None:
        """The gradients of the inputs are there: the hooks, unless these did not come through the outputs."""
        if self.grad_outputs is None:
            return None
        grads = spread(self.input_places, gradients, self.inputs)
        for hook in self.after:
            grads = replaced_by(hook(self.module, grads, self.grad_outputs), grads, "Backward hook", "grad_input")
        self.grad_outputs = None
        return tuple([grads[i] for i in self.input_places or ()])


def spread(places: list[int] | None, values: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """`n` items: the values at their places, None elsewhere."""
    items = [None] * n
    for place, value in zip(places or (), values):
        items[place] = value
    return tuple(items)


def replaced_by(result: Any, grads: tuple[Any, ...], kind: str, what: str) -> tuple[Any, ...]:
    if result is None:
        return grads
    if len(result) != len(grads):
        raise RuntimeError(f"{kind} returned an invalid number of {what}, got {len(result)}, but expected {len(grads)}")
    return result


# ---- the deprecated kind


def register_old_hooks(module: Any, hooks: list[Hook], args: Any, result: Any) -> None:
    """Registers the hooks at the node of the first tensor in `result`, and warns where that is not the whole module."""
    value = result
    while not isinstance(value, Tensor):
        value = next(v for v in value.values() if isinstance(v, Tensor)) if isinstance(value, dict) else value[0]
    node = value.grad_fn
    if node is None:
        return
    for hook in hooks:
        node.register_hook(lambda grad_input, grad_output, hook=hook: hook(module, grad_input, grad_output))
    reason = what_old_hooks_miss(args, result, node)
    if reason:
        warnings.warn(f"Using {reason} Please use register_full_backward_hook to get the documented behavior.",
                      FutureWarning, stacklevel=5)


def what_old_hooks_miss(args: Any, result: Any, node: Node) -> str:
    results = (result,) if isinstance(result, Tensor) else result
    if not (isinstance(results, tuple) and all(isinstance(r, Tensor) for r in results)):
        return ("non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors is "
                "deprecated and will be removed in future versions. This hook will be missing some of the grad_output.")
    if not all(isinstance(a, Tensor) for a in args):
        return ("non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of Tensors "
                "is deprecated and will be removed in future versions. This hook will be missing some of the "
                "grad_input.")
    nodes = {r.grad_fn for r in results if r.grad_fn is not None}
    if len(nodes) > 1:
        return ("a non-full backward hook when outputs are generated by different autograd Nodes is deprecated and "
                "will be removed in future versions. This hook will be missing some grad_output.")
    if {a.grad_fn for a in args if a.grad_fn is not None} != {target for target, _ in node.next_functions}:
        return ("a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and will be "
                "removed in future versions. This hook will be missing some grad_input.")
    return ""


def require_kind(module: Any, full: bool) -> None:
    if module._is_full_backward_hook is (not full):
        raise RuntimeError(f"Cannot use both regular backward hooks and full backward hooks {module._hook_place}. Please "
                           "use only one of them.")
    module._is_full_backward_hook = full
