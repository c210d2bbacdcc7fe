"""Activation checkpointing: what a part of a network computes is dropped after the forward and computed again in backward.

Chen et al. (2016), Training deep nets with sublinear memory cost; as torch.utils.checkpoint.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..autograd import Function, backward
from ..autograd.graph import saved_tensors_hooks
from ..core import Tensor, wrap
from ..core.generator import default_generator
from ..core.modes import enable_grad, modes

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "get_device_states", "noop_context_fn", "set_device_states"]


class CheckpointError(RuntimeError):
    """The second computation was not the first one again."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two context managers that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class _Again:
    """A function call that can be repeated, with the random numbers of the first time, in a context."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], keep_random: bool, context: Any) -> None:
        self.function, self.args, self.kwargs, self.context = function, args, kwargs, context
        self.versions = self._versions()
        self.state = default_generator.get_state() if keep_random else None

    def _versions(self) -> list[int]:
        return [a._version for a in (*self.args, *self.kwargs.values()) if isinstance(a, Tensor)]

    def __call__(self, *args: Any) -> Any:
        if self._versions() != self.versions:
            raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                               "an input of checkpoint() was edited before the backward")
        with self._random_numbers(), enable_grad(), self.context:
            return self.function(*args, **self.kwargs)

    @contextlib.contextmanager
    def _random_numbers(self) -> Iterator[None]:
        if self.state is None:
            yield
            return
        now = default_generator.get_state()
        default_generator.set_state(self.state)
        try:
            yield
        finally:
            default_generator.set_state(now)


class CheckpointFunction(Function):
    """The reentrant way: one node, whose backward runs the function again and a backward through it."""

    @staticmethod
    def forward(ctx: Any, again: _Again, *args: Any) -> Any:
        ctx.again = again
        return again.function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if not isinstance(modes.task, dict):  # a backward to chosen inputs would not reach them through another backward
            raise RuntimeError("When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an "
                               "`inputs` parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or "
                               "call .backward() without passing the `inputs` argument.")
        args = [detached(a) for a in ctx.again.args]
        outputs = ctx.again(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        roots = [(y, g) for y, g in zip(outputs, gradients) if isinstance(y, Tensor) and y.requires_grad]
        if not roots:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        tensors, received = zip(*roots)
        backward(tensors, received)
        return None, *(a.grad if isinstance(a, Tensor) else None for a in args)


def detached(a: Any) -> Any:
    """A tensor as a leaf of its own; anything else as it is."""
    return a.detach().requires_grad_(a.requires_grad) if isinstance(a, Tensor) else a


class _Frame:
    """The tensors that a forward saves, replaced by their numbers; the first to be asked for brings all back."""

    def __init__(self, again: _Again, check: bool) -> None:
        self.again, self.check = again, check
        self.forms: list[Any] = []
        self.tensors: dict[int, Tensor] = {}

    def pack(self, t: Tensor) -> int:
        self.forms.append((t.shape, t.dtype))
        return len(self.forms) - 1

    def unpack(self, i: int) -> Tensor:
        if i not in self.tensors:
            self.recompute()
        return self.tensors.pop(i)

    def recompute(self) -> None:
        saved: list[Tensor] = []

        with saved_tensors_hooks(lambda t: saved.append(wrap(t._data)), lambda nothing: nothing):
            self.again(*self.again.args)
        if len(saved) != len(self.forms):
            raise CheckpointError("torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                                  f"recomputation.\nNumber of tensors saved during forward: {len(self.forms)}\n"
                                  f"Number of tensors saved during recomputation: {len(saved)}")
        for i, (t, form) in enumerate(zip(saved, self.forms)):
            if self.check and (t.shape, t.dtype) != form:
                raise CheckpointError("torch.utils.checkpoint: Recomputed values for the following tensors have different metadata "
                                      f"than during the forward pass.\ntensor at position {i}: saved {form}, recomputed "
                                      f"{(t.shape, t.dtype)}")
        self.tensors = dict(enumerate(saved))


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True,
               context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default", debug: bool = False,
               early_stop: bool = True, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)``, whose intermediate values are not kept but computed again in backward.

    With `use_reentrant` False (to be preferred) this works with every kind of backward. With True (the default, with a
    warning) it takes no `kwargs`, not `autograd.grad`, and some tensor among `args` must require a gradient. The random
    numbers are those of the first time, unless `preserve_rng_state` is False. CheckpointError where the second computation
    saves other tensors than the first; a `determinism_check` of ``"none"`` lets their shapes and dtypes differ. `context_fn`
    gives two context managers, for the first computation and for the second. `debug` and `early_stop` are taken for PyTorch's sake:
    they have no effect, and the second computation always runs to its end.

    >>> import minidl as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> checkpoint(lambda x: (x * 3).exp().log(), x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
                      "recommended; the default is use_reentrant=True.", stacklevel=2)
        use_reentrant = True
    if use_reentrant and kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    first, second = context_fn()
    again = _Again(function, args, kwargs, preserve_rng_state, second)
    if not use_reentrant:
        frame = _Frame(again, determinism_check != "none")
        with first, saved_tensors_hooks(frame.pack, frame.unpack):
            return function(*args, **kwargs)
    if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
    return CheckpointFunction.apply(again, *args)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None,
                          preserve_rng_state: bool = True) -> Any:
    """The functions (a list or `nn.Sequential`) one after the other, in `segments` parts that are checkpointed; the last is not."""
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. "
                      "use_reentrant=False is recommended; the default is use_reentrant=True.", stacklevel=2)
        use_reentrant = True
    functions = list(functions)
    size = len(functions) // segments

    def part(start: int, stop: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for f in functions[start:stop]:
                x = f(x)
            return x
        return run

    last = size * (segments - 1)
    for start in range(0, last, size):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return part(last, len(functions))(input)


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The devices, other than the CPU, of some tensors, and the states of their generators: none."""
    return [], []


def set_device_states(devices: Any, states: Any) -> None:
    """Nothing: see `get_device_states`."""
