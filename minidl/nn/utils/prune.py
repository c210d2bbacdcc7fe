"""Pruning: a parameter ``name`` becomes ``name_orig`` (still trained) times ``name_mask`` (a buffer of zeros and ones).

A pruning method is also the forward pre-hook that multiplies the two before each forward. Pruning again prunes what is left: the
methods of one parameter then stand in a `PruningContainer`. As torch.nn.utils.prune
(https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.prune.BasePruningMethod.html).
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from ...core.tensor import Tensor
from ...ops.create import ones_like, zeros_like
from ...ops.order import kthvalue
from ...ops.random import rand, rand_like
from ...ops.sort import topk
from .convert_parameters import parameters_to_vector

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured",
           "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
           "random_structured", "random_unstructured", "remove"]


class BasePruningMethod(ABC):
    """A way to choose what is pruned; subclasses define `compute_mask` and the class attribute `PRUNING_TYPE`.

    The type says what a second pruning chooses from: the elements that are left (``"unstructured"``), the slices along `dim` that
    are not yet zero (``"structured"``), or everything (``"global"``).
    """

    _tensor_name: str
    PRUNING_TYPE: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask for a tensor of importance scores `t`, on top of the mask so far."""

    def apply_mask(self, module: Any) -> Any:
        """The module's original tensor times its mask."""
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> BasePruningMethod:
        """Prunes ``module.name`` by a new method of this class, made of the further arguments; returns the hook.

        What is pruned follows from `importance_scores`, by default the tensor itself.
        """
        method, before = cls(*args, **kwargs), find_method(module, name)
        method._tensor_name = name
        present = getattr(module, name)
        check_scores(importance_scores, present)
        scores = present if importance_scores is None else importance_scores
        if before is None:
            mask = method.compute_mask(scores, ones_like(present))
            del module._parameters[name]
            module.register_parameter(name + "_orig", present)
        else:
            key, old = before
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            mask = PruningContainer(method).compute_mask(scores, getattr(module, name + "_mask").detach().clone())
            container.add_pruning_method(method)
            del module._forward_pre_hooks[key]
            method = container
        module.register_buffer(name + "_mask", mask)
        method(module, ())
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A pruned copy of a tensor."""
        check_scores(importance_scores, t)
        return t * self.compute_mask(t if importance_scores is None else importance_scores,
                                     ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Any) -> None:
        """Makes the pruned tensor a plain parameter again, with its zeros; the hook itself stays."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def check_scores(scores: Any, t: Any) -> None:
    if scores is not None and scores.shape != t.shape:
        raise AssertionError(f"importance_scores should have the same shape as the tensor to prune, got {scores.shape} vs {t.shape}")


def find_method(module: Any, name: str) -> tuple[int, BasePruningMethod] | None:
    """The hook that prunes a tensor of the module, with its key; None where there is none."""
    return next(((key, hook) for key, hook in module._forward_pre_hooks.items()
                 if isinstance(hook, BasePruningMethod) and hook._tensor_name == name), None)


class PruningContainer(BasePruningMethod):
    """The methods that pruned one tensor, in order; only the last computes."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Adds a method; TypeError for anything else, ValueError for one of another tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}."
                             f" Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far, in which the last method has pruned part of what is left."""
        method = self._pruning_methods[-1]
        where: Any
        if method.PRUNING_TYPE == "unstructured":
            where = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
            dim = method.dim if method.dim >= 0 else method.dim + t.ndim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
            left = default_mask.sum(dim=[d for d in range(t.ndim) if d != dim]) != 0
            where = (*(slice(None),) * dim, left)
        elif method.PRUNING_TYPE == "global":
            where = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.clone().to(dtype=t.dtype)
        mask[where] = method.compute_mask(t[where], default_mask=default_mask[where]).to(dtype=mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but puts the parameter in the form of a pruned one."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far."""
        return default_mask


class _Amount(BasePruningMethod):
    """Prunes `amount` of the elements or slices: a number if int, a share in [0, 1] if float."""

    amount: float

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (amount > 1 and not isinstance(amount, numbers.Integral)):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount = amount

    def _number(self, size: int) -> int:
        number = int(self.amount) if isinstance(self.amount, numbers.Integral) else round(self.amount * size)
        if number > size:
            raise ValueError(f"amount={number} should be smaller than the number of parameters to prune={size}")
        return number


class _Unstructured(_Amount):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far, with the chosen elements set to 0."""
        mask, number = default_mask.clone().contiguous(), self._number(t.numel())
        if number:
            mask.view(-1)[self._choose(t, number)] = 0
        return mask

    @abstractmethod
    def _choose(self, t: Any, number: int) -> Tensor:
        """The flat indices of the elements to prune."""


class RandomUnstructured(_Unstructured):
    """Prunes elements at random."""

    def _choose(self, t: Any, number: int) -> Any:
        return topk(rand_like(t).view(-1), number).indices


class L1Unstructured(_Unstructured):
    """Prunes the elements of least magnitude."""

    def _choose(self, t: Any, number: int) -> Any:
        return topk(t.abs().reshape(-1), number, largest=False).indices


class _Structured(_Amount):
    """Prunes whole slices along `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask so far, with the chosen slices set to 0."""
        if t.ndim <= 1:
            raise ValueError("Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                             f"{t.shape} with {t.ndim} dims")
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        number = self._number(t.shape[self.dim])
        if not number:
            return default_mask
        mask = zeros_like(t)
        mask[(*(slice(None),) * (self.dim % t.ndim), self._keep(t, number))] = 1
        return mask * default_mask.to(dtype=mask.dtype)

    @abstractmethod
    def _keep(self, t: Any, number: int) -> Tensor:
        """An index or mask of the slices that stay."""


class RandomStructured(_Structured):
    """Prunes slices along `dim` at random."""

    def _keep(self, t: Any, number: int) -> Any:
        chances = rand(t.shape[self.dim])
        return chances > kthvalue(chances, number).values


class LnStructured(_Structured):
    """Prunes the slices along `dim` of least n-norm (`n` as `p` of `norm`)."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _keep(self, t: Any, number: int) -> Any:
        size = t.shape[self.dim]
        return topk(t.norm(self.n, [d for d in range(t.ndim) if d != self.dim % t.ndim]), size - number).indices


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask prunes."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Both masks together."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


# ---- functions: each prunes a module's parameter and returns the module


def identity(module: Any, name: str) -> Any:
    """Puts a parameter in the form of a pruned one, with a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prunes elements at random: a number of them, or a share."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: float, importance_scores: Any = None) -> Any:
    """Prunes the elements of least magnitude, in the parameter or in the scores: a number of them, or a share.

    >>> from minidl import nn, tensor
    >>> layer = nn.Linear(2, 2, bias=False)
    >>> layer.weight.data = tensor([[1.0, -4.0], [3.0, 2.0]])
    >>> nn.utils.prune.l1_unstructured(layer, "weight", amount=0.5).weight
    tensor([[ 0., -4.],
            [ 3.,  0.]], grad_fn=<MulBackward0>)
    >>> [name for name in layer.state_dict()]
    ['weight_orig', 'weight_mask']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prunes slices along `dim` at random: a number of them, or a share."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prunes the slices along `dim` of least n-norm: a number of them, or a share."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Any) -> Any:
    """Prunes a parameter by a mask of zeros and ones."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Iterable[tuple[Any, str]], pruning_method: Any, importance_scores: Any = None, **kwargs: Any) -> None:
    """Prunes several parameters, pairs of module and name, as if they were one tensor.

    `pruning_method` is an unstructured class, made with the further arguments; `importance_scores` may hold scores by pair.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores, (dict, type(None))):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    tensors = [getattr(module, name) for module, name in pairs]
    scores = parameters_to_vector([(importance_scores or {}).get(pair, t) for pair, t in zip(pairs, tensors)])
    before = parameters_to_vector([getattr(module, name + "_mask", ones_like(t)) for (module, name), t in zip(pairs, tensors)])
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError('Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
                        f"{pruning_method} of type {method.PRUNING_TYPE}")
    method._tensor_name = "all of them"
    mask: Any = PruningContainer(method).compute_mask(scores, before)
    for (module, name), t, part in zip(pairs, tensors, mask.split([t.numel() for t in tensors])):
        custom_from_mask(module, name, part.view(t.shape))


def remove(module: Any, name: str) -> Any:
    """Makes a pruned parameter a plain one, with its zeros, for good. ValueError where it isn't pruned."""
    found = find_method(module, name)
    if found is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module


def is_pruned(module: Any) -> bool:
    """Whether any parameter of the module, or of a module in it, is pruned."""
    return any(isinstance(hook, BasePruningMethod) for _, m in module.named_modules() for hook in m._forward_pre_hooks.values())
