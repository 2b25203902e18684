"""Schedules: a learning rate that changes from step to step.

A schedule is called with the number of steps already taken (0 for the first) and returns the
learning rate ``alpha`` of the next. Give one to an optimizer in place of a number:
``SGD(learning_rate=CosineDecay(0.1, decay_steps=1000))``.

Keras computes its schedules in float32, also for a float64 model; these are Python floats.
Counterpart: ``keras.optimizers.schedules``, found here as ``nnbook.optimizers.schedules``.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from nnbook.checks import Configured, at_least_one, number


class LearningRateSchedule(Configured):
    """A rule ``alpha = schedule(step)``; write your own by overriding ``__call__``.

    Counterpart: ``keras.optimizers.schedules.LearningRateSchedule``.
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` steps."""
        raise NotImplementedError


class ExponentialDecay(LearningRateSchedule):
    """``alpha = initial_learning_rate * decay_rate ** (step / decay_steps)``.

    With ``staircase=True`` the exponent is rounded down: one fall every ``decay_steps`` steps.
    Derived: eq-exponential-decay. Counterpart: ``keras.optimizers.schedules.ExponentialDecay``.

    Raises:
        TypeError, ValueError: a negative number or none; ``decay_steps`` not an integer above 0.

    >>> halve = ExponentialDecay(0.8, decay_steps=10, decay_rate=0.5)
    >>> halve(0), halve(10), halve(20)
    (0.8, 0.4, 0.2)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = number(
            initial_learning_rate, "initial_learning_rate", low=0
        )
        self.decay_steps = at_least_one(decay_steps, "decay_steps")
        self.decay_rate = number(decay_rate, "decay_rate", low=0)
        self.staircase = bool(staircase)

    def __call__(self, step: int) -> float:
        p = step / self.decay_steps
        if self.staircase:
            p = math.floor(p)
        return self.initial_learning_rate * math.pow(self.decay_rate, p)


class CosineDecay(LearningRateSchedule):
    """Half a wave down: ``alpha = alpha_0 ((1 - c) (1 + cos(pi step / decay_steps)) / 2 + c)``.

    It falls from ``alpha_0 = initial_learning_rate`` to ``c alpha_0`` (``c`` is the argument
    ``alpha``) in ``decay_steps`` steps and stays there. With a ``warmup_target`` it first rises in
    a straight line to that, in ``warmup_steps`` steps, and then falls from there.
    Derived: eq-cosine-decay. Counterpart: ``keras.optimizers.schedules.CosineDecay``.

    Raises:
        TypeError, ValueError: a negative number or none; ``decay_steps`` not an integer above 0.

    >>> fall = CosineDecay(0.2, decay_steps=10)
    >>> [round(fall(step), 3) for step in (0, 5, 10, 15)]
    [0.2, 0.1, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        *,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = number(
            initial_learning_rate, "initial_learning_rate", low=0
        )
        self.decay_steps = at_least_one(decay_steps, "decay_steps")
        self.alpha = number(alpha, "alpha", low=0)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        if warmup_target is not None:
            self.warmup_target = number(warmup_target, "warmup_target", low=0)
            self.warmup_steps = at_least_one(warmup_steps, "warmup_steps")

    def __call__(self, step: int) -> float:
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                rise = self.warmup_target - start
                return start + rise * step / self.warmup_steps
            start, step = self.warmup_target, step - self.warmup_steps
        done = min(step / self.decay_steps, 1.0)
        fall = (1 + math.cos(math.pi * done)) / 2
        return start * ((1 - self.alpha) * fall + self.alpha)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``alpha = values[i]`` as long as ``step <= boundaries[i]``, then the last of ``values``.

    Derived: eq-piecewise-decay. Counterpart: ``keras.optimizers.schedules.PiecewiseConstantDecay``.

    Raises:
        TypeError: an entry is not a number.
        ValueError: ``values`` is not one longer than ``boundaries``, or these do not increase.

    >>> fall = PiecewiseConstantDecay([100, 110], [1.0, 0.5, 0.1])
    >>> fall(100), fall(101), fall(111)
    (1.0, 0.5, 0.1)
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float]
    ) -> None:
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "values must have one entry more than boundaries: before the first, between, and "
                f"after the last. Received {len(values)} values and {len(boundaries)} boundaries."
            )
        self.boundaries = [number(b, "boundaries", low=0) for b in boundaries]
        self.values = [number(v, "values", low=0) for v in values]
        if any(a >= b for a, b in pairwise(self.boundaries)):
            raise ValueError(
                f"boundaries must increase. Received {list(boundaries)}."
            )

    def __call__(self, step: int) -> float:
        return self.values[bisect_left(self.boundaries, step)]
