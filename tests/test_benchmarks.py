"""The benchmarks run and both libraries compute the same values in them. No test asserts a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

import minidl
from benchmarks import measure, report
from benchmarks.__main__ import main
from benchmarks.child import digest
from benchmarks.workloads import INFERENCE, TRAINING, WORKLOADS


def test_two_workloads_end_to_end(tmp_path, capsys):
    target, picture = tmp_path / "result.json", tmp_path / "ratios.png"
    assert main(["--only", "^small/(add|linear)/backward$", "--rounds", "1", "--threads", "1", "--json", str(target), "--plot", str(picture)]) == 0
    result = json.loads(target.read_text())
    assert set(result) == {"machine", "threads", "rounds", "workloads", "versions", "summary", "load_after"}
    assert set(result["versions"]) == {"minidl", "torch"}
    assert list(result["workloads"]) == ["small/add/backward", "small/linear/backward"]
    for row in result["workloads"].values():
        assert set(row) == {"minidl_ms", "torch_ms", "ratio", "spread", "values", "agree"}
        assert row["agree"] and row["values"]["minidl"] == pytest.approx(row["values"]["torch"], rel=1e-5)
        assert row["ratio"] == pytest.approx(row["minidl_ms"] / row["torch_ms"])
        assert row["spread"] == [row["ratio"]] * 2
    assert len(result["workloads"]["small/linear/backward"]["values"]["torch"]) == 10  # two results and three gradients
    printed = capsys.readouterr().out
    assert "small/add/backward" in printed and "VALUES DIFFER" not in printed
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", [n for n in WORKLOADS if n != "chain" and "px" not in n and (n not in (*TRAINING, *INFERENCE) or n in ("mlp", "lenet"))])
def test_values_agree(name):
    results = []
    for library in (minidl, torch):
        step, leaves = WORKLOADS[name](library)
        values = digest(step()) + digest(step())
        results.append(values + [v for leaf in leaves for v in digest(leaf.grad)])
    assert measure.agree(*results), results
    if name in TRAINING:
        assert results[0][0] != results[0][2], "the step does not train"


def test_the_other_library_is_not_imported():
    code = "import sys; from benchmarks.child import run; run('minidl', 1, ['small/neg/forward']); print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=measure.ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
                            check=True, stdout=subprocess.PIPE, text=True)
    assert answer.stdout.strip() == "False"


def test_list(capsys):
    assert main(["--list", "--only", "^(chain|import)$"]) == 0
    assert capsys.readouterr().out.split() == ["chain", "import"]


def test_nothing_to_do():
    with pytest.raises(SystemExit) as stopped:
        main(["--only", "no such workload"])
    assert stopped.value.code == 2


def test_disagreement_is_reported(monkeypatch, capsys):
    def answer(library, threads, names):
        value = 1.0 if library == "torch" else 1.001
        return {"version": "0", "peak_mb": 1.0, "results": {n: {"ms": 1.0, "values": [value, value]} for n in names}}

    monkeypatch.setattr(measure, "child", answer)
    assert main(["--only", "^mlp$", "--rounds", "1"]) == 1
    assert "VALUES DIFFER" in capsys.readouterr().out


def test_ratios_are_paired():
    row = measure.compare([1.0, 2.0, 9.0], [1.0, 4.0, 3.0])
    assert row == {"minidl_ms": 2.0, "torch_ms": 3.0, "ratio": 1.0, "spread": [0.5, 3.0]}
    rows = {"a": {"ratio": 0.5}, "b": {"ratio": 2.0}, "small/add/forward": {"ratio": 3.0}}
    assert measure.summary(rows) == {
        "workloads": {"count": 2, "geometric_mean": 1.0, "worst": "b", "worst_ratio": 2.0},
        "small forward": {"count": 1, "geometric_mean": pytest.approx(3.0), "worst": "small/add/forward", "worst_ratio": 3.0}}


def test_import_rows():
    rows = measure.import_times(1, 1)
    assert list(rows) == list(measure.IMPORTS) and rows["python"]["beyond_ms"] == 0 and rows["numpy"]["to_numpy"] == 1
    assert "import" in report.text({"machine": measure.machine(), "workloads": {}, "versions": {}, "threads": 1, "rounds": 1, "load_after": 0.0,
                                    "import": rows, "summary": {}})
