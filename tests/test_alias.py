"""The package under another name in `sys.modules`: its submodules are found, once."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import minidl
from minidl.alias import Alias, install


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setitem(sys.modules, "othername", minidl)
    yield "othername"
    for name in [name for name in sys.modules if name.startswith("othername.")]:
        del sys.modules[name]


@pytest.mark.parametrize("part", ["nn", "nn.functional", "nn.modules.batchnorm", "nn.utils.rnn", "utils.data", "optim.lr_scheduler", "cuda.amp",
                                  "backends.cudnn", "models", "transforms.functional", "autograd"])
def test_a_submodule_under_another_name_is_the_one_there_is(other: str, part: str) -> None:
    own = importlib.import_module(f"minidl.{part}")
    spec = own.__spec__
    assert importlib.import_module(f"{other}.{part}") is own
    assert own.__spec__ is spec and spec is not None and spec.name == own.__name__ == f"minidl.{part}"


def test_a_part_alone_under_another_name(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.setitem(sys.modules, "vision", ModuleType("vision"))
    monkeypatch.setitem(sys.modules, "vision.models", minidl.models)
    assert importlib.import_module("vision.models.resnet") is importlib.import_module("minidl.models.resnet")
    del sys.modules["vision.models.resnet"]


def test_what_is_not_there_is_named_as_it_was_asked_for(other: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'othername\.nn\.nothing'"):
        importlib.import_module("othername.nn.nothing")
    with pytest.raises(ModuleNotFoundError, match=r"'othername\.amp' is not a package"):
        importlib.import_module("othername.amp.nothing")


def test_other_packages_are_left_alone() -> None:
    assert Alias.find_spec("minidl.nn") is None
    assert Alias.find_spec("json.tool") is None
    assert Alias.find_spec("json") is None
    install()
    assert sys.meta_path.count(Alias) == 1


PROGRAM = """
import sys
import minidl
sys.modules["torch"] = minidl
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.nn.modules.utils import _pair
from torch.utils.data import DataLoader, TensorDataset
import torch
net = nn.Linear(2, 1)
sgd = optim.SGD(net.parameters(), lr=0.1)
for x, y in DataLoader(TensorDataset(torch.ones(4, 2), torch.zeros(4, 1)), batch_size=2):
    F.mse_loss(net(x), y).backward()
    sgd.step()
assert isinstance(net, minidl.nn.Module) and nn is minidl.nn and torch.nn is nn and _pair(1) == (1, 1)
assert not [name for name, module in sys.modules.items() if module.__name__.startswith("torch")]
"""


def test_a_program_written_for_the_other_name() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_every_module_imports_under_the_other_name(other: str) -> None:
    for found in pkgutil.walk_packages(minidl.nn.__path__, "nn."):
        assert importlib.import_module(f"{other}.{found.name}").__name__ == f"minidl.{found.name}"
