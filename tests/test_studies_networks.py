"""The studies of regularisation, normalisation, depth and activations: at small settings, what does not depend on luck."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl as torch
from minidl.cli import main
from minidl.studies import STUDIES, Result, registry
from minidl.studies.batch_norm_eps import batch_norm_eps
from minidl.studies.batch_norm_momentum import batch_norm_momentum
from minidl.studies.batch_norm_order import batch_norm_order
from minidl.studies.dropout import draw, dropout
from minidl.studies.loop import evaluate, gradient_norms, images
from minidl.studies.residual_depth import build, residual_depth
from minidl.studies.sigmoid_versus_relu import sigmoid_versus_relu
from minidl.studies.validation_above_training import augment, validation_above_training

QUICK: dict[str, Callable[[int], Result]] = {
    "dropout": lambda seed: dropout(seed, rates=(0.0, 0.5), counts=(100,), count=100, steps=80, repeats=1),
    "batch-norm-order": lambda seed: batch_norm_order(seed, rates=(0.01, 1.0), depth=3, epochs=1, repeats=1),
    "batch-norm-momentum": lambda seed: batch_norm_momentum(seed, momenta=(0.001, 0.1), plans=((128, 2, 0.1),), repeats=1),
    "batch-norm-eps": lambda seed: batch_norm_eps(seed, epsilons=(1.0, 1e-12), epochs=2, repeats=1),
    "residual-depth": lambda seed: residual_depth(seed, depths=(8,), epochs=1, repeats=1),
    "sigmoid-versus-relu": lambda seed: sigmoid_versus_relu(seed, gains=(0.5, math.sqrt(2), 8.0), rates=(0.01,), depth=6, epochs=1),
    "validation-above-training": lambda seed: validation_above_training(seed, count=200, epochs=2, repeats=2),
}


def columns(result: Result) -> dict[str, list[Any]]:
    heads, *rows = result.table
    assert rows and all(len(row) == len(heads) for row in rows)
    return {head: [row[i] for row in rows] for i, head in enumerate(heads)}


def test_every_study_is_listed() -> None:
    assert set(STUDIES) == {*QUICK, "batch-size"}


@pytest.mark.parametrize("name", QUICK)
def test_a_study_repeats_under_its_seed_and_labels_its_axes(name: str) -> None:
    first = QUICK[name](3)
    assert first.text() == QUICK[name](3).text()
    assert all(axis.get_xlabel() and axis.get_ylabel() and axis.get_title() for axis in first.figure.axes)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.STUDIES, "batch-norm-eps", QUICK["batch-norm-eps"])
    assert main(["study", "batch-norm-eps", "--seed", "1", "--out", str(tmp_path)]) == 0
    assert "3 of 64 pixels are dead" in capsys.readouterr().out and (tmp_path / "batch-norm-eps.png").stat().st_size > 10_000


def test_wrong_labels_are_wrong_and_as_many_as_asked() -> None:
    (x, right), (y, given) = draw(100, 0.0, 5), draw(100, 0.2, 5)
    assert torch.equal(x, y) and int((right != given).sum()) == 20


def test_training_does_not_depend_on_momentum_but_its_running_statistics_do() -> None:
    found = columns(batch_norm_momentum(0, momenta=(0.001, 0.1), plans=((128, 3, 0.1),), repeats=2))
    assert found["exact: loss"][0] == found["exact: loss"][1] and found["exact: accuracy"][0] == found["exact: accuracy"][1]
    assert found["running: held-out loss"][0] > 2 * found["running: held-out loss"][1]
    np.testing.assert_allclose(found["first values' weight"], [0.999 ** 33, 0.9 ** 33])


def test_a_speck_in_a_dead_pixel_undoes_a_network_with_a_small_eps() -> None:
    found = columns(batch_norm_eps(0, epsilons=(1.0, 1e-12), epochs=2, repeats=1))
    assert min(found["held-out accuracy"]) > 0.85
    assert found["with speck, exact"][0] > 0.85 and found["with speck, exact"][1] < 0.3


def test_the_gradient_explodes_downwards_in_plain_networks_with_normalisation_only() -> None:
    data = images(True, (1, 8, 8), count=200)
    ratio = {}
    for kind in ("plain", "residual", "pre-activation"):
        torch.manual_seed(0)
        net = build(kind, 44)
        norms = gradient_norms(net, data)
        assert len(norms) == 44
        ratio[kind] = norms[1] / norms[-2]
    assert ratio["plain"] > 3 * max(ratio["residual"], ratio["pre-activation"])


def test_gradients_by_activation_and_gain() -> None:
    result = sigmoid_versus_relu(0, gains=(1.0, math.sqrt(2), 4.0), rates=(0.01,), depth=10, epochs=1)
    by_outputs = {(row[0], round(row[1], 2)): row[3] for row in result.table[1:]}
    assert by_outputs["sigmoid", 1.0] < 1e-4
    assert by_outputs["ReLU", 1.0] < 0.2 and 0.3 < by_outputs["ReLU", 1.41] < 3 and by_outputs["ReLU", 4.0] > 1000
    assert 0.3 < by_outputs["tanh", 1.0] < 3


def test_the_shares_add_up_to_the_difference() -> None:
    found = columns(validation_above_training(0, count=300, epochs=3, repeats=2))
    assert found["epoch"] == [1, 2, 3]
    total = sum(np.array(found[cause]) for cause in ("running mean", "dropout", "augmentation"))
    seen = np.array(found["validation"]) - np.array(found["training, as reported"])
    np.testing.assert_allclose(total - np.array(found["generalisation gap"]), seen, atol=1e-6)


def test_augmented_images_are_shifted_by_a_pixel_at_most() -> None:
    torch.manual_seed(0)
    x = torch.zeros(500, 8, 8)
    x[:, 3, 3] = 100.0
    places = augment(x.reshape(500, 64)).argmax(1)
    assert set(zip((places // 8).tolist(), (places % 8).tolist())) == {(i, j) for i in (2, 3, 4) for j in (2, 3, 4)}


def test_evaluation_leaves_the_mode_and_bounds_the_loss() -> None:
    net = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(64, 10))
    data = images(False)
    assert evaluate(net.train(), data) == evaluate(net, data) and net.training
    net[1].weight.data.fill_(math.nan)
    assert evaluate(net, data)[0] == 10.0
