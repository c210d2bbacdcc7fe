"""Values handed from one library to the other: tensors inside dicts, lists and tuples."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import minidl


def map_tensors(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, (torch.Tensor, minidl.Tensor)):
        return convert(value.detach().numpy())
    if type(value) in (dict, list, tuple):
        items = {k: map_tensors(v, convert) for k, v in value.items()} if isinstance(value, dict) else [
            map_tensors(v, convert) for v in value]
        return type(value)(items)
    return value


def to_torch(value: Any) -> Any:
    return map_tensors(value, lambda array: torch.from_numpy(np.array(array, order="K")))


def to_minidl(value: Any) -> Any:
    return map_tensors(value, lambda array: minidl.from_numpy(np.array(array, order="K")))


def to_numpy(value: Any) -> Any:
    return map_tensors(value, np.array)


def library(name: str) -> Any:
    return {"torch": torch, "minidl": minidl}[name]


def convert_to(lib: Any, value: Any) -> Any:
    return to_torch(value) if lib is torch else to_minidl(value)


def assert_same(have: Any, want: Any, rtol: float = 1e-12, atol: float = 1e-14, path: str = "") -> None:
    """Equal structure and types, arrays within the tolerance, all else equal."""
    assert type(have) is type(want), f"{path}: {type(have)}, expected {type(want)}"
    if isinstance(want, dict):
        assert set(have) == set(want), f"{path}: {list(have)}, expected {list(want)}"
        for key in want:
            assert_same(have[key], want[key], rtol, atol, f"{path}[{key!r}]")
    elif isinstance(want, (list, tuple)):
        assert len(have) == len(want), f"{path}: length {len(have)}, expected {len(want)}"
        for i, (h, w) in enumerate(zip(have, want)):
            assert_same(h, w, rtol, atol, f"{path}[{i}]")
    elif isinstance(want, np.ndarray):
        assert (have.dtype, have.shape) == (want.dtype, want.shape), path
        np.testing.assert_allclose(have, want, rtol=rtol, atol=atol, err_msg=path)
    elif isinstance(want, float):
        assert have == want or abs(have - want) <= atol + rtol * abs(want), f"{path}: {have}, expected {want}"
    else:
        assert have == want, f"{path}: {have}, expected {want}"


def outcome(function: Callable[[], Any]) -> tuple[type[Exception], str] | None:
    """Type and message of the exception that a call raises."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is compared)
        return type(error), str(error)
    return None
