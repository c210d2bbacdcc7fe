"""``minidl ops``: every public op with its formula, derivative and PyTorch name, read from the ops themselves."""

from __future__ import annotations

import argparse
import ast
import dis
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from .. import ops  # fills the table  # noqa: F401
from ..core.primitive import PUBLIC_NAMES, parameters, spec_of
from ..core.registry import TABLE, Op

__all__ = ["Entry", "add_ops_arguments", "entries", "page", "run_ops"]

INTRODUCTION = """# Operations

In formulas and rules x (or a and b) is `input` (and `other`), y the result, and g the gradient of a loss L with respect to y. A rule
`x: g * cos(x)` gives dL/dx; broadcasting is undone and types are cast outside of it. An op that is not a primitive has the derivative of
its docstring here, or the private primitives that it uses with their rules; or nothing, if it is made of public ops alone or has no
gradient. This page is what `minidl ops --markdown` prints.
"""


class Entry(NamedTuple):
    """What the reference says of one op."""

    signature: str
    formula: str
    derivative: str  # empty where there is none
    pytorch: tuple[str, ...]
    module: str


def add_ops_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="", help="only ops with this in one of their names")
    parser.add_argument("--markdown", action="store_true", help="print a page in Markdown")


def run_ops(arguments: argparse.Namespace) -> None:
    """List the operations: signature, formula, derivative, PyTorch's name."""
    found = [entry for entry in entries() if any(arguments.name in path for path in entry.pytorch)]
    if not found:
        raise ValueError(f"no operation has {arguments.name!r} in its name")
    if arguments.markdown:
        print(page(found), end="")
        return
    for entry in found:
        print(f"{entry.signature}\n    {entry.formula}")
        if entry.derivative:
            print(f"    derivative  {entry.derivative}")
        print(f"    PyTorch     {', '.join(entry.pytorch)}")


def entries() -> list[Entry]:
    """All public ops, a family after the other."""
    return [entry(op) for op in TABLE.values()]


def page(found: list[Entry]) -> str:
    """The reference in Markdown, a table for each file of ops."""
    lines = [INTRODUCTION]
    for module, group in groupby(found, lambda entry: entry.module):
        title = (sys.modules[module].__doc__ or "").split("\n\n")[0]
        lines += [f"## {module.split('.', 2)[2]}\n", f"{' '.join(title.split())}\n", "| Op | Formula | Derivative | PyTorch |",
                  "|---|---|---|---|"]
        for row in group:
            cells = (f"`{row.signature}`", row.formula, row.derivative, ", ".join(f"`{path}`" for path in row.pytorch))
            lines.append("| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def entry(op: Op) -> Entry:
    f = inspect.unwrap(op.function)
    formula = " ".join(inspect.cleandoc(f.__doc__ or "").split("\n\n")[0].split())
    paths = [f"torch.{where}.{name}".replace("torch.torch.", "torch.") for where in op.where for name in (op.name, *op.aliases)]
    if op.method:
        paths += [f"Tensor.{name}" for name in (op.method, *(op.aliases if op.method == op.name else ()))]
    if op.inplace:
        paths += [f"Tensor.{name}_" for name in (op.name, *op.aliases)]
    return Entry(paths[0].removeprefix("torch.") + signature(op.function), formula, derivative(op.function), tuple(paths), f.__module__)


def signature(function: Callable[..., Any]) -> str:
    own = inspect.signature(function)
    names = PUBLIC_NAMES if spec_of(function) else {}
    return str(own.replace(return_annotation=own.empty, parameters=[
        p.replace(name=names.get(p.name, p.name), annotation=own.empty) for p in own.parameters.values()]))


def derivative(function: Callable[..., Any]) -> str:
    """The rules of a primitive; of another op what its docstring says, else the rules of the private primitives that it uses."""
    if spec_of(function) is not None:
        return rules(function)
    text = " ".join((function.__doc__ or "").split(">>>")[0].split())
    said = re.search(r"\bd\w*/d\w+ = .+?(?=(?<![.])[.;](?: |$))|(?:; derivative|Derivative\b[^.;:]*:) (.+?)(?=[.;](?: |$))", text)
    if said:
        return said[1] or said[0]
    level, seen = [inspect.unwrap(function)], set()
    while level:  # outwards, as far as the first that name primitives
        found = dict.fromkeys(f"`{op.__name__}` {rules(op)}" for f in level for op in named(f) if op not in TABLE and rules(op))
        if found:
            return ", ".join(found)
        seen.update(level)
        level = [f for g in level for f in named(g) if not spec_of(f) and f not in seen]
    return ""


def named(function: Any) -> Iterator[Any]:
    """The primitives that a function names, and other functions of its file; also those in a table that it names."""
    names = {**function.__globals__, **dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ())))}
    for step in dis.get_instructions(function):
        if step.opname.startswith(("LOAD_GLOBAL", "LOAD_DEREF")):
            value = names.get(step.argval)
            values = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
            yield from (v for v in values if inspect.isfunction(v) and (
                spec_of(v) or v.__module__ == function.__module__ and v not in TABLE))


def rules(op: Callable[..., Any]) -> str:
    spec = spec_of(op)
    if spec is None or not spec.rules:
        return ""
    if spec.joint:
        return f"`{', '.join(spec.rules)}: {rule_text(spec.joint[1], '')}`"
    return ", ".join(f"`{name}: {rule_text(rule, name)}`" for name, rule in spec.rules.items())


def rule_text(rule: Callable[..., Any], argument: str) -> str:
    """The expression that a rule returns, as it is written; the call of a longer rule."""
    text, functions = functions_of(rule.__code__.co_filename)
    same = [(name, node) for name, node in functions if node.lineno == rule.__code__.co_firstlineno
            and tuple(a.arg for a in node.args.args) == parameters(rule)]
    node = dict(reversed(same)).get(argument, same[0][1])
    if isinstance(node, ast.Lambda):
        return one_line(text, node.body)
    if len(node.body) == 1 and isinstance(node.body[0], ast.Return):
        return one_line(text, node.body[0].value)
    return f"{node.name}({', '.join(parameters(rule))})"


def one_line(text: str, node: Any) -> str:
    return re.sub(r"(?<=[(\[])\s+", "", " ".join((ast.get_source_segment(text, node) or "").split()))


@functools.cache
def functions_of(file: str) -> tuple[str, list[tuple[str | None, Any]]]:
    """A file's text, and its functions; a lambda with the keyword that it is given as."""
    with open(file, encoding="utf-8") as stream:
        text = stream.read()
    tree = list(ast.walk(ast.parse(text)))
    keyword: dict[Any, str | None] = {node.value: node.arg for node in tree if isinstance(node, ast.keyword)}
    return text, [(keyword.get(node), node) for node in tree if isinstance(node, (ast.Lambda, ast.FunctionDef))]
