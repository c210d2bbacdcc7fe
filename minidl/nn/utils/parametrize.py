"""Parametrisations: a parameter computed by modules from another, each time it is looked at.

The module gets a class of its own, in which the parameter is a property; what it is computed from is ``original`` in
the `ParametrizationList` at ``module.parametrizations[name]``, or ``original0``, ``original1``, ... where there are
several.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.modes import no_grad
from ...core.tensor import Tensor
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
           "transfer_parametrizations_and_params", "type_before_parametrizations"]

_cache: dict[tuple[int, str], Any] = {}
_cached_depth = 0


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Inside, every parametrised tensor is computed only once."""
    global _cached_depth
    _cached_depth += 1
    try:
        yield
    finally:
        _cached_depth -= 1
        if not _cached_depth:
            _cache.clear()


def register(module: Module, name: str, value: Any) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def check_result(result: Any, like: Any, what: str, name: str) -> None:
    """A parametrisation keeps dtype and shape."""
    if not isinstance(result, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(result).__name__}.")
    for kind in ("dtype", "shape"):
        old, new = getattr(like, kind), getattr(result, kind)
        if old != new:
            raise ValueError(f"Registering a parametrization may not change the {kind} of the tensor, unless `unsafe` "
                             f"flag is enabled.\n{name}{kind}: {old}\nparametrized {kind}: {new}")


class ParametrizationList(ModuleList):
    """The modules that compute one tensor, and what they compute it from; calling it computes.

    A module may define `right_inverse`, which finds the original for a given value; only then can the tensor be
    assigned to.
    """

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        like = original.detach()
        new: Any = original
        with no_grad():
            for module in reversed(list(self)):
                with contextlib.suppress(NotImplementedError):
                    new = module.right_inverse(new) if hasattr(module, "right_inverse") else new
        self.is_tensor = isinstance(new, Tensor)
        if not self.is_tensor and not isinstance(new, Sequence):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                             f"{type(new).__name__}")
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype != original.dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                                 f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}")
            original.data = new
            register(self, "original", original)
        else:
            for i, value in enumerate(new):
                if not isinstance(value, Tensor):
                    raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                                     f"Got element {i} of the sequence with type {type(value).__name__}.")
                if isinstance(original, Parameter):
                    value = Parameter(value, original.requires_grad)
                register(self, f"original{i}", value)
        if not unsafe:
            check_result(self(), like, "A parametrization", "unparametrized ")

    def originals(self) -> list[Any]:
        """What the tensor is computed from."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Any:
        first, *rest = self
        x = first(*self.originals())
        for module in rest:
            x = module(x)
        return x

    @no_grad()
    def right_inverse(self, value: Any) -> None:
        """Sets the originals so that the tensor becomes `value`, as far as it can."""
        for module in reversed(list(self)):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            value = module.right_inverse(value)
        if self.is_tensor:
            value = [value]
        elif not isinstance(value, Sequence) or len(value) != self.ntensors:
            raise ValueError(f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got "
                             f"{type(value).__name__}.")
        for original, given in zip(self.originals(), value):
            if not isinstance(given, Tensor):
                raise ValueError(f"`right_inverse` should return a tensor. Got {type(given).__name__}")
            if given.dtype != original.dtype:
                raise ValueError(f"The tensor returned by `right_inverse` has dtype {given.dtype} while `original` has "
                                 f"dtype {original.dtype}")
            original.data = given


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    if id(self) not in memo:
        memo[id(self)] = twin = object.__new__(type(self))
        vars(twin).update(copy.deepcopy(vars(self), memo))
    return memo[id(self)]


def _getstate(self: Any) -> Any:
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        if not _cached_depth:
            return self.parametrizations[name]()
        key = id(self), name
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    return property(read, lambda self, value: self.parametrizations[name].right_inverse(value))


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *,
                             unsafe: bool = False) -> Module:
    """Makes a parameter or buffer the output of `parametrization`, on top of those that it has; returns the module.

    Unless `unsafe`, the result must keep shape and dtype.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            present = getattr(module, tensor_name)
            result = parametrization(present)
            check_result(result, present, "A parametrization", f"module.{tensor_name}.")
            if hasattr(parametrization, "right_inverse"):
                with contextlib.suppress(NotImplementedError):
                    check_result(parametrization.right_inverse(result), present, "parametrization.right_inverse",
                                 f"module.{tensor_name}.")
        chain.append(parametrization)
        chain.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        chain = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            cls = type(module)
            module.__class__ = type(f"Parametrized{cls.__name__}", (cls,),
                                    {"__deepcopy__": _deepcopy, "__getstate__": _getstate,
                                     "__module__": cls.__module__})
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = chain
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
                         f"'{tensor_name}'")
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module, or any, is parametrised."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Makes a tensor plain again, with its present value, or with that of its original unless `leave_parametrized`."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    value = getattr(module, tensor_name)
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            original.data = value
    elif leave_parametrized:
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in "
                         "terms of a sequence of tensors.")
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def transfer_parametrizations_and_params(from_module: Module, to_module: Module, tensor_name: str | None = None) -> Module:
    """Registers the parametrisations of one module, of one tensor or all, on another, which then shares their originals."""
    if is_parametrized(from_module):
        for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
            if not hasattr(to_module, name):
                setattr(to_module, name, Parameter(getattr(from_module, name)))
            chain = from_module.parametrizations[name]
            for parametrization in chain:
                register_parametrization(to_module, name, parametrization)
            for original in ["original"] if chain.is_tensor else [f"original{i}" for i in range(chain.ntensors)]:
                setattr(to_module.parametrizations[name], original, getattr(chain, original))
    return to_module


def type_before_parametrizations(module: Module) -> type:
    """The module's class without its parametrisations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
