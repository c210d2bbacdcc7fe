"""Distributions against PyTorch's: values, gradients, the same samples for the same seed, errors in the same words."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl

SIDES = (minidl, torch)
REAL = ((2, 3), "real")
POSITIVE = ((2, 3), "positive")
UNIT = ((2, 3), "unit")
ROOT = ((2, 3, 3), "root")

# The name, its parameters (of which each becomes a tensor that requires a gradient), and what of it has no derivative.
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Normal", {"loc": REAL, "scale": POSITIVE}, ""),
    ("Normal", {"loc": ((3,), "real"), "scale": ((2, 1), "positive")}, ""),
    ("LogNormal", {"loc": REAL, "scale": POSITIVE}, ""),
    ("HalfNormal", {"scale": POSITIVE}, ""),
    ("Laplace", {"loc": REAL, "scale": POSITIVE}, ""),
    ("Cauchy", {"loc": REAL, "scale": POSITIVE}, ""),
    ("Gumbel", {"loc": REAL, "scale": POSITIVE}, ""),
    ("Uniform", {"low": ((2, 3), "negative"), "high": POSITIVE}, ""),
    ("Exponential", {"rate": POSITIVE}, ""),
    ("Poisson", {"rate": POSITIVE}, ""),
    ("Bernoulli", {"probs": UNIT}, ""),
    ("Bernoulli", {"logits": REAL}, ""),
    ("Geometric", {"probs": UNIT}, ""),
    ("Geometric", {"logits": REAL}, ""),
    ("Categorical", {"probs": POSITIVE}, ""),
    ("Categorical", {"logits": REAL}, ""),
    ("Categorical", {"logits": ((4,), "real")}, ""),
    ("OneHotCategorical", {"probs": POSITIVE}, ""),
    ("OneHotCategorical", {"logits": REAL}, ""),
    ("OneHotCategoricalStraightThrough", {"logits": REAL}, ""),
    ("RelaxedBernoulli", {"temperature": ((), "positive"), "probs": UNIT}, ""),
    ("RelaxedBernoulli", {"temperature": ((), "positive"), "logits": REAL}, ""),
    ("RelaxedOneHotCategorical", {"temperature": ((), "positive"), "logits": REAL}, ""),
    ("RelaxedOneHotCategorical", {"temperature": ((), "positive"), "probs": POSITIVE}, ""),
    ("MultivariateNormal", {"loc": REAL, "scale_tril": ROOT}, ""),
    ("LowRankMultivariateNormal", {"loc": REAL, "cov_factor": ((3, 2), "real"), "cov_diag": POSITIVE}, ""),
    ("Gamma", {"concentration": POSITIVE, "rate": POSITIVE}, "cdf"),
    ("Chi2", {"df": POSITIVE}, "cdf"),
    ("InverseGamma", {"concentration": POSITIVE, "rate": POSITIVE}, "cdf"),
    ("StudentT", {"df": POSITIVE, "loc": REAL, "scale": POSITIVE}, ""),
    ("FisherSnedecor", {"df1": POSITIVE, "df2": POSITIVE}, ""),
    ("Dirichlet", {"concentration": POSITIVE}, ""),
    ("Beta", {"concentration1": POSITIVE, "concentration0": POSITIVE}, ""),
    ("Binomial", {"total_count": ((), "five"), "probs": UNIT}, ""),
    ("Binomial", {"total_count": ((), "five"), "logits": REAL}, ""),
    ("NegativeBinomial", {"total_count": POSITIVE, "probs": UNIT}, ""),
    ("NegativeBinomial", {"total_count": POSITIVE, "logits": REAL}, ""),
    ("ContinuousBernoulli", {"probs": ((2, 3), "uneven")}, ""),
    ("ContinuousBernoulli", {"logits": ((2, 3), "away")}, ""),
    ("Weibull", {"scale": POSITIVE, "concentration": POSITIVE}, ""),
    ("Pareto", {"scale": POSITIVE, "alpha": POSITIVE}, ""),
    ("Kumaraswamy", {"concentration1": POSITIVE, "concentration0": POSITIVE}, ""),
    ("HalfCauchy", {"scale": POSITIVE}, ""),
    ("LogisticNormal", {"loc": REAL, "scale": POSITIVE}, ""),
    ("VonMises", {"loc": REAL, "concentration": POSITIVE}, ""),
    ("MultivariateNormal", {"loc": ((3,), "real"), "covariance_matrix": ((2, 3, 3), "definite")}, ""),
    ("MultivariateNormal", {"loc": REAL, "precision_matrix": ((3, 3), "definite")}, ""),
]
IDS = [f"{name}-{'-'.join(parameters)}-{i}" for i, (name, parameters, _) in enumerate(CASES)]
SOLID = st.floats(0.25, 3, width=32)


@st.composite
def arrays(draw: Any, shape: tuple[int, ...], domain: str) -> np.ndarray:
    if domain in ("root", "definite"):
        a = np.tril(draw(hnp.arrays(np.float64, shape, elements=st.floats(-1, 1, width=32).map(float))))
        i = np.arange(shape[-1])
        a[..., i, i] = draw(hnp.arrays(np.float64, shape[:-1], elements=st.floats(0.5, 2, width=32).map(float)))
        return a if domain == "root" else a @ a.swapaxes(-1, -2)
    elements = {"five": st.just(5.0), "uneven": st.floats(0.0625, 0.4375, width=32) | st.floats(0.5625, 0.9375, width=32) | st.just(0.5),
                "away": st.floats(-2, -0.25, width=32) | st.floats(0.25, 2, width=32) | st.just(0.0), "real": st.floats(-2, 2, width=32), "positive": SOLID, "negative": SOLID.map(lambda v: -v),
                "unit": st.floats(0.0625, 0.9375, width=32)}[domain]
    return draw(hnp.arrays(np.float64, shape, elements=elements.map(float)))


@st.composite
def parameters_of(draw: Any, form: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: draw(arrays(*kind)) for name, kind in form.items()}


def array_of(value: Any) -> Any:
    return np.array(value.detach().numpy()) if isinstance(value, (minidl.Tensor, torch.Tensor)) else value


def close(own: Any, theirs: Any, what: str) -> None:
    own, theirs = array_of(own), array_of(theirs)
    if isinstance(theirs, np.ndarray):
        assert own.dtype == theirs.dtype and own.shape == theirs.shape, what
        np.testing.assert_allclose(own, theirs, rtol=1e-9, atol=1e-10, err_msg=what)
    else:
        assert own == theirs, what


def attempt(function: Any) -> Any:
    try:
        return function()
    except NotImplementedError:
        return NotImplementedError


def build(T: ModuleType, name: str, given: dict[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
    tensors = {key: T.tensor(value, requires_grad=True) for key, value in given.items()}
    return getattr(T.distributions, name)(**tensors), tensors


def gradients(T: ModuleType, y: Any, tensors: dict[str, Any]) -> list[Any]:
    """Of a weighted sum; where no gradient flows None."""
    if y is NotImplementedError or not y.requires_grad:
        return []
    weights = T.linspace(0.5, 1.5, y.numel(), dtype=T.float64).reshape(y.shape)
    found = T.autograd.grad((y * weights).sum(), list(tensors.values()), allow_unused=True, retain_graph=True)
    return [g if g is None else g.detach().numpy() for g in found]


def compare(run: Any, what: str, *args: Any) -> None:
    """A value and its gradients on both sides, from ``run(library, what, *args)``."""
    (own, own_tensors), (theirs, their_tensors) = run(minidl, what, *args), run(torch, what, *args)
    close(own, theirs, what)
    ours, others = gradients(minidl, own, own_tensors), gradients(torch, theirs, their_tensors)
    for name, g, h in zip(own_tensors, ours or [None] * len(others), others or [None] * len(ours)):
        np.testing.assert_allclose(0 if g is None else g, 0 if h is None else h, rtol=1e-8, atol=1e-9, err_msg=f"gradient of {what} to {name}")


@pytest.mark.parametrize(("name", "form", "missing"), CASES, ids=IDS)
@given(data=st.data())
def test_facts_values_and_gradients(name: str, form: dict[str, Any], missing: str, data: Any) -> None:
    given = data.draw(parameters_of(form))
    own, theirs = build(minidl, name, given)[0], build(torch, name, given)[0]
    for fact in ("batch_shape", "event_shape", "has_rsample", "has_enumerate_support"):
        assert getattr(own, fact) == getattr(theirs, fact), fact
    assert repr(own.support) == repr(theirs.support)
    hidden = ("HalfNormal", "Beta", "HalfCauchy")  # of which PyTorch shows no parameter
    assert repr(own) == repr(theirs) or name in hidden

    def run(T: ModuleType, what: str, *args: np.ndarray) -> Any:
        d, t = build(T, name, given)
        found = attempt(lambda: getattr(d, what))
        return attempt(lambda: found(*map(T.tensor, args))) if callable(found) and found is not NotImplementedError else found, t

    for what in ("mean", "mode", "variance", "stddev", "entropy", "perplexity", "enumerate_support"):
        compare(run, what)
    torch.manual_seed(3)
    value = build(torch, name, given)[0].sample((4,)).numpy()
    compare(run, "log_prob", value)
    if missing != "cdf":
        compare(run, "cdf", value)
    close(run(minidl, "cdf", value)[0], run(torch, "cdf", value)[0], "cdf")
    compare(run, "icdf", np.linspace(0.1, 0.9, 6).reshape(2, 3))


@pytest.mark.parametrize(("name", "form", "missing"), CASES, ids=IDS)
@given(data=st.data())
def test_samples_are_the_same_numbers(name: str, form: dict[str, Any], missing: str, data: Any) -> None:
    given = data.draw(parameters_of(form))

    def run(T: ModuleType, method: str, shape: Any) -> Any:
        T.manual_seed(7)
        d, t = build(T, name, given)
        y = attempt(lambda: getattr(d, method)(shape))
        assert method != "sample" or not y.requires_grad
        return y, t

    for method in ("sample", "rsample"):
        for shape in ((), (3,), (2, 2)):
            compare(run, method, shape)


@pytest.mark.parametrize(("name", "form", "missing"), CASES, ids=IDS)
def test_expanded(name: str, form: dict[str, Any], missing: str) -> None:
    given = {key: np.full(shape, 5.0 if domain == "five" else 0.5) if domain not in ("root", "definite") else
                                                         np.broadcast_to(np.eye(shape[-1]), shape).copy() for key, (shape, domain) in form.items()}
    given |= {"low": -given["low"]} if "low" in given else {}

    def run(T: ModuleType, what: str) -> Any:
        d, t = build(T, name, given)
        e = d.expand((4, *d.batch_shape))
        T.manual_seed(1)
        value = e.sample((2,))
        assert e.batch_shape == (4, *d.batch_shape) and type(e).__name__ == name and e.event_shape == d.event_shape
        return e.log_prob(value), t

    compare(run, "expanded")


PAIRS = [("Normal", "Normal"), ("LogNormal", "LogNormal"), ("HalfNormal", "HalfNormal"), ("Laplace", "Laplace"), ("Cauchy", "Cauchy"),
         ("Uniform", "Uniform"), ("Uniform", "Normal"), ("Exponential", "Exponential"), ("Poisson", "Poisson"), ("Bernoulli", "Bernoulli"),
         ("Geometric", "Geometric"), ("Categorical", "Categorical"), ("OneHotCategorical", "OneHotCategorical"),
         ("MultivariateNormal", "MultivariateNormal"), ("OneHotCategoricalStraightThrough", "OneHotCategorical"),
         ("Beta", "Beta"), ("Dirichlet", "Dirichlet"), ("Gamma", "Gamma"), ("Chi2", "Gamma"), ("Exponential", "Gamma"), ("Gamma", "Exponential"),
         ("Gumbel", "Gumbel"), ("Pareto", "Pareto"), ("ContinuousBernoulli", "ContinuousBernoulli"), ("Binomial", "Binomial")]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@given(data=st.data())
def test_divergences(first: str, second: str, data: Any) -> None:
    forms = {name: form for name, form, _ in reversed(CASES)}
    given = [data.draw(parameters_of(forms[name])) for name in (first, second)]

    def run(T: ModuleType, what: str) -> Any:
        (p, a), (q, b) = (build(T, name, values) for name, values in zip((first, second), given))
        return T.distributions.kl_divergence(p, q), {f"p{k}": v for k, v in a.items()} | {f"q{k}": v for k, v in b.items()}

    compare(run, "kl_divergence")


def test_certain_outcomes_have_a_divergence() -> None:
    def run(T: ModuleType, what: str) -> Any:
        D, p, q = T.distributions, T.tensor([0.0, 1.0, 0.5, 0.5, 0.0]).double(), T.tensor([0.5, 0.5, 0.0, 1.0, 0.0]).double()
        categories = [D.Categorical(T.tensor(v).double()) for v in ([1.0, 0.0, 1.0], [1.0, 1.0, 0.0])]
        return T.cat([D.kl_divergence(D.Bernoulli(p), D.Bernoulli(q)), D.kl_divergence(*categories)[None], D.kl_divergence(*categories[::-1])[None],
                      D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.5, 3.0))[None].double()]), {}

    compare(run, "kl_divergence")


@given(data=st.data())
def test_events_of_several_places(data: Any) -> None:
    given = data.draw(parameters_of({"loc": ((2, 3), "real"), "scale": ((2, 3), "positive")}))

    def run(T: ModuleType, what: str) -> Any:
        T.manual_seed(2)
        base, t = build(T, "Normal", given)
        d = T.distributions.Independent(base, 1)
        other = T.distributions.Independent(T.distributions.Normal(base.loc.detach() * 2, base.scale.detach() + 1), 1)
        assert d.batch_shape == (2,) and d.event_shape == (3,) and d.has_rsample and not d.has_enumerate_support
        assert d.expand((5, 2)).sample().shape == (5, 2, 3) and repr(d.support) == "IndependentConstraint(Real(), 1)"
        assert repr(d) == "Independent(Normal(loc: torch.Size([2, 3]), scale: torch.Size([2, 3])), 1)"
        made = {"log_prob": lambda: d.log_prob(d.sample((4,))), "entropy": d.entropy, "rsample": lambda: d.rsample((2,)), "mean": lambda: d.mean,
                "variance": lambda: d.variance, "mode": lambda: d.mode, "kl": lambda: T.distributions.kl_divergence(d, other)}
        return made[what](), t

    for what in ("log_prob", "entropy", "rsample", "mean", "variance", "mode", "kl"):
        compare(run, what)
    for T in SIDES:
        base, _ = build(T, "Bernoulli", {"probs": given["scale"] / 4})
        with pytest.raises(ValueError, match="Expected reinterpreted_batch_ndims <= len"):
            T.distributions.Independent(base, 3)
        with pytest.raises(NotImplementedError, match="cartesian product"):
            T.distributions.Independent(base, 1).enumerate_support()
        assert T.distributions.Independent(base, 0).enumerate_support().shape == (2, 2, 3)


@given(data=st.data())
def test_mixtures(data: Any) -> None:
    given = data.draw(parameters_of({"logits": ((3,), "real"), "loc": ((3,), "real"), "scale": ((3,), "positive"), "vectors": ((3, 2), "real")}))

    def run(T: ModuleType, what: str, vectors: bool) -> Any:
        T.manual_seed(2)
        t = {key: T.tensor(value, requires_grad=True) for key, value in given.items()}
        D = T.distributions
        inner = D.Independent(D.Normal(t["vectors"], 1.0), 1) if vectors else D.Normal(t["loc"], t["scale"])
        d = D.MixtureSameFamily(D.Categorical(logits=t["logits"]), inner)
        assert d.batch_shape == () and d.event_shape == ((2,) if vectors else ()) and repr(d).startswith("MixtureSameFamily(\n  Categorical(")
        value = T.linspace(-1, 1, 8, dtype=T.float64).reshape((4, 2) if vectors else (8,))
        made = {"log_prob": lambda: d.log_prob(value), "cdf": lambda: d.cdf(value), "sample": lambda: d.sample((5,)), "mean": lambda: d.mean,
                "variance": lambda: d.variance}
        return made[what](), t

    for vectors in (False, True):
        for what in ("log_prob", "sample", "mean", "variance") if vectors else ("log_prob", "cdf", "sample", "mean", "variance"):
            compare(run, what, vectors)


TRANSFORMS: list[tuple[str, Any]] = [
    ("tanh", lambda D: [D.TanhTransform()]),
    ("tanh kept", lambda D: [D.TanhTransform(cache_size=1)]),
    ("exp", lambda D: D.ExpTransform()),
    ("sigmoid", lambda D: [D.SigmoidTransform()]),
    ("softplus", lambda D: [D.SoftplusTransform()]),
    ("affine", lambda D: [D.AffineTransform(1.0, -2.0)]),
    ("composed", lambda D: [D.ComposeTransform([D.AffineTransform(0.5, 0.25), D.ExpTransform()]), D.SigmoidTransform().inv]),
]


@pytest.mark.parametrize(("name", "make"), TRANSFORMS, ids=[name for name, _ in TRANSFORMS])
@given(data=st.data())
def test_transformed(name: str, make: Any, data: Any) -> None:
    given = data.draw(parameters_of({"loc": ((2, 3), "unit"), "scale": ((2, 3), "unit")}))
    if name == "composed":
        given["loc"] = -5 - given["loc"]

    def run(T: ModuleType, what: str) -> Any:
        T.manual_seed(4)
        base, t = build(T, "Normal", given)
        d = T.distributions.TransformedDistribution(base, make(T.distributions))
        y = d.rsample((2,))
        made = {"rsample": lambda: y, "log_prob": lambda: d.log_prob(y.detach() if what == "log_prob" else y), "kept": lambda: d.log_prob(y),
                "cdf": lambda: d.cdf(y.detach()), "icdf": lambda: d.icdf(T.full((2, 3), 0.25, dtype=T.float64)),
                "expanded": lambda: d.expand((4, 2, 3)).log_prob(y.detach()[0])}
        return made[what](), t

    for what in ("rsample", "log_prob", "kept", "cdf", "icdf", "expanded"):
        compare(run, what)


def test_transforms_of_events() -> None:
    def run(T: ModuleType, what: str) -> Any:
        D = T.distributions
        scale = T.tensor([1.0, -2.0, 3.0]).double().requires_grad_()
        affine = D.AffineTransform(T.zeros(3).double(), scale, event_dim=1)
        d = D.TransformedDistribution(D.Normal(T.zeros(2, 3).double(), 1.0), [affine])
        assert d.event_shape == (3,) and d.batch_shape == (2,)
        x = T.ones(2, 3).double()
        assert affine.inv(affine(x)).equal(x) and affine.inv.inv is affine
        return d.log_prob(x) + affine.log_abs_det_jacobian(x, x) + affine.inv.log_abs_det_jacobian(x, x), {"scale": scale}

    compare(run, "affine of events")


BAD: list[tuple[str, Any]] = [
    ("scale", lambda T: T.distributions.Normal(0.0, -1.0)),
    ("scale of several", lambda T: T.distributions.Normal(T.zeros(2), T.tensor([1.0, 0.0]))),
    ("nan", lambda T: T.distributions.Normal(T.tensor([float("nan")]), 1.0)),
    ("text", lambda T: T.distributions.Normal("0", 1.0)),
    ("ends", lambda T: T.distributions.Uniform(1.0, 0.0)),
    ("probability", lambda T: T.distributions.Bernoulli(1.5)),
    ("neither", lambda T: T.distributions.Bernoulli()),
    ("both", lambda T: T.distributions.Categorical(T.ones(2), T.ones(2))),
    ("0-d", lambda T: T.distributions.Categorical(T.tensor(1.0))),
    ("0-d logits", lambda T: T.distributions.Categorical(logits=T.tensor(1.0))),
    ("negative", lambda T: T.distributions.Categorical(T.tensor([1.0, -2.0]))),
    ("number", lambda T: T.distributions.Normal(0.0, 1.0).log_prob(1.0)),
    ("category", lambda T: T.distributions.Categorical(T.ones(3)).log_prob(T.tensor(3))),
    ("shape", lambda T: T.distributions.Normal(T.zeros(3), 1.0).log_prob(T.zeros(2))),
    ("event", lambda T: T.distributions.MultivariateNormal(T.zeros(3), T.eye(3)).log_prob(T.zeros(2))),
    ("outside", lambda T: T.distributions.Exponential(1.0).log_prob(T.tensor([1.0, -1.0]))),
    ("half", lambda T: T.distributions.Bernoulli(0.5).log_prob(T.tensor(0.5))),
    ("simplex", lambda T: T.distributions.OneHotCategorical(T.ones(2)).log_prob(T.tensor([1.0, 1.0]))),
    ("no root", lambda T: T.distributions.MultivariateNormal(T.zeros(2))),
    ("0-d loc", lambda T: T.distributions.MultivariateNormal(T.tensor(0.0), T.eye(2))),
    ("not lower", lambda T: T.distributions.MultivariateNormal(T.zeros(2), scale_tril=T.ones(2, 2))),
    ("not definite", lambda T: T.distributions.MultivariateNormal(T.zeros(2), T.ones(2, 2))),
    ("components", lambda T: T.distributions.MixtureSameFamily(T.distributions.Categorical(T.ones(2)), T.distributions.Normal(T.zeros(3), 1.0))),
    ("mixture", lambda T: T.distributions.MixtureSameFamily(T.distributions.Normal(0.0, 1.0), T.distributions.Normal(T.zeros(3), 1.0))),
    ("no mixture", lambda T: T.distributions.MixtureSameFamily(T.distributions.Categorical(T.ones(2)), T.ones(2))),
    ("default", lambda T: T.distributions.Distribution.set_default_validate_args(2)),
    ("no formula", lambda T: T.distributions.kl_divergence(T.distributions.Cauchy(0.0, 1.0), T.distributions.Normal(0.0, 1.0))),
    ("sizes", lambda T: T.distributions.kl_divergence(*[T.distributions.MultivariateNormal(T.zeros(n), T.eye(n)) for n in (2, 3)])),
]


@pytest.mark.parametrize(("name", "make"), BAD, ids=[name for name, _ in BAD])
def test_errors_in_the_same_words(name: str, make: Any) -> None:
    errors = []
    for T in SIDES:
        with pytest.raises((ValueError, TypeError, NotImplementedError)) as error:
            make(T)
        errors.append(error)
    own, theirs = errors
    assert own.type is theirs.type
    assert " ".join(str(own.value).split()).replace("torch.", "minidl.") == " ".join(str(theirs.value).split()).replace("torch.", "minidl.")


def test_checks_can_be_left_out() -> None:
    for T in SIDES:
        D = T.distributions
        assert D.Normal(0.0, -1.0, validate_args=False).log_prob(T.tensor(0.0)).isnan()
        D.Distribution.set_default_validate_args(False)
        try:
            assert D.Uniform(0.0, 1.0).log_prob(T.tensor(2.0)).item() == -float("inf")
        finally:
            D.Distribution.set_default_validate_args(True)


def test_a_distribution_of_ones_own() -> None:
    def run(T: ModuleType, what: str) -> Any:
        D = T.distributions

        class Fixed(D.Distribution):  # type: ignore[name-defined,misc]
            arg_constraints = {"value": D.constraints.real}  # noqa: RUF012
            support = D.constraints.real

            def __init__(self, value: Any, validate_args: Any = None) -> None:
                self.value = value
                super().__init__(value.shape, validate_args=validate_args)

            def rsample(self, sample_shape: Any = ()) -> Any:
                return self.value.expand(self._extended_shape(sample_shape))

            def log_prob(self, value: Any) -> Any:
                self._validate_sample(value)
                return (value == self.value).double().log()

        @D.register_kl(Fixed, Fixed)
        def _(p: Any, q: Any) -> Any:
            return (p.value - q.value).abs()

        d = Fixed(T.tensor([1.0, 2.0]).double())
        assert d.sample((3,)).shape == (3, 2) and repr(d) == "Fixed(value: torch.Size([2]))"
        for name in ("cdf", "icdf", "entropy", "enumerate_support"):
            with pytest.raises(NotImplementedError):
                getattr(d, name)(*[T.ones(2)] * (name in ("cdf", "icdf")))
        return d.log_prob(d.sample()) + D.kl_divergence(d, d), {}

    compare(run, "log_prob")
