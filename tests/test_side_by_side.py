"""Small behaviours of modules, optimizers, schedules and their utilities: one expression each, with the same outcome in PyTorch.

The outcome is the value, by repr where it is no number, tensor or collection, or the error's type and message, and the
categories of the warnings.
"""

from __future__ import annotations

import copy
import importlib
import io
import pickle
import re
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

EXPRESSIONS = """
# state
lin().state_dict(None, 'x.', True)
lin().state_dict(destination={}, prefix='x.')
dict(net().state_dict()._metadata)
lin().load_state_dict({'weight': T.zeros(3, 2), 'bias': T.zeros(2)})
lin().load_state_dict({'weights': T.zeros(2, 3), 'bias': T.zeros(2)})
lin().load_state_dict({'weight': T.zeros(3, 2), 'x': 1}, strict=False)
lin().load_state_dict({'weight': [1, 2], 'bias': T.zeros(2)})
lin().load_state_dict({'weight': np.zeros((2, 3)), 'bias': T.zeros(2)})
lin().load_state_dict([1, 2])
lin().load_state_dict({'weight': T.ones(3, 3), 'bias': T.zeros(2)}, assign=True)
[(m := lin()).load_state_dict({'weight': T.ones(2, 3, dtype=T.float64), 'bias': T.zeros(2, dtype=T.int64)}), m.state_dict()]
[(m := lin()).load_state_dict({'weight': T.ones(2, 3).double(), 'bias': T.zeros(2)}, assign=True), type(m.weight).__name__, m.weight]
[(m := lin().requires_grad_(False)).load_state_dict({'weight': T.ones(2, 3), 'bias': T.zeros(2)}, assign=True), m.weight.requires_grad]
[(m := lin()).load_state_dict({'weight': (w := T.nn.Parameter(T.ones(2, 3))), 'bias': T.zeros(2)}, assign=True), m.weight is w]
[(m := lin()).register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear()), m.load_state_dict({})][1]
[(m := lin()).register_load_state_dict_post_hook(lambda m, keys: 5), m.load_state_dict(m.state_dict())]
[(m := lin()).register_state_dict_post_hook(lambda m, state, prefix, meta: {}), m.state_dict()]
T.nn.Linear(4, 3).load_state_dict(T.nn.LazyLinear(3).state_dict())
[(m := T.nn.LazyLinear(3)).load_state_dict(T.nn.Linear(4, 3).state_dict()), m.weight.shape, m(T.ones(1, 4)).shape, type(m).__name__]
T.nn.LazyLinear(3).share_memory()
T.nn.LazyLinear(3).weight.shape
T.nn.Module.dump_patches
# registration
setattr(lin(), 'weight', T.zeros(2, 3))
setattr(net(), '0', T.nn.ReLU)
T.nn.Sequential(T.nn.ReLU)
T.nn.Sequential(5)
T.nn.ModuleList().extend(5)
T.nn.ModuleDict({'keys': T.nn.ReLU()})
T.nn.ModuleDict([('a', T.nn.ReLU(), 3)])
T.nn.Module(5)
T.nn.Module(a=5)
type('M', (T.nn.Module, type('A', (), {'__init__': lambda self, a: setattr(self, 'a', a)})), {'call_super_init': True})(a=5).a
T.nn.Module().register_parameter('a', T.ones(1))
T.nn.Module().register_parameter('a', T.ones(1, requires_grad=True) * 2)
T.nn.Module().register_parameter('a.b', None)
T.nn.Module().register_buffer('a', 5)
lin().register_buffer('weight', T.ones(1))
lin().add_module('forward', T.nn.ReLU())
net().get_submodule('0.x')
net().get_submodule('0.weight')
net().get_parameter('2.running_mean')
net().get_buffer('0.weight')
net().set_submodule('', T.nn.Tanh())
net().set_submodule('7.x', T.nn.Tanh())
net().set_submodule('7', T.nn.Tanh(), strict=True)
[(m := net()).set_submodule('1', T.nn.Tanh()), m]
[n for n, _ in T.nn.Sequential(m := lin(), m).named_modules(remove_duplicate=False)]
[(m := net()).insert(-1, T.nn.Tanh()), m.pop(0), m[1:], m * 2, m + T.nn.Sequential(T.nn.ReLU()), list(m._modules)]
net()[-4]
net() * 1.5
net().to(T.int32)
lin().to('foo')
lin().train('x')
copy.deepcopy(T.nn.Sequential(m := lin(), m))._modules.keys()
pickle.loads(pickle.dumps(net())).state_dict()
# hooks
[(m := T.nn.Identity()).register_forward_pre_hook(lambda m, a, k: 7, with_kwargs=True), m(5)]
[(m := T.nn.Identity()).register_forward_pre_hook(lambda m, a: 7), m(5)][1]
[(m := lin()).register_full_backward_hook(lambda m, gi, go: 5), m(T.ones(1, 3, requires_grad=True)).sum().backward()]
[(h := (m := T.nn.Identity()).register_forward_hook(print)), pickle.loads(pickle.dumps(h)).remove(), len(m._forward_hooks)][1:]
T.autograd.graph.register_multi_grad_hook((T.ones(2, requires_grad=True),), print, mode='q')
[(x := T.ones(2, requires_grad=True)).register_hook(len), T.save(x, io.BytesIO())][1]
[(x := T.ones(2, requires_grad=True)).register_hook(unserializable_hook(lambda g: g)), T.save(x, io.BytesIO())][1]
# functional calls and parametrisations
T.func.functional_call(lin(), {'weight': T.zeros(2, 3), 'foo': T.ones(1)}, T.ones(1, 3), strict=True)
T.func.functional_call(lin(), {'weight': T.zeros(2, 3)}, T.ones(1, 3), strict=True)
T.func.functional_call(tied(), {'0.weight': T.zeros(3, 3), '1.weight': T.ones(3, 3)}, T.ones(1, 3))
T.func.functional_call(tied(), {'0.weight': T.zeros(3, 3)}, T.ones(1, 3))
parametrize.register_parametrization(lin(), 'foo', T.nn.ReLU())
parametrize.register_parametrization(lin(), 'weight', T.nn.Flatten(0))
parametrize.remove_parametrizations(lin(), 'weight')
parametrize.transfer_parametrizations_and_params(T.nn.utils.parametrizations.weight_norm(lin()), m := lin()).state_dict()
parametrize.transfer_parametrizations_and_params(parametrize.register_parametrization(lin(), 'weight', T.nn.ReLU()), T.nn.Module())
T.nn.utils.parametrizations.spectral_norm(lin(), n_power_iterations=0)
T.nn.utils.clip_grad_norm_([], 1.0)
T.nn.utils.vector_to_parameters([1], [T.ones(1)])
# sequences
rnn.pack_padded_sequence(T.ones(4, 0), [])
rnn.pack_padded_sequence(T.arange(12.0).reshape(4, 3), [1, 3, 4])
rnn.pack_padded_sequence(T.arange(12.0).reshape(4, 3), [3, 2, 0])
rnn.pad_packed_sequence(rnn.pack_padded_sequence(T.arange(12.0).reshape(3, 4), [4, 2, 1], True), True, -1.0, 6)
rnn.pad_packed_sequence(rnn.pack_padded_sequence(T.arange(12.0).reshape(3, 4), [1, 4, 2], True, False), True)[0].stride()
rnn.unpad_sequence(rnn.pad_sequence([T.ones(2), T.ones(3)]), T.tensor([2, 3]))
[s.stride() for s in rnn.unpad_sequence(T.zeros(3, 2), T.tensor([2, 3]))]
[rnn.unpad_sequence(x := T.zeros(3, 2), T.tensor([2, 3]))[0].add_(1), x.sum()]
[getattr(rnn.pack_sequence([T.ones(2)]), n)().data.dtype for n in ('byte', 'char', 'double', 'float', 'half', 'int', 'long', 'short')]
rnn.pad_sequence([T.ones(2)], padding_side='q')
T.nn.GRU(2, 3)(T.ones(0, 2, 2))
T.nn.GRU(2, 3)(T.ones(4, 2, 3))
T.nn.LSTMCell(2, 3)(T.ones(2, 2), T.ones(2, 3))
T.nn.GRUCell(2, 3)(T.ones(2, 2), T.ones(3, 3))
# former names
T.nn.functional.upsample(T.ones(1, 1, 2, 2), None, 2)
T.nn.functional.upsample_nearest(T.ones(1, 1, 2, 2), None, 2)
T.nn.functional.upsample_bilinear(T.arange(4.0).reshape(1, 1, 2, 2), None, 2)
T.nn.Upsample(scale_factor=2)(T.ones(1, 1, 2, 2))
T.nn.init.xavier_uniform(T.ones(3, 3))
T.nn.utils.clip_grad_norm([], 1.0)
T.nn.functional.sigmoid(T.ones(2))
T.nn.MSELoss(size_average=False)(T.ones(2), T.zeros(2))
# optimizers and schedules
T.optim.SGD({T.ones(1)}, lr=0.1)
T.optim.SGD([('a', w()), w()], lr=0.1)
T.optim.SGD([w()], lr=0.1).add_param_group([w()])
T.optim.SGD([w()], lr=0.1).add_param_group({'params': [('a', w())]})
T.optim.SGD([w()], lr=0.1, fused=True, foreach=True)
T.optim.SGD([p := w(), p], lr=0.1)
T.optim.SGD([w()], lr=0.1).load_state_dict({})
T.optim.Adam([w()], betas=(T.tensor(0.9), 0.99))
T.optim.LBFGS([{'params': w()}, {'params': w()}])
schedule.StepLR(5, 1)
schedule.StepLR(sgd(), 1, verbose=True)
schedule.StepLR(sgd(), 1).get_lr()
schedule.OneCycleLR(sgd(), 1.0)
schedule.LambdaLR(sgd(), [lambda e: 1, lambda e: 2])
schedule.ReduceLROnPlateau(sgd(), min_lr=[1, 2])
schedule.SequentialLR(o := sgd(), [schedule.ConstantLR(o)], [2])
schedule.ChainedScheduler([schedule.ConstantLR(sgd()), schedule.ConstantLR(sgd())])
schedule.CosineAnnealingWarmRestarts(sgd(), 2, T_mult=0.5)
T.optim.swa_utils.get_ema_avg_fn(2.0)
T.optim.swa_utils.SWALR(sgd(), 0.01, anneal_strategy='q')
"""
LINES = [line for line in EXPRESSIONS.strip().split("\n") if not line.startswith("#")]


def shown(value: Any) -> Any:
    if isinstance(value, (minidl.Tensor, torch.Tensor)):
        return "tensor", str(value.dtype).split(".")[1], tuple(value.shape), value.requires_grad, np.round(value.detach().numpy(), 5).tolist()
    if isinstance(value, dict):
        return {key: shown(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)) and repr(value)[0] != "<":
        return type(value).__name__, [shown(v) for v in value]
    return neutral(repr(value))


def neutral(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+|core\.tensor\.", "", text).replace("minidl", "torch")


def outcome(T: ModuleType, line: str) -> Any:
    def net() -> Any:
        return T.nn.Sequential(T.nn.Linear(3, 4), T.nn.ReLU(), T.nn.BatchNorm1d(4))

    def tied() -> Any:
        made = T.nn.Sequential(T.nn.Linear(3, 3), T.nn.Linear(3, 3))
        made[1].weight = made[0].weight
        return made

    names = {"T": T, "np": np, "copy": copy, "pickle": pickle, "net": net, "tied": tied, "lin": lambda: T.nn.Linear(3, 2),
             "w": lambda: T.nn.Parameter(T.ones(3)), "sgd": lambda: T.optim.SGD([T.nn.Parameter(T.ones(3))], lr=0.1),
             "io": io, "unserializable_hook": importlib.import_module(f"{T.__name__}.utils.hooks").unserializable_hook,
             "rnn": T.nn.utils.rnn, "parametrize": T.nn.utils.parametrize, "schedule": T.optim.lr_scheduler}
    T.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = shown(eval(line, names))
        except Exception as error:  # noqa: BLE001 (whatever it is, it is compared)
            result = type(error).__name__, neutral(str(error))
    return result, sorted(w.category.__name__ for w in caught)


@pytest.mark.parametrize("T", [minidl, torch])
def test_hooks_on_saved_tensors_can_be_forbidden(T: ModuleType) -> None:
    graph, x = T.autograd.graph, T.ones(2, requires_grad=True)
    with graph.disable_saved_tensors_hooks("not here"):
        with graph.disable_saved_tensors_hooks("nor here"):
            pass
        with pytest.raises(RuntimeError, match="^not here"), graph.save_on_cpu():
            pass
    with graph.save_on_cpu():
        (x * x).sum().backward()
        with pytest.raises(RuntimeError, match="^not here"), graph.disable_saved_tensors_hooks("not here"):
            pass
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize("line", LINES)
def test_outcomes_are_pytorchs(line: str) -> None:
    assert outcome(minidl, line) == outcome(torch, line)
