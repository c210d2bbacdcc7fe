"""K-means: scikit-learn's values, what every iteration must keep, memory, and bad input."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_blobs

from benchmarks.kmeans import main
from minidl.classical import KMeans, MiniBatchKMeans, adjusted_rand_score, elbow
from minidl.classical import parts as parts_module
from minidl.classical.lloyd import assign, augment, inertia, iterate, new_centers
from minidl.classical.seeding import merge_repeats


def blobs(n=600, d=4, k=7, seed=0, dtype=np.float64):
    return make_blobs(n, d, centers=k, cluster_std=2.5, random_state=seed)[0].astype(dtype)


def error(X, model):
    X = X.astype(np.float64)
    return ((X - model.cluster_centers_[model.labels_]) ** 2).sum()


@st.composite
def problems(draw):
    """Samples without ties, and the centres to start from."""
    k = draw(st.integers(1, 6))
    n, d, seed = draw(st.integers(k, 40)), draw(st.integers(1, 4)), draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 10.0 ** draw(st.integers(-3, 3)) + draw(st.sampled_from([0.0, 100.0]))
    return X, X[rng.choice(n, k, replace=False)].copy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("options", [{}, {"init": "random"}, {"algorithm": "elkan"}, {"n_init": 3}, {"max_iter": 3}, {"tol": 0.0},
                                     {"init": "first"}, {"init": "function"}, {"n_clusters": 1}], ids=str)
def test_equals_scikit_learn(options, dtype):
    for seed in range(3):
        X = blobs(seed=seed, dtype=dtype)
        start = {"first": X[:5], "function": lambda X, k, random_state: X[:k].copy()}.get(options.get("init"))
        chosen = {"n_clusters": 5, "random_state": seed, **options, **({} if start is None else {"init": start, "n_init": 1})}
        ours, theirs = KMeans(**chosen).fit(X), sklearn.cluster.KMeans(**chosen).fit(X)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-12 if dtype == np.float64 else 1e-4, atol=1e-5)
        assert ours.n_iter_ == theirs.n_iter_
        assert ours.labels_.dtype == np.int32 and ours.cluster_centers_.dtype == ours.transform(X).dtype == dtype
        assert ours.inertia_ == pytest.approx(error(X, theirs), rel=1e-6)
        np.testing.assert_array_equal(ours.predict(X), ours.labels_)
        np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-4, atol=1e-4)
        assert ours.score(X) == pytest.approx(-ours.inertia_, rel=1e-5)


def test_same_inertia_on_many_samples():
    X = make_blobs(20000, 16, centers=40, cluster_std=4.0, random_state=1)[0]
    init = X[:32].copy()
    ours, theirs = KMeans(32, init=init).fit(X), sklearn.cluster.KMeans(32, init=init).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9) and ours.n_iter_ == theirs.n_iter_


def test_weights_equal_scikit_learn():
    X, rng = blobs(), np.random.default_rng(0)
    w = rng.uniform(0, 3, len(X))
    ours, theirs = KMeans(4, init=X[:4]).fit(X, sample_weight=w), sklearn.cluster.KMeans(4, init=X[:4]).fit(X, sample_weight=w)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    assert ours.score(X, sample_weight=w) == pytest.approx(theirs.score(X, sample_weight=w), rel=1e-9)


@given(problems())
def test_inertia_never_increases(problem):
    X, centers = problem
    xa, w, labels = augment(X, X.mean(axis=0)), np.ones(len(X)), np.zeros(len(X), np.int32)
    centers, before = centers - X.mean(axis=0), np.inf
    step = assign(xa)
    for _ in range(10):
        step(centers, labels)
        now = inertia(xa, w, centers, labels)
        assert now <= before * (1 + 1e-12)
        centers = new_centers(xa, w, centers, labels)
        before = inertia(xa, w, centers, labels) if len(np.unique(labels)) == len(centers) else np.inf
        assert before <= now * (1 + 1e-12) or before == np.inf


@given(problems())
def test_elkan_equals_lloyd(problem):
    X, centers = problem
    lloyd, elkan = (KMeans(len(centers), init=centers, algorithm=a, tol=0.0).fit(X) for a in ("lloyd", "elkan"))
    np.testing.assert_array_equal(elkan.labels_, lloyd.labels_)
    np.testing.assert_allclose(elkan.cluster_centers_, lloyd.cluster_centers_, rtol=1e-9)
    assert elkan.n_iter_ == lloyd.n_iter_


@given(problems(), st.integers(0, 10**6))
def test_order_of_samples_and_centers_is_immaterial(problem, seed):
    X, centers = problem
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(X)), rng.permutation(len(centers))
    a = KMeans(len(centers), init=centers, tol=0.0).fit(X)
    b = KMeans(len(centers), init=centers[columns], tol=0.0).fit(X[rows])
    np.testing.assert_allclose(b.cluster_centers_, a.cluster_centers_[columns], rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(columns[b.labels_], a.labels_[rows])


@given(problems(), st.integers(0, 10**6))
def test_weight_two_is_a_sample_twice(problem, seed):
    X, centers = problem
    rng = np.random.default_rng(seed)
    counts, order = rng.integers(0, 4, len(X)), rng.permutation(len(X))
    counts[rng.integers(len(X))] += len(centers)
    model = KMeans(len(centers), random_state=0, tol=0.0)
    distinct = np.count_nonzero(counts)
    if distinct < len(centers):
        return
    repeated = KMeans(len(centers), random_state=0, tol=0.0).fit(X.repeat(counts, axis=0))
    weighted = model.fit(X[order], sample_weight=counts[order])
    np.testing.assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-8)
    assert weighted.inertia_ == pytest.approx(repeated.inertia_, rel=1e-8, abs=1e-12 * np.square(X).sum())


@given(problems())
def test_centers_are_means_and_labels_nearest(problem):
    X, centers = problem
    model = KMeans(len(centers), init=centers, tol=0.0).fit(X)
    distances = ((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2)
    np.testing.assert_array_equal(model.labels_, distances.argmin(axis=1))
    assert model.inertia_ == pytest.approx(distances.min(axis=1).sum(), rel=1e-9, abs=1e-12 * np.square(X).sum())
    for cluster, center in enumerate(model.cluster_centers_):
        np.testing.assert_allclose(center, X[model.labels_ == cluster].mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
def test_empty_clusters_are_relocated(algorithm):
    X = blobs(60)
    init = np.concatenate([X[:2], np.full((2, X.shape[1]), 1e3)])  # the last two are nearest to no sample
    ours, theirs = (kind(4, init=init, n_init=1, algorithm=algorithm).fit(X) for kind in (KMeans, sklearn.cluster.KMeans))
    assert set(ours.labels_) == {0, 1, 2, 3}
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9)


def test_threads_and_chunks_change_nothing(monkeypatch):
    X = blobs(5000, 6, 9)
    one = KMeans(9, random_state=0).fit(X)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(parts_module, "WORTH", 1000)
    monkeypatch.setattr(parts_module, "CACHED", 500)
    monkeypatch.setattr(parts_module, "ALONE", 3000)
    assert parts_module.threads() == 3
    many = KMeans(9, random_state=0).fit(X)
    np.testing.assert_array_equal(many.labels_, one.labels_)
    np.testing.assert_allclose(many.cluster_centers_, one.cluster_centers_, rtol=1e-12)


def test_memory_is_bounded():
    X = np.random.default_rng(0).normal(size=(40000, 8))
    KMeans(3, max_iter=2).fit(X[:100])
    tracemalloc.start()
    KMeans(200, init=X[:200], max_iter=2, tol=0.0).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * X.nbytes  # 10 MB; the distances to all centres would be 64 MB


def test_input_is_not_written_to():
    X = blobs()
    X.flags.writeable = False
    KMeans(3, copy_x=False, random_state=0).fit(X)


def test_far_from_the_origin():
    X = blobs() + 1e7
    labels = KMeans(4, init=X[:4]).fit(X).labels_
    np.testing.assert_array_equal(labels, KMeans(4, init=X[:4] - 1e7).fit(X - 1e7).labels_)


def test_verbose_prints_each_iteration(capsys):
    X = blobs()
    model = KMeans(4, init=X[:4], verbose=1).fit(X)
    printed = capsys.readouterr().out
    assert printed.count("inertia") == model.n_iter_ and "Converged at iteration" in printed


def test_merge_repeats():
    X = np.array([[0.0, 1.0], [2.0, 2.0], [-0.0, 1.0], [3.0, 3.0]])
    points, weights = merge_repeats(X, np.array([1.0, 2.0, 4.0, 0.0]))
    assert {(*map(float, p), float(w)) for p, w in zip(points, weights)} == {(0.0, 1.0, 5.0), (2.0, 2.0, 2.0)}
    assert merge_repeats(X[1:], np.ones(3)) is None


def test_iterate_stops_at_max_iter():
    X = blobs()
    labels, value, centers, n_iter = iterate(augment(X, np.zeros(4)), np.ones(len(X)), X[:5], assign(augment(X, np.zeros(4))), 2, 0.0, False)
    assert n_iter == 2 and value == pytest.approx(((X - centers[labels]) ** 2).sum())


BAD = [
    ({"n_clusters": 7}, np.zeros((6, 2)) + np.arange(6)[:, None], "n_samples=6 should be >= n_clusters=7"),
    ({}, [[np.nan, 1.0]] * 9, "contains NaN"),
    ({}, [[np.inf, 1.0]] * 9, "contains infinity"),
    ({}, np.arange(9.0), "Expected 2D array, got 1D array instead"),
    ({}, 1.0, "Expected 2D array, got scalar"),
    ({}, np.zeros((2, 2, 2)), "dim 3"),
    ({}, np.zeros((0, 2)), r"0 sample\(s\)"),
    ({}, np.zeros((2, 0)), r"0 feature\(s\)"),
    ({}, np.zeros((9, 2)) * 1j, "Complex data not supported"),
    ({"n_clusters": 0}, np.eye(9), "'n_clusters' parameter of KMeans must be an int"),
    ({"n_clusters": 2.0}, np.eye(9), "'n_clusters' parameter"),
    ({"max_iter": 0}, np.eye(9), "'max_iter' parameter"),
    ({"tol": -1.0}, np.eye(9), "'tol' parameter"),
    ({"n_init": "often"}, np.eye(9), "'n_init' parameter"),
    ({"init": "best"}, np.eye(9), "'init' parameter"),
    ({"init": np.eye(3)}, np.eye(9), "shape of the initial centers"),
    ({"algorithm": "full"}, np.eye(9), "'algorithm' parameter"),
    ({"random_state": "seed"}, np.eye(9), "cannot be used to seed"),
]


@pytest.mark.parametrize(("options", "X", "message"), BAD, ids=[row[2] for row in BAD])
def test_bad_input(options, X, message):
    for module in (KMeans, sklearn.cluster.KMeans):
        with pytest.raises(ValueError, match=message if module is KMeans else None):
            module(**options).fit(X)


def test_bad_weights_and_features():
    X = blobs(20)
    model = KMeans(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X has 3 features, but KMeans is expecting 4"):
        model.predict(X[:, :3])
    for weights, message in ((np.zeros(20), "non-zero"), (np.ones(3), "sample_weight.shape"), (np.ones((20, 1)), "1D"), (-np.ones(20), "Negative")):
        with pytest.raises(ValueError, match=message):
            model.fit(X, sample_weight=weights)
    with pytest.warns(RuntimeWarning, match="performing only one init"):
        KMeans(2, init=X[:2], n_init=5).fit(X)


@pytest.mark.parametrize("options", [{}, {"init": "random"}, {"max_no_improvement": None, "max_iter": 5}, {"tol": 1e-2},
                                     {"reassignment_ratio": 0.3}, {"compute_labels": False}], ids=str)
def test_mini_batch_equals_scikit_learn(options):
    for seed in range(3):
        X = blobs(2000, seed=seed)
        options = {"n_clusters": 5, "batch_size": 100, "random_state": seed, **options}
        ours, theirs = MiniBatchKMeans(**options).fit(X), sklearn.cluster.MiniBatchKMeans(**options).fit(X)
        np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9)
        assert (ours.n_steps_, ours.n_iter_) == (theirs.n_steps_, theirs.n_iter_)
        assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)


def test_mini_batch_partial_fit_equals_scikit_learn():
    X, w = blobs(900), np.random.default_rng(0).uniform(0.5, 2, 900)
    ours, theirs = MiniBatchKMeans(5, random_state=3), sklearn.cluster.MiniBatchKMeans(5, random_state=3)
    for rows in np.array_split(np.arange(900), 9):
        ours.partial_fit(X[rows], sample_weight=w[rows])
        theirs.partial_fit(X[rows], sample_weight=w[rows])
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9) and ours.n_steps_ == 9


def test_mini_batch_bad_input():
    for options in ({"batch_size": 0}, {"reassignment_ratio": -1.0}, {"max_no_improvement": -1}, {"init_size": 0}, {"n_clusters": 50}):
        with pytest.raises(ValueError, match="parameter of MiniBatchKMeans|should be >="):
            MiniBatchKMeans(**options).fit(blobs(20))
    with pytest.warns(RuntimeWarning, match="init_size=2 should be larger"):
        MiniBatchKMeans(5, init_size=2, random_state=0).fit(blobs(100))


@pytest.mark.parametrize("k", [3, 5])
def test_elbow_finds_the_clusters(k):
    X, labels = make_blobs(500, centers=20 * np.eye(k), random_state=0)
    found = elbow(X, range(1, 10), n_init=3, random_state=0)
    assert found.best == k and (np.diff(found.inertia) < 0).all() and found.n_clusters.tolist() == list(range(1, 10))
    assert adjusted_rand_score(labels, KMeans(found.best, n_init=3, random_state=0).fit(X).labels_) > 0.99
    with pytest.raises(ValueError, match="at least 3"):
        elbow(X, [2, 3])


def test_benchmark_agrees(capsys):
    options = ["--threads", os.environ["OMP_NUM_THREADS"], "--rounds", "1", "--samples", "2000", "--features", "8", "--clusters", "10"]
    assert main(options) == 0
    assert capsys.readouterr().out.count("inertia differs by") == 4
