"""The versions: `RELEASE` is minidl's own, read by packaging without importing the package; `__version__` is the one that PyTorch code compares,
PyTorch's whose semantics are followed, with minidl's as its local part. There is no accelerator to have a version."""

from __future__ import annotations

RELEASE = "0.1.0"

__version__ = f"2.13.0+minidl.{RELEASE}"
debug = False
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
git_version: str | None = None
