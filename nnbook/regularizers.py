"""Regularizers: a price on large weights, added to the loss.

Training then looks for small weights that fit, rather than for any weights that fit: the loss of a
model becomes ``C + penalty(W)``, and the gradient ``dC/dW + dpenalty/dW``.

The factors are finite numbers of at least 0. Keras rounds them to float32, even in a float64 model;
these classes do not. A factor of the wrong kind is refused with a TypeError, one out of range or
an unknown name with a ValueError.
Counterpart: ``keras.regularizers``. Source: :cite:`goodfellow2016deep`, section 7.1.
"""

import numpy as np

from nnbook import checks
from nnbook.checks import Array, Configured, number


class Regularizer(Configured):
    """A price on the weights of a kernel. Counterpart: ``keras.Regularizer``."""

    def __call__(self, w: Array) -> float:
        """Return the penalty for weights ``w`` of any shape, added up in float64."""
        raise NotImplementedError

    def grad(self, w: Array) -> Array:
        """Return ``dpenalty/dw``, shape and dtype of ``w``."""
        raise NotImplementedError


class L1(Regularizer):
    """``penalty = l1 sum |w|``, slope ``l1 sign(w)``: it makes weights exactly zero.

    At ``w = 0`` there is no derivative; like Keras we take 0.
    Counterpart: ``keras.regularizers.L1``.
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = number(l1, "l1", low=0)

    def __call__(self, w: Array) -> float:
        return self.l1 * float(np.sum(np.abs(w), dtype=np.float64))

    def grad(self, w: Array) -> Array:
        return self.l1 * np.sign(w)


class L2(Regularizer):
    """``penalty = l2 sum w²``, slope ``2 l2 w``: it makes all weights small.

    Derived: eq-l2, eq-l2-slope. Counterpart: ``keras.regularizers.L2``.
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = number(l2, "l2", low=0)

    def __call__(self, w: Array) -> float:
        return self.l2 * float(np.sum(np.square(w, dtype=np.float64)))

    def grad(self, w: Array) -> Array:
        return 2 * self.l2 * w


class L1L2(Regularizer):
    """``penalty = l1 sum |w| + l2 sum w²``, slope ``l1 sign(w) + 2 l2 w``.

    Both factors are 0 unless they are given, as in Keras.
    Counterpart: ``keras.regularizers.L1L2``.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number(l1, "l1", low=0)
        self.l2 = number(l2, "l2", low=0)

    def __call__(self, w: Array) -> float:
        return L1(self.l1)(w) + L2(self.l2)(w)

    def grad(self, w: Array) -> Array:
        return L1(self.l1).grad(w) + L2(self.l2).grad(w)


_KNOWN: dict[str, type[Regularizer]] = {
    name: kind
    for kind in (L1, L2, L1L2)
    for name in (kind.__name__, kind.__name__.lower())
}


def get(identifier: str | Regularizer | None) -> Regularizer | None:
    """Return a regularizer from its name (with default settings) or itself; None stays None.

    The name is "l1l2", as in Keras: its documentation says "l1_l2", its code does not know it.
    """
    if identifier is None:
        return None
    return checks.get(identifier, _KNOWN, Regularizer, "regularizer")
