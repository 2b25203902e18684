"""Losses: one number that says how wrong the outputs are, and its slope.

The argument order is Keras's, ``(y_true, y_pred)``; both have shape ``(n, k)``. A loss is averaged
over the ``k`` outputs and then over the ``n`` samples, so its gradient carries ``1 / (n k)``. The
cross-entropies of ``k`` classes make one number of the ``k`` outputs: theirs carry ``1 / n``.

Counterpart: ``keras.losses``. Sources: :cite:`goodfellow2016deep`, section 6.2;
:cite:`bishop2006pattern`, section 4.3.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnbook import activations
from nnbook.activations import Activation, Sigmoid, Softmax
from nnbook.checks import (
    Array,
    as_numbers,
    as_targets,
    look_up,
    number,
    one_label_each,
    same_shape,
)

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

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss. Counterpart: Keras's ``get_config``."""
        return dict(vars(self))

    def targets(
        self,
        y: ArrayLike,
        n: int,
        width: int,
        dtype: DTypeLike,
        what: str = "y",
    ) -> Array:
        """Return ``y`` as a model's targets for outputs of shape ``(n, width)``.

        Raises:
            TypeError, ValueError: the loss cannot compare them with such outputs.
        """
        return as_targets(y, n, width, dtype, what)

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every output, ``(n, k)``; of every sample, ``(n,)``, over classes."""
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


class MeanAbsoluteError(Loss):
    """``C = (1 / n k) sum |y_pred - y_true|``, ``dC/dy_pred = sign(y_pred - y_true) / (n k)``.

    Where an output is exactly right there is no derivative; like Keras we take 0.
    Counterpart: ``keras.losses.MeanAbsoluteError``.
    """

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        error = y_pred - y_true
        return np.abs(error, out=error)

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y_true, y_pred = same_shape(y_true, y_pred)
        out = np.subtract(y_pred, y_true, out=out)
        np.sign(out, out=out)
        return np.multiply(out, 1 / out.size, out=out)


class Huber(Loss):
    """``C = (1 / n k) sum c (e - c / 2)``: the error ``e`` squared, from ``delta`` on straight.

    With ``e = y_pred - y_true`` and ``c = e`` clipped to ``[-delta, delta]``: ``e² / 2`` for small
    errors and ``delta |e| - delta² / 2`` for large ones. ``dC/dy_pred = c / (n k)``.
    Counterpart: ``keras.losses.Huber``.

    Raises:
        TypeError, ValueError: ``delta`` is not a finite number of at least 0.
    """

    def __init__(self, delta: float = 1.0) -> None:
        # not self.delta, which is the method
        self.bend = number(delta, "delta", low=0)

    def get_config(self) -> dict[str, Any]:
        return {"delta": self.bend}

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        error = y_pred - y_true
        clipped = np.clip(error, -self.bend, self.bend)
        return clipped * (error - clipped / 2)

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y_true, y_pred = same_shape(y_true, y_pred)
        out = np.subtract(y_pred, y_true, out=out)
        np.clip(out, -self.bend, self.bend, out=out)
        return np.multiply(out, 1 / out.size, out=out)


class BinaryCrossentropy(Loss):
    """``C = -(1 / n k) sum [y ln a + (1 - y) ln(1 - a)]`` for probabilities ``a`` (eq-bce).

    ``dC/da = (a - y) / (a (1 - a)) / (n k)``. With a sigmoid output, ``dC/dz = (a - y) / (n k)``.
    Probabilities are kept `EPSILON` away from 0 and 1, where the slope is then 0; inside a model
    with a sigmoid output no such clipping takes place. Both are as in Keras.
    With ``from_logits=True`` the outputs are pre-activations ``z`` and ``a = sigmoid(z)``.
    ``label_smoothing`` s, in ``[0, 1)``, takes ``y (1 - s) + s / 2`` for ``y``.
    Counterpart: ``keras.losses.BinaryCrossentropy``.

    Raises:
        TypeError, ValueError: ``label_smoothing`` is not a number in ``[0, 1)``.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(
            label_smoothing, "label_smoothing", low=0, high=1
        )

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        if self.label_smoothing:
            y_true = _smooth(y_true, self.label_smoothing, 2)
        if self.from_logits:
            return _bce_of_logits(y_true, y_pred)
        a = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return -(y_true * np.log(a) + (1 - y_true) * np.log(1 - a))

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y_true, y_pred = same_shape(y_true, y_pred)
        n_k = y_pred.size
        if self.label_smoothing:
            y_true = _smooth(y_true, self.label_smoothing, 2)
        if self.from_logits:
            a = activations.sigmoid(y_pred)
            return _mean_difference(y_true, a, n_k, out)
        a = np.clip(y_pred, EPSILON, 1 - EPSILON)
        out = _mean_difference(y_true, a, n_k, out)
        out /= a * (1 - a)
        # where it was clipped, the loss does not change with y_pred
        out[a != y_pred] = 0
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
            if self.label_smoothing:
                y_true = _smooth(y_true, self.label_smoothing, 2)
            return _mean_difference(y_true, y_pred, y_pred.size, out)
        return super().delta(y_true, y_pred, activation, out)

    def value(self, y_true: Array, z: Array, activation: Activation) -> float:
        if isinstance(activation, Sigmoid) and not self.from_logits:
            if self.label_smoothing:
                y_true = _smooth(y_true, self.label_smoothing, 2)
            return _mean(_bce_of_logits(y_true, z))
        return super().value(y_true, z, activation)


class CategoricalCrossentropy(Loss):
    """``C = -(1 / n) sum y ln a`` for rows ``y`` and ``a`` of class probabilities.

    With a softmax output, ``dC/dz = (a - y) / n``, which holds because each row of ``y`` sums to 1.
    Otherwise each row of outputs is divided by its sum, and the quotients ``p`` are kept `EPSILON`
    away from 0 and 1, where the slope is then 0: ``dC/da_i = (g_i - sum_j g_j p_j) / sum(a) / n``
    with ``g = -y / p``. Both are as in Keras.
    With ``from_logits=True`` the outputs are pre-activations ``z`` and ``a = softmax(z)``.
    ``label_smoothing`` s, in ``[0, 1)``, takes ``y (1 - s) + s / k`` for ``y``.
    Counterpart: ``keras.losses.CategoricalCrossentropy``.

    Raises:
        TypeError, ValueError: ``label_smoothing`` is not a number in ``[0, 1)``.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(
            label_smoothing, "label_smoothing", low=0, high=1
        )

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        a = as_numbers(y_pred, "y_pred")
        n, k = a.shape[0] if a.ndim else 1, a.shape[-1] if a.ndim else 1
        y = self.targets(y_true, n, k, a.dtype, "y_true")
        return _mean(self.pointwise(y, a))

    def targets(
        self,
        y: ArrayLike,
        n: int,
        width: int,
        dtype: DTypeLike,
        what: str = "y",
    ) -> Array:
        targets = as_targets(y, n, width, dtype, what)
        sums = targets.sum(axis=-1)
        wrong = np.abs(sums - 1) > 1e-3
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"CategoricalCrossentropy expected each row of {what} to sum to 1, as one-hot "
                f"labels do. Received {sums[row]:g} in row {row} ({int(wrong.sum())} such rows). "
                "For several classes at once use BinaryCrossentropy, for class numbers "
                "SparseCategoricalCrossentropy."
            )
        return targets

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        """Return the labels as class probabilities, the shape of ``y_pred``.

        Raises:
            ValueError: the shapes do not fit.
        """
        y_true, _ = same_shape(y_true, y_pred)
        if self.label_smoothing:
            return _smooth(y_true, self.label_smoothing, y_pred.shape[-1])
        return y_true

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        y = self.rows(y_true, y_pred)
        if self.from_logits:
            return _cce_of_logits(y, y_pred)
        return self._of_probabilities(y, y_pred)

    def grad(
        self, y_true: Array, y_pred: Array, out: Array | None = None
    ) -> Array:
        y, n = self.rows(y_true, y_pred), len(y_pred)
        if self.from_logits:
            return _mean_difference(y, activations.softmax(y_pred), n, out)
        slope = self._slope_of_probabilities(y, y_pred)
        return np.multiply(slope, 1 / n, out=out)

    def _of_probabilities(self, y: Array, a: Array) -> Array:
        p = np.clip(_shares(a), EPSILON, 1 - EPSILON)
        loss: Array = -np.sum(y * np.log(p), axis=-1)
        return loss

    def _slope_of_probabilities(self, y: Array, a: Array) -> Array:
        p = _shares(a)
        clipped = np.clip(p, EPSILON, 1 - EPSILON)
        g = np.where(clipped == p, -y / clipped, 0)
        with np.errstate(all="ignore"):  # as in _shares
            slope: Array = (g - np.sum(g * p, axis=-1, keepdims=True)) / (
                np.sum(a, axis=-1, keepdims=True)
            )
        return slope

    def check_output(self, activation: Activation) -> None:
        if isinstance(activation, Softmax) and self.from_logits:
            raise ValueError(
                f"{type(self).__name__}(from_logits=True) expected outputs without an activation. "
                "Received those of a softmax, which would then be applied twice. Leave out one of "
                "the two."
            )

    def delta(
        self,
        y_true: Array,
        y_pred: Array,
        activation: Activation,
        out: Array | None = None,
    ) -> Array:
        if isinstance(activation, Softmax) and not self.from_logits:
            y = self.rows(y_true, y_pred)
            return _mean_difference(y, y_pred, len(y_pred), out)
        return super().delta(y_true, y_pred, activation, out)

    def value(self, y_true: Array, z: Array, activation: Activation) -> float:
        if isinstance(activation, Softmax) and not self.from_logits:
            return _mean(_cce_of_logits(self.rows(y_true, z), z))
        return super().value(y_true, z, activation)


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """``C = -(1 / n) sum ln a_y`` for class numbers ``y`` from 0 to ``k - 1``.

    Their shape is ``(n,)`` or ``(n, 1)``, that of the outputs ``(n, k)``. The same as
    `CategoricalCrossentropy` of the one-hot rows, but for outputs that are neither a softmax nor
    logits: like Keras it keeps ``a`` `EPSILON` away from 0 and 1 *before* it divides by the sum.
    Counterpart: ``keras.losses.SparseCategoricalCrossentropy``.
    """

    def __init__(self, from_logits: bool = False) -> None:
        super().__init__(from_logits)

    def get_config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}

    def targets(
        self,
        y: ArrayLike,
        n: int,
        width: int,
        dtype: DTypeLike,
        what: str = "y",
    ) -> Array:
        labels = as_numbers(y, what, np.float64)
        if labels.shape not in ((n,), (n, 1)):
            raise ValueError(
                f"SparseCategoricalCrossentropy expected one class number a sample in {what}, "
                f"shape ({n},) or ({n}, 1). Received shape {labels.shape}. For one-hot labels use "
                "CategoricalCrossentropy."
            )
        wrong = (labels % 1 != 0) | (labels < 0) | (labels >= width)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ValueError(
                f"SparseCategoricalCrossentropy expected whole numbers from 0 to {width - 1} in "
                f"{what}, a class for each output. Received {labels.flat[at]:g} at index {at} "
                f"({int(wrong.sum())} such values). Number the classes from 0, or "
                "give the last layer as many units as there are classes."
            )
        column: Array = labels.reshape(n, 1).astype(dtype)
        return column

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        y_true = one_label_each(y_true, y_pred)
        # (n, 1) compared with (k,) gives the one-hot rows, (n, k)
        one_hot: Array = y_true == np.arange(y_pred.shape[-1])
        return one_hot.astype(y_pred.dtype)

    def _of_probabilities(self, y: Array, a: Array) -> Array:
        return _cce_of_logits(y, np.log(np.clip(a, EPSILON, 1 - EPSILON)))

    def _slope_of_probabilities(self, y: Array, a: Array) -> Array:
        clipped = np.clip(a, EPSILON, 1 - EPSILON)
        slope = 1 / np.sum(clipped, axis=-1, keepdims=True) - y / clipped
        return np.where(clipped == a, slope, 0)


def _mean(pointwise: Array) -> float:
    """Return the mean, added up in float64: many float32 losses may exceed float32 together."""
    return float(np.mean(pointwise, dtype=np.float64))


def _mean_difference(
    y_true: Array, a: Array, count: int, out: Array | None
) -> Array:
    """Return ``(a - y_true) / count``."""
    out = np.subtract(a, y_true, out=out)
    return np.multiply(out, 1 / count, out=out)


def _smooth(y_true: Array, smoothing: float, k: int) -> Array:
    """Return ``y (1 - s) + s / k``: the labels, moved towards the same share for all classes."""
    return y_true * (1 - smoothing) + smoothing / k


def _shares(a: Array) -> Array:
    """Return the outputs divided by the sum of their row; nan, as in Keras, where that is 0."""
    with np.errstate(all="ignore"):
        shares: Array = a / np.sum(a, axis=-1, keepdims=True)
    return shares


def _bce_of_logits(y_true: Array, z: Array) -> Array:
    """Return ``max(z, 0) - z y + ln(1 + exp(-|z|))``: eq-bce with ``a = sigmoid(z)``, exactly."""
    loss: Array = np.maximum(z, 0) - z * y_true + np.log1p(np.exp(-np.abs(z)))
    return loss


def _cce_of_logits(y_true: Array, z: Array) -> Array:
    """Return ``sum_j y_j (ln sum_k exp(z_k) - z_j)``: ``-sum y ln softmax(z)``, exactly.

    The largest ``z`` of a row is subtracted first, as in `Softmax`. Added up in float64, because
    the losses of float32 logits may exceed float32.
    """
    with np.errstate(over="ignore"):
        shifted = z - np.max(z, axis=-1, keepdims=True)
    # not -inf, because 0 times that is nan
    np.maximum(shifted, np.finfo(z.dtype).min, out=shifted)
    total = np.sum(np.exp(shifted), axis=-1, keepdims=True)
    loss: Array = np.sum(
        y_true * (np.log(total) - shifted), axis=-1, dtype=np.float64
    )
    return loss


_KNOWN = {
    name: loss
    for loss, names in (
        (BinaryCrossentropy, "binary_crossentropy bce BCE"),
        (CategoricalCrossentropy, "categorical_crossentropy"),
        (Huber, "huber"),
        (MeanAbsoluteError, "mean_absolute_error mae MAE"),
        (MeanSquaredError, "mean_squared_error mse MSE"),
        (SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"),
    )
    for name in (loss.__name__, *names.split())
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
