"""Networks small enough to compare value by value, and numbers to fill them with.

A case is an expression of ``T``, a package with `nn` and `models`, and the shape of its input. Those of `SHARED` are torchvision's networks too.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

# Constructors of full size where these are small, else of the same classes with fewer, narrower layers.
SHARED = {
    "alexnet": ("T.models.AlexNet(num_classes=7)", (2, 3, 63, 63)),
    "vgg": ("T.models.VGG(T.models.vgg.make_layers([8, 'M', 12, 'M', 512, 'M']), 7)", (2, 3, 32, 32)),
    "vgg_bn": ("T.models.VGG(T.models.vgg.make_layers([8, 'M', 12, 'M', 512, 'M'], True), 7)", (2, 3, 32, 32)),
    "googlenet": ("T.models.GoogLeNet(7, transform_input=True, init_weights=True)", (2, 3, 64, 64)),
    "inception_v3": ("T.models.Inception3(7, aux_logits=False, transform_input=True, init_weights=True)", (2, 3, 107, 107)),
    "resnet18": ("T.models.resnet18(num_classes=7)", (2, 3, 40, 40)),
    "bottleneck": ("T.models.ResNet(T.models.resnet.Bottleneck, [2, 1, 1, 1], 7)", (2, 3, 48, 48)),
    "resnext": ("T.models.ResNet(T.models.resnet.Bottleneck, [1, 2, 1, 1], 7, groups=4, width_per_group=8)", (2, 3, 48, 48)),
    "wide_dilated": (("T.models.ResNet(T.models.resnet.Bottleneck, [1, 1, 1, 1], 7, width_per_group=96, "
                      "replace_stride_with_dilation=[False, True, True])"), (2, 3, 48, 48)),
    "mobilenet_v2": ("T.models.mobilenet_v2(num_classes=7, width_mult=0.5)", (2, 3, 48, 48)),
    "mobilenet_v3_small": ("T.models.mobilenet_v3_small(num_classes=7)", (2, 3, 48, 48)),
    "mobilenet_v3_large": ("T.models.mobilenet_v3_large(num_classes=7, width_mult=0.5, reduced_tail=True, dilated=True)", (2, 3, 48, 48)),
    "densenet": ("T.models.DenseNet(8, (2, 3, 2, 2), 16, num_classes=7)", (2, 3, 64, 64)),
    "squeezenet1_0": ("T.models.squeezenet1_0(num_classes=7)", (2, 3, 48, 48)),
    "squeezenet1_1": ("T.models.squeezenet1_1(num_classes=7)", (2, 3, 48, 48)),
    "shufflenet_v2": ("T.models.ShuffleNetV2([2, 3, 2], [24, 48, 96, 192, 128], 7)", (2, 3, 48, 48)),
    "efficientnet_b0": ("T.models.efficientnet_b0(num_classes=7)", (2, 3, 48, 48)),
    "efficientnet_v2": (("T.models.EfficientNet([T.models.efficientnet.FusedMBConvConfig(1, 3, 1, 8, 8, 2), T.models.efficientnet.FusedMBConvConfig("
                         "4, 3, 2, 8, 16, 2), T.models.efficientnet.MBConvConfig(4, 3, 2, 16, 24, 2)], 0.2, num_classes=7, last_channel=40)"),
                        (2, 3, 48, 48)),
    "convnext": (("T.models.ConvNeXt([T.models.convnext.CNBlockConfig(*row) for row in ((12, 16, 2), (16, 20, 1), (20, None, 2))], 0.3, "
                  "num_classes=7)"), (2, 3, 48, 48)),
    "vit": ("T.models.VisionTransformer(32, 8, 2, 3, 24, 40, num_classes=7)", (2, 3, 32, 32)),
    "vit_representation": ("T.models.VisionTransformer(32, 16, 1, 2, 16, 24, num_classes=7, representation_size=9)", (2, 3, 32, 32)),
    "mnasnet": ("T.models.MNASNet(0.35, 7)", (2, 3, 48, 48)),
    "regnet_x": ("T.models.RegNet(T.models.regnet.BlockParams.from_init_params(6, 16, 12.0, 1.9, 12), 7, stem_width=8)", (2, 3, 48, 48)),
    "regnet_y": (("T.models.RegNet(T.models.regnet.BlockParams.from_init_params(5, 16, 9.0, 2.1, 8, 0.5, se_ratio=0.25), 7, stem_width=8, "
                  "activation=T.nn.SiLU)"), (2, 3, 48, 48)),
    "swin": ("T.models.SwinTransformer([4, 2], 12, [2, 2], [2, 3], [3, 2], num_classes=7)", (2, 3, 46, 26)),
    "swin_v2": (("T.models.SwinTransformer([4, 4], 12, [2, 2], [2, 3], [4, 3], num_classes=7, block=T.models.swin_transformer.SwinTransformerBlockV2, "
                 "downsample_layer=T.models.swin_transformer.PatchMergingV2)"), (2, 3, 46, 60)),
    "maxvit": ("T.models.MaxVit((64, 64), 8, 4, [8, 12], [1, 2], 4, 0.2, num_classes=7)", (2, 3, 64, 64)),
    "video_resnet": (("T.models.video.VideoResNet(T.models.video.resnet.BasicBlock, [T.models.video.resnet.Conv3DSimple, T.models.video.resnet."
                      "Conv3DNoTemporal, T.models.video.resnet.Conv2Plus1D, T.models.video.resnet.Conv3DNoTemporal], [1, 2, 1, 1], "
                      "T.models.video.resnet.R2Plus1dStem, 7)"), (2, 3, 5, 24, 24)),
    "video_bottleneck": (("T.models.video.VideoResNet(T.models.video.resnet.Bottleneck, [T.models.video.resnet.Conv3DNoTemporal] * 4, [1, 1, 1, 1], "
                          "T.models.video.resnet.BasicStem, 7)"), (2, 3, 3, 24, 24)),
    "s3d_features": ("T.models.video.S3D(7).features", (2, 3, 16, 32, 32)),
    "fcn": ("T.models.segmentation.fcn_resnet50(num_classes=4, aux_loss=True, weights_backbone=None)", (2, 3, 25, 25)),
    "deeplabv3": (("T.models.segmentation.deeplabv3.DeepLabV3(T.models._utils.IntermediateLayerGetter(T.models.ResNet(T.models.resnet.BasicBlock, "
                   "[1, 1, 1, 1]), {'layer4': 'out', 'layer3': 'aux'}), T.models.segmentation.deeplabv3.DeepLabHead(512, 4, (1, 2)), "
                   "T.models.segmentation.fcn.FCNHead(256, 4))"), (2, 3, 65, 65)),
    "deeplabv3_mobilenet": ("T.models.segmentation.deeplabv3_mobilenet_v3_large(num_classes=4, aux_loss=True, weights_backbone=None)", (2, 3, 33, 33)),
    "lraspp": ("T.models.segmentation.lraspp_mobilenet_v3_large(num_classes=4, weights_backbone=None)", (2, 3, 45, 33)),
    "getter": ("T.models._utils.IntermediateLayerGetter(T.models.resnet18(), {'layer1': 'low', 'layer3': 'high'})", (2, 3, 40, 40)),
}
# Inception v3's auxiliary classifier needs images of 299 x 299: compared while training, without gradients.
AUXILIARY = ("T.models.Inception3(7, init_weights=True)", (2, 3, 299, 299))
OURS = {
    "inception_aux": ("T.models.inception.InceptionAux(6, 7)", (2, 6, 17, 17)),
    "lenet": ("T.models.LeNet(7)", (2, 3, 32, 32)),
    "alexnet_lrn": ("T.models.AlexNetLRN(7)", (2, 3, 67, 67)),
    "xception": ("T.models.Xception(7)", (2, 3, 71, 71)),
    "se_resnet": ("T.models.se_resnet18(num_classes=7, reduction=8)", (2, 3, 40, 40)),
    "cbam_resnet": ("T.models.cbam_resnet18(num_classes=7)", (2, 3, 40, 40)),
    "cbam_resnet_ends": ("T.models.cbam_resnet18(num_classes=7, placement='ends')", (2, 3, 40, 40)),
    "eca_resnet": ("T.models.eca_resnet18(num_classes=7)", (2, 3, 40, 40)),
    "cbam_resnet50": ("T.models.cbam_resnet50(num_classes=7)", (2, 3, 40, 40)),
    "small_resnet": ("T.models.resnet8()", (2, 3, 16, 16)),
    "small_se_resnet": ("T.models.se_resnet8()", (2, 3, 16, 16)),
    "small_cbam_resnet": ("T.models.cbam_resnet8(in_channels=1)", (2, 1, 16, 16)),
    "unet": ("T.models.UNet(2, 3, features=6, depth=3)", (2, 2, 24, 32)),
    "unet_paper": ("T.models.UNet(1, 2, features=6, depth=2, batch_norm=False, padding=False)", (2, 1, 60, 64)),
    "unet_resnet34": ("T.models.unet_resnet34(num_classes=2)", (4, 3, 32, 32)),
    "features": ("T.models.feature_extraction.create_feature_extractor(T.models.resnet18(), ['layer1.0.bn2', 'layer3', 'layer1.0.relu_1'])",
                 (2, 3, 40, 40)),
}


def build(T: Any, source: str) -> Any:
    """A case's network. AlexNet's and VGG's 4096 hidden units, which hold nearly all of their parameters, become 16."""
    wide = T.nn.Linear

    class Linear(wide):
        def __init__(self, in_features: int, out_features: int, *args: Any, **kwargs: Any) -> None:
            narrow = {4096: 16}
            super().__init__(narrow.get(in_features, in_features), narrow.get(out_features, out_features), *args, **kwargs)

    T.nn.Linear = Linear
    try:
        return eval(source, {"T": T})
    finally:
        T.nn.Linear = wide


def numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """For one entry of a state_dict, float64 values that keep a network's signals at a size where differences show."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape)
    fan = max(1, int(np.prod(shape[1:]))) if len(shape) > 1 else 10
    return rng.standard_normal(shape) * (1.4 / fan ** 0.5) + (1.0 if name.endswith("weight") and len(shape) == 1 else 0.0)


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(9).standard_normal(shape)


def fill(T: Any, model: Any) -> Any:
    """`numbers` for all floating parameters and buffers, in float64; ``T`` is the tensor library."""
    model.double()
    with T.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.copy_(T.tensor(numbers(name, tuple(value.shape))))
    return model


def flat(outputs: Any) -> list[Any]:
    """All tensors of an output, in order."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    return [t for o in outputs for t in flat(o)] if isinstance(outputs, (tuple, list)) else [outputs]


def statistics(named: Any) -> np.ndarray:
    """Of pairs of a name and an array, all running means and variances in order."""
    return np.concatenate([np.zeros(0), *(np.asarray(b).ravel() for name, b in named if name.endswith(("running_mean", "running_var")))])


def sketch(outputs: Any) -> list[list[float]]:
    """Of each output: its shape, and five weighted sums that any change of its values moves."""
    found = []
    for t in flat(outputs):
        a = np.asarray(t.detach() if hasattr(t, "detach") else t, "float64")
        waves = [np.cos((i + 1) * np.arange(a.size) + i) @ a.ravel() for i in range(5)]
        found.append([*map(float, a.shape), *waves])
    return found
