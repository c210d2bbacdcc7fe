"""Modules called with other parameters than their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from ..modules.module import Module

__all__ = ["functional_call"]


def functional_call(module: Module, parameters_and_buffers: dict[str, Tensor] | Sequence[dict[str, Tensor]], args: Any = (),
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False) -> Any:
    """Calls the module with the given tensors, in one dict or several, in the place of its parameters and buffers of those names.

    With `tie_weights`, a tensor given for one name counts for all names of the same parameter. With `strict`,
    RuntimeError unless the names are exactly those of the module.
    """
    own: dict[str, Any] = dict([*module.named_parameters(remove_duplicate=False),
                                *module.named_buffers(remove_duplicate=False)])
    dicts = [parameters_and_buffers] if isinstance(parameters_and_buffers, dict) else list(parameters_and_buffers)
    given = {name: t for d in dicts for name, t in d.items()}
    if len(given) < sum(map(len, dicts)):
        repeated = sorted(name for name in given if sum(name in d for d in dicts) > 1)
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    unexpected, missing = given.keys() - own.keys(), own.keys() - given.keys()
    if strict and (unexpected or missing):
        wrong = [f"\n\t{kind} key(s): {', '.join(map(repr, sorted(keys)))}."
                 for kind, keys in (("Unexpected", unexpected), ("Missing", missing)) if keys]
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:{''.join(wrong)}")
    if tie_weights:
        by_tensor = {own[name]: t for name, t in given.items() if name in own}
        for name, t in given.items():
            if name in own and by_tensor[own[name]] is not t:
                tied = sorted(n for n in given if own.get(n) is own[name])
                raise ValueError(f"functional_call got multiple values for keys {tied}, which are tied. Consider using "
                                 "tie_weights=False")
        given |= {name: by_tensor[t] for name, t in own.items() if t in by_tensor}
    places = []
    for name in given.keys() & own.keys():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        places.append((name, owner._parameters if last in owner._parameters else owner._buffers, last))
    try:
        for name, members, last in places:
            members[last] = given[name]
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for name, members, last in places:
            members[last] = own[name]
