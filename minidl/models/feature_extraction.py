"""The outputs of named inner modules, under ``torchvision.models.feature_extraction``'s name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from .. import nn

__all__ = ["FeatureExtractor", "create_feature_extractor"]


class FeatureExtractor(nn.Module):
    """Runs `model` with forward hooks on the modules asked for, and returns what these put out; see `create_feature_extractor`."""

    def __init__(self, model: nn.Module, train_nodes: dict[str, str], eval_nodes: dict[str, str]) -> None:
        super().__init__()
        self.model = model
        self.nodes = {True: train_nodes, False: eval_nodes}
        for name in (*train_nodes, *eval_nodes):
            self.module_and_call(name)

    def module_and_call(self, name: str) -> tuple[nn.Module, int]:
        """What a node's name stands for: ``relu_1`` is the second call of ``relu``, unless a module is called so."""
        modules = dict(self.model.named_modules())
        base, _, number = name.rpartition("_")
        if name and name in modules:
            return modules[name], 0
        if base in modules and number.isdigit():
            return modules[base], int(number)
        raise ValueError(f"create_feature_extractor: the model has no module {name!r}; its modules are {', '.join(filter(None, modules))}")

    def forward(self, *args: Any, **kwargs: Any) -> OrderedDict[str, Any]:
        nodes, found = self.nodes[self.training], {}
        with ExitStack() as hooks:
            for name in nodes:
                module, call = self.module_and_call(name)
                outputs: list[Any] = []
                found[name] = (outputs, call)
                hooks.enter_context(module.register_forward_hook(lambda module, args, output, outputs=outputs: outputs.append(output)))
            self.model(*args, **kwargs)
        for name, (outputs, call) in found.items():
            if call >= len(outputs):
                raise RuntimeError(f"create_feature_extractor: {name!r} was not reached: its module ran {len(outputs)} times")
        return OrderedDict((new, found[name][0][found[name][1]]) for name, new in nodes.items())


def create_feature_extractor(model: nn.Module, return_nodes: Sequence[str] | dict[str, str] | None = None,
                             train_return_nodes: Sequence[str] | dict[str, str] | None = None,
                             eval_return_nodes: Sequence[str] | dict[str, str] | None = None) -> FeatureExtractor:
    """A module that returns an OrderedDict of what the named modules inside `model` put out.

    `return_nodes` is a list of names, or maps names to those in the result; `train_return_nodes` and `eval_return_nodes`, together in its
    place, are for either mode. A name is that of `named_modules()`; of a module used several times, ``_1`` means the second call, and so on.
    Unlike torchvision's, which traces the model, this one runs all of it and watches by hooks that live only during a call: operations
    that are not modules (``add``, ``flatten``) have no name here, a module's output is what it returns at the time, so an in-place
    operation that follows it shows, and the model's own state is under ``model.``.

    >>> from minidl import models, rand
    >>> extract = models.feature_extraction.create_feature_extractor(models.squeezenet1_1(), {"features.3.squeeze": "low", "features.12": "high"})
    >>> [(name, tuple(x.shape)) for name, x in extract(rand(1, 3, 64, 64)).items()]
    [('low', (1, 16, 15, 15)), ('high', (1, 512, 3, 3))]
    """
    if (return_nodes is None) == (train_return_nodes is None) or (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError("create_feature_extractor: expected return_nodes, or train_return_nodes and eval_return_nodes together")

    def mapping(nodes: Any) -> dict[str, str]:
        return dict(nodes) if isinstance(nodes, dict) else {name: name for name in nodes}

    if return_nodes is not None:
        train_return_nodes = eval_return_nodes = return_nodes
    return FeatureExtractor(model, mapping(train_return_nodes), mapping(eval_return_nodes)).train(model.training)
