"""Losses: one number that says how wrong the outputs are, and its slope.

The argument order is Keras's, ``(y_true, y_pred)``; both have shape ``(n, k)``. A loss is averaged
over the ``k`` outputs and then over the ``n`` samples, so its gradient carries ``1 / (n k)``. The
cross-entropies of ``k`` classes make one number of the ``k`` outputs: theirs carry ``1 / n``.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.losses``. Sources: :cite:`goodfellow2016deep`, section 6.2;
:cite:`bishop2006pattern`, section 4.3.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnbook import activations, checks
from nnbook.activations import Activation
from nnbook.checks import Array, Configured, Out, as_numbers, number

EPSILON = 1e-7
"""How far from 0 and 1 probabilities are kept before a logarithm, as Keras's ``epsilon()``."""


class Loss(Configured):
    """A mean over samples and outputs of ``C(y_true, y_pred)``."""

    def __init__(self) -> None:
        """Take no settings; a loss that has some overrides this."""

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the mean loss; with weights ``w`` of the samples, ``(1 / n) sum w_i C_i``.

        Raises:
            TypeError, ValueError: not finite numbers, or shapes that differ (never broadcast).
        """
        pred = as_numbers(y_pred, "y_pred")
        losses = self.pointwise(self.compared(y_true, pred), pred)
        n = len(losses) if losses.ndim else 1
        return mean(losses, checks.as_weights(sample_weight, n))

    def compared(self, y_true: ArrayLike, y_pred: Array) -> Array:
        """Return ``y_true`` as an array that can be compared with these outputs."""
        return as_numbers(y_true, "y_true")

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
        return checks.as_targets(y, n, width, dtype, what)

    def check_output(self, activation: Activation) -> None:
        """Raise a ValueError if the loss cannot mean the outputs of this activation."""

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every output, ``(n, k)``; of every sample, ``(n,)``, over classes."""
        raise NotImplementedError

    def grad(self, y_true: Array, y_pred: Array, out: Out = None) -> Array:
        """Return ``dC/dy_pred``, shape ``(n, k)``; a ValueError says that shapes differ."""
        raise NotImplementedError

    def delta(
        self,
        y_true: Array,
        y_pred: Array,
        activation: Activation,
        out: Out = None,
    ) -> Array:
        """Return ``dC/dz`` of the output layer, where ``y_pred = f(z)`` (eq-delta-output).

        In general ``dC/da · f'(z)``; a canonical pair of loss and activation overrides it with
        ``(y_pred - y_true) / (n k)``, in which nothing is divided by a probability near 0.
        Derived: eq-output-delta, eq-canonical.
        """
        grad = self.grad(y_true, y_pred)
        return activation.vjp(y_pred.reshape(grad.shape), grad, out=out)

    def value(
        self,
        y_true: Array,
        z: Array,
        activation: Activation,
        weights: Array | None = None,
    ) -> float:
        """Return the mean loss of the outputs ``f(z)``, from the pre-activations ``z``.

        What ``fit`` and ``evaluate`` report. A canonical pair overrides it with a formula in ``z``
        that stays exact where ``f(z)`` has been rounded to 0 or 1.
        """
        return mean(self.pointwise(y_true, activation(z)), weights)


class _OfError(Loss):
    """A loss of the error ``e = y_pred - y_true``, averaged over outputs and samples."""

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        y_true, y_pred = checks.same_shape(y_true, y_pred)
        return self.of(y_pred - y_true)

    def grad(self, y_true: Array, y_pred: Array, out: Out = None) -> Array:
        y_true, y_pred = checks.same_shape(y_true, y_pred)
        error = np.subtract(y_pred, y_true, out=out)
        return np.multiply(self.slope(error), 1 / error.size, out=error)

    def of(self, error: Array) -> Array:
        """Return the loss of each error."""
        raise NotImplementedError

    def slope(self, error: Array) -> Array:
        """Return the derivative of `of`."""
        raise NotImplementedError


class MeanSquaredError(_OfError):
    """``C = (1 / n k) sum (y_pred - y_true)²``, ``dC/dy_pred = 2 (y_pred - y_true) / (n k)``.

    Derived: eq-mse. Counterpart: ``keras.losses.MeanSquaredError``.
    """

    def of(self, error: Array) -> Array:
        return error * error

    def slope(self, error: Array) -> Array:
        return 2 * error


class MeanAbsoluteError(_OfError):
    """``C = (1 / n k) sum |y_pred - y_true|``, ``dC/dy_pred = sign(y_pred - y_true) / (n k)``.

    Where an output is exactly right there is no derivative; like Keras we take 0.
    Derived: eq-mae. Counterpart: ``keras.losses.MeanAbsoluteError``.
    """

    def of(self, error: Array) -> Array:
        return np.abs(error)

    def slope(self, error: Array) -> Array:
        return np.sign(error)


class Huber(_OfError):
    """``C = (1 / n k) sum c (e - c / 2)``: the error ``e`` squared, from ``delta`` on straight.

    With ``e = y_pred - y_true`` and ``c = e`` clipped to ``[-delta, delta]``: ``e² / 2`` for small
    errors and ``delta |e| - delta² / 2`` for large ones. ``dC/dy_pred = c / (n k)``.
    ``delta`` is a finite number of at least 0. Counterpart: ``keras.losses.Huber``.
    Derived: eq-huber.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.bend = number(delta, "delta", low=0)  # self.delta is the method

    def get_config(self) -> dict[str, Any]:
        return {"delta": self.bend}

    def of(self, error: Array) -> Array:
        clipped = self.slope(error)
        return clipped * (error - clipped / 2)

    def slope(self, error: Array) -> Array:
        return np.clip(error, -self.bend, self.bend)


class _CrossEntropy(Loss):
    """A cross-entropy: of probabilities, or of pre-activations ``z`` and a canonical activation.

    With that activation ``f`` as the output layer's, or with ``from_logits=True``, loss and slope
    are computed from ``z``, where ``dC/dz`` is the difference ``f(z) - y`` over the count.
    """

    canonical: Activation

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(
            label_smoothing, "label_smoothing", low=0, high=1
        )

    def pair(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return labels and outputs in one shape, the labels smoothed: ``y (1 - s) + s / k``."""
        y_true, y_pred = checks.same_shape(y_true, y_pred)
        s = self.label_smoothing
        if s:
            y_true = y_true * (1 - s) + s / self.classes(y_pred)
        return y_true, y_pred

    def classes(self, y_pred: Array) -> int:
        """Return among how many classes smoothing shares."""
        return int(y_pred.shape[-1])

    def count(self, y_pred: Array) -> int:
        """Return by how many the sum of the losses is divided."""
        return len(y_pred)

    def of_logits(self, y: Array, z: Array) -> Array:
        """Return the losses of pre-activations."""
        raise NotImplementedError

    def of_probabilities(self, y: Array, a: Array) -> Array:
        """Return the losses of probabilities."""
        raise NotImplementedError

    def slope(self, y: Array, a: Array) -> Array:
        """Return the derivative of `of_probabilities` by ``a``."""
        raise NotImplementedError

    def pointwise(self, y_true: Array, y_pred: Array) -> Array:
        of = self.of_logits if self.from_logits else self.of_probabilities
        return of(*self.pair(y_true, y_pred))

    def grad(self, y_true: Array, y_pred: Array, out: Out = None) -> Array:
        y, y_pred = self.pair(y_true, y_pred)
        if self.from_logits:
            return self._difference(y, self.canonical(y_pred), out)
        return np.multiply(
            self.slope(y, y_pred), 1 / self.count(y_pred), out=out
        )

    def _difference(self, y: Array, a: Array, out: Out) -> Array:
        out = np.subtract(a, y, out=out)
        out *= np.array(1 / self.count(a), out.dtype)  # faster than a number
        return out

    def _pairs_with(self, activation: Activation) -> bool:
        # the kind, not the object: a model can be copied
        return isinstance(activation, type(self.canonical))

    def check_output(self, activation: Activation) -> None:
        if self.from_logits and self._pairs_with(activation):
            raise ValueError(
                f"{type(self).__name__}(from_logits=True) expected outputs without an activation. "
                f"Received those of a {activation.name}, which would then be applied twice. Leave "
                "out one of the two."
            )

    def delta(
        self,
        y_true: Array,
        y_pred: Array,
        activation: Activation,
        out: Out = None,
    ) -> Array:
        if self._pairs_with(activation) and not self.from_logits:
            return self._difference(*self.pair(y_true, y_pred), out)
        return super().delta(y_true, y_pred, activation, out)

    def value(
        self,
        y_true: Array,
        z: Array,
        activation: Activation,
        weights: Array | None = None,
    ) -> float:
        if self._pairs_with(activation) and not self.from_logits:
            return mean(self.of_logits(*self.pair(y_true, z)), weights)
        return super().value(y_true, z, activation, weights)


class BinaryCrossentropy(_CrossEntropy):
    """``C = -(1 / n k) sum [y ln a + (1 - y) ln(1 - a)]`` for probabilities ``a`` (eq-bce).

    ``dC/da = (a - y) / (a (1 - a)) / (n k)``. With a sigmoid output, ``dC/dz = (a - y) / (n k)``.
    Probabilities are kept `EPSILON` away from 0 and 1, where the slope is then 0; inside a model
    with a sigmoid output no such clipping takes place. Both are as in Keras.
    With ``from_logits=True`` the outputs are pre-activations ``z`` and ``a = sigmoid(z)``; then
    ``C = max(z, 0) - z y + ln(1 + exp(-|z|))``.
    ``label_smoothing`` s, in ``[0, 1)``, takes ``y (1 - s) + s / 2`` for ``y``.
    Derived: eq-bce-logits, eq-smoothing. Counterpart: ``keras.losses.BinaryCrossentropy``.
    """

    canonical = activations.sigmoid

    def classes(self, y_pred: Array) -> int:
        return 2

    def count(self, y_pred: Array) -> int:
        return y_pred.size

    def of_logits(self, y: Array, z: Array) -> Array:
        loss: Array = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        return loss

    def of_probabilities(self, y: Array, a: Array) -> Array:
        a = _inside(a)
        return -(y * np.log(a) + (1 - y) * np.log(1 - a))

    def slope(self, y: Array, a: Array) -> Array:
        p = _inside(a)
        # where it was clipped, the loss does not change with a
        return np.where(p == a, (p - y) / (p * (1 - p)), 0)


class CategoricalCrossentropy(_CrossEntropy):
    """``C = -(1 / n) sum y ln a`` for rows ``y`` and ``a`` of class probabilities.

    With a softmax output, ``dC/dz = (a - y) / n``, which holds because each row of ``y`` sums to 1.
    Otherwise each row of outputs is divided by its sum, and the quotients ``p`` are kept `EPSILON`
    away from 0 and 1, where the slope is then 0: ``dC/da_i = (g_i - sum_j g_j p_j) / sum(a) / n``
    with ``g = -y / p``. Both are as in Keras.
    With ``from_logits=True`` the outputs are pre-activations ``z`` and ``a = softmax(z)``; then
    ``C = (1 / n) sum y_j (ln sum_k exp(z_k) - z_j)``.
    ``label_smoothing`` s, in ``[0, 1)``, takes ``y (1 - s) + s / k`` for ``y``.
    Derived: eq-cce, eq-smoothing. Counterpart: ``keras.losses.CategoricalCrossentropy``.
    """

    canonical = activations.softmax

    def compared(self, y_true: ArrayLike, y_pred: Array) -> Array:
        n, k = (*y_pred.shape, 1, 1)[:2]
        return self.targets(y_true, n, k, y_pred.dtype, "y_true")

    def targets(
        self,
        y: ArrayLike,
        n: int,
        width: int,
        dtype: DTypeLike,
        what: str = "y",
    ) -> Array:
        targets = checks.as_targets(y, n, width, dtype, what)
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

    def of_logits(self, y: Array, z: Array) -> Array:
        # one class a row, and the largest z of a sample first taken off, as in Softmax
        shifted = z.T.copy()
        with np.errstate(over="ignore"):
            shifted -= np.maximum.reduce(shifted)
        # not -inf, because 0 times that is nan
        np.maximum(shifted, np.finfo(z.dtype).min, out=shifted)
        total = np.log(np.add.reduce(np.exp(shifted)))
        # in float64: the losses of float32 logits may exceed float32
        loss: Array = np.sum(y.T * (total - shifted), axis=0, dtype=np.float64)
        return loss.T

    def of_probabilities(self, y: Array, a: Array) -> Array:
        loss: Array = -np.sum(y * np.log(_inside(_shares(a))), axis=-1)
        return loss

    def slope(self, y: Array, a: Array) -> Array:
        p = _shares(a)
        clipped = _inside(p)
        g = np.where(clipped == p, -y / clipped, 0)
        with np.errstate(all="ignore"):  # as in _shares
            slope: Array = g - np.sum(g * p, axis=-1, keepdims=True)
            slope /= np.sum(a, axis=-1, keepdims=True)
        return slope


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """``C = -(1 / n) sum ln a_y`` for class numbers ``y`` from 0 to ``k - 1``.

    Their shape is ``(n,)`` or ``(n, 1)``, that of the outputs ``(n, k)``. The same as
    `CategoricalCrossentropy` of the one-hot rows, but for outputs that are neither a softmax nor
    logits: like Keras it keeps ``a`` `EPSILON` away from 0 and 1 *before* it divides by the sum.
    Derived: eq-sparse-cce, eq-sparse-logits.
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
        labels = as_numbers(y, what)
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

    def pair(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        y_true = checks.one_label_each(y_true, y_pred)
        # (n, 1) compared with (k,) gives the one-hot rows, (n, k)
        one_hot = np.empty_like(y_pred)
        np.equal(y_true, np.arange(y_pred.shape[-1]), out=one_hot)
        return one_hot, y_pred

    def of_probabilities(self, y: Array, a: Array) -> Array:
        return self.of_logits(y, np.log(_inside(a)))

    def slope(self, y: Array, a: Array) -> Array:
        clipped = _inside(a)
        slope = 1 / np.sum(clipped, axis=-1, keepdims=True) - y / clipped
        return np.where(clipped == a, slope, 0)


def mean(pointwise: Array, weights: Array | None = None) -> float:
    """Return the mean of the losses, each sample's times its weight ``(n,)`` if there are any.

    Added up in float64: many float32 losses may exceed float32 together.
    Derived: eq-weighted-loss.
    """
    if weights is not None:
        pointwise = (pointwise.T * weights).T  # the samples are the first axis
    return float(np.mean(pointwise, dtype=np.float64))


def _inside(a: Array) -> Array:
    return np.clip(a, EPSILON, 1 - EPSILON)


def _shares(a: Array) -> Array:
    """Return the outputs divided by the sum of their row; nan, as in Keras, where that is 0."""
    with np.errstate(all="ignore"):
        shares: Array = a / np.sum(a, axis=-1, keepdims=True)
    return shares


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
    """Return a loss from its name (with default settings) or itself."""
    return checks.get(identifier, _KNOWN, Loss, "loss")
