"""Dependencies run one way. The table says who may import whom; the source, read with `ast`, must agree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "minidl"

# What the modules of each part may import of ours, apart from their own part. A leaf is imported by nobody but `cli`.
ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "version": set(),
    "torch_version": {"version"},
    "alias": set(),
    "bind": {"core"},
    "ops": {"core", "bind"},
    "autograd": {"core", "ops"},
    "autograd/profiler.py": {"profiler"},
    "linalg": {"core", "ops"},
    "special": {"core", "ops"},
    "signal": {"core", "ops"},
    "nn": {"core", "ops", "autograd", "linalg"},
    "optim": {"core", "nn"},  # nn for swa_utils, whose AveragedModel is a Module
    "amp": {"core"},
    "cuda": {"amp", "compat"},
    "accelerator": set(),
    "__config__": {"core", "torch_version"},
    "ao": {"quantization"},
    "functional": {"core"},
    "futures": set(),
    "onnx": set(),
    "overrides": {"core"},
    "private": {"core", "ops"},
    "distributed": set(),
    "multiprocessing": set(),
    "jit": {"core", "nn", "serialization"},
    "fx": {"nn"},
    "fft": {"core", "ops"},
    "_C": {"core"},
    "_subclasses": {"core"},
    "_dynamo": {"compiler", "nn"},
    "compiler": {"compat"},
    "hub": {"serialization"},
    "distributions": {"core", "ops"},
    "random": {"core", "ops"},
    "types": {"core"},
    "compat": {"core", "ops"},
    "func": {"core", "ops", "autograd", "nn"},
    "utils": {"core", "ops", "autograd"},
    "utils/model_zoo.py": {"hub"},
    "serialization": {"core", "ops", "nn"},
    "models": {"core", "ops", "nn", "autograd", "transforms"},
    "transforms": {"core", "ops", "nn"},
    "datasets": {"core", "ops", "utils", "transforms"},
    "io": {"core", "ops", "serialization"},
    "classical": set(),
    "classical/softmax.py": {"core", "ops", "nn", "optim"},  # the bridge: a classical model trained by our autograd, loaded when named
    "backends": {"core", "ops"},
    "analysis": {"core", "ops", "nn", "autograd"},
    "profiler": {"core", "ops", "nn", "analysis"},
    "quantization": {"core", "ops", "nn", "autograd"},
    "viz": {"core", "ops", "nn", "autograd", "analysis"},
    "testing": {"core", "ops", "nn", "autograd"},
    "studies": {"core", "ops", "nn", "optim", "utils", "models", "datasets", "viz"},
    "vision": {"core", "ops", "nn", "models", "transforms", "datasets", "io"},
    "cli": {"core", "ops", "nn", "autograd", "optim", "utils", "serialization", "models", "transforms", "datasets",
            "analysis", "quantization", "viz", "testing", "version", "studies"},
}
FACADES = {"__init__", "__main__", "namespace"}  # they gather names for the user and may import everything
LAZY = ("scipy", "matplotlib", "PIL", "hypothesis", "tqdm", "safetensors", "sklearn")  # imported where they are used


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def row_of(path: Path) -> str:
    """A file has the row of its part, unless it has one of its own."""
    own = path.relative_to(ROOT).as_posix()
    return own if own in ALLOWED else part_of(path)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute names of all modules that a file imports, and whether at the top level of the module."""
    package = ["minidl", *path.relative_to(ROOT).parts[:-1]]
    tree = ast.parse(path.read_text())
    nested = {id(inner) for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, id(node) not in nested) for name in names]
    return found


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    if part in FACADES:
        return
    assert part in ALLOWED, f"{part} is not in the table of layers"
    for name, top in imports(path):
        words = name.split(".")
        assert words[0] != "torch", f"{path} imports torch"
        if words[0] == "minidl" and len(words) > 1:
            assert words[1] == part or words[1] in ALLOWED[row_of(path)], f"{part} must not import {words[1]} ({name})"
        if words[0] == "minidl":
            assert len(words) > 1, f"{path} imports the whole package, which closes a circle"
        itself = words[0] == "hypothesis" and path.parent.name == "strategies"  # which is imported by who uses it
        assert itself or not (top and words[0] in LAZY), f"{path} imports {words[0]} at the top level"


def test_the_table_has_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {part for part in ALLOWED if part not in done and ALLOWED[part] <= done}
        assert ready, f"a circle among {set(ALLOWED) - done}"
        done |= ready


def test_the_check_sees_what_it_must(tmp_path: Path) -> None:
    source = ROOT / "core" / "tensor.py"
    names = [name for name, _ in imports(source)]
    assert "numpy" in names and "minidl.core.dtypes.dtype" in names
