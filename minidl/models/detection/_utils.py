"""What the detectors share: boxes as numbers to be learned, which box belongs to which object, and what is checked."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.modes import no_grad
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import arange, tensor, zeros, zeros_like
from ...ops.join import cat, stack
from ...ops.random import randperm
from ...ops.select import where
from ..ops import FrozenBatchNorm2d, complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

__all__ = ["BalancedPositiveNegativeSampler", "BoxCoder", "BoxLinearCoder", "Matcher", "SSDMatcher", "overwrite_eps", "retrieve_out_channels"]


class BalancedPositiveNegativeSampler:
    """Draws, for each image, `batch_size_per_image` of its boxes, at most a share `positive_fraction` of those of an object.

    Called with labels (boxes,) for each image: above 0 an object's, 0 background, below 0 neither. Returns two lists of masks.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: Sequence[Any]) -> tuple[list[Tensor], list[Tensor]]:
        masks: tuple[list[Any], list[Any]] = ([], [])
        for labels in matched_idxs:
            sets = [(labels >= 1).nonzero()[:, 0], (labels == 0).nonzero()[:, 0]]
            positive = min(len(sets[0]), int(self.batch_size_per_image * self.positive_fraction))
            counts = positive, min(len(sets[1]), self.batch_size_per_image - positive)
            drawn = [indices[randperm(len(indices))[:count]] for indices, count in zip(sets, counts)]
            for into, indices in zip(masks, drawn):
                into.append(zeros(len(labels)).byte())
                into[-1][indices] = 1
        return masks


def centre_and_size(boxes: Any) -> tuple[Any, Any]:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + 0.5 * size, size


class BoxCoder:
    """A box (centre g, size t) in the eyes of another (centre p, size s): weights times ((g - p) / s, log(t / s)), and back.

    When decoding, logarithms are at most `bbox_xform_clip`. Girshick, Donahue, Darrell, Malik: Rich feature hierarchies, 2014, appendix C.
    """

    def __init__(self, weights: Sequence[float], bbox_xform_clip: float = math.log(1000.0 / 16)) -> None:
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: Sequence[Any], proposals: Sequence[Any]) -> Sequence[Tensor]:
        """`encode_single` for a list of images."""
        return self.encode_single(cat(reference_boxes), cat(proposals)).split([len(b) for b in reference_boxes])

    def encode_single(self, reference_boxes: Any, proposals: Any) -> Any:
        """The numbers (N, 4) for which `proposals` become `reference_boxes`."""
        weights = tensor([float(w) for w in self.weights], dtype=reference_boxes.dtype)
        (g, t), (p, s) = centre_and_size(reference_boxes), centre_and_size(proposals)
        return cat([weights[:2] * (g - p) / s, weights[2:] * (t / s).log()], 1)

    def decode(self, rel_codes: Any, boxes: Sequence[Any]) -> Any:
        """`decode_single` for a list of images: (boxes, classes, 4)."""
        if not isinstance(boxes, (list, tuple)):
            raise AssertionError("This function expects boxes of type list or tuple.")
        joined = cat(boxes)
        found = self.decode_single(rel_codes.reshape(len(joined), -1) if len(joined) else rel_codes, joined)
        return found.reshape(len(joined), -1, 4) if len(joined) else found

    def decode_single(self, rel_codes: Any, boxes: Any) -> Any:
        """The boxes (N, 4 classes) that numbers (N, 4 classes) make of `boxes` (N, 4)."""
        p, s = (v[:, None] for v in centre_and_size(boxes.to(rel_codes.dtype)))
        codes = rel_codes.reshape(len(rel_codes), rel_codes.shape[1] // 4, 4) / tensor([float(w) for w in self.weights], dtype=rel_codes.dtype)
        centre, half = codes[..., :2] * s + p, 0.5 * (codes[..., 2:].clamp(max=self.bbox_xform_clip).exp() * s)
        return cat([centre - half, centre + half], -1).flatten(1)


class BoxLinearCoder:
    """A box by the distances of its left, upper, right and lower side from the centre of another, of whose sides they are shares by default."""

    def __init__(self, normalize_by_size: bool = True) -> None:
        self.normalize_by_size = normalize_by_size

    def units(self, boxes: Any) -> tuple[Any, Any]:
        """Centre and what is counted as 1, each for both corners."""
        centre = 0.5 * (boxes[..., :2] + boxes[..., 2:])
        size = boxes[..., 2:] - boxes[..., :2]
        return cat([centre, centre], -1), cat([size, size], -1) if self.normalize_by_size else 1

    def encode(self, reference_boxes: Any, proposals: Any) -> Any:
        """The distances of the sides of `proposals` from the centres of `reference_boxes`."""
        centre, unit = self.units(reference_boxes)
        outwards = tensor([-1.0, -1.0, 1.0, 1.0], dtype=centre.dtype)
        return (proposals - centre) * outwards / unit

    def decode(self, rel_codes: Any, boxes: Any) -> Any:
        """The boxes with these distances from the centres of `boxes`."""
        centre, unit = self.units(boxes.to(rel_codes.dtype))
        return centre + rel_codes * unit * tensor([-1.0, -1.0, 1.0, 1.0], dtype=rel_codes.dtype)


class Matcher:
    """For each of N boxes the object, of M, that it overlaps most, by their overlaps (M, N); -1 below `low_threshold`, -2 below `high_threshold`.

    With `allow_low_quality_matches` the boxes that overlap some object more than all others do keep their own best, however low.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        if low_threshold > high_threshold:
            raise AssertionError(f"low_threshold should be <= high_threshold, got {low_threshold} and {high_threshold}")
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Any) -> Any:
        overlaps = match_quality_matrix
        if overlaps.numel() == 0:
            missing = "proposal" if overlaps.shape[0] else "ground-truth"
            raise ValueError(f"No {missing} boxes available for one of the images during training")
        best, own = overlaps.max(0)
        matches = where(best < self.high_threshold, where(best < self.low_threshold, self.BELOW_LOW_THRESHOLD, self.BETWEEN_THRESHOLDS), own)
        if self.allow_low_quality_matches:
            matches = where((overlaps == overlaps.amax(1, keepdim=True)).any(0), own, matches)
        return matches


class SSDMatcher(Matcher):
    """SSD's: an object also has the one box that overlaps it most."""

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold, threshold)

    def __call__(self, match_quality_matrix: Any) -> Any:
        matches = super().__call__(match_quality_matrix)
        nearest = match_quality_matrix.max(1)[1]
        matches[nearest] = arange(len(nearest))
        return matches


def box_loss(kind: str, box_coder: BoxCoder, anchors: Any, boxes: Any, regression: Any) -> Any:
    """Of predicted numbers, in sum: ``"l1"`` of the numbers, or ``"giou"``, ``"diou"``, ``"ciou"`` of the boxes that they make of the anchors."""
    if kind == "l1":
        return F.l1_loss(regression, box_coder.encode_single(boxes, anchors), reduction="sum")
    losses = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}
    if kind not in losses:
        raise AssertionError(f"Unsupported loss: {kind}")
    return losses[kind](box_coder.decode_single(regression, anchors), boxes, reduction="sum")


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Sets `eps` of all frozen batch normalisations: torchvision's older files of detectors were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps


@no_grad()
def retrieve_out_channels(model: nn.Module, size: tuple[int, int]) -> list[int]:
    """The channels of a backbone's maps, found by running it on an empty image of `size`, (width, height)."""
    training = model.training
    features = maps_of(model.eval(), zeros(1, 3, size[1], size[0]))
    model.train(training)
    return [feature.shape[1] for feature in features.values()]


def maps_of(backbone: nn.Module, images: Any) -> dict[str, Any]:
    """A backbone's maps by name; a single one is ``"0"``."""
    features: Any = backbone(images)
    return OrderedDict([("0", features)]) if isinstance(features, Tensor) else features


def check_targets(targets: Any, training: bool) -> None:
    """While training there are targets, with boxes (N, 4)."""
    if not training:
        return
    if targets is None:
        raise AssertionError("targets should not be none when in training mode")
    for target in targets:
        boxes = target["boxes"]
        if not isinstance(boxes, Tensor):
            raise AssertionError(f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        if boxes.dim() != 2 or boxes.shape[-1] != 4:
            raise AssertionError(f"Expected target boxes to be a tensor of shape [N, 4], got {boxes.shape}.")


def check_boxes(targets: Any) -> None:
    """All boxes have a height and a width."""
    for i, target in enumerate(targets or []):
        boxes = target["boxes"]
        flat = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        if flat.any():
            raise AssertionError("All bounding boxes should have positive height and width. "
                                 f"Found invalid box {boxes[flat][0].tolist()} for target at index {i}.")


def by_place(outputs: Sequence[Any], width: int) -> Any:
    """A head's maps (N, boxes width, H, W), joined as (N, all boxes, width): maps one after the other, places row by row, a place's boxes in turn."""
    flat = [x.reshape(x.shape[0], -1, width, *x.shape[2:]).permute(0, 3, 4, 1, 2).reshape(x.shape[0], -1, width) for x in outputs]
    return cat(flat, 1)


def average(losses: Sequence[Any]) -> Any:
    """Over the images."""
    return stack(list(losses)).sum() / max(1, len(losses))


def one_hot_like(logits: Any, rows: Any, labels: Any) -> Any:
    """Zeros, and 1 for the label of each of the rows."""
    truth = zeros_like(logits)
    truth[rows, labels] = 1.0
    return truth
