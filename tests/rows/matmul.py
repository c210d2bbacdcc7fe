"""Rows of products: matrices, vectors, contractions."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case

SCALE = st.sampled_from([0, 1, 2, -0.5])


@st.composite
def products(draw: Any, *shapes: str, dtype: Any = np.float64, min_side: int = 0, **kwargs: Any) -> Case:
    """Calls with arrays whose dimensions are letters: the same letter, the same size. A digit stands for itself; "?" lets the letter
    after it be 1 too."""
    sizes: dict[str, int] = {}
    args = []
    for letters in shapes:
        shape: list[int] = []
        may_be_one = False
        for c in letters:
            if c == "?":
                may_be_one = True
                continue
            n = int(c) if c.isdigit() else sizes.setdefault(c, draw(st.integers(min_side, 3)))
            shape.append(1 if may_be_one and n and draw(st.booleans()) else n)
            may_be_one = False
        args.append(draw(arrays(tuple(shape), dtype=dtype)))
    return case(tuple(args), {k: draw(v) if isinstance(v, st.SearchStrategy) else v for k, v in kwargs.items()})


def added(summand: str, *factors: str) -> st.SearchStrategy[Case]:
    """Calls of the add family; in PyTorch, a summand is not broadcast to a product of zero size."""
    scales = {"beta": SCALE, "alpha": SCALE}
    return products(summand, *factors, min_side=1, **scales) | products(summand.replace("?", ""), *factors, **scales)


MATMUL = st.one_of(products("k", "k"), products("nk", "k"), products("k", "km"), products("nk", "km"), products("bnk", "km"),
                   products("bnk", "k"), products("nk", "bkm"), products("k", "bkm"), products("?bnk", "?bkm"),
                   products("?a?bnk", "?bkm"), products("nk", "km", dtype=np.int64))


@st.composite
def einsums(draw: Any) -> Case:
    equation = draw(st.sampled_from([
        "ij,jk->ik", "ij,jk", "bij,bjk->bik", "i,j->ij", "ii->i", "ii", "ij->ji", "ij->", "ijk->k", "i,i", "ij,ij->", "bi,oij,bj->bo",
        "...ij,...jk->...ik", "...i->...", "iij,jk->ik", "ij,kl->", "ij,j,k->ik", "b...,b...->b", "i...->...", "aij,bij->ab", "ijij->ij",
        "ab,bc,cd->ad", " i j , j k -> i k ", "ij,ij,ij->ij"]))
    sizes: dict[str, int] = {}
    operands = []
    for term in equation.partition("->")[0].replace(" ", "").split(","):
        shape: list[int] = []
        for c in term.replace("...", "."):
            n = sizes.setdefault(c, draw(st.integers(0, 3)))
            shape.append(n if term.count(c) > 1 or draw(st.integers(0, 4)) else 1)
        operands.append(draw(arrays(tuple(shape))))
    return case((equation, *operands))


SUBLISTS = [call(array(2, 3), [0, 1], array(3, 2), [1, 2], [0, 2]), call(array(2, 3), [0, 1]),
            call(array(2, 2, 3), [..., 0, 1], array(3), [1], [..., 0])]

TENSORDOT = st.one_of(products("ijk", "jkl", dims=2), products("ij", "kl", dims=0), products("ijk", "jli", dims=st.just(([0, 1], [2, 0]))),
                      products("ijk", "ijk", dims=3), products("ij", "kj", dims=st.just(([-1], [1]))),
                      products("i?j", "jk", dims=1))

ROWS = [
    Row("matmul", MATMUL, operator=("__matmul__",),
        bad=[call(array(2, 3), array(4, 5)), call(array(), array(3)), call(array(3), array(4)), call(array(2, 3), array(4)),
             call(array(3), array(4, 5)), call(array(2, 2, 3), array(3, 3, 4)), call(array(2, 2, 3), array(2, 4, 3)),
             call(array(2, 3), array(3, dtype=np.int64)), call(array(2, 3), 2.0)]),
    Row("mm", products("nk", "km"), bad=[call(array(2), array(2, 2)), call(array(2, 2), array(2)), call(array(2, 3), array(2, 3)),
                                        call(array(2, 2), array(2, 2, dtype=np.int64))]),
    Row("bmm", products("bnk", "bkm"), bad=[call(array(2, 2), array(2, 2, 2)), call(array(2, 2, 2), array(2, 2)),
                                           call(array(2, 2, 3), array(2, 2, 3)), call(array(2, 2, 3), array(3, 3, 2))]),
    Row("mv", products("nk", "k"), bad=[call(array(2), array(2)), call(array(2, 3), array(2)), call(array(2, 3), array(3, 1))]),
    *(Row(name, products("k", "k"), bad=[call(array(2), array(3)), call(array(2, 2), array(2)),
                                         call(array(2), array(2, dtype=np.int64))]) for name in ("dot", "vdot")),
    Row("inner", st.one_of(products("ik", "jk"), products("k", "k"), products("", "ij"), products("ijk", "k")),
        bad=[call(array(2, 3), array(2, 4))]),
    *(Row(name, products("n", "m"), bad=[call(array(2, 2), array(2)), call(array(2), array())]) for name in ("outer", "ger")),
    Row("addmm", added("?n?m", "nk", "km"), inplace=True,
        bad=[call(array(2, 2), array(2), array(2, 2)), call(array(3, 2), array(2, 2), array(2, 2)),
             call(array(2, 2), array(2, 3), array(2, 2)), call(array(2, 2, 2), array(2, 2), array(2, 2))]),
    Row("addmv", added("?n", "nk", "k"), inplace=True,
        bad=[call(array(2), array(2), array(2)), call(array(3), array(2, 2), array(2)), call(array(2), array(2, 3), array(2))]),
    Row("addr", added("?n?m", "n", "m"), inplace=True,
        bad=[call(array(2, 2), array(2, 2), array(2)), call(array(3, 3), array(2), array(2)),
             call(array(2, 2, dtype=np.int64), array(2, dtype=np.int64), array(2, dtype=np.int64), beta=0.5)]),
    Row("baddbmm", added("?b?n?m", "bnk", "bkm"), inplace=True,
        bad=[call(array(2, 2, 2), array(2, 2), array(2, 2, 2)), call(array(3, 2, 2), array(2, 2, 2), array(2, 2, 2))]),
    Row("addbmm", added("?n?m", "bnk", "bkm")),
    Row("addbmm", added("nm", "bnk", "bkm"), inplace=True,
        bad=[call(array(2, 2), array(2, 2), array(2, 2, 2)), call(array(3, 3), array(2, 2, 2), array(2, 2, 2))]),
    Row("chain_matmul", products("ij", "jk", "kl", "lm"), bad=[call(array(2, 3), array(2, 3))]),
    Row("nn.functional.linear", st.one_of(products("ni", "oi", "o"), products("abi", "oi", "o"), products("i", "oi", "o"),
                                          products("ni", "oi"), products("abi", "i")),
        bad=[call(array(2, 3), array(4, 4)), call(array(2, 3), array(4, 3), array(5)), call(array(2, 3), array(4, 3, dtype=np.int64)),
             call(array(2, 3), array(2, 4, 3)), call(array(2, 3), array(3), array(1))]),
    Row("nn.functional.bilinear", st.one_of(products("ni", "nj", "oij", "o", min_side=1), products("abi", "abj", "oij", min_side=1),
                                            products("i", "j", "oij", "o", min_side=1)),
        bad=[call(array(2, 3), array(3, 3), array(2, 3, 3)), call(array(2, 3), array(2, 3), array(2, 4, 3)),
             call(array(2, 3), array(2, 3), array(2, 3, 3), array(3))]),
    Row("einsum", einsums() | st.sampled_from(SUBLISTS),
        bad=[call("ij,jk->ik", array(2, 3)), call("ij->ij", array(2, 3), array(2, 3)), call("ij->ik", array(2, 3)),
             call("ij,jk->ik", array(2, 3), array(4, 5)), call("i->i", array(2, 3)), call("ijk->i", array(2, 3)), call("ii->i", array(2, 3)),
             call("ij->ii", array(2, 2)), call("i.j->i", array(2, 2)), call("i1->i", array(2, 2)), call("ij"), call("", array(2))]),
    Row("tensordot", TENSORDOT, bad=[call(array(2, 3), array(2, 3), dims=1), call(array(2, 3), array(3, 2), dims=3),
                                     call(array(2, 3), array(3, 2), dims=-1), call(array(2, 3), array(3, 2), dims=([0, 1], [0]))]),
    Row("kron", st.one_of(products("ab", "cd"), products("a", "bcd"), products("", "ab"), products("abc", "d")), bad=[call(array(2), 3.0)]),
    Row("linalg.multi_dot", st.one_of(*(products(*terms).map(lambda c: case((list(c.args),))) for terms in (
        ("ij", "jk"), ("ij", "jk", "kl"), ("i", "ij", "jk"), ("ij", "jk", "k"), ("i", "ij", "jk", "k"), ("ij", "jk", "kl", "lm")))),
        bad=[call([array(2)]), call([array(2, 3), array(2, 3)]), call([array(2, 2), array(2, 2, 2), array(2)]),
             call([array(2, 2), array(2, 2, dtype=np.int64)])]),
]
