"""A module's state by name: `state_dict`, `load_state_dict`, and the hooks around them."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from ...core.modes import no_grad
from ...core.tensor import Hooks, RemovableHandle, Tensor
from ..parameter import Parameter, is_lazy

__all__ = ["ModuleState"]

EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


def state_fields() -> dict[str, Any]:
    """The fields of a module without hooks on its state."""
    return {"_state_dict_hooks": Hooks(), "_state_dict_pre_hooks": Hooks(),
            "_load_state_dict_pre_hooks": Hooks(), "_load_state_dict_post_hooks": Hooks()}


class ModuleState:
    """State by name. A module's names come first, then its children's with ``child.`` before them.

    `_version` is written into the metadata of a state, so that `_load_from_state_dict` of a later version can adapt it.
    """

    _version: int = 1
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: Hooks
    _state_dict_pre_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    def get_extra_state(self) -> Any:
        """What a subclass wants in its state besides tensors, under the name ``_extra_state``; to be overridden."""
        raise RuntimeError(f"{type(self).__name__}.get_extra_state: not defined by this module")

    def set_extra_state(self, state: Any) -> None:
        """Takes back what `get_extra_state` returned; to be overridden with it."""
        raise RuntimeError(f"{type(self).__name__}.set_extra_state: not defined by this module")

    # ---- saving

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """The parameters and persistent buffers by name, detached unless `keep_vars`, and sharing memory with the
        module.

        An OrderedDict, or `destination`; its `_metadata` holds each module's version. Names begin with `prefix`.
        """
        if args:  # as in PyTorch's first versions
            warnings.warn("Positional args are being deprecated, use kwargs instead.", FutureWarning, stacklevel=2)
            destination, prefix, keep_vars = [*args, *[destination, prefix, keep_vars][len(args):]]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, metadata)
            if result is not None:
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = result
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Writes this module's own state, without its children's."""
        for name, t in persistent(self):
            destination[prefix + name] = t if keep_vars else t.detach()
        if type(self).get_extra_state is not ModuleState.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    # ---- loading

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True,
                        assign: bool = False) -> _IncompatibleKeys:
        """Copies a state into this module and its descendants; returns the missing and the unexpected names.

        With `assign` the tensors of `state_dict` take the place of the module's. RuntimeError, with everything
        that is wrong, where sizes differ, or with `strict` names do.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", {})
        state: Any = OrderedDict(state_dict)
        state._metadata = metadata
        keys = _IncompatibleKeys([], [])
        errors: list[str] = []
        _load(self, state, "", metadata, assign, keys, errors)
        if strict:
            for kind, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
                if names:
                    quoted = ", ".join([f'"{name}"' for name in names])
                    errors.insert(0, f"{kind} key(s) in state_dict: {quoted}. ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return keys

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any], strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:
        """Loads this module's own state, without its children's; overridden to read the state of older versions."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = dict(persistent(self))
        for name, t in own.items():
            key = prefix + name
            if key in state_dict:
                load_tensor(self, key, name, t, state_dict[key], local_metadata.get("assign_to_params_buffers", False),
                                  error_msgs)
            elif strict:
                missing_keys.append(key)
        extra = prefix + EXTRA_STATE
        if type(self).set_extra_state is not ModuleState.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, *below = key[len(prefix):].split(".", 1)
                    if name not in (self._modules if below else own):
                        unexpected_keys.append(key)

    # ---- hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, prefix, keep_vars)`` before `state_dict` collects this module."""
        return Hooks.add(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, metadata)`` after `state_dict` has collected this module and its
        children."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return Hooks.add(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As `register_state_dict_post_hook`; the hook may also return another dict."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError("Cannot register the same function as the state dict post hook that was previously "
                               "registered via register_state_dict_post_hook")
        return Hooks.add(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, metadata, strict, missing_keys, unexpected_keys, error_msgs)``
        before this module is loaded; the hook may change what it is given."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., None],
                                           with_module: bool = False) -> RemovableHandle:
        return Hooks.add(self._load_state_dict_pre_hooks, _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls ``hook(module, incompatible_keys)`` after this module and its children were loaded; the hook may change
        the keys."""
        return Hooks.add(self._load_state_dict_post_hooks, hook)


class _WithModule:
    """A hook with its module as the first argument; a deepcopy of the module takes it along."""

    def __init__(self, hook: Callable[..., None], module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> None:
        self.hook(self.module, *args)


def _load(module: Any, state: Any, prefix: str, metadata: Any, assign: bool, keys: _IncompatibleKeys,
          errors: list[str]) -> None:
    local_metadata = dict(metadata.get(prefix[:-1], {}))
    if assign:
        local_metadata["assign_to_params_buffers"] = True
    module._load_from_state_dict(state, prefix, local_metadata, True, keys.missing_keys, keys.unexpected_keys, errors)
    for name, child in module._modules.items():
        if child is not None:
            below = f"{prefix}{name}."
            _load(child, {k: v for k, v in state.items() if k.startswith(below)}, below, metadata, assign, keys, errors)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError("Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                                 "return new values, if incompatible_keys need to be modified, it should be done "
                                 "inplace.")


def persistent(module: Any) -> list[tuple[str, Tensor]]:
    kept = [(name, b) for name, b in module._buffers.items() if name not in module._non_persistent_buffers_set]
    return [(name, t) for name, t in (*module._parameters.items(), *kept) if t is not None]


def load_tensor(module: Any, key: str, name: str, own: Any, given: Any, assign: bool, errors: list[str]) -> None:
    if not isinstance(given, Tensor):
        errors.append(f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                      f"from checkpoint but received {type(given)}")
        return
    if not is_lazy(own):
        if own.ndim == 0 and given.shape == (1,):  # how PyTorch before 0.4 wrote a scalar
            given = given[0]
        if given.shape != own.shape:
            errors.append(f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                          f"the shape in current model is {own.shape}.")
            return
    try:
        if assign:
            if isinstance(own, Parameter):
                given = given if isinstance(given, Parameter) else Parameter(given, False)
                given.requires_grad = own.requires_grad
            setattr(module, name, given)
        else:
            with no_grad():
                own.copy_(given)
    except Exception as error:  # noqa: BLE001
        errors.append(f'While copying the parameter named "{key}", whose dimensions in the model are {own.shape} '
                      f"and whose dimensions in the checkpoint are {given.shape}, an exception occurred : "
                      f"{error.args}.")
