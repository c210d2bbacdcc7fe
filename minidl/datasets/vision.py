"""What the datasets of images share, in torchvision's form, and one of noise."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..core.generator import Generator
from ..transforms.functional import to_pil_image
from ..utils.data import Dataset

__all__ = ["FakeData", "StandardTransform", "VisionDataset"]

Path = str | os.PathLike[str]


class StandardTransform:
    """An input through `transform`, its target through `target_transform`; None leaves it."""

    def __init__(self, transform: Callable[..., Any] | None = None, target_transform: Callable[..., Any] | None = None) -> None:
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        return (input if self.transform is None else self.transform(input),
                target if self.target_transform is None else self.target_transform(target))

    def __repr__(self) -> str:
        parts = (("Transform: ", self.transform), ("Target transform: ", self.target_transform))
        lines = [head + str(value).replace("\n", "\n" + " " * len(head)) for head, value in parts if value is not None]
        return "\n".join([type(self).__name__, *lines])


class VisionDataset(Dataset[Any]):
    """A dataset of (input, target), with either `transforms`, called on both, or `transform` and `target_transform`,
    called on one each (ValueError for more). A subclass defines `__getitem__` and `__len__`.

    The transforms of this library take an image and its mask, so a `Compose` of them may be the `transforms` of pairs.
    """

    def __init__(self, root: Path | None = None, transforms: Callable[..., Any] | None = None,
                 transform: Callable[..., Any] | None = None, target_transform: Callable[..., Any] | None = None) -> None:
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root: Any = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform, self.target_transform = transform, target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def transformed(self, input: Any, target: Any) -> tuple[Any, Any]:
        return (input, target) if self.transforms is None else self.transforms(input, target)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__")

    def extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        return "\n    ".join([f"Dataset {type(self).__name__}", *body])


class FakeData(VisionDataset):
    """Noise with random labels, the same for the same index: Pillow images of `image_size` (C, H, W) and ints.

    >>> data = FakeData(size=5, image_size=(3, 8, 8), num_classes=4)
    >>> len(data), data[0][0].size
    (5, (8, 8))
    """

    def __init__(self, size: int = 1000, image_size: tuple[int, ...] = (3, 224, 224), num_classes: int = 10,
                 transform: Callable[..., Any] | None = None, target_transform: Callable[..., Any] | None = None,
                 random_offset: int = 0) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.image_size, self.num_classes, self.random_offset = size, image_size, num_classes, random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range: {index} of {len(self)}")
        generator = Generator().manual_seed(index + self.random_offset)
        noise = (generator.normal(self.image_size) * 255).astype("int64").astype("uint8")
        target = int(generator.randint((1,), 0, self.num_classes)[0])
        return self.transformed(to_pil_image(noise.transpose(1, 2, 0)), target)

    def __len__(self) -> int:
        return self.size
