"""Transforms and constraints against PyTorch's: values, gradients, derivatives, shapes, and the transforms that go with constraints."""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

SIDES = (minidl, torch)

TRANSFORMS: list[tuple[str, tuple[int, ...], Any]] = [
    ("exp", (2, 3), lambda T, D: D.ExpTransform()),
    ("abs", (2, 3), lambda T, D: D.AbsTransform()),
    ("power", (2, 3), lambda T, D: D.ComposeTransform([D.ExpTransform(), D.PowerTransform(T.tensor([2.0, -1.0, 0.5]).double())])),
    ("affine", (2, 3), lambda T, D: D.AffineTransform(1.0, T.tensor([2.0, -1.0, 0.5]).double(), event_dim=1)),
    ("affine of numbers", (2, 3), lambda T, D: D.AffineTransform(1.0, -2.0)),
    ("cdf", (2, 3), lambda T, D: D.CumulativeDistributionTransform(T.distributions.Normal(0.5, 2.0))),
    ("independent", (2, 3), lambda T, D: D.IndependentTransform(D.TanhTransform(), 1)),
    ("reshape", (2, 6), lambda T, D: D.ReshapeTransform((6,), (2, 3))),
    ("compose", (2, 3), lambda T, D: D.ComposeTransform([D.StickBreakingTransform(), D.AffineTransform(0.5, 2.0), D.SigmoidTransform()])),
    ("identity", (2, 3), lambda T, D: D.identity_transform),
    ("softmax", (2, 3), lambda T, D: D.SoftmaxTransform()),
    ("sticks", (2, 3), lambda T, D: D.StickBreakingTransform()),
    ("correlation", (2, 6), lambda T, D: D.CorrCholeskyTransform()),
    ("lower", (2, 3, 3), lambda T, D: D.LowerCholeskyTransform()),
    ("definite", (2, 3, 3), lambda T, D: D.PositiveDefiniteTransform()),
    ("cat", (2, 5), lambda T, D: D.CatTransform([D.ExpTransform(), D.IndependentTransform(D.TanhTransform(), 1)], -1, [2, 3])),
    ("cat of a batch", (2, 5), lambda T, D: D.CatTransform([D.ExpTransform(), D.identity_transform], 0)),
    ("stack", (2, 3), lambda T, D: D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0), D.SigmoidTransform()], -1)),
]


def attempt(function: Any) -> Any:
    try:
        found = function()
    except (ValueError, RuntimeError, AssertionError, IndexError) as error:
        return type(error).__name__
    return tuple(found) if isinstance(found, (torch.Size, minidl.Size)) else found


def same(own: Any, theirs: Any, what: str) -> None:
    if isinstance(theirs, torch.Tensor):
        np.testing.assert_allclose(own.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=what)
    else:
        assert own == theirs, what


@pytest.mark.parametrize(("name", "shape", "make"), TRANSFORMS, ids=[name for name, _, _ in TRANSFORMS])
@pytest.mark.parametrize("kept", [0, 1])
def test_transforms(name: str, shape: tuple[int, ...], make: Any, kept: int) -> None:
    data = np.random.default_rng(0).normal(size=shape)

    def run(T: ModuleType) -> dict[str, Any]:
        t = make(T, T.distributions.transforms)
        t = t.with_cache(kept) if name != "identity" else t
        x = T.tensor(data, requires_grad=True)
        y = t(x)
        facts = {"y": y, "slope": T.autograd.grad((y * y).sum(), x, retain_graph=True)[0], "back": attempt(lambda: t.inv(y.detach().clone())),
                 "jacobian": attempt(lambda: t.log_abs_det_jacobian(x, y)), "inverse's": attempt(lambda: t.inv.log_abs_det_jacobian(y, x)),
                 "forward": attempt(lambda: t.forward_shape(x.shape)), "short": attempt(lambda: t.forward_shape(T.Size())),
                 "inverse": attempt(lambda: t.inverse_shape(y.shape)), "event": attempt(lambda: t.event_dim), "bijective": t.bijective,
                 "sign": attempt(lambda: t.sign), "codomain": attempt(lambda: t.codomain.check(y)), "repr": repr(t), "of the inverse": repr(t.inv),
                 "kept": t.inv(y) is x, "self": (t == make(T, T.distributions.transforms), t == t.inv, t.inv.inv is t)}
        if name not in ("cat", "cat of a batch", "stack"):
            facts |= {"from": repr(t.domain), "to": repr(t.codomain)}
        return facts

    own, theirs = run(minidl), run(torch)
    for what in theirs:
        same(own[what], theirs[what], what)


def test_a_transform_is_pickled_without_its_inverse() -> None:
    for T in SIDES:
        t = T.distributions.ExpTransform()
        assert t.inv.inv is t and pickle.loads(pickle.dumps(t)) == t


CONSTRAINTS: list[tuple[str, Any]] = [
    *((name, lambda c, name=name: getattr(c, name)) for name in (
        "real", "positive", "nonnegative", "unit_interval", "real_vector", "simplex", "lower_cholesky", "positive_definite", "positive_semidefinite",
        "corr_cholesky", "boolean", "one_hot", "nonnegative_integer", "positive_integer", "lower_triangular", "square", "symmetric", "dependent")),
    ("greater", lambda c: c.greater_than(2.0)), ("greater or equal", lambda c: c.greater_than_eq(-2.0)), ("less", lambda c: c.less_than(0.5)),
    ("interval", lambda c: c.interval(-1.0, 2.0)), ("half-open", lambda c: c.half_open_interval(0.0, 1.0)), ("integers", lambda c: c.integer_interval(0, 3)),
    ("counts", lambda c: c.multinomial(3)), ("independent", lambda c: c.independent(c.positive, 1)),
    ("cat", lambda c: c.cat([c.positive, c.real], -1, [2, 1])), ("stack", lambda c: c.stack([c.positive, c.real, c.unit_interval], -1)),
    ("mixture", lambda c: c.MixtureSameFamilyConstraint(c.positive)),
]


@pytest.mark.parametrize(("name", "make"), CONSTRAINTS, ids=[name for name, _ in CONSTRAINTS])
def test_constraints_and_the_transforms_to_them(name: str, make: Any) -> None:
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(np.corrcoef(rng.normal(size=(3, 9))))
    values = [rng.normal(size=(2, 3, 3)), np.eye(3), root, root @ root.T, -np.eye(3), np.array([0.25, 0.5, 0.25]), np.array([0.0, 1.0, 0.0]),
              np.array([1.0, 2.0, 0.0]), np.array([np.nan, -1.0, 0.5]), np.ones((2, 3))]

    def run(T: ModuleType) -> list[Any]:
        D = T.distributions
        c = make(D.constraints)
        checks = [attempt(lambda v=v: c.check(T.tensor(v)).tolist()) for v in values]
        facts = [checks, attempt(lambda: c.event_dim), attempt(lambda: c.is_discrete), D.constraints.is_dependent(c)]
        if name not in ("cat", "stack"):
            facts.append(repr(c))
        x = T.tensor(values[0])
        for table in (D.biject_to, D.transform_to):
            t = attempt(lambda table=table: table(c))
            facts += [t] if isinstance(t, str) else [repr(t), t(x)]
        return facts

    for i, (own, theirs) in enumerate(zip(run(minidl), run(torch))):
        same(own, theirs, f"fact {i}")


def test_a_constraint_of_ones_own() -> None:
    def run(T: ModuleType) -> list[Any]:
        D = T.distributions
        c = D.constraints

        class Even(c.Constraint):  # type: ignore[name-defined,misc]
            def check(self, value: Any) -> Any:
                return value % 2 == 0

        class Halves(D.Distribution):  # type: ignore[name-defined,misc]
            arg_constraints = {}  # noqa: RUF012

            @c.dependent_property(is_discrete=False, event_dim=0)
            def support(self) -> Any:
                return c.interval(0.0, self.high)

        @D.transform_to.register(Even())
        def double(constraint: Any) -> Any:
            return D.AffineTransform(0.0, 2.0)

        d = Halves()
        d.high = 2.0
        with pytest.raises(TypeError, match="Expected constraint to be either a Constraint subclass or instance"):
            D.biject_to.register(int, double)
        return [D.transform_to(Even())(T.ones(2)).tolist(), attempt(lambda: D.biject_to(Even())), repr(d.support), c.is_dependent(Halves.support),
                Halves.support.is_discrete, Halves.support.event_dim, repr(c.dependent(event_dim=1)), c.dependent(event_dim=1).event_dim]

    assert run(minidl) == run(torch)


def test_an_exponential_family_has_an_entropy() -> None:
    def run(T: ModuleType) -> list[float]:
        class Counting(T.distributions.ExponentialFamily):  # type: ignore[name-defined,misc]
            _mean_carrier_measure = 0.25
            rate = T.tensor([1.0, 2.0]).double()

            @property
            def _natural_params(self) -> Any:
                return (self.rate.log(),)

            def _log_normalizer(self, x: Any) -> Any:
                return x.exp()

        return Counting((2,), validate_args=False).entropy().tolist()

    assert np.allclose(run(minidl), run(torch), rtol=1e-12)
    for name in ("Gamma", "Beta", "Dirichlet", "Normal", "Bernoulli", "Categorical", "Exponential", "Poisson", "Uniform", "Laplace", "StudentT"):
        own, theirs = (issubclass(getattr(T.distributions, name), T.distributions.ExponentialFamily) for T in SIDES)
        assert own == theirs, name


def test_choleskys_of_correlations() -> None:
    def run(T: ModuleType) -> list[Any]:
        T.manual_seed(3)
        c = T.tensor([0.5, 2.0]).double().requires_grad_()
        d = T.distributions.LKJCholesky(3, c)
        value = d.sample((2,))
        y = d.log_prob(value)
        y.sum().backward()
        return [value, y, c.grad, repr(d), d.event_shape == (3, 3), d.expand((4, 2)).log_prob(value[:1, None].expand(1, 4, 2, 3, 3))]

    for own, theirs in zip(run(minidl), run(torch)):
        same(own, theirs, "LKJCholesky")
    for T in SIDES:
        with pytest.raises(ValueError, match="Expected dim to be an integer greater than or equal to 2"):
            T.distributions.LKJCholesky(1)


def test_counts_of_several_choices() -> None:
    def run(T: ModuleType) -> list[Any]:
        T.manual_seed(3)
        logits = T.tensor([[0.5, 0.25, -1.0], [0.0, 1.0, 2.0]]).double().requires_grad_()
        d = T.distributions.Multinomial(4, logits=logits)
        value = d.sample((2,))
        y = d.log_prob(value) + d.entropy()
        y.sum().backward()
        with pytest.raises(NotImplementedError):
            T.distributions.Multinomial(T.ones(2), logits=logits)
        return [value, y, logits.grad, d.mean, d.variance, repr(d.support), d.expand((4, 2)).log_prob(value[:1])]

    for own, theirs in zip(run(minidl), run(torch)):
        same(own, theirs, "Multinomial")


def test_counts_that_differ() -> None:
    for T in SIDES:
        D = T.distributions
        d = D.Binomial(T.tensor([2.0, 3.0]), T.tensor(0.5))
        for method in ("entropy", "enumerate_support"):
            with pytest.raises(NotImplementedError, match=f"Inhomogeneous total count not supported by `{method}`"):
                getattr(d, method)()
        with pytest.raises(NotImplementedError, match="KL between Binomials"):
            D.kl_divergence(D.Binomial(1, T.tensor(0.5)), d)
        with pytest.raises(ValueError, match="Either `probs` or `logits` must be specified"):
            D.Binomial(1)
        with pytest.raises(NotImplementedError):
            D.kl_divergence(D.LogNormal(0.0, 1.0), D.Gumbel(0.0, 1.0))
        assert D.kl_divergence(D.Binomial(3, T.tensor(0.5)), D.Binomial(2, T.tensor(0.5))).item() == float("inf")


@pytest.mark.parametrize("name", ["covariance_matrix", "precision_matrix", "scale_tril"])
def test_matrices_of_squares_and_products(name: str) -> None:
    matrix = np.array([[[2.0, 0.0], [0.5, 1.0]], [[1.0, 0.0], [-0.25, 0.5]]])
    given = matrix if name == "scale_tril" else matrix @ matrix.swapaxes(-1, -2)

    def run(T: ModuleType) -> list[Any]:
        m, df = T.tensor(given, requires_grad=True), T.tensor([3.5, 4.0]).double().requires_grad_()
        d = T.distributions.Wishart(df, **{name: m})
        value = T.tensor(np.eye(2) + 0.25)
        y = d.log_prob(value) + d.entropy()
        y.sum().backward()
        with pytest.raises(ValueError, match="expected to be greater than ndim - 1 = 1"):
            T.distributions.Wishart(1.0, scale_tril=T.eye(2))
        with pytest.raises(AssertionError):
            T.distributions.Wishart(df)
        with pytest.raises(ValueError, match="at least two-dimensional"):
            T.distributions.Wishart(df, scale_tril=T.ones(2))
        return [y, df.grad, d.mean, d.mode, d.variance, d.scale_tril, d.covariance_matrix, d.precision_matrix]

    for own, theirs in zip(run(minidl), run(torch)):
        same(own, theirs, "Wishart")
    minidl.manual_seed(0)
    d = minidl.distributions.Wishart(minidl.tensor(4.0).double(), scale_tril=minidl.tensor(matrix[0]))
    assert np.allclose(d.sample((4000,)).mean(0).numpy(), d.mean.numpy(), rtol=0.1) and repr(d.support) == "PositiveDefinite()"


def test_modules_of_single_families() -> None:
    for name in ("normal.Normal", "uniform.Uniform", "laplace.Laplace", "cauchy.Cauchy", "half_normal.HalfNormal", "beta.Beta", "chi2.Chi2",
                 "studentT.StudentT", "half_cauchy.HalfCauchy", "pareto.Pareto", "weibull.Weibull", "binomial.Binomial", "multinomial.Multinomial",
                 "negative_binomial.NegativeBinomial", "one_hot_categorical.OneHotCategorical", "mixture_same_family.MixtureSameFamily",
                 "exp_family.ExponentialFamily", "gumbel.Gumbel", "log_normal.LogNormal", "relaxed_bernoulli.LogitRelaxedBernoulli",
                 "relaxed_categorical.ExpRelaxedCategorical", "transformed_distribution.TransformedDistribution"):
        module, _, attribute = name.partition(".")
        for T in SIDES:
            assert getattr(getattr(T.distributions, module), attribute).__name__ == attribute
