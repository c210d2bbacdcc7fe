"""Random tensors, from the generator that equals PyTorch's CPU stream (`minidl.core.generator`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public, rejection, wrap
from ..core.checks import as_sizes, require_tensor
from ..core.dtypes import as_numpy_dtype
from ..core.generator import Generator, default_generator
from ..core.inplace import check_editable
from ..core.modes import modes
from .create import check_sizes, finish, type_or_default
from .history import zeros_of


def source(generator: Generator | None) -> Generator:
    """The generator to draw from."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator: expected a torch.Generator, got {type(generator).__name__}")
    return default_generator if generator is None else generator


@public
def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
         requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Uniform on [0, 1): PyTorch's numbers for the same seed."""
    return finish(source(generator).uniform(check_sizes("rand", size), 0.0, 1.0, type_or_default(dtype)), device, requires_grad)


@public
def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
          requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """Standard normal: PyTorch's numbers for the same seed, to rounding."""
    return finish(source(generator).normal(check_sizes("randn", size), 0.0, 1.0, type_or_default(dtype)), device, requires_grad)


def integer_bounds(op: str, args: tuple[Any, ...], low: Any, high: Any, size: Any = ()) -> tuple[int, int, Any]:
    """The bounds and what follows them in ``op(high, ...)`` or ``op(low, high, ...)``."""
    given = list(args)
    if high is None:
        numbers = [given.pop(0) for _ in range(2) if given and isinstance(given[0], (int, np.integer))]
        if not numbers:
            raise TypeError(f"{op}: expected an upper bound")
        if len(given) > 1:
            raise TypeError(f"{op}: expected integers for the bounds, got {', '.join(map(repr, args))}")
        high = numbers[-1]
        low = numbers[0] if len(numbers) == 2 else low
    low, rest = int(low or 0), given[0] if given else size
    if low >= int(high):
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={int(high)} ({op})")
    return low, int(high), rest


@public
def randint(*args: Any, low: int = 0, high: int | None = None, size: Any = None, generator: Generator | None = None,
            dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Integers uniform on [low, high): ``randint(high, size)`` or ``randint(low, high, size)``; PyTorch's numbers."""
    low, high, shape = integer_bounds("randint", args, low, high, size)
    d = np.dtype(np.int64) if dtype is None else as_numpy_dtype(dtype)
    return finish(source(generator).randint(check_sizes("randint", (shape,)), low, high, d), device, requires_grad)


@public
def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A random permutation of 0 ... n - 1: PyTorch's for the same seed."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n} (randperm)")
    d = np.dtype(np.int64) if dtype is None else as_numpy_dtype(dtype)
    return finish(source(generator).randperm(n, d), device, requires_grad)


def empty_like(x: np.ndarray, dtype: Any = None) -> np.ndarray:
    """An array of the shape and the order in memory of `x`; row-major if x repeats elements, as an expanded tensor does."""
    return np.empty_like(x, dtype, order="C" if 0 in x.strides else "K")


def memory_order(array: np.ndarray) -> list[int]:
    """The dimensions of an array, the slowest in memory first: PyTorch fills a tensor in this order."""
    return sorted(range(array.ndim), key=lambda d: -array.strides[d])


def fill(array: np.ndarray, draw: Callable[..., np.ndarray]) -> np.ndarray:
    """The array, filled with ``draw(shape)`` in its memory's order."""
    order = memory_order(array)
    array.transpose(order)[...] = draw([array.shape[d] for d in order])
    return array


def fill_bernoulli(array: np.ndarray, p: Any, generator: Generator) -> np.ndarray:
    """The array, filled with 1 with probability p, a number or an array, else 0."""
    def draw(shape: list[int]) -> np.ndarray:
        each = np.broadcast_to(p, array.shape).transpose(memory_order(array)) if isinstance(p, np.ndarray) else p
        return generator.bernoulli(each, shape, array.dtype)
    return fill(array, draw)


def fill_normal(array: np.ndarray, mean: float, std: float, generator: Generator) -> np.ndarray:
    """The array, filled with normal values."""
    return fill(array, lambda shape: generator.normal(shape, mean, std, array.dtype, blocks=array.flags.c_contiguous))


def _like(op: str, input: Tensor, dtype: Any) -> np.ndarray:
    """An array of the shape and the order in memory of `input`."""
    require_tensor(op, "input", input)
    return empty_like(input._data, None if dtype is None else as_numpy_dtype(dtype))


@public
def rand_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None, generator: Generator | None = None) -> Tensor:
    """Uniform on [0, 1), of the shape and type of `input`."""
    y = _like("rand_like", input, dtype)
    return finish(fill(y, lambda shape: source(generator).uniform(shape, 0.0, 1.0, y.dtype)), device, requires_grad)


@public
def randn_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None, generator: Generator | None = None) -> Tensor:
    """Standard normal, of the shape and type of `input`."""
    return finish(fill_normal(_like("randn_like", input, dtype), 0.0, 1.0, source(generator)), device, requires_grad)


@public
def randint_like(input: Tensor, *args: Any, low: int = 0, high: int | None = None, dtype: Any = None, layout: Any = None,
                 device: Any = None, requires_grad: bool = False, memory_format: Any = None) -> Tensor:
    """Integers uniform on [low, high), of the shape and type of `input`."""
    args = tuple(a.item() if isinstance(a, Tensor) else a for a in args)
    low, high, _ = integer_bounds("randint_like", args, low, high)
    y = _like("randint_like", input, dtype)
    return finish(fill(y, lambda shape: default_generator.randint(shape, low, high, y.dtype)), device, requires_grad)


@public
def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
           layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """mean + std * z with z standard normal; either may be a tensor; `size` is needed where neither is."""
    tensors = [data_of(v) for v in (mean, std) if isinstance(v, Tensor)]
    smallest = std._data.min(initial=0) if isinstance(std, Tensor) else std
    if smallest < 0:
        raise RuntimeError(f"normal expects all elements of std >= 0.0, got {smallest}")
    if not tensors:
        if size is None:
            raise TypeError("normal: size is needed where mean and std are numbers")
        array = source(generator).normal(as_sizes((size,), "normal"), mean, std, type_or_default(dtype))
        return finish(array, device, requires_grad)
    shape = np.broadcast_shapes(*(a.shape for a in tensors))
    z = source(generator).normal(shape, 0.0, 1.0, tensors[0].dtype)
    return finish(np.asarray(z * data_of(std) + data_of(mean)).astype(tensors[0].dtype, copy=False), device, requires_grad)


@primitive(x=lambda g, x_shape: zeros_of(g, x_shape))
def _bernoulli(x: Any, sample: Any) -> Any:
    return sample


@public(method=True)
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that `input` gives at each place (or `p` everywhere), else 0; its gradient is zero."""
    array = data_of(input)
    if p is None and array.dtype.kind != "f":
        raise RuntimeError(f"bernoulli: expected a floating-point tensor of probabilities, got {input.dtype}")
    return _bernoulli(input, source(generator).bernoulli(array if p is None else p, array.shape, array.dtype))


@public(method=True)
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """`num_samples` indices per row, drawn with the weights in `input`; PyTorch's for the same seed."""
    return wrap(source(generator).multinomial(data_of(input), num_samples, replacement))


@public
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson counts with the rates in `input`: PyTorch's numbers."""
    rates = data_of(input)
    if rates.dtype.kind != "f":
        raise NotImplementedError(f"poisson: expected a floating-point tensor of rates, got {input.dtype}")
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return wrap(rejection.poisson(source(generator), rates).astype(rates.dtype))


def edited(input: Tensor, fill_array: Callable[[np.ndarray], Any]) -> Tensor:
    """Overwrites a tensor with random values; recorded as a fill, whose gradient is zero."""
    check_editable(input)
    if modes.recording > 0 and input.requires_grad:
        input.zero_()
    fill_array(input._data)
    input._counter[0] += 1
    return input


@public(where="", method=True)
def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None, **bounds: float) -> Tensor:
    """Fills with uniform values on [from, to): PyTorch's numbers."""
    low = bounds.pop("from", from_)
    if bounds:
        raise TypeError(f"uniform_() got an unexpected keyword argument {next(iter(bounds))!r}")
    if low > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={to}")
    return edited(input, lambda y: fill(y, lambda shape: source(generator).uniform(shape, low, to, y.dtype)))


def filled(input: Tensor, draw: str, generator: Generator | None, *parameters: float) -> Tensor:
    """Overwrites a tensor with values of one of the generator's distributions."""
    return edited(input, lambda y: fill(y, lambda shape: getattr(source(generator), draw)(shape, *parameters, dtype=y.dtype)))


@public(where="", method=True)
def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fills with exponential values of rate lambd."""
    return filled(input, "exponential", generator, lambd)


@public(where="", method=True)
def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fills with Cauchy values."""
    return filled(input, "cauchy", generator, median, sigma)


@public(where="", method=True)
def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fills with exp of normal values."""
    return filled(input, "log_normal", generator, mean, std)


@public(where="", method=True)
def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fills with the number of trials up to the first success of probability p."""
    return filled(input, "geometric", generator, p)


@public(where="", method=True)
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fills with normal values: PyTorch's numbers, to rounding."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return edited(input, lambda y: fill_normal(y, mean, std, source(generator)))


@public(where="", method=True)
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fills with ones with probability p, else zeros."""
    return edited(input, lambda y: fill_bernoulli(y, data_of(p), source(generator)))


@public(where="", method=True)
def random_(input: Tensor, *args: int, generator: Generator | None = None, **bounds: int) -> Tensor:
    """Fills with integers on [from, to), by default over all that the type holds."""
    low, high = bounds.pop("from", args[0] if len(args) == 2 else 0), bounds.pop("to", args[-1] if args else None)
    if bounds:
        raise TypeError(f"random_() got an unexpected keyword argument {next(iter(bounds))!r}")
    g = source(generator)
    if high is None and not low:
        return edited(input, lambda y: fill(y, lambda shape: g.random(shape, y.dtype)))
    return edited(input, lambda y: fill(y, lambda shape: g.randint(shape, low, high, y.dtype)))


@public
def manual_seed(seed: int) -> Generator:
    """Seeds the default generator; returns it."""
    return default_generator.manual_seed(int(seed))


@public
def seed() -> int:
    """Seeds the default generator with a random number; returns it."""
    return default_generator.seed()


@public
def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


@public
def get_rng_state() -> Tensor:
    """The default generator's state as a uint8 tensor, byte for byte PyTorch's."""
    return wrap(default_generator.get_state())


@public
def set_rng_state(new_state: Tensor) -> None:
    """Restores a state from `get_rng_state`."""
    default_generator.set_state(data_of(new_state))
