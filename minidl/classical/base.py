"""What all estimators share: parameters, their printing, feature names, and the tags by which scikit-learn knows them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_array, feature_names
from .errors import NotFittedError, akin
from .metrics import accuracy_score, r2_score


class Estimator:
    """An object whose constructor stores its arguments, unchanged and unchecked, under their own names.

    `fit(X, y)` checks them, learns attributes whose names end in ``_`` and returns the estimator. `get_params`, `set_params` and the
    tags are what scikit-learn's clone, pipelines and searches use.
    """

    _kind: ClassVar[str]
    _needs_y: ClassVar[bool] = False
    _many_targets: ClassVar[bool] = False
    _transforms: ClassVar[bool] = False

    @classmethod
    def _names(cls) -> list[str]:
        return sorted(name for name in inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name; `deep` is for estimators that contain others, of which there are none here."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Any:
        """Changes arguments of the constructor and returns the estimator; ValueError for an unknown name."""
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {self._names()}.")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name)
            if repr(value) != repr(parameter.default):
                changed.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type=self._kind,
                    target_tags=TargetTags(required=self._needs_y, multi_output=self._many_targets),
                    transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]) if self._transforms else None,
                    classifier_tags=ClassifierTags() if self._kind == "classifier" else None,
                    regressor_tags=RegressorTags() if self._kind == "regressor" else None)

    def _check_fitted(self) -> None:
        if not any(name.endswith("_") and not name.startswith("_") for name in vars(self)):
            raise akin(NotFittedError)(f"This {type(self).__name__} instance is not fitted yet: call 'fit' before using this method.")

    def _learn_features(self, X: ArrayLike, **options: Any) -> NDArray[Any]:
        """The checked array, of which number and names of features are remembered."""
        names, array = feature_names(X), check_array(X, owner=type(self).__name__, **options)
        self.n_features_in_ = array.shape[1]
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        return array

    def _check_features(self, X: ArrayLike, **options: Any) -> NDArray[Any]:
        """The checked array, which must have the features, and if both have names these, that `fit` saw."""
        self._check_fitted()
        names, known = feature_names(X), getattr(self, "feature_names_in_", None)
        title = type(self).__name__
        if known is not None and names is None:
            warnings.warn(f"X does not have valid feature names, but {title} was fitted with feature names", UserWarning, stacklevel=3)
        elif known is None and names is not None:
            warnings.warn(f"X has feature names, but {title} was fitted without feature names", UserWarning, stacklevel=3)
        elif known is not None and names is not None and not np.array_equal(names, known):
            raise ValueError("The feature names should match those that were passed during fit.\n" + _difference(names, known))
        array = check_array(X, owner=title, **options)
        if array.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {array.shape[1]} features, but {title} is expecting {self.n_features_in_} features as input.")
        return array


def _difference(names: NDArray[Any], known: NDArray[Any]) -> str:
    """What is new, what is missing, or that the order differs, as scikit-learn lists it."""

    def listing(title: str, found: Sequence[str]) -> str:
        shown = [f"- {name}\n" for name in found[:5]] + (["- ...\n"] if len(found) > 5 else [])
        return title + "".join(shown) if found else ""

    new, missing = sorted(set(names) - set(known)), sorted(set(known) - set(names))
    if not new and not missing:
        return "Feature names must be in the same order as they were in fit.\n"
    return (listing("Feature names unseen at fit time:\n", new)
            + listing("Feature names seen at fit time, yet now missing:\n", missing))


class Classifier(Estimator):
    """`score` is the accuracy."""

    _kind = "classifier"
    _needs_y = True

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The share of samples of which `predict` gives the class `y`."""
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)  # type: ignore[attr-defined]


class Regressor(Estimator):
    """`score` is the coefficient of determination."""

    _kind = "regressor"
    _needs_y = True
    _many_targets = True

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2 of `predict`: 1 if it is exact, 0 if it is no better than the mean of `y`."""
        return r2_score(y, self.predict(X), sample_weight=sample_weight)  # type: ignore[attr-defined]
