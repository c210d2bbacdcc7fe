"""Probability distributions of tensors: samples (PyTorch's numbers for a seed, but for `Poisson`), log-probabilities, entropies, divergences.

>>> import minidl as torch
>>> policy = torch.distributions.Categorical(logits=torch.tensor([0.0, 0.0]))
>>> policy.entropy()
tensor(0.6931)
"""

from . import constraints as constraints
from . import kl as kl
from . import transforms as transforms
from . import utils as utils
from .bernoulli import Bernoulli as Bernoulli
from .bernoulli import Geometric as Geometric
from .categorical import Categorical as Categorical
from .categorical import OneHotCategorical as OneHotCategorical
from .categorical import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
from .distribution import Distribution as Distribution
from .exponential import Exponential as Exponential
from .exponential import Poisson as Poisson
from .independent import Independent as Independent
from .independent import MixtureSameFamily as MixtureSameFamily
from .kl import kl_divergence as kl_divergence
from .kl import register_kl as register_kl
from .location import Cauchy as Cauchy
from .location import HalfNormal as HalfNormal
from .location import Laplace as Laplace
from .location import Normal as Normal
from .location import Uniform as Uniform
from .multivariate_normal import MultivariateNormal as MultivariateNormal
from .transformed import Gumbel as Gumbel
from .transformed import LogNormal as LogNormal
from .transformed import RelaxedBernoulli as RelaxedBernoulli
from .transformed import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from .transformed import TransformedDistribution as TransformedDistribution
from .transforms import AffineTransform as AffineTransform
from .transforms import ComposeTransform as ComposeTransform
from .transforms import ExpTransform as ExpTransform
from .transforms import SigmoidTransform as SigmoidTransform
from .transforms import SoftplusTransform as SoftplusTransform
from .transforms import TanhTransform as TanhTransform
from .transforms import Transform as Transform
