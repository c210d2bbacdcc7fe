"""`check`: one function against what it should be, over drawn cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import bounds
from .adapters import Candidate, minidl_function, numpy_function
from .case import Case
from .derivatives import cotangents, derivative, gradcheck
from .operators import Operator, operator_of, wanted
from .relations import RELATIONS, adjoint, without_bias
from .report import Mismatch, difference
from .search import search

__all__ = ["check"]

Arrays = list[np.ndarray]


def check(candidate: Any, against: str, inputs: Any = None, oracle: Any = "minidl", *, examples: int | None = None, seed: int = 0,
          dtypes: Sequence[str] = ("float64", "float32"), orders: int = 2, relations: bool = True, elementwise: bool = True,
          transpose: Any = None) -> int:
    """Compares a function with the operator `against` over drawn cases; returns how many. The simplest failing one is in the Mismatch that is raised.

    Compared are outputs, shapes, dtypes, as many derivatives (`orders`) as candidate and operator have, under fixed cotangents, in each of
    `dtypes`, and that arguments are left as they were. A difference must be explained by rounding (`bounds`). Then the operator's `relations`.

    - `candidate`: a Candidate (see `adapters`); a bare function is one of arrays, called as PyTorch's function is.
    - `inputs`: a strategy of cases, or cases; by default ``strategies.cases(against)``.
    - `oracle`: "minidl", a Candidate, a function of arrays, or None: then relations, and derivatives against slopes.
    - `examples`: how many; by default as Hypothesis's profile says. `seed`: the same seed draws the same cases.
    - `elementwise`: False for algorithms whose error is bounded by the largest element alone, as by way of a Fourier transform.
    - `transpose`: the candidate's own transposed convolution, for <W x, g> = <x, W^T g>; without one, its gradient is used.
    """
    candidate = as_candidate(candidate)
    judge = minidl_function() if isinstance(oracle, str) and oracle == "minidl" else None if oracle is None else as_candidate(oracle)
    operator = operator_of(against)
    checks = Checks(candidate, judge, operator, against, tuple(dtypes), min(orders, operator.orders), relations, elementwise,
                    None if transpose is None else as_candidate(transpose))
    if inputs is None:
        from .strategies import cases
        inputs = cases(against)
    if isinstance(inputs, Iterable):
        count = 0
        for case in inputs:
            checks.run(case)
            count += 1
        return count
    return search(inputs, checks.run, examples, seed)


def as_candidate(function: Any) -> Candidate:
    return function if isinstance(function, Candidate) else numpy_function(function)


@dataclass(frozen=True)
class Checks:
    """The checks of one case."""

    candidate: Candidate
    oracle: Candidate | None
    operator: Operator
    against: str
    dtypes: tuple[str, ...]
    orders: int
    relations: bool
    elementwise: bool
    transpose: Candidate | None

    def run(self, case: Case) -> None:
        for what, at in self.failures(case):
            raise Mismatch(what, at, self.candidate, self.against)

    def failures(self, case: Case) -> Iterable[tuple[str, Case]]:
        """All that is wrong, and the case at which."""
        if self.oracle is not None:
            for dtype in self.dtypes:
                yield from ((f"{what} ({dtype})", at) for what, at in self.compared(case.cast(dtype), dtype))
        plain = all(np.isfinite(a).all() for a in case.floats())
        if self.oracle is None and plain and self.candidate.orders and self.orders:
            yield from self.slopes(case)
        if self.relations and plain and case.inputs is None:
            yield from ((f"relation {what}", case) for what in self.related(case.cast("float64")))

    def attempt(self, f: Callable[..., Any], *args: Any) -> tuple[Any, str]:
        """The result, or what was raised."""
        try:
            return f(*args), ""
        except Exception as error:  # noqa: BLE001  whatever a candidate raises is a finding
            return None, f"raised {type(error).__name__}: {error}"

    def compared(self, case: Case, dtype: str) -> Iterable[tuple[str, Case]]:
        """Outputs, then gradients, then second gradients, against the oracle's in float64 at the same values."""
        candidate, oracle, flags = self.candidate, self.oracle, wanted(case, self.operator)
        assert oracle is not None
        given, exact, floats = case.copy(), case.cast("float64"), len(case.floats())
        like = oracle.outputs(case)
        yield from ((w, case) for w in self.judged("output", lambda: candidate.outputs(given), like, lambda a: oracle.outputs(exact.with_floats(a)),
                                                   exact.floats(), dtype))
        if any(a.tobytes() != b.tobytes() for a, b, differentiable in zip(case.floats(), given.floats(), flags) if differentiable):
            yield "changed its arguments", case
            return
        orders = min(self.orders, candidate.orders, oracle.orders)
        gs = cotangents(like)
        if not orders or not any(flags) or not gs or not all(np.isfinite(a).all() for a in exact.floats()):
            return
        like = oracle.gradients(case, gs, flags)
        arguments = [*exact.floats(), *_double(gs)]
        found = list(self.judged("gradient", lambda: candidate.gradients(case, gs, flags), like,
                                 lambda a: oracle.gradients(exact.with_floats(a[:floats]), a[floats:], flags), arguments, dtype))
        if found and self.at_kink(exact, flags, _double(gs)):
            return
        yield from ((w, case) for w in found)
        if orders < 2:
            return
        us, n = cotangents(like), len(arguments)
        yield from ((w, case) for w in self.judged(
            "second gradient", lambda: candidate.second(case, gs, us, flags), oracle.second(case, gs, us, flags),
            lambda a: oracle.second(exact.with_floats(a[:floats]), a[floats:n], a[n:], flags), [*arguments, *_double(us)], dtype))

    def judged(self, what: str, attempt: Callable[[], Arrays], like: Arrays, evaluate: Callable[[Arrays], Arrays], arguments: Arrays,
               dtype: str) -> Iterable[str]:
        """Differences of the candidate's arrays from the values of the oracle's `evaluate`, whose dtypes and shapes are those of `like`."""
        have, error = self.attempt(attempt)
        if error or len(have) != len(like):
            yield f"{what} {error}" if error else f"{len(have)} {what}s, expected {len(like)}"
            return
        want = evaluate(arguments)
        if self.operator.products:
            limits = bounds.products(evaluate, arguments, dtype, self.elementwise)
        else:
            limits = bounds.conditioned(evaluate, arguments, want, dtype)
        for i, (h, lk, w, limit) in enumerate(zip(have, like, want, limits)):
            name = f"{what} {i}" if len(like) > 1 else what
            if h.shape != lk.shape:
                yield f"{name} has shape {h.shape}, expected {lk.shape}"
            elif h.dtype != lk.dtype:
                yield f"{name} has dtype {h.dtype}, expected {lk.dtype}"
            else:
                found = difference(h, w, np.broadcast_to(limit, w.shape))
                if found:
                    yield f"{name}: {found}"

    def at_kink(self, case: Case, flags: Sequence[bool], gs: Sequence[np.ndarray]) -> bool:
        """Whether the oracle's slope jumps in the direction of some element: then other gradients than its own are right as well."""
        assert self.oracle is not None
        floats = case.floats()
        for k in np.flatnonzero(flags):
            for index in np.ndindex(floats[k].shape):
                def along(t: float, k: int = int(k), index: tuple[int, ...] = index) -> float:
                    x = np.array(floats[k])
                    x[index] += t
                    ys = self.oracle.outputs(case.with_floats([*floats[:k], x, *floats[k + 1:]]))  # type: ignore[union-attr]
                    return float(sum(np.vdot(g, y) for g, y in zip(gs, [y for y in ys if y.dtype.kind == "f"])))
                if derivative(along).kink:
                    return True
        return False

    def slopes(self, case: Case) -> Iterable[tuple[str, Case]]:
        """Without an oracle: gradients against slopes of the candidate's own outputs."""
        _, error = self.attempt(gradcheck, self.candidate, case)
        if error:
            yield error.removeprefix("raised AssertionError: "), case

    def related(self, case: Case) -> Iterable[str]:
        """Relations that do not hold for the candidate's first output."""
        def first(c: Case) -> np.ndarray:
            return self.candidate.outputs(c)[0]

        for name in self.operator.relations:
            if name == "adjoint":
                pairs, error = self.attempt(self.adjoint, case)
            else:
                pairs, error = self.attempt(RELATIONS[name], first, case)
            if error:
                yield f"{name} {error}"
                continue
            for left, right in pairs:
                if left.shape != right.shape:
                    yield f"{name}: shapes {left.shape} and {right.shape}"
                    continue
                found = difference(left, right, self.slack(first, case, right))
                if found:
                    yield f"{name}: {found}"

    def slack(self, f: Callable[[Case], np.ndarray], case: Case, like: np.ndarray) -> np.ndarray:
        """Rounding of either side of a relation."""
        floats = case.floats()
        if self.operator.products:
            y = f(case.with_floats([abs(a) * 4 for a in floats]))
            size = float(abs(y).max()) if y.size else 0.0
            return np.full(like.shape, (8 + max(a.size for a in floats)) * bounds.unit_roundoff("float64") * (size + 1))
        y = f(case)
        limit = bounds.conditioned(lambda a: [f(case.with_floats(a))], floats, [y], "float64")[0]
        return np.full(like.shape, 16 * float(limit.max()) if limit.size else 0.0)

    def adjoint(self, case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
        """<f(x), g> = <x, f^T g>, f^T being the candidate's transpose or gradient."""
        case = without_bias(case)
        x, y = case.args[0], self.candidate.outputs(case)[0]
        g = cotangents([y])[0]
        if self.transpose is not None and not isinstance(case.kwargs["padding"], str):
            back = adjoint(case, x.shape, lambda c: self.transpose.outputs(c)[0], g)  # type: ignore[union-attr]
        elif self.candidate.orders:
            back = self.candidate.gradients(case, [g], wanted(case, self.operator))[0]
        else:
            return []
        return [(np.asarray(np.vdot(y, g)), np.asarray(np.vdot(x, back)))]


def _double(arrays: Sequence[np.ndarray]) -> Arrays:
    return [a.astype(np.float64) for a in arrays]
