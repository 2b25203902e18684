"""Losses: one number that says how wrong the outputs are, and its slope.

The argument order is Keras's, ``(y_true, y_pred)``; both have shape ``(n, k)``. A loss is averaged
over the ``k`` outputs and then over the ``n`` samples, so its gradient carries ``1 / (n k)``.

Counterpart: ``keras.losses``. Sources: :cite:`goodfellow2016deep`, section 6.2;
:cite:`bishop2006pattern`, section 4.3.
"""

import numpy as np
from numpy.typing import ArrayLike

from nnbook import activations
from nnbook.activations import Activation, Sigmoid
from nnbook.checks import Array, as_numbers, look_up, same_shape

EPSILON = 1e-7
"""How far from 0 and 1 probabilities are kept before a logarithm: Keras's ``epsilon()``."""


class Loss:
    """A mean over samples and outputs of ``C(y_true, y_pred)``."""

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        """Return the mean loss of arrays of one shape.

        Raises:
            TypeError, ValueError: not finite numbers, or shapes that differ (never broadcast).
        """
        pair = same_shape(
            as_numbers(y_true, "y_true"), as_numbers(y_pred, "y_pred")
        )
        return _mean(self.pointwise(*pair))

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every single output, shape ``(n, k)``."""
        raise NotImplementedError

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        """Return ``dC/dy_pred``, shape ``(n, k)``.

        Raises:
            ValueError: shapes that differ.
        """
        raise NotImplementedError

    def check_output(self, activation: Activation) -> None:
        """Say what is wrong with an output layer of this activation, if anything.

        Raises:
            ValueError: the loss cannot mean outputs of this activation.
        """

    def delta(
        self,
        y_true: Array,
        y_pred: Array,
        activation: Activation,
        out: Array | None = None,
    ) -> Array:
        """Return ``dC/dz`` of the output layer, where ``y_pred = f(z)`` (eq-delta-output).

        In general ``dC/da · f'(z)``; a canonical pair of loss and activation overrides it with
        ``(y_pred - y_true) / (n k)``, in which nothing is divided by a probability near 0.
        """
        return activation.vjp(y_pred, self.grad(y_true, y_pred), out=out)

    def value(self, y_true: Array, z: Array, activation: Activation) -> float:
        """Return the mean loss of the outputs ``f(z)``, from the pre-activations ``z``.

        What ``fit`` and ``evaluate`` report. A canonical pair overrides it with a formula in ``z``
        that stays exact where ``f(z)`` has been rounded to 0 or 1.
        """
        return _mean(self.pointwise(y_true, activation(z)))


class MeanSquaredError(Loss):
    """``C = (1 / n k) sum (y_pred - y_true)²``, ``dC/dy_pred = 2 (y_pred - y_true) / (n k)``.

    Counterpart: ``keras.losses.MeanSquaredError``.
    """

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        error = y_pred - y_true
        return np.multiply(error, error, out=error)

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y_true, y_pred = same_shape(y_true, y_pred)
        out = np.subtract(y_pred, y_true, out=out)
        return np.multiply(out, 2 / out.size, out=out)


class BinaryCrossentropy(Loss):
    """``C = -(1 / n k) sum [y ln a + (1 - y) ln(1 - a)]`` for probabilities ``a`` (eq-bce).

    ``dC/da = (a - y) / (a (1 - a)) / (n k)``. With a sigmoid output, ``dC/dz = (a - y) / (n k)``.
    Probabilities are kept `EPSILON` away from 0 and 1, where the slope is then 0; inside a model
    with a sigmoid output no such clipping takes place. Both are as in Keras.
    With ``from_logits=True`` the outputs are pre-activations ``z`` and ``a = sigmoid(z)``.
    Counterpart: ``keras.losses.BinaryCrossentropy``.
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = bool(from_logits)

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return _bce_of_logits(y_true, y_pred)
        a = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return -(y_true * np.log(a) + (1 - y_true) * np.log(1 - a))

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y_true, y_pred = same_shape(y_true, y_pred)
        if self.from_logits:
            return _mean_difference(y_true, activations.sigmoid(y_pred), out)
        a = np.clip(y_pred, EPSILON, 1 - EPSILON)
        out = _mean_difference(y_true, a, out)
        out /= a * (1 - a)
        out[a != y_pred] = (
            0  # where it was clipped, the loss does not change with y_pred
        )
        return out

    def check_output(self, activation: Activation) -> None:
        if isinstance(activation, Sigmoid) and self.from_logits:
            raise ValueError(
                "BinaryCrossentropy(from_logits=True) expected outputs without an activation. "
                "Received those of a sigmoid, which would then be applied twice. Leave out one of "
                "the two."
            )

    def delta(
        self,
        y_true: Array,
        y_pred: Array,
        activation: Activation,
        out: Array | None = None,
    ) -> Array:
        if isinstance(activation, Sigmoid) and not self.from_logits:
            y_true, y_pred = same_shape(y_true, y_pred)
            return _mean_difference(y_true, y_pred, out)
        return super().delta(y_true, y_pred, activation, out)

    def value(self, y_true: Array, z: Array, activation: Activation) -> float:
        if isinstance(activation, Sigmoid) and not self.from_logits:
            return _mean(_bce_of_logits(y_true, z))
        return super().value(y_true, z, activation)


def _mean(pointwise: Array) -> float:
    """Return the mean, added up in float64: many float32 losses may exceed float32 together."""
    return float(np.mean(pointwise, dtype=np.float64))


def _mean_difference(y_true: Array, a: Array, out: Array | None) -> Array:
    """Return ``(a - y_true) / (n k)``."""
    out = np.subtract(a, y_true, out=out)
    return np.multiply(out, 1 / out.size, out=out)


def _bce_of_logits(y_true: Array, z: Array) -> Array:
    """Return ``max(z, 0) - z y + ln(1 + exp(-|z|))``: eq-bce with ``a = sigmoid(z)``, exactly."""
    loss: Array = np.maximum(z, 0) - z * y_true + np.log1p(np.exp(-np.abs(z)))
    return loss


_KNOWN = {
    "binary_crossentropy": BinaryCrossentropy,
    "BinaryCrossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "MeanSquaredError": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(identifier: str | Loss) -> Loss:
    """Return a loss from its name or itself.

    Raises:
        ValueError: unknown name (the known ones are listed).
        TypeError: neither a name nor a loss.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        loss: Loss = look_up(identifier, _KNOWN, "loss")()
        return loss
    raise TypeError(
        f"loss must be a name or a Loss of nnbook. Received {identifier!r} of type "
        f"{type(identifier).__name__}."
    )
