"""What quantisation costs and saves, layer by layer."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor, data_of, wrap
from ..nn import Module
from .affine import QParams
from .fold import fold_batch_norm
from .layers import QuantizedLayer

__all__ = ["LayerReport", "QuantizationReport", "report", "sqnr"]


def decibels(signal: float, noise: float) -> float:
    return math.inf if noise == 0 else -math.inf if signal == 0 else 10 * math.log10(signal / noise)


def sqnr(x: Any, quantized: Any) -> float:
    """Signal to quantisation noise, 10 log10(sum x^2 / sum (x - quantized)^2), in decibels; infinite if they are equal. One more bit
    gives about 6 dB.

    >>> import numpy as np
    >>> round(sqnr(np.array([4.0, 8.0]), np.array([4.0, 9.0])), 2), sqnr(np.ones(2), np.ones(2))
    (19.03, inf)
    """
    x, quantized = np.asarray(data_of(x), np.float64), np.asarray(data_of(quantized), np.float64)
    return decibels(float((x * x).sum()), float(((x - quantized) ** 2).sum()))


@dataclass(frozen=True)
class LayerReport:
    """One quantised layer: bytes of its float weight and bias and of all its integers and scales; SQNR in dB of the weights alone, and of the
    output (after batch norm, and after ReLU if that is part of the layer) in the running network, with all error of the layers before it."""

    name: str
    kind: str
    weight_shape: tuple[int, ...]
    float_bytes: int
    quantized_bytes: int
    weight_sqnr: float
    output_sqnr: float


@dataclass(frozen=True)
class QuantizationReport:
    """Rows in the order of the model's layers, and totals; ``str()`` gives the table. Bytes are of weights alone, and of the whole state
    (float: with batch norms; quantised: with scales, zero points and what stayed in float). Accuracies are None without labels.
    `agreement`: the share of inputs for which both models give the same class."""

    layers: list[LayerReport]
    float_weight_bytes: int
    weight_bytes: int
    float_bytes: int
    bytes: int
    output_sqnr: float
    agreement: float
    float_accuracy: float | None
    accuracy: float | None

    def __str__(self) -> str:
        head = ("layer", "weight", "bytes", "quantised", "weight SQNR", "output SQNR")
        table = [(f"{r.name}: {r.kind}", "x".join(map(str, r.weight_shape)), f"{r.float_bytes:,}", f"{r.quantized_bytes:,}",
                  f"{r.weight_sqnr:.1f} dB", f"{r.output_sqnr:.1f} dB") for r in self.layers]
        widths = [max(len(row[i]) for row in (head, *table)) for i in range(len(head))]

        def form(row: tuple[str, ...]) -> str:
            return "  ".join((*(c.ljust(w) for c, w in zip(row[:2], widths)), *(c.rjust(w) for c, w in zip(row[2:], widths[2:]))))

        lines = [form(head), "-" * len(form(head)), *map(form, table), "-" * len(form(head)),
                 (f"weights {self.float_weight_bytes:,} -> {self.weight_bytes:,} bytes "
                  f"({self.float_weight_bytes / self.weight_bytes:.2f} times smaller), "
                  f"everything {self.float_bytes:,} -> {self.bytes:,} ({self.float_bytes / self.bytes:.2f})"),
                 f"result: SQNR {self.output_sqnr:.1f} dB, same class for {self.agreement:.2%}"]
        if self.accuracy is not None and self.float_accuracy is not None:
            lines.append(f"accuracy {self.float_accuracy:.2%} -> {self.accuracy:.2%} ({100 * (self.accuracy - self.float_accuracy):+.2f} points)")
        return "\n".join(lines)


def state_bytes(module: Module) -> int:
    return sum(t.numel() * t.element_size() for t in module.state_dict().values() if isinstance(t, Tensor))


@no_grad()
def report(model: Module, quantized: Module, inputs: Any, labels: Any = None, batch_size: int = 256) -> QuantizationReport:
    """Compares a classifier with its quantised form on `inputs`, of which the first dimension is the batch; with `labels` (class numbers) also
    the accuracies. ValueError if there are no inputs, or as many labels as inputs are not there, or `quantized` has no quantised layer."""
    inputs, classes = wrap(data_of(inputs)), None if labels is None else np.asarray(data_of(labels))
    layers = {name: m for name, m in quantized.named_modules() if isinstance(m, QuantizedLayer)}
    if not layers:
        raise ValueError(f"report: expected a quantised model, got {type(quantized).__name__} without quantised layers")
    if not len(inputs) or classes is not None and len(classes) != len(inputs):
        raise ValueError(f"report: expected inputs and as many labels, got {len(inputs)} and {'none' if classes is None else len(classes)}")
    folded = fold_batch_norm(model, inputs[:1])
    signal: dict[str, float] = defaultdict(float)
    noise: dict[str, float] = defaultdict(float)
    outputs: dict[str, list[np.ndarray]] = defaultdict(list)
    modules, guesses = dict(folded.named_modules()), []
    handles = [m.register_forward_hook(lambda m, args, y, name=name: outputs[name].append(y.numpy()))
               for name in layers for m in (modules[name], layers[name])]
    training = quantized.training
    quantized.eval()
    try:
        for start in range(0, len(inputs), batch_size):
            batch = inputs[start:start + batch_size]
            outputs.clear()
            results = [m(batch).numpy() for m in (folded, quantized)]
            guesses.append([r.argmax(1) for r in results])
            pairs = {name: (made[:len(made) // 2], made[len(made) // 2:]) for name, made in outputs.items()} | {"": ([results[0]], [results[1]])}
            for name, (wanted, got) in pairs.items():
                for x, y in zip(wanted, got, strict=True):
                    floor = layers[name].output_params if name in layers else None
                    x = np.maximum(x, 0) if floor is not None and floor.quant_min == floor.zero_point else x
                    signal[name] += float((x.astype(np.float64) ** 2).sum())
                    noise[name] += float(((x.astype(np.float64) - y) ** 2).sum())
    finally:
        for handle in handles:
            handle.remove()
        quantized.train(training)
    rows = []
    for name, layer in layers.items():
        weight = data_of(modules[name].weight)
        params = QParams(layer.weight_scale.numpy(), layer.weight_zero_point.numpy(), -128, 255, 0)
        rows.append(LayerReport(name, type(layer).__name__, weight.shape, state_bytes(modules[name]), state_bytes(layer),
                                sqnr(weight, params.dequantize(layer.weight.numpy())), decibels(signal[name], noise[name])))
    ours, theirs = (np.concatenate([pair[i] for pair in guesses]) for i in (1, 0))
    return QuantizationReport(
        rows, sum(data_of(modules[name].weight).nbytes for name in layers), sum(data_of(m.weight).nbytes for m in layers.values()),
        state_bytes(model), state_bytes(quantized), decibels(signal[""], noise[""]), float((ours == theirs).mean()),
        None if classes is None else float((theirs == classes).mean()), None if classes is None else float((ours == classes).mean()))
