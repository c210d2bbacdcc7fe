"""Invertible functions of random values, with the logarithm of their derivative. As torch.distributions.transforms."""

from .pointwise import AbsTransform as AbsTransform
from .pointwise import AffineTransform as AffineTransform
from .pointwise import CumulativeDistributionTransform as CumulativeDistributionTransform
from .pointwise import ExpTransform as ExpTransform
from .pointwise import PowerTransform as PowerTransform
from .pointwise import SigmoidTransform as SigmoidTransform
from .pointwise import SoftplusTransform as SoftplusTransform
from .pointwise import TanhTransform as TanhTransform
from .transform import ComposeTransform as ComposeTransform
from .transform import IndependentTransform as IndependentTransform
from .transform import ReshapeTransform as ReshapeTransform
from .transform import Transform as Transform
from .transform import _InverseTransform as _InverseTransform
from .vector_transforms import CatTransform as CatTransform
from .vector_transforms import CorrCholeskyTransform as CorrCholeskyTransform
from .vector_transforms import LowerCholeskyTransform as LowerCholeskyTransform
from .vector_transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from .vector_transforms import SoftmaxTransform as SoftmaxTransform
from .vector_transforms import StackTransform as StackTransform
from .vector_transforms import StickBreakingTransform as StickBreakingTransform

__all__ = ["AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform", "CumulativeDistributionTransform",
           "ExpTransform", "IndependentTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform",
           "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform", "Transform",
           "identity_transform"]

identity_transform = ComposeTransform([])
