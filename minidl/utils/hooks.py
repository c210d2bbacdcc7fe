"""What the registration of a hook returns."""

from ..core.tensor import RemovableHandle as RemovableHandle

__all__ = ["RemovableHandle"]
