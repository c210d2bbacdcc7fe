"""Softmax over very many classes."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from ...ops.create import as_tensor
from ...ops.join import cat
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax in which rare classes share clusters with smaller projections (Grave et al., 2017).

    The head scores the first ``cutoffs[0]`` classes and one entry for each cluster; cluster i has the classes from one
    cutoff to the next, through ``in_features // div_value**(i + 1)`` features. The call returns each target's
    log-probability and the loss.
    """

    def __init__(self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0,
                 head_bias: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1
                or any(int(c) != c for c in cutoffs)):
            raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                             "where each value is between 1 and n_classes-1")
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(Linear(in_features, hidden, bias=False, device=device, dtype=dtype),
                                        Linear(hidden, size, bias=False, device=device, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Draws all weights anew."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> _ASMoutput:
        if target_.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input_.ndim != target_.ndim + 1:
            raise RuntimeError(f"{target_.ndim}D target tensor expects {target_.ndim + 1}D input tensors, but found "
                               f"inputs with size {input_.shape}")
        if target_.ndim == 1 and input_.shape[0] != target_.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        single = target_.ndim == 0
        x, target = (input_.unsqueeze(0), target_.unsqueeze(0)) if single else (input_, target_)
        classes = target._data
        if ((classes < 0) | (classes >= self.n_classes)).any():
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                               f"[{classes.min()}, {classes.max()}] were found. ")
        entry = classes.copy()  # of the head, that each target uses
        output: Any = 0.0
        for i, module in enumerate(self.tail):
            low, high = self.cutoffs[i:i + 2]
            rows = ((classes >= low) & (classes < high)).nonzero()[0]
            if not rows.size:
                continue
            entry[rows] = self.shortlist_size + i
            rows = as_tensor(rows)
            within = F.log_softmax(module(x.index_select(0, rows)), dim=1)
            within = within.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
            output = output + x.new_zeros(len(classes)).index_add(0, rows, within)
        output = output + F.log_softmax(self.head(x), dim=1).gather(1, as_tensor(entry).unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def log_prob(self, input: Tensor) -> Any:
        """The log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, :self.shortlist_size]]
        for i, module in enumerate(self.tail):
            parts.append(F.log_softmax(module(input), dim=1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return cat(parts, 1)

    def predict(self, input: Any) -> Tensor:
        """The most probable class of each row: ``log_prob(input).argmax(dim=1)``, without clusters that cannot win."""
        best: Any = self.head(input).argmax(dim=1)
        rare = (best._data >= self.shortlist_size).nonzero()[0]
        if rare.size:
            rows = as_tensor(rare)
            best[rows] = self.log_prob(input[rows]).argmax(dim=1)
        return best
