"""Metrics: accuracy as Keras counts it."""

from __future__ import annotations

import numpy as np
import pytest

from nnbook import metrics
from nnbook.metrics import accuracy


@pytest.mark.parametrize(
    ("y_true", "y_pred", "expected"),
    [
        ([[1], [0], [1], [0]], [[0.9], [0.1], [0.2], [0.8]], 0.5),
        ([[1], [0], [0]], [[0.5], [0.5], [0.5]], 2 / 3),  # exactly one half is class 0
        ([[1], [0]], [[0.5000001], [0.4999999]], 1.0),
        ([[0.3], [0.9]], [[0.3], [0.9]], 0.0),  # labels that are no classes are never met
        ([1, 0, 1], [[0.9], [0.1], [0.2]], 2 / 3),
        ([[0, 0, 1], [1, 0, 0]], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], 0.5),
    ],
)
def test_accuracy(y_true: list[float], y_pred: list[float], expected: float) -> None:
    result = accuracy(y_true, y_pred)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-15)


def test_accuracy_of_random_real_labels_is_zero() -> None:
    rng = np.random.default_rng(0)
    assert accuracy(rng.random((1000, 1)), rng.random((1000, 1))) == 0


def test_get_keeps_names_and_order() -> None:
    assert metrics.get(None) == metrics.get([]) == {}
    assert metrics.get("accuracy") == {"accuracy": accuracy}
    assert list(metrics.get(["acc", "accuracy"])) == ["acc", "accuracy"]
