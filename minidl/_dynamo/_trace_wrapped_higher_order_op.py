"""``torch._dynamo._trace_wrapped_higher_order_op``: of it, what lets code index within `vmap`."""

from __future__ import annotations

import contextlib

__all__ = ["TransformGetItemToIndex"]


class TransformGetItemToIndex(contextlib.nullcontext):  # type: ignore[type-arg]
    """A context in which x[i] works for tensors i of a batch, as it does anyway: `minidl.vmap` is a loop."""
