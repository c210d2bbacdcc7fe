"""Backward: nodes latest first, each once; by then all its gradients have arrived.

A node is later than all that it was computed from, so a walk that finds the nodes and a sort give the order, which is PyTorch's
engine's too: hooks fire in the same order. No recursion, so a chain may have any length. The gradients are bare
ndarrays, unless a graph of this backward is wanted (`create_graph`): then they are Tensors and the same rules are recorded.

Complex gradients. PyTorch's gradient of a real L with respect to z = a + ib is dL/da + i dL/db, the conjugate of what the chain
rule multiplies: for y = f(z) analytic, grad z = conj(f'(z)) grad y. In here travels that conjugate, dL/da - i dL/db, for which
every analytic op's rule holds as it is written for real numbers; an op that is not analytic (abs, conj, view_as_real) has a rule
for it. It is turned (`conjugate`) where a user can see it: at the roots, the leaves, hooks, and custom functions. A real value's
gradient is the real part of what arrives (`fit`).
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from .broadcast import fit, zeros_for
from .graph import Node, Slot, conjugate
from .modes import BUFFER, modes
from .tensor import Tensor, edge, type_name, wrap

__all__ = ["backward", "grad", "execute"]


Step = tuple[int, Node, tuple[Any, ...]]  # a node with its order and its edges


def reachable(roots: list[Any]) -> tuple[dict[Any, None], list[Step], dict[Any, int]]:
    """What can be reached: all of it; its nodes, latest first; and for each leaf the number of gradients that will arrive."""
    found: dict[Any, None] = dict.fromkeys(roots)
    nodes = [root for root in found if isinstance(root, Node)]
    arrivals = {root: 0 for root in found if not isinstance(root, Node)}
    steps = []
    for node in nodes:  # which grows meanwhile
        edges = node.edges
        steps.append((node.order, node, edges))
        for target in edges:
            if target is None:
                continue
            if target not in found:
                found[target] = None
                if type(target) is not Tensor and isinstance(target, Node):
                    nodes.append(target)
                else:
                    arrivals[target] = 1
            elif target in arrivals:
                arrivals[target] += 1
    steps.sort()
    return found, steps, arrivals


def leading_to(targets: dict[Any, Any], steps: list[Step]) -> set[Any]:
    """The nodes from which a target can be reached: one pass from the oldest."""
    leading: set[Any] = set()
    for _, node, edges in reversed(steps):
        if any(e in targets or e in leading for e in edges if e is not None):
            leading.add(node)
    return leading


def execute(roots: list[tuple[Any, Any]], retain: bool, create: bool, captured: dict[Any, Any] | None = None) -> None:
    """Sends gradients from `roots` (pairs of target and gradient) through the graph.

    Without `captured`, gradients end in the leaves' `grad`. With it, its keys (nodes and leaves) receive theirs as values,
    no leaf accumulates, and only what leads to a key runs.
    """
    recording, task = modes.recording, modes.task
    modes.set(create)
    try:
        with np.errstate(all="ignore"):
            np.setbufsize(BUFFER)
            _run(roots, retain, create, captured)
    finally:
        modes.recording, modes.task = recording, task


def _run(roots: list[tuple[Any, Any]], retain: bool, create: bool, captured: dict[Any, Any] | None) -> None:
    found, steps, arrivals = reachable([root for root, _ in roots])
    leading = None if captured is None else leading_to(captured, steps)
    wanted = None if captured is None else leading.union(captured)  # type: ignore[union-attr]
    modes.task = found if wanted is None else wanted
    gradients: dict[Any, Any] = {}
    for target, g in roots:
        g = conjugate(g)
        gradients[target] = g if target not in gradients else gradients[target] + g
    for leaf in [target for target in gradients if arrivals.get(target) == 0]:
        reach_leaf(leaf, [gradients.pop(leaf)], create, captured)
    for _, node, edges in steps:
        g = gradients.pop(node, None)
        if node.plain and captured is None and g is not None:
            try:
                results = node.tensors(node, g, edges) if create else node.arrays(node, g, edges)
            except Exception as error:
                note(error, f"in the backward of {node.name()}")
                raise
        else:
            if node._hooks is not None or node.retainer is not None:
                g = conjugate(run_tensor_hooks(node, conjugate(g)))
            if captured is not None:
                if node in captured:
                    captured[node] = conjugate(g)
                if node not in leading:  # type: ignore[operator]
                    continue
                needed = tuple([e if e in wanted else None for e in edges])  # type: ignore[operator]
            else:
                needed = edges
            results = collect(node, g, gradients) if isinstance(node, Slot) else run_node(node, g, needed, create)
        if not retain and node.keeps:
            node.saved = None
        g = None
        leaves = []
        for target, result in zip(edges, results):
            if target is None:
                continue
            left = arrivals.get(target)  # None for a node
            if result is not None and (wanted is None or target in wanted):
                if create and result.__class__ is not Tensor:
                    result = as_tensor(result)
                array = result._data if create else result
                form = target if left is None else target._data
                if array.dtype is not form.dtype or array.shape != form.shape:
                    result = fit_checked(node, result, form.shape, form.dtype)
                array = None
                present = gradients.get(target)
                gradients[target] = result if present is None else present + result
            if left is not None:
                arrivals[target] = left - 1
                if left == 1 and target in gradients:
                    leaves.append(target)
        if leaves:
            result = results = None  # so that a leaf can see that it is the gradient's only owner
            for leaf in leaves:
                reach_leaf(leaf, [gradients.pop(leaf)], create, captured)


def collect(slot: Slot, g: Any, gradients: dict[Any, Any]) -> tuple[None]:
    """Puts one output's gradient among those of its node, which runs when all are there."""
    if slot.parent not in gradients:
        gradients[slot.parent] = [None] * slot.parent.outputs
    present = gradients[slot.parent][slot.index]  # of the same output, which a rule of its node may have used too
    gradients[slot.parent][slot.index] = g if present is None else present if g is None else present + g
    return (None,)


def reach_leaf(leaf: Tensor, holder: list[Any], create: bool, captured: dict[Any, Any] | None) -> None:
    """All gradients of a leaf are there: its hooks see their sum, and then it accumulates, at once as in PyTorch.

    `holder` is a list with the gradient, so that no caller's variable holds it too.
    """
    if leaf._data.dtype.kind == "c":
        holder[0] = conjugate(holder[0])
    if leaf._hooks is not None:
        holder[0] = run_tensor_hooks(leaf, holder[0])
    if captured is None:
        accumulate(leaf, holder, create)
    elif leaf in captured:
        captured[leaf] = holder[0]


def run_node(node: Node, g: Any, edges: tuple[Any, ...], create: bool) -> Any:
    """The gradients for the edges of a node, with the node's own hooks around."""
    if isinstance(g, list):
        g = fill_missing(node, g, create)
    if g is None:
        return (None,) * len(edges)
    if node._pre_hooks is not None:
        g = run_pre_hooks(node, g)
    try:
        results = node.tensors(node, g, edges) if create else node.arrays(node, g, edges)
        if node.forward_stack is not None and modes.check_nan:
            check_nan(node, results)
    except Exception as error:
        note(error, f"in the backward of {node.name()}")
        if node.forward_stack is not None:
            warnings.warn(f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n"
                          f"{node.forward_stack}", stacklevel=2)
        raise
    if node._post_hooks is not None:
        results = run_post_hooks(node, results, g)
    return results


def check_nan(node: Node, results: Any) -> None:
    for i, r in enumerate(results):
        if r is not None and np.isnan(r._data if isinstance(r, Tensor) else r).any():
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")


def note(error: BaseException, text: str) -> None:
    """Adds a line to an exception's traceback (Python 3.11 and later print it)."""
    error.__notes__ = [*getattr(error, "__notes__", ()), text]


def fill_missing(node: Node, gs: Any, create: bool) -> Any:
    """The gradients of all outputs, zeros for those that were not used; None if none was."""
    if all(g is None for g in gs):
        return None
    if not node.materialize:
        return gs
    return [zeros_for(form[0], form[1], create) if g is None and form is not None else g for g, form in zip(gs, node.forms)]


def fit_checked(node: Node, g: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """`fit`, or an error that names the node whose rule gave a gradient of an impossible shape."""
    given = tuple(g.shape)
    if given != shape:
        lead = len(given) - len(shape)
        if lead < 0 or any(n not in (1, given[i + lead]) for i, n in enumerate(shape)):
            raise RuntimeError(f"Function {node.name()} returned an invalid gradient - got {list(given)} but expected "
                               f"shape compatible with {list(shape)}")
    return fit(g, shape, dtype)


def as_tensor(g: Any) -> Any:
    return g if isinstance(g, Tensor) or g is None else wrap(np.asarray(g))


def like(result: Any, g: Any) -> Any:
    """A hook's Tensor as the kind of value that the running backward works with."""
    if not isinstance(result, Tensor):
        raise TypeError(f"hook: expected a Tensor to be returned, got {type(result).__name__}")
    return result if isinstance(g, Tensor) else result._data


def run_tensor_hooks(owner: Any, g: Any) -> Any:
    """A tensor's hooks on its gradient, in order of registration, and last `retain_grad`."""
    if g is None:
        return None
    t = as_tensor(g)  # one tensor for all hooks: what one of them keeps with it, the next finds
    for hook in list((owner._hooks or {}).values()):
        result = hook(t)
        if result is not None:
            if not isinstance(result, Tensor):
                raise TypeError(f"hook: expected a Tensor or None to be returned, got {type(result).__name__}")
            if tuple(result.shape) != tuple(g.shape):
                raise RuntimeError(f"hook has changed the size of value: expected {list(g.shape)}, got {list(result.shape)}")
            if result._data.dtype != t._data.dtype:
                raise RuntimeError(f"hook has changed the type of value (was {type_name(t)} got {type_name(result)})")
            t, g = result, like(result, g)
    if isinstance(owner, Node) and owner.retainer is not None:
        t = owner.retainer()
        if t is not None:
            if t._grad is None:
                t._grad = as_tensor(g if isinstance(g, Tensor) else np.array(g))
            else:
                t._grad = t._grad + as_tensor(g)
    return g


def run_pre_hooks(node: Node, g: Any) -> Any:
    many = isinstance(g, list)
    g = list(map(conjugate, g)) if many else conjugate(g)
    for hook in list(node._pre_hooks.values()):  # type: ignore[union-attr]
        result = hook(tuple(map(as_tensor, g)) if many else (as_tensor(g),))
        if result is not None:
            result = result if isinstance(result, tuple) else (result,)
            g = [like(r, old) for r, old in zip(result, g)] if many else like(result[0], g)
    return list(map(conjugate, g)) if many else conjugate(g)


def run_post_hooks(node: Node, results: Any, g: Any) -> Any:
    outputs = tuple([as_tensor(conjugate(x)) for x in (g if isinstance(g, list) else [g])])
    results = tuple(map(conjugate, results))
    sample = next(x for x in g if x is not None) if isinstance(g, list) else g
    for hook in list(node._post_hooks.values()):  # type: ignore[union-attr]
        replaced = hook(tuple(map(as_tensor, results)), outputs)
        if replaced is not None:
            replaced = replaced if isinstance(replaced, tuple) else (replaced,)
            results = tuple(None if r is None else like(r, sample) for r in replaced)
    return tuple(map(conjugate, results))


def accumulate(leaf: Tensor, holder: list[Any], create: bool) -> None:
    """leaf.grad += g. An ndarray that nobody else holds becomes the gradient itself; any other is copied."""
    if not leaf._rg:
        return
    present = leaf._grad
    if create:
        g = as_tensor(holder[0])
        leaf._grad = g if present is None else present + g
    elif present is None:
        g = holder.pop()
        if not (isinstance(g, np.ndarray) and g.base is None and g.flags.writeable and sys.getrefcount(g) == 2):
            g = np.array(g, order="K")
        leaf._grad = wrap(g)
    elif present._rg:
        leaf._grad = present + as_tensor(holder[0])
    else:
        np.add(present._data, holder[0], out=present._data)
        present._counter[0] += 1
    if leaf._post_hooks is not None:
        for hook in list(leaf._post_hooks.values()):
            hook(leaf)


# ---- the public entry points


def _roots(name: str, tensors: Any, gradients: Any, create: bool) -> list[tuple[Any, Any]]:
    """Checked pairs of graph target and gradient; a scalar's own gradient is one."""
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    gradients = (gradients,) if gradients is None or isinstance(gradients, Tensor) else tuple(gradients)
    if len(gradients) == 1 and gradients[0] is None:
        gradients = (None,) * len(tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"{name}: got {len(tensors)} tensors and {len(gradients)} gradients")
    roots = []
    for i, (t, g) in enumerate(zip(tensors, gradients)):
        if not t.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if g is None:
            if t._data.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if t._data.dtype.kind == "c":
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {t.dtype}")
            g = wrap(np.ones(t._data.shape, t._data.dtype))
        elif not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        elif g._data.shape != t._data.shape:
            raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape "
                               f"of {t.shape}.")
        if g._data.dtype != t._data.dtype:
            g = fit(g, t._data.shape, t._data.dtype)
        roots.append((edge(t), g if create else g._data[()]))
    return roots


def _targets(name: str, inputs: Any) -> list[Any]:
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not inputs:
        raise RuntimeError(f"{name}: `inputs` argument cannot be empty.")
    for i, t in enumerate(inputs):
        if not t.requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors does not require grad (input {i})")
    return [edge(t) for t in inputs]


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Any = None) -> None:
    """Accumulates the gradients of `tensors`, weighted by `grad_tensors`, into the leaves' `grad`, or into `inputs` alone.

    `retain_graph` keeps what the graph saved, for another backward (by default as `create_graph`); `create_graph` records this
    backward itself, for derivatives of higher order. RuntimeError where a tensor needs no gradient, where one that
    is not a scalar comes without its gradient, or where the graph was freed or its saved values edited.
    """
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        execute(_roots("backward", tensors, grad_tensors, create_graph), retain, create_graph)
        return
    targets = _targets("backward", inputs)
    captured: dict[Any, Any] = dict.fromkeys(targets)
    execute(_roots("backward", tensors, grad_tensors, create_graph), retain, create_graph, captured)
    for t, target in dict(zip((inputs,) if isinstance(inputs, Tensor) else inputs, targets)).items():
        if captured[target] is not None and not t.retains_grad:
            recorded = modes.recording
            modes.set(create_graph)
            accumulate(t, [captured[target]], create_graph)
            modes.recording = recorded


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
         only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
         materialize_grads: bool = False) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs`, weighted by `grad_outputs`, with respect to `inputs`; nothing is accumulated.

    RuntimeError for an input that the outputs don't depend on, unless `allow_unused` (None in its place) or
    `materialize_grads` (zeros in its place).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if is_grads_batched:
        count = len(grad_outputs if isinstance(grad_outputs, Tensor) else grad_outputs[0])
        rows = [grad(outputs, inputs, grad_outputs[i] if isinstance(grad_outputs, Tensor) else [g[i] for g in grad_outputs],
                     True, create_graph, allow_unused=allow_unused, materialize_grads=materialize_grads) for i in range(count)]
        return tuple(wrap(np.stack([r._data for r in column])) for column in zip(*rows))
    retain = create_graph if retain_graph is None else retain_graph
    targets = _targets("grad", inputs)
    captured: dict[Any, Any] = dict.fromkeys(targets)
    execute(_roots("grad", outputs, grad_outputs, create_graph), retain, create_graph, captured)
    results = []
    for i, (t, target) in enumerate(zip((inputs,) if isinstance(inputs, Tensor) else inputs, targets)):
        g = captured[target]
        if g is None and materialize_grads:
            g = wrap(np.zeros(t._data.shape, t._data.dtype))
            g._rg = create_graph
        elif g is None and not allow_unused:
            raise RuntimeError(f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                               "allow_unused=True if this is the desired behavior.")
        results.append(None if g is None else g if isinstance(g, Tensor) else wrap(np.asarray(g)))
    return tuple(results)
