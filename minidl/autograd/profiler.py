"""``torch.autograd.profiler``: the older place of `minidl.profiler`."""

from typing import Any, NoReturn

from ..profiler import Averages as EventList
from ..profiler import profile as profile
from ..profiler import record_function as record_function

__all__ = ["EventList", "emit_nvtx", "profile", "record_function"]


class emit_nvtx:
    """RuntimeError where it is entered: there is no NVIDIA profiler to tell."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def __enter__(self) -> NoReturn:
        raise RuntimeError("emit_nvtx: CUDA is not available: the CPU is the only device")

    def __exit__(self, *error: object) -> None:
        """Nothing."""
