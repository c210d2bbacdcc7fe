"""Random numbers by rejection, one at a time, in PyTorch's order: gamma, Poisson and binomial samples.

How many uniforms a sample takes is known only afterwards, so each is drawn alone, in float64 as PyTorch does; constants that PyTorch writes in
single precision are singles here. Followed: ATen's native/Distributions.h and native/Distributions.cpp.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .generator import Generator

__all__ = ["binomial", "gamma", "poisson"]

THIRD, SQUEEZE = float(np.float32(1 / 3)), float(np.float32(0.0331))
BLOCK = 1024
# log k! less Stirling's formula, for k = 0 ... 9.
STIRLING_TAIL = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
                 0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)


class Draws:
    """Uniforms and normals one by one. They are made in blocks; in the end the generator stands where it would stand without."""

    def __init__(self, generator: Generator) -> None:
        self.generator, self.used = generator, 0
        self.block: Any = iter(())

    def __enter__(self) -> Draws:
        self.generator._lock.acquire()
        self.start, self.spare = self.generator.get_state(), self.generator._spare_normal
        return self

    def __exit__(self, *error: object) -> None:
        self.generator.set_state(self.start).random_raw(self.used, 64)
        self.generator._spare_normal = self.spare
        self.generator._lock.release()

    def uniform(self) -> float:
        """On [0, 1)."""
        self.used += 1
        u: float | None = next(self.block, None)
        if u is None:
            self.block = iter(self.generator._unit(BLOCK).tolist())
            u = next(self.block)
        return u

    def normal(self) -> float:
        """The spare one of a pair, or the first of a new pair."""
        z, self.spare = self.spare, None
        if z is None:
            u, v = self.uniform(), self.uniform()
            radius, angle = math.sqrt(-2 * math.log1p(-v)), 2 * math.pi * u
            z, self.spare = radius * math.cos(angle), radius * math.sin(angle)
        return z


def each(generator: Generator, sample: Callable[..., float], *parameters: np.ndarray) -> np.ndarray:
    """A sample for every place of the parameters, in row-major order, in float64."""
    with Draws(generator) as draws:
        values = [sample(draws, *given) for given in zip(*(p.ravel().tolist() for p in parameters))]
    return np.array(values, np.float64).reshape(parameters[0].shape)


def gamma(generator: Generator, shape: np.ndarray) -> np.ndarray:
    """Gamma samples of rate 1 in float64 (Marsaglia and Tsang, 2000); those of a shape below 1 from one above it."""
    one = shape.dtype.type(1)
    small = shape < 1
    d = (np.where(small, shape + one, shape) - shape.dtype.type(THIRD)).astype(np.float64)
    with np.errstate(divide="ignore"):
        power = np.where(small, one / shape, 0).astype(np.float64)
    return each(generator, _gamma, d, power)


def _gamma(draws: Draws, d: float, power: float) -> float:
    if power == math.inf:
        return 0.0
    scale = (1 - draws.uniform()) ** power if power else 1.0
    c = 1 / math.sqrt(9 * d)
    while True:
        x = draws.normal()
        y = 1 + c * x
        if y <= 0:
            continue
        v, u, square = y * y * y, 1 - draws.uniform(), x * x
        if u < 1 - SQUEEZE * square * square or math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


def poisson(generator: Generator, rate: np.ndarray) -> np.ndarray:
    """Poisson counts: products of uniforms for rates below 10, transformed rejection (Hoermann, 1993) from there on."""
    return each(generator, _poisson, rate)


def _poisson(draws: Draws, rate: float) -> float:
    if rate < 10:
        least, product, count = math.exp(-rate), 1.0, -1
        if rate == 0:
            return 0
        while True:
            product *= draws.uniform()
            count += 1
            if product <= least:
                return count
    root, logarithm = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    level, box = math.log(1.1239 + 1.1328 / (b - 3.4)), 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = draws.uniform() - 0.5, draws.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us else -1
        if us >= 0.07 and v <= box:
            return k
        if k < 0 or us < 0.013 and v > us:
            continue
        if (math.log(v) if v else -math.inf) + level - math.log(a / (us * us) + b) <= -rate + k * logarithm - math.lgamma(k + 1):
            return k


def binomial(generator: Generator, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """Binomial counts of the rarer outcome: sums of geometric ones while fewer than 10 are expected, else transformed rejection (Hoermann, 1993)."""
    count, prob = np.broadcast_arrays(count, prob)
    rarer = np.where(prob <= 0.5, prob, 1 - prob)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = count * rarer
        return each(generator, _binomial, count, prob, rarer, expected, np.sqrt(expected * (1 - rarer)), rarer / (1 - rarer),
                    np.floor((count + 1) * rarer))


def _binomial(draws: Draws, count: float, prob: float, rarer: float, expected: float, deviation: float, odds: float, likeliest: float) -> float:
    if count <= 0 or prob <= 0:
        return 0
    if prob >= 1:
        return count
    if math.isnan(prob):
        return math.nan
    k = _rejected(draws, count, rarer, expected, deviation, odds, likeliest) if expected >= 10 else _inverted(draws, count, rarer)
    return k if prob <= 0.5 else count - k


def _inverted(draws: Draws, count: float, prob: float) -> float:
    logarithm, trials, successes = math.log1p(-prob), 0.0, 0
    while True:
        u = draws.uniform()
        trials += math.ceil(math.log(u) / logarithm) if u else math.inf
        if trials > count:
            return successes
        successes += 1


def _tail(k: float) -> float:
    if k < len(STIRLING_TAIL):
        return STIRLING_TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _rejected(draws: Draws, count: float, prob: float, expected: float, deviation: float, odds: float, m: float) -> float:
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    box, alpha = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * deviation
    while True:
        u, v = draws.uniform() - 0.5, draws.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + expected + 0.5) if us else -1
        if k < 0 or k > count:
            continue
        if us >= 0.07 and v <= box:
            return k
        bound = ((m + 0.5) * math.log((m + 1) / (odds * (count - m + 1))) + (count + 1) * math.log((count - m + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1)) + _tail(m) + _tail(count - m) - _tail(k) - _tail(count - k))
        if (math.log(v * alpha / (a / (us * us) + b)) if v else -math.inf) <= bound:
            return k
