"""The pictures of the gallery, as the lines that make them: these run, and these are shown.

All see what PREPARATION and the pictures before them have named; each names its `figure`.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PICTURES", "PREPARATION", "Picture"]


class Picture(NamedTuple):
    """`name`: of the file; `title`; `says`: what to look at; `code`."""

    name: str
    title: str
    says: str
    code: str


PREPARATION = '''\
import numpy as np
import minidl as torch
from minidl import classical, datasets, models, nn, optim, quantization, viz
from minidl.nn import functional as F
from minidl.optim import lr_scheduler

def scattered(images, labels, seed):
    """Digits of 8 x 8 pixels, each at a random place of an image of 16 x 16."""
    random = np.random.default_rng(seed)
    x = np.zeros((len(images), 1, 16, 16), np.float32)
    for image, digit, (i, j) in zip(x, images, random.integers(0, 9, (len(images), 2))):
        image[0, i:i + 8, j:j + 8] = digit / 16
    return torch.tensor(x), torch.tensor(labels)

images, labels = scattered(*datasets.digits(train=True), seed=0)
held_out, answers = scattered(*datasets.digits(train=False), seed=1)

torch.manual_seed(0)  # a small residual network: squeeze-and-excitation in its first block, CBAM in the others
model = models.SmallResNet(8, in_channels=1, attention=lambda c: nn.SEBlock(c, 4) if c == 16 else nn.CBAM(c, 4))
optimizer = optim.Adam(model.parameters(), lr=4e-3)
epochs, batches = 4, len(images) // 32
scheduler = lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * batches)
history = []

def measured(x, y):
    """Loss and accuracy."""
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(part) for part in x.split(120)])
    model.train()
    return F.cross_entropy(scores, y).item(), (scores.argmax(1) == y).float().mean().item()

for epoch in range(1, epochs + 1):
    rate = scheduler.get_last_lr()[0]
    for batch in torch.randperm(len(images))[:batches * 32].split(32):
        optimizer.zero_grad()
        F.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
        scheduler.step()
    row = {"epoch": epoch, "lr": rate}
    row["train_loss"], row["train_accuracy"] = measured(images[:360], labels[:360])
    row["test_loss"], row["test_accuracy"] = measured(held_out, answers)
    history.append(row)
model.eval()
'''

PICTURES = [
    Picture("graph", "The autograd graph", "Every operation that backward will walk through, upwards from the loss. Ellipses are leaves: parameters and "
            "inputs. viz.graph_dot gives the same as text for Graphviz.", '''\
net = nn.ModuleDict({"conv": nn.Conv2d(1, 4, 3, padding=1), "gate": nn.SEBlock(4, 2), "head": nn.Linear(4, 10)})
h = F.relu(net["conv"](images[:2]))
h = h + net["gate"](h)
loss = F.cross_entropy(net["head"](h.mean((2, 3))), labels[:2])
figure = viz.plot_graph(loss, dict(net.named_parameters()))
'''),
    Picture("dense", "A convolution is a matrix", "Each row is one output element: the same few weights, moved along. Where the kernel reaches into the "
            "padding, weights are missing.", '''\
weight = torch.arange(1., 10.).reshape(1, 1, 3, 3)
figure = viz.plot_dense_matrix(weight, (1, 5, 5), stride=2, padding=1)
'''),
    Picture("dense_channels", "The same with channels and dilation", "Black lines part the channels: two of input, two of output, so four blocks, "
            "each with its own kernel.", '''\
weight = torch.arange(1., 17.).reshape(2, 2, 2, 2)
figure = viz.plot_dense_matrix(weight, (2, 4, 4), dilation=2)
'''),
    Picture("im2col", "The im2col matrix", "Patches become columns, kernels rows, and the convolution one product of matrices. An element of the image "
            "keeps its colour: the diagonals show how often each is copied.", '''\
image = torch.arange(1., 17.).reshape(1, 4, 4)
kernels = torch.tensor([[[[1., 0.], [0., -1.]]], [[[1., 1.], [1., 1.]]]])
figure = viz.plot_im2col(image, kernels, padding=1, stride=1)
'''),
    Picture("transposed", "The transposed convolution, step by step", "Each input element lays its multiple of the kernel, marked black, two places on from the "
            "last; what overlaps adds up.", '''\
image = torch.tensor([[1., 2.], [3., 4.]])
kernel = torch.tensor([[1., 2., 1.], [2., 4., 2.], [1., 2., 1.]])
figure = viz.plot_transposed_convolution(image, kernel, stride=2, padding=1)
'''),
    Picture("receptive", "The receptive field", "Frames: what the middle position of each layer of LeNet-5 can see. Right: how much each pixel counts, by "
            "the gradients that reach it. The two agree on the border.", '''\
lenet = models.LeNet(in_channels=1)
digit = F.interpolate(held_out[:1], scale_factor=2)
figure = viz.plot_receptive_field(lenet, digit, layer="features.5")
'''),
    Picture("activations", "Activation functions and their derivatives", "What the derivative multiplies, layer after layer: at most 1/4 for the sigmoid, "
            "0 on half of the line for ReLU.", '''\
figure = viz.plot_activations()
'''),
    Picture("schedules", "Learning-rate schedules", "Each scheduler is copied and stepped, so that the picture is of the object you will train with.", '''\
weights = [torch.zeros(1, requires_grad=True)]
def sgd(): return optim.SGD(weights, lr=0.1)
warm = sgd()
figure = viz.plot_schedules({
    "StepLR": lr_scheduler.StepLR(sgd(), 15),
    "ExponentialLR": lr_scheduler.ExponentialLR(sgd(), 0.95),
    "CosineAnnealingLR": lr_scheduler.CosineAnnealingLR(sgd(), 50),
    "OneCycleLR": lr_scheduler.OneCycleLR(sgd(), 0.1, total_steps=50),
    "warm-up, restarts": lr_scheduler.SequentialLR(warm, [
        lr_scheduler.LinearLR(warm, 0.1, total_iters=10), lr_scheduler.CosineAnnealingWarmRestarts(warm, 20)], [10]),
}, steps=50)
'''),
    Picture("curves", "A training run", "Of the network in most of the pictures below, trained by the lines above.", '''\
figure = viz.plot_curves(history)
'''),
    Picture("confusion", "Which class is taken for which", "Rows are what the images show, columns what the network says.", '''\
with torch.no_grad():
    guesses = model(held_out).argmax(1)
counts = torch.bincount(answers * 10 + guesses, minlength=100).reshape(10, 10)
figure = viz.plot_confusion(counts.numpy(), [str(n) for n in range(10)])
'''),
    Picture("flow", "Gradient flow", "The gradient of one batch's loss, layer by layer. In a deep network without shortcuts this line falls to the left.", '''\
model.zero_grad()
F.cross_entropy(model(images[:64]), labels[:64]).backward()
figure = viz.plot_gradient_flow(model)
'''),
    Picture("filters", "Filters", "What the first layer has learned to look for: blue is below zero, red above.", '''\
figure = viz.plot_filters(model)
'''),
    Picture("features", "Feature maps", "What these filters answer to one digit, after batch normalisation and ReLU.", '''\
figure = viz.plot_feature_maps(model, held_out[:1], "stem")
'''),
    Picture("gates", "Gates of attention", "Squeeze-and-excitation has one factor a channel; CBAM one a channel and one a place.", '''\
figure = viz.plot_gates(model, held_out[:1])
'''),
    Picture("grad_cam", "Grad-CAM", "Which places speak for the class that the network chose.", '''\
figure = viz.plot_grad_cam(model, held_out[:4], "blocks.2")
'''),
    Picture("surface", "The loss around the weights", "Along two random directions, in which a step of 1 is as long as each filter is (Li et al., 2018).", '''\
def loss(): return F.cross_entropy(model(images[:32]), labels[:32])
figure = viz.plot_loss_surface(*viz.loss_surface(model, loss, steps=21, reach=0.5))
'''),
    Picture("weights", "Weights", "A histogram a layer: about normal, narrower the more inputs a layer has.", '''\
figure = viz.plot_weights(model)
'''),
    Picture("quantization", "The error of quantisation", "The weights of one layer in 4 bits: rounding errors are about uniform, half a step either way.", '''\
w = model.blocks[2].conv1.weight.detach()
scale, zero = quantization.choose_qparams(w.min().item(), w.max().item(), -8, 7, quantization.per_tensor_symmetric)
params = quantization.QParams(scale, zero, -8, 7)
figure = viz.plot_quantization_error(w, params.dequantize(params.quantize(w)), step=float(scale))
'''),
    Picture("kmeans", "K-means, step by step", "Label by the nearest centre, move each centre to the mean: the inertia never rises. Lines are where the nearest "
            "centre changes; arrows go to the next step's centres.", '''\
random = np.random.default_rng(3)
x = np.concatenate([random.normal(middle, 0.6, (80, 2)) for middle in ((0, 0), (3, 0), (1.5, 2.5), (4, 3))])
steps = [x[[0, 10, 20, 30]]]
for _ in range(8):
    steps.append(classical.KMeans(4, init=steps[-1], n_init=1, max_iter=1).fit(x).cluster_centers_)
figure = viz.plot_kmeans_steps(x, steps)
'''),
]
