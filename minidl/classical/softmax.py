"""The bridge to deep learning: a classical model whose gradient nobody wrote down.

The only file here that uses the rest of the library; what it needs is imported when the class is first asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..nn import functional as F
from ..ops.create import tensor
from ..optim import LBFGS
from .logistic import LinearClassifier


class SoftmaxRegression(LinearClassifier):
    """Multinomial logistic regression, written as a network of one layer and trained by automatic differentiation.

    z = X W^T + b, p = softmax(z), and C * sum_i w_i (-log p_i[y_i]) + ||W||^2 / 2 is minimised: the objective of LogisticRegression, of which here only
    the value is computed, and `backward` finds the gradient. Put layers in front of z and it is a deep network; nothing else changes.
    With two classes each has its row of W (LogisticRegression has their difference), so that the same C penalises half as much.

    C, tol and max_iter as for LogisticRegression. Learns `classes_`, `coef_` (classes, features), `intercept_`, `n_iter_`, `losses_` (the
    objective at each evaluation, divided by C sum_i w_i), `n_features_in_`, `feature_names_in_` of data frames.

    >>> model = SoftmaxRegression().fit([[0.], [1.], [5.], [6.], [10.], [11.]], [0, 0, 1, 1, 2, 2])
    >>> model.predict([[0.5], [5.5], [10.5]])
    array([0, 1, 2])
    """

    def __init__(self, *, C: float = 1.0, tol: float = 1e-4, max_iter: int = 100) -> None:
        self.C = C
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> SoftmaxRegression:
        """Learns from labels `y`, with a weight for each sample's loss."""
        samples, numbers, weights = self._learn(X, y, sample_weight)
        x, target, share = tensor(samples), tensor(numbers), tensor(weights / weights.sum())
        decay = 1 / (self.C * float(weights.sum()))
        W = tensor(np.zeros((len(self.classes_), x.shape[1])), requires_grad=True)
        b = tensor(np.zeros(len(self.classes_)), requires_grad=True)
        optimizer = LBFGS([W, b], max_iter=self.max_iter, max_eval=10 * self.max_iter, tolerance_grad=self.tol, tolerance_change=1e-14,
                          line_search_fn="strong_wolfe")
        self.losses_: list[float] = []

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (share * F.cross_entropy(F.linear(x, W, b), target, reduction="none")).sum() + decay / 2 * (W * W).sum()
            loss.backward()
            self.losses_.append(loss.item())
            return loss

        optimizer.step(closure)
        closure()
        steepest = max(float(np.abs(p.grad.numpy()).max()) for p in (W, b))
        iterations = optimizer.state[W]["n_iter"]
        self._keep(W.detach().numpy(), b.detach().numpy(), max(1, iterations), steepest <= self.tol or iterations < self.max_iter)
        return self
