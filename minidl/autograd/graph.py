"""The recorded graph: nodes, and hooks on what they save."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..core.graph import Node as Node
from ..core.graph import next_order
from ..core.modes import modes
from ..core.tensor import RemovableHandle, Tensor, edge, new, wrap

__all__ = ["Node", "disable_saved_tensors_hooks", "saved_tensors_hooks", "save_on_cpu", "register_multi_grad_hook", "increment_version"]

_forbidden = threading.local()  # `message`: why hooks on saved tensors may not be set


class Packed:
    """What a pack hook returned for one saved tensor, the version it then had, and where its gradient goes."""

    def __init__(self, value: Any, version: int, target: Any) -> None:
        self.value, self.version, self.target = value, version, target


class ToLeaf(Node):
    """Stands between a leaf and the tensor that an unpack hook gave for it, whose gradient is the leaf's."""

    @staticmethod
    def tensors(node: Node, g: Any, edges: Any) -> Any:
        return (g,)

    arrays = tensors

    def __init__(self, leaf: Tensor) -> None:
        self.order, self.edges = next_order(), (leaf,)
        self.shape, self.dtype = leaf._data.shape, leaf._data.dtype


class saved_tensors_hooks:
    """Inside, every tensor saved for backward is replaced by ``pack(tensor)`` and comes back by ``unpack(packed)``.

    So activations can be compressed, counted, or kept elsewhere.

    >>> import minidl as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t * 2, lambda t: t):
    ...     y = x * x
    >>> y.sum().backward()
    >>> x.grad
    tensor([4., 4.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack, self.unpack = pack_hook, unpack_hook

    def __enter__(self) -> saved_tensors_hooks:
        if getattr(_forbidden, "message", None) is not None:
            raise RuntimeError(_forbidden.message)
        self.previous = modes.observers
        kept = tuple(o for o in modes.observers if not is_saving(o))
        modes.observe((*kept, self._observe))  # the innermost pair is the one in force
        return self

    def __exit__(self, *exc: object) -> None:
        modes.observe(self.previous)

    def _observe(self, node: Node) -> None:
        if node.keeps:
            node.saved = tuple(self._packed(value) for value in node.saved)
            node.unpack = self._restore

    def _packed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [(self._packed(v), k) for v, k in value]
        is_output = isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], list)
        if not (isinstance(value, Tensor) or is_output):
            return value
        t = wrap(value[0]) if is_output else value
        recording = modes.recording
        modes.set(False)
        try:
            version, target = (value[1][0], None) if is_output else (t._counter[0], edge(t))
            return Packed(self.pack(t), version, target), is_output
        finally:
            modes.recording = recording

    def _restore(self, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self._unpacked(value) for value in saved)

    def _unpacked(self, value: Any) -> Any:
        if isinstance(value, list):
            return [(self._unpacked(v), k) for v, k in value]
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Packed)):
            return value
        packed, is_output = value
        t = self.unpack(packed.value)
        if not isinstance(t, Tensor):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}")
        if is_output:
            return t._data, [packed.version]
        again = new(Tensor)
        again._data, again._counter, target = t._data, [packed.version], packed.target
        if target is not None:
            again._node, again._rg = ToLeaf(target) if isinstance(target, Tensor) else target, True
        return again


def is_saving(observer: Any) -> bool:
    return isinstance(getattr(observer, "__self__", None), saved_tensors_hooks)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, `saved_tensors_hooks` raises RuntimeError with this message; so does this where such hooks are in force."""
    if any(map(is_saving, modes.observers)):
        raise RuntimeError(error_message)
    previous, _forbidden.message = getattr(_forbidden, "message", None), error_message
    try:
        yield
    finally:
        _forbidden.message = previous


class save_on_cpu(saved_tensors_hooks):
    """PyTorch's way to move what is saved off an accelerator; here everything is on the CPU already."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t, lambda t: t)


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all") -> RemovableHandle:
    """Calls ``fn`` once per backward: with the list of all gradients when they are there (None where the backward does
    not reach a tensor), or with ``mode="any"`` with the first one."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    arrived: dict[int, Any] = {}
    task: list[Any] = [None]

    def hook_for(i: int) -> Callable[[Tensor], None]:
        def hook(g: Tensor) -> None:
            if task[0] is not modes.task:
                task[0] = modes.task
                arrived.clear()
            arrived[i] = g
            if mode == "any":
                if len(arrived) == 1:
                    fn(g)
            elif len(arrived) == sum(edge(t) in modes.task for t in tensors):
                fn([arrived.get(j) for j in range(len(tensors))])
        return hook

    handles = [t.register_hook(hook_for(i)) for i, t in enumerate(tensors)]
    return _ManyHandles(handles)


class _ManyHandles(RemovableHandle):
    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Declares that a tensor's memory was edited behind the library's back."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        t._counter[0] += 1
