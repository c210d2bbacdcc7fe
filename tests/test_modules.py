"""Layers against PyTorch: one row each, from which come repr, initial values, state, outputs, gradients, and the
buffers after a call."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections import OrderedDict
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

# Constructor call, then the shapes of the inputs: floats unless written as "int n" (below n), "sign" or "pos".
ROWS = """
Identity(1, 2) | 2,3
Linear(3, 4) | 2,3
Linear(3, 4, bias=False) | 2,5,3
Bilinear(2, 3, 4) | 5,2 | 5,3
LazyLinear(3) | 2,4
Conv1d(2, 4, 3, padding='same') | 2,2,7
Conv2d(2, 4, (3, 2), stride=2, padding=1, dilation=2, groups=2) | 2,2,7,6
Conv2d(2, 4, 3, padding='same', padding_mode='reflect') | 1,2,5,5
Conv2d(2, 4, 3, padding=(1, 2), padding_mode='circular') | 1,2,5,5
Conv3d(2, 4, 2, bias=False) | 1,2,3,3,3
ConvTranspose1d(3, 2, 3, stride=2) | 2,3,5
ConvTranspose2d(4, 4, 3, stride=2, output_padding=1, groups=2) | 1,4,3,3
ConvTranspose3d(2, 1, 2) | 1,2,2,2,2
LazyConv1d(3, 2) | 1,2,4
LazyConv2d(3, 2) | 1,2,4,4
LazyConv3d(3, 2) | 2,2,2,2
LazyConvTranspose1d(3, 2) | 2,4
LazyConvTranspose2d(3, 2) | 1,2,2,2
LazyConvTranspose3d(3, 2) | 1,2,2,2,2
BatchNorm1d(3) | 4,3
BatchNorm1d(3, momentum=None) | 4,3,2
BatchNorm2d(3, affine=False) | 2,3,2,2
BatchNorm2d(3, bias=False) | 2,3,2,2
BatchNorm3d(3, track_running_stats=False) | 2,3,2,1,2
LazyBatchNorm1d() | 4,3
LazyBatchNorm2d(momentum=0.5) | 2,3,2,2
SyncBatchNorm(3) | 4,3,2
SyncBatchNorm(3, momentum=None) | 2,3,2,2
LazyBatchNorm3d(affine=False) | 2,3,2,1,2
InstanceNorm1d(3) | 2,3,4
InstanceNorm1d(3) | 3,4
InstanceNorm2d(3, affine=True, track_running_stats=True) | 2,3,2,2
InstanceNorm3d(3) | 3,2,2,2
LazyInstanceNorm1d() | 2,3,4
LazyInstanceNorm2d(affine=True) | 2,3,2,2
LazyInstanceNorm3d(track_running_stats=True) | 2,3,2,2,2
LocalResponseNorm(2) | 2,4,3
LayerNorm(3) | 2,3
LayerNorm((2, 3), elementwise_affine=False) | 4,2,3
LayerNorm([2, 3], bias=False) | 4,2,3
GroupNorm(2, 4) | 3,4,2
GroupNorm(2, 4, affine=False) | 3,4,2
GroupNorm(2, 4, bias=False) | 3,4,2
RMSNorm(3) | 2,3
RMSNorm((2, 3), eps=1e-3, elementwise_affine=False) | 4,2,3
ReLU() | 3,4
ReLU(True) | 3,4
ReLU6() | 3,4
ReLU6(True) | 3,4
SELU() | 3,4
SiLU() | 3,4
Mish(True) | 3,4
Hardsigmoid() | 3,4
Hardswish(True) | 3,4
Sigmoid() | 3,4
Tanh() | 3,4
LogSigmoid() | 3,4
Softsign() | 3,4
Tanhshrink() | 3,4
Threshold(0.1, 20.0) | 3,4
Threshold(0.1, 2.0, True) | 3,4
RReLU() | 3,4
RReLU(inplace=True) | 3,4
Hardtanh() | 3,4
Hardtanh(-2, 2, True) | 3,4
ELU(2.0) | 3,4
ELU(2, True) | 3,4
CELU() | 3,4
LeakyReLU() | 3,4
LeakyReLU(0.2, True) | 3,4
PReLU() | 3,4
PReLU(4) | 3,4
GLU() | 3,4
GELU() | 3,4
GELU('tanh') | 3,4
Hardshrink() | 3,4
Softshrink() | 3,4
Softplus(2.0) | 3,4
Softmax(1) | 3,4
Softmin(0) | 3,4
LogSoftmax(1) | 3,4
Softmax2d() | 2,3,2,2
Dropout() | 3,4
Dropout(0.1, True) | 3,4
Dropout1d() | 3,4,2
Dropout2d() | 3,4,2,2
Dropout3d(0.3) | 3,4,2,2,2
AlphaDropout() | 3,4
FeatureAlphaDropout() | 3,4,2
MaxPool1d(2) | 2,3,5
MaxPool2d((2, 3), stride=1, padding=1, ceil_mode=True) | 2,3,4,5
MaxPool2d(2, return_indices=True) | 2,3,4,5
MaxPool3d(2) | 2,3,4,4,4
AvgPool1d(2) | 2,3,5
AvgPool2d(2, padding=1, count_include_pad=False) | 2,3,5,5
AvgPool3d(2, divisor_override=3) | 2,3,4,4,4
FractionalMaxPool2d(2, output_size=3) | 2,3,7,7
FractionalMaxPool3d(2, output_ratio=0.5) | 2,3,6,6,6
LPPool1d(2, 3) | 2,3,6
LPPool2d(3, 2, stride=1) | pos 2,3,4,4
LPPool3d(2, 2) | 2,3,4,4,4
AdaptiveMaxPool1d(3) | 2,3,7
AdaptiveMaxPool2d((3, None)) | 2,3,7,5
AdaptiveMaxPool3d(2, return_indices=True) | 2,2,4,4,4
AdaptiveAvgPool1d(3) | 2,3,7
AdaptiveAvgPool2d((None, 2)) | 2,3,7,5
AdaptiveAvgPool3d(2) | 2,2,4,3,4
ReflectionPad1d(2) | 2,3,4
ReflectionPad2d((1, 2, 2, 1)) | 2,3,4,4
ReflectionPad3d(1) | 1,2,3,3,3
ReplicationPad1d(2) | 2,3,4
ReplicationPad2d(2) | 2,3,4,4
ReplicationPad3d(2) | 1,2,3,3,3
CircularPad1d(2) | 2,3,4
CircularPad2d(2) | 2,3,4,4
CircularPad3d(2) | 1,2,3,3,3
ConstantPad1d(2, 1.5) | 2,3,4
ConstantPad2d((1, 2, 3, -1), 1) | 2,3,4,4
ConstantPad3d(2, 1.5) | 1,2,3,3,3
ZeroPad1d(1) | 2,3
ZeroPad2d((1, 2, 3, 4)) | 2,3,4
ZeroPad3d(1) | 1,2,2,2
Embedding(5, 4) | int5 3,2
Embedding(5, 4, padding_idx=-1, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True) | int5 3,4
EmbeddingBag(5, 4) | int5 3,2
EmbeddingBag(5, 4, mode='sum', padding_idx=1, max_norm=2.0) | int5 3,4
EmbeddingBag(5, 4, mode='max') | int5 3,4
L1Loss() | 3,4 | 3,4
L1Loss(reduction='sum') | 3,4 | 3,4
NLLLoss() | 5,4 | int4 5
NLLLoss(weight=T.tensor([1.0, 2, 3, 4]), ignore_index=1, reduction='none') | 5,4 | int4 5
NLLLoss2d() | 5,4,2,2 | int4 5,2,2
PoissonNLLLoss() | 3,4 | pos 3,4
GaussianNLLLoss() | 3,4 | 3,4 | pos 3,4
KLDivLoss(reduction='sum') | 3,4 | pos 3,4
KLDivLoss(reduction='batchmean', log_target=True) | 3,4 | 3,4
MSELoss() | 3,4 | 3,4
BCELoss() | unit 3,4 | unit 3,4
BCEWithLogitsLoss(pos_weight=T.tensor([1.0, 2, 3, 4])) | 3,4 | unit 3,4
HingeEmbeddingLoss() | 3,4 | sign 3,4
MultiLabelMarginLoss() | 3,4 | int4 3,4
SmoothL1Loss(beta=0.5) | 3,4 | 3,4
HuberLoss(delta=0.5) | 3,4 | 3,4
SoftMarginLoss() | 3,4 | sign 3,4
CrossEntropyLoss() | 5,4 | int4 5
CrossEntropyLoss(label_smoothing=0.1) | 5,4 | unit 5,4
LinearCrossEntropyLoss(4, 3) | 5,4 | int3 5
LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, reduction='sum', ignore_index=1) | 5,4 | int3 5,2
MultiLabelSoftMarginLoss() | 3,4 | unit 3,4
CosineEmbeddingLoss() | 3,4 | 3,4 | sign 3
MarginRankingLoss(0.5) | 3 | 3 | sign 3
MultiMarginLoss() | 3,4 | int4 3
TripletMarginLoss(swap=True) | 3,4 | 3,4 | 3,4
TripletMarginWithDistanceLoss(margin=0.5) | 3,4 | 3,4 | 3,4
Upsample(3) | 1,2,2
Upsample(scale_factor=2, mode='bilinear') | 1,2,2,3
Upsample(scale_factor=(2, 3)) | 1,2,2,3
UpsamplingNearest2d(3) | 1,2,2,2
UpsamplingBilinear2d(scale_factor=2) | 1,2,2,2
PixelShuffle(2) | 1,8,2,3
PixelUnshuffle(2) | 1,2,4,2
ChannelShuffle(2) | 1,4,2,2
Fold((4, 5), 2) | 1,8,12
Unfold((2, 3), stride=2) | 1,2,5,6
Flatten() | 2,3,4
Unflatten(1, (2, 3)) | 2,6,4
PairwiseDistance() | 3,4 | 3,4
CosineSimilarity() | 3,4 | 3,4
AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10]) | 6,16 | int20 6
RNN(3, 4) | 5,2,3
RNN(3, 4, 2, nonlinearity='relu', bias=False) | 5,3
RNN(3, 4, 2, 'relu', True, True) | 2,5,3
LSTM(3, 4, 2, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2) | 2,5,3
LSTM(3, 4, bias=False) | 5,2,3
GRU(3, 4, bidirectional=True) | 5,2,3 | 2,2,4
GRU(3, 4, 3) | 5,3 | 3,4
RNNCell(3, 4) | 2,3
RNNCell(3, 4, False, 'relu') | 2,3 | 2,4
LSTMCell(3, 4) | 2,3
GRUCell(3, 4, bias=False) | 3 | 4
MultiheadAttention(4, 2) | 5,3,4 | 6,3,4 | 6,3,4
MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True) | 5,3,4 | 6,3,3 | 6,3,5
MultiheadAttention(4, 2, bias=False, batch_first=True) | 3,5,4 | 3,6,4 | 3,6,4
TransformerEncoderLayer(4, 2, 8) | 5,3,4
TransformerEncoderLayer(4, 2, 8, batch_first=True, activation=T.nn.functional.gelu) | 3,5,4
TransformerDecoderLayer(4, 2, 8, norm_first=True, activation='gelu') | 5,3,4 | 6,3,4
TransformerEncoder(T.nn.TransformerEncoderLayer(4, 2, 8), 2) | 5,3,4
TransformerDecoder(T.nn.TransformerDecoderLayer(4, 2, 8), 2, T.nn.LayerNorm(4)) | 5,3,4 | 6,3,4
Transformer(4, 2, 1, 1, 8) | 5,3,4 | 6,3,4
Sequential(T.nn.Linear(2, 3), T.nn.ReLU(), T.nn.Sequential()) | 4,2
"""
ROWS_TEXT = [tuple(part.strip() for part in line.split("|")) for line in ROWS.strip().splitlines()]

# Layers without a row above: containers have tests of their own below.
ELSEWHERE = {"Module", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "MaxUnpool1d", "MaxUnpool2d",
             "MaxUnpool3d", "CrossMapLRN2d", "LinearCrossEntropyOptions", "CTCLoss", "RNNBase", "RNNCellBase", "SEBlock", "Parameter", "Buffer",
             "UninitializedParameter", "UninitializedBuffer", "DataParallel",
             "SqueezeExcitation", "ChannelAttention", "SpatialAttention", "ECA", "CBAM"}


def make(T: ModuleType, constructor: str) -> Any:
    T.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(f"T.nn.{constructor}", {"T": T})


def inputs(specs: tuple[str, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    arrays = []
    for spec in specs:
        kind, _, shape = spec.rpartition(" ")
        size = tuple(map(int, shape.split(",")))
        if kind.startswith("int"):
            arrays.append(rng.integers(0, int(kind[3:]), size))
        elif kind == "sign":
            arrays.append(rng.choice([-1.0, 1.0], size))
        elif kind in ("pos", "unit"):
            arrays.append(rng.uniform(0.1, 0.9, size))
        else:
            arrays.append(rng.standard_normal(size))
    return arrays


def flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, (tuple, list)) else [value]


def array(t: Any) -> Any:
    return None if t is None else t.detach().numpy()


def run(T: ModuleType, constructor: str, specs: tuple[str, ...], training: bool) -> dict[str, Any]:
    """Everything that a layer shows of itself, by name."""
    module = make(T, constructor)
    facts: dict[str, Any] = {"repr": repr(module), "metadata": dict(module.state_dict()._metadata)}
    module.double().train(training)
    leaves = [T.tensor(a, requires_grad=a.dtype.kind == "f" and (i == 0 or "Loss" not in constructor))
              for i, a in enumerate(inputs(specs))]
    T.manual_seed(11)
    given = [x * 1 for x in leaves]  # a leaf may not be edited in place
    outputs = [o for o in flat(module(*given)) if o is not None]
    facts["outputs"] = [array(o) for o in outputs]
    facts["state"] = {k: array(v) for k, v in module.state_dict().items()}
    facts["repr after"] = repr(module)
    total = sum((o * T.tensor(np.cos(np.arange(math.prod(o.shape)).reshape(tuple(o.shape))))).sum() for o in outputs
                if o.requires_grad)
    if isinstance(total, T.Tensor):
        total.backward()
        facts["gradients"] = {"inputs": [array(x.grad) for x in leaves],
                              **{k: array(p.grad) for k, p in module.named_parameters()}}
    return facts


def assert_equal(have: Any, want: Any, what: str, rtol: float = 1e-9) -> None:
    if isinstance(want, dict):
        assert list(have) == list(want), what
        for key in want:
            assert_equal(have[key], want[key], f"{what} {key}", rtol)
    elif isinstance(want, list):
        assert len(have) == len(want), what
        for i, (h, w) in enumerate(zip(have, want)):
            assert_equal(h, w, f"{what} {i}", rtol)
    elif isinstance(want, np.ndarray):
        assert have.dtype == want.dtype, what
        np.testing.assert_allclose(have, want, rtol=rtol, atol=1e-10, err_msg=what)
    else:
        assert have == want, what


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("row", ROWS_TEXT, ids=[row[0] for row in ROWS_TEXT])
def test_layer(row: tuple[str, ...], training: bool) -> None:
    have = run(minidl, row[0], row[1:], training)
    # normal samples are float32, equal to the last digit
    assert_equal(have, run(torch, row[0], row[1:], training), row[0], rtol=2e-6)


@pytest.mark.parametrize("row", ROWS_TEXT, ids=[row[0] for row in ROWS_TEXT])
def test_initial_values_copies_and_pickles(row: tuple[str, ...]) -> None:
    def state(module: Any) -> dict[str, Any]:
        return {k: None if "Uninit" in repr(type(v)) else array(v) for k, v in module.state_dict().items()}

    module = make(minidl, row[0])
    assert_equal(state(module), state(make(torch, row[0])), row[0], rtol=2e-6)
    for twin in (copy.deepcopy(module), *([] if "Loss" in row[0] else [pickle.loads(pickle.dumps(module))])):
        assert_equal(state(twin), state(module), row[0], rtol=0)
        assert repr(twin) == repr(module)
        assert not set(map(id, twin.parameters())) & set(map(id, module.parameters()))


def test_every_layer_has_a_row() -> None:
    named = {row[0].partition("(")[0] for row in ROWS_TEXT} | ELSEWHERE
    public = {name for name, value in vars(minidl.nn).items() if isinstance(value, type)}
    assert public == named


def test_what_pytorch_has_beyond() -> None:
    missing = {name for name in dir(torch.nn) if name[0].isupper() and not hasattr(minidl.nn, name)}
    assert missing == {"Container"}


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_cross_map_normalisation_sums_as_pytorchs_does(size: int) -> None:
    x = np.random.default_rng(size).normal(size=(2, 9, 2, 3))
    have, want = (T.nn.CrossMapLRN2d(size, 0.5, k=2)(T.tensor(x)) for T in (minidl, torch))
    np.testing.assert_allclose(array(have), array(want), rtol=1e-12)
    few = minidl.tensor(x[:1, :6, :1, :1], requires_grad=True)
    assert minidl.autograd.gradcheck(minidl.nn.CrossMapLRN2d(size, 0.5), (few,))
    with pytest.raises(ValueError, match="CrossMapLRN2d: Expected input to be 4D, got 2D instead."):
        minidl.nn.CrossMapLRN2d(size)(minidl.ones(2, 3))


@pytest.mark.parametrize("options", [{}, {"batch_chunk_size": 2, "chunking_method": None}, {"chunking_method": "aspect_ratio:2"},
                                     {"acc_policy": "none"}, {"chunking_method": "aspect_ratio:0"}, {"batch_chunk_size": 0}])
def test_options_of_linear_cross_entropy(options: dict[str, Any]) -> None:
    results: list[Any] = []
    x = np.random.default_rng(0).normal(size=(5, 4))
    for T in (minidl, torch):
        try:
            made = T.nn.LinearCrossEntropyOptions(**options)
        except ValueError as error:
            results.append(str(error))
            continue
        T.manual_seed(0)
        loss = T.nn.LinearCrossEntropyLoss(4, 3, dtype=T.float64, options=made)
        results.append((repr(loss), round(loss(T.tensor(x), T.tensor([0, 1, 2, 1, 0])).item(), 6)))
    assert results[0] == results[1]


def test_state_goes_both_ways_between_the_libraries() -> None:
    def net(T: ModuleType) -> Any:
        return T.nn.Sequential(T.nn.Linear(3, 4), T.nn.BatchNorm1d(4), T.nn.LSTM(4, 2), T.nn.ParameterList([T.ones(2)]))

    torch.manual_seed(1)
    source, target = net(torch), net(minidl)
    state = {k: minidl.tensor(v.numpy()) for k, v in source.state_dict().items()}
    assert str(target.load_state_dict(state)) == "<All keys matched successfully>"
    again = net(torch)
    again.load_state_dict({k: torch.tensor(v.numpy()) for k, v in target.state_dict().items()})
    for (name, want), have in zip(source.state_dict().items(), again.state_dict().values()):
        assert torch.equal(want, have), name


@pytest.mark.parametrize("name", ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"])
def test_unpooling_puts_values_back(name: str) -> None:
    shape = (1, 2) + (6,) * int(name[-2])
    outs = []
    for T in (minidl, torch):
        x = T.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
        y, i = getattr(T.nn, name.replace("Unpool", "Pool"))(2, return_indices=True)(x)
        layer = getattr(T.nn, name)(2)
        z = layer(y, i, output_size=shape)
        (z * z).sum().backward()
        outs.append([repr(layer), array(z), array(x.grad)])
    assert_equal(outs[0], outs[1], name)


def test_ctc_loss() -> None:
    outs = []
    for T in (minidl, torch):
        x = T.tensor(np.random.default_rng(0).standard_normal((8, 2, 5)), requires_grad=True)
        loss = T.nn.CTCLoss(zero_infinity=True)(x.log_softmax(2), T.tensor([[1, 2, 3], [4, 4, 0]]), (8, 7), (3, 2))
        loss.backward()
        outs.append([array(loss), array(x.grad)])
    assert_equal(outs[0], outs[1], "CTC")


def test_output_size_of_a_transposed_convolution() -> None:
    outs = []
    for T in (minidl, torch):
        layer = make(T, "ConvTranspose2d(2, 3, 3, stride=2, padding=1)").double()
        x = T.ones(1, 2, 4, 4, dtype=T.float64)
        outs.append([array(layer(x, output_size=size)) for size in ((7, 8), (1, 3, 8, 8), None)])
        for size in ((9, 9), (8,)):
            with pytest.raises(ValueError, match="output_size must have|requested an output size"):
                layer(x, output_size=size)
    assert_equal(outs[0], outs[1], "sizes")


def test_squeeze_and_excitation() -> None:
    x = minidl.randn(2, 8, 3, 3)
    block = minidl.nn.SEBlock(8, reduction=4)
    w1, w2 = (fc.weight.numpy(force=True)[:, :, 0, 0] for fc in (block.fc1, block.fc2))
    b1, b2 = (fc.bias.numpy(force=True) for fc in (block.fc1, block.fc2))
    squeezed = x.numpy().mean((2, 3))
    scale = 1 / (1 + np.exp(-(np.maximum(squeezed @ w1.T + b1, 0) @ w2.T + b2)))
    np.testing.assert_allclose(block(x).numpy(force=True), x.numpy() * scale[:, :, None, None], rtol=1e-5)
    with pytest.raises(ValueError, match=r"expected 1 <= reduction <= channels \(8\), got 9"):
        minidl.nn.SEBlock(8, 9)


@pytest.mark.parametrize("constructor",
                         ["Conv2d(3, 4, 1, groups=2)", "Conv2d(4, 3, 1, groups=2)", "Conv2d(2, 2, 1, groups=0)",
                          "Conv2d(2, 2, 3, padding='some')", "Conv2d(2, 2, 3, padding='same', stride=2)",
                          "Conv2d(2, 2, 3, padding_mode='odd')", "ConvTranspose2d(2, 2, 3, padding_mode='reflect')",
                          "Dropout(1.5)", "GroupNorm(3, 4)", "MultiheadAttention(5, 2)", "MultiheadAttention(0, 2)",
                          "LSTM(3, 4, proj_size=4)", "RNN(3, 4, proj_size=1)", "LSTM(0, 4)", "LSTM(3, 4, dropout=2)",
                          "LSTM(3, 4, bias=1)", "RNN(3, 4, nonlinearity='sigmoid')", "Embedding(3, 2, padding_idx=3)",
                          "FractionalMaxPool2d(2)", "FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)",
                          "FractionalMaxPool2d(2, output_ratio=1.5)", "MultiMarginLoss(3)",
                          "TripletMarginLoss(margin=0)", "HuberLoss(delta='x')", "Unflatten(1, (2, 'x'))",
                          "Unflatten(1, 3)", "Hardtanh(1, 1)", "AdaptiveLogSoftmaxWithLoss(8, 5, [3, 2])",
                          "AdaptiveLogSoftmaxWithLoss(8, 5, [])", "Bilinear(0, 2, 2)", "Linear(2, 2, device='tpu')",
                          "TransformerEncoderLayer(4, 2, activation='tanh')"])
def test_constructors_refuse_what_pytorch_refuses(constructor: str) -> None:
    kinds = []
    for T in (minidl, torch):
        with pytest.raises((ValueError, TypeError, RuntimeError, AssertionError)) as caught:
            make(T, constructor)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_losses_accept_the_deprecated_arguments() -> None:
    for old, new in (({"reduce": False}, "none"), ({"size_average": False}, "sum"), ({"size_average": True}, "mean")):
        with pytest.warns(UserWarning, match=f"reduction='{new}'"):
            assert minidl.nn.MSELoss(**old).reduction == new


def test_factory_arguments() -> None:
    layer = minidl.nn.Conv2d(2, 3, 3, device="cpu", dtype=minidl.float64)
    assert layer.weight.dtype is minidl.float64
    assert minidl.nn.BatchNorm2d(3, dtype=minidl.float64).running_var.dtype is minidl.float64
    with pytest.raises(RuntimeError, match="only device"):
        layer.cuda()


def test_containers() -> None:
    def run(T: ModuleType) -> list[Any]:
        L = T.nn.Linear
        seq = T.nn.Sequential(OrderedDict(a=L(1, 2), b=T.nn.ReLU(), c=L(2, 3)))
        log: list[Any] = [seq, seq[1:], seq[-1], len(seq), list(seq.state_dict())]
        del seq[1]
        seq.append(T.nn.Tanh()).insert(1, T.nn.Sigmoid()).extend([T.nn.ReLU()])
        log += [seq, seq + T.nn.Sequential(L(1, 1)), T.nn.Sequential(T.nn.ReLU()) * 3, dir(seq)[-1]]
        seq[0] = L(5, 5)
        log += [seq, seq.pop(-1), len(seq)]
        modules = T.nn.ModuleList([L(1, 1), L(1, 1), T.nn.ReLU()])
        modules += [T.nn.ReLU()]
        modules.insert(0, T.nn.Tanh())
        log += [modules, modules[1:3], modules + [L(2, 2)], modules.pop(1), list(modules.state_dict())]
        named = T.nn.ModuleDict({"b": T.nn.ReLU(), "a": L(1, 1)})
        named.update([("c", T.nn.Tanh())])
        log += [named, list(named), "a" in named, named.pop("b"), list(named.keys()), len(named)]
        params = T.nn.ParameterList([T.zeros(2, 3), 5])
        params.append(T.nn.Parameter(T.ones(1)))
        log += [params, len(params), list(params.state_dict()), type(params[0]).__name__, len(params[1:])]
        table = T.nn.ParameterDict({"y": T.zeros(2), "x": T.ones(1), "n": 3})
        log += [table, list(table), table.get("q"), list((table | T.nn.ParameterDict({"z": T.ones(3)})).keys()),
                table.popitem()[0], table.setdefault("w", T.ones(2)).shape, sorted(table.state_dict())]
        for wrong in (lambda: seq[9], lambda: seq + 1, lambda: seq * 0, lambda: T.nn.ModuleList(3), lambda: params(1),
                      lambda: table[1], lambda: seq.insert(99, L(1, 1)), lambda: T.nn.ModuleDict([1]),
                      lambda: T.nn.ParameterList(T.ones(2))):
            try:
                wrong()
            except Exception as error:  # noqa: BLE001
                log.append(type(error).__name__)
        return [repr(item) for item in log]

    assert run(minidl) == run(torch)
