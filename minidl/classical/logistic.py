"""Logistic regression: linear regression of log odds, so that its result is a probability."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Classifier
from .checks import check_choice, check_integer, check_labels, check_real, check_same_length, check_weights
from .errors import ConvergenceWarning, akin

Array = NDArray[Any]


class LinearClassifier(Classifier):
    """Classes by the greatest of the scores x.coef_c + intercept_c, which are log probabilities up to a common term."""

    C: float
    tol: float
    max_iter: int
    classes_: Array
    coef_: Array
    intercept_: Array

    def decision_function(self, X: ArrayLike) -> Array:
        """The scores (n_samples, n_classes); for two classes their difference (n_samples,), the log odds of the second."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> Array:
        """The class of the greatest score."""
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Scores - log sum exp scores, in the order of `classes_`."""
        return log_softmax(self._scores(X))

    def predict_proba(self, X: ArrayLike) -> Array:
        """exp(score) / sum exp(scores), in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    def _scores(self, X: ArrayLike) -> Array:
        scores = self._check_features(X) @ self.coef_.T + self.intercept_
        return np.concatenate([np.zeros_like(scores), scores], axis=1) if scores.shape[1] == 1 else scores

    def _learn(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array]:
        """Checked float64 samples, class numbers and weights; at least two classes."""
        owner = type(self).__name__
        check_real(owner, "C", self.C, open_end=True)
        check_real(owner, "tol", self.tol, open_end=True)
        check_integer(owner, "max_iter", self.max_iter, 1)
        x, labels = self._learn_features(X), check_labels(y, owner)
        check_same_length(X=x, y=labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        weights = check_weights(sample_weight, x).astype(np.float64)
        present = np.unique(numbers[weights > 0])
        if len(present) < 2:
            raise ValueError(f"{owner} needs samples of at least 2 classes in the data, but the data contains only one class: "
                             f"{self.classes_[present[0]]!r}")
        self._dtype = x.dtype
        return x.astype(np.float64, copy=False), numbers, weights

    def _keep(self, coef: Array, intercept: Array, iterations: int, converged: bool) -> None:
        self.coef_, self.intercept_ = coef.astype(self._dtype), intercept.astype(self._dtype)
        self.n_iter_ = np.array([iterations], np.int32)
        if not converged:
            warnings.warn(f"{type(self).__name__}: no convergence after {iterations} iterations (max_iter={self.max_iter}). "
                          "More iterations or features of similar scale may help.", akin(ConvergenceWarning), stacklevel=3)


def log_softmax(scores: Array) -> Array:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class LogisticRegression(LinearClassifier):
    """The probability of a class from a linear function of the features, by maximum likelihood.

    From regression to classification, in three steps. A line z = w.x + b takes all values, a probability p those in [0, 1], the odds
    p / (1 - p) those in [0, inf), and the log odds log(p / (1 - p)) all again: so let the line predict these. Solved for p, this is the logistic function
    p = 1 / (1 + e^-z). Squared errors of p would have flat regions and local minima; the likelihood of the labels, prod p^y (1 - p)^(1 - y),
    gives the convex loss -sum_i w_i [y log p + (1 - y) log(1 - p)]. Its gradient is, as in linear regression, error times input: sum_i w_i (p_i - y_i) x_i.

    With more than two classes each has its line z_c, and p_c = e^z_c / sum_k e^z_k (softmax), with the loss -sum_i w_i log p_i[y_i] and the gradient
    sum_i w_i (p_ic - [y_i = c]) x_i. For two classes this is the above with z = z_1 - z_0.

    Minimises C * loss + ||coef||^2 / 2 by L-BFGS. C: the inverse of the penalty's strength (the intercept is free). penalty: 'l2' or None. tol: the largest
    component of the gradient, of the loss divided by sum_i w_i, at the end. class_weight: a dict from classes to factors of the weights, or
    'balanced' for the inverse of their frequencies. random_state: accepted; nothing is random.

    Learns `classes_`, `coef_` (1, features) for two classes, else (classes, features), `intercept_`, `n_iter_`, `n_features_in_`, `feature_names_in_`.
    ValueError for a single class and bad arguments; ConvergenceWarning if max_iter ends it. Follows sklearn.linear_model.LogisticRegression.

    >>> model = LogisticRegression().fit([[0.], [1.], [2.], [3.]], ["no", "no", "yes", "yes"])
    >>> model.predict([[0.5], [2.5]]).tolist(), model.predict_proba([[1.5]]).round(3).tolist()
    (['no', 'yes'], [[0.5, 0.5]])
    """

    def __init__(self, penalty: str | None = "l2", *, C: float = 1.0, tol: float = 1e-4, fit_intercept: bool = True, class_weight: Any = None,
                 random_state: Any = None, solver: str = "lbfgs", max_iter: int = 100) -> None:
        self.penalty = penalty
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Learns from labels `y`, with a weight for each sample's loss."""
        from scipy.optimize import minimize

        check_choice("LogisticRegression", "penalty", self.penalty, ("l2", None))
        check_choice("LogisticRegression", "solver", self.solver, ("lbfgs",))
        x, numbers, w = self._learn(X, y, sample_weight)
        w = w * self._class_factors(numbers, w)[numbers]
        k, d = len(self.classes_), x.shape[1]
        target = np.eye(k)[numbers]
        rows = 1 if k == 2 else k
        decay = 1 / (self.C * w.sum()) if self.penalty == "l2" else 0.0
        share = w / w.sum()

        def loss(parameters: Array) -> tuple[float, Array]:
            coef, intercept = parameters[:rows * d].reshape(rows, d), parameters[rows * d:]
            z = x @ coef.T + intercept if self.fit_intercept else x @ coef.T
            log_p = log_softmax(z if rows == k else np.concatenate([np.zeros_like(z), z], axis=1))
            error = share[:, None] * (np.exp(log_p) - target)[:, k - rows:]
            gradient = [(error.T @ x + decay * coef).ravel(), *([error.sum(axis=0)] if self.fit_intercept else [])]
            return float(-(share @ log_p[np.arange(len(x)), numbers]) + decay / 2 * (coef**2).sum()), np.concatenate(gradient)

        start = np.zeros(rows * d + (rows if self.fit_intercept else 0))
        found = minimize(loss, start, jac=True, method="L-BFGS-B",
                         options={"maxiter": self.max_iter, "maxls": 50, "gtol": self.tol, "ftol": 64 * np.finfo(float).eps})
        intercept = found.x[rows * d:] if self.fit_intercept else np.zeros(rows)
        self._keep(found.x[:rows * d].reshape(rows, d), intercept, min(found.nit, self.max_iter), found.status == 0)
        return self

    def _class_factors(self, numbers: Array, w: Array) -> Array:
        """The factor of each class; those not named in a dict have 1."""
        if self.class_weight is None:
            return np.ones(len(self.classes_))
        if isinstance(self.class_weight, str):
            check_choice("LogisticRegression", "class_weight", self.class_weight, ("balanced",))
            total = np.bincount(numbers, w)
            return w.sum() / (np.count_nonzero(total) * np.where(total > 0, total, 1))
        unknown = [name for name in self.class_weight if name not in self.classes_]
        if unknown:
            raise ValueError(f"The classes, {unknown}, are not in class_weight's data: {self.classes_.tolist()}")
        return np.array([self.class_weight.get(name, 1.0) for name in self.classes_.tolist()])
