"""Recurrent layers. All parameters begin uniform on [-k, k), k = 1 / sqrt(hidden_size).

A batch of sequences is worked on as packed data: the elements of the first step, of the second, and so on; the inputs
of all steps go through their weight at once, and only what depends on the state before runs step by step.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from ...core.tensor import Tensor
from ...ops.create import zeros
from ...ops.join import cat, stack
from ...ops.matmul import same_dtype
from ...ops.recurrent import State, Walk, _gru_layer, _lstm_layer, _rnn_layer, gru_cell, lstm_cell, rnn_cell, walk
from .. import functional as F
from .. import init
from ..parameter import empty_parameter
from ..utils.rnn import PackedSequence
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

CELLS = {"RNN_TANH": (1, partial(rnn_cell, nonlinearity="tanh")), "RNN_RELU": (1, partial(rnn_cell, nonlinearity="relu")),
         "LSTM": (4, lstm_cell), "GRU": (3, gru_cell)}  # how many gates, and one step


def run_layer(mode: str, gates: Any, state: State, w_hh: Any, b_hh: Any, w_hr: Any, walk: Walk) -> tuple[Any, State]:
    """All steps of one layer in one direction: the outputs as packed data, and the last state of each sequence."""
    for part in (gates, *state):
        same_dtype(part, w_hh, "mat1 and mat2 must have the same dtype, but got {} and {}")
    if mode == "LSTM":
        states = _lstm_layer(gates, *state, w_hh, b_hh, w_hr, walk)
    elif mode == "GRU":
        states = (_gru_layer(gates, *state, w_hh, b_hh, walk),)
    else:
        states = (_rnn_layer(gates, *state, w_hh, b_hh, walk, mode[4:].lower()),)
    return states[0], tuple([s.index_select(0, walk.last) for s in states])


class _Recurrent(Module):
    def reset_parameters(self) -> None:
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)


class RNNBase(_Recurrent):
    """What `RNN`, `LSTM` and `GRU` have in common.

    Input (T, N, input_size), with `batch_first` (N, T, input_size), (T, input_size) or a `PackedSequence`; the state
    has a row for each layer and direction, (num_layers * directions, N, hidden_size). Each layer above the first takes
    the outputs of the one below, in training after dropout. Returns the outputs of the last layer, of both directions
    side by side, and the last state.
    """

    proj_size: int = 0  # of what PyTorch wrote before 1.8, whose state has none

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in CELLS:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, float(dropout), bidirectional
        self.proj_size = proj_size
        gates, out = CELLS[mode][0] * hidden_size, proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * (1 + bidirectional)
            for suffix in ("", "_reverse")[:1 + bidirectional]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, width), "weight_hh": (gates, out)}
                if bias:
                    shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values()):
                    setattr(self, name, empty_parameter(shape, device, dtype))
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: a graphics processor's library wants the weights in one block of memory, this one does not."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        name = self._get_name()
        packed = input if isinstance(input, PackedSequence) else None
        state = None if hx is None else hx if isinstance(hx, tuple) else (hx,)
        single = False
        if packed is not None:
            x, order = packed.data, packed.sorted_indices
            sizes = packed.batch_sizes.tolist()
            if state is not None and order is not None:
                state = tuple(s.index_select(1, order) for s in state)
            self._check_input(x, 2)
        else:
            if input.ndim not in (2, 3):
                raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.ndim}D "
                                 f"{'tensor ' if self.mode[:3] == 'RNN' else ''}instead")
            single = input.ndim == 2
            for s in state or ():
                if s.ndim != input.ndim:
                    raise RuntimeError(f"For {'unbatched 2-D' if single else 'batched 3-D'} input, hx should also be "
                                       f"{input.ndim}-D but got {s.ndim}-D tensor")
            x = input.unsqueeze(1) if single else input.transpose(0, 1) if self.batch_first else input
            state = tuple(s.unsqueeze(1) for s in state) if single and state is not None else state
            self._check_input(x, 3)
            steps, rows = x.shape[:2]
            if not steps:
                raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
            sizes = [rows] * steps
        state = self._checked_state(state, sizes[0], x.dtype)
        output, state = self._run(x, sizes, tuple(s.unbind(0) for s in state))
        if packed is not None:
            if packed.unsorted_indices is not None:
                state = tuple(s.index_select(1, packed.unsorted_indices) for s in state)
            return PackedSequence(output, *packed[1:]), self._as_given(state)
        if single:
            return output, self._as_given(tuple(s.squeeze(1) for s in state))
        output = output.reshape(steps, rows, output.shape[-1])
        return output.transpose(0, 1) if self.batch_first else output, self._as_given(state)

    def _run(self, x: Any, sizes: list[int], state: State) -> tuple[Any, State]:
        """All layers; the input of the first may be packed or not, all else is packed."""
        last, directions = [], 1 + self.bidirectional
        for i, names in enumerate(self._all_weights):
            weights = {name.split("_l")[0]: getattr(self, name) for name in names}
            gates = F.linear(x, weights["weight_ih"], weights.get("bias_ih"))
            output, final = run_layer(
                self.mode, gates.reshape(-1, gates.shape[-1]), tuple(s[i] for s in state), weights["weight_hh"],
                weights.get("bias_hh"), weights.get("weight_hr"), walk(tuple(sizes), i % directions == 1))
            last.append(final)
            if i % directions == 0:
                outputs = [output]
            else:
                outputs.append(output)
            if len(outputs) == directions:
                x = cat(outputs, -1)  # of one direction too: a layer keeps its states, the output may be edited in place
                if self.dropout and i + 1 < len(self._all_weights):
                    x = F.dropout(x, self.dropout, self.training)
        return x, tuple(map(stack, zip(*last)))

    def _as_given(self, state: State) -> Any:
        return state if self.mode == "LSTM" else state[0]

    def _check_input(self, x: Any, ndim: int) -> None:
        weight = getattr(self, self._all_weights[0][0])
        if x.dtype != weight.dtype:
            raise ValueError(f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). Convert "
                             f"input: input.to({weight.dtype}), or convert model: model.to({x.dtype})")
        if x.ndim != ndim:
            raise RuntimeError(f"input must have {ndim} dimensions, got {x.ndim}")
        if x.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                               f"{x.shape[-1]}")

    def _checked_state(self, state: State | None, rows: int, dtype: Any) -> State:
        """The state before the first step, zeros unless given."""
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][:2 if self.mode == "LSTM" else 1]
        shapes = [(len(self._all_weights), rows, size) for size in sizes]
        if state is None:
            return tuple(zeros(shape, dtype=dtype) for shape in shapes)
        for i, (s, shape) in enumerate(zip(state, shapes)):
            if tuple(s.shape) != shape:
                raise RuntimeError(f"Expected hidden{f'[{i}]' if self.mode == 'LSTM' else ''} size {shape}, got "
                                   f"{list(s.shape)}")
        return state

    def extra_repr(self) -> str:
        options = (("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0),
                   ("bidirectional", False))
        return f"{self.input_size}, {self.hidden_size}" + "".join(
            f", {name}={getattr(self, name)}" for name, default in options if getattr(self, name) != default)


def check_arguments(input_size: Any, hidden_size: Any, num_layers: int, bias: Any, batch_first: Any, dropout: Any,
                    proj_size: int) -> None:
    if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being "
                         "zeroed")
    if dropout > 0 and num_layers == 1:
        warnings.warn("dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                      f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}", stacklevel=4)
    for name, value, kind in (("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
                              ("hidden_size", hidden_size, int)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNN(RNNBase):
    """h_t = f(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), f tanh or with `nonlinearity` ``'relu'`` (Elman, 1990)."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", *args: Any,
                 **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: gates i, f, o and candidate g of W_ih x_t + b_ih + W_hh h_(t-1) + b_hh (Hochreiter and
    Schmidhuber, 1997).

    c_t = s(f) c_(t-1) + s(i) tanh(g), h_t = s(o) tanh(c_t), s the sigmoid; the state is (h, c). `proj_size` projects
    h_t (Sak et al., 2014).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit: h_t = (1 - z) n + z h_(t-1), n = tanh(n_x + r n_h), with gates r and z (Cho et al.,
    2014)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


# ---- cells: one step at a time


class RNNCellBase(_Recurrent):
    """One step of a recurrent layer: input (N, input_size) or (input_size,), state (N, hidden_size) or
    (hidden_size,)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        self.weight_ih = empty_parameter((gates, input_size), device, dtype)
        self.weight_hh = empty_parameter((gates, hidden_size), device, dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty_parameter((gates,), device, dtype) if bias else None)
        self.reset_parameters()

    def _step(self, cell: Callable[..., State], input: Any, state: State | None, states: int = 1) -> State:
        if input.ndim not in (1, 2):
            raise ValueError(f"{self._get_name()}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for i, s in enumerate(state or ()):
            if s.ndim not in (1, 2):
                what = f"hx[{i}]" if states > 1 else "hidden"
                raise ValueError(f"{self._get_name()}: Expected {what} to be 1D or 2D, got {s.ndim}D instead")
        single = input.ndim == 1
        x = input.unsqueeze(0) if single else input
        if state is None:
            state = (zeros(x.shape[0], self.hidden_size, dtype=x.dtype),) * states
        elif single:
            state = tuple(s.unsqueeze(0) for s in state)
        self._check(x, state)
        products = (x, self.weight_ih, self.bias_ih), (state[0], self.weight_hh, self.bias_hh)
        order = 1 if cell is gru_cell else -1  # PyTorch's: hooks of gradients fire in the reverse
        state = cell(*[F.linear(*product) for product in products[::order]][::order], *state)
        return tuple(s.squeeze(0) for s in state) if single else state

    def _check(self, x: Any, state: State) -> None:
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        for i, s in enumerate(state):
            if s.shape[0] != x.shape[0]:
                raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden{i} batch size {s.shape[0]}")
            if s.shape[1] != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {s.shape[1]}, expected "
                                   f"{self.hidden_size}")

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of an `RNN`."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(partial(rnn_cell, nonlinearity=self.nonlinearity), input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`; returns (h, c)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        if isinstance(hx, Tensor):
            raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
        return self._step(lstm_cell, input, hx, 2)


class GRUCell(RNNCellBase):
    """One step of a `GRU`."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        return self._step(gru_cell, input, None if hx is None else (hx,))[0]
