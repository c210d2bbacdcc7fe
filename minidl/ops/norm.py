"""Normalisation: y = (x - mean) / sqrt(var + eps) * w + b, over the axes that give each kind its name.

One kernel serves all kinds. It sees `x` in a view of shape `shape`, takes mean and (biased) variance over `axes`, and
reads `w` and `b` in the shape `w_shape`, which broadcasts. With d = x - mean, s = 1 / sqrt(var + eps), u = dy * w and
<> the mean over `axes`:

    dL/dx = s (u - <u> - s^2 d <u d>),   dL/dw = sum(dy s d),   dL/db = sum(dy)

For fixed statistics (a batch norm in evaluation) dL/dx = s u; for the root mean square, which does not subtract a
mean, d = x and the term <u> falls away. The kernel keeps the memory order of `x`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public
from ..core.broadcast import expand_to, sum_to
from ..core.checks import require_constant, require_float, require_tensor
from ..core.threads import pays, split
from .elementwise import rsqrt
from .memory import is_channels_last, row_major
from .norms import vector_norm
from .resample import Taps, resample
from .select import clamp_min
from .shape import reshape
from .sums import Sum, constant

PASSES = 6  # of a norm, or its backward, over its input


class Norm:
    """What is normalised: the view of x, the axes of the statistics, w's own shape and that in the view, and how.

    `kind` is "standard", "fixed" (the statistics are given) or "rms" (no mean is subtracted). `w_inside`: whether w varies along
    the normalised axes; otherwise it is a factor of the result. `keeps_order`: whether of a channels-last x the result is so too.
    """

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, ...], param_shape: tuple[int, ...], w_shape: tuple[int, ...],
                 eps: float, kind: str = "standard") -> None:
        self.shape, self.axes, self.param_shape, self.w_shape, self.eps, self.kind = shape, axes, param_shape, w_shape, eps, kind
        self.stat_shape = tuple([1 if d in axes else n for d, n in enumerate(shape)])
        self.size = max(math.prod([shape[d] for d in axes]), 1)
        self.w_inside = any(w_shape[d] != 1 for d in axes)
        self.keeps_order = 0 in axes
        self.to_stat, self.to_w = Sum(shape, self.stat_shape), Sum(shape, w_shape)
        self.apart = next((d for d, n in enumerate(shape) if d not in axes and n > 1), None)
        self.cost = 0 if self.apart is None else PASSES * math.prod(shape)

    def part(self, places: slice) -> Norm:
        """The normalisation of these places along `apart`, the first dimension that the statistics keep."""
        shape, w_shape = [tuple([n if d != self.apart or n == 1 else places.stop - places.start for d, n in enumerate(sizes)])
                          for sizes in (self.shape, self.w_shape)]
        return norm_of(shape, self.axes, self.param_shape, w_shape, self.eps, self.kind)

    def cut(self, places: slice, *arrays: Any) -> Any:
        """Of each array these places along `apart`, or all of it if it is the same for all."""
        index = (slice(None),) * self.apart + (places,)  # type: ignore[operator]
        return [z if z is None or z.shape[self.apart] == 1 else z[index] for z in arrays]

    def joined(self, parts: Any) -> Any:
        """The gradient of w or b from those of its parts, or of all of it in each part."""
        if any(part is None for part in parts):
            return None
        return sum(parts) if self.w_shape[self.apart] == 1 else np.concatenate(parts, self.apart)  # type: ignore[index]


norm_of = lru_cache(Norm)  # one batch is as large as the last


def in_view(w: Any, norm: Norm) -> Any:
    return None if w is None else w.reshape(norm.w_shape)


def inverse_deviation(var: np.ndarray, eps: float) -> Any:
    """1 / sqrt(var + eps)"""
    s = var + constant(eps, var.dtype)
    np.sqrt(s, s)
    return np.reciprocal(s, s)


def standardise(v: np.ndarray, w: Any, b: Any, norm: Norm, out: Any = None) -> Any:
    """y, in `out` if given, and the mean and variance."""
    size = constant(norm.size, v.dtype)
    mean = np.zeros(norm.stat_shape, v.dtype) if norm.kind == "rms" else norm.to_stat.of(v) / size
    d = np.subtract(v, mean, out=out)
    var = norm.to_stat.of_product(d, d)
    var /= size
    s = inverse_deviation(var, norm.eps)
    if w is not None and not norm.w_inside:
        s *= w
    d *= s
    if w is not None and norm.w_inside:
        d *= w
    if b is not None:
        d += b
    return d, mean, var


def normalise(x: Any, w: Any, b: Any, norm: Any) -> Any:
    """y with the mean and variance of x itself, and these."""
    if x.dtype.itemsize == 2:  # whose sums would overflow
        y, mean, var = normalise(x.astype(np.float32), w, b, norm)
        return y.astype(x.dtype), mean, var
    if not (x.flags.c_contiguous or is_channels_last(x) and (norm.keeps_order or len(norm.shape) > x.ndim)):
        x = x.copy()
    v, w, b = x.reshape(norm.shape), in_view(w, norm), in_view(b, norm)
    if not pays(norm.cost):
        y, mean, var = standardise(v, w, b, norm)
        return y.reshape(x.shape), mean, var
    y = np.empty_like(v)
    mean, var = [np.empty(norm.stat_shape, v.dtype) for _ in range(2)]

    def work(places: slice) -> None:
        v_part, w_part, b_part, out, *stats = norm.cut(places, v, w, b, y, mean, var)
        for stat, found in zip(stats, standardise(v_part, w_part, b_part, norm.part(places), out)[1:]):
            stat[...] = found

    split(work, norm.shape[norm.apart])
    return y.reshape(x.shape), mean, var


def normalise_rule(g: Any, x: Any, w: Any, mean: Any, var: Any, norm: Any, needs: Any) -> Any:
    grads = _normalise_backward(g[0], x, w, mean, var, norm, tuple(needs))
    return tuple([grad if need else None for grad, need in zip(grads, needs)])


OPTIONS: dict[str, Any] = {"joint": ("x w b", normalise_rule), "outputs": "y mean var"}
_batch_norm = primitive(normalise, grad_name="NativeBatchNormBackward0", **OPTIONS)
_layer_norm = primitive(normalise, grad_name="NativeLayerNormBackward0", **OPTIONS)
_group_norm = primitive(normalise, grad_name="NativeGroupNormBackward0", **OPTIONS)


def rms_rule(g: Any, x: Any, w: Any, mean: Any, var: Any, norm: Any, needs: Any) -> Any:
    """The gradient of w arrives first: in PyTorch a product with it comes last."""
    dx, dw, _ = normalise_rule(g, x, w, mean, var, norm, (needs[1], needs[0], False))
    return dw, dx, None


_rms_norm = primitive(normalise, grad_name="FusedRmsNormBackward0", joint=("w x b", rms_rule), outputs="y mean var")


@primitive(joint=("x w b", lambda g, x, w, mean, var, norm, needs: normalise_rule([g], x, w, mean, var, norm, needs)),
           arrays="mean var", grad_name="NativeBatchNormBackward0")
def _normalise_fixed(x: Any, w: Any, b: Any, mean: Any, var: Any, norm: Any) -> Any:
    """y with a given mean and variance, as x times one factor plus one summand for each channel."""
    s = inverse_deviation(var, norm.eps)
    if w is not None:
        s = s * w.reshape(norm.w_shape)
    y = (x if is_channels_last(x) else row_major(x)) * s
    y += -mean * s if b is None else b.reshape(norm.w_shape) - mean * s
    return y


def backward_rule(g: Any, dy: Any, x: Any, w: Any, mean: Any, var: Any, norm: Any, wanted: Any) -> Any:
    """The derivatives of `_normalise_backward`, in ops, so that there are derivatives of every order.

    With z = s d and Q(v) = s (v - <v> - z <v z>), which is dz/dx and its own transpose.
    """
    def average(v: Any) -> Any:
        return sum_to(v, norm.stat_shape) / norm.size

    def project(v: Any) -> Any:
        spread = v - z * average(v * z)
        return s * (spread if norm.kind == "rms" else spread - average(v))

    x_shape = x.shape
    x, dy = reshape(x, norm.shape), reshape(dy, norm.shape)
    d = x - (average(x) if norm.kind == "standard" else mean)
    s = rsqrt((var if norm.kind == "fixed" else average(d * d)) + norm.eps)
    z, u = s * d, dy if w is None else dy * reshape(w, norm.w_shape)
    h = reshape(g[0], norm.shape) if wanted[0] else 0.0 * dy
    h_w = reshape(g[1], norm.w_shape) if wanted[1] else 0.0
    h_b = reshape(g[2], norm.w_shape) if wanted[2] else 0.0
    if norm.kind == "fixed":
        q, to_x = s * h, s * h_w * dy
    else:
        q = project(h)
        through_z = h_w * dy - s * (h * average(u * z) + u * average(h * z))
        to_x = project(through_z) - z * s * average(h * project(u))
    to_dy = (q if w is None else reshape(w, norm.w_shape) * q) + h_w * z + h_b
    to_w = None if w is None else reshape(sum_to(dy * q, norm.w_shape), norm.param_shape)
    return reshape(to_dy, x_shape), reshape(expand_to(to_x, norm.shape), x_shape), to_w


@primitive(joint=("dy x w", backward_rule), arrays="mean var", outputs="dx dw db")
def _normalise_backward(dy: Any, x: Any, w: Any, mean: Any, var: Any, norm: Any, wanted: Any) -> Any:
    """dx, dw and db as the module's docstring gives them; an empty array for one that is not wanted."""
    if x.dtype.itemsize == 2:
        dy = dy.astype(np.float32)
    dy, v, w = dy.reshape(norm.shape), x.reshape(norm.shape), in_view(w, norm)
    if not pays(norm.cost):
        dx, dw, db = gradients(dy, v, w, mean, var, norm, wanted)
    else:
        dx = np.empty_like(v, mean.dtype)

        def work(places: slice) -> Any:
            *arrays, out = norm.cut(places, dy, v, w, mean, var, dx)
            return gradients(*arrays, norm.part(places), wanted, out)[1:]

        dw, db = map(norm.joined, zip(*split(work, norm.shape[norm.apart])))
    return [z.reshape(shape) if want else np.empty(0, x.dtype)
            for z, shape, want in zip((dx, dw, db), (x.shape, norm.param_shape, norm.param_shape), wanted)]


def gradients(dy: Any, v: Any, w: Any, mean: Any, var: Any, norm: Norm, wanted: Any, out: Any = None) -> Any:
    """dx, in `out` if given, dw and db; anything for one that is not wanted."""
    s = inverse_deviation(var, norm.eps)
    d = np.subtract(v, mean, out=out)
    shared = norm.w_shape == norm.stat_shape  # then dx needs the sums that are dw and db
    if not shared:
        d *= s
    db = norm.to_w.of(dy) if wanted[2] or shared else None
    dw = norm.to_w.of_product(dy, d) if wanted[1] or shared else None
    if shared:
        dw *= s
    if not wanted[0]:
        return d, dw, db
    u = dy * w if norm.w_inside and w is not None else dy
    factor = s if w is None or norm.w_inside else s * w
    if norm.kind == "fixed":
        return np.multiply(u, factor, out=d), dw, db
    d *= dw * s / -norm.size if shared else norm.to_stat.of_product(u, d) / -norm.size
    d += u
    if norm.kind == "standard":
        d -= (db if shared else norm.to_stat.of(u)) / norm.size
    d *= factor
    return d, dw, db


# ---- the public functions


def per_channel(op: str, channels: int, **arrays: Any) -> None:
    """RuntimeError unless each array given has one element per channel."""
    for name, a in arrays.items():
        if a is not None and math.prod(a.shape) != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {math.prod(a.shape)} ({op})")


@lru_cache
def channel_norm(shape: tuple[int, ...], eps: float, kind: str) -> Norm:
    """The normalisation of each channel of (N, C, *)."""
    if len(shape) < 2 and shape != (0,):
        raise RuntimeError(f"batch_norm: expected input with 2 or more dimensions (N, C, *), got {len(shape)}")
    axis = min(1, len(shape) - 1)
    others = tuple([d for d in range(len(shape)) if d != axis])
    return Norm(shape, others, (shape[axis],), tuple([1 if d in others else n for d, n in enumerate(shape)]), eps, kind)


def update(running: Any, value: np.ndarray, momentum: float) -> None:
    """running = (1 - momentum) running + momentum value, in place."""
    if running is None:
        return
    array = data_of(running)
    array *= 1 - momentum
    array += momentum * value.reshape(array.shape)
    if isinstance(running, Tensor):
        running._counter[0] += 1


@public(where="nn.functional")
def batch_norm(input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
               training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """y = (x - mean) / sqrt(var + eps) * weight + bias for each channel, over the batch and all positions.

    x: (N, C, *). In training the statistics are those of x (var biased), and the running ones, if given, move towards
    them in place: running = (1 - momentum) running + momentum value, with the unbiased variance. Otherwise the
    running ones are used. ValueError in training if a channel has one value only. Ioffe and Szegedy 2015,
    arXiv:1502.03167.
    """
    require_tensor("batch_norm", "input", input)
    require_float("batch_norm", input)
    require_constant("batch_norm", running_mean=running_mean, running_var=running_var)
    shape = data_of(input).shape
    norm = channel_norm(shape, eps, "standard" if training else "fixed")
    per_channel("batch_norm", norm.param_shape[0], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when training=False (batch_norm)")
        mean, var = [np.array(data_of(r)).reshape(norm.w_shape) for r in (running_mean, running_var)]
        return _normalise_fixed(input, weight, bias, mean, var, norm)
    require_several("batch_norm", shape, norm.size)
    y, mean, var = _batch_norm(input, weight, bias, norm)
    if 0 not in shape:  # an empty batch tells nothing
        update(running_mean, data_of(mean), momentum)
        update(running_var, data_of(var) * (norm.size / max(norm.size - 1, 1)), momentum)
    return y


def require_several(op: str, shape: tuple[int, ...], count: int) -> None:
    if count == 1 and 0 not in shape:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)} ({op})")


@public(where="nn.functional")
def instance_norm(input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
                  use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """`batch_norm` of each sample by itself: the statistics are over the positions of one channel of one sample.

    x: (N, C, *). The running statistics, if given, move towards the averages over the samples; with
    ``use_input_stats=False`` they are used instead. Ulyanov et al. 2016, arXiv:1607.08022.
    """
    require_tensor("instance_norm", "input", input)
    require_float("instance_norm", input)
    require_constant("instance_norm", running_mean=running_mean, running_var=running_var)
    weight, bias = [None if p is None else reshape(p, p.shape) for p in (weight, bias)]  # there repeated: nodes before that of the norm
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    shape = tuple(input.shape)
    if len(shape) < 2:
        raise RuntimeError(f"instance_norm: expected input with 2 or more dimensions (N, C, *), got {len(shape)}")
    if math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {list(shape)} "
                         "(instance_norm)")
    per_channel("instance_norm", shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    w_shape = (1, shape[1]) + (1,) * (len(shape) - 2)
    norm = norm_of(shape, tuple(range(2, len(shape))), (shape[1],), w_shape, eps)
    y, mean, var = _batch_norm(input, weight, bias, norm)
    update(running_mean, data_of(mean).mean(axis=0), momentum)
    update(running_var, data_of(var).mean(axis=0) * (norm.size / max(norm.size - 1, 1)), momentum)
    return y


def trailing(op: str, x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float, kind: str) -> Norm:
    """The normalisation over the last dimensions, which must be `normalized_shape`."""
    require_tensor(op, "input", x)
    require_float(op, x)
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{op}(): argument 'normalized_shape' must be tuple of ints, not "
                        f"{type(normalized_shape).__name__}")
    shapes = [None if a is None else data_of(a).shape for a in (weight, bias)]
    return trailing_norm(op, data_of(x).shape, tuple(normalized_shape), *shapes, eps, kind)


@lru_cache
def trailing_norm(op: str, shape: tuple[int, ...], last: tuple[int, ...], w_shape: tuple[int, ...] | None,
                  b_shape: tuple[int, ...] | None, eps: float, kind: str) -> Norm:
    if not last:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           f"element, but got normalized_shape = {list(last)} ({op})")
    for name, given in (("weight", w_shape), ("bias", b_shape)):
        if given is not None and given != last:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                               f"{list(given)} and normalized_shape = {list(last)} ({op})")
    if shape[len(shape) - len(last):] != last or len(shape) < len(last):
        raise RuntimeError(f"Given normalized_shape={list(last)}, expected input with shape [*, "
                           f"{', '.join(map(str, last))}], but got input of size{list(shape)} ({op})")
    lead = len(shape) - len(last)
    return Norm(shape, tuple(range(lead, len(shape))), last, (1,) * lead + last, eps, kind)


@public(where="torch nn.functional")
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """y = (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions, of shape `normalized_shape`.

    Weight and bias have that shape too. Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """
    norm = trailing("layer_norm", input, normalized_shape, weight, bias, eps, "standard")
    return _layer_norm(input, weight, bias, norm)[0]


@public(where="torch nn.functional")
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """y = x / sqrt(mean(x^2) + eps) * weight over the last dimensions; `eps` defaults to the type's own.

    Zhang and Sennrich 2019, arXiv:1910.07467.
    """
    require_tensor("rms_norm", "input", input)
    eps = float(np.finfo(dtype_of(input)).eps) if eps is None else eps
    norm = trailing("rms_norm", input, normalized_shape, weight, None, eps, "rms")
    return _rms_norm(input, weight, None, norm)[0]


@public(where="torch nn.functional")
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """y = (x - mean) / sqrt(var + eps) * weight + bias, the statistics over one group of channels of one sample.

    x: (N, C, *) with C divisible by `num_groups`; weight and bias are per channel. Wu and He 2018, arXiv:1803.08494.
    """
    require_tensor("group_norm", "input", input)
    require_float("group_norm", input)
    shape = tuple(input.shape)
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)} (group_norm)")
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups} (group_norm)")
    if shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, but got input of shape "
                           f"{list(shape)} and num_groups={num_groups} (group_norm)")
    require_several("group_norm", shape, shape[0] * shape[1] // num_groups * math.prod(shape[2:]))
    for name, a in (("weight", weight), ("bias", bias)):
        if a is not None and tuple(a.shape) != shape[1:2]:
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but "
                               f"got {name} of shape {list(a.shape)} and input of shape {list(shape)} (group_norm)")
    grouped = (shape[0], num_groups, shape[1] // num_groups, *shape[2:])
    w_shape = (1, num_groups, grouped[2]) + (1,) * (len(shape) - 2)
    return _group_norm(input, weight, bias, norm_of(grouped, tuple(range(2, len(grouped))), shape[1:2], w_shape, eps))[0]


@public(where="nn.functional")
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """y = x / max(|x|_p, eps), the p-norm over `dim`."""
    require_tensor("normalize", "input", input)
    return input / clamp_min(vector_norm(input, p, dim, True), eps)


@public(where="nn.functional")
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """y = x / (k + alpha a)^beta, a the mean of x^2 over a window of `size` channels, zeros beyond the first and last.

    x: (N, C, *). The window of channel c starts at c - size // 2. Krizhevsky et al. 2012.
    """
    require_tensor("local_response_norm", "input", input)
    if input.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions) "
                         "(local_response_norm)")
    if size < 1:
        raise RuntimeError(f"local_response_norm: expected size greater than zero, got {size}")
    if 0 in input.shape:
        return input
    channels = input.shape[1]
    window = np.arange(channels)[:, None] + np.arange(size) - size // 2
    inside = (window >= 0) & (window < channels)
    squares = resample(input * input, (Taps(1, np.clip(window, 0, channels - 1), inside, channels),))
    mean = squares / size if dtype_of(input).kind == "f" else squares // size
    return input / (k + alpha * mean) ** beta
