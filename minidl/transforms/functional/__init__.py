"""What the transforms do, as functions of an image and of numbers: nothing here is random.

An image is a Pillow image, which Pillow's own operations work on, or a tensor (..., C, H, W), which the library's do.
The names are those of ``torchvision.transforms.functional``.
"""

from .color import adjust_brightness as adjust_brightness
from .color import adjust_contrast as adjust_contrast
from .color import adjust_gamma as adjust_gamma
from .color import adjust_hue as adjust_hue
from .color import adjust_saturation as adjust_saturation
from .color import autocontrast as autocontrast
from .color import equalize as equalize
from .color import invert as invert
from .color import posterize as posterize
from .color import rgb_to_grayscale as rgb_to_grayscale
from .color import solarize as solarize
from .color import to_grayscale as to_grayscale
from .convert import InterpolationMode as InterpolationMode
from .convert import bgr_to_rgb as bgr_to_rgb
from .convert import convert_image_dtype as convert_image_dtype
from .convert import get_dimensions as get_dimensions
from .convert import get_image_num_channels as get_image_num_channels
from .convert import get_image_size as get_image_size
from .convert import pil_to_tensor as pil_to_tensor
from .convert import rgb_to_bgr as rgb_to_bgr
from .convert import to_pil_image as to_pil_image
from .convert import to_tensor as to_tensor
from .filter import adjust_sharpness as adjust_sharpness
from .filter import erase as erase
from .filter import gaussian_blur as gaussian_blur
from .filter import normalize as normalize
from .geometry import center_crop as center_crop
from .geometry import crop as crop
from .geometry import five_crop as five_crop
from .geometry import hflip as hflip
from .geometry import pad as pad
from .geometry import resize as resize
from .geometry import resized_crop as resized_crop
from .geometry import ten_crop as ten_crop
from .geometry import vflip as vflip
from .warp import affine as affine
from .warp import elastic_transform as elastic_transform
from .warp import perspective as perspective
from .warp import rotate as rotate
