"""What a row of the ops' test table is, and what is checked for every row against PyTorch.

A row names one public function and gives a Hypothesis strategy of calls:

    Row("logaddexp", binary(), bad=[call(array(2), array(3))])

- `name`: the path, the same in both libraries: ``"mul"``, ``"nn.functional.relu"``, ``"linalg.det"``, or ``"Tensor.view"``
  for what is a method only.
- `inputs`: a strategy of `call(...)`s, made with `calls(...)`. Every ndarray among the arguments, also inside lists, becomes a tensor; a
  float one requires a gradient. All array contents are drawn by Hypothesis, so that they shrink and replay.
- `bad`: calls that must raise on both sides.
- `grad`, `second`: whether first and second derivatives are compared (both by default).
- `random`: only shape and dtype are compared. (Random ops need it not: both libraries draw the same stream.)
- `layouts`: False for what tells of the memory itself, whose inputs then are contiguous; "drawn" for what goes by the order in memory, so that only
  PyTorch's result of the same layout is the same.
- `inplace`: also compares ``x.name_(...)``.
- `float32`: (rtol, atol) for float32, relative to the largest expected value, where PyTorch's own tolerance is wider.

`check` holds one call of a row: values, shapes, dtypes in float64; gradients under random weights; second gradients; float32; bare arrays
against tensors; method, operators and in-place form against the function; read-only and non-contiguous inputs. Where PyTorch raises,
minidl must raise as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import minidl
from minidl.testing import Case, strategies
from minidl.testing.layouts import lay_out, layout_of
from minidl.testing.report import difference
from minidl.testing.strategies import DOMAINS

REFUSALS = ("Unsupported memory format", "view size is not compatible")  # of memory that is not contiguous, by PyTorch alone
ERRORS = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)


def case(args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Case:
    """A call of any function with these arguments; arrays in them stand for tensors."""
    return Case("", args, kwargs or {})


def call(*args: Any, **kwargs: Any) -> Case:
    """One fixed call."""
    return Case("", args, kwargs)


@dataclass(frozen=True)
class Row:
    """One row of the table; see the module's docstring."""

    name: str
    inputs: st.SearchStrategy[Case]
    bad: Sequence[Case] = ()
    grad: bool = True
    second: bool = True
    random: bool = False
    layouts: bool | str = True
    operator: tuple[str, ...] = ()
    inplace: bool = False
    float32: tuple[float, float] = (1.3e-6, 1e-5)

    @property
    def id(self) -> str:
        return self.name


# ---- strategies: minidl.testing's, with 0-d and zero-size arrays among them, as calls

def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes, with 0-d and zero-size ones among them."""
    return strategies.shapes(min_dims, max_dims, min_side, max_side)


EDITABLE = st.sampled_from(["contiguous", "channels_last", "transposed", "sliced"])


def arrays(shape: Any = None, domain: str = "finite", dtype: Any = np.float64, layout: Any = None) -> st.SearchStrategy[np.ndarray]:
    """Arrays, in any layout unless one is given; see `minidl.testing.strategies.tensors`."""
    return strategies.tensors(shapes() if shape is None else shape, domain, dtype, layout)


def array(*shape: int, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    """A fixed array for `bad` rows and tests that need no search."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    return rng.standard_normal(shape).astype(dtype) if dtype.kind == "f" else rng.integers(0, 2, shape).astype(dtype)


@st.composite
def calls(draw: Any, *args: Any, **kwargs: Any) -> Case:
    """Calls whose arguments are drawn: strategies among them are drawn, anything else is passed as it is."""
    def value(v: Any) -> Any:
        return draw(v) if isinstance(v, st.SearchStrategy) else v
    return case(tuple(value(a) for a in args), {k: value(v) for k, v in kwargs.items()})


def unary(domain: str = "finite", dtype: Any = np.float64, **kwargs: Any) -> st.SearchStrategy[Case]:
    """Calls with one array."""
    return calls(arrays(domain=domain, dtype=dtype), **kwargs)


@st.composite
def binary(draw: Any, domain: str = "finite", other: str | None = None, dtypes: tuple[Any, Any] = (np.float64, np.float64),
           numbers: bool = True, **kwargs: Any) -> Case:
    """Calls with two arrays that broadcast, or (with `numbers`) an array and a Python number."""
    shape, second_shape = draw(strategies.broadcastable_shapes(min_side=0))
    first = draw(arrays(shape, domain, dtypes[0]))
    if numbers and draw(st.booleans()):
        second: Any = draw(st.sampled_from(DOMAINS[other or domain].tolist()) | st.integers(1, 3))
    else:
        second = draw(arrays(second_shape, other or domain, dtypes[1]))
    return case((first, second), {k: draw(v) if isinstance(v, st.SearchStrategy) else v for k, v in kwargs.items()})


@st.composite
def reduction(draw: Any, domain: str = "finite", dims: str = "many", min_side: int = 1, dtype: Any = np.float64, **kwargs: Any) -> Case:
    """Calls ``f(x)``, ``f(x, dim)`` and ``f(x, dim, keepdim)``; `dims` is "many" (tuples too), "one", or "required"."""
    x = draw(arrays(shapes(min_dims=1 if dims == "required" else 0, min_side=min_side), domain, dtype))
    extra = {k: draw(v) if isinstance(v, st.SearchStrategy) else v for k, v in kwargs.items()}
    if dims != "required" and (x.ndim == 0 or draw(st.booleans())):
        return case((x,), extra)
    one = st.integers(-x.ndim, x.ndim - 1)
    some = st.lists(st.integers(0, x.ndim - 1), min_size=1, max_size=x.ndim, unique=True).map(tuple)
    dim = draw(one | some) if dims == "many" else draw(one)
    return case((x, dim), {"keepdim": draw(st.booleans()), **extra})


# ---- both libraries behind one face


def find(library: Any, name: str) -> Callable[..., Any]:
    """The function of a row; a method as a function of its tensor."""
    path = name.split(".")
    if path[0] == "Tensor":
        return lambda x, *args, **kwargs: getattr(x, path[1])(*args, **kwargs)
    for part in path:
        library = getattr(library, part)
    return library  # type: ignore[no-any-return]


def has_method(row: Row) -> str | None:
    """The method of the same name that both libraries' tensors have."""
    last = row.name.split(".")[-1]
    return last if row.name.count(".") == 0 and hasattr(torch.Tensor, last) and hasattr(minidl.Tensor, last) else None


def convert(library: Any, value: Any, leaves: list[Any], dtype: Any = None, grad: bool = True) -> Any:
    """Arrays as tensors of `library`; float ones in `dtype` and, with `grad`, as leaves that require a gradient."""
    if isinstance(value, np.ndarray):
        floating = value.dtype.kind == "f"
        copied = lay_out(value if dtype is None or not floating else value.astype(dtype), layout_of(value))
        t = library.from_numpy(copied)
        if grad and floating:
            t.requires_grad_()
        leaves.append(t)
        return t
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(convert(library, v, leaves, dtype, grad) for v in value)
    if isinstance(value, DType):
        return getattr(library, value.name)
    return value


@dataclass(frozen=True)
class DType:
    """A dtype argument, by name: ``DType("float32")``."""

    name: str


def run(library: Any, function: Callable[..., Any], c: Case, dtype: Any = None, grad: bool = True) -> tuple[list[Any], list[Any]]:
    """Flat outputs and the tensors passed; seeded, for ops that draw random numbers. Advice to the user is not compared."""
    library.manual_seed(0)
    leaves: list[Any] = []
    args = convert(library, c.args, leaves, dtype, grad)
    kwargs = {k: convert(library, v, leaves, dtype, grad) for k, v in c.kwargs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return flatten(function(*args, **kwargs)), leaves


def flatten(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]


def values(t: Any) -> Any:
    return t.numpy(force=True) if hasattr(t, "detach") else t


def compare(want: Any, have: Any, what: str, rtol: float = 1e-9, atol: float = 1e-9, shape_only: bool = False) -> None:
    """One output against PyTorch's: type, shape, dtype, value (relative to the largest expected magnitude)."""
    if not isinstance(want, torch.Tensor):
        assert type(have) is type(want) or not isinstance(want, (bool, int, float)), f"{what}: {have!r}, expected {want!r}"
        assert have == want or shape_only or np.allclose(have, want, rtol, atol, equal_nan=True), f"{what}: {have!r}, expected {want!r}"
        return
    assert isinstance(have, minidl.Tensor), f"{what}: {type(have).__name__}, expected a Tensor"
    assert tuple(have.shape) == tuple(want.shape), f"{what}: shape {tuple(have.shape)}, expected {tuple(want.shape)}"
    assert str(have.dtype) == str(want.dtype), f"{what}: {have.dtype}, expected {want.dtype}"
    if not shape_only:
        close(values(want), values(have), what, rtol, atol)


def close(want: np.ndarray, have: np.ndarray, what: str, rtol: float = 1e-9, atol: float = 1e-9, single: bool = False) -> None:
    """Asserts equal values, to the given tolerance or, if something was computed in single precision, to that of float32."""
    assert want.shape == have.shape, f"{what}: shape {have.shape}, expected {want.shape}"
    if want.dtype.kind != "f":
        assert np.array_equal(want, have), f"{what}: {have}, expected {want}"
        return
    if single or want.dtype == np.float32:  # of integers, too
        rtol, atol = max(rtol, 1.3e-6), max(atol, 1e-5)
    finite = np.abs(want[np.isfinite(want)])
    found = difference(have, want.astype(np.float64), np.full(want.shape, atol + rtol * (finite.max() if finite.size else 0.0)))
    assert found is None, f"{what}: {found}"


# ---- the checks


def outcome(library: Any, row: Row, c: Case, **kwargs: Any) -> tuple[Any, Any]:
    try:
        return run(library, find(library, row.name), c, **kwargs), None
    except ERRORS as error:
        return None, error


def dense(c: Case) -> Case:
    """The case in contiguous memory."""
    return c.map(lambda a: lay_out(a, "contiguous"))


def check(row: Row, c: Case, seed: int) -> None:
    """All checks of one call."""
    if not row.layouts:
        c = dense(c)
    reference, error = outcome(torch, row, c, grad=row.grad)
    if any(text in str(error) for text in REFUSALS):
        c = dense(c)
        reference, error = outcome(torch, row, c, grad=row.grad)
    if error is not None:
        assert outcome(minidl, row, c, grad=row.grad)[1] is not None, f"PyTorch raised {error!r}, minidl did not"
        return
    (want, want_leaves) = reference
    have, leaves = run(minidl, find(minidl, row.name), c, grad=row.grad)
    assert len(want) == len(have), f"{len(have)} outputs, expected {len(want)}"
    for i, (w, h) in enumerate(zip(want, have)):
        compare(w, h, f"output {i}", shape_only=row.random)
        if row.grad and isinstance(w, torch.Tensor) and not row.random:
            assert h.requires_grad == w.requires_grad, f"output {i}: requires_grad {h.requires_grad}, expected {w.requires_grad}"
    if not row.random:
        try:
            check_gradients(row, want, want_leaves, have, leaves, seed)
        except RuntimeError as error:
            if "grad_weight needs to be contiguous" not in str(error):  # PyTorch's words, of a transposed convolution's weight that is not
                raise
            return check(row, dense(c), seed)
        check_float32(row, c)
        check_forms(row, c, have)


def check_gradients(row: Row, want: list[Any], want_leaves: list[Any], have: list[Any], leaves: list[Any], seed: int) -> None:
    """First gradients under random weights; second ones under random weights of those, also with respect to the first weights."""
    chosen = [i for i, w in enumerate(want) if isinstance(w, torch.Tensor) and w.requires_grad]
    if not row.grad or not chosen:
        return
    single = any(isinstance(t, torch.Tensor) and t.dtype == torch.float32 for t in [*want, *want_leaves])  # a float64 number may be among them
    results = []
    for library, outputs, inputs in ((torch, want, want_leaves), (minidl, have, leaves)):
        rng = np.random.default_rng(seed)
        inputs = [x for x in inputs if x.requires_grad]
        weights = [library.from_numpy(rng.standard_normal(tuple(outputs[i].shape)).astype(values(outputs[i]).dtype)) for i in chosen]
        for w in weights:
            w.requires_grad_()
        first = library.autograd.grad([outputs[i] for i in chosen], inputs, weights, create_graph=row.second, allow_unused=True)
        results.append((first, inputs, weights, rng))
    (first_w, inputs_w, weights_w, rng_w), (first_h, inputs_h, weights_h, rng_h) = results
    for i, (w, h) in enumerate(zip(first_w, first_h)):
        close(zeros_for_none(w, inputs_w[i]), zeros_for_none(h, inputs_h[i]), f"gradient {i}", 1e-8, 1e-8, single)
    chosen = [i for i, w in enumerate(first_w) if w is not None and w.requires_grad]
    if not row.second or not chosen:
        return
    seconds = []
    for library, first, inputs, weights, rng in ((torch, first_w, inputs_w, weights_w, rng_w), (minidl, first_h, inputs_h, weights_h, rng_h)):
        cotangents = [library.from_numpy(rng.standard_normal(tuple(first[i].shape)).astype(values(first[i]).dtype)) for i in chosen]
        seconds.append((library.autograd.grad([first[i] for i in chosen], [*inputs, *weights], cotangents, allow_unused=True),
                        [*inputs, *weights]))
    for i, (w, h) in enumerate(zip(seconds[0][0], seconds[1][0])):
        close(zeros_for_none(w, seconds[0][1][i]), zeros_for_none(h, seconds[1][1][i]), f"second gradient {i}", 1e-7, 1e-7, single)


def zeros_for_none(g: Any, like: Any) -> np.ndarray:
    return np.zeros(tuple(like.shape), values(like).dtype) if g is None else values(g)


def check_float32(row: Row, c: Case) -> None:
    """The forward in float32, to PyTorch's own tolerance."""
    reference, error = outcome(torch, row, c, dtype=np.float32, grad=False)
    if error is None:
        have, _ = run(minidl, find(minidl, row.name), c, dtype=np.float32, grad=False)
        for i, (w, h) in enumerate(zip(reference[0], have)):
            compare(w, h, f"float32 output {i}", *row.float32)


def check_forms(row: Row, c: Case, have: list[Any]) -> None:
    """Every other way to say the same gives the same: bare arrays, method, operators, in place, other memory layouts."""
    function = find(minidl, row.name)
    expected = [values(h) for h in have]

    def same(got: list[Any], what: str) -> None:
        assert len(got) == len(expected), what
        for e, g in zip(expected, got):
            np.testing.assert_array_equal(e, values(g), err_msg=what)

    def near(got: list[Any], what: str) -> None:
        for e, g in zip(expected, got):
            close(np.asarray(e), np.asarray(values(g)), what)

    method = has_method(row)
    if method and c.args and isinstance(c.args[0], np.ndarray):
        same(run(minidl, lambda x, *a, **k: getattr(x, method)(*a, **k), c, grad=False)[0], "method")
    for operator in row.operator:
        if c.args and isinstance(c.args[0], np.ndarray) and not c.kwargs:
            same(run(minidl, lambda x, *a, operator=operator: getattr(x, operator)(*a), c, grad=False)[0], operator)
    if row.inplace and isinstance(c.args[0], np.ndarray):
        check_inplace(row, c)
    if row.layouts is not True:
        return
    for layout in ("read_only", "sliced"):
        near(run(minidl, function, c.map(lambda a, layout=layout: lay_out(a, layout)), grad=False)[0], layout)


def check_inplace(row: Row, c: Case) -> None:
    """``x.name_(...)``: value, identity, version and gradient as PyTorch's, or an error on both sides."""
    name = row.name.split(".")[-1] + "_"
    outcomes = []
    for library in (torch, minidl):
        leaves: list[Any] = []
        args = convert(library, c.args, leaves)
        kwargs = {k: convert(library, v, leaves) for k, v in c.kwargs.items()}
        x = args[0].clone()
        try:
            y = getattr(x, name)(*args[1:], **kwargs)
        except ERRORS as error:
            outcomes.append(error)
            continue
        assert y is x and x._version == 1, f"{name}: must return the edited tensor, once edited"
        if row.grad and y.requires_grad:
            y.sum().backward()
        outcomes.append([values(y), *(zeros_for_none(leaf.grad, leaf) for leaf in leaves if leaf.requires_grad)])
    want, have = outcomes
    assert isinstance(want, Exception) == isinstance(have, Exception), f"{name}: {have!r}, expected {want!r}"
    if not isinstance(want, Exception):
        for w, h in zip(want, have):
            close(w, h, name, 1e-8, 1e-8)

