"""Optimizers: how the parameters move, once the gradient is known.

All parameters of a model are one flat vector ``theta`` and all gradients one flat vector ``grad``,
so each rule is written as in the book: ``theta <- theta - alpha grad``. ``theta`` is changed in
place, ``grad`` is only read.

A setting that is negative, not finite or no number is refused with a ValueError or TypeError.
Counterpart: ``keras.optimizers``. Sources: :cite:`robbins1951stochastic`, :cite:`kingma2015adam`.
"""

import inspect
import math
import sys
from typing import Any

import numpy as np

from nnbook import checks
from nnbook import schedules as schedules  # keras.optimizers has it too
from nnbook.checks import Array, Configured, number
from nnbook.schedules import LearningRateSchedule

# so that, as in Keras, one may write: import nnbook.optimizers.schedules
sys.modules[f"{__name__}.schedules"] = schedules

Rate = float | LearningRateSchedule


class Optimizer(Configured):
    """A rule that moves ``theta`` a step down the slope ``grad``.

    Derived: eq-clipnorm, eq-clipvalue.

    Args:
        learning_rate: the step size ``alpha``, or a schedule of ``nnbook.optimizers.schedules``.
        weight_decay: ``lambda`` in ``theta <- theta - alpha lambda theta``, before each update, for
            kernels and biases alike.
        clipvalue: no number of the gradient counts as larger than this, or smaller than its minus.
        global_clipnorm: ``g <- g min(1, c / |g|)``: a longer gradient of all parameters is
            shortened to this length. Keras's ``clipnorm``, which shortens the gradient of each
            kernel and bias by itself, is left out: it turns the direction, and to the optimizer all
            parameters are one vector.

    Raises:
        TypeError, ValueError: a negative number or none; both clips at once; an unknown argument.
    """

    def __init__(
        self,
        learning_rate: Rate,
        *,
        weight_decay: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self.iterations = 0
        self._schedule: LearningRateSchedule | None = None
        self.learning_rate = learning_rate
        self.weight_decay = _optional(weight_decay, "weight_decay")
        self.clipvalue = _optional(clipvalue, "clipvalue")
        self.global_clipnorm = _optional(global_clipnorm, "global_clipnorm")
        if clipvalue is not None and global_clipnorm is not None:
            raise ValueError(
                "Only one of clipvalue and global_clipnorm can be set. "
                f"Received clipvalue={clipvalue} and global_clipnorm={global_clipnorm}."
            )
        self._theta: Array | None = None  # the parameters it serves
        # what the rule remembers from step to step
        self._state: list[Array] = []

    @property
    def learning_rate(self) -> float:
        """The step size ``alpha``; a number may be changed between steps, a schedule changes it.

        Raises:
            TypeError: set to a number, though a schedule rules it.
        """
        if self._schedule is None:
            return self._learning_rate
        return float(self._schedule(self.iterations))

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if isinstance(value, LearningRateSchedule):
            self._schedule = value
        elif self._schedule is not None:
            raise TypeError(
                "The learning rate of this optimizer follows its "
                f"{type(self._schedule).__name__} and cannot be set to {value!r}. "
                "Make the optimizer with a number to set it yourself."
            )
        else:
            self._learning_rate = number(value, "learning_rate", low=0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an optimizer like this one, without its memory."""
        names = {**inspect.signature(type(self)).parameters, **_OPTIONS}
        config = {
            name: getattr(self, name) for name in names if name != "options"
        }
        return config | {
            "learning_rate": self._schedule or self._learning_rate
        }

    def build(self, theta: Array) -> None:
        """Make room for what the rule remembers, once; a second call keeps it, as in Keras.

        Raises:
            ValueError: the optimizer already serves another model.
        """
        self.check(theta)
        if self._theta is None:
            self._allocate(theta)
            self._theta = theta

    def check(self, theta: Array) -> None:
        """Do what `build` does, without making room: only raise where it would raise."""
        if self._theta is not None and self._theta is not theta:
            kind = type(self).__name__
            raise ValueError(
                f"This {kind} serves a model of {self._theta.size} {self._theta.dtype} parameters "
                f"and remembers their past. Received other ones, {theta.size} of {theta.dtype}. "
                f"Make a new one for each model: {kind}()."
            )

    def _allocate(self, theta: Array) -> None:
        self._scratch = np.empty_like(theta)
        if self.clipvalue or self.global_clipnorm:
            self._clipped = np.empty_like(theta)

    def _remember(self, theta: Array, start: float = 0.0) -> Array:
        """Return room for one number a parameter, which the rule remembers."""
        self._state.append(np.full_like(theta, start))
        return self._state[-1]

    def serves(self, theta: Array) -> bool:
        """Whether it has been built for these parameters."""
        return self._theta is theta

    def memories(self) -> dict[str, Array]:
        """Return what the rule remembers, by name: the arrays themselves, for saving a model."""
        return {f"optimizer_{i}": s for i, s in enumerate(self._state)}

    def memory(self) -> tuple[int, int]:
        """Return how many numbers the rule remembers and their bytes, counted as Keras counts.

        Keras adds two to the state: the step number as a 64-bit integer, and the learning rate,
        unless a schedule gives it.
        """
        if self._theta is None:
            return 0, 0
        numbers = sum(s.size for s in self._state) + int(
            self._schedule is None
        )
        return 1 + numbers, 8 + numbers * self._theta.itemsize

    def step(self, theta: Array, grad: Array) -> None:
        """Change ``theta`` ``(parameters,)`` in place by one update; ``grad`` is only read."""
        if self._theta is None:
            self.build(theta)
        alpha = (
            self._learning_rate
            if self._schedule is None
            else self.learning_rate
        )
        if self.clipvalue:
            c = self.clipvalue
            grad = np.clip(grad, -c, c, out=self._clipped)
        elif self.global_clipnorm:
            norm = math.sqrt(np.dot(grad, grad))
            # norm - norm is 0; or NaN if a norm is not finite, as in Keras
            scale = self.global_clipnorm / max(norm, self.global_clipnorm) + (
                norm - norm
            )
            grad = np.multiply(grad, scale, out=self._clipped)
        if self.weight_decay:
            # not theta * (1 - alpha lambda), which float32 would round
            theta -= np.multiply(
                theta, alpha * self.weight_decay, out=self._scratch
            )
        self.iterations += 1
        self.update(theta, grad, alpha)

    def update(self, theta: Array, grad: Array, alpha: float) -> None:
        """Do the rule's part of `step`; this is what a rule of one's own overrides."""
        raise NotImplementedError


_OPTIONS = dict.fromkeys(("weight_decay", "clipvalue", "global_clipnorm"))


def _optional(value: float | None, name: str) -> float | None:
    return None if value is None else number(value, name, low=0)


class SGD(Optimizer):
    """Gradient descent: ``theta <- theta - alpha grad`` (eq-sgd).

    With momentum ``mu``: ``v <- mu v - alpha grad``, ``theta <- theta + v``; with Nesterov's, which
    looks a step ahead, ``theta <- theta + mu v - alpha grad``.

    Keras rounds ``mu`` and ``weight_decay`` to float32, even in a float64 model; nnbook does not.
    The other arguments are those of `Optimizer`. Counterpart: ``keras.optimizers.SGD``.
    Derived: eq-momentum, eq-nesterov.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: float | None,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = number(momentum, "momentum", low=0, high=1)
        self.nesterov = bool(nesterov)

    def _allocate(self, theta: Array) -> None:
        super()._allocate(theta)
        if self.momentum:
            self.v = self._remember(theta)

    def update(self, theta: Array, grad: Array, alpha: float) -> None:
        step = np.multiply(grad, alpha, out=self._scratch)
        if not self.momentum:
            theta -= step
            return
        self.v *= self.momentum
        self.v -= step
        if self.nesterov:
            theta -= step
            theta += np.multiply(self.v, self.momentum, out=step)
        else:
            theta += self.v


class _Measured(Optimizer):
    """A rule that keeps the size ``v`` of each parameter's gradients, and divides by its root."""

    epsilon: float
    start = 0.0  # of v

    def _allocate(self, theta: Array) -> None:
        super()._allocate(theta)
        self.v = self._remember(theta, self.start)

    def measured(self, grad: Array, alpha: float) -> Array:
        """Return the step ``alpha grad / sqrt(v + epsilon)``."""
        step = np.add(self.v, self.epsilon, out=self._scratch)
        np.sqrt(step, out=step)
        np.divide(grad, step, out=step)
        step *= alpha
        return step


class RMSprop(_Measured):
    """RMSprop: each parameter's step is measured by the size of its recent gradients.

    ``v <- rho v + (1 - rho) grad²``, ``theta <- theta - alpha grad / sqrt(v + epsilon)``. With
    momentum ``mu`` the steps add up: ``m <- mu m + alpha grad / sqrt(v + epsilon)``,
    ``theta <- theta - m``.

    The other arguments are those of `Optimizer`. Counterpart: ``keras.optimizers.RMSprop``, without
    ``centered``. Source: :cite:`tieleman2012rmsprop`.
    Derived: eq-rmsprop.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        **options: float | None,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = number(rho, "rho", low=0, high=1)
        self.momentum = number(momentum, "momentum", low=0, high=1)
        self.epsilon = number(epsilon, "epsilon", low=0)

    def _allocate(self, theta: Array) -> None:
        super()._allocate(theta)
        if self.momentum:
            self.m = self._remember(theta)

    def update(self, theta: Array, grad: Array, alpha: float) -> None:
        squares = np.multiply(grad, grad, out=self._scratch)
        squares *= 1 - self.rho
        self.v *= self.rho
        self.v += squares
        step = self.measured(grad, alpha)
        if self.momentum:
            self.m *= self.momentum
            self.m += step
            step = self.m
        theta -= step


class Adagrad(_Measured):
    """Adagrad: each parameter's step is measured by the size of all its gradients so far.

    ``v <- v + grad²`` from ``v = initial_accumulator_value`` on,
    ``theta <- theta - alpha grad / sqrt(v + epsilon)``.

    Keras rounds ``initial_accumulator_value`` to float32, even in a float64 model; nnbook does not.
    The other arguments are those of `Optimizer`. Counterpart: ``keras.optimizers.Adagrad``.
    Source: :cite:`duchi2011adaptive`.
    Derived: eq-adagrad.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: float | None,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = self.start = number(
            initial_accumulator_value, "initial_accumulator_value", low=0
        )
        self.epsilon = number(epsilon, "epsilon", low=0)

    def update(self, theta: Array, grad: Array, alpha: float) -> None:
        self.v += np.multiply(grad, grad, out=self._scratch)
        theta -= self.measured(grad, alpha)


class Adam(Optimizer):
    """Adam: each parameter's step is scaled by its own recent gradients (eq-adam).

    ``m <- m + (1 - beta_1)(grad - m)``, ``v <- v + (1 - beta_2)(grad² - v)``,
    ``theta <- theta - alpha_t m / (sqrt(v) + epsilon)`` with the correction for the start at zero
    ``alpha_t = alpha sqrt(1 - beta_2^t) / (1 - beta_1^t)``.

    In ``alpha_t`` Keras rounds the betas to float32, even in a float64 model; this class does not.
    The other arguments are those of `Optimizer`. Counterpart: ``keras.optimizers.Adam``.
    Source: :cite:`kingma2015adam`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: float | None,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = number(beta_1, "beta_1", low=0, high=1)
        self.beta_2 = number(beta_2, "beta_2", low=0, high=1)
        self.epsilon = number(epsilon, "epsilon", low=0)

    def _allocate(self, theta: Array) -> None:
        super()._allocate(theta)
        self.m = self._remember(theta)
        self.v = self._remember(theta)
        # arrays of no axis: Python's numbers would be converted at every use
        self._numbers = [np.empty((), theta.dtype) for _ in range(4)]

    def update(self, theta: Array, grad: Array, alpha: float) -> None:
        t, m, v, scratch = self.iterations, self.m, self.v, self._scratch
        share_1, share_2, epsilon, alpha_t = self._numbers
        share_1[()], share_2[()] = 1 - self.beta_1, 1 - self.beta_2
        epsilon[()] = self.epsilon
        alpha_t[()] = (
            alpha * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        )
        np.subtract(grad, m, out=scratch)
        scratch *= share_1
        m += scratch
        np.multiply(grad, grad, out=scratch)
        scratch -= v
        scratch *= share_2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= alpha_t
        theta -= scratch


class AdamW(Adam):
    """`Adam` with weight decay: ``theta <- theta - alpha lambda theta``, then Adam's update.

    The decay stands beside the rule, not in its gradient, so that Adam does not rescale it.
    Derived: eq-adamw.
    Counterpart: ``keras.optimizers.AdamW``. Source: :cite:`loshchilov2019decoupled`.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: float | None,
    ) -> None:
        options["weight_decay"] = number(weight_decay, "weight_decay", low=0)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)


_KNOWN = {
    kind.__name__.lower(): kind
    for kind in (SGD, RMSprop, Adagrad, Adam, AdamW)
}


def get(identifier: str | Optimizer) -> Optimizer:
    """Return an optimizer from its name (with default settings) or itself.

    Capital letters do not matter, as in Keras: "RMSprop" and "rmsprop" are the same.
    """
    if isinstance(identifier, str):
        identifier = identifier.lower()
    return checks.get(identifier, _KNOWN, Optimizer, "optimizer")
