"""The operations, one file per family. Importing this package fills the table of public ops."""

import importlib

FAMILIES = (  # in the order of their needs
    "create",
    "elementwise",
    "rounding",
    "compare",
    "arithmetic",
    "powers",
    "select",
    "special",
    "relu",
    "activation",
    "scan",
    "reduce",
    "extrema",
    "statistics",
    "softmax",
    "history",
    "shape",
    "index",
    "rearrange",
    "join",
    "gather",
    "sort",
    "order",
    "quantile",
    "search",
    "histogram",
    "differences",
    "random",
    "matmul",
    "addmm",
    "contract",
    "linalg",
    "triangular",
    "decompose",
    "norms",
    "vectors",
)
for _family in FAMILIES:
    importlib.import_module(f"{__name__}.{_family}")
