"""Schedules: the same learning rate as Keras's at every step, and what they do in an optimizer.

Keras computes a schedule in float32, unless its numbers are NumPy float64 scalars: these TensorFlow
leaves as they are, and then the two must agree to the last digits.
"""

from __future__ import annotations

import importlib
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook import optimizers, schedules
from nnbook.optimizers import SGD, Adam
from nnbook.schedules import (
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
)
from tests.keras_side import keras

rates = st.floats(0, 10, allow_subnormal=False).filter(lambda rate: rate == 0 or rate > 1e-6)
shares = st.floats(0, 1, allow_subnormal=False).filter(lambda share: share == 0 or share > 1e-6)
some_steps = st.lists(st.integers(0, 3000), min_size=1, max_size=10)
quick = settings(max_examples=40, deadline=None)


def same_in_keras(schedule: LearningRateSchedule, number: type[float] = np.float64) -> Any:
    """Return Keras's schedule of the same arguments, its floats turned into ``number``."""
    exact = {
        name: [number(v) for v in value]
        if name == "values"
        else number(value)
        if isinstance(value, float)
        else value
        for name, value in schedule.get_config().items()
    }
    return getattr(keras().optimizers.schedules, type(schedule).__name__)(**exact)


def check(schedule: LearningRateSchedule, steps: list[int]) -> None:
    theirs, rounded = same_in_keras(schedule), same_in_keras(schedule, float)
    for step in steps:
        rate = schedule(step)
        assert type(rate) is float
        assert rate == pytest.approx(float(theirs(step)), rel=1e-12, abs=1e-14)
        # one rounding of the exponent or the angle, and some more
        near = max(abs(rate), float(schedule(0)), 1e-30)
        assert rate == pytest.approx(float(rounded(step)), rel=1e-3, abs=1e-5 * near)


@quick
@given(rates, st.integers(1, 1000), st.floats(0.25, 1.5), st.booleans(), some_steps)
def test_exponential_decay(
    rate: float, decay: int, factor: float, staircase: bool, steps: list[int]
) -> None:
    steps = [step % (5 * decay) for step in steps]
    check(ExponentialDecay(rate, decay, factor, staircase), [*steps, 0, decay - 1, decay])


@quick
@given(rates, st.integers(1, 2000), shares, some_steps)
def test_cosine_decay(rate: float, decay: int, share: float, steps: list[int]) -> None:
    check(CosineDecay(rate, decay, share), [*steps, 0, decay - 1, decay, decay + 1])


@quick
@given(rates, st.integers(1, 2000), shares, rates, st.integers(1, 500), some_steps)
def test_cosine_decay_after_a_warmup(
    rate: float, decay: int, share: float, target: float, warmup: int, steps: list[int]
) -> None:
    schedule = CosineDecay(rate, decay, share, warmup_target=target, warmup_steps=warmup)
    check_at = [*steps, 0, warmup - 1, warmup, warmup + 1, warmup + decay, warmup + decay + 1]
    theirs = same_in_keras(schedule)
    for step in check_at:
        near = 1e-14 * max(rate, target)
        assert schedule(step) == pytest.approx(float(theirs(step)), rel=1e-12, abs=near)


@quick
@given(st.lists(st.tuples(st.integers(0, 500), rates), min_size=2, max_size=6), some_steps)
def test_piecewise_constant_decay(pieces: list[tuple[int, float]], steps: list[int]) -> None:
    boundaries = sorted({b for b, _ in pieces})
    values = [pieces[i % len(pieces)][1] for i in range(len(boundaries) + 1)]
    edges = [max(b + d, 0) for b in boundaries for d in (-1, 0, 1)]
    schedule = PiecewiseConstantDecay(boundaries, values)
    theirs = same_in_keras(schedule)
    for step in steps + edges:
        assert schedule(step) == pytest.approx(float(theirs(step)), rel=1e-15)


def test_a_staircase_falls_once_every_decay_steps() -> None:
    fall = ExponentialDecay(0.8, 3, 0.5, staircase=True)
    assert [fall(step) for step in range(7)] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]


def test_half_a_wave_by_hand() -> None:
    fall = CosineDecay(0.4, 4, 0.25, warmup_target=0.8, warmup_steps=2)
    half = (1 + math.cos(math.pi / 4)) / 2
    expected = [0.4, 0.6, 0.8, 0.8 * (0.75 * half + 0.25), 0.5]
    assert [fall(step) for step in range(5)] == pytest.approx(expected)
    assert fall(6) == fall(60) == pytest.approx(0.2)


def test_keras_counts_steps_from_zero_and_so_do_we() -> None:
    class Asks(LearningRateSchedule):
        def __init__(self) -> None:
            self.asked: list[int] = []

        def __call__(self, step: int) -> Any:
            self.asked.append(step)
            return np.float64(0.5)  # which must not promote float32

    schedule = Asks()
    optimizer = SGD(schedule)
    theta = np.ones(2, "float32")
    for _ in range(3):
        optimizer.step(theta, np.ones(2, "float32"))
    assert schedule.asked == [0, 1, 2]
    assert theta.dtype == np.float32
    assert theta == pytest.approx([-0.5, -0.5])
    assert type(optimizer.learning_rate) is float


def test_an_optimizer_shows_the_rate_of_its_next_step() -> None:
    optimizer = Adam(PiecewiseConstantDecay([0], [0.5, 0.25]))
    theta = np.ones(2)
    assert optimizer.learning_rate == 0.5
    optimizer.step(theta, np.ones(2))
    assert optimizer.learning_rate == 0.25


def test_a_scheduled_rate_cannot_be_set_as_in_keras() -> None:
    schedule = CosineDecay(0.1, 10)
    theirs = keras().optimizers.SGD(same_in_keras(schedule))
    optimizer = SGD(schedule)
    with pytest.raises(TypeError):
        theirs.learning_rate = 0.5
    says = "follows its CosineDecay and cannot be set to 0.5. Make the optimizer with a number"
    with pytest.raises(TypeError, match=re.escape(says)):
        optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == pytest.approx(0.1)
    optimizer.learning_rate = ExponentialDecay(0.3, 10, 0.5)
    assert optimizer.learning_rate == 0.3


def test_a_number_may_give_way_to_a_schedule_as_in_keras() -> None:
    ours, theirs = SGD(0.1), keras().optimizers.SGD(0.1)
    schedule = PiecewiseConstantDecay([0], [0.5, 0.25])
    ours.learning_rate = schedule
    theirs.learning_rate = same_in_keras(schedule)
    ours.build(np.zeros(2))
    theirs.build([keras().Variable(np.zeros(2))])
    assert ours.learning_rate == float(theirs.learning_rate) == 0.5
    assert ours.memory()[0] == len(theirs.variables) == 1


def test_schedules_are_found_where_keras_has_them() -> None:
    assert optimizers.schedules is schedules
    assert importlib.import_module("nnbook.optimizers.schedules") is schedules
    for name in ("LearningRateSchedule", "ExponentialDecay", "CosineDecay"):
        assert hasattr(keras().optimizers.schedules, name)


@pytest.mark.parametrize(
    "schedule",
    [
        ExponentialDecay(0.5, 10, 0.75, True),
        CosineDecay(0.5, 10, 0.25, warmup_target=1.0, warmup_steps=3),
        CosineDecay(0.5, 10),
        PiecewiseConstantDecay([3, 5], [0.5, 0.25, 0.125]),
    ],
)
def test_the_settings_make_the_same_schedule_again(schedule: LearningRateSchedule) -> None:
    config = schedule.get_config()
    again = type(schedule)(**config)
    assert again.get_config() == config
    assert [again(step) for step in range(20)] == [schedule(step) for step in range(20)]
    assert config.items() <= same_in_keras(schedule, float).get_config().items()


def test_a_schedule_of_ones_own_must_say_what_it_does() -> None:
    with pytest.raises(NotImplementedError):
        LearningRateSchedule()(0)


# without their types, so that they can be called wrongly
wrong: Any = schedules
wrong_sgd: Any = SGD


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (
            lambda: wrong.ExponentialDecay(-1, 10, 0.5),
            ValueError,
            "initial_learning_rate must be at",
        ),
        (
            lambda: wrong.ExponentialDecay("1", 10, 0.5),
            TypeError,
            "initial_learning_rate must be a",
        ),
        (lambda: wrong.ExponentialDecay(1, 0, 0.5), ValueError, "decay_steps must be at least 1"),
        (lambda: wrong.ExponentialDecay(1, 2.5, 0.5), TypeError, "decay_steps must be an integer"),
        (lambda: wrong.ExponentialDecay(1, 10, -0.5), ValueError, "decay_rate must be at least 0"),
        (lambda: wrong.ExponentialDecay(1, 10, 0.5, name="x"), TypeError, "argument 'name'"),
        (lambda: wrong.CosineDecay(-1, 10), ValueError, "initial_learning_rate must be at least 0"),
        (lambda: wrong.CosineDecay(1, 0), ValueError, "decay_steps must be at least 1"),
        (lambda: wrong.CosineDecay(1, 10, -0.5), ValueError, "alpha must be at least 0"),
        (
            lambda: wrong.CosineDecay(1, 10, warmup_target=-1, warmup_steps=2),
            ValueError,
            "warmup_target must be at least 0",
        ),
        (
            lambda: wrong.CosineDecay(1, 10, warmup_target=1),
            ValueError,
            "warmup_steps must be at least 1. Received 0",
        ),
        (
            lambda: wrong.PiecewiseConstantDecay([1, 2], [0.5, 0.25]),
            ValueError,
            "one entry more than boundaries: before the first, between, and after the last. "
            "Received 2 values and 2 boundaries.",
        ),
        (
            lambda: wrong.PiecewiseConstantDecay([2, 2], [3, 2, 1]),
            ValueError,
            "boundaries must increase. Received [2, 2].",
        ),
        (
            lambda: wrong.PiecewiseConstantDecay([1], [0.5, -1]),
            ValueError,
            "values must be at least 0",
        ),
        (
            lambda: wrong.PiecewiseConstantDecay(["1"], [1, 1]),
            TypeError,
            "boundaries must be a number",
        ),
        (lambda: wrong_sgd(lambda: 0.1), TypeError, "learning_rate must be a number"),
        (lambda: wrong_sgd(CosineDecay), TypeError, "learning_rate must be a number"),
    ],
)
def test_what_is_wrong_is_named(make: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        make()
