"""Weights of samples and classes, beside Keras; and Flatten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, keras_bridge, losses
from nnbook.gradcheck import gradient_error
from nnbook.layers import Activation, Dense, Dropout, Flatten
from tests.keras_side import keras

RNG = np.random.default_rng(0)
N, K = 20, 3
X = RNG.normal(size=(N, 4))
CLASSES = RNG.integers(0, K, N)
W = RNG.uniform(0, 3, N)
TARGETS: dict[str, tuple[Any, str]] = {
    "mean_squared_error": (RNG.normal(size=(N, K)), "linear"),
    "mean_absolute_error": (RNG.normal(size=(N, K)), "tanh"),
    "huber": (RNG.normal(size=(N, K)), "linear"),
    "binary_crossentropy": (RNG.integers(0, 2, (N, K)), "sigmoid"),
    "categorical_crossentropy": (np.eye(K)[CLASSES], "softmax"),
    "sparse_categorical_crossentropy": (CLASSES, "softmax"),
}


def net(loss: Any, last: str, k: int = K) -> Sequential:
    model = Sequential([Input((4,)), Dense(5, "tanh"), Dense(k, last)], seed=0, dtype="float64")
    model.compile("sgd", loss, metrics=["mae"])
    return model


@pytest.mark.parametrize("loss", TARGETS)
def test_sample_weights_in_fit_and_evaluate_as_in_keras(loss: str) -> None:
    y, last = TARGETS[loss]
    model = net(loss, last)
    if loss.startswith("sparse"):
        model.compile("sgd", loss, metrics=["accuracy"])
    with keras_bridge.floatx("float64"):
        twin = keras_bridge.to_keras(model)
        settings: dict[str, Any] = {"epochs": 3, "batch_size": 8, "shuffle": False, "verbose": 0}
        data: dict[str, Any] = {"validation_data": (X[:7], y[:7], W[:7])}
        ours = model.fit(X, y, sample_weight=W, **data, **settings).history
        theirs = twin.fit(X, y, sample_weight=W, **data, **settings).history
        assert set(ours) == set(theirs)
        for name, values in ours.items():
            np.testing.assert_allclose(values, theirs[name], rtol=1e-6, err_msg=name)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        np.testing.assert_allclose(
            np.array(model.evaluate(X, y, sample_weight=W, verbose=0)),
            twin.evaluate(X, y, sample_weight=W, verbose=0, batch_size=N),
            rtol=1e-6,
        )
        np.testing.assert_allclose(
            np.array(model.train_on_batch(X, y, W)), twin.train_on_batch(X, y, W), rtol=1e-6
        )
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        value = getattr(keras().losses, type(model.loss).__name__)()(
            y, model.predict(X, verbose=0), sample_weight=W
        )
    assert model.loss(y, model.predict(X, verbose=0), W) == pytest.approx(float(value), rel=1e-6)


@pytest.mark.parametrize("loss", ["binary_crossentropy", *list(TARGETS)[-2:]])
@pytest.mark.parametrize("validation_split", [0.0, 0.25])
def test_class_weights_as_in_keras(loss: str, validation_split: float) -> None:
    y, last = TARGETS[loss]
    k = K
    if loss == "binary_crossentropy":
        y, k = y[:, :1], 1
    model = net(loss, last, k)
    model.compile("sgd", loss)
    weights = {0: 2.5, 2: 0.25}  # none for class 1
    with keras_bridge.floatx("float64"):
        twin = keras_bridge.to_keras(model)
        settings: dict[str, Any] = {
            "epochs": 2,
            "batch_size": 8,
            "shuffle": False,
            "verbose": 0,
            "class_weight": weights,
            "validation_split": validation_split,
        }
        ours = model.fit(X, y, **settings).history
        theirs = twin.fit(X, y, **settings).history
        np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-6)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        model.train_on_batch(X, y, class_weight=weights)
        twin.train_on_batch(X, y, class_weight=weights)
        assert keras_bridge.largest_difference(model, twin) < 1e-12


@pytest.mark.parametrize("loss", TARGETS)
def test_a_weight_is_worth_so_many_copies(loss: str) -> None:
    """With weights 0, 1, 2 the loss times n is that of the samples so often, and so its slope."""
    y, last = TARGETS[loss]
    model = net(loss, last)
    model.metrics = {}
    times = RNG.integers(0, 3, N)
    weighted, slope = model.loss_and_grad(X, y, times)
    again = np.repeat(np.arange(N), times)
    copies, slope_of_copies = model.loss_and_grad(X[again], y[again])
    assert weighted * N == pytest.approx(copies * len(again), rel=1e-12)
    np.testing.assert_allclose(slope * N, slope_of_copies * len(again), rtol=1e-9, atol=1e-12)


def test_weights_follow_their_samples_when_these_are_shuffled() -> None:
    """A sample of weight 0 must not be seen, wherever it lands."""
    y = TARGETS["mean_squared_error"][0]
    model, other = net("mse", "linear"), net("mse", "linear")
    w = (np.arange(N) % 2).astype(float)
    spoilt = np.where(w[:, None] == 0, 99.0, X)
    for one, x in ((model, X), (other, spoilt)):
        one.fit(x, y, sample_weight=w, epochs=3, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.theta, other.theta)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"sample_weight": W[:5]}, ValueError, r"shape \(20,\). Received \(5,\)"),
        ({"sample_weight": np.ones((N, 2))}, ValueError, r"one number a sample"),
        ({"sample_weight": np.full(N, np.nan)}, ValueError, "sample_weight must be finite"),
        ({"sample_weight": ["a"] * N}, TypeError, "sample_weight must hold real numbers"),
        ({"class_weight": [1, 2]}, TypeError, "must be a dict such as"),
        ({"class_weight": {0: -1}}, ValueError, r"class_weight\[0\] must be at least 0"),
        ({"class_weight": {0: 1}, "sample_weight": W}, ValueError, "Only one of"),
    ],
)
def test_wrong_weights(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    y = TARGETS["mean_squared_error"][0]
    model = net("mse", "linear")
    before = model.theta.copy()
    for method in (model.fit, model.train_on_batch):
        with pytest.raises(error, match=says):
            method(X, y, **arguments)
    np.testing.assert_array_equal(model.theta, before)
    with pytest.raises(ValueError, match=r"sample_weight must hold one number a sample"):
        losses.MeanSquaredError()(y, y, [1.0])


# --- Flatten ----------------------------------------------------------------------------------

IMAGES = RNG.normal(size=(N, 2, 3))


def image_net(*layers: Any) -> Sequential:
    model = Sequential(
        [Input((2, 3)), Flatten(), *layers, Dense(K, "softmax")], seed=0, dtype="float64"
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_flatten_trains_as_in_keras_and_back() -> None:
    model = image_net(Dense(4, "tanh"))
    with keras_bridge.floatx("float64"):
        twin = keras_bridge.to_keras(model)
        for one in (model, twin):
            one.fit(IMAGES, CLASSES, epochs=3, shuffle=False, verbose=0, validation_split=0.25)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        np.testing.assert_allclose(
            model.predict(IMAGES, verbose=0), twin.predict(IMAGES, verbose=0), rtol=1e-12
        )
        back = keras_bridge.from_keras(twin)
    assert back.input_shape == (2, 3)
    assert keras_bridge.largest_difference(back, twin) == 0


def test_flatten_only_changes_the_shape() -> None:
    model = image_net()
    rows = Sequential([Input((6,)), Dense(K, "softmax")], seed=0, dtype="float64")
    rows.compile("sgd", "sparse_categorical_crossentropy")
    flat = IMAGES.reshape(N, 6)
    for x, one in ((IMAGES, model), (flat, rows)):
        one.fit(x, CLASSES, verbose=0)
    np.testing.assert_array_equal(model.theta, rows.theta)
    assert gradient_error(model, IMAGES, CLASSES) < 1e-6


def test_flatten_by_hand_goes_forward_and_back() -> None:
    layer = Flatten()
    x = IMAGES.copy()
    a = layer.forward(x)
    np.testing.assert_array_equal(a, IMAGES.reshape(N, 6))
    a[:] = 0
    np.testing.assert_array_equal(x, IMAGES)  # a copy
    dx = layer.backward(np.arange(6.0 * N).reshape(N, 6))
    np.testing.assert_array_equal(dx, np.arange(6.0 * N).reshape(IMAGES.shape))
    assert layer.backward(a, input_grad=False) is None


def test_flatten_later_in_a_model_changes_nothing_and_a_model_may_wait_for_images() -> None:
    model = Sequential([Flatten(), Dense(2), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert not model.built
    model.fit(IMAGES, np.ones(N), verbose=0)
    assert model.input_shape == (2, 3)
    assert model.layers[1].n_in == 6
    assert model.predict(IMAGES, verbose=0).shape == (N, 1)
    with pytest.raises(ValueError, match=r"expected inputs of shape \(n, 2, 3\)"):
        model.predict(IMAGES[:, :1], verbose=0)
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 3\). Received 6 features"):
        model.build((None, 6))


@pytest.mark.parametrize("first", [Dense(2), Activation("relu"), Dropout(0.5)])
def test_images_need_a_flatten_first(first: Any) -> None:
    with pytest.raises(ValueError, match=r"Put Flatten\(\) first"):
        Sequential([Input((2, 3)), first])
    with pytest.raises(ValueError, match=r"expected inputs of shape \(n, \.\.\.\)"):
        Flatten().forward(np.ones(3))
