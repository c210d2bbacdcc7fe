"""The worked example of CONTRIBUTING.md runs as it stands; in a process of its own, since it adds an op to the table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_worked_example_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    # pytest's settings: few examples, no numeric warnings
    program = "\n".join(["import tests.conftest  # the profile", *blocks, "import pytest", "for c in row.bad:",
                         "    with pytest.raises(TypeError): gaussian(*c.args)"])
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_lines_in_the_text_run_at_once() -> None:
    lines = [line for name in ("README.md", "CONTRIBUTING.md")
             for line in re.findall(r"`(from minidl[^`]*; print\([^`]*\))`", (ROOT / name).read_text(encoding="utf-8"))]
    assert lines
    for line in lines:
        run = subprocess.run([sys.executable, "-c", f"import minidl\n{line}"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0 and run.stdout, run.stderr
