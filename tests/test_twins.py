"""Short programs, each run on both libraries: they give the same values, or raise the same type of error."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from tests.exchange import assert_same, map_tensors

LIBRARIES = (minidl, torch)


def named(value: Any) -> Any:
    """Values in NumPy's terms: tensors as arrays, named tuples as tuples, what belongs to a library by its text."""
    if isinstance(value, (list, tuple, range)) and not isinstance(value, (minidl.Size, torch.Size)):
        return [named(v) for v in value]
    if isinstance(value, dict):
        return {k: named(v) for k, v in value.items()}
    if isinstance(value, (minidl.Tensor, torch.Tensor)):
        return map_tensors(value, np.array)
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def program(lib: Any, text: str) -> Any:
    def tensor(*values: Any, dtype: str = "float64") -> Any:
        return lib.tensor(values[0] if len(values) == 1 else list(values), dtype=getattr(lib, dtype))

    def leaf(*values: Any) -> Any:
        return tensor(*values).requires_grad_()

    def some(*shape: int) -> Any:
        return lib.from_numpy(np.random.default_rng(len(shape)).uniform(-2, 2, shape)).requires_grad_()

    def grads(f: Any, *inputs: Any) -> Any:
        """The value, the gradients under fixed weights, and the gradients of their squares."""
        y = f(*inputs)
        weights = lib.from_numpy(np.cos(np.arange(y.numel(), dtype=np.float64)).reshape(tuple(y.shape)))
        first = lib.autograd.grad(y, inputs, weights, create_graph=True)
        total = sum([(g * g).sum() for g in first])
        second = lib.autograd.grad(total, inputs, allow_unused=True) if total.requires_grad else [None] * len(inputs)
        return y, first, [None if g is None or not bool((g != 0).any()) else g for g in second]

    scope = {"T": lib, "nn": lib.nn, "F": lib.nn.functional, "np": np, "tensor": tensor, "leaf": leaf, "some": some, "grads": grads, "copy": copy,
             "pickle": pickle, "optim": lib.optim, "inf": np.inf, "nan": np.nan}
    lib.manual_seed(3)
    *first, last = ast.parse(text.strip()).body
    exec(compile(ast.Module(first, []), "<program>", "exec"), scope)  # noqa: S102  # the tables below
    if isinstance(last, ast.Expr):
        return named(eval(compile(ast.Expression(last.value), "<program>", "eval"), scope))
    exec(compile(ast.Module([last], []), "<program>", "exec"), scope)  # noqa: S102
    return None


VALUES = """
grads(lambda a, b: T.remainder(a, b), leaf(5.5, -5.5, 5.5, -5.5), leaf(2.0, 2.0, -2.0, -2.0))
grads(lambda a, b: T.fmod(a, b), leaf(5.5, -5.5, 5.5, -5.5), leaf(2.0, 2.0, -2.0, -2.0))
[T.div(tensor(7, -7, 7, -7, dtype="int64"), tensor(2, 2, -2, -2, dtype="int64"), rounding_mode=m) for m in ("trunc", "floor")]
grads(T.sinc, leaf(0.0, 0.5, -1.5))
grads(lambda x: x ** 2, leaf(0.5, -3.0))
[tensor(-1, 1, dtype="int64") ** tensor(n, n, dtype="int64") for n in (-3, -2, 0, 3)]
grads(lambda a, b: a ** b, leaf(0.0, 0.0, 2.0), leaf(2.0, 1.0, 0.0))[:2]
grads(lambda x: F.leaky_relu(x, -0.5), leaf(-2.0, 3.0))
grads(lambda x: F.leaky_relu(x, 1.5), leaf(-2.0, 3.0))
grads(F.relu, leaf(0.0, -1.0, 1.0))
grads(F.hardtanh, leaf(-1.0, 1.0, 0.5))
grads(lambda x: F.softplus(x, 3.0, 2.0), leaf(-1.0, 0.1, 0.5, 2.0))
grads(lambda x: F.softmax(x, 0), some(3, 2))
grads(lambda x: F.softmax(x, 1), some(2, 3, 2))
grads(lambda x: F.log_softmax(x, 0), some(3, 2))
grads(lambda x: F.softmin(x, 1), some(2, 3, 2))
T.logsumexp(tensor([-inf, -inf], [inf, 1.0], [0.0, -inf]), 1)
[f(some(*shape)) for f in (F.softmax, F.log_softmax, F.softmin) for shape in ((3,), (2, 3), (2, 3, 2), (1, 2, 3, 2))]
grads(lambda x: x.mean((0, 2)), some(2, 3, 4))
grads(lambda x: x.prod(1), some(2, 3))
grads(lambda x: x.nansum(1), leaf([1.0, nan, 2.0], [nan, 3.0, 4.0]))
[T.ones(2, dtype=T.uint8).all().dtype, T.ones(2, dtype=T.uint8).any().dtype, T.ones(2).all().dtype]
[T.full((3000,), 1.0, dtype=T.float16).sum(), T.full((3000,), 0.1, dtype=T.float16).mean(), T.full((70,), 60.0, dtype=T.float16).norm()]
T.softmax(T.arange(12.0).to(T.float16), 0)
T.ones(3, 70, dtype=T.float16) @ T.full((70, 2), 0.1, dtype=T.float16)
grads(lambda x: x.cumprod(0), leaf(2.0, 0.0, 3.0, 0.5))
grads(lambda x: x.logcumsumexp(0), some(5))
T.cummax(tensor(1.0, nan, 2.0, nan), 0)
grads(lambda a, b: a @ b, some(3, 2), some(2))
grads(lambda a, b: a @ b, some(2, 3, 2), some(2))
grads(lambda x, w, b: F.linear(x, w, b), some(2, 3, 2), some(4, 2), some(4))
grads(T.linalg.det, leaf([2.0, 1.0], [0.5, -3.0]))
grads(T.linalg.det, leaf([1.0, 2.0], [2.0, 4.0]))[1]
T.logdet(leaf([0.0, 1.0], [1.0, 0.0]))
grads(lambda a, b: T.linalg.solve(a, b), leaf([2.0, 1.0], [0.5, -3.0]), some(2))
T.linalg.matrix_power(tensor([2.0, 1.0], [0.5, -3.0]), -3)
T.linalg.multi_dot([some(2, 3), some(3, 5), some(5, 4), some(4, 1)])
T.linalg.matrix_rank(tensor([1e-3, 0.0], [0.0, 1e-20]))
grads(lambda x, s: x.scatter_reduce(0, T.tensor([0, 0, 1]), s, "amax"), leaf(1.0, 5.0), leaf(4.0, 4.0, 5.0))
grads(lambda x, s: x.scatter_reduce(0, T.tensor([0, 0, 1]), s, "mean", include_self=False), leaf(1.0, 5.0), leaf(4.0, 2.0, 5.0))
[T.ones(2, dtype=T.int64).scatter_reduce(0, T.tensor([0, 0]), T.tensor([3, 4]), r, include_self=False) for r in ("sum", "mean", "prod", "amax", "amin")]
[T.ones(2, 2).scatter(1, T.tensor([[0], [1]]), T.full((2, 1), 3.0), reduce=r) for r in ("add", "multiply")]
T.zeros(3, 3).scatter(0, T.tensor([[0, 1]]), T.arange(9.0).reshape(3, 3))
grads(lambda x: x.index_fill(0, T.tensor([0, 0]), 2.0), some(3))
grads(lambda x, s: x.index_add(0, T.tensor([0, 0]), s, alpha=-2), some(3), some(2))
[F.pad(T.arange(4.0).reshape(1, 1, 4), p, m) for p in ((2, 1), (-1, 2), (1, -2)) for m in ("reflect", "replicate", "circular")]
grads(lambda x: F.pad(x, (1, -2, 0, 3)), some(2, 3, 4))
grads(lambda w: F.embedding(T.tensor([0, 2, 0, 1]), w, padding_idx=2, scale_grad_by_freq=True), some(3, 2))
[F.embedding_bag(T.tensor([0, 2, 0, 1]), some(3, 2), T.tensor([0, 3]), mode=m, padding_idx=2) for m in ("sum", "mean", "max")]
[F.embedding_bag(T.tensor([[0, 2], [1, 2]]), some(3, 2), mode=m, padding_idx=2) for m in ("sum", "mean", "max")]
w = tensor([3.0, 4.0], [0.3, 0.4]); v = w._version; y = F.embedding(T.tensor([0]), w, max_norm=1.0); [w, y, w._version > v]
grads(lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True), some(1, 3, 4), some(1, 3, 4))
F.scaled_dot_product_attention(some(2, 2), some(2, 2), some(2, 2), attn_mask=T.tensor([[True, False], [False, False]]))
F.scaled_dot_product_attention(some(1, 4, 2, 3), some(1, 2, 5, 3), some(1, 2, 5, 3), enable_gqa=True)
m = nn.MultiheadAttention(4, 2).double(); m(some(3, 2, 4), some(5, 2, 4), some(5, 2, 4), key_padding_mask=T.tensor([[0, 0, 1, 0, 1], [0, 1, 0, 0, 0]]).bool(), attn_mask=T.ones(3, 5).triu(3).bool())
m = nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True).double(); m(some(3, 4), some(5, 4), some(5, 4), average_attn_weights=False)
grads(lambda x: F.normalize(x, dim=0), some(3, 2))
F.normalize(T.zeros(2, 2), dim=1)
F.rms_norm(tensor([1e-9, 2e-9]), (2,))
grads(lambda x, w, b: F.group_norm(x, 2, w, b), some(2, 6, 3), some(6), some(6))
grads(lambda x, w, b: F.batch_norm(x, T.zeros(3).double(), T.ones(3).double() * 2, w, b), some(2, 3, 4), some(3), some(3))
m, v = tensor(1.0, 2.0), tensor(3.0, 4.0); F.batch_norm(some(4, 2), m, v, training=True, momentum=0.3); [m, v]
[F.max_pool2d(T.arange(36.0).reshape(1, 6, 6).sin(), 2, 1, dilation=2, return_indices=True), F.max_pool2d(tensor([[[1.0, nan], [nan, 0.0]]]), 2, return_indices=True)]
[F.max_pool1d(T.arange(n * 1.0).reshape(1, n), 3, 2, 1, ceil_mode=True) for n in (3, 4, 5, 6, 7)]
[F.avg_pool1d(T.arange(n * 1.0).reshape(1, n), 3, 2, 1, ceil_mode=True, count_include_pad=c) for n in (3, 4, 5, 6, 7) for c in (True, False)]
grads(lambda x: F.max_pool1d(x, 2, 1), leaf([[1.0, 1.0, 1.0, 0.0]]))
grads(lambda x: F.max_pool1d(x, 3, 2), leaf([[1.0, 0.0, 3.0, 2.0, 1.0]]))
grads(lambda x: F.lp_pool1d(x, 3, 2), some(1, 2, 4))
[F.adaptive_avg_pool1d(T.arange(n * 1.0).reshape(1, n), m) for n in (5, 7) for m in (2, 3, 4)]
[F.adaptive_max_pool2d(T.arange(35.0).sin().reshape(1, 5, 7), (2, 3), return_indices=True), F.adaptive_max_pool1d(tensor([[1.0, nan, nan, 0.0]]), 2, return_indices=True)]
[F.interpolate(T.arange(5.0).reshape(1, 1, 5), n, mode="linear", align_corners=c) for n in (1, 3, 9) for c in (True, False)]
[F.interpolate(T.arange(5.0).reshape(1, 1, 5), n, mode=m) for n in (3, 9, 12) for m in ("nearest", "nearest-exact", "area")]
[F.interpolate(T.arange(30.0).double().sin().reshape(1, 1, 5, 6), (3, 9), mode=m, antialias=a) for m in ("bilinear", "bicubic") for a in (True, False)]
[F.pixel_shuffle(T.arange(24.0).reshape(8, 1, 3), 2), F.pixel_unshuffle(T.arange(24.0).reshape(1, 4, 6), 2), F.channel_shuffle(T.arange(12.0).reshape(1, 6, 2), 3)]
grads(lambda x: F.channel_shuffle(x, 3), some(1, 6, 2))
[F.grid_sample(T.arange(12.0).reshape(1, 1, 3, 4), tensor([[[[-1.6, 0.3], [2.7, -3.4], [0.2, 0.9]]]], dtype="float32"), padding_mode=p, align_corners=c) for p in ("zeros", "border", "reflection") for c in (True, False)]
grads(lambda x, g: F.grid_sample(x, g, padding_mode="reflection", align_corners=False), some(1, 1, 3, 4), leaf([[[[-1.6, 0.3], [2.7, -3.4], [0.2, 0.9]]]]))
F.grid_sample(T.ones(1, 1, 1, 1), tensor([[[[0.2, 3.0]]]], dtype="float32"), padding_mode="reflection", align_corners=True)
[F.binary_cross_entropy(tensor(0.0, 1.0), tensor(1.0, 0.0)), F.binary_cross_entropy_with_logits(some(3), tensor(0.0, 1.0, 0.5), pos_weight=tensor(3.0, 2.0, 1.0))]
grads(lambda x: F.binary_cross_entropy_with_logits(x, tensor(0.0, 1.0, 0.5), pos_weight=tensor(3.0, 2.0, 1.0)), some(3))
grads(lambda x: F.smooth_l1_loss(x, tensor(0.0, 0.0, 0.0), beta=0.5), leaf(0.2, 0.7, -3.0))
grads(lambda x: F.huber_loss(x, tensor(0.0, 0.0, 0.0), delta=0.5), leaf(0.2, 0.7, -3.0))
F.kl_div(some(4, 3), tensor(*[[0.2, 0.3, 0.5]] * 4), reduction="batchmean")
[F.poisson_nll_loss(some(3), tensor(0.5, 1.0, 3.0), full=True), F.gaussian_nll_loss(some(3), some(3) * 2, tensor(0.0, 1.0, 2.0), full=True), F.gaussian_nll_loss(some(2, 3), some(2, 3) * 2, 2.0), F.gaussian_nll_loss(some(2, 3), some(2, 3) * 2, tensor(1.0, 2.0))]
[F.cross_entropy(some(4, 3), T.tensor([0, 2, -100, 1]), w, reduction=r, label_smoothing=s) for w in (None, tensor(1.0, 2.0, 0.5)) for r in ("mean", "sum", "none") for s in (0.0, 0.2)]
[F.cross_entropy(some(2, 3), tensor([0.2, 0.3, 0.5], [1.0, 0.0, 0.0]), label_smoothing=s) for s in (0.0, 0.2)]
grads(lambda x: F.cross_entropy(x, T.tensor([0, 2, -100, 1]), tensor(1.0, 2.0, 0.5)), some(4, 3))
F.cross_entropy(some(2, 3), T.tensor([-100, -100]), label_smoothing=0.2)
x = some(6, 2, 3); y = F.ctc_loss(x.log_softmax(2), T.tensor([[1, 1, 2], [2, 1, 0]]), (6, 4), (3, 2)); [y, T.autograd.grad(y, x)]
[F.ctc_loss(some(6, 2, 3), T.tensor([1, 1, 2, 2, 1]), (6, 4), (3, 2), reduction=r) for r in ("mean", "sum", "none")]
x = some(2, 1, 3); y = F.ctc_loss(x, T.tensor([[1, 1, 2]]), (2,), (3,), zero_infinity=True); [y, T.autograd.grad(y, x)]
x = some(2, 3); y = F.multi_margin_loss(x, T.tensor([0, 2]), p=2); [y, T.autograd.grad(y, x)]
F.multilabel_margin_loss(some(1, 4), T.tensor([[3, -1, 1, -1]]))
[F.triplet_margin_loss(some(3, 2), some(3, 2) + 1, some(3, 2) * 2, swap=s) for s in (True, False)]
F.cosine_embedding_loss(T.zeros(2, 3), T.ones(2, 3), T.tensor([1.0, -1.0]))
F.margin_ranking_loss(tensor(1.0, 2.0), tensor(2.0, 1.0), tensor(1.0, 1.0), margin=0.5)
[F.mse_loss(some(3), tensor(0.0, 1.0, 2.0), weight=tensor(1.0, 2.0, 3.0)), F.l1_loss(some(3), tensor(0.0, 1.0, 2.0), weight=tensor(1.0, 2.0, 3.0))]
x = T.arange(24.0).reshape(2, 3, 4); [x[:, T.tensor([0, -1]), 1:], x[T.tensor([1, 0]), :, T.tensor([0, -1])], x[..., T.tensor([[0, -4]])]]
x = T.zeros(2, 3, 4); x.index_put_((T.tensor([1, 0, 1]), T.tensor([2, 2, 2])), T.ones(3, 4), accumulate=True); x
grads(lambda x: x[:, T.tensor([1, 0, 1]), :, T.tensor([0, -1, 0])], some(2, 2, 2, 3))
grads(lambda x, b: F.linear(x, some(4, 2).detach(), b), some(2, 3, 2), some(4))
grads(lambda w, b: F.linear(some(2, 3, 2).detach(), w, b), some(4, 2), some(4))
grads(lambda x: x.prod(), some(2, 3))
grads(lambda x: x[T.tensor([0, 0, 2])] * x[:, T.tensor([1, -1, 0])], some(3, 3))
[T.addmm(T.ones(2, 2, dtype=T.int64), T.full((2, 3), 2), T.full((3, 2), 3), beta=2, alpha=3), T.addmv(T.ones(2, dtype=T.int64), T.ones(2, 2, dtype=T.int64), T.ones(2, dtype=T.int64), beta=2)]
T.einsum("ij,jk", some(1, 3), some(3, 2))
T.einsum(some(2, 3), [0, 1], some(3, 2), [1, 2], [0, 2])
[T.einsum("...i,...i", some(2, 3), some(1, 3)), T.tensordot(some(2, 1), some(3, 2), dims=([1, 0], [0, 1]))]
[T.max(tensor(1.0, 3.0), tensor(2.0, 2.0)), T.min(tensor(1.0, 3.0), tensor(2.0, 2.0))]
T.histogram(tensor(0.1, 0.4, 0.5), 3, range=(0.0, 1.0), density=True)
[T.repeat_interleave(T.tensor([2, 0, 1])), T.repeat_interleave(T.tensor([5, 6]), 2)]
[T.atleast_2d(T.tensor(1.0), T.ones(2)), T.atleast_3d((T.ones(2), T.ones(1, 2))), T.broadcast_tensors(T.ones(2, 1), T.zeros(3))]
[T.nanmean(tensor(1.0, nan)), T.where(T.tensor([1, 0], dtype=T.uint8), 1.0, 2.0)]
[nn.functional.instance_norm(some(2, 3, 4)), nn.functional.local_response_norm(some(2, 3, 4), 2)]
[T.normal(0.0, 1.0, (3,)), T.normal(T.zeros(3), T.ones(3)), T.normal(T.zeros(3), 2.0), T.bernoulli(T.full((4,), 0.5), 0.3), T.randint_like(T.zeros(3), 5), T.empty(4).random_(), T.empty(4).bernoulli_(0.3)]
x = some(3); y = x * 1; y.bernoulli_(0.5); y.sum().backward(); x.grad
x = T.ones(3, dtype=T.int64); [x.type(), x.type("torch.DoubleTensor"), x.type(T.float16).dtype, x.type_as(T.ones(1)).dtype, x.to(T.ones(1, dtype=T.float64)).dtype]
x = some(3); y = T.zeros(3, dtype=T.float64); y.copy_(x * 2); y.sum().backward(); [x.grad, y.is_leaf]
x = some(2); [copy.deepcopy(x), copy.deepcopy([x, x])[0], copy.copy(x), pickle.loads(pickle.dumps(x.detach()))]
[T.Size([1, 2]) + (3,), (T.Size([1, 2]) + (3,)).numel(), T.Size([1, 2, 3])[1:], T.device("cpu"), T.device("cpu", 0), T.device("cpu") == T.device("cpu", 0), hash(T.device("cpu")) == hash(T.device("cpu"))]
[str(pickle.loads(pickle.dumps(T.device("cpu", 0)))), str(pickle.loads(pickle.dumps(T.channels_last))), str(T.strided), T.float32.to_real()]
[T.FloatTensor(2, 3).shape, T.LongTensor([1, 2]), T.Tensor(T.Size([2])).shape, T.DoubleTensor([[1.0]])]
[T.tensor([]).dtype, T.get_default_dtype(), T.iinfo(T.int8).min, T.as_tensor(T.ones(2), dtype=T.float64), T.linspace(T.tensor(0.0), T.tensor(1.0), 3)]
x = some(2); y = x * 2; y.requires_grad_(); x.grad = T.ones(2, dtype=T.float64); del x.grad; [x.grad, y.requires_grad]
x = some(2); h = (x * x).grad_fn.register_prehook(lambda g: (g[0] * 2,)); y = x * x; y.grad_fn.register_prehook(lambda g: (g[0] * 3,)); y.sum().backward(); x.grad
x = some(2); g = T.autograd.grad((x ** 3).sum(), x, create_graph=True)[0]; x.grad = g; (x ** 2).sum().backward(); x.grad
x, y = some(2), some(2, 2); T.autograd.backward((x * 2).sum() + (y * 3).sum(), inputs=[y]); [x.grad, y.grad]
x = some(2); y = x * 2; T.autograd.backward((y * y).sum(), inputs=[y, x]); [x.grad, y.requires_grad]
x = some(2); y = x * x; T.autograd.grad(y, x, T.eye(2).double(), is_grads_batched=True)
x, z = some(2), some(3); T.autograd.grad((x * x).sum(), (x, z), materialize_grads=True)
x = some(2); n = (x * 2).grad_fn; [n.next_functions[0][0].variable is x, n.next_functions[0][0].next_functions, n.metadata]
x = some(2); y = x * 3; y.grad_fn(T.ones(2).double())
x = T.zeros(2, requires_grad=True); v = x.detach()[:1]; w = x.data; [v.requires_grad, w.requires_grad, (v * 2).requires_grad]
x = T.zeros(3, dtype=T.float64); v = x[:2]; x.mul_(some(3)); (v * 2).sum().backward(); [v.requires_grad, x.requires_grad]
x = T.zeros(3, dtype=T.float64); v = x.detach()[:2]; y = some(3); T.autograd.grad((y * 2).sum() + v.sum(), y)
[T.autograd.functional.vjp(lambda x: (x ** 2).sum(), some(2)), T.autograd.functional.vjp(lambda x, y: (x * y, x), (some(2), some(2) * 2), (tensor(1.0, 2.0), tensor(0.0, 1.0)))]
[T.autograd.functional.jvp(lambda x: x ** 2, some(2), tensor(1.0, 2.0)), T.autograd.functional.vhp(lambda x: (x ** 3).sum(), some(2), tensor(1.0, 2.0)), T.autograd.functional.hvp(lambda x: (x ** 3).sum(), some(2), tensor(1.0, 2.0))]
x = some(2).detach().requires_grad_(); y = T.autograd.functional.jvp(lambda x: x ** 3, x, tensor(1.0, 2.0), create_graph=True)[1]; T.autograd.grad(y.sum(), x)
T.autograd.functional.vjp(lambda x: T.ones(2).double(), some(2), tensor(1.0, 1.0))
seen = []; x, y = some(2), some(2); h = T.autograd.graph.register_multi_grad_hook([x, y], lambda gs: seen.append([g is None for g in gs])); (x * y).sum().backward(); x.sum().backward(); h.remove(); (x * y).sum().backward(); seen
seen = []; x, y = some(2), some(2); h = T.autograd.graph.register_multi_grad_hook([x, y], lambda g: seen.append(g.shape), mode="any"); (x * y).sum().backward(); seen
x = some(2); v = x._version; T.autograd.graph.increment_version(x.detach()); [x._version - v]
x = some(3); c = T.autograd.graph.save_on_cpu(); c.__enter__(); y = x * 1; y.mul_(x); y.tanh_(); y.exp().mul_(y); c.__exit__(None, None, None); y.sum().backward(); [x.grad, y]
kept = []; x = some(2, 2); c = T.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t.numpy(force=True), T.from_numpy); c.__enter__(); y = T.einsum("ij,jk,kl", x, x, x).tanh(); c.__exit__(None, None, None); y.sum().backward(); [x.grad, len(kept) > 1]
T.autograd.gradcheck(lambda x, y: (x * y, T.ones(1)), (some(2), some(2).detach()))
a = nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5], div_value=2.0).double(); a.reset_parameters(); x = some(5, 4); [a.log_prob(x).exp().sum(1).round(decimals=8), (a.predict(x) == a.log_prob(x).argmax(1)).all()]
a = nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2, 5], div_value=2.0).double(); x = some(3, 4); t = T.tensor([0, 1, 3]); (a(x, t).output - a.log_prob(x).gather(1, t[:, None])[:, 0]).abs().max() < 1e-12
[nn.Embedding.from_pretrained(T.ones(2, 3)).weight.requires_grad, nn.EmbeddingBag.from_pretrained(T.ones(2, 3), freeze=False).weight.requires_grad, nn.Embedding(2, 3, _weight=T.ones(2, 3)).weight]
s = nn.Sequential(nn.ReLU()); s += nn.Sequential(nn.Tanh()); s *= 2; [len(s), str(s)]
m = nn.ModuleDict({"a": nn.ReLU()}); m.update([["b", nn.Tanh()]]); k = list(m); m.clear(); [k, len(m)]
p = nn.ParameterDict({"a": nn.Parameter(T.ones(1)), "b": nn.Parameter(T.zeros(1))}); q = p.fromkeys(["x", "y"], 3); p |= {"c": nn.Parameter(T.ones(2))}; n = [list(reversed(p)), [v.shape for v in p.values()], list(q.items())]; p.clear(); [n, len(p)]
p = nn.ParameterList([T.ones(1)]); p += [T.zeros(2)]; [len(p), p[1].requires_grad]
[nn.Transformer.generate_square_subsequent_mask(3), nn.Softmax2d()(some(2, 2, 2)), nn.RNN(2, 3).all_weights[0][0].shape]
nn.utils.rnn.pack_sequence([T.ones(2, 1), T.ones(1, 1)]).float().data
p = nn.utils.rnn.pack_sequence([T.ones(2, 1), T.ones(1, 1)]); [p.cpu().data, p.is_cuda, p.double().data.dtype]
m = nn.Module(); m.x = nn.Linear(1, 1); m.x = None; m.register_buffer("b", T.ones(1)); m.b = None; [list(m.state_dict()), m._modules, m._buffers]
nn.init.trunc_normal_(T.empty(4).double(), 0.0, 1.0, -0.5, 0.5)
F.conv_transpose1d(some(1, 1, 3), some(1, 1, 2), padding=1, output_padding=0)
[F.max_pool3d(T.arange(8.0).reshape(1, 1, 2, 2, 2), 1), F.gumbel_softmax(T.zeros(2, 3), hard=True).sum(1)]
optim.Adam([T.ones(1, requires_grad=True)]).param_groups[0]["params"][0]
p = T.ones(2, requires_grad=True); o = optim.LBFGS([p]); o.step(lambda: (p * 0).sum()); p
o = optim.AdamW([T.ones(1, requires_grad=True)]); s = o.state_dict(); s["param_groups"][0].pop("decoupled_weight_decay"); o.load_state_dict(s); o.param_groups[0]["decoupled_weight_decay"]
p = T.ones(2, requires_grad=True); p.sum().backward(); v = p.grad._version; optim.SGD([p], 0.1).zero_grad(set_to_none=False); [p.grad, p.grad._version - v]
p, r = T.ones(2, requires_grad=True), T.tensor(0.5); o = optim.SGD([p], r); s = optim.lr_scheduler.ExponentialLR(o, 0.5); o.step(); v = r._version; s.step(); [r, r._version > v]
o = optim.SGD([T.ones(1)], 0.5); s = optim.lr_scheduler.PolynomialLR(o, 4, power=2.0); o.step(); s.step(10); [s.get_last_lr(), o.param_groups[0]["lr"]]
o = optim.SGD([T.ones(1)], 0.5); s = optim.lr_scheduler.ReduceLROnPlateau(o, patience=1, threshold=0.0); [(s.step(1.0), o.param_groups[0]["lr"], s.num_bad_epochs)[1:] for _ in range(4)]
m = nn.Sequential(nn.BatchNorm1d(2)).eval(); optim.swa_utils.update_bn([T.arange(8.0).reshape(4, 2)], m); [m.training, m[0].momentum, m[0].running_mean, m[0].running_var]
m = nn.Bilinear(2, 2, 1).double(); x, y = some(3, 2), some(3, 2) * 2; m.register_forward_pre_hook(lambda m, a: (a[1], a[0] * 3)); m(x, y)
m = nn.BatchNorm1d(2).double(); m.track_running_stats = False; m(some(4, 2)); [m.running_mean, m.running_var]
[nn.init.dirac_(T.empty(4, 2, 3), 2), nn.init.dirac_(T.empty(4, 3, 2, 2), 4)]
p = T.ones(2, requires_grad=True); p.grad = T.full((2,), 1e-7); n = nn.utils.clip_grad_norm_([p], 1e-7); [n, p.grad]
m = nn.utils.spectral_norm(nn.Linear(3, 2)).double(); x = some(4, 3); a, b = m(x).square().sum(), m(x).sum(); a.backward(); b.backward(); [x.grad, m.weight_orig.grad, m.weight_u]
P = nn.utils.parametrize; A = type("A", (nn.Module,), {"forward": lambda s, x: x + 1, "right_inverse": lambda s, x: x - 1}); B = type("B", (nn.Module,), {"forward": lambda s, x: x * 2, "right_inverse": lambda s, x: x / 2}); L = P.ParametrizationList([A(), B()], nn.Parameter(tensor(3.0, 5.0))); m = nn.Linear(2, 1).double(); P.register_parametrization(m, "weight", A()); P.register_parametrization(m, "weight", B()); m.weight = tensor([1.0, 2.0]); c = P.cached(); c.__enter__(); a = m.weight; c.__exit__(None, None, None); m.parametrizations.weight.original.data.mul_(3); c = P.cached(); c.__enter__(); b = m.weight; c.__exit__(None, None, None); [L.original, L(), a, b, m.parametrizations.weight.original]
[T.randint(0, 2 ** 28, (3,)), T.randint(0, 2 ** 28 - 1, (3,)), T.randint(-5, 2 ** 40, (3,))]
grads(lambda x, v: x.index_fill(0, T.tensor([0, 0, 2]), v), some(3), some())
F.nll_loss(tensor([-inf, 0.0], [-1.0, -2.0]), T.tensor([-100, 1]))
T.set_printoptions(precision=2, sci_mode=True); s = str(T.tensor([1.5, 200.0])); T.set_printoptions(profile="default"); [s, str(T.tensor([1.5, 200.0]))]
"""

ERRORS = """
(some(2) * 2).requires_grad_(False)
T.ones(2).requires_grad_(1)
T.ones(2, dtype=T.int64).requires_grad_()
some(2).numpy()
x = some(2); x.grad = 3
x = some(2); x.grad = x
x = some(2); x.grad = T.ones(3).double()
x = some(2); x.grad = T.ones(2)
T.ones(2).data = 3
T.ones(2).register_hook(print)
T.ones(2).retain_grad()
(some(2) * 2).register_post_accumulate_grad_hook(print)
T.ones(2).register_post_accumulate_grad_hook(print)
x = some(2); y = x * 2; y.register_hook(lambda g: 3); y.sum().backward()
x = some(2); y = x * 2; y.grad_fn.register_prehook(lambda g: 3); y.sum().backward()
T.autograd.backward([some(2).sum(), some(2).sum()], [T.tensor(1.0)])
some(2).sum().backward(3)
some(2).sum().backward(inputs=[])
T.autograd.grad(some(2).sum(), some(2), allow_unused=False, materialize_grads=True)
T.autograd.graph.register_multi_grad_hook([some(2)], print, mode="some")
x = some(2); c = T.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3); c.__enter__(); y = x * x; c.__exit__(None, None, None); y.sum().backward()
T.autograd.functional.vjp(lambda x: x ** 2, some(2))
T.autograd.functional.vjp(lambda x: T.ones(2).double(), some(2), tensor(1.0, 1.0), strict=True)
T.autograd.functional.vjp(lambda x, y: x * 2, (some(2), some(2)), tensor(1.0, 1.0), strict=True)
T.autograd.gradcheck(lambda x: x, (T.ones(2).double(),))
T.autograd.Function.forward(None)
T.autograd.Function.backward(None)
T.autograd.Function.setup_context(None, (), None)
T.set_default_dtype(T.int64)
T.finfo(T.int64)
T.iinfo(T.float32)
T.ones(2).to("nonsense")
T.ones(2).type("torch.NonsenseTensor")
T.FloatTensor("a", "b")
T.ones(2).copy_("a")
x = T.ones(4)[:2]; x.detach_()
bool(T.ones(2))
[0, 1, 2][T.ones(1)]
T.ones(2).float_()
copy.deepcopy(some(2) * 2)
T.add(T.ones(2), 1, nonsense=3)
T.add(T.ones(2), 1.5, out=T.ones(2, dtype=T.int64))
T.mm(some(2, 2), some(2, 2), out=T.ones(2, 2).double())
T.ones(2, dtype=T.int64).add(1, alpha=True)
F.scaled_dot_product_attention(some(2, 2), T.ones(2, 2), some(2, 2))
F.scaled_dot_product_attention(some(2, 2), some(2, 2), some(2, 2), attn_mask=T.ones(2, 2).bool(), is_causal=True)
nn.MultiheadAttention(4, 2)(T.ones(1, 1, 1, 4), T.ones(2, 4), T.ones(2, 4))
nn.MultiheadAttention(4, 2)(T.ones(2, 4), T.ones(1, 2, 4), T.ones(1, 2, 4))
nn.MultiheadAttention(4, 2)(T.ones(2, 4), T.ones(2, 4), T.ones(2, 4), key_padding_mask=T.zeros(1, 2))
nn.MultiheadAttention(4, 2)(T.ones(2, 4), T.ones(2, 4), T.ones(2, 4), attn_mask=T.zeros(2))
nn.MultiheadAttention(4, 2)(T.ones(2, 1, 4), T.ones(2, 1, 4), T.ones(2, 1, 4), attn_mask=T.zeros(3, 3))
nn.MultiheadAttention(4, 2)(T.ones(2, 1, 4), T.ones(2, 1, 4), T.ones(2, 1, 4), attn_mask=T.zeros(2, 2, dtype=T.int64))
nn.MultiheadAttention(4, 2)(T.ones(2, 1, 5), T.ones(2, 1, 5), T.ones(2, 1, 5))
nn.MultiheadAttention(4, 2)(T.ones(2, 1, 4), T.ones(2, 1, 4), T.ones(3, 1, 4))
nn.MultiheadAttention(4, 2)(T.ones(2, 1, 4), T.ones(2, 1, 4), T.ones(2, 1, 4), is_causal=True)
F.conv2d(T.ones(1, 1, 4, 4), T.ones(1, 1, 2, 2), T.ones(1).double())
F.conv2d(T.ones(1, 1, 4, 4), T.ones(1, 1, 2))
F.conv2d(T.ones(1, 1, 4, 4).bool(), T.ones(1, 1, 2, 2).bool())
F.conv2d(T.ones(1, 3, 4, 4), T.ones(3, 1, 2, 2), groups=2)
F.conv2d(T.ones(1, 2, 4, 4), T.ones(3, 1, 2, 2), groups=2)
F.conv_transpose2d(T.ones(1, 3, 4, 4), T.ones(3, 1, 2, 2), groups=2)
F.conv_transpose1d(T.ones(1, 1, 4), T.ones(1, 1, 2), stride=2, output_padding=2)
F.embedding(T.tensor([0]), T.ones(2, 2), padding_idx=5)
F.embedding_bag(T.tensor([[0]]), T.ones(2, 2), T.tensor([0]))
F.embedding_bag(T.tensor([[[0]]]), T.ones(2, 2))
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([[0]]))
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([0, 5]))
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([0]), per_sample_weights=T.ones(2), mode="sum")
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([0]), mode="median")
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([0]), mode="max", scale_grad_by_freq=True)
F.embedding_bag(T.tensor([0]), T.ones(2, 2), T.tensor([0]), mode="max", sparse=True)
F.cross_entropy(T.ones(2, 3), T.tensor([0, 1, 2]))
F.cross_entropy(T.ones(2, 3), T.tensor([0, 1]), T.ones(2))
F.cross_entropy(T.ones(2, 3), T.tensor([0, 3]))
F.ctc_loss(T.ones(3, 2, 3), T.ones(1, 2, dtype=T.int64), (3, 3), (2, 2))
F.ctc_loss(T.ones(3, 2, 3), T.ones(3, dtype=T.int64), (3, 3), (2, 2))
F.ctc_loss(T.ones(3, 2, 3), T.ones(2, 2, dtype=T.int64), (3,), (2, 2))
F.ctc_loss(T.ones(3, 2, 3), T.ones(2, 2, dtype=T.int64), (9, 3), (2, 2))
F.ctc_loss(T.ones(3, 2, 3), T.ones(2, 2, dtype=T.int64), (3, 3), (2, 2), blank=7)
F.multi_margin_loss(T.ones(1, 1, 1), T.tensor([0]))
F.multi_margin_loss(T.ones(1, 3), T.tensor([0]), weight=T.ones(2))
F.gaussian_nll_loss(T.ones(2, 3), T.ones(2, 3), T.ones(4))
F.layer_norm(T.ones(3), 3)
F.group_norm(T.ones(2, 4), 3)
F.avg_pool3d(T.ones(1, 2, 2, 2), 3)
F.max_pool2d(T.ones(1, 2, 2).bool(), 2)
F.interpolate(T.ones(1, 1, 4, 4), 2, mode="lanczos")
F.interpolate(T.ones(1, 1, 4, dtype=T.int64), 2, mode="linear")
F.linear(T.tensor(1.0), T.ones(2, 2))
F.grid_sample(T.ones(1, 1, 0, 2), T.zeros(1, 1, 1, 2))
T.ones(2, 2, dtype=T.bool) @ T.ones(2, 2, dtype=T.bool)
T.linalg.solve(T.eye(2), T.ones(2), left=False)
T.arange(0, 1, 0)
T.linspace(T.ones(2), T.ones(()), 3)
T.repeat_interleave(T.ones(2), [1, 2])
T.repeat_interleave(T.ones(2), T.ones(1, 2, dtype=T.int64))
T.ones(2, 2).scatter(0, T.zeros(2, 2, dtype=T.int64), T.ones(2, 2), reduce="median")
T.where(T.tensor([1.0, 0.0]), 1.0, 2.0)
T.ones(3).mT
T.ones(2, 2, 2).H
T.ones(4).reshape(-1, 0)
T.ones(2, 3).t_().view(T.float64)
T.ones(2).contiguous(memory_format=T.channels_last)
T.ones(2).as_subclass(int)
T.ones(2).uniform_(0, 1, nonsense=2)
T.ones(2).uniform_(2, 1)
T.ones(2).normal_(0, -1)
T.rand(2, generator=3)
T.normal(T.ones(2), -T.ones(2))
T.narrow(T.ones(3), 0, T.ones(1), 1)
T.tensor_split(T.ones(3), T.ones(1, 1, dtype=T.int64))
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [])
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [5, 2])
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])(T.ones(2, 4), T.ones(2, 2, dtype=T.int64))
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])(T.ones(4), T.ones(2, dtype=T.int64))
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])(T.ones(3, 4), T.ones(2, dtype=T.int64))
nn.AdaptiveLogSoftmaxWithLoss(4, 9, [2])(T.ones(1, 4), T.tensor([9]))
nn.Embedding(2, 3, _weight=T.ones(3, 3))
nn.Embedding.from_pretrained(T.ones(3))
nn.Sequential(nn.ReLU()).append(3)
nn.Sequential(nn.ReLU()) * "a"
nn.ModuleDict().update(3)
nn.ModuleDict().update([["a", nn.ReLU(), 3]])
nn.Module()(3)
nn.Module().get_extra_state()
nn.Module().set_extra_state(3)
nn.Linear(1, 1).register_buffer("b", 3)
nn.Linear(1, 1).register_parameter("p", some(1) * 2)
m = nn.Linear(1, 1); m.register_module("k", nn.ReLU()); m.k = 3
m = nn.Linear(1, 1); m.register_buffer("k", T.ones(1)); m.k = 3
m = nn.Linear(1, 1); m.register_state_dict_post_hook(lambda *a: 3); m.state_dict()
m = nn.Linear(1, 1); m.register_load_state_dict_post_hook(lambda *a: 3); m.load_state_dict(m.state_dict())
m = nn.Linear(1, 1); d = m.state_dict(); d["no.where"] = T.ones(1); m.load_state_dict(d)
x = some(3) * 1; m = nn.Softplus(); m.register_full_backward_hook(lambda *a: None); y = m(x); x.detach().add_(1); y.sum().backward()
nn.BatchNorm1d(2)(T.ones(2, 2, 2, 2))
nn.InstanceNorm1d(3, affine=True)(T.ones(1, 2, 4))
nn.Conv2d(1, 1, 1, padding="nonsense")
nn.MaxPool2d(0)(T.ones(1, 2, 2))
nn.CircularPad1d(1)(T.ones(2))
nn.MultiMarginLoss(weight=T.ones(1, 1))
nn.TripletMarginWithDistanceLoss(margin=0)
nn.Softmax2d()(T.ones(2))
nn.RNNBase("NONSENSE", 1, 1)
nn.LSTM(1, 1, proj_size=-1)
nn.GRU(1, 1, proj_size=1)
nn.RNN(1, 1)(T.ones(1, 1, 1, 1))
nn.LSTMCell(1, 1)(T.ones(1, 1), (T.ones(1, 1, 1), T.ones(1, 1)))
nn.Transformer(4, 2)(T.ones(2, 1, 4), T.ones(2, 2, 4))
nn.Transformer(4, 2)(T.ones(2, 1, 5), T.ones(2, 1, 5))
nn.utils.rnn.pack_sequence([])
nn.utils.rnn.unpack_sequence(3)
nn.utils.skip_init(int, 3)
nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
nn.utils.spectral_norm(nn.Linear(2, 2, bias=False), "bias")
nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval())
optim.Adam([T.ones(1)], lr=T.tensor(0.1), foreach=True)
optim.Adafactor([T.ones(1)], lr=T.ones(2))
optim.Adafactor([T.ones(1)], weight_decay=-1.0)
optim.swa_utils.AveragedModel(nn.Linear(1, 1), avg_fn=min, multi_avg_fn=min)
optim.lr_scheduler.SequentialLR(optim.SGD([T.ones(1)]), [optim.lr_scheduler.ConstantLR(optim.SGD([T.ones(1)]))], [])
T.utils.data.DataLoader([1], num_workers=1, prefetch_factor=-1)
T.utils.data.DataLoader([1], num_workers=1, multiprocessing_context=3)
"""


def lines(table: str) -> list[Any]:
    """One case a line; its id is the names in it, so that `-k` finds them."""
    return [pytest.param(text, id=" ".join(dict.fromkeys(re.findall(r"[a-zA-Z_]\w{2,}", text)))) for text in table.strip().split("\n")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", lines(VALUES))
def test_same_values(text: str) -> None:
    have, want = (program(lib, text) for lib in LIBRARIES)
    assert_same(have, want, rtol=3e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", lines(ERRORS))
def test_same_errors(text: str) -> None:
    kinds = []
    for lib in LIBRARIES:
        with pytest.raises(Exception) as caught:  # of a type that the other library decides
            program(lib, text)
        assert not issubclass(caught.type, (SyntaxError, NameError)), text
        kinds.append(caught.type)
    assert issubclass(kinds[0], kinds[1]) or issubclass(kinds[1], kinds[0]), kinds
