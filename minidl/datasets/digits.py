"""The handwritten digits that ship with the library, so that a net can be trained without a download.

Source: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository,
doi 10.24432/C50P49, licence CC BY 4.0.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .split import stratified_split


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The 1,797 images, uint8 (1797, 8, 8) with values 0 to 16, and their labels, int64 (1797,) with values 0 to 9.

    The test set of the UCI data (see the module), the same images in the same order as scikit-learn's `load_digits`.

    >>> images, labels = load_digits()
    >>> images.shape, images.max(), labels[:5].tolist()
    ((1797, 8, 8), np.uint8(16), [0, 1, 2, 3, 4])
    """
    with np.load(Path(__file__).with_name("data") / "digits.npz") as archive:
        return archive["images"], archive["labels"].astype(np.int64)


def digits(train: bool = True, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The 1,437 training or the 360 held-out images and labels of `load_digits`, stratified by class.

    >>> len(digits()[0]), len(digits(train=False)[0])
    (1437, 360)
    """
    images, labels = load_digits()
    training, held_out = stratified_split(labels, seed)
    chosen = training if train else held_out
    return images[chosen], labels[chosen]
