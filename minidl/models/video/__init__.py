"""Networks that classify videos, (N, 3, T, H, W)."""

from .resnet import VideoResNet as VideoResNet
from .resnet import mc3_18 as mc3_18
from .resnet import r2plus1d_18 as r2plus1d_18
from .resnet import r3d_18 as r3d_18
from .s3d import S3D as S3D
from .s3d import s3d as s3d
