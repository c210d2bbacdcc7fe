"""One run of a model, to look at it: in eval mode, on inputs made or given, and afterwards all is as it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.dtypes import as_numpy_dtype
from ..core.generator import default_generator
from ..core.modes import set_grad_enabled
from ..core.tensor import Tensor, wrap
from ..nn import Module
from ..nn.parameter import is_lazy
from .modules import ModuleCalls

__all__ = ["inputs_of", "left_as_it_was", "run"]

Inputs = tuple[tuple[Any, ...], dict[str, Any]]


def inputs_of(input_size: Any = None, input_data: Any = None, batch_dim: int | None = None, dtypes: Any = None) -> Inputs:
    """Positional and named inputs: `input_data` (a tensor, a list of inputs, a dict of named ones), or zeros of `input_size`.

    `input_size`: a size, or a list of sizes for several inputs, or a dict of them by name; `batch_dim` inserts a 1 at
    that place of each. `dtypes`: the types of the zeros, float32 by default. ValueError unless one of both is given.
    """
    if (input_size is None) == (input_data is None):
        raise ValueError("give either input_size or input_data, and not both")
    given = input_data if input_size is None else input_size
    if isinstance(given, dict):
        names, values = list(given), list(given.values())
    else:
        names = []
        several = not isinstance(given, Tensor) and (input_size is None or any(isinstance(v, (tuple, list)) for v in given))
        values = list(given) if several and isinstance(given, (tuple, list)) else [given]
    if input_size is not None:
        kinds = list(dtypes) if isinstance(dtypes, (tuple, list)) else [dtypes] * len(values)
        if len(kinds) != len(values):
            raise ValueError(f"dtypes: expected one for each of {len(values)} inputs, got {len(kinds)}")
        values = [zeros(size, kind, batch_dim) for size, kind in zip(values, kinds)]
    return ((), dict(zip(names, values))) if names else (tuple(values), {})


def zeros(size: Sequence[int], dtype: Any, batch_dim: int | None) -> Tensor:
    sizes = list(size)
    if any(not isinstance(n, (int, np.integer)) or n < 0 for n in sizes):
        raise ValueError(f"input_size: expected non-negative integers, got {tuple(size)}")
    if batch_dim is not None:
        sizes.insert(batch_dim, 1)
    return wrap(np.zeros(sizes, np.float32 if dtype is None else as_numpy_dtype(dtype)))


@contextmanager
def left_as_it_was(model: Any) -> Iterator[None]:
    """Evaluation mode inside; then each module's mode, the buffers and the generator of random numbers as before."""
    modules = list(model.modules()) if isinstance(model, Module) else []
    modes = [(m, m.training) for m in modules]
    buffers = [(b, b._data.copy()) for m in modules for b in m._buffers.values() if b is not None and not is_lazy(b)]
    random = default_generator.get_state()
    try:
        if modules:
            model.eval()
        yield
    finally:
        default_generator.set_state(random)
        for m, training in modes:
            m.training = training
        for b, array in buffers:
            if not np.array_equal(b._data, array, equal_nan=b._data.dtype.kind == "f"):
                np.copyto(b._data, array)


def run(what: str, model: Any, inputs: Inputs, calls: ModuleCalls | None = None, graph: bool = False) -> Any:
    """The model's result, with or without its graph. TypeError if it does not take these inputs; RuntimeError that names the layer that
    failed."""
    args, kwargs = inputs
    check_arguments(what, model, args, kwargs)
    calls = ModuleCalls() if calls is None else calls
    with left_as_it_was(model), set_grad_enabled(graph), calls:
        try:
            return model(*args, **kwargs)
        except Exception as error:
            if calls.failed is None:
                raise
            module, name, given = calls.failed
            shapes = ", ".join(str(tuple(v.shape)) if isinstance(v, Tensor) else type(v).__name__ for v in given)
            raise RuntimeError(f"{what}: {type(module).__name__} {name!r} failed on input {shapes}: "
                               f"{type(error).__name__}: {error}") from error


def check_arguments(what: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    function = model.forward if isinstance(model, Module) else model
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin has none
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        sizes = ", ".join(str(tuple(v.shape)) if isinstance(v, Tensor) else type(v).__name__ for v in (*args, *kwargs.values()))
        name = f"{type(model).__name__}.forward" if isinstance(model, Module) else getattr(model, "__name__", "the function")
        raise TypeError(f"{what}: {name}({', '.join(signature.parameters)}) does not take {len(args) + len(kwargs)} input(s), of sizes {sizes}: "
                        f"{error}; several inputs are given as a list of sizes") from None
