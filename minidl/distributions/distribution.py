"""What all distributions have. A sample has the shape sample_shape + batch_shape + event_shape; one event has one log-probability."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from ..core.engine import grad
from ..core.modes import no_grad
from ..core.tensor import Size, Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution", "ExponentialFamily"]


def _missing(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no {name}")

    return method


def described(value: Any) -> str:
    return f"({type(value).__name__} of shape {tuple(value.shape)})"


class Distribution:
    """The base: shapes, checks of parameters and values, and what follows from `rsample`, `log_prob`, `mean` and `variance`.

    https://docs.pytorch.org/docs/stable/distributions.html
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: ClassVar[Any] = {}
    support: Any = constraints.dependent
    _validate_args = True

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        for name, constraint in self.arg_constraints.items() if self._validate_args else ():
            if name not in vars(self) and isinstance(getattr(type(self), name, None), (lazy_property, property)):
                continue  # follows from another parameter
            value = getattr(self, name)
            if not constraints.is_dependent(constraint) and not constraint.check(value).all():
                raise ValueError(f"Expected parameter {name} {described(value)} of distribution {self!r} to satisfy the constraint "
                                 f"{constraint!r}, but found invalid values:\n{value}")

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where a distribution is not told."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters: how many distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one of them."""
        return self._event_shape

    rsample = _missing("rsample")
    log_prob = _missing("log_prob")
    cdf = _missing("cdf")
    icdf = _missing("icdf")
    entropy = _missing("entropy")
    enumerate_support = _missing("enumerate_support")
    mean: Any = property(_missing("mean"))
    mode: Any = property(_missing("mode"))
    variance: Any = property(_missing("variance"))

    @property
    def stddev(self) -> Any:
        """The root of the variance."""
        return self.variance.sqrt()

    def perplexity(self) -> Any:
        """exp of the entropy."""
        return self.entropy().exp()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Any:
        """``sample((n,))``."""
        return self.sample((n,))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution with its parameters expanded to another batch shape."""
        new = copy.copy(self) if _instance is None else _instance
        vars(new).update({**vars(self), **vars(new)})
        for name in self.arg_constraints:
            if name in vars(self):
                value = vars(self)[name]
                setattr(new, name, value.expand(*batch_shape, *value.shape[len(self._batch_shape):]))
        new._batch_shape, new._event_shape, new._validate_args = Size(batch_shape), self._event_shape, self._validate_args
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """What an `expand` of a subclass fills in; NotImplementedError where a subclass of that has another ``__init__`` and no `expand`."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method "
                                      "must also define a custom .expand() method.")
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """ValueError for what `log_prob` and the like cannot take."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        start = value.dim() - len(self._event_shape)
        if value.shape[start:] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}.")
        full = self._batch_shape + self._event_shape
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(value.shape), reversed(full))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {full}.")
        try:
            support = self.support
        except NotImplementedError:
            return
        if not support.check(value).all():
            raise ValueError(f"Expected value argument {described(value)} to be within the support ({support!r}) of the distribution "
                             f"{self!r}, but found invalid values:\n{value}")

    def __repr__(self) -> str:
        values = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        text = ", ".join(f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in values.items())
        return f"{type(self).__name__}({text})"


class ExponentialFamily(Distribution):
    """p(x) = exp(<t(x), theta> - A(theta) + k(x)). A subclass may give theta (`_natural_params`), A (`_log_normalizer`) and the mean of k
    (`_mean_carrier_measure`), from which its entropy follows."""

    _natural_params: Any = property(_missing("_natural_params"))
    _log_normalizer: Any = _missing("_log_normalizer")
    _mean_carrier_measure: Any = property(_missing("_mean_carrier_measure"))

    def entropy(self) -> Any:
        """A - <theta, dA/dtheta> - the mean of k."""
        theta = [p.detach().requires_grad_() for p in self._natural_params]
        a = self._log_normalizer(*theta)
        result = a - self._mean_carrier_measure
        for p, slope in zip(theta, grad(a.sum(), theta, create_graph=True)):
            result = result - (p * slope).reshape(*self._batch_shape, -1).sum(-1)
        return result
