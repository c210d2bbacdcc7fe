"""Corners of the classical models: clusters that lose all samples, classes without weight, scores beyond what exp holds."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.cluster

from minidl.classical import KMeans, LogisticRegression


@pytest.mark.filterwarnings("ignore")
def test_a_sample_that_moves_to_an_empty_cluster_leaves_its_own() -> None:
    x, init = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[1.0], [50.0]])
    models = [kind(2, init=init, n_init=1, max_iter=1).fit(x) for kind in (KMeans, sklearn.cluster.KMeans)]
    assert models[0].cluster_centers_.tolist() == models[1].cluster_centers_.tolist() == [[1.0], [10.0]]
    assert models[0].labels_.tolist() == models[1].labels_.tolist()


def test_a_class_without_weight_does_not_count_for_balance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 2)), np.repeat([0, 1, 2], [30, 20, 10])
    x[:, 0] += y
    w = (y < 2).astype(float)
    balanced = LogisticRegression(class_weight="balanced").fit(x, y, w)
    named = LogisticRegression(class_weight={0: 50 / (2 * 30), 1: 50 / (2 * 20)}).fit(x, y, w)
    np.testing.assert_allclose(balanced.coef_, named.coef_, rtol=1e-6)
    np.testing.assert_allclose(balanced.intercept_, named.intercept_, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_of_enormous_scores(classes: int) -> None:
    x, y = np.arange(12.0)[:, None], np.arange(12) % classes
    model = LogisticRegression().fit(x, y)
    model.coef_ = np.sign(model.coef_) * 1e5 + model.coef_
    p = model.predict_proba(x)
    assert np.isfinite(p).all() and np.allclose(p.sum(1), 1)
