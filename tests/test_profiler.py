"""The profiler and the tracer: what they count, how events nest, and that nothing is left of them afterwards."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import numpy as np
import pytest

import minidl as torch
from minidl import nn
from minidl.core import engine
from minidl.core.primitive import _SPECS
from minidl.core.registry import TABLE
from minidl.nn.modules.hooks import GLOBAL
from minidl.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
    trace,
)


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 3))


CONV, LINEAR = 4 * 64 * 18, 4 * 64 * 3  # multiply-accumulates of one image of 8 x 8


def functions() -> list[Any]:
    """What a watch exchanges: as long as all of it is the same, so are the operations."""
    cells = [op.__closure__ for op in TABLE if op.__closure__ and "f" in op.__code__.co_freevars]
    return [*[(op.__code__, op.__defaults__, spec.node.__dict__["arrays"], spec.node.__dict__["tensors"], "watched" in op.__globals__)
              for op, spec in _SPECS.items()],
            *[cell.cell_contents for closure in cells for cell in closure], engine.execute, dict(GLOBAL._forward_hooks)]


def step(model: nn.Module, x: Any) -> Any:
    model.zero_grad()
    y = model(x)
    y.square().mean().backward()
    return [y.detach(), *[p.grad.clone() for p in model.parameters()]]


# ---- nothing is left, and nothing changes


def test_operations_are_the_same_afterwards_and_results_always() -> None:
    model, x = small(), torch.randn(2, 2, 8, 8)
    expected = step(model, x)
    before = functions()
    with profile(with_modules=True, with_flops=True, profile_memory=True, record_shapes=True) as prof, trace(file=io.StringIO()):
        found = step(model, x)
        with profile():
            inside = functions()
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    assert functions() == before and inside != before
    assert prof.events()
    with pytest.raises(RuntimeError, match="cannot be multiplied"), profile(with_modules=True):
        model(torch.ones(1, 2, 4, 4))
    assert functions() == before
    with pytest.raises(TypeError), trace(file=io.StringIO()):
        torch.relu("no tensor")
    assert functions() == before


def test_calls_of_all_forms_work_under_a_watch() -> None:
    x = torch.randn(3, 4, requires_grad=True)

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    def run() -> list[Any]:
        out, edited = torch.empty(3), torch.zeros(3, 4)
        torch.sum(x.detach(), axis=1, out=out)
        edited.add_(x).relu_()
        edited[1:].mul_(2)
        (g,) = torch.autograd.grad((x.tanh() ** 2).sum(), x, create_graph=True)
        (gg,) = torch.autograd.grad((g * g).sum() + Double.apply(x).sum(), x)
        return [out, edited.sum(), gg, x.amax(axis=0), *x.max(dim=1), x.clamp(min=0), torch.cat([x, x], dim=1), x @ x.mT, np.tanh(1.0) * x]

    expected = run()
    with profile(record_shapes=True) as prof:
        found = run()
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    assert {"sum", "relu", "tanh", "max", "cat", "TanhBackward0", "tanh_backward"} <= {e.name for e in prof.events()}
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"), profile():
        torch.sum(x, wrong=1)
    with pytest.raises(RuntimeError, match="Trying to backward"), profile():
        y = x.exp().sum()
        y.backward()
        y.backward()


# ---- what is counted


def test_counts_and_macs_forward_and_backward() -> None:
    model, x = small(), torch.randn(5, 2, 8, 8)
    with profile(with_flops=True) as prof:
        for _ in range(3):
            step(model, x)
    rows = {row.key: row for row in prof.key_averages()}
    n = 3 * 5
    assert {name: rows[name].count for name in ("conv2d", "convolution", "relu", "linear", "backward", "ConvolutionBackward0")} == {
        "conv2d": 3, "convolution": 3, "relu": 3, "linear": 3, "backward": 3, "ConvolutionBackward0": 3}
    assert rows["conv2d"].macs == rows["convolution"].macs == rows["convolution"].self_macs == n * CONV and rows["conv2d"].self_macs == 0
    assert rows["linear"].macs == n * LINEAR and rows["linear"].flops == 2 * n * LINEAR
    assert rows["ConvolutionBackward0"].macs == n * CONV  # for the weight; nobody asks for the input's
    assert rows["AddmmBackward0"].macs == 2 * n * LINEAR
    assert rows["backward"].macs == n * (CONV + 2 * LINEAR)
    assert sum(row.self_macs for row in rows.values()) == n * (2 * CONV + 3 * LINEAR)
    assert rows["relu"].macs == 0 and rows["relu"].cpu_time == rows["relu"].cpu_time_total / 3 > 0


def test_events_nest() -> None:
    model, x = small(), torch.randn(2, 2, 8, 8)
    with profile(with_modules=True) as prof, record_function("mine"):
        step(model, x)
    events = prof.events()
    by_name = {e.name: e for e in events}

    def path(event: Any) -> list[str]:
        return [] if event is None else [*path(event.parent), event.name]

    assert path(by_name["convolution"]) == ["mine", "Sequential", "Sequential.0", "conv2d", "convolution"]
    assert path(by_name["ReluBackward0"]) == ["mine", "backward", "ReluBackward0"]
    assert by_name["ReluBackward0"].forward is by_name["relu"] and by_name["ConvolutionBackward0"].forward is by_name["convolution"]
    assert [m.name for m in by_name["conv_weight"].modules()] == ["Sequential.0", "Sequential"]
    for event in events:
        assert 0 <= event.self_time <= event.time
        if event.parent is not None:
            assert event.parent.start <= event.start <= event.end <= event.parent.end
    assert sum(e.self_time for e in events) == by_name["mine"].time
    assert sum(e.name == "relu" for e in events) == 1  # the public function and its primitive are one


def test_modules() -> None:
    model, x = small(), torch.randn(1, 2, 8, 8)
    with profile(with_modules=True, with_flops=True) as prof:
        step(model, x)
        model[3](torch.ones(1, 256))
    rows = {row.key: row for row in prof.module_averages()}
    assert list(rows) == ["Sequential", *[f"Sequential.{i}" for i in range(4)], "Linear"]
    assert rows["Sequential.0"].macs == rows["Sequential.0"].self_macs == 2 * CONV
    assert rows["Sequential.3"].macs == 3 * LINEAR and rows["Linear"].macs == LINEAR
    assert rows["Sequential"].macs == 2 * CONV + 3 * LINEAR and rows["Sequential"].self_macs == 0
    assert rows["Sequential.1"].backward_time > 0 and rows["Linear"].backward_time == 0
    parts = sum(rows[f"Sequential.{i}"].backward_time for i in range(4))
    assert rows["Sequential"].backward_time == pytest.approx(parts)
    assert rows["Sequential"].forward_time > sum(rows[f"Sequential.{i}"].forward_time for i in range(4))
    table = prof.module_averages().table(sort_by="macs")
    assert "Backward" in table and table.split("\n")[2].startswith("Sequential ")


def test_memory() -> None:
    with profile(profile_memory=True) as prof:
        x = torch.zeros(512, 512)
        with record_function("kept"):
            y = x + 1
        with record_function("freed"):
            (x + 1).sum()
        with record_function("many"):
            for _ in range(200):
                x[0, 0].relu()
    rows, size = {row.key: row for row in prof.key_averages()}, 4 * 512 * 512
    assert size <= rows["zeros"].cpu_memory_usage < size + 4096
    assert size <= rows["kept"].cpu_memory_usage < size + 8192
    assert 2 * size <= rows["add"].cpu_memory_usage < 2 * size + 8192
    assert abs(rows["freed"].cpu_memory_usage) < 8192 and abs(rows["kept"].self_cpu_memory_usage) < 4096
    assert abs(rows["many"].cpu_memory_usage) < 65536  # the events themselves, some hundred bytes each, are not counted
    assert "1.00 MB" in prof.key_averages().table() and y.shape == x.shape


def test_shapes_and_grouping() -> None:
    with profile(record_shapes=True) as prof:
        for n in (2, 2, 3):
            torch.ones(n, 4) @ torch.ones(4, 5)
    rows = [row for row in prof.key_averages(group_by_input_shape=True) if row.key == "mm"]
    assert [(row.count, row.input_shapes) for row in rows] == [(2, [[2, 4], [4, 5]]), (1, [[3, 4], [4, 5]])]
    assert "[[3, 4], [4, 5]]" in prof.key_averages(group_by_input_shape=True).table()


def test_stacks() -> None:
    def here() -> Any:
        return torch.ones(3).logsumexp(0)

    with profile(with_stack=True) as prof:
        for _ in range(2):
            here()
        torch.ones(2)
    rows = [row for row in prof.key_averages(group_by_stack_n=1) if row.key == "ones"]
    assert [row.count for row in rows] == [2, 1] and all(row.stack[0].startswith(__file__) for row in rows)
    assert rows[0].stack[0].endswith("): here") and rows[1].stack[0].endswith("): test_stacks")
    assert "Source Location" in prof.key_averages(group_by_stack_n=1).table()
    assert len(prof.key_averages()) < len(prof.key_averages(group_by_stack_n=1))


def test_recursion_is_not_added_twice() -> None:
    with profile() as prof, record_function("r"), record_function("r"):
        torch.ones(3)
    (row,) = [row for row in prof.key_averages() if row.key == "r"]
    outer = next(e for e in prof.events() if e.name == "r")
    assert row.count == 2 and row.cpu_time_total == outer.time / 1000


def test_threads() -> None:
    with profile(with_modules=True) as prof:
        torch.ones(2).exp()
        other = threading.Thread(target=lambda: torch.ones(2).log())
        other.start()
        other.join()
    threads = {e.name: e.thread for e in prof.events()}
    assert threads["exp"] == threading.get_ident() != threads["log"]
    assert all(e.parent is None for e in prof.events())


# ---- surface


def test_table() -> None:
    with profile(with_flops=True) as prof:
        step(small(), torch.randn(1, 2, 8, 8))
    averages = prof.key_averages()
    lines = averages.table(sort_by="count", row_limit=2, header="title").split("\n")
    assert lines[0] == "title" and lines[1].startswith("Name") and len(lines) == 1 + 2 + 2 + 2
    assert lines[-1].startswith("Self CPU time total: ")
    for name in ("self_cpu_time_total", "cpu_time_total", "macs", "flops"):
        values = [getattr(row, name) for row in sorted(averages, key=lambda r: getattr(r, name), reverse=True)]
        shown = averages.table(sort_by=name, row_limit=-1).split("\n")[2:-2]
        assert len(shown) == len(averages) and values == sorted(values, reverse=True)
        assert shown[0].split()[0] == max(averages, key=lambda r: getattr(r, name)).key
    total = sum(float(line.split()[1].rstrip("%")) for line in shown)
    assert total == pytest.approx(100, abs=1)
    assert "conv2d" in averages._repr_html_()
    with pytest.raises(ValueError, match="sort_by must be one of .*, got 'gpu'"):
        averages.table(sort_by="gpu")
    with pytest.raises(ValueError, match="CPU"):
        profile(activities=["CUDA"])
    assert "..." in averages.table(max_name_column_width=8)


def test_chrome_trace(tmp_path: Any) -> None:
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True, with_modules=True) as prof:
        step(small(), torch.randn(1, 2, 8, 8))
    prof.export_chrome_trace(tmp_path / "trace.json")
    lines = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    complete = [line for line in lines if line["ph"] == "X"]
    assert len(complete) == len(prof.events()) and min(line["ts"] for line in complete) == 0
    assert all(set(line) == {"ph", "name", "cat", "ts", "dur", "args", "pid", "tid"} and line["dur"] >= 0 for line in complete)
    conv = next(line for line in complete if line["name"] == "convolution")
    assert conv["args"] == {"Input Dims": [[1, 2, 8, 8], [4, 2, 3, 3], [4]], "MACs": CONV, "Module": "Sequential.0"}
    begins, ends = [{line["id"]: line for line in lines if line["ph"] == ph} for ph in "sf"]
    assert begins.keys() == ends.keys() and len(begins) == sum(e.kind == "backward" and e.forward is not None for e in prof.events()) > 3
    assert all(begins[i]["ts"] < ends[i]["ts"] for i in begins)


def test_schedule(tmp_path: Any) -> None:
    done: list[list[str]] = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    assert [plan(i).name for i in range(10)] == ["NONE", "NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE", "NONE", "WARMUP", "RECORD",
                                                 "RECORD_AND_SAVE", "NONE"]
    assert plan(4) is ProfilerAction.RECORD_AND_SAVE
    with profile(schedule=plan, on_trace_ready=lambda p: done.append([e.name for e in p.events()])) as prof:
        for i in range(10):
            with record_function(f"step {i}"):
                pass
            prof.step()
    assert done == [["step 3", "step 4"], ["step 7", "step 8"]]
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "log"), "me")):
        torch.ones(1)
    (file,) = (tmp_path / "log").iterdir()
    assert file.name.startswith("me.") and file.name.endswith(".pt.trace.json") and json.loads(file.read_text())["traceEvents"]
    with pytest.raises(ValueError, match="active > 0"):
        schedule(wait=0, warmup=0, active=0)


def test_record_function_decorates_and_needs_no_profile() -> None:
    @record_function("squares")
    def squares(x: Any) -> Any:
        return x * x

    assert squares(3) == 9
    with profile() as prof:
        squares(torch.ones(1))
    assert [(e.name, e.kind) for e in prof.events()] == [("ones", "op"), ("squares", "user"), ("mul", "op")]


# ---- reading along


def test_trace() -> None:
    model, x, out = small(), torch.ones(1, 2, 8, 8), io.StringIO()
    with trace(file=out):
        model(x).sum(dim=1).item()
        x.dim()
    assert out.getvalue() == """\
Sequential
  0: Conv2d
    conv2d(float32[1, 2, 8, 8], float32[4, 2, 3, 3], float32[4], (1, 1), (1, 1), (1, 1), 1) -> float32[1, 4, 8, 8]
  1: ReLU
    relu(float32[1, 4, 8, 8], inplace=False) -> float32[1, 4, 8, 8]
  2: Flatten
    flatten(float32[1, 4, 8, 8], 1, -1) -> float32[1, 256]
  3: Linear
    linear(float32[1, 256], float32[3, 256], float32[3]) -> float32[1, 3]
sum(float32[1, 3], dim=1) -> float32[1]
"""


def test_trace_of_a_backward_and_of_what_is_inside(capsys: Any) -> None:
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    y = torch.ones(3, 2, dtype=torch.float64)
    with torch.trace():
        (x @ y).sum().backward()
    assert capsys.readouterr().out == """\
matmul(float64[2, 3], float64[3, 2]) -> float64[2, 2]
sum(float64[2, 2]) -> float64[]
backward
  SumBackward0(float64[]) -> (float64[2, 2])
  MmBackward0(float64[2, 2]) -> (float64[2, 3], None)
"""
    with trace(inner=True):
        x @ y
    assert capsys.readouterr().out.split("\n")[1] == "  mm(float64[2, 3], float64[3, 2]) -> float64[2, 2]"
    with pytest.raises(RuntimeError), trace():
        x @ x
    assert capsys.readouterr().out == "matmul(float64[2, 3], float64[2, 3]) failed\n"


def test_trace_with_an_argument_is_the_operation() -> None:
    x = torch.tensor([[1., 2.], [3., 4.]])
    assert torch.trace is trace
    assert torch.trace(x) == torch.trace(input=x) == x.trace() == 5
    with pytest.raises(RuntimeError, match="expected a matrix"):
        torch.trace(torch.ones(2))
