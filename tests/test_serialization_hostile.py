"""What a file may not do: every harmful or damaged checkpoint ends in an UnpicklingError that names the file and the reason."""

from __future__ import annotations

import collections
import io
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import minidl

from . import hostile

ROOT = Path(__file__).parent.parent


def run(*args: Any) -> dict[str, Any]:
    """The report of a process that may use little memory, and do nothing but read."""
    command = [sys.executable, "-m", "tests.hostile", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["megabytes"] < 64, report
    return report["result"]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    return run()


FILES = hostile.files()


@pytest.mark.parametrize("what", FILES)
def test_harmful_files(outcomes: dict[str, Any], what: str) -> None:
    for outcome in outcomes[what]:
        assert re.search(FILES[what][1], outcome), outcome


@pytest.mark.parametrize("harm", ["os.system('true')", "open('harm', 'w')", "eval('1')", "__import__('wave')", "os.fork()"])
def test_the_watch_sees_harm(tmp_path: Path, harm: str) -> None:
    code = f"""if True:
        import os, sys, minidl
        from tests import hostile
        class Harmful:
            def __setstate__(self, state):
                {harm}
        minidl.serialization.add_safe_globals([(Harmful, "harm.Harmful")])
        file = hostile.archive(hostile.name("harm.Harmful") + b")" + bytes([129]) + b"}}b.")
        hostile.attempt(hostile.Path(sys.argv[1]), hostile.archive(hostile.tensor() + b"."))
        sys.addaudithook(lambda event, args: hostile.watch(event, args) if hostile.state["watching"] else None)
        hostile.attempt(hostile.Path(sys.argv[1]), file)
    """
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x.pt"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "tests.hostile.Harm" in done.stderr


def test_mutations_of_good_files() -> None:
    result = run(400, 1)
    assert result["refused"] > 250 and result["loaded"] > 20 and sum(result.values()) == 400


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_truncated_everywhere(tmp_path: Path, zipped: bool) -> None:
    file, path = io.BytesIO(), tmp_path / "short.pt"
    torch.save({"a": torch.arange(10), "b": [torch.ones(3, dtype=torch.float16), "text"]}, file, _use_new_zipfile_serialization=zipped)
    whole = file.getvalue()
    for length in range(0, len(whole), 7 if zipped else 1):
        path.write_bytes(whole[:length])
        with pytest.raises(pickle.UnpicklingError, match=f"^{path}: not loaded: .{{10}}"):
            minidl.load(path)
        if zipped and length > 4:
            with pytest.raises(pickle.UnpicklingError, match=f"^{path}: not loaded: .{{10}}"):
                minidl.load(path, mmap=True)


@pytest.mark.parametrize("make", [hostile.archive, hostile.legacy])
def test_a_dict_of_the_files_keeps_its_methods(make: Any) -> None:
    state = hostile.value({"items": 1, "__class__": 2, "_metadata": {"version": 1}, "x": 3})
    pkl = b"(" + hostile.tensor() + hostile.call("collections.OrderedDict") + state + b"bl."
    _, found = minidl.load(io.BytesIO(make(pkl)))
    assert type(found) is collections.OrderedDict and list(found.items()) == [] and vars(found) == {"_metadata": {"version": 1}}


def test_attributes_of_a_tensor_are_not_the_files_to_set() -> None:
    state = {"_data": None, "_counter": 1, "shape": (3,), "backward": 1, "__class__": 2, 5: 6, "note": "kept"}
    parts = hostile.storage(), hostile.value(0), hostile.value((8,)), hostile.value((1,)), b"\x89", b"N"
    pkl = hostile.call("torch._tensor._rebuild_from_type_v2", hostile.name("torch._utils._rebuild_tensor_v2"),
                       hostile.name("torch.Tensor"), hostile.many(*parts), hostile.value(state)) + b"."
    x = minidl.load(io.BytesIO(hostile.archive(pkl)))
    assert x.tolist() == [0.0] * 8 and set(vars(x)) == {"_data", "_counter", "_rg", "note"} and x.shape == (8,)


def test_deep_lists_are_only_deep() -> None:
    found = minidl.load(io.BytesIO(hostile.archive(b"]" * 100_000 + b"a" * 99_999 + b".")))
    for _ in range(99_999):
        found, = found
    assert found == []


def test_bytes_of_bools_become_bools() -> None:
    raw = bytes([0, 1, 2, 255])
    pkl = hostile.tensor(0, (4,), (1,), hostile.storage(4, "0", "Bool")) + b"."
    for file in (hostile.archive(pkl, **{"data/0": raw}), hostile.legacy(pkl, tail=(4).to_bytes(8, "little") + raw)):
        x = minidl.load(io.BytesIO(file))
        assert x.tolist() == [False, True, True, True] and x.numpy().view("u1").tolist() == [0, 1, 1, 1]
