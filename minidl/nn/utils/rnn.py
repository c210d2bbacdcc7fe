"""Sequences of different lengths: padded to one tensor, or packed without padding.

A packed sequence holds, step by step, the elements of all sequences that are that long, longest sequence first;
`batch_sizes` says how many each step has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ...core.tensor import Tensor
from ...ops.create import as_tensor, full
from ...ops.join import cat, stack

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """Sequences packed by `pack_padded_sequence` or `pack_sequence`; `sorted_indices` tells how they were sorted by
    length."""

    def __new__(cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None,
                unsorted_indices: Any = None) -> Any:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences in another dtype."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """The sequences themselves."""
        return self

    @property
    def is_cuda(self) -> bool:
        """Always false."""
        return False


def _cast(name: str) -> Any:
    def cast(self: PackedSequence) -> PackedSequence:
        return self._replace(data=getattr(self.data, name)())

    cast.__name__, cast.__doc__ = name, f"The sequences with `Tensor.{name}` applied to their data."
    return cast


for _name in ("byte", "char", "cuda", "double", "float", "half", "int", "long", "short", "pin_memory"):
    setattr(PackedSequence, _name, _cast(_name))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one."""
    return None if permutation is None else as_tensor(np.argsort(permutation._data))


def pack_padded_sequence(input: Any, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Packs a padded batch, (T, N, *) or with `batch_first` (N, T, *), whose sequences have the given lengths.

    With `enforce_sorted` the longest must come first; otherwise they are sorted, and unpacking restores their order.
    """
    lengths = np.array(lengths._data if isinstance(lengths, Tensor) else lengths, np.int64)
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    rows, steps = input.shape[0 if batch_first else 1], input.shape[1 if batch_first else 0]
    if lengths.shape != (rows,):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.size} "
                           f"(batch_size={rows})")
    if not lengths.size or lengths.min() <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is "
                           "<= 0")
    order = None
    if not enforce_sorted:
        order = np.argsort(-lengths, kind="stable")
        lengths = lengths[order]
    elif (np.diff(lengths) > 0).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
                           "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
                           "requirement if you do not need ONNX exportability.")
    if lengths[0] > steps:
        raise RuntimeError(f"Expected `lengths` of at most {steps}, the padded size, but got {lengths[0]}")
    batch_sizes = (lengths[None, :] > np.arange(lengths[0])[:, None]).sum(1)
    step: Any = np.repeat(np.arange(lengths[0]), batch_sizes)
    row: Any = np.concatenate([np.arange(n) for n in batch_sizes])
    step, row = as_tensor(step), as_tensor(row if order is None else order[row])
    data = input[(row, step) if batch_first else (step, row)]
    return PackedSequence(data, as_tensor(batch_sizes), None if order is None else as_tensor(order))


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The padded batch, (T, N, *) or with `batch_first` (N, T, *), and the lengths: the inverse of
    `pack_padded_sequence`."""
    data, batch_sizes = sequence.data, sequence.batch_sizes._data
    steps, rows = len(batch_sizes), int(batch_sizes[0])
    if total_length is not None and total_length < steps:
        raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but got "
                         f"total_length={total_length} and max sequence length being {steps}")
    lengths = (batch_sizes[:, None] > np.arange(rows)).sum(0)
    place = np.full((rows, total_length or steps), len(data))  # of each element in the data; the padding lies after it
    place[np.concatenate([np.arange(n) for n in batch_sizes]),
          np.repeat(np.arange(steps), batch_sizes)] = np.arange(len(data))
    padding = full((1, *data.shape[1:]), padding_value, dtype=data.dtype)
    padded = cat((data, padding)).index_select(0, as_tensor(place.T.reshape(-1))).reshape(*place.T.shape, *data.shape[1:])
    padded = padded.transpose(0, 1) if batch_first else padded
    order = sequence.unsorted_indices
    if order is None:
        return padded, as_tensor(lengths)
    return padded.index_select(0 if batch_first else 1, order), as_tensor(lengths[order._data])


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Stacks sequences (T_i, *) as (T, N, *), or with `batch_first` (N, T, *), filled up to the longest on one side."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError("pad_sequence: Expected iterable for input sequences, but got arg of type: "
                           f"{type(sequences)}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(len(s) for s in sequences)
    padded = []
    for s in sequences:
        fill = full((longest - len(s), *s.shape[1:]), padding_value, dtype=s.dtype)
        padded.append(cat((s, fill) if padding_side == "right" else (fill, s)))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Copies of the sequences of a padded batch without their padding."""
    lengths = lengths._data.tolist() if isinstance(lengths, Tensor) else lengths
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [rows[i, :length].clone() for i, length in enumerate(lengths)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences (T_i, *)."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences: the inverse of `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
