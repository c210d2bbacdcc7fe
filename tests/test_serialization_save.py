"""What `save` leaves behind: whole files, memory once, and what the standard copies make of tensors."""

from __future__ import annotations

import copy
import errno
import io
import mmap
import os
import pickle
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl import serialization

ROOT = Path(__file__).parent.parent


def again(value: Any, **kwargs: Any) -> Any:
    file = io.BytesIO()
    minidl.save(value, file, **kwargs)
    file.seek(0)
    return minidl.load(file)


def child(code: str, *args: Any, **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **kwargs)


# ---- paths


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "run.pt"
    code = """if True:
        import sys, minidl
        step = 0
        while True:
            state = {"step": step, "x": minidl.full((500_000,), float(step))}
            minidl.save(state, sys.argv[1], _use_new_zipfile_serialization=bool(int(sys.argv[2])))
            step += 1
            print(step, flush=True)
    """
    rng = random.Random(1)
    for _ in range(5):
        process = child(code, path, int(zipped))
        process.stdout.readline()  # a whole file exists from now on
        time.sleep(rng.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        state = minidl.load(path)
        assert state["x"].shape == (500_000,) and (state["x"].numpy() == state["step"]).all()
    assert {p.name for p in tmp_path.iterdir() if p.suffix != ".tmp"} == {"run.pt"}


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    class Broken:
        def __reduce__(self) -> Any:
            raise KeyboardInterrupt

    path = tmp_path / "run.pt"
    minidl.save(1, path)
    for value, error in ((Broken(), KeyboardInterrupt), (lambda: 0, (pickle.PicklingError, AttributeError))):
        for where in (path, tmp_path / "new.pt"):
            with pytest.raises(error):
                minidl.save({"x": minidl.ones(2), "broken": value}, where)
    assert os.listdir(tmp_path) == ["run.pt"] and minidl.load(path) == 1


def test_permissions_links_and_long_names(tmp_path: Path) -> None:
    path, link, long = tmp_path / "real.pt", tmp_path / "link.pt", tmp_path / ("n" * 251 + ".pt")
    minidl.save(1, str(path))
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o600)
    link.symlink_to(path)
    minidl.save(2, link)
    assert link.is_symlink() and minidl.load(path) == 2 and stat.S_IMODE(path.stat().st_mode) == 0o600
    minidl.save(3, long)
    assert minidl.load(long) == 3 and len(os.listdir(tmp_path)) == 3


def test_devices_and_pipes_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    minidl.save(minidl.ones(3), os.devnull)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for zipped in (True, False):
        reader = child("import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read().hex().encode())", pipe)
        minidl.save([minidl.arange(4)], pipe, _use_new_zipfile_serialization=zipped)
        raw = bytes.fromhex(reader.communicate()[0])
        assert minidl.load(io.BytesIO(raw))[0].tolist() == torch.load(io.BytesIO(raw))[0].tolist() == [0, 1, 2, 3]


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    for path, number in ((tmp_path / "missing" / "x.pt", errno.ENOENT), (tmp_path / "file" / "x.pt", errno.ENOTDIR), (tmp_path, errno.EISDIR)):
        (tmp_path / "file").touch()
        with pytest.raises(OSError, match=str(path)) as caught:
            minidl.save(1, path)
        assert caught.value.errno == number
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        code = """if True:
            import os, sys, minidl
            minidl.save(1, "/dev/null")
            if os.geteuid() == 0:  # to whom nothing is read-only
                os.setuid(65534)
            try:
                minidl.save(1, sys.argv[1] + "/x.pt")
            except PermissionError as error:
                print(error)
        """
        out, err = child(code, folder).communicate()
        assert (out.strip(), err) == (f"[Errno 13] save: Permission denied: '{folder}/x.pt'", "") and os.listdir(folder) == []


def test_a_stream_needs_no_more_than_write_and_flush() -> None:
    class Stream:
        def __init__(self) -> None:
            self.parts: list[bytes] = []
            self.flush = lambda: None

        def write(self, data: Any) -> int:
            self.parts.append(bytes(data))
            return len(data)

    for zipped in (True, False):
        stream = Stream()
        minidl.save({"x": minidl.arange(3)}, stream, _use_new_zipfile_serialization=zipped)
        for library in (minidl, torch):
            assert library.load(io.BytesIO(b"".join(stream.parts)))["x"].tolist() == [0, 1, 2]


# ---- memory


def test_memory_is_written_once_and_whole() -> None:
    base = minidl.zeros(100_000)
    file = io.BytesIO()
    minidl.save([base, base[10:20], base.reshape(100, 1000).t(), base.unfold(0, 5, 1), base[:1].expand(7)], file)
    assert 400_000 < len(file.getvalue()) < 402_000
    file.seek(0)
    views = minidl.load(file)
    views[0][10] = 1.0
    assert views[1][0] == 1.0 and views[2][10, 0] == 1.0 and views[3][6, 4] == 1.0 and views[4].stride() == (0,)


def test_memory_that_is_not_numpys_own(tmp_path: Path) -> None:
    raw = np.arange(12, dtype="f4").tobytes()
    path = tmp_path / "raw"
    path.write_bytes(raw)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        sources = {"bytes": np.frombuffer(raw, "f4"), "memmap": np.memmap(path, "f4", "r"), "mmap": np.frombuffer(mapped, "f4").copy(),
                   "offset": np.memmap(path, "f4", "c", offset=8), "torch": torch.arange(12.0).numpy()}
    for name, array in sources.items():
        for view in (array, array[3:7], array[::2], array[:8].reshape(2, 4).T):
            np.testing.assert_array_equal(again(minidl.from_numpy(view)).numpy(), view, err_msg=name)


def test_memory_that_pytorch_has_no_view_of_is_copied() -> None:
    records = np.zeros(4, [("x", "f4"), ("flag", "u1")])
    records["x"] = [1, 2, 3, 4]
    mixed = np.zeros(4, [("x", "i4"), ("y", "f4")])
    mixed["y"] = [5, 6, 7, 8]
    unaligned = np.frombuffer(b"\0" + np.arange(3, dtype="f8").tobytes() + b"\0" * 7, "u1")[1:25].view("f8")
    gaps = np.from_dlpack(torch.arange(12.0).reshape(4, 3)[:, :2])
    cases = [np.arange(6.0)[::-1], np.arange(6).reshape(2, 3)[:, ::-1].T, records["x"], mixed["y"], unaligned, gaps, np.arange(3.0)[:1][::-1]]
    for array in cases:
        for zipped in (True, False):
            np.testing.assert_array_equal(again(minidl.core.wrap(array), _use_new_zipfile_serialization=zipped).numpy(), array)


def test_one_memory_under_two_types_is_refused_as_in_pytorch() -> None:
    x, y = minidl.ones(2), torch.ones(2)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data as different types"):
        minidl.save([x, x.view(minidl.int32)], io.BytesIO())
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data as different types"):
        torch.save([y, y.view(torch.int32)], io.BytesIO())
    np.testing.assert_array_equal(again(x.view(minidl.int32)).numpy(), y.view(torch.int32).numpy())


# ---- copies by the standard library, and other formats


@pytest.mark.parametrize("twin", [copy.deepcopy, *(lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(2, 6))])
def test_copies_of_tensors(twin: Any) -> None:
    x = minidl.arange(6.0).reshape(2, 3).t().requires_grad_()
    x.note = "kept"
    values = [x, minidl.nn.Parameter(minidl.ones(2), requires_grad=False), minidl.tensor(True), minidl.zeros(0, 2),
              minidl.nn.Buffer(minidl.ones(1), persistent=False), minidl.ones(2, dtype=minidl.float16)]
    for have, want in zip(twin(values), values):
        assert type(have) is type(want) and have.requires_grad == want.requires_grad and have.dtype is want.dtype
        np.testing.assert_array_equal(have.detach().numpy(), want.detach().numpy())
        assert not np.shares_memory(have.detach().numpy(), want.detach().numpy())
    assert twin(x).note == "kept" and twin([x, x])[0].stride() == (1, 3) and twin(values)[4].persistent is False
    same = twin([x, x])
    assert same[0] is same[1]


def test_npz_and_safetensors(tmp_path: Path) -> None:
    state = {"a.weight": minidl.arange(6.0).reshape(2, 3).t(), "n": minidl.tensor(3), "flag": minidl.tensor([True, False])}
    serialization.save_npz(state, tmp_path / "x.npz")
    serialization.save_safetensors(state, tmp_path / "x.safetensors", {"by": "a test"})
    for have in (serialization.load_npz(tmp_path / "x.npz"), serialization.load_safetensors(tmp_path / "x.safetensors"),
                 minidl.load(tmp_path / "x.safetensors")):
        assert sorted(have) == sorted(state)
        for name, want in state.items():
            assert have[name].dtype is want.dtype
            np.testing.assert_array_equal(have[name].numpy(), want.numpy())
    np.savez(tmp_path / "objects.npz", x=np.array([None]))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        serialization.load_npz(tmp_path / "objects.npz")


def test_importing_minidl_does_not_import_this() -> None:
    code = "import sys, minidl; print([m for m in ('numpy', 'pickle', 'zipfile', 'minidl.serialization') if m in sys.modules]); minidl.save"
    code += "; import minidl.nn; assert 'minidl.serialization' in sys.modules"
    assert child(code).communicate() == ("[]\n", "")
