"""Metrics: what a person wants to know, next to the loss that training needs.

A metric is any function of ``(y_true, y_pred)`` that returns a number. It sees all samples of an
epoch at once; Keras adds up batch by batch and comes to the same.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.metrics``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbook.activations import sigmoid
from nnbook.checks import (
    Array,
    Configured,
    as_numbers,
    at_least_one,
    integer,
    look_up,
    number,
    one_label_each,
    same_shape,
)

Metric = Callable[[Array, Array], float]


class NamedMetric(Configured):
    """A metric as an object: with settings, and a name for the history."""

    name: str  # by default the class's name, as Keras spells it: "mean_squared_error"

    def __init_subclass__(cls) -> None:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__)
        cls.name = vars(cls).get("name", words.lower())

    def __init__(self, name: str | None = None) -> None:
        self.name = name or type(self).name

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        """Return the metric of all samples.

        Raises:
            TypeError, ValueError: not finite numbers, or shapes that do not fit (never broadcast).
        """
        true, pred = as_numbers(y_true, "y_true"), as_numbers(y_pred, "y_pred")
        return float(self.measure(*self.pair(true, pred)))

    def pair(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return both in shapes that can be compared, or raise a ValueError."""
        return same_shape(y_true, y_pred)

    def measure(self, true: Array, pred: Array) -> Any:
        """Return the metric of arrays that have been checked."""
        raise NotImplementedError


class BinaryAccuracy(NamedMetric):
    """The share of outputs whose class, ``a > 0.5``, *equals* ``y``.

    With labels that are not 0 or 1 it never does. Counterpart: ``keras.metrics.BinaryAccuracy``.
    """

    def measure(self, true: Array, pred: Array) -> Any:
        return np.mean((pred > 0.5) == true)


class CategoricalAccuracy(NamedMetric):
    """The share of samples whose largest output stands at the largest entry of the label's row.

    Counterpart: ``keras.metrics.CategoricalAccuracy``.
    """

    def measure(self, true: Array, pred: Array) -> Any:
        return np.mean(np.argmax(pred, axis=-1) == np.argmax(true, axis=-1))


class SparseCategoricalAccuracy(NamedMetric):
    """The share of samples whose largest output stands at the class ``y``, ``(n,)`` or ``(n, 1)``.

    Counterpart: ``keras.metrics.SparseCategoricalAccuracy``.
    """

    def pair(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        return one_label_each(y_true, y_pred), y_pred

    def measure(self, true: Array, pred: Array) -> Any:
        return np.mean(np.argmax(pred, axis=-1) == true[..., 0])


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the share of samples whose class is right (eq-accuracy).

    The shapes decide, as in Keras: outputs ``(n, 1)`` or ``(n,)`` are for `BinaryAccuracy`; with
    outputs ``(n, k)``, labels ``(n,)`` or ``(n, 1)`` are for `SparseCategoricalAccuracy` and
    ``(n, k)`` for `CategoricalAccuracy`.

    Raises:
        TypeError, ValueError: not finite numbers, or shapes that do not fit (never broadcast).

    >>> accuracy([[1.0], [0.0], [0.3]], [[0.9], [0.2], [0.3]])  # 0.3 is no class
    0.6666666666666666
    """
    true, pred = as_numbers(y_true, "y_true"), as_numbers(y_pred, "y_pred")
    kind: type[NamedMetric] = CategoricalAccuracy
    if pred.ndim < 2 or pred.shape[-1] == 1:
        kind = BinaryAccuracy
    elif true.ndim < pred.ndim or true.shape[-1] == 1:
        kind = SparseCategoricalAccuracy
    metric = kind()
    return float(metric.measure(*metric.pair(true, pred)))


class MeanSquaredError(NamedMetric):
    """``(1 / n k) sum (y_pred - y_true)²``. Counterpart: ``keras.metrics.MeanSquaredError``."""

    def measure(self, true: Array, pred: Array) -> Any:
        return np.mean(np.square(pred - true), dtype=np.float64)


class MeanAbsoluteError(NamedMetric):
    """``(1 / n k) sum |y_pred - y_true|``. Counterpart: ``keras.metrics.MeanAbsoluteError``."""

    def measure(self, true: Array, pred: Array) -> Any:
        return np.mean(np.abs(pred - true), dtype=np.float64)


class Precision(NamedMetric):
    """``TP / (TP + FP)``: of the outputs above the threshold, the share that should be there.

    A label other than 0 counts as 1. Where no output is above, 0 as in Keras.
    Derived: eq-precision. Counterpart: ``keras.metrics.Precision``.

    Args:
        thresholds: one number in ``[0, 1]``, None for 0.5; with logits, 0.
        name: for the history.
    """

    def __init__(
        self, thresholds: float | None = None, *, name: str | None = None
    ) -> None:
        super().__init__(name)
        self.thresholds = 0.5
        if thresholds is not None:
            self.thresholds = number(thresholds, "thresholds", low=0)
        if self.thresholds > 1:
            raise ValueError(
                f"thresholds must be at most 1. Received {thresholds}."
            )

    def measure(self, true: Array, pred: Array) -> Any:
        chosen = pred > self.thresholds
        return _share(np.sum(chosen & (true != 0)), np.sum(chosen))


class Recall(Precision):
    """``TP / (TP + FN)``: of the labels 1, the share whose output is above the threshold.

    Arguments and errors as in `Precision`; where no label is 1, 0 as in Keras.
    Derived: eq-recall. Counterpart: ``keras.metrics.Recall``.
    """

    def measure(self, true: Array, pred: Array) -> Any:
        wanted = true != 0
        return _share(np.sum(wanted & (pred > self.thresholds)), wanted.sum())


class AUC(NamedMetric):
    """The area under the ROC curve: recall over the share of false positives.

    The curve is drawn through the points of ``num_thresholds`` thresholds ``t``, evenly spaced from
    just below 0 to 1, at each of which outputs ``a > t`` count as positive. Outputs are cut off at
    0 and 1. With labels of one kind only, 0 as in Keras. Counterpart: ``keras.metrics.AUC``.

    Args:
        num_thresholds: at least 2.
        name: for the history.
        from_logits: whether the outputs are pre-activations of a sigmoid.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        *,
        name: str | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        self.num_thresholds = integer(num_thresholds, "num_thresholds", 2)
        self.from_logits = bool(from_logits)

    def measure(self, true: Array, pred: Array) -> Any:
        if self.from_logits:
            pred = sigmoid(pred)
        # the last threshold that an output is above
        steps = self.num_thresholds - 1
        last = np.ceil(np.clip(pred, 0, 1) * steps).astype(np.intp) - 1
        last = np.maximum(last, 0)  # the first threshold is below 0
        positive = true != 0

        def rate(kind: NDArray[np.bool_]) -> Array:
            """Return the share of these samples above each threshold."""
            count = np.bincount(last[kind], minlength=self.num_thresholds)
            above = np.cumsum(count[::-1])[::-1]
            rates: Array = above / max(above[0], 1)
            return rates

        x, y = rate(~positive), rate(positive)
        return np.sum((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2)


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, num_classes: int | None = None
) -> NDArray[np.intp]:
    """Return how many samples of class ``i`` were taken for class ``j``, at row i and column j.

    Derived: eq-confusion.

    Args:
        y_true: class numbers ``(n,)`` or ``(n, 1)``, or one-hot rows ``(n, k)``.
        y_pred: class numbers, or rows of outputs ``(n, k)``, where the largest tells the class.
        num_classes: the number of rows and columns; None: as many as are seen.

    Raises:
        TypeError, ValueError: not one class number a sample, or one of ``num_classes`` and above.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0])
    array([[1, 0],
           [1, 1]])
    """
    true, pred = _classes(y_true, "y_true"), _classes(y_pred, "y_pred")
    if len(true) != len(pred):
        raise ValueError(
            "y_true and y_pred must have the same number of samples. "
            f"Received {len(true)} and {len(pred)}."
        )
    seen = int(max(true.max(), pred.max())) + 1
    k = seen
    if num_classes is not None:
        k = at_least_one(num_classes, "num_classes")
    if seen > k:
        raise ValueError(
            f"num_classes={k} expected classes 0 to {k - 1}. Received {seen - 1}."
        )
    matrix = np.zeros((k, k), np.intp)
    np.add.at(matrix, (true, pred), 1)
    return matrix


def _classes(values: ArrayLike, what: str) -> NDArray[np.intp]:
    """Return class numbers ``(n,)``, of rows the place of the largest."""
    numbers = as_numbers(values, what)
    if numbers.ndim == 2 and numbers.shape[1] > 1:
        classes: NDArray[np.intp] = np.argmax(numbers, axis=1)
        return classes
    if numbers.shape not in ((numbers.size,), (numbers.size, 1)):
        raise ValueError(
            f"{what} must hold one class number or one row a sample. "
            f"Received shape {numbers.shape}."
        )
    if (numbers % 1 != 0).any() or (numbers < 0).any():
        raise ValueError(
            f"{what} must hold whole class numbers from 0. Received {numbers.min():g} to "
            f"{numbers.max():g}. Of outputs of a sigmoid take {what} > 0.5."
        )
    return numbers.ravel().astype(np.intp)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


_KNOWN: dict[str, Metric] = {"accuracy": accuracy, "acc": accuracy}
_KNOWN |= {
    name: metric
    for metric, names in (
        (AUC(), ""),
        (BinaryAccuracy(), ""),
        (CategoricalAccuracy(), ""),
        (MeanAbsoluteError(), "mae MAE"),
        (MeanSquaredError(), "mse MSE"),
        (Precision(), ""),
        (Recall(), ""),
        (SparseCategoricalAccuracy(), ""),
    )
    for name in (type(metric).__name__, metric.name, *names.split())
}


def get(
    identifiers: str | NamedMetric | Sequence[str | NamedMetric] | None,
) -> dict[str, Metric]:
    """Return the metrics by the names they were asked for, in that order.

    An object goes by its own name. A second metric of one name becomes ``name_1``, as in Keras.

    Raises:
        ValueError: unknown name (the known ones are listed).
        TypeError: not a name or a metric, or a list of them.
    """
    if identifiers is None:
        return {}
    if isinstance(identifiers, str | NamedMetric):
        identifiers = [identifiers]
    if not isinstance(identifiers, Sequence) or not all(
        isinstance(one, str | NamedMetric) for one in identifiers
    ):
        raise TypeError(
            "metrics must be a list of names such as ['accuracy'], or of metrics of nnbook. "
            f"Received {identifiers!r}."
        )
    found: dict[str, Metric] = {}
    names: list[str] = []
    for one in identifiers:
        names.append(one if isinstance(one, str) else one.name)
        before = names.count(names[-1]) - 1
        metric = (
            look_up(one, _KNOWN, "metric") if isinstance(one, str) else one
        )
        found[f"{names[-1]}_{before}" if before else names[-1]] = metric
    return found
