"""Regularizers: a price on large weights, added to the loss.

Training then looks for small weights that fit, rather than for any weights that fit: the loss of a
model becomes ``C + penalty(W)``, and the gradient ``dC/dW + dpenalty/dW``.

Keras rounds the factors to float32, even in a float64 model; these classes do not.
Counterpart: ``keras.regularizers``. Source: :cite:`goodfellow2016deep`, section 7.1.
"""

from typing import Any

import numpy as np

from nnbook.checks import Array, look_up, number


class Regularizer:
    """A price on the weights of a kernel. Counterpart: ``keras.Regularizer``."""

    def __call__(self, w: Array) -> float:
        """Return the penalty for weights ``w`` of any shape, added up in float64."""
        raise NotImplementedError

    def grad(self, w: Array) -> Array:
        """Return ``dpenalty/dw``, shape and dtype of ``w``."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same regularizer again."""
        return dict(vars(self))

    def __repr__(self) -> str:
        config = (f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({', '.join(config)})"


class L1(Regularizer):
    """``penalty = l1 sum |w|``, slope ``l1 sign(w)``: it makes weights exactly zero.

    At ``w = 0`` there is no derivative; like Keras we take 0.
    Counterpart: ``keras.regularizers.L1``.

    Raises:
        TypeError, ValueError: ``l1`` is not a finite number of at least 0.
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = number(l1, "l1", low=0)

    def __call__(self, w: Array) -> float:
        return self.l1 * float(np.sum(np.abs(w), dtype=np.float64))

    def grad(self, w: Array) -> Array:
        return self.l1 * np.sign(w)


class L2(Regularizer):
    """``penalty = l2 sum w²``, slope ``2 l2 w``: it makes all weights small.

    Counterpart: ``keras.regularizers.L2``.

    Raises:
        TypeError, ValueError: ``l2`` is not a finite number of at least 0.
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

    Raises:
        TypeError, ValueError: ``l1`` or ``l2`` is not a finite number of at least 0.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number(l1, "l1", low=0)
        self.l2 = number(l2, "l2", low=0)

    def __call__(self, w: Array) -> float:
        return L1(self.l1)(w) + L2(self.l2)(w)

    def grad(self, w: Array) -> Array:
        return L1(self.l1).grad(w) + L2(self.l2).grad(w)


_KNOWN: dict[str, type[Regularizer]] = {
    "l1": L1,
    "L1": L1,
    "l2": L2,
    "L2": L2,
    "l1l2": L1L2,
    "L1L2": L1L2,
}


def get(identifier: str | Regularizer | None) -> Regularizer | None:
    """Return a regularizer from its name (with default settings) or itself; None stays None.

    The name is "l1l2", as in Keras: its documentation says "l1_l2", its code does not know it.

    Raises:
        ValueError: unknown name (the known ones are listed).
        TypeError: neither a name nor a regularizer.
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, str):
        kind: type[Regularizer] = look_up(identifier, _KNOWN, "regularizer")
        return kind()
    raise TypeError(
        "regularizer must be a name, a Regularizer of nnbook, or None. "
        f"Received {identifier!r} of type {type(identifier).__name__}."
    )
