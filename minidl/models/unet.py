"""U-Net, and a U-Net on a ResNet-34: what the encoder saw at each size joins what the decoder makes of the deepest features."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.join import cat
from .layers import initialise
from .registry import register_model
from .resnet import resnet34

__all__ = ["UNet", "UNetResNet34", "unet", "unet_resnet34"]


class DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions with ReLU, and with batch normalisation before it in place of biases if asked for."""

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool, padding: int) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [nn.Conv2d(channels, out_channels, 3, padding=padding, bias=not batch_norm),
                       *([nn.BatchNorm2d(out_channels)] if batch_norm else []), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNet(nn.Module):
    """Halves the size `depth` times while doubling the channels, and comes back, joining the features of each size on the way.

    Ronneberger, Fischer, Brox: U-Net: convolutional networks for biomedical image segmentation, 2015. The paper's own network is
    ``UNet(1, 2, batch_norm=False, padding=False)``, from 572 x 572 to 388 x 388: without padding the features that join are cropped in
    their middle. With padding: (N, in_channels, H, W) to (N, num_classes, H, W); ValueError unless 2^depth divides H and W.
    """

    def __init__(self, in_channels: int = 3, num_classes: int = 2, features: int = 64, depth: int = 4, batch_norm: bool = True,
                 padding: bool = True) -> None:
        super().__init__()
        widths = [features * 2 ** i for i in range(depth + 1)]
        self.depth = depth
        self.padding = padding
        self.down = nn.ModuleList(DoubleConv(i, o, batch_norm, int(padding)) for i, o in zip([in_channels, *widths], widths))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.merge = nn.ModuleList(DoubleConv(2 * w, w, batch_norm, int(padding)) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(features, num_classes, 1)
        initialise(self, nn.init.kaiming_normal_, nn.init.kaiming_normal_)

    def forward(self, x: Any) -> Tensor:
        if self.padding and (x.shape[-2] % 2 ** self.depth or x.shape[-1] % 2 ** self.depth):
            raise ValueError(f"UNet: expected height and width divisible by {2 ** self.depth}, got {tuple(x.shape)}")
        *shallow, deepest = self.down
        saved = []
        for block in shallow:
            saved.append(block(x))
            x = self.pool(saved[-1])
        x = deepest(x)
        for up, block in zip(self.up, self.merge):
            x, skip = up(x), saved.pop()
            top, left = (skip.shape[-2] - x.shape[-2]) // 2, (skip.shape[-1] - x.shape[-1]) // 2
            x = block(cat([skip[:, :, top:top + x.shape[-2], left:left + x.shape[-1]], x], 1))
        return self.head(x)


class SaveFeatures:
    """Keeps a module's last output, by a forward hook, until `take` or `remove`."""

    def __init__(self, module: nn.Module) -> None:
        self.features: Any = None
        self.handle = module.register_forward_hook(self.save)

    def save(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self.features = output

    def take(self) -> Any:
        """The output, which is not kept on."""
        features, self.features = self.features, None
        return features

    def remove(self) -> None:
        self.handle.remove()
        self.features = None


class UNetBlock(nn.Module):
    """Doubles the size of `up`, joins `skip`, half of the channels from each: (N, up_in, H, W), (N, skip_in, 2H, 2W) to (N, out, 2H, 2W)."""

    def __init__(self, up_in: int, skip_in: int, out: int) -> None:
        super().__init__()
        self.tr_conv = nn.ConvTranspose2d(up_in, out // 2, 2, 2)
        self.x_conv = nn.Conv2d(skip_in, out // 2, 1)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, up: Any, skip: Any) -> Tensor:
        return self.bn(F.relu(cat([self.tr_conv(up), self.x_conv(skip)], 1)))


class UNetResNet34(nn.Module):
    """A U-Net whose encoder is a ResNet-34 without its head; forward hooks catch the encoder's features at each size.

    `encoder` is a ResNet-34, by default a fresh one. (N, 3, H, W), with H and W divisible by 32 (ValueError), to (N, num_classes, H, W).
    `close()` removes the hooks, after which the encoder is as it was and this network no longer runs (RuntimeError).

    >>> from minidl import models, rand
    >>> model = models.unet_resnet34(num_classes=2)
    >>> model(rand(2, 3, 64, 64)).shape
    torch.Size([2, 2, 64, 64])
    >>> model.close()
    """

    def __init__(self, num_classes: int = 1, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*list((encoder or resnet34()).children())[:-2])
        self.saved = [SaveFeatures(self.encoder[i]) for i in (6, 5, 4, 2)]
        self.up = nn.ModuleList([UNetBlock(512, 256, 256), UNetBlock(256, 128, 256), UNetBlock(256, 64, 256), UNetBlock(256, 64, 256)])
        self.head = nn.ConvTranspose2d(256, num_classes, 2, 2)

    def forward(self, x: Any) -> Tensor:
        if not self.saved:
            raise RuntimeError("UNetResNet34: closed: the hooks that catch the encoder's features are removed")
        if x.shape[-2] % 32 or x.shape[-1] % 32:
            raise ValueError(f"UNetResNet34: expected height and width divisible by 32, got {tuple(x.shape)}")
        x = self.encoder(x)
        for block, saved in zip(self.up, self.saved):
            x = block(x, saved.take())
        return self.head(x)

    def close(self) -> None:
        """Removes the hooks from the encoder."""
        for saved in self.saved:
            saved.remove()
        self.saved = []


@register_model
def unet(**kwargs: Any) -> UNet:
    """U-Net, with padding and batch normalisation unless asked otherwise."""
    return UNet(**kwargs)


@register_model
def unet_resnet34(**kwargs: Any) -> UNetResNet34:
    """A U-Net on a ResNet-34."""
    return UNetResNet34(**kwargs)
