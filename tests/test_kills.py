"""A training run that is killed again and again ends as one that never was. The deep profile kills 200 times; see tests/kills.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 8


def test_killed_runs_resume_to_the_same_bits() -> None:
    command = [sys.executable, ROOT / "tests" / "kills.py", str(NUMBER)]
    run = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith(f"{NUMBER} kills")
