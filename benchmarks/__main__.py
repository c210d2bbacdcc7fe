"""``python -m benchmarks``: measures, prints, and exits with 1 if the libraries' results differ anywhere."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path

from . import measure, report
from .workloads import WORKLOADS


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Times minidl and PyTorch in alternating processes.")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads for each library (default: the cores)")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each library for each workload (default: 5)")
    parser.add_argument("--only", metavar="REGEX", default="", help="only workloads in whose name this is found")
    parser.add_argument("--list", action="store_true", help="print the workloads' names")
    parser.add_argument("--json", metavar="FILE", help="also write the measurements to this file")
    parser.add_argument("--plot", metavar="FILE", help="also draw the ratios, into a file of any kind that matplotlib writes")
    options = parser.parse_args(arguments)
    names = [n for n in (*WORKLOADS, "import") if re.search(options.only, n)]
    if options.list:
        print("\n".join(names))
        return 0
    if not names or options.rounds < 1 or options.threads < 1:
        parser.error(f"nothing to do: {len(names)} workloads, {options.rounds} rounds, {options.threads} threads")
    machine = measure.machine()
    timed = [n for n in names if n in WORKLOADS]
    result = {"machine": machine, "threads": options.threads, "rounds": options.rounds,
              **measure.measure(timed, options.rounds, options.threads, lambda line: print(line, file=sys.stderr))}
    if "import" in names:
        result["import"] = measure.import_times(options.rounds, options.threads)
    result["summary"] = measure.summary(result["workloads"])
    result["load_after"] = os.getloadavg()[0]
    print(report.text(result))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    if options.plot:
        report.plot(result, options.plot)
    return 0 if all(row["agree"] for row in result["workloads"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
