"""Probability distributions of tensors: samples (PyTorch's numbers for a seed), log-probabilities, entropies, divergences.

>>> import minidl as torch
>>> policy = torch.distributions.Categorical(logits=torch.tensor([0.0, 0.0]))
>>> policy.entropy()
tensor(0.6931)
"""

from . import categorical as categorical
from . import constraint_registry as constraint_registry
from . import constraints as constraints
from . import counts as counts
from . import dirichlet as dirichlet
from . import distribution as distribution
from . import gamma as gamma
from . import independent as independent
from . import kl as kl
from . import location as location
from . import powers as powers
from . import transformed as transformed
from . import transforms as transforms
from . import utils as utils
from .bernoulli import Bernoulli as Bernoulli
from .bernoulli import Geometric as Geometric
from .categorical import Categorical as Categorical
from .categorical import OneHotCategorical as OneHotCategorical
from .categorical import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
from .constraint_registry import biject_to as biject_to
from .constraint_registry import transform_to as transform_to
from .continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from .counts import Binomial as Binomial
from .counts import Multinomial as Multinomial
from .counts import NegativeBinomial as NegativeBinomial
from .dirichlet import Beta as Beta
from .dirichlet import Dirichlet as Dirichlet
from .dirichlet import LKJCholesky as LKJCholesky
from .distribution import Distribution as Distribution
from .distribution import ExponentialFamily as ExponentialFamily
from .exponential import Exponential as Exponential
from .exponential import Poisson as Poisson
from .gamma import Chi2 as Chi2
from .gamma import FisherSnedecor as FisherSnedecor
from .gamma import Gamma as Gamma
from .gamma import InverseGamma as InverseGamma
from .gamma import StudentT as StudentT
from .independent import Independent as Independent
from .independent import MixtureSameFamily as MixtureSameFamily
from .kl import kl_divergence as kl_divergence
from .kl import register_kl as register_kl
from .location import Cauchy as Cauchy
from .location import HalfNormal as HalfNormal
from .location import Laplace as Laplace
from .location import Normal as Normal
from .location import Uniform as Uniform
from .lowrank_multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal as MultivariateNormal
from .powers import HalfCauchy as HalfCauchy
from .powers import Kumaraswamy as Kumaraswamy
from .powers import LogisticNormal as LogisticNormal
from .powers import Pareto as Pareto
from .powers import Weibull as Weibull
from .transformed import Gumbel as Gumbel
from .transformed import LogNormal as LogNormal
from .transformed import RelaxedBernoulli as RelaxedBernoulli
from .transformed import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from .transformed import TransformedDistribution as TransformedDistribution
from .transforms import AbsTransform as AbsTransform
from .transforms import AffineTransform as AffineTransform
from .transforms import CatTransform as CatTransform
from .transforms import ComposeTransform as ComposeTransform
from .transforms import CorrCholeskyTransform as CorrCholeskyTransform
from .transforms import CumulativeDistributionTransform as CumulativeDistributionTransform
from .transforms import ExpTransform as ExpTransform
from .transforms import IndependentTransform as IndependentTransform
from .transforms import LowerCholeskyTransform as LowerCholeskyTransform
from .transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from .transforms import PowerTransform as PowerTransform
from .transforms import ReshapeTransform as ReshapeTransform
from .transforms import SigmoidTransform as SigmoidTransform
from .transforms import SoftmaxTransform as SoftmaxTransform
from .transforms import SoftplusTransform as SoftplusTransform
from .transforms import StackTransform as StackTransform
from .transforms import StickBreakingTransform as StickBreakingTransform
from .transforms import TanhTransform as TanhTransform
from .transforms import Transform as Transform
from .transforms import identity_transform as identity_transform
from .von_mises import VonMises as VonMises
from .wishart import Wishart as Wishart

# The modules that PyTorch has for single families.
normal = uniform = laplace = cauchy = half_normal = location
beta, chi2, studentT, half_cauchy, pareto, weibull = dirichlet, gamma, gamma, powers, powers, powers
binomial = negative_binomial = multinomial = counts
one_hot_categorical, mixture_same_family, exp_family = categorical, independent, distribution
gumbel = log_normal = relaxed_bernoulli = relaxed_categorical = transformed_distribution = transformed
