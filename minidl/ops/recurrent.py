"""Recurrent layers: all steps of one layer in one direction are one operation.

The sequences lie as packed data: the elements of the first step, of the second, and so on. A cell is the formula of one
step, in ops for tensors and arrays alike: the state after it from x, the input's part of the gates, z = W h + b, the
state's part, and the state before. A layer keeps only its states. Its derivative computes the gates again, of all steps
at once, and with them every factor that does not depend on the gradient; the walk back through time (backpropagation
through time; Werbos, 1990) is then one product with W and a few with these factors for each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..core import data_of, primitive
from .activation import sigmoid
from .elementwise import tanh
from .gather import _index_select
from .history import zeros_of
from .join import cat, stack
from .matmul import _gram, _linear, _mm, gemm
from .reduce import _sum
from .relu import relu
from .shape import as_shape

State = tuple[Any, ...]  # (h,), or (h, c) of an LSTM


class Walk(NamedTuple):
    """The order of the steps through packed data.

    Forward, sequences that end leave the batch; in reverse, they join it with their part of the initial state.
    """

    steps: tuple[slice, ...]  # the rows of each step, in the order they are run
    before: np.ndarray  # for each row the place of the state before it among the initial states and then all rows
    last: np.ndarray  # for each sequence the row of its last state


@lru_cache(256)
def walk(sizes: tuple[int, ...], reverse: bool) -> Walk:
    """The way through steps of these sizes, which do not grow.

    >>> walk((2, 1), False).before.tolist(), walk((2, 1), True).before.tolist()
    ([0, 1, 2], [4, 1, 0])
    """
    stops = np.cumsum(sizes).tolist()
    steps = [slice(stop - size, stop) for size, stop in zip(sizes, stops)][::-1 if reverse else 1]
    before, latest = np.empty(stops[-1], np.int64), np.arange(sizes[0])
    for rows in steps:
        size = rows.stop - rows.start
        before[rows] = latest[:size]
        latest[:size] = np.arange(rows.start, rows.stop) + sizes[0]
    return Walk(tuple(steps), before, latest - sizes[0])


def carry(new: State, old: State) -> State:
    """The states of all sequences after a step of the first ones."""
    return tuple([n if len(n) == len(o) else cat((n, o[len(n):])) for n, o in zip(new, old)])


def run(cell: Callable[..., State], x: Any, state: State, w: Any, b: Any, walk: Walk) -> State:
    """The states after all steps, as packed data."""
    w, states = np.ascontiguousarray(w.T), []
    for rows in walk.steps:
        now = [s[:rows.stop - rows.start] for s in state]
        z = gemm(now[0], w)
        if b is not None:
            z += b
        new = cell(x[rows], z, *now)
        states.append(new)
        state = carry(new, state)
    return tuple([in_order(parts, walk.steps) for parts in zip(*states)])


def states_before(initial: Any, states: Any, walk: Walk) -> Any:
    """The state before each step, as packed data."""
    return _index_select(cat((initial, states)), (walk.before,))


def run_back(step: Callable[..., State], g: Any, state: State, walk: Walk) -> State:
    """The gradients of the state before all steps.

    `step` takes the rows of a step and the gradients of the state after it, and returns those of the state before it.
    """
    grads = tuple([zeros_of(g, s.shape) for s in state])
    for rows in reversed(walk.steps):
        grads = carry(step(rows, *[d[:rows.stop - rows.start] for d in grads]), grads)
    return grads


def in_order(parts: Sequence[Any], steps: Sequence[slice]) -> Any:
    """What the steps made, one after the other, as packed data."""
    return cat(parts if steps[0].start <= steps[-1].start else parts[::-1])


def side_by_side(x: Any) -> Any:
    """(rows, parts, size) to (rows, parts * size)."""
    return as_shape(x, (x.shape[0], x.shape[1] * x.shape[2]))


# ---- Elman's


def rnn_cell(x: Any, z: Any, h: Any, nonlinearity: str) -> State:
    """h' = f(x + z), f tanh or relu (Elman, 1990)."""
    return ((tanh if nonlinearity == "tanh" else relu)(x + z),)


def rnn_rule(g: Any, h: Any, w: Any, y: Any, walk: Walk, nonlinearity: str, needs: Any) -> Any:
    """dz = dh' f' with f' = 1 - h'^2, or [h' > 0]; dh = dz W."""
    slope, parts = 1 - y * y if nonlinearity == "tanh" else data_of(y) != 0, []

    def back(rows: slice, dh: Any) -> State:
        dz = (g[rows] + dh) * slope[rows]
        parts.append(dz)
        return (_mm(dz, w),)

    (dh,) = run_back(back, g, (h,), walk)
    dz = in_order(parts, walk.steps[::-1])
    return _sum(dz, (0,)), dh, _gram(dz, states_before(h, y, walk)) if needs[2] else None, dz


@primitive(joint=("b h w x", rnn_rule))
def _rnn_layer(x: Any, h: Any, w: Any, b: Any, walk: Walk, nonlinearity: str) -> Any:
    return run(partial(rnn_cell, nonlinearity=nonlinearity), x, (h,), w, b, walk)[0]


# ---- long short-term memory


def lstm_gates(z: Any) -> tuple[Any, Any, Any, Any]:
    """s(i), s(f), tanh(g) and s(o) for z = (i, f, g, o), s the sigmoid."""
    s, size = sigmoid(z), z.shape[1] // 4
    return s[:, :size], s[:, size:2 * size], tanh(z[:, 2 * size:3 * size]), s[:, 3 * size:]


def lstm_cell(x: Any, z: Any, h: Any, c: Any, r: Any = None) -> State:
    """c' = f c + i g, h' = o tanh(c') with the gates i, f, o and the candidate g of x + z (Hochreiter and Schmidhuber,
    1997; f: Gers et al., 2000); projected, h' = R (o tanh(c')) (Sak et al., 2014)."""
    i, f, g, o = lstm_gates(x + z)
    c = f * c + i * g
    h = o * tanh(c)
    return (h if r is None else _mm(h, r.mT)), c


def lstm_rule(g: Any, x: Any, h: Any, c: Any, w: Any, b: Any, r: Any, hs: Any, cs: Any, walk: Walk, needs: Any) -> Any:
    """With m = o v, v = tanh(c'): dm = dh' R, and dc' gains dm o (1 - v^2); then

    di = dc' g i (1 - i), df = dc' c f (1 - f), dg = dc' i (1 - g^2), do = dm v o (1 - o); dc = dc' f, dh = dz W.
    """
    h_before, c_before = states_before(h, hs, walk), states_before(c, cs, walk)
    i, f, u, o = lstm_gates(x + _linear(h_before, w, b))
    v = tanh(cs)
    slope, none = o * (1 - v * v), zeros_of(cs, cs.shape)
    by_c = stack((u * i * (1 - i), c_before * f * (1 - f), i * (1 - u * u), none), 1)
    by_m = stack((none, none, none, v * o * (1 - o)), 1)
    parts, projected = [], []

    def back(rows: slice, dh: Any, dc: Any) -> State:
        dm = dh = g[0][rows] + dh
        if r is not None:
            projected.append(dh)
            dm = _mm(dh, r)
        dc = g[1][rows] + dc + dm * slope[rows]
        dz = side_by_side(by_c[rows] * dc[:, None] + by_m[rows] * dm[:, None])
        parts.append(dz)
        return _mm(dz, w), dc * f[rows]

    dh, dc = run_back(back, g[0], (h, c), walk)
    dz = in_order(parts, walk.steps[::-1])
    dr = _gram(in_order(projected, walk.steps[::-1]), o * v) if needs[0] else None
    return dr, dc, _sum(dz, (0,)), dh, _gram(dz, h_before) if needs[4] else None, dz


@primitive(joint=("r c b h w x", lstm_rule), outputs="hs cs")
def _lstm_layer(x: Any, h: Any, c: Any, w: Any, b: Any, r: Any, walk: Walk) -> Any:
    return run(partial(lstm_cell, r=r), x, (h, c), w, b, walk)


# ---- gated recurrent unit


def gru_gates(x: Any, z: Any) -> tuple[Any, Any, Any]:
    """r, z and n of `gru_cell`."""
    size = x.shape[1] // 3
    s = sigmoid(x[:, :2 * size] + z[:, :2 * size])
    r = s[:, :size]
    return r, s[:, size:], tanh(x[:, 2 * size:] + r * z[:, 2 * size:])


def gru_cell(x: Any, z: Any, h: Any) -> State:
    """h' = (1 - z) n + z h, r = s(x_r + z_r), z = s(x_z + z_z), n = tanh(x_n + r z_n), s the sigmoid (Cho et al., 2014;
    r after the product, as in cuDNN)."""
    _, z, n = gru_gates(x, z)
    return ((h - n) * z + n,)


def gru_rule(g: Any, x: Any, h: Any, w: Any, b: Any, y: Any, walk: Walk, needs: Any) -> Any:
    """dn = dh' (1 - z) (1 - n^2), the gradient of x_n; r dn that of z_n; dr = dn z_n r (1 - r), dz = dh' (h - n) z (1 - z);
    dh = dh' z + (dr, dz, r dn) W."""
    h_before = states_before(h, y, walk)
    hidden = _linear(h_before, w, b)
    r, z, n = gru_gates(x, hidden)
    by_n = (1 - z) * (1 - n * n)
    by_r, by_z = by_n * hidden[:, -n.shape[1]:] * r * (1 - r), (h_before - n) * z * (1 - z)
    factors, parts = stack((by_r, by_z, r * by_n), 1), []

    def back(rows: slice, dh: Any) -> State:
        dh = g[rows] + dh
        parts.append(dh)
        return (dh * z[rows] + _mm(side_by_side(factors[rows] * dh[:, None]), w),)

    (dh,) = run_back(back, g, (h,), walk)
    dy = in_order(parts, walk.steps[::-1])
    dz, dx = [side_by_side(f * dy[:, None]) for f in (factors, stack((by_r, by_z, by_n), 1))]
    return _sum(dz, (0,)), dh, _gram(dz, h_before) if needs[2] else None, dx


@primitive(joint=("b h w x", gru_rule))
def _gru_layer(x: Any, h: Any, w: Any, b: Any, walk: Walk) -> Any:
    return run(gru_cell, x, (h,), w, b, walk)[0]
