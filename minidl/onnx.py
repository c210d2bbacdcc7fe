"""``torch.onnx`` without an exporter: code that asks whether it is being exported runs."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["export", "is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """False."""
    return False


def export(model: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: a program is run, never recorded."""
    raise NotImplementedError(f"onnx.export: {type(model).__name__} cannot be exported: this library runs a program and keeps no graph of it")
