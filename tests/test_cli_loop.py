"""The training loop's options against what they are by definition, runs that go on with the same bits, and the page that a run leaves."""

from __future__ import annotations

import base64
import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minidl
from minidl import nn
from minidl.cli import loop, main, train
from minidl.cli.loop import Training
from minidl.cli.train import TASKS, configuration
from minidl.datasets import ImageData, draw_shapes, load_digits
from minidl.models.registry import MODELS
from minidl.transforms import MixUp

from .kills import bits, write_data


class Flat(nn.Module):
    """Without batch norm, so that a batch is the sum of its images."""

    def __init__(self, num_classes: int, in_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes))

    def forward(self, x: Any) -> Any:
        return self.layers(x)


def flat(**kwargs: Any) -> Flat:
    model = Flat(**kwargs)
    model(minidl.zeros(1, kwargs["in_channels"], 8, 8))
    return model


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> ImageData:
    monkeypatch.setitem(MODELS, "flat", flat)
    images, labels = load_digits()
    return ImageData(images[:44, None], labels[:44], images[44:84, None], labels[44:84], tuple("0123456789"), 16)


def training(data: ImageData, **given: Any) -> Training:
    config = configuration({"model": "flat", "batch_size": 8, "lr": 0.02, "augment": ["none"], **given})
    return Training({**config, "classes": list(data.classes), "shape": [1, 8, 8]}, TASKS["classify"], data, None)


def weights(model: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def after(data: ImageData, epochs: int = 2, **given: Any) -> dict[str, np.ndarray]:
    t = training(data, epochs=epochs, **given)
    for _ in range(epochs):
        t.train_epoch("")
    return weights(t.model)


def test_accumulated_batches_are_one_large_batch(small: ImageData) -> None:
    """44 images: groups of 16, 16 and 12, so the last group has a batch of 8 and one of 4."""
    want, have, other = after(small, batch_size=16), after(small, accumulate=2), after(small)
    for name in want:
        np.testing.assert_allclose(have[name], want[name], rtol=1e-5, atol=1e-6)
    assert max(np.abs(other[name] - want[name]).max() for name in want) > 1e-3


def test_a_loss_that_is_no_number_ends_the_run(small: ImageData, tmp_path: Path) -> None:
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"epoch \d/9: the loss is (nan|inf), at a learning rate of .*; try a lower --lr"):
        training(small, epochs=9, lr=1e30).run(tmp_path)


def test_the_average_of_weights(small: ImageData) -> None:
    t, expected = training(small, ema=0.75), None

    def note(*args: Any) -> None:
        nonlocal expected
        now = weights(t.model)
        expected = now if expected is None else {k: 0.75 * expected[k] + 0.25 * now[k] for k in now}

    t.optimizer.register_step_post_hook(note)
    t.train_epoch("")
    assert expected is not None
    for name, value in weights(t.result).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-6)
    assert t.result is not t.model and bits(dict(t.state()["model"])) == bits(dict(t.result.state_dict()))
    plain = training(small)
    plain.train_epoch("")
    assert bits(dict(plain.model.state_dict())) == bits(dict(t.model.state_dict()))  # the training itself is as without


def test_mixup_is_cross_entropy_with_mixed_targets(small: ImageData) -> None:
    t = training(small, mixup=0.5, label_smoothing=0.2)
    images, labels = minidl.tensor(small.train_images[:8]), minidl.tensor(small.train_labels[:8])
    x = t.normalizer(small.train_images[:8])
    shares = set()
    for seed in range(6):
        minidl.manual_seed(seed)
        mixed, targets = MixUp(alpha=0.5, num_classes=10)(x, labels)
        minidl.manual_seed(seed)
        loss, scores, greater = t.loss(images, labels)
        np.testing.assert_allclose(scores.numpy(), t.model(mixed).detach().numpy(), rtol=1e-4, atol=1e-5)
        want = nn.functional.cross_entropy(scores, targets, reduction="sum", label_smoothing=0.2).item()
        assert loss.item() == pytest.approx(want, rel=1e-5)
        assert greater.tolist() == targets.argmax(1).tolist()
        shares.add(round(targets.max(1).values.min().item(), 3))
    assert len(shares) == 6


def test_smoothing_is_in_training_and_not_in_evaluation(small: ImageData) -> None:
    sharp, smooth = training(small), training(small, label_smoothing=0.3)
    batch = minidl.tensor(small.train_images[:8]), minidl.tensor(small.train_labels[:8])
    (loss, scores, _), (smoothed, _, _) = sharp.loss(*batch), smooth.loss(*batch)
    log_p = nn.functional.log_softmax(scores, 1)
    assert smoothed.item() == pytest.approx(0.7 * loss.item() - 0.03 * log_p.sum().item(), rel=1e-5)
    assert loop.evaluate(sharp.task, sharp.model, *sharp.test_set)[0] == loop.evaluate(smooth.task, smooth.model, *smooth.test_set)[0]


def test_a_last_image_alone_is_left_out(small: ImageData) -> None:
    assert len(training(small, batch_size=43).loader) == 1 and len(training(small, batch_size=42).loader) == 2
    assert len(training(small, batch_size=1).loader) == 44


# ---- runs from the command line


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pairs")
    for name in ("images", "masks"):
        (root / name).mkdir()
    for i in range(20):
        scene = draw_shapes(i, 32, 2)
        Image.fromarray(scene.image.transpose(1, 2, 0)).save(root / "images" / f"{i:02}.png")
        Image.fromarray(np.where(scene.mask == 1, 255, scene.mask > 0).astype(np.uint8)).save(root / "masks" / f"{i:02}.png")
    return root


def run(*arguments: Any) -> int:
    return main([str(a) for a in arguments])


def rows(directory: Path) -> list[dict[str, str]]:
    with open(directory / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


ALL = ("--mixup", "0.2", "--label-smoothing", "0.1", "--ema", "0.9", "--accumulate", "2", "--early-stopping", "2", "--epochs", "3")


@pytest.fixture(scope="module")
def segmented(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    assert run("train", "--task", "segment", "--data", pairs, "--batch-size", "4", "--augment", "flip", "rotate", *ALL, "--out", out, "--name", "run") == 0
    return out / "run"


def test_an_interrupted_run_with_all_options_goes_on_with_the_same_bits(segmented: Path, pairs: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    calls, evaluate = 0, loop.evaluate

    def interrupt(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(loop, "evaluate", interrupt)
    arguments = ("train", "--task", "segment", "--data", pairs, "--batch-size", "4", "--augment", "flip", "rotate", *ALL)
    assert run(*arguments, "--out", segmented.parent, "--name", "cut") == 130
    monkeypatch.setattr(loop, "evaluate", evaluate)
    cut = segmented.parent / "cut"
    assert len(rows(cut)) == 1 and run("train", "--resume", cut) == 0
    assert rows(cut) == rows(segmented)
    assert bits(minidl.load(cut / "last.pt")) == bits(minidl.load(segmented / "last.pt"))
    assert (cut / "report.html").read_bytes() == (segmented / "report.html").read_bytes()


def test_the_options_are_in_the_checkpoint(segmented: Path) -> None:
    config = minidl.load(segmented / "last.pt")["config"]
    assert {k: config[k] for k in ("task", "augment", "mixup", "label_smoothing", "ema", "early_stopping", "accumulate")} == {
        "task": "segment", "augment": ["flip", "rotate"], "mixup": 0.2, "label_smoothing": 0.1, "ema": 0.9, "early_stopping": 2, "accumulate": 2}


def test_eval_and_predict_of_pixels(segmented: Path, pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = rows(segmented)[-1]
    assert run("eval", segmented) == 0
    assert f"mean IoU {float(last['test_iou']):.2%}, mean Dice {float(last['test_dice']):.2%}" in capsys.readouterr().out
    assert run("predict", segmented, pairs / "images" / "00.png", "--top", "2") == 0
    shares = [float(part.split()[-1].rstrip("%")) for part in capsys.readouterr().out.split(": ")[1].split(", ")]
    assert len(shares) == 2 and abs(sum(shares) - 100) < 0.2
    assert run("quantize", segmented) == 1
    assert "quantize is for classifiers of images, the run's task is 'segment'" in capsys.readouterr().err


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take most of the time of a short run."""
    monkeypatch.setattr(train, "write_report", lambda *args: None)


def test_early_stopping(no_report: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At a rate of 0, and with statistics of batch norm that hardly move, no epoch is better than the first."""
    write_data(tmp_path)
    command = ("train", "--data", tmp_path, "--model", "resnet8", "--lr", "0", "--ema", "0.999999", "--epochs", "9", "--early-stopping", "2",
               "--out", tmp_path, "--name", "run")
    assert run(*command) == 0
    assert len(rows(tmp_path / "run")) == 3 and "stopped early: no better epoch after the 1." in capsys.readouterr().out
    before = (tmp_path / "run" / "last.pt").read_bytes()
    assert run("train", "--resume", tmp_path / "run") == 0
    assert (tmp_path / "run" / "last.pt").read_bytes() == before


def test_pairs_that_do_not_fit(no_report: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "test"):
        for folder in ("images", "masks"):
            (tmp_path / part / folder).mkdir(parents=True)
            for i, side in enumerate((16, 16, 24)):
                Image.new("RGB" if folder == "images" else "L", (side, side), 1).save(tmp_path / part / folder / f"{i}.png")
    command = ("train", "--task", "segment", "--data", tmp_path, "--epochs", "1", "--out", tmp_path / "out")
    assert run(*command) == 1
    assert "2.png: expected an image of (16, 16) as the first, got (24, 24); --size brings them to one" in capsys.readouterr().err
    assert run(*command, "--size", "16") == 0
    assert "3 images to learn from, 3 held out, classes 0, 1" in capsys.readouterr().out
    for model, says in (("resnet8", "is not for --task segment"), ("fcn_nothing", None)):
        if says is None:
            with pytest.raises(SystemExit):
                run(*command, "--model", model)
        else:
            assert run(*command, "--size", "16", "--model", model) == 1 and says in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{tmp_path.name}-unet_small"]  # nothing of a run that could not begin


# ---- the report


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps headings, pictures and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.pictures: dict[str, bytes] = {}
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        assert not {"href", "srcset", "onload"} & set(found) and tag not in ("script", "link", "iframe")
        if tag == "img":
            head, data = str(found["src"]).split(",")
            assert head == "data:image/png;base64"
            self.pictures[str(found["alt"])] = base64.b64decode(data, validate=True)
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)
        elif self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_the_page_of_a_segmentation(segmented: Path) -> None:
    page = Page((segmented / "report.html").read_text())
    assert page.headings[1:6] == ["Result", "Configuration", "Curves", "Overlays", "Each class"]
    assert page.headings[6:8] == ["Worst mistakes", "Confusion of pixels"] and len([h for h in page.headings if h.startswith("Feature maps of ")]) == 3
    for name in ("curves", "overlays", "confusion"):
        assert (segmented / f"{name}.png").read_bytes() in page.pictures.values()
    for picture in page.pictures.values():
        with Image.open(io.BytesIO(picture)) as image:
            assert image.format == "PNG" and len(image.convert("RGB").getcolors(1 << 24)) > 20
    assert {"IoU", "Dice", "label-smoothing", "flip, rotate", "test_iou"} <= set(page.cells)


def test_the_page_of_a_classification_names_are_escaped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a<b>", "c&d"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(20):
            Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(tmp_path / "data" / name / f"{i}.png")
    assert run("train", "--data", tmp_path / "data", "--model", "cbam_resnet8", "--epochs", "1", "--out", tmp_path, "--name", "run") == 0
    text = (tmp_path / "run" / "report.html").read_text()
    page = Page(text)
    assert "a<b>" not in text and {"a<b>", "c&d", "precision", "recall", "F1"} <= set(page.cells)
    assert page.headings[1:7] == ["Result", "Configuration", "Curves", "Confusion", "Each class", "Worst mistakes"]  # noise: some must be wrong
    assert "Worst mistakes" in page.pictures and "Confusion" in page.pictures
