"""The versions: the one that PyTorch code compares, and minidl's own."""

from __future__ import annotations

import configparser
import itertools
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch
from packaging.version import Version
from torch.torch_version import TorchVersion as PyTorchVersion

import minidl
from minidl.torch_version import TorchVersion
from minidl.version import RELEASE

VERSIONS = ["2.13.0+minidl.0.1.0", "2.13.0", "2.13", "2.13.0+cpu", "2.12.1", "2.9.1", "1.10", "1.10.0", "1.10.0a0", "v1.10.0rc1", "1.10.0.dev2", "1.10.0.post1", "3.0"]


def test_programs_that_compare_see_the_version_they_follow() -> None:
    assert minidl.__version__ == minidl.version.__version__ == f"2.13.0+minidl.{RELEASE}"
    assert minidl.__version__.split("+")[0] == torch.__version__.split("+")[0]
    assert [int(part) for part in minidl.__version__.split(".")[:2]] == [2, 13]
    assert Version(minidl.__version__) >= Version("2.13") > Version("1.10") and Version(minidl.__version__).local == f"minidl.{RELEASE}"
    assert Version("1.10") < minidl.__version__ and minidl.__version__ >= (1, 10) and not minidl.__version__ < "2.9"
    assert isinstance(minidl.__version__, TorchVersion) and {minidl.__version__: 1}[str(minidl.__version__)] == 1


def test_there_is_no_accelerator_to_have_a_version() -> None:
    names = ("cuda", "hip", "rocm", "xpu", "debug")
    assert [getattr(minidl.version, name) for name in names] == [getattr(torch.version, name) for name in names] == [None] * 4 + [False]
    assert minidl.version.git_version is None


@pytest.mark.parametrize(("a", "b"), list(itertools.product(VERSIONS, VERSIONS)))
def test_order_is_that_of_releases(a: str, b: str) -> None:
    ours = TorchVersion(a)
    for theirs, others in ((PyTorchVersion(a), [b]), (Version(a), [b, Version(b)])):
        of_theirs = others[-1]
        for other in others:
            assert (ours < other, ours <= other, ours > other, ours >= other, ours == other) == (
                theirs < of_theirs, theirs <= of_theirs, theirs > of_theirs, theirs >= of_theirs, theirs == of_theirs)
            assert (ours != other) is not (ours == other)


@pytest.mark.parametrize("other", [(1, 10), (2, 13, 0), (2, 9), [3], "parrot", "", None])
def test_tuples_and_what_is_no_version(other: object) -> None:
    ours, theirs = TorchVersion("2.13.0"), PyTorchVersion("2.13.0")
    assert (ours == other) is (theirs == other)
    if other is None:
        with pytest.raises(TypeError):
            ours < other  # noqa: B015
    else:
        assert (ours < other, ours >= other) == (theirs < other, theirs >= other)


def test_the_distribution_has_its_own_version() -> None:
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).parent.parent / "setup.cfg")
    assert settings["metadata"]["version"] == "attr: minidl.version.RELEASE"
    try:
        assert version("minidl") == RELEASE
    except PackageNotFoundError:
        assert RELEASE == "0.1.0"
    told = subprocess.run([sys.executable, "-m", "minidl", "--version"], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout == f"minidl {RELEASE}\n"
