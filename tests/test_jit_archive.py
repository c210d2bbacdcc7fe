"""TorchScript archives: the modules that `minidl.jit.load` finds are those of PyTorch's, but for their programs."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

import minidl

from .test_serialization import archive, saved

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's: TorchScript is deprecated


class Counts:
    def __init__(self, n: int) -> None:
        self.n = n


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fixed = torch.nn.Parameter(torch.ones(2, dtype=torch.float64), requires_grad=False)
        self.many = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.zeros(3))])
        self.norm = torch.nn.BatchNorm1d(3)
        self.register_buffer("nothing", None)
        self.register_buffer("temporary", torch.ones(2), persistent=False)
        self.twice = self.once = torch.nn.Linear(3, 3, bias=False)
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.LSTM(3, 3))
        self.sizes, self.table, self.tensor, self.counts = [1, 2], {"a": 1.5}, torch.arange(3), Counts(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.layers(x)[0]) + self.many[1] + self.twice.weight[0] * self.counts.n


def script(kind: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    net: Any = Net().eval()
    make = {"script": torch.jit.script, "trace": lambda net: torch.jit.trace(net, torch.ones(2, 2)), "freeze": lambda net: torch.jit.freeze(torch.jit.script(net))}
    file = io.BytesIO()
    torch.jit.save(make[kind](net), file)
    return tuple(library.jit.load(io.BytesIO(file.getvalue())) for library in (torch, minidl))  # type: ignore[return-value]


@pytest.mark.parametrize("kind", ["script", "trace", "freeze"])
def test_modules_of_an_archive(kind: str) -> None:
    theirs, ours = script(kind)
    assert repr(ours) == repr(theirs) and isinstance(ours, minidl.jit.ScriptModule) and ours.training == (kind == "freeze")
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    for walk in ("named_parameters", "named_buffers"):
        have, want = list(getattr(ours, walk)()), list(getattr(theirs, walk)())
        assert [name for name, _ in have] == [name for name, _ in want]
        for (_, x), (_, y) in zip(have, want, strict=True):
            assert x.requires_grad == y.requires_grad and repr(x.dtype) == repr(y.dtype)
            np.testing.assert_array_equal(x.detach().numpy(), y.detach().numpy())
    assert list(ours.state_dict()) == list(theirs.state_dict()) and (len(ours.state_dict()) > 0) == (kind != "freeze")
    with pytest.raises(RuntimeError, match=f"^{theirs.original_name}: there is no interpreter of TorchScript here"):
        ours(minidl.ones(2, 2))


def test_attributes_of_an_archive() -> None:
    _, ours = script("script")
    assert ours.sizes == [1, 2] and ours.table == {"a": 1.5} and ours.tensor.tolist() == [0, 1, 2] and ours.counts.n == 2
    assert ours.once.weight is ours.twice.weight and "tensor" not in ours.state_dict()


def test_what_is_no_archive_or_no_checkpoint() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), file)
    for options in ({}, {"weights_only": False}):
        with pytest.raises(pickle.UnpicklingError, match=r"a TorchScript archive, which holds a program; its tensors are in jit\.load\(f\)\.state_dict\(\)"):
            minidl.load(io.BytesIO(file.getvalue()), **options)
    with pytest.raises(RuntimeError, match=r"^jit\.load: BytesIO: not loaded: no TorchScript archive: it has no constants\.pkl$"):
        minidl.jit.load(saved(torch, {"w": torch.ones(2)}))
    with pytest.raises(RuntimeError, match="not loaded: File is not a zip file"):
        minidl.jit.load(io.BytesIO(b"else"))
    with pytest.raises(ValueError, match=r"^The provided filename nowhere\.pt does not exist$"):
        minidl.jit.load("nowhere.pt")
    with zipfile.ZipFile(file) as source:
        records = {name.partition("/")[2]: source.read(name) for name in source.namelist()}
    linear = next(name for name in records if "linear" in name and name.endswith(".py"))
    with pytest.raises(RuntimeError, match=r"the program of '__torch__\.torch\.nn\.modules\.linear.*' is missing"):
        minidl.jit.load(archive({name: data for name, data in records.items() if name != linear}))
    with pytest.raises(RuntimeError, match="its object is no module"):
        minidl.jit.load(archive({**records, "data.pkl": b"\x80\x02N."}))
