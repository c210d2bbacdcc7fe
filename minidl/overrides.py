"""``torch.overrides``: there is no ``__torch_function__`` here, so no argument overrides a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .core.tensor import Tensor

__all__ = ["TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like"]


def has_torch_function(relevant_args: Any) -> bool:
    """False."""
    return False


def has_torch_function_variadic(*args: Any) -> bool:
    """False."""
    return False


has_torch_function_unary = has_torch_function


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Any, *args: Any, **kwargs: Any) -> Any:
    """What the function returns: nothing overrides it."""
    return public_api(*args, **kwargs)


def is_tensor_like(inp: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(inp, Tensor)


class TorchFunctionMode:
    """A base for modes that are only defined: NotImplementedError where one is entered."""

    def __enter__(self) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}: calls of functions are not handed to modes here")

    def __exit__(self, *error: object) -> None:
        """Nothing."""
