"""Breaks minidl on purpose, one small break at a time, and shows that the suite notices each.

    python -m tests.mutation [--only REGEX] [--jobs N] [--wide]

The breaks are listed in `tests.mutants`, each with the tests that should notice it. Every one is made in a copy of the tree, and its tests run
there, in a process of their own that is forked from this one, so that the heavy imports are paid for once. A break is

- killed, if a test fails which passes on the copy without it (all those tests are run once more at the end);
- timeout, if its tests take longer than `LIMIT` seconds: it was noticed as well;
- survived, if all pass. With `--wide` the whole suite, doctests included, then decides.

The exit status is 0 if at least 98% were noticed.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import py_compile
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LIMIT, WIDE_LIMIT = 120.0, 5400.0
BAR = 0.98
HEAVY = ("numpy", "scipy.linalg", "matplotlib.pyplot", "torch", "pytest", "hypothesis.extra.numpy", "sklearn.base")
COPIED = ("minidl", "tests", "benchmarks", "docs", "README.md", "CONTRIBUTING.md", "LICENSE", "setup.cfg", "pyproject.toml")
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--no-header", "-W", "ignore::pytest.PytestAssertRewriteWarning")


@dataclass(frozen=True)
class Mutant:
    """In `file`, beneath minidl/, the text `old`, which is there once, becomes `new`.

    `tests` says where this should be noticed: names of files of tests without their ``test_``, and after a colon what pytest's -k
    selects in them: ``"ops: softmax or softmin"``, ``"engine views"``.
    """

    file: str
    old: str
    new: str
    tests: str

    @property
    def name(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())[:60]} -> {' '.join(self.new.split())[:60]}"

    def arguments(self) -> list[str]:
        files, _, selection = self.tests.partition(":")
        paths = [f"tests/test_{name}.py" for name in files.split()]
        return [*paths, *(["-k", selection.strip()] if selection.strip() else [])]


def copy_tree(where: Path, compiled: bool) -> None:
    """The parts of the project that tests need; where it pays, compiled, so that a changed source is noticed by its contents, not its date."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, where / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, where / name)
    if compiled:
        compileall.compile_dir(where / "minidl", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


@contextlib.contextmanager
def applied(mutant: Mutant | None, where: Path) -> Iterator[None]:
    """The mutant's text in place of the original, inside."""
    if mutant is None:
        yield
        return
    path = where / "minidl" / mutant.file
    original = path.read_text()
    if original.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: the text is there {original.count(mutant.old)} times, expected once")
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        yield
    finally:
        path.write_text(original)


class Recorder:
    """A pytest plugin that writes the ids of failing tests (or of files that cannot be imported) to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_collection(self) -> None:
        """That a test fails is all that matters here: no search for its simplest input."""
        from hypothesis import Phase, settings
        settings.register_profile("mutation", settings.default, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.note(report)

    def pytest_collectreport(self, report: Any) -> None:
        self.note(report)

    def note(self, report: Any) -> None:
        if report.failed:
            with self.path.open("a") as file:
                file.write(report.nodeid + "\n")


def run_here(where: Path, arguments: Sequence[str], log: Path) -> int:
    """In a forked child: pytest in the copy of the tree, with nothing of this tree imported."""
    os.setsid()
    nowhere = os.open(log / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.chdir(where)
    sys.path[:] = [str(where), *[p for p in sys.path if p and Path(p).resolve() != ROOT]]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("minidl", "tests")]:
        del sys.modules[name]
    import pytest
    return int(pytest.main([*OPTIONS, f"--rootdir={where}", f"--basetemp={log / 'tmp'}", *arguments], plugins=[Recorder(log / "failed")]))


def begin(where: Path, arguments: Sequence[str], log: Path) -> int:
    """The id of a process that runs pytest in the copy."""
    log.mkdir(exist_ok=True)
    (log / "failed").write_text("")
    child = os.fork()
    if child:
        return child
    status = 3
    try:
        status = run_here(where, arguments, log)
    except BaseException:  # noqa: BLE001  # goes to the log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


@dataclass
class Outcome:
    """What became of a mutant: `verdict`, the test that noticed it, and the end of pytest's output."""

    mutant: Mutant | None
    verdict: str
    noticed_by: str = ""
    output: str = ""
    seconds: float = 0.0


@dataclass
class Job:
    """One copy of the tree, and the mutant that is in it at the moment."""

    where: Path
    log: Path
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    mutant: Mutant | None = None
    child: int = 0
    started: float = 0.0
    limit: float = LIMIT

    def start(self, mutant: Mutant | None, arguments: Sequence[str], limit: float) -> None:
        self.mutant, self.limit, self.started = mutant, limit, time.monotonic()
        self.stack.enter_context(applied(mutant, self.where))
        self.child = begin(self.where, arguments, self.log)

    def poll(self) -> Outcome | None:
        """The outcome once there is one; a child that takes too long is killed with all that it started."""
        pid, status = os.waitpid(self.child, os.WNOHANG)
        late = time.monotonic() - self.started > self.limit
        if pid == 0 and not late:
            return None
        if pid == 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        self.stack.close()
        failed = (self.log / "failed").read_text().split("\n")[0]
        output = (self.log / "out").read_text(errors="replace")[-3000:]
        code = -1 if pid == 0 else os.waitstatus_to_exitcode(status)
        verdict = "timeout" if pid == 0 else "survived" if code == 0 else "killed" if code in (1, 2) or code < 0 else "no tests"
        return Outcome(self.mutant, verdict, failed, output, time.monotonic() - self.started)


def run(mutants: Sequence[Mutant], jobs: int = 1, wide: bool = False, show: Any = print) -> list[Outcome]:
    """The outcome of every mutant."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name:
        copies = []
        for i in range(max(1, min(jobs, len(mutants)))):
            where = Path(name) / str(i) / "tree"
            where.mkdir(parents=True)
            copy_tree(where, len(mutants) > 10 * jobs)
            copies.append(Job(where, where.parent / "log"))

        def each(tasks: Sequence[tuple[Mutant | None, Sequence[str]]], limit: float) -> Iterator[Outcome]:
            waiting, free, busy = list(tasks)[::-1], list(copies), list[Job]()
            while waiting or busy:
                while waiting and free:
                    busy.append(free.pop())
                    busy[-1].start(*waiting.pop(), limit)
                time.sleep(0.05)
                for job in list(busy):
                    outcome = job.poll()
                    if outcome is not None:
                        busy.remove(job)
                        free.append(job)
                        yield outcome

        for outcome in each([(m, m.arguments()) for m in mutants], LIMIT):
            outcomes.append(outcome)
            if outcome.mutant is not None:
                show(f"{outcome.verdict:9} {outcome.seconds:6.1f} s  {outcome.mutant.name}  {outcome.noticed_by}")
        survivors = [o for o in outcomes if o.verdict == "survived"]
        if wide and survivors:
            again = {o.mutant: o for o in each([(o.mutant, ("tests", "minidl")) for o in survivors], WIDE_LIMIT)}
            for o in survivors:
                found = again[o.mutant]
                o.verdict, o.noticed_by = found.verdict, found.noticed_by
        witnesses = sorted({o.noticed_by for o in outcomes if o.verdict == "killed" and o.noticed_by})
        unsound: set[str] = set()
        while witnesses:  # each must pass where nothing is broken
            (outcome,) = each([(None, witnesses)], WIDE_LIMIT)
            if outcome.verdict == "survived":
                break
            unsound.add(outcome.noticed_by)
            witnesses = [w for w in witnesses if w != outcome.noticed_by] if outcome.noticed_by in witnesses else []
        for o in outcomes:
            if o.noticed_by in unsound:
                o.verdict = "unsound"
    return outcomes


def report(outcomes: Sequence[Outcome]) -> tuple[str, bool]:
    """The score, what was not noticed, and whether the bar is reached."""
    counts = Counter(o.verdict for o in outcomes)
    noticed = counts["killed"] + counts["timeout"]
    lines = [f"{len(outcomes)} mutants: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items()))
             + f"; {noticed / max(1, len(outcomes)):.1%} noticed"]
    for o in outcomes:
        if o.mutant is not None and o.verdict not in ("killed", "timeout"):
            lines.append(f"{o.verdict}: {o.mutant.name} [{o.mutant.tests}]" + (f"\n{o.output[-600:]}" if o.verdict == "no tests" else ""))
    return "\n".join(lines), noticed >= BAR * len(outcomes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="REGEX", help="only mutants whose file, texts or tests match")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time, each in a copy of its own")
    parser.add_argument("--wide", action="store_true", help="run the whole suite on what its own tests do not notice")
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    os.environ["HYPOTHESIS_PROFILE"] = "quick"
    for module in HEAVY:
        __import__(module)
    from .mutants import MUTANTS
    chosen = [m for m in MUTANTS if re.search(options.only, f"{m.file} {m.old} {m.new} {m.tests}")]
    outcomes = run(chosen, options.jobs, options.wide, lambda line: print(line, flush=True))
    text, good = report(outcomes)
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
