"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core import Tensor, data_of, wrap
from ..core.modes import enable_grad
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer
from .per_parameter import check_non_negative, number

__all__ = ["LBFGS"]


def largest(x: np.ndarray) -> float:
    return float(np.abs(x).max())


class LBFGS(Optimizer):
    """Quasi-Newton steps: the inverse Hessian is estimated from the last `history_size` steps and changes of the gradient.

    One `step` does up to `max_iter` iterations and `max_eval` evaluations (by default 1.25 `max_iter`) of `closure`, which
    clears the gradients, computes the loss, calls backward and returns the loss. It ends when no gradient is above
    `tolerance_grad`, or when step or loss change by less than `tolerance_change`. `line_search_fn` is None (steps of
    length lr) or ``"strong_wolfe"``. For whole batches. ValueError for more than one parameter group.
    Nocedal and Wright, Numerical optimization (2nd ed.), algorithm 7.4; as torch.optim.LBFGS.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1, max_iter: int = 20, max_eval: int | None = None,
                 tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None) -> None:
        check_non_negative(lr=lr)
        super().__init__(params, {"lr": lr, "max_iter": max_iter,
                                  "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                                  "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
                                  "history_size": history_size, "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Up to `max_iter` iterations; returns the loss at the start."""
        with np.errstate(all="ignore"):
            return self._minimize(closure)

    def _minimize(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr, limit = number(group["lr"]), group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = self._loss(closure)
        loss, g = float(first), self._flat_gradient()
        evaluations = 1
        state["func_evals"] += 1
        if largest(g) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = self._direction(state, g, group["history_size"])
            state["d"], state["prev_flat_grad"], state["prev_loss"] = wrap(d), wrap(g), loss
            t = min(1.0, 1.0 / np.abs(g).sum()) * lr if state["n_iter"] == 1 else lr
            state["t"] = float(t)
            slope = g @ d
            if slope > -limit:
                break
            used = 0
            if group["line_search_fn"] is None:
                self._move(d, t)
                if iteration < group["max_iter"]:  # the last gradient would not be used
                    previous_loss, loss, g, used = loss, float(self._loss(closure)), self._flat_gradient(), 1
            else:
                at = [p._data.copy() for p in group["params"]]

                def evaluate(t: Any, at: Any = at, d: np.ndarray = d) -> Point:
                    self._move(d, t)
                    loss, g = float(self._loss(closure)), self._flat_gradient()
                    for p, array in zip(group["params"], at):
                        p._data[...] = array
                    return Point(t, loss, g, g @ d)

                point, used = strong_wolfe(evaluate, Point(0, loss, g, slope), t, largest(d),
                                           limit=group["max_eval"] - evaluations)
                previous_loss, t, loss, g = loss, point.t, point.loss, point.gradient
                state["t"] = float(t)
                self._move(d, t)
            evaluations += used
            state["func_evals"] += used
            if (iteration == group["max_iter"] or evaluations >= group["max_eval"] or largest(g) <= group["tolerance_grad"]
                    or largest(d * t) <= limit or abs(loss - previous_loss) < limit):
                break
        return first

    def _direction(self, state: dict[str, Any], g: np.ndarray, history_size: int) -> np.ndarray:
        """- H g, with the inverse Hessian H that the history gives (the two-loop recursion)."""
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
            return -g
        y, s = g - state["prev_flat_grad"]._data, state["d"]._data * number(state["t"])
        ys = y @ s
        if ys > 1e-10:
            for name, value in (("old_dirs", y), ("old_stps", s), ("ro", np.asarray(1.0 / ys))):
                state[name].append(wrap(value))
                del state[name][:-history_size]
            state["H_diag"] = wrap(np.asarray(ys / (y @ y)))
        history = [(y._data, s._data, data_of(r)) for y, s, r in zip(state["old_dirs"], state["old_stps"], state["ro"])]
        d, weights = -g, []
        for y, s, r in reversed(history):
            weights.append(s @ d * r)
            d -= weights[-1] * y
        d *= data_of(state["H_diag"])
        for y, s, r in history:
            d += (weights.pop() - y @ d * r) * s
        return d

    def _loss(self, closure: Callable[[], Any]) -> Any:
        with enable_grad():
            return closure()

    def _flat_gradient(self) -> np.ndarray:
        """All gradients in one vector, zeros where there is none."""
        return np.concatenate([np.zeros(p._data.size, p._data.dtype) if p._grad is None else p._grad._data.ravel()
                               for p in self.param_groups[0]["params"]])

    def _move(self, d: np.ndarray, t: Any) -> None:
        """w += t d, for all parameters."""
        start = 0
        for p in self.param_groups[0]["params"]:
            w: Tensor = p._data
            w += (t * d[start:start + w.size]).reshape(w.shape)
            p._counter[0] += 1
            start += w.size
