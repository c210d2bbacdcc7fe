"""Hypothesis profiles: `quick` by default, `ci`, and `deep` (HYPOTHESIS_PROFILE); one thread for each numeric library."""

import os
import warnings

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import matplotlib
import torch
from hypothesis import HealthCheck, settings

matplotlib.use("Agg")
torch.set_num_threads(1)
warnings.filterwarnings("ignore", message="The given NumPy array is not writ", category=UserWarning)

_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]}
settings.register_profile("quick", max_examples=8, derandomize=True, **_common)
settings.register_profile("ci", max_examples=25, **_common)
settings.register_profile("deep", max_examples=100, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
