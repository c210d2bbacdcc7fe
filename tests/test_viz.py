"""The pictures: what they show are the right numbers, and the model is left as it was."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl as torch
from minidl import classical, nn, viz
from minidl.cli.gallery import make_gallery
from minidl.cli.main import main
from minidl.cli.pictures import PICTURES, Picture
from minidl.models import resnet18
from minidl.nn import functional as F
from minidl.optim import SGD, Adam, lr_scheduler
from minidl.viz.canvas import picture_of, tiles
from minidl.viz.layered import place, spread


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.CBAM(4, 2), nn.SEBlock(4, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def state(model: Any) -> tuple[Any, ...]:
    """All that a picture must leave alone."""
    hooks = [len(m._forward_hooks) + len(m._backward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    return ([m.training for m in model.modules()], hooks, [v.numpy().tolist() for v in model.state_dict().values()],
            [p.grad is None for p in model.parameters()], [p.requires_grad for p in model.parameters()])


def images(figure: Any) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]


# ---- graph

def test_graph_nodes_and_edges() -> None:
    x, w = torch.ones(2, 3, requires_grad=True), torch.ones(3, requires_grad=True)
    h = (x * w).relu()
    dot = viz.graph_dot((h + h.exp()).sum(), {"x": x, "w": w})
    labels = dict(re.findall(r'n(\d+) \[label="(.*?)"', dot))
    edges = {(labels[a], labels[b]) for a, b in re.findall(r"n(\d+) -> n(\d+)", dot)}
    assert sorted(labels.values()) == sorted([r"x\n(2, 3)", r"w\n(3,)", r"Mul\n(2, 3)", r"Relu\n(2, 3)", r"Exp\n(2, 3)", r"Add\n(2, 3)",
                                              r"Sum\n()", r"output\n()"])
    assert edges == {(r"x\n(2, 3)", r"Mul\n(2, 3)"), (r"w\n(3,)", r"Mul\n(2, 3)"), (r"Mul\n(2, 3)", r"Relu\n(2, 3)"),
                     (r"Relu\n(2, 3)", r"Exp\n(2, 3)"), (r"Relu\n(2, 3)", r"Add\n(2, 3)"), (r"Exp\n(2, 3)", r"Add\n(2, 3)"),
                     (r"Add\n(2, 3)", r"Sum\n()"), (r"Sum\n()", r"output\n()")}


def test_graph_of_several_outputs_and_of_great_depth() -> None:
    values, _ = torch.ones(4, requires_grad=True).reshape(2, 2).max(1)
    assert viz.graph_dot(values.sum()).count("->") == 4
    x = torch.ones(1, requires_grad=True)
    for _ in range(3000):
        x = x + 1
    assert viz.graph_dot(x).count("->") == 3001
    with pytest.raises(ValueError, match="3002 nodes cannot be read"):
        viz.plot_graph(x)


def test_graph_without_history() -> None:
    for t in (torch.ones(2), torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True).detach() * 2):
        with pytest.raises(ValueError, match="has no history"):
            viz.graph_dot(t)
    with pytest.raises(TypeError, match="expected a Tensor, got ndarray"):
        viz.plot_graph(np.ones(2))


def test_graph_is_drawn_with_all_its_labels() -> None:
    net = nn.Linear(2, 1)
    figure = viz.plot_graph(net(torch.ones(1, 2)), dict(net.named_parameters()))
    assert {t.get_text() for t in figure.axes[0].texts if t.get_text()} == {"weight\n(1, 2)", "bias\n(1,)", "Addmm\n(1, 1)", "output\n(1, 1)"}


def test_layers_are_apart_and_edges_run_down() -> None:
    inputs = [[], [], [0, 1], [2], [2, 3], [0, 4]]
    places, routes = place(inputs, 1.0)
    for node, sources in enumerate(inputs):
        assert all(places[source][1] > places[node][1] for source in sources)
    rows: dict[float, list[float]] = {}
    for x, layer in places:
        rows.setdefault(layer, []).append(x)
    assert all(np.diff(sorted(row)).min(initial=9) >= 1 - 1e-9 for row in rows.values())
    assert all(np.diff([layer for _, layer in route]).tolist() == [-1] * (len(route) - 1) for route in routes)
    assert len(routes) == sum(map(len, inputs))


def test_spread_is_the_weighted_monotone_fit() -> None:
    assert spread(np.array([0.0, 0.0]), [1, 1]).tolist() == [-0.5, 0.5]
    assert spread(np.array([0.0, 0.0]), [1, 1], [3, 1]).tolist() == [-0.25, 0.75]
    assert spread(np.array([0.0, 5.0]), [1, 1]).tolist() == [0, 5]


# ---- layers

def test_feature_maps_are_those_of_the_layer() -> None:
    net, x = small(), torch.rand(2, 1, 8, 8)
    before = state(net)
    maps = viz.feature_maps(net, x, "1")
    assert state(net) == before
    with torch.no_grad():
        expected = nn.Sequential(net[0], net[1]).eval()(x).numpy()
    np.testing.assert_array_equal(maps, expected)  # not what the in-place ReLU after it has made of them
    net.train()
    figure = viz.plot_feature_maps(net, x, "1", image=1, channels=3)
    for drawn, map in zip(images(figure)[1:], maps[1]):
        np.testing.assert_allclose(drawn, map, rtol=1e-6)
    assert state(net) == before


def test_hooks_go_when_the_model_fails() -> None:
    net = small()
    before = state(net)
    for call in (lambda: viz.feature_maps(net, torch.rand(1, 2, 8, 8), "0"), lambda: viz.gates(net, torch.rand(1, 2, 8, 8)),
                 lambda: viz.grad_cam(net, torch.rand(1, 2, 8, 8), "0"), lambda: viz.grad_cam(net, torch.rand(1, 1, 8, 8), "7")):
        with pytest.raises((RuntimeError, ValueError)):
            call()
        assert state(net) == before


@pytest.mark.parametrize("call", [viz.feature_maps, viz.plot_feature_maps, viz.grad_cam, viz.plot_grad_cam,
                                  lambda net, x, layer: viz.plot_filters(net, layer), viz.plot_receptive_field])
def test_a_layer_that_does_not_exist(call: Any) -> None:
    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(1, 1, 3))
    with pytest.raises(ValueError, match=r"the model has no layer 'conv9'; the nearest names are 'conv1'"):
        call(net, torch.rand(1, 1, 8, 8), "conv9")


def test_layers_of_the_wrong_kind() -> None:
    linear = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="Sequential has no two-dimensional convolution"):
        viz.plot_filters(linear)
    with pytest.raises(ValueError, match="layer '1' is a BatchNorm2d and has no filters; convolutions are '0'"):
        viz.plot_filters(small(), "1")
    with pytest.raises(ValueError, match="no attention layer"):
        viz.plot_gates(linear, torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"expected layer '0' to give \(N, C, H, W\), got shape \(1, 2\)"):
        viz.plot_feature_maps(linear, torch.ones(1, 2), "0")
    with pytest.raises(ValueError, match="no weight of two or more dimensions"):
        viz.plot_weights(nn.BatchNorm1d(2))

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    with pytest.raises(ValueError, match="layer 'unused' did not run"):
        viz.feature_maps(Idle(), torch.ones(1, 2), "unused")


def test_filters_are_the_weights() -> None:
    net = small()
    drawn = images(viz.plot_filters(net))
    np.testing.assert_array_equal(np.stack(drawn), net[0].weight.detach().numpy()[:, 0])
    up = nn.ConvTranspose2d(2, 3, 2)  # (in, out, kh, kw)
    drawn = images(viz.plot_filters(nn.Sequential(up)))
    np.testing.assert_array_equal(np.stack(drawn).reshape(2, 3, 2, 2), up.weight.detach().numpy())  # a row each input
    assert len(images(viz.plot_filters(nn.Sequential(nn.Conv2d(20, 40, 3)), filters=20, channels=2))) == 40


# ---- attention

def test_gates_are_the_factors() -> None:
    net, x = small(), torch.rand(2, 1, 8, 8)
    before = state(net)
    cbam, se = viz.gates(net, x)
    assert state(net) == before
    net.eval()
    with torch.no_grad():
        h = net[2](net[1](net[0](x)))
        channel = net[3].ca(h)
        spatial = net[3].sa(channel * h)
        np.testing.assert_allclose(cbam.channel, channel[:, :, 0, 0].numpy(), rtol=1e-6)
        np.testing.assert_allclose(cbam.spatial, spatial[:, 0].numpy(), rtol=1e-6)
        z = channel * h * spatial
        np.testing.assert_allclose(cbam.passed, (z.abs().sum(1) / h.abs().sum(1)).nan_to_num().numpy(), rtol=1e-5)
        assert se.spatial is None
        np.testing.assert_allclose(se.channel[:, :, None, None] * z.numpy(), net[4](z).numpy(), rtol=1e-6)
    figure = viz.plot_gates(net, x, image=1)
    assert [bar.get_height() for bar in figure.axes[0].patches] == pytest.approx(cbam.channel[1].tolist())
    np.testing.assert_allclose(images(figure)[1], cbam.spatial[1])


def test_gates_of_eca_alone() -> None:
    gate, = viz.gates(nn.Sequential(nn.ECA(8)), torch.ones(1, 8, 2, 2))
    assert gate.kind == "ECA" and gate.channel.shape == (1, 8) and gate.spatial is None
    np.testing.assert_allclose(gate.passed, gate.channel.mean(), rtol=1e-6)


def test_grad_cam_by_hand() -> None:
    """score_c = sum_k W_ck mean(A_k), so a_k = W_ck / (H W), whatever A."""
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    x = torch.randn(2, 2, 4, 5)
    with torch.no_grad():
        a = net[1](net[0](x)).numpy()
    w = net[4].weight.detach().numpy()
    before = state(net)
    for target, classes in ((1, [1, 1]), ([1, 0], [1, 0]), (torch.tensor([0, 1]), [0, 1])):
        expected = np.maximum((w[classes][:, :, None, None] / 20 * a).sum(1), 0)
        np.testing.assert_allclose(viz.grad_cam(net, x, "1", target), expected, rtol=1e-5, atol=1e-7)
    best = net(x).argmax(1)
    np.testing.assert_array_equal(viz.grad_cam(net, x, "1"), viz.grad_cam(net, x, "1", best))
    a0 = net[0](x).detach().numpy()  # of the layer before the in-place ReLU: its own values, not the edited ones
    slope = w[[1, 1]] * (a0 > 0).mean((2, 3)) / 20
    np.testing.assert_allclose(viz.grad_cam(net, x, "0", 1), np.maximum((slope[:, :, None, None] * a0).sum(1), 0), rtol=1e-5, atol=1e-7)
    assert state(net) == before
    for p in net.parameters():
        p.requires_grad_(False)
    with torch.no_grad():  # frozen parameters and no_grad change nothing
        np.testing.assert_allclose(viz.grad_cam(net, x, "1", 1), np.maximum((w[[1, 1]][:, :, None, None] / 20 * a).sum(1), 0), rtol=1e-5, atol=1e-7)


def test_grad_cam_refuses() -> None:
    net, x = small(), torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"expected targets from 0 to 2, got \[3\]"):
        viz.grad_cam(net, x, "0", 3)
    with pytest.raises(ValueError, match=r"expected layer '7' to give \(N, C, H, W\)"):
        viz.grad_cam(net, x, "7")
    twice = nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match="to run once, it ran 2 times"):
        viz.grad_cam(nn.Sequential(twice, twice), x, "0")
    with pytest.raises(ValueError, match=r"expected scores \(N, classes\)"):
        viz.grad_cam(nn.Sequential(nn.Conv2d(1, 1, 1)), x, "0")


# ---- curves

def test_gradient_flow_is_that_of_the_gradients() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="call backward"):
        viz.plot_gradient_flow(net)
    net(torch.ones(4, 2)).sum().backward()
    first, last = (p.grad.abs() for p in (net[0].weight, net[2].weight))
    assert viz.gradient_flow(net) == [("0.weight", first.mean().item(), first.max().item()), ("2.weight", last.mean().item(), last.max().item())]
    net[0].weight.grad.zero_()
    assert viz.plot_gradient_flow(net).axes[0].get_title() == "Gradient flow: 1 of 2 layers get none"


def test_activations_and_derivatives() -> None:
    x = np.linspace(-3, 3, 7)
    y, slope = viz.activation_curve(F.tanh, x)
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-12)
    np.testing.assert_allclose(slope, 1 - np.tanh(x) ** 2, rtol=1e-12)
    with torch.no_grad():
        figure = viz.plot_activations({"cube": lambda t: t ** 3}, -1, 1)
    assert figure.axes[0].get_title() == "cube: f' from 0 to 3"
    with pytest.raises(ValueError, match="no function 'rel' among relu"):
        viz.plot_activations(["rel"])


def test_schedules_are_stepped_on_a_copy() -> None:
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    optimizer = SGD([p], lr=1.0, momentum=0.9)
    cases = {"one cycle": lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=10), "lambda": lr_scheduler.LambdaLR(Adam([p], lr=1.0), lambda n: 1 / (n + 1))}
    before = [s.state_dict() for s in cases.values()], optimizer.param_groups[0]["lr"], p.item()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = viz.plot_schedules(cases, 10)
    assert before == ([s.state_dict() for s in cases.values()], optimizer.param_groups[0]["lr"], p.item())
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata(), 1 / np.arange(1, 11))
    rates = []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 10:
            cases["one cycle"].step()
    assert figure.axes[0].lines[0].get_ydata().tolist() == rates
    plateau = lr_scheduler.ReduceLROnPlateau(SGD([p], lr=1.0), factor=0.5, patience=0)
    with pytest.raises(ValueError, match="ReduceLROnPlateau follows a loss"):
        viz.schedule_rates(plateau, 4)
    assert viz.schedule_rates(plateau, 4, [1.0, 2.0, 0.5]).tolist() == [1, 1, 0.5, 0.5]


# ---- the rest

def test_receptive_field_frames_are_those_of_the_recurrence() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3))
    before = state(net)
    left, right = viz.plot_receptive_field(net, torch.rand(1, 3, 16, 16)).axes[:2]
    assert [(p.get_width(), p.get_label()) for p in left.patches] == [(3, "0: 3 x 3"), (4, "1: 4 x 4"), (8, "2: 8 x 8")]
    assert np.isfinite(np.ma.filled(right.images[0].get_array(), np.nan)).sum() == 64
    assert state(net) == before
    assert len(viz.plot_receptive_field(resnet18(num_classes=2), torch.rand(1, 3, 32, 32), "layer2").axes[0].patches) == 6


def test_loss_surface_by_hand() -> None:
    net = small().train()
    before = state(net)
    held = [p.detach().numpy().copy() for p in net.parameters()]
    places, losses = viz.loss_surface(net, lambda: net[7].weight.square().sum() + net[7].bias.sum(), steps=5, reach=0.5, seed=3)
    assert state(net) == before
    np.testing.assert_array_equal(places, [-0.5, -0.25, 0, 0.25, 0.5])
    random = np.random.default_rng(3)
    d, e = ([viz.filter_normalized(random.standard_normal(w.shape), w) for w in held][-2] for _ in range(2))
    w, b = held[-2:]
    expected = [[((w + x * d + y * e) ** 2).sum() + b.sum() for x in places] for y in places]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(d, axis=1), np.linalg.norm(w, axis=1), rtol=1e-5)
    with pytest.raises(RuntimeError):
        viz.loss_surface(net, lambda: net(torch.ones(1)), steps=3)
    assert state(net) == before
    assert viz.plot_loss_surface(places, np.ones((5, 5))).axes[0].get_title() == "Loss: 1 at the weights, 1 at most"
    with pytest.raises(ValueError, match="expected finite losses"):
        viz.plot_loss_surface(places, np.full((5, 5), np.nan))


def test_kmeans_steps_show_its_inertia() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    fit = classical.KMeans(3, random_state=0, n_init=1).fit(x)
    figure = viz.plot_kmeans_steps(x, [x[:3], fit.cluster_centers_])
    assert figure.axes[1].get_title() == f"step 1: inertia {fit.inertia_:.4g}"
    shown = sorted([len(c.get_offsets()) for c in figure.axes[1].collections])
    assert shown == sorted(np.bincount(fit.labels_).tolist())
    with pytest.raises(ValueError, match="expected samples"):
        viz.plot_kmeans_steps(np.ones((3, 3)), [np.ones((1, 3))])


def test_histograms_count_all() -> None:
    net = small()
    first = viz.plot_weights(net).axes[0]
    assert sum(p.get_height() for p in first.patches) == net[0].weight.numel()
    x = np.random.default_rng(0).normal(size=1000)
    q = np.round(x * 2) / 2
    left, right = viz.plot_quantization_error(x, q, 0.5).axes
    assert right.get_title() == f"Error: {10 * np.log10((x ** 2).sum() / ((q - x) ** 2).sum()):.1f} dB below the numbers"
    assert sum(p.get_height() for p in right.patches) == 1000
    assert left.get_title() == f"1,000 numbers on {len(np.unique(q))} levels"
    assert viz.plot_quantization_error(x, x).axes[1].get_title() == "No error"
    with pytest.raises(ValueError, match="of one shape"):
        viz.plot_quantization_error(x, q[:3])


def test_an_axis_can_be_given() -> None:
    figure, axes, _ = tiles(5, 5, 2, 2)
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    net = nn.Linear(2, 1)
    y = net(torch.ones(1, 2))
    y.sum().backward(retain_graph=True)
    drawn = [viz.plot_graph(y, ax=axes[0]), viz.plot_gradient_flow(net, ax=axes[1]),
             viz.plot_schedules({"step": lr_scheduler.StepLR(optimizer, 2)}, 5, ax=axes[2]),
             viz.plot_dense_matrix(torch.ones(1, 1, 2), (1, 3), ax=axes[3]), viz.plot_confusion(np.eye(2), ["a", "b"], ax=axes[4])]
    assert all(f is figure for f in drawn) and all(ax.get_title() for ax in axes)


def test_pictures_of_images() -> None:
    assert picture_of(torch.rand(3, 4, 5)).shape == (4, 5, 3) and picture_of(torch.rand(1, 2, 4, 5)).shape == (4, 5)
    assert picture_of(np.ones((2, 2))).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match=r"expected an image \(C, H, W\), got shape \(2,\)"):
        picture_of(np.ones(2))


def test_no_global_state() -> None:
    from matplotlib import pyplot
    before = dict(pyplot.rcParams), pyplot.get_fignums()
    viz.plot_activations(["relu"])
    assert before == (dict(pyplot.rcParams), pyplot.get_fignums())


# ---- gallery

def test_the_page_shows_what_it_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code = 'figure = viz.plot_activations(["relu"])  # <&>\n'
    pictures = [Picture("one", "One & all", "Look.", code)]
    page = make_gallery(tmp_path / "out", "from minidl import viz\n", pictures).read_text()
    assert "# &lt;&amp;&gt;" in page and "One &amp; all" in page and 'src="one.png"' in page
    assert (tmp_path / "out" / "one.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("minidl.cli.gallery.make_gallery", lambda out: out / "index.html")
    assert main(["gallery", "--out", str(tmp_path)]) == 0
    assert "index.html" in capsys.readouterr().out


UNTRAINED = '''\
import numpy as np
import minidl as torch
from minidl import classical, datasets, models, nn, optim, quantization, viz
from minidl.nn import functional as F
from minidl.optim import lr_scheduler
images, labels = torch.rand(64, 1, 16, 16), torch.arange(64) % 10
held_out, answers = images, labels
model = models.SmallResNet(8, in_channels=1, attention=lambda c: nn.SEBlock(c, 4) if c == 16 else nn.CBAM(c, 4)).eval()
history = [{"epoch": 1, "lr": 0.1, "train_loss": 1.0, "test_loss": 0.9, "train_accuracy": 0.5, "test_accuracy": 0.6}]
'''


def test_every_picture_of_the_gallery_can_be_drawn() -> None:
    names: dict[str, Any] = {}
    exec(UNTRAINED, names)  # noqa: S102
    for picture in PICTURES:
        exec(picture.code.replace("steps=21", "steps=3"), names)  # noqa: S102
        assert names.pop("figure").axes, picture.name
