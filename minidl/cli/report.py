"""A run on one page: ``report.html``, with its pictures in it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..nn import Conv2d, Module
from ..serialization.write import replacing
from .loop import Training
from .task import Section, Table

__all__ = ["write_report"]

STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
img { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .9rem .15rem 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
pre { overflow-x: auto; font-size: .8rem; line-height: 1.3; }"""


def write_report(training: Training, counts: np.ndarray, layers: str, directory: Path) -> None:
    """Writes the page, and the named figures as files beside it. `counts`: (true class, predicted class) held out; `layers`: the model's summary."""
    parts = []
    for section in sections(training, counts):
        picture = png(section.figure) if section.figure is not None else None
        if section.name and picture is not None:
            (directory / f"{section.name}.png").write_bytes(picture)
        parts.append(part(section, picture))
    title = f"{training.config['model']} on {training.config['data']}"
    history = training.history
    epochs = table([tuple(history[0]), *(tuple(f"{v:.5g}" for v in row.values()) for row in history)])
    for name, folded in (("Epochs", epochs), ("Layers", f"<pre>{html.escape(layers)}</pre>")):
        parts.append(f"<details><summary>{name}</summary>{folded}</details>")
    page = (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n<style>\n{STYLE}\n</style>\n'
            f"</head>\n<body>\n<h1>{html.escape(title)}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n")
    with replacing(directory / "report.html") as file:
        file.write(page.encode())


def sections(training: Training, counts: np.ndarray) -> Iterator[Section]:
    from ..viz import plot_curves, plot_feature_maps
    history, data, task = training.history, training.data, training.task
    model: Any = training.result
    yield Section("Result", f"Held out, after epoch {len(history)}: {task.said(training.values(history[-1]))}, loss {history[-1]['test_loss']:.4f}; "
                  f"best, epoch {training.best}: {task.said(training.values(history[training.best - 1]))}. "
                  f"{len(data.train_labels)} images to learn from, {len(data.test_labels)} held out; "
                  f"{sum(p.numel() for p in model.parameters()):,} parameters. All below is of the last epoch.")
    yield Section("Configuration", table=[("option", "value"), *((name.replace("_", "-"), shown(value)) for name, value in training.config.items())])
    yield Section("Curves", figure=plot_curves(history), name="curves")
    yield from task.sections(model, training.test_set[0], data, counts)
    image = training.test_set[0][:1]
    for layer in mapped_layers(model, image):
        yield Section(f"Feature maps of {layer}", "Of the first of the held-out images.", figure=plot_feature_maps(model, image, layer))


@no_grad()
def mapped_layers(model: Module, image: Tensor, most: int = 3) -> list[str]:
    """The first, the last and those halfway of the convolutions that look at more than one place and give more than one."""
    found: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, Conv2d) and max(module.kernel_size) > 1:
            def note(m: Module, args: Any, output: Any, name: str = name) -> None:
                if output.shape[-1] > 1 and name not in found:
                    found.append(name)
            handles.append(module.register_forward_hook(note))
    model.eval()(image)
    for handle in handles:
        handle.remove()
    chosen = np.linspace(0, len(found) - 1, min(most, len(found))).astype(int)
    return [found[i] for i in chosen]


def shown(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else "-" if value is None else str(value)


def png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    return data.getvalue()


def part(section: Section, picture: bytes | None) -> str:
    title = html.escape(section.title)
    lines = [f"<h2>{title}</h2>"]
    if section.words:
        lines.append(f"<p>{html.escape(section.words)}</p>")
    if picture is not None:
        lines.append(f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">')
    if section.table:
        lines.append(table(section.table))
    return "\n".join(lines)


def table(rows: Table) -> str:
    head, *body = ["".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in zip(["th", *["td"] * len(rows)], rows)]
    return "\n".join(["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>", *(f"<tr>{row}</tr>" for row in body), "</tbody>", "</table>"])
