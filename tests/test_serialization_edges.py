"""What a file holds and who is trusted, to the byte: alignment, permissions, nested trust, the parts of tuples."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl import serialization
from minidl.serialization import trust


@pytest.mark.parametrize("key", ["a", "a name of another length"])
def test_every_storage_begins_at_a_multiple_of_64(tmp_path: Path, key: str) -> None:
    path = tmp_path / "state.pt"
    minidl.save({key: minidl.arange(3), key + "2": [minidl.ones(n) for n in (1, 7, 100)]}, path)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        storages = [info for info in archive.infolist() if "/data/" in info.filename]
    assert len(storages) == 4
    for info in storages:
        name, extra = (int.from_bytes(raw[info.header_offset + at:info.header_offset + at + 2], "little") for at in (26, 28))
        assert (info.header_offset + 30 + name + extra) % 64 == 0
    assert all(np.array_equal(minidl.load(path, mmap=True)[key].numpy(), v) for v in (np.arange(3),))


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    minidl.save(minidl.ones(1), path)
    path.chmod(0o604)
    minidl.save(minidl.zeros(1), path)
    assert path.stat().st_mode & 0o777 == 0o604 and float(minidl.load(path)) == 0


def test_a_file_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: Any) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: done.append("fsync") or fsync(f))
    monkeypatch.setattr(os, "replace", lambda a, b: done.append("replace") or replace(a, b))
    minidl.save(minidl.ones(1), tmp_path / "state.pt")
    assert done == ["fsync", "replace"]


def test_strides_of_dimensions_of_size_one_say_nothing(tmp_path: Path) -> None:
    t = minidl.arange(6).reshape(6, 1, 1)[:, :, 0]
    file = io.BytesIO()
    minidl.save([t, minidl.arange(12).reshape(3, 4)[:, 1:2], minidl.arange(12).reshape(3, 4).t()[2:]], file)
    file.seek(0)
    have, want = (lib.load(io.BytesIO(file.getvalue())) for lib in (minidl, torch))
    for h, w in zip(have, want, strict=True):
        assert np.array_equal(h.numpy(), w.numpy()) and h.storage_offset() == w.storage_offset()
        assert [s for s, n in zip(h.stride(), h.shape) if n > 1] == [s for s, n in zip(w.stride(), w.shape) if n > 1]


def test_trust_is_given_back_to_what_it_was() -> None:
    serialization.add_safe_globals([Fraction])
    try:
        with serialization.safe_globals([complex]):
            assert serialization.get_safe_globals() == [Fraction, complex]
        assert serialization.get_safe_globals() == [Fraction]
    finally:
        serialization.clear_safe_globals()


def test_a_tuple_that_doubles_is_refused_by_its_parts(monkeypatch: Any) -> None:
    """Few bytes, few levels, and more parts than memory holds when somebody walks over them."""
    monkeypatch.setattr(trust, "MAX_PARTS", 1000)
    monkeypatch.setattr(trust, "MAX_DEPTH", 100)
    nested: Any = (1, 2)
    for _ in range(12):
        nested = (nested, nested)
    file = io.BytesIO()
    torch.save(nested, file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="tuples within tuples, .* deep and of .* parts"):
        minidl.load(file)


def test_attributes_of_a_state_dict_are_its_metadata_alone() -> None:
    state = torch.nn.Linear(1, 1).state_dict()
    state.other = 3  # type: ignore[attr-defined]
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded = minidl.load(file)
    assert loaded._metadata == {"": {"version": 1}} and not hasattr(loaded, "other")
