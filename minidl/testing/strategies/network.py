"""Recurrent layers and small networks, with inputs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import tensors

__all__ = ["networks", "recurrent"]


@st.composite
def recurrent(draw: Any, kind: str | None = None) -> Case:
    """``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` of one or two layers, in one or both directions, on a sequence, with or without a first state."""
    kind = kind or draw(st.sampled_from(["RNN", "LSTM", "GRU"]))
    features, hidden, layers = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kwargs: dict[str, Any] = {"bias": draw(st.sampled_from([True, False])), "batch_first": draw(st.booleans()), "bidirectional": draw(st.booleans())}
    if kind == "RNN":
        kwargs["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "LSTM" and hidden > 1 and draw(st.booleans()):
        kwargs["proj_size"] = hidden - 1
    length, batch = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    lead = (length,) if not batch else (batch, length) if kwargs["batch_first"] else (length, batch)
    inputs: list[Any] = [draw(tensors((*lead, features)))]
    if draw(st.booleans()):
        count = layers * (1 + kwargs["bidirectional"])
        sizes = [kwargs.get("proj_size", hidden), hidden][:1 + (kind == "LSTM")]
        states = [draw(tensors((count, *([batch] if batch else []), n))) for n in sizes]
        inputs.append(tuple(states) if kind == "LSTM" else states[0])
    return Case(f"nn.{kind}", (features, hidden, layers), kwargs, tuple(inputs))


@st.composite
def networks(draw: Any, outputs: int | None = None, smooth: bool = False, batch: int | None = None) -> Case:
    """``nn.Sequential`` of up to four blocks, of linear layers or of convolutions, poolings and norms ending in (N, outputs), with its input.

    With `smooth` no activation has a kink.
    """
    outputs, batch = outputs or draw(st.integers(1, 3)), batch or draw(st.integers(1, 3))
    activations = st.sampled_from(["Tanh", "GELU", "SiLU", "Softplus"] + ([] if smooth else ["ReLU", "LeakyReLU", "ELU"])).map(lambda n: Case(f"nn.{n}"))
    layers: list[Case] = []
    if draw(st.booleans()):
        c = shape_c = draw(st.integers(1, 2))
        h, w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
        side = (h, w)
        for _ in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["conv", "norm", "pool", "activation"]))
            if kind == "conv":
                groups, out, k = draw(st.sampled_from([1, c])), draw(st.integers(1, 2)), draw(st.integers(1, min(3, *side)))
                stride, padding = draw(st.integers(1, 2)), draw(st.integers(0, 1))
                layers.append(Case("nn.Conv2d", (c, out * groups, k), {"stride": stride, "padding": padding, "groups": groups}))
                c, side = out * groups, tuple((n + 2 * padding - k) // stride + 1 for n in side)
            elif kind == "norm":
                layers.append(Case("nn.GroupNorm", (1, c)) if c * side[0] * side[1] > 1 else Case("nn.Identity"))
            elif kind == "pool":
                k = draw(st.integers(1, min(2, *side)))
                layers.append(Case("nn.AvgPool2d", (k,)))
                side = tuple((n - k) // k + 1 for n in side)
            else:
                layers.append(draw(activations))
        layers += [Case("nn.Flatten"), Case("nn.Linear", (c * side[0] * side[1], outputs))]
        shape: tuple[int, ...] = (batch, shape_c, h, w)
    else:
        n = draw(st.integers(1, 3))
        shape = (batch, n)
        for _ in range(draw(st.integers(0, 3))):
            hidden = draw(st.integers(1, 4))
            layers += [Case("nn.Linear", (n, hidden), {"bias": draw(st.sampled_from([True, False]))}), draw(activations)]
            n = hidden
        layers.append(Case("nn.Linear", (n, outputs)))
    return Case("nn.Sequential", tuple(layers), {}, (draw(tensors(shape)),))
