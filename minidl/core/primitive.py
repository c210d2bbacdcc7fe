"""How an op is made: a forward on ndarrays, and for each differentiable argument a rule for its gradient.

    @primitive(a=lambda g, b: g * b, b=lambda g, a: g * a, common="a b")
    def mul(a, b):
        return np.multiply(a, b)

A rule's parameter names are its save list: ``g`` the incoming gradient, ``y`` the output (or an output's name where there
are several), an argument's name its array, ``x_shape`` an array argument's shape, any other argument's name its
value. What no rule names is not kept alive, and a rule runs only if its argument needs a gradient.

Rules are written in the library's own ops. An op that is given no Tensor returns a bare array, so that the same text runs on
arrays in an ordinary backward and on Tensors where a graph of the backward is recorded (derivatives of any order).

From that description, and the forward's signature, two short functions are written as source, as `dataclasses` does, when the op
is first called: the call (unwrap, promote, compute, wrap, record) and the backward (unpack, check versions, apply the
rules). So a call builds no dicts, binds no signatures and walks no lists of names. ``print(source(mul))`` shows them.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from . import graph, promotion, tensor
from .checks import broadcast_shape, refuse_complex
from .dtypes import word
from .modes import modes, quiet_context

__all__ = ["primitive", "source"]

PUBLIC_NAMES = {"x": "input", "a": "input", "b": "other"}
ALIASES = {"axis": "dim", "keepdims": "keepdim"}
TAKEN = {"t", "ts", "n", "g", "y", "edges", "needs", "kw", "recording"}
_SPECS: dict[Any, Spec] = {}


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[:code.co_argcount]


def bare(forward: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's own function where the forward is nothing but its call: one Python call less each time."""
    code = forward.__code__
    for like in (lambda x: np.f(x), lambda a, b: np.f(a, b)):  # type: ignore[attr-defined]
        if code.co_code == like.__code__.co_code and code.co_names[:1] == ("np",):
            return getattr(np, code.co_names[1])
    return forward


class Spec:
    """What the decorator was told about one op, checked, and the source written from it."""

    def __init__(self, forward: Callable[..., Any], rules: dict[str, Any], *, joint: Any, arrays: str, common: str,
                 floating: str, outputs: str, view: bool, sequence: bool, grad_name: str | None, tensors_only: str, check: Any, real_only: str) -> None:
        self.keywords = False  # set by `public`: also takes PyTorch's aliases and ``out=``
        self.forward, self.name, self.view, self.sequence = forward, forward.__name__.strip("_"), view, sequence
        self.tensors_only, self.check, self.real_only = tensors_only.split(), check, real_only.split()
        self.args = parameters(forward)
        self.outputs = tuple(outputs.split())
        self.joint = joint
        self.rules = rules if joint is None else dict.fromkeys(joint[0].split(), joint[1])
        self.array_args = tuple(a for a in self.args if a in self.rules or a in arrays.split())
        self.common, self.floating = tuple(common.split()), tuple(floating.split())
        self.saves = {name: tuple(p for p in parameters(rule) if p not in ("g", "needs"))
                      for name, rule in self.rules.items()}
        self.saved = tuple(dict.fromkeys(p for names in self.saves.values() for p in names))
        known = {*self.args[self.sequence:], *(self.outputs or ["y"]), *(f"{a}_shape" for a in self.array_args)}
        unknown = [n for n in (*self.rules, *arrays.split(), *self.common, *self.floating, *self.real_only) if n not in self.args]
        unknown += [n for n in self.saved if n not in known]
        taken = TAKEN.intersection(self.args)
        if taken:
            raise TypeError(f"primitive {self.name}: arguments may not be called {sorted(taken)}, names of the generated code")
        if unknown or not self.array_args:
            raise TypeError(f"primitive {self.name}: unknown names {unknown} in its rules; arguments are {self.args}")
        if grad_name is None:
            grad_name = "".join(part[:1].upper() + part[1:] for part in self.name.split("_")) + "Backward0"
        self.node: Any = type(grad_name, (graph.Node,), {
            "__module__": forward.__module__, "op": self.name, "keeps": any(self.is_tensor(n) for n in self.saved)})

    def is_tensor(self, saved: str) -> bool:
        return saved in self.array_args or saved == "y" or saved in self.outputs

    # ---- the call

    def call_source(self) -> str:
        defaults = inspect.signature(self.forward).parameters
        signature = ", ".join(PUBLIC_NAMES.get(a, a) + ("" if defaults[a].default is inspect.Parameter.empty
                                                       else f"=_defaults[{a!r}]") for a in self.args)
        lines = [f"def call({signature}{', **kw' if self.keywords else ''}):"]
        put = lines.append
        if self.keywords:
            put(f"    if kw: return call_with(call, ({''.join(PUBLIC_NAMES.get(a, a) + ', ' for a in self.args)}), kw)")
        for a in self.args:
            if PUBLIC_NAMES.get(a, a) != a:
                put(f"    {a} = {PUBLIC_NAMES[a]}")
        for a in self.array_args:
            put(f"    {a}_t = " + (f"any([isinstance(t, Tensor) for t in {a}])" if self.is_sequence(a) else f"isinstance({a}, Tensor)"))
        put(f"    if not ({' or '.join(f'{a}_t' for a in self.array_args)}):")
        first = self.array_args[0]
        if not self.is_sequence(first):
            tests = " or ".join(f"isinstance({a}, array_types)" for a in self.array_args)
            put(f"        if not ({tests}): raise_type({self.name!r}, {first!r}, {first})")
        put(f"        return forward({', '.join(self.args)})")
        for a in self.array_args:
            put(f"    {a}_a = " + (f"[t._data if isinstance(t, Tensor) else t for t in {a}]" if self.is_sequence(a) else
                                   f"{a}._data if {a}_t else {a}"))
        passed = ", ".join(f"{a}_a" if a in self.array_args else a for a in self.args)
        self.put_promotion(put)
        for a in self.real_only:
            if a not in self.floating:
                put(f"    if {a}_a.dtype.kind == 'c': refuse_complex({self.name!r}, {a}_a)")
        if len(self.common or self.floating) > 1:
            put(f"    try: y = quiet().run(forward, {passed})")
            put("    except ValueError:")
            put(f"        broadcast_shape({self.name!r}, {', '.join(f'shape_of({a}_a)' for a in self.array_args)})")
            put("        raise")
        else:
            put(f"    y = quiet().run(forward, {passed})")
        if self.outputs:
            put("    ts = [wrap(asarray(o)) for o in y]")
        else:
            put("    if y.__class__ is not ndarray: y = asarray(y)")
            put("    t = new(Tensor)")
            put("    t._data = y")
        if self.view:
            self.put_view(put)
        elif not self.outputs:
            put("    t._counter = [0]")
        if self.rules:
            self.put_record(put)
        put(f"    return {'tuple(ts)' if self.outputs else 't'}")
        return "\n".join(lines)

    def is_sequence(self, name: str) -> bool:
        return self.sequence and name == self.args[0]

    def put_promotion(self, put: Callable[[str], None]) -> None:
        for names, how in ((self.common, "common"), (self.floating, "floating")):
            if not names:
                continue
            same = " and ".join(f"{n}_t" for n in names)
            for n in names[1:]:
                same += f" and {names[0]}_a.dtype is {n}_a.dtype"
            if how == "floating":
                same += f" and {names[0]}_a.dtype.kind == 'f'"
            targets = ", ".join(f"{n}_a" for n in names) + ","
            if len(names) == 1 and how == "common":
                raise TypeError(f"primitive {self.name}: common needs two names or more")
            put(f"    if not ({same}):")
            for n in self.tensors_only:
                put(f"        if not ({n}_t or isinstance({n}, array_types)): raise_type({self.name!r}, {n!r}, {n})")
            check = "" if self.check is None else f"check({', '.join(names)}); "
            if len(names) == 2:  # a Python number beside floats: NumPy, too, lets the array decide
                for n, m in (names, names[::-1]):
                    put(f"        {'el' if m == names[0] else ''}if {n}_t and {m}.__class__ in numbers and {n}_a.dtype.kind == 'f': pass")
                put(f"        else: {check}{targets} = {how}({', '.join(names)})")
            else:
                put(f"        {check}{targets} = {how}({', '.join(names)})")
            for n in self.real_only if how == "floating" else ():  # real ones do not come here
                put(f"        if {n}_a.__class__ is ndarray: refuse_complex({self.name!r}, {n}_a)")

    def put_view(self, put: Callable[[str], None]) -> None:
        """A view shares its base's version; it remembers the ops that lead to it from the base."""
        x, rest = self.args[0], "".join(f"{a}, " for a in self.args[1:])
        put(f"    if {x}_t:")
        if self.outputs:
            put("      for t in ts:")  # no replay: as in PyTorch, none of several views may be edited in place
        put(f"        t._counter = {x}._counter")
        put(f"        t._base = {x} if {x}._base is None else {x}._base")
        put("        t._seen = t._counter[0]")
        if not self.outputs:
            put("        if modes.recording <= 0: t._replay = ()")
            put(f"        elif {x}._base is None: t._replay = ((call, ({rest})),)")
            put(f"        else: t._replay = {x}._replay and {x}._replay + ((call, ({rest})),)")
            put("    else: t._counter = [0]")

    def put_record(self, put: Callable[[str], None]) -> None:
        put("    recording = modes.recording")
        put("    if recording > 0:")
        for a in self.rules:
            if self.is_sequence(a):
                put(f"        {a}_e = [edge(t) if isinstance(t, Tensor) else None for t in {a}]")
                put(f"        if {a}_e.count(None) == len({a}_e): {a}_e = None")
            else:
                put(f"        {a}_e = None if not {a}_t else edge({a}) if {a}._base is not None else "
                    f"({a}._node or {a}) if {a}._rg else None")
        put(f"        if {' or '.join(f'{a}_e is not None' for a in self.rules)}:")
        put("            n = Node()")
        put("            n.order = next_order()")
        edges = ", ".join(f"{a}_e" for a in self.rules) + ","
        if self.sequence and self.args[0] in self.rules:
            edges = f"*({self.args[0]}_e or [None] * len({self.args[0]})), " + ", ".join(
                f"{a}_e" for a in self.rules if not self.is_sequence(a))
        put(f"            n.edges = ({edges})")
        if self.saved:
            put(f"            n.saved = ({', '.join(e for name in self.saved for e in self.save(name))},)")
        if not self.outputs:
            put("            n.shape = y.shape")
            put("            n.dtype = y.dtype")
            put("            t._node = n")
            put("            t._rg = True")
        else:
            put("            attach_slots(n, ts)")
        put("            if recording > 1:")
        put("                for observe in modes.observers: observe(n)")
        if not self.outputs and not self.view:
            put("    elif recording < 0: t._inference = True")

    def save(self, name: str) -> list[str]:
        """The expressions that go into `saved` for one name: a tensor with its counter and version, or a value."""
        if name.endswith("_shape") and name[:-6] in self.array_args:
            a = name[:-6]
            return [f"[shape_of(v) for v in {a}_a]" if self.is_sequence(a) else f"shape_of({a}_a)"]
        if not self.is_tensor(name):
            return [name]
        needed = [r for r, names in self.saves.items() if name in names]
        if_needed = "" if set(needed) == set(self.rules) else (
            " if " + " or ".join(f"{r}_e is not None" for r in needed) + " else None")
        if name in self.array_args:
            return [f"{name}{if_needed}", f"{name}._counter[0] if {name}_t else 0"]
        if name in self.outputs:
            i = self.outputs.index(name)
            return [f"(ts[{i}]._data, ts[{i}]._counter){if_needed}", f"ts[{i}]._counter[0]"]
        return [f"(t._data, t._counter){if_needed}", "t._counter[0]"]

    # ---- the backward

    def backward_source(self, on_tensors: bool) -> str:
        lines = ["def backward(n, g, edges):"]
        put = lines.append
        if self.saved:
            put("    s = n.saved")
            put("    if s is None: raise_freed(n)")
            put("    if n.unpack is not None: s = n.unpack(s)")
            targets = ", ".join(f"{n}, {n}_v" if self.is_tensor(n) else n for n in self.saved)
            put(f"    ({targets},) = s")
        for name in self.saved:
            if not self.is_tensor(name):
                continue
            if name in self.array_args:
                put(f"    if isinstance({name}, Tensor):")
                put(f"        if {name}._counter[0] != {name}_v: raise_modified(n, {name}, {name}._counter[0], {name}_v)")
                if not on_tensors:  # a 0-d value as a NumPy scalar: eight times faster beside the scalars that rules make
                    put(f"        {name} = {name}._data")
                    put(f"        if not {name}.ndim: {name} = {name}[()]")
            else:
                index = self.outputs.index(name) if name in self.outputs else 0
                put(f"    if {name} is not None:")
                put(f"        if {name}[1][0] != {name}_v: raise_modified(n, {name}[0], {name}[1][0], {name}_v)")
                put(f"        {name} = {f'saved_output(n, {name}[0], {index})' if on_tensors else f'{name}[0]'}")
                if not on_tensors:
                    put(f"        if not {name}.ndim: {name} = {name}[()]")
        if self.joint is not None:
            put("    needs = [e is not None for e in edges]")
            passed = ", ".join(parameters(self.joint[1]))
            put(f"    return joint({passed})")
        elif self.sequence and self.args[0] in self.rules:
            put(f"    return rules[{self.args[0]!r}]({', '.join(parameters(self.rules[self.args[0]]))})")
        else:
            put(f"    ({', '.join(f'{a}_e' for a in self.rules)},) = edges")
            results = [f"rule_{a}({', '.join(parameters(rule))}) if {a}_e is not None else None"
                       for a, rule in self.rules.items()]
            put(f"    return ({', '.join(results)},)")
        return "\n".join(lines)

    # ---- compilation

    def compile(self, text: str, name: str) -> Callable[..., Any]:
        signature = inspect.signature(self.forward).parameters
        scope = {"Tensor": tensor.Tensor, "new": tensor.new, "wrap": tensor.wrap, "edge": tensor.edge, "modes": modes,
                 "ndarray": np.ndarray, "array_types": (np.ndarray, np.generic), "asarray": np.asarray, "shape_of": np.shape, "quiet": quiet_context,
                 "common": promotion.common, "floating": promotion.floating, "forward": bare(self.forward),
                 "broadcast_shape": broadcast_shape, "refuse_complex": refuse_complex, "check": self.check,
                 "Node": self.node, "next_order": graph.next_order, "attach_slots": graph.attach_slots,
                 "raise_type": raise_type, "numbers": (int, float), "call_with": call_with, "raise_freed": graph.raise_freed, "raise_modified": graph.raise_modified,
                 "saved_output": graph.saved_output, "rules": self.rules,
                 "joint": self.joint and self.joint[1], **{f"rule_{a}": rule for a, rule in self.rules.items()},
                 "_defaults": {a: p.default for a, p in signature.items()}}
        exec(compile(text, f"<generated for {self.name}>", "exec"), scope)  # noqa: S102  # the source above
        return scope[name]


def call_with(op: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A call with keywords that are not the op's own: NumPy's names for PyTorch's, and ``out=``."""
    out = keywords.pop("out", None)
    for alias, name in ALIASES.items():
        if alias in keywords:
            keywords[name] = keywords.pop(alias)
    code = op.__code__
    unknown = set(keywords).difference(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
    if unknown:
        raise TypeError(f"{op.__name__}() got an unexpected keyword argument {unknown.pop()!r}")
    result = op(*args, **keywords)
    return result if out is None else write_out(op.__name__, out, result)


def write_out(op: str, out: Any, result: Any) -> Any:
    """Puts a result into the tensor, or tuple of tensors, that the caller gave as ``out=``."""
    if isinstance(result, tuple):
        return type(result)(*[write_out(op, o, r) for o, r in zip(out, result, strict=True)]) if hasattr(
            result, "_fields") else tuple([write_out(op, o, r) for o, r in zip(out, result, strict=True)])
    if modes.recording > 0 and (out._rg or result._rg):
        raise RuntimeError(f"{op}(): functions with out=... arguments don't support automatic differentiation, "
                           "but one of the arguments requires grad.")
    source, target = result._data, out._data
    if promotion.CATEGORY[source.dtype.kind] > promotion.CATEGORY[target.dtype.kind]:
        raise RuntimeError(f"result type {word(source.dtype)} can't be cast to the desired output type "
                           f"{word(target.dtype)}")
    if target.shape != source.shape:
        out._data = target = np.empty(source.shape, target.dtype)
    target[...] = source
    out._counter[0] += 1
    return out


def raise_type(op: str, argument: str, value: Any) -> None:
    raise TypeError(f"{op}(): argument '{PUBLIC_NAMES.get(argument, argument)}' must be Tensor, not {type(value).__name__}")


def primitive(forward: Callable[..., Any] | None = None, /, *, joint: tuple[str, Callable[..., Any]] | None = None,
              arrays: str = "", common: str = "", floating: str = "", outputs: str = "", view: bool = False,
              sequence: bool = False, grad_name: str | None = None, tensors_only: str = "", check: Callable[..., None] | None = None,
              real_only: str = "", **rules: Callable[..., Any]) -> Any:
    """Makes an op of a forward on ndarrays.

    Each further keyword names an argument and gives its vector-Jacobian product. `joint` gives one rule for several arguments:
    ``("x w b", rule)``, whose result is a tuple (``needs`` tells it which are wanted).

    - `arrays`: arguments that are arrays too but have no gradient (an index, a mask).
    - `common`, `floating`: arguments brought to their common type, or to their common floating-point type, first.
    - `outputs`: names of the outputs where the forward returns a tuple; ``g`` is then a tuple, with zeros for an output
      that was not used and None for an integer one.
    - `view`: the output shares the first argument's memory.
    - `sequence`: the first argument is a list of arrays; its rule returns a list.
    - `tensors_only`: those of the `common` (or `floating`) arguments that may not be Python numbers.
    - `real_only`: arguments that may not be complex.
    - `check`: called with the `common` operands where their types differ, to refuse what must not be brought together.
    - `grad_name`: the name of the gradient's node where it isn't the op's own name with ``Backward0``.
    """
    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        spec = Spec(f, rules, joint=joint, arrays=arrays, common=common, floating=floating, outputs=outputs, view=view,
                    sequence=sequence, grad_name=grad_name, tensors_only=tensors_only, check=check, real_only=real_only)
        return _lazily(spec)

    return decorate if forward is None else decorate(forward)


def _first_call(*args: Any, **kwargs: Any) -> Any:
    """The code of every op before its first call; `specialise` is in the scope that each has of its own."""
    return specialise(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


def _lazily(spec: Spec) -> Callable[..., Any]:
    """The op as a function whose code is written at its first call: an import compiles nothing."""
    scope: dict[str, Any] = {}

    def specialise(*args: Any, **kwargs: Any) -> Any:
        compiled = spec.compile(spec.call_source(), "call")
        scope.update(compiled.__globals__, call=op)
        op.__defaults__ = compiled.__defaults__
        op.__code__ = compiled.__code__
        return op(*args, **kwargs)

    scope["specialise"] = specialise
    scope["__builtins__"] = __builtins__
    op = types.FunctionType(_first_call.__code__, scope, spec.forward.__name__)
    op.__doc__, op.__module__, op.__wrapped__ = spec.forward.__doc__, spec.forward.__module__, spec.forward  # type: ignore[attr-defined]
    _SPECS[op] = spec

    def lazy_backward(on_tensors: bool) -> Callable[..., Any]:
        def first(n: graph.Node, g: Any, edges: Any) -> Any:
            compiled = spec.compile(spec.backward_source(on_tensors), "backward")
            setattr(spec.node, "tensors" if on_tensors else "arrays", staticmethod(compiled))
            return compiled(n, g, edges)
        return first

    spec.node.arrays, spec.node.tensors = staticmethod(lazy_backward(False)), staticmethod(lazy_backward(True))
    return op


def spec_of(op: Callable[..., Any]) -> Spec | None:
    """The description of a primitive; None for any other function."""
    return _SPECS.get(op)


def source(op: Callable[..., Any]) -> str:
    """The functions written for a primitive: its call, its backward on arrays, and on Tensors."""
    spec = _SPECS[op]
    return "\n\n".join((spec.call_source(), spec.backward_source(False), spec.backward_source(True)))
