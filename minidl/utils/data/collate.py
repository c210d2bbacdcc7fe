"""How samples become a batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ...core import Tensor
from ...ops.create import as_tensor, tensor
from ...ops.join import stack

__all__ = ["collate_tensor_fn", "default_collate", "default_collate_fn_map", "default_convert"]


def default_convert(data: Any) -> Any:
    """The data with every NumPy array and number in it as a tensor; mappings and sequences keep their type, tuples become lists.

    >>> import numpy as np
    >>> default_convert({"x": np.arange(2), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return mapping_like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return sequence_like(data, [default_convert(item) for item in data])
    return data


def collate_tensor_fn(batch: Sequence[Any], *, collate_fn_map: Any = None) -> Any:
    """Tensors, stacked."""
    return stack(list(batch))


default_collate_fn_map: dict[Any, Callable[..., Any]] = {Tensor: collate_tensor_fn}  # by exact type, to which programs add their own


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch of samples as one: tensors and arrays are stacked along a new first dimension, numbers become a tensor
    (float64 for floats), strings stay a list, and mappings and sequences are collated element by element.

    TypeError for anything else, RuntimeError for sequences of different lengths.

    >>> default_collate([(1, 2.0), (3, 4.0)])
    [tensor([1, 3]), tensor([2., 4.], dtype=torch.float64)]
    """
    sample = batch[0]
    if type(sample) in default_collate_fn_map:
        return default_collate_fn_map[type(sample)](batch, collate_fn_map=default_collate_fn_map)
    if isinstance(sample, Tensor):
        return collate_tensor_fn(batch)
    if isinstance(sample, np.ndarray):
        if sample.dtype.kind in "SUO":
            raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {sample.dtype}")
        return stack([as_tensor(item) for item in batch])
    if isinstance(sample, (np.bool_, np.number)):
        return as_tensor(np.array(batch))
    if isinstance(sample, float):
        return tensor(batch, dtype=np.float64)
    if isinstance(sample, int):
        return tensor(batch)
    if isinstance(sample, (str, bytes)):
        return batch
    if isinstance(sample, Mapping):
        return mapping_like(sample, {key: default_collate([item[key] for item in batch]) for key in sample})
    if isinstance(sample, Sequence):
        if any(len(item) != len(sample) for item in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return sequence_like(sample, [default_collate(items) for items in zip(*batch)])
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(sample)}")


def mapping_like(sample: Any, values: dict[Any, Any]) -> Any:
    """The values in a mapping of the sample's type; in a dict, if that cannot be made."""
    def changed() -> Any:
        clone = copy.copy(sample)
        clone.update(values)
        return clone

    return attempt(changed if isinstance(sample, MutableMapping) else lambda: type(sample)(values), values)


def sequence_like(sample: Any, values: list[Any]) -> Any:
    """The values in a sequence of the sample's type; in a list, for a tuple without names or if that cannot be made."""
    def changed() -> Any:
        clone = copy.copy(sample)
        for i, value in enumerate(values):
            clone[i] = value
        return clone

    if isinstance(sample, tuple):
        return type(sample)(*values) if hasattr(sample, "_fields") else values
    return attempt(changed if isinstance(sample, MutableSequence) else lambda: type(sample)(values), values)


def attempt(make: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return make()
    except TypeError:
        return otherwise
