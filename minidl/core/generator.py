"""The random number generator: PyTorch's CPU stream on plain NumPy arrays.

Every draw goes through three steps, and the file is ordered by them:

1. *words*: the Mersenne Twister MT19937 gives 32-bit words; two of them, the first one high, make a 64-bit word;
2. *uniforms*: the low 24 bits of a 32-bit word over 2^24, or the low 53 of a 64-bit word over 2^53, lie in [0, 1);
3. *samples*: integers are words modulo a range, all other distributions transform uniforms u.

The same seed and the same sequence of calls give PyTorch's numbers, and the state has PyTorch's bytes. Integers,
uniforms and Bernoulli samples are equal bit for bit; where a logarithm, sine or tangent is taken, the last digit is
that of the mathematical library. Samples come in row-major order.

Followed: PyTorch 2.13, built with fused multiply-add (AVX2 and later). Of its ATen sources: CPUGeneratorImpl.cpp,
core/{MT19937RNGEngine,DistributionsHelper,TransformationHelper}.h, native/cpu/DistributionTemplates.h.
"""

from __future__ import annotations

import math
import os
import secrets
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Generator", "default_generator", "initial_seed", "manual_seed", "seed"]

Array = NDArray[Any]
Shape = Sequence[int]

_DEFAULT_SEED = 67280421310721
_N_WORDS = 624  # the twister's state, renewed before the first word and after every 624
_WIDE_RANGE = 1 << 28  # integer ranges from here on take 64-bit words, to keep the bias of the modulo small
_LONG_PERMUTATION = (2**32 - 1) // 20  # the same for the indices of randperm
_NORMAL_BLOCK = 16  # normal samples are made in blocks of 8 cosines and 8 sines
_CHUNK = 1 << 20

# PyTorch's state is a C struct in a struct. It widens the words to 64 bits; normal_y is the spare normal sample;
# the fields named float_normal are not used on the CPU.
_ENGINE_STATE = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "words", "normal_x", "normal_y", "normal_rho", "normal_is_valid"],
        "formats": ["u8", "i4", "i4", "u8", (np.uint64, _N_WORDS), "f8", "f8", "f8", "i4"],
    },
    align=True,
)
_STATE = np.dtype(
    [("engine", _ENGINE_STATE), ("float_normal", np.float32), ("float_normal_is_valid", np.bool_)], align=True
)


def _require(name: str, dtype: DTypeLike, kinds: str, error: type[Exception] = NotImplementedError) -> np.dtype[Any]:
    dtype = np.dtype(dtype)
    if dtype.kind not in kinds:
        raise error(f"{name}: not defined for dtype {dtype}")
    return dtype


def _digits(dtype: np.dtype[Any]) -> int:
    """Bits of a float's significand: every integer up to 2^digits is exact."""
    return int(np.finfo(dtype).nmant) + 1


def _part(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a complex number's real and imaginary part."""
    return np.dtype(f"f{dtype.itemsize // 2}")


def _cast(x: Array, dtype: np.dtype[Any], shape: Shape) -> Array:
    """Samples in their dtype and shape; what is too large silently becomes infinite (an integer wraps), as in C."""
    with np.errstate(over="ignore", invalid="ignore"):
        return x.astype(dtype, copy=False).reshape(shape)


def _high_half(x: Any) -> Any:
    """A float64 without its last 27 bits, so that products of two such halves are exact."""
    return (x.view(np.uint64) & np.uint64(2**64 - 2**27)).view(np.float64)


def fma(x: Array, scale: float, shift: float) -> Array:
    """x scale + shift, rounded once as by the processor's fused instruction.

    A float32 product is exact in float64; a float64 product and sum are corrected by their errors (Dekker 1971).
    """
    factor, addend = x.dtype.type(scale), x.dtype.type(shift)
    product = x * factor
    if addend == 0:
        return product
    if x.dtype == np.float32:
        return (x.astype(np.float64) * factor + addend).astype(np.float32)
    x1, f1 = _high_half(x), _high_half(factor)
    x0, f0 = x - x1, factor - f1
    product_error = ((x1 * f1 - product) + x1 * f0 + x0 * f1) + x0 * f0
    total = product + addend
    rounded = total - product
    sum_error = (product - (total - rounded)) + (addend - rounded)
    return total + (sum_error + product_error)


def _integer_bounds(dtype: np.dtype[Any]) -> tuple[int, int, int]:
    """The smallest and the largest sample randint may be asked for, and its default for `high`."""
    if dtype.kind == "b":
        return 0, 1, 2
    if dtype.kind == "f":
        largest = int(np.finfo(dtype).max)
        return -largest, largest, 2 ** _digits(dtype) + 1
    info = np.iinfo(dtype)
    return int(info.min), min(int(info.max), 2**63 - 1), int(info.max) + 1


def _inward(low: int, high: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Move the bounds inward until no integer of [low, high) leaves the range by rounding to a float dtype."""

    def rounded(n: int) -> int:
        return int(np.int64(n).astype(dtype))

    def spacing(n: int) -> int:
        return 1 << abs(n).bit_length() - _digits(dtype)

    if rounded(low + 1) < low:
        low = rounded(low + 1) + spacing(low + 1)
    if rounded(high - 1) >= high:
        high = rounded(high - 1) - spacing(high - 1)
    return low, high


def _box_muller(u: Array) -> Array:
    """16 uniforms to 16 normals: r cos t, then r sin t, with r = sqrt(-2 log(1 - u_j)), t = 2 pi u_{j+8}, j < 8."""
    first, second = np.moveaxis(u.reshape(*u.shape[:-1], 2, 8), -2, 0).copy()  # each in one piece, which NumPy computes with faster
    radius = np.sqrt(-2 * np.log(1 - first))
    theta = 2 * math.pi * second
    return np.concatenate([radius * np.cos(theta), radius * np.sin(theta)], axis=-1)


class Generator:
    """A stream of pseudo-random numbers with torch.Generator's API, on the CPU; each draw is atomic between threads.

    >>> Generator().manual_seed(0).uniform((2,))
    array([0.4962566, 0.7682218], dtype=float32)
    """

    def __init__(self, device: object = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise RuntimeError(f"Generator: expected device 'cpu', got '{device}'")
        self.device = "cpu"
        self._lock = threading.RLock()
        self._engine = np.random.MT19937(0)
        self._reseed(_DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to `seed` in [-2^63, 2^64) (its low 32 bits count) and return self."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed: expected an integer, got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed: expected a seed in [-2^63, 2^64), got {seed}")
        self._reseed(int(seed) % 2**64)
        return self

    def seed(self) -> int:
        """Start a stream from 64 bits of the system's entropy and return them."""
        seed = secrets.randbits(64)
        self._reseed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed the stream was started from, in [0, 2^64)."""
        return self._seed

    def _reseed(self, seed: int) -> None:
        with self._lock:
            self._seed = seed
            self._engine._legacy_seeding(seed % 2**32)
            self._untouched = True
            self._spare_normal: float | None = None

    def get_state(self) -> Array:
        """The state as uint8 of shape (5056,), the bytes of torch.Generator.get_state()."""
        state = np.zeros(1, _STATE)
        engine = state["engine"][0]
        with self._lock:
            twister = self._engine.state["state"]
            # Before the first word and after 624, NumPy's position is 624 alike. PyTorch keeps the words taken (next,
            # first 0, later 624) and the calls up to the renewal (left, 1 in both cases).
            position = 0 if self._untouched else int(twister["pos"])
            engine["seed"], engine["seeded"], engine["words"] = self._seed, 1, twister["key"]
            engine["next"], engine["left"] = position, _N_WORDS + 1 - position if position else 1
            if self._spare_normal is not None:
                engine["normal_y"], engine["normal_is_valid"] = self._spare_normal, 1
        return state.view(np.uint8)

    def set_state(self, new_state: Array) -> Generator:
        """Continue from a state of get_state(), this one's or PyTorch's, and return self."""
        if not isinstance(new_state, np.ndarray) or new_state.dtype != np.uint8:
            found = getattr(new_state, "dtype", type(new_state).__name__)
            raise TypeError(f"set_state: expected a uint8 array, got {found}")
        if new_state.size != _STATE.itemsize:
            raise RuntimeError(f"set_state: expected a state of size {_STATE.itemsize}, got {new_state.size}")
        engine = np.frombuffer(new_state.tobytes(), _STATE)[0]["engine"]
        left, position, seeded = int(engine["left"]), int(engine["next"]), int(engine["seeded"])
        if not seeded or left < 1 or (left + position != _N_WORDS + 1 and (left, position) != (1, 0)):
            raise RuntimeError(f"set_state: invalid mt19937 state ({left=}, next={position}, {seeded=})")
        words = engine["words"].astype(np.uint32)
        with self._lock:
            self._seed = int(engine["seed"])
            self._engine.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": position or _N_WORDS}}
            self._untouched = position == 0
            self._spare_normal = float(engine["normal_y"]) if engine["normal_is_valid"] else None
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.get_state(),)

    # ---- words ----

    def random_raw(self, n: int, bits: int = 32) -> Array:
        """The next n words of the stream: uint32, or uint64 (bits=64) whose high half comes first."""
        with self._lock:
            self._untouched = self._untouched and n == 0
            words = self._engine.random_raw(n if bits == 32 else 2 * n)
        return words.astype(np.uint32) if bits == 32 else words[0::2] << 32 | words[1::2]

    # ---- uniforms ----

    def _unit(self, n: int, dtype: DTypeLike = np.float64) -> Array:
        """n uniforms in [0, 1): 24 bits of a 32-bit word for float32, 53 bits of a 64-bit word for float64."""
        dtype = np.dtype(dtype)
        digits = _digits(dtype)
        words = self.random_raw(n, 8 * dtype.itemsize) & (2**digits - 1)
        return words.astype(dtype) * 2.0**-digits

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: DTypeLike = np.float32) -> Array:
        """Samples of U[low, high): u (high - low) + low; one that rounds to `high` becomes `low`. Tensor.uniform_.

        float16 rounds float32 samples; complex dtypes draw real and imaginary part in turn. Raises RuntimeError for
        low > high and for bounds, or a distance of them, beyond the dtype.
        """
        dtype = _require("uniform", dtype, "fc")
        if dtype.kind == "c":
            return self.uniform((*shape, 2), low, high, _part(dtype)).view(dtype)[..., 0]
        largest = float(np.finfo(dtype).max)
        if abs(low) > largest or abs(high) > largest or high - low > largest:
            raise RuntimeError(f"uniform: expected |from|, |to|, to - from <= {largest}, got from={low}, to={high}")
        if not low <= high:
            raise RuntimeError(f"uniform: expected a [from, to) range, but found from={low} > to={high}")
        work = np.promote_types(dtype, np.float32)
        start, stop = np.array([low, high], work)
        x = fma(self._unit(math.prod(shape), work), stop - start, start).astype(dtype, copy=False)
        x[x == np.array(high, dtype)] = low
        return x.reshape(shape)

    # ---- integers ----

    def randint(self, shape: Shape, low: int, high: int | None, dtype: DTypeLike = np.int64) -> Array:
        """Integers of [low, high): low + word mod (high - low), the word of 64 bits if high - low >= 2^28, else of 32.

        high=None includes the dtype's largest value (2^digits for floats); with low = -2^63 it takes all 64 bits. For
        float dtypes the bounds move inward to where rounding keeps to the range. Raises RuntimeError for an empty range
        and bounds beyond the dtype. torch.randint, Tensor.random_(to), Tensor.random_(from, to).
        """
        dtype = _require("randint", dtype, "biuf")
        n = math.prod(shape)
        if high is None and low == -(2**63):
            if dtype not in (np.int64, np.float64, np.float32):
                raise RuntimeError(f"randint: 64 random bits need dtype int64, float64 or float32, got {dtype}")
            return self.random_raw(n, 64).view(np.int64).astype(dtype, copy=False).reshape(shape)
        smallest, largest, default_high = _integer_bounds(dtype)
        high = default_high if high is None else high
        if low < smallest or high - 1 > largest:
            raise RuntimeError(f"randint: range is out of bounds for {dtype}, got from={low}, to={high}")
        if dtype.kind == "f":
            low, high = _inward(low, high, dtype)
        if low >= high:
            raise RuntimeError(f"randint: expected 'from' to be less than 'to', but got from={low} >= to={high}")
        words = self.random_raw(n, 64 if high - low >= _WIDE_RANGE else 32).astype(np.uint64, copy=False)
        values = words % np.uint64(high - low) + np.uint64(low % 2**64)
        return values.view(np.int64).astype(dtype, copy=False).reshape(shape)

    def random(self, shape: Shape, dtype: DTypeLike = np.int64) -> Array:
        """Integers from 0 to the dtype's largest value (2^digits for floats), words modulo one more. Tensor.random_().

        int64 and float64 take 64-bit words, other dtypes 32-bit words.
        """
        dtype = _require("random", dtype, "biuf")
        largest = 2 ** _digits(dtype) if dtype.kind == "f" else _integer_bounds(dtype)[1]
        words = self.random_raw(math.prod(shape), 64 if dtype in (np.int64, np.float64) else 32)
        return (words % words.dtype.type(largest + 1)).astype(dtype).reshape(shape)

    def randperm(self, n: int, dtype: DTypeLike = np.int64) -> Array:
        """A permutation of 0 .. n - 1: for i = 0, 1, .. swap x_i with x_{i + word mod (n - i)}. torch.randperm.

        From n = 214748364 on inside out, with 64-bit words: x_i = x_j, x_j = i, j = word mod (i + 1). Raises
        RuntimeError for n < 0 and for n beyond the dtype. (Fisher and Yates 1938; Durstenfeld 1964)
        """
        dtype = _require("randperm", dtype, "iuf")
        if n < 0:
            raise RuntimeError(f"randperm: expected n >= 0, got {n}")
        if n - 1 > (2 ** _digits(dtype) if dtype.kind == "f" else _integer_bounds(dtype)[1]):
            raise RuntimeError(f"randperm: n is too large for {dtype}, got {n}")
        # Each swap depends on those before it, so the loops over elements stay in Python.
        if n < _LONG_PERMUTATION:
            x = list(range(n))
            steps = self.random_raw(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)
            for i, step in enumerate(steps.tolist()):
                x[i], x[i + step] = x[i + step], x[i]
            return np.array(x, dtype)
        order = np.empty(n, np.int64).data
        with self._lock:
            for start in range(0, n, _CHUNK):
                sizes = np.arange(start + 1, min(start + _CHUNK, n) + 1, dtype=np.uint64)
                for i, j in enumerate((self.random_raw(len(sizes), 64) % sizes).tolist(), start):
                    order[i] = order[j]
                    order[j] = i
        return np.asarray(order).astype(dtype, copy=False)

    # ---- the normal distribution ----

    def normal(self, shape: Shape, mean: float = 0.0, std: float = 1.0, dtype: DTypeLike = np.float32, blocks: bool = True) -> Array:
        """Samples of N(mean, std^2): mean + std z, z by Box and Muller (1958). torch.randn, Tensor.normal_.

        Fewer than 16 are computed in pairs in float64, and a spare one is kept for the next such call; more in blocks
        of 16 in float32 (float64 for float64); without `blocks`, as for memory that is not contiguous, all in pairs. The parts of a complex sample have std / sqrt(2). Raises RuntimeError
        for std < 0. torch.normal with a tensor std draws z so and scales it after; with only a tensor mean, std z.
        """
        dtype = _require("normal", dtype, "fc")
        if not std >= 0:
            raise RuntimeError(f"normal: expected std >= 0.0, but found std {std}")
        if dtype.kind == "c":
            return self.normal((*shape, 2), mean, std / math.sqrt(2), _part(dtype)).view(dtype)[..., 0]
        n = math.prod(shape)
        z = self._normal_pairs(n) if n < _NORMAL_BLOCK or not blocks else self._normal_blocks(n, dtype)
        return _cast(fma(z, std, mean), dtype, shape)

    def _normal_pairs(self, n: int) -> Array:
        """n float64 normals, the spare one first, then pairs r cos t, r sin t: r = sqrt(-2 log(1 - v)), t = 2 pi u."""
        with self._lock:
            spare = [] if self._spare_normal is None else [self._spare_normal]
            n_pairs = max(n - len(spare) + 1, 0) // 2
            u, v = self._unit(2 * n_pairs).reshape(n_pairs, 2).T
            radius = np.sqrt(-2 * np.log1p(-v))
            theta = 2 * math.pi * u
            z = np.concatenate([spare, np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1).ravel()])
            self._spare_normal = float(z[n]) if len(z) > n else None
        return z[:n]

    def _normal_blocks(self, n: int, dtype: np.dtype[Any]) -> Array:
        """n >= 16 normals in blocks of 16; unless n is a multiple, a new block then replaces the last 16."""
        rest = n % _NORMAL_BLOCK
        # The rest's own uniforms are drawn too and not used, but not for float16.
        unused = 0 if dtype == np.float16 else rest
        u = self._unit(n - rest + unused + (_NORMAL_BLOCK if rest else 0), np.promote_types(dtype, np.float32))
        z = np.empty(n, u.dtype)
        z[: n - rest] = _box_muller(u[: n - rest].reshape(-1, _NORMAL_BLOCK)).ravel()
        if rest:
            z[-_NORMAL_BLOCK:] = _box_muller(u[-_NORMAL_BLOCK:])
        return z

    def log_normal(self, shape: Shape, mean: float = 1.0, std: float = 2.0, dtype: DTypeLike = np.float32) -> Array:
        """Samples of exp(mean + std z), z in pairs at any size. RuntimeError for std <= 0. Tensor.log_normal_."""
        dtype = _require("log_normal", dtype, "f")
        if not std > 0:
            raise RuntimeError(f"log_normal: expected std > 0.0, but found std={std}")
        return _cast(np.exp(self._normal_pairs(math.prod(shape)) * std + mean), dtype, shape)

    # ---- other distributions, from one float64 uniform u each ----

    def exponential(self, shape: Shape, lambd: float = 1.0, dtype: DTypeLike = np.float32) -> Array:
        """Samples -log(1 - u) / lambd of density lambd exp(-lambd x). Tensor.exponential_.

        Raises RuntimeError for lambd <= 0.
        """
        dtype = _require("exponential", dtype, "f", RuntimeError)
        if not lambd > 0:
            raise RuntimeError(f"exponential: expected lambda > 0.0, but found lambda={lambd}")
        return _cast(-1 / lambd * np.log1p(-self._unit(math.prod(shape))), dtype, shape)

    def cauchy(self, shape: Shape, median: float = 0.0, sigma: float = 1.0, dtype: DTypeLike = np.float32) -> Array:
        """Samples median + sigma tan(pi (u - 1/2)) of density sigma / (pi ((x - median)^2 + sigma^2)). Tensor.cauchy_.

        Raises RuntimeError for sigma <= 0.
        """
        dtype = _require("cauchy", dtype, "f", RuntimeError)
        if not sigma > 0:
            raise RuntimeError(f"cauchy: expected sigma > 0.0, but found sigma={sigma}")
        u = self._unit(math.prod(shape))
        return _cast(median + sigma * np.tan(math.pi * (u - 0.5)), dtype, shape)

    def geometric(self, shape: Shape, p: float, dtype: DTypeLike = np.float32) -> Array:
        """Trials to the first success, ceil(log(u) / log(1 - p)), with P(k) = (1 - p)^(k-1) p. Tensor.geometric_.

        Raises RuntimeError unless 0 < p < 1.
        """
        dtype = _require("geometric", dtype, "iuf")
        if not 0 < p < 1:
            raise RuntimeError(f"geometric: expected p to be in (0, 1), but got p={p}")
        trials = np.ceil(np.log(self._unit(math.prod(shape))) / math.log1p(-p))
        return _cast(trials, dtype, shape)

    def bernoulli(self, p: float | Array, shape: Shape, dtype: DTypeLike = np.float32) -> Array:
        """1 where u < p, else 0. Tensor.bernoulli_ (with 1 - p the mask of F.dropout), torch.bernoulli.

        An array p is broadcast to `shape`; unless float64, it is compared with float32 uniforms. Raises RuntimeError
        unless 0 <= p <= 1.
        """
        dtype = _require("bernoulli", dtype, "biuf")
        work = np.dtype(np.float64)
        if isinstance(p, np.ndarray):
            work = np.promote_types(_require("bernoulli", p.dtype, "f"), np.float32)
        threshold = np.broadcast_to(p, shape)
        if not np.all((threshold >= 0) & (threshold <= 1)):
            raise RuntimeError(f"bernoulli: expected p to be in [0, 1], but got p={p}")
        return np.array(self._unit(math.prod(shape), work).reshape(shape) < threshold, dtype)

    def multinomial(self, probs: Array, num_samples: int, replacement: bool = False) -> Array:
        """num_samples indices per row, int64, drawn with the weights `probs` (n,) or (rows, n). torch.multinomial.

        Without replacement, or for one sample: where probs / q is largest, q exponential in the dtype of probs (among
        equals the lowest index; PyTorch leaves that open). With replacement: the first index whose cumulative
        probability reaches u. Raises RuntimeError for weights that are negative, not finite or all zero, and for a
        num_samples that is not positive or, without replacement, beyond n.
        """
        dtype = _require("multinomial", probs.dtype, "f", RuntimeError)
        if probs.ndim not in (1, 2):
            raise RuntimeError(f"multinomial: expected probs with 1 or 2 dimensions, got {probs.ndim}")
        n = probs.shape[-1]
        if num_samples <= 0 or (not replacement and num_samples > n):
            raise RuntimeError(f"multinomial: cannot draw {num_samples} samples from {n} with {replacement=}")
        if not np.all(np.isfinite(probs) & (probs >= 0)):
            raise RuntimeError("multinomial: probability tensor contains either `inf`, `nan` or element < 0")
        if not np.all(probs.any(axis=-1)):
            raise RuntimeError("multinomial: invalid distribution (sum of probabilities <= 0)")
        if num_samples == 1 or not replacement:
            with np.errstate(all="ignore"):
                ratio = probs / self.exponential(probs.shape, 1.0, dtype)
            return np.argsort(-ratio, axis=-1, kind="stable")[..., :num_samples]
        cumulative = np.cumsum(probs, axis=-1, dtype=np.promote_types(dtype, np.float32))
        rows = (cumulative / cumulative[..., -1:]).astype(np.float64).reshape(-1, n)
        u = self._unit(len(rows) * num_samples).reshape(-1, num_samples)
        picks = [np.searchsorted(row, x) for row, x in zip(rows, u, strict=True)]
        return np.array(picks, np.int64).reshape(*probs.shape[:-1], num_samples)


def _restore(state: Array) -> Generator:
    return Generator().set_state(state)


default_generator = Generator()
default_generator.seed()
if hasattr(os, "register_at_fork"):  # a lock that another thread holds at that moment would stay locked in the child
    os.register_at_fork(before=default_generator._lock.acquire, after_in_parent=default_generator._lock.release,
                        after_in_child=default_generator._lock.release)


def manual_seed(seed: int) -> Generator:
    """Start the default generator's stream that belongs to int(seed) and return the generator. torch.manual_seed."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator from the system's entropy, as at import, and return the seed. torch.seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the default generator was started from. torch.initial_seed."""
    return default_generator.initial_seed()
