"""The operations, one file per family. Importing this package fills the table of public ops."""

import importlib

FAMILIES = ("create", "arithmetic", "shape", "index", "join", "reduce", "statistics", "softmax", "matmul")
for _family in FAMILIES:
    importlib.import_module(f"{__name__}.{_family}")
