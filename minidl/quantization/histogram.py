"""Observers that cut off rare large numbers, so that the many small ones get finer steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dtypes import uint8
from ..core.tensor import Tensor, wrap
from .affine import QParams, choose_qparams, qscheme
from .observer import Observer

__all__ = ["MSEObserver", "PercentileObserver"]

BINS = 8192


class HistogramObserver(Observer):
    """Counts of all data in equal bins over [-R, R), R a power of two that doubles when it must.

    Doubling merges the bins in pairs, exactly; so the counts do not depend on the order of the data, and their width is at most 2^-11 of the
    largest magnitude. The range itself is kept exactly.
    """

    counts: Tensor
    exponent: Tensor

    def __init__(self, dtype: Any = uint8, qscheme: qscheme = qscheme.per_tensor_affine, **kwargs: Any) -> None:
        super().__init__(dtype, qscheme, **kwargs)
        self.register_buffer("counts", wrap(np.zeros(BINS, np.int64)))
        self.register_buffer("exponent", wrap(np.array(-126, np.int32)))

    def _observe(self, x: np.ndarray) -> None:
        low, high = x.min(), x.max()
        need = int(np.frexp(max(-low, high))[1])
        counts, exponent = self.counts.numpy().copy(), int(self.exponent)
        while exponent < need and counts.any():
            pairs = counts.reshape(-1, 2).sum(1)
            counts[:] = 0
            counts[BINS // 4:-(BINS // 4)] = pairs
            exponent += 1
        exponent = max(exponent, need)
        places = np.floor(np.ldexp(x.astype(np.float64), -exponent) * (BINS // 2)).astype(np.int64) + BINS // 2
        self.counts = wrap(counts + np.bincount(places.reshape(-1), minlength=BINS))
        self.exponent = wrap(np.array(exponent, np.int32))
        self._keep(min(low, self.min_val.item()), max(high, self.max_val.item()))

    def _edges(self) -> np.ndarray:
        return np.ldexp((np.arange(BINS + 1) - BINS // 2) / (BINS // 2), int(self.exponent))

    def reset_min_max_vals(self) -> None:
        super().reset_min_max_vals()
        self.counts, self.exponent = wrap(np.zeros(BINS, np.int64)), wrap(np.array(-126, np.int32))


class PercentileObserver(HistogramObserver):
    """The range that holds `percentile` per cent of all data, with as much cut off on the left as on the right; within a bin's width.

    Migacz, 8-bit inference with TensorRT, 2017; Wu et al., Integer quantization for deep learning inference, 2020, arXiv 2004.09602, section
    5: percentiles of 99.9 to 99.9999 of magnitudes. (Here each side has its own, as ReLU's outputs have but one.)
    """

    def __init__(self, percentile: float = 99.99, dtype: Any = uint8, qscheme: qscheme = qscheme.per_tensor_affine, **kwargs: Any) -> None:
        if not 0 < percentile <= 100:
            raise ValueError(f"PercentileObserver: expected 0 < percentile <= 100, got {percentile}")
        super().__init__(dtype, qscheme, **kwargs)
        self.percentile = percentile

    def _limits(self) -> tuple[Any, Any]:
        counts, edges = self.counts.numpy(), self._edges()
        cut = (1 - self.percentile / 100) / 2 * counts.sum()
        first, last = np.searchsorted(np.cumsum(counts), cut, "right"), BINS - np.searchsorted(np.cumsum(counts[::-1]), cut, "right")
        return max(edges[first], self.min_val.item()), min(edges[last], self.max_val.item())


class MSEObserver(HistogramObserver):
    """The range, of `candidates` fractions of the observed one, whose quantisation has the least mean squared error over the data.

    A wider range cuts off less and rounds more coarsely: E (x - Q(x))^2 = error of rounding, about S^2 / 12, + error of what is cut
    off. Banner et al., Post training 4-bit quantization of convolutional networks, 2019, arXiv 1810.05723, find its minimum by formula;
    here it is searched, over the counts with each bin taken at its middle.
    """

    def __init__(self, candidates: int = 100, dtype: Any = uint8, qscheme: qscheme = qscheme.per_tensor_affine, **kwargs: Any) -> None:
        if candidates < 1:
            raise ValueError(f"MSEObserver: expected at least 1 candidate, got {candidates}")
        super().__init__(dtype, qscheme, **kwargs)
        self.candidates = candidates

    def _limits(self) -> tuple[Any, Any]:
        counts, edges = self.counts.numpy(), self._edges()
        filled = counts > 0
        middle, weight = ((edges[1:] + edges[:-1]) / 2)[filled], counts[filled]

        def error(fraction: float) -> float:
            params = QParams(*choose_qparams(fraction * self.min_val.item(), fraction * self.max_val.item(), self.quant_min, self.quant_max,
                                             self.qscheme, symmetric_zero_point=self.symmetric_zero_point, eps=self.eps),
                             self.quant_min, self.quant_max)
            return float((weight * (middle - params.dequantize(params.quantize(middle))) ** 2).sum())

        best = min(np.arange(self.candidates, 0, -1) / self.candidates, key=error)
        return best * self.min_val.item(), best * self.max_val.item()
