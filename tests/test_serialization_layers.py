"""Whole models of a program's own classes, and names as older Pythons and PyTorches wrote them."""

from __future__ import annotations

import collections
import pickle
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl import serialization

from .test_serialization import FORMATS, saved

NAME = "a_program_of_layers"


def program(library: Any) -> ModuleType:
    """A module with a layer in it, and other things."""
    class Net(library.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.ReLU())
            self.register_buffer("shift", library.ones(4))
            self.names = ["a", "b"]

        def __getnewargs__(self) -> tuple[str, ...]:
            return "as", "metrics", "do"

        def forward(self, x: Any) -> Any:
            return self.body(x) + self.shift

    module: Any = ModuleType(NAME)
    module.Net, module.Other, module.make = Net, type("Other", (), {}), lambda: Net()
    for thing in (Net, module.Other, module.make):
        thing.__module__ = NAME
    Net.__qualname__ = module.make.__qualname__ = "Net"
    module.make.__qualname__ = module.make.__name__ = "make"
    return module


@FORMATS
@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
def test_layers_of_the_running_program(zipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = program(torch)
    monkeypatch.setitem(sys.modules, NAME, theirs)
    model = theirs.Net().eval()
    file, other, call = saved(torch, model, zipped), saved(torch, theirs.Other(), zipped), saved(torch, theirs.make, zipped)
    ours = program(minidl)
    monkeypatch.setitem(sys.modules, NAME, ours)
    with pytest.raises(pickle.UnpicklingError, match=f"'{NAME}.Net' is a layer, which is built only with weights_only=False"):
        minidl.load(file)
    file.seek(0)
    read = minidl.load(file, weights_only=False)
    assert type(read) is ours.Net and read.names == ["a", "b"] and not read.training and repr(read) == repr(model)
    x = np.linspace(-1, 1, 6, dtype="f4").reshape(2, 3)
    np.testing.assert_allclose(read(minidl.tensor(x)).detach().numpy(), model(torch.tensor(x)).detach().numpy(), rtol=1e-6)
    again = minidl.load(saved(minidl, read, zipped), weights_only=False)
    assert type(again) is ours.Net and (again.shift.numpy() == 1).all()
    for refused in (other, call):  # no layers: neither their classes nor their functions are the file's to use
        with pytest.raises(pickle.UnpicklingError, match="not among the things .* import it, if it is a layer, or allow it by"):
            minidl.load(refused, weights_only=False)
    monkeypatch.delitem(sys.modules, NAME)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=f"'{NAME}.Net' is not among the things"):
        minidl.load(file, weights_only=False)
    assert NAME not in sys.modules


@FORMATS
@pytest.mark.parametrize("protocol", [2, 4])
def test_types_as_values(zipped: bool, protocol: int) -> None:
    """Protocol 2 spells int and str as Python 2 did."""
    value = {"types": [int, str, float, bool, tuple, list, dict, set], "counts": collections.defaultdict(int, a=1), "texts": collections.defaultdict(str)}
    for library in (torch, minidl):
        read = minidl.load(saved(library, value, zipped, pickle_protocol=protocol))
        assert read == value and read["counts"]["none"] == 0 and read["texts"]["none"] == ""
    assert serialization.get_unsafe_globals_in_checkpoint(saved(torch, value, pickle_protocol=protocol)) == []


@FORMATS
def test_layers_of_pytorch_before_1_3(zipped: bool) -> None:
    """They kept the functions of a backend, which PyTorch's own reader makes None."""
    from torch.nn.backends.thnn import _get_thnn_function_backend

    class Backend:
        def __reduce__(self) -> Any:
            return _get_thnn_function_backend, ()

    linear = torch.nn.Linear(2, 1)
    linear._backend = Backend()  # type: ignore[assignment]
    assert torch.load(saved(torch, linear, zipped), weights_only=False)._backend is None
    read = minidl.load(saved(torch, linear, zipped), weights_only=False)
    assert read._backend is None and read.weight.tolist() == linear.weight.tolist()


@FORMATS
@pytest.mark.parametrize(("build", "name"), [
    (lambda T: T.nn.Conv2d(2, 3, 1), "padding_mode"), (lambda T: T.nn.LSTM(2, 3), "proj_size"), (lambda T: T.nn.Softmax(1), "dim"),
    (lambda T: T.nn.Upsample(scale_factor=2), "recompute_scale_factor")], ids=lambda value: str(value))
def test_what_older_states_lack(zipped: bool, build: Any, name: str) -> None:
    layer = build(torch)
    vars(layer).pop(name)
    file = saved(torch, layer, zipped)
    theirs = torch.load(file, weights_only=False)
    file.seek(0)
    ours = minidl.load(file, weights_only=False)
    assert getattr(ours, name) == getattr(theirs, name) and repr(ours) == repr(theirs)
