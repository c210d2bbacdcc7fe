"""The measurements as text and as a picture."""

from __future__ import annotations

from typing import Any

from .workloads import group


def line(name: str, row: dict[str, Any], unit: float) -> str:
    low, high = row["spread"]
    memory = "".join(f"{row['peak_mb'][k]:9.1f}" for k in ("minidl", "torch")) if "peak_mb" in row else ""
    differs = "" if row["agree"] else "  VALUES DIFFER"
    return (f"{name:32}{unit * row['minidl_ms']:10.2f}{unit * row['torch_ms']:10.2f}{row['ratio']:8.2f}"
            f"   {low:5.2f}..{high:<6.2f}{memory}{differs}").rstrip()


def table(title: str, rows: dict[str, Any], unit: str, note: str = "") -> list[str]:
    head = f"{title:32}{f'minidl {unit}':>10}{f'torch {unit}':>10}{'ratio':>8}   {'spread':13}{note}"
    return ["", head.rstrip(), *[line(name, row, 1e3 if unit == "us" else 1.0) for name, row in rows.items()]]


def text(result: dict[str, Any]) -> str:
    """All tables. `ratio` is minidl's time over PyTorch's: below 1, minidl is faster."""
    m, rows = result["machine"], result["workloads"]
    versions = ", ".join(f"{k} {v}" for k, v in {**result["versions"], "numpy": m["numpy"], "python": m["python"]}.items())
    lines = [f"{m['date']}  {m['processor']}, {m['cores']} cores, load {m['load']:.1f} before and {result['load_after']:.1f} after",
             m["system"], f"{versions}; {result['threads']} threads, {result['rounds']} rounds"]
    large = {n: r for n, r in rows.items() if group(n) != "small"}
    small = {n: r for n, r in rows.items() if group(n) == "small"}
    if large:
        lines += table("workload", large, "ms", "peak MB: minidl, torch" if any("peak_mb" in r for r in large.values()) else "")
    if small:
        lines += table("small operation", small, "us")
    if "import" in result:
        lines += ["", f"{'import':32}{'ms':>10}{'beyond':>10}{'/numpy':>8}   spread"]
        lines += [f"{name:32}{r['ms']:10.1f}{r['beyond_ms']:10.1f}{r['to_numpy']:8.2f}   {r['spread'][0]:5.2f}..{r['spread'][1]:.2f}"
                  for name, r in result["import"].items()]
    lines.append("")
    for part, s in result["summary"].items():
        lines.append(f"{part}: geometric mean {s['geometric_mean']:.2f} of {s['count']}, highest {s['worst_ratio']:.2f} ({s['worst']})")
    return "\n".join(lines)


def plot(result: dict[str, Any], path: str) -> None:
    """Bars of the ratios on a logarithmic scale, with the lowest and highest of the rounds; PyTorch is the line at 1."""
    from matplotlib.figure import Figure

    rows = result["workloads"]
    panels = [p for p in ([n for n in rows if group(n) != "small"], [n for n in rows if group(n) == "small"]) if p]
    figure = Figure(figsize=(7.0 * len(panels), 1.5 + 0.18 * max(map(len, panels))), layout="constrained")
    for axes, names in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        ratios = [rows[n]["ratio"] for n in names]
        errors = [[r - rows[n]["spread"][0] for r, n in zip(ratios, names)], [rows[n]["spread"][1] - r for r, n in zip(ratios, names)]]
        # a bar starts at 1: to the left of the line minidl is faster
        axes.barh(names, [r - 1 for r in ratios], left=1, xerr=errors, color=["#2a7f62" if r <= 1 else "#c1553b" for r in ratios],
                  error_kw={"elinewidth": 0.8, "ecolor": "#555555"})
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("minidl's time / PyTorch's")
        axes.tick_params(labelsize=7)
        axes.set_ylim(len(names) - 0.5, -0.5)
    figure.suptitle(f"minidl against PyTorch {result['versions']['torch']}, {result['threads']} threads, {result['machine']['processor']}", fontsize=9)
    figure.savefig(path, dpi=150)
