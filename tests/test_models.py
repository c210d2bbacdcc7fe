"""The networks against what is published of them: keys, shapes, parameters, multiply-adds, and initial values."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import minidl
from minidl import analysis, models, nn

from .models_reference import cases
from .models_reference.figures import DETECTION, ELSEWHERE, FROZEN, TORCHVISION, UNPUBLISHED
from .models_reference.make import FACTS, checksum, initial, options
from .models_reference.mirror import mirror

FOUND = json.loads(FACTS.read_text())


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Building draws no random numbers, and touches no memory."""
    for name in ("normal_", "uniform_"):
        monkeypatch.setattr(minidl.Tensor, name, lambda self, *args, **kwargs: self)
    monkeypatch.setattr(nn.init, "trunc_normal_", lambda tensor, *args, **kwargs: tensor)
    yield


def parameters(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())


def cost(name: str, size: Any, **kwargs: Any) -> int:
    """Multiply-adds at full size, counted by PyTorch, by the same source on its device without memory."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        mirror().models.get_model(name, **kwargs).eval()(torch.empty(1, 3, *((size, size) if isinstance(size, int) else size)))
    return counter.get_total_flops() // 2


def test_every_network_has_its_figures() -> None:
    assert set(models.list_models()) == {*TORCHVISION, *DETECTION, *ELSEWHERE, *UNPUBLISHED}


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_s_keys_parameters_and_cost(name: str, unfilled: None) -> None:
    published, giga, size = TORCHVISION[name]
    assert [published, giga] in FOUND["published"][name]
    assert checksum(models.get_model(name, **options(name))) == FOUND["keys"][name]
    kwargs = {"image_size": 518} if name == "vit_h_14" else {"aux_logits": False} if name == "googlenet" else options(name)
    assert parameters(models.get_model(name, **kwargs)) == published
    assert round(cost(name, size, **kwargs) / 1e9, 3) == giga


@pytest.mark.parametrize("name", DETECTION)
def test_the_detectors_keys_and_parameters(name: str, unfilled: None) -> None:
    model = models.get_model(name)
    assert checksum(model) == FOUND["keys"][name]
    fixed = sum(parameters(m) for m in model.modules() if isinstance(m, nn.BatchNorm2d)) if name in FROZEN else 0
    assert parameters(model) - fixed == DETECTION[name]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_published_parameters_and_costs(name: str, unfilled: None) -> None:
    published, giga, size, _ = ELSEWHERE[name]
    count = parameters(models.get_model(name))
    unit = next((unit for unit in ("Mi", "M") if published.endswith(unit)), "")
    digits = Decimal(published.removesuffix(unit).replace(",", ""))
    assert round(Decimal(count) / {"Mi": 2 ** 20, "M": 10 ** 6, "": 1}[unit], -digits.as_tuple().exponent) == digits
    if giga is not None:
        assert round(Decimal(cost(name, size)) / 10 ** 9, -Decimal(giga).as_tuple().exponent) == Decimal(giga)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x1_0", "densenet121"])
def test_costs_counted_while_running(name: str) -> None:
    _, giga, size = TORCHVISION[name]
    assert round(analysis.count_macs(models.get_model(name), (1, 3, size, size)) / 1e9, 3) == giga


def test_the_paper_s_u_net(unfilled: None) -> None:
    """Convolutions of 3 x 3 and 2 x 2 with their biases, and the last: figure 1; 388 x 388 places of 572 x 572."""
    widths = [64, 128, 256, 512, 1024]
    down = sum(9 * (i * o + o * o) + 2 * o for i, o in zip([1, *widths], widths))
    up = sum(4 * 2 * o * o + o + 9 * (2 * o * o + o * o) + 2 * o for o in widths[:-1])
    assert parameters(models.UNet(1, 2, batch_norm=False, padding=False)) == down + up + 2 * 64 + 2 == 31_030_658
    with torch.device("meta"):
        assert mirror().models.UNet(1, 2, batch_norm=False, padding=False)(torch.empty(1, 1, 572, 572)).shape == (1, 2, 388, 388)


@pytest.mark.parametrize("name", cases.SHARED)
def test_initial_values_and_text_are_torchvision_s(name: str) -> None:
    minidl.manual_seed(3)
    model = cases.build(minidl, cases.SHARED[name][0])
    np.testing.assert_allclose(initial(model), FOUND["initial"][name], rtol=1e-5, atol=1e-3)
    assert zlib.crc32(repr(model).encode()) == FOUND["texts"][name], repr(model)


@pytest.mark.parametrize("name", ["alexnet_lrn", "xception", "se_resnet", "cbam_resnet", "unet"])
def test_initial_values_are_those_of_the_same_source_on_pytorch(name: str) -> None:
    source, _ = cases.OURS[name]
    minidl.manual_seed(3)
    torch.manual_seed(3)
    ours, theirs = cases.build(minidl, source), cases.build(mirror(), source)
    for (key, value), expected in zip(ours.state_dict().items(), theirs.state_dict().values()):
        np.testing.assert_allclose(value.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6, err_msg=key)
