"""Writes torchvision.json: what torchvision 0.28 says of the networks it shares. ``python -m tests.models_reference.make``, where it is installed.

published: for every shared name, the parameters and multiply-adds / 1e9 that its weights' `meta` documents, for each of its weights. keys: for every
shared name, a checksum of the list of (key, shape) of its state_dict. outputs: for every shared case, a sketch of what it returns
in eval mode, and while training without dropout. statistics: a sketch of its running means and variances after the latter. initial: sums of what
``manual_seed(3)`` makes of its parameters. texts: a checksum of how each shared case prints.
detectors: for each small detector all this together, losses and gradients, and what it finds.
"""

from __future__ import annotations

import json
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from . import cases, detectors
from .figures import DETECTION, TORCHVISION
from .mirror import Hardsigmoid

FACTS = Path(__file__).with_name("torchvision.json")


def checksum(model: Any) -> int:
    """Of all keys and shapes, in order."""
    return zlib.crc32(repr([(k, tuple(v.shape)) for k, v in model.state_dict().items()]).encode())


def options(name: str) -> dict[str, Any]:
    """The segmentation networks are published with their auxiliary classifier."""
    if name.startswith("lraspp") or name in DETECTION:
        return {"weights_backbone": None}
    return {"aux_loss": True, "weights_backbone": None} if name.startswith(("fcn_", "deeplab")) else {}


def without_dropout(model: Any) -> Any:
    """In training mode, with nothing random."""
    for m in model.modules():
        for field in ("p", "dropout", "drop_rate"):
            if isinstance(getattr(m, field, None), float):
                setattr(m, field, 0.0)
    return model.train()


def initial(model: Any) -> list[float]:
    """Sums of the first, the last and all values of the parameters."""
    arrays = [p.detach().numpy().astype("float64").ravel() for p in model.parameters()]
    return [float(sum(a[0] for a in arrays)), float(sum(a[-1] for a in arrays)), float(sum(a.sum() for a in arrays))]


def main() -> None:
    from torchvision import models

    T = SimpleNamespace(nn=torch.nn, models=models)
    facts: dict[str, Any] = {"published": {}, "keys": {}, "initial": {}, "texts": {}, "outputs": {}, "statistics": {}}
    for name in TORCHVISION:
        facts["published"][name] = sorted({(w.meta["num_params"], w.meta["_ops"]) for w in models.get_model_weights(name)})
        with torch.device("cpu" if name.startswith("regnet") else "meta"):  # RegNet's widths are computed with tensors
            facts["keys"][name] = checksum(models.get_model(name, **options(name)))
    for name, (source, shape) in cases.SHARED.items():
        torch.manual_seed(3)
        model = cases.build(T, source)
        facts["initial"][name], facts["texts"][name] = initial(model), zlib.crc32(repr(model).encode())
        cases.fill(torch, model)
        x = torch.tensor(cases.image(shape))
        facts["outputs"][name] = {"eval": cases.sketch(model.eval()(x)), "train": cases.sketch(without_dropout(model)(x))}
        facts["statistics"][name] = cases.sketch(cases.statistics(model.named_buffers()))
    model = without_dropout(cases.fill(torch, cases.build(T, cases.AUXILIARY[0])))
    facts["outputs"]["auxiliary"] = {"train": cases.sketch(model(torch.tensor(cases.image(cases.AUXILIARY[1]))))}
    for name in DETECTION:
        assert {w.meta["num_params"] for w in models.get_model_weights(name)} == {DETECTION[name]}
        with torch.device("meta"):
            facts["keys"][name] = checksum(models.get_model(name, **options(name)))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits  # the proposals' labels are single, and so would be this loss
    torch.nn.functional.binary_cross_entropy_with_logits = lambda x, truth, *args, **how: entropy(x, truth.to(x.dtype), *args, **how)
    facts["detectors"] = {}
    for name, build in detectors.DETECTORS.items():
        torch.manual_seed(3)
        model = build(T)
        about = {"initial": initial(model), "text": zlib.crc32(repr(model).encode()), "keys": checksum(model)}
        for m in model.modules():
            if hasattr(m, "scale_activation"):
                m.scale_activation = Hardsigmoid()
        facts["detectors"][name] = {**about, **detectors.run(torch, without_dropout(detectors.fill(torch, model)), name)}
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
