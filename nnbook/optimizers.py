"""Optimizers: how the parameters move, once the gradient is known.

All parameters of a model are one flat vector ``theta`` and all gradients one flat vector ``grad``,
so each rule is written as in the book: ``theta <- theta - alpha grad``. Both are changed in place.

Counterpart: ``keras.optimizers``. Sources: :cite:`robbins1951stochastic`, :cite:`kingma2015adam`.
"""

import math

import numpy as np

from nnbook.checks import Array, look_up, number


class Optimizer:
    """A rule that moves ``theta`` a step down the slope ``grad``."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.iterations = 0
        self._theta: Array | None = None  # the parameters it serves
        self._state: list[
            Array
        ] = []  # what the rule remembers from step to step

    @property
    def learning_rate(self) -> float:
        """The step size ``alpha``; may be changed between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = number(value, "learning_rate", low=0)

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

    def memory(self) -> tuple[int, int]:
        """Return how many numbers the rule remembers and their bytes, counted as Keras counts.

        Keras adds two to the state: the learning rate, and the step number as a 64-bit integer.
        """
        if self._theta is None:
            return 0, 0
        count = 2 + sum(s.size for s in self._state)
        return count, 8 + self._theta.itemsize + sum(
            s.nbytes for s in self._state
        )

    def step(self, theta: Array, grad: Array) -> None:
        """Change ``theta`` ``(parameters,)`` in place by one update; ``grad`` is only read."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent: ``theta <- theta - alpha grad`` (eq-sgd).

    Counterpart: ``keras.optimizers.SGD`` (without momentum).
    """

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def step(self, theta: Array, grad: Array) -> None:
        if self._theta is None:
            self.build(theta)
        self.iterations += 1
        np.multiply(grad, self._learning_rate, out=self._scratch)
        np.subtract(theta, self._scratch, out=theta)


class Adam(Optimizer):
    """Adam: each parameter's step is scaled by its own recent gradients (eq-adam).

    ``m <- m + (1 - beta_1)(grad - m)``, ``v <- v + (1 - beta_2)(grad² - v)``,
    ``theta <- theta - alpha_t m / (sqrt(v) + epsilon)`` with the correction for the start at zero
    ``alpha_t = alpha sqrt(1 - beta_2^t) / (1 - beta_1^t)``.

    In ``alpha_t`` Keras rounds the betas to float32, even in a float64 model; this class does not.
    Counterpart: ``keras.optimizers.Adam``.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1 = number(beta_1, "beta_1", low=0, high=1)
        self.beta_2 = number(beta_2, "beta_2", low=0, high=1)
        self.epsilon = number(epsilon, "epsilon", low=0)

    def _allocate(self, theta: Array) -> None:
        super()._allocate(theta)
        self.m = np.zeros_like(theta)
        self.v = np.zeros_like(theta)
        self._state = [self.m, self.v]

    def step(self, theta: Array, grad: Array) -> None:
        if self._theta is None:
            self.build(theta)
        self.iterations += 1
        t, m, v, scratch = self.iterations, self.m, self.v, self._scratch
        alpha_t = (
            self._learning_rate
            * math.sqrt(1 - self.beta_2**t)
            / (1 - self.beta_1**t)
        )
        np.subtract(grad, m, out=scratch)
        np.multiply(scratch, 1 - self.beta_1, out=scratch)
        np.add(m, scratch, out=m)
        np.multiply(grad, grad, out=scratch)
        np.subtract(scratch, v, out=scratch)
        np.multiply(scratch, 1 - self.beta_2, out=scratch)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.add(scratch, self.epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, alpha_t, out=scratch)
        np.subtract(theta, scratch, out=theta)


_KNOWN = {"sgd": SGD, "SGD": SGD, "adam": Adam, "Adam": Adam}


def get(identifier: str | Optimizer) -> Optimizer:
    """Return an optimizer from its name (with default settings) or itself.

    Raises:
        ValueError: unknown name (the known ones are listed).
        TypeError: neither a name nor an optimizer.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        optimizer: Optimizer = look_up(identifier, _KNOWN, "optimizer")()
        return optimizer
    raise TypeError(
        f"optimizer must be a name or an Optimizer of nnbook. Received {identifier!r} of type "
        f"{type(identifier).__name__}."
    )
