"""The command line: a run leaves what it says, goes on after an interruption with the same numbers, and refuses bad input in a line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minidl
from minidl.cli import loop, main
from minidl.datasets import load_digits

BRIEF = ("--epochs", "2", "--batch-size", "16")


def run(*arguments: str) -> int:
    return main([str(a) for a in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    assert run("train", *BRIEF, "--out", out, "--name", "run") == 0
    return out / "run"


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def weights(run_dir: Path) -> dict[str, Any]:
    return {k: v.numpy() for k, v in minidl.load(run_dir / "last.pt")["model"].items()}


def test_a_run_leaves_everything(trained: Path) -> None:
    assert sorted(p.name for p in trained.iterdir()) == ["best.pt", "confusion.png", "curves.png", "last.pt", "metrics.csv", "report.html"]
    history = rows(trained / "metrics.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert float(history[-1]["test_accuracy"]) > 0.9 and float(history[1]["train_loss"]) < float(history[0]["train_loss"])
    for picture in ("curves.png", "confusion.png"):
        with Image.open(trained / picture) as image:
            assert image.width > 400 and len(image.convert("RGB").getcolors(1 << 24)) > 20


def test_the_same_seed_gives_the_same_numbers_and_nothing_is_overwritten(trained: Path) -> None:
    before = (trained / "last.pt").read_bytes()
    assert run("train", *BRIEF, "--out", trained.parent, "--name", "run") == 0
    assert (trained / "last.pt").read_bytes() == before
    assert rows(trained.parent / "run-2" / "metrics.csv") == rows(trained / "metrics.csv")


def test_an_interrupted_run_goes_on_to_the_same_weights(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    steps = {"n": 0}
    evaluate = loop.evaluate

    def interrupt(*args: Any) -> Any:
        steps["n"] += 1
        if steps["n"] == 2:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(loop, "evaluate", interrupt)
    assert run("train", *BRIEF, "--out", tmp_path, "--name", "cut") == 130
    assert f"--resume {tmp_path / 'cut'}" in capsys.readouterr().err
    monkeypatch.setattr(loop, "evaluate", evaluate)
    assert len(rows(tmp_path / "cut" / "metrics.csv")) == 1
    assert run("train", "--resume", tmp_path / "cut") == 0
    assert rows(tmp_path / "cut" / "metrics.csv") == rows(trained / "metrics.csv")
    want, have = weights(trained), weights(tmp_path / "cut")
    assert all(np.array_equal(want[k], have[k]) for k in want)


def test_eval_and_predict(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", trained) == 0
    accuracy = float(rows(trained / "metrics.csv")[-1]["test_accuracy"])
    assert f"accuracy {accuracy:.2%}" in capsys.readouterr().out
    images, labels = load_digits()
    hits = 0
    for i in range(10):
        path = tmp_path / f"{i}.png"
        Image.fromarray((images[i].astype(np.float64) * 255 / 16).round().astype(np.uint8)).save(path)
        assert run("predict", trained / "best.pt", path, "--top", "1") == 0
        hits += capsys.readouterr().out.startswith(f"{path}: {labels[i]} ")
    assert hits >= 9


def test_predictions_are_probabilities(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (20, 30), 255).save(tmp_path / "blank.png")
    assert run("predict", trained, tmp_path / "blank.png", "--top", "10") == 0
    shares = [float(part.split()[-1].rstrip("%")) for part in capsys.readouterr().out.split(": ")[1].split(", ")]
    assert len(shares) == 10 and abs(sum(shares) - 100) < 0.6 and shares == sorted(shares, reverse=True)


def test_bad_input_is_told_in_one_line(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "foreign.pt").write_bytes(b"not a checkpoint at all")
    minidl.save({"model": {}}, tmp_path / "other.pt")
    (tmp_path / "cut.pt").write_bytes((trained / "last.pt").read_bytes()[:5000])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    cases = [(("eval", tmp_path / "missing.pt"), "missing.pt"), (("eval", tmp_path / "foreign.pt"), "foreign.pt"), (("eval", tmp_path / "other.pt"), "format"),
             (("eval", tmp_path / "cut.pt"), "cut.pt"), (("predict", trained, tmp_path / "text.png"), "text.png"), (("predict", trained, tmp_path / "no.png"), "no.png"),
             (("train", "--data", tmp_path / "empty", "--out", tmp_path), "empty"), (("train", "--data", tmp_path / "nowhere", "--out", tmp_path), "nowhere"),
             (("train", "--epochs", "1", "--out", tmp_path / "file"), "file"), (("eval", trained, "--data", tmp_path / "nowhere"), "nowhere")]
    for arguments, word in cases:
        assert run(*arguments) == 1
        error = capsys.readouterr().err
        assert word in error and "Traceback" not in error, error
    for arguments in (("train", "--epochs", "0"), ("train", "--model", "nothing"), ("dance",)):
        with pytest.raises(SystemExit) as stop:
            run(*arguments)
        assert stop.value.code == 2


def test_a_checkpoint_of_another_model_is_refused(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = minidl.load(trained / "last.pt")
    state["config"]["model"] = "se_resnet20"
    minidl.save(state, tmp_path / "other.pt")
    assert run("eval", tmp_path / "other.pt") == 1
    assert "do not fit the model 'se_resnet20'" in capsys.readouterr().err


def test_a_folder_of_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 180)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(20):
            Image.fromarray(rng.integers(low, low + 60, (12, 12, 3), dtype=np.uint8)).save(tmp_path / "data" / name / f"{i}.png")
    assert run("train", "--data", tmp_path / "data", "--model", "resnet8", "--epochs", "3", "--batch-size", "8", "--out", tmp_path / "out") == 0
    assert rows(tmp_path / "out" / "data-resnet8" / "metrics.csv")[-1]["test_accuracy"] == "1.0"
