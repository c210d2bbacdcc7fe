"""Names of torchvision's trained weights, with what each was trained to see; none are shipped.

The preprocessing of a file that you have, and the number of its parameters:

>>> from minidl import models, rand
>>> weights = models.ResNet50_Weights.DEFAULT
>>> weights, weights.meta["num_params"], weights.transforms()(rand(3, 300, 400)).shape
(ResNet50_Weights.IMAGENET1K_V2, 25557032, torch.Size([3, 224, 224]))
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .registry import MODELS, get_model_builder, no_weights

__all__ = ["Weights", "WeightsEnum", "get_model_weights", "get_weight"]


@dataclass(eq=False)
class Weights:
    """One file of weights: its address (here empty), what makes its preprocessing, and facts such as ``num_params``."""

    url: str
    transforms: Callable[..., Any]
    meta: dict[str, Any]


class WeightsEnum(Enum):
    """The weights of one network, each a `Weights`; DEFAULT is another name of the best."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """`obj`, or the member of that name; KeyError for no such name, TypeError for another network's."""
        if isinstance(obj, str):
            return cls[obj.replace(f"{cls.__name__}.", "")]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}.")
        return obj

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """ValueError: no weights are shipped, and nothing is downloaded."""
        raise no_weights(f"{self!r}.get_state_dict", "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return getattr, (type(self), self.name)

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        return self.value.meta


Presets = dict[str, tuple[str, dict[str, Any]]]  # by member: the preprocessing and its settings


def v1(crop_size: int = 224, resize_size: int = 256, interpolation: str = "bilinear", name: str = "V1", **settings: Any) -> Presets:
    return {f"IMAGENET1K_{name}": ("ImageClassification", {
        "crop_size": crop_size, "resize_size": resize_size, "interpolation": interpolation, **settings})}


def swag(side: int, num_params: int | None = None) -> Presets:
    """Trained throughout on images of a side, or only in the last layer; `num_params` where the first has more positions."""
    more = {} if num_params is None else {"num_params": num_params}
    return v1(side, side, "bicubic", "SWAG_E2E_V1", **more) | v1(224, 224, "bicubic", "SWAG_LINEAR_V1")


V1, V2 = v1(), v1(224, 232, name="V2")
FEATURES = v1(name="FEATURES", mean=(0.48235, 0.45882, 0.40784), std=(1 / 255,) * 3)
BOXES: Presets = {"COCO_V1": ("ObjectDetection", {})}
LEGACY: Presets = {"COCO_LEGACY": ("ObjectDetection", {})}
PIXELS: Presets = {"COCO_WITH_VOC_LABELS_V1": ("SemanticSegmentation", {"resize_size": 520})}
VIDEO: Presets = {"KINETICS400_V1": ("VideoClassification", {"crop_size": (112, 112), "resize_size": (128, 171)})}
S3D: Presets = {"KINETICS400_V1": ("VideoClassification", {"crop_size": (224, 224), "resize_size": (256, 256)})}

# The network, which in lower case is its builder's name: its number of parameters, and its weights in torchvision's order.
TABLE: dict[str, tuple[int, Presets]] = {
    "AlexNet": (61_100_840, V1),
    "ConvNeXt_Tiny": (28_589_128, v1(224, 236)),
    "ConvNeXt_Small": (50_223_688, v1(224, 230)),
    "ConvNeXt_Base": (88_591_464, v1(224, 232)),
    "ConvNeXt_Large": (197_767_336, v1(224, 232)),
    "DenseNet121": (7_978_856, V1),
    "DenseNet161": (28_681_000, V1),
    "DenseNet169": (14_149_480, V1),
    "DenseNet201": (20_013_928, V1),
    "EfficientNet_B0": (5_288_548, v1(224, 256, "bicubic")),
    "EfficientNet_B1": (7_794_184, v1(240, 256, "bicubic") | v1(240, 255, name="V2")),
    "EfficientNet_B2": (9_109_994, v1(288, 288, "bicubic")),
    "EfficientNet_B3": (12_233_232, v1(300, 320, "bicubic")),
    "EfficientNet_B4": (19_341_616, v1(380, 384, "bicubic")),
    "EfficientNet_B5": (30_389_784, v1(456, 456, "bicubic")),
    "EfficientNet_B6": (43_040_704, v1(528, 528, "bicubic")),
    "EfficientNet_B7": (66_347_960, v1(600, 600, "bicubic")),
    "EfficientNet_V2_S": (21_458_488, v1(384, 384)),
    "EfficientNet_V2_M": (54_139_356, v1(480, 480)),
    "EfficientNet_V2_L": (118_515_272, v1(480, 480, "bicubic", mean=(0.5,) * 3, std=(0.5,) * 3)),
    "GoogLeNet": (6_624_904, V1),
    "Inception_V3": (27_161_264, v1(299, 342)),
    "MNASNet0_5": (2_218_512, V1),
    "MNASNet0_75": (3_170_208, v1(224, 232)),
    "MNASNet1_0": (4_383_312, V1),
    "MNASNet1_3": (6_282_256, v1(224, 232)),
    "MobileNet_V2": (3_504_872, V1 | V2),
    "MobileNet_V3_Large": (5_483_032, V1 | V2),
    "MobileNet_V3_Small": (2_542_856, V1),
    "RegNet_Y_400MF": (4_344_144, V1 | V2),
    "RegNet_Y_800MF": (6_432_512, V1 | V2),
    "RegNet_Y_1_6GF": (11_202_430, V1 | V2),
    "RegNet_Y_3_2GF": (19_436_338, V1 | V2),
    "RegNet_Y_8GF": (39_381_472, V1 | V2),
    "RegNet_Y_16GF": (83_590_140, V1 | V2 | swag(384)),
    "RegNet_Y_32GF": (145_046_770, V1 | V2 | swag(384)),
    "RegNet_Y_128GF": (644_812_894, swag(384)),
    "RegNet_X_400MF": (5_495_976, V1 | V2),
    "RegNet_X_800MF": (7_259_656, V1 | V2),
    "RegNet_X_1_6GF": (9_190_136, V1 | V2),
    "RegNet_X_3_2GF": (15_296_552, V1 | V2),
    "RegNet_X_8GF": (39_572_648, V1 | V2),
    "RegNet_X_16GF": (54_278_536, V1 | V2),
    "RegNet_X_32GF": (107_811_560, V1 | V2),
    "ResNet18": (11_689_512, V1),
    "ResNet34": (21_797_672, V1),
    "ResNet50": (25_557_032, V1 | V2),
    "ResNet101": (44_549_160, V1 | V2),
    "ResNet152": (60_192_808, V1 | V2),
    "ResNeXt50_32X4D": (25_028_904, V1 | V2),
    "ResNeXt101_32X8D": (88_791_336, V1 | V2),
    "ResNeXt101_64X4D": (83_455_272, v1(224, 232)),
    "Wide_ResNet50_2": (68_883_240, V1 | V2),
    "Wide_ResNet101_2": (126_886_696, V1 | V2),
    "ShuffleNet_V2_X0_5": (1_366_792, V1),
    "ShuffleNet_V2_X1_0": (2_278_604, V1),
    "ShuffleNet_V2_X1_5": (3_503_624, v1(224, 232)),
    "ShuffleNet_V2_X2_0": (7_393_996, v1(224, 232)),
    "SqueezeNet1_0": (1_248_424, V1),
    "SqueezeNet1_1": (1_235_496, V1),
    "VGG11": (132_863_336, V1),
    "VGG11_BN": (132_868_840, V1),
    "VGG13": (133_047_848, V1),
    "VGG13_BN": (133_053_736, V1),
    "VGG16": (138_357_544, V1 | FEATURES),
    "VGG16_BN": (138_365_992, V1),
    "VGG19": (143_667_240, V1),
    "VGG19_BN": (143_678_248, V1),
    "ViT_B_16": (86_567_656, V1 | swag(384, 86_859_496)),
    "ViT_B_32": (88_224_232, V1),
    "ViT_L_16": (304_326_632, v1(224, 242) | swag(512, 305_174_504)),
    "ViT_L_32": (306_535_400, V1),
    "ViT_H_14": (632_045_800, swag(518, 633_470_440)),
    "Swin_T": (28_288_354, v1(224, 232, "bicubic")),
    "Swin_S": (49_606_258, v1(224, 246, "bicubic")),
    "Swin_B": (87_768_224, v1(224, 238, "bicubic")),
    "Swin_V2_T": (28_351_570, v1(256, 260, "bicubic")),
    "Swin_V2_S": (49_737_442, v1(256, 260, "bicubic")),
    "Swin_V2_B": (87_930_848, v1(256, 272, "bicubic")),
    "MaxVit_T": (30_919_624, v1(224, 224, "bicubic")),
    "FasterRCNN_ResNet50_FPN": (41_755_286, BOXES),
    "FasterRCNN_ResNet50_FPN_V2": (43_712_278, BOXES),
    "FasterRCNN_MobileNet_V3_Large_320_FPN": (19_386_354, BOXES),
    "FasterRCNN_MobileNet_V3_Large_FPN": (19_386_354, BOXES),
    "FCOS_ResNet50_FPN": (32_269_600, BOXES),
    "KeypointRCNN_ResNet50_FPN": (59_137_258, LEGACY | BOXES),
    "MaskRCNN_ResNet50_FPN": (44_401_393, BOXES),
    "MaskRCNN_ResNet50_FPN_V2": (46_359_409, BOXES),
    "RetinaNet_ResNet50_FPN": (34_014_999, BOXES),
    "RetinaNet_ResNet50_FPN_V2": (38_198_935, BOXES),
    "SSD300_VGG16": (35_641_826, BOXES),
    "SSDLite320_MobileNet_V3_Large": (3_440_060, BOXES),
    "FCN_ResNet50": (35_322_218, PIXELS),
    "FCN_ResNet101": (54_314_346, PIXELS),
    "DeepLabV3_ResNet50": (42_004_074, PIXELS),
    "DeepLabV3_ResNet101": (60_996_202, PIXELS),
    "DeepLabV3_MobileNet_V3_Large": (11_029_328, PIXELS),
    "LRASPP_MobileNet_V3_Large": (3_221_538, PIXELS),
    "R3D_18": (33_371_472, VIDEO),
    "MC3_18": (11_695_440, VIDEO),
    "R2Plus1D_18": (31_505_325, VIDEO),
    "S3D": (8_320_048, S3D),
}


@functools.cache
def _enumeration(network: str) -> type[WeightsEnum]:
    from ..transforms import InterpolationMode, _presets

    total, presets = TABLE[network]
    members = {}
    for name, (kind, settings) in presets.items():
        settings = dict(settings)
        meta = {"num_params": settings.pop("num_params", total)}
        if "interpolation" in settings:
            settings["interpolation"] = InterpolationMode(settings["interpolation"])
        members[name] = Weights("", functools.partial(getattr(_presets, kind), **settings), meta)
    usual = [name for name in members if "SWAG" not in name and name != "IMAGENET1K_FEATURES"]
    members["DEFAULT"] = members[usual[-1] if usual else next(iter(members))]
    return WeightsEnum(f"{network}_Weights", members, module=MODELS[network.lower()].__module__)  # type: ignore[call-overload,no-any-return]


def weights_named(name: str) -> type[WeightsEnum]:
    """The enumeration ``ResNet18_Weights`` and the like; AttributeError for a name that is none. The `__getattr__` of the networks' modules."""
    network = name.removesuffix("_Weights")
    if network == name or network not in TABLE:
        raise AttributeError(f"minidl.models has no attribute {name!r}")
    return _enumeration(network)


def get_model_weights(name: Callable[..., Any] | str) -> type[WeightsEnum]:
    """The enumeration of a network, or of its name; ValueError for a network of which torchvision has no weights.

    >>> from minidl import models
    >>> list(models.get_model_weights("resnet50"))
    [ResNet50_Weights.IMAGENET1K_V1, ResNet50_Weights.IMAGENET1K_V2]
    """
    build = get_model_builder(name) if isinstance(name, str) else name
    for network in TABLE:
        if MODELS[network.lower()] is build:
            return _enumeration(network)
    raise ValueError(f"get_model_weights: there are no names of weights for {getattr(build, '__name__', build)}")


def get_weight(name: str) -> WeightsEnum:
    """The member of that full name, such as "ResNet50_Weights.IMAGENET1K_V1"; ValueError or, for an unknown member, KeyError."""
    network, dot, member = name.partition("_Weights.")
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    if network not in TABLE:
        raise ValueError(f"The weight enum '{network}_Weights' for the specific method couldn't be retrieved.")
    return _enumeration(network)[member]
