"""Classical learning in scikit-learn's conventions, on NumPy and SciPy alone: k-means, linear and logistic regression, metrics, a split.

`fit` returns the estimator, what is learned ends in ``_``, rows are samples. SoftmaxRegression, which is trained by our own automatic
differentiation, loads the tensors when it is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import metrics as metrics
from .elbow import Elbow as Elbow
from .elbow import elbow as elbow
from .errors import ConvergenceWarning as ConvergenceWarning
from .errors import DataConversionWarning as DataConversionWarning
from .errors import NotFittedError as NotFittedError
from .errors import UndefinedMetricWarning as UndefinedMetricWarning
from .kmeans import KMeans as KMeans
from .linear import LinearRegression as LinearRegression
from .linear import Ridge as Ridge
from .logistic import LogisticRegression as LogisticRegression
from .metrics import accuracy_score as accuracy_score
from .metrics import adjusted_rand_score as adjusted_rand_score
from .metrics import confusion_matrix as confusion_matrix
from .metrics import f1_score as f1_score
from .metrics import log_loss as log_loss
from .metrics import mean_squared_error as mean_squared_error
from .metrics import precision_recall_fscore_support as precision_recall_fscore_support
from .metrics import precision_score as precision_score
from .metrics import r2_score as r2_score
from .metrics import recall_score as recall_score
from .metrics import silhouette_samples as silhouette_samples
from .metrics import silhouette_score as silhouette_score
from .minibatch import MiniBatchKMeans as MiniBatchKMeans
from .split import train_test_split as train_test_split

if TYPE_CHECKING:
    from .softmax import SoftmaxRegression as SoftmaxRegression


def __getattr__(name: str) -> Any:
    if name == "SoftmaxRegression":
        return importlib.import_module("minidl.classical.softmax").SoftmaxRegression
    raise AttributeError(f"module 'minidl.classical' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "SoftmaxRegression"})
