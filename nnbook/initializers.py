"""Initializers: where training starts.

Weights start random, so that the neurons of a layer can become different; biases start at zero. How
large the random weights are decides how signals grow or fade from layer to layer.

Every initializer is called with a shape and a stream of random numbers, and returns float64 values:
``values = initializer((n_in, n_out), rng)``. One that was made with ``seed``, an integer of at
least 0, ignores the stream and draws the same numbers at every call, as in Keras.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.initializers``. Source: :cite:`glorot2010difficulty`.
"""

from __future__ import annotations  # numpy.random can wait

import math

import numpy as np

from nnbook import checks
from nnbook.checks import Array, Configured, number

Shape = tuple[int, ...]

STDDEV_OF_TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal variable that is cut off at -2 and 2."""


class Initializer(Configured):
    """Where a parameter starts. Counterpart: ``keras.Initializer``."""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return the initial values, float64 of ``shape``."""
        raise NotImplementedError


class Constant(Initializer):
    """``w = value``, a finite number. Counterpart: ``keras.initializers.Constant``."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = number(value, "value of Constant")

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.full(shape, self.value)


class Zeros(Initializer):
    """``w = 0``. Counterpart: ``keras.initializers.Zeros``."""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.zeros(shape)


class Ones(Initializer):
    """``w = 1``. Counterpart: ``keras.initializers.Ones``."""

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        return np.ones(shape)


class _Random(Initializer):
    """Random numbers from the stream that it is called with, or from ``seed``."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_seed(seed, type(self).__name__)

    def __call__(self, shape: Shape, rng: np.random.Generator) -> Array:
        if self.seed is not None:
            rng = np.random.default_rng(self.seed)
        return self.draw(shape, rng)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return random numbers of ``shape`` from ``rng``."""
        raise NotImplementedError


class RandomNormal(_Random):
    """``w ~ N(mean, stddev²)``. Counterpart: ``keras.initializers.RandomNormal``."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.mean = number(mean, "mean of RandomNormal")
        self.stddev = number(stddev, "stddev of RandomNormal", low=0)

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.stddev, shape)


class RandomUniform(_Random):
    """``w ~ U(minval, maxval)``. Counterpart: ``keras.initializers.RandomUniform``."""

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float = 0.05,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.minval = number(minval, "minval of RandomUniform")
        self.maxval = number(
            maxval, "maxval of RandomUniform", low=self.minval
        )

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)


class _Scaled(_Random):
    """Random numbers of variance ``scale / fan``: the more inputs a neuron has, the smaller each.

    ``fan`` is ``n_in``, or the mean of ``n_in`` and ``n_out``; in a bias ``(n,)`` both are ``n``
    as in Keras. The normal ones are cut off at two deviations (see `truncated_normal`).
    """

    scale: float
    mean_of_fans = False
    uniform = False

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        fan = (shape[0] + shape[-1]) / 2 if self.mean_of_fans else shape[0]
        variance = self.scale / fan
        if self.uniform:
            r = math.sqrt(3 * variance)  # U(-r, r) has the variance r² / 3
            return rng.uniform(-r, r, shape)
        return truncated_normal(math.sqrt(variance), shape, rng)


class GlorotNormal(_Scaled):
    """``w ~ N(0, 2 / (n_in + n_out))``, cut off at two deviations.

    Counterpart: ``keras.initializers.GlorotNormal``. Source: :cite:`glorot2010difficulty`.
    """

    scale, mean_of_fans = 1, True


class GlorotUniform(GlorotNormal):
    """``w ~ U(-r, r)`` with ``r = sqrt(6 / (n_in + n_out))``: Keras's choice for kernels.

    The range keeps the size of signals and gradients about equal from layer to layer.
    Counterpart: ``keras.initializers.GlorotUniform``. Source: :cite:`glorot2010difficulty`.
    """

    uniform = True


class HeNormal(_Scaled):
    """``w ~ N(0, 2 / n_in)``, cut off at two deviations; for layers with a ReLU.

    Twice Lecun's variance, because a ReLU cuts off one half of its input.
    Counterpart: ``keras.initializers.HeNormal``. Source: :cite:`he2015delving`.
    """

    scale = 2


class HeUniform(HeNormal):
    """``w ~ U(-r, r)`` with ``r = sqrt(6 / n_in)``, for layers with a ReLU.

    Counterpart: ``keras.initializers.HeUniform``. Source: :cite:`he2015delving`.
    """

    uniform = True


class LecunNormal(_Scaled):
    """``w ~ N(0, 1 / n_in)``, cut off at two deviations.

    Counterpart: ``keras.initializers.LecunNormal``. Source: :cite:`lecun1998efficient`.
    """

    scale = 1


class LecunUniform(LecunNormal):
    """``w ~ U(-r, r)`` with ``r = sqrt(3 / n_in)``.

    Counterpart: ``keras.initializers.LecunUniform``. Source: :cite:`lecun1998efficient`.
    """

    uniform = True


def truncated_normal(
    stddev: float, shape: Shape, rng: np.random.Generator
) -> Array:
    """Draw from a normal distribution that is cut off at two of its deviations.

    ``stddev`` is that of what is left, so before the cut it is a little wider: ``stddev / 0.8796``.
    Counterpart: ``keras.random.truncated_normal``, where ``stddev`` is that before the cut.
    """
    w = rng.standard_normal(shape)
    while (far := np.abs(w) > 2).any():  # draw those again
        w[far] = rng.standard_normal(np.count_nonzero(far))
    return stddev / STDDEV_OF_TRUNCATED * w


def check_seed(seed: object, who: str) -> int | None:
    """Return ``seed`` if it is None or an integer of at least 0."""
    if seed is None:
        return None
    return checks.integer(seed, f"seed of {who}", 0, "an integer or None")


_KNOWN: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
}
_KNOWN |= {kind.__name__: kind for kind in _KNOWN.values()}


def get(identifier: str | Initializer) -> Initializer:
    """Return an initializer from its name (with default settings) or itself."""
    return checks.get(identifier, _KNOWN, Initializer, "initializer")
