"""From a float model to a quantised one: prepare, run data, convert."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..core.dtypes import int8
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..nn import Identity, Module
from ..nn import functional as F
from ..nn.utils.stateless import functional_call
from .affine import per_channel_symmetric
from .fake_quantize import FakeQuantize
from .flow import Flow, replace
from .fold import NORMS, fold_batch_norm
from .layers import QUANTIZED
from .observer import MinMaxObserver, MovingAverageMinMaxObserver, MovingAveragePerChannelMinMaxObserver, PerChannelMinMaxObserver

__all__ = ["ObservedLayer", "QConfig", "convert", "default_qat_qconfig", "default_qconfig", "from_state_dict", "prepare", "prepare_qat"]


class QConfig(NamedTuple):
    """Constructors of what watches the activations and the weights: observers, or `FakeQuantize` for training."""

    activation: Callable[[], Any]
    weight: Callable[[], Any]


default_qconfig = QConfig(MinMaxObserver, partial(PerChannelMinMaxObserver, dtype=int8, qscheme=per_channel_symmetric))
default_qat_qconfig = QConfig(partial(FakeQuantize, observer=MovingAverageMinMaxObserver), partial(
    FakeQuantize, observer=MovingAveragePerChannelMinMaxObserver, dtype=int8, qscheme=per_channel_symmetric))


class ObservedLayer(Module):
    """A layer of a prepared model: input, weight and output (after ReLU, if that follows) pass through observers or fake quantisation.

    `observes_input` is False where the input comes from another such layer, and has passed through its observer, which is this one's too.
    """

    def __init__(self, layer: Module, relu: bool, observes_input: bool, input_observer: Module, weight_observer: Module,
                 output_observer: Module) -> None:
        super().__init__()
        self.layer, self.relu, self.observes_input = layer, relu, observes_input
        self.input_observer, self.weight_observer, self.output_observer = input_observer, weight_observer, output_observer

    def forward(self, input: Tensor) -> Tensor:
        if self.observes_input:
            input = self.input_observer(input)
        output = functional_call(self.layer, {"weight": self.weight_observer(self.layer.weight)}, (input,))
        return self.output_observer(F.relu(output) if self.relu else output)

    def extra_repr(self) -> str:
        return "relu" if self.relu else ""


def prepare(model: Module, example_inputs: Any, qconfig: QConfig = default_qconfig) -> Module:
    """A copy of `model` in eval mode that remembers the ranges of its data: batch norms folded, every `Conv2d` and `Linear` observed.

    Run the calibration data through it, then `convert` it. As torch.ao.quantization.prepare_fx, whose order of arguments is (model,
    qconfig_mapping, example_inputs). The model is run once on `example_inputs` (a tensor, or a tuple of several), which do not count as
    calibration data, to see which layer feeds which: a ReLU that is the only user of a layer's result becomes part of the layer, and one
    tensor has one observer, whoever makes and uses it. Layers that are never called, and all other kinds, stay in float. ValueError if no
    layer can be quantised.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.rand(64, 4)
    >>> prepared = prepare(model, x)
    >>> _ = prepared(x)
    >>> quantized = convert(prepared)
    >>> quantized[0].weight.dtype, bool((quantized(x) - model(x)).abs().max() < 0.05)
    (torch.int8, True)
    """
    inputs = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    model = fold_batch_norm(model, *inputs)
    flow, modules = Flow(model, inputs), dict(model.named_modules())
    observers: dict[tuple[int, ...], Module] = {}
    made: set[tuple[int, ...]] = set()
    for name, calls in flow.calls.items():  # in the order of execution, so that a tensor is made before it is used
        layer = modules[name]
        if type(layer) not in QUANTIZED:
            continue
        users = [flow.sole_consumer(output) for _, output in calls]
        relu = all(user is not None and user.name() == "ReluBackward0" for user in users)
        source, result = tuple(id(x) for x, _ in calls), tuple(map(id, users if relu else [y for _, y in calls]))
        for key in (source, result):
            if key not in observers:
                observers[key] = qconfig.activation()
        observed = ObservedLayer(layer, relu, source not in made, observers[source], qconfig.weight(), observers[result])
        model = replace(model, layer, observed)
        made.add(result)
    if not made:
        kinds = " or ".join(t.__name__ for t in QUANTIZED)
        raise ValueError(f"prepare: expected a model that runs a {kinds}, got {type(model).__name__} without any")
    return model


def prepare_qat(model: Module, example_inputs: Any, qconfig: QConfig = default_qat_qconfig) -> Module:
    """As `prepare`, for training: forward passes see quantised weights and activations, gradients go straight through (`FakeQuantize`).

    Train the result as any model, freeze the ranges by ``model.apply(disable_observer)`` some steps before the end, and `convert` it.
    Batch norms are folded before, with the statistics that they have, so start from a trained model. (Jacob et al., 2018, section 3.2,
    fold with the statistics of each batch, to train from nothing.)
    """
    return prepare(model, example_inputs, qconfig).train()


@no_grad()
def convert(prepared: Module) -> Module:
    """The quantised model, in eval mode, of a prepared one that has seen data: its layers as `QuantizedConv2d` and `QuantizedLinear`.

    Everything between them runs in float32 on numbers that their integers stand for: sums of residual blocks, gates of squeeze and excitation,
    pooling, softmax. RuntimeError naming the layer that saw no data; ValueError for one whose data were only zeros, since any scale would do,
    and for a model that `prepare` did not make.
    """
    model = copy.deepcopy(prepared).eval()
    layers = [(name, m) for name, m in model.named_modules() if isinstance(m, ObservedLayer)]
    if not layers:
        raise ValueError(f"convert: expected a model made by prepare, got {type(prepared).__name__} without observed layers")
    for name, m in layers:
        for side, observer in (("input", m.input_observer), ("output", m.output_observer)):
            try:
                params = observer.qparams()
            except RuntimeError as error:
                raise RuntimeError(f"convert: the {side} of {name or 'the model'} was not calibrated: {error}") from error
            seen = observer.activation_post_process if isinstance(observer, FakeQuantize) else observer
            if not (seen.min_val.numpy().any() or seen.max_val.numpy().any()):
                raise ValueError(f"convert: the {side} of {name or 'the model'} was only zeros (scale {float(params.scale)}); calibrate with "
                                 "data for which it is not")
        m.weight_observer(m.layer.weight)
        quantized = QUANTIZED[type(m.layer)](m.layer).quantize_from(
            m.layer, m.weight_observer.qparams(), m.input_observer.qparams(), m.output_observer.qparams(), m.relu).eval()
        model = replace(model, m, quantized)
    return model


def from_state_dict(model: Module, state_dict: Any) -> Module:
    """The quantised model of a float model's architecture and a quantised model's ``state_dict()``. RuntimeError where they do not fit."""
    model = copy.deepcopy(model).eval()
    for name, module in list(model.named_modules()):
        weight = state_dict.get(f"{name}.weight".lstrip("."))
        if type(module) in QUANTIZED and isinstance(weight, Tensor) and not weight.dtype.is_floating_point:
            quantized = QUANTIZED[type(module)](module)
            for buffer in ("weight", "weight_zero_point"):
                setattr(quantized, buffer, getattr(quantized, buffer).to(weight.dtype))
            model = replace(model, module, quantized)
        elif type(module) in NORMS and f"{name}.running_mean" not in state_dict:
            model = replace(model, module, Identity())
    model.load_state_dict(state_dict)
    return model
