"""Names of torchvision's trained weights: those recorded from it, and what their preprocessing makes of an image, in PyTorch's operations."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import minidl
from minidl import models

NAMES = {  # torchvision 0.28's members but DEFAULT, in its order, and the networks that have just these
    "IMAGENET1K_V1":
        "AlexNet ConvNeXt_Tiny ConvNeXt_Small ConvNeXt_Base ConvNeXt_Large DenseNet121 DenseNet161 DenseNet169 DenseNet201 "
        "EfficientNet_B0 EfficientNet_B2 EfficientNet_B3 EfficientNet_B4 EfficientNet_B5 EfficientNet_B6 EfficientNet_B7 "
        "EfficientNet_V2_S EfficientNet_V2_M EfficientNet_V2_L GoogLeNet Inception_V3 MNASNet0_5 MNASNet0_75 MNASNet1_0 MNASNet1_3 "
        "MobileNet_V3_Small ResNet18 ResNet34 ResNeXt101_64X4D ShuffleNet_V2_X0_5 ShuffleNet_V2_X1_0 ShuffleNet_V2_X1_5 "
        "ShuffleNet_V2_X2_0 SqueezeNet1_0 SqueezeNet1_1 VGG11 VGG11_BN VGG13 VGG13_BN VGG16_BN VGG19 VGG19_BN ViT_B_32 ViT_L_32 Swin_T "
        "Swin_S Swin_B Swin_V2_T Swin_V2_S Swin_V2_B MaxVit_T",
    "IMAGENET1K_V1 IMAGENET1K_V2":
        "EfficientNet_B1 MobileNet_V2 MobileNet_V3_Large RegNet_Y_400MF RegNet_Y_800MF RegNet_Y_1_6GF RegNet_Y_3_2GF RegNet_Y_8GF "
        "RegNet_X_400MF RegNet_X_800MF RegNet_X_1_6GF RegNet_X_3_2GF RegNet_X_8GF RegNet_X_16GF RegNet_X_32GF ResNet50 ResNet101 "
        "ResNet152 ResNeXt50_32X4D ResNeXt101_32X8D Wide_ResNet50_2 Wide_ResNet101_2",
    "IMAGENET1K_V1 IMAGENET1K_V2 IMAGENET1K_SWAG_E2E_V1 IMAGENET1K_SWAG_LINEAR_V1":
        "RegNet_Y_16GF RegNet_Y_32GF",
    "IMAGENET1K_SWAG_E2E_V1 IMAGENET1K_SWAG_LINEAR_V1":
        "RegNet_Y_128GF ViT_H_14",
    "IMAGENET1K_V1 IMAGENET1K_FEATURES":
        "VGG16",
    "IMAGENET1K_V1 IMAGENET1K_SWAG_E2E_V1 IMAGENET1K_SWAG_LINEAR_V1":
        "ViT_B_16 ViT_L_16",
    "COCO_V1":
        "FasterRCNN_ResNet50_FPN FasterRCNN_ResNet50_FPN_V2 FasterRCNN_MobileNet_V3_Large_320_FPN FasterRCNN_MobileNet_V3_Large_FPN "
        "FCOS_ResNet50_FPN MaskRCNN_ResNet50_FPN MaskRCNN_ResNet50_FPN_V2 RetinaNet_ResNet50_FPN RetinaNet_ResNet50_FPN_V2 "
        "SSD300_VGG16 SSDLite320_MobileNet_V3_Large",
    "COCO_LEGACY COCO_V1":
        "KeypointRCNN_ResNet50_FPN",
    "COCO_WITH_VOC_LABELS_V1":
        "FCN_ResNet50 FCN_ResNet101 DeepLabV3_ResNet50 DeepLabV3_ResNet101 DeepLabV3_MobileNet_V3_Large LRASPP_MobileNet_V3_Large",
    "KINETICS400_V1":
        "R3D_18 MC3_18 R2Plus1D_18 S3D",
}
DEFAULTS = {"RegNet_Y_128GF": "IMAGENET1K_SWAG_E2E_V1", "ViT_H_14": "IMAGENET1K_SWAG_E2E_V1", "RegNet_Y_16GF": "IMAGENET1K_V2",
            "RegNet_Y_32GF": "IMAGENET1K_V2", "ViT_B_16": "IMAGENET1K_V1", "ViT_L_16": "IMAGENET1K_V1", "VGG16": "IMAGENET1K_V1"}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PIXELS = np.random.default_rng(3).integers(0, 256, (300, 401, 3), dtype=np.uint8)


def test_the_names() -> None:
    for names, networks in NAMES.items():
        for network in networks.split():
            weights = models.get_model_weights(network.lower())
            assert weights.__name__ == f"{network}_Weights" and [w.name for w in weights] == names.split(), network
            assert weights.DEFAULT.name == DEFAULTS.get(network, names.split()[-1]), network
            build = models.get_model_builder(network.lower())
            assert models.get_model_weights(build) is weights is getattr(sys.modules[build.__module__], weights.__name__)
            assert weights is getattr(sys.modules[build.__module__.rpartition(".")[0]], weights.__name__)


@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn", "efficientnet_b0", "regnet_y_400mf", "swin_t", "mobilenet_v3_small", "r3d_18",
                                  "lraspp_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large"])
def test_numbers_of_parameters(name: str) -> None:
    config = {"weights_backbone": None} if models.get_model_builder(name).__module__.startswith(("minidl.models.det", "minidl.models.seg")) else {}
    if name.startswith("lraspp"):
        config["num_classes"] = 21
    count = sum(p.numel() for p in models.get_model(name, **config).parameters())
    assert models.get_model_weights(name).DEFAULT.meta["num_params"] == count


def test_numbers_of_parameters_where_images_differ() -> None:
    b, h = models.ViT_B_16_Weights, models.ViT_H_14_Weights
    assert b.IMAGENET1K_SWAG_E2E_V1.meta["num_params"] - b.IMAGENET1K_V1.meta["num_params"] == (24 ** 2 - 14 ** 2) * 768
    assert h.IMAGENET1K_SWAG_E2E_V1.meta["num_params"] - h.IMAGENET1K_SWAG_LINEAR_V1.meta["num_params"] == (37 ** 2 - 16 ** 2) * 1280


def normalised(x: torch.Tensor, mean: Any = MEAN, std: Any = STD) -> torch.Tensor:
    return (x.float() / 255 - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def channels_first(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(array).transpose(2, 0, 1).copy())


@pytest.mark.parametrize(("name", "crop", "short", "mode", "mean", "std"), [
    ("ResNet50_Weights.IMAGENET1K_V1", 224, 256, "bilinear", MEAN, STD), ("ResNet50_Weights.DEFAULT", 224, 232, "bilinear", MEAN, STD),
    ("EfficientNet_B3_Weights.DEFAULT", 300, 320, "bicubic", MEAN, STD), ("EfficientNet_V2_L_Weights.DEFAULT", 480, 480, "bicubic", (0.5,) * 3, (0.5,) * 3),
    ("EfficientNet_B1_Weights.DEFAULT", 240, 255, "bilinear", MEAN, STD), ("Inception_V3_Weights.DEFAULT", 299, 342, "bilinear", MEAN, STD),
    ("ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1", 384, 384, "bicubic", MEAN, STD),
    ("ViT_B_16_Weights.IMAGENET1K_SWAG_LINEAR_V1", 224, 224, "bicubic", MEAN, STD),
    ("VGG16_Weights.IMAGENET1K_FEATURES", 224, 256, "bilinear", (0.48235, 0.45882, 0.40784), (1 / 255,) * 3),
    ("FCN_ResNet50_Weights.DEFAULT", None, 520, "bilinear", MEAN, STD),
])
def test_images_for_networks(name: str, crop: int | None, short: int, mode: str, mean: Any, std: Any) -> None:
    transform, size = models.get_weight(name).transforms(), (short, int(short * 401 / 300))
    left, top = (0, 0) if crop is None else (round((size[1] - crop) / 2), round((size[0] - crop) / 2))
    window = (..., slice(top, top + (crop or size[0])), slice(left, left + (crop or size[1])))
    image = Image.fromarray(PIXELS)
    resized = image.resize(size[::-1], getattr(Image.Resampling, mode.upper()))
    expected = normalised(channels_first(resized)[window], mean, std)
    np.testing.assert_allclose(transform(image).numpy(), expected.numpy(), rtol=2e-6, atol=2e-6 / min(std))
    batch = channels_first(PIXELS)[None].expand(2, -1, -1, -1).double() / 255
    resized = torch.nn.functional.interpolate(batch, size, mode=mode, align_corners=False, antialias=True)
    expected = normalised(resized[window] * 255, mean, std)
    np.testing.assert_allclose(transform(minidl.tensor(batch.numpy())).numpy(), expected.numpy(), rtol=1e-5, atol=3e-6 / min(std))


def test_images_for_detectors() -> None:
    transform = models.FCOS_ResNet50_FPN_Weights.COCO_V1.transforms()
    for image in (Image.fromarray(PIXELS), minidl.tensor(channels_first(PIXELS).numpy())):
        assert np.array_equal(transform(image).numpy(), (channels_first(PIXELS).float() / 255).numpy())


@pytest.mark.parametrize(("name", "crop", "size"), [("R3D_18", 112, (128, 171)), ("S3D", 224, (256, 256))])
def test_frames_for_networks(name: str, crop: int, size: tuple[int, int]) -> None:
    transform = models.get_weight(f"{name}_Weights.KINETICS400_V1").transforms()
    video = np.random.default_rng(4).random((2, 3, 3, 90, 140))
    resized = torch.nn.functional.interpolate(torch.from_numpy(video).flatten(0, 1), size, mode="bilinear", align_corners=False)
    top, left = (round((side - crop) / 2) for side in size)
    frames = normalised(resized[..., top:top + crop, left:left + crop] * 255, (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
    expected = frames.unflatten(0, (2, 3)).transpose(1, 2).numpy()
    np.testing.assert_allclose(transform(minidl.tensor(video)).numpy(), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(transform(minidl.tensor(video[1])).numpy(), expected[1], rtol=1e-5, atol=1e-5)


def test_members_are_themselves_after_copying_and_pickling() -> None:
    legacy, usual = models.KeypointRCNN_ResNet50_FPN_Weights
    for member in (legacy, usual, models.ResNet50_Weights.DEFAULT):
        assert copy.deepcopy(member) is pickle.loads(pickle.dumps(member)) is member
    weights = models.ResNet50_Weights
    assert repr(weights.DEFAULT) == "ResNet50_Weights.IMAGENET1K_V2" and issubclass(weights, models.WeightsEnum)
    assert weights.verify("ResNet50_Weights.IMAGENET1K_V1") is weights.verify("IMAGENET1K_V1") is weights.IMAGENET1K_V1
    assert weights.verify(None) is None and weights.verify(weights.DEFAULT) is weights.DEFAULT and isinstance(weights.DEFAULT.value, models.Weights)
    assert weights.DEFAULT.url == ""
    with pytest.raises(TypeError, match="Invalid Weight class provided; expected ResNet50_Weights but received VGG16_Weights"):
        weights.verify(models.VGG16_Weights.DEFAULT)


def test_nothing_is_downloaded() -> None:
    weights = models.ResNet18_Weights.DEFAULT
    for ask in (lambda: models.resnet18(weights=weights), lambda: weights.get_state_dict(progress=True),
                lambda: models.segmentation.fcn_resnet50(weights_backbone=models.ResNet50_Weights.DEFAULT)):
        with pytest.raises(ValueError, match=r"no weights are shipped.*load_state_dict\(minidl\.load\(path\)\)"):
            ask()
    with pytest.raises(ValueError, match=r"resnet18: no weights are shipped, got weights=ResNet18_Weights\.IMAGENET1K_V1; "):
        models.resnet18(weights=weights)


def test_unknown_names() -> None:
    for module in (models, models.resnet, models.detection):
        for name in ("ResNet19_Weights", "ResNet50", "nothing"):
            with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
                getattr(module, name)
    with pytest.raises(ValueError, match="there are no names of weights for lenet"):
        models.get_model_weights("lenet")
    for name in ("ResNet50_Weights", "ResNet50.IMAGENET1K_V1", "ResNet50_Weights.IMAGENET1K.V1"):
        with pytest.raises(ValueError, match=f"Invalid weight name provided: '{name}'"):
            models.get_weight(name)
    with pytest.raises(ValueError, match="The weight enum 'ResNet19_Weights' for the specific method couldn't be retrieved"):
        models.get_weight("ResNet19_Weights.DEFAULT")
    with pytest.raises(KeyError):
        models.get_weight("ResNet50_Weights.IMAGENET1K_V3")


PROGRAM = """
import sys
import minidl
assert not [name for name in sys.modules if name.startswith(("minidl.models", "minidl.transforms"))]
sys.modules["torch"], sys.modules["torchvision"] = minidl, minidl.vision
from torchvision.models import ResNet50_Weights, Weights, get_model_weights, get_weight, list_models, resnet50
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights
from torchvision.models.detection.faster_rcnn import FasterRCNN_ResNet50_FPN_Weights as same
from torchvision.models.resnet import ResNet18_Weights
from torchvision.models.segmentation import FCN_ResNet50_Weights
from torchvision.models.video import R3D_18_Weights
from torchvision.transforms._presets import ImageClassification
assert FasterRCNN_ResNet50_FPN_Weights is same and issubclass(ResNet18_Weights, WeightsEnum)
assert isinstance(ResNet50_Weights.DEFAULT.transforms(), ImageClassification)
assert get_weight("ResNet50_Weights.DEFAULT") in get_model_weights(resnet50)
"""


def test_a_program_that_names_weights() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, cwd=Path(__file__).parent.parent)
