"""Networks in 8-bit integers: a quarter of the size, and arithmetic that the smallest processors have.

    prepared = prepare(model, example)      # batch norms folded, ranges watched
    for x in calibration_data:
        prepared(x)
    quantized = convert(prepared)           # int8 weights, int32 sums
    print(report(model, quantized, test_images, test_labels))

What runs in integers: `Conv2d` and `Linear`, with the ReLU behind them. What runs in float32 on the numbers that the integers stand for: everything
between them (sums of residual blocks, gates, pooling, softmax). `prepare_qat` in place of `prepare` gives a model to train further, which
learns to live with the rounding. The names are those of torch.ao.quantization where they mean the same.

Beside it, `QFormat` is fixed point as signal processors have it: a scale that is a power of two.
"""

from .affine import QParams as QParams
from .affine import choose_qparams as choose_qparams
from .affine import per_channel_affine as per_channel_affine
from .affine import per_channel_symmetric as per_channel_symmetric
from .affine import per_tensor_affine as per_tensor_affine
from .affine import per_tensor_symmetric as per_tensor_symmetric
from .affine import qscheme as qscheme
from .convert import QConfig as QConfig
from .convert import convert as convert
from .convert import default_qat_qconfig as default_qat_qconfig
from .convert import default_qconfig as default_qconfig
from .convert import from_state_dict as from_state_dict
from .convert import prepare as prepare
from .convert import prepare_qat as prepare_qat
from .fake_quantize import FakeQuantize as FakeQuantize
from .fake_quantize import disable_fake_quant as disable_fake_quant
from .fake_quantize import disable_observer as disable_observer
from .fake_quantize import enable_fake_quant as enable_fake_quant
from .fake_quantize import enable_observer as enable_observer
from .fixed_point import QFormat as QFormat
from .fold import fold_batch_norm as fold_batch_norm
from .histogram import MSEObserver as MSEObserver
from .histogram import PercentileObserver as PercentileObserver
from .layers import QuantizedConv2d as QuantizedConv2d
from .layers import QuantizedLinear as QuantizedLinear
from .observer import MinMaxObserver as MinMaxObserver
from .observer import MovingAverageMinMaxObserver as MovingAverageMinMaxObserver
from .observer import MovingAveragePerChannelMinMaxObserver as MovingAveragePerChannelMinMaxObserver
from .observer import PerChannelMinMaxObserver as PerChannelMinMaxObserver
from .report import QuantizationReport as QuantizationReport
from .report import report as report
from .report import sqnr as sqnr
from .requantize import quantize_multiplier as quantize_multiplier
from .requantize import requantize as requantize
