"""Module: the base class of all layers and networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.tensor import Hooks, Tensor, type_name
from ..parameter import Buffer, Parameter
from .hooks import (
    GLOBAL,
    HookedCall,
    ModuleHooks,
    hook_fields,
    register_module_backward_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from .state import ModuleState, _IncompatibleKeys, state_fields  # noqa: F401
from .tree import ModuleTree

__all__ = ["Module", "register_module_backward_hook", "register_module_buffer_registration_hook",
           "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
           "register_module_full_backward_pre_hook", "register_module_module_registration_hook",
           "register_module_parameter_registration_hook"]

# Called with (module, name, value) when one is registered; a result that is not None takes the value's place.
_registration: dict[str, Hooks] = {"buffer": Hooks(), "module": Hooks(), "parameter": Hooks()}


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> Any:
    """Calls ``hook(module, name, buffer)`` whenever any module registers a buffer."""
    return _registration["buffer"].add(hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> Any:
    """Calls ``hook(module, name, submodule)`` whenever any module registers a submodule."""
    return _registration["module"].add(hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> Any:
    """Calls ``hook(module, name, parameter)`` whenever any module registers a parameter."""
    return _registration["parameter"].add(hook)


def type_word(value: Any) -> str:
    """The type of a value, or a class, as PyTorch's messages name it."""
    if isinstance(value, Tensor):
        return type_name(value)
    cls = value if isinstance(value, type) else type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


class Module(ModuleTree, ModuleHooks, ModuleState):
    """The base class of layers and networks: parameters, buffers and submodules by name, and `forward`.

    A Parameter, Buffer or Module assigned to an attribute is registered under its name. Calling a module runs its hooks
    and `forward`; every walk over the tree goes through `named_modules`.

    >>> from minidl import nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.linear = nn.Linear(2, 1)
    ...     def forward(self, x):
    ...         return self.linear(x)
    >>> [name for name, _ in Net().named_parameters()]
    ['linear.weight', 'linear.bias']
    """

    training: bool
    dump_patches: bool = False
    call_super_init: bool = False  # whether arguments go on to the next class's `__init__`

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = f"{type(self).__name__}.__init__()"
        if kwargs and not self.call_super_init:
            raise TypeError(f"{name} got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args and not self.call_super_init:
            raise TypeError(f"{name} takes 1 positional argument but {len(args) + 1} were given")
        vars(self).update(_fields())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input: Any) -> Any:
        """The computation; to be defined by every subclass."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
                or GLOBAL._forward_hooks or GLOBAL._forward_pre_hooks or GLOBAL._backward_hooks
                or GLOBAL._backward_pre_hooks):
            return HookedCall(self, args, kwargs)()
        return self.forward(*args, **kwargs)

    # ---- registration

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is not trained; `state_dict` holds it if `persistent`."""
        check_name(self, "buffer", name, own_fields(self, "_buffers", "buffer"))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type_word(tensor)}' object to buffer '{name}' (torch Tensor or None "
                            "required)")
        self._buffers[name] = registered(self, "buffer", name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter, which is then an attribute too; None keeps its place without one."""
        check_name(self, "parameter", name, own_fields(self, "_parameters", "parameter"))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type_word(param)}' object to parameter '{name}' (torch.nn.Parameter or "
                            "None required)")
        if param is not None and param.grad_fn:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                             f"explicitly. To express '{name}' as a function of another Tensor, compute the value in "
                             "the forward() method.")
        self._parameters[name] = registered(self, "parameter", name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule, which is then an attribute too."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_word(module)} is not a Module subclass")
        check_name(self, "module", name, own_fields(self, "_modules", "module"))
        self._modules[name] = registered(self, "module", name, module)

    register_module = add_module

    # ---- attributes

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            members = fields.get(kind)
            if members is not None and name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        fields = self.__dict__
        if isinstance(value, Parameter):
            own_fields(self, "_parameters", "parameters")
            forget(self, name, "_parameters")
            self.register_parameter(name, value)
        elif name in fields.get("_parameters", ()):
            require_none(self, name, value, "parameter", "torch.nn.Parameter or None expected")
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            own_fields(self, "_modules", "module")
            forget(self, name, "_modules")
            self._modules[name] = registered(self, "module", name, value)
        elif name in fields.get("_modules", ()):
            require_none(self, name, value, "child module", "torch.nn.Module or None expected")
            self._modules[name] = registered(self, "module", name, None)
        elif isinstance(value, Buffer) or name in fields.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                require_none(self, name, value, "buffer", "torch.nn.Buffer, torch.Tensor or None expected")
            if isinstance(value, Buffer):
                own_fields(self, "_buffers", "buffer")
                forget(self, name, "_buffers")
                self.register_buffer(name, value, value.persistent)
            else:
                self._buffers[name] = registered(self, "buffer", name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        for members in (self._parameters, self._buffers, self._modules):
            if name in members:
                del members[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(_fields() | state)

    # ---- text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What `repr` shows besides the submodules; to be overridden."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) > 1 or self._modules:
            lines += [indented(f"({name}): {module!r}") for name, module in self._modules.items()]
            return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
        return f"{self._get_name()}({extra})"


def _fields() -> dict[str, Any]:
    return {"training": True, "_parameters": {}, "_buffers": {}, "_non_persistent_buffers_set": set(), **hook_fields(),
            **state_fields(), "_modules": {}}


def indented(text: str) -> str:
    """Every line but the first moved two columns in."""
    return text.replace("\n", "\n  ")


def own_fields(module: Any, field: str, kind: str) -> dict[str, Any]:
    if field not in module.__dict__:
        raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
    return module.__dict__[field]


def check_name(module: Any, kind: str, name: Any, members: dict[str, Any]) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {type_word(name)}")
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')
    if name not in members and hasattr(module, name):
        raise KeyError(f"attribute '{name}' already exists")


def registered(module: Any, kind: str, name: str, value: Any) -> Any:
    if value is not None or kind != "parameter":
        for hook in _registration[kind].values():
            replaced = hook(module, name, value)
            value = value if replaced is None else replaced
    return value


def forget(module: Any, name: str, kept: str) -> None:
    """Takes a name away from all that it may stand for but `kept`."""
    module.__dict__.pop(name, None)
    for field in ("_parameters", "_buffers", "_modules"):
        if field != kept:
            module.__dict__[field].pop(name, None)
    if kept != "_buffers":
        module._non_persistent_buffers_set.discard(name)


def require_none(module: Any, name: str, value: Any, kind: str, expected: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{type_word(value)}' as {kind} '{name}' ({expected})")
