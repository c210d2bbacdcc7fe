"""Convolution and linear layers that compute with integers.

With r = S (q - Z) for input x, weight w and output y, the sum over k of w x + b is

    q_y = Z_y + M sum over k of (q_w - Z_w) (q_x - Z_x) + q_b,    M = S_w S_x / S_y,    b = S_w S_x q_b

(Jacob et al., 2018, arXiv 1712.05877, sections 2.2 to 2.4: the sum and the bias are int32, M is an integer and a shift (`requantize`), and saturation
at the output's limits is ReLU too, if the lower limit is Z_y). S_w, and so M, may differ between output channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dtypes import DTYPES
from ..core.tensor import Tensor, data_of, wrap
from ..nn import Conv2d, Linear, Module
from ..nn import functional as F
from .affine import QParams
from .requantize import quantize_multiplier, requantize

__all__ = ["QuantizedConv2d", "QuantizedLinear"]

INT32_MAX = 2 ** 31 - 1


class QuantizedLayer(Module):
    """What both layers share: integers as buffers, and the arithmetic after the sum.

    Buffers: `weight` (int8 or uint8); for each output channel `weight_scale` (float32), `weight_zero_point` (of the weight's type) and `bias`
    (int32), whose scale is ``input_scale * weight_scale``; for input and output `..._scale` (float32), `..._zero_point` and `..._range`
    (the smallest and the largest integer, int32).

    `forward` takes and gives float32: it quantises its input, computes with integers, and gives S_y (q_y - Z_y). Where one such layer feeds
    another, both with the same S and Z, the integers arrive unchanged. There is no gradient.
    """

    float_type: type[Module]
    weight: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        if type(layer) is not self.float_type:
            raise TypeError(f"{type(self).__name__}: expected a {self.float_type.__name__} layer, got {type(layer).__name__}")
        channels = layer.weight.shape[0]
        for name, shape, dtype in (("weight", tuple(layer.weight.shape), np.int8), ("bias", (channels,), np.int32),
                                   ("weight_scale", (channels,), np.float32), ("weight_zero_point", (channels,), np.int8),
                                   *((f"{side}_{what}", shape, dtype) for side in ("input", "output") for what, shape, dtype in (
                                       ("scale", (), np.float32), ("zero_point", (), np.int32), ("range", (2,), np.int32)))):
            self.register_buffer(name, wrap(np.zeros(shape, dtype)))

    def quantize_from(self, layer: Any, weight_params: QParams, input_params: QParams, output_params: QParams, relu: bool) -> Any:
        """Takes the layer's weight and bias, quantised.

        ValueError where a sum might not fit in int32. Where a bias would not (the weights of its channel being next to nothing), the
        channel's weight scale is raised until it does.
        """
        if input_params.axis is not None or output_params.axis is not None or weight_params.axis not in (None, 0):
            raise ValueError(f"{type(self).__name__}: expected inputs and outputs per tensor, and weights per tensor or per output channel (axis 0)")
        channels = layer.weight.shape[0]
        bias = np.zeros(channels) if layer.bias is None else layer.bias.detach().numpy().astype(np.float64)
        least = np.abs(bias) / (float(input_params.scale) * 2 ** 30)
        scale = np.maximum(np.broadcast_to(weight_params.scale, channels), least.astype(np.float32))
        zero_point = np.broadcast_to(weight_params.zero_point, channels).astype(np.int32)
        weight = QParams(scale, zero_point, weight_params.quant_min, weight_params.quant_max, 0).quantize(layer.weight.detach())
        signed = weight_params.quant_min < 0
        if not (-128 <= weight_params.quant_min and weight_params.quant_max <= (127 if signed else 255)):
            raise ValueError(f"{type(self).__name__}: expected weights of 8 bits at most, got integers from {weight_params.quant_min} to "
                             f"{weight_params.quant_max}")
        bias = np.rint(bias / (float(input_params.scale) * scale.astype(np.float64))).astype(np.int64)
        farthest = max(input_params.quant_max - int(input_params.zero_point), int(input_params.zero_point) - input_params.quant_min)
        centred = np.abs(weight.astype(np.int64) - zero_point.reshape(-1, *[1] * (weight.ndim - 1)))
        largest = int((centred.reshape(channels, -1).sum(1) * farthest + np.abs(bias)).max())
        if largest > INT32_MAX:
            raise ValueError(f"{type(self).__name__}: a sum could reach {largest}, more than int32 holds ({INT32_MAX})")
        kind = np.int8 if signed else np.uint8
        self.weight, self.weight_zero_point, self.weight_scale = wrap(weight.astype(kind)), wrap(zero_point.astype(kind)), wrap(scale)
        self.bias = wrap(bias.astype(np.int32))
        for side, params in (("input", input_params), ("output", output_params)):
            low = max(params.quant_min, int(params.zero_point)) if relu and side == "output" else params.quant_min
            setattr(self, f"{side}_scale", wrap(np.array(params.scale, np.float32)))
            setattr(self, f"{side}_zero_point", wrap(np.array(params.zero_point, np.int32)))
            setattr(self, f"{side}_range", wrap(np.array([low, params.quant_max], np.int32)))
        return self

    def _params(self, side: str) -> QParams:
        low, high = getattr(self, f"{side}_range").tolist()
        return QParams(getattr(self, f"{side}_scale").numpy(), getattr(self, f"{side}_zero_point").numpy(), low, high)

    @property
    def input_params(self) -> QParams:
        """How the input is quantised."""
        return self._params("input")

    @property
    def output_params(self) -> QParams:
        """How the output is quantised; with ReLU its smallest integer is not below the zero point."""
        return self._params("output")

    def multiplier(self) -> tuple[np.ndarray, np.ndarray]:
        """M0 and shift of M = S_w S_x / S_y for each output channel."""
        scales = [s.numpy().astype(np.float64) for s in (self.weight_scale, self.input_scale, self.output_scale)]
        return quantize_multiplier(scales[0] * scales[1] / scales[2])

    def integers(self, q: np.ndarray) -> np.ndarray:
        """The output's integers (int32) of the input's integers.

        The sum is exact though a float64 product computes it (which is what NumPy does fast): every term and every partial sum is an integer below
        2^31, and float64 holds integers up to 2^53. int32 arithmetic, in any order, gives the same.
        """
        lead = (-1,) + (1,) * (self.weight.ndim - 2)
        weight = self.weight.numpy().astype(np.float64) - self.weight_zero_point.numpy().reshape(*lead, 1)
        x = wrap((q - self.input_zero_point.numpy()).astype(np.float64))
        total = self._sum(x, wrap(weight)).numpy().astype(np.int64)
        per_channel = [v.reshape(lead) for v in (self.bias.numpy().astype(np.int64), *self.multiplier())]
        y = requantize(total + per_channel[0], *per_channel[1:]) + self.output_zero_point.numpy()
        return np.clip(y, *self.output_range.tolist()).astype(np.int32)

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        return wrap(self.output_params.dequantize(self.integers(self.input_params.quantize(data_of(input)))))

    def extra_repr(self) -> str:
        return (f"{'x'.join(map(str, self.weight.shape))} {DTYPES[self.weight.numpy().dtype].name}, "
                f"input {float(self.input_scale):.3g} (q - {int(self.input_zero_point)}), "
                f"output {float(self.output_scale):.3g} (q - {int(self.output_zero_point)}) in {self.output_range.tolist()}")


class QuantizedConv2d(QuantizedLayer):
    """`Conv2d` in integers; see `QuantizedLayer`. Padding with zeros is padding with the input's zero point; other padding modes
    repeat integers."""

    float_type = Conv2d

    def __init__(self, layer: Conv2d) -> None:
        super().__init__(layer)
        self.stride, self.padding, self.dilation, self.groups = layer.stride, layer.padding, layer.dilation, layer.groups
        self.padding_mode, self.around = layer.padding_mode, layer._reversed_padding_repeated_twice

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x, padding = F.pad(x, self.around, mode=self.padding_mode), 0
        return F.conv2d(x, weight, None, self.stride, padding, self.dilation, self.groups)


class QuantizedLinear(QuantizedLayer):
    """`Linear` in integers; see `QuantizedLayer`."""

    float_type = Linear

    def _sum(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)


QUANTIZED: dict[type[Module], type[QuantizedLayer]] = {cls.float_type: cls for cls in (QuantizedConv2d, QuantizedLinear)}
