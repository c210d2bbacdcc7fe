"""Images to tensors and augmented images: what ``torchvision.transforms`` is to PyTorch.

Every transform takes a Pillow image or a tensor (..., C, H, W), and a mask beside it if there is one. Random numbers
come from the library's generator, in torchvision's order, so `manual_seed` gives the crops and flips that it gives there.
"""

from . import functional as functional
from .autoaugment import AugMix as AugMix
from .autoaugment import AutoAugment as AutoAugment
from .autoaugment import AutoAugmentPolicy as AutoAugmentPolicy
from .autoaugment import RandAugment as RandAugment
from .autoaugment import TrivialAugmentWide as TrivialAugmentWide
from .color import ColorJitter as ColorJitter
from .color import Grayscale as Grayscale
from .color import RandomAdjustSharpness as RandomAdjustSharpness
from .color import RandomAutocontrast as RandomAutocontrast
from .color import RandomEqualize as RandomEqualize
from .color import RandomGrayscale as RandomGrayscale
from .color import RandomInvert as RandomInvert
from .color import RandomPosterize as RandomPosterize
from .color import RandomSolarize as RandomSolarize
from .compose import Compose as Compose
from .compose import Lambda as Lambda
from .compose import RandomApply as RandomApply
from .compose import RandomChoice as RandomChoice
from .compose import RandomOrder as RandomOrder
from .convert import ConvertImageDtype as ConvertImageDtype
from .convert import PILToTensor as PILToTensor
from .convert import ToPILImage as ToPILImage
from .convert import ToTensor as ToTensor
from .functional import InterpolationMode as InterpolationMode
from .geometry import CenterCrop as CenterCrop
from .geometry import FiveCrop as FiveCrop
from .geometry import Pad as Pad
from .geometry import RandomCrop as RandomCrop
from .geometry import RandomHorizontalFlip as RandomHorizontalFlip
from .geometry import RandomResizedCrop as RandomResizedCrop
from .geometry import RandomVerticalFlip as RandomVerticalFlip
from .geometry import Resize as Resize
from .geometry import TenCrop as TenCrop
from .mix import CutMix as CutMix
from .mix import MixUp as MixUp
from .tensor import GaussianBlur as GaussianBlur
from .tensor import LinearTransformation as LinearTransformation
from .tensor import Normalize as Normalize
from .tensor import RandomErasing as RandomErasing
from .warp import ElasticTransform as ElasticTransform
from .warp import RandomAffine as RandomAffine
from .warp import RandomPerspective as RandomPerspective
from .warp import RandomRotation as RandomRotation
