"""The generated suite: every row of the table under every check; and the table is complete."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.core.registry import TABLE
from minidl.testing import lay_out

from . import rows
from .harness import ERRORS, Row, call, check, find, run
from .reasons import NO_ROW

ROWS: list[Row] = [row for module in pkgutil.iter_modules(rows.__path__)
                   for row in importlib.import_module(f"{rows.__name__}.{module.name}").ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_equals_pytorch(row: Row, data: st.DataObject, seed: int) -> None:
    check(row, data.draw(row.inputs), seed)


def test_the_gradient_of_a_double_number_beside_a_single_array_is_a_sum_of_singles() -> None:
    check(Row("add", st.nothing()), call(np.array([1, 2, 3, -1, -2, -3, 0.5, -0.5, 1.5], np.float32).reshape(3, 3, 1), np.array(1.0)), seed=0)


def test_memory_that_pytorchs_backward_refuses_is_compared_in_rows() -> None:
    x, w = lay_out(np.array([[[[1.0, 2.0]]]]), "channels_last"), lay_out(np.array([[[[1.0, 2.0]], [[3.0, -1.0]]]]), "transposed")
    check(Row("nn.functional.conv_transpose2d", st.nothing()), call(x, w, groups=1), seed=0)


@pytest.mark.parametrize("row", [row for row in ROWS if row.bad], ids=lambda row: row.id)
def test_bad_input_raises(row: Row) -> None:
    import torch
    for c in row.bad:
        for library in (torch, minidl):
            with pytest.raises(ERRORS):
                run(library, find(library, row.name), c)


def public_names() -> set[str]:
    """Every name that the table makes public, as a row would write it."""
    names = set()
    for op in TABLE.values():
        names |= {where.replace("torch", "", 1).strip(".") + "." + op.name if where != "torch" else op.name for where in op.where}
        if not op.where and op.method:
            names.add(f"Tensor.{op.method}")
    return names


def test_every_public_name_has_a_row_or_a_reason() -> None:
    have = {row.name for row in ROWS} | {row.name.split(".")[-1] for row in ROWS}
    missing = {name for name in public_names() if name not in have and name.split(".")[-1] not in have} - set(NO_ROW)
    assert not missing, f"without a row in tests/rows or a reason in tests/reasons.py: {sorted(missing)}"


def test_no_reason_is_stale() -> None:
    stale = set(NO_ROW) - public_names()
    assert not stale, f"reasons for names that are not public: {sorted(stale)}"
