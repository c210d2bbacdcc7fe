"""The blocks of detection: position-sensitive regions, deformable convolutions, pyramids and DropBlock, against loops over scalars in PyTorch."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.models.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7
from minidl.models.ops.misc import Conv2dNormActivation, Conv3dNormActivation
from minidl.models.ops.poolers import LevelMapper
from minidl.vision import ops

from .models_reference.mirror import mirror
from .test_vision import aligned_by_loops, regions, sample

seeds = st.integers(0, 2**32 - 1)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-9)


def compare(rng: np.random.Generator, ours: Any, theirs: Any, *arrays: np.ndarray) -> None:
    """Values, and the gradients of a random sum of them in all arrays."""
    found, expected = ([T.tensor(a, requires_grad=True) for a in arrays] for T in (minidl, torch))
    y, z = ours(*found), theirs(*expected)
    close(y, z)
    weights = rng.normal(size=z.shape)
    (y * minidl.tensor(weights)).sum().backward()
    (z * torch.tensor(weights)).sum().backward()
    for a, b in zip(found, expected):
        close(a.grad, b.grad)


# ---- position-sensitive regions


def own(y: Any) -> Any:
    """Place (i, j) from channel (c height + i) width + j."""
    height, width = y.shape[2:]
    channels = y.shape[1] // (height * width)
    return torch.stack([torch.stack([y[:, [(c * height + i) * width + j for c in range(channels)], i, j] for j in range(width)], -1)
                        for i in range(height)], -2)


@pytest.mark.parametrize("ratio", [-1, 2])
@given(seed=seeds)
def test_position_sensitive_regions_aligned(ratio: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rois = regions(rng)
    compare(rng, lambda x: ops.ps_roi_align(x, minidl.tensor(rois), (2, 3), 0.6, ratio),
            lambda x: own(aligned_by_loops(x, rois, (2, 3), 0.6, ratio, True)), rng.normal(size=(2, 12, 5, 7)))


def averaged_by_loops(x: Any, rois: np.ndarray, size: tuple[int, int], scale: float) -> Any:
    """The means of parts, of which the image's last row and column are none."""
    out = torch.zeros(len(rois), x.shape[1], *size, dtype=x.dtype)
    for k, (image, *corner) in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(abs(c * scale) + 0.5) * (1 if c >= 0 else -1) for c in corner)
        height, width = max(y2 - y1, 1), max(x2 - x1, 1)
        for i in range(size[0]):
            for j in range(size[1]):
                rows = range(max(y1 + i * height // size[0], 0), min(y1 - -(i + 1) * height // size[0], x.shape[2] - 1))
                columns = range(max(x1 + j * width // size[1], 0), min(x1 - -(j + 1) * width // size[1], x.shape[3] - 1))
                cells = [x[int(image), :, r, c] for r in rows for c in columns]
                if cells:
                    out[k, :, i, j] = sum(cells) / len(cells)
    return own(out)


@given(seed=seeds)
def test_position_sensitive_regions_pooled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rois = regions(rng)
    compare(rng, lambda x: ops.ps_roi_pool(x, minidl.tensor(rois), (2, 3), 0.6), lambda x: averaged_by_loops(x, rois, (2, 3), 0.6),
            rng.normal(size=(2, 12, 5, 7)))


def test_regions_twice_differentiated_modules_and_errors() -> None:
    rois = minidl.tensor([[0.0, 1, 1, 5, 6], [1, 0, 2, 3, 4]]).double()
    x = minidl.randn(2, 8, 6, 7, dtype=minidl.float64, requires_grad=True)
    for f in (lambda x: ops.roi_align(x, rois, 2, 0.5, 2), lambda x: ops.ps_roi_pool(x, rois, 2)):
        assert minidl.autograd.gradcheck(f, (x,)) and minidl.autograd.gradgradcheck(f, (x,))
    a, b = ops.PSRoIAlign((2, 4), 0.5, 2), ops.PSRoIPool(2, 0.5)
    assert np.array_equal(a(x, rois).detach().numpy(), ops.ps_roi_align(x, rois, (2, 4), 0.5, 2).detach().numpy())
    assert np.array_equal(b(x, rois).detach().numpy(), ops.ps_roi_pool(x, rois, 2, 0.5).detach().numpy())
    assert str(a) == "PSRoIAlign(output_size=(2, 4), spatial_scale=0.5, sampling_ratio=2)" and str(b) == "PSRoIPool(output_size=2, spatial_scale=0.5)"
    for name in ("ps_roi_align", "ps_roi_pool"):
        with pytest.raises(RuntimeError, match=rf"{name}: input channels must be a multiple of .* got 8 and 3 \* 2"):
            getattr(ops, name)(x, rois, (3, 2))
    assert ops.roi_align(x, minidl.zeros(0, 5).double(), 2).shape == (0, 8, 2, 2)


# ---- deformable convolutions


def deformed_by_loops(x: Any, offset: Any, w: Any, b: Any, mask: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    def padded(c: Any, y: Any, across: Any) -> Any:
        """Bilinear, with zeros outside of the image."""
        i, j = math.floor(y.item()), math.floor(across.item())
        at = lambda r, s: x[n, c, r, s] if 0 <= r < x.shape[2] and 0 <= s < x.shape[3] else 0.0
        u, v = y - i, across - j
        return (1 - u) * ((1 - v) * at(i, j) + v * at(i, j + 1)) + u * ((1 - v) * at(i + 1, j) + v * at(i + 1, j + 1))

    out_channels, per_group, kh, kw = w.shape
    parts = offset.shape[1] // (2 * kh * kw)
    out = []
    for n in range(len(x)):
        for o in range(out_channels):
            for i in range(offset.shape[2]):
                for j in range(offset.shape[3]):
                    total = b[o]
                    for k in range(per_group):
                        c = o // (out_channels // (x.shape[1] // per_group)) * per_group + k
                        part = c // (x.shape[1] // parts)
                        for u in range(kh):
                            for v in range(kw):
                                place = (part * kh + u) * kw + v
                                dy, dx = offset[n, 2 * place, i, j], offset[n, 2 * place + 1, i, j]
                                seen = padded(c, i * stride[0] - padding[0] + u * dilation[0] + dy, j * stride[1] - padding[1] + v * dilation[1] + dx)
                                total = total + w[o, k, u, v] * mask[n, place, i, j] * seen
                    out.append(total)
    return torch.stack(out).reshape(len(x), out_channels, *offset.shape[2:])


@pytest.mark.parametrize("groups, parts, stride, padding, dilation, size", [
    (1, 1, (1, 1), (0, 0), (1, 1), (3, 3)), (2, 1, (2, 1), (1, 2), (1, 2), (3, 6)), (1, 2, (1, 2), (2, 0), (2, 1), (6, 2))])
def test_deformable_convolution(groups: int, parts: int, stride: Any, padding: Any, dilation: Any, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(groups)
    x, w, b = rng.normal(size=(1, 2, 4, 4)), rng.normal(size=(2, 2 // groups, 2, 2)), rng.normal(size=2)
    offset, mask = rng.normal(0, 1.5, (1, parts * 8, *size)), rng.uniform(size=(1, parts * 4, *size))
    compare(rng, lambda x, o, w, b, m: ops.deform_conv2d(x, o, w, b, stride, padding, dilation, m),
            lambda x, o, w, b, m: deformed_by_loops(x, o, w, b, m, stride, padding, dilation), x, offset, w, b, mask)


def test_a_deformable_layer_starts_as_a_convolution_s_and_says_what_does_not_fit() -> None:
    minidl.manual_seed(0)
    layer = ops.DeformConv2d(4, 6, 3, 2, 1, groups=2)
    minidl.manual_seed(0)
    plain = minidl.nn.Conv2d(4, 6, 3, 2, 1, groups=2)
    assert all(np.array_equal(p.detach().numpy(), q.detach().numpy()) for p, q in zip(layer.parameters(), plain.parameters(), strict=True))
    assert str(layer) == "DeformConv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2)"
    x = minidl.randn(2, 4, 7, 9)
    np.testing.assert_allclose(layer(x, minidl.zeros(2, 18, 4, 5)).detach().numpy(), plain(x).detach().numpy(), atol=1e-5)
    for offset, mask, message in ((17, None, r"multiple of 2 \* weight.size\[2\] \* weight.size\[3\] = 18, got 17"),
                                  (54, None, "4 input channels don't divide into 3 offset groups"),
                                  (18, 8, r"expected a mask of shape \(2, 9, 4, 5\), got \(2, 8, 4, 5\)")):
        with pytest.raises(RuntimeError, match=message):
            layer(x, minidl.zeros(2, offset, 4, 5), None if mask is None else minidl.zeros(2, mask, 4, 5))
    with pytest.raises(RuntimeError, match=r"offset output dims: \(7, 9\) - computed output dims: \(4, 5\)"):
        layer(x, minidl.zeros(2, 18, 7, 9))


# ---- pyramids


@pytest.mark.parametrize("extra", [None, LastLevelMaxPool, lambda: LastLevelP6P7(5, 4), lambda: LastLevelP6P7(4, 4)])
def test_feature_pyramid(extra: Any) -> None:
    rng = np.random.default_rng(0)
    block = extra and extra()
    pyramid = ops.FeaturePyramidNetwork([3, 5], 4, block).double()
    fine, coarse = rng.normal(size=(1, 3, 7, 6)), rng.normal(size=(1, 5, 4, 3))
    w = {name: torch.tensor(value.numpy()) for name, value in pyramid.state_dict().items()}
    conv = lambda name, x, **how: torch.nn.functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how)
    top = conv("inner_blocks.1.0", torch.tensor(coarse))
    enlarged = top[:, :, [i * 4 // 7 for i in range(7)]][..., [i * 3 // 6 for i in range(6)]]
    bottom = conv("inner_blocks.0.0", torch.tensor(fine)) + enlarged
    expected = {"fine": conv("layer_blocks.0.0", bottom, padding=1), "coarse": conv("layer_blocks.1.0", top, padding=1)}
    if isinstance(block, LastLevelMaxPool):
        expected["pool"] = expected["coarse"][:, :, ::2, ::2]
    elif block is not None:
        six = conv("extra_blocks.p6", expected["coarse"] if block.use_P5 else torch.tensor(coarse), stride=2, padding=1)
        expected |= {"p6": six, "p7": conv("extra_blocks.p7", six.relu(), stride=2, padding=1)}
    given = OrderedDict(fine=minidl.tensor(fine), coarse=minidl.tensor(coarse))
    found = pyramid(given)
    assert list(found) == list(expected) and list(given) == ["fine", "coarse"]
    for name in expected:
        close(found[name], expected[name])


def test_a_pyramid_s_files_and_errors() -> None:
    pyramid = ops.FeaturePyramidNetwork([3, 5], 4)
    older = {key.replace(".0.weight", ".weight").replace(".0.bias", ".bias"): value + 1 for key, value in pyramid.state_dict().items()}
    assert "inner_blocks.0.weight" in older and "layer_blocks.1.bias" in older
    newer = ops.FeaturePyramidNetwork([3, 5], 4)
    newer.load_state_dict(older)
    for key, value in newer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), pyramid.state_dict()[key].numpy() + 1)
    with pytest.raises(ValueError, match="in_channels=0 is currently not supported"):
        ops.FeaturePyramidNetwork([0], 4)
    with pytest.raises(TypeError, match="extra_blocks should be of type ExtraFPNBlock not"):
        ops.FeaturePyramidNetwork([3], 4, minidl.nn.Identity())


def test_regions_of_a_pyramid() -> None:
    """Each box from the map where its side is nearest to 224 by the power of two; the boxes keep their order."""
    rng = np.random.default_rng(0)
    maps = {name: minidl.tensor(rng.normal(size=(2, 3, size, size))) for name, size in (("a", 64), ("b", 32), ("c", 16))}
    sides = [50, 111, 113, 223, 225, 400, 20, 300]
    boxes = minidl.tensor([[5.0, 5, 5 + side, 5 + side] for side in sides]).double()
    pool = ops.MultiScaleRoIAlign(["a", "b", "c"], (2, 3), 2)
    found = pool({**maps, "unused": minidl.zeros(1)}, [boxes[:3], boxes[3:]], [(256, 250), (240, 256)])
    assert pool.scales == [1 / 4, 1 / 8, 1 / 16] and found.shape == (8, 3, 2, 3)
    for k, side in enumerate(sides):
        name, scale = ("a", 1 / 4) if side < 112 else ("b", 1 / 8) if side < 224 else ("c", 1 / 16)
        numbered = minidl.cat([minidl.tensor([[float(k >= 3)]]).double(), boxes[k:k + 1]], 1)
        np.testing.assert_allclose(found[k].numpy(), ops.roi_align(maps[name], numbered, (2, 3), scale, 2)[0].numpy(), rtol=1e-12)
    single = ops.MultiScaleRoIAlign(["b"], 2, 2)
    np.testing.assert_array_equal(single(maps, [boxes[:3], boxes[3:]], [(256, 256)]).numpy(),
                                  ops.roi_align(maps["b"], [boxes[:3], boxes[3:]], 2, 1 / 8, 2).numpy())
    assert str(single) == "MultiScaleRoIAlign(featmap_names=['b'], output_size=(2, 2), sampling_ratio=2)"
    assert LevelMapper(2, 5, 100, 3)([boxes]).tolist() == [0, 1, 1, 2, 2, 3, 0, 2]
    with pytest.raises(ValueError, match="images list should not be empty"):
        ops.MultiScaleRoIAlign(["a"], 2, 2)(maps, [], [])


# ---- DropBlock, and blocks of convolutions


@pytest.mark.parametrize("dims", [2, 3])
def test_drop_block(dims: int) -> None:
    """The same centres as the same source on PyTorch; blocks around them are 0, the rest is scaled to keep the mean."""
    x = np.random.default_rng(0).normal(size=(3, 4, *(9, 8, 7)[:dims])).astype("float32")
    name = f"drop_block{dims}d"
    minidl.manual_seed(1)
    torch.manual_seed(1)
    y, z = getattr(ops, name)(minidl.tensor(x), 0.3, 3).numpy(), getattr(mirror().models.ops, name)(torch.tensor(x), 0.3, 3).numpy()
    np.testing.assert_array_equal(y, z)
    gone = y == 0
    assert 0.1 < gone.mean() < 0.4
    np.testing.assert_allclose(y[~gone], x[~gone] / (1 - gone.mean()), rtol=1e-5)
    windows = np.lib.stride_tricks.sliding_window_view(gone, (3,) * dims, axis=tuple(range(2, 2 + dims)))
    centres = np.pad(windows.all(tuple(range(-dims, 0))), [(0, 0)] * 2 + [(2, 2)] * dims)
    around = np.lib.stride_tricks.sliding_window_view(centres, (3,) * dims, axis=tuple(range(2, 2 + dims))).any(tuple(range(-dims, 0)))
    assert np.array_equal(around, gone)
    layer = getattr(ops, f"DropBlock{dims}d")(0.3, 3, inplace=True)
    into = minidl.tensor(x)
    minidl.manual_seed(1)
    assert layer(into) is into and np.allclose(into.numpy(), y, rtol=1e-6)
    assert layer.eval()(into) is into and str(layer) == f"DropBlock{dims}d(p=0.3, block_size=3, inplace=True)"
    for wrong, message in (((x, 1.5, 3), "between 0 and 1, but got 1.5"), ((x[0], 0.5, 3), f"should be {dims + 2} dimensional. Got {dims + 1}"),
                           ((x, 0.5, 4), "block size should be odd. Got 4")):
        with pytest.raises(ValueError, match=message):
            getattr(ops, name)(minidl.tensor(wrong[0]), *wrong[1:])


def test_blocks_of_convolutions() -> None:
    x = minidl.rand(1, 4, 6, 8, 9)
    assert Conv3dNormActivation(4, 6, 3, dilation=2)(x).shape == (1, 6, 6, 8, 9)
    assert Conv3dNormActivation(4, 6, (1, 3, 5))(x).shape == (1, 6, 6, 8, 9)
    block = Conv3dNormActivation(4, 6, 1, norm_layer=None, activation_layer=None)
    assert block[0].bias is not None and len(block) == 1 and block.out_channels == 6
    assert isinstance(Conv3dNormActivation(4, 6)[1], minidl.nn.BatchNorm3d) and Conv3dNormActivation(4, 6)[0].bias is None
    assert Conv2dNormActivation(6, 5, 3, dilation=(1, 2))(x[0]).shape == (4, 5, 8, 9)


def test_the_loops_agree_with_numbers_known_by_hand() -> None:
    x = torch.arange(12.0).reshape(1, 3, 4)
    assert sample(x, 0.5, 1.25).item() == 3.25 and sample(x, -1.5, 0).item() == 0 and sample(x, -0.5, 0).item() == 0
