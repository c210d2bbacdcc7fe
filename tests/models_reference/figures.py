"""Published parameter counts and multiply-adds, for one image of the given size (a multiply-add counts once)."""

# name: (parameters, multiply-adds / 1e9, height and width)
#
# torchvision's own: `num_params` and `_ops` of its weights, which its page of models (https://pytorch.org/vision/stable/models.html) shows as
# "Params" and "GFLOPS". Its GoogLeNet is counted without the auxiliary classifiers, Inception v3 and the segmentation networks with.
TORCHVISION = {
    "alexnet": (61_100_840, 0.714, 224),
    "vgg11": (132_863_336, 7.609, 224),
    "vgg11_bn": (132_868_840, 7.609, 224),
    "vgg13": (133_047_848, 11.308, 224),
    "vgg13_bn": (133_053_736, 11.308, 224),
    "vgg16": (138_357_544, 15.47, 224),
    "vgg16_bn": (138_365_992, 15.47, 224),
    "vgg19": (143_667_240, 19.632, 224),
    "vgg19_bn": (143_678_248, 19.632, 224),
    "googlenet": (6_624_904, 1.498, 224),
    "inception_v3": (27_161_264, 5.713, 299),
    "resnet18": (11_689_512, 1.814, 224),
    "resnet34": (21_797_672, 3.664, 224),
    "resnet50": (25_557_032, 4.089, 224),
    "resnet101": (44_549_160, 7.801, 224),
    "resnet152": (60_192_808, 11.514, 224),
    "resnext50_32x4d": (25_028_904, 4.23, 224),
    "resnext101_32x8d": (88_791_336, 16.414, 224),
    "resnext101_64x4d": (83_455_272, 15.46, 224),
    "wide_resnet50_2": (68_883_240, 11.398, 224),
    "wide_resnet101_2": (126_886_696, 22.753, 224),
    "squeezenet1_0": (1_248_424, 0.819, 224),
    "squeezenet1_1": (1_235_496, 0.349, 224),
    "densenet121": (7_978_856, 2.834, 224),
    "densenet161": (28_681_000, 7.728, 224),
    "densenet169": (14_149_480, 3.36, 224),
    "densenet201": (20_013_928, 4.291, 224),
    "shufflenet_v2_x0_5": (1_366_792, 0.04, 224),
    "shufflenet_v2_x1_0": (2_278_604, 0.145, 224),
    "shufflenet_v2_x1_5": (3_503_624, 0.296, 224),
    "shufflenet_v2_x2_0": (7_393_996, 0.583, 224),
    "mobilenet_v2": (3_504_872, 0.301, 224),
    "mobilenet_v3_large": (5_483_032, 0.217, 224),
    "mobilenet_v3_small": (2_542_856, 0.057, 224),
    "efficientnet_b0": (5_288_548, 0.386, 224),
    "efficientnet_b1": (7_794_184, 0.687, 240),
    "efficientnet_b2": (9_109_994, 1.088, 288),
    "efficientnet_b3": (12_233_232, 1.827, 300),
    "efficientnet_b4": (19_341_616, 4.394, 380),
    "efficientnet_b5": (30_389_784, 10.266, 456),
    "efficientnet_b6": (43_040_704, 19.068, 528),
    "efficientnet_b7": (66_347_960, 37.746, 600),
    "convnext_base": (88_591_464, 15.355, 224),
    "convnext_large": (197_767_336, 34.361, 224),
    "convnext_small": (50_223_688, 8.684, 224),
    "convnext_tiny": (28_589_128, 4.456, 224),
    "vit_b_16": (86_567_656, 17.564, 224),
    "vit_b_32": (88_224_232, 4.409, 224),
    "vit_h_14": (633_470_440, 1016.717, 518),
    "vit_l_16": (304_326_632, 61.555, 224),
    "vit_l_32": (306_535_400, 15.378, 224),
    "fcn_resnet50": (35_322_218, 152.717, 520),
    "fcn_resnet101": (54_314_346, 232.738, 520),
    "deeplabv3_resnet50": (42_004_074, 178.722, 520),
    "deeplabv3_resnet101": (60_996_202, 258.743, 520),
}

# name: (parameters, multiply-adds / 1e9 or None, height and width, source), with the digits that the source gives. Mi is 2^20.
_CBAM = "Woo et al.: CBAM, 2018, table 4"
_ECA = "Wang et al.: ECA-Net, 2020, table 3, which divides by 2^20"
_OLD = "; its multiply-adds are for strides in the 1 x 1 convolutions"
ELSEWHERE = {
    "lenet": ("62,006", None, 32, "PyTorch's tutorial of neural networks, the same network"),
    "alexnet_lrn": ("60,965,224", "0.724", 227, "the Caffe model bvlc_alexnet; Sze et al.: Efficient processing of deep neural networks, 2017"),
    "xception": ("22,855,952", "8.4", 299, "Chollet: Xception, 2017, table 3; multiply-adds: lists of pretrained models"),
    "resnet20": ("0.27M", None, 32, "He et al., 2016, table 6"),
    "unet": ("31,037,698", None, 224, "milesial/Pytorch-UNet for 3 channels, 2 classes, transposed convolutions"),
    "se_resnet18": ("11.78M", "1.814", 224, _CBAM),
    "se_resnet34": ("21.96M", "3.664", 224, _CBAM),
    "se_resnet50": ("28.09M", None, 224, _CBAM + _OLD),
    "se_resnet101": ("49.33M", None, 224, _CBAM + _OLD),
    "se_resnet152": ("66,821,848", None, 224, "Cadene/pretrained-models.pytorch"),
    "cbam_resnet18": ("11.78M", "1.815", 224, _CBAM),
    "cbam_resnet34": ("21.96M", "3.665", 224, _CBAM),
    "cbam_resnet50": ("28.09M", None, 224, _CBAM + _OLD),
    "cbam_resnet101": ("49.33M", None, 224, _CBAM + _OLD),
    "eca_resnet18": ("11.148Mi", "1.814", 224, _ECA),
    "eca_resnet34": ("20.788Mi", None, 224, _ECA),
    "eca_resnet50": ("24.37Mi", None, 224, _ECA + _OLD),
    "eca_resnet101": ("42.49Mi", None, 224, _ECA + _OLD),
}

# Nobody published these; a network of the same parts with published figures stands in the tables above.
UNPUBLISHED = {"resnet8", "se_resnet8", "se_resnet20", "cbam_resnet8", "cbam_resnet20", "cbam_resnet152", "eca_resnet152", "unet_resnet34",
               "unet_small"}
