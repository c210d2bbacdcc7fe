"""What the checks need to know of each operator beside how to call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .case import Case

__all__ = ["OPERATORS", "Operator", "operator_of", "wanted"]


@dataclass(frozen=True)
class Operator:
    """One operator.

    - `products`: every output is a sum of products of the arguments, so that rounding has a bound that holds for any order of summation.
    - `constant`: arguments, by position or name, that have no gradient.
    - `orders`: how many derivatives are compared.
    - `relations`: names of the relations in `relations.RELATIONS` that hold.
    """

    products: bool = False
    constant: tuple[Any, ...] = ()
    orders: int = 2
    relations: tuple[str, ...] = ()


_CONV = Operator(True, relations=("linear", "biased", "batch", "shift", "channels", "groups", "strided", "dilated", "padded", "adjoint"))
_TRANSPOSED = Operator(True, relations=("linear", "biased", "batch", "shift_transposed", "channels", "groups", "adjoint"))
_POOL = Operator(relations=("batch", "each_channel", "shift"))
_SAMPLE = Operator(relations=("linear", "batch", "each_channel"))

OPERATORS: dict[str, Operator] = {
    **{f"conv{n}d": _CONV for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _TRANSPOSED for n in (1, 2, 3)},
    "linear": Operator(True, relations=("linear", "biased", "batch", "adjoint")),
    "bilinear": Operator(True),
    **{f"max_pool{n}d": _POOL for n in (1, 2, 3)},
    **{f"avg_pool{n}d": Operator(relations=("linear", "batch", "each_channel", "shift", "adjoint")) for n in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{n}d": Operator(relations=("batch", "each_channel")) for n in (1, 2, 3) for kind in ("avg", "max")},
    **{f"lp_pool{n}d": Operator(relations=("batch", "each_channel")) for n in (1, 2)},
    "batch_norm": Operator(constant=(1, 2)),
    "instance_norm": Operator(constant=("running_mean", "running_var"), relations=("batch",)),
    **{name: Operator(relations=("batch",)) for name in ("group_norm", "local_response_norm")},
    "scaled_dot_product_attention": Operator(relations=("queries", "keys")),
    "interpolate": _SAMPLE,
    **{name: Operator(constant=("weight",)) for name in ("cross_entropy", "nll_loss")},
    "soft_margin_loss": Operator(constant=(1,)),
    "binary_cross_entropy": Operator(constant=("weight",)),
}


def operator_of(name: str) -> Operator:
    """The row of an operator; one that is not in the table has two derivatives and no relations."""
    return OPERATORS.get(name, Operator())


def wanted(case: Case, operator: Operator) -> list[bool]:
    """For each float array of the case, whether it has a gradient; what a module is made with has none."""
    flags: list[bool] = []

    def visit(value: Any, differentiable: bool) -> None:
        if isinstance(value, np.ndarray):
            flags.extend([differentiable] if value.dtype.kind == "f" else [])
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                visit(item, differentiable)

    for key, value in [*enumerate(case.args), *case.kwargs.items()]:
        visit(value, case.inputs is None and key not in operator.constant)
    for key, value in enumerate(case.inputs or ()):
        visit(value, key not in operator.constant)
    return flags
