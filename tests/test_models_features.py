"""What surrounds the networks: the registry, features by name, hooks that come and go, blocks, and files of weights."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl import models, nn
from minidl.models import layers
from minidl.models._utils import IntermediateLayerGetter
from minidl.models.feature_extraction import create_feature_extractor
from minidl.models.unet import SaveFeatures

from .models_reference.mirror import mirror


def array(t: Any) -> np.ndarray:
    return t.detach().numpy()


# ---- the registry


def test_models_are_found_by_name() -> None:
    assert models.get_model_builder("ResNet18") is models.resnet18
    assert type(models.get_model("mobilenet_v3_small", num_classes=3)) is models.MobileNetV3
    assert models.list_models(include=["resnet1*", "vgg1?"], exclude="*8") == ["resnet101", "resnet152", "vgg11", "vgg13", "vgg16", "vgg19"]
    assert models.list_models(models.segmentation, exclude="*mobilenet*") == ["deeplabv3_resnet101", "deeplabv3_resnet50", "fcn_resnet101", "fcn_resnet50"]
    assert set(models.list_models(models)).isdisjoint(models.list_models(models.segmentation))
    for find in (models.get_model, models.get_model_builder):
        with pytest.raises(ValueError, match="Unknown model resnet19; there are .*resnet18"):
            find("resnet19")


@pytest.mark.parametrize("asked", [{"weights": "DEFAULT"}, {"pretrained": True}])
def test_weights_are_not_shipped(asked: dict[str, Any]) -> None:
    message = rf"resnet18: no weights are shipped, got {next(iter(asked))}=.*load_state_dict\(minidl.load\(path\)\)"
    with pytest.raises(ValueError, match=message):
        models.resnet18(**asked)
    with pytest.raises(ValueError, match="resnet50: no weights are shipped"):
        models.segmentation.fcn_resnet50(weights_backbone="DEFAULT")
    assert models.squeezenet1_1(weights=None, progress=False, pretrained=False, num_classes=2).num_classes == 2


# ---- files of weights


def test_a_file_of_pytorch_s_loads_strictly(tmp_path: Path) -> None:
    theirs = mirror().models.resnet18(num_classes=4).eval()
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    ours = models.resnet18(num_classes=4).eval()
    assert str(ours.load_state_dict(minidl.load(tmp_path / "resnet18.pth"))) == "<All keys matched successfully>"
    x = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype("float32")
    np.testing.assert_allclose(array(ours(minidl.tensor(x))), array(theirs(torch.tensor(x))), rtol=1e-4, atol=1e-4)


def test_the_older_keys_in_torchvision_s_files_load() -> None:
    """DenseNet's files say norm.1 and conv.2, the vision transformer's linear_1 and linear_2."""
    for model, renames in ((models.DenseNet(4, (2, 1), 8, num_classes=3), {f".{kind}{i}.": f".{kind}.{i}." for kind in ("norm", "conv") for i in (1, 2)}),
                           (models.VisionTransformer(16, 8, 1, 2, 8, 12, num_classes=3), {".mlp.0.": ".mlp.linear_1.", ".mlp.3.": ".mlp.linear_2."})):
        old = OrderedDict()
        for key, value in model.state_dict().items():
            for new_part, old_part in renames.items():
                key = key.replace(new_part, old_part)
            old[key] = value + 1
        assert sum(key not in model.state_dict() for key in old) >= 4
        before = {key: array(value).copy() for key, value in model.state_dict().items()}
        model.load_state_dict(old)
        for key, value in model.state_dict().items():
            np.testing.assert_array_equal(array(value), before[key] + 1)


def test_a_file_of_the_first_mnasnet_changes_the_stem() -> None:
    """Its stem was not scaled: 32 and 16 channels for every `alpha`. What is saved afterwards is of the first version too."""
    state = models.MNASNet(0.5, num_classes=3).state_dict()
    stem = models.mnasnet1_0().layers[:8].state_dict()
    for key, value in stem.items():
        state[f"layers.{key}"] = value
    state["layers.8.0.layers.0.weight"] = minidl.randn(48, 16, 1, 1)
    state["layers.8.0.layers.1.weight"] = state["layers.8.0.layers.4.weight"] = minidl.rand(48)
    for part, shape in (("3", (48, 1, 3, 3)), ("6", (16, 48, 1, 1))):
        state[f"layers.8.0.layers.{part}.weight"] = minidl.randn(*shape)
    for part in ("1", "4"):
        for kind in ("bias", "running_mean", "running_var"):
            state[f"layers.8.0.layers.{part}.{kind}"] = minidl.rand(48)
    state._metadata[""]["version"] = 1
    model = models.MNASNet(0.5, num_classes=3)
    with pytest.warns(UserWarning, match="first version"):
        model.load_state_dict(state)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(array(value), array(state[key]), err_msg=key)
    assert model.state_dict()._metadata[""]["version"] == 1 and model.eval()(minidl.rand(1, 3, 32, 32)).shape == (1, 3)
    models.mnasnet1_0().load_state_dict(OrderedDict(models.mnasnet1_0().state_dict()))  # without a version


def test_a_plain_resnet_s_weights_fit_one_with_attention() -> None:
    plain = models.resnet18(num_classes=3)
    for placement in ("block", "ends"):
        model = models.cbam_resnet18(num_classes=3, placement=placement)
        missing, unexpected = model.load_state_dict(plain.state_dict(), strict=False)
        assert not unexpected and all(".ca." in key or ".sa." in key for key in missing)
        assert sum(isinstance(m, nn.CBAM) for m in model.modules()) == (8 if placement == "block" else 2)
    with pytest.raises(ValueError, match="placement must be 'block' or 'ends', got 'stem'"):
        models.se_resnet18(placement="stem")


# ---- features by name


def test_intermediate_layer_getter() -> None:
    model = models.resnet18()
    getter = IntermediateLayerGetter(model, {"layer1": "low", "layer3": "high"})
    assert list(getter) == ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"] and getter.layer2 is model.layer2
    x = minidl.rand(1, 3, 32, 32)
    out = getter.eval()(x)
    model.eval()
    low = model.layer1(model.maxpool(model.relu(model.bn1(model.conv1(x)))))
    assert type(out) is OrderedDict and list(out) == ["low", "high"]
    np.testing.assert_array_equal(array(out["low"]), array(low))
    np.testing.assert_array_equal(array(out["high"]), array(model.layer3(model.layer2(low))))
    with pytest.raises(ValueError, match="return_layers are not present in model"):
        IntermediateLayerGetter(model, {"layer5": "x"})


class Repeated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.last = nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.act(self.last(self.act(self.first(x))))


def test_features_are_extracted_by_name_and_call() -> None:
    model = Repeated()
    extract = create_feature_extractor(model, {"act_1": "out", "first": "hidden", "act": "active"})
    x = minidl.rand(5, 3)
    out = extract(x)
    assert list(out) == ["out", "hidden", "active"]
    np.testing.assert_array_equal(array(out["hidden"]), array(model.first(x)))
    np.testing.assert_array_equal(array(out["active"]), array(model.first(x).tanh()))
    np.testing.assert_array_equal(array(out["out"]), array(model(x)))
    out["out"].sum().backward()
    assert model.first.weight.grad is not None
    assert not any(m._forward_hooks for m in model.modules())
    with pytest.raises(RuntimeError, match="'act_2' was not reached: its module ran 2 times"):
        create_feature_extractor(model, ["act_2"])(x)
    with pytest.raises(ValueError, match="the model has no module 'layer1'; its modules are first, act, last"):
        create_feature_extractor(model, ["layer1"])
    for nodes in ({}, {"return_nodes": ["act"], "train_return_nodes": ["act"]}, {"train_return_nodes": ["act"]}):
        with pytest.raises(ValueError, match="expected return_nodes, or train_return_nodes and eval_return_nodes together"):
            create_feature_extractor(model, **nodes)


def test_features_differ_between_the_modes() -> None:
    extract = create_feature_extractor(Repeated().eval(), train_return_nodes=["first"], eval_return_nodes=["last"])
    x = minidl.rand(5, 3)
    assert list(extract(x)) == ["last"] and not extract.training
    assert list(extract.train()(x)) == ["first"] and extract.model.training
    with pytest.raises(RuntimeError):
        extract(minidl.rand(5, 4))
    assert not any(m._forward_hooks for m in extract.modules())


# ---- the U-Net that listens to its encoder


def test_the_hooks_of_a_u_net_s_encoder_come_and_go() -> None:
    encoder = models.resnet34()
    model = models.UNetResNet34(num_classes=2, encoder=encoder)
    x = minidl.rand(2, 3, 32, 32)
    assert model(x).shape == (2, 2, 32, 32)
    assert all(saved.features is None for saved in model.saved)  # nothing is kept after a call
    assert sum(len(m._forward_hooks) for m in encoder.modules()) == 4
    with pytest.raises(ValueError, match=r"divisible by 32, got \(1, 3, 32, 40\)"):
        model(minidl.rand(1, 3, 32, 40))
    model.close()
    assert not any(m._forward_hooks for m in encoder.modules())
    with pytest.raises(RuntimeError, match="closed"):
        model(x)


def test_a_copied_u_net_listens_to_its_own_encoder() -> None:
    model = models.unet_resnet34(num_classes=1).eval()
    other = copy.deepcopy(model)
    with minidl.no_grad():
        for p in other.parameters():
            p.mul_(0.5)
    x = minidl.rand(1, 3, 32, 32)
    before = array(model(x))
    assert np.abs(array(other(x)) - before).max() > 0
    np.testing.assert_array_equal(array(model(x)), before)
    other.close()
    np.testing.assert_array_equal(array(model(x)), before)


def test_saved_features_are_the_last_output() -> None:
    layer = nn.Linear(2, 2)
    saved = SaveFeatures(layer)
    y = layer(minidl.rand(1, 2))
    assert saved.take() is y and saved.take() is None
    saved.remove()
    layer(minidl.rand(1, 2))
    assert saved.features is None


def test_u_net_says_which_sizes_fit() -> None:
    with pytest.raises(ValueError, match=r"UNet: expected height and width divisible by 16, got \(1, 3, 32, 40\)"):
        models.UNet(features=2)(minidl.rand(1, 3, 32, 40))


# ---- blocks


def test_attention_blocks_gate_as_their_formulas_say() -> None:
    x = minidl.randn(2, 8, 5, 6)
    a = x.numpy()
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    eca = nn.ECA(8)
    w, mean = array(eca.conv.weight)[0, 0], np.pad(a.mean((2, 3)), ((0, 0), (1, 1)))
    gate = sigmoid(sum(w[i] * mean[:, i:i + 8] for i in range(3)))
    np.testing.assert_allclose(array(eca(x)), a * gate[:, :, None, None], rtol=1e-5, atol=1e-6)
    cbam = nn.CBAM(8, reduction=4, kernel_size=3)
    w1, w2 = (array(cbam.ca.mlp[i].weight)[:, :, 0, 0] for i in (0, 2))
    b1, b2 = (array(cbam.ca.mlp[i].bias) for i in (0, 2))
    mlp = lambda v: np.maximum(v @ w1.T + b1, 0) @ w2.T + b2
    refined = a * sigmoid(mlp(a.mean((2, 3))) + mlp(a.max((2, 3))))[:, :, None, None]
    planes = np.pad(np.stack([refined.mean(1), refined.max(1)], 1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(planes, (3, 3), axis=(2, 3))
    places = sigmoid(np.einsum("nchwij,cij->nhw", windows, array(cbam.sa.conv.weight)[0]))
    np.testing.assert_allclose(array(cbam(x)), refined * places[:, None], rtol=1e-5, atol=1e-6)


def test_attention_blocks_reject_what_does_not_fit() -> None:
    for build, message in ((lambda: nn.ChannelAttention(8, 9), r"ChannelAttention: expected 1 <= reduction <= channels \(8\), got 9"),
                           (lambda: nn.SpatialAttention(4), "SpatialAttention: kernel_size must be odd, got 4"),
                           (lambda: nn.ECA(8, 2), "ECA: kernel_size must be odd, got 2")):
        with pytest.raises(ValueError, match=message):
            build()


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth(mode: str) -> None:
    x = minidl.ones(400, 2, 1, requires_grad=True)
    block = layers.StochasticDepth(0.25, mode)
    kept = array(block(x))
    assert set(np.unique(kept)) <= {0, np.float32(4 / 3)}
    assert len(np.unique(kept)) == (2 if mode == "row" else 1) and np.array_equal(kept[:, 0], kept[:, 1])
    if mode == "row":
        assert 0.65 < (kept > 0).mean() < 0.85
    assert block.eval()(x) is x and repr(block) == f"StochasticDepth(p=0.25, mode={mode})"
    assert not array(layers.stochastic_depth(x, 1.0, mode)).any()
    for p, m, message in ((1.5, "row", "drop probability has to be between 0 and 1, but got 1.5"),
                          (0.5, "column", "mode has to be either 'batch' or 'row', but got column")):
        with pytest.raises(ValueError, match=message):
            layers.stochastic_depth(x, p, m)


def test_frozen_batch_norm_loads_and_equals_batch_norm() -> None:
    batch_norm = nn.BatchNorm2d(4)
    with minidl.no_grad():
        for t in batch_norm.state_dict().values():
            if t.is_floating_point():
                t.uniform_(0.5, 1.5)
    frozen = layers.FrozenBatchNorm2d(4)
    frozen.load_state_dict(batch_norm.state_dict())
    x = minidl.randn(3, 4, 5, 5)
    np.testing.assert_allclose(array(frozen(x)), array(batch_norm.eval()(x)), rtol=1e-5, atol=1e-6)
    assert not list(frozen.parameters()) and repr(frozen) == "FrozenBatchNorm2d(4, eps=1e-05)"


def test_conv_norm_activation_keeps_the_size() -> None:
    unit = layers.Conv2dNormActivation(3, 6, (3, 5), dilation=(2, 1))
    assert unit(minidl.rand(2, 3, 9, 9)).shape == (2, 6, 9, 9) and unit[0].bias is None and unit.out_channels == 6
    bare = layers.Conv2dNormActivation(3, 6, 1, norm_layer=None, activation_layer=None)
    assert len(bare) == 1 and bare[0].bias is not None
    assert [type(m).__name__ for m in layers.MLP(3, [4, 5], norm_layer=nn.LayerNorm)] == [
        "Linear", "LayerNorm", "ReLU", "Dropout", "Linear", "Dropout"]


# ---- networks say what does not fit


@pytest.mark.parametrize(("build", "message"), [
    (lambda: models.resnet18(groups=2), "BasicBlock only supports groups=1 and base_width=64"),
    (lambda: models.resnet50(replace_stride_with_dilation=[True]), "should be None or a 3-element tuple"),
    (lambda: models.SqueezeNet("1_2"), "Unsupported SqueezeNet version 1_2"),
    (lambda: models.ShuffleNetV2([1, 1], [1] * 5), "expected stages_repeats as list of 3"),
    (lambda: models.ShuffleNetV2([1, 1, 1], [1] * 4), "expected stages_out_channels as list of 5"),
    (lambda: models.shufflenetv2.InvertedResidual(4, 6, 1), "at stride 1 inp must be"),
    (lambda: models.MobileNetV2(inverted_residual_setting=[]), "inverted_residual_setting should be non-empty"),
    (lambda: models.MobileNetV3([], 8), "inverted_residual_setting should not be empty"),
    (lambda: models.EfficientNet([], 0.1), "inverted_residual_setting should not be empty"),
    (lambda: models.ConvNeXt([]), "block_setting should not be empty"),
    (lambda: models.VisionTransformer(30, 8, 1, 1, 4, 4), "patch_size must divide image_size, got 8 and 30"),
    (lambda: models.MNASNet(0), "alpha should be greater than 0.0 instead of 0"),
    (lambda: models.regnet.BlockParams.from_init_params(4, 12, 1.0, 2.0, 8), "Invalid RegNet settings: .* got 1.0, 2.0, 12"),
    (lambda: models.swin_transformer.ShiftedWindowAttention(4, [2], [1], 2), r"must be of length 2, got \[2\] and \[1\]"),
    (lambda: models.maxvit_t(input_size=(200, 200)), r"Input size \(50, 50\) of block 0 is not divisible by partition size 7"),
    (lambda: models.maxvit.RelativePositionalMultiHeadAttention(10, 4, 9), "feat_dim: 10 must be divisible by head_dim: 4"),
    (lambda: models.maxvit.MaxVitBlock(*[1] * 11, (8, 8), 2, [0.1]), r"must have length n_layers=2, got p_stochastic=\[0.1\]"),
    (lambda: models.maxvit.PartitionAttentionLayer(4, 2, 2, "line", (4, 4), 1, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0), "got 'line'"),
    (lambda: models.SmallResNet(9), "depth must be 6 n \\+ 2"),
])
def test_arguments_that_do_not_fit(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_a_vision_transformer_wants_its_image_size() -> None:
    with pytest.raises(RuntimeError, match=r"expected images of 16 x 16, got \(1, 3, 16, 24\)"):
        models.VisionTransformer(16, 8, 1, 2, 8, 12)(minidl.rand(1, 3, 16, 24))


def test_a_maxvit_wants_grids_that_divide() -> None:
    layer = models.maxvit.PartitionAttentionLayer(4, 2, 2, "window", (4, 5), 1, nn.GELU, nn.LayerNorm, 0.0, 0.0, 0.0)
    with pytest.raises(AssertionError, match=r"Got grid size of \(4, 5\) and partition size of 2"):
        layer(minidl.rand(1, 4, 4, 5))


def test_a_shifted_window_s_biases() -> None:
    """Offsets of a 2 x 3 window: two of the first coordinate, from -1 to 1 in whole steps, and of the second in halves."""
    attention = models.swin_transformer.ShiftedWindowAttentionV2(4, [2, 3], [0, 0], 2)
    table = array(attention.relative_coords_table)
    scale = lambda v: np.sign(v) * np.log2(np.abs(8 * v) + 1) / 3
    np.testing.assert_allclose(table[0, :, :, 0], np.repeat(scale(np.array([-1.0, 0, 1]))[:, None], 5, 1), rtol=1e-6)
    np.testing.assert_allclose(table[0, :, :, 1], np.repeat(scale(np.array([-1, -0.5, 0, 0.5, 1]))[None], 3, 0), rtol=1e-6)
    bias, small = array(attention.get_relative_position_bias()), array(attention.cpb_mlp(minidl.tensor(table))).reshape(3, 5, 2)
    for i, j in np.ndindex(6, 6):
        offset = small[i // 3 - j // 3 + 1, i % 3 - j % 3 + 2]
        np.testing.assert_allclose(bias[0, :, i, j], 16 / (1 + np.exp(-offset)), rtol=1e-5)


def test_a_light_head_has_no_auxiliary_classifier() -> None:
    with pytest.raises(NotImplementedError, match="This model does not use auxiliary loss"):
        models.segmentation.lraspp_mobilenet_v3_large(aux_loss=True)


def test_dilation_is_for_bottlenecks() -> None:
    with pytest.raises(NotImplementedError, match="Dilation > 1 not supported in BasicBlock"):
        models.resnet18(replace_stride_with_dilation=[False, True, False])


def test_zero_init_residual_starts_blocks_as_the_identity() -> None:
    for model in (models.resnet18(zero_init_residual=True), models.ResNet(models.resnet.Bottleneck, [1, 1, 1, 1], zero_init_residual=True)):
        block = model.layer1[-1]
        assert not array((block.bn3 if hasattr(block, "bn3") else block.bn2).weight).any()
        assert array(block.bn1.weight).all()


def test_building_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.GoogLeNet(num_classes=2, init_weights=False)
