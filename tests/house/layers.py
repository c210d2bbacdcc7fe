"""A strategy of calls for every layer of `minidl.nn`, drawn through `minidl.testing.strategies`: a Case with its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case
from minidl.testing.strategies import adaptive_pools, cases, convolutions, networks, pools, recurrent, shapes, tensors
from tests.rows import loss as loss_rows

Drawn = st.SearchStrategy[Case]
FLAGS = st.booleans()
DIMS = (1, 2, 3)


def pick(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def spatial(dims: int, channels: Any, side: int = 4, domain: str = "finite", unbatched: bool = True) -> st.SearchStrategy[np.ndarray]:
    """(N, C, *) or (C, *) with `dims` positions."""
    lead = pick((1,), (2,), ()) if unbatched else pick((1,), (2,))
    return st.tuples(lead, shapes(dims, dims, max_side=side)).flatmap(lambda s: tensors((*s[0], channels, *s[1]), domain))


@st.composite
def layer(draw: Any, /, name: str, *args: Any, inputs: Any = None, **kwargs: Any) -> Case:
    """``nn.name(*args, **kwargs)`` on `inputs`, by default one tensor away from 0; strategies among them are drawn."""
    def value(v: Any) -> Any:
        return draw(v) if isinstance(v, st.SearchStrategy) else v
    given = (tensors(domain="away"),) if inputs is None else inputs
    return Case(f"nn.{name}", tuple(map(value, args)), {k: value(v) for k, v in kwargs.items()}, tuple(map(value, given)))


def made(op: Drawn, name: str, inputs: int = 1, arguments: Callable[[Case], tuple[Any, ...]] | None = None, **options: Any) -> Drawn:
    """The layer of an operator's calls: the first arguments are what it is called with, the rest what it is made with."""
    def change(c: Case) -> Case:
        args = c.args[inputs:] if arguments is None else arguments(c)
        return Case(f"nn.{name}", args, {**c.kwargs, **options}, c.args[:inputs])
    return op.map(change)


@st.composite
def convolution(draw: Any, dims: int, transposed: bool = False, lazy: bool = False) -> Case:
    c = draw(convolutions(dims, transposed))
    x, w, b = c.args
    groups = c.kwargs["groups"]
    first, second = w.shape[:2]
    sizes = (first, second * groups) if transposed else (second * groups, first)
    kwargs = {**c.kwargs, "bias": b is not None}
    if not transposed and not isinstance(kwargs["padding"], str) and draw(FLAGS):
        kwargs["padding_mode"] = draw(pick("circular", "replicate") if min(x.shape[-dims:]) >= 2 else pick("replicate"))
    return Case(f"nn.{'Lazy' * lazy}Conv{'Transpose' * transposed}{dims}d", (*sizes[lazy:], w.shape[2:]), kwargs, (x,))


@st.composite
def normalization(draw: Any, kind: str, dims: int, **options: Any) -> Case:
    """A batch or instance norm whose variances are of several values."""
    lazy, instance = kind.startswith("Lazy"), "Instance" in kind
    channels = draw(st.integers(1, 3))
    positions = draw(shapes(dims, dims, min_side=2, max_side=3))
    if dims == 1 and not instance and draw(FLAGS):
        positions = ()
    lead = draw(pick(2, 3))
    kwargs = {"eps": draw(pick(1e-5, 0.1)), "momentum": draw(pick(0.1, 0.5)), "affine": draw(FLAGS), "track_running_stats": draw(FLAGS), **options}
    x = draw(tensors((lead, channels, *positions), "distinct", layout="contiguous"))  # PyTorch's batch_norm is wrong in some other memory
    return Case(f"nn.{kind}{dims}d" if kind != "SyncBatchNorm" else "nn.SyncBatchNorm", () if lazy else (channels,), kwargs, (x,))


@st.composite
def unpooling(draw: Any, dims: int) -> Case:
    """Windows of one size that tile; each index is in its own window."""
    k = draw(pick(1, 2, 3))
    x = draw(spatial(dims, 2, side=3))
    index = np.zeros(x.shape[-dims:], np.int64)
    for d in range(dims):
        index = index * (k * x.shape[-dims + d]) + (k * np.arange(x.shape[-dims + d])).reshape(-1, *[1] * (dims - d - 1))
    return Case(f"nn.MaxUnpool{dims}d", (k,), {}, (x, np.broadcast_to(index, x.shape).copy()))


@st.composite
def padded(draw: Any, kind: str, dims: int) -> Case:
    """Paddings that are smaller than each side."""
    x = draw(spatial(dims, 2, unbatched=kind != "Circular"))
    largest = min(x.shape[-dims:]) - (kind == "Reflection")
    sides = draw(st.integers(0, min(2, largest)) | st.tuples(*[st.integers(0, min(2, largest))] * (2 * dims)))
    return Case(f"nn.{kind}Pad{dims}d", (sides, 1.5) if kind == "Constant" else (sides,), {}, (x,))


@st.composite
def fractional(draw: Any, dims: int) -> Case:
    x = draw(tensors((*draw(pick((1, 2), (2,))), *draw(shapes(dims, dims, min_side=3, max_side=6))), "distinct"))
    out = tuple(draw(st.integers(1, n - 2)) for n in x.shape[-dims:])
    samples = draw(tensors((x.shape[0] if x.ndim > dims + 1 else 1, x.shape[-dims - 1], dims), "unit", layout="contiguous"))
    return Case(f"nn.FractionalMaxPool{dims}d", (2,), {"output_size": out, "_random_samples": samples}, (x,))


@st.composite
def embedding(draw: Any, bag: bool) -> Case:
    rows, size = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    shape = draw(shapes(2, 2) if bag else shapes(min_dims=1, max_dims=3))
    kwargs: dict[str, Any] = {"_weight": draw(tensors((rows, size), layout="contiguous")), "padding_idx": draw(st.none() | st.integers(-rows, rows - 1))}
    if bag:
        kwargs["mode"] = draw(pick("mean", "sum"))
    else:
        kwargs["scale_grad_by_freq"] = draw(FLAGS)
    return Case("nn.EmbeddingBag" if bag else "nn.Embedding", (rows, size), kwargs, (draw(tensors(shape, "positive", "int64", high=rows)),))


@st.composite
def attention(draw: Any) -> Case:
    heads, batch, length, sources = draw(st.tuples(*[st.integers(1, 3)] * 4))
    size, first = heads * draw(st.integers(1, 2)), draw(FLAGS)
    q, k, v = (draw(tensors((batch, n, size) if first else (n, batch, size), "open")) for n in (length, sources, sources))
    kwargs = {"bias": draw(FLAGS), "add_zero_attn": draw(FLAGS), "batch_first": first, "dropout": draw(pick(0.0, 0.5))}
    return Case("nn.MultiheadAttention", (size, heads), kwargs, (q, k, v))


@st.composite
def transformer(draw: Any, kind: str) -> Case:
    heads, batch, length = draw(st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)))
    size, first = 2 * heads, draw(FLAGS)
    kwargs = {"dim_feedforward": 3, "dropout": draw(pick(0.0, 0.25)), "activation": "gelu", "batch_first": first, "norm_first": draw(FLAGS), "bias": draw(FLAGS)}
    inputs = [draw(tensors((batch, n, size) if first else (n, batch, size), "open")) for n in (length, 2)[:1 if "Encoder" in kind else 2]]
    if kind == "Transformer":
        return Case("nn.Transformer", (size, heads, 1, 1), kwargs, tuple(inputs))
    one = Case(f"nn.Transformer{'Encoder' if 'Encoder' in kind else 'Decoder'}Layer", (size, heads), kwargs)
    return Case(one.op, one.args, kwargs, tuple(inputs)) if kind.endswith("Layer") else Case(f"nn.{kind}", (one, 2), {}, tuple(inputs))


@st.composite
def cell(draw: Any, kind: str) -> Case:
    size, hidden = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    lead = draw(pick((1,), (2,), ()))
    state = [draw(tensors((*lead, hidden))) for _ in range(1 + (kind == "LSTM"))]
    inputs = (draw(tensors((*lead, size))), *([] if draw(FLAGS) else [tuple(state) if kind == "LSTM" else state[0]]))
    return Case(f"nn.{kind}Cell", (size, hidden), {"bias": draw(FLAGS), **({"nonlinearity": "tanh"} if kind == "RNN" else {})}, inputs)


@st.composite
def folded(draw: Any) -> Case:
    """The columns of an image, by the counts of its blocks."""
    kernel, stride, padding, dilation = draw(st.tuples(*[st.tuples(*[st.integers(low, high)] * 2) for low, high in ((1, 2), (1, 2), (0, 1), (1, 2))]))
    size = draw(st.tuples(*[st.integers(3, 4)] * 2))
    blocks = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(size, padding, dilation, kernel, stride)]
    x = draw(tensors((*draw(pick((1,), (2,), ())), 2 * kernel[0] * kernel[1], blocks[0] * blocks[1])))
    return Case("nn.Fold", (size, kernel), {"dilation": dilation, "padding": padding, "stride": stride}, (x,))


@st.composite
def unflattened(draw: Any) -> Case:
    sizes = draw(shapes(1, 3))
    return Case("nn.Unflatten", (1, sizes), {}, (draw(tensors((2, int(np.prod(sizes)), 2))),))


def normed(name: str, op: str) -> Drawn:
    """A norm by its function's calls: (x, shape or groups, weight, bias) becomes what the layer is made with."""
    def arguments(c: Case) -> tuple[Any, ...]:
        return (c.args[1], c.args[0].shape[1]) if op == "group_norm" else (c.args[1],)
    return cases(op).flatmap(lambda c: FLAGS.map(lambda affine: Case(
        f"nn.{name}", arguments(c), {"eps": c.kwargs["eps"], "affine" if op == "group_norm" else "elementwise_affine": affine}, c.args[:1])))


IMAGE = (spatial(2, 4, unbatched=False),)
ACTIVATIONS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("Hardsigmoid", "Hardswish", "Identity", "LogSigmoid", "Mish", "ReLU", "ReLU6", "SELU", "Sigmoid", "SiLU", "Softsign", "Tanh", "Tanhshrink"), ()),
    "CELU": (pick(0.5, 2.0),), "ELU": (pick(0.5, 2.0),), "GELU": (pick("none", "tanh"),), "Hardshrink": (pick(0.5, 0.3),),
    "Hardtanh": (pick(-1.1, -0.3), pick(0.2, 1.7)), "LeakyReLU": (pick(0.01, 0.3),), "PReLU": (1, pick(0.25, 0.5)), "RReLU": (0.1, 0.5), "Softplus": (pick(1, 2.0),),
    "Softshrink": (pick(0.5, 0.3),), "Threshold": (pick(0.1, -0.1), 2.0), "Dropout": (pick(0.3, 0.5),), "AlphaDropout": (pick(0.3, 0.5),), "Flatten": (0,),
}
LOSSES: dict[str, tuple[Drawn, int]] = {
    **{name: (cases(op), 2) for name, op in {
        "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "CrossEntropyLoss": "cross_entropy",
        "HingeEmbeddingLoss": "hinge_embedding_loss", "HuberLoss": "huber_loss", "KLDivLoss": "kl_div", "L1Loss": "l1_loss", "MSELoss": "mse_loss",
        "PoissonNLLLoss": "poisson_nll_loss", "SmoothL1Loss": "smooth_l1_loss", "SoftMarginLoss": "soft_margin_loss"}.items()},
    **{name: (cases("nll_loss", plain=True), 2) for name in ("NLLLoss", "NLLLoss2d")},
    **{name: (cases(op), 3) for name, op in {"CosineEmbeddingLoss": "cosine_embedding_loss", "MarginRankingLoss": "margin_ranking_loss"}.items()},
    "GaussianNLLLoss": (loss_rows.gaussian(), 3),
    "MultiMarginLoss": (loss_rows.multi_margin(), 2),
    "MultiLabelMarginLoss": (loss_rows.multilabel_margin(), 2),
    "MultiLabelSoftMarginLoss": (loss_rows.pairs("finite", "unit", shape=loss_rows.MATRICES), 2),
    "TripletMarginLoss": (loss_rows.triplets(p=pick(2.0, 3.0), swap=FLAGS), 3),
    "TripletMarginWithDistanceLoss": (loss_rows.triplets(swap=FLAGS), 3),
    "CTCLoss": (loss_rows.alignments(), 4),
}
LAYERS: dict[str, Drawn] = {
    **{name: layer(name, *args) for name, args in ACTIVATIONS.items()},
    **{name: made(op, name, inputs, lambda c: ()) for name, (op, inputs) in LOSSES.items()},
    **{f"{'Lazy' * lazy}Conv{'Transpose' * transposed}{n}d": convolution(n, transposed, lazy) for n in DIMS for transposed in (False, True) for lazy in (False, True)},
    **{f"{lazy}{kind}Norm{n}d": normalization(f"{lazy}{kind}Norm", n) for n in DIMS for kind in ("Batch", "Instance") for lazy in ("", "Lazy")},
    "SyncBatchNorm": normalization("SyncBatchNorm", 2),
    **{f"{op}Pool{n}d": made(pools(op.lower(), n), f"{op}Pool{n}d") for op, n in (*(("Avg", n) for n in DIMS), ("Max", 1), ("Max", 2))},
    "MaxPool3d": made(pools("max", 3, layout="contiguous"), "MaxPool3d"),  # PyTorch refuses some other memory
    **{f"LPPool{n}d": made(pools("lp", n), f"LPPool{n}d") for n in (1, 2)},
    "LPPool3d": layer("LPPool3d", pick(2.0, 3.0), pick(1, 2), inputs=(tensors((1, 2, 3, 3, 3), "positive"),)),
    **{f"Adaptive{op}Pool{n}d": made(adaptive_pools(op.lower(), n), f"Adaptive{op}Pool{n}d") for op in ("Max", "Avg") for n in DIMS},
    **{f"MaxUnpool{n}d": unpooling(n) for n in DIMS},
    **{f"FractionalMaxPool{n}d": fractional(n) for n in (2, 3)},
    **{f"{kind}Pad{n}d": padded(kind, n) for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero") for n in DIMS},
    **{f"Dropout{n}d": layer(f"Dropout{n}d", pick(0.3, 0.5), inputs=(spatial(n, 3, side=2, unbatched=False),)) for n in DIMS},
    "FeatureAlphaDropout": layer("FeatureAlphaDropout", 0.4, inputs=(spatial(1, 3),)),
    "GroupNorm": normed("GroupNorm", "group_norm"), "LayerNorm": normed("LayerNorm", "layer_norm"), "RMSNorm": normed("RMSNorm", "rms_norm"),
    "LocalResponseNorm": made(cases("local_response_norm"), "LocalResponseNorm"),
    "CrossMapLRN2d": layer("CrossMapLRN2d", 3, pick(0.1, 0.5), inputs=IMAGE),
    "Linear": made(cases("linear"), "Linear", 1, lambda c: c.args[1].shape[::-1]),
    "LazyLinear": made(cases("linear"), "LazyLinear", 1, lambda c: c.args[1].shape[:1]),
    "Bilinear": made(cases("bilinear"), "Bilinear", 2, lambda c: (*c.args[2].shape[1:], c.args[2].shape[0])),
    "GLU": layer("GLU", pick(0, -1), inputs=(tensors(pick((2, 4), (4, 3, 2))),)),
    **{name: layer(name, pick(0, -1), inputs=(tensors(shapes(min_dims=1)),)) for name in ("Softmax", "Softmin", "LogSoftmax")},
    "Softmax2d": layer("Softmax2d", inputs=(spatial(2, 3),)),
    "ChannelShuffle": layer("ChannelShuffle", pick(1, 2, 4), inputs=IMAGE),
    "PixelShuffle": layer("PixelShuffle", pick(1, 2), inputs=IMAGE),
    "PixelUnshuffle": layer("PixelUnshuffle", pick(1, 2), inputs=(tensors(pick((1, 2, 4, 2), (2, 4, 6))),)),
    "Unfold": layer("Unfold", pick(1, 2, (2, 1)), stride=pick(1, 2), padding=pick(0, 1), inputs=(tensors(pick((1, 2, 3, 4), (2, 2, 3))),)),
    "Fold": folded(),
    "Unflatten": unflattened(),
    "Upsample": made(cases("interpolate").filter(lambda c: c.kwargs["mode"] != "area"), "Upsample"),
    "UpsamplingNearest2d": layer("UpsamplingNearest2d", scale_factor=pick(2, 3, (1, 2)), inputs=IMAGE),
    "UpsamplingBilinear2d": layer("UpsamplingBilinear2d", pick((3, 5), (4, 2)), inputs=(tensors((1, 2, 3, 2)),)),
    "PairwiseDistance": layer("PairwiseDistance", pick(2.0, 1.0), keepdim=FLAGS, inputs=(tensors((2, 3), "positive"), tensors((2, 3)).map(lambda a: np.asarray(a - 4)))),
    "CosineSimilarity": layer("CosineSimilarity", pick(0, 1), inputs=(tensors((2, 3), "away"), tensors((2, 3), "away"))),
    "Embedding": embedding(False), "EmbeddingBag": embedding(True),
    "AdaptiveLogSoftmaxWithLoss": layer("AdaptiveLogSoftmaxWithLoss", 8, 6, [2, 4], head_bias=FLAGS, inputs=(tensors((3, 8), "open"), tensors((3,), "positive", "int64", high=6))),
    "LinearCrossEntropyLoss": layer("LinearCrossEntropyLoss", 4, 3, reduction=pick("mean", "sum"), inputs=(tensors((5, 4)), tensors((5,), "positive", "int64", high=3))),
    **{kind: recurrent(kind).filter(lambda c: c.kwargs.get("nonlinearity") != "relu") for kind in ("RNN", "LSTM", "GRU")},
    **{f"{kind}Cell": cell(kind) for kind in ("RNN", "LSTM", "GRU")},
    "MultiheadAttention": attention(),
    **{name: transformer(name) for name in ("Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer")},
    "Sequential": networks(smooth=True),
}
# minidl's own: no other library's to compare with, but their gradients are the slopes of their outputs.
OWN: dict[str, Drawn] = {
    "SEBlock": layer("SEBlock", 4, 2, inputs=IMAGE), "SqueezeExcitation": layer("SqueezeExcitation", 4, 2, inputs=IMAGE),
    "ChannelAttention": layer("ChannelAttention", 4, 2, inputs=IMAGE), "SpatialAttention": layer("SpatialAttention", 3, inputs=IMAGE),
    "ECA": layer("ECA", 4, inputs=IMAGE), "CBAM": layer("CBAM", 4, 2, 3, inputs=IMAGE),
}
# What is no layer: bases, containers of layers and parameters (tests/test_modules.py), parameters, options.
NOT_LAYERS = {"Module", "RNNBase", "RNNCellBase", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel", "Parameter", "Buffer",
              "UninitializedParameter", "UninitializedBuffer", "LinearCrossEntropyOptions"}
