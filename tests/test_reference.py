"""The reference of the operations: made from the ops themselves, and the page in docs/ is what it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from minidl.cli import main
from minidl.cli.reference import entries, page

ENTRIES = {entry.signature.split("(")[0]: entry for entry in entries()}


def test_page_is_up_to_date() -> None:
    committed = Path(__file__).parents[1] / "docs" / "ops.md"
    assert committed.read_text(encoding="utf-8") == page(entries()), "run `minidl ops --markdown > docs/ops.md`"


@pytest.mark.parametrize("name, signature, derivative, pytorch", [
    ("mul", "mul(input, other)", "`a: g * b`, `b: g * a`",
     ("torch.mul", "torch.multiply", "Tensor.mul", "Tensor.multiply", "Tensor.mul_", "Tensor.multiply_")),
    ("lerp", "lerp(input, end, weight)", "`x: g * (1 - weight)`, `end: g * weight`, `weight: g * (end - x)`",
     ("torch.lerp", "Tensor.lerp", "Tensor.lerp_")),
    ("where", "where(condition, input=None, other=None)", "`_where` `a: masked(g, condition)`, `b: masked(g, ~condition)`", ("torch.where",)),
    ("linalg.inv_ex", "linalg.inv_ex(A, *, check_errors=False)", "`_inv_ex` `x: -matmul(matmul(inverse.mT, g[0]), inverse.mT)`",
     ("torch.linalg.inv_ex",)),
    ("softmax", "softmax(input, dim, dtype=None)", "dL/dx = y * (g - sum(g * y))", ("torch.softmax", "torch.special.softmax", "Tensor.softmax")),
    ("argmax", "argmax(input, dim=None, keepdim=False)", "", ("torch.argmax", "Tensor.argmax")),
])
def test_entry(name: str, signature: str, derivative: str, pytorch: tuple[str, ...]) -> None:
    entry = ENTRIES[name]
    assert (entry.signature, entry.derivative, entry.pytorch) == (signature, derivative, pytorch)


def test_pytorch_has_every_name_given() -> None:
    def exists(path: str) -> bool:
        found = torch.Tensor if path.startswith("Tensor.") else torch
        for part in path.split(".")[1:]:
            found = getattr(found, part, None)
        return found is not None

    assert not [path for entry in ENTRIES.values() for path in entry.pytorch if not exists(path)]


def test_every_op_has_a_formula() -> None:
    assert not [name for name, entry in ENTRIES.items() if not entry.formula]


def test_command_filters_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "hypot"]) == 0
    assert capsys.readouterr().out == (
        "hypot(input, other)\n"
        "    y = (a^2 + b^2)^(1/2), without overflow; dy/da = a / y, dy/db = b / y.\n"
        "    derivative  `a: g * (a / y)`, `b: g * (b / y)`\n"
        "    PyTorch     torch.hypot, Tensor.hypot, Tensor.hypot_\n")
    assert main(["ops", "--markdown", "absolute"]) == 0
    assert "| `abs(input)` | y = \\|x\\|, dy/dx = sign x; of a complex number" in capsys.readouterr().out
    assert main(["ops", "no such"]) == 1
    assert capsys.readouterr().err == "minidl ops: no operation has 'no such' in its name\n"
