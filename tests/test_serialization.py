"""Checkpoints go from PyTorch to minidl and back, in both formats, and mean the same."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import serialization

from .exchange import assert_same
from .test_modules import ROWS_TEXT, make

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def saved(library: Any, obj: Any, zipped: bool = True, **kwargs: Any) -> io.BytesIO:
    file = io.BytesIO()
    library.save(obj, file, _use_new_zipfile_serialization=zipped, **kwargs)
    file.seek(0)
    return file


def plain(value: Any) -> Any:
    """Tensors as (name of the class, requires_grad, strides of what has more than one element, array); types by name."""
    if isinstance(value, (torch.Tensor, minidl.Tensor)):
        strides = [s for n, s in zip(value.shape, value.stride()) if n > 1 and value.numel()]
        return type(value).__name__, value.requires_grad, strides, np.asarray(value.detach().numpy())
    if isinstance(value, dict):
        return {"type": type(value).__name__, "metadata": plain(getattr(value, "_metadata", None)), **{k: plain(v) for k, v in value.items()}}
    if isinstance(value, (torch.dtype, minidl.dtype, torch.device, minidl.device, torch.Size, minidl.Size)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value)
    return value


def both_ways(zipped: bool, build: Any) -> None:
    """`build(library)` survives torch -> minidl, minidl -> torch and minidl -> minidl."""
    ours, theirs = build(minidl), build(torch)
    want = plain(theirs)
    assert_same(plain(minidl.load(saved(torch, theirs, zipped))), want, rtol=0, atol=0)
    want = plain(ours)
    assert_same(plain(minidl.load(saved(minidl, ours, zipped))), want, rtol=0, atol=0)
    assert_same(plain(torch.load(saved(minidl, ours, zipped), weights_only=True)), want, rtol=0, atol=0)


@FORMATS
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(zipped: bool, dtype: str) -> None:
    def build(T: Any) -> Any:
        x = T.tensor([0, 1, 1, 2, 3, 100], dtype=getattr(T, dtype))
        return {"x": x, "scalar": x[5].clone(), "none": x[:0].clone(), "zero size": T.zeros(2, 0, 3, dtype=getattr(T, dtype)), "of": x.dtype}
    both_ways(zipped, build)


@FORMATS
def test_views_keep_their_strides_and_their_memory(zipped: bool) -> None:
    def build(T: Any) -> Any:
        x = T.arange(48.0).reshape(2, 3, 2, 4)
        last = x.clone().contiguous(memory_format=T.channels_last)
        return [x, x.permute(3, 1, 0, 2), x[:, 1:, ::2, 1], x[1, 2], x[0, 0, 0, 3], last, T.ones(3, 1).expand(3, 4), T.ones(()).expand(5),
                x[1:1], x.reshape(6, 8).t()]
    both_ways(zipped, build)
    for library, reader in ((torch, minidl), (minidl, torch), (minidl, minidl)):
        again = reader.load(saved(library, build(library), zipped))
        for i in (1, 2, 3, 4, 9):
            before = again[0].clone()
            again[i].fill_(-7.0)
            assert (again[0].numpy() == -7).sum() == again[i].numel()
            again[0].copy_(before)
        again[6][0, 0] = 5.0
        assert again[6].tolist()[0] == [5.0] * 4


@FORMATS
def test_values_of_other_types(zipped: bool) -> None:
    def build(T: Any) -> Any:
        counts = collections.Counter("abca")
        return {"size": T.ones(2, 3).shape, "dtype": T.int16, "device": T.device("cpu"), "set": {1, "two"}, "bytes": b"\x00\xff",
                "bytearray": bytearray(b"ab\xfe"), "complex": 1 - 2j, "counts": counts, "nested": [({"a": [T.ones(1), None]}, True)],
                "ints": (2**100, -1, 255, 65536), "float": float("inf"), "text": "naïve \U0001f642", 5: ("key", 1.5)}
    both_ways(zipped, build)


def test_values_that_pytorch_reads_only_with_weights_only_off() -> None:
    value = {"frozen": frozenset({1, 2}), "default": collections.defaultdict(list, a=[1]), "deque": collections.deque([1, 2], 5),
             **{code: np.array([1, 0], code)[0] for code in ("?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16")}}
    for zipped in (True, False):
        again = minidl.load(saved(torch, value, zipped))
        assert again == value and {k: type(v) for k, v in again.items()} == {k: type(v) for k, v in value.items()}
        assert again["deque"].maxlen == 5 and again["default"]["missing"] == []
        assert torch.load(saved(minidl, value, zipped), weights_only=False) == value
    for order, raw in (("<", b"\0\0\x80?"), (">", b"?\x80\0\0")):  # as NumPy writes it on either kind of machine
        dtype = b"cnumpy\ndtype\n(X\x02\0\0\0f4\x89\x88tR(K\x03X\x01\0\0\0" + order.encode() + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        data = b"\x80\x03cnumpy._core.multiarray\nscalar\n(" + dtype + b"C\x04" + raw + b"tR."
        assert minidl.load(archive({"data.pkl": data})) == np.float32(1)


@FORMATS
def test_parameters_buffers_and_attributes(zipped: bool) -> None:
    def build(T: Any) -> Any:
        p, fixed, noted = T.nn.Parameter(T.ones(2)), T.nn.Parameter(T.zeros(2), requires_grad=False), T.nn.Parameter(T.ones(1))
        x, leaf = T.ones(2), T.ones(1, requires_grad=True)
        noted.note, x.note = "a parameter's", [1]
        return [p, p, fixed, noted, x, leaf, leaf * 2]

    both_ways(zipped, build)
    for library, reader in ((torch, minidl), (minidl, torch), (minidl, minidl)):
        again = reader.load(saved(library, build(library), zipped))
        assert again[0] is again[1] and (again[3].note, again[4].note) == ("a parameter's", [1])
        assert again[6].is_leaf and again[6].requires_grad
        buffer = reader.load(saved(library, library.nn.Buffer(library.ones(3), persistent=False), zipped))
        assert isinstance(buffer, reader.nn.Buffer) and buffer.persistent is False and buffer.tolist() == [1.0] * 3
        lazy = library.nn.parameter.UninitializedParameter(requires_grad=False)
        again = reader.load(saved(library, {"w": lazy}, zipped), weights_only=False)["w"]
        assert type(again) is reader.nn.parameter.UninitializedParameter and not again.requires_grad


def net(T: Any) -> Any:
    T.manual_seed(3)
    model = T.nn.Sequential(T.nn.Conv2d(2, 3, 2), T.nn.BatchNorm2d(3), T.nn.Flatten(), T.nn.Linear(12, 3), T.nn.Linear(3, 3))
    model.tied = model[4]
    return model


@FORMATS
def test_state_dicts_of_a_training_run(zipped: bool) -> None:
    def build(T: Any) -> Any:
        model = net(T)
        optimizers = [T.optim.SGD(model.parameters(), 0.1, momentum=0.9), T.optim.AdamW(model.parameters(), amsgrad=True)]
        schedulers = [T.optim.lr_scheduler.MultiStepLR(optimizers[0], [1, 1, 4]), T.optim.lr_scheduler.OneCycleLR(optimizers[1], 1.0, 10)]
        model(T.arange(36.0).reshape(2, 2, 3, 3)).sum().backward()
        for step in (*optimizers, *schedulers):
            step.step()
        return [thing.state_dict() for thing in (model, *optimizers, *schedulers)]

    both_ways(zipped, build)
    ours, theirs = build(minidl), build(torch)
    state = minidl.load(saved(torch, theirs, zipped))
    assert type(state[0]) is collections.OrderedDict and state[0]._metadata == theirs[0]._metadata
    model = net(minidl)
    assert str(model.load_state_dict(state[0])) == "<All keys matched successfully>"
    minidl.optim.AdamW(model.parameters(), amsgrad=True).load_state_dict(state[2])
    again = net(torch)
    again.load_state_dict(torch.load(saved(minidl, ours, zipped))[0])
    for tied in (torch.load(saved(minidl, ours, zipped))[0], minidl.load(saved(torch, theirs, zipped))[0]):
        tied["4.weight"].fill_(2.0)
        assert (tied["tied.weight"].numpy() == 2.0).all()


@pytest.mark.parametrize("row", [row[0] for row in ROWS_TEXT if not row[0].startswith("Lazy")])
def test_whole_layers(row: str) -> None:
    theirs, ours = make(torch, row), make(minidl, row)
    for zipped in (True, False):
        read = minidl.load(saved(torch, theirs, zipped), weights_only=False)
        again = minidl.load(saved(minidl, read, zipped), weights_only=False)
        for module in (read, again):
            assert type(module) is type(ours) and repr(module) == repr(ours)
            assert_same(plain(module.state_dict()), plain(theirs.state_dict()), rtol=0)
            handle = module.register_forward_hook(lambda *args: None)
            handle.remove()
    with pytest.raises(pickle.UnpicklingError, match=rf"torch\.nn\.modules\.\w+\.{type(theirs).__name__}' is a layer.*weights_only=False"):
        minidl.load(saved(torch, theirs))


def test_a_read_network_computes_what_the_written_one_does() -> None:
    theirs = net(torch).eval()
    x = np.linspace(-1, 1, 36, dtype="f4").reshape(2, 2, 3, 3)
    ours = minidl.load(saved(torch, theirs), weights_only=False)
    np.testing.assert_allclose(ours(minidl.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)
    assert not ours.training and ours.tied is ours[4]


@FORMATS
def test_bfloat16_is_widened(zipped: bool) -> None:
    x = torch.tensor([1.5, -0.0, float("inf"), 3e38, 1e-40, float("nan")], dtype=torch.bfloat16)
    again = minidl.load(saved(torch, {"all": x, "part": x[1:3]}, zipped))
    assert again["all"].dtype == minidl.float32
    np.testing.assert_array_equal(again["all"].numpy(), x.float().numpy())
    again["part"].fill_(9.0)
    assert again["all"].tolist()[1:3] == [9.0, 9.0]


@FORMATS
@pytest.mark.parametrize(("value", "name"), [
    (torch.zeros(2, dtype=torch.uint16), "torch._utils._rebuild_tensor_v3"),
    (torch.eye(2).to_sparse(), "torch._utils._rebuild_sparse_tensor"), (torch.float8_e5m2, "torch.float8_e5m2"),
    (torch.complex32, "torch.complex32"), (torch.ones(2).untyped_storage(), "torch.storage.UntypedStorage")])
def test_kinds_of_tensors_that_are_not_here_are_refused_by_name(zipped: bool, value: Any, name: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=f"^BytesIO: not loaded: '{name}' is of a kind that this library does not have$"):
        minidl.load(saved(torch, value, zipped))


def archive(records: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, data in records.items():
            target.writestr("archive/" + name, data)
    file.seek(0)
    return file


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_big_endian(dtype: str) -> None:
    """The zip format has the machine's byte order; the one before always little-endian elements, after a length of either."""
    x = torch.tensor([[0, 1, 2], [3, 100, 1]]).to(getattr(torch, dtype))
    width = x.element_size()
    native = saved(torch, x)
    with zipfile.ZipFile(native) as source:
        records = {name.partition("/")[2]: source.read(name) for name in source.namelist()}
    swapped = np.frombuffer(records["data/0"], f"V{width}").view("u1").reshape(-1, width)[:, ::-1].tobytes()
    with pytest.raises(pickle.UnpicklingError, match="expected little or big as the byte order, got b'odd'"):
        minidl.load(archive(records | {"byteorder": b"odd"}))
    have = minidl.load(archive(records | {"data/0": swapped, "byteorder": b"big"}))
    np.testing.assert_array_equal(have.numpy(), x.to(torch.float32).numpy() if dtype == "bfloat16" else x.numpy())
    legacy = saved(torch, x, zipped=False).getvalue()
    size = struct.pack("<q", 6)
    assert legacy.count(size) == 1
    have = minidl.load(io.BytesIO(legacy.replace(size, struct.pack(">q", 6)).replace(b"little_endianq\x05\x88", b"little_endianq\x05\x89")))
    np.testing.assert_array_equal(have.numpy(), x.to(torch.float32).numpy() if dtype == "bfloat16" else x.numpy())


@FORMATS
@pytest.mark.parametrize("protocol", range(1, 6))
def test_protocols(zipped: bool, protocol: int) -> None:
    value = {"x": torch.arange(3), "size": (1, (2, 3)), "bytes": b"\xfe", "set": {1}, "int": 2**70}
    assert_same(plain(minidl.load(saved(torch, value, zipped, pickle_protocol=protocol))), plain(value))
    ours = saved(minidl, {**value, "x": minidl.arange(3)}, zipped, pickle_protocol=protocol)
    assert_same(plain(torch.load(ours, weights_only=False)), plain(value))
    with pytest.raises(ValueError, match="pickle_protocol 1 or higher"):
        minidl.save(1, io.BytesIO(), pickle_protocol=0)


@FORMATS
def test_files_that_begin_elsewhere(zipped: bool) -> None:
    for library, reader in ((torch, minidl), (minidl, torch), (minidl, minidl)):
        file = io.BytesIO()
        pickle.dump(404, file)
        library.save(library.arange(5), file, _use_new_zipfile_serialization=zipped)
        if not zipped:
            library.save([1], file, _use_new_zipfile_serialization=False)
        file.seek(0)
        assert pickle.load(file) == 404
        assert reader.load(file).tolist() == [0, 1, 2, 3, 4]
        assert zipped or reader.load(file) == [1]
    both = io.BytesIO(saved(torch, 1).getvalue() + saved(torch, 2).getvalue())
    with pytest.raises(pickle.UnpicklingError, match="more than one zip archive in a file"):
        minidl.load(both)


@pytest.mark.parametrize("library", [torch, minidl], ids=["torch", "minidl"])
def test_mmap(tmp_path: Any, library: Any) -> None:
    path = tmp_path / "x.pt"
    library.save({"w": library.arange(6.0).reshape(2, 3), "row": library.ones(4)[1:3], "empty": library.zeros(0)}, path)
    before = path.read_bytes()
    state = minidl.load(path, mmap=True)
    assert_same(plain(state), plain(minidl.load(path)))
    assert_same(plain(torch.load(path, mmap=True)), plain(state))
    owner = state["w"].numpy()
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert type(getattr(owner, "obj", owner)).__name__ == "mmap"
    state["w"].add_(1.0)
    assert state["w"].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] and path.read_bytes() == before
    again = minidl.load(saved(minidl, state))
    assert_same(plain(again), plain(state))
    assert len(saved(minidl, state["w"]).getvalue()) < 1500  # its own record, not the whole mapped file
    library.save({}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved in the zip format"):
        minidl.load(path, mmap=True)
    with pytest.raises(ValueError, match="f must be a path in order to use the mmap argument"):
        minidl.load(io.BytesIO(), mmap=True)


@given(st.data())
@FORMATS
def test_any_view(zipped: bool, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
    base = np.arange(np.prod(shape, dtype=int)).astype(data.draw(st.sampled_from(["f4", "i2", "?"]))).reshape(shape)
    base = base.transpose(data.draw(st.permutations(range(len(shape)))))
    steps = st.builds(slice, st.integers(-4, 4), st.none(), st.sampled_from([1, 2, 3, -1, -2]))
    view = base[(..., *data.draw(st.lists(steps, min_size=len(shape), max_size=len(shape))))]
    for x in (view, np.broadcast_to(view, (2, *view.shape))):
        file = saved(minidl, minidl.core.wrap(x), zipped)
        np.testing.assert_array_equal(minidl.load(file).numpy(), x)
        file.seek(0)
        np.testing.assert_array_equal(torch.load(file).numpy(), x)


def test_checksums_are_checked() -> None:
    file = saved(torch, torch.ones(100))
    raw = bytearray(file.getvalue())
    raw[raw.index(b"\0\0\x80?" * 10) + 17] ^= 4
    assert zlib.crc32(raw) != zlib.crc32(file.getvalue())
    with pytest.raises(pickle.UnpicklingError, match="record 'data/0' is damaged: its checksum is wrong"):
        minidl.load(io.BytesIO(bytes(raw)))


def test_arguments() -> None:
    file = saved(torch, torch.ones(1))
    for where in ("cpu", minidl.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage):
        file.seek(0)
        assert minidl.load(file, map_location=where).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="computes on the CPU only"):
        minidl.load(file, map_location="cuda")
    with pytest.raises(ValueError, match="no pickle_module but Python's"):
        minidl.load(file, pickle_module=zipfile)
    file.seek(0)
    for library in (torch, minidl):
        with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
            library.load(file, pickle_module=pickle, weights_only=True)
        file = saved(torch, torch.nn.Linear(2, 1))  # an explicit pickle_module means weights_only=False
        assert str(library.load(file, pickle_module=pickle)) == "Linear(in_features=2, out_features=1, bias=True)"
        file.seek(0)
    python2 = archive({"data.pkl": b"\x80\x02U\x02\xe9t."})
    assert minidl.load(python2, encoding="latin1") == "\xe9t"
    with pytest.raises(FileNotFoundError):
        minidl.load("no such file.pt")


def test_safe_globals_are_the_users_to_add() -> None:
    class Config:
        def __init__(self, width: int) -> None:
            self.width = width

    Config.__qualname__, Config.__module__ = "Config", "elsewhere.settings"
    named = [(Config, "elsewhere.settings.Config")]
    data = b"\x80\x02celsewhere.settings\nConfig\n)\x81}X\x05\0\0\0widthK\x07sb."
    with pytest.raises(pickle.UnpicklingError, match=r"'elsewhere.settings.Config' is not among .*add_safe_globals"):
        minidl.load(archive({"data.pkl": data}))
    for things in ([Config], named):
        with serialization.safe_globals(things):
            assert serialization.get_safe_globals() == things
            again = minidl.load(archive({"data.pkl": data}))
            assert type(again) is Config and again.width == 7
        assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([Config])
    assert minidl.load(archive({"data.pkl": data})).width == 7
    serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []


class Settings:
    """What no checkpoint may build unless its user allows it."""


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_names_that_would_be_refused(tmp_path: Path, protocol: int) -> None:
    value = {"a": torch.ones(2), "s": [Settings(), Settings()], "layer": torch.nn.Linear(1, 1), "set": {1}, "path": tmp_path, "d": torch.device("cpu")}
    path = tmp_path / "x.pt"
    torch.save(value, path, pickle_protocol=protocol)
    named = f"{__name__}.Settings"
    want = sorted([named, f"{type(tmp_path).__module__}.PosixPath", "torch.nn.modules.linear.Linear"])
    assert serialization.get_unsafe_globals_in_checkpoint(path) == want
    if protocol == 2:  # PyTorch reads no other; it does not call sets unsafe, nor are they here
        assert sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path)) == want
    with serialization.safe_globals([Settings]), open(path, "rb") as file:
        assert serialization.get_unsafe_globals_in_checkpoint(file) == [name for name in want if name != named]
    harmful = archive({"data.pkl": b"c__builtin__\neval\ncos\nsystem\n."})
    assert serialization.get_unsafe_globals_in_checkpoint(harmful) == ["builtins.eval", "os.system"]
    with pytest.raises(pickle.UnpicklingError, match=r"^BytesIO: not read: .*data.pkl"):
        serialization.get_unsafe_globals_in_checkpoint(archive({"x": b""}))
    with pytest.raises(pickle.UnpicklingError, match=r"^BytesIO: not read: .{10}"):
        serialization.get_unsafe_globals_in_checkpoint(archive({"data.pkl": b"\x80\x02cos"}))
    for library in (torch, minidl):
        with pytest.raises(ValueError, match="Expected input to be a checkpoint returned by torch.save"):
            library.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(b"no checkpoint"))
