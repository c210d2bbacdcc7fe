"""The tree of modules: one walk over it, and everything that comes from the walk."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...core.dtypes import dtype as DType
from ...core.modes import no_grad
from ...core.tensor import CPU, Tensor, require_cpu, wrap
from ..parameter import Parameter, is_lazy

__all__ = ["ModuleTree"]


class ModuleTree:
    """What a module does with its whole tree: names, look-ups, changes of type and of mode."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]

    # ---- who is there

    def named_modules(self, memo: set[Any] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Any]]:
        """This module, under the name `prefix`, and all below it, parents first; each once unless `remove_duplicate` is
        off."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def _named_members(self, get_members: Callable[[Any], Any], prefix: str = "", recurse: bool = True,
                       remove_duplicate: bool = True) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in get_members(module):
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their names; with `recurse` those of all submodules too."""
        return self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def named_buffers(self, prefix: str = "", recurse: bool = True,
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their names; with `recurse` those of all submodules too."""
        return self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The submodules one level down with their names, each once."""
        return self._named_members(lambda module: module._modules.items(), recurse=False)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters; with `recurse` those of all submodules too. This is what an optimiser is given."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers; with `recurse` those of all submodules too."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def children(self) -> Iterator[Any]:
        """The submodules one level down."""
        return (module for _, module in self.named_children())

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """This module and all below it."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def get_submodule(self, target: str) -> Any:
        """The submodule of a dotted name; this module for the empty one; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            module = member(module, name, ModuleTree, "an nn.Module")
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Puts a module in the place of a dotted name; with `strict` there must be one already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, ModuleTree):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            member(parent, name, ModuleTree, "an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        path, _, name = target.rpartition(".")
        return member(self.get_submodule(path), name, Parameter, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = member(module, name, object, "a buffer")
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found

    # ---- changes to the whole tree

    def apply(self, fn: Callable[[Any], Any]) -> Any:
        """Calls `fn` with every module below, and last with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Replaces the memory of every parameter, gradient and buffer by what `fn` makes of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    param.data = fn(param.data)
                    if param.grad is not None:
                        param.grad.data = fn(param.grad.data)
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    buffer.data = fn(buffer.data)  # type: ignore[union-attr]
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
           memory_format: Any = None) -> Any:
        """``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``: floating-point parameters and buffers
        take the type, in place; `memory_format` is for those of 4 and 5 dimensions. The only device is the CPU."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, DType):
                dtype = arg
            elif isinstance(arg, (str, type(CPU))):
                device = arg
        if device is not None:
            require_cpu(device)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError("nn.Module.to only accepts floating point or complex dtypes, but got desired "
                            f"dtype={dtype}")

        def convert(t: Any) -> Any:
            if dtype is not None and (t.is_floating_point() or t.is_complex()):
                t = t.to(dtype)
            return t.to(memory_format=memory_format) if memory_format is not None and t.ndim in (4, 5) else t

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Gives all parameters and buffers new memory without copying the values."""
        require_cpu(device)
        return self._apply(lambda t: wrap(np.empty_like(t._data)), recurse)

    def type(self, dst_type: Any) -> Any:
        """Casts all parameters and buffers."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Any:
        """Casts all floating-point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Any:
        """Casts all floating-point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Any:
        """Casts all floating-point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def cpu(self) -> Any:
        """The module as it is: every tensor is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Any:
        """RuntimeError: there is no other device than the CPU."""
        require_cpu("cuda")

    def train(self, mode: bool = True) -> Any:
        """Sets `training`, which dropout and normalisation layers obey, here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Sets whether the parameters need gradients."""
        for param in self.parameters():
            param.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops the gradients of all parameters, or fills them with zeros."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad.detach_().zero_()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is nothing to compile to."""

    def share_memory(self) -> Any:
        """Moves all tensors to memory that processes forked from now on share."""
        if any(map(is_lazy, (*self.parameters(), *self.buffers()))):
            raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the "
                               "parameters before calling `module.share_memory()`.")
        return self._apply(_shared)


def _shared(t: Tensor) -> Tensor:
    memory = np.frombuffer(mmap.mmap(-1, max(t._data.nbytes, 1)), t._data.dtype, t._data.size).reshape(t._data.shape)
    memory[...] = t._data
    return wrap(memory)


def member(module: Any, name: str, kind: type, what: str) -> Any:
    if not hasattr(module, name):
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    found = getattr(module, name)
    if not isinstance(found, kind):
        raise AttributeError(f"`{name}` is not {what}")
    return found
