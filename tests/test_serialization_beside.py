"""What stands beside the tensors of real checkpoints, and safetensors files, as PyTorch and safetensors write and read them."""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import pickle
import random
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import minidl
from minidl import serialization

ZIPPED = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(obj: Any, zipped: bool = True, protocol: int = 2) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(obj, file, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    file.seek(0)
    return file


@ZIPPED
def test_packed_sequences(zipped: bool) -> None:
    for lib in (torch, minidl):
        sequence = lib.nn.utils.rnn.pack_sequence([lib.ones(2), lib.zeros(3)], enforce_sorted=False)
        file = io.BytesIO()
        lib.save({"x": sequence}, file, _use_new_zipfile_serialization=zipped)
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="no part of the weights, which is built only with weights_only=False"):
            minidl.load(file)
        file.seek(0)
        have = minidl.load(file, weights_only=False)["x"]
        assert type(have) is minidl.nn.utils.rnn.PackedSequence
        assert [t.tolist() for t in have] == [t.tolist() for t in sequence]
    with pytest.raises(pickle.UnpicklingError, match="expected the four tensors of a packed sequence"):
        serialization.beside.packed(minidl.ones(1), 2, None, None)


def numbers(have: Any, want: Any) -> None:
    assert type(have) is type(want) and have.dtype == want.dtype and have.flags.writeable and have.flags.f_contiguous == want.flags.f_contiguous
    np.testing.assert_array_equal(have, want)


ARRAYS = [np.arange(6.0).reshape(2, 3), np.arange(6, dtype=np.float32).reshape(2, 3).T, np.zeros((0, 3), np.int8), np.array(2.5), np.array([True]),
          np.arange(4, dtype=">i4"), np.array([1 + 2j])]


@ZIPPED
def test_a_training_scripts_checkpoint(zipped: bool) -> None:
    random.seed(0)
    arguments = argparse.Namespace(lr=0.1, name="run", out=pathlib.Path("a/b"), inner=argparse.Namespace(steps=[1, 2]))
    checkpoint = {"epoch": 3, "args": arguments, "settings": SimpleNamespace(width=2), "model": torch.nn.Linear(2, 1).state_dict(),
                  "python": random.getstate(), "numpy": np.random.RandomState(0).get_state(), "arrays": ARRAYS,
                  "windows": pathlib.PureWindowsPath("c:/x"), "pure": pathlib.PurePosixPath("a", "b"), "best": np.float32(0.5)}
    for protocol in (2, 3):
        with pytest.raises(pickle.UnpicklingError, match=r"built only with weights_only=False"):
            minidl.load(saved(checkpoint, zipped, protocol))
        have = minidl.load(saved(checkpoint, zipped, protocol), weights_only=False)
        assert have["args"] == arguments and type(have["args"].inner) is argparse.Namespace and have["settings"] == checkpoint["settings"]
        assert [have[k] for k in ("epoch", "python", "windows", "pure", "best")] == [checkpoint[k] for k in ("epoch", "python", "windows", "pure", "best")]
        assert isinstance(have["args"].out, pathlib.Path) and have["model"]["weight"].shape == (1, 2)
        for array, want in zip(have["arrays"], pickle.loads(pickle.dumps(ARRAYS, protocol)), strict=True):
            numbers(array, want)
        generator = np.random.RandomState(1)
        generator.set_state(have["numpy"])
        assert generator.randn() == np.random.RandomState(0).randn()


class Reduced:
    """Pickled as a call with a state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> Any:
        return self.parts


RECONSTRUCT = np.array(0.0).__reduce__()[0]
BEGIN = (np.ndarray, (0,), b"b")
FLOAT = np.dtype("f4")


@pytest.mark.parametrize(("parts", "words"), [
    ((RECONSTRUCT, BEGIN, (1, (3,), FLOAT, False, b"x" * 8)), r"sizes \[3\] does not fit 8 bytes"),
    ((RECONSTRUCT, BEGIN, (1, (-2,), FLOAT, False, b"")), "does not fit"),
    ((RECONSTRUCT, BEGIN, (1, (1 << 62, 4), FLOAT, False, b"")), "does not fit 0 bytes"),
    ((RECONSTRUCT, BEGIN, (1, (1,) * 65, FLOAT, False, b"x" * 4)), "does not fit"),
    ((RECONSTRUCT, BEGIN, (1, (2.0,), FLOAT, False, b"x" * 8)), "does not fit"),
    ((RECONSTRUCT, BEGIN, (1, [2], FLOAT, False, b"x" * 8)), "expected the sizes of a NumPy array, got list"),
    ((RECONSTRUCT, BEGIN, (1, (1,), "f4", False, b"x" * 4)), "expected the type of a NumPy array of numbers"),
    ((RECONSTRUCT, BEGIN, (1, (1,), FLOAT, 0, b"x" * 4)), "column-major, got int"),
    ((RECONSTRUCT, BEGIN, (1, (1,), FLOAT, False, ["x"])), "bytes of a NumPy array of numbers, got list"),
    ((RECONSTRUCT, BEGIN, (1, (1,), FLOAT)), "expected sizes, type, order and bytes"),
    ((RECONSTRUCT, BEGIN, [1]), "expected the state of a NumPy array, got list"),
    ((RECONSTRUCT, (float, (0,), b"b"), None), "expected a NumPy array"),
    ((np.ndarray, ((2,),)), "a call of ndarray, which a checkpoint does not need"),
    ((argparse.Namespace, ()), "a call of Namespace, which a checkpoint does not need"),
    ((pathlib.PurePosixPath, ("a", 1)), "expected a part of a path, got int"),
])
def test_what_was_tampered_with_is_refused(parts: Any, words: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=words):
        minidl.load(saved([Reduced(*[p for p in parts if p is not None])]), weights_only=False)


def test_arrays_of_objects_and_attributes_that_are_no_names_are_not_built() -> None:
    for array in (np.array([{}]), np.array(["text"])):
        with pytest.raises(pickle.UnpicklingError, match="expected the type of a NumPy number"):
            minidl.load(saved({"x": array}), weights_only=False)
    space = argparse.Namespace(a=1)
    vars(space)[5] = 2  # type: ignore[index]
    assert vars(minidl.load(saved(space), weights_only=False)) == {"a": 1}


# ---- safetensors


def test_safetensors_of_every_type(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {str(d): (torch.randn(2, 3, generator=generator) * 9).to(d) for d in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
    tensors |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5)}
    safetensors.torch.save_file(tensors, tmp_path / "x.safetensors", {"format": "pt"})
    have = minidl.load(tmp_path / "x.safetensors")
    assert have.keys() == tensors.keys()
    for name, want in tensors.items():
        want = want.float() if want.dtype == torch.bfloat16 else want
        assert repr(have[name].dtype) == repr(want.dtype) and have[name].shape == want.shape
        np.testing.assert_array_equal(have[name].numpy(), want.numpy())
    have["scalar"].add_(1)
    assert have["scalar"].item() == 3.5


def file_of(path: Path, header: Any, data: bytes = b"x" * 8, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(("header", "words"), [
    (b"{", "its header is damaged"), (b"[1]", "its header is damaged"), ({"w": {"dtype": "F32"}}, "its header is damaged"),
    ({"w": 1}, "its header is damaged"), (b"[" * 100_000, "its header is damaged"), (b"\xff{}", "its header is damaged"),
    ({"w": ENTRY | {"dtype": "F8_E5M2"}}, "w: tensors of type F8_E5M2 are not supported; the types are F64"),
    ({"w": ENTRY | {"shape": [3]}}, r"w: F32 of sizes \[3\] does not fit bytes 0 to 8 of 8"), ({"w": ENTRY | {"shape": [-2, -1]}}, "does not fit"),
    ({"w": ENTRY | {"data_offsets": [4, 12]}}, "does not fit"), ({"w": ENTRY | {"data_offsets": [-8, 0]}}, "does not fit"),
    ({"w": ENTRY | {"shape": [1 << 62, 4]}}, "does not fit"),
])
def test_damaged_safetensors_are_refused(tmp_path: Path, header: Any, words: str) -> None:
    with pytest.raises(ValueError, match=rf"x\.safetensors: .*{words}"):
        serialization.load_safetensors(file_of(tmp_path / "x.safetensors", header))


def test_what_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    for header, length in ((b"", 1 << 60), (b"{}", 11)):
        with pytest.raises(ValueError, match="not a safetensors file: its header would have"):
            serialization.load_safetensors(file_of(tmp_path / "x.safetensors", header, length=length))
    assert serialization.load_safetensors(file_of(tmp_path / "x.safetensors", {"__metadata__": {"format": "pt"}})) == {}


PROGRAM = """
import sys, minidl
sys.modules["torch"] = minidl
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, load_model, save, save_file, save_model
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
state, path = net.state_dict(), sys.argv[1]
same = lambda other: state.keys() == other.keys() and all(torch.equal(state[name], other[name]) for name in state)
save_file(state, path, {"format": "pt"})
assert same(load_file(path)) and same(load(save(state)))
with safe_open(path, framework="pt", device="cpu") as file:
    assert same({name: file.get_tensor(name) for name in file.keys()}) and torch.equal(file.get_slice("0.weight")[:2], state["0.weight"][:2])
save_model(net, path)
assert load_model(net, path) == (set(), [])
"""


def test_programs_that_use_the_safetensors_library(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "x.safetensors")], check=True, timeout=60)


@pytest.mark.parametrize("shared", [False, True])
def test_a_storage_over_a_file(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(16)))
    storage = minidl.UntypedStorage.from_file(path, shared, 16)
    assert storage.nbytes() == 16 and minidl.asarray(storage[4:8], dtype=minidl.uint8).tolist() == [4, 5, 6, 7]
    assert minidl.ones(3).storage().untyped().nbytes() == 12
    np.asarray(storage)[0] = 9
    assert path.read_bytes()[0] == (9 if shared else 0)
