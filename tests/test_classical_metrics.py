"""Metrics and train_test_split against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
import sklearn.metrics
import sklearn.model_selection
from hypothesis import given
from hypothesis import strategies as st

from minidl import classical
from minidl.classical import UndefinedMetricWarning, metrics, train_test_split

seeds = st.integers(0, 10**6)


def labels(seed, n=None, classes=4):
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(1, 40))
    return rng.integers(0, classes, n), rng.integers(0, classes, n), rng.uniform(0.1, 2, n)


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")  # by scikit-learn, where ours is a matrix of one by one
@given(seeds)
def test_accuracy_and_confusion(seed):
    y, p, w = labels(seed)
    for options in ({}, {"sample_weight": w}, {"normalize": False}):
        assert metrics.accuracy_score(y, p, **options) == pytest.approx(sklearn.metrics.accuracy_score(y, p, **options))
    for options in ({}, {"sample_weight": w}, {"labels": [(y[0] + 1) % 4, y[0], 7]}, *({"normalize": how} for how in ("true", "pred", "all"))):
        ours, theirs = metrics.confusion_matrix(y, p, **options), sklearn.metrics.confusion_matrix(y, p, **options)
        np.testing.assert_allclose(ours, theirs)
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted", "binary"])
@given(seed=seeds)
def test_precision_recall_f1(average, seed):
    y, p, w = labels(seed, classes=2 if average == "binary" else 4)
    if average == "binary":
        y[0] = 1  # else neither library has a positive class
    for options in ({}, {"sample_weight": w}, {"zero_division": 1.0}) + (() if average == "binary" else ({"labels": [2, 0]},)):
        options = {"zero_division": 0, "average": average, **options}
        ours = metrics.precision_recall_fscore_support(y, p, **options)
        theirs = sklearn.metrics.precision_recall_fscore_support(y, p, **options)
        for a, b in zip(ours[:3], theirs[:3]):
            np.testing.assert_allclose(a, b, err_msg=str(options))
        assert ours[3] is theirs[3] is None or np.allclose(ours[3], theirs[3])
        for i, name in enumerate(("precision_score", "recall_score", "f1_score")):
            np.testing.assert_allclose(getattr(metrics, name)(y, p, **options), ours[i])


def test_undefined_scores_warn():
    with pytest.warns(UndefinedMetricWarning, match="Precision is ill-defined"):
        assert metrics.precision_score([1, 0], [0, 0]) == 0
    with pytest.warns(UndefinedMetricWarning, match="Recall is ill-defined"):
        assert metrics.recall_score([0, 0], [1, 0]) == 0
    assert metrics.recall_score([1, 0], [0, 0]) == 0  # and the undefined precision is not its concern


@given(seeds)
def test_regression(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    for shape in ((n,), (n, 3)):
        y, p, w = rng.normal(size=shape), rng.normal(size=shape), rng.uniform(0.1, 2, n)
        for options in ({}, {"sample_weight": w}):
            assert metrics.mean_squared_error(y, p, **options) == pytest.approx(sklearn.metrics.mean_squared_error(y, p, **options))
            assert metrics.r2_score(y, p, **options) == pytest.approx(sklearn.metrics.r2_score(y, p, **options))


def test_r2_of_constants():
    for p in ([2.0, 2.0], [2.0, 3.0]):
        assert metrics.r2_score([2.0, 2.0], p) == sklearn.metrics.r2_score([2.0, 2.0], p)
    assert np.isnan(metrics.r2_score([1.0], [1.0]))


@given(seeds)
def test_log_loss(seed):
    rng = np.random.default_rng(seed)
    y, w = np.append(rng.integers(0, 3, 12), [0, 1, 2]), rng.uniform(0.1, 2, 15)
    p = rng.dirichlet(np.ones(3), 15)
    p[0] = [1.0, 0.0, 0.0]
    for options in ({}, {"sample_weight": w}, {"normalize": False}, {"labels": [0, 1, 2]}):
        assert metrics.log_loss(y, p, **options) == pytest.approx(sklearn.metrics.log_loss(y, p, **options))
    two = np.append(y[:10] > 0, [True, False])
    assert metrics.log_loss(two, p[:12, 0]) == pytest.approx(sklearn.metrics.log_loss(two, p[:12, 0]))


@given(seeds, st.integers(1, 5))
def test_adjusted_rand(seed, classes):
    y, p, _ = labels(seed, classes=classes)
    assert metrics.adjusted_rand_score(y, p) == pytest.approx(sklearn.metrics.adjusted_rand_score(y, p), abs=1e-12)
    assert metrics.adjusted_rand_score(y, 10 - y) == 1


@given(seeds)
def test_silhouette(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 40)), int(rng.integers(1, 4))
    X, y = rng.normal(size=(n, d)), np.append([0, 1, 2], rng.integers(0, 3, n - 3))
    np.testing.assert_allclose(metrics.silhouette_samples(X, y), sklearn.metrics.silhouette_samples(X, y), atol=1e-9)
    assert metrics.silhouette_score(X, y) == pytest.approx(sklearn.metrics.silhouette_score(X, y))
    order = rng.permutation(n)
    np.testing.assert_allclose(metrics.silhouette_samples(X[order], y[order]), metrics.silhouette_samples(X, y)[order], atol=1e-9)


def test_silhouette_by_chunks_and_samples():
    X = np.random.default_rng(0).normal(size=(1500, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    ours = metrics.silhouette_samples(X, y)
    np.testing.assert_allclose(ours, sklearn.metrics.silhouette_samples(X, y), atol=1e-5)
    assert ours.dtype == np.float32
    some = metrics.silhouette_score(X, y, sample_size=300, random_state=0)
    assert some == pytest.approx(sklearn.metrics.silhouette_score(X, y, sample_size=300, random_state=0), rel=1e-5)


@pytest.mark.parametrize("call", [
    lambda m: m.accuracy_score([0, 1], [0]), lambda m: m.accuracy_score([], []), lambda m: m.accuracy_score(["a"], [1]),
    lambda m: m.accuracy_score([0.5], [0.5]), lambda m: m.confusion_matrix([0], [0], labels=[1]), lambda m: m.confusion_matrix([0], [0], normalize="rows"),
    lambda m: m.precision_score([0, 1, 2], [0, 1, 2]), lambda m: m.precision_score([0, 2], [0, 2]), lambda m: m.f1_score([0, 1], [0, 1], average="mean"),
    lambda m: m.mean_squared_error([1.0], [np.nan]), lambda m: m.r2_score([[1.0, 2.0]], [1.0]), lambda m: m.mean_squared_error([], []),
    lambda m: m.log_loss([0, 0], [0.1, 0.2]), lambda m: m.log_loss([0, 1], [0.1, 1.2]), lambda m: m.log_loss([0, 1], [[0.2, 0.3, 0.5]] * 2),
    lambda m: m.log_loss([0, 2], [[0.2, 0.8]] * 2, labels=[0, 1]),
    lambda m: m.adjusted_rand_score([[0]], [0]), lambda m: m.adjusted_rand_score([0], [0, 1]),
    lambda m: m.silhouette_score([[0.0], [1.0]], [0, 1]), lambda m: m.silhouette_score([[0.0], [1.0], [2.0]], [0, 0, 0]),
    lambda m: m.silhouette_score([0.0, 1.0, 2.0], [0, 0, 1])])
def test_bad_input(call):
    for module in (metrics, sklearn.metrics):
        with pytest.raises(ValueError, match="."):
            call(module)


SPLITS = [{}, {"test_size": 0.3}, {"train_size": 0.6}, {"test_size": 7}, {"train_size": 11, "test_size": 0.2}, {"shuffle": False}, {"stratify": True},
          {"stratify": True, "test_size": 0.37}, {"stratify": True, "train_size": 13, "test_size": 9}]


@pytest.mark.parametrize("options", SPLITS, ids=str)
def test_split_equals_scikit_learn(options):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(41, 3)), np.append(np.arange(4).repeat(2), rng.integers(0, 4, 33))
        chosen = {"random_state": seed, **options, **({"stratify": y} if "stratify" in options else {})}
        ours = train_test_split(X, y, list(range(41)), pandas.DataFrame(X), **chosen)
        theirs = sklearn.model_selection.train_test_split(X, y, list(range(41)), pandas.DataFrame(X), **chosen)
        for a, b in zip(ours, theirs, strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("arrays", "options"), [
    ((), {}), (([1, 2], [1]), {}), (([1, 2],), {"test_size": 2}), (([1, 2],), {"test_size": 0.0}), (([1, 2],), {"test_size": 1.5}), (([1],), {}),
    ((range(10),), {"test_size": 6, "train_size": 6}), ((range(4),), {"stratify": [0, 0, 0, 1]}), ((range(4),), {"stratify": [0, 0, 1, 1], "test_size": 1}),
    ((range(4),), {"stratify": [0, 0, 1, 1], "shuffle": False}), ((range(4),), {"random_state": "seed"})])
def test_split_bad_input(arrays, options):
    for module in (classical, sklearn.model_selection):
        with pytest.raises(ValueError, match="."):
            module.train_test_split(*arrays, **options)
