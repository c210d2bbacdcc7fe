"""Checkpoints made to do harm, and a process that reads them with little memory and under watch.

``python -m tests.hostile`` reads every one of `files()` and prints what became of it; ``python -m tests.hostile COUNT SEED`` reads
COUNT random mutations of good files.
"""

from __future__ import annotations

import codecs
import collections
import io
import json
import pickle
import random
import resource
import struct
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl import nn
from minidl.serialization.read import MAGIC, PROTOCOL

SPARE = 256 << 20  # bytes of address space beyond what the process begins with


def archive(pkl: bytes, compression: int = zipfile.ZIP_STORED, **records: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, data in {"data.pkl": pkl, "data/0": bytes(32), **records}.items():
            target.writestr("archive/" + name, data)
    return file.getvalue()


def legacy(pkl: bytes, keys: Any = ("0",), tail: bytes = struct.pack("<q", 8) + bytes(32)) -> bytes:
    return b"".join(pickle.dumps(v, 2) for v in (MAGIC, PROTOCOL, {})) + pkl + pickle.dumps(list(keys), 2) + tail


# ---- pickles by hand: a value is the operations that leave it on the stack


def value(obj: Any) -> bytes:
    return pickle.dumps(obj, 2)[2:-1]


def name(full: str) -> bytes:
    module, _, last = full.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def many(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def call(full: str, *args: bytes) -> bytes:
    return name(full) + many(*args) + b"R"


def storage(count: Any = 8, key: str = "0", kind: str = "Float", *view: Any) -> bytes:
    return many(value("storage"), name(f"torch.{kind}Storage"), value(key), value("cpu"), value(count), *map(value, view)) + b"Q"


def tensor(offset: Any = 0, size: Any = (8,), stride: Any = (1,), memory: bytes | None = None) -> bytes:
    return call("torch._utils._rebuild_tensor_v2", storage() if memory is None else memory, value(offset), value(size), value(stride),
                b"\x89", call("collections.OrderedDict"))


ENDLESS = tensor(0, (2**50,), (0,))
LINEAR = name("torch.nn.modules.linear.Linear")

# Values of a data.pkl, and the reason that must be given.
PICKLES: dict[str, tuple[bytes, str]] = {
    **{f"call {full}": (call(full, value("touch harm")), f"'{full}' is not among") for full in (
        "os.system", "posix.system", "builtins.eval", "builtins.exec", "builtins.getattr", "builtins.__import__", "builtins.open",
        "subprocess.Popen", "pickle.loads", "numpy.load", "importlib.import_module", "minidl.serialization.trust.add_safe_globals",
        "operator.attrgetter", "functools.partial", "copyreg._reconstructor", "collections.namedtuple", "minidl.load")},
    "builtins of Python 2": (call("__builtin__.eval", value("1")), "'builtins.eval' is not among"),
    "a name within a name": (b"\x80\x04" + value("torch") + value("os.system") + b"\x93.", r"'torch.os.system' is of a kind that"),
    "globals of a function": (name("torch._utils._rebuild_tensor_v2.__globals__"), "'torch._utils._rebuild_tensor_v2.__globals__' is of"),
    "a name of control characters": (name("a.\x1b[31mred"), r"'a\.\\x1b\[31mred' is not among"),
    "a long name": (name("a." + "b" * 100_000), r"'a\.b{100,120} is not among"),
    "a function of layers, called": (call("torch.nn.functional.relu", ENDLESS), "torch.nn.functional.relu' is a layer|a call of relu"),
    **{f"the state of {what}": (target + value({"x": 1}) + b"b", f"the state of a {kind} may not be set") for what, target, kind in (
        ("a class", name("collections.OrderedDict"), "type"), ("a function", name("_codecs.encode"), "function"),
        ("a dtype", name("torch.float32"), "dtype"), ("a storage type", name("torch.FloatStorage"), "StorageType"),
        ("a storage", storage(), "Storage"), ("a tensor", tensor(), "Tensor"), ("a list", b"]", "list"), ("a set", b"\x8f", "set"),
        ("a parameter", call("torch._utils._rebuild_parameter", tensor()), "Parameter"), ("a device", call("torch.device"), "device"))},
    "the state of a NumPy dtype": (call("numpy.dtype", value("f4")) + value((3, "<" * 9, None)) + b"b", "expected the state of a NumPy"),
    "the attributes of a dict that are no dict": (call("collections.OrderedDict") + value(3) + b"b", "expected the attributes"),
    **{f"calling {kind}": (name(kind) + many(value(3)) + b"R", f"a call of {kind.rpartition('.')[2]}, which") for kind in (
        "builtins.int", "builtins.list", "builtins.dict", "builtins.str", "torch.Tensor")},
    "calling a dtype": (name("torch.float32") + b")R", "a call of dtype"),
    "calling a number": (value(3) + b")R", "a call of int"),
    "calling a layer's class": (LINEAR + many(value(10**6), value(10**6)) + b"R", "Linear' is a layer|a call of Linear"),
    "calling a layer": (LINEAR + b")\x81" + many(ENDLESS) + b"R", "Linear' is a layer|a call of Linear"),
    "calling a layer whose name is endless": (LINEAR + b")\x81}" + value("__name__") + b"]" + b"2\x86" * 20 + b"sb" + many() + b"R",
                                              "Linear' is a layer|a call of Linear"),
    "making a layer of sizes": (LINEAR + many(value(10**6), value(10**6)) + b"\x81", "Linear' is a layer|^loaded$|^the list of storages"),  # the sizes are ignored
    "making a Size": (name("torch.Size") + b")\x81", "an object made of Size"),
    "making a number": (value(1) + b")\x81", "an object made of int"),
    "arguments that are no tuple": (name("builtins.set") + ENDLESS + b"R", "expected arguments, got Tensor"),
    **{f"endless elements of {kind}": (call(kind, ENDLESS), "expected .*, got Tensor") for kind in (
        "builtins.set", "builtins.frozenset", "collections.deque", "collections.Counter", "collections.OrderedDict",
        "collections.defaultdict", "torch.Size", "builtins.bytearray", "_codecs.encode", "builtins.complex", "torch.device")},
    "endless pairs": (call("collections.OrderedDict", b"]" + ENDLESS + b"a"), "expected a pair, got Tensor"),
    "endless sizes": (call("torch._utils._rebuild_tensor_v2", storage(), value(0), ENDLESS, ENDLESS), "expected a tuple of sizes"),
    "appending to a tensor": (tensor() + value(1) + b"a", "a Tensor takes no elements"),
    "extending a layer": (name("torch.nn.modules.container.ModuleList") + b")\x81(" + ENDLESS + b"e", "ModuleList( takes|' is a layer)"),
    "an item of a tensor": (ENDLESS + value(0) + value(1) + b"s", "a Tensor takes no elements"),
    "items of a tensor": (ENDLESS + b"(" + value(0) + value(1) + b"u", "a Tensor takes no elements"),
    "elements for a list": (b"](" + value(0) + b"\x90", "a list takes no elements"),
    "an item without a value": (b"}(" + value(0) + b"u", "ValueError"),
    "an unhashable key": (b"}]" + value(1) + b"s", "TypeError: unhashable"),
    "an endless codec": (call("_codecs.encode", value(""), ENDLESS), "expected latin1 as the codec"),
    "an endless persistent id": (many(*[ENDLESS] * 5) + b"Q", "expected the type, name, device and length of a storage"),
    "a length as bytearray": (call("builtins.bytearray", value(2**40)), "expected text, got int"),
    "negative sizes": (tensor(0, (-1,), (1,)), "none of them negative"),
    "negative strides": (tensor(7, (8,), (-1,)), "none of them negative"),
    "a negative offset": (tensor(-1), "none of them negative"),
    "a fraction as size": (tensor(0, (1.0,), (1,)), "none of them negative"),
    "fewer strides than sizes": (tensor(0, (2, 2), (1,)), "as many strides"),
    "65 dimensions": (tensor(0, (1,) * 65, (1,) * 65), "up to 64 sizes"),
    "a view beyond its storage": (tensor(1), r"a tensor of sizes \[8\] and strides \[1\] at 1 goes beyond its storage of 8 elements"),
    "a stride beyond its storage": (tensor(0, (2,), (8,)), "goes beyond its storage of 8"),
    "huge sizes": (tensor(0, (2**62,), (1,)), "goes beyond its storage"),
    "huge strides": (tensor(0, (2,), (2**63,)), "goes beyond its storage"),
    "a huge offset": (tensor(2**63 - 4), "goes beyond its storage"),
    "numbers of many digits": (tensor(10**4000, (10**4000,), (10**4000,)), "goes beyond its storage|ValueError"),
    "an array beyond all memory": (tensor(0, (2**40, 2**40), (0, 0)), "ValueError"),
    "none of an endless many": (tensor(0, (0, 2**62, 2**62), (1, 1, 1)), "ValueError"),
    "a storage that is none": (tensor(0, (1,), (1,), value("0")), "expected a storage, got str"),
    "a parameter of no tensor": (call("torch._utils._rebuild_parameter", value(1)), "expected a tensor as a parameter's data, got int"),
    "a tensor built by another": (call("torch._tensor._rebuild_from_type_v2", name("_codecs.encode"), name("torch.Tensor"), many(), b"}"),
                                  "expected a type of tensor and how to build it"),
    "a tensor of another type": (call("torch._tensor._rebuild_from_type_v2", name("torch._utils._rebuild_tensor"), name("builtins.set"),
                                      many(), b"}"), "expected a type of tensor and how to build it"),
    "a storage of more than its record": (storage(9) + b".", r"(record 'data/0': )?expected 9 elements of 4 bytes, got 32|9 elements"),
    "a storage of endless length": (storage(2**62), "elements of 4 bytes"),
    "a storage of negative length": (storage(-1), "expected the type, name, device and length of a storage"),
    "a storage under two types": (many(storage(), storage(8, "0", "Int")), "one storage under two types of element"),
    "a persistent id of text": (b"P0\n", "operation 0x50 is none that a checkpoint needs"),
    "a persistent number": (value(0) + b"Q", "expected a persistent id, got int"),
    "a layer as a persistent id": (many(value("module"), name("builtins.list"), value(""), value("")) + b"Q)R", "expected the type|a call of list"),
    "deep tuples as a key": (b"}" + value(1) + b"\x85" * 200_000 + value(1) + b"s", "tuples within tuples, 101 deep"),
    "tuples doubled again and again": (b"}" + value(1) + b"2\x86" * 64 + value(1) + b"s", "tuples within tuples, 23 deep"),
    "a frame beyond the end": (b"\x80\x04\x95" + struct.pack("<Q", 2**60), "EOFError: it ends where 1152921504606846976 more bytes"),
    "text beyond the end": (b"\x80\x04\x8d" + struct.pack("<Q", 2**40), "EOFError: it ends where 1099511627776"),
    "bytes beyond the end": (b"\x80\x04B" + struct.pack("<I", 2**32 - 1), "EOFError: it ends where 4294967295"),
    "digits beyond the end": (b"\x8b" + struct.pack("<i", 2**31 - 1), "EOFError: it ends where 2147483647"),
    **{f"operation {code:#04x}": (bytes([code]), f"operation {code:#04x} is none that") for code in (
        pickle.EXT1[0], pickle.EXT2[0], pickle.EXT4[0], pickle.INST[0], pickle.OBJ[0], pickle.NEWOBJ_EX[0], pickle.BYTEARRAY8[0],
        pickle.NEXT_BUFFER[0], pickle.READONLY_BUFFER[0], 0)},
    "a memo that is not there": (b"h\x09", "UnpicklingError|KeyError|Memo value not found at index 9"),
    "an empty stack": (b"0", "IndexError"),
    "a NumPy object": (call("numpy.dtype", value("O8")), "expected the type of a NumPy number"),
    "a NumPy structure": (call("numpy.dtype", value("f4,f4")), "expected the type of a NumPy number"),
    "a scalar of too few bytes": (call("numpy._core.multiarray.scalar", call("numpy.dtype", value("f8")), value(1)), "expected the type and the"),
}


def files() -> dict[str, tuple[bytes, str]]:
    """Whole files, and the reason that must be given."""
    found = {}
    for what, (pkl, reason) in PICKLES.items():
        pkl += b"" if pkl.endswith(b".") else b"."
        found[f"{what}, zip"] = archive(pkl), reason
        found[f"{what}, legacy"] = legacy(pkl), reason
    good = archive(tensor() + b".")
    end = good.rindex(b"PK\5\6")
    central = good.index(b"PK\1\2")
    entries = good[central:end]
    copies = 10_000
    found |= {
        "a record that is missing": (archive(storage(8, "1") + b"."), "record 'data/1' is missing"),
        "a path": (archive(storage(8, "../../../../etc/passwd") + b"."), r"record 'data/\.\./.*passwd' is missing"),
        "a path in the table": (archive(storage(8, "/etc/passwd") + b".", **{"/etc/passwd": b""}), "record 'data//etc/passwd' is missing"),
        "a bomb": (archive(bytes(100 << 20), zipfile.ZIP_DEFLATED), "claim to be larger than the file|record 'data.pkl' is compressed"),
        "a small bomb": (archive(b"N." + bytes(100), zipfile.ZIP_DEFLATED), "record 'data.pkl' is compressed or encrypted"),
        "overlapping records": (good[:central] + entries * copies + b"PK\5\6" + struct.pack(
            "<4H2LH", 0, 0, 2 * copies, 2 * copies, len(entries) * copies, central, 0),
            "its records claim|not of a checkpoint"),
        "a length that the record has not": (good.replace(struct.pack("<LL", 32, 32), struct.pack("<LL", 2**31, 2**31)), "claim to be larger"),
        "another length than the compressed": (good.replace(struct.pack("<LL", 32, 32), struct.pack("<LL", 30, 32)), "compressed or encr"),
        "an encrypted record": (good[:central] + entries.replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0") + good[end:],
                                "record 'data.pkl' is compressed or encrypted"),
        "a table that begins elsewhere": (good[:-6] + struct.pack("<LH", 2**31, 0), "BadZipFile|more than one zip archive"),
        "a table of endless length": (good[:-10] + struct.pack("<LLH", 2**32 - 2, 0, 0), "BadZipFile"),
        "a wrong checksum": (good.replace(bytes(32), bytes(31) + b"\1"), "record 'data/0' is damaged: its checksum is wrong"),
        "a header that is none": (good.replace(b"PK\3\4", b"PK\3\5").replace(b"PK\3\5", b"PK\3\4", 1), "not where the table of contents says"),
        "no data.pkl": (good.replace(b"data.pkl", b"data.pkk"), "a zip archive, but not of a checkpoint: it has no data.pkl"),
        "TorchScript": (archive(b"N.", **{"constants.pkl": b""}), "a TorchScript archive, which holds a program"),
        "only the first bytes of a zip": (b"PK\3\4", "BadZipFile"),
        "nothing": (b"", "neither of PyTorch's checkpoint formats"),
        "a web page": (b"<!DOCTYPE html><html>", "neither of PyTorch's checkpoint formats"),
        "a tar archive": (b"pickle".ljust(257, b"\0") + b"ustar", "neither of PyTorch's checkpoint formats"),
        "a pickle of another kind": (pickle.dumps({"a": 1}), "neither of PyTorch's checkpoint formats"),
        "another version": (pickle.dumps(MAGIC, 2) + pickle.dumps(1002, 2), "expected version 1001 of the format"),
        "many storages of the file's length": (legacy(many(*(storage(2**10, str(i)) for i in range(100))) + b"."), "more than the file holds"),
        "storages that are not listed": (legacy(tensor() + b".", []), "the list of storages is not that of the tensors"),
        "a list that is none": (legacy(tensor() + b".", [["0"]]), "the list of storages is not that of the tensors"),
        "a storage of another length": (legacy(tensor() + b".", tail=struct.pack("<q", 9) + bytes(36)), "has not the 8 elements"),
        "a storage that ends early": (legacy(tensor() + b".", tail=struct.pack("<q", 8) + bytes(31)), "EOFError: it ends where 32 more"),
        "a view that is none": (legacy(storage(8, "0", "Float", ("1", -1, 8)) + b"."), "expected name, offset and length of a storage within"),
        "a list in a persistent id": (legacy(many(value("storage"), b"]") + b"Q."), "expected the type, name, device and length"),
    }
    return found


# ---- the process


class Harm(BaseException):
    """Something that reading a file must not do."""


def watch(event: str, args: Any) -> None:
    """An audit hook: no process, no code, no socket, no import of something new, no file but for reading."""
    if event.startswith(("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "code.", "sys._getframe", "urllib")) and event != "os.listdir":
        raise Harm(event)
    if event in ("exec", "compile") or event == "import" and args[0].partition(".")[0] not in ("minidl", "numpy", "encodings"):
        raise Harm(f"{event} {args[0]}")
    if event == "open" and args[1] not in ("r", "rb"):
        raise Harm(f"open {args}")


def touch(found: Any) -> None:
    """Reads every element that a loaded object has, if there are not too many."""
    todo, seen = [found], set()
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, nn.Module):
            todo += list(vars(item).values())
        elif isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset, collections.deque)):
            todo += list(item)
        elif isinstance(item, minidl.Tensor) and "_data" in vars(item) and 0 < item._data.size < 10**6:
            item._data.max()


def attempt(path: Path, data: bytes, **kwargs: Any) -> str:
    """What becomes of reading a file: ``loaded`` or the reason; anything but an UnpicklingError that names the file goes up."""
    path.write_bytes(data)
    state["watching"] = True
    try:
        touch(minidl.load(path, **kwargs))
        return "loaded"
    except pickle.UnpicklingError as error:
        start = f"{path}: not loaded: "
        if not str(error).startswith(start) or len(str(error)) > len(start) + 500:
            raise AssertionError(f"an error that does not name the file, or is long: {error}") from error
        return str(error)[len(start):]
    finally:
        state["watching"] = False


state = {"watching": False}


def mutated(rng: random.Random, files: list[bytes]) -> bytes:
    raw = bytearray(rng.choice(files))
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, n = rng.randrange(len(raw) + 1), rng.choice((1, 1, 2, 4, 8, 40))
        match rng.randrange(6):
            case 0 if at < len(raw):
                raw[at] ^= 1 << rng.randrange(8)
            case 1:
                raw[at:at + n] = rng.randbytes(n)
            case 2:
                del raw[at:at + n]
            case 3:
                raw[at:at] = raw[(start := rng.randrange(len(raw) + 1)):start + n]
            case 4:
                raw[at:at + n] = rng.choice((b"\xff", b"\0", b"\x7f", b"\x80")) * n
            case 5 if rng.random() < 0.2:
                del raw[at:]
    return bytes(raw)


def good_files() -> tuple[list[bytes], list[bytes]]:
    """Files, and pickles alone (so that a mutation of them has a right checksum)."""
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    model(minidl.ones(2, 2)).sum().backward()
    optimizer = minidl.optim.Adam(model.parameters())
    optimizer.step()
    objects = [{"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 3}, model, list(model.parameters()),
               {"view": minidl.arange(6).reshape(2, 3).t(), "half": minidl.ones(2, dtype=minidl.float16), "size": minidl.Size((1, 2)),
                "dtype": minidl.int8, "device": minidl.device(), "n": np.float32(1.5), "b": b"\xff", "set": {1, (2, 3)}, "c": 1j}]
    whole, pickles = [], []
    for obj in objects:
        for zipped in (True, False):
            file = io.BytesIO()
            minidl.save(obj, file, _use_new_zipfile_serialization=zipped, pickle_protocol=2 + 2 * (len(whole) % 3 == 2))
            whole.append(file.getvalue())
            if zipped:
                with zipfile.ZipFile(file) as source:
                    pickles.append(source.read("archive/data.pkl"))
    return whole, pickles


def fuzz(path: Path, count: int, seed: int) -> dict[str, int]:
    rng, outcomes = random.Random(seed), collections.Counter[str]()
    whole, pickles = good_files()
    for _ in range(count):
        if rng.random() < 0.5:
            data = mutated(rng, whole)
        else:
            data = archive(mutated(rng, pickles), **{f"data/{i}": bytes(32) for i in range(1, 20)})
        mapped = data.startswith(b"PK\3\4") and rng.random() < 0.3
        outcomes["loaded" if attempt(path, data, weights_only=rng.random() < 0.5, mmap=mapped) == "loaded" else "refused"] += 1
    return dict(outcomes)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.pt"
        attempt(path, archive(tensor() + b"."), mmap=True)  # what is imported late is imported now, and so are codecs
        for codec in ("raw-unicode-escape", "unicode-escape", "latin1", "ascii", "cp437"):
            codecs.lookup(codec)
        sys.addaudithook(lambda event, args: watch(event, args) if state["watching"] else None)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + SPARE, size + SPARE))
        peak, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        if len(sys.argv) > 1:
            result: Any = fuzz(path, *map(int, sys.argv[1:3]))
        else:
            result = {what: [attempt(path, data, weights_only=only) for only in (True, False)] for what, (data, _) in files().items()}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        print(json.dumps({"result": result, "megabytes": grown / 1024, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
