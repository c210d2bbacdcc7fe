"""PyTorch's own databases of operators, modules and optimisers, run over the library where their runner is at hand.

Its path is given by the environment variable MINIDL_CONFORMANCE (``run.py`` or its folder), or it lies in ``shared/conformance`` beside
the project. conformance_floor.json holds the least figures that a run must reach.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GIVEN = Path(os.environ.get("MINIDL_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
RUNNERS = [path for path in (GIVEN / "run.py", GIVEN) if path.is_file()][:1]

if RUNNERS:  # without a runner there is nothing to test, and nothing is collected
    @pytest.mark.parametrize("runner", RUNNERS, ids=["figures"])
    def test_floor(runner: Path) -> None:
        command = [sys.executable, "-W", "ignore", str(runner), "--impl", "minidl", "--gradgrad", "--floor", str(ROOT / "tests" / "conformance_floor.json")]
        run = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
