"""Linear, ridge, logistic and softmax regression against scikit-learn, and by the conditions that define their solutions."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.linear_model
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

from minidl.classical import ConvergenceWarning, LinearRegression, LogisticRegression, Ridge, SoftmaxRegression, log_loss


def data(n=60, d=5, targets=None, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.1, 10, d) + rng.normal(size=d)
    y = X @ rng.normal(size=(d, targets or 1)) + rng.normal(size=(n, targets or 1)) + 3
    return X.astype(dtype), (y if targets else y[:, 0]).astype(dtype), rng.uniform(0.1, 2, n)


@pytest.mark.parametrize("shape", [(60, 5), (5, 12)], ids=str)
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_regressors_equal_scikit_learn(shape, targets, weighted, fit_intercept):
    X, y, w = data(*shape, targets)
    w = w if weighted else None
    for ours, theirs in ((LinearRegression(fit_intercept=fit_intercept), sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept)),
                         (Ridge(0.7, fit_intercept=fit_intercept), sklearn.linear_model.Ridge(0.7, fit_intercept=fit_intercept, solver="svd"))):
        ours.fit(X, y, sample_weight=w)
        theirs.fit(X, y, sample_weight=w)
        shape = y.shape[1:] + X.shape[1:]  # scikit-learn's Ridge, not its LinearRegression, drops a single target's axis
        np.testing.assert_allclose(ours.coef_, theirs.coef_.reshape(shape), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X).reshape(y.shape), rtol=1e-8)
        assert ours.score(X, y) == pytest.approx(theirs.score(X, y), rel=1e-8)


@given(n=st.integers(2, 30), d=st.integers(1, 8), seed=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 0.1, 10.0]))
def test_the_gradient_is_zero(n, d, seed, alpha):
    X, y, w = data(n, d, seed=seed)
    for model, penalty in ((LinearRegression(), 0.0), (Ridge(alpha), alpha)):
        residual = w * (model.fit(X, y, sample_weight=w).predict(X) - y)
        np.testing.assert_allclose(X.T @ residual + penalty * model.coef_, 0, atol=1e-7 * np.abs(X).max() * np.abs(y).max())
        assert abs(residual.sum()) < 1e-8 * np.abs(y).max() * n


def test_repeated_features_and_alpha_zero():
    X, y, _ = data()
    X = np.concatenate([X, X[:, :2]], axis=1)
    linear, ridge = LinearRegression().fit(X, y), Ridge(0.0).fit(X, y)
    assert linear.rank_ == 5
    np.testing.assert_allclose(linear.coef_[:2], linear.coef_[5:], rtol=1e-9)  # of many solutions the shortest
    np.testing.assert_allclose(ridge.coef_, linear.coef_, rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"C": 0.05}, {"fit_intercept": False}, {"class_weight": "balanced"}, {"class_weight": {0: 3.0}}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_equals_scikit_learn(options, classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < classes][20:], y[y < classes][20:]
    w = np.random.default_rng(0).uniform(0.5, 2, len(y))
    ours = LogisticRegression(tol=1e-8, max_iter=2000, **options).fit(X, y, sample_weight=w)
    theirs = sklearn.linear_model.LogisticRegression(tol=1e-8, max_iter=2000, **options).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-4, atol=1e-4)
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, y) == theirs.score(X, y)


def test_without_penalty():
    X, y, _ = data(200, 3)
    labels = y > np.median(y) + np.random.default_rng(1).normal(size=200) * y.std()
    ours = LogisticRegression(None, tol=1e-9, max_iter=500).fit(X, labels)
    np.testing.assert_allclose(X.T @ (ours.predict_proba(X)[:, 1] - labels), 0, atol=1e-4)  # error times input
    assert log_loss(labels, ours.predict_proba(X)) < log_loss(labels, LogisticRegression(C=0.01).fit(X, labels).predict_proba(X))


def test_strings_and_types():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = LogisticRegression(max_iter=1000).fit(X.astype(np.float32), names)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"] and model.predict(X[:1]).tolist() == ["setosa"]
    assert model.coef_.dtype == model.predict_proba(X.astype(np.float32)).dtype == np.float32


def test_softmax_regression_is_logistic_regression():
    X, y = load_digits(return_X_y=True)
    X = X[:600] / 16
    hand = LogisticRegression(tol=1e-7, max_iter=1000).fit(X, y[:600])
    auto = SoftmaxRegression(tol=1e-7, max_iter=1000).fit(X, y[:600])
    np.testing.assert_allclose(auto.coef_, hand.coef_, atol=1e-3)
    np.testing.assert_allclose(auto.predict_proba(X), hand.predict_proba(X), atol=1e-4)
    assert auto.losses_[0] == pytest.approx(np.log(10)) and auto.losses_[-1] == min(auto.losses_)
    assert auto.n_iter_.tolist() != [1000]


def test_softmax_regression_of_two_classes_penalises_half():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], y[50:]
    auto = SoftmaxRegression(C=1.0, tol=1e-9, max_iter=2000).fit(X, y)
    hand = LogisticRegression(C=2.0, tol=1e-9, max_iter=2000).fit(X, y)
    np.testing.assert_allclose(auto.coef_[1] - auto.coef_[0], hand.coef_[0], rtol=1e-4)
    np.testing.assert_allclose(auto.decision_function(X), hand.decision_function(X), atol=1e-3)


@pytest.mark.parametrize("kind", [LogisticRegression, SoftmaxRegression])
def test_classifiers_bad_input(kind):
    X = np.eye(4)
    for y, message in ((np.zeros(4), "only one class"), ([0.5, 1, 2, 3], "Unknown label type"), (np.eye(4), "1d array"), ([0, 1], "inconsistent"),
                       ([0, 1, np.nan, 1], "NaN"), (None, "y to be passed")):
        with pytest.raises(ValueError, match=message):
            kind().fit(X, y)
    for options in ({"C": 0.0}, {"tol": -1.0}, {"max_iter": 0}):
        with pytest.raises(ValueError, match=f"parameter of {kind.__name__}"):
            kind(**options).fit(X, [0, 1, 0, 1])
    with pytest.warns(ConvergenceWarning, match="no convergence after 1 "):
        kind(max_iter=1, tol=1e-12).fit(*load_iris(return_X_y=True))


def test_bad_arguments():
    X, y = np.eye(4), [0, 1, 0, 1]
    for options in ({"penalty": "l1"}, {"solver": "newton"}, {"class_weight": "equal"}, {"class_weight": {7: 1.0}}):
        with pytest.raises(ValueError, match="parameter of LogisticRegression|not in class_weight"):
            LogisticRegression(**options).fit(X, y)
    with pytest.raises(ValueError, match="'alpha' parameter of Ridge"):
        Ridge(-1.0).fit(X, y)
    for target, message in ((None, "y to be passed"), ([1.0, np.inf, 0.0, 0.0], "Input y contains infinity"), ([1.0], "inconsistent")):
        with pytest.raises(ValueError, match=message):
            LinearRegression().fit(X, target)
