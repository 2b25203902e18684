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


def test_above_a_threshold_of_one_there_is_no_output() -> None:
    assert metrics.Precision(1)([1, 1], [1.0, 0.5]) == metrics.Recall(1)([1, 1], [1.0, 0.5]) == 0


def test_the_area_with_a_single_sample_of_a_kind() -> None:
    """Hand-counted: the share of pairs, one of each kind, in which the 1 has the larger output."""
    assert metrics.AUC()([1, 0, 0], [0.9, 0.1, 0.2]) == 1
    assert metrics.AUC()([0, 1, 1], [0.9, 0.1, 0.2]) == 0
    assert metrics.AUC()([1, 0, 0], [0.5, 0.1, 0.9]) == 0.5
    assert metrics.AUC(2)([1, 0], [0.9, 0.1]) == 0.5  # two thresholds do not part them
    assert metrics.AUC(from_logits=True)([1, 0, 0], [5.0, -5.0, -0.5]) == 1
    assert metrics.AUC()([1, 0, 0], [1e30, -1e30, 0.9]) == 1  # cut off at 0 and 1


def test_classes_may_be_numbers_columns_or_rows() -> None:
    expected = [[1, 0, 0], [1, 0, 1], [0, 0, 0]]
    true, pred = [0, 1, 1], [0, 0, 2]
    for y in (true, [[t] for t in true], np.eye(3)[true]):
        for a in (pred, [[p] for p in pred], np.eye(3)[pred] * 0.7):
            assert metrics.confusion_matrix(y, a).tolist() == expected
    rows = [[0.9, 0.1], [0.2, 0.8]]  # as few as two columns are outputs, not class numbers
    assert metrics.confusion_matrix(np.eye(2), rows).tolist() == [[1, 0], [0, 1]]
    larger = metrics.confusion_matrix(true, pred, num_classes=4)
    assert larger.shape == (4, 4)
    assert larger[:3, :3].tolist() == expected
    assert metrics.confusion_matrix([0], [0]).tolist() == [[1]]


def test_names_of_metrics_are_theirs_unless_given() -> None:
    for kind in (metrics.AUC, metrics.Precision, metrics.Recall, metrics.BinaryAccuracy):
        assert kind().name == kind.name
        assert kind(name="mine").name == "mine"
    assert list(metrics.get([metrics.AUC(), "auc", metrics.AUC(name="b")])) == ["auc", "auc_1", "b"]


def test_classes_are_along_the_last_axis_however_many_there_are() -> None:
    rng = np.random.default_rng(0)
    classes, outputs = rng.integers(0, 4, (5, 3, 1)), rng.random((5, 3, 4))
    rows, flat = np.eye(4)[classes[..., 0]], outputs.reshape(15, 4)
    share = float(np.mean(flat.argmax(axis=1) == classes.ravel()))
    assert 0 < share < 1
    assert metrics.CategoricalAccuracy()(rows, outputs) == share
    assert metrics.SparseCategoricalAccuracy()(classes, outputs) == share
    assert accuracy(rows, outputs) == accuracy(classes, outputs) == share


def test_the_area_of_logits_is_that_of_their_sigmoids() -> None:
    z = np.array([-3.0, -0.5, 0.2, 0.4, 2.0, -1.0])
    y = np.array([0, 1, 0, 1, 1, 0])
    logits, probabilities = metrics.AUC(from_logits=True), metrics.AUC()
    assert (logits.from_logits, probabilities.from_logits) == (True, False)
    assert logits(y, z) == probabilities(y, 1 / (1 + np.exp(-z))) != probabilities(y, z)


def test_a_metric_of_ones_own_is_named_by_its_class_or_as_it_says() -> None:
    class TrueShare(metrics.NamedMetric):
        pass

    class Other(metrics.NamedMetric):
        name = "mine"

    class Heir(Other):
        pass

    assert [kind.name for kind in (TrueShare, Other, Heir)] == ["true_share", "mine", "heir"]
    assert (TrueShare().name, Other().name, Other("yours").name) == ("true_share", "mine", "yours")


def test_each_more_of_a_name_counts_on() -> None:
    found = metrics.get(["auc", "mse", "auc", "mse", "auc"])
    assert list(found) == ["auc", "mse", "auc_1", "mse_1", "auc_2"]


def test_many_float32_errors_may_exceed_float32_together() -> None:
    zeros = np.zeros((8, 1), np.float32)
    assert metrics.MeanAbsoluteError()(zeros, zeros + np.float32(3e38)) == pytest.approx(3e38)
    assert metrics.MeanSquaredError()(zeros, zeros + np.float32(1.5e19)) == pytest.approx(2.25e38)
