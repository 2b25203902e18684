"""The metrics beside Keras: by hand, by name in ``compile``, and through the history of a fit.

Keras counts in its float type, here float64, so counts and shares agree to 1e-12.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnbook import Input, Sequential, keras_bridge, metrics
from nnbook.checks import Array
from nnbook.layers import Dense
from nnbook.metrics import AUC, NamedMetric, Precision, Recall, accuracy, confusion_matrix
from nnbook.optimizers import SGD
from tests.keras_side import keras
from tests.test_errors import check

NEAR = 1e-12
BINARY: tuple[NamedMetric, ...] = (
    metrics.BinaryAccuracy(),
    metrics.MeanSquaredError(),
    metrics.MeanAbsoluteError(),
    Precision(),
    Precision(0.25),
    Precision(0),
    Recall(),
    Recall(0.75),
    AUC(),
    AUC(2),
    AUC(5),
    AUC(from_logits=True),
)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 3))
# 0.25, 0.5 and 0.75 stand on thresholds
outputs = st.floats(0, 1, allow_subnormal=False) | st.sampled_from(
    [0.0, 1e-9, 0.25, 0.5, 0.75, 1 - 1e-9, 1.0]
)


def name(piece: NamedMetric) -> str:
    return f"{type(piece).__name__}{piece.get_config()}"


def theirs(metric: NamedMetric, y: Array, a: Array) -> float:
    """Return Keras's result for the same metric, added up over two batches."""
    with keras_bridge.floatx("float64"):
        twin = keras_bridge._metric_to_keras(metric.name, metric, keras())
        for part in (slice(0, 2), slice(2, None)):
            if len(y[part]):
                twin.update_state(y[part], a[part])
        return float(twin.result())


@pytest.mark.parametrize("metric", BINARY, ids=name)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_metric_of_outputs(metric: NamedMetric, data: Any) -> None:
    shape = data.draw(shapes)
    labels = st.sampled_from([0.0, 1.0, 1.0, 0.3])
    y = data.draw(arrays(np.float64, shape, elements=labels))
    logits = isinstance(metric, AUC) and metric.from_logits
    a = data.draw(arrays(np.float64, shape, elements=st.floats(-30, 30) if logits else outputs))
    ours = metric(y, a)
    assert type(ours) is float
    assert ours == pytest.approx(theirs(metric, y, a), rel=NEAR, abs=1e-15)


def test_auc_of_many_outputs_and_of_those_outside_0_and_1() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (2000, 1)).astype(float)
    a = np.clip(rng.normal(0.4 + 0.2 * y, 0.3), -0.5, 1.5)
    for metric in (AUC(), AUC(3), AUC(1000)):
        assert metric(y, a) == pytest.approx(theirs(metric, y, a), rel=NEAR)
    assert 0.6 < AUC()(y, a) < 0.75
    assert AUC()(y, y) == 1
    assert AUC()(y, 1 - y) == 0


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_accuracy_of_classes_with_ties(data: Any) -> None:
    n, k = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 4))
    few = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    a = data.draw(arrays(np.float64, (n, k), elements=few))
    labels = data.draw(arrays(np.int64, (n, 1), elements=st.integers(0, k - 1)))
    rows = data.draw(arrays(np.float64, (n, k), elements=few))
    sparse, categorical = metrics.SparseCategoricalAccuracy(), metrics.CategoricalAccuracy()
    expected = theirs(sparse, labels.astype(float), a)
    for y in (labels, labels[:, 0]):
        assert accuracy(y, a) == sparse(y, a) == pytest.approx(expected, rel=NEAR)
    expected = theirs(categorical, rows, a)
    assert accuracy(rows, a) == categorical(rows, a) == pytest.approx(expected, rel=NEAR)


NAMES = (
    *("accuracy", "acc", "mse", "MSE", "mae", "MAE", "Precision", "precision", "Recall", "recall"),
    *("mean_squared_error", "mean_absolute_error", "MeanSquaredError", "MeanAbsoluteError"),
)
KINDS = {
    "binary": (1, "sigmoid", "binary_crossentropy", (*NAMES, "AUC", "auc", "binary_accuracy")),
    "categorical": (
        *(3, "softmax", "categorical_crossentropy"),
        (*NAMES, "auc", "categorical_accuracy", "CategoricalAccuracy", "BinaryAccuracy"),
    ),
    "sparse": (
        *(3, "softmax", "sparse_categorical_crossentropy"),
        ("accuracy", "acc", "sparse_categorical_accuracy", "SparseCategoricalAccuracy"),
    ),
}


def model_and_data(kind: str, chosen: Any) -> tuple[Sequential, Array, Any]:
    width, output, loss, _ = KINDS[kind]
    model = Sequential(
        [Input(shape=(4,)), Dense(5, activation="tanh"), Dense(width, activation=output)],
        seed=3,
        dtype="float64",
    )
    model.compile(SGD(0.3), loss, metrics=chosen)
    x = np.random.default_rng(1).normal(size=(70, 4))
    labels = np.argmax(x[:, : max(width, 2)], axis=1)
    y: Any = {"binary": labels[:, None], "categorical": np.eye(3)[labels]}.get(kind, labels)
    return model, x, y


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_has_the_history_of_keras(kind: str) -> None:
    names = KINDS[kind][3]
    with keras_bridge.floatx("float64"):
        model, x, y = model_and_data(kind, names)
        twin = keras_bridge.to_keras(model)
        # the names themselves, so that Keras chooses what they mean
        sgd = keras().optimizers.SGD(0.3)
        twin.compile(sgd, KINDS[kind][2], metrics=list(names))
        orders = keras_bridge.sample_orders(model, 60, 4)
        expected = keras_bridge.fit_in_orders(
            twin, x[:60], y[:60], orders, batch_size=16, validation_data=(x[60:], y[60:])
        )
        ours = model.fit(x[:60], y[:60], 16, 4, validation_data=(x[60:], y[60:]), verbose=0).history
    assert list(ours) == list(expected)
    for key in ours:
        np.testing.assert_allclose(ours[key], expected[key], rtol=0, atol=NEAR, err_msg=key)
    assert len(set(ours["accuracy"])) > 1


def test_objects_have_the_names_and_values_of_keras() -> None:
    chosen = [Precision(), Recall(0.25), AUC(50), AUC(20, name="rough"), metrics.BinaryAccuracy()]
    with keras_bridge.floatx("float64"):
        model, x, y = model_and_data("binary", chosen)
        twin = keras_bridge.to_keras(model)
        ours = model.evaluate(x, y, verbose=0, return_dict=True)
        expected = twin.evaluate(x, y, verbose=0, return_dict=True)
    assert isinstance(ours, dict)
    assert list(ours) == list(expected)
    assert set(ours) == {"loss", "precision", "recall", "auc", "rough", "binary_accuracy"}
    for key in ours:
        assert ours[key] == pytest.approx(expected[key], rel=NEAR), key


def test_a_second_metric_of_one_name_gets_a_number() -> None:
    one, two, three = Precision(), Precision(0.25), Precision(0.75)
    found = metrics.get([one, two, "accuracy", three])
    assert list(found) == ["precision", "precision_1", "accuracy", "precision_2"]
    assert found["precision_2"] is three
    assert metrics.get(one) == {"precision": one}


@pytest.mark.parametrize("metric", BINARY, ids=name)
def test_the_bridge_carries_metrics_both_ways(metric: NamedMetric) -> None:
    back = keras_bridge._metric_from_keras(keras_bridge._metric_to_keras("m", metric, keras()))
    assert type(back) is type(metric)
    assert back.get_config() == metric.get_config() | {"name": "m"}


def test_the_bridge_refuses_a_metric_or_setting_that_nnbook_does_not_have() -> None:
    with pytest.raises(TypeError, match=r"nnbook.metrics has no F1Score"):
        keras_bridge._metric_from_keras(keras().metrics.F1Score())
    for twin, says in (
        (keras().metrics.AUC(curve="PR"), "no curve"),
        (keras().metrics.Precision(class_id=1), "no class_id"),
        (keras().metrics.BinaryAccuracy(threshold=0.3), "no threshold"),
    ):
        with pytest.raises(ValueError, match=says):
            keras_bridge._metric_from_keras(twin)


# --- the confusion matrix ---------------------------------------------------------------------


def test_confusion_matrix_has_the_true_classes_in_its_rows() -> None:
    y, a = [1, 2, 4, 4], [2, 2, 4, 0]
    expected = np.asarray(
        keras().src.metrics.metrics_utils.confusion_matrix(np.array(y), np.array(a), 5)
    )
    rows = np.eye(5)
    for true in (y, np.array(y)[:, None], rows[y]):
        for pred in (a, np.array(a, float)[:, None], rows[a] * 0.4 + 0.1):
            found = confusion_matrix(true, pred)
            assert np.array_equal(found, expected)
            assert found.dtype.kind == "i"
    assert confusion_matrix(y, a, num_classes=7).shape == (7, 7)
    assert confusion_matrix([[True], [False]], [[True], [True]]).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("y", "a", "k", "error", "says"),
    [
        ([0, 1], [0], None, ValueError, "same number of samples. Received 2 and 1"),
        ([0, 3], [0, 1], 3, ValueError, "num_classes=3 expected classes 0 to 2. Received 3"),
        ([0, 1], [0.2, 0.9], None, ValueError, "y_pred must hold whole .* take y_pred > 0.5"),
        ([0, -1], [0, 1], None, ValueError, "y_true must hold whole class numbers from 0"),
        ([[[0]]], [0], None, ValueError, "y_true must hold one class number or one row a sample"),
        (0, [0], None, ValueError, r"Received shape \(\)"),
        ([0], [0], 0, ValueError, "num_classes must be at least 1"),
        ([0], ["a"], None, TypeError, "y_pred must hold real numbers"),
    ],
)
def test_wrong_classes(y: Any, a: Any, k: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        confusion_matrix(y, a, k)


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [*BINARY, accuracy, metrics.SparseCategoricalAccuracy()])
def test_shapes_are_never_broadcast(metric: Any) -> None:
    for y, a in (((6,), (5, 3)), ((6, 1), (1, 6)), ((6, 2), (6, 3)), ((1,), (6, 1)), ((), (6, 2))):
        with pytest.raises(ValueError, match="Received y_true"):
            metric(np.zeros(y), np.zeros(a))
    with pytest.raises(ValueError, match="y_pred must be finite"):
        metric([[1.0]], [[np.nan]])


@pytest.mark.parametrize("chosen", ["mse", "precision", "auc"])
def test_a_metric_that_cannot_compare_the_targets_says_so_before_training(chosen: str) -> None:
    model, x, y = model_and_data("sparse", [chosen])
    says = ("y_true and y_pred must have the same shape",)
    check(model, (lambda m: m.fit(x, y, verbose=0), ValueError, says))
    check(model, (lambda m: m.evaluate(x, y, verbose=0), ValueError, says))


@pytest.mark.parametrize(
    ("make", "value", "error", "says"),
    [
        (Precision, 1.5, ValueError, "thresholds must be at most 1. Received 1.5"),
        (Recall, -0.1, ValueError, "thresholds must be at least 0"),
        (Precision, [0.1, 0.2], TypeError, "thresholds must be a number"),
        (AUC, 1, ValueError, "num_thresholds must be at least 2. Received 1"),
        (AUC, 2.5, TypeError, "num_thresholds must be an integer"),
    ],
)
def test_wrong_settings(make: Any, value: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(value)
