"""The studies: at a small size each shows what it says it shows, prints its table and saves its plot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minidl.cli import main
from minidl.studies import STUDIES, Result, registry
from minidl.studies.batch_size import batch_size


def test_the_best_rate_grows_with_the_batch_and_the_linear_rule_ends() -> None:
    result = batch_size(0, sizes=(8, 32, 128, 1024), rates=(2.0 ** -5, 2.0 ** -3, 2.0 ** -1), epochs=4, repeats=1)
    heads, *rows = result.table
    columns = {head: [row[i] for row in rows] for i, head in enumerate(heads)}
    assert columns["steps"] == [720, 180, 48, 8]
    best = columns["best rate"]
    assert best[0] < best[2] and best == sorted(best)
    linear, same = columns["linear: loss"], columns["same rate: loss"]
    assert max(linear[:3]) < 0.4  # the rule holds,
    assert linear[3] > 1  # ends,
    assert same[2] > 2 * linear[2]  # and does better than a rate that stays
    assert len(result.figure.axes) == 4


def test_a_study_is_printed_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(seed: int) -> Result:
        return batch_size(seed, sizes=(32, 64, 128, 256), rates=(0.1,), epochs=1, repeats=1)

    monkeypatch.setitem(registry.STUDIES, "batch-size", quick)
    assert main(["study", "batch-size", "--out", str(tmp_path / "plots")]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split()[:2] == ["batch", "steps"] and str(tmp_path / "plots" / "batch-size.png") in text
    with Image.open(tmp_path / "plots" / "batch-size.png") as image:
        assert image.width > 1000 and len(np.unique(np.asarray(image.convert("L")))) > 50


def test_unknown_studies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["study", "nothing"])
    with pytest.raises(ValueError, match="expected one of batch-norm-eps, .*got .nothing."):
        registry.run("nothing", tmp_path)
    assert "batch-size" in STUDIES
