"""Batch norms folded in whole models, networks brought from float to integers, the report and the command."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
import minidl.quantization as mq
from minidl import nn
from minidl.cli import main
from minidl.models import get_model
from minidl.nn import functional as F
from minidl.quantization import (
    QConfig,
    QuantizedConv2d,
    QuantizedLinear,
    convert,
    default_qconfig,
    fold_batch_norm,
    prepare,
    prepare_qat,
    report,
)
from minidl.quantization.convert import ObservedLayer

# ---- folding


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.norm, self.other = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: Any) -> Any:
        y = self.first(x)
        return self.other(y + self.norm(self.second(F.relu(y))))


class Order(nn.Module):
    """The data flows against the order in which the modules are declared."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(4), nn.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        return {"y": [self.norm(self.linear(x))], "count": minidl.tensor([3])}


class Twice(nn.Module):
    def __init__(self, detach: bool = False) -> None:
        super().__init__()
        self.conv, self.norm, self.detach = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), detach

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return self.norm(y) + (y.detach() if self.detach else self.conv(x))


class Unnormed(nn.Module):
    """Its norm's input is a result too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return y, self.norm(y)


def trained_norms(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model in float64 with statistics and parameters that are not the first ones."""
    rng = np.random.default_rng(seed)
    model.double()
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            for name, low, high in (("running_mean", -1, 1), ("running_var", 0.2, 3), ("weight", -2, 2), ("bias", -1, 1)):
                t = getattr(module, name)
                if t is not None:
                    t.data.copy_(minidl.tensor(rng.uniform(low, high, tuple(t.shape))))
    return model


IMAGE = (2, 3, 6, 6)
FOLDS = {  # model, input's shape, how many norms stay
    "conv": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()), IMAGE, 0),
    "conv without affine": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)), IMAGE, 0),
    "grouped, dropout between": (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.Dropout(), nn.BatchNorm2d(6)), IMAGE, 0),
    "1d": (lambda: nn.Sequential(nn.Conv1d(3, 4, 2), nn.BatchNorm1d(4)), (2, 3, 5), 0),
    "3d": (lambda: nn.Sequential(nn.Conv3d(3, 4, 2), nn.BatchNorm3d(4)), (2, 3, 3, 3, 3), 0),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d(4)), IMAGE, 0),
    "transposed and grouped": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 6, 3, groups=3), nn.BatchNorm2d(6)), IMAGE, 1),
    "linear": (lambda: nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 2), nn.BatchNorm1d(2)), (5, 3), 0),
    "linear over a sequence": (lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(6)), (5, 6, 3), 1),
    "norm first": (lambda: nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), IMAGE, 2),
    "two norms": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)), IMAGE, 1),
    "no statistics": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), IMAGE, 1),
    "residual": (Residual, IMAGE, 1), "order": (Order, (5, 3), 0), "used twice": (Twice, IMAGE, 1), "a result": (Unnormed, IMAGE, 1),
    "weight norm": (lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)), IMAGE, 1),
    "frozen": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False), IMAGE, 0),
    "resnet": (lambda: get_model("resnet8"), IMAGE, 0), "se_resnet": (lambda: get_model("se_resnet8"), IMAGE, 0),
}


def flat(value: Any) -> list[np.ndarray]:
    value = list(value.values()) if isinstance(value, dict) else value
    return [a for item in value for a in flat(item)] if isinstance(value, (list, tuple)) else [value.detach().numpy()]


@pytest.mark.parametrize("name", FOLDS)
def test_folded_model_is_the_model(name: str) -> None:
    make, shape, stay = FOLDS[name]
    model = trained_norms(make())
    before = copy.deepcopy(model.state_dict())
    rng = np.random.default_rng(1)
    folded = fold_batch_norm(model, minidl.tensor(rng.normal(size=shape)))
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    assert sum(isinstance(m, kinds) for m in folded.modules()) == stay and not folded.training and model.training
    assert all(np.array_equal(v.numpy(), model.state_dict()[k].numpy()) for k, v in before.items())
    model.eval()
    for _ in range(2):
        x = minidl.tensor(rng.normal(size=shape))
        for got, want in zip(flat(folded(x)), flat(model(x)), strict=True):
            assert np.allclose(got, want, rtol=1e-10, atol=1e-12)


def test_folding_notices_what_the_graph_does_not_show() -> None:
    with pytest.raises(RuntimeError, match="another result"):
        fold_batch_norm(trained_norms(DetachedUse()), minidl.rand(*IMAGE, dtype=minidl.float64))


class DetachedUse(Unnormed):
    def forward(self, x: Any) -> Any:
        y = self.conv(x)
        return y.detach() + self.norm(y)


# ---- prepare and convert


def calibrated(model: nn.Module, x: Any, qconfig: QConfig = default_qconfig) -> nn.Module:
    prepared = prepare(model, x[:1], qconfig)
    prepared(x)
    return convert(prepared)


def test_relu_is_fused_wherever_it_is_written() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c, self.d = (nn.Linear(4, 4) for _ in range(4))
            self.inplace = nn.ReLU(inplace=True)

        def forward(self, x: Any) -> Any:
            y = self.b(F.relu(self.a(x)))
            return self.d(self.inplace(self.c(x))) + F.relu(y) + y

    model, x = Functional(), minidl.randn(50, 4)
    quantized = calibrated(model, x)
    assert [int(getattr(quantized, n).output_zero_point) == 0 for n in "abcd"] == [True, False, True, False]
    assert (quantized(x) - model(x)).abs().max() < 0.1


def test_one_tensor_has_one_observer_and_integers_pass_unchanged() -> None:
    model, x = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Conv2d(4, 2, 1)), minidl.randn(*IMAGE)
    for activation in (mq.MinMaxObserver, mq.MSEObserver):
        quantized = calibrated(model, x, QConfig(activation, default_qconfig.weight))
        layers = [m for m in quantized.modules() if isinstance(m, QuantizedConv2d)]
        q = layers[0].input_params.quantize(x)
        for layer, following in zip(layers, [*layers[1:], None]):
            q = layer.integers(q)
            if following is not None:
                assert layer.output_scale == following.input_scale and layer.output_zero_point == following.input_zero_point
        assert np.array_equal(quantized(x).numpy(), layers[-1].output_params.dequantize(q))


def test_shared_and_unsupported_layers() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.shared, self.lstm, self.head, self.unused = nn.Embedding(9, 4), nn.Linear(4, 4), nn.LSTM(4, 4), nn.Linear(4, 2), nn.Linear(1, 1)
            self.again = self.shared

        def forward(self, tokens: Any, x: Any) -> Any:
            return self.head(self.lstm(self.again(F.relu(self.shared(self.embed(tokens) + x))))[0])

    model, tokens, x = Mixed(), minidl.tensor([[1, 2], [3, 8]]), minidl.randn(2, 2, 4)
    prepared = prepare(model, (tokens, x))
    prepared(tokens, x)
    quantized = convert(prepared)
    assert quantized.shared is quantized.again and isinstance(quantized.shared, QuantizedLinear) and isinstance(quantized.head, QuantizedLinear)
    assert type(quantized.lstm) is nn.LSTM and type(quantized.unused) is nn.Linear and type(quantized.embed) is nn.Embedding
    assert (quantized(tokens, x) - model(tokens, x)).abs().max() < 0.05


def test_conversion_refuses() -> None:
    model, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), minidl.randn(8, 3)
    with pytest.raises(ValueError, match="runs a Conv2d or Linear, got Sequential"):
        prepare(nn.Sequential(nn.Conv1d(3, 3, 1)), minidl.rand(1, 3, 3))
    with pytest.raises(ValueError, match="made by prepare, got Sequential"):
        convert(model)
    with pytest.raises(RuntimeError, match="input of 0 was not calibrated.*no data"):
        convert(prepare(model, x))
    prepared = prepare(model, x)
    with pytest.raises(ValueError, match="NaN"):
        prepared(minidl.full((1, 3), float("nan")))
    with pytest.raises(ValueError, match="input of 0 was only zeros"):
        prepared = prepare(model, x)
        prepared(minidl.zeros(8, 3))
        convert(prepared)
    with pytest.raises((RuntimeError, TypeError)):
        prepare(model, x)(minidl.ones(1, 3, dtype=minidl.int64))
    single = prepare(nn.Linear(3, 4), x)
    single(x)
    assert isinstance(convert(single), QuantizedLinear)


def test_state_dict_brings_the_model_back(tmp_path: Path) -> None:
    model, x = get_model("se_resnet8", num_classes=4, in_channels=1), minidl.randn(8, 1, 8, 8)
    quantized = calibrated(model, x, QConfig(mq.MinMaxObserver, lambda: mq.PerChannelMinMaxObserver(dtype=minidl.uint8)))  # affine weights
    minidl.save(quantized.state_dict(), tmp_path / "q.pt")
    state = minidl.load(tmp_path / "q.pt")
    again = mq.from_state_dict(get_model("se_resnet8", num_classes=4, in_channels=1), state)
    assert again.head[2].weight.dtype is minidl.uint8 and minidl.equal(again(x), quantized(x))
    single = calibrated(nn.Linear(3, 2), minidl.randn(4, 3))
    assert minidl.equal(mq.from_state_dict(nn.Linear(3, 2), single.state_dict())(minidl.ones(1, 3)), single(minidl.ones(1, 3)))
    with pytest.raises(RuntimeError, match="size mismatch"):
        mq.from_state_dict(get_model("se_resnet8", num_classes=5, in_channels=1), state)
    del state["head.2.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        mq.from_state_dict(get_model("se_resnet8", num_classes=4, in_channels=1), state)


# ---- training with fake quantisation


def test_training_recovers_what_few_bits_lose() -> None:
    """With weights of three levels a trained network is ruined; trained on, it is not; and its integers compute what training saw."""
    from minidl.datasets import load_digits
    images, labels = load_digits()
    minidl.manual_seed(0)
    x, t = minidl.tensor(images[:600].reshape(600, -1) / np.float32(16), dtype=minidl.float32), minidl.tensor(labels[:600].astype(np.int64))
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))

    def train(network: nn.Module, steps: int, lr: float) -> None:
        optimizer = minidl.optim.Adam(network.parameters(), lr=lr)
        for step in range(steps):
            i = slice(step % 6 * 100, step % 6 * 100 + 100)
            optimizer.zero_grad()
            F.cross_entropy(network(x[i]), t[i]).backward()
            optimizer.step()

    def accuracy(network: nn.Module) -> float:
        with minidl.no_grad():
            return float((network.eval()(x).argmax(1) == t).numpy().mean())

    train(model, 150, 0.01)
    few = {"dtype": minidl.int8, "quant_min": -1, "quant_max": 1, "qscheme": mq.per_channel_symmetric}
    ruined = calibrated(model, x, QConfig(mq.MinMaxObserver, lambda: mq.PerChannelMinMaxObserver(**few)))
    prepared = prepare_qat(model, x[:2], QConfig(mq.default_qat_qconfig.activation, lambda: mq.FakeQuantize(mq.MovingAveragePerChannelMinMaxObserver, **few)))
    assert prepared.training and isinstance(prepared[0], ObservedLayer)
    train(prepared, 150, 0.003)
    prepared.apply(mq.disable_observer)
    train(prepared, 30, 0.001)
    quantized = convert(prepared)
    assert set(np.unique(quantized[0].weight.numpy())) <= {-1, 0, 1}
    with minidl.no_grad():
        seen, computed = prepared.eval()(x).numpy(), quantized(x).numpy()
    assert np.abs(seen - computed).max() <= 2.01 * float(quantized[3].output_scale)
    assert accuracy(model) > 0.95 and accuracy(ruined) < 0.9 and accuracy(quantized) > accuracy(ruined) + 0.05 and accuracy(quantized) > 0.93


def test_a_channel_without_weights_keeps_its_bias() -> None:
    model = nn.Sequential(nn.Linear(4, 2))
    with minidl.no_grad():
        model[0].weight[0] = 0.0
        model[0].bias[:] = minidl.tensor([50.0, 1.0])
    x = minidl.rand(20, 4) * 10
    prepared = prepare(model, x)
    prepared(x)
    assert abs(convert(prepared)(x)[:, 0] - 50).max() < 0.3


# ---- the report and the command


def test_report_counts_and_compares() -> None:
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    model(minidl.randn(64, *IMAGE[1:]))
    model.eval()
    x, labels = minidl.randn(40, *IMAGE[1:]), np.arange(40) % 5
    quantized = calibrated(model, x)
    found = report(model, quantized, x, labels, batch_size=16)
    with minidl.no_grad():
        y, z = model(x).numpy(), quantized(x).numpy()
        hidden = model[:3](x), quantized[0](x)
    assert [(r.name, r.kind, r.weight_shape) for r in found.layers] == [("0", "QuantizedConv2d", (4, 3, 3, 3)), ("4", "QuantizedLinear", (5, 64))]
    assert found.float_weight_bytes == 4 * (108 + 320) and found.weight_bytes == 108 + 320
    assert found.layers[0].float_bytes == 4 * (108 + 4) and found.layers[0].quantized_bytes == 108 + 4 * (4 + 4 + 1) + 2 * 16
    assert found.accuracy == (z.argmax(1) == labels).mean() and found.float_accuracy == (y.argmax(1) == labels).mean()
    assert found.agreement == (y.argmax(1) == z.argmax(1)).mean()
    assert found.output_sqnr == pytest.approx(mq.sqnr(y, z), rel=1e-5) and found.layers[1].output_sqnr == pytest.approx(found.output_sqnr)
    assert found.layers[0].output_sqnr == pytest.approx(mq.sqnr(*hidden), rel=1e-4) and 30 < found.layers[0].weight_sqnr < 60
    text = str(found)
    assert "4: QuantizedLinear" in text and "(4.00 times smaller)" in text and "points)" in text
    assert "accuracy" not in str(report(model, quantized, x))
    for wrong, match in (((model, model, x), "quantised model"), ((model, quantized, x[:0]), "inputs"), ((model, quantized, x, labels[:3]), "labels")):
        with pytest.raises(ValueError, match=match):
            report(*wrong)


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    assert main(["train", "--epochs", "2", "--out", str(out), "--name", "run"]) == 0
    return out / "run"


def test_command_keeps_the_accuracy_at_a_quarter_of_the_size(run_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run_directory / "last.pt").read_bytes()
    assert main(["quantize", str(run_directory)]) == 0
    printed = capsys.readouterr().out
    assert "weights 319,040 -> 79,760 bytes (4.00 times smaller)" in printed and "blocks.2.gate.fc2: QuantizedConv2d" in printed
    points = float(printed.split("(")[-1].split(" points")[0])
    assert abs(points) <= 0.5
    after = float(printed.split(" -> ")[-1].split("%")[0])
    written = run_directory / "last-int8.pt"
    assert (run_directory / "last.pt").read_bytes() == before and sorted(p.name for p in run_directory.iterdir() if "int8" in p.name) == [written.name]
    assert main(["eval", str(written)]) == 0 and f"accuracy {after:.2f}%" in capsys.readouterr().out
    kept = written.read_bytes()
    assert main(["quantize", str(run_directory)]) == 1 and "exists already" in capsys.readouterr().err and written.read_bytes() == kept
    for command in (["quantize", str(written)], ["train", "--resume", str(written)]):
        assert main(command) == 1 and "quantised" in capsys.readouterr().err


@pytest.mark.parametrize("observer", ["percentile", "mse"])
def test_command_with_other_observers(observer: str, run_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "q.pt"
    assert main(["quantize", str(run_directory / "best.pt"), "--observer", observer, "--calibration", "64", "--out", str(out)]) == 0
    assert "calibrated on 64 training images" in capsys.readouterr().out and minidl.load(out)["format"] == "minidl-quantized"


def test_command_refuses(run_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, word in (([str(tmp_path / "none.pt")], "none.pt"), ([str(run_directory), "--out", str(tmp_path / "no" / "q.pt")], "no such file")):
        assert main(["quantize", *arguments]) == 1
        error = capsys.readouterr().err.lower()
        assert word in error and "traceback" not in error
    from minidl.cli import quantize

    def fail(*args: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(quantize, "save", fail)
    assert main(["quantize", str(run_directory), "--out", str(tmp_path / "q.pt")]) == 1
    assert "disk full" in capsys.readouterr().err and not list(tmp_path.iterdir())
