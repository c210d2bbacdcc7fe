"""``torch.func``: functions of functions. A function may take and return tensors in nested tuples, lists and dicts.

Each works through the ordinary graph, so they nest, and their results can be differentiated with respect to their arguments. To
tensors that a function closes over no gradient flows. https://docs.pytorch.org/docs/stable/func.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from .core.engine import grad as _grad
from .core.modes import enable_grad
from .core.tensor import Tensor
from .core.tree import leaves, like
from .nn.utils.stateless import functional_call as functional_call
from .ops.create import zeros_like
from .ops.join import stack
from .ops.random import get_rng_state, set_rng_state

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "stack_module_state", "vjp", "vmap"]

_depth = 0  # of derivatives within derivatives


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """`function` of every tensor; all else as it is."""
    return like(tree, iter([function(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves(tree)]))


class Level:
    """One derivative: its arguments get a history of their own, and its results lose it unless someone outside wants it."""

    def __init__(self, arguments: Any) -> None:
        self.kept = any(isinstance(t, Tensor) and t.requires_grad for t in leaves(arguments))

    def __enter__(self) -> Level:
        global _depth
        self.kept = self.kept or _depth > 0
        _depth += 1
        return self

    def __exit__(self, *exception: object) -> None:
        global _depth
        _depth -= 1

    def result(self, tree: Any) -> Any:
        return tree if self.kept else mapped(lambda t: t.detach(), tree)


def tracked(t: Any) -> Any:
    return t.view_as(t) if t.requires_grad else t.detach().requires_grad_()


def chosen(argnums: int | tuple[int, ...], args: tuple[Any, ...]) -> dict[int, Any]:
    """The arguments of these numbers, each with a history of its own. RuntimeError for a number that there is not, and for none."""
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    return {n % len(args): mapped(tracked, args[n]) for n in numbers}


def gradients(outputs: Any, inputs: Any, weights: Any = None) -> Any:
    """Those of all outputs with respect to a tree of inputs, zeros where there is none."""
    pairs = [(y, None if weights is None else w) for y, w in zip(leaves(outputs), leaves(weights if weights is not None else outputs))
             if isinstance(y, Tensor) and y.requires_grad]
    found = _grad([y for y, _ in pairs], leaves(inputs), None if weights is None else [w for _, w in pairs], create_graph=True,
                  allow_unused=True) if pairs else [None] * len(leaves(inputs))
    return like(inputs, iter([zeros_like(x) if g is None else g for g, x in zip(found, leaves(inputs))]))


def grad_and_value(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of `func`, whose result is a number, and the result (or ``(result, aux)``).

    >>> import minidl as torch
    >>> grad_and_value(lambda w, x: (w * x).sum())(torch.ones(2), torch.tensor([1., 2.]))
    (tensor([1., 2.]), tensor(3.))
    """
    @enable_grad()
    def call(*args: Any, **kwargs: Any) -> Any:
        with Level((args, kwargs)) as level:
            inputs = chosen(argnums, args)
            value = func(*[inputs.get(i, a) for i, a in enumerate(args)], **kwargs)
            value, aux = value if has_aux else (value, None)
            if not isinstance(value, Tensor):
                raise RuntimeError(f"Expected f(*args) to return a Tensor, got {type(value).__name__}")
            if value.ndim:
                raise RuntimeError("Expected f(*args) to return a scalar tensor, got tensor with "
                                   f"{value.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?")
            found = gradients(value, tuple(inputs.values()))
            result = found[0] if isinstance(argnums, int) else found
            return level.result((result, (value, aux) if has_aux else value))

    return call


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of `func` with respect to one argument, or a tuple of them; `aux` beside it.

    >>> import minidl as torch
    >>> grad(grad(torch.sin))(torch.tensor(1.0))
    tensor(-0.8415)
    """
    both = grad_and_value(func, argnums, has_aux)

    def call(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return call


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The result of `func`, and the function that takes weights for it to the gradients of the arguments (and then `aux`)."""
    with Level(primals) as level, enable_grad():
        inputs = mapped(tracked, primals)
        output = func(*inputs)
        output, aux = output if has_aux else (output, None)

    @enable_grad()
    def weighted(cotangents: Any) -> Any:
        return level.result(gradients(output, inputs, cotangents))

    return (level.result(output), weighted, aux) if has_aux else (level.result(output), weighted)


def jvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, strict: bool = False, has_aux: bool = False) -> Any:
    """The result of `func`, and how it changes along the tangents (and `aux`)."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to be tuples. E.g. it should be valid to call f(*primals).")
    with Level((primals, tangents)) as level, enable_grad():
        inputs = mapped(tracked, primals)
        output = func(*inputs)
        output, aux = output if has_aux else (output, None)
        dummies = mapped(lambda y: zeros_like(y).requires_grad_(), output)
        products = gradients(gradients(output, inputs, dummies), dummies, tangents)
        return level.result((output, products, aux) if has_aux else (output, products))


def rows(y: Any, inputs: Any) -> Any:
    """The Jacobian of one tensor, for each tensor of a tree of inputs."""
    if not isinstance(y, Tensor):
        raise RuntimeError(f"Expected f(*args) to return only tensors, got unsupported type {type(y)}")
    found = [leaves(gradients(element, inputs)) for element in y.reshape(-1)]
    columns = zip(*found) if found else [[]] * len(leaves(inputs))
    return like(inputs, iter([stack(column).reshape(*y.shape, *x.shape) if column else x.new_zeros((*y.shape, *x.shape))
                              for column, x in zip(columns, leaves(inputs))]))


def jacrev(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, chunk_size: int | None = None
           ) -> Callable[..., Any]:
    """The function that returns the Jacobian, ``output.shape + input.shape``, of `func` with respect to one argument, or a tuple.

    It is computed row by row, whatever `chunk_size`.

    >>> import minidl as torch
    >>> jacrev(torch.square)(torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    @enable_grad()
    def call(*args: Any) -> Any:
        with Level(args) as level:
            inputs = chosen(argnums, args)
            output = func(*[inputs.get(i, a) for i, a in enumerate(args)])
            output, aux = output if has_aux else (output, None)
            wanted = tuple(inputs.values())
            wanted = wanted[0] if isinstance(argnums, int) else wanted
            found = like(output, iter([rows(y, wanted) for y in leaves(output)]))
            return level.result((found, aux) if has_aux else found)

    return call


def jacfwd(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error") -> Callable[..., Any]:
    """As `jacrev`."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The Jacobian of the Jacobian."""
    return jacrev(jacrev(func, argnums), argnums)


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
         ) -> Callable[..., Any]:
    """The function that calls `func` with each slice along a dimension of its arguments, and stacks the results.

    A loop: what PyTorch computes at once is here computed slice by slice. `randomness` ``"same"`` gives every slice the same random
    numbers; both others let them differ.

    >>> import minidl as torch
    >>> vmap(torch.dot)(torch.tensor([[1., 2.], [3., 4.]]), torch.ones(2, 2))
    tensor([3., 7.])
    """
    def call(*args: Any, **kwargs: Any) -> Any:
        dims = [spread(d, a) for d, a in zip(in_dims if isinstance(in_dims, (list, tuple)) else [in_dims] * len(args), args, strict=True)]
        for t, d in zip(leaves(args), leaves(dims)):
            if isinstance(t, Tensor) and d is not None and not -t.ndim <= d < t.ndim:
                raise ValueError(f"vmap: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {t.ndim} so expected "
                                 f"in_dim to satisfy {-t.ndim} <= in_dim < {t.ndim}.")
        sizes = {t.shape[d] for tree, d_tree in zip(args, dims) for t, d in zip(leaves(tree), leaves(d_tree)) if d is not None}
        sizes |= {t.shape[0] for t in leaves(kwargs) if isinstance(t, Tensor)}
        if len(sizes) != 1:
            raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                             f"{sorted(sizes)} for the mapped dimension")
        state, results = get_rng_state(), []
        for i in range(sizes.pop()):
            if randomness == "same":
                set_rng_state(state)
            results.append(func(*[like(a, iter([t if d is None else t.select(d, i) for t, d in zip(leaves(a), leaves(dim))]))
                                  for a, dim in zip(args, dims)], **mapped(itemgetter(i), kwargs)))
        if not results:
            raise RuntimeError("vmap: expected slices to call the function with, got a dimension of size 0")
        for leaf in leaves(results):
            if not isinstance(leaf, Tensor):
                raise ValueError(f"vmap: the function must only return Tensors, got type {type(leaf)}.")
        columns = zip(*map(leaves, results))
        stacked = [stack(column) for column in columns]
        out = leaves(spread(out_dims, results[0]))
        return like(results[0], iter([t if d == 0 else t.movedim(0, d) for t, d in zip(stacked, out)]))

    return call


def spread(dims: Any, tree: Any) -> Any:
    """A dimension for each tensor of a tree, from one for all or a nesting of them; None for what is not a tensor."""
    if isinstance(dims, (dict, list, tuple)) and isinstance(tree, (dict, list, tuple)):
        parts = [spread(dims[key], tree[key]) for key in (tree if isinstance(tree, dict) else range(len(tree)))]
        return dict(zip(tree, parts)) if isinstance(tree, dict) else parts
    return like(tree, iter([dims if isinstance(t, Tensor) else None for t in leaves(tree)]))


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters, and the buffers, of several modules of one kind by name, each stacked, for `vmap` over `functional_call`."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return ({name: stack([other[name].detach() for other in parameters]).requires_grad_(p.requires_grad) for name, p in parameters[0].items()},
            {name: stack([b[name].detach() for b in buffers]) for name in buffers[0]})
