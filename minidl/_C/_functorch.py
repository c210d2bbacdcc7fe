"""``torch._C._functorch``: `minidl.vmap` is a loop, so no tensor stands for several."""

from typing import Any


def is_batchedtensor(tensor: Any) -> bool:
    """False."""
    return False


is_legacy_batchedtensor = is_batchedtensor
