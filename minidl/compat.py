"""PyTorch's names that set what is not here, and its older names of tensors: code that uses them runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .core.dtypes import ABSENT, DTYPES, WORDS, as_numpy_dtype, dtype, set_default_dtype
from .core.dtypes import promote_types as _promote_types
from .core.promotion import CATEGORY, result_dtype
from .core.tensor import Tensor, device, legacy_constructor, require_cpu
from .ops.create import tensor as _tensor
from .ops.storage import TypedStorage as TypedStorage
from .ops.storage import UntypedStorage as UntypedStorage

__all__ = ["Event", "OutOfMemoryError", "PyTorchFileReader", "Stream", "SymBool", "SymFloat", "SymInt", "TypedStorage", "UntypedStorage", "are_deterministic_algorithms_enabled", "can_cast",
           "clear_autocast_cache", "compile", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
           "get_default_device", "get_float32_matmul_precision", "is_autocast_cpu_enabled", "is_autocast_enabled",
           "is_deterministic_algorithms_warn_only_enabled", "newaxis", "promote_types", "result_type", "scalar_tensor",
           "set_default_device", "set_default_tensor_type", "set_float32_matmul_precision", "typename",
           "use_deterministic_algorithms"]

newaxis = None
_state: dict[str, Any] = {"deterministic": False, "warn_only": False, "precision": "highest"}


def compile(model: Any = None, **options: Any) -> Any:
    """The function or module as it is: there is nothing to compile to. Also a decorator with options."""
    return model if model is not None else (lambda function: function)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Keeps the setting; every op is deterministic."""
    _state.update(deterministic=bool(mode), warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` has set."""
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What `use_deterministic_algorithms` has set."""
    return _state["warn_only"]


def set_float32_matmul_precision(precision: str) -> None:
    """Keeps the setting; products are computed in the type of their tensors."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"set_float32_matmul_precision: expected 'highest', 'high' or 'medium', got {precision!r}")
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` has set."""
    return _state["precision"]


def set_default_device(device: Any) -> None:
    """RuntimeError for any other device than the CPU (or None)."""
    if device is not None:
        require_cpu(device)


def get_default_device() -> device:
    """The CPU."""
    return device("cpu")


def set_default_tensor_type(t: Any) -> None:
    """``set_default_dtype`` by an older name of its tensors, such as ``torch.DoubleTensor``; TypeError for one of integers."""
    word = t if isinstance(t, str) else t.__name__
    found = next((d for d, name in WORDS.items() if word.removeprefix("torch.") == f"{name}Tensor"), None)
    if found is None or not found.is_floating_point:
        raise TypeError(f"set_default_tensor_type: expected a type of floating-point tensors, got {t!r}")
    set_default_dtype(found)


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: see `minidl.amp.autocast`."""
    return False


is_autocast_cpu_enabled = is_autocast_enabled


def get_autocast_dtype(device_type: str) -> dtype:
    """The type of 16 bits in which PyTorch computes on such a device unless another is given."""
    return ABSENT["bfloat16"] if device_type == "cpu" else DTYPES[np.dtype("f2")]


def get_autocast_cpu_dtype() -> dtype:
    """bfloat16."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> dtype:
    """float16."""
    return get_autocast_dtype("cuda")


def clear_autocast_cache() -> None:
    """Nothing: there is no cache."""


class OutOfMemoryError(RuntimeError):
    """What a device without memory left would raise: programs catch it by name."""


class _Absent:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__}: there is none here")


class Stream(_Absent):
    """A queue of a device's work, of which the CPU has none: a name for annotations and for `isinstance`."""


class Event(_Absent):
    """A mark in a queue of a device's work: a name for annotations."""


class PyTorchFileReader(_Absent):
    """The reader of PyTorch's zip files: a name for annotations; `load` reads them."""


class SymInt(_Absent):
    """A size that a tracer would not know yet: a name for `isinstance`; no size is one."""


class SymFloat(_Absent):
    """A number that a tracer would not know yet: a name for `isinstance`; no number is one."""


class SymBool(_Absent):
    """A condition that a tracer would not know yet: a name for `isinstance`; none is one."""


# ---- types


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds the values of both.

    >>> import minidl as torch
    >>> torch.promote_types(torch.int32, torch.float16)
    torch.float16
    """
    return DTYPES[_promote_types(as_numpy_dtype(type1), as_numpy_dtype(type2))]


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The type of the result of an operation on two tensors or numbers."""
    return DTYPES[result_dtype(tensor1, tensor2)]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of one type may be written into a tensor of the other: not from complex to float, from float to integer, nor to bool."""
    return CATEGORY[as_numpy_dtype(from_).kind] <= CATEGORY[as_numpy_dtype(to).kind]


def scalar_tensor(s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A 0-d tensor, of the default dtype unless another is given."""
    return _tensor(s, dtype=_tensor(0.0).dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


def typename(obj: Any) -> str:
    """The name of an object's type; of a tensor its older name."""
    if isinstance(obj, Tensor):
        return obj.type()
    module = getattr(obj, "__module__", None) or type(obj).__module__
    name = getattr(obj, "__qualname__", None) or type(obj).__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"


# ---- FloatTensor and the like: makers of tensors of one type, which `isinstance` knows too


class _Typed(type):
    element: dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.element

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return legacy_constructor(Tensor, *args, dtype=cls.element, **kwargs)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _typed(element: dtype, word: str) -> type:
    return _Typed(f"{word}Tensor", (), {"__doc__": f"``{word}Tensor([1, 2])`` or ``{word}Tensor(2, 3)``: a tensor of {element}.", "element": element,
                                        "dtype": element})


TYPED: dict[str, Callable[..., Any]] = {f"{word}Tensor": _typed(element, word) for element, word in WORDS.items() if not element.is_complex}
globals().update(TYPED)
__all__ += list(TYPED)


# ---- methods that edit a tensor, as functions


def _editor(name: str) -> Callable[..., Any]:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(input, name)(*args, **kwargs)

    function.__name__, function.__doc__ = name, f"``input.{name}(...)``."
    return function


EDITORS = ["abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "asin_",
           "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "conj_physical_", "cos_",
           "cosh_", "deg2rad_", "detach_", "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fill_", "fix_", "floor_", "frac_",
           "gcd_", "index_put_", "lcm_", "ldexp_", "log10_", "log1p_", "log2_", "log_", "logit_", "nan_to_num_", "neg_",
           "negative_", "rad2deg_", "reciprocal_", "resize_as_", "round_", "rsqrt_", "sigmoid_", "sin_", "sinc_", "sinh_",
           "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_", "zero_"]
globals().update({name: _editor(name) for name in EDITORS})
__all__ += list(EDITORS)
