"""What comes in is checked here, once, with scikit-learn's types of errors."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataConversionWarning, akin


def feature_names(X: Any) -> NDArray[Any] | None:
    """The names of a data frame's columns if all are strings; TypeError if only some are."""
    columns = getattr(X, "columns", None)
    if columns is None or not hasattr(X, "__array__"):
        return None
    strings = [isinstance(name, str) for name in columns]
    if any(strings) and not all(strings):
        raise TypeError("Feature names are only supported if all input features have string names, "
                        f"got {sorted({type(name).__name__ for name in columns})}")
    return np.asarray(columns, dtype=object) if any(strings) else None


def numeric(values: Any, name: str) -> NDArray[Any]:
    """Real floats: float32 and float64 stay, all else becomes float64; TypeError for sparse data, ValueError for complex, NaN and infinity."""
    if hasattr(values, "toarray"):
        raise TypeError(f"Sparse data was passed for {name}, but dense data is required. Use '.toarray()' to convert it.")
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum(dtype=np.float64))
    if suspicious and not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else f"infinity or a value too large for {array.dtype!r}"
        raise ValueError(f"Input {name} contains {what}.")
    return array


def check_array(X: Any, *, owner: str = "the function", min_samples: int = 1) -> NDArray[Any]:
    """`X` as a finite C-contiguous float array (samples, features); ValueError if it has another number of dimensions or is empty."""
    array = numeric(X, "X")
    if array.ndim == 0:
        raise ValueError(f"Expected 2D array, got scalar array instead: array={array}.\nReshape your data with array.reshape(1, -1) or (-1, 1).")
    if array.ndim == 1:
        raise ValueError(f"Expected 2D array, got 1D array instead:\narray={array}.\n"
                         "Reshape your data: array.reshape(-1, 1) if it is one feature, array.reshape(1, -1) if it is one sample.")
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required by {owner}.")
    for length, least, what in ((array.shape[0], min_samples, "sample"), (array.shape[1], 1, "feature")):
        if length < least:
            raise ValueError(f"Found array with {length} {what}(s) (shape={array.shape}) while a minimum of {least} is required.")
    return np.ascontiguousarray(array)


def check_same_length(**arrays: Any) -> None:
    """ValueError unless all have the same number of samples."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {lengths}")


def column(y: Any, owner: str) -> NDArray[Any]:
    """`y` as a vector of labels or values; a single column is one too, with a warning."""
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    if hasattr(y, "toarray"):
        raise TypeError("Sparse data was passed for y, but dense data is required.")
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        warnings.warn("A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,).",
                      akin(DataConversionWarning), stacklevel=4)
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {array.shape} instead.")
    return array


def check_labels(y: Any, owner: str) -> NDArray[Any]:
    """`y` as a vector of discrete labels: integers, booleans, strings, or floats without fractional part."""
    array = column(y, owner)
    if array.dtype.kind == "O" and not all(isinstance(label, str) for label in array):
        raise ValueError(f"Unknown label type: expected numbers or strings, got objects such as {array[:1]}")
    if array.dtype.kind == "f":
        numeric(array, "y")
        if (array != np.floor(array)).any():
            raise ValueError("Unknown label type: continuous. Labels of classes are discrete; for continuous y use a regressor.")
    elif array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    return array


def check_targets(y: Any, owner: str) -> NDArray[Any]:
    """`y` as finite floats of shape (samples,) or (samples, targets)."""
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
    array = numeric(y, "y")
    if array.ndim not in (1, 2):
        raise ValueError(f"y should be of shape (n_samples,) or (n_samples, n_targets), got {array.shape}.")
    return array


def check_weights(sample_weight: Any, X: NDArray[Any]) -> NDArray[Any]:
    """One finite weight a sample, not all of them zero, of the type of X; a number stands for equal weights, None for ones."""
    if sample_weight is None or isinstance(sample_weight, numbers.Number):
        return np.full(len(X), 1.0 if sample_weight is None else sample_weight, X.dtype)
    weights = numeric(sample_weight, "sample_weight").astype(X.dtype)
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if weights.shape != (len(X),):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(len(X),)}")
    if (weights < 0).any():
        raise ValueError(f"Negative values in sample_weight: the least is {weights.min()}")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def check_random_state(seed: Any) -> np.random.RandomState:
    """The generator that a seed, a generator or None (NumPy's global one) stands for."""
    if seed is None or seed is np.random:
        return np.random.mtrand._rand
    if isinstance(seed, numbers.Integral):
        return np.random.RandomState(int(seed))
    if isinstance(seed, np.random.RandomState):
        return seed
    raise ValueError(f"{seed!r} cannot be used to seed a numpy.random.RandomState instance")


def check_integer(owner: str, name: str, value: Any, least: int) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"The {name!r} parameter of {owner} must be an int in the range [{least}, inf). Got {value!r} instead.")


def check_real(owner: str, name: str, value: Any, least: float = 0.0, *, open_end: bool = False) -> None:
    valid = isinstance(value, numbers.Real) and not isinstance(value, bool) and (float(value) > least if open_end else float(value) >= least)
    if not valid:
        raise ValueError(f"The {name!r} parameter of {owner} must be a float in the range {'(' if open_end else '['}{least}, inf). "
                         f"Got {value!r} instead.")


def check_choice(owner: str, name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise ValueError(f"The {name!r} parameter of {owner} must be one of {choices}. Got {value!r} instead.")
