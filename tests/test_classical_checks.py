"""scikit-learn's own checks of an estimator's conduct, all of them, on all estimators; and its tools take ours."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_clusterer_compute_labels_predict, check_clustering, estimator_checks_generator

from minidl import classical
from minidl.classical import KMeans, LinearRegression, LogisticRegression, MiniBatchKMeans, NotFittedError, Ridge, SoftmaxRegression

ESTIMATORS = [KMeans(), KMeans(algorithm="elkan"), MiniBatchKMeans(), LinearRegression(), Ridge(), LogisticRegression(), SoftmaxRegression()]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # that the class is not one of scikit-learn's
    CHECKS = [pair for estimator in ESTIMATORS for pair in estimator_checks_generator(estimator)]
# These two are left out for classes that are not scikit-learn's own.
CHECKS += [(estimator, partial(check, type(estimator).__name__)) for estimator in ESTIMATORS[:3]
           for check in (check_clustering, check_clusterer_compute_labels_predict)]


def name(value):
    return repr(value) if hasattr(value, "fit") else getattr(value, "func", value).__name__


@pytest.mark.filterwarnings("ignore::minidl.classical.ConvergenceWarning")  # of checks with few distinct samples or few iterations
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=name)
def test_scikit_learns_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without which a check of arrays is left out
    check(estimator)


def test_every_estimator_is_checked():
    found = {value for value in (getattr(classical, key) for key in dir(classical)) if hasattr(value, "fit")}
    assert found == {type(estimator) for estimator in ESTIMATORS}


def test_pipelines_and_searches():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) + np.repeat([[0, 0, 0], [4, 0, 0], [0, 4, 0]], 30, axis=0)
    y = np.repeat(["a", "b", "c"], 30)
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    distances = make_pipeline(StandardScaler(), KMeans(3, random_state=0)).fit_transform(X)
    assert distances.shape == (90, 3)
    assert is_classifier(SoftmaxRegression()) and is_regressor(Ridge())
    assert clone(Ridge(alpha=3.0)).alpha == 3.0


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_both_libraries_errors(estimator):
    for kind in (NotFittedError, SklearnNotFittedError, ValueError, AttributeError):
        with pytest.raises(kind, match="not fitted yet"):
            clone(estimator).predict([[0.0]])


def test_both_libraries_warnings():
    for kind in (classical.ConvergenceWarning, SklearnConvergenceWarning):
        with pytest.warns(kind, match="distinct clusters"):
            KMeans(2).fit(np.ones((5, 2)))


def test_parameters():
    model = KMeans(3, tol=0.0)
    assert repr(model) == "KMeans(n_clusters=3, tol=0.0)"
    assert model.set_params(n_clusters=4) is model and model.get_params()["n_clusters"] == 4
    with pytest.raises(ValueError, match="Invalid parameter 'k' for estimator KMeans"):
        model.set_params(k=2)


def test_import_is_light():
    code = ("import sys, minidl.classical as c; c.KMeans(2).fit([[0.], [1.]]); "
            "print([m for m in ('minidl.core', 'minidl.ops', 'sklearn', 'scipy.optimize', 'torch') if m in sys.modules]); "
            "c.SoftmaxRegression; print('minidl.ops' in sys.modules)")
    answer = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert answer.stdout.split("\n")[:2] == ["[]", "True"]
