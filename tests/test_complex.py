"""Complex tensors against PyTorch: what they are, arithmetic and linear algebra, gradients of every order, edits in place, hooks."""

from __future__ import annotations

import io
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.autograd import gradcheck, gradgradcheck

from .complex_numbers import SIDES, both, complexes, reals, same

UNARY = """exp log sqrt rsqrt reciprocal sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh log2 log10 log1p expm1 exp2 square sigmoid neg
abs angle sgn sinc conj conj_physical real imag positive view_as_real isreal isfinite"""


@pytest.mark.parametrize("name", UNARY.split())
@given(z=complexes((2, 3)))
def test_functions_of_one_number(name: str, z: np.ndarray) -> None:
    same(lambda T, z: getattr(T, name)(z), z)


@given(z=complexes((4,), "finite", "finite"))
def test_functions_at_zero_and_on_the_axes(z: np.ndarray) -> None:
    z[0], z[1], z[2] = 0, z[1].real, 1j * z[2].imag
    same(lambda T, z: (z.abs(), z.angle(), z.sgn(), z * z, z.real, z.imag), z, second=False)


# Expressions of two complex matrices z, w and a real one x, all 3 by 3.
EXPRESSIONS = """
z + w; z - x; z * w; x * z; z / w; x / z; z / 2; 2 / z; z * 1j; 1j * x; x + 2j; z ** 2; z ** 3; z ** -1; z ** 0.5; z ** (1 + 2j); z ** w; 2 ** z; x.abs() ** z
-z; +z; T.add(z, w, alpha=2j); T.sub(z, w, alpha=2); T.addcmul(z, w, z, value=0.5); T.addcdiv(z, w, z); T.lerp(z, w, 0.3); T.lerp(z, w, z); T.float_power(z, 2)
z @ w; z @ w[0]; w[0] @ z; T.mm(z, w); T.mv(z, w[0]); T.bmm(z[None], w[None]); T.addmm(z, w, z, beta=2, alpha=1j); T.outer(z[0], w[0]); T.dot(z[0], w[0])
T.vdot(z[0], w[0]); T.linalg.vecdot(z, w); T.einsum('ij,kj->ik', z, w); T.einsum('ij,ij->', z, w); T.tensordot(z, w, 1); T.kron(z, w[:2, :2])
T.nn.functional.linear(z, w, w[0]); T.nn.functional.linear(z[None], w, w[0]); T.nn.functional.l1_loss(z, w); T.nn.functional.normalize(z)
z.sum(); z.sum(0); z.mean(); z.mean(1, keepdim=True); z.prod(); z.prod(0); z.cumsum(0); z.cumprod(1); z.var(); z.std(0); T.var_mean(z, 1); z.logsumexp(0)
z.norm(); z.norm(1); z.norm(3, dim=0); T.linalg.norm(z, 'nuc'); T.linalg.vector_norm(z, float('inf')); T.dist(z, w); T.cov(z); z.trace(); z.count_nonzero()
z.T; z.H; z.mH; z.adjoint(); z.reshape(9); z.permute(1, 0); z[0]; z[:, 1:]; z[T.tensor([2, 0])]; z[x > 0]; z.flip(0); z.roll(1, 0); z.tril(); z.diag(); z.unbind()
z.expand(2, 3, 3); z.repeat(2, 1); z.gather(0, T.tensor([[0, 1, 2]])); z.masked_fill(x > 0, 1j); T.where(x > 0, z, w); T.where(x > 0, z, 0.0); T.cat([z, w]); T.stack([z, w])
T.cat([z, x]); z.chunk(3); z.unfold(0, 2, 1); T.nn.functional.pad(z, (1, 1)); T.diff(z); z.index_add(0, T.tensor([0, 0, 2]), w); z.clone(); z.contiguous(); z.conj().conj()
z.real * z.imag; z * z.conj(); T.view_as_complex(T.view_as_real(z)); T.view_as_real(z)[..., 0]; T.complex(x, 2 * x); T.polar(x.abs(), x); T.polar(x.abs(), x[0])
z.to(T.complex64); x.to(T.complex128); z == w; z != z; z == z; T.isclose(z, w); z.bool(); z.logical_not(); z.is_complex(); T.zeros_like(z); T.full((2,), 1j); T.eye(2, dtype=T.cfloat)
T.nn.functional.conv1d(z[None], w[None]); T.linalg.inv(z); T.linalg.solve(z, w); T.linalg.det(z); T.linalg.slogdet(z); T.linalg.matrix_power(z, 3)
T.matrix_exp(z / 4); T.linalg.eigvalsh(z + z.mH); (T.linalg.eigvals(z) ** 2).sum(); T.linalg.eig(z)[1].abs().sum(); T.linalg.eigvals(z.real).abs().sum(); T.linalg.svdvals(z); T.linalg.pinv(z); T.linalg.lstsq(z, w).solution; T.linalg.cholesky(z @ z.mH + 4 * T.eye(3, dtype=z.dtype))
"""
WELL = ("linalg", "svd", "matrix_exp", "nuc")  # what divides by differences of singular values and the like


@pytest.mark.parametrize("expression", [e.strip() for line in EXPRESSIONS.strip().splitlines() for e in line.split(";")])
@given(z=complexes((3, 3)), w=complexes((3, 3)), x=reals((3, 3)))
def test_expressions(expression: str, z: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
    if any(word in expression for word in WELL):  # distinct singular values and eigenvalues
        z = z / 4 + np.diag([2, 4 + 1j, -6j])
    same(lambda T, z, w, x: eval(expression, {"T": T, "z": z, "w": w, "x": x}), z, w, x, tolerance=1e-8)


# ---- views and edits in place


def edit_parts(T: ModuleType, z: Any, w: Any, x: Any) -> Any:
    c = z.clone()
    c.imag.mul_(2)
    c.real[0] = x[0]
    T.view_as_real(c)[1, :, 0].add_(1)
    c.real = z.real * x
    return c, c.imag, T.view_as_real(c)


def edit_through_complex(T: ModuleType, z: Any, w: Any, x: Any) -> Any:
    r = T.view_as_real(w * z).clone()
    pairs = T.view_as_complex(r)
    pairs.mul_(z)
    pairs[0] = w[0]
    return r, pairs


def edit_whole(T: ModuleType, z: Any, w: Any, x: Any) -> Any:
    c = (z * 1).mul_(w).add_(x).div_(2j)
    c[0] = x[0]
    c[1, 1:] *= 1j
    c[:, 0].copy_(x[:, 0])
    r = x.clone()
    r.copy_(c)
    return c, r, c.conj_physical_()


@pytest.mark.parametrize("edit", [edit_parts, edit_through_complex, edit_whole])
@given(z=complexes((3, 3)), w=complexes((3, 3)), x=reals((3, 3)))
def test_edits_in_place(edit: Any, z: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
    same(edit, z, w, x, single=False)


def test_parts_share_memory() -> None:
    z = minidl.tensor([1 + 2j, 3 - 4j])
    pairs = minidl.view_as_real(z)
    z.imag.fill_(7.0)
    assert pairs.tolist() == [[1.0, 7.0], [3.0, 7.0]] and z.real._base is z and pairs[:, 0].data_ptr() == z.data_ptr()
    back = minidl.view_as_complex(pairs)
    back[0] = 0
    assert z.tolist() == [0, 3 + 7j] and minidl.view_as_real(z[:1]).shape == (1, 2) and minidl.view_as_real(z[::2]).tolist() == [[0.0, 0.0]]
    x = minidl.ones(2)
    assert x.real is x and x.conj() is x and x.resolve_conj() is x and not z.conj().is_conj()


# ---- gradients as the user sees them


def seen(T: ModuleType, z: Any, w: Any) -> list[Any]:
    """What hooks of every kind are given."""
    log: list[Any] = []
    y = z * w
    y.register_hook(lambda g: log.append(g) or g * (1 + 1j))
    y.retain_grad()
    u = (y * y.conj() * z).tan()
    u.grad_fn.register_hook(lambda into, out: log.extend([*into, *out]))
    u.grad_fn.register_prehook(lambda out: log.append(out[0]) or (out[0] * 1j,))
    z.register_hook(lambda g: log.append(g) or g * 2j)
    u.abs().sum().backward()
    return [*log, y.grad, z.grad, w.grad]


@given(z=complexes((3,)), w=complexes((3,)))
def test_hooks_see_pytorchs_gradients(z: np.ndarray, w: np.ndarray) -> None:
    z, w = z / 4, w / 4
    found = [[np.asarray(g.detach().resolve_conj()) for g in seen(T, *[T.tensor(a, requires_grad=True) for a in (z, w)])] for T in SIDES]
    assert len(found[0]) == len(found[1])
    for have, want in zip(*found):
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9 * max(1, np.abs(want).max()))


def function_of(T: ModuleType) -> Any:
    class Mixed(T.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, z: Any, x: Any) -> Any:
            ctx.save_for_backward(z, x)
            return z.conj() * z * z * x, (z * x).real

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            z, x = ctx.saved_tensors
            return x * (g * 2 * (z * z.conj()).conj() + g.conj() * z * z) + h * x, (g * (z.conj() * z * z).conj()).real + h * z.real

    return Mixed


@given(z=complexes((3,)), x=reals((3,)))
def test_functions_of_the_users_own(z: np.ndarray, x: np.ndarray) -> None:
    same(lambda T, z, x: function_of(T).apply(z, x), z, x)
    assert gradcheck(function_of(minidl).apply, (minidl.tensor(z, requires_grad=True), minidl.tensor(x, requires_grad=True)))


def test_accumulation_inputs_and_modules() -> None:
    def run(T: ModuleType) -> Any:
        z = T.tensor([1 + 2j, 3 - 1j], dtype=T.complex128, requires_grad=True)
        x = T.tensor([2.0, 3.0], dtype=T.float64, requires_grad=True)
        for _ in range(2):
            (z * z * x).abs().sum().backward()
        y = z * x
        (y * y).abs().sum().backward(inputs=[z, y])
        net = T.nn.Sequential(T.nn.Linear(2, 2).to(T.complex128), T.nn.Tanh())
        for i, p in enumerate(net.parameters()):
            p.data = T.full_like(p, 0.1 + 0.2j * i)
        log: list[Any] = []
        net[0].register_full_backward_hook(lambda module, into, out: log.extend([*into, *out]))
        net(z[None]).abs().sum().backward()
        norm = T.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        return [[round(v, 8) for v in T.view_as_real(g.detach().to(T.complex128)).ravel().tolist()] for g in (z.grad, x.grad, y.detach(), norm, *log,
                                                                                                          *(p.grad for p in net.parameters()))]

    both(run)


@pytest.mark.parametrize("f", [lambda z: z.abs(), lambda z: z * z.conj(), lambda z: z.angle(), lambda z: z.sgn(), lambda z: minidl.view_as_real(z).exp(),
                               lambda z: (z @ z.mH).real, minidl.linalg.inv, minidl.fft.fft, lambda z: minidl.fft.rfft(z.real * z.imag)])
def test_gradients_equal_central_differences(f: Any) -> None:
    rng = np.random.default_rng(0)
    z = minidl.tensor(rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)), requires_grad=True)
    assert gradcheck(f, z) and gradgradcheck(f, z)


def test_gradcheck_finds_what_is_not_conjugated() -> None:
    class Wrong(minidl.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0]

    assert not gradcheck(Wrong.apply, minidl.tensor([1 + 2j], dtype=minidl.complex128, requires_grad=True), raise_exception=False)


# ---- optimisers and files


@pytest.mark.parametrize(("name", "options"), [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}), ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {"lr": 0.1}), ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True}), ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.2}),
    ("Adadelta", {}), ("Adamax", {}), ("NAdam", {}), ("RAdam", {}), ("ASGD", {"lr": 0.1}), ("Rprop", {})])
def test_optimisers(name: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    w0, x = [rng.standard_normal((3, 2)) + 1j * rng.standard_normal((3, 2)) for _ in range(2)]

    def train(T: ModuleType) -> list[np.ndarray]:
        w, s = T.nn.Parameter(T.tensor(w0)), T.nn.Parameter(T.tensor(0.5 + 1j, dtype=T.complex128))
        optimizer = getattr(T.optim, name)([w, s], **options)
        for i in range(6):
            optimizer.zero_grad()
            ((T.tensor(x) * w * s - 1).abs() ** 2).mean().backward()
            optimizer.step()
            if i == 2:
                state = optimizer.state_dict()
                optimizer = getattr(T.optim, name)([w, s], **options)
                optimizer.load_state_dict(state)
        return [w.detach().numpy(), s.detach().numpy()]

    for have, want in zip(train(minidl), train(torch)):
        np.testing.assert_allclose(have, want, rtol=1e-12)


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_pass_both_ways(zipped: bool) -> None:
    z = torch.tensor([[1 + 2j, 3 - 1j]])
    saved = {"z": z, "conj": z.clone().conj(), "neg": z.clone().conj().imag, "t": z.to(torch.complex128).T, "p": torch.nn.Parameter(z.clone()), "d": torch.complex64}
    file = io.BytesIO()
    torch.save(saved, file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    own = minidl.load(file)
    for key in ("z", "conj", "neg", "t", "p"):
        np.testing.assert_array_equal(own[key].detach().numpy(), saved[key].detach().resolve_conj().resolve_neg().numpy())
        assert repr(own[key].dtype) == repr(saved[key].dtype)
    assert own["p"].requires_grad and own["d"] is minidl.complex64
    file = io.BytesIO()
    minidl.save({**own, "real": minidl.tensor([1 + 2j, 3j]).real}, file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    back = torch.load(file)
    assert all(torch.equal(back[key], saved[key].resolve_conj()) for key in ("z", "conj", "t", "p")) and back["real"].tolist() == [1.0, 0.0]
    assert pickle.loads(pickle.dumps(own["z"])).tolist() == [[1 + 2j, 3 - 1j]]


# ---- what they are


TYPES = ["bool", "uint8", "int64", "float16", "float32", "float64", "complex64", "complex128"]


def made(T: ModuleType, name: str, shape: tuple[int, ...]) -> Any:
    return T.ones(shape, dtype=getattr(T, name))


def promoted(T: ModuleType) -> list[Any]:
    """All pairs of types, of tensors with and without dimensions and of numbers. PyTorch has a complex type of two halves, NumPy has not."""
    names = [name for name in TYPES if name != "float16"]
    shapes = ((2,), ())
    pairs = [T.result_type(made(T, a, p), made(T, b, q)) for a in names for b in names for p in shapes for q in shapes]
    numbers = [(made(T, a, p) * number).dtype for a in names for p in shapes for number in (True, 2, 1.5, 1 + 2j)]
    kinds = [[getattr(getattr(T, a), fact) for fact in ("is_complex", "is_floating_point", "is_signed", "itemsize")] for a in TYPES]
    return [pairs, numbers, kinds, [T.promote_types(getattr(T, a), getattr(T, b)) for a in names for b in names],
            [T.can_cast(getattr(T, a), getattr(T, b)) for a in TYPES for b in TYPES], [getattr(T, a).to_real() for a in TYPES],
            [getattr(T, a).to_complex() for a in ("float32", "float64", "complex64", "complex128")]]


def test_promotion() -> None:
    both(promoted)
    both(lambda T: T.int32.to_complex())
    assert (minidl.ones(1, dtype=minidl.float16) * 1j).dtype is minidl.complex64


@pytest.mark.parametrize("expression", """
tensor([1+2j]); tensor(1e-5-2j); tensor([[1+2.5j,-3e9j],[0,1j]]); zeros(2,0,dtype=T.cdouble); arange(2000)*1j; tensor([1+2j],requires_grad=True)*2
tensor([float('nan')+1j,complex(1,float('inf'))]); tensor([1j],dtype=T.complex128); tensor([[1.5j]*30]*3); tensor([]).to(T.cfloat); tensor([1,2.5,1j])
finfo(T.complex64).bits; finfo(T.cdouble).eps; tensor(1j).item(); complex(T.tensor(2.0)); complex(T.tensor([1+2j])); tensor([1+2j]).tolist(); tensor([1+2j]).type()
is_complex(T.tensor(1j)); isreal(T.tensor([1+0j,1j])); tensor([1+2j]).to(T.int32); tensor([1+2j]).double(); tensor([1+2j]).cdouble(); tensor(1.0).cfloat(); tensor([0j,1j]).bool()
tensor([1+2j]).numpy(); as_tensor(np.array([1j])); from_numpy(np.array([1j],np.complex64)); tensor(np.complex64(1j)); cfloat; cdouble; tensor([1j]).nonzero(); tensor([1j,0]).any()
tensor([1j])[0]; tensor([1j]).is_floating_point(); tensor([1j]).element_size(); full((2,),1j); linspace(0,1j,3); nn.Parameter(T.tensor([1j])); empty(1,dtype=T.cfloat).dtype
tensor([1j]).real.grad_fn; (T.tensor([1j],requires_grad=True)).real.grad_fn.name(); T.view_as_real(T.tensor([1j],requires_grad=True)).grad_fn.name()
(T.tensor([1j],requires_grad=True)).abs().grad_fn.name(); (T.tensor([1j],requires_grad=True)).conj().grad_fn.name(); T.polar(T.ones(1,requires_grad=True),T.ones(1)).grad_fn.name()
manual_seed(3) and T.randn(2,3,dtype=T.complex64); manual_seed(3) and T.rand(3,dtype=T.complex128); manual_seed(3) and T.randn_like(T.ones(2,dtype=T.cfloat))
""".replace("\n", ";").strip(" ;").split(";"))
def test_what_is_shown(expression: str) -> None:
    text = expression.strip()
    bare = text.startswith(("(", "T.", "complex("))
    both(lambda T: eval(text if bare else f"T.{text}", {"T": T, "np": np}))


@pytest.mark.parametrize("expression", """
z < z; x >= z; z > 1; x < 1j; z.sort(); z.max(); z.min(0); z.argmax(); z.amax(); z.cummax(0); z.median(); z.topk(1); z.clamp(0); T.maximum(z, x); z.floor(); z.ceil(); z.round()
z.trunc(); z.sign(); z // 2; z % 2; T.fmod(z, 2); z.relu(); T.nn.functional.softmax(z, 0); float(z); int(z); z.sum().backward(); x.imag; T.view_as_real(x)
T.view_as_complex(z); T.view_as_complex(T.ones(3)); T.view_as_complex(T.ones(())); T.view_as_complex(T.ones(2, 4)[:, ::2]); T.view_as_complex(T.ones(3, 3)[:, :2])
T.view_as_complex(T.ones(2).int()); T.complex(x, x.double()); T.complex(x.int(), x.int()); T.polar(x, x.double()); T.complex(x, 1.0); x.fill_(1j); x.add_(1j); x.mul_(z)
T.full((1,), 1j, dtype=T.float32); T.arange(3j); z.unique(); z.erf(); z.lgamma(); T.atan2(z, z); T.hypot(z, z); z.signbit(); z.bitwise_not(); T.bitwise_and(z, z); range(3)[z]
T.set_default_dtype(T.complex64); T.nn.functional.mse_loss(z, z); z.histc(); T.searchsorted(x, z); T.add(x, x, alpha=1j); z.quantile(0.5); z.mH
""".replace("\n", ";").strip(" ;").split(";"))
def test_what_is_refused(expression: str) -> None:
    for T in SIDES:
        with pytest.raises((RuntimeError, TypeError, NotImplementedError, ValueError, AttributeError)):
            eval(expression.strip(), {"T": T, "z": T.tensor([1 + 2j], requires_grad="backward" in expression), "x": T.tensor([1.0])})


@given(data=st.data(), n=st.integers(1, 3), half=st.integers(1, 3))
def test_rotary_embeddings(data: st.DataObject, n: int, half: int) -> None:
    q, k = data.draw(reals((2, n, 2 * half))), data.draw(reals((2, n, 2 * half)))

    def rotate(T: ModuleType, q: Any, k: Any) -> Any:
        frequencies = 1.0 / (10000.0 ** (T.arange(0, 2 * half, 2)[:half].to(q.dtype) / (2 * half)))
        angles = T.outer(T.arange(n).to(q.dtype), frequencies)
        turns = T.polar(T.ones_like(angles), angles)
        return [T.view_as_real(T.view_as_complex(v.reshape(*v.shape[:-1], -1, 2)) * turns[None]).flatten(2).type_as(v) for v in (q, k)]

    same(rotate, q, k)
