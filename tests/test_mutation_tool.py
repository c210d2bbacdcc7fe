"""The table of breaks fits the source, and the tool that makes them tells a break from none. The whole: ``python -m tests.mutation``."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

from .mutants import MUTANTS
from .mutation import ROOT

FILES = sorted({m.file for m in MUTANTS})


@pytest.mark.parametrize("file", FILES)
def test_every_break_is_one_place_of_the_source(file: str) -> None:
    source = (ROOT / "minidl" / file).read_text()
    for m in MUTANTS:
        if m.file == file:
            assert source.count(m.old) == 1, f"{m.name}: the text is there {source.count(m.old)} times"
            ast.parse(source.replace(m.old, m.new))


def test_the_table_is_large_and_says_nothing_twice() -> None:
    assert len(MUTANTS) >= 400 and len({m.file.partition("/")[0] for m in MUTANTS}) >= 10
    assert not [key for key, n in Counter((m.file, m.old, m.new) for m in MUTANTS).items() if n > 1]
    for m in MUTANTS:
        assert all((ROOT / path).is_file() for path in m.arguments() if path.endswith(".py")), f"{m.name}: no such file of tests in {m.tests!r}"


def test_the_tool_tells_a_break_from_none() -> None:
    code = """
        from tests.mutation import Mutant, report, run
        file, where = "classical/metrics/regression.py", "classical_metrics: regression"
        outcomes = run([Mutant(file, "1 - error / np.where(flat", "1 + error / np.where(flat", where),
                        Mutant(file, "np.where(flat, 1, spread)", "np.where(flat, 2, spread)", where)], show=lambda line: None)
        text, good = report(outcomes)
        print([o.verdict for o in outcomes], outcomes[0].noticed_by, good, text.split(chr(10))[0])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("['killed', 'survived'] tests/test_classical_metrics.py::test_regression False "
                           "2 mutants: 1 killed, 1 survived; 50.0% noticed\n")
