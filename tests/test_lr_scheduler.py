"""Learning-rate schedules against PyTorch's: every rate and momentum, checkpoints that change library, warnings and errors."""

import gc
import warnings
import weakref

import numpy as np
import pytest
import torch

import minidl
from tests.exchange import assert_same, convert_to, library, outcome

LIBRARIES = (minidl, torch)
STEPS = 30


class Decay:
    """A callable object, whose attributes a state dict holds."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate ** epoch


# Names to a list of functions (schedulers' module, optimizer) -> scheduler.
SCHEDULES = {
    "StepLR": [lambda m, o: m.StepLR(o, 7), lambda m, o: m.StepLR(o, 3, gamma=0.5)],
    "MultiStepLR": [lambda m, o: m.MultiStepLR(o, [20, 4, 4, 11]), lambda m, o: m.MultiStepLR(o, [0, 2], gamma=0.3)],
    "ExponentialLR": [lambda m, o: m.ExponentialLR(o, 0.9)],
    "CosineAnnealingLR": [lambda m, o: m.CosineAnnealingLR(o, 50), lambda m, o: m.CosineAnnealingLR(o, 6, eta_min=1e-3)],
    "CosineAnnealingWarmRestarts": [lambda m, o: m.CosineAnnealingWarmRestarts(o, 7),
                                    lambda m, o: m.CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=1e-4)],
    "LinearLR": [lambda m, o: m.LinearLR(o), lambda m, o: m.LinearLR(o, 0.1, 0.8, 20)],
    "ConstantLR": [lambda m, o: m.ConstantLR(o), lambda m, o: m.ConstantLR(o, 0.25, 13)],
    "PolynomialLR": [lambda m, o: m.PolynomialLR(o, 20), lambda m, o: m.PolynomialLR(o, 60, power=2.5)],
    "LambdaLR": [lambda m, o: m.LambdaLR(o, [lambda i: 1 / (i + 1), lambda i: 0.9 ** i]), lambda m, o: m.LambdaLR(o, Decay(0.8))],
    "MultiplicativeLR": [lambda m, o: m.MultiplicativeLR(o, lambda i: 1 - 1 / (i + 2)), lambda m, o: m.MultiplicativeLR(o, Decay(0.99))],
    "CyclicLR": [lambda m, o: m.CyclicLR(o, 0.01, 0.2, step_size_up=6),
                 lambda m, o: m.CyclicLR(o, 0.01, 0.2, 4, 9, mode="triangular2"),
                 lambda m, o: m.CyclicLR(o, [0.01, 0.02], [0.2, 0.3], 5, mode="exp_range", gamma=0.97, cycle_momentum=False),
                 lambda m, o: m.CyclicLR(o, 0.01, 0.2, 5, scale_fn=Decay(0.9), scale_mode="iterations")],
    "OneCycleLR": [lambda m, o: m.OneCycleLR(o, 0.5, total_steps=40),
                   lambda m, o: m.OneCycleLR(o, [0.5, 0.2], epochs=6, steps_per_epoch=6, anneal_strategy="linear"),
                   lambda m, o: m.OneCycleLR(o, 0.5, 40, pct_start=0.2, three_phase=True, div_factor=10.0, final_div_factor=100.0),
                   lambda m, o: m.OneCycleLR(o, 0.5, 40, cycle_momentum=False)],
    "SequentialLR": [
        lambda m, o: m.SequentialLR(o, [m.ConstantLR(o, 0.1, 5), m.LinearLR(o, 0.5, total_iters=8), m.ExponentialLR(o, 0.9)], [6, 20]),
        lambda m, o: m.SequentialLR(o, [m.LinearLR(o, 0.01, total_iters=5), m.CosineAnnealingWarmRestarts(o, 4, 2)], [5]),
        lambda m, o: m.SequentialLR(o, [m.ChainedScheduler([m.StepLR(o, 2), m.ExponentialLR(o, 0.9)]), m.CosineAnnealingLR(o, 9)], [0])],
    "ChainedScheduler": [lambda m, o: m.ChainedScheduler([m.ConstantLR(o, 0.1, 9), m.ExponentialLR(o, 0.9)], optimizer=o),
                         lambda m, o: m.ChainedScheduler([m.CosineAnnealingLR(o, 9), m.StepLR(o, 4)])],
    "ReduceLROnPlateau": [lambda m, o: m.ReduceLROnPlateau(o, patience=3),
                          lambda m, o: m.ReduceLROnPlateau(o, "max", 0.5, patience=1, cooldown=2),
                          lambda m, o: m.ReduceLROnPlateau(o, threshold=0.05, threshold_mode="abs", patience=2, min_lr=1e-3),
                          lambda m, o: m.ReduceLROnPlateau(o, "max", threshold_mode="abs", patience=0, min_lr=[1e-2, 1e-3], eps=1e-3)],
    "SWALR": [lambda m, o: swalr(m)(o, 0.02, anneal_epochs=8), lambda m, o: swalr(m)(o, [0.02, 0.5], 5, "linear"),
              lambda m, o: swalr(m)(o, 0.02, anneal_epochs=0)],
}
ROWS = [pytest.param(make, id=f"{name}-{i}") for name, rows in SCHEDULES.items() for i, make in enumerate(rows)]


def swalr(module):
    return (minidl if module is minidl.optim.lr_scheduler else torch).optim.swa_utils.SWALR


class Schedule:
    """A schedule over two groups, and all rates and momenta as it goes."""

    def __init__(self, lib, make, adam=False, tensor_lr=False, **groups):
        self.lib = lib
        params = [lib.ones(1, requires_grad=True), lib.ones(1, requires_grad=True)]
        lr = lib.tensor(0.1, dtype=lib.float64) if tensor_lr else 0.1
        listed = [{"params": [params[0]], **groups}, {"params": [params[1]], "lr": 0.05, **groups}]
        self.optimizer = lib.optim.Adam(listed, lr=lr) if adam else lib.optim.SGD(listed, lr=lr, momentum=0.9)
        self.scheduler = make(lib.optim.lr_scheduler, self.optimizer)

    def measured(self):
        groups = self.optimizer.param_groups
        return [float(g["lr"]) for g in groups] + [g["momentum"] if "momentum" in g else g["betas"][0] for g in groups] + [
            float(rate) for rate in self.scheduler.get_last_lr()]

    def run(self, start, stop):
        rates = []
        for i in range(start, stop):
            rates.append(self.measured())
            self.optimizer.step()
            plateau = isinstance(self.scheduler, self.lib.optim.lr_scheduler.ReduceLROnPlateau)
            self.scheduler.step(*([1 + np.cos(i / 5) * 0.97 ** i] if plateau else []))
        return np.array([*rates, self.measured()])


@pytest.mark.parametrize("make", ROWS)
@pytest.mark.parametrize("options", [{}, {"adam": True}, {"tensor_lr": True}], ids=["numbers", "adam", "tensors"])
def test_rates_and_momenta_are_pytorchs(make, options):
    have, want = (Schedule(lib, make, **options).run(0, STEPS) for lib in LIBRARIES)
    np.testing.assert_allclose(have, want, rtol=1e-12, atol=1e-15)


def test_every_schedule_changes_something():
    for rows in SCHEDULES.values():
        for make in rows:
            rates = Schedule(minidl, make).run(0, STEPS)
            assert set(rates[:, 0]) != {0.1}


@pytest.mark.parametrize("make", ROWS)
@pytest.mark.parametrize("first", ["torch", "minidl"])
def test_a_schedule_may_change_library_halfway(make, first):
    whole = Schedule(torch, make).run(0, STEPS)
    one = Schedule(library(first), make)
    half = one.run(0, STEPS // 2)
    other = Schedule({"torch": minidl, "minidl": torch}[first], make)
    state = one.scheduler.state_dict()
    other.scheduler.load_state_dict(convert_to(other.lib, state))
    other.optimizer.load_state_dict(convert_to(other.lib, one.optimizer.state_dict()))
    rest = other.run(STEPS // 2, STEPS)
    np.testing.assert_allclose(np.concatenate([half[:-1], rest]), whole, rtol=1e-12, atol=1e-15)
    assert one.scheduler.state_dict() == state  # loading leaves what it is given


@pytest.mark.parametrize("make", ROWS)
def test_state_dicts_are_pytorchs(make):
    states = []
    for lib in LIBRARIES:
        schedule = Schedule(lib, make)
        schedule.run(0, 5)
        states.append(schedule.scheduler.state_dict())
    assert_same(*states, rtol=1e-12)


CLOSED = ["StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "ConstantLR", "PolynomialLR"]


@pytest.mark.parametrize("name", [*CLOSED, "CosineAnnealingWarmRestarts", "LambdaLR"])
def test_steps_to_an_epoch_take_the_closed_form(name):
    for make in SCHEDULES[name]:
        results = []
        for lib in LIBRARIES:
            schedule, rates = Schedule(lib, make), []
            for epoch in (3, 12, 1, 0, 20, 5.5 if "Restarts" in name else 5):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    schedule.optimizer.step()
                    schedule.scheduler.step(epoch)
                rates.append(schedule.measured())
            results.append(rates)
        np.testing.assert_allclose(*results, rtol=1e-12)


@pytest.mark.parametrize("name", CLOSED)
def test_resuming_by_last_epoch(name):
    for make in {"StepLR": [lambda m, o: m.StepLR(o, 3, last_epoch=4)], "MultiStepLR": [lambda m, o: m.MultiStepLR(o, [6], last_epoch=5)],
                 "ExponentialLR": [lambda m, o: m.ExponentialLR(o, 0.9, last_epoch=4)],
                 "CosineAnnealingLR": [lambda m, o: m.CosineAnnealingLR(o, 9, last_epoch=4)],
                 "LinearLR": [lambda m, o: m.LinearLR(o, last_epoch=2)], "ConstantLR": [lambda m, o: m.ConstantLR(o, last_epoch=2)],
                 "PolynomialLR": [lambda m, o: m.PolynomialLR(o, last_epoch=2)]}[name]:
        have, want = (Schedule(lib, make, initial_lr=0.3).run(0, 8) for lib in LIBRARIES)
        np.testing.assert_allclose(have, want, rtol=1e-12)


def warned(function):
    """Category and first sentence of each warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [(w.category, str(w.message).split(".")[0].split(" In PyTorch")[0]) for w in caught]


WARNINGS = {
    "early": lambda s: s.scheduler.step(),
    "in order": lambda s: (s.optimizer.step(), s.scheduler.step()),
    "only the first": lambda s: (s.optimizer.step(), s.scheduler.step(), s.scheduler.step()),
    "step replaced": lambda s: (setattr(s.optimizer, "step", lambda: None), s.scheduler.step()),
    "epoch": lambda s: (s.optimizer.step(), s.scheduler.step(3)),
    "get_lr": lambda s: s.scheduler.get_lr(),
    "second schedule": lambda s: (s.optimizer.step(), s.lib.optim.lr_scheduler.StepLR(s.optimizer, 2).step()),
}


@pytest.mark.parametrize("action", WARNINGS.values(), ids=list(WARNINGS))
@pytest.mark.parametrize("name", ["ExponentialLR", "CosineAnnealingLR", "LambdaLR", "SWALR"])
def test_warnings_are_pytorchs(action, name):
    have, want = (warned(lambda lib=lib: action(Schedule(lib, SCHEDULES[name][0]))) for lib in LIBRARIES)
    assert have == want


def test_warnings_are_given_at_all():
    schedule = Schedule(minidl, SCHEDULES["StepLR"][0])
    with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\)` before `optimizer.step\(\)"):
        schedule.scheduler.step()


ERRORS = [
    lambda m, o: m.StepLR(3, 2),
    lambda m, o: m.StepLR(o, 2, last_epoch=3),
    lambda m, o: m.LambdaLR(o, [lambda i: i]),
    lambda m, o: m.MultiplicativeLR(o, 3),
    lambda m, o: m.ConstantLR(o, factor=1.5),
    lambda m, o: m.LinearLR(o, start_factor=0),
    lambda m, o: m.LinearLR(o, end_factor=2),
    lambda m, o: m.SequentialLR(o, [], []),
    lambda m, o: m.SequentialLR(o, [3], []),
    lambda m, o: m.SequentialLR(o, [m.StepLR(o, 2)], [3]),
    lambda m, o: m.SequentialLR(o, [m.ReduceLROnPlateau(o), m.StepLR(o, 2)], [3]),
    lambda m, o: m.ChainedScheduler([]),
    lambda m, o: m.ChainedScheduler([m.ReduceLROnPlateau(o)], o),
    lambda m, o: m.ReduceLROnPlateau(o, factor=1.0),
    lambda m, o: m.ReduceLROnPlateau(3),
    lambda m, o: m.ReduceLROnPlateau(o, mode="mean"),
    lambda m, o: m.ReduceLROnPlateau(o, threshold_mode="mean"),
    lambda m, o: m.ReduceLROnPlateau(o, min_lr=[1]),
    lambda m, o: m.CyclicLR(o, [1], 2),
    lambda m, o: m.CyclicLR(o, 1, [2]),
    lambda m, o: m.CyclicLR(o, 1, 2, mode="square"),
    lambda m, o: m.CyclicLR(3, 1, 2),
    lambda m, o: m.CosineAnnealingWarmRestarts(o, 0),
    lambda m, o: m.CosineAnnealingWarmRestarts(o, 2, 1.5),
    lambda m, o: m.CosineAnnealingWarmRestarts(o, 2, eta_min="0"),
    lambda m, o: m.CosineAnnealingWarmRestarts(o, 2).step(-1),
    lambda m, o: m.OneCycleLR(o, 1),
    lambda m, o: m.OneCycleLR(o, 1, total_steps=-1),
    lambda m, o: m.OneCycleLR(o, 1, epochs=2, steps_per_epoch=0),
    lambda m, o: m.OneCycleLR(o, 1, epochs=2.5, steps_per_epoch=3),
    lambda m, o: m.OneCycleLR(o, 1, 10, pct_start=2.0),
    lambda m, o: m.OneCycleLR(o, 1, 10, anneal_strategy="square"),
    lambda m, o: m.OneCycleLR(o, [1], 10),
    lambda m, o: [s.step() for s in [m.OneCycleLR(o, 1, 2)] for _ in range(3)],
    lambda m, o: swalr(m)(o, 1, anneal_strategy="square"),
    lambda m, o: swalr(m)(o, 1, anneal_epochs=-1),
]


@pytest.mark.parametrize("call", ERRORS)
def test_errors_are_pytorchs(call):
    results = []
    for lib in LIBRARIES:
        optimizer = lib.optim.SGD([{"params": [lib.ones(1, requires_grad=True)]} for _ in range(2)], lr=0.1, momentum=0.9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(outcome(lambda m=lib.optim.lr_scheduler, o=optimizer: call(m, o)))
    have, want = results
    assert want is not None
    assert have[0] is want[0]
    assert have[1].split("\n")[0].split(":")[0] == want[1].split("\n")[0].split(":")[0] or want[0] is KeyError


def test_momentum_cycles_need_momentum():
    for lib in LIBRARIES:
        optimizer = lib.optim.Adagrad([lib.ones(1, requires_grad=True)])
        for make in (lambda m, o: m.OneCycleLR(o, 1, 10), lambda m, o: m.CyclicLR(o, 1, 2)):
            with pytest.raises(ValueError, match="optimizer must support momentum or beta1"):
                make(lib.optim.lr_scheduler, optimizer)


def test_plateau_after_a_new_group():
    for lib in LIBRARIES:
        for min_lr in (0, [0, 0]):
            schedule = Schedule(lib, lambda m, o, min_lr=min_lr: m.ReduceLROnPlateau(o, patience=0, min_lr=min_lr))
            schedule.optimizer.add_param_group({"params": [lib.ones(1)], "lr": 0.4})
            schedule.scheduler.step(1.0)
            if min_lr == 0:
                schedule.scheduler.step(lib.tensor(1.0))
                assert schedule.optimizer.param_groups[2]["lr"] == pytest.approx(0.04)
            else:
                with pytest.raises(RuntimeError, match="number of param groups"):
                    schedule.scheduler.step(1.0)


@pytest.mark.parametrize("make", ROWS)
def test_a_group_that_is_added_later_goes_along_or_is_refused(make):
    def after(lib):
        schedule = Schedule(lib, make)
        schedule.run(0, 3)
        schedule.optimizer.add_param_group({"params": [lib.ones(1)], "lr": 0.4})
        try:
            return schedule.run(3, 12)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is compared)
            return type(error).__name__

    have, want = map(after, LIBRARIES)
    assert type(have) is type(want)
    if isinstance(want, str):
        assert have == want
    else:
        np.testing.assert_allclose(have, want, rtol=1e-12, atol=1e-15)


def test_a_schedule_keeps_no_optimizer_alive():
    gc.disable()
    try:
        schedule = Schedule(minidl, SCHEDULES["StepLR"][0])
        alive = weakref.ref(schedule.optimizer)
        del schedule
        assert alive() is None
    finally:
        gc.enable()
