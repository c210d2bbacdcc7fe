"""Policies of augmentation: AutoAugment, RandAugment, TrivialAugment and AugMix, all of one set of operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from ..core import Tensor, wrap
from ..core.generator import default_generator
from ..ops.create import linspace
from . import functional as F
from .base import Geometric, Transform, randint
from .functional import InterpolationMode
from .mix import dirichlet

__all__ = ["AutoAugmentPolicy", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix"]

Operation = tuple[str, float]  # a name and its magnitude


def moved(img: Any, how: Any, x: float = 0.0, y: float = 0.0, shear: tuple[float, float] = (0.0, 0.0), corner: bool = False) -> Any:
    degrees = [math.degrees(math.atan(s)) for s in shear]
    interpolation, fill = how
    return F.affine(img, 0.0, [int(x), int(y)], 1.0, degrees, interpolation, fill, [0, 0] if corner else None)


# An image, a magnitude, and for what moves pixels the interpolation and the fill.
MOVES: dict[str, Callable[[Any, float, Any], Any]] = {
    "ShearX": lambda img, m, how: moved(img, how, shear=(m, 0.0), corner=True),
    "ShearY": lambda img, m, how: moved(img, how, shear=(0.0, m), corner=True),
    "TranslateX": lambda img, m, how: moved(img, how, x=m),
    "TranslateY": lambda img, m, how: moved(img, how, y=m),
    "Rotate": lambda img, m, how: F.rotate(img, m, how[0], fill=how[1]),
}
TONES: dict[str, Callable[[Any, float], Any]] = {
    "Brightness": lambda img, m: F.adjust_brightness(img, 1 + m),
    "Color": lambda img, m: F.adjust_saturation(img, 1 + m),
    "Contrast": lambda img, m: F.adjust_contrast(img, 1 + m),
    "Sharpness": lambda img, m: F.adjust_sharpness(img, 1 + m),
    "Posterize": lambda img, m: F.posterize(img, int(m)),
    "Solarize": F.solarize,
    "AutoContrast": lambda img, m: F.autocontrast(img),
    "Equalize": lambda img, m: F.equalize(img),
    "Invert": lambda img, m: F.invert(img),
    "Identity": lambda img, m: img,
}


def space(bins: int, across: float, down: float, shear: float = 0.3, rotate: float = 30.0, tone: float = 0.9,
          bits: tuple[int, int] = (8, 4)) -> dict[str, tuple[list[float], bool]]:
    """The `bins` magnitudes of every operation, none where it has no more than one, and whether they also come negated.

    `bits`: of posterised images, at first and how many of them go.
    """
    signed = {"ShearX": shear, "ShearY": shear, "TranslateX": across, "TranslateY": down, "Rotate": rotate,
              "Brightness": tone, "Color": tone, "Contrast": tone, "Sharpness": tone}
    left = bits[0] - np.round(np.arange(bins) / ((bins - 1) / bits[1]))
    return {"Identity": ([], False), **{name: (linspace(0.0, most, bins).tolist(), True) for name, most in signed.items()},
            "Posterize": (left.tolist(), False), "Solarize": (linspace(255.0, 0.0, bins).tolist(), False),
            "AutoContrast": ([], False), "Equalize": ([], False)}


def drawn(operations: dict[str, tuple[list[float], bool]], index: Callable[[int], int]) -> Operation:
    """One operation; `index` chooses among its magnitudes."""
    name = list(operations)[randint(0, len(operations))]
    magnitudes, signed = operations[name]
    magnitude = magnitudes[index(len(magnitudes))] if magnitudes else 0.0
    return name, -magnitude if signed and randint(0, 2) else magnitude


class Policy(Geometric):
    """Operations drawn for each image, one after the other; of a mask, what moves its pixels."""

    shown: tuple[str, ...]

    def __init__(self, interpolation: Any = InterpolationMode.NEAREST, fill: Any = None) -> None:
        super().__init__()
        self.interpolation, self.fill = interpolation, fill

    def transform(self, img: Any, *operations: Operation) -> Any:
        for name, magnitude in operations:
            img = MOVES[name](img, magnitude, (self.interpolation, self.fill)) if name in MOVES else TONES[name](img, magnitude)
        return img

    def transform_mask(self, mask: Any, *operations: Operation) -> Any:
        return super().transform_mask(mask, *(operation for operation in operations if operation[0] in MOVES))

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


class AutoAugmentPolicy(Enum):
    """The data set that a policy was found on."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# 25 pairs each of operation, probability and magnitude's number; the paper's appendix, as torchvision has it.
FOUND = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize .4 8 Rotate .6 9, Solarize .6 5 AutoContrast .6 0, Equalize .8 0 Equalize .6 0, Posterize .6 7 Posterize .6 6,
        Equalize .4 0 Solarize .2 4, Equalize .4 0 Rotate .8 8, Solarize .6 3 Equalize .6 0, Posterize .8 5 Equalize 1 0,
        Rotate .2 3 Solarize .6 8, Equalize .6 0 Posterize .4 6, Rotate .8 8 Color .4 0, Rotate .4 9 Equalize .6 0,
        Equalize 0 0 Equalize .8 0, Invert .6 0 Equalize 1 0, Color .6 4 Contrast 1 8, Rotate .8 8 Color 1 2,
        Color .8 8 Solarize .8 7, Sharpness .4 7 Invert .6 0, ShearX .6 5 Equalize 1 0, Color .4 0 Equalize .6 0,
        Equalize .4 0 Solarize .2 4, Solarize .6 5 AutoContrast .6 0, Invert .6 0 Equalize 1 0, Color .6 4 Contrast 1 8,
        Equalize .8 0 Equalize .6 0""",
    AutoAugmentPolicy.CIFAR10: """
        Invert .1 0 Contrast .2 6, Rotate .7 2 TranslateX .3 9, Sharpness .8 1 Sharpness .9 3, ShearY .5 8 TranslateY .7 9,
        AutoContrast .5 0 Equalize .9 0, ShearY .2 7 Posterize .3 7, Color .4 3 Brightness .6 7, Sharpness .3 9 Brightness .7 9,
        Equalize .6 0 Equalize .5 0, Contrast .6 7 Sharpness .6 5, Color .7 7 TranslateX .5 8, Equalize .3 0 AutoContrast .4 0,
        TranslateY .4 3 Sharpness .2 6, Brightness .9 6 Color .2 8, Solarize .5 2 Invert 0 0, Equalize .2 0 AutoContrast .6 0,
        Equalize .2 0 Equalize .6 0, Color .9 9 Equalize .6 0, AutoContrast .8 0 Solarize .2 8, Brightness .1 3 Color .7 0,
        Solarize .4 5 AutoContrast .9 0, TranslateY .9 9 TranslateY .7 9, AutoContrast .9 0 Solarize .8 3,
        Equalize .8 0 Invert .1 0, TranslateY .7 9 AutoContrast .9 0""",
    AutoAugmentPolicy.SVHN: """
        ShearX .9 4 Invert .2 0, ShearY .9 8 Invert .7 0, Equalize .6 0 Solarize .6 6, Invert .9 0 Equalize .6 0,
        Equalize .6 0 Rotate .9 3, ShearX .9 4 AutoContrast .8 0, ShearY .9 8 Invert .4 0, ShearY .9 5 Solarize .2 6,
        Invert .9 0 AutoContrast .8 0, Equalize .6 0 Rotate .9 3, ShearX .9 4 Solarize .3 3, ShearY .8 8 Invert .7 0,
        Equalize .9 0 TranslateY .6 6, Invert .9 0 Equalize .6 0, Contrast .3 3 Rotate .8 4, Invert .8 0 TranslateY 0 2,
        ShearY .7 6 Solarize .4 8, Invert .6 0 Rotate .8 4, ShearY .3 7 TranslateX .9 3, ShearX .1 6 Invert .6 0,
        Solarize .7 2 TranslateY .6 7, ShearY .8 4 Invert .8 0, ShearX .7 9 TranslateY .8 3, ShearY .8 5 AutoContrast .7 0,
        ShearX .7 2 Invert .1 0""",
}


class AutoAugment(Policy):
    """Two operations, each with its probability: one of the 25 pairs that a search found on a data set.

    Cubuk et al.: AutoAugment: learning augmentation strategies from data, 2019. A tensor has to be uint8.
    """

    shown = ("policy", "fill")

    def __init__(self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET, interpolation: Any = InterpolationMode.NEAREST,
                 fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        if policy not in FOUND:
            raise ValueError(f"The provided policy {policy} is not recognized.")
        self.policy = policy
        words = [pair.split() for pair in FOUND[policy].split(",")]
        self.policies = [[(w[i], float(w[i + 1]), int(w[i + 2])) for i in (0, 3)] for w in words]

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, np.ndarray, np.ndarray]:
        """The number of a pair; what each probability is compared with; each sign."""
        return randint(0, transform_num), default_generator.uniform((2,)), default_generator.randint((2,), 0, 2)

    def draw(self, img: Any) -> tuple[Operation, ...]:
        _, height, width = F.get_dimensions(img)
        known = {**space(10, 150 / 331 * width, 150 / 331 * height), "Invert": ([], False)}
        number, chances, signs = self.get_params(len(self.policies))
        operations = []
        for (name, probability, index), chance, sign in zip(self.policies[number], chances, signs):
            if chance <= np.float32(probability):
                magnitudes, signed = known[name]
                magnitude = magnitudes[index] if magnitudes else 0.0
                operations.append((name, -magnitude if signed and sign == 0 else magnitude))
        return tuple(operations)


class RandAugment(Policy):
    """`num_ops` operations, each any of 14, all with one magnitude: its number among `num_magnitude_bins`.

    Cubuk et al.: RandAugment: practical automated data augmentation with a reduced search space, 2020. A tensor has to be uint8.
    """

    shown = ("num_ops", "magnitude", "num_magnitude_bins", "interpolation", "fill")

    def __init__(self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31,
                 interpolation: Any = InterpolationMode.NEAREST, fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins

    def draw(self, img: Any) -> tuple[Operation, ...]:
        _, height, width = F.get_dimensions(img)
        operations = space(self.num_magnitude_bins, 150 / 331 * width, 150 / 331 * height)
        return tuple(drawn(operations, lambda n: self.magnitude) for _ in range(self.num_ops))


class TrivialAugmentWide(Policy):
    """One operation, any of 14, with any magnitude of a wide range.

    Müller, Hutter: TrivialAugment: tuning-free yet state-of-the-art data augmentation, 2021. A tensor has to be uint8.
    """

    shown = ("num_magnitude_bins", "interpolation", "fill")

    def __init__(self, num_magnitude_bins: int = 31, interpolation: Any = InterpolationMode.NEAREST, fill: Any = None) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def draw(self, img: Any) -> tuple[Operation, ...]:
        operations = space(self.num_magnitude_bins, 32.0, 32.0, 0.99, 135.0, 0.99, (8, 6))
        return (drawn(operations, lambda n: randint(0, n)),)


class AugMix(Transform):
    """The image, mixed with `mixture_width` chains of up to three operations (or `chain_depth`) in drawn proportions.

    Hendrycks et al.: AugMix: a simple data processing method to improve robustness and uncertainty, 2020. A tensor has to be uint8. A mixture of
    an image moved in several ways has no mask: NotImplementedError.
    """

    def __init__(self, severity: int = 3, mixture_width: int = 3, chain_depth: int = -1, alpha: float = 1.0, all_ops: bool = True,
                 interpolation: Any = InterpolationMode.BILINEAR, fill: Any = None) -> None:
        super().__init__()
        if not 1 <= severity <= 10:
            raise ValueError(f"The severity must be between [1, 10]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth, self.alpha = severity, mixture_width, chain_depth, alpha
        self.all_ops, self.interpolation, self.fill = all_ops, interpolation, fill

    def forward(self, img: Any, mask: Any = None) -> Any:
        if mask is not None:
            raise NotImplementedError("AugMix: a mixture of an image moved in several ways has no mask")
        if not isinstance(img, Tensor):
            return F.to_pil_image(self(F.pil_to_tensor(img)))
        _, height, width = F.get_dimensions(img)
        known = space(10, width / 3, height / 3, bits=(4, 4))
        tones = ["Brightness", "Color", "Contrast", "Sharpness"]
        names = [name for name in known if name not in ("Identity", *tones)] + (tones if self.all_ops else [])
        operations = {name: known[name] for name in names}
        chain = Policy(self.interpolation, self.fill)
        batch: Any = img if img.ndim >= 4 else img.reshape(1, *img.shape) if img.ndim == 3 else img.reshape(1, 1, *img.shape)
        each = (len(batch), *[1] * (batch.ndim - 1))
        shares = np.stack([dirichlet(self.alpha, 2) for _ in batch])
        weights = np.stack([dirichlet(self.alpha, self.mixture_width) for _ in batch]) * shares[:, 1:]
        mixed = shares[:, 0].reshape(each) * batch.numpy()
        for i in range(self.mixture_width):
            depth = self.chain_depth if self.chain_depth > 0 else randint(1, 4)
            changed = chain.transform(batch, *[drawn(operations, lambda n: randint(0, self.severity)) for _ in range(depth)])
            mixed += weights[:, i].reshape(each) * changed.numpy()
        return wrap(mixed.reshape(img.shape).astype(img.numpy().dtype))

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in ("severity", "mixture_width", "chain_depth", "alpha", "all_ops",
                                                                      "interpolation", "fill"))
