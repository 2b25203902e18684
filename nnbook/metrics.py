"""Metrics: what a person wants to know, next to the loss that training needs.

Counterpart: ``keras.metrics``.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from nnbook.checks import Array, as_numbers, look_up, same_shape

Metric = Callable[[Array, Array], float]


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the share of samples whose class is right (eq-accuracy), for shapes ``(n, k)``.

    One output per sample: the predicted class is ``a > 0.5``, and it is right where it *equals*
    ``y_true``; with labels that are not 0 or 1 it never does (``keras.metrics.BinaryAccuracy``).
    Several outputs: right where the largest output stands at the largest entry of the one-hot label
    (``keras.metrics.CategoricalAccuracy``).

    Raises:
        TypeError, ValueError: not finite numbers, or shapes that differ (never broadcast).

    >>> accuracy([[1.0], [0.0], [0.3]], [[0.9], [0.2], [0.3]])  # 0.3 is no class
    0.6666666666666666
    """
    true, pred = same_shape(
        as_numbers(y_true, "y_true"), as_numbers(y_pred, "y_pred")
    )
    if true.ndim < 2 or true.shape[-1] == 1:
        return float(np.mean((pred > 0.5) == true))
    return float(np.mean(np.argmax(pred, axis=-1) == np.argmax(true, axis=-1)))


_KNOWN: dict[str, Metric] = {"accuracy": accuracy, "acc": accuracy}


def get(identifiers: str | Sequence[str] | None) -> dict[str, Metric]:
    """Return the metrics by the names they were asked for, in that order.

    Raises:
        ValueError: unknown name (the known ones are listed).
        TypeError: not a name or a list of names.
    """
    if identifiers is None:
        return {}
    names = [identifiers] if isinstance(identifiers, str) else identifiers
    if not isinstance(names, Sequence) or not all(
        isinstance(name, str) for name in names
    ):
        raise TypeError(
            f"metrics must be a list of names such as ['accuracy']. Received {identifiers!r}."
        )
    return {name: look_up(name, _KNOWN, "metric") for name in names}
