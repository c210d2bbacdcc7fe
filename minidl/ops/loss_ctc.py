"""Connectionist temporal classification: the likelihood of a label sequence under frame-wise probabilities, over all
alignments.

An alignment repeats labels and inserts blanks, so the states are blank, label, blank, ..., blank, 2 S + 1 of them for
S labels. The forward variables alpha sum over the paths that end in a state, the backward variables beta over those
that go on from it; both in logarithms, for all samples at once. Graves et al. 2006.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor
from .loss import reduced, reduction_of
from .reduce import _mean_all
from .shape import reshape


def states_of(labels: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """The states' symbols (N, 2 S + 1), and where a blank may be left out: between different labels."""
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    skip = np.zeros(states.shape, bool)
    skip[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    return states, skip


def shifted_by(x: np.ndarray, k: int) -> np.ndarray:
    """x moved by k states, minus infinity coming in."""
    y = np.full_like(x, -np.inf)
    if k < x.shape[1]:
        y[:, k:] = x[:, :x.shape[1] - k]
    return y


def steps(emitted: np.ndarray, skip: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """alpha (T, N, states): the log-probability of all paths to a state; after a sample's last frame it stays."""
    alpha = np.empty_like(emitted)
    alpha[0] = -np.inf
    alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(emitted)):
        before = alpha[t - 1]
        two = np.where(skip, shifted_by(before, 2), -np.inf)
        paths = np.logaddexp(np.logaddexp(before, shifted_by(before, 1)), two) + emitted[t]
        alpha[t] = np.where((t < lengths)[:, None], paths, before)
    return alpha


def mirrored(x: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    """x of shape (T, N, K) with the first counts[n] entries along `axis` in the opposite order."""
    i, n = np.arange(x.shape[axis]).reshape([-1 if d == axis else 1 for d in range(3)]), counts[:, None]
    return np.take_along_axis(x, np.where(i < n, n - 1 - i, i), axis)


def log_likelihood(alpha: np.ndarray, label_counts: np.ndarray) -> Any:
    """The two states in which a path may end: the last label and the blank after it."""
    sample, last = np.arange(alpha.shape[1]), 2 * label_counts
    label = np.where(label_counts > 0, alpha[-1, sample, np.maximum(last - 1, 0)], -np.inf)
    return np.logaddexp(label, alpha[-1, sample, last])


def emissions(x: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The log-probability of each state's symbol in each frame: (T, N, states)."""
    return np.take_along_axis(x, np.broadcast_to(states, (len(x), *states.shape)), 2)


def ctc(x: Any, labels: Any, frames: Any, counts: Any, blank: Any) -> Any:
    states, skip = states_of(labels, blank)
    alpha = steps(emissions(x, states), skip, frames)
    y = -log_likelihood(alpha, counts)
    return np.where(frames > 0, y, np.where(counts > 0, np.inf, 0)).astype(x.dtype, copy=False)


def ctc_gradient(x: Any, labels: Any, frames: Any, counts: Any, blank: Any, zero: Any) -> Any:
    """exp(x) - P(symbol at t | labels): the gradient by scores of which x is the log_softmax, as PyTorch defines it."""
    def backwards(e: np.ndarray) -> np.ndarray:
        return mirrored(mirrored(e, frames, 0), 2 * counts + 1, 2)

    states, skip = states_of(labels, blank)
    emitted = emissions(x, states)
    alpha = steps(emitted, skip, frames)
    total = log_likelihood(alpha, counts)
    skip_back = states_of(mirrored(labels[None], counts, 2)[0], blank)[1]
    beta = backwards(steps(backwards(emitted), skip_back, frames))
    valid = np.arange(states.shape[1]) < (2 * counts + 1)[:, None]
    posterior = np.where(valid, np.exp(alpha + beta - emitted - total[:, None]), 0)
    y = np.exp(x)
    time, sample = np.ogrid[:len(x), :len(labels)]
    # where a symbol has probability 0, its posterior is the NaN of inf - inf
    np.subtract.at(y, (time[..., None], sample[..., None], states[None]), np.nan_to_num(posterior))
    y[:, np.isinf(total)] = 0 if zero else np.nan
    y[np.arange(len(x))[:, None] >= frames] = 0
    return y


@primitive(x=lambda g, x, labels, frames, counts, blank, zero: _ctc_backward(g, x, labels, frames, counts, blank, zero),
           arrays="labels frames counts", grad_name="CtcLossBackward0")
def _ctc_loss(x: Any, labels: Any, frames: Any, counts: Any, blank: Any, zero: Any) -> Any:
    y = ctc(x, labels, frames, counts, blank)
    return np.where(np.isinf(y), 0, y) if zero else y


def no_derivative(g: Any) -> Any:
    raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented (ctc_loss: no second "
                       "derivatives)")


@primitive(joint=("dy x", no_derivative), arrays="labels frames counts")
def _ctc_backward(dy: Any, x: Any, labels: Any, frames: Any, counts: Any, blank: Any, zero: Any) -> Any:
    return dy[:, None] * ctc_gradient(x, labels, frames, counts, blank, zero)


def label_rows(targets: Any, counts: np.ndarray, batch: int) -> Any:
    """The labels (N, S), from targets of that shape or all in one line."""
    if targets.ndim == 2:
        if targets.shape[0] != batch:
            raise RuntimeError(f"ctc_loss: expected targets for {batch} samples, got {targets.shape[0]}")
        if counts.max(initial=0) > targets.shape[1]:
            raise RuntimeError(f"Expected tensor to have size at least {counts.max()} at dimension 1, but got size "
                               f"{targets.shape[1]} for argument 'targets' (ctc_loss)")
        return targets
    if targets.ndim != 1 or counts.sum() != targets.size:
        raise RuntimeError(f"ctc_loss: expected targets of shape (N, S) or ({counts.sum()},), got {targets.shape}")
    rows = np.zeros((batch, counts.max(initial=0)), np.int64)
    rows[np.arange(rows.shape[1]) < counts[:, None]] = targets
    return rows


@public(where="nn.functional")
def ctc_loss(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: str = "mean", zero_infinity: bool = False) -> Any:
    """-log P(targets | log_probs), summed over all alignments; the mean divides each by its target's length first.

    log_probs: (T, N, C) or (T, C), of which the first `input_lengths` frames count; targets: (N, S), or all in one
    line, of `target_lengths` labels each. A target longer than its input allows costs infinity, or with
    `zero_infinity` nothing. The gradient is the one for scores of which `log_probs` is the log_softmax, exp(x) -
    P(symbol | targets); it has no derivative of its own, as in PyTorch.
    """
    require_tensor("ctc_loss", "log_probs", log_probs)
    reduction = reduction_of(None, None, reduction)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: expected log_probs with 2 or 3 dimensions, got {log_probs.ndim}")
    batched, (length, classes) = log_probs.ndim == 3, (log_probs.shape[0], log_probs.shape[-1])
    x = log_probs if batched else reshape(log_probs, (length, 1, classes))
    frames, counts = [np.asarray(data_of(v), np.int64).reshape(-1) for v in (input_lengths, target_lengths)]
    for name, lengths, most in (("input_lengths", frames, length), ("target_lengths", counts, None)):
        if lengths.size != x.shape[1]:
            raise RuntimeError(f"{name} must be of size batch_size ({x.shape[1]}), got {lengths.size} (ctc_loss)")
        if (lengths < 0).any():
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {lengths.min()} (ctc_loss)")
        if most is not None and (lengths > most).any():
            raise RuntimeError(f"Expected {name} to have value at most {most}, but got value {lengths.max()} "
                               "(ctc_loss)")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range, got {blank} for {classes} classes (ctc_loss)")
    t = data_of(targets)
    labels = label_rows(t if batched or t.ndim == 2 else t[None], counts, x.shape[1]).astype(np.int64, copy=False)
    used = labels[np.arange(labels.shape[1]) < counts[:, None]]
    if ((used < 0) | (used >= classes)).any():
        raise IndexError(f"ctc_loss: targets are out of bounds for {classes} classes")
    labels = np.where(np.arange(labels.shape[1]) < counts[:, None], labels, blank)
    y = _ctc_loss(x, labels, frames, counts, blank, zero_infinity)
    if reduction == "mean":
        return _mean_all(y / np.maximum(counts, 1).astype(dtype_of(y)))
    return reduced(y if batched else reshape(y, ()), reduction)
