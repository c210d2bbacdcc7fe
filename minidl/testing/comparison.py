"""`assert_close`, with PyTorch's tolerances, rules and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.dtypes import dtype as DType
from ..core.tensor import Tensor, wrap

__all__ = ["assert_close"]

TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),  # rtol, atol; (0, 0) for any other dtype
              "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7)}


@dataclass(frozen=True)
class Rules:
    """The options of one comparison."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_dtype: bool
    check_stride: bool

    def tolerances(self, *dtypes: str) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        defaults = [TOLERANCES.get(name, (0.0, 0.0)) for name in dtypes]
        return max(d[0] for d in defaults), max(d[1] for d in defaults)


def assert_close(actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
                 equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
                 check_stride: bool = False, msg: str | Callable[[str], str] | None = None) -> None:
    """Asserts |actual - expected| <= atol + rtol |expected| for tensors, arrays, numbers, and for sequences and mappings of them.

    Shapes and (with `check_dtype`) dtypes must agree; infinities must be equal. Default tolerances follow the dtypes, the wider of the two:
    float64 (1e-7, 1e-7), float32 (1.3e-6, 1e-5), float16 (1e-3, 1e-5), complex types as their parts, others 0. `msg` replaces the message, or makes one from it.
    Follows ``torch.testing.assert_close``. AssertionError where it fails, ValueError for one tolerance without the other, TypeError for
    what cannot be compared.

    >>> import minidl
    >>> assert_close(minidl.tensor([1.0, 2.0]), minidl.tensor([1.0, 2.000001]))
    >>> assert_close([1.0], [1.5])
    Traceback (most recent call last):
    ...
    AssertionError: Scalars are not close!
    <BLANKLINE>
    Expected 1.5 but got 1.0.
    Absolute difference: 0.5 (up to 1e-07 allowed)
    Relative difference: 0.3333333333333333 (up to 1e-07 allowed)
    <BLANKLINE>
    The failure occurred for item [0]
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    rules = Rules(allow_subclasses, rtol, atol, equal_nan, check_dtype, check_stride)
    text = _compare(actual, expected, rules, "")
    if text is not None:
        raise AssertionError(text if msg is None else msg if isinstance(msg, str) else msg(text))


def _compare(a: Any, b: Any, rules: Rules, item: str) -> str | None:
    """What is wrong, or None."""
    end = f"\n\nThe failure occurred for item {item}" if item else ""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            return ("The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {sorted(b.keys() - a.keys(), key=str)}\n"
                    f"Additional keys in the actual mapping: {sorted(a.keys() - b.keys(), key=str)}{end}")
        return _first(_compare(a[k], b[k], rules, f"{item}[{k!r}]") for k in a)
    if _is_sequence(a) and _is_sequence(b):
        if len(a) != len(b):
            return f"The length of the sequences mismatch: {len(a)} != {len(b)}{end}"
        return _first(_compare(x, y, rules, f"{item}[{i}]") for i, (x, y) in enumerate(zip(a, b)))
    text = _leaf(a, b, rules, end)
    return None if text is None else text + end


def _first(found: Any) -> str | None:
    return next((text for text in found if text is not None), None)


def _is_sequence(a: Any) -> bool:
    return isinstance(a, Sequence) and not isinstance(a, str)


def _leaf(a: Any, b: Any, rules: Rules, end: str) -> str | None:
    related = type(a) is type(b) or (rules.allow_subclasses and (isinstance(a, type(b)) or isinstance(b, type(a))))
    if a is None or b is None:
        return None if a is b else f"None mismatch: {a} is not {b}"
    if isinstance(a, (bool, np.bool_)) and isinstance(b, (bool, np.bool_)):
        return None if bool(a) is bool(b) else f"Booleans mismatch: {bool(a)} is not {bool(b)}"
    if _is_number(a) and _is_number(b):
        if rules.check_dtype and type(a) is not type(b):
            return f"The (d)types do not match: {type(a)} != {type(b)}."
        rtol, atol = rules.tolerances(*("float64" if isinstance(x, float) else "complex128" if isinstance(x, complex) else "int64" for x in (a, b)))
        return _values(np.asarray(a), np.asarray(b), rtol, atol, rules.equal_nan, (a, b))
    if not related or not isinstance(a, (Tensor, np.ndarray, np.generic)):
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}.{end}")
    return _tensors(_as_tensor(a), _as_tensor(b), rules)


def _is_number(a: Any) -> bool:
    return isinstance(a, (int, float, complex, np.number))


def _as_tensor(a: Any) -> Any:
    return a.detach() if isinstance(a, Tensor) else wrap(np.asarray(a))


def _tensors(a: Any, b: Any, rules: Rules) -> str | None:
    def differ(name: str, x: Any, y: Any) -> str:
        return f"The values for attribute '{name}' do not match: {x} != {y}."

    if tuple(a.shape) != tuple(b.shape):
        return differ("shape", f"torch.Size({list(a.shape)})", f"torch.Size({list(b.shape)})")
    if rules.check_dtype and a.dtype != b.dtype:
        return differ("dtype", a.dtype, b.dtype)
    if rules.check_stride and a.stride() != b.stride():
        return differ("stride()", a.stride(), b.stride())
    rtol, atol = rules.tolerances(_name(a.dtype), _name(b.dtype))
    x, y = a.numpy(), b.numpy()
    common = np.result_type(x, y)
    return _values(x.astype(common), y.astype(common), rtol, atol, rules.equal_nan, (a.item(), b.item()) if a.ndim == 0 else None)


def _name(dtype: DType) -> str:
    return str(dtype).removeprefix("torch.").removeprefix("minidl.")


def _values(a: np.ndarray, b: np.ndarray, rtol: float, atol: float, equal_nan: bool, scalars: tuple[Any, Any] | None) -> str | None:
    """The message on elements that are apart; differences are taken in the arrays' own dtype, or exactly for integers."""
    exact = b.dtype.kind not in "fc"
    if exact:
        a, b = a.astype(np.int64), b.astype(np.int64)
    with np.errstate(all="ignore"):
        off = np.asarray(abs(a - b))
        ratio = np.asarray(off / abs(b)) if scalars is not None or not exact else (off / abs(b)).astype(np.float32)
        near = (a == b) | (np.isfinite(b) & np.isfinite(a) & (off <= atol + rtol * abs(b)))
    if equal_nan:
        near |= np.isnan(a) & np.isnan(b)
    if near.all():
        return None
    equal = rtol == 0 and atol == 0
    head = f"{'Tensor-likes' if scalars is None else 'Scalars'} are not {'equal' if equal else 'close'}!\n\n"
    limits = [f" (up to {limit} allowed)" if not equal else "" for limit in (atol, rtol)]
    if scalars is not None:
        have, want = scalars
        apart = abs(have - want)
        share = float("inf") if want == 0 else apart / abs(want)
        return (f"{head}Expected {want} but got {have}.\nAbsolute difference: {apart}{limits[0]}\n"
                f"Relative difference: {share}{limits[1]}")
    bad = int((~near).sum())
    lines = [f"Mismatched elements: {bad} / {near.size} ({bad / near.size:.1%})"]
    for name, values, limit in zip(("absolute", "relative"), (off, ratio), limits):
        place = int(np.where(near, 0, values).argmax())
        index = tuple(int(i) for i in np.unravel_index(place, values.shape))
        lines.append(f"Greatest {name} difference: {values[index].item()} at index {index}{limit}")
    return head + "\n".join(lines)
