"""Rows of the losses. Values keep away from kinks; weights that can have no gradient have rows of their own."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case, dense, shapes

REDUCTIONS = st.sampled_from(["none", "mean", "sum"])
MATRICES = shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)


@st.composite
def pairs(draw: Any, domain: str = "finite", other: str | None = None, weight: str = "", shape: Any = None,
          **options: Any) -> Case:
    """Two arrays of one shape and a reduction; `weight` names an argument with an array of that shape too."""
    shape = draw(shapes(min_side=1) if shape is None else shape)
    kwargs = {"reduction": draw(REDUCTIONS), **{k: draw(v) for k, v in options.items()}}
    if weight:
        kwargs[weight] = draw(arrays(shape, "positive"))
    return case((draw(arrays(shape, domain)), draw(arrays(shape, other or domain))), kwargs)


@st.composite
def apart(draw: Any, distances: Any, **options: Any) -> Case:
    """Two arrays whose differences are among `distances`, so that none is near a kink."""
    shape = draw(shapes(min_side=1))
    x = draw(arrays(shape))
    size = int(np.prod(shape))
    d = np.array(draw(st.lists(st.sampled_from(distances), min_size=size, max_size=size)), float).reshape(shape)
    sign = draw(arrays(shape, dtype=np.bool_))
    kwargs = {"reduction": draw(REDUCTIONS), **{k: draw(v) for k, v in options.items()}}
    return case((x, np.asarray(x + np.where(sign, d, -d))), kwargs)


@st.composite
def signed(draw: Any, inputs: int = 1, domain: str = "finite", dims: int = 0, **options: Any) -> Case:
    """`inputs` arrays and a target of 1 and -1, which lacks their last dimension if `dims` is set."""
    shape = draw(shapes(min_dims=1, min_side=1) if not dims else shapes(min_dims=dims, max_dims=dims, min_side=1))
    target = np.where(draw(arrays(shape[:-1] if dims else shape, dtype=np.bool_)), 1, -1)
    kwargs = {"reduction": draw(REDUCTIONS), **{k: draw(v) for k, v in options.items()}}
    return case((*(draw(arrays(shape, domain)) for _ in range(inputs)), target), kwargs)


def labels(shape: tuple[int, ...], classes: int) -> Any:
    return arrays(shape, "positive", np.int64).map(lambda index: np.asarray(index % classes))


@st.composite
def classified(draw: Any, weight: bool = False, smoothing: bool = False) -> Case:
    """Scores (C,), (N, C) or (N, C, *S) with class indices."""
    shape = draw(shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    axis = min(1, len(shape) - 1)
    classes = shape[axis]
    ignored = draw(st.sampled_from([-100, -1, 255]))
    target = draw(labels(shape[:axis] + shape[axis + 1:], classes))
    if (target != classes - 1).any():
        target = np.where(target == classes - 1, ignored, target)
    kwargs: dict[str, Any] = {"ignore_index": ignored, "reduction": draw(REDUCTIONS)}
    if weight:
        kwargs["weight"] = draw(arrays((classes,), "positive"))
    if smoothing:
        kwargs["label_smoothing"] = draw(st.sampled_from([0.0, 0.1, 1.0]))
    return case((draw(arrays(shape)), target), kwargs)


@st.composite
def soft(draw: Any) -> Case:
    """Scores with the probabilities of all classes, and weights of the classes, which may have a gradient here."""
    shape = draw(shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    weight = draw(st.none() | arrays((shape[min(1, len(shape) - 1)],), "positive"))
    return case((draw(arrays(shape)), draw(arrays(shape, "unit"))),
                {"weight": weight, "reduction": draw(REDUCTIONS), "label_smoothing": draw(st.sampled_from([0.0, 0.2]))})


@st.composite
def linear_classified(draw: Any) -> Case:
    n, features, classes = draw(st.tuples(*[st.integers(1, 4)] * 3))
    positions = draw(st.sampled_from([(), (2,), (2, 3)]))
    batch = (n,) if positions or draw(st.booleans()) else ()
    target = draw(labels((*batch, *positions), classes))
    return case((draw(arrays((*batch, features))), draw(arrays((classes, *positions, features))), target),
                {"linear_bias": draw(st.none() | arrays((classes, *positions))), "reduction": draw(REDUCTIONS),
                 "label_smoothing": draw(st.sampled_from([0.0, 0.1]))})


@st.composite
def gaussian(draw: Any) -> Case:
    shape = draw(shapes(min_dims=1, min_side=1))
    var = draw(st.sampled_from([shape, shape[:-1], (*shape[:-1], 1)]))
    return case((draw(arrays(shape)), draw(arrays(shape)), draw(arrays(var, "positive"))),
                {"full": draw(st.booleans()), "reduction": draw(REDUCTIONS)})


@st.composite
def multi_margin(draw: Any, weight: bool = False) -> Case:
    shape = draw(shapes(min_dims=1, max_dims=2, min_side=1, max_side=4))
    target = draw(labels(shape[:-1], shape[-1]))
    kwargs = {"p": draw(st.sampled_from([1, 2])), "margin": draw(st.sampled_from([0.9, 1.4])),
              "reduction": draw(REDUCTIONS)}
    if weight:
        kwargs["weight"] = draw(arrays((shape[-1],), "positive"))
    return case((draw(arrays(shape, "distinct")), target), kwargs)


@st.composite
def multilabel_margin(draw: Any) -> Case:
    """Differences of distinct values are multiples of 0.5, and the hinge is at 1, so values are stretched a little."""
    shape = draw(shapes(min_dims=1, max_dims=2, min_side=1, max_side=4))
    rows = np.array([draw(st.permutations(range(shape[-1]))) for _ in range(int(np.prod(shape[:-1])))]).reshape(shape)
    ends = draw(arrays((*shape[:-1], 1), "positive", np.int64))
    target = np.where(np.arange(shape[-1]) < ends, rows, -1)
    return case((draw(arrays(shape, "distinct")) * 1.1, target), {"reduction": draw(REDUCTIONS)})


@st.composite
def triplets(draw: Any, **options: Any) -> Case:
    """Far positives and near negatives, so that the hinge is open: 4 <= d(a, p), d(a, n) <= 1, margin 1."""
    shape = draw(shapes(min_dims=1, min_side=1))
    a = draw(arrays(shape))
    p, n = a + 4 + draw(arrays(shape, "unit")), a + draw(arrays(shape, "unit")) / shape[-1]
    return case((a, p, n), {"reduction": draw(REDUCTIONS), **{k: draw(v) for k, v in options.items()}})


@st.composite
def alignments(draw: Any) -> Case:
    t, n, s = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    targets = 1 + draw(arrays((n, s), "positive", np.int64)) % 3
    frames = draw(arrays((n,), "positive", np.int64)) % (t + 1)
    counts = draw(arrays((n,), "positive", np.int64)) % (s + 1)
    return case((draw(arrays((t, n, 4))), targets, frames, counts),
                {"reduction": draw(REDUCTIONS), "zero_infinity": True})


LABELS = array(2, dtype=np.int64)

ROWS = [
    Row("nn.functional.mse_loss", pairs()),
    Row("nn.functional.mse_loss", pairs(weight="weight"),
        bad=[call(array(2), array(3)), call(array(2), array(2), weight=array(1)),
                                                              call(array(2), array(2), reduction="max")]),
    Row("nn.functional.l1_loss", apart([0.25, 1.0]),
        bad=[call(array(2), array(3)), call(array(2), array(2), weight=array(1))]),
    Row("nn.functional.smooth_l1_loss", apart([0.1, 0.4, 0.8, 1.7], beta=st.sampled_from([0.0, 0.5, 1.0])),
        bad=[call(array(2), array(2), beta=-1.0), call(array(2), array(3))]),
    Row("nn.functional.huber_loss", apart([0.1, 0.4, 0.8, 1.7], delta=st.sampled_from([0.5, 1.0, 1.5])),
        bad=[call(array(2), array(2), delta=0.0), call(array(2), array(2), weight=array(1))]),
    Row("nn.functional.huber_loss", pairs(weight="weight")),
    Row("nn.functional.binary_cross_entropy", pairs("unit"),
        bad=[call(array(2) - 5, array(2)), call(array(2), array(3)), call(abs(array(2)) / 9, array(2), array(2))]),
    Row("nn.functional.binary_cross_entropy", pairs("unit", weight="weight"), grad=False),
    Row("nn.functional.binary_cross_entropy_with_logits", pairs("away", "unit"),
        bad=[call(array(2), array(3)), call(array(2), array(2), weight=array(3))]),
    Row("nn.functional.binary_cross_entropy_with_logits", pairs("finite", "unit", weight="weight"), grad=False),
    Row("nn.functional.binary_cross_entropy_with_logits", pairs("finite", "unit", weight="pos_weight"), grad=False),
    Row("nn.functional.kl_div", pairs("finite", "positive")),
    Row("nn.functional.kl_div", pairs(log_target=st.just(True)),
        bad=[call(array(2), array(3)), call(array(2), array(2), reduction="max")]),
    Row("nn.functional.poisson_nll_loss", pairs("finite", "positive", log_input=st.just(True), full=st.just(False))),
    Row("nn.functional.poisson_nll_loss", pairs("positive", "positive", log_input=st.just(False), full=st.booleans()),
        bad=[call(array(2), array(2), reduction="max"), call(array(2), array(3))]),
    Row("nn.functional.gaussian_nll_loss", gaussian(),
        bad=[call(array(2, 3), array(2, 3), array(4)), call(array(2), array(2), -abs(array(2))),
             call(array(2), array(2), 1.0, reduction="max")]),
    Row("nn.functional.nll_loss", classified().map(dense),  # PyTorch's backward refuses other memory
        bad=[call(array(2, 3), LABELS + 3), call(array(2, 3), array(3, dtype=np.int64)), call(array(2, 3), array(2)),
             call(array(2, 3), LABELS, array(3)), call(array(2, 3), LABELS - 2)]),
    Row("nn.functional.nll_loss", classified(weight=True), grad=False),
    Row("nn.functional.cross_entropy", classified(smoothing=True),
        bad=[call(array(2, 3), LABELS + 3), call(array(2, 3), array(3, dtype=np.int64)), call(array(2, 3), array(2)),
             call(array(2, 3), LABELS, array(3)), call(array(2, 3), LABELS, label_smoothing=1.5),
             call(array(2, 3), array(2, 3), ignore_index=1), call(array(2, 3), array(2, 3, dtype=np.int64))]),
    Row("nn.functional.cross_entropy", classified(weight=True, smoothing=True), grad=False),
    Row("nn.functional.cross_entropy", soft()),
    Row("nn.functional.linear_cross_entropy", linear_classified(),
        bad=[call(array(2, 3), array(4, 2), LABELS), call(array(3), array(4), LABELS),
             call(array(3), array(4, 2, 3), LABELS),
             call(array(2, 3), array(4, 3), LABELS, linear_bias=array(3)),
             call(array(2, 3), array(4, 3), array(2, 4), ignore_index=1)]),
    Row("nn.functional.soft_margin_loss", signed(), bad=[call(array(2), array(2)), call(array(2), array(3))]),
    Row("nn.functional.hinge_embedding_loss", signed(domain="away", margin=st.sampled_from([-3.5, 3.5])),
        bad=[call(array(2), array(3))]),
    Row("nn.functional.margin_ranking_loss", signed(2, margin=st.sampled_from([-6.5, 6.5])),
        bad=[call(array(2), array(2, 1), array(2)), call(array(2), array(2), array(3))]),
    Row("nn.functional.cosine_embedding_loss", signed(2, "away", dims=2, margin=st.sampled_from([-1.5, 1.5])),
        bad=[call(array(2, 3), array(2, 3), array(2, 3)), call(array(3), array(3), array(3)),
             call(array(2, 3), array(3), array(2))]),
    Row("nn.functional.multi_margin_loss", multi_margin(), second=False,
        bad=[call(array(2, 3), LABELS, p=3), call(array(2, 3), LABELS + 3), call(array(2, 3), array(3, dtype=np.int64)),
             call(array(2, 3), LABELS, weight=array(2, 3)), call(array(2, 3), LABELS, weight=array(2))]),
    Row("nn.functional.multi_margin_loss", multi_margin(weight=True), grad=False),
    Row("nn.functional.multilabel_margin_loss", multilabel_margin(), second=False,
        bad=[call(array(2, 3), LABELS), call(array(2, 3), array(2, 3, dtype=np.int64) + 3)]),
    Row("nn.functional.multilabel_soft_margin_loss", pairs("finite", "unit", weight="weight", shape=MATRICES),
        bad=[call(array(2, 3), array(2, 4)), call(array(2, 3), array(2, 3), reduction="max")]),
    Row("nn.functional.triplet_margin_loss", triplets(p=st.sampled_from([2.0, 3.0]), swap=st.booleans()),
        bad=[call(array(2, 3), array(2, 3), array(2, 4)), call(array(2), array(2), array(2), margin=0.0)]),
    Row("nn.functional.triplet_margin_with_distance_loss", triplets(swap=st.booleans()),
        bad=[call(array(2), array(2), array(2), margin=-1.0), call(array(2), array(2, 2), array(2)),
             call(array(2), array(2), array(2), reduction="max")]),
    Row("nn.functional.ctc_loss", alignments(), second=False,
        bad=[call(array(4, 2, 3), array(2, 1, dtype=np.int64), LABELS + 9, LABELS),
             call(array(4, 2, 3), array(2, 1, dtype=np.int64), LABELS, LABELS + 9),
             call(array(4, 2, 3), array(2, 1, dtype=np.int64), LABELS, LABELS, blank=3)]),
]
