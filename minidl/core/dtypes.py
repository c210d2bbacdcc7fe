"""Element types, and PyTorch's rules for the type of a result."""

from __future__ import annotations

import copyreg
from typing import Any

import numpy as np

__all__ = ["dtype", "finfo", "iinfo"]


class dtype:
    """A PyTorch element type: a name for one NumPy dtype (``.dtype``, so ``np.dtype(float32)`` works).

    >>> float32, float32.itemsize, float32.is_floating_point
    (torch.float32, 4, True)
    """

    def __init__(self, name: str, numpy_name: str) -> None:
        self.name = name
        self.dtype = np.dtype(numpy_name)
        self.itemsize = self.dtype.itemsize
        self.is_floating_point = self.dtype.kind == "f"
        self.is_complex = self.dtype.kind == "c"
        self.is_signed = self.dtype.kind in "fic"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def to_real(self) -> dtype:
        """The type of a complex number's two parts; of a real number its own."""
        return DTYPES[np.dtype(f"f{self.itemsize // 2}")] if self.is_complex else self

    def to_complex(self) -> dtype:
        """The complex type with parts of this type; RuntimeError where there is none."""
        if not (self.is_complex or self.is_floating_point and 2 * self.itemsize in (8, 16)):
            raise RuntimeError(f"Unknown Complex ScalarType for {WORDS[self]}")
        return self if self.is_complex else DTYPES[np.dtype(f"c{2 * self.itemsize}")]


class AbsentType(dtype):
    """A type that PyTorch has and NumPy, or this library, has not: code may name it and compare with it. TypeError where it is used.

    A tensor without elements can have it; its array's dtype is `nothing`, a structure with this name.
    """

    def __init__(self, name: str, itemsize: int) -> None:
        self.name, self.itemsize = name, itemsize
        self.nothing = np.dtype([(name, f"V{itemsize}")])
        self.is_floating_point, self.is_complex, self.is_signed = name[0] in "bf", name[0] == "c", name[0] != "u" and name != "float8_e8m0fnu"

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        raise TypeError(f"{self}: tensors of this type are not supported; the types are {', '.join(known.name for known in DTYPES.values())}")


for _kind in (dtype, AbsentType):
    copyreg.pickle(_kind, lambda d: (_by_name, (d.name,)))


def _by_name(name: str) -> dtype:
    return ABSENT[name] if name in ABSENT else DTYPES[np.dtype(name)]


float64, float32, float16 = dtype("float64", "f8"), dtype("float32", "f4"), dtype("float16", "f2")
int64, int32, int16, int8 = dtype("int64", "i8"), dtype("int32", "i4"), dtype("int16", "i2"), dtype("int8", "i1")
uint8, bool_ = dtype("uint8", "u1"), dtype("bool", "?")
complex128, complex64 = dtype("complex128", "c16"), dtype("complex64", "c8")


class _Types(dict[np.dtype, dtype]):
    def __missing__(self, d: np.dtype) -> dtype:
        if d.names is None:
            raise KeyError(d)
        return ABSENT[d.names[0]]


DTYPES = _Types((d.dtype, d) for d in (float64, float32, float16, complex128, complex64, int64, int32, int16, int8, uint8, bool_))
ABSENT: dict[str, dtype] = {name: AbsentType(name, size) for name, size in (
    ("bfloat16", 2), ("float8_e4m3fn", 1), ("float8_e4m3fnuz", 1), ("float8_e5m2", 1), ("float8_e5m2fnuz", 1), ("float8_e8m0fnu", 1),
    ("complex32", 4), ("uint16", 2), ("uint32", 4), ("uint64", 8))}
ALIASES = {"double": float64, "float": float32, "half": float16, "long": int64, "int": int32, "short": int16,
           "bool": bool_, "cfloat": complex64, "cdouble": complex128, "chalf": ABSENT["complex32"]}
# The words of PyTorch's messages and legacy constructors (FloatTensor, LongTensor, ...).
WORDS = {float64: "Double", float32: "Float", float16: "Half", int64: "Long", int32: "Int", int16: "Short",
         int8: "Char", uint8: "Byte", bool_: "Bool", complex128: "ComplexDouble", complex64: "ComplexFloat"}

F8, F4, I8, B1 = float64.dtype, float32.dtype, int64.dtype, bool_.dtype
_default = [F4]


def word(d: np.dtype) -> str:
    """PyTorch's word for an element type: ``Float`` for float32."""
    return WORDS[DTYPES[d]]


def default_dtype() -> np.dtype:
    """The NumPy dtype that Python floats become."""
    return _default[0]


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats: float32 unless changed."""
    return DTYPES[_default[0]]


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of tensors made from Python floats; TypeError unless it is a floating-point one."""
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"set_default_dtype: only floating-point types are supported as the default type, got {d}")
    _default[0] = d.dtype


def as_numpy_dtype(d: Any) -> np.dtype:
    """The NumPy dtype of a minidl dtype, a Python type or a NumPy dtype; TypeError if there is none here."""
    if isinstance(d, dtype):
        return d.dtype
    if d is float:
        return _default[0]
    try:
        found = np.dtype(d)
    except TypeError:
        raise TypeError(f"dtype: expected a dtype, got {d!r}") from None
    return check_supported(found)


def check_supported(d: np.dtype) -> np.dtype:
    """`d` in native byte order; TypeError if tensors cannot hold it."""
    native = d.newbyteorder("=")
    if native not in DTYPES:
        supported = ", ".join(known.name for known in DTYPES.values())
        raise TypeError(f"can't convert an array of type {d} to a tensor. The only supported types are: {supported}.")
    return native


def promote_types(a: np.dtype, b: np.dtype) -> np.dtype:
    """The smallest type that PyTorch lets hold both: as NumPy's, but an integer never widens a float or complex type."""
    if a.kind in "fc" and b.kind not in "fc":
        return a
    if b.kind in "fc" and a.kind not in "fc":
        return b
    return np.promote_types(a, b)


class _TypeInfo:
    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


# eps, max, smallest normal number and resolution of types that are not here.
_LIMITS = {"bfloat16": (2.0 ** -7, (2 - 2.0 ** -7) * 2.0 ** 127, 2.0 ** -126, 0.01),
           "float8_e4m3fn": (2.0 ** -3, 448.0, 2.0 ** -6, 1.0), "float8_e5m2": (2.0 ** -2, 57344.0, 2.0 ** -14, 1.0)}


class finfo(_TypeInfo):
    """Limits of a floating-point dtype, or of a complex one's parts: bits, eps, max, min, tiny, smallest_normal, resolution.

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: dtype | None = None) -> None:
        if isinstance(type, AbsentType) and type.name in _LIMITS:
            self.bits, self.dtype = 8 * type.itemsize, type.name
            self.eps, self.max, self.tiny, self.resolution = _LIMITS[type.name]
            self.min, self.smallest_normal = -self.max, self.tiny
            return
        d = as_numpy_dtype(type) if type is not None else default_dtype()
        if d.kind not in "fc":
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle {d}")
        info = np.finfo(d)
        self.bits, self.dtype = int(info.bits), DTYPES[info.dtype].name
        self.resolution, self.min, self.max = 10.0 ** -int(info.precision), float(info.min), float(info.max)
        self.eps, self.smallest_normal, self.tiny = float(info.eps), float(info.tiny), float(info.tiny)


class iinfo(_TypeInfo):
    """Limits of an integer dtype: bits, max, min.

    >>> iinfo(int8).max
    127
    """

    def __init__(self, type: dtype) -> None:
        d = as_numpy_dtype(type)
        if d.kind not in "iu":
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle {d}")
        info = np.iinfo(d)
        self.bits, self.min, self.max, self.dtype = int(info.bits), int(info.min), int(info.max), DTYPES[d].name
