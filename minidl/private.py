"""Names of ``torch`` that begin with an underscore and that programs use all the same: checks, lists of tensors, parts of other operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .core.tensor import Tensor
from .ops.create import tensor
from .ops.norms import vector_norm
from .ops.rejection import _dirichlet_grad as _dirichlet_grad
from .ops.rejection import _sample_dirichlet as _sample_dirichlet
from .ops.rejection import _standard_gamma as _standard_gamma
from .ops.rejection import _standard_gamma_grad as _standard_gamma_grad

__all__ = ["_assert", "_assert_async", "_check", "_dirichlet_grad", "_sample_dirichlet", "_shape_as_tensor", "_softmax_backward_data",
           "_standard_gamma", "_standard_gamma_grad"]


def _assert(condition: Any, message: Any) -> None:
    """AssertionError with the message, unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def _assert_async(input: Any, assert_msg: str = "Expected Tensor with single nonzero value, but got zero") -> None:
    """RuntimeError with the message, unless the number of a tensor is not 0."""
    if not input.item():
        raise RuntimeError(assert_msg)


def _check(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """RuntimeError with what `message` returns, unless the condition holds."""
    if not cond:
        raise RuntimeError(str(message()) if message else "Expected cond to be True, but got False.")


def _shape_as_tensor(input: Any) -> Any:
    """The sizes as a tensor of int64."""
    return tensor(list(input.shape), dtype=int)


def _softmax_backward_data(grad_output: Any, output: Any, dim: int, input_dtype: Any) -> Any:
    """The gradient of a softmax y by its input: y g - y sum(y g)."""
    product = output * grad_output
    return (product - output * product.sum(dim, keepdim=True)).to(input_dtype)


# ---- one operation for lists of tensors, as PyTorch's optimisers use them: an argument may be a list of as many, or one for all


def _of(name: str) -> Callable[..., list[Any]]:
    def one(x: Any, *given: Any, **kwargs: Any) -> Any:
        args: Any = given
        if name == "norm":
            return vector_norm(x, *args, **kwargs)
        if name in ("maximum", "minimum", "maximum_", "minimum_") and not isinstance(args[0], Tensor):
            return getattr(x, "clamp_" + ("min" if "max" in name else "max") + name[7:])(args[0])
        if name.startswith("addc") and len(args) == 3:
            args, kwargs = args[:2], {"value": args[2]}
        if name in ("maximum_", "minimum_"):  # which tensors have not
            return x.copy_(getattr(x, name[:-1])(*args))
        return getattr(x, name)(*args, **kwargs)

    def function(self: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        def at(i: int, value: Any) -> Any:
            return value[i] if isinstance(value, (list, tuple)) else value

        return [one(x, *(at(i, a) for a in args), **{k: at(i, v) for k, v in kwargs.items()}) for i, x in enumerate(self)]

    function.__name__, function.__doc__ = f"_foreach_{name}", f"``x.{name}(...)`` of each tensor of a list."
    return function


EACH = ("abs", "add", "addcdiv", "addcmul", "clamp_max", "clamp_min", "div", "exp", "lerp", "log", "maximum", "minimum", "mul", "neg", "pow",
        "reciprocal", "round", "sigmoid", "sign", "sqrt", "sub")
FOREACH = {f"_foreach_{name}{end}": _of(name + end) for name in EACH for end in ("", "_")} | {
    f"_foreach_{name}": _of(name) for name in ("copy_", "norm", "zero_")}
globals().update(FOREACH)
__all__ += list(FOREACH)
